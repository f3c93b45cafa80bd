"""The commands of ``annotate`` that hold people's labels against each other."""

import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli._options import at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow import pages

_THINGS = {
    "box": "boxes",
    "outline": "outlines",
    "keypoints": "keypoints",
    "segment": "segments",
    "track": "tracks",
}
_LIKENESS = ("iou", "oks")
_FLAGS_SHOWN = 20


@verb(
    "agree",
    group="annotate",
    examples="""
rushes annotate agree my-dataset
rushes annotate agree my-dataset --iou 0.7 --json
rushes annotate agree my-dataset --report agreement.html
""",
)
@dataset_argument
@click.option(
    "--iou", type=click.FloatRange(0.01, 1), default=0.5, show_default=True, help="Least likeness of a pair."
)
@click.option("--report", type=click.Path(path_type=Path), help="Write all of it as a page, too.")
@at_option
def agree_command(dataset: Path, iou: float, report: Path | None, at: str | None) -> Answer:
    """Say how far people agree, kind by kind and class by class, and who worked in haste.

    Only frames, moments and clips that two people have looked at count. Found by both is F1: of all that the two
    drew, the share that matches. Likeness is the mean overlap (IoU) of what matches, of keypoints OKS. Alpha,
    kappa and Fleiss are agreement beyond chance: 1 is full, 0 what chance alone would give.
    """
    if report is not None:
        pages.demand_place(report)
    done = registry.late("rushes.workflow.agree").agree_on(dataset, iou=iou, at=revision_of(at))
    text = "\n\n".join(_sections(done, iou))
    if report is not None:
        page = registry.late("rushes.workflow.agree_page").page_of(done, name=dataset.name, iou=iou)
        pages.write_whole(report, page)
        text += f"\n\nPage  {report}"
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "authors": list(done.authors),
            "recordings": done.recordings,
            "overlaps": [asdict(x) for x in done.overlaps],
            "figures": [{k: _plain(v) for k, v in asdict(x).items()} for x in done.figures],
            "haste": [asdict(x) for x in done.haste],
            "flags": [asdict(x) for x in done.flags],
            "not_compared": dict(done.not_compared),
            "report": str(report) if report else None,
        },
        text=text,
        warnings=[*_cautions(done)],
    )


@verb(
    "consensus",
    group="annotate",
    examples="""
rushes annotate consensus my-dataset
rushes annotate consensus my-dataset --quorum 2 --iou 0.6 --dry-run
""",
)
@dataset_argument
@click.option(
    "--iou", type=click.FloatRange(0.01, 1), default=0.5, show_default=True, help="Least likeness of a pair."
)
@click.option("--quorum", type=click.IntRange(1), help="How many must say so; more than half if left out.")
@dry_run_option
def consensus_command(dataset: Path, iou: float, quorum: int | None, dry_run: bool) -> Answer:
    """Merge what several people labelled into labels of their own, which stand for theirs.

    What most say: the median of boxes, keypoints and ends, the pixels of more than half, the class of most. What
    was adjudicated goes before it. Again without a change writes nothing; people's own labels stay.
    """
    step = registry.late("rushes.workflow.consensus")
    settings = step.Settings(iou=iou, quorum=quorum)
    done = step.consensus(dataset, settings, argv=sys.argv[1:], dry_run=dry_run)
    counts = {name: getattr(done, name) for name in ("new", "changed", "same", "gone")}
    said = ", ".join(f"{count:,} {name}" for name, count in counts.items() if count) or "nothing"
    text = f"{say_count(done.items, 'item')} with several versions: {said}"
    text += f"\n{say_count(done.labels, 'merged label')}; {done.dropped:,} that too few have drawn left out"
    text += f"\n{done.settled:,} of the items are adjudicated, which goes first" if done.settled else ""
    names = ("items", *counts, "labels", "dropped", "settled")
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={name: getattr(done, name) for name in names},
        text=text,
    )


def _sections(done: Any, iou: float) -> Iterator[str]:
    overlaps = [(" · ".join(x.authors), x.items, x.recordings) for x in done.overlaps]
    yield table(overlaps, head=("both have looked at", "items", "recordings"), right=(1, 2))
    whole = "all" if any(x.scope == "all" and x.measure == "f1" for x in done.figures) else "pair"
    drawn = _drawn([x for x in done.figures if x.scope == whole])
    if drawn:
        yield f"What was drawn, matched at {iou:g}:\n" + _table_of_drawn(drawn)
    if whole == "all":
        for scope, title in (("author", "Each person against the others"), ("pair", "Two by two")):
            some = _drawn([x for x in done.figures if x.scope == scope and not x.class_name])
            if some:
                yield f"{title}:\n" + _table_of_drawn(some, who=True)
    said = [x for x in done.figures if x.measure in ("alpha", "fleiss", "kappa")]
    if said:
        rows = [
            (_about(x), x.measure, " · ".join(x.authors), _said(x.value), _between(x), x.count, _verdict(x))
            for x in said
        ]
        head = ("said of", "measure", "people", "value", "95 %", "items", "")
        yield "What was said, beyond chance:\n" + table(rows, head=head, right=(3, 5))
    hasty = [
        (x.author, x.labels, x.unchanged, x.annotations, x.hasty, x.hasty_each)
        for x in done.haste
        if x.unchanged or x.hasty or x.hasty_each
    ]
    if hasty:
        names = ("person", "labels", "taken over unchanged", "annotations", "under 1 s", "under 1 s a label")
        yield "Hardly looked at:\n" + table(hasty, head=names, right=range(1, 6))


def _drawn(figures: Sequence[Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Gather the figures of one table row: by people, kind and class."""
    found: dict[tuple[str, str, str], dict[str, Any]] = {}
    for x in figures:
        if x.measure in ("f1", "boundary_s", *_LIKENESS):
            found.setdefault((" · ".join(x.authors), x.kind, x.class_name), {})[x.measure] = x
    return found


def _table_of_drawn(rows: dict[tuple[str, str, str], dict[str, Any]], *, who: bool = False) -> str:
    shown = []
    for (people, kind, name), of in rows.items():
        f1, like = of["f1"], next((of[measure] for measure in _LIKENESS if measure in of), None)
        ends = f"{of['boundary_s'].value * 1e3:,.0f} ms" if "boundary_s" in of else ""
        figures = (_said(f1.value), _between(f1), _said(like.value) if like else "", ends, f1.count)
        shown.append((*((people,) if who else ()), _THINGS.get(kind, f"{kind}s"), name or "all", *figures))
    shown.sort(key=lambda cells: [str(cell) for cell in cells[: 2 + who]])
    head = ("people", "kind", "class", "found by both", "95 %", "likeness", "ends off by", "labels")
    at = 0 if who else 1
    return table(shown, head=head[at:], right=[column - at for column in (3, 5, 6, 7)])


def _cautions(done: Any) -> Iterator[str]:
    few = registry.late("rushes.workflow.agree").FEW_RECORDINGS
    if done.recordings < 2:
        yield "all of it is one recording: no interval can be given, other recordings may go otherwise"
    elif done.recordings < few:
        yield f"the intervals rest on {done.recordings} recordings only; take them for a hint"
    for kind, count in sorted(done.not_compared.items()):
        yield f"{say_count(count, 'label')} of kind '{kind}' not compared"
    for flag in done.flags[:_FLAGS_SHOWN]:
        worked = "" if flag.lead_time_s is None else f" in {flag.lead_time_s:.1f} s"
        taken = f", {flag.unchanged} as predicted" if flag.unchanged else ""
        yield f"{flag.author}: {say_count(flag.labels, 'label')}{worked}{taken} on {flag.item}"
    if len(done.flags) > _FLAGS_SHOWN:
        yield f"… and {len(done.flags) - _FLAGS_SHOWN} more, with --json"


def _about(figure: Any) -> str:
    return "class of the picture" if figure.kind == "class" else str(figure.kind)


def _verdict(figure: Any) -> str:
    """Krippendorff's customary limits: from 0.8 on reliable, from 0.667 on for tentative conclusions."""
    if math.isnan(figure.value):
        return "all said the same" if figure.count else ""
    return "reliable" if figure.value >= 0.8 else "tentative" if figure.value >= 0.667 else "too low to rely on"


def _between(figure: Any) -> str:
    return f"{_said(figure.low)} to {_said(figure.high)}" if not math.isnan(figure.low) else "–"


def _said(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _plain(value: object) -> object:
    if isinstance(value, float) and math.isnan(value):
        return None
    return list(value) if isinstance(value, tuple) else value
