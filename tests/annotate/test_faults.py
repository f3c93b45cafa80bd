"""Faults between a dataset and a real server: no task twice, no label lost or invented, and clear words."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import replace

import httpx
import psutil
import pytest

from annotate.proxy import Instead, between
from annotate.test_push_pull import PHOTOGRAPHS, annotate, box, events, labels, predict, pull, push, tasks_of
from rushes.annotate.label_studio import access, places
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.plan import Task
from rushes.annotate.label_studio.sending import send
from rushes.errors import ToolError
from rushes.store import Store
from rushes.workflow._annotate.project import Line

pytestmark = pytest.mark.live
PAGE = b"<html><body>Please log in</body></html>"
HTML = {"Content-Type": "text/html; charset=utf-8"}


def started(arguments, served, *, limit=None, through=None):
    """Start our command line as a process of its own, whose files may grow to a limit."""
    code = "import sys, resource; limit = int(sys.argv.pop(1)); limit >= 0 and "
    code += "resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)); from rushes.cli._main import main; main()"
    environment = os.environ | {places.HOME_VARIABLE: str(served.home.root)}
    if through is not None:
        environment[access.TOKEN_VARIABLE] = served.access.token
        arguments = [*arguments, "--url", through.url, "--media", str(served.home.media)]
    return subprocess.Popen(
        [sys.executable, "-c", code, str(-1 if limit is None else limit), "annotate", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process):
    """Wait for a process; gives its exit code and all that it said, which never is a traceback."""
    try:
        out, err = process.communicate(timeout=200)
    finally:
        process.kill()
    assert "Traceback" not in err, err
    return process.returncode, out + err


def pushing(dataset, *more):
    return ["push", dataset, "--template", "hands", "--ontology", "hands", "--where", PHOTOGRAPHS, *more]


def keys_of(client, dataset):
    """Keys of all tasks in all projects of a dataset."""
    identity = Store.open(dataset).identity
    marked = [p.id for p in client.projects() if f"rushes:{identity}:" in p.description]
    return len(marked), sorted(row.key for number in marked for row in client.index(number))


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [
        (Instead(502, PAGE, HTML), "labelstudio.failing", "fails (502), 4 times on end"),
        (Instead(429, b"{}", {"Retry-After": "0"}), "labelstudio.failing", "has too much to do (429)"),
        (Instead(200, PAGE, HTML), "labelstudio.foreign", "it gave text/html in place of JSON"),
        (Instead(200, b"[]", {"Content-Type": "application/json"}), "labelstudio.foreign", "without 'results'"),
        (Instead(404, PAGE, HTML), "labelstudio.refused", "text/html in place of JSON"),
    ],
)
def test_what_stands_before_the_server_is_told_by_what_it_says(answer, code, words, dataset, line) -> None:
    push(dataset, line)
    with between(line.access.url) as proxy:
        proxy.fault = lambda method, path: answer
        with pytest.raises(ToolError) as told:
            pull(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    assert told.value.code == code
    assert words in told.value.message
    assert "<html>" not in told.value.message


def test_an_address_that_sends_us_on_is_told_and_a_post_never_becomes_a_get(line) -> None:
    with between(line.access.url) as proxy, Client(replace(line.access, url=proxy.url)) as sent_on:
        proxy.fault = lambda method, path: Instead(301, b"", {"Location": "https://elsewhere.example/"})
        with pytest.raises(ToolError) as told:
            sent_on.import_tasks(1, [{"data": {"key": "k"}}])
        assert [method for method, _, _ in proxy.seen] == ["POST"]
    assert told.value.code == "labelstudio.foreign"
    assert "https://elsewhere.example/" in told.value.message


def test_a_batch_that_is_turned_away_for_there_are_too_many_is_sent_when_told(dataset, line, client) -> None:
    away = iter([Instead(429, b"", {"Retry-After": "1"})] * 2)
    with between(line.access.url) as proxy:
        proxy.fault = lambda method, path: next(away, "pass") if "/import" in path else "pass"
        pushed = push(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    assert (pushed.sent.created, pushed.sent.resent) == (3, 0)
    assert len(keys_of(client, dataset)[1]) == 3


def test_two_machines_that_push_one_dataset_make_one_project_with_every_task_once(
    dataset, served, client, tmp_path
) -> None:
    other = tmp_path / "other"
    shutil.copytree(dataset, other)
    both = [started(pushing(place), served) for place in (dataset, other)]
    assert [ended(process)[0] for process in both] == [0, 0]
    assert ended(started(pushing(dataset), served))[0] == 0  # whatever was there for a moment is put right
    projects, keys = keys_of(client, dataset)
    assert projects == 1
    assert len(keys) == len(set(keys)) == 3


def test_of_two_pulls_at_once_one_gives_way_and_every_version_is_stored_once(
    dataset, line, served, client
) -> None:
    pushed = push(dataset, line)
    for row in tasks_of(client, pushed.project).values():
        annotate(client, row.id, [box()])
    both = [ended(process) for process in [started(["pull", dataset], served) for _ in range(2)]]
    assert {code for code, _ in both} <= {0, 1}
    assert all("another push, pull or edit" in said for code, said in both if code)
    pull(dataset, line)
    assert len(events(dataset)) == len(labels(dataset, source="human")) == 3


def test_a_task_that_a_person_deletes_while_it_is_brought_up_to_date_is_made_anew(dataset, line, client) -> None:
    first = push(dataset, line)
    rows = tasks_of(client, first.project)
    annotate(client, rows[1].id, [box()])
    predict(dataset, (0, "hand", 10.0, 10.0, 20.0, 20.0), (1, "hand", 10.0, 10.0, 20.0, 20.0))

    def fault(method, path):
        if "delete_tasks_predictions" in path and rows[0].id in {row.id for row in client.index(first.project)}:
            client.delete_tasks(first.project, [rows[0].id])
        return "pass"

    with between(line.access.url) as proxy:
        proxy.fault = fault
        again = push(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    assert (again.sent.created, again.sent.updated) == (1, 1)
    assert [row.answers for _, row in sorted(tasks_of(client, first.project).items())] == [0, 1, 0]
    assert push(dataset, line).sent.same == 3


def test_a_personal_token_that_is_revoked_is_told(line, served) -> None:
    own = {"Authorization": f"Token {served.access.token}"}
    with httpx.Client(base_url=served.url, headers=own, timeout=60, trust_env=False) as http:
        token = http.post("/api/token/").json()["token"]
        mine = replace(line.access, token=token)
        with Client(mine) as client:
            assert client.account() == served.account
        assert http.post("/api/token/blacklist/", json={"refresh": token}).status_code < 300
    with pytest.raises(ToolError) as told, Client(mine) as client:
        client.account()
    assert told.value.code == "labelstudio.token"
    assert token not in told.value.message


def test_a_server_of_another_release_is_told_and_used(dataset, line) -> None:
    with between(line.access.url) as proxy:
        old = Instead(200, b'{"release": "1.10.1"}', {"Content-Type": "application/json"})
        proxy.fault = lambda method, path: old if path == "/api/version" else "pass"
        pushed = push(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    assert pushed.notes == [f"{proxy.url} is Label Studio 1.10.1; Rushes is tested with 1.23.2"]
    assert pushed.sent.created == 3


def test_a_pull_onto_a_full_disk_keeps_what_was_and_the_next_brings_all(dataset, line, served, client) -> None:
    pushed = push(dataset, line)
    for row in tasks_of(client, pushed.project).values():
        annotate(client, row.id, [box(str(at)) for at in range(40)])
    revision = Store.open(dataset).revision
    code, said = ended(started(["pull", dataset], served, limit=3_000))
    assert code == 1, said
    assert "the disk is full" in said
    assert (Store.open(dataset).revision, events(dataset)) == (revision, [])
    assert pull(dataset, line).labels == 120


def test_a_push_onto_a_full_disk_for_pictures_sends_nothing_half(dataset, line, served, client) -> None:
    code, said = ended(started(pushing(dataset), served, limit=2_000))
    assert code == 1, said
    assert "File too large" in said
    pushed = push(dataset, line)
    assert (pushed.sent.created, pushed.unreadable) == (3, [])
    token = {"Authorization": f"Token {served.access.token}"}
    for row in client.index(pushed.project):
        shown = httpx.get(served.url + row.data["image"], headers=token, trust_env=False)
        assert shown.content.endswith(b"\xff\xd9")  # whole to the end mark of JPEG


def test_a_server_whose_disk_is_full_is_told_and_the_next_push_goes_on(line, served, client) -> None:
    tasks = [Task(key=f"k{at}", data={"image": f"x{at}", "note": "n" * 4000}) for at in range(300)]
    project = client.create_project(title="full", config="<View/>", description="").id
    process = psutil.Process(served.pid)
    before = process.rlimit(psutil.RLIMIT_FSIZE)
    size = (served.home.data / "label_studio.sqlite3").stat().st_size
    process.rlimit(psutil.RLIMIT_FSIZE, (size + 65_536, before[1]))
    try:
        with pytest.raises(ToolError) as told:
            send(client, project, tasks, patience_s=0.1)
    finally:
        process.rlimit(psutil.RLIMIT_FSIZE, before)
    assert told.value.code == "labelstudio.reply-lost"
    assert "disk" in f"{told.value.message} {told.value.hint}"
    assert send(client, project, tasks).created == 300
    assert len({row.key for row in client.index(project)}) == client.count(project) == 300
    client.delete_project(project)


@pytest.mark.parametrize("verb", ["push", "pull"])
def test_ctrl_c_is_answered_and_the_next_run_finishes(verb, dataset, line, served, client) -> None:
    if verb == "pull":
        pushed = push(dataset, line)
        for row in tasks_of(client, pushed.project).values():
            annotate(client, row.id, [box()])
    reached, go_on = threading.Event(), threading.Event()

    def fault(method, path):
        if ("/import" if verb == "push" else "/api/tasks/") in path and not reached.is_set():
            reached.set()
            go_on.wait(20)
        return "pass"

    with between(line.access.url) as proxy:
        proxy.fault = fault
        through = None if verb == "pull" else proxy
        if verb == "pull":  # the dataset knows this server as its own
            note = json.loads(served.home.note.read_text())
            moved = {**note, "port": int(proxy.url.rpartition(":")[2])}
            served.home.note.write_text(json.dumps(moved))
        try:
            process = started(pushing(dataset) if verb == "push" else ["pull", dataset], served, through=through)
            assert reached.wait(60)
            process.send_signal(signal.SIGINT)
            code, said = ended(process)
        finally:
            go_on.set()
            if verb == "pull":
                served.home.note.write_text(json.dumps(note))
        assert code == 130, said
        assert "running the same command again goes on" in said
        if verb == "push":
            code, said = ended(started(pushing(dataset), served, through=proxy))
            assert code == 0, said
    if verb == "push":
        projects, keys = keys_of(client, dataset)
        assert (projects, len(keys), len(set(keys))) == (1, 3, 3)
    else:
        pull(dataset, line)
        assert len(events(dataset)) == 3
