"""What a recording holds when it has ended, what it lacks, and what to make of it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.capturing import Form, Mishap, Trouble
from rushes.live import Take
from rushes.quantities import say_ns
from rushes.recorder.tracks import Track

SLOW, FAST = 0.9, 1.1
"""A rate outside of this share of the nominal one is worth a word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamVerdict:
    """What was captured of one stream.

    Args:
        samples: In the file.
        rate_hz: Over all that arrived; None for fewer than two.
        dropped: Arrived, and not in the file; the pauses apart.
        holes: Lost before they arrived, by their sequence numbers.
        left_out: By pauses.
        gaps: Intervals of more than five periods, and a quarter of a second.
        longest_gap_ns: The longest interval between two samples; 0 where gaps mean nothing.
        offset_ns: Host clock less device clock, least of the last seconds; None without a device clock.
        drift_ns: How much of that came about since the first seconds.
    """

    sensor: str
    stream: str
    form: Form
    samples: int
    rate_hz: float | None
    nominal_rate_hz: float | None
    dropped: int
    holes: int
    left_out: int
    gaps: int
    longest_gap_ns: int
    offset_ns: int | None
    drift_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingVerdict:
    """What was captured.

    Args:
        path: The file.
        start_ns, end_ns: The recorder's clock.
        whole: Whether the file has its end mark; one without is read as far as it goes.
        ended_by: Why it ended by itself; empty where it was stopped.
        takes: As they stand.
        troubles: How many of each kind were told.
        problems: In words, the worst first; empty when all is well.
    """

    path: Path
    start_ns: int
    end_ns: int
    written_bytes: int
    whole: bool
    ended_by: str
    streams: Sequence[StreamVerdict]
    takes: Sequence[Take]
    troubles: Mapping[Mishap, int]
    problems: Sequence[str]


def of_track(track: Track, written: int) -> StreamVerdict:
    """Judge one stream; nothing may arrive on it any more."""
    gauge, stream = track.gauge, track.stream
    offset, first = gauge.last_offset_ns, gauge.first_offset_ns
    return StreamVerdict(
        sensor=track.sensor.name,
        stream=stream.name,
        form=stream.form,
        samples=written,
        rate_hz=gauge.rate_hz,
        nominal_rate_hz=stream.nominal_rate_hz,
        dropped=max(gauge.arrived - track.left_out - written, 0),
        holes=gauge.holes,
        left_out=track.left_out,
        gaps=gauge.gaps,
        longest_gap_ns=gauge.longest_gap_ns,
        offset_ns=offset,
        drift_ns=None if offset is None or first is None else offset - first,
    )


def problems_of(
    streams: Sequence[StreamVerdict],
    *,
    whole: bool,
    ended_by: str,
    absent: Mapping[str, str],
    troubles: Sequence[Trouble],
) -> Sequence[str]:
    """Say what is wrong with a recording, the worst first.

    Args:
        streams: All of them.
        whole: Whether the file has its end mark.
        ended_by: Why it ended by itself.
        absent: Why each sensor that gave no stream did not.
        troubles: All that were told.
    """
    found = [f"it ended by itself: {ended_by}"] if ended_by else []
    if not whole:
        found.append("the file has no end mark; it is read as far as it goes")
    found += [f"{sensor} was not recorded: {why or 'it never opened'}" for sensor, why in absent.items()]
    found += [
        f"{s.stream}: nothing came" for s in streams if not s.samples and not s.dropped and s.form != "texts"
    ]
    found += [f"{s.stream}: {s.dropped:,} samples arrived and are not in the file" for s in streams if s.dropped]
    found += [f"{s.stream}: {s.holes:,} samples were lost on their way here" for s in streams if s.holes]
    garbage: Counter[str] = Counter()
    for t in troubles:
        if t.what == "garbage":
            garbage[t.stream or t.sensor or ""] += max(t.count, 1)
    found += [f"{about}: {count:,} samples could not be understood" for about, count in garbage.items()]
    found += [f"{s.stream}: {s.gaps} gaps, the longest {say_ns(s.longest_gap_ns)}" for s in streams if s.gaps]
    found += [
        f"{s.stream}: {s.rate_hz:.1f} Hz came of {s.nominal_rate_hz:g} Hz"
        for s in streams
        if s.nominal_rate_hz and s.rate_hz and not SLOW <= s.rate_hz / s.nominal_rate_hz <= FAST
    ]
    steps = [t for t in troubles if t.what == "clock"]
    found += [f"{t.stream or t.sensor or 'the system'}: {t.message}" for t in steps]
    stopped = [t for t in troubles if t.what == "stopped" and t.stream is None]
    found += [f"{t.sensor}: {t.message}" for t in stopped]
    return found
