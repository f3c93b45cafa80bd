"""On real recordings the known faults are found, and clean ones stay clean."""

import json

import av
import cv2
import numpy as np
import pytest
from mcap.reader import make_reader

from looks import measure
from rushes import registry
from rushes.checks import settle
from rushes.contracts import StreamView
from rushes.model import Finding, Stream

CLIPS = ["again", "bird", "book", "eat", "help", "hungry", "learn", "milk", "night", "no", "please", "school"]


def film(path):
    """Decode a video into a view, as the stage of checks would."""
    times, pictures, nominal = [], [], None
    with av.open(str(path)) as container:
        track = container.streams.video[0]
        nominal = float(track.average_rate)
        for at, frame in enumerate(container.decode(track)):
            times.append(round(frame.pts * track.time_base * 10**9))
            colour = frame.to_ndarray(format="rgb24")
            pictures.append((at, cv2.resize(colour, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)))
    return StreamView(
        recording=path.name,
        stream=Stream(name="video", modality="color", table="frames", clock="pts", nominal_rate_hz=nominal),
        columns={"index": np.arange(len(times)), "t_ns": np.array(times, np.int64)},
        pictures=measure(pictures, len(times)),
    )


def verdicts(view):
    return [
        item
        for check in registry.load_all("checks").values()
        if check.subject == "stream" and check.applies(view.stream)
        for item in check.judge(view, settle(check, {}))
        if isinstance(item, Finding)
    ]


def test_a_dropped_frame_is_one_gap_and_nothing_else(shared_data):
    found = verdicts(film(shared_data / "video" / "asl_gestures" / "brother.mkv"))
    gaps = [f for f in found if f.check == "stream.gap"]
    assert [(f.count, f.severity, f.value) for f in gaps] == [(1, "info", 67_000_000)]
    assert {f.check for f in found} == {"stream.gap", "stream.drops"}  # 1 of 66 is above 1 %


@pytest.mark.parametrize("clip", CLIPS)
def test_clean_gesture_clips_stay_clean(shared_data, clip):
    assert verdicts(film(shared_data / "video" / "asl_gestures" / f"{clip}.mkv")) == []


def test_a_bird_that_gets_too_near_is_blurred(shared_data):
    (found,) = verdicts(film(shared_data / "video" / "imageio" / "cockatoo.mp4"))
    # Frames 158 and 165 were looked at: it moves and is out of focus; 155 and 172 are sharp.
    assert (found.check, found.severity) == ("image.blur", "warning")
    assert 155 < found.index <= 158
    assert 165 <= found.index + found.count <= 172


def test_milliseconds_in_a_nanosecond_field_are_found_in_a_real_file(shared_data):
    stamps = []
    with (shared_data / "mcap" / "lichtblick_camera" / "custom-camera-model.mcap").open("rb") as file:
        for _, _, message in make_reader(file).iter_messages(topics=["/image/compressed"]):
            stamps.append((message.log_time, json.loads(message.data)["timestamp"]["sec"] * 10**9))
    log, header = np.array(stamps, np.int64).T
    view = StreamView(
        recording="custom-camera-model.mcap",
        stream=Stream(name="/image/compressed", modality="color", table="frames", clock="log"),
        columns={"index": np.arange(10), "t_ns": log, "t_log_ns": log, "t_header_ns": header},
    )
    found = [f for f in verdicts(view) if f.check == "stream.time"]
    assert [f.severity for f in found] == ["error", "warning"]
    assert found[0].message == (
        "/image/compressed: log times such as 1747930377103 read as 1970-01-01 00:29:07; taken as milliseconds "
        "they mean 2025-05-22 16:12:57: milliseconds in a nanosecond field"
    )
    assert found[1].message.startswith("/image/compressed: all 10 header stamps are the same, 2025-05-22 16:12:57")


def test_rgbd_lists_tick_as_they_should(shared_data):
    for name in ("rgb", "depth"):
        rows = (shared_data / "rgbd" / "tum_fr1_rpy" / f"{name}.txt").read_text().splitlines()
        times = np.array([round(float(row.split()[0]) * 1e6) * 1000 for row in rows if row[0] != "#"], np.int64)
        view = StreamView(
            recording="tum",
            stream=Stream(name=name, modality="color", table="frames", clock="header"),
            columns={"index": np.arange(len(times)), "t_ns": times, "t_header_ns": times},
        )
        assert [f for f in verdicts(view) if f.severity != "info"] == []
