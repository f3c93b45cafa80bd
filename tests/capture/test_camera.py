"""Cameras, over real connections: pictures are those that were sent, to the byte, with their own times."""

import re
import sys
from itertools import pairwise
from threading import Event, Thread

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cameras import (
    HEIGHT,
    WIDTH,
    HttpCamera,
    RtspCamera,
    jpeg,
    packets_of,
    tcp_camera,
    video,
    with_length,
    with_stamp,
    without_length,
)
from contracts.sources import Gathered, SourceContract, running
from rushes.capture._multipart import PartSplitter, boundary_of
from rushes.capture._pictures import jpeg_size, without_padding
from rushes.capture.camera import PLUGIN, found_nodes
from rushes.errors import CaptureError, RecipeError
from rushes.sensors import SensorOfRig

IMAGE = "/cam/image/compressed"


def sensor(device, *, form=None, options=None, rate_hz=None) -> SensorOfRig:
    return SensorOfRig(
        name="cam", source="camera", device=str(device), format=form or {}, options=options or {}, rate_hz=rate_hz
    )


def seen(rig_sensor, count: int) -> tuple[list, Gathered]:
    """Give the streams, and what comes until ``count`` pictures came."""
    into, opened = Gathered(), PLUGIN.open(rig_sensor)
    try:
        with running(opened, into):
            into.wait(lambda: into.count() >= count)
    finally:
        opened.close()
    return list(opened.streams), into


def data_of(into: Gathered) -> list[bytes]:
    return [data for each in into.samples for data in each.content.data]


@pytest.fixture
def http_camera():
    made = []

    def make(*args, **more) -> HttpCamera:
        made.append(HttpCamera(*args, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()


class TestHttpContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self, http_camera):
        return sensor(http_camera(with_stamp).url)

    @pytest.fixture
    def absent(self):
        return sensor("http://127.0.0.1:9/video")


class TestStreamContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self):
        with tcp_camera(video("mpegts")) as url:
            yield sensor(url)

    @pytest.fixture
    def absent(self):
        return sensor("tcp://127.0.0.1:9")


@pytest.mark.parametrize("form", [with_length, without_length, with_stamp])
def test_pictures_over_http_are_those_that_were_sent(http_camera, form):
    served = http_camera(form)

    (stream,), into = seen(sensor(served.url), 20)

    assert data_of(into) == served.sent[: into.count()]
    assert (stream.codec, stream.form, stream.modality) == ("jpeg", "pictures", "color")
    assert {(each.content.width_px, each.content.height_px) for each in into.samples} == {(WIDTH, HEIGHT)}


def test_the_stamps_of_a_camera_over_http_are_its_clock(http_camera):
    (stream,), into = seen(sensor(http_camera(with_stamp).url), 10)

    times = np.concatenate([each.device_ns for each in into.samples])
    assert stream.device_clock == "cam"
    assert times.tolist() == [100_000_000_000 + i * 40_000_000 for i in range(len(times))]


def test_a_camera_without_stamps_has_no_clock(http_camera):
    (stream,), into = seen(sensor(http_camera(with_length).url), 3)

    assert (stream.device_clock, stream.time_meaning) == (None, "arrival")
    assert all(each.device_ns is None for each in into.samples)


def test_a_picture_that_is_none_is_counted_and_leaves_a_hole(http_camera):
    shown = [jpeg(0), b"\xff\xd8\xff\xd9", jpeg(1), b"<html>busy</html>"]
    served = http_camera(with_length, pictures=shown)

    _, into = seen(sensor(served.url), 8)

    assert set(data_of(into)) == {jpeg(0), jpeg(1)}
    told = into.told("garbage")
    assert sum(each.count for each in told) >= 7
    assert "no header of a JPEG" in told[0].message
    assert [int(each.seq[0]) for each in into.samples[:4]] == [0, 2, 4, 6]


def test_a_connection_that_falls_is_told_and_made_again_and_so_is_a_clock_that_begins_anew(http_camera):
    served = http_camera(with_stamp, fall_after=5)

    _, into = seen(sensor(served.url), 12)

    assert [each.what for each in into.troubles[:3]] == ["stopped", "returned", "clock"] or [
        each.what for each in into.troubles[:3]
    ] == ["stopped", "clock", "returned"]
    assert "ended its answer" in into.told("stopped")[0].message
    assert served.connections >= 3
    assert [int(each.seq[0]) for each in into.samples] == list(range(into.count()))


def test_a_camera_that_is_away_for_long_is_told_once(http_camera):
    served = http_camera(with_length)
    into, opened = Gathered(), PLUGIN.open(sensor(served.url))

    with running(opened, into):
        into.wait(lambda: into.count() >= 3)
        served.gone.set()
        into.wait(lambda: bool(into.told("stopped")))
        Event().wait(1.0)
        served.gone.clear()
        before = into.count()
        into.wait(lambda: into.count() > before)

    assert [each.what for each in into.troubles] == ["stopped", "returned"]
    assert into.told("returned")[0].at_ns - into.told("returned")[0].from_ns > 1e9


def test_user_and_password_go_to_the_camera_and_into_no_message(http_camera):
    served = http_camera(with_length)
    there = served.url.replace("://", "://anna:s%20cret@")

    seen(sensor(there), 1)
    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor(there, form={"width_px": 1}))

    assert served.asked[0] == "Basic YW5uYTpzIGNyZXQ="
    assert "cret" not in told.value.message + str(told.value.facts)


def test_packets_of_h264_are_passed_on_undecoded_with_their_stamps():
    data = video("mpegts")
    wanted = packets_of(data)

    with tcp_camera(data) as url:
        (stream,), into = seen(sensor(url), 40)

    assert (stream.codec, stream.device_clock) == ("h264", "cam")
    given_ = [(int(each.device_ns[0]), each.content.data[0]) for each in into.samples]
    assert given_ == wanted[: len(given_)]
    assert decoded(data_of(into)[10:]) == len(data_of(into)) - 10


@pytest.mark.parametrize(("codec", "told"), [("libx264", "h264"), ("libx265", "h265")])
def test_a_file_is_given_at_its_pace_in_annex_b_and_ends(tmp_path, codec, told):
    place = tmp_path / "a.mp4"
    video("mp4", codec, frames=25, place=place)
    into, opened = Gathered(), PLUGIN.open(sensor(place))

    thread = Thread(target=opened.run, args=(into,), daemon=True)
    thread.start()
    thread.join(20)

    assert not thread.is_alive()
    assert opened.streams[0].codec == told
    assert all(data.startswith((b"\0\0\1", b"\0\0\0\1")) for data in data_of(into))
    assert decoded(data_of(into)[10:], told) == 15
    times = np.concatenate([each.device_ns for each in into.samples])
    arrivals = np.concatenate([each.arrival_ns for each in into.samples])
    assert np.diff(times).tolist() == [40_000_000] * 24
    assert arrivals[-1] - arrivals[0] >= 0.9e9
    assert not into.troubles


def decoded(packets: list[bytes], codec: str = "h264") -> int:
    """Say how many pictures come out of packets that begin at a key frame."""
    context = av.CodecContext.create({"h264": "h264", "h265": "hevc"}[codec], "r")
    frames = [frame for data in packets for frame in context.decode(av.Packet(data))]
    return len(frames) + len(context.decode(None))


def test_a_stream_over_http_that_is_no_series_of_jpegs_goes_to_ffmpeg(http_camera):
    data = video("mpegts", frames=50)
    pieces = [data[at : at + 1880] for at in range(0, len(data), 1880)]
    served = http_camera(lambda number, piece: piece, "video/mp2t", pictures=pieces, fall_after=len(pieces))

    (stream,), into = seen(sensor(served.url), 30)

    assert stream.codec == "h264"
    wanted = packets_of(data)[:30]
    assert [(int(each.device_ns[0]), each.content.data[0]) for each in into.samples[:30]] == wanted


def test_a_server_that_has_no_such_camera_is_absent(http_camera):
    served = http_camera(with_length)
    served.gone.set()

    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor(served.url))

    assert told.value.code == "capture.absent"
    assert "503" in told.value.message


def test_damage_in_a_stream_that_is_decoded_here_does_not_end_it():
    data = bytearray(video("mpegts", frames=60))
    for at in range(len(data) // 3 // 188 * 188, len(data) // 2, 188):
        data[at + 20 : at + 180] = bytes(160)

    with tcp_camera(bytes(data)) as url:
        _, into = seen(sensor(url, form={"codec": "jpeg"}), 35)

    assert {jpeg_size(each) for each in data_of(into)} == {(WIDTH, HEIGHT)}
    assert not into.told("stopped")


def test_a_stream_can_be_recorded_as_jpeg_instead(tmp_path):
    with tcp_camera(video("mpegts")) as url:
        (stream,), into = seen(sensor(url, form={"codec": "jpeg"}), 10)

    assert stream.codec == "jpeg"
    assert {jpeg_size(data) for data in data_of(into)} == {(WIDTH, HEIGHT)}
    times = np.concatenate([each.device_ns for each in into.samples])
    assert np.diff(times).tolist() == [40_000_000] * (len(times) - 1)


def test_a_stream_that_ends_is_opened_again():
    with tcp_camera(video("mpegts", frames=30), lasts_s=0.4, stays=False) as url:
        _, into = seen(sensor(url, options={"silent_after": "1s"}), 45)

    assert {"stopped", "returned", "clock"} <= {each.what for each in into.troubles}


def test_a_stream_that_falls_silent_is_told(tmp_path):
    with tcp_camera(video("mpegts", frames=30), lasts_s=0.4) as url:
        into, opened = Gathered(), PLUGIN.open(sensor(url, options={"silent_after": "500ms"}))
        with running(opened, into):
            into.wait(lambda: bool(into.told("stopped")))

    assert "nothing came for 0.5 s" in into.told("stopped")[0].message


@pytest.mark.parametrize("sets_apart", [True, False])
def test_rtsp_gives_packets_that_a_player_can_begin_at_any_key_frame(sets_apart):
    served = RtspCamera(video("mpegts"), sets_apart=sets_apart)

    try:
        (stream,), into = seen(sensor(served.url), 30)
    finally:
        served.close()

    assert (stream.codec, stream.device_clock) == ("h264", "cam")
    units = [[unit for unit in re.split(rb"\x00*\x00\x00\x01", data) if unit] for data in data_of(into)]
    assert [each[-1] for each in units] == [each[-1] for each in served.units[: len(units)]]
    keys = [place for place, each in enumerate(units) if each[-1][0] & 0x1F == 5]
    assert keys[:3] == [0, 10, 20]
    assert all([unit[0] & 0x1F for unit in units[place] if unit[0] & 0x1F in (7, 8)] == [7, 8] for place in keys)
    assert decoded(data_of(into)[10:]) == len(units) - 10
    times = np.concatenate([each.device_ns for each in into.samples])
    assert np.diff(times) == pytest.approx(40_000_000, abs=12_000)  # RTP counts in 1/90,000 s


def test_a_size_that_is_not_given_is_refused_naming_what_came(http_camera):
    served = http_camera(with_length)

    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor(served.url, form={"width_px": 1280, "height_px": 720}))

    assert told.value.code == "capture.refused"
    assert "asked for 1280 × 720 pixels, it gives 64 × 48" in told.value.message


def test_a_size_that_is_not_given_is_told_where_the_rig_takes_any(http_camera):
    wanted = sensor(http_camera(with_length).url, form={"width_px": 1280}, options={"any_format": True})

    _, into = seen(wanted, 3)

    assert "it gives 64 × 48" in into.told("refused")[0].message


@pytest.mark.parametrize(
    ("form", "options", "near"),
    [
        ({"width": 640}, {}, "width_px"),
        ({}, {"qualty": 90}, "quality"),
        ({}, {"quality": 101}, "1 to 100"),
        ({"codec": "gif"}, {}, "delivered, jpeg, raw"),
        ({}, {"silent_after": "5"}, "5s"),
    ],
)
def test_what_a_rig_cannot_mean_is_refused(form, options, near):
    with pytest.raises(RecipeError) as told:
        PLUGIN.open(sensor("0", form=form, options=options))

    assert told.value.code == "rig.invalid"
    assert near in told.value.message + told.value.hint


@pytest.mark.parametrize("device", ["", "47", "/dev/video47", "nowhere.mp4", "rtsp://127.0.0.1:9/x"])
def test_whatever_is_not_there_is_absent(device):
    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor(device))

    assert told.value.code == "capture.absent"


@pytest.mark.skipif(sys.platform != "linux", reason="as Linux lists its cameras")
def test_nodes_that_are_no_cameras_of_their_own_are_not_offered(tmp_path):
    for number, (name, index) in enumerate([("HD Webcam", "0"), ("HD Webcam", "1"), ("Infrared", "0")]):
        node = tmp_path / f"video{number}"
        node.mkdir()
        (node / "name").write_text(name + "\n")
        (node / "index").write_text(index + "\n")
    (tmp_path / "video10").mkdir()

    found = found_nodes(tmp_path)

    assert [(each.device, each.title) for each in found] == [
        ("/dev/video0", "HD Webcam"),
        ("/dev/video2", "Infrared"),
    ]


def test_boundaries_are_found_however_they_are_written():
    assert boundary_of('multipart/x-mixed-replace;boundary="--a b"') == "--a b"
    assert boundary_of("multipart/x-mixed-replace; boundary=frame; charset=x") == "frame"
    assert boundary_of("image/jpeg") is None


@given(
    bodies=st.lists(st.binary(max_size=60).filter(lambda body: b"frame" not in body), min_size=1, max_size=6),
    stated=st.booleans(),
    boundary=st.sampled_from(["frame", "--frame"]),
    end=st.sampled_from([b"\r\n", b"\n"]),
    cuts=st.lists(st.integers(0, 800), max_size=12),
)
def test_parts_are_the_bytes_that_were_sent_however_they_are_cut(bodies, stated, boundary, end, cuts):
    if not stated:  # a part without length ends before the line end that stands before the boundary
        bodies = [body.rstrip(b"\r\n-") + b"." for body in bodies]
    data = b"preamble" + end
    for body in bodies:
        length = b"Content-Length: %d" % len(body) + end if stated else b""
        data += b"--frame" + end + b"Content-Type: image/jpeg" + end + length + end + body + end
    data += b"--frame--" + end
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    splitter = PartSplitter(boundary)

    found = [part.body for a, b in pairwise(edges) for part in splitter.feed(data[a:b])]

    assert found == bodies


@given(data=st.binary(max_size=300))
def test_no_bytes_whatever_break_the_reading_of_headers(data):
    assert jpeg_size(b"\xff\xd8" + data) is None or min(jpeg_size(b"\xff\xd8" + data)) > 0


def test_what_a_driver_fills_up_is_cut_off_and_nothing_else():
    picture = jpeg(3)

    assert without_padding(picture + bytes(5000)) == picture
    assert without_padding(picture) == picture
    assert without_padding(picture[:-2] + bytes(10)) == picture[:-2] + bytes(10)
