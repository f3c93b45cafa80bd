"""Recordings for the App's player: their files are written once, when asked for; their tags are exact."""

import threading
import time
from dataclasses import replace

import pytest

from browse.conftest import ask
from rushes.browse import environment, mongod
from rushes.browse.guard import Guard
from rushes.browse.players import AUTHOR, Interval, Played, PlayerFiles, Playlist, Stopped
from rushes.errors import ReadError
from rushes.registry import late

TOKEN = "a-token-that-is-long-enough"


class Kitchen:
    """Writes files and counts; what it is told to fail at fails."""

    def __init__(self, folder, names=("one", "two"), **more):
        self.written, self.fail, self.slow, self.begun = [], set(), 0.0, threading.Event()
        self.playlist = Playlist(
            name="set recordings",
            folder=folder,
            recordings=[
                Played(recording_id=f"r{i}", name=name, path=folder / f"{name}.mcap", seconds=3.0)
                for i, name in enumerate(names)
            ],
            write=self.write,
            **more,
        )

    def write(self, played, go_on):
        self.begun.set()
        scratch = played.path.with_suffix(".part")
        try:
            scratch.write_bytes(b"half")
            deadline = time.monotonic() + self.slow
            while time.monotonic() < deadline:
                go_on()
                time.sleep(0.01)
            if played.name in self.fail:
                raise ReadError("the disk is gone", code="read.absent-file")
            self.written.append(played.name)
            scratch.replace(played.path)
        finally:
            scratch.unlink(missing_ok=True)


async def app(scope, receive, send):
    body = scope["query_string"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


class Others:
    def owns(self, path):
        return path.startswith("/rushes-virtual")

    async def __call__(self, path, scope, receive, send):
        await send({"type": "http.response.start", "status": 299, "headers": []})


def served(kitchen):
    return PlayerFiles(kitchen.playlist, app=app, others=Others())


def guarded(files):
    return Guard(app, token=TOKEN, port=5151, virtual=files)


def get(files, path):
    headers = [("host", "127.0.0.1:5151"), ("cookie", f"rushes_token_5151={TOKEN}")]
    return ask(guarded(files), "/media", query=[("filepath", str(path))], headers=headers)


def test_a_file_is_written_when_it_is_first_asked_for_and_only_then(tmp_path):
    kitchen = Kitchen(tmp_path)
    files = served(kitchen)
    path = kitchen.playlist.recordings[1].path
    assert kitchen.written == []
    for _ in range(3):
        answer = get(files, path)
        assert (answer.status, path.name in answer.body.decode()) == (200, True)
    assert kitchen.written == ["two"]
    files.close()


def test_several_who_ask_at_once_wait_for_the_same_file(tmp_path):
    kitchen = Kitchen(tmp_path)
    kitchen.slow = 0.3
    files = served(kitchen)
    path, answers = kitchen.playlist.recordings[0].path, []
    threads = [threading.Thread(target=lambda: answers.append(get(files, path).status)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (answers, kitchen.written) == ([200] * 4, ["one"])
    files.close()


def test_the_guard_gives_nothing_else_of_that_folder(tmp_path):
    kitchen = Kitchen(tmp_path / "players")
    files = served(kitchen)
    (tmp_path / "players" / "secret.mcap").write_bytes(b"x")
    (tmp_path / "secret.mcap").write_bytes(b"x")
    folder = tmp_path / "players"
    outside = (f"{folder}/../secret.mcap", f"{folder}/one.mcap/../../secret.mcap")
    for path in (folder / "secret.mcap", folder, *outside):
        assert get(files, path).status == 403
    assert ask(guarded(files), "/media", query=[("filepath", str(folder / "one.mcap"))]).status == 421
    files.close()


def test_other_virtual_files_are_answered_as_before(tmp_path):
    files = served(Kitchen(tmp_path))
    assert get(files, "/rushes-virtual/a/b/1.jpg").status == 299
    files.close()


def test_what_cannot_be_written_is_said_and_tried_again_when_asked_again(tmp_path):
    kitchen = Kitchen(tmp_path)
    kitchen.fail = {"one"}
    files = served(kitchen)
    path = kitchen.playlist.recordings[0].path
    answer = get(files, path)
    assert (answer.status, b"the disk is gone" in answer.body) == (404, True)
    kitchen.fail = set()
    assert get(files, path).status == 200
    path.unlink()
    assert get(files, path).status == 200, "somebody has emptied the cache"
    assert kitchen.written == ["one", "one"]
    files.close()


def test_files_of_what_has_changed_go_and_those_of_others_being_written_stay(tmp_path):
    (tmp_path / "old.mcap").write_bytes(b"x")
    (tmp_path / "one.mcap").write_bytes(b"x")
    (tmp_path / "other.mcap.123.part").write_bytes(b"x")
    files = served(Kitchen(tmp_path))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.mcap", "other.mcap.123.part"]
    files.close()


def test_files_are_written_ahead_where_that_is_wanted(tmp_path):
    kitchen = Kitchen(tmp_path, ahead=True)
    files = served(kitchen)
    for each in kitchen.playlist.recordings:
        files.coming(each).result(timeout=20)
    assert kitchen.written == ["one", "two"]
    files.close()


def test_closing_stops_the_writing_and_leaves_no_half_file(tmp_path):
    kitchen = Kitchen(tmp_path, ahead=True)
    kitchen.slow = 60
    files = served(kitchen)
    assert kitchen.begun.wait(20)
    files.close()
    assert list(tmp_path.iterdir()) == []
    assert isinstance(files.coming(kitchen.playlist.recordings[1]).exception(), Stopped)


@pytest.fixture(scope="module")
def playing(cache):
    with mongod.running(cache) as database, environment.applied(cache, database_uri=database.uri):
        late("rushes.browse.load").connect(database.uri)
        yield late("rushes.browse.playing")
        late("rushes.browse.playing").fo.delete_datasets("*")
        late("rushes.browse.load").disconnect()


@pytest.mark.live
def test_segments_become_temporal_tags_to_the_nanosecond_and_those_of_people_stay(playing, tmp_path):
    playlist = Kitchen(tmp_path).playlist
    first, second = playlist.recordings
    exact = Interval(start_ns=2**53 + 1, end_ns=2**53 + 2, tag="wave")
    playlist = replace(playlist, recordings=[replace(first, intervals=[exact], part="train"), second])
    assert playing.load(playlist) == 2
    dataset = playing.fo.load_dataset("set recordings")
    assert dataset.media_type == "multimodal"
    (tag,) = dataset.temporal_tags.values()
    assert (tag.start, tag.end, tag.tag, tag.created_by) == (2**53 + 1, 2**53 + 2, "wave", AUTHOR)
    sample = dataset.match({"recording": "one"}).first()
    assert (sample.filepath, sample.tags, sample.split) == (str(first.path), ["train"], "train")
    assert playing.load(playlist) == 0, "nothing has changed"

    mine = playing.fot.TemporalTag(sample.id, start=5, end=9, tag="look here", created_by="ada")
    dataset.temporal_tags.add([mine])
    renamed = replace(first, path=tmp_path / "one-again.mcap", intervals=[replace(exact, tag="point")])
    assert playing.load(replace(playlist, recordings=[renamed])) == 1
    dataset = playing.fo.load_dataset("set recordings")
    assert dataset.values("filepath") == [str(renamed.path)]
    found = {(t.tag, t.start, t.end, t.created_by) for t in dataset.temporal_tags.values()}
    assert found == {("point", 2**53 + 1, 2**53 + 2, AUTHOR), ("look here", 5, 9, "ada")}
