"""The common time is a judgement from numbers, and says why."""

from dataclasses import replace

import numpy as np
import pytest

from rushes.errors import TimingError
from rushes.model import ClockPairs
from rushes.timing.clocks import StreamTimes
from rushes.timing.common import choose_common_time
from rushes.virtual.clock import device_times
from rushes.virtual.spec import ClockSpec

NOW = 1_700_000_000_000_000_000
TICKS = np.arange(100) * 33_333_333


def stream(*, header_offset=None, log_offset=None, scale=1.0):
    header = None if header_offset is None else header_offset + (TICKS * scale).astype(np.int64)
    log = None if log_offset is None else log_offset + TICKS
    clock = "header" if header is not None else "log"
    return StreamTimes(raw=log if header is None else header, clock=clock, header=header, log=log)


def test_alike_header_stamps_are_taken():
    chosen = choose_common_time(
        {
            "cam": stream(header_offset=NOW, log_offset=NOW + 30_000_000),
            "imu": stream(header_offset=NOW, log_offset=NOW + 2_000_000),
        }
    )
    assert (chosen.time, chosen.verdict) == ("header", "unproven")
    assert not chosen.left_out


def test_a_replayed_bag_keeps_its_header_stamps():
    chosen = choose_common_time(
        {name: stream(header_offset=NOW - 10**17, log_offset=NOW) for name in ("cam", "imu")}
    )
    assert chosen.time == "header"


def test_two_device_clocks_fall_back_to_log_times():
    chosen = choose_common_time(
        {
            "cam": stream(header_offset=360_800_000_000, log_offset=NOW),
            "imu": stream(header_offset=NOW, log_offset=NOW),
        }
    )
    assert chosen.time == "log"
    assert "the header stamps of imu and cam lie" in chosen.reason


def test_constant_or_runaway_header_stamps_are_not_used():
    steady = StreamTimes(raw=NOW + TICKS, clock="log", header=np.full(100, NOW), log=NOW + TICKS)
    chosen = choose_common_time({"cam": steady, "imu": stream(header_offset=NOW, log_offset=NOW)})
    assert chosen.reason == "log times, since cam: its header stamps never change"
    fast = stream(header_offset=NOW, log_offset=NOW, scale=1000.0)
    assert "header stamps run" in choose_common_time({"cam": fast}).reason


def test_a_stream_without_the_common_time_is_left_out_by_name():
    header_only = StreamTimes(raw=NOW + TICKS, clock="header", header=NOW + TICKS)
    none = StreamTimes(raw=np.array([], np.int64), clock="none")
    log_only = stream(log_offset=NOW)
    chosen = choose_common_time({"a": header_only, "b": none, "c": log_only})
    assert chosen.time == "log"
    assert dict(chosen.left_out) == {"a": "it has no log times", "b": "it has no samples"}


def test_stamps_without_log_times_and_container_times_serve_alone():
    header_only = StreamTimes(raw=NOW + TICKS, clock="header", header=NOW + TICKS)
    assert choose_common_time({"rgb": header_only, "depth": header_only}).time == "header"
    video = StreamTimes(raw=TICKS, clock="pts")
    assert choose_common_time({"0": video, "1": video}).time == "pts"


def test_masked_stamps_count_as_absent():
    header = np.ma.masked_array(NOW + TICKS, mask=np.arange(100) == 3)
    half = StreamTimes(raw=NOW + TICKS, clock="log", header=header, log=NOW + TICKS)
    assert "1 of its samples have no header stamp" in choose_common_time({"cam": half}).reason


def test_no_time_at_all_is_an_error():
    with pytest.raises(TimingError, match="cam") as caught:
        choose_common_time({"cam": StreamTimes(raw=np.arange(5), clock="none")})
    assert caught.value.code == "timing.no-common-time"


def evidence(name, stream):
    return ClockPairs(
        from_clock=name,
        to_clock="log",
        from_ns=stream.header,
        to_ns=stream.log,
        relation="one-way",
        source="log-header",
        stream=name,
    )


def device(name, clock, *, latency_ns=3_000_000, seconds=60, rate_hz=30, seed=0, clock_id=None):
    """A device whose stamps are exact in its own clock, and arrive late by a gamma law."""
    true = NOW + np.arange(seconds * rate_hz) * (1_000_000_000 // rate_hz)
    late = latency_ns + np.random.default_rng(seed).gamma(2.0, 400_000, len(true))
    header = device_times(clock, true, start_ns=NOW)
    times = StreamTimes(
        raw=header, clock="header", header=header, log=true + late.astype(np.int64), clock_id=clock_id
    )
    return true, times, evidence(clock_id or name, times)


def test_devices_of_their_own_clocks_are_brought_to_the_recorders_but_for_the_smallest_latency():
    first, cam, cam_pairs = device("cam", ClockSpec(offset_ns=-12_300_000_000, drift_ppm=40.0))
    second, imu, imu_pairs = device("imu", ClockSpec(offset_ns=700_000_000, drift_ppm=-15.0), rate_hz=100, seed=1)
    chosen = choose_common_time({"cam": cam, "imu": imu}, [cam_pairs, imu_pairs])
    assert (chosen.time, chosen.reference_clock, chosen.verdict) == ("mapped", "log", "estimated")
    for name, true in (("cam", first), ("imu", second)):
        stream = chosen.streams[name]
        assert np.abs(stream.times - true - 3_000_000).max() < 250_000
        assert stream.applied is not None
        assert not stream.applied.latency_known
        assert "latency" in stream.reason
        assert (np.abs(stream.times - true - 3_000_000) <= 3 * stream.uncertainty_ns + 100_000).all()


@pytest.mark.parametrize("late_ns", [3_000_000, 45_000_000])
def test_a_calibrated_latency_is_taken_off_what_one_way_readings_say(late_ns):
    first, cam, cam_pairs = device("cam", ClockSpec(offset_ns=7_000_000_000, drift_ppm=40.0), latency_ns=late_ns)
    second, imu, imu_pairs = device("imu", ClockSpec(drift_ppm=-20.0), latency_ns=late_ns, seed=1)
    streams = {"cam": replace(cam, latency_ns=late_ns), "imu": replace(imu, latency_ns=late_ns)}
    chosen = choose_common_time(streams, [cam_pairs, imu_pairs])
    assert chosen.time == "mapped"
    for name, true in (("cam", first), ("imu", second)):
        assert np.abs(chosen.times[name] - true).max() < 250_000
        assert chosen.streams[name].applied.latency_known
        assert "of calibrated latency taken off" in chosen.streams[name].reason


def test_arrival_times_are_less_their_calibrated_latency_and_those_of_others_as_they_are():
    known, other = stream(log_offset=NOW + 12_000_000), stream(log_offset=NOW)
    chosen = choose_common_time({"mic": replace(known, latency_ns=12_000_000), "imu": other})
    assert chosen.time == "log"
    assert (chosen.times["mic"] == NOW + TICKS).all()
    assert (chosen.times["imu"] == NOW + TICKS).all()
    assert [chosen.streams[name].verdict for name in ("mic", "imu")] == ["declared", "unproven"]


def test_readings_both_ways_know_the_latency_themselves():
    _, eeg, pairs = device("eeg", ClockSpec(offset_ns=10**9), latency_ns=0)
    both = replace(pairs, relation="two-way", round_trip_ns=np.full(len(pairs.from_ns), 1000))
    bare = choose_common_time({"eeg": eeg}, [both])
    calibrated = choose_common_time({"eeg": replace(eeg, latency_ns=10**7)}, [both])
    assert (bare.times["eeg"] == calibrated.times["eeg"]).all()


def test_streams_of_one_device_share_one_map_so_that_no_skew_is_added():
    clock = ClockSpec(offset_ns=-5_000_000_000, drift_ppm=60.0)
    true, color, color_pairs = device("color", clock, latency_ns=30_000_000)
    _, depth, depth_pairs = device("depth", clock, latency_ns=4_000_000, seed=1)
    _, other, other_pairs = device("imu", ClockSpec(), seed=2, latency_ns=300_000)
    streams = {"color": color, "depth": depth, "imu": other}
    chosen = choose_common_time(streams, [color_pairs, depth_pairs, other_pairs])
    assert chosen.time == "mapped"
    assert np.array_equal(chosen.times["color"], chosen.times["depth"])
    assert np.abs(chosen.times["color"] - true - 4_000_000).max() < 250_000


def test_stamps_that_look_like_one_clock_are_taken_as_they_are_and_never_certified():
    _, cam, cam_pairs = device("cam", ClockSpec(), latency_ns=12_000_000, seconds=300)
    _, imu, imu_pairs = device("imu", ClockSpec(offset_ns=40_000_000), rate_hz=100, seed=1, seconds=300)
    chosen = choose_common_time({"cam": cam, "imu": imu}, [cam_pairs, imu_pairs])
    assert (chosen.time, chosen.verdict) == ("header", "unproven")
    assert np.array_equal(chosen.times["cam"], cam.header)
    assert "would not show" in chosen.streams["cam"].reason
    assert chosen.streams["cam"].estimate is not None


def rig_of(offset_ns, seconds=120):
    """Two devices whose recorder told their clocks apart, set nearly alike and running at one rate."""
    streams, pairs, truth = {}, [], {}
    for seed, (name, set_to) in enumerate((("cam", 0), ("imu", offset_ns))):
        true, stream_, found = device(
            name,
            ClockSpec(offset_ns=set_to),
            seed=seed,
            seconds=seconds,
            rate_hz=30 * (1 + seed),
            clock_id=f"{name}-clock",
        )
        streams[name], truth[name] = replace(stream_, told_apart=True), true
        pairs.append(found)
    return streams, pairs, truth


@pytest.mark.parametrize("offset_ns", [8_000_000, -60_000_000, 150_000_000])
def test_clocks_that_the_recorder_told_apart_are_mapped_however_alike_they_look(offset_ns):
    streams, pairs, truth = rig_of(offset_ns)
    chosen = choose_common_time(streams, pairs)
    assert (chosen.time, chosen.verdict) == ("mapped", "estimated")
    for name, true in truth.items():  # late by the smallest latency of 3 ms, which no stamp shows
        assert np.abs(chosen.times[name] - true - 3_000_000).max() < 500_000
    untold = {name: replace(stream_, told_apart=False) for name, stream_ in streams.items()}
    assert choose_common_time(untold, pairs).time == "header"


def test_clocks_that_the_recorder_told_apart_and_nothing_relates_are_not_compared_by_their_stamps():
    streams, _, _ = rig_of(8_000_000, seconds=1)
    chosen = choose_common_time(streams, [])
    assert (chosen.time, chosen.verdict) == ("log", "unproven")
    assert "cam-clock and imu-clock apart" in chosen.reason


def test_one_declared_clock_needs_no_estimate():
    header = StreamTimes(raw=TICKS, clock="header", header=TICKS, clock_id="device")
    chosen = choose_common_time({"rgb": header, "imu": header})
    assert (chosen.time, chosen.reference_clock, chosen.verdict) == ("header", "device", "declared")


def test_a_stream_without_evidence_among_mapped_ones_falls_back_to_its_arrival_and_says_so():
    _, cam, cam_pairs = device("cam", ClockSpec(offset_ns=-12_300_000_000, drift_ppm=40.0))
    _, imu, imu_pairs = device("imu", ClockSpec(offset_ns=10**10), seed=1)
    steady = StreamTimes(raw=NOW + TICKS, clock="log", header=np.full(100, NOW), log=NOW + TICKS)
    chosen = choose_common_time({"cam": cam, "imu": imu, "mic": steady}, [cam_pairs, imu_pairs])
    assert chosen.time == "mapped"
    assert chosen.streams["mic"].verdict == chosen.verdict == "unproven"
    assert "its arrival times are taken" in chosen.streams["mic"].reason
    assert np.array_equal(chosen.times["mic"], steady.log)


@pytest.mark.parametrize("seed", range(5))
def test_clocks_that_nothing_relates_are_never_certified(seed):
    dice = np.random.default_rng(seed)
    walk = NOW + np.cumsum(dice.exponential(33e6, 600)).astype(np.int64)
    other = NOW + np.cumsum(dice.exponential(33e6, 600)).astype(np.int64)
    stream_ = StreamTimes(raw=walk, clock="header", header=walk, log=np.sort(other))
    chosen = choose_common_time(
        {"cam": stream_, "imu": stream_}, [evidence("cam", stream_), evidence("imu", stream_)]
    )
    assert chosen.verdict == "unproven"


@pytest.mark.parametrize("wanted", ["header", "log", "pts", "mapped"])
def test_a_time_that_was_asked_for_is_used_or_refused_by_name(wanted):
    _, cam, cam_pairs = device("cam", ClockSpec(offset_ns=-12_300_000_000, drift_ppm=40.0))
    if wanted == "pts":
        with pytest.raises(TimingError, match="no container times"):
            choose_common_time({"cam": cam}, [cam_pairs], wanted=wanted)
    else:
        assert choose_common_time({"cam": cam}, [cam_pairs], wanted=wanted).time == wanted
