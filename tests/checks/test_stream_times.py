"""The checks of a stream's times find planted faults, name them, and leave clean streams alone."""

import numpy as np
import pytest

from contracts.checks import START_NS, StreamCheckContract, camera, cut, findings, imu, judged, ticks
from rushes.checks.stream_drops import PLUGIN as DROPS
from rushes.checks.stream_drops import missing_by_sequence
from rushes.checks.stream_gap import PLUGIN as GAP
from rushes.checks.stream_rate import PLUGIN as RATE
from rushes.checks.stream_time import PLUGIN as TIME
from rushes.model import Metric, Stream


class TestGap(StreamCheckContract):
    check = GAP

    def faulty(self):
        return cut(camera(), np.delete(np.arange(300), [42, 43, 44]))

    def test_three_lost_frames_are_one_finding_that_says_where(self):
        (found,) = findings(GAP, self.faulty())
        assert (
            found.message == "cam0: 3 frames missing over 133.3 ms before frame 42 (limit 1.5 intervals = 50 ms)"
        )
        assert (found.severity, found.index, found.count) == ("info", 42, 3)
        assert (found.start_ns, found.end_ns) == (ticks(30, 300)[41], ticks(30, 300)[45])

    def test_half_a_second_without_frames_is_an_error(self):
        (found,) = findings(GAP, cut(camera(), np.delete(np.arange(300), np.arange(100, 120))))
        assert (found.severity, found.count) == ("error", 20)

    def test_jitter_is_no_gap(self):
        noise = np.random.default_rng(0).normal(0, 3e6, 300).astype(np.int64)
        assert findings(GAP, camera(ticks(30, 300) + noise)) == []

    def test_swapped_samples_are_no_gap(self):
        times = ticks(30, 300)
        times[[100, 101]] = times[[101, 100]]
        assert findings(GAP, camera(times)) == []

    def test_what_does_not_tick_has_no_gaps(self):
        times = START_NS + np.sort(np.random.default_rng(0).integers(0, 10**11, 300))
        assert findings(GAP, camera(times)) == []
        assert not GAP.applies(Stream(name="/rosout", modality="message", table="messages"))

    def test_hundreds_of_gaps_are_summed_up(self):
        found = findings(GAP, cut(camera(ticks(30, 3000)), np.flatnonzero(np.arange(3000) % 20)))
        assert len(found) == 21
        assert sum(f.count for f in found) == 149  # the very first frame leaves no gap
        assert "more gaps" in found[-1].message

    def test_gaze_and_signals_tick_and_events_do_not(self):
        assert GAP.applies(Stream(name="g", modality="gaze", table="gaze"))
        assert GAP.applies(Stream(name="s", modality="signal", table="signals"))
        assert not GAP.applies(Stream(name="e", modality="event", table="events"))

    def test_a_stream_without_times_is_not_judged(self):
        assert not GAP.applies(Stream(name="0", modality="color", table="frames", clock="none"))


class TestRate(StreamCheckContract):
    check = RATE
    nominal = Stream(name="cam0", modality="color", table="frames", clock="header", nominal_rate_hz=30.0)

    def test_a_signal_that_declares_no_rate_is_held_to_none(self):
        assert not RATE.applies(Stream(name="s", modality="signal", table="signals"))
        assert RATE.applies(Stream(name="s", modality="signal", table="signals", nominal_rate_hz=500.0))

    def clean(self):
        return camera(stream=self.nominal)

    def faulty(self):
        return camera(ticks(25, 300), stream=self.nominal)

    def test_25_instead_of_30_says_both(self):
        (found,) = findings(RATE, self.faulty())
        assert found.message == "cam0: runs at 25 Hz, declared are 30 Hz: 16.7% off (limit 2.0%)"

    def test_gaps_do_not_change_the_rate(self):
        view = cut(self.clean(), np.delete(np.arange(300), np.arange(50, 90)))
        assert findings(RATE, view) == []
        assert Metric(metric="rate", value=pytest.approx(30), unit="Hz", stream="cam0") in judged(RATE, view)

    def test_milliseconds_in_a_container_do_not_change_the_rate(self):
        assert findings(RATE, camera(ticks(30, 300) // 1_000_000 * 1_000_000, stream=self.nominal)) == []

    def test_heavy_jitter_is_told(self):
        noise = np.where(np.arange(300) % 20 == 0, 12_000_000, 0) * np.where(np.arange(300) % 40 == 0, 1, -1)
        (found,) = findings(RATE, camera(ticks(30, 300) + noise), jitter_intervals=0.3)
        assert "or more off the usual 33.33 ms" in found.message


class TestTime(StreamCheckContract):
    check = TIME

    def faulty(self):
        times = ticks(30, 300)
        times[100:] -= 200_000_000
        return camera(times, t_header_ns=times)

    def test_time_that_goes_back_is_an_error(self):
        (found,) = findings(TIME, self.faulty())
        assert found.message == "cam0: the time goes back by up to 166.7 ms at frame 100"
        assert (found.severity, found.index, found.count) == ("error", 100, 1)

    def test_equal_stamps_are_a_warning(self):
        times = ticks(30, 300)
        times[[7, 50]] = times[[6, 49]]
        (found,) = findings(TIME, camera(times))
        assert found.message == "cam0: the time is that of the one before at frame 7, 2 times in all"
        assert found.severity == "warning"

    def test_milliseconds_in_a_nanosecond_field_are_found(self):
        log = 1_747_930_377_103 + np.arange(10) * 100
        view = camera(log, t_log_ns=log, t_header_ns=np.full(10, 1_747_930_377_000_000_000))
        found = findings(TIME, view)
        assert [f.severity for f in found] == ["error", "warning"]
        assert found[0].message == (
            "cam0: log times such as 1747930377103 read as 1970-01-01 00:29:07; taken as milliseconds they mean "
            "2025-05-22 16:12:57: milliseconds in a nanosecond field"
        )
        assert found[1].message.startswith("cam0: all 10 header stamps are the same, 2025-05-22 16:12:57")

    def test_a_wrong_unit_shows_by_its_intervals_alone(self):
        log = 1_747_930_377_103 + np.arange(10) * 100
        (found,) = findings(TIME, camera(log, t_log_ns=log, t_header_ns=np.ma.masked_all(10, np.int64)))
        assert "milliseconds in a nanosecond field" in found.message

    def test_a_clock_that_counts_from_power_on_is_no_wrong_unit(self):
        uptime = ticks(30, 300, start_ns=1_747_930_377_103)
        found = findings(TIME, camera(uptime, t_header_ns=uptime, t_log_ns=ticks(30, 300)))
        assert [f.severity for f in found] == ["info"]
        assert "days apart" in found[0].message

    def test_a_replayed_recording_is_told_as_two_clocks(self):
        (found,) = findings(TIME, camera(t_log_ns=ticks(30, 300) + 360_800_000_000))
        assert "are 360.8 s apart" in found.message


class TestDrops(StreamCheckContract):
    check = DROPS

    def faulty(self):
        return cut(camera(), np.flatnonzero(np.arange(300) % 10 != 5))

    def test_a_tenth_is_an_error_that_says_by_what(self):
        (found,) = findings(DROPS, self.faulty())
        assert found.message == "cam0: 30 frames of 300 lost by its sequence numbers: 10.0% (limit 5.0%)"
        assert found.severity == "error"

    def test_times_serve_where_there_are_no_sequence_numbers(self):
        view = cut(camera(seq=np.zeros(300, np.int64)), np.delete(np.arange(300), [50, 80, 110, 111]))
        (found,) = findings(DROPS, view)
        assert found.message == "cam0: 4 frames of 300 lost by its times: 1.3% (limit 1.0%)"
        assert found.severity == "warning"

    def test_an_imu_speaks_of_samples(self):
        (found,) = findings(DROPS, cut(imu(), np.delete(np.arange(2000), np.arange(0, 2000, 30)[1:])))
        assert found.message.startswith("imu0: 66 samples of 2,000 lost")

    @pytest.mark.parametrize(
        ("sequence", "missing"),
        [
            (np.arange(100), 0),
            (np.delete(np.arange(100), [3, 4, 50]), 3),
            (np.arange(0, 300, 3), 0),  # thinned out on purpose
            (np.arange(200, 300) % 256, 0),  # wraps at 8 bits
            (np.delete(np.arange(65_500, 65_600) % 65_536, 20), 1),
            (np.concatenate([np.arange(50), np.arange(50)]), 0),  # restarted
            (np.zeros(100, int), None),
            (np.ma.masked_all(100, int), None),
        ],
    )
    def test_holes_in_sequence_numbers(self, sequence, missing):
        assert missing_by_sequence(sequence) == missing
