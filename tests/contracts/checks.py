"""What every check must do. Subclass one of these, give ``check``; the tests come with it.

``StreamCheckContract`` also wants ``faulty()``, a view in which the check must find something.
"""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes.checks import PICTURE_MEASURES, settle
from rushes.contracts import CheckFacts, StreamCheck, StreamView
from rushes.errors import UsageError
from rushes.model import Finding, Metric, Stream

# Each check's test class runs these by itself; hypothesis takes that for a mistake.
inherited = settings(suppress_health_check=[HealthCheck.differing_executors])

START_NS = 1_700_000_000_000_000_000
KINDS = (("gyro", "rad_s"), ("accel", "m_s2"))
IMU_COLUMNS = tuple(f"{kind}_{axis}_{unit}" for kind, unit in KINDS for axis in "xyz")


def ticks(rate_hz, count, start_ns=START_NS):
    return start_ns + np.round(np.arange(count) * 1e9 / rate_hz).astype(np.int64)


def camera(times=None, *, stream=None, pictures=None, **columns):
    """A clean 30 Hz colour camera over 10 s, changed by what is given."""
    times = ticks(30, 300) if times is None else np.asarray(times, np.int64)
    count = len(times)
    generator = np.random.default_rng(5)
    measures = {
        "unreadable": np.zeros(count),
        "mean": np.full(count, 110.0),
        "std": np.full(count, 50.0),
        "p01": np.full(count, 5.0),
        "p50": np.full(count, 105.0),
        "p95": np.full(count, 200.0),
        "p99": np.full(count, 230.0),
        "dark_share": np.full(count, 0.01),
        "bright_share": np.full(count, 0.01),
        "entropy": np.full(count, 7.0),
        "sharpness": 200 + 20 * generator.random(count),
        "width": np.full(count, 1280.0),
        "height": np.full(count, 720.0),
        "channels": np.full(count, 3.0),
        "bits": np.full(count, 8.0),
        "orientation": np.full(count, 1.0),
        "flat_top": np.zeros(count),
        "flat_bottom": np.zeros(count),
        "flat_grey": np.full(count, np.nan),
        "spread": np.full(count, 40.0),
        "red_shift": np.full(count, 8.0),
        "blue_shift": np.full(count, -6.0),
        "holes": np.full(count, 0.2),
        "levels": np.full(count, 900.0),
        "unchanged": np.where(np.arange(count) == 0, np.nan, 0.4),
        "difference": np.where(np.arange(count) == 0, np.nan, 2.0),
    }
    return StreamView(
        recording="walk.mcap",
        stream=stream or Stream(name="cam0", modality="color", table="frames", codec="jpeg", clock="header"),
        columns={
            "index": np.arange(count),
            "t_ns": times,
            "t_header_ns": times,
            "t_log_ns": times + 3_000_000,
            "seq": np.arange(count),
            "flags": np.zeros(count, np.int32),
        }
        | columns,
        pictures=measures | (pictures or {}),
    )


def imu(count=2000, **columns):
    """A clean 200 Hz IMU at rest with noise, changed by what is given."""
    generator = np.random.default_rng(6)
    times = ticks(200, count)
    values = {name: generator.normal(9.81 if name == "accel_z_m_s2" else 0, 0.02, count) for name in IMU_COLUMNS}
    return StreamView(
        recording="walk.mcap",
        stream=Stream(name="imu0", modality="imu", table="imu", clock="header"),
        columns={"index": np.arange(count), "t_ns": times, "seq": np.arange(count)} | values | columns,
    )


def cut(view, keep):
    """Keep some samples of a view, with their index counted anew."""
    columns = {name: column[keep] for name, column in view.columns.items()}
    columns["index"] = np.arange(len(columns["t_ns"]))
    return replace(view, columns=columns, pictures={name: column[keep] for name, column in view.pictures.items()})


def judged(check, view, **options):
    return list(check.judge(view, settle(check, options)))


def findings(check, view, **options):
    return [item for item in judged(check, view, **options) if isinstance(item, Finding)]


class CheckContract:
    """Base of every check's tests."""

    check: CheckFacts

    def test_it_says_what_it_is_and_why(self):
        assert self.check.name.count(".") == 1
        assert type(self.check).__module__.endswith(self.check.name.replace(".", "_"))
        assert self.check.version
        assert len(self.check.reason) > 40
        assert len(self.check.known_limits) > 40
        assert type(self.check).__doc__
        assert all(option.reason for option in self.check.defaults.values())

    def test_options_are_settled_and_unknown_ones_refused(self):
        assert settle(self.check, {}) == {name: option.default for name, option in self.check.defaults.items()}
        with pytest.raises(UsageError, match="there is no option 'bogus'") as caught:
            settle(self.check, {"bogus": 1})
        assert caught.value.code == "check.option"
        for name in self.check.defaults:
            assert settle(self.check, {name: 3})[name] == 3.0
            with pytest.raises(UsageError, match="must be a number"):
                settle(self.check, {name: "much"})
            with pytest.raises(UsageError, match="must be a number"):
                settle(self.check, {name: -1})
            with pytest.raises(UsageError) as caught:
                settle(self.check, {f"{name}x": 1})
            assert name in caught.value.hint


class StreamCheckContract(CheckContract):
    """Base of the tests of a check of one stream."""

    check: StreamCheck

    def clean(self):
        return camera()

    def faulty(self):
        raise NotImplementedError

    def test_it_asks_for_what_there_is(self):
        assert self.check.subject == "stream"
        assert set(self.check.pictures) <= set(PICTURE_MEASURES)
        assert self.check.applies(self.clean().stream)

    def test_a_clean_stream_has_no_finding(self):
        assert findings(self.check, self.clean()) == []

    def test_a_planted_fault_is_found_and_told_with_its_facts(self):
        found = findings(self.check, self.faulty())
        assert found
        for finding in found:
            assert finding.check == self.check.name
            assert finding.stream == self.faulty().stream.name
            assert finding.message.startswith(f"{finding.stream}: ")
            assert finding.severity in ("info", "warning", "error")
            assert finding.count >= 1
            assert (finding.value is None) == (finding.unit is None)

    def test_judging_twice_gives_the_same(self):
        assert judged(self.check, self.faulty()) == judged(self.check, self.faulty())

    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_few_samples_are_no_crash(self, count):
        judged(self.check, cut(self.clean(), np.arange(count)))

    def test_absent_columns_and_unlooked_pictures_are_no_finding(self):
        clean = self.clean()
        bare = replace(clean, columns={name: clean.columns[name] for name in ("index", "t_ns")}, pictures={})
        assert findings(self.check, bare) == []

    def test_masked_columns_are_no_crash(self):
        clean = self.clean()
        columns = {
            name: column if name in ("index", "t_ns", "flags") else np.ma.masked_all_like(column)
            for name, column in clean.columns.items()
        }
        assert findings(self.check, replace(clean, columns=columns)) == []

    @inherited
    @given(st.data())
    def test_no_data_whatever_makes_it_raise(self, data):
        clean = self.clean()
        count = data.draw(st.integers(0, min(70, len(clean.columns["t_ns"]))))
        view = cut(clean, np.arange(count))
        columns = dict(view.columns)
        for name in set(columns) - {"index"}:
            dtype = columns[name].dtype
            elements = None if dtype.kind == "f" else st.integers(-(2**31), 2**31 - 1)
            columns[name] = data.draw(hnp.arrays(dtype, count, elements=elements))
        pictures = {
            name: data.draw(hnp.arrays(np.float64, count, elements=st.floats(0, 255) | st.just(np.nan)))
            for name in self.check.pictures
        }
        with np.errstate(all="ignore"):
            for item in judged(self.check, replace(view, columns=columns, pictures=pictures)):
                assert isinstance(item, Finding | Metric)
