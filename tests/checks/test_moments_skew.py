"""Skew, coverage and ambiguity of moments are judged against the slower interval."""

import numpy as np
import pytest

from contracts.checks import CheckContract, judged
from rushes.checks.moments_skew import PLUGIN
from rushes.contracts import MomentsView, PairView
from rushes.model import Finding

MS = 1_000_000


def verdicts(**changes):
    facts = {
        "stream": "depth",
        "samples": 300,
        "moments": 300,
        "skew_ns": np.full(300, 2 * MS),
        "interval_ns": 33 * MS,
        "reference_interval_ns": 33 * MS,
        "phase_margin": 0.9,
    }
    view = MomentsView(recording="walk.mcap", reference="rgb", pairs=[PairView(**(facts | changes))])
    return [item for item in judged(PLUGIN, view) if isinstance(item, Finding)]


class TestMomentsSkew(CheckContract):
    check = PLUGIN

    def test_a_good_pair_has_no_finding(self):
        assert verdicts() == []

    @pytest.mark.parametrize(("skew_ms", "severity"), [(20, "warning"), (40, "error")])
    def test_skew_is_held_against_the_slower_interval(self, skew_ms, severity):
        (found,) = verdicts(skew_ns=np.full(300, -skew_ms * MS), interval_ns=5 * MS)
        assert found.severity == severity
        assert found.message.startswith(
            f"depth: 1 in 20 samples is {skew_ms} ms or more away from its moment on rgb"
        )
        assert found.count == 300

    def test_a_few_outliers_do_not_condemn_a_pair(self):
        assert verdicts(skew_ns=np.where(np.arange(300) % 30 == 0, 30 * MS, MS)) == []

    def test_moments_without_the_stream_are_counted(self):
        (found,) = verdicts(skew_ns=np.full(240, MS))
        assert found.message == "depth: takes part in 240 of 300 moments of rgb, 80.0% (limit 95.0%)"
        assert found.count == 60

    def test_nothing_matched_says_why(self):
        (found,) = verdicts(skew_ns=np.zeros(0, np.int64), phase_margin=None, reason="depth has no samples")
        assert found.message.endswith("0.0% (limit 95.0%): depth has no samples")

    def test_a_slower_stream_need_not_be_in_every_moment(self):
        assert verdicts(skew_ns=np.full(100, MS), samples=100, interval_ns=99 * MS) == []

    def test_half_an_interval_apart_is_ambiguous(self):
        (found,) = verdicts(phase_margin=0.03)
        assert "lies half-way between the samples of rgb" in found.message

    def test_no_moments_are_no_crash(self):
        assert verdicts(moments=0, skew_ns=np.zeros(0, np.int64)) == []
