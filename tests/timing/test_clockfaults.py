"""Suspicious clocks are named, with values; sound ones are not."""

from dataclasses import replace

import numpy as np
import pytest

from rushes.timing.clockfaults import clock_faults
from rushes.timing.clockfit import estimate
from rushes.virtual.spec import DRIFTING
from timing.clock_models import START, pairs, trial

TICKS = np.arange(3000) * 33_333_333


def kinds(evidence) -> list[str]:
    return [fault.kind for fault in clock_faults(estimate(evidence), evidence)]


def test_a_sound_clock_is_not_suspected() -> None:
    assert kinds(trial("usb", 1).pairs) == []
    assert kinds(pairs([1], [2])) == []


@pytest.mark.parametrize(("ppm", "severity"), [(100.0, "info"), (350.0, "warning")])
def test_drift_is_judged_by_its_size(ppm: float, severity: str) -> None:
    evidence = trial("usb", 1, clock=replace(DRIFTING, drift_ppm=ppm)).pairs
    (fault,) = clock_faults(estimate(evidence), evidence)
    assert (fault.kind, fault.severity) == ("drift", severity)
    assert abs(fault.value + ppm) < 1


def test_resets_are_told() -> None:
    evidence = trial("usb", 1, clock=replace(DRIFTING, resets_s=(200.0, 400.0))).pairs
    faults = {fault.kind: fault for fault in clock_faults(estimate(evidence), evidence)}
    assert set(faults) == {"reset", "backward"}
    assert faults["reset"].count == 2


@pytest.mark.parametrize(("scale", "unit"), [(10**3, "microseconds"), (10**6, "milliseconds"), (10**9, "seconds")])
def test_another_unit_in_a_nanosecond_field_is_named(scale: int, unit: str) -> None:
    for start in (0, START):
        evidence = pairs((start + TICKS) // scale, START + TICKS)
        (fault,) = [f for f in clock_faults(estimate(evidence), evidence) if f.kind == "unit"]
        assert f"{unit} in a nanosecond field" in fault.message


def test_wall_time_among_simulated_time_stamps_that_go_back_and_constant_ones_are_told() -> None:
    mixed = np.where(np.arange(3000) % 10 == 3, START + TICKS, TICKS)
    assert {"mixed", "backward"} <= set(kinds(pairs(mixed, START + TICKS)))
    assert kinds(pairs(np.full(3000, START), START + TICKS)) == ["constant"]
