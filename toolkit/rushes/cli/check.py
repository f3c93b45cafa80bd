"""Look for faults in recordings, streams, pictures and moments."""

import re
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from rushes.cli import _progress
from rushes.cli._options import OneOf, dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.errors import UsageError
from rushes.quantities import say_bytes, say_count
from rushes.workflow import explain
from rushes.workflow.check import SEVERITIES, Checked, Found, Settings, check
from rushes.workflow.check_report import write_report
from rushes.workflow.pages import demand_place

SHOWN = 30
LEAST_ALIKE = 3
"""In so many other streams a finding must be alike to be shown once."""

_NUMBERS = re.compile(r"\d[\d,.:-]*")


@verb(
    "check",
    examples="""
rushes check my-dataset
rushes check my-dataset --only image --only stream.gap --fail-on never
rushes check my-dataset --report check.html --fail-on never
rushes check my-dataset --set stream.gap.limit=2 --fail-on never
rushes check --explain stream.gap
""",
)
@click.argument("dataset", type=click.Path(path_type=Path), required=False)
@click.option("--only", multiple=True, metavar="CHECK", help="A check or a family such as image; can be repeated.")
@click.option(
    "--set", "changes", multiple=True, metavar="CHECK.OPTION=VALUE", help="Change a limit; can be repeated."
)
@click.option("--fail-on", type=OneOf((*SEVERITIES, "never")), default="error", show_default=True)
@click.option("--since", metavar="REVISION", help="Compare with an earlier revision or tag: what drifted.")
@click.option("--include-rejected", is_flag=True, help="Look at what people rejected, deleted or discarded too.")
@click.option("--explain", "explained", metavar="CHECK", help="Say what a check does, and why its limits are so.")
@click.option(
    "--report", type=click.Path(path_type=Path), help="Write a page with pictures here, and JSON beside it."
)
@dry_run_option
def command(
    dataset: Path | None,
    only: Sequence[str],
    changes: Sequence[str],
    fail_on: str,
    since: str | None,
    include_rejected: bool,
    explained: str | None,
    report: Path | None,
    dry_run: bool,
) -> Answer:
    """Measure, judge, and store metrics and findings; exit code 3 where something forbidden was found.

    Pictures are decoded once; running again with other limits decodes nothing.
    """
    if explained:
        text = explain.entry(explained)
        lines = [f"{explained}: {text['title']}"] + [
            f"{k.capitalize()}: {v}" for k, v in text.items() if k != "title"
        ]
        return Answer(result={"check": explained, **text}, text="\n".join(lines))
    if report is not None:
        demand_place(report)
    if dataset is None:
        raise click.UsageError("Missing argument 'DATASET'.", click.get_current_context())
    settings = Settings(
        only=only or None,
        options=_options(changes),
        fail_on=fail_on,
        since=int(since) if since and since.isdecimal() else since,
        rejected=include_rejected,
    )
    with _progress.bar("check", unit="pictures") as progress:
        done = check(dataset, settings, argv=sys.argv[1:], progress=progress, dry_run=dry_run)
    said = answer(dataset, done)
    if report is None:
        return said
    written = write_report(dataset, done, settings, report)
    page = f"Open {report} in a browser ({say_bytes(written.size)}, works offline), or read {written.facts.name}"
    return replace(said, text=f"{said.text}\n\n{page}.")


def answer(dataset: Path, done: Checked) -> Answer:
    """Say what was found, worst first."""
    counts = {severity: sum(i.finding.severity == severity for i in done.found) for severity in SEVERITIES}
    folded = fold(done.found)
    rows = [
        (first.finding.severity, first.recording or "the dataset", first.finding.check, what)
        for first, what, _ in folded
    ]
    lines = [table(rows[:SHOWN], head=("severity", "recording", "check", "what"))] if rows else []
    if shown := sum(count for *_, count in folded[SHOWN:]):
        lines.append(f'… and {shown} more; rushes query {dataset} "select * from findings"')
    said = ", ".join(say_count(counts[s], s) if s != "info" else f"{counts[s]} info" for s in reversed(SEVERITIES))
    lines.append(
        f"{said} by {say_count(len(done.checks), 'check')} in {say_count(done.recordings, 'recording')}"
        + (f"; {say_count(done.pictures, 'picture')} decoded" if done.pictures else "")
    )
    if done.rejected or done.left_out:
        lines.append(
            f"{say_count(len(done.rejected), 'recording')} and {say_count(done.left_out, 'finding')} left out, "
            "as people rejected them; --include-rejected looks at them too"
        )
    if done.discarded:
        lines.append(
            f"left out: {say_count(sum(done.discarded.values()), 'frame')} of "
            f"{say_count(len(done.discarded), 'discarded take')}; --include-rejected looks at them too"
        )
    if done.forbidden:
        lines.append(f"forbidden: findings of severity '{done.fail_on}' or worse (exit code 3)")
    return Answer(
        result={
            "counts": counts,
            "forbidden": done.forbidden,
            "findings": [_entry(item) for item in done.found],
            "rejected": list(done.rejected),
            "left_out": done.left_out,
            "discarded": {"frames": sum(done.discarded.values()), "takes": len(done.discarded)},
        },
        text="\n".join(lines),
        dataset=str(dataset),
        revision=done.revision,
        exit_code=3 if done.forbidden else 0,
    )


def fold(found: Sequence[Found]) -> list[tuple[Found, str, int]]:
    """Say once what a check says of many streams of a recording in the same words, whatever the numbers.

    Returns:
        The first of each kind, what to say, and how many findings that stands for; in the order of the first.
    """
    kinds: dict[tuple[str, ...], list[Found]] = {}
    for place, item in enumerate(found):
        finding = item.finding
        words = _NUMBERS.sub("#", finding.message.removeprefix(f"{finding.stream}: "))
        alone = "" if finding.stream else str(place)
        kinds.setdefault((finding.severity, item.recording_id, finding.check, words, alone), []).append(item)
    folded = []
    for alike in kinds.values():
        others = len({item.finding.stream for item in alike}) - 1
        if others < LEAST_ALIKE:
            folded += [(item, item.finding.message, 1) for item in alike]
            continue
        likewise = f" ({len(alike) - 1:,} more like it in {say_count(others, 'other stream')})"
        folded.append((alike[0], alike[0].finding.message + likewise, len(alike)))
    return folded


def _entry(item: Any) -> dict[str, object]:
    finding = item.finding
    return {
        "recording_id": item.recording_id,
        "recording": item.recording,
        "check": finding.check,
        "severity": finding.severity,
        "stream": finding.stream,
        "index": finding.index,
        "count": finding.count,
        "label_id": finding.label_id,
        "start_ns": finding.start_ns,
        "end_ns": finding.end_ns,
        "value": finding.value,
        "limit": finding.limit,
        "unit": finding.unit,
        "message": finding.message,
    }


def _options(changes: Sequence[str]) -> dict[str, dict[str, float]]:
    options: dict[str, dict[str, float]] = {}
    for change in changes:
        place, _, value = change.partition("=")
        name, _, option = place.rpartition(".")
        try:
            if "." not in name or not option:
                raise ValueError(change)
            options.setdefault(name, {})[option] = float(value)
        except ValueError as error:
            raise UsageError(
                f"'{change}' sets no limit",
                code="check.option",
                hint="write CHECK.OPTION=NUMBER, such as stream.gap.limit=2; rushes explain CHECK lists them",
            ) from error
    return options
