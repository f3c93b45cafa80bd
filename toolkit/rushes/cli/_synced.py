"""What sync found, as lines for people and as values for ``--json``."""

from collections.abc import Sequence
from typing import Any

from rushes.cli._output import table
from rushes.quantities import say_count, say_drift, say_ns
from rushes.timing.common import StreamClock
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.timing.pairing import Pairing, doubt
from rushes.workflow.sync import Synced

AT_MOST = 12
"""Recordings that are told one by one; --json has all."""


def say_recordings(done: Sequence[Synced]) -> str:
    """Say how clocks run, how moments fit and what the content says, recording by recording."""
    told = [item for item in done if item.common]
    names = [item.name for item in done]
    parts = [_recording(item, alone=names.count(item.name) == 1) for item in told[:AT_MOST]]
    if len(told) > AT_MOST:
        parts.append(f"… and {say_count(len(told) - AT_MOST, 'more recording')}; --json tells of all")
    return "\n\n".join(parts)


def warnings(done: Sequence[Synced]) -> list[str]:
    """Say which recordings have no moments, which streams take no part, and why."""
    reasons: dict[str, list[str]] = {}
    for item in done:
        if not item.alignment:
            reasons.setdefault(item.reason, []).append(item.name)
    return [
        f"no moments in {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in reasons.items()
    ] + [
        f"{item.name}: {said}"
        for item in done
        for said in (
            *(pair.reason or doubt(pair) for pair in (item.alignment.pairings if item.alignment else ())),
            *(f"{name}: {why}" for name, why in (item.common.left_out.items() if item.common else ())),
            *(f"{c.second}: {c.reason}" for c in item.crosschecks if c.verdict == "differs"),
        )
        if said
    ]


def _recording(item: Synced, *, alone: bool) -> str:
    assert item.common
    common = item.common
    head = f"{item.name}{'' if alone else f' {item.recording_id}'}  {common.verdict}: {common.reason}"
    clocks = table(
        [_clock(stream) for stream in common.streams.values()],
        head=("clock of", "to log", "drift ppm", "residual p95", "± 95 %", "pairs", "latency", "verdict"),
        right=(1, 2, 3, 4, 5),
    )
    if item.alignment is None:
        return f"{head}\n{clocks}"
    content: dict[str, list[Crosscheck]] = {}
    for check in item.crosschecks:
        content.setdefault(check.second, []).append(check)
    reference = item.alignment.reference
    rows: list[tuple[object, ...]] = [
        (f"{reference or 'grid'} (sets {say_count(item.moments, 'moment')})", "", "", "", "", "", "")
    ]
    rows += [_pair(pair, item.moments, content.get(pair.stream, ())) for pair in item.alignment.pairings]
    if reference in content:
        rows[0] = (*rows[0][:-1], _content(content[reference]))
    moments = table(
        rows, head=("moments", "matched", "skew p50", "p95", "max", "margin", "content"), right=(1, 2, 3, 4, 5)
    )
    return f"{head}\n{clocks}\n\n{moments}"


def _clock(stream: StreamClock) -> tuple[object, ...]:
    found = stream.applied or stream.estimate
    if found is None or found.verdict == "unproven":
        pairs = sum(segment.pairs for segment in found.segments) if found else 0
        return (stream.stream, "", "", "", "", f"{pairs:,}" if pairs else "", "", stream.verdict)
    segment = max(found.segments, key=lambda s: s.end_ns - s.start_ns)
    resets = len(found.segments) - 1
    offset = say_ns(segment.offset_ns) + (f" ({say_count(resets, 'reset')})" if resets else "")
    drift = say_drift(segment.drift_ppm, segment.drift_ci95_ppm)
    return (
        stream.stream,
        offset,
        drift,
        say_ns(segment.residual_p95_ns),
        say_ns(segment.offset_ci95_ns),
        f"{sum(segment.pairs for segment in found.segments):,}",
        "none" if found.latency_known else "unknown",
        stream.verdict + ("" if stream.applied else ", not applied" if stream.verdict == "unproven" else ""),
    )


def _pair(pair: Pairing, moments: int, content: Sequence[Crosscheck]) -> tuple[object, ...]:
    skews = [say_ns(value) for value in (pair.skew_p50_ns, pair.skew_p95_ns, pair.skew_max_ns)]
    margin = "" if pair.phase_margin is None else f"{pair.phase_margin:.2f}"
    return (pair.stream, f"{pair.matched} of {moments}", *skews, margin, _content(content))


def _content(checks: Sequence[Crosscheck]) -> str:
    said = []
    for check in checks:
        if check.offset_ns is None:
            said.append(f"{check.kind}: {check.verdict}")
        else:
            wide = f" ± {say_ns(check.ci95_ns)}" if check.ci95_ns is not None else ""
            said.append(f"{check.kind}: {check.verdict}, {say_ns(check.offset_ns)}{wide} off {check.first}")
    return "; ".join(said)


def entry(item: Synced) -> dict[str, Any]:
    """Give all that is known of one recording as plain values."""
    pairings = item.alignment.pairings if item.alignment else ()
    common = item.common
    return {
        "recording_id": item.recording_id,
        "name": item.name,
        "reference": item.alignment.reference if item.alignment else None,
        "moments": item.moments,
        "time": common.time if common else None,
        "time_reason": common.reason if common else None,
        "reference_clock": common.reference_clock if common else None,
        "verdict": common.verdict if common else None,
        "map_version": item.map_version,
        "reason": item.reason,
        "clocks": [_clock_entry(stream) for stream in (common.streams.values() if common else ())],
        "left_out": [{"stream": name, "reason": why} for name, why in (common.left_out.items() if common else ())],
        "streams": [
            {
                "stream": pair.stream,
                "matched": pair.matched,
                "unmatched_moments": pair.unmatched_moments,
                "unmatched_samples": pair.unmatched_samples,
                "within_ns": pair.within_ns,
                "skew_p50_ns": pair.skew_p50_ns,
                "skew_p95_ns": pair.skew_p95_ns,
                "skew_max_ns": pair.skew_max_ns,
                "phase_margin": pair.phase_margin,
                "reason": pair.reason,
            }
            for pair in pairings
        ],
        "crosschecks": [
            {
                "kind": check.kind,
                "first": check.first,
                "second": check.second,
                "verdict": check.verdict,
                "offset_ns": check.offset_ns,
                "ci95_ns": check.ci95_ns,
                "score": check.score,
                "reason": check.reason,
                "applied": (check.kind, check.first, check.second) in item.applied,
            }
            for check in item.crosschecks
        ],
        "spans": sorted(item.spans),
    }


def _clock_entry(stream: StreamClock) -> dict[str, Any]:
    found = stream.applied or stream.estimate
    return {
        "stream": stream.stream,
        "clock": stream.clock,
        "verdict": stream.verdict,
        "reason": stream.reason,
        "applied": stream.applied is not None,
        "shift_ns": stream.shift_ns,
        "latency_known": found.latency_known if found else None,
        "source": found.source if found else None,
        "segments": [
            {
                "start_ns": s.start_ns,
                "end_ns": s.end_ns,
                "offset_ns": s.offset_ns,
                "drift_ppm": s.drift_ppm,
                "method": s.method,
                "pairs": s.pairs,
                "used": s.used,
                "residual_p95_ns": s.residual_p95_ns,
                "offset_ci95_ns": s.offset_ci95_ns,
                "drift_ci95_ppm": s.drift_ci95_ppm,
                "verdict": s.verdict,
                "reason": s.reason,
            }
            for s in (found.segments if found else ())
        ],
    }
