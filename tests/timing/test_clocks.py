"""The common time is a judgement from numbers, and says why."""

import numpy as np
import pytest

from rushes.errors import TimingError
from rushes.timing.clocks import StreamTimes, choose_common_time

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
    assert (chosen.time, chosen.column, chosen.verdict) == ("header", "t_header_ns", "unproven")
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
    assert choose_common_time({"0": video, "1": video}).column == "t_ns"


def test_masked_stamps_count_as_absent():
    header = np.ma.masked_array(NOW + TICKS, mask=np.arange(100) == 3)
    half = StreamTimes(raw=NOW + TICKS, clock="log", header=header, log=NOW + TICKS)
    assert "1 of its samples have no header stamp" in choose_common_time({"cam": half}).reason


def test_no_time_at_all_is_an_error():
    with pytest.raises(TimingError, match="cam") as caught:
        choose_common_time({"cam": StreamTimes(raw=np.arange(5), clock="none")})
    assert caught.value.code == "timing.no-common-time"
