"""Clocks that drift, reset, count from elsewhere or contradict the content are findings, with numbers."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.checks import clock_content, clock_drift, clock_epoch, clock_reset, settle
from rushes.model import Finding, Stream
from rushes.views import ClockStretch, ClocksView, ContentVerdict

NOW = 1_700_000_000_000_000_000
CALM = ClockStretch(
    clock="cam0", segment=0, start_ns=0, end_ns=60 * 10**9, drift_ppm=12.0, drift_ci95_ppm=0.1, estimated=True
)
SEEN = ContentVerdict(
    kind="gyro-vision",
    first="imu",
    second="cam0",
    verdict="agrees",
    offset_ns=300_000,
    ci95_ns=900_000,
    reason="the rates fit",
    applied=False,
)


def view(*stretches: ClockStretch, spans=None, content=()):
    names = spans or {"cam0": (NOW, NOW + 10**9)}
    return ClocksView(
        recording="walk",
        streams=[Stream(name=name, modality="imu", table="imu", clock="header") for name in names],
        spans=names,
        stretches=stretches,
        content=content,
    )


def found(check, seen, **options):
    return [f for f in check.PLUGIN.judge(seen, settle(check.PLUGIN, options)) if isinstance(f, Finding)]


@pytest.mark.parametrize(
    ("drift", "severity"), [(49, None), (60, "info"), (-201, "warning"), (999, "warning"), (-1001, "error")]
)
def test_drift_is_judged_by_what_is_sure_of_it(drift, severity):
    findings = found(clock_drift, view(replace(CALM, drift_ppm=drift)))
    assert [f.severity for f in findings] == ([severity] if severity else [])
    if findings:
        assert ("fast" if drift < 0 else "slow") in findings[0].message


@given(st.floats(-500, 500), st.floats(0, 1000))
def test_drift_that_may_be_none_is_no_finding(drift, wide):
    stretch = replace(CALM, drift_ppm=drift, drift_ci95_ppm=wide)
    assert not found(clock_drift, view(stretch)) or abs(drift) > wide
    assert not found(clock_drift, view(replace(stretch, estimated=False)))


def test_every_reset_is_told_once_for_its_clock():
    stretches = [replace(CALM, segment=n, estimated=n != 1) for n in range(3)]
    (finding,) = found(clock_reset, view(*stretches))
    assert (finding.count, finding.stream) == (2, "cam0")
    assert "no evidence in 1 stretch" in finding.message
    assert not found(clock_reset, view(CALM))


def test_wall_time_beside_time_from_zero_is_told_with_both():
    (finding,) = found(clock_epoch, view(spans={"cam0": (NOW, NOW + 10**9), "imu": (0, 10**9)}))
    assert (finding.severity, finding.stream) == ("warning", "imu")
    assert "2023-11-14" in finding.message
    (finding,) = found(clock_epoch, view(spans={"imu": (12 * 10**9, NOW)}))
    assert (finding.severity, finding.stream) == ("error", "imu")
    assert not found(clock_epoch, view(spans={"a": (0, 1), "b": (5, 10**9)}))
    assert not found(clock_epoch, view(spans={"a": (NOW, NOW), "b": (NOW, NOW)}))


def test_content_that_contradicts_the_clocks_is_a_finding_until_it_is_applied():
    off = replace(SEEN, verdict="differs", offset_ns=-30_000_000)
    (finding,) = found(clock_content, view(content=[SEEN, off]))
    assert (finding.severity, finding.stream, finding.value) == ("warning", "cam0", -30_000_000)
    assert found(clock_content, view(content=[replace(off, offset_ns=60_000_000)]))[0].severity == "error"
    assert not found(clock_content, view(content=[replace(off, applied=True)]))
    (jump,) = found(clock_content, view(content=[replace(off, offset_ns=None, reason="it jumps by 200 ms")]))
    assert (jump.severity, jump.value) == ("error", None)
    assert "jumps by 200 ms" in jump.message
    assert not found(clock_content, view(content=[replace(SEEN, verdict="not observable", offset_ns=None)]))
