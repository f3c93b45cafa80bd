"""The erratum: what a change or a mistake in labels has reached, as a page for those who use the dataset."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.annotate import merging
from rushes.annotate.edits import said
from rushes.cli._options import dataset_argument, revision_of, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count

_SHOWN = 200


@verb(
    "erratum",
    group="annotate",
    examples="""
rushes annotate erratum my-dataset --since 3
rushes annotate erratum my-dataset --since v1.0 --until v1.1 --out erratum.md
rushes annotate erratum my-dataset --label 1f0c9a7be2d3a456
""",
)
@dataset_argument
@click.option("--since", metavar="REVISION", help="Revision or tag to start from.")
@click.option("--until", metavar="REVISION", help="Revision or tag to end at; the newest if left out.")
@click.option("--label", "labels", metavar="LABEL_ID", multiple=True, help="A label that is wrong.")
@click.option("--event", "events", metavar="EVENT_ID", multiple=True, help="A version whose labels are wrong.")
@click.option("--out", type=click.Path(path_type=Path), help="Write it to this Markdown file too.")
def erratum_command(
    dataset: Path,
    since: str | None,
    until: str | None,
    labels: Sequence[str],
    events: Sequence[str],
    out: Path | None,
) -> Answer:
    """Say which labels were changed or wrong, and which splits, moments, exports, revisions, tags they reached."""
    step = registry.late("rushes.workflow.annotate_erratum")
    if (since is None) == (not labels and not events) or (until is not None and since is None):
        raise click.UsageError("give --since (and --until), or --label and --event")
    if since is None:
        done = step.of_labels(dataset, labels=labels, events=events)
    else:
        done = step.between(dataset, since=revision_of(since), until=revision_of(until))
    text = page(dataset, done)
    if out is not None:
        out.write_text(text + "\n", encoding="utf-8")
    return Answer(
        result={
            "since": done.since,
            "until": done.until,
            "labels": [_row(mistake) for mistake in done.mistakes],
            "parts": [asdict(part) for part in done.parts],
            "moments": [{"recording_id": recording, "moment": number} for recording, number in done.moments],
            "exports": [asdict(one) for one in done.exports],
            "revisions": done.revisions,
            "tags": done.tags,
            "unknown": done.unknown,
        },
        text=text,
        dataset=str(dataset),
        revision=done.until,
    )


def page(dataset: Path, done: Any) -> str:
    """Write an erratum as Markdown."""
    if not done.mistakes:
        return f"# Erratum\n\nNo label of {dataset} differs between revisions {done.since} and {done.until}."
    counts = Counter(mistake.what for mistake in done.mistakes)
    told = ", ".join(f"{count:,} {what}" for what, count in counts.items())
    lines = [
        "# Erratum",
        "",
        f"{dataset.resolve().name}, revision {done.since} to {done.until}: "
        f"{say_count(len(done.mistakes), 'label')}, {told}.",
        "",
        "## What they reached",
        "",
        *(f"- {sentence}" for sentence in _reach(done)),
        "",
        "## Labels",
        "",
        *(f"- {_sentence(mistake)}" for mistake in done.mistakes[:_SHOWN]),
    ]
    if len(done.mistakes) > _SHOWN:
        lines.append(f"- … and {len(done.mistakes) - _SHOWN:,} more; --json lists them all")
    return "\n".join(lines)


def _reach(done: Any) -> list[str]:
    sentences = [
        f"split '{part.split}', part '{part.part}'{' (locked)' if part.locked else ''}: "
        f"{say_count(part.labels, 'label')} in {say_count(part.recordings, 'recording')}"
        for part in done.parts
    ] or ["no split"]
    sentences.append(f"{say_count(len(done.moments), 'moment')}" if done.moments else "no moment")
    sentences += [
        f"export {one.path} ({one.format}, made {_day(one.created_ns)} of revision {one.revision}): "
        + (
            f"{say_count(one.labels, 'label')} as before"
            if one.known
            else "its revision was tidied away; make it anew"
        )
        for one in done.exports
    ] or ["no export that the dataset knows of"]
    sentences.append(
        f"revisions {_spans(done.revisions)}" if done.revisions else "no revision held them otherwise"
    )
    sentences += [f"tag '{tag}' (revision {number})" for tag, number in done.tags.items()] or ["no tag"]
    if done.unknown:
        sentences.append(f"revisions {_spans(done.unknown)} were tidied away and could not be looked at")
    return sentences


def _sentence(mistake: Any) -> str:
    label = mistake.label
    place = "/".join(str(part) for part in (label.recording_id, label.stream, label.index) if part is not None)
    what = f"{label.kind} {label.class_name or ''}".strip()
    by = f", by {mistake.author}" if mistake.author else ""
    changes = ""
    if mistake.groups:
        was, now = merging.groups(mistake.was), merging.groups(mistake.now)
        pairs = [f"{group} {_short(was, group)} → {_short(now, group)}" for group in mistake.groups]
        changes = f": {'; '.join(pairs)}"
    return f"{what} `{label.label_id}` on {place}: {mistake.what}{changes}{by}"


def _short(groups: Any, group: str) -> str:
    value = said(group, groups.get(group, merging.ABSENT))
    return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return " ".join(_plain(part) for part in value.values() if part is not None)[:120]
    if isinstance(value, list):
        return " ".join(_plain(part) for part in value if part is not None)[:120]
    return "nothing" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _spans(numbers: Sequence[int]) -> str:
    """Write ascending numbers as spans: 3 to 7, 9."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


def _day(nanoseconds: int) -> str:
    return datetime.fromtimestamp(nanoseconds / 1e9, UTC).strftime("%Y-%m-%d")


def _row(mistake: Any) -> dict[str, Any]:
    label = mistake.label
    was, now = merging.groups(mistake.was), merging.groups(mistake.now)
    return {
        "label_id": mistake.label_id,
        "what": mistake.what,
        "recording_id": label.recording_id,
        "stream": label.stream,
        "index": label.index,
        "kind": label.kind,
        "class": label.class_name,
        "changes": [
            {"group": g, "was": said(g, was.get(g, merging.ABSENT)), "now": said(g, now.get(g, merging.ABSENT))}
            for g in mistake.groups
        ],
        "author": mistake.author,
    }
