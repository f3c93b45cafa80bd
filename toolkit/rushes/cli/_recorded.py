"""What a recording became, as lines for people and as values for ``--json``."""

from collections.abc import Mapping
from typing import Any

from rushes.cli._output import table
from rushes.quantities import say_bytes, say_count, say_ns
from rushes.sensors import Rig


def say(done: Any) -> str:
    """Say stream by stream what was captured, then the file and its takes."""
    verdict = done.verdict
    rows = [
        (
            s.stream,
            f"{s.samples:,}",
            "" if s.rate_hz is None else f"{s.rate_hz:.1f}",
            "" if s.nominal_rate_hz is None else f"{s.nominal_rate_hz:g}",
            f"{s.dropped + s.holes:,}" if s.dropped + s.holes else "",
            f"{s.gaps:,}" if s.gaps else "",
            say_ns(s.longest_gap_ns) if s.longest_gap_ns else "",
            say_ns(s.drift_ns),
        )
        for s in verdict.streams
    ]
    head = ("stream", "samples", "Hz", "nominal", "lost", "gaps", "longest", "clock moved")
    kept = [take for take in verdict.takes if take.verdict == "keep"]
    takes = say_count(len(verdict.takes), "take")
    if len(kept) < len(verdict.takes):
        takes += f", {len(verdict.takes) - len(kept)} discarded"
    left_out = sum(s.left_out for s in verdict.streams)
    long = say_ns(verdict.end_ns - verdict.start_ns)
    parts = [
        f"{verdict.path}: {long}, {say_bytes(verdict.written_bytes)}, {takes}",
        f"{say_count(left_out, 'sample')} left out by pauses" if left_out else "",
        "all sensors are in it, and all that arrived" if done.is_sound else _lack(done),
    ]
    return table(rows, head=head, right=range(1, len(head))) + "\n\n" + "\n".join(filter(None, parts))


def entry(rig: Rig, done: Any, facts: Mapping[str, str], for_ns: int | None) -> dict[str, Any]:
    """Give all that is known of it as plain values."""
    verdict = done.verdict
    return {
        "path": str(verdict.path),
        "rig": rig.name,
        "facts": dict(facts),
        "start_ns": verdict.start_ns,
        "end_ns": verdict.end_ns,
        "written_bytes": verdict.written_bytes,
        "whole": verdict.whole,
        "ending": done.ending,
        "ended_by": verdict.ended_by,
        "short": for_ns is not None and verdict.end_ns - verdict.start_ns < for_ns,
        "sound": done.is_sound,
        "lacking": list(done.lacking),
        "dropped": done.dropped,
        "streams": [
            {
                "sensor": s.sensor,
                "stream": s.stream,
                "form": s.form,
                "samples": s.samples,
                "rate_hz": s.rate_hz,
                "nominal_rate_hz": s.nominal_rate_hz,
                "dropped": s.dropped,
                "holes": s.holes,
                "left_out": s.left_out,
                "gaps": s.gaps,
                "longest_gap_ns": s.longest_gap_ns,
                "offset_ns": s.offset_ns,
                "drift_ns": s.drift_ns,
            }
            for s in verdict.streams
        ],
        "takes": [
            {
                "number": t.number,
                "start_ns": t.start_ns,
                "end_ns": t.end_ns,
                "verdict": t.verdict,
                "retake_of": t.retake_of,
                "why": t.why,
            }
            for t in verdict.takes
        ],
        "troubles": dict(verdict.troubles),
        "problems": list(verdict.problems),
    }


def _lack(done: Any) -> str:
    said = [f"nothing came from {', '.join(done.lacking)}"] if done.lacking else []
    said += [f"{say_count(done.dropped, 'sample')} arrived and are not in it"] if done.dropped else []
    said += ["it ended by itself"] if done.ending == "itself" else []
    return "not sound: " + ("; ".join(said) or "the file has no end mark")
