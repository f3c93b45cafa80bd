"""XDF files: what recorders write, held against pyxdf, and what is left of damaged ones."""

import json
import logging
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import pyxdf
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.readers import ReaderContract
from readers import xdf_writing as xdf
from readers.reading import assert_books_balance, tables
from rushes.errors import ReadError
from rushes.readers._xdf.stamps import deduced, nanoseconds
from rushes.readers.xdf import PLUGIN

SESSION = {"eeg": 60, "marks": 6, "sparse": 18}


def read(path: Path) -> tuple[dict[str, dict[str, list[Any]]], list[Any]]:
    """Give the columns of every stream, and the losses; the books must balance."""
    with PLUGIN.open(path, {}) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        return found, list(recording.losses())


def raw_pyxdf(path: Path) -> list[dict[str, Any]]:
    """Read with pyxdf, without its synchronisation and its smoothing."""
    streams, _ = pyxdf.load_xdf(path, synchronize_clocks=False, dejitter_timestamps=False)
    return list(streams)


def rounded(seconds: Any) -> list[int]:
    """Give the exact nearest nanosecond of each float."""
    return [round(Fraction(float(second)) * 1_000_000_000) for second in seconds]


class TestXdfContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = SESSION

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        return xdf.session(tmp_path / "session.xdf")


class TestClockResetsContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"MyMarkerStream": 175, "BioSemi": 27_815}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "devices" / "xdf" / "clock_resets.xdf"


class TestMinimalContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"SendDataC": 9, "SendDataString": 9}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "devices" / "xdf" / "minimal.xdf"


@pytest.mark.parametrize("name", ["minimal", "clock_resets"])
def test_real_files_equal_pyxdf_stamp_for_stamp_and_value_for_value(shared_data: Path, name: str) -> None:
    path = shared_data / "devices" / "xdf" / f"{name}.xdf"

    found, losses = read(path)

    assert losses == []
    for theirs, ours in zip(raw_pyxdf(path), found.values(), strict=True):
        assert ours["t_ns"] == rounded(theirs["time_stamps"])
        if "values" in ours:
            assert np.array_equal(np.array(ours["values"]), theirs["time_series"])
        else:
            assert ours["label"] == [sample[0] for sample in theirs["time_series"]]


def test_a_clock_reset_stays_as_it_was_recorded(shared_data: Path) -> None:
    found, _ = read(shared_data / "devices" / "xdf" / "clock_resets.xdf")

    steps = np.diff(found["BioSemi"]["t_ns"])

    assert (steps < -600_000 * 10**9).sum() == 1  # the sender was started again, its clock went back by a week
    assert len(found["BioSemi"]["values"][0]) == 8


def test_clock_offsets_become_pairs_of_senders_and_recorders_time(shared_data: Path) -> None:
    path = shared_data / "devices" / "xdf" / "clock_resets.xdf"
    with PLUGIN.open(path, {}) as recording:
        pairs = {pair.stream: pair for pair in recording.clock_pairs()}
        clocks = {stream.name: stream.clock_id for stream in recording.description.streams}

    for theirs in raw_pyxdf(path):
        pair = pairs[theirs["info"]["name"][0]]
        assert pair.from_clock == clocks[pair.stream]
        assert (pair.to_clock, pair.relation, pair.source) == ("log", "two-way", "lsl")
        assert pair.from_ns.tolist() == rounded(theirs["clock_times"])
        assert (pair.to_ns - pair.from_ns).tolist() == rounded(theirs["clock_values"])


@pytest.mark.parametrize("layout", ["float32", "double64", "int8", "int16", "int32", "int64"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_any_mixture_of_stamps_equals_pyxdf(tmp_path: Path, layout: str, data: st.DataObject) -> None:
    """Samples with and without stamps, in chunks of any size, of any number format."""
    channels = data.draw(st.integers(1, 4))
    pieces, time, count = [xdf.header(3, "s", channels=channels, layout=layout)], 1000.0, 0
    for size in data.draw(st.lists(st.integers(0, 40), min_size=1, max_size=6)):
        stamps: list[float | None] = []
        for own in data.draw(st.lists(st.booleans(), min_size=size, max_size=size)):
            time += 0.0101
            stamps.append(time if own or count == 0 else None)
            count += 1
        values = np.arange(size * channels).reshape(size, channels) % 100
        pieces.append(xdf.samples(3, stamps, values, layout))
    path = xdf.write(tmp_path / "a.xdf", *pieces, xdf.footer(3, count))

    found, losses = read(path)
    theirs = raw_pyxdf(path)[0]

    assert losses == []
    ours = found.get("s", {"t_ns": [], "values": []})
    assert ours["t_ns"] == rounded(theirs["time_stamps"])
    assert np.array_equal(np.array(ours["values"]).reshape(-1, channels), theirs["time_series"])


def test_a_deduced_time_has_no_stamp_of_its_own(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "s", rate=4.0),
        xdf.samples(1, [10.0, None, None, 20.0], [[0], [1], [2], [3]]),
        xdf.footer(1, 4),
    )

    found, losses = read(path)

    assert found["s"]["t_ns"] == [10_000_000_000, 10_250_000_000, 10_500_000_000, 20_000_000_000]
    assert found["s"]["t_header_ns"] == [10_000_000_000, None, None, 20_000_000_000]
    assert losses == []


def test_samples_before_any_stamp_are_counted_from_zero_and_named(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf", xdf.header(1, "s", rate=4.0), xdf.samples(1, [None, None, 9.0], [[0], [1], [2]])
    )

    found, losses = read(path)

    assert found["s"]["t_ns"] == [250_000_000, 500_000_000, 9_000_000_000]
    assert [(loss.code, loss.count) for loss in losses if loss.code != "read.no-footer"] == [
        ("read.deduced-time", 2)
    ]


@given(
    st.lists(st.tuples(st.booleans(), st.floats(0, 1e9)), min_size=1, max_size=80),
    st.floats(0, 1e6),
    st.sampled_from([0.0, 0.01, 1 / 30, 1 / 512]),
)
def test_deduced_times_are_the_sums_taken_one_by_one(samples: Any, last: float, step: float) -> None:
    stamped = np.array([own for own, _ in samples])
    stamps = np.array([stamp for _, stamp in samples])

    expected, time = [], last
    for own, stamp in samples:
        time = stamp if own else time + step
        expected.append(time)

    assert deduced(stamps, stamped, last_s=last, step_s=step).tolist() == expected


@given(st.floats(-9e9, 9e9))
def test_seconds_become_the_nearest_nanosecond(seconds: float) -> None:
    got = int(nanoseconds(np.array([seconds]))[0])

    assert abs(Fraction(seconds) * 10**9 - got) <= Fraction(1, 2) + Fraction(1, 10**6)


def test_texts_are_events_and_come_as_they_were_written(tmp_path: Path) -> None:
    texts = [["Grüße", ""], ["", "b"], ["x" * 300, "y"]]
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "m", kind="Markers", rate=0.0, layout="string", channels=2, labels=["what", "who"]),
        xdf.samples(1, [1.0, 2.0, 3.0], texts, "string"),
        xdf.footer(1, 3),
    )

    found, losses = read(path)

    assert losses == []
    assert found["m"]["label"] == ["Grüße", "b", "x" * 300]
    assert [list(json.loads(value).values()) for value in found["m"]["value"]] == texts
    assert raw_pyxdf(path)[0]["time_series"] == texts


def test_integers_that_a_float_cannot_hold_are_named(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "n", layout="int64"),
        xdf.samples(1, [1.0, 2.0], [[2**53 + 1], [5]], "int64"),
        xdf.footer(1, 2),
    )

    _, losses = read(path)

    assert [(loss.code, loss.count) for loss in losses] == [("read.rounded-value", 1)]


def test_any_kind_of_nan_is_a_value(tmp_path: Path) -> None:
    values = np.array([[0x7F800001], [0x7FC00000], [0x3F800000]], "<u4").view("<f4")
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "n"),
        *xdf.fast_samples(1, np.array([1.0, 2.0, 3.0]), values, 3),
        xdf.footer(1, 3),
    )

    found, losses = read(path)

    assert repr(found["n"]["values"]) == "[[nan], [nan], [1.0]]"
    assert losses == []


def test_numbers_that_come_one_at_a_time_are_events_and_exact(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "keys", kind="Keyboard", rate=0.0, layout="int64"),
        xdf.samples(1, [1.0, 2.5], [[2**62 + 1], [5]], "int64"),
        xdf.footer(1, 2),
    )

    found, losses = read(path)

    assert found["keys"]["label"] == [str(2**62 + 1), "5"]
    assert losses == []


def stream_of(path: Path) -> Any:
    with PLUGIN.open(path, {}) as recording:
        return recording.description.streams[0]


def test_inertial_samples_of_known_names_and_units_are_in_si(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(
            1,
            "imu",
            kind="IMU",
            channels=6,
            labels=["AccX", "AccY", "AccZ", "Gyro_x", "Gyro_y", "Gyro_z"],
            units=["g", "g", "g", "deg/s", "deg/s", "deg/s"],
        ),
        xdf.samples(1, [1.0], [[1, 0, 2, 180, 0, 90]]),
        xdf.footer(1, 1),
    )

    found, _ = read(path)

    assert stream_of(path).table == "imu"
    assert found["imu"]["accel_x_m_s2"] == [9.80665]
    assert found["imu"]["gyro_x_rad_s"] == pytest.approx([np.pi])
    assert found["imu"]["gyro_z_rad_s"] == pytest.approx([np.pi / 2])


@pytest.mark.parametrize(
    ("labels", "units"),
    [
        (["AccX", "AccY", "AccZ"], ["", "", ""]),  # no units
        (["AccX", "AccY", "AccY"], ["g", "g", "g"]),
        (["AccX", "AccY", "Temp"], ["g", "g", "C"]),
        (["AccX", "AccY", "GyroZ"], ["g", "g", "deg/s"]),
    ],
)
def test_inertial_samples_that_leave_a_doubt_are_signals(tmp_path: Path, labels: Any, units: Any) -> None:
    path = xdf.write(tmp_path / "a.xdf", xdf.header(1, "imu", kind="IMU", channels=3, labels=labels, units=units))

    stream = stream_of(path)

    assert stream.table == "signals"
    assert stream.channel_names == tuple(labels)


def test_gaze_in_pixels_is_gaze_and_any_other_is_a_signal(tmp_path: Path) -> None:
    known = xdf.header(1, "g", kind="Gaze", channels=2, labels=["xp", "yp"], units=["pixels", "pixels"])
    other = xdf.header(1, "g", kind="Gaze", channels=2, labels=["xp", "yp"], units=["normalized", "normalized"])
    path = xdf.write(tmp_path / "a.xdf", known, xdf.samples(1, [1.0], [[640, 480]]), xdf.footer(1, 1))

    assert read(path)[0]["g"]["x_px"] == [640]
    assert stream_of(path).table == "gaze"
    assert stream_of(xdf.write(tmp_path / "b.xdf", other)).table == "signals"


@pytest.mark.parametrize(("said", "meant"), [("true", True), ("false", False), ("", None)])
def test_whether_samples_may_be_left_out_is_taken_from_the_header(
    tmp_path: Path, said: str, meant: bool | None
) -> None:
    desc = f"<synchronization><can_drop_samples>{said}</can_drop_samples></synchronization>" if said else ""

    assert stream_of(xdf.write(tmp_path / "a.xdf", xdf.header(1, desc=desc))).can_drop is meant


def test_streams_of_one_name_are_told_apart_by_number(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "x"),
        xdf.header(2, "x"),
        xdf.header(3, ""),
        *(xdf.samples(k, [1.0] * k, [[0]] * k) for k in (1, 2, 3)),
    )

    found, _ = read(path)

    assert {name: len(columns["t_ns"]) for name, columns in found.items()} == {"x/1": 1, "x/2": 2, "stream/3": 3}


# Damage


def test_a_file_cut_at_any_byte_keeps_what_is_before_and_names_the_loss(tmp_path: Path) -> None:
    whole = xdf.session(tmp_path / "whole.xdf")
    content = whole.read_bytes()
    expected, _ = read(whole)
    cut = tmp_path / "cut.xdf"
    last = dict.fromkeys(SESSION, 0)
    first = content.index(b"\x03\0\1\0\0\0")  # every byte of one round of chunks, and some of everything
    for length in sorted({*range(first - 2, first + 300), *range(4, len(content), 11), len(content) - 1}):
        cut.write_bytes(content[:length])

        found, losses = read(cut)

        assert losses, length
        for name, columns in found.items():
            rows = len(columns["t_ns"])
            assert rows >= last[name]  # a longer file never has fewer
            last[name] = rows
            for column, values in columns.items():
                assert values == expected[name][column][:rows], (length, name, column)
    assert last == SESSION


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(place=st.integers(4, 100_000), bit=st.integers(0, 7))
def test_a_flipped_bit_never_ends_the_reading(tmp_path: Path, place: int, bit: int) -> None:
    """What a flip can take is one chunk, or a stream whose header it hits."""
    path = tmp_path / "whole.xdf"
    if not path.exists():
        xdf.session(path)
    content = bytearray(path.read_bytes())
    place = 4 + place % (len(content) - 4)
    content[place] ^= 1 << bit
    damaged = tmp_path / "damaged.xdf"
    damaged.write_bytes(content)

    found, losses = read(damaged)

    counts = sorted(len(columns["t_ns"]) for columns in found.values())  # the flip may be in a name
    wanted = sorted(SESSION.values())
    if len(counts) == len(wanted):
        poor = [count for count, whole in zip(counts, wanted, strict=True) if count < whole - 10]
        assert len(poor) <= 1
    else:
        assert len(counts) == len(wanted) - 1
    assert losses or counts == wanted


def sessions_with(change: Any, tmp_path: Path) -> tuple[dict[str, dict[str, list[Any]]], list[Any]]:
    content = bytearray(xdf.session(tmp_path / "whole.xdf").read_bytes())
    change(content)
    (tmp_path / "changed.xdf").write_bytes(content)
    return read(tmp_path / "changed.xdf")


def chunk_at(content: bytes, stream: int, nth: int, tag: int = 3) -> int:
    """Give the place of the nth chunk of a stream; its length is of one byte."""
    found = -1
    for _ in range(nth + 1):
        found = content.index(bytes([tag, 0, stream, 0, 0, 0]), found + 1)
    return found - 2


def test_a_wrong_length_loses_no_sample(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        content[chunk_at(content, 1, 2) + 1] -= 7

    found, losses = sessions_with(change, tmp_path)

    assert {name: len(columns["t_ns"]) for name, columns in found.items()} == SESSION
    assert [loss.code for loss in losses] == ["read.damaged"]


def test_a_lost_head_costs_one_chunk_and_names_its_bytes(tmp_path: Path) -> None:
    where = {}

    def change(content: bytearray) -> None:
        place = chunk_at(content, 1, 2)
        where["from"], where["to"] = place, chunk_at(content, 9, 2)
        content[place] = 77

    found, losses = sessions_with(change, tmp_path)

    assert {name: len(columns["t_ns"]) for name, columns in found.items()} == {**SESSION, "eeg": 50}
    assert (losses[0].code, losses[0].byte_from, losses[0].byte_to) == ("read.damaged", where["from"], where["to"])
    assert [(loss.code, loss.stream, loss.count) for loss in losses[1:]] == [("read.count-mismatch", "eeg", 10)]


def test_times_that_are_deduced_over_a_loss_are_named(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        content[chunk_at(content, 9, 2)] = 77  # the next chunk of this stream begins without a stamp

    found, losses = sessions_with(change, tmp_path)

    assert len(found["sparse"]["t_ns"]) == 15
    assert ("read.deduced-time", 3) in [(loss.code, loss.count) for loss in losses]


def test_a_damaged_stamp_length_costs_one_sample(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        content[chunk_at(content, 1, 0) + 8 + 2 + 17 * 4] = 9

    found, losses = sessions_with(change, tmp_path)

    assert [values[0] for values in found["eeg"]["values"][:6]] == [0, 1, 2, 3, 5, 6]
    assert [(loss.code, loss.count) for loss in losses] == [("read.unusable-stamp", 1)]


@pytest.mark.parametrize("stamp", [float("nan"), float("inf"), 1e300])
def test_a_stamp_that_is_no_time_costs_its_sample(tmp_path: Path, stamp: float) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "s", rate=4.0),
        xdf.samples(1, [1.0, stamp, None], [[0], [1], [2]]),
        xdf.footer(1, 3),
    )

    found, losses = read(path)

    assert found["s"]["t_ns"] == [1_000_000_000, 1_500_000_000]
    assert [(loss.code, loss.count) for loss in losses] == [("read.unusable-stamp", 1)]


def test_a_wrong_number_of_samples_is_told_from_the_bytes(tmp_path: Path) -> None:
    def change(content: bytearray) -> None:
        content[chunk_at(content, 1, 1) + 9] = 3

    found, losses = sessions_with(change, tmp_path)

    assert len(found["eeg"]["t_ns"]) == 60
    assert [loss.code for loss in losses] == ["read.damaged"]


def test_samples_of_a_stream_without_header_are_counted(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "s"),
        xdf.samples(1, [1.0], [[0]]),
        xdf.samples(5, [1.0, 2.0], [[0], [0]]),
        xdf.samples(1, [2.0], [[0]]),
        xdf.footer(1, 2),
    )

    found, losses = read(path)

    assert len(found["s"]["t_ns"]) == 2
    assert [(loss.code, loss.count) for loss in losses] == [("read.no-stream-header", 2)]


@pytest.mark.parametrize(
    "xml",
    [
        b"<info><name>x",
        b"",
        b"\xff\xfe\x00",
        b"<info><channel_format>float32</channel_format><channel_count>many</channel_count></info>",
        b"<info><channel_format>complex</channel_format><channel_count>1</channel_count></info>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><info><channel_format>float32</channel_format></info>',
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
)
def test_a_header_that_cannot_be_used_costs_its_stream_alone(tmp_path: Path, xml: bytes) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.chunk(2, xml, 4),
        xdf.header(1, "s"),
        xdf.samples(4, [1.0], [[0]]),
        xdf.samples(1, [1.0], [[0]]),
        xdf.footer(1, 1),
    )

    found, losses = read(path)

    assert list(found) == ["s"]
    assert {loss.code for loss in losses} == {"read.damaged", "read.no-stream-header"}


def test_a_recording_without_footers_is_read_and_said_to_be_unclosed(tmp_path: Path) -> None:
    path = xdf.write(tmp_path / "a.xdf", xdf.header(1, "s"), xdf.samples(1, [1.0], [[0]]))

    found, losses = read(path)

    assert len(found["s"]["t_ns"]) == 1
    assert [(loss.code, loss.stream) for loss in losses] == [("read.no-footer", "s")]


def test_a_chunk_of_a_kind_to_come_is_passed_over(tmp_path: Path) -> None:
    path = xdf.write(
        tmp_path / "a.xdf",
        xdf.header(1, "s"),
        xdf.chunk(40, b"later"),
        xdf.samples(1, [1.0], [[0]]),
        xdf.footer(1, 1),
    )

    found, losses = read(path)

    assert len(found["s"]["t_ns"]) == 1
    assert losses == []


@pytest.mark.parametrize("content", [b"", b"XD", b"XDF", b"<xml/>"])
def test_what_is_no_xdf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.xdf"
    path.write_bytes(content)

    with pytest.raises(ReadError):
        PLUGIN.open(path, {})


# Against pyxdf's smoothing


def test_a_video_with_drops_keeps_its_times_where_smoothing_moves_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """30 Hz, 1 % of the frames dropped and a gap of 0.8 s: the sender's stamps are off by their jitter alone."""
    random = np.random.default_rng(0)
    true = 100 + np.arange(600 * 30) / 30
    kept = np.ones(len(true), np.bool_)
    kept[random.choice(len(true), len(true) // 100, replace=False)] = False
    kept[9000:9024] = False
    true = true[kept]
    stamps = true + np.abs(random.normal(0, 0.003, len(true)))
    frames = np.arange(len(true), dtype="<i4")[:, None]
    path = xdf.write(
        tmp_path / "video.xdf",
        xdf.header(1, "video", kind="VideoRaw", rate=30.0, layout="int32"),
        *xdf.fast_samples(1, stamps, frames, 100),
        *(xdf.offset(1, time, 0.0) for time in np.arange(100, 700, 5.0)),
        xdf.footer(1, len(true)),
    )

    found, losses = read(path)
    with caplog.at_level(logging.CRITICAL):
        theirs = pyxdf.load_xdf(path, dejitter_timestamps=True)[0][0]["time_stamps"]

    ours = np.median(np.abs(np.array(found["video"]["t_ns"]) / 1e9 - true))
    smoothed = np.median(np.abs(theirs - true))
    assert losses == []
    assert ours < 0.003
    assert smoothed > 0.1
