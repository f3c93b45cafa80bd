"""Recordings of Pupil Labs Neon: a real one, and what is left of damaged ones."""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from clips import write_clip
from contracts.readers import ReaderContract
from readers.reading import assert_books_balance, tables
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import FrameFlag
from rushes.readers.neon import PLUGIN

START_NS = 1_760_676_788_219_000_000
DURATION_NS = 12_443_000_000
COUNTS = {
    "scene": 292, "eyes": 1792, "gaze": 1788, "gaze_right": 1788, "gaze_200hz": 1788, "eye_state": 1788,
    "imu": 969, "fixations": 45, "blinks": 2, "event": 2, "calibration": 3,
}  # fmt: skip


def read(path: Path) -> tuple[dict[str, dict[str, list[Any]]], list[Any]]:
    """Give the columns of every stream, and the losses; the books must balance."""
    with PLUGIN.open(path, {}) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        return found, list(recording.losses())


@pytest.fixture
def demo(shared_data: Path) -> Path:
    return shared_data / "devices" / "neon_demo"


@pytest.fixture
def mine(demo: Path, tmp_path: Path) -> Path:
    """A copy that may be changed, without the manifest that would tell."""
    root = tmp_path / "mine"
    shutil.copytree(demo, root, copy_function=shutil.copyfile)
    root.chmod(0o755)
    (root / "manifest.json").unlink()
    return root


class TestNeonContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = COUNTS

    @pytest.fixture
    def recording(self, demo: Path) -> Path:
        return demo


def test_the_recording_states_its_start_and_length(demo: Path) -> None:
    with PLUGIN.open(demo, {}) as recording:
        about = recording.description

    assert (about.metadata["start_time"], about.metadata["duration"]) == (START_NS, DURATION_NS)
    assert about.start_ns == START_NS
    assert about.end_ns <= START_NS + DURATION_NS
    assert about.metadata["module_serial_number"] == about.metadata["calibration"]["serial"] == "578846"
    assert {s.clock_id for s in about.streams if s.table != "calibrations"} == {"neon"}


def test_every_sample_lies_within_the_recording(demo: Path) -> None:
    found, _ = read(demo)

    for name, columns in found.items():
        if name != "calibration":
            assert START_NS <= min(columns["t_ns"]) <= max(columns["t_ns"]) <= START_NS + DURATION_NS, name


def test_inertial_samples_are_in_si_units(demo: Path) -> None:
    """Gravity is the mean acceleration; the gyroscope turns as fast as the stated orientation does."""
    imu = read(demo)[0]["imu"]
    accel = np.array([imu[f"accel_{axis}_m_s2"] for axis in "xyz"])
    gyro = np.linalg.norm([imu[f"gyro_{axis}_rad_s"] for axis in "xyz"], axis=0)[1:]
    turn = np.array([imu[f"q{part}"] for part in "wxyz"]).T
    rate = 2 * np.arccos(np.clip(np.abs((turn[1:] * turn[:-1]).sum(1)), 0, 1)) / (np.diff(imu["t_ns"]) / 1e9)

    assert np.linalg.norm(accel, axis=0).mean() == pytest.approx(9.81, rel=0.1)
    assert np.allclose(np.linalg.norm(turn, axis=1), 1, atol=1e-3)
    assert np.median(gyro[rate > 0.3] / rate[rate > 0.3]) == pytest.approx(1, rel=0.15)


def test_gaze_is_in_pixels_and_tells_whether_it_was_worn(demo: Path) -> None:
    gaze = read(demo)[0]["gaze"]

    assert all(gaze["worn"])
    assert 0 < min(gaze["x_px"]) < max(gaze["x_px"]) < 1600
    assert 0 < min(gaze["y_px"]) < max(gaze["y_px"]) < 1200


def test_fixations_saccades_and_blinks_are_stretches(demo: Path) -> None:
    found, _ = read(demo)
    eyes = found["fixations"]

    assert {kind: eyes["kind"].count(kind) for kind in set(eyes["kind"])} == {"fixation": 23, "saccade": 22}
    assert eyes["t_end_ns"][:-1] == eyes["t_ns"][1:]  # one follows the other
    assert set(found["blinks"]["kind"]) == {"blink"}
    assert found["event"]["label"] == ["recording.begin", "recording.end"]
    assert json.loads(eyes["value"][0])["mean_gaze_x"] == pytest.approx(719.6703)


def test_the_state_of_the_eyes_names_its_channels_and_their_units(demo: Path) -> None:
    with PLUGIN.open(demo, {}) as recording:
        stream = recording.description.stream("eye_state")
        values = np.array(tables(recording)["eye_state"]["values"])

    units = dict(zip(stream.channel_names, stream.channel_units, strict=True))
    axis = [stream.channel_names.index(f"optical_axis_left_{part}") for part in "xyz"]
    assert len(units) == values.shape[1] == 20
    assert units["pupil_diameter_left_mm"] == "mm"
    assert units["eyelid_angle_top_left"] == "rad"
    assert np.allclose(np.linalg.norm(values[:, axis], axis=1), 1, atol=1e-3)


def test_calibrations_are_those_of_the_three_cameras(demo: Path) -> None:
    rows = read(demo)[0]["calibration"]

    assert rows["frame_of_reference"] == ["scene", "right", "left"]
    assert rows["fx"][0] == pytest.approx(888.411, abs=0.001)
    assert all(abs(cx - width / 2) < 20 for cx, width in zip(rows["cx"], rows["width"], strict=True))
    assert rows["valid_from_ns"] == [START_NS] * 3


def test_absent_videos_keep_their_times_and_are_named(demo: Path) -> None:
    found, losses = read(demo)

    assert set(found["scene"]["flags"]) == {FrameFlag.MISSING.value}
    assert {(loss.code, loss.stream, loss.count) for loss in losses} == {
        ("read.absent-file", None, 4),
        ("read.absent-file", "scene", 292),
        ("read.absent-file", "eyes", 1792),
    }


def test_pictures_of_a_video_get_the_times_beside_it(mine: Path) -> None:
    times = np.fromfile(mine / "Neon_Scene_Camera_v1_ps1.time", "<i8")
    write_clip(mine / "Neon_Scene_Camera_v1_ps1.mp4", count=290)

    found, losses = read(mine)
    scene = found["scene"]

    assert scene["t_ns"] == times.tolist()
    assert scene["flags"] == [0] * 290 + [FrameFlag.MISSING.value] * 2
    assert scene["media_id"][0] == "Neon_Scene_Camera_v1_ps1.mp4"
    assert scene["pts"][:290] == sorted(scene["pts"][:290])
    assert scene["pts"][290:] == [None, None]
    assert [(loss.code, loss.count) for loss in losses if loss.stream == "scene"] == [("read.count-mismatch", 2)]
    with PLUGIN.open(mine, {}) as recording, MediaReader() as media:
        stream = recording.description.stream("scene")
        assert (stream.codec, stream.width) == ("h264", 96)
        assert media is not None


def test_a_second_part_follows_the_first(mine: Path) -> None:
    for name, count in (("gaze", 8), ("worn", 1)):
        (mine / f"{name}_ps2.raw").write_bytes((mine / f"{name}_ps1.raw").read_bytes()[: 10 * count])
    later = np.fromfile(mine / "gaze_ps1.time", "<i8")[:10] + 10**10
    later.tofile(mine / "gaze_ps2.time")

    gaze = read(mine)[0]["gaze"]

    assert len(gaze["t_ns"]) == 1798
    assert gaze["t_ns"][-10:] == later.tolist()
    assert gaze["x_px"][-10:] == gaze["x_px"][:10]


def test_names_with_blanks_are_the_same(mine: Path) -> None:
    expected, _ = read(mine)
    for path in list(mine.iterdir()):
        if "_ps1" in path.name:
            name, ending = path.name.split("_ps1")
            path.rename(mine / f"{name.replace('_v1', ' v1').replace('Neon_', 'Neon ')} ps1{ending}")

    found, _ = read(mine)

    assert PLUGIN.probe(mine, b"").confidence > 0.9
    assert {name: columns["t_ns"] for name, columns in found.items() if name != "calibration"} == {
        name: columns["t_ns"] for name, columns in expected.items() if name != "calibration"
    }


@pytest.mark.parametrize("cut", [0, 1, 7, 8, 9, 0.5])
@pytest.mark.parametrize("file", ["gaze_ps1.raw", "gaze_ps1.time", "imu_ps1.raw", "fixations_ps1.raw"])
def test_a_file_cut_anywhere_keeps_what_is_before_and_names_the_loss(mine: Path, file: str, cut: float) -> None:
    path, stream = mine / file, file.partition("_")[0]
    whole, _ = read(mine)
    content = path.read_bytes()
    path.write_bytes(content[: int(cut if cut != 0.5 else len(content) // 2 + 1)])

    found, losses = read(mine)

    rows = len(found.get(stream, {}).get("t_ns", ()))
    assert rows < COUNTS[stream]
    assert found.get(stream, {}).get("t_ns", []) == whole[stream]["t_ns"][:rows]
    named = [loss for loss in losses if loss.stream == stream]
    assert any(loss.code == "read.count-mismatch" and loss.count == COUNTS[stream] - rows for loss in named)


@pytest.mark.parametrize("file", ["gaze_ps1.raw", "imu_ps1.time", "calibration.bin", "eye_state.dtype"])
def test_a_flipped_byte_is_named_by_its_checksum(demo: Path, tmp_path: Path, file: str) -> None:
    root = tmp_path / "flipped"
    shutil.copytree(demo, root, copy_function=shutil.copyfile)
    root.chmod(0o755)
    content = bytearray((root / file).read_bytes())
    place = len(content) // 2 if not file.endswith("dtype") else content.index(b"pupil")
    content[place] ^= 1
    (root / file).write_bytes(content)

    _, losses = read(root)

    assert ("read.damaged", file) in {(loss.code, loss.file) for loss in losses}


def test_a_damaged_calibration_is_not_used(mine: Path) -> None:
    content = bytearray((mine / "calibration.bin").read_bytes())
    content[20] ^= 1
    (mine / "calibration.bin").write_bytes(content)

    found, losses = read(mine)

    assert "calibration" not in found
    assert ("read.damaged", "calibration.bin") in {(loss.code, loss.file) for loss in losses}


@pytest.mark.parametrize(
    "text", ["", "[1, 2", "__import__('os').getcwd()", "[('x', 'object')]", "[]", "5", "[('x', 'int32')]"]
)
def test_records_that_are_not_described_cost_their_stream_alone(mine: Path, text: str) -> None:
    (mine / "imu.dtype").write_text(text)

    found, losses = read(mine)

    assert set(COUNTS) - set(found) == {"imu"}
    assert [(loss.code, loss.stream) for loss in losses if loss.stream == "imu"] == [("read.damaged", "imu")]


@pytest.mark.parametrize("text", ["", "{", "[]", "null"])
def test_an_unreadable_info_is_named(mine: Path, text: str) -> None:
    (mine / "info.json").write_text(text)

    found, losses = read(mine)

    assert {name: len(columns["index"]) for name, columns in found.items()} == COUNTS
    assert ("read.damaged", "info.json") in {(loss.code, loss.file) for loss in losses}


def test_older_recordings_without_descriptions_are_read_by_what_is_known(mine: Path) -> None:
    for path in mine.glob("*.dtype"):
        if path.name != "imu.dtype":
            path.unlink()
    eyes = np.fromfile(mine / "eye_state_ps1.raw", "<f4").reshape(-1, 20)[:, :14]
    eyes.tofile(mine / "eye_state_ps1.raw")
    blinks = np.fromfile(mine / "blinks_ps1.raw", [("event", "<i4"), ("span", "<i8", 2)])["span"]
    blinks.tofile(mine / "blinks_ps1.raw")

    found, _ = read(mine)

    assert {name: len(columns["index"]) for name, columns in found.items()} == COUNTS
    assert len(found["eye_state"]["values"][0]) == 14
    assert set(found["blinks"]["kind"]) == {"blink"}


def test_inertial_packets_serve_where_there_are_no_records(mine: Path) -> None:
    """Old recordings keep inertial samples as protobuf; here both are, so that one is the truth of the other."""
    expected = read(mine)[0]["imu"]
    for path in mine.glob("imu*"):
        path.unlink()

    imu = read(mine)[0]["imu"]

    for name, values in expected.items():
        assert imu[name] == values, name


def test_a_torn_inertial_packet_ends_the_stream_and_is_named(mine: Path) -> None:
    for path in mine.glob("imu*"):
        path.unlink()
    path = mine / "extimu_ps1.raw"
    path.write_bytes(path.read_bytes()[:1000])

    found, losses = read(mine)

    assert 0 < len(found["imu"]["t_ns"]) < 20
    assert {loss.code for loss in losses if loss.stream == "imu"} == {"read.truncated", "read.count-mismatch"}


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "info.json").write_text("{}")

    assert PLUGIN.probe(tmp_path, b"").confidence == 0
    with pytest.raises(ReadError):
        PLUGIN.open(tmp_path, {})
