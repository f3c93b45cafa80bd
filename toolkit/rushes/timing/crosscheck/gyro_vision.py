"""Turning against turning: a gyroscope or a track of poses against a camera, or against each other.

Every source becomes angular velocity as means over intervals. The three components are compared under the best
rotation between the sensors' axes; where that is not conclusive, the magnitudes alone. No extrinsics are needed.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.model import Times
from rushes.timing.crosscheck.correlate import DEFAULTS, Lag, Limits, correlate
from rushes.timing.crosscheck.drift import Course, course_of
from rushes.timing.crosscheck.signals import Array, Signal, from_intervals, from_samples, widened
from rushes.timing.crosscheck.verdict import Crosscheck, Verdict, judged, milliseconds

Kind = Literal["gyro-vision", "pose-vision", "gyro-pose"]

LEAST_TURN_RAD_S = 0.02
"""Root mean square of the turning, about its mean, below which a sensor stands still."""
LEAST_CELL_NS = 100_000_000
"""The second's turning is compared over this long at least: what is wrong with one picture then matters less."""
LEAST_POSE_NS = 25_000_000
"""Poses closer together are taken over this long, so that their noise does not drown the turning."""


def gyro_turning(times: Times, gyro_rad_s: npt.NDArray[np.float64]) -> Signal:
    """Give the turning that a gyroscope measures.

    Args:
        times: Shape (n,).
        gyro_rad_s: Shape (n, 3); rows that are not finite are left out.
    """
    whole = np.isfinite(gyro_rad_s).all(axis=1)
    return from_samples(times[whole], gyro_rad_s[whole])


def pose_turning(times: Times, quaternions: npt.NDArray[np.float64]) -> Signal:
    """Give the turning between poses, about the axes of the child frame, in rad/s.

    Args:
        times: Shape (n,).
        quaternions: Shape (n, 4): w, x, y, z of the child in its parent.
    """
    size = np.linalg.norm(quaternions, axis=1)
    whole = np.isfinite(size) & (size > 1e-6)
    times, first = np.unique(times[whole], return_index=True)
    q = (quaternions[whole] / size[whole, None])[first]
    keep = _thinned(times)
    times, q = times[keep], q[keep]
    if len(times) < 2:
        return from_intervals(times, np.zeros((max(len(times) - 1, 0), 3)))
    return from_intervals(times, _between(q[:-1], q[1:]) / (np.diff(times) / 1e9)[:, None])


def compare_turning(
    kind: Kind,
    first: str,
    second: str,
    turning: tuple[Signal, Signal],
    *,
    limits: Limits = DEFAULTS,
    follow: bool = False,
    guessed_lens: bool = False,
    skipped: int = 0,
) -> Crosscheck:
    """Hold the second stream's turning against the first's.

    Args:
        kind: What is compared.
        first: Name of the stream that is held to be right.
        second: Name of the other.
        turning: Of both, rad/s, three values each.
        limits: What the correlation must reach.
        follow: Whether to follow the offset through the recording, for drift and jumps.
        guessed_lens: Whether the camera's intrinsics are a guess, for the reason.
        skipped: Broken pictures that were left out, for the reason.
    """
    one, other = turning[0], widened(turning[1], least_ns=LEAST_CELL_NS)
    told = f"; {skipped} broken pictures were left out" if skipped else ""
    told += "; the focal length is a guess" if guessed_lens else ""
    span = (int(other.start_ns[0]), int(other.end_ns[-1])) if len(other) else (None, None)
    empty = Crosscheck(
        kind=kind,
        first=first,
        second=second,
        verdict="not observable",
        reason="",
        start_ns=span[0],
        end_ns=span[1],
    )
    still = _still(first, one, second, other)
    if still:
        return replace(empty, reason=still + told)
    lag, how = _best(one, other, limits)
    course = course_of(one, other, limits=limits) if follow else Course(windows=())
    empty = replace(empty, score=lag.score, peak_ratio=lag.peak_ratio, windows=course.windows)
    if course.jump_ns is not None:
        # One offset cannot be right on both sides, so none is given that might be applied.
        return replace(empty, verdict="differs", reason=_said_jump(first, second, course) + told)
    if lag.offset_ns is None or lag.ci95_ns is None:
        why = f"the turning of {second} does not tell its offset against {first}: {lag.why_not}{told}"
        return replace(empty, reason=why)
    verdict, limit = judged(lag.offset_ns, lag.ci95_ns)
    drift = (
        ""
        if course.drift_ppm is None
        else (f"; it changes by {course.drift_ppm:+.0f} ± {course.drift_ci95_ppm:.0f} ppm")
    )
    return replace(
        empty,
        verdict=verdict,
        offset_ns=lag.offset_ns,
        ci95_ns=lag.ci95_ns,
        drift_ppm=course.drift_ppm,
        reason=_said(second, lag, verdict, limit, how) + drift + told,
    )


def _best(one: Signal, other: Signal, limits: Limits) -> tuple[Lag, str]:
    lag = correlate(one, other, limits=limits)
    if lag.offset_ns is not None:
        return lag, "angular velocities"
    size = correlate(one.magnitude(), other.magnitude(), limits=limits)
    return (size, "amounts of turning") if size.offset_ns is not None else (lag, "")


def _still(first: str, one: Signal, second: str, other: Signal) -> str:
    for name, signal in ((first, one), (second, other)):
        if not len(signal) or not signal.known.any():
            return f"no turning of {name} could be measured"
        if (spread := signal.spread()) < LEAST_TURN_RAD_S:
            return f"{name} hardly turns: {spread:.3f} rad/s about its mean, below {LEAST_TURN_RAD_S:g} rad/s"
    return ""


def _said(second: str, lag: Lag, verdict: Verdict, limit: int, how: str) -> str:
    assert lag.offset_ns is not None
    assert lag.ci95_ns is not None
    relation = "within" if verdict == "agrees" else "beyond"
    return (
        f"{milliseconds(lag.offset_ns)} ± {lag.ci95_ns / 1e6:.1f} ms would make the {how} of {second} agree best "
        f"(score {lag.score:.2f}), {relation} the limit of {limit / 1e6:.1f} ms"
    )


def _said_jump(first: str, second: str, course: Course) -> str:
    assert course.jump_ns is not None
    assert course.jump_at_ns is not None
    before, after = course.windows[0], course.windows[-1]
    return (
        f"the offset of {second} against {first} jumps by {milliseconds(course.jump_ns)} "
        f"at {course.jump_at_ns} ns, from {milliseconds(before.offset_ns)} to {milliseconds(after.offset_ns)}"
    )


def _thinned(times: Times) -> npt.NDArray[np.int64]:
    """Choose times at least ``LEAST_POSE_NS`` apart, where they come more often."""
    if len(times) < 2:
        return np.arange(len(times), dtype=np.int64)
    usual = float(np.median(np.diff(times)))
    step = max(1, int(np.ceil(LEAST_POSE_NS / max(usual, 1.0))))
    return np.arange(0, len(times), step, dtype=np.int64)


def _between(a: Array, b: Array) -> Array:
    """Give the rotation vectors of conj(a) b: shape (n, 3)."""
    w = (a * b).sum(axis=1)
    av, bv = a[:, 1:], b[:, 1:]
    v = a[:, :1] * bv - b[:, :1] * av - np.cross(av, bv)
    v = np.where(w[:, None] < 0, -v, v)
    sine = np.linalg.norm(v, axis=1)
    angle = 2 * np.arctan2(sine, np.abs(w))
    return np.asarray(v * np.where(sine < 1e-12, 2.0, angle / np.where(sine < 1e-12, 1.0, sine))[:, None])
