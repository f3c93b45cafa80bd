"""Killed, overtaken or out of disk: nothing half shows, and running again finishes the work."""

import errno
import os
import random
import resource
import shutil
import signal
import sys

import pytest
from store import takes

from rushes.errors import StoreError
from rushes.store import Store


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
def lines(before, tmp_path_factory):
    """How many lines of the store an ingest runs."""
    path = tmp_path_factory.mktemp("lines") / "dataset"
    shutil.copytree(before, path)
    count, former = takes.Lines(kill_at=None), sys.gettrace()
    sys.settrace(count.enter)
    try:
        takes.ingest(path, "b")
    finally:
        sys.settrace(former)
    return count.count


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
    # What the tables themselves say, without revisions, is the same.
    import deltalake

    for table, rows in takes.PER_TAKE.items():
        assert deltalake.DeltaTable(path / "tables" / table).count() == 3 * rows, table
    Store.open(path).vacuum(keep_revisions=1, min_age_s=0)
    assert takes.content(Store.open(path)) == expected
    assert not [file for file in (path / ".writers").iterdir()]


def test_killed_anywhere_in_an_ingest_and_run_again_gives_the_same_content(
    before, expected, lines, processes, tmp_path
):
    chosen = random.Random(8)
    for point in range(25):
        path = tmp_path / str(point)
        shutil.copytree(before, path)
        kill_and_run_again(path, processes, chosen.randint(1, lines), expected)


@pytest.mark.slow
def test_killed_at_a_hundred_points_and_run_again_gives_the_same_content(
    before, expected, lines, processes, tmp_path
):
    for point in range(100):
        path = tmp_path / str(point)
        shutil.copytree(before, path)
        kill_and_run_again(path, processes, 1 + point * lines // 100, expected)


def test_killed_again_and_again_in_one_dataset(before, expected, lines, processes, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(before, path)
    for point in range(6):
        # Late in the commit, so that tables are ahead each time.
        child = processes.Process(target=takes.ingest_and_die, args=(path, "b", lines * (70 + 4 * point) // 100))
        child.start()
        child.join()
        ids = Store.open(path).table("recordings")["recording_id"].to_pylist()
        takes.check_whole(Store.open(path), ids)
    takes.ingest_all(path, ["b", "c"])
    assert takes.content(Store.open(path)) == expected


def test_eight_processes_with_different_recordings_lose_nothing(dataset, processes):
    ids = [[f"{process}{number}" for number in range(3)] for process in range(8)]
    with processes.Pool(8) as pool:
        done = pool.starmap(takes.ingest_all, [(dataset.path, mine) for mine in ids], chunksize=1)
    assert all(map(all, done))
    takes.check_whole(dataset.refresh(), sum(ids, []))
    assert [info.revision for info in dataset.log()] == list(range(1, 25))
    assert not list((dataset.path / ".writers").iterdir())


def ingest_together(path, barrier, answers):
    store = Store.open(path)
    with store.begin("ingest") as change:
        takes.fill(change, "a")
        change.claim_recording("a")
        barrier.wait()
        try:
            change.commit()
            answers.put("committed")
        except StoreError as error:
            answers.put(error.code)


def test_of_two_processes_with_the_same_recording_exactly_one_wins(dataset, processes):
    barrier, answers = processes.Barrier(2), processes.Queue()
    both = [processes.Process(target=ingest_together, args=(dataset.path, barrier, answers)) for _ in range(2)]
    for process in both:
        process.start()
    assert sorted([answers.get(), answers.get()]) == ["committed", "store.recording-exists"]
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
    takes.check_whole(dataset.refresh(), sum(ids, []))
    assert len(seen) > 1


def test_a_disk_that_is_full_at_any_moment_leaves_all_that_was_committed(before, expected, tmp_path, monkeypatch):
    for failing in range(60):
        path = tmp_path / str(failing)
        shutil.copytree(before, path)
        calls = iter(range(failing + 1))

        def fsync(handle, calls=calls):
            if next(calls, None) is None:
                raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", fsync)
            try:
                takes.ingest(path, "b")
                break
            except StoreError as error:
                assert error.code == "store.full"
                assert str(path) in error.message
        takes.check_whole(Store.open(path), ["a"])
        takes.ingest_all(path, ["b", "c"])
        assert takes.content(Store.open(path)) == expected
    assert failing > 20  # every table was hit


def ingest_under_limit(path, answers):
    # The system itself refuses: no file may grow beyond this many bytes, as on a disk with no room.
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    try:
        takes.ingest(path, "b")
        answers.put("committed")
    except StoreError as error:
        answers.put(error.code)


def test_a_disk_that_refuses_a_data_file_is_told_as_full(before, processes, tmp_path):
    path = tmp_path / "dataset"
    shutil.copytree(before, path)
    answers = processes.Queue()
    child = processes.Process(target=ingest_under_limit, args=(path, answers))
    child.start()
    assert answers.get() == "store.full"
    child.join()
    assert child.exitcode == 0
    takes.check_whole(Store.open(path), ["a"])
    assert len(list(path.rglob("tables/imu/*.parquet"))) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_named(dataset):
    (dataset.path / ".writers").chmod(0o500)
    with pytest.raises(StoreError) as caught:
        dataset.begin("ingest")
    assert caught.value.code == "store.read-only"


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
