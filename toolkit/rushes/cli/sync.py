"""Find the synchronised moments of every recording."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli._options import Duration, OneOf, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count, say_ns
from rushes.workflow.sync import Settings, Synced, sync


@verb(
    "sync",
    examples="""
rushes sync my-dataset
rushes sync my-dataset --to /cam0/image/compressed --within 10ms
rushes sync my-dataset --time log --dry-run
""",
)
@dataset_argument
@click.option(
    "--to", "reference", metavar="STREAM", help="Stream that sets the moments; the slowest picture stream."
)
@click.option("--within", type=Duration(), help="Largest skew; half of the slower interval of each pair.")
@click.option("--stream", "streams", multiple=True, help="Only these streams; can be repeated.")
@click.option("--time", type=OneOf(("auto", "header", "log", "pts")), default="auto", show_default=True)
@dry_run_option
def command(
    dataset: Path, reference: str | None, within: int | None, streams: Sequence[str], time: str, dry_run: bool
) -> Answer:
    """For each sample of a reference stream, find the nearest of every other, each used once, with its skew.

    Skew is measured between recorded times. How far the clocks themselves are apart is not estimated: unproven.
    """
    settings = Settings(reference=reference, within_ns=within, streams=streams or None, time=time)
    done, revision = sync(dataset, settings, argv=sys.argv[1:], dry_run=dry_run)
    return answer(dataset, done, revision)


def answer(dataset: Path, done: Sequence[Synced], revision: int) -> Answer:
    """Say what became of every recording, stream by stream."""
    aligned = [item for item in done if item.alignment]
    moments = sum(item.moments for item in done)
    head = ("recording", "stream", "in moments", "skew p50", "p95", "max", "margin")
    text = table(_rows(done), head=head, right=(2, 3, 4, 5, 6)) + "\n\n" if aligned else ""
    text += f"{say_count(moments, 'moment')} in {say_count(len(aligned), 'recording')}"
    text += "; clocks: unproven (skew is between recorded times)" if aligned else ""
    return Answer(
        result={"moments": moments, "recordings": [_entry(item) for item in done]},
        text=text,
        dataset=str(dataset),
        revision=revision,
        warnings=_without(done),
    )


def _rows(done: Sequence[Synced]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for item in done:
        if item.alignment is None or item.common is None:
            continue
        reference = item.alignment.reference
        count = item.moments
        rows.append((item.name, f"{reference} (sets the moments, {item.common.time} time)", count, "", "", "", ""))
        for pair in item.alignment.pairings:
            skews = [say_ns(value) for value in (pair.skew_p50_ns, pair.skew_p95_ns, pair.skew_max_ns)]
            margin = "" if pair.phase_margin is None else f"{pair.phase_margin:.2f}"
            rows.append(("", pair.stream, f"{pair.matched} of {count}", *skews, margin))
    return rows


def _without(done: Sequence[Synced]) -> list[str]:
    """Say which recordings have no moments, and which streams of the others take no part; and why."""
    reasons: dict[str, list[str]] = {}
    for item in done:
        if not item.alignment:
            reasons.setdefault(item.reason, []).append(item.name)
    return [
        f"no moments in {', '.join(names[:3])}{f' and {len(names) - 3} more' if len(names) > 3 else ''}: {reason}"
        for reason, names in reasons.items()
    ] + [
        f"{item.name}: {pair.reason}"
        for item in done
        for pair in (item.alignment.pairings if item.alignment else ())
        if pair.reason
    ]


def _entry(item: Synced) -> dict[str, object]:
    pairings = item.alignment.pairings if item.alignment else ()
    return {
        "recording_id": item.recording_id,
        "name": item.name,
        "reference": item.alignment.reference if item.alignment else None,
        "time": item.common.time if item.common else None,
        "time_reason": item.common.reason if item.common else None,
        "verdict": item.common.verdict if item.common else None,
        "reason": item.reason,
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
    }
