"""Azure Kinect recordings: the device's own times, and every payload where it lies."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.readers import ReaderContract, head_of
from readers import kinect_files as files
from readers.reading import payloads, tables
from rushes.errors import ReadError
from rushes.model import FrameFlag
from rushes.readers._kinect.calibration import quaternion
from rushes.readers.azure_kinect import PLUGIN
from rushes.readers.video import PLUGIN as VIDEO
from rushes.workflow.pictures import decoder_for

OFFSET_NS = 336_277_000
STAMP_NS = 800_222_000


@pytest.fixture
def real(shared_data: Path) -> Path:
    return shared_data / "devices" / "azure_kinect" / "recording.mkv"


class TestRealContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {
        "color": 1, "depth": 1, "infrared": 1, "imu": 1, "color/calibration": 1, "depth/calibration": 1,
        "infrared/calibration": 1, "transforms": 3,
    }  # fmt: skip

    @pytest.fixture
    def recording(self, real: Path) -> Path:
        return real


class TestWrittenContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"depth": 3, "infrared": 3, "imu": 3}

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        return files.Take().write(tmp_path / "take.mkv")


def read(path: Path):
    with PLUGIN.open(path, {}) as recording:
        return recording, tables(recording)


def demuxed(path: Path) -> dict[int, list[tuple[int, bytes]]]:
    """What FFmpeg makes of the file: time stamp and bytes of every packet, by track."""
    found: dict[int, list[tuple[int, bytes]]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                found.setdefault(packet.stream_index, []).append((packet.pts, bytes(packet)))
    return found


def test_the_device_stamps_are_those_that_were_written_down(real: Path) -> None:
    recording, found = read(real)

    assert {name: found[name]["t_ns"] for name in ("color", "depth", "infrared", "imu")} == {
        "color": [STAMP_NS], "depth": [STAMP_NS], "infrared": [STAMP_NS], "imu": [OFFSET_NS],
    }  # fmt: skip
    assert found["depth"]["pts"] == [463_945]
    assert (recording.description.start_ns, recording.description.end_ns) == (OFFSET_NS, STAMP_NS)
    streams = [recording.description.stream(name) for name in ("color", "depth", "infrared", "imu")]
    assert {stream.clock_id for stream in streams} == {"azure-kinect-001514394512"}
    assert {(stream.time_base_num, stream.time_base_den) for stream in streams} == {(1, 1_000_000)}


def test_the_start_offset_is_evidence_of_one_instant_in_both_clocks(real: Path) -> None:
    recording, _ = read(real)

    (pairs,) = recording.clock_pairs()

    assert (pairs.from_clock, pairs.to_clock) == ("container", "azure-kinect-001514394512")
    assert (pairs.from_ns.tolist(), pairs.to_ns.tolist()) == ([0], [OFFSET_NS])
    assert (pairs.relation, pairs.source) == ("same", "start-offset")


def test_what_else_the_recorder_states_is_metadata(real: Path) -> None:
    recording, _ = read(real)

    said = recording.description.metadata
    assert said["depth_delay_ns"] == 0
    assert said["tracks"]["DEPTH"]["K4A_DEPTH_MODE"] == "NFOV_UNBINNED"
    assert said["tracks"]["COLOR"]["K4A_COLOR_MODE"] == "MJPG_720P"
    assert said["tags"]["K4A_DEVICE_SERIAL_NUMBER"] == "001514394512"


def test_payloads_of_the_real_file_are_the_packets_that_ffmpeg_gives(real: Path) -> None:
    recording, found = read(real)
    packets = demuxed(real)

    for index, name in enumerate(("color", "depth", "infrared")):
        assert payloads(recording, found[name]) == [data for _, data in packets[index]]
        assert found[name]["pts"] == [pts for pts, _ in packets[index]]


def test_depth_decodes_to_millimetres_as_the_packet_says(real: Path) -> None:
    recording, found = read(real)
    stream = recording.description.stream("depth")
    truth = np.frombuffer(demuxed(real)[1][0][1], ">u2").reshape(576, 640)

    picture = decode(recording, "depth", found)

    np.testing.assert_array_equal(picture, truth)
    assert stream.depth_unit_m == 0.001
    assert 0.2 < np.median(picture[picture > 0]) * stream.depth_unit_m < 6  # what the sensor can see
    assert decode(recording, "color", found).shape == (720, 1280, 3)
    assert decode(recording, "infrared", found).dtype == np.uint16


def decode(recording, name: str, found, row: int = 0):
    from rushes.model import FrameRequest, Location

    stream, columns = recording.description.stream(name), found[name]
    (data, *_) = payloads(recording, {key: [value[row]] for key, value in columns.items()})
    location = Location(path=recording.description.media[0].path, container="video")
    request = FrameRequest(
        location=location,
        codec=stream.codec,
        pixel_format=stream.pixel_format,
        width=columns["width"][row],
        height=columns["height"][row],
    )
    return decoder_for(stream.codec).decode(request, data)


def test_the_sensor_at_rest_feels_gravity(real: Path) -> None:
    _, found = read(real)

    accel = [found["imu"][f"accel_{axis}_m_s2"][0] for axis in "xyz"]
    assert np.linalg.norm(accel) == pytest.approx(9.81, abs=0.3)


def test_the_calibration_holds_for_the_mode_that_was_recorded(real: Path) -> None:
    _, found = read(real)

    depth = {name: column[0] for name, column in found["depth/calibration"].items()}
    # NFOV unbinned cuts 640 x 576 out of 1024 x 1024 at (192, 180); half a pixel from corner to centre.
    assert depth["fx"] == pytest.approx(0.4927808940410614 * 1024)
    assert depth["cx"] == pytest.approx(0.51296979188919067 * 1024 - 192 - 0.5)
    assert depth["cy"] == pytest.approx(0.51692354679107666 * 1024 - 180 - 0.5)
    k1, k2, p1, p2, k3 = depth["distortion"][:5]
    assert (k1, k2, k3) == pytest.approx((0.54793977737426758, -0.020971370860934258, -0.0026522316038608551))
    assert (p1, p2) == pytest.approx((2.0557534298859537e-05, -7.2104157879948616e-05))
    color = {name: column[0] for name, column in found["color/calibration"].items()}
    assert (color["width"], color["height"]) == (1280, 720)
    assert color["cy"] == pytest.approx(0.50661760568618774 * 960 - 120 - 0.5)


def test_the_colour_camera_sits_three_centimetres_beside_the_depth_camera(real: Path) -> None:
    _, found = read(real)

    moved = found["transforms"]
    place = moved["child"].index("color_camera")
    assert moved["parent"][place] == "depth_camera"
    assert moved["tx_m"][place] == pytest.approx(0.032, abs=0.001)
    assert 2 * np.degrees(np.arccos(moved["qw"][place])) == pytest.approx(
        5, abs=1.5
    )  # tilted by design, some 6 deg


@given(st.lists(st.floats(-1, 1), min_size=4, max_size=4).filter(lambda q: np.linalg.norm(q) > 0.1))
def test_a_rotation_and_its_quaternion_are_the_same_turn(q: list[float]) -> None:
    w, x, y, z = np.array(q) / np.linalg.norm(q)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )

    found = quaternion(rotation)

    assert abs(np.dot(found, [w, x, y, z])) == pytest.approx(1)


@given(
    st.lists(st.integers(0, 3_000_000), min_size=1, max_size=8),
    st.lists(st.integers(0, 3_000_000), max_size=40),
    st.integers(0, 10**12),
)
def test_every_block_is_where_ffmpeg_finds_it(
    tmp_path_factory, depth_us: list[int], imu_us: list[int], offset_us: int
) -> None:
    take = files.Take(depth_us=sorted(depth_us), imu_us=sorted(imu_us), offset_ns=offset_us * 1000)
    path = take.write(tmp_path_factory.mktemp("kinect") / "take.mkv")

    recording, found = read(path)

    packets = demuxed(path)
    assert payloads(recording, found["depth"]) == [data for _, data in packets[0]]
    assert payloads(recording, found["infrared"]) == [data for _, data in packets[1]]
    assert found["depth"]["pts"] == [pts for pts, _ in packets[0]] == take.depth_us
    assert found["depth"]["t_ns"] == [(offset_us + t_us) * 1000 for t_us in take.depth_us]
    assert found.get("imu", {"t_ns": []})["t_ns"] == [(offset_us + t_us) * 1000 for t_us in take.imu_us]
    everything = [*take.depth_us, *take.imu_us]
    span = ((offset_us + min(everything)) * 1000, (offset_us + max(everything)) * 1000)
    assert (recording.description.start_ns, recording.description.end_ns) == span
    assert not recording.losses() or {loss.code for loss in recording.losses()} == {"read.absent-file"}


@pytest.mark.parametrize("kind", ["xiph", "fixed", "ebml"])
def test_laced_blocks_are_told_apart(tmp_path: Path, kind: str) -> None:
    sizes = [300, 300, 300] if kind == "fixed" else [300, 20, 513]
    laced = [bytes([number]) * size for number, size in enumerate(sizes)]
    head = {
        "xiph": (0x02, b"\x02" + bytes([255, 45, 20])),
        "fixed": (0x04, b"\x02"),
        "ebml": (0x06, b"\x02" + (0x4000 | 300).to_bytes(2, "big") + (0x4000 | 0x1FFF - 280).to_bytes(2, "big")),
    }[kind]
    path = files.Take(depth_us=[], imu_us=[]).write(tmp_path / "take.mkv", end_known=False)
    with path.open("ab") as file:
        file.write(files.cluster(500, files.block(2, 7, head[1] + b"".join(laced), flags=0x80 | head[0])))

    recording, found = read(path)

    assert payloads(recording, found["depth"]) == laced
    assert [data for _, data in demuxed(path)[0]] == laced
    assert found["depth"]["pts"] == [507] * 3


def test_a_recording_that_was_cut_is_read_to_its_end_and_the_loss_is_named(real: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(real.read_bytes()[:1_000_000])

    recording, found = read(cut)

    assert [found[name]["flags"] for name in ("color", "depth", "infrared")] == [[0], [0], [FrameFlag.CORRUPT]]
    losses = recording.losses()
    assert {loss.code for loss in losses} == {"read.truncated", "read.short"}
    truncated = next(loss for loss in losses if loss.code == "read.truncated")
    assert (truncated.byte_from, truncated.byte_to) == (1_000_000, real.stat().st_size)
    short = next(entry for entry in recording.ledger() if entry.stream == "infrared" and entry.step == "bytes")
    assert (short.came_in, short.out, short.unread) == (1, 0, 1)


@given(st.integers(60, 3000))
def test_wherever_it_is_cut_no_error_escapes_and_the_books_balance(tmp_path_factory, end: int) -> None:
    folder = tmp_path_factory.mktemp("cut")
    whole = files.Take().write(folder / "take.mkv")
    cut = folder / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[:end])
    left = end < whole.stat().st_size

    try:
        recording, _ = read(cut)
    except ReadError:
        return

    assert all(entry.balanced for entry in recording.ledger())
    assert not left or "read.truncated" in {loss.code for loss in recording.losses()}


def test_a_recorder_that_crashed_leaves_no_length_and_nothing_is_lost(tmp_path: Path) -> None:
    take = files.Take()
    path = take.write(tmp_path / "take.mkv", end_known=False)

    recording, found = read(path)

    assert len(found["depth"]["t_ns"]) == 3
    assert "read.truncated" not in {loss.code for loss in recording.losses()}


def test_damage_is_stepped_over_up_to_the_next_cluster(tmp_path: Path) -> None:
    take = files.Take(depth_us=[0, 33_000, 66_000], imu_us=[])
    path = take.write(tmp_path / "take.mkv")
    data = bytearray(path.read_bytes())
    _, found = read(path)
    start = found["depth"]["offset"][1] - 20  # the head of the cluster in the middle
    data[start - 10 : start + 10] = bytes(20)
    path.write_bytes(data)

    recording, found = read(path)

    assert found["depth"]["pts"] == [0, 66_000]
    (damaged,) = [loss for loss in recording.losses() if loss.code == "read.damaged"]
    assert damaged.byte_from is not None
    assert damaged.byte_from < start < (damaged.byte_to or 0)


def test_without_a_start_offset_times_count_from_the_start_and_that_is_said(tmp_path: Path) -> None:
    recording, found = read(files.Take(offset_ns=None).write(tmp_path / "take.mkv"))

    assert found["depth"]["t_ns"][0] == 0
    assert not recording.clock_pairs()
    assert any("K4A_START_OFFSET_NS" in loss.message for loss in recording.losses())


def test_a_picture_of_an_older_16_to_9_calibration_lands_in_the_same_place(tmp_path: Path) -> None:
    camera = "CALIBRATION_CameraLocationPV0"
    new = [0.5, 0.5, 0.5, 0.64, *range(6), 0, 0, 0.01, 0.02]
    old = [0.5, (0.5 * 3072 - 384) / 2304, 0.5, 0.64 * 3072 / 2304, *range(6), 0, 0, 0.01, 0.02]
    extra = [files.video_track(1, b"MJPG", 1920, 1080)]
    rows = []
    for sensor, parameters in (((4096, 3072), new), ((4096, 2304), old)):
        said = files.calibration(files.camera(camera, parameters, size=sensor, moved=(0, 0, 0)))
        take = files.Take(calibration=said, extra=extra)
        _, found = read(take.write(tmp_path / f"{sensor[1]}.mkv"))
        rows.append({name: column[0] for name, column in found["color/calibration"].items()})

    for name in ("fx", "fy", "cx", "cy"):
        assert rows[0][name] == pytest.approx(rows[1][name])


@pytest.mark.parametrize(
    "said", [b"", b"{}", b"[1]", b'{"CalibrationInformation": {"Cameras": [{}]}}', b"\xff\xfe"]
)
def test_a_calibration_that_cannot_be_read_is_a_loss_and_the_pictures_are_read(
    tmp_path: Path, said: bytes
) -> None:
    recording, found = read(files.Take(calibration=said).write(tmp_path / "take.mkv"))

    assert len(found["depth"]["t_ns"]) == 3
    assert any("calibration.json" in loss.message for loss in recording.losses())


def test_an_imu_block_of_another_size_is_refused_and_counted(tmp_path: Path) -> None:
    path = files.Take(depth_us=[], imu_us=[0]).write(tmp_path / "take.mkv", end_known=False)
    with path.open("ab") as file:
        file.write(files.cluster(1000, files.grouped(4, 0, bytes(39))))

    recording, found = read(path)

    assert len(found["imu"]["t_ns"]) == 1
    (entry,) = [entry for entry in recording.ledger() if entry.stream == "imu"]
    assert (entry.came_in, entry.out, entry.rejected) == (2, 1, 1)


def test_a_matroska_film_of_another_maker_is_left_to_the_video_reader(shared_data: Path, real: Path) -> None:
    film = next((shared_data / "video" / "asl_gestures").glob("*.mkv"))

    assert PLUGIN.probe(film, head_of(film)).confidence == 0
    assert PLUGIN.probe(real, head_of(real)).confidence > VIDEO.probe(real, head_of(real)).confidence


def test_a_track_of_a_codec_that_nobody_knows_is_named(tmp_path: Path) -> None:
    path = files.Take().write(tmp_path / "take.mkv")
    path.write_bytes(path.read_bytes().replace(b"b16g", b"b16f", 1))
    with PLUGIN.open(path, {}) as recording:
        tables(recording)
        (loss,) = [loss for loss in recording.losses() if loss.code == "read.unknown-codec"]
    assert loss.stream == "depth"
    assert "b16f" in loss.message


def test_a_block_of_no_track_costs_itself_and_is_told_with_its_time(tmp_path: Path) -> None:
    path = files.Take().write(tmp_path / "take.mkv")
    with PLUGIN.open(path, {}) as recording:
        before = tables(recording)
    data = bytearray(path.read_bytes())
    at = before["depth"]["offset"][1] - 4  # the number of its track; its time and flags follow
    assert data[at] == 0x82
    data[at] ^= 0x10
    path.write_bytes(data)

    with PLUGIN.open(path, {}) as recording:
        after = tables(recording)
        losses = [loss for loss in recording.losses() if "no track" in loss.message]

    (gone,) = set(before["depth"]["t_ns"]) - set(after["depth"]["t_ns"])
    (loss,) = losses
    assert loss.byte_from is not None
    assert loss.byte_to is not None
    assert loss.byte_from < at < loss.byte_to
    assert loss.start_ns is None or loss.start_ns <= gone
    assert loss.end_ns is None or gone <= loss.end_ns
