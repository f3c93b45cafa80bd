"""Folders of images with their times."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import pytest

from contracts.readers import ReaderContract
from readers.reading import tables
from rushes.errors import ReadError
from rushes.model import FrameFlag
from rushes.readers._folders.slambook import quaternion_order
from rushes.readers.rgbd_folder import PLUGIN

MISSING = FrameFlag.MISSING.value


def image(path: Path, *, deep: bool = False) -> None:
    """Write a small picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = np.full((8, 12), 5000, np.uint16) if deep else np.full((8, 12, 3), 99, np.uint8)
    assert cv2.imwrite(str(path), picture)


def tum(root: Path) -> Path:
    """Write a tiny TUM folder: three colour pictures listed of which one is absent, one depth picture too many."""
    for name in ("1.000001", "1.066668"):
        image(root / "rgb" / f"{name}.png")
    for name in ("1.000002", "1.033335", "9.0"):
        image(root / "depth" / f"{name}.png", deep=True)
    (root / "rgb.txt").write_text(
        "# color images\n1.000001 rgb/1.000001.png\n1.033334 rgb/1.033334.png\n1.066668 rgb/1.066668.png\n"
    )
    (root / "depth.txt").write_text(
        "1.000002 depth/1.000002.png\n1.033335 depth/1.033335.png\nbroken\nx depth/y.png\n"
    )
    (root / "accelerometer.txt").write_text("# t ax ay az\n0.9 0 0 9.81\n1.1 0.1 0.2 9.7\n1.2 oh no no\n1.3 1\n")
    (root / "groundtruth.txt").write_text("0.95 1 2 3 0.1 0.2 0.3 0.9\n")
    return root


class TestTumContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"rgb": 3, "depth": 2, "accelerometer": 2, "groundtruth": 1}

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        return tum(tmp_path / "tum")


class TestEurocContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {
        "cam0": 95, "cam0/calibration": 1, "cam1": 99, "cam1/calibration": 1, "imu0": 29_120,
    }  # fmt: skip

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "rgbd" / "euroc_micro"


class TestSlambookContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"color": 5, "depth": 5, "pose": 5}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "rgbd" / "slambook_pgm"


class TestKittiContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"image_00": 3, "image_02": 2}

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        root = tmp_path / "drive"
        for camera, numbers, count in (("image_00", (0, 1, 2), 3), ("image_02", (0, 1), 2)):
            for number in numbers:
                image(root / camera / "data" / f"{number:010d}.png")
            times = [f"2011-09-26 13:02:25.{964389445 + 100 * n}" for n in range(count)]
            (root / camera / "timestamps.txt").write_text("\n".join(times) + "\n")
        return root


def read(path: Path) -> tuple[Any, dict[str, dict[str, list[Any]]]]:
    with PLUGIN.open(path, {}) as recording:
        return recording, tables(recording)


def test_tum_fr1_rpy_is_read_to_the_last_row(shared_data: Path) -> None:
    recording, found = read(shared_data / "rgbd" / "tum_fr1_rpy")
    rows = {name: len(columns["t_ns"]) for name, columns in found.items()}
    assert rows == {"rgb": 723, "depth": 722, "accelerometer": 14_070, "groundtruth": 2742}
    present = {name: sum(m is not None for m in found[name]["media_id"]) for name in ("rgb", "depth")}
    assert present == {"rgb": 20, "depth": 20}
    for name in ("rgb", "depth"):
        assert [f == MISSING for f in found[name]["flags"]] == [m is None for m in found[name]["media_id"]]
    assert found["accelerometer"]["t_ns"][0] == 1305031225727159000
    assert found["rgb"]["t_ns"][-1] - found["rgb"]["t_ns"][0] == pytest.approx(24.069e9, abs=1e6)
    rate = 14_069 / (found["accelerometer"]["t_ns"][-1] - found["accelerometer"]["t_ns"][0]) * 1e9
    assert rate == pytest.approx(504.5, abs=0.05)
    depth = recording.description.stream("depth")
    assert (depth.depth_unit_m, depth.pixel_format, depth.width, depth.height) == (1 / 5000, "16UC1", 640, 480)
    lost = {loss.stream: loss.count for loss in recording.losses()}
    assert lost == {"rgb": 703, "depth": 702}
    entry = next(e for e in recording.ledger() if (e.stream, e.step) == ("rgb", "bytes"))
    assert (entry.came_in, entry.out, entry.unread, entry.reasons) == (723, 20, 703, {"file absent": 703})
    assert recording.description.metadata["files_left_unread"] == ["rgbd_assoc.txt"]


def test_a_ground_truth_pose_keeps_its_quaternion_in_our_order(shared_data: Path) -> None:
    # 1305031225.9334 1.3357 0.6698 1.6180 0.6504 0.6012 -0.3056 -0.3496, in the order tx ty tz qx qy qz qw
    _, found = read(shared_data / "rgbd" / "tum_fr1_rpy")
    first = {name: column[0] for name, column in found["groundtruth"].items()}
    assert first["t_ns"] == 1305031225933400000
    assert (first["tx_m"], first["ty_m"], first["tz_m"]) == (1.3357, 0.6698, 1.6180)
    assert (first["qw"], first["qx"], first["qy"], first["qz"]) == (-0.3496, 0.6504, 0.6012, -0.3056)


def test_euroc_keeps_nanoseconds_calibration_and_unequal_cameras(shared_data: Path) -> None:
    recording, found = read(shared_data / "rgbd" / "euroc_micro")
    imu = found["imu0"]["t_ns"]
    assert imu[0] == 1403715273262142976
    assert (imu[-1] - imu[0]) / 1e9 == pytest.approx(145.595, abs=0.0005)
    assert (len(imu) - 1) / (imu[-1] - imu[0]) * 1e9 == pytest.approx(200.0, abs=0.001)
    assert found["imu0"]["gyro_x_rad_s"][0] == -0.0020943951023931952
    assert found["imu0"]["accel_z_m_s2"][0] == -3.6938381666666662
    assert recording.description.stream("imu0").nominal_rate_hz == 200
    calibration = {name: column[0] for name, column in found["cam0/calibration"].items()}
    assert (calibration["fx"], calibration["cy"], calibration["width"]) == (458.654, 248.375, 752)
    assert calibration["model"] == "radial-tangential"
    assert calibration["T_parent_sensor"][3] == -0.0216401454975
    absent = [loss for loss in recording.losses() if loss.file and "groundtruth" in loss.file]
    assert len(absent) == 1


def test_a_mav0_folder_by_itself_is_the_same_recording(shared_data: Path) -> None:
    _, whole = read(shared_data / "rgbd" / "euroc_micro")
    _, inner = read(shared_data / "rgbd" / "euroc_micro" / "mav0")
    assert {n: c["t_ns"] for n, c in whole.items() if "/" not in n} == {
        n: c["t_ns"] for n, c in inner.items() if "/" not in n
    }


@pytest.mark.parametrize("name", ["slambook_pgm", "slambook2_rgbd"])
def test_slambook_has_an_order_and_no_times(shared_data: Path, name: str) -> None:
    recording, found = read(shared_data / "rgbd" / name)
    assert {n: c["t_ns"] for n, c in found.items()} == {n: [*range(5)] for n in ("color", "depth", "pose")}
    assert {s.clock for s in recording.description.streams} == {"none"}
    assert recording.description.start_ns is None
    assert recording.description.stream("depth").depth_unit_m == 0.001
    assert all(qw > 0.85 for qw in found["pose"]["qw"])


def test_the_order_of_a_quaternion_is_told_by_its_largest_part() -> None:
    turned_little = np.array([[0.01, 0.02, 0.03, 0.999], [0.1, 0.3, 0.1, 0.94]])
    assert quaternion_order(turned_little)[0]
    assert not quaternion_order(turned_little[:, [3, 0, 1, 2]])[0]
    w_last, why = quaternion_order(np.array([[0.1, 0.9, 0.3, 0.3], [0.1, 0.3, 0.9, 0.3]]))
    assert w_last
    assert "undecided" in why


def test_kitti_dates_become_nanoseconds_and_numbers_tell_which_image_is_absent(tmp_path: Path) -> None:
    for number in (0, 2):
        image(tmp_path / "image_02" / "data" / f"{number:010d}.png")
    times = [f"2011-09-26 13:02:2{n}.964389445" for n in (5, 6, 7)]
    (tmp_path / "image_02" / "timestamps.txt").write_text("\n".join(times))
    recording, found = read(tmp_path)
    columns = found["image_02"]
    assert columns["t_ns"] == [1317042145964389445 + n * 10**9 for n in range(3)]
    assert columns["media_id"][1] is None
    assert columns["flags"] == [0, MISSING, 0]
    assert [loss.code for loss in recording.losses()] == ["read.absent-file"]


def test_odd_lines_absent_and_unlisted_images_are_all_accounted_for(tmp_path: Path) -> None:
    recording, found = read(tum(tmp_path))
    assert found["rgb"]["media_id"] == ["rgb/1.000001.png", None, "rgb/1.066668.png"]
    assert found["accelerometer"]["t_ns"] == [900_000_000, 1_100_000_000]
    losses = {(loss.stream, loss.code): loss.count for loss in recording.losses()}
    assert losses == {
        ("rgb", "read.absent-file"): 1,
        ("depth", "read.malformed-line"): 1,
        ("depth", "read.unlisted-file"): 1,
        ("accelerometer", "read.malformed-line"): 1,
    }
    read_entries = {e.stream: (e.came_in, e.out, e.rejected) for e in recording.ledger() if e.step == "read"}
    assert read_entries["depth"] == (4, 2, 2)
    assert read_entries["accelerometer"] == (4, 2, 2)
    assert "9.0.png" in next(loss.message for loss in recording.losses() if loss.code == "read.unlisted-file")


@pytest.mark.parametrize(
    ("name", "text", "t_ns"),
    [
        ("frames.csv", "filename,timestamp [us]\na1.png,1500\na2.png,35000\n", [1_500_000, 35_000_000]),
        ("frames.csv", "#timestamp [ns],filename\n10,a1.png\n20,a2.png\n", [10, 20]),
        ("frames.csv", "time_s;image\n0.1;a1.png\n0.2;a2.png\n", [100_000_000, 200_000_000]),
        ("times.txt", "0.000000e+00\n1.036229e-01\n", [0, 103_622_900]),
        ("timestamps.txt", "0 a1.png\n33 a2.png\n", [0, 33_000_000]),
        (
            "frames.csv",
            "file,timestamp_ms\na1.png,1700000000000\na2.png,1700000000033\n",
            [1_700_000_000_000_000_000, 1_700_000_000_033_000_000],
        ),
        (
            "times.txt",
            "1700000000000000001\n1700000000033000002\n",
            [1_700_000_000_000_000_001, 1_700_000_000_033_000_002],
        ),
        (
            "timestamps.csv",
            "frame,time_us\n0,1700000000000000\n1,1700000000033000\n",
            [1_700_000_000_000_000_000, 1_700_000_000_033_000_000],
        ),
    ],
)
def test_a_plain_folder_with_a_file_of_times_is_understood(
    tmp_path: Path, name: str, text: str, t_ns: list[int]
) -> None:
    for number in (1, 2):
        image(tmp_path / f"a{number}.png")
    (tmp_path / name).write_text(text)
    recording, found = read(tmp_path)
    assert found["images"]["t_ns"] == t_ns
    assert found["images"]["media_id"] == ["a1.png", "a2.png"]
    assert recording.losses() == []
    assert name in recording.description.streams[0].notes


def test_more_times_than_images_without_numbers_is_a_loss_not_a_guess(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    (tmp_path / "times.txt").write_text("0.0\n0.1\n0.2\n")
    recording, found = read(tmp_path)
    assert found["images"]["t_ns"] == [0]
    assert [(loss.code, loss.count) for loss in recording.losses()] == [("read.count-mismatch", 2)]


@pytest.mark.parametrize(
    "text", ["filename,width,height,class\na.png,640,480,cat\n", "a.png,1,2,3,4\n", "name,score\na.png,0.5\n"]
)
def test_a_table_of_labels_is_no_table_of_times(tmp_path: Path, text: str) -> None:
    image(tmp_path / "a.png")
    (tmp_path / "labels.csv").write_text(text)
    assert PLUGIN.probe(tmp_path, b"").confidence == 0


def test_folders_of_takes_are_not_taken_for_cameras_of_one(tmp_path: Path) -> None:
    for take in ("monday", "tuesday"):
        image(tmp_path / take / "1.png")
        (tmp_path / take / "times.txt").write_text("0.5\n")
    assert PLUGIN.probe(tmp_path, b"").confidence == 0
    assert PLUGIN.probe(tmp_path / "monday", b"").confidence >= 0.6


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    assert PLUGIN.probe(tmp_path, b"").confidence == 0
    with pytest.raises(ReadError) as error:
        PLUGIN.open(tmp_path, {})
    assert error.value.code == "read.empty"


def test_a_listed_path_that_leaves_the_folder_is_not_followed(tmp_path: Path) -> None:
    image(tmp_path / "secret.png")
    image(tmp_path / "take" / "rgb" / "1.png")
    (tmp_path / "take" / "rgb.txt").write_text("1.0 rgb/1.png\n2.0 ../secret.png\n3.0 /etc/secret.png\n")
    _, found = read(tmp_path / "take")
    assert found["rgb"]["media_id"] == ["rgb/1.png", None, None]


@pytest.mark.parametrize(
    ("names", "t_ns"),
    [
        (
            ["1700000000000000001.png", "1700000000033000002.png"],
            [1_700_000_000_000_000_001, 1_700_000_000_033_000_002],
        ),
        (
            ["n015-2018__CAM_FRONT__1532402927612460.png", "n015-2018__CAM_FRONT__1532402928112460.png"],
            [1_532_402_927_612_460_000, 1_532_402_928_112_460_000],
        ),
        (["40753679_6791.100.png", "40753679_6791.200.png"], [6_791_100_000_000, 6_791_200_000_000]),
        (["9_1699999999999.png", "10_1700000000000.png"], [1_699_999_999_999_000_000, 1_700_000_000_000_000_000]),
    ],
)
def test_names_that_are_times_give_them_to_the_nanosecond_and_in_their_order(
    tmp_path: Path, names: list[str], t_ns: list[int]
) -> None:
    for name in reversed(names):
        image(tmp_path / "take" / "cam0" / name)
    recording, found = read(tmp_path / "take")
    assert found["cam0"]["t_ns"] == t_ns
    assert found["cam0"]["media_id"] == [f"cam0/{name}" for name in names]
    assert "names of the files" in recording.description.streams[0].notes
    assert recording.description.streams[0].clock == "header"


@pytest.mark.parametrize(
    "names",
    [
        ["frame_000001.png", "frame_000002.png"],
        ["1234567890123456.png", "3234567890123456.png"],  # ids of pictures in the net: half a life apart
        ["1700000000000_a.png", "1700000000000_b.png"],
        ["0.5.png", "1.5.png"],
        ["1700000000000.png"],
    ],
)
def test_names_that_only_hold_numbers_give_no_times(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        image(tmp_path / name)
    assert PLUGIN.probe(tmp_path, b"").confidence == 0


def test_colour_and_depth_of_one_folder_whose_names_are_times_are_two_streams(tmp_path: Path) -> None:
    for time in ("1700000000.100", "1700000000.200"):
        image(tmp_path / f"{time}_rgb.png")
        image(tmp_path / f"{time}_depth.png", deep=True)
    recording, found = read(tmp_path)
    assert {s.name: s.modality for s in recording.description.streams} == {"rgb": "color", "depth": "depth"}
    assert found["depth"]["t_ns"] == [1_700_000_000_100_000_000, 1_700_000_000_200_000_000]


def test_a_list_beside_a_folder_that_bears_its_name_gives_its_times(tmp_path: Path) -> None:
    for camera, first in (("cam_left", 1), ("cam_right", 2)):
        for number in range(2):
            image(tmp_path / camera / f"{number:06d}.png")
        (tmp_path / f"{camera}_timestamps.csv").write_text(f"frame_index,timestamp\n0,{first}.0\n1,{first}.5\n")
    _, found = read(tmp_path)
    assert found["cam_left"]["t_ns"] == [1_000_000_000, 1_500_000_000]
    assert found["cam_right"]["t_ns"] == [2_000_000_000, 2_500_000_000]


def test_numbered_colour_and_depth_side_by_side_are_one_recording_without_times(tmp_path: Path) -> None:
    for number in (0, 1, 2):
        image(tmp_path / "color" / f"{number}.png")
        (tmp_path / "pose").mkdir(exist_ok=True)
        (tmp_path / "pose" / f"{number}.txt").write_text("1 0 0 0\n")
    for number in (0, 2):
        image(tmp_path / "depth" / f"{number}.png", deep=True)
    (tmp_path / "notes.txt").write_text("by hand")
    recording, found = read(tmp_path)
    assert (found["color"]["t_ns"], found["depth"]["t_ns"]) == ([0, 1, 2], [0, 2])
    depth = recording.description.stream("depth")
    assert (depth.modality, depth.clock, depth.depth_unit_m) == ("depth", "none", None)
    assert recording.description.metadata["files_left_unread"] == ["notes.txt", "pose/"]


def test_folders_of_sensors_that_are_not_read_are_named(tmp_path: Path) -> None:
    image(tmp_path / "image_00" / "data" / "0000000000.png")
    (tmp_path / "image_00" / "timestamps.txt").write_text("2011-09-26 13:02:25.594360375\n")
    (tmp_path / "oxts").mkdir()
    (tmp_path / "velodyne_points").mkdir()
    recording, _ = read(tmp_path)
    assert recording.description.metadata["files_left_unread"] == ["oxts/", "velodyne_points/"]
