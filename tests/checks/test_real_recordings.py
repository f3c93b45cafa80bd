"""On real recordings the known faults are found, and clean ones stay clean.

What is expected of each set was decided by its README and by looking at pictures, decoded sound and index.
"""

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
from rushes.errors import ReadError
from rushes.model import Finding, Stream
from rushes.workflow.check import Settings, check
from rushes.workflow.ingest import Request, ingest

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


@pytest.mark.slow
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


CLEAN: set[str] = set()
"""Nothing of severity warning or error."""

SETS = {
    "rgbd/tum_fr1_rpy": {"tum_fr1_rpy: recording.loss"},  # 20 of 723 and 20 of 722 pictures are there
    "rgbd/euroc_micro": {"euroc_micro: recording.loss"},  # 10 of 95 and 10 of 99
    # Dots on black, drawn by a program; the first two files are equal.
    "rgbd/kitti_raw_datumaro": {"data: image.dark", "data: image.duplicate"},
    "rgbd/slambook2_rgbd": CLEAN,
    "rgbd/slambook_pgm": CLEAN,
    "devices/aria_adt": {"segmentations: image.unreadable"},  # scalar64F: no decoder
    "devices/aria_adt_depth": CLEAN,
    "devices/aria_aea": {"recording: audio.level"},  # raw microphones, 2.2 % beside their middle
    "devices/azure_kinect": CLEAN,
    "devices/neon_demo": {"neon_demo: recording.loss"},  # both films and the raw IMU file are absent
    "devices/xdf": {  # its clock was set back by a week, and it runs at 93 Hz where 100 are declared
        "clock_resets: stream.time",
        "clock_resets: stream.rate",
    },
    # Milliseconds in a nanosecond field; header stamps that stand still; a page of white.
    "mcap/lichtblick_camera": {"custom-camera-model: stream.time", "custom-camera-model: image.clipped"},
    "mcap/lichtblick_logs": CLEAN,
    "mcap/ros2_rosbag2_mcap": CLEAN,
    "mcap/rosbags_rs_alltypes": {"rosbags_rs_alltypes: image.unreadable"},  # pictures of 10 and 30 bytes
    "rosbag/rosbags_rs_alltypes_db3": {"rosbags_rs_alltypes_db3: image.unreadable"},
    "rosbag/foxglove_example": CLEAN,
    "rosbag/realsense_bag": CLEAN,
    "rosbag/ros2_rosbag2_db3": CLEAN,
    "video/audio": CLEAN,
    "video/decord_rotated": {"unordered: image.low_information"},  # one grey value
    "video/mp_hand_video": {"test_video: audio.level"},  # every sample is 0
    "labels/gestures_hagrid": CLEAN,
    # A strip of lawn, a man at night, two old photographs.
    "labels/coco128_people/images": {f"train2017: image.{name}" for name in ("aspect", "cast", "dark", "grey")},
    # Photographs, cut-outs before white, and two masks: red and blue, black and white.
    "labels/mp_truth": {f"mp_truth: image.{name}" for name in ("cast", "clipped", "dark", "grey", "half")},
    "labels/mp_coco": CLEAN,
    "labels/coco_wholebody_mmpose": {"coco_wholebody_mmpose: image.grey"},  # an old photograph
    "labels/labelstudio/test_import_yolo_data_unif_dims": CLEAN,
    "models/tflite_truth": {"tflite_truth: image.grey"},  # a portrait in black and white
}
LONG_SETS = {
    "video/asl_gestures": {"brother: stream.drops"},  # 1 frame of 66
    # No sound, a bird out of focus; a first block of AAC that is longer than the others.
    "video/imageio": {"cockatoo: audio.level", "cockatoo: image.blur", "realshort: stream.drops"},
    "video/intel_bottle": CLEAN,
    "video/tfjs_asl_hand": CLEAN,
    "video/tfjs_pose": CLEAN,
    "video/torchcodec_nasa": {"nasa_13013: image.cast"},  # edited: it is cut from a studio to the stars
    "mcap/mcap_conformance": CLEAN,
    "devices/vrs_samples": {
        # Made by a program: sound that counts upwards, black pictures with one bright row, all formats of VRS.
        *(f"{name}: audio.level" for name in ("chunks", "sample_file")),
        *(f"{name}: image.duplicate" for name in ("chunks", "sample_file", "sample_raw_pixel_formats")),
        *(
            f"sample_raw_pixel_formats: {name}"
            for name in ("depth.holes", "image.dark", "image.grey", "image.unreadable")
        ),
        "sample_file: stream.time",  # a record that has the time of the one before
        "chunks: recording.loss",  # samples whose bytes lie across two files
    },
}
NO_RECORDINGS = ("devices/aria_mps", "devices/hot3d_aria", "labels/dicom")


def told_of(place, tmp_path):
    """Ingest and check a folder; every finding by recording and check, and the books of each."""
    ingest(tmp_path / "set", Request(paths=[place]))
    done = check(tmp_path / "set", Settings(fail_on="never"))
    return [(f"{item.recording}: {item.finding.check}", item.finding) for item in done.found]


def grave(found):
    return {name for name, finding in found if finding.severity != "info"}


@pytest.mark.parametrize("name", SETS)
def test_of_every_set_the_known_faults_are_found_and_nothing_else(shared_data, tmp_path, name):
    assert grave(told_of(shared_data / name, tmp_path)) == SETS[name]


@pytest.mark.slow
@pytest.mark.parametrize("name", LONG_SETS)
def test_of_every_long_set_the_known_faults_are_found_and_nothing_else(shared_data, tmp_path, name):
    assert grave(told_of(shared_data / name, tmp_path)) == LONG_SETS[name]


@pytest.mark.slow
def test_black_test_pictures_of_a_format_suite_are_black(shared_data, tmp_path):
    found = told_of(shared_data / "labels" / "datumaro_formats", tmp_path)
    kinds = ("covered", "duplicate", "low_information", "aspect", "half", "clipped", "grey")
    assert {name.partition(": ")[2] for name in grave(found)} == {f"image.{kind}" for kind in kinds}
    errors = {name.partition(": ")[2] for name, finding in found if finding.severity == "error"}
    assert errors == {"image.covered", "image.half"}


@pytest.mark.parametrize("name", NO_RECORDINGS)
def test_what_holds_no_recording_is_refused_by_name(shared_data, tmp_path, name):
    with pytest.raises(ReadError, match="no recording was found") as caught:
        ingest(tmp_path / "set", Request(paths=[shared_data / name]))
    assert caught.value.code == "read.unknown-format"


def test_every_set_of_the_real_data_is_checked_by_one_of_these(shared_data):
    """A set that is added to the data is added here, or named as one that holds labels or models alone."""
    apart = {
        "labels/bluebirds_multiannotator", "labels/gesture_landmarks", "labels/labelstudio", "labels/vcoco_hoi",
        "labels/coco128_people", "labels/datumaro_formats",
    }  # fmt: skip
    tops = ("devices", "labels", "mcap", "rgbd", "rosbag", "video")
    sets = {f"{top}/{each.name}" for top in tops for each in (shared_data / top).iterdir() if each.is_dir()}
    assert sets - apart - SETS.keys() - LONG_SETS.keys() - set(NO_RECORDINGS) == set()


def test_absent_pictures_are_counted_as_the_index_has_them(shared_data, tmp_path):
    found = told_of(shared_data / "rgbd" / "tum_fr1_rpy", tmp_path)
    losses = sorted(finding.message.partition(" images")[0] for name, finding in found if "loss" in name)
    assert losses == ["depth: 702 of 722 listed", "rgb: 703 of 723 listed"]


def test_sound_of_a_test_file_that_counts_upwards_is_beside_its_middle_by_half_its_height(shared_data, tmp_path):
    """Its 100 blocks hold 0, 1, 2 and so on up to 25,599, so their mean is 12,799.5 of 32,768."""
    ingest(tmp_path / "set", Request(paths=[shared_data / "devices" / "vrs_samples" / "sample_file.vrs"]))
    (found,) = check(tmp_path / "set", Settings(only=["audio.level"], fail_on="never")).found
    assert found.finding.value == pytest.approx(12_799.5 / 32_768, rel=1e-3)
