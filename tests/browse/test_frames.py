import json
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browse.conftest import ask as ask_app
from browse.takes import Pack, clips, rig
from rushes.browse.frames import Frames


@pytest.fixture
def pack(tmp_path):
    return Pack(tmp_path / "take.bin")


@pytest.fixture
def frames(pack):
    frames = Frames(rig().addresses, pack)
    yield frames
    frames.close()


def ask(frames, path, **more):
    async def app(scope, receive, send):
        await frames(path, scope, receive, send)

    return ask_app(app, "/media", **more)


def test_a_picture_is_the_very_bytes_of_the_recording(frames, pack):
    answer = ask(frames, "/rushes-virtual/kitchen/rec1/cam_right/7.jpg")
    assert answer.status == 200
    assert answer.body == pack("rec1", "/cam_right", 7)[0]
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(answer.body))


def test_head_tells_the_length_and_sends_nothing(frames, pack):
    answer = ask(frames, "/rushes-virtual/kitchen/rec0/depth/0.jpg", method="HEAD")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-length"] == str(len(pack("rec0", "/depth", 0)[0]))


def test_a_browser_that_has_the_picture_is_told_so(frames):
    path = "/rushes-virtual/kitchen/rec0/depth/3.jpg"
    tag = ask(frames, path).headers["etag"]
    again = ask(frames, path, headers=[("if-none-match", f'"other", {tag}')])
    assert (again.status, again.body) == (304, b"")
    assert again.headers["etag"] == tag
    assert ask(frames, path, headers=[("if-none-match", '"other"')]).status == 200
    assert ask(frames, "/rushes-virtual/kitchen/rec0/depth/4.jpg").headers["etag"] != tag


def test_a_picture_that_is_not_there_is_explained(frames):
    answer = ask(frames, "/rushes-virtual/kitchen/rec0/depth/999.jpg")
    assert answer.status == 404
    reason = json.loads(answer.body)
    assert reason["error"] == "rec0: /depth has no sample 999"
    assert reason["code"] == "read.absent-file"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "rest",
    [
        *("rec9/depth/0.jpg", "rec0/imu/0.jpg", "rec0/depth/-1.jpg", "rec0/depth/0.png", "rec0/depth/٣.jpg"),
        *("rec0/depth/../depth/0.jpg", "../../etc/passwd", "rec0/depth/0.jpg/", "", "rec0/depth/0.jpg\n"),
    ],
)
def test_what_the_view_does_not_hold_never_reaches_the_recordings(frames, pack, rest):
    assert ask(frames, f"/rushes-virtual/kitchen/{rest}").status == 404
    assert pack.reads == 0


@given(rest=st.text(max_size=40))
def test_any_text_below_the_prefix_is_answered_and_not_raised(rest):
    calls = []
    frames = Frames(clips().addresses, lambda *key: calls.append(key) or (b"x", "image/jpeg"))
    try:
        status = ask(frames, f"/rushes-virtual/clips/{rest}").status
    finally:
        frames.close()
    assert status == (200 if calls else 404)


def test_a_picture_cannot_be_written(frames, pack):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(frames, "/rushes-virtual/kitchen/rec0/depth/0.jpg", method=method).status == 405
    assert pack.reads == 0


def test_paths_of_other_datasets_are_not_owned(frames):
    assert frames.owns("/rushes-virtual/kitchen/anything")
    assert not frames.owns("/rushes-virtual/kitchen2/rec0/depth/0.jpg")
    assert not frames.owns("/etc/passwd")


def test_a_slow_picture_is_decoded_off_the_loop():
    loop_thread = threading.get_ident()
    seen = []
    frames = Frames(clips().addresses, lambda *_: seen.append(threading.get_ident()) or (b"x", "image/jpeg"))
    assert ask(frames, "/rushes-virtual/clips/rec0/cam_left/0.jpg").status == 200
    frames.close()
    assert seen
    assert loop_thread not in seen
