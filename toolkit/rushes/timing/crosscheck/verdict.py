"""What the content of two streams says of their clocks: a value, and how it is judged."""

from dataclasses import dataclass, field
from typing import Literal

Verdict = Literal["agrees", "differs", "not observable"]
LEAST_LIMIT_NS = 5_000_000
KINDS = ("gyro-vision", "pose-vision", "gyro-pose", "clap", "motion-energy")
"""What can be held against each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The offset over one part of a recording.

    Args:
        t_ns: Middle of the part, in the second's times.
        offset_ns: What must be added to the second's times there.
        ci95_ns: Half width of its 95 % interval.
        score: Normalised cross-correlation.
    """

    t_ns: int
    offset_ns: int
    ci95_ns: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Crosscheck:
    """A verdict from content, apart from any stamp. It is never applied by itself.

    Args:
        kind: gyro-vision, pose-vision, gyro-pose, clap or motion-energy.
        first: Stream that is held to be right.
        second: Stream that is held against it.
        offset_ns: What must be added to the second's times so that the contents agree; None where not observable.
        ci95_ns: Half width of its 95 % interval, systematic part included.
        drift_ppm: How the offset changes over the recording, where it was looked for and can be told.
        score: Normalised cross-correlation at the offset.
        peak_ratio: Its peak over the second peak.
        reason: Why that verdict, in a sentence.
        start_ns, end_ns: Stretch that was looked at, both ends included, in the times that were given.
        windows: The offset over parts of the recording, where that was asked for.
    """

    kind: str
    first: str
    second: str
    verdict: Verdict
    reason: str
    offset_ns: int | None = None
    ci95_ns: int | None = None
    drift_ppm: float | None = None
    score: float | None = None
    peak_ratio: float | None = None
    start_ns: int | None = None
    end_ns: int | None = None
    windows: tuple[Window, ...] = field(default=())


def judged(offset_ns: int, ci95_ns: int, *, least_ns: int = LEAST_LIMIT_NS) -> tuple[Verdict, int]:
    """Say whether an offset agrees with none at all, and the limit: ``least_ns`` or 3 times the CI."""
    limit = max(least_ns, 3 * ci95_ns)
    return ("agrees" if abs(offset_ns) <= limit else "differs"), limit


def milliseconds(ns: float) -> str:
    """Write nanoseconds for people, with a sign: ``+12.3 ms``."""
    return f"{ns / 1e6:+.1f} ms"
