"""VRS recordings: our own walk through the records against Meta's reader, and against files made here."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.readers import ReaderContract, head_of
from readers import vrs_files as files
from readers.reading import payloads, tables
from rushes.errors import ReadError
from rushes.model import FrameFlag, FrameRequest, Location
from rushes.readers.vrs import PLUGIN
from rushes.workflow.pictures import decoder_for

TRUTH: dict[str, Any] = json.loads((Path(__file__).parent / "vrs_truth.json").read_text())
FORMATS_THAT_IT_DOES_NOT_GIVE = ("nv12", "nv21", "i420", "bayer_gbrg8", "bayer_gbrg10")
ARIA_STREAMS = {
    "camera-et": 4, "camera-rgb": 8, "mic": 4, "baro0": 20, "camera-slam-left": 4, "camera-slam-right": 4,
    "imu-right": 400, "imu-left": 319, "mag0": 4,
}  # fmt: skip


class TestAriaContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {
        **ARIA_STREAMS, "camera-slam-left/calibration": 1, "camera-slam-right/calibration": 1,
        "camera-et-left/calibration": 1, "camera-et-right/calibration": 1, "camera-rgb/calibration": 1,
        "transforms": 7, "gaze": 4, "speech": 13,
    }  # fmt: skip

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "devices" / "aria_aea" / "recording.vrs"


class TestSampleContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"101-1": 100, "200-1": 101, "372-1": 100}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "devices" / "vrs_samples" / "sample_file.vrs"


class TestChunkedContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"101-1": 100, "200-1": 100, "372-1": 100}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "devices" / "vrs_samples" / "chunks.vrs"


def read(path: Path):
    with PLUGIN.open(path, {}) as recording:
        return recording, tables(recording)


@pytest.mark.parametrize("name", TRUTH)
def test_counts_stamps_and_contents_are_those_of_metas_reader(shared_data: Path, name: str) -> None:
    truth = TRUTH[name]
    recording, found = read(shared_data / "devices" / name)
    names = {key: said["stream"] for key, said in recording.description.metadata["streams"].items()}

    assert recording.description.metadata["records"] == truth["records"]
    assert {names[key]: told["data_records"] for key, told in truth["streams"].items()} == {
        stream: len(columns["t_ns"]) for stream, columns in found.items() if stream in names.values()
    }
    for key, told in truth["streams"].items():
        columns, stream = found[names[key]], recording.description.stream(names[key])
        if stream.modality != "message":
            stamps = columns["t_ns"]
            assert [stamps[0], stamps[-1], sum(stamps)] == told["stamps"]
        if stream.table in ("frames", "audio") and all(columns["media_id"]):
            content = b"".join(payloads(recording, columns))
            if told["content_bytes"] == len(content):
                assert hashlib.sha256(content).hexdigest() == told["content"]
            else:  # it gives the first plane of planar pictures alone, and does not know the newest two formats
                assert (stream.pixel_format or stream.codec) in FORMATS_THAT_IT_DOES_NOT_GIVE
        if stream.table == "imu":
            for told_name, column in (("accelerometer", "accel_{}_m_s2"), ("gyroscope", "gyro_{}_rad_s")):
                ours = [[columns[column.format(axis)][row] for axis in "xyz"] for row in (0, -1)]
                np.testing.assert_allclose(ours, told["numbers"][told_name])
        if "pressure" in told["numbers"]:
            assert [columns["values"][row][0] for row in (0, -1)] == told["numbers"]["pressure"]


def test_all_streams_of_aria_are_on_one_clock(shared_data: Path) -> None:
    recording, found = read(shared_data / "devices" / "aria_aea" / "recording.vrs")

    streams = [recording.description.stream(name) for name in [*ARIA_STREAMS, "gaze", "speech"]]
    assert {stream.clock_id for stream in streams} == {"aria-1WM093701M1276"}
    assert sum(ARIA_STREAMS.values()) + 9 + 9 == recording.description.metadata["records"] == 785
    spans = [(found[name]["t_ns"][0], found[name]["t_ns"][-1]) for name in ARIA_STREAMS]
    assert 0.38e9 < max(end for _, end in spans) - min(start for start, _ in spans) < 0.41e9
    # Gaze was inferred from the eye pictures: each has the time of one, cut to microseconds.
    assert [t // 1000 for t in found["camera-et"]["t_ns"]] == [t // 1000 for t in found["gaze"]["t_ns"]]


def test_rates_are_those_that_the_sensors_state(shared_data: Path) -> None:
    recording, found = read(shared_data / "devices" / "aria_aea" / "recording.vrs")

    for name in ("imu-right", "imu-left", "camera-rgb", "camera-slam-left"):
        t_ns = found[name]["t_ns"]
        rate = (len(t_ns) - 1) / (t_ns[-1] - t_ns[0]) * 1e9
        assert rate == pytest.approx(recording.description.stream(name).nominal_rate_hz, rel=0.03)


def test_the_wearer_of_the_glasses_feels_gravity_in_both_imus(shared_data: Path) -> None:
    _, found = read(shared_data / "devices" / "aria_aea" / "recording.vrs")

    for name in ("imu-right", "imu-left"):
        felt = np.linalg.norm([found[name][f"accel_{axis}_m_s2"] for axis in "xyz"], axis=0)
        assert np.median(felt) == pytest.approx(9.81, abs=1.5)


def test_audio_blocks_follow_each_other_without_a_gap(shared_data: Path) -> None:
    recording, found = read(shared_data / "devices" / "aria_aea" / "recording.vrs")

    stream, blocks = recording.description.stream("mic"), found["mic"]
    assert (stream.codec, stream.channels, stream.sample_rate_hz) == ("pcm_s32le", 7, 48_000)
    assert blocks["samples"] == [4096] * 4
    assert blocks["first_sample"] == [0, 4096, 8192, 12288]
    assert blocks["length"] == [4096 * 7 * 4] * 4
    np.testing.assert_allclose(np.diff(blocks["t_ns"]), 4096 / 48_000 * 1e9, atol=1e5)


def test_the_device_frame_is_that_of_the_left_camera(shared_data: Path) -> None:
    _, found = read(shared_data / "devices" / "aria_aea" / "recording.vrs")

    edges = found["transforms"]
    left, right = edges["child"].index("camera-slam-left"), edges["child"].index("camera-slam-right")
    places = np.array([edges["tx_m"], edges["ty_m"], edges["tz_m"]]).T
    assert np.abs(places[left]).max() < 1e-12
    assert 0.1 < np.linalg.norm(places[right]) < 0.16  # about as wide as a face
    np.testing.assert_allclose(np.linalg.norm([edges[f"q{axis}"] for axis in "wxyz"], axis=0), 1)
    matrix = np.array(found["camera-slam-right/calibration"]["T_parent_sensor"][0]).reshape(4, 4)
    np.testing.assert_allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(matrix[:3, 3], places[right])
    rgb = {name: column[0] for name, column in found["camera-rgb/calibration"].items()}
    assert (rgb["model"], rgb["width"], rgb["fx"], len(rgb["distortion"])) == ("fisheye624", 2880, rgb["fy"], 12)


def test_clock_pairs_are_what_the_glasses_noted_of_other_clocks(shared_data: Path) -> None:
    recording, _ = read(shared_data / "devices" / "aria_adt" / "video.vrs")

    pairs = {pair.to_clock: pair for pair in recording.clock_pairs()}
    assert {pair.from_clock for pair in pairs.values()} == {"aria-1WM103600M1292"}
    timecode = pairs["TIMECODE"]
    assert timecode.relation == "same"
    np.testing.assert_allclose(np.diff(timecode.from_ns), 1e9 / 30, rtol=1e-4)
    np.testing.assert_allclose(np.diff(timecode.to_ns), 1e9 / 30, rtol=1e-4)


# Written down in the tests of Aria's own tools: angles of both eyes and what follows from them.
@pytest.mark.parametrize(
    ("header", "row", "direction"),
    [
        (
            "tracking_timestamp_us,yaw_rads_cpf,pitch_rads_cpf,depth_m",
            "17,-0.102910490016660,-0.288851886987686,1.179526637404006",
            (-0.116201334110103, -0.334355951558995, 1.12516063),
        ),
        (
            "tracking_timestamp_us,left_yaw_rads_cpf,right_yaw_rads_cpf,pitch_rads_cpf,depth_m",
            "17,-0.1264797,-0.07706982,-0.26359045,1.31310134",
            (-0.12892598, -0.34047373, 1.26162232),
        ),
    ],
)
def test_gaze_points_where_arias_own_tools_say(
    shared_data: Path, tmp_path: Path, header: str, row: str, direction: tuple[float, float, float]
) -> None:
    path = files.VrsFile([], file_tags={"device_type": "Aria"}).write(tmp_path / "a.vrs")
    gaze = tmp_path / "mps" / "eye_gaze" / "general_eye_gaze.csv"
    gaze.parent.mkdir(parents=True)
    gaze.write_text(f"{header}\n{row}\n")

    _, found = read(path)

    point = np.array([found["gaze"][f"direction_{axis}"][0] for axis in "xyz"]) * found["gaze"]["depth_m"][0]
    np.testing.assert_allclose(point, direction, atol=1e-4)
    assert found["gaze"]["t_ns"] == [17_000]


@pytest.mark.parametrize(
    "place",
    [
        "aria_mps/eye_gaze/eyegaze.csv",
        "aria_mps/eye_gaze/generalized_eye_gaze.csv",
        "aria_mps/eye_gaze_vergence/generalized_gaze.csv",
        "aria_mps/data/gen2/mps_sample/eye_gaze/general_eye_gaze.csv",
        "hot3d_aria/Aria/P0003_c701bd11/mps/eye_gaze/general_eye_gaze.csv",
    ],
)
def test_gaze_of_every_version_is_read_whole(shared_data: Path, tmp_path: Path, place: str) -> None:
    path = files.VrsFile([], file_tags={"device_type": "Aria"}).write(tmp_path / "a.vrs")
    gaze = tmp_path / "mps" / "eye_gaze" / "general_eye_gaze.csv"
    gaze.parent.mkdir(parents=True)
    gaze.write_bytes((shared_data / "devices" / place).read_bytes())
    lines = gaze.read_text().splitlines()[1:]

    _, found = read(path)

    assert found["gaze"]["t_ns"] == [int(line.split(",")[0]) * 1000 for line in lines]
    norm = np.linalg.norm([found["gaze"][f"direction_{axis}"] for axis in "xyz"], axis=0)
    np.testing.assert_allclose(norm, 1)
    assert min(found["gaze"]["direction_z"]) > 0.2  # ahead, not behind


def test_a_bad_line_of_gaze_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    path = files.VrsFile([], file_tags={"device_type": "Aria"}).write(tmp_path / "a.vrs")
    lines = ["tracking_timestamp_us,yaw_rads_cpf,pitch_rads_cpf", "1,0,0", "2,x,0", "3", "nan,0,0", "5,0,0"]
    (tmp_path / "eyegaze.csv").write_text("\n".join(lines))

    recording, found = read(path)

    assert found["gaze"]["t_ns"] == [1000, 5000]
    (entry,) = [entry for entry in recording.ledger() if entry.stream == "gaze"]
    assert (entry.came_in, entry.out, entry.rejected) == (5, 2, 3)
    assert {loss.code for loss in recording.losses()} == {"read.malformed-line"}


def small(compressions: list[int], *, index: bool = True) -> tuple[files.VrsFile, list[np.ndarray]]:
    random = np.random.default_rng(len(compressions))
    pictures = [random.integers(0, 255, (4, 6)).astype(np.uint8) for _ in compressions]
    records = [files.configuration(6, 4)]
    for number, (picture, compression) in enumerate(zip(pictures, compressions, strict=True)):
        records.append(files.frame(number, picture, 1_000_000_000 + number, compression=compression))
        records.append(files.sample(1_000_000_000 + number, (0, 0, 9.81), (0, 0, number), (True, number % 2 == 0)))
    return files.VrsFile(records, index=index), pictures


@given(st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=12), st.booleans())
def test_what_was_written_comes_back_with_or_without_an_index(
    tmp_path_factory, compressions: list[int], index: bool
) -> None:
    written, pictures = small(compressions, index=index)
    path = written.write(tmp_path_factory.mktemp("vrs") / "a.vrs")

    recording, found = read(path)

    count = len(compressions)
    assert payloads(recording, found["200-1"]) == [picture.tobytes() for picture in pictures]
    assert found["200-1"]["seq"] == list(range(count))
    assert found["200-1"]["width"] == [6] * count
    assert found["1202-1"]["t_ns"] == [1_000_000_000 + number for number in range(count)]
    assert found["1202-1"]["gyro_z_rad_s"] == [float(n) if n % 2 == 0 else None for n in range(count)]
    assert bool(recording.losses()) is not index
    if not index:
        assert {loss.code for loss in recording.losses()} == {"read.truncated"}


@given(st.data())
def test_wherever_it_is_cut_no_error_escapes_and_the_books_balance(tmp_path_factory, data) -> None:
    folder = tmp_path_factory.mktemp("cut")
    written, _ = small([0, 2, 1, 0], index=data.draw(st.booleans()))
    whole = written.write(folder / "a.vrs").read_bytes()
    end = data.draw(st.integers(0, len(whole) - 1))
    (folder / "cut.vrs").write_bytes(whole[:end])

    try:
        recording, found = read(folder / "cut.vrs")
    except ReadError:
        return

    assert all(entry.balanced for entry in recording.ledger())
    assert recording.losses()
    assert len(payloads(recording, found["200-1"])) if "200-1" in found else True


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_changed_byte_never_escapes_as_a_traceback(tmp_path_factory, place: int, value: int) -> None:
    folder = tmp_path_factory.mktemp("hurt")
    written, _ = small([0, 2, 1, 0])
    data = bytearray(written.write(folder / "a.vrs").read_bytes())
    data[place % len(data)] = value
    (folder / "hurt.vrs").write_bytes(data)

    try:
        recording, _ = read(folder / "hurt.vrs")
    except ReadError:
        return

    assert all(entry.balanced for entry in recording.ledger())


def test_a_real_recording_that_was_cut_is_partial_and_says_what_is_missing(
    shared_data: Path, tmp_path: Path
) -> None:
    whole = (shared_data / "devices" / "aria_aea" / "recording.vrs").read_bytes()
    cut = tmp_path / "cut.vrs"
    cut.write_bytes(whole[: len(whole) // 2])

    recording, found = read(cut)

    (loss,) = recording.losses()
    assert loss.code == "read.truncated"
    assert (loss.byte_from, loss.byte_to) == (len(whole) // 2, len(whole))
    read_entries = {entry.stream: entry for entry in recording.ledger() if entry.step == "read"}
    assert sum(read_entries[name].unread for name in ARIA_STREAMS) == loss.count
    for name, count in ARIA_STREAMS.items():
        assert read_entries[name].came_in == read_entries[name].declared == count
        assert len(found[name]["t_ns"]) == count - read_entries[name].unread


def test_samples_that_lie_across_two_files_keep_their_rows_and_are_named(shared_data: Path) -> None:
    recording, found = read(shared_data / "devices" / "vrs_samples" / "chunks.vrs")

    places = [(s, row) for s in ("101-1", "200-1") for row, m in enumerate(found[s]["media_id"]) if m is None]
    assert {media.media_id for media in recording.description.media} == {
        "chunks.vrs",
        "chunks.vrs_1",
        "chunks.vrs_2",
    }
    assert 0 < len(places) <= 2  # three files have two seams
    for stream, row in places:
        if stream == "200-1":
            assert found[stream]["flags"][row] & FrameFlag.MISSING
    lost = sum(loss.count or 0 for loss in recording.losses() if loss.code == "read.across-files")
    assert lost == len(places)


def test_a_later_file_of_a_recording_is_left_to_its_first(shared_data: Path) -> None:
    later = shared_data / "devices" / "vrs_samples" / "chunks.vrs_1"

    claim = PLUGIN.probe(later, head_of(later))

    assert claim.confidence == 0
    assert "its first file stands for it" in claim.reason


def test_one_picture_in_every_format_is_one_picture(shared_data: Path) -> None:
    """The file holds the same white square of 12 pixels on black in each; the grey one told where it lies."""
    path = shared_data / "devices" / "vrs_samples" / "sample_raw_pixel_formats.vrs"
    recording, found = read(path)
    square = np.zeros((120, 160), np.bool_)
    square[54:66, 6:18] = True

    decoded = 0
    for stream in recording.description.streams:
        if stream.codec != "raw":
            continue
        columns = found[stream.name]
        request = FrameRequest(
            location=Location(path=path),
            codec="raw",
            pixel_format=stream.pixel_format,
            width=columns["width"][3],
            height=columns["height"][3],
            stride=columns["stride"][3],
        )
        picture = decoder_for("raw").decode(request, payloads(recording, columns)[3])
        shade = picture if picture.ndim == 2 else picture[:, :, 1]
        np.testing.assert_array_equal(shade > shade.max() / 2, square, err_msg=stream.pixel_format or "")
        decoded += 1
    assert decoded == 22


def test_pictures_that_are_not_decoded_here_keep_the_name_of_their_format(shared_data: Path) -> None:
    recording, _ = read(shared_data / "devices" / "vrs_samples" / "sample_raw_pixel_formats.vrs")

    codecs = {stream.codec for stream in recording.description.streams}
    assert codecs == {"raw", "raw-rgb32F", "raw-rgba32F", "raw-scalar64F", "raw-rgb_ir_4x4"}


def test_a_larger_head_of_records_is_refused_with_what_is_known(tmp_path: Path) -> None:
    written, _ = small([0])
    data = bytearray(written.write(tmp_path / "a.vrs").read_bytes())
    data[20:24] = (40).to_bytes(4, "little")
    (tmp_path / "b.vrs").write_bytes(data)

    with pytest.raises(ReadError) as caught:
        read(tmp_path / "b.vrs")

    assert caught.value.code == "read.old-version"
