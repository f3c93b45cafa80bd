"""The recorder's steps by themselves: the ledger of takes, the gauges, the system's clock, the disk."""

import errno
import itertools
import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from made_up_sensors import samples_of
from rushes.capturing import HostClock, Inertial, Samples, Trouble
from rushes.recorder.disk import Disk
from rushes.recorder.gauges import SECOND_NS, Gauge
from rushes.recorder.takes import Ledger
from rushes.recorder.telling import Telling
from rushes.recorder.wall_clock import WallClock


@given(st.lists(st.sampled_from(["next", "retake", "keep", "discard"]), max_size=30))
def test_takes_cover_the_recording_without_overlap(acts):
    ledger, now = Ledger(100), 100
    for act in acts:
        now += 10
        if act == "next":
            ended, begun = ledger.next(now)
            assert ended.end_ns == begun.start_ns == now
            assert begun.retake_of is None
        elif act == "retake":
            ended, begun = ledger.retake(now)
            assert (ended.verdict, begun.retake_of, begun.verdict) == ("discard", ended.number, "keep")
        else:
            assert ledger.judge(act, number=None, why="so").verdict == act
    ledger.end(now + 10)
    takes = ledger.takes
    assert [t.number for t in takes] == list(range(1, len(takes) + 1))
    assert takes[0].start_ns == 100
    assert all(a.end_ns == b.start_ns for a, b in itertools.pairwise(takes))
    assert takes[-1].end_ns == now + 10
    assert len(takes) == 1 + sum(act in ("next", "retake") for act in acts)


def inertial(arrival, device=None, seq=None) -> Samples:
    n = len(arrival)
    rows = np.zeros((n, 3))
    return Samples(
        stream="/imu",
        arrival_ns=np.array(arrival, np.int64),
        device_ns=None if device is None else np.array(device, np.int64),
        seq=np.arange(n) if seq is None else np.array(seq, np.int64),
        content=Inertial(gyro_rad_s=rows, accel_m_s2=rows),
    )


@given(st.sets(st.integers(0, 300), min_size=2), st.lists(st.integers(1, 300), max_size=6))
def test_holes_are_what_is_missing_between_the_first_and_the_last_number(kept, cuts):
    numbers = sorted(kept)
    gauge = Gauge("inertial", 100.0)
    for part in np.split(np.array(numbers), sorted({c for c in cuts if c < len(numbers)})):
        gauge.observe(inertial(part * 1000, seq=part), 1)
    assert gauge.holes == numbers[-1] - numbers[0] + 1 - len(numbers)
    assert gauge.arrived == len(numbers)


def test_a_count_that_is_set_anew_is_no_loss():
    gauge = Gauge("inertial", 100.0)
    for seq in (5, 6, 0, 1, 5_000_000):
        gauge.observe(inertial([seq * 1000], seq=[seq]), 1)
    assert gauge.holes == 0


def test_samples_that_came_all_at_one_instant_have_no_rate():
    gauge = Gauge("inertial", None)
    gauge.observe(inertial([10**12] * 3), 10)
    assert (gauge.read(10**12).rate_hz, gauge.read(10**12).jitter_ns) == (None, None)
    assert gauge.read(10**12 + 1_000_000_000).rate_hz is None


@given(st.integers(20, 400), st.integers(1, 50))
def test_a_steady_stream_has_its_rate_its_offset_and_no_jitter(n, at_once):
    arrival = 10**12 + np.arange(n) * 10_000_000
    gauge = Gauge("inertial", 100.0)
    for first in range(0, n, at_once):
        part = slice(first, first + at_once)
        gauge.observe(inertial(arrival[part], arrival[part] - 7_000_000, np.arange(n)[part]), 10)
    reading = gauge.read(int(arrival[-1]))
    assert reading.rate_hz == pytest.approx(100.0)
    assert (reading.jitter_ns, reading.offset_ns, gauge.gaps, gauge.holes) == (0, 7_000_000, 0, 0)
    assert gauge.breaks() == []


@pytest.mark.parametrize("in_one", [True, False])
def test_a_clock_that_leaps_is_told_and_a_late_sample_is_not(in_one):
    device = np.arange(6) * 10_000_000 + 10**12
    arrival = device + 5_000_000
    late, back, ahead = arrival.copy(), device.copy(), device.copy()
    late[3:] += 2 * SECOND_NS
    late[4] = late[5] = late[3]  # what was held up comes at once
    back[3:] -= 3 * SECOND_NS
    ahead[3:] += 3 * SECOND_NS
    for came, said, leaps in ((late, device, 0), (arrival, back, 1), (arrival, ahead, 1), (arrival, device, 0)):
        gauge = Gauge("inertial", 100.0)
        for part in [slice(0, 6)] if in_one else [slice(i, i + 1) for i in range(6)]:
            gauge.observe(inertial(came[part], said[part], np.arange(6)[part]), 1)
        assert len(gauge.breaks()) == leaps
        assert gauge.breaks() == []


def test_a_gap_is_counted_with_its_length():
    gauge = Gauge("pictures", 30.0)
    for k, at_ms in enumerate((0, 33, 66, 400, 433)):
        gauge.observe(samples_of("pictures", k, 1, at_ms * 1_000_000), 1)
    assert (gauge.gaps, gauge.longest_gap_ns) == (1, 334_000_000)


def test_texts_may_be_silent_and_slow_streams_for_long():
    assert Gauge("texts", 1.0).silent_after_ns() is None
    assert Gauge("pictures", 0.5).silent_after_ns() == 20 * SECOND_NS
    assert Gauge("pictures", 30.0).silent_after_ns() == SECOND_NS
    assert Gauge("pictures", None).silent_after_ns() is None


@given(st.lists(st.integers(-(10**12), 10**12), min_size=1, max_size=10))
def test_the_system_clock_is_seen_to_be_set_by_as_much_as_it_was(sets):
    clock, ahead = HostClock.started(), [0]
    wall = WallClock(clock, lambda: clock.now_ns() + ahead[0])
    for by in sets:
        ahead[0] += by
        look, before = wall.look()
        if abs(by) > 20_000_000:
            assert before is not None
            assert abs(look.ahead_ns - before.ahead_ns - by) < 5_000_000
        elif abs(by) < 5_000_000:
            assert before is None


def test_what_was_lost_is_said_for_a_while_and_absence_until_it_ends():
    telling = Telling(lambda _: None)
    telling.tell(Trouble(what="lost", message="9 samples", at_ns=0, sensor="a", stream="/a"))
    telling.tell(Trouble(what="stopped", message="the cable is out", at_ns=0, sensor="b"))
    said = [[telling.said(now, sensor=s, stream=f"/{s}") for s in "abc"] for now in (SECOND_NS, 60 * SECOND_NS)]
    assert said == [["9 samples", "the cable is out", ""], ["", "the cable is out", ""]]
    telling.tell(Trouble(what="returned", message="it is back", at_ns=SECOND_NS, sensor="b"))
    assert telling.said(SECOND_NS, sensor="b", stream="/b") == ""


class Stubborn(Disk):
    """Writes a few bytes at a time; fails when it is told to."""

    bad = False

    def put(self, parts):
        if self.bad:
            super().put([memoryview(b"half")])
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return super().put([parts[0][:3]])


@given(st.lists(st.tuples(st.lists(st.binary(max_size=20), max_size=5), st.booleans()), max_size=10))
def test_a_write_is_whole_or_undone(tmp_path_factory, writes):
    path = tmp_path_factory.mktemp("disk") / "file"
    disk, wanted = Stubborn(path), b""
    for parts, fails in writes:
        disk.bad = fails
        if fails and any(parts):
            with pytest.raises(OSError, match="Input/output"):
                disk.writelines(parts)
        else:
            disk.writelines(parts)
            disk.sync_soon()
            wanted += b"".join(parts)
        assert path.read_bytes() == wanted
    disk.close()
    disk.close()
    assert path.read_bytes() == wanted
