"""Killed, overtaken or out of disk: nothing half shows, and running again finishes the work."""

import errno
import os
import random
import shutil
import signal
import stat

import pytest
from deltalake import DeltaTable

from rushes.errors import StoreError
from rushes.store import Store
from store import takes


@pytest.fixture(scope="module")
def before(tmp_path_factory):
    """A dataset with one take."""
    path = tmp_path_factory.mktemp("before") / "dataset"
    Store.create(path)
    takes.ingest(path, "a")
    return path


@pytest.fixture(scope="module")
def expected(before, tmp_path_factory):
    """The content after a second and third take, ingested without interruption."""
    path = tmp_path_factory.mktemp("expected") / "dataset"
    shutil.copytree(before, path)
    takes.ingest_all(path, ["b", "c"])
    return takes.content(Store.open(path))


@pytest.fixture(scope="module")
def lines(before, processes, tmp_path_factory):
    """Lines of the store that an ingest runs: those before the first table changes, and the others."""
    path = tmp_path_factory.mktemp("lines") / "dataset"
    shutil.copytree(before, path)
    answers = processes.Queue()
    # In a process of its own, because the first ingest of a process runs more lines than the next.
    child = processes.Process(target=takes.count_lines, args=(path, "b", answers))
    child.start()
    first_change, last = answers.get(timeout=60)
    child.join()
    return range(1, first_change), range(first_change, last)


def kill_and_run_again(path, processes, line, expected):
    child = processes.Process(target=takes.ingest_and_die, args=(path, "b", line))
    child.start()
    child.join()
    store = Store.open(path)
    ids = store.table("recordings")["recording_id"].to_pylist()
    assert ids in (["a"], ["a", "b"])
    takes.check_whole(store, ids)
    assert child.exitcode == (-signal.SIGKILL if len(ids) == 1 else child.exitcode)
    takes.ingest_all(path, ["b", "c"])
    assert takes.content(Store.open(path)) == expected
    # What a table itself says to other Delta readers, without revisions, is the same.
    table = random.Random(line).choice(list(takes.PER_TAKE))
    assert DeltaTable(path / "tables" / table).count() == 3 * takes.PER_TAKE[table], table
    Store.open(path).vacuum(keep_revisions=1, min_age_s=0)
    assert takes.content(Store.open(path)) == expected
    assert not list((path / ".writers").iterdir())


def test_killed_anywhere_in_an_ingest_and_run_again_gives_the_same_content(
    before, expected, lines, processes, tmp_path
):
    chosen = random.Random(8)
    writing, publishing = lines
    for line in [*chosen.sample(writing, 8), *chosen.sample(publishing, 17)]:
        path = tmp_path / str(line)
        shutil.copytree(before, path)
        kill_and_run_again(path, processes, line, expected)


@pytest.mark.slow
def test_killed_at_a_hundred_points_and_run_again_gives_the_same_content(
    before, expected, lines, processes, tmp_path
):
    writing, publishing = lines
    for line in [*writing[:: len(writing) // 30][:30], *publishing[:: len(publishing) // 70][:70]]:
        path = tmp_path / str(line)
        shutil.copytree(before, path)
        kill_and_run_again(path, processes, line, expected)


def test_killed_again_and_again_in_one_dataset(before, expected, lines, processes, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(before, path)
    _, publishing = lines
    for line in publishing[20 :: len(publishing) // 6]:
        child = processes.Process(target=takes.ingest_and_die, args=(path, "b", line))
        child.start()
        child.join()
        ids = Store.open(path).table("recordings")["recording_id"].to_pylist()
        takes.check_whole(Store.open(path), ids)
    takes.ingest_all(path, ["b", "c"])
    assert takes.content(Store.open(path)) == expected
    restored = [info.summary.get("restored") for info in Store.open(path).log()]
    assert any(restored), "no kill fell between two tables"


def test_eight_processes_with_different_recordings_lose_nothing(dataset, processes):
    ids = [[f"{process}{number}" for number in range(3)] for process in range(8)]
    with processes.Pool(8) as pool:
        done = pool.starmap(takes.ingest_all, [(dataset.path, mine) for mine in ids], chunksize=1)
    assert all(map(all, done))
    takes.check_whole(dataset.refresh(), [name for mine in ids for name in mine])
    assert [info.revision for info in dataset.log()] == list(range(1, 25))
    assert not list((dataset.path / ".writers").iterdir())


def test_of_two_processes_with_the_same_recording_exactly_one_wins(dataset, processes):
    barrier, answers = processes.Barrier(2), processes.Queue()
    both = [
        processes.Process(target=takes.ingest_together, args=(dataset.path, barrier, answers)) for _ in range(2)
    ]
    for process in both:
        process.start()
    assert sorted([answers.get(timeout=60), answers.get(timeout=60)]) == ["1", "store.recording-exists"]
    for process in both:
        process.join()
    takes.check_whole(dataset.refresh(), ["a"])
    assert len(dataset.log()) == 1


def test_a_reader_never_sees_half_a_revision(dataset, processes):
    ids = [[f"{process}{number}" for number in range(8)] for process in range(2)]
    writers = [processes.Process(target=takes.ingest_all, args=(dataset.path, mine)) for mine in ids]
    for writer in writers:
        writer.start()
    seen = set()
    while any(writer.is_alive() for writer in writers) or not seen:
        store = Store.open(dataset.path)
        takes.check_whole(store, store.table("recordings")["recording_id"].to_pylist())
        seen.add(store.revision)
    for writer in writers:
        writer.join()
    takes.check_whole(dataset.refresh(), [name for mine in ids for name in mine])
    assert len(seen) > 1


def test_a_disk_that_is_full_at_any_moment_leaves_all_that_was_committed(before, expected, tmp_path, monkeypatch):
    for failing in range(0, 60, 2):
        path = tmp_path / str(failing)
        shutil.copytree(before, path)
        calls = iter(range(failing + 1))

        def fsync(handle, calls=calls):
            if stat.S_ISREG(os.fstat(handle).st_mode) and next(calls, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            if (told := takes.told(takes.ingest, path, "b")) != "store.full":
                break
        takes.check_whole(Store.open(path), ["a"])
        takes.ingest_all(path, ["b", "c"])
        assert takes.content(Store.open(path)) == expected
    assert told == "True"
    assert failing > 2 * len(takes.PER_TAKE)  # each table has a data file and a log file


def test_a_disk_that_refuses_a_data_file_is_told_as_full(before, processes, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(before, path)
    answers = processes.Queue()
    child = processes.Process(target=takes.ingest_under_limit, args=(path, answers))
    child.start()
    assert answers.get(timeout=60) == "store.full"
    child.join()
    assert child.exitcode == 0
    takes.check_whole(Store.open(path), ["a"])
    assert len(list(path.rglob("tables/imu/*.parquet"))) == 1


def test_a_read_only_disk_is_named(dataset, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EROFS, "Read-only file system")

    with dataset.begin("ingest") as change:
        takes.fill(change, "a")
        monkeypatch.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match="Read-only") as caught:
            change.commit()
    assert caught.value.code == "store.read-only"


def test_a_disk_without_hard_links_serves_too(dataset, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert takes.ingest_all(dataset.path, ["a", "b"]) == [True, True]
    takes.check_whole(dataset.refresh(), ["a", "b"])
