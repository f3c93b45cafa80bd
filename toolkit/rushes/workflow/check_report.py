"""The report of a check: what was found, with pictures, time lines, plots and methods; one page and JSON."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from rushes import __version__
from rushes.model import Finding
from rushes.quantities import say_count
from rushes.report.bars import Bar, bars, shares
from rushes.report.page import (
    Column,
    Html,
    Piece,
    PlacedFinding,
    chip,
    code,
    contact_sheet,
    disclosure,
    element,
    findings,
    page,
    paragraph,
    section,
    table,
    tally,
    together,
)
from rushes.views import CountsView, DatasetView
from rushes.workflow._check.dataset_view import dataset_view
from rushes.workflow._report.disagreements import RANKED, disagreements, label_anchor
from rushes.workflow._report.shots import Shots
from rushes.workflow._report.timeline import timelines
from rushes.workflow.check import SEVERITIES, WHOLE, Checked, Found, Settings, chosen_by
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import excluded
from rushes.workflow.explain import entry
from rushes.workflow.pages import write_whole

EACH_CHECK = 4
"""Findings of one check that are shown with pictures; the others are folded."""
MOST_FOLDED = 200
"""Findings of one check that the page lists at all; the table has them all."""
MOST_VALUES = 30
"""Values of one property that are drawn."""
OPEN_RECORDINGS = 8
"""With more recordings than this, those in which nothing was found are folded."""
MOST_DRAWN = 60
"""Recordings whose time lines are drawn; those with findings first."""

_METHOD = (
    Column(title="Check"),
    Column(title="Version"),
    Column(title="Limits as used"),
    Column(title="Found", number=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Where the report lies, and the size of the page in bytes."""

    page: Path
    facts: Path
    size: int


def write_report(dataset: Path, done: Checked, settings: Settings, path: Path) -> Written:
    """Write the page and, beside it with the ending ``.json``, what it says.

    Raises:
        UsageError: ``look.out`` if it cannot be written there.
    """
    facts = path.with_suffix(".json")
    with Dataset.open(dataset) as opened:
        view = dataset_view(opened, excluded(opened.store))
        size = write_whole(path, report_page(opened, view, done, settings))
        write_whole(facts, json.dumps(report_facts(opened, view, done, settings), indent=1) + "\n")
    return Written(page=path, facts=facts, size=size)


def report_facts(dataset: Dataset, view: DatasetView, done: Checked, settings: Settings) -> dict[str, Any]:
    """Give what the page says as JSON values."""
    return {
        "rushes": __version__,
        "dataset": dataset.path.name,
        "revision": done.revision,
        "recordings": len(view.recordings),
        "counts": {s: sum(item.finding.severity == s for item in done.found) for s in SEVERITIES},
        "forbidden": done.forbidden,
        "fail_on": done.fail_on,
        "checks": [
            {"check": plugin.name, "version": plugin.version, "reason": plugin.reason, "options": dict(options)}
            for plugin, options in chosen_by(settings)
        ],
        "amounts": {what: _totals(counts) for what, counts in view.counts.items()},
        "splits": {
            split: {part: sum(name == part for name in parts) for part in _parts(parts)}
            for split, parts in view.parts.items()
        },
        "findings": [
            {"recording_id": item.recording_id, "recording": item.recording}
            | {name: getattr(item.finding, name) for name in item.finding.__dataclass_fields__}
            for item in done.found
        ],
    }


def report_page(dataset: Dataset, view: DatasetView, done: Checked, settings: Settings) -> str:
    """Make the page."""
    streams = dataset.arrow("streams").to_pylist()
    recordings = dataset.arrow("recordings", columns=["recording_id", "name"]).sort_by("name").to_pylist()
    anchors = {row["recording_id"]: f"r{at}" for at, row in enumerate(recordings)}
    shots = Shots(dataset)
    labels: dict[str, str] = {}
    now = datetime.now(UTC)
    return page(
        f"Check of {dataset.path.name}",
        _summary(view, done, streams),
        _found(done, shots, anchors, labels),
        disagreements(done.found, shots, anchors, labels),
        *_content(view),
        section("Recordings", *_recordings(dataset, recordings, streams, done, anchors, labels)),
        _method(done, settings),
        subtitle=f"{dataset.path} · revision {done.revision} · {now:%d %B %Y, %H:%M} UTC · rushes check",
    )


def _summary(view: DatasetView, done: Checked, streams: Sequence[Mapping[str, Any]]) -> Html:
    counts = {s: sum(item.finding.severity == s for item in done.found) for s in SEVERITIES}
    labels = int(view.counts["class"].counts.sum()) if "class" in view.counts else 0
    items = [
        (f"{len(view.recordings):,}", "recording" if len(view.recordings) == 1 else "recordings", ""),
        (f"{len(streams):,}", "stream" if len(streams) == 1 else "streams", ""),
        (f"{sum(row['count'] for row in streams):,}", "samples", ""),
        (f"{labels:,}", "label of people and files" if labels == 1 else "labels of people and files", ""),
        (f"{counts['error']:,}", "error" if counts["error"] == 1 else "errors", "error"),
        (f"{counts['warning']:,}", "warning" if counts["warning"] == 1 else "warnings", "warning"),
        (f"{counts['info']:,}", "remark" if counts["info"] == 1 else "remarks", ""),
    ]
    verdict = (
        f"Forbidden: findings of severity '{done.fail_on}' or worse."
        if done.forbidden
        else "Nothing was found."
        if not done.found
        else f"Nothing of severity '{done.fail_on}' or worse was found."
        if done.fail_on in SEVERITIES
        else "No severity is forbidden."
    )
    shown = tally(item for item in items if item[0] != "0" or item[1] in ("recordings", "samples"))
    return together(shown, paragraph(verdict, quiet=True))


def _found(done: Checked, shots: Shots, anchors: Mapping[str, str], labels: dict[str, str]) -> Html:
    """Group what was found by check; what models say is ranked by itself, see :func:`disagreements`."""
    if not done.found:
        words = f"Nothing, by {say_count(len(done.checks), 'check')} in {say_count(done.recordings, 'recording')}."
        return section("Found", paragraph(words))
    groups: dict[str, list[Found]] = defaultdict(list)
    for item in done.found:
        if item.finding.check == RANKED:
            continue
        groups[item.finding.check].append(item)  # they come worst first
    parts: list[Piece] = []
    order = {check: (-SEVERITIES.index(group[0].finding.severity), check) for check, group in groups.items()}
    for check, group in sorted(groups.items(), key=lambda item: order[item[0]]):
        about = entry(check) if "." in check else {}
        places = len({item.recording_id for item in group} - {WHOLE})
        count = (
            f"{len(group):,} in {say_count(places, 'recording')}" if places else f"{len(group):,} of the dataset"
        )
        parts.append(element("h3", code(check), element("small", count)))
        parts.append(paragraph(about.get("reason", ""), quiet=True))
        for item in group[:EACH_CHECK]:
            pictures = shots.of(item.recording_id, item.finding)
            anchor = label_anchor(item.finding, labels) if pictures else None
            parts.append(findings([_placed(item, anchors, labels)]))
            if pictures:
                parts.append(element("div", contact_sheet(pictures, caption=None), class_="shots", id=anchor))
        rest = group[EACH_CHECK:]
        if rest:
            listed = [_placed(item, anchors, labels) for item in rest[:MOST_FOLDED]]
            left = len(rest) - len(listed)
            words = f"{left:,} more are in the table findings." if left else ""
            more = paragraph(words, quiet=True) if words else None
            parts.append(disclosure(f"{len(rest):,} more", findings(listed), more))
    if shots.passed:
        words = (
            f"The page has {shots.taken} pictures; those of {say_count(shots.passed, 'finding')} were left out."
        )
        parts.append(paragraph(words, quiet=True))
    return section("Found", *parts)


def _placed(item: Found, anchors: Mapping[str, str], labels: Mapping[str, str]) -> PlacedFinding:
    return PlacedFinding(
        finding=item.finding,
        place=item.recording or "the dataset",
        anchor=anchors.get(item.recording_id, ""),
        label_anchor=labels.get(item.finding.label_id or "", ""),
    )


def _content(view: DatasetView) -> list[Html]:
    """Draw how much there is of everything, and how the splits share it."""
    made: list[Html] = []
    drawn: list[Piece] = []
    for what, counts in view.counts.items():
        noun = "Samples by sensor" if what == "sensor" else f"Labels by {what}"
        note = "how many, in how many recordings"
        drawn.append(element("div", section(noun, _bars(counts, noun), level=3, note=note)))
    for fact, values in view.facts.items():
        known = [value for value in values if value is not None]
        if known:
            rows = [
                Bar(name=v, amounts=(float(known.count(v)),))
                for v in sorted(set(known), key=lambda v: (-known.count(v), v))
            ]
            drawn.append(
                element("div", section(f"Recordings by {fact}", _capped(rows, f"recordings by {fact}"), level=3))
            )
    if drawn:
        made.append(section("Content", element("div", *drawn, class_="pair")))
    for split, parts in view.parts.items():
        made.append(section(f"Split {split}", *_split(view, parts)))
    return made


def _bars(counts: CountsView, label: str) -> Html:
    totals, spread = counts.counts.sum(axis=0), (counts.counts > 0).sum(axis=0)
    order = np.argsort(-totals, kind="stable").tolist()
    rows = [
        Bar(
            name=counts.values[at],
            amounts=(float(totals[at]),),
            note=f"{totals[at]:,} in {spread[at]}",
        )
        for at in order
    ]
    return _capped(rows, f"{label}; the number, and in how many recordings")


def _capped(rows: Sequence[Bar], label: str) -> Html:
    shown = bars(rows[:MOST_VALUES], label=label)
    rest = len(rows) - MOST_VALUES
    return together(shown, paragraph(f"and {rest:,} more", quiet=True)) if rest > 0 else shown


def _split(view: DatasetView, assigned: Sequence[str | None]) -> list[Piece]:
    parts = _parts(assigned)
    of = np.array([parts.index(name) if name is not None else -1 for name in assigned], np.int64)
    sizes = ", ".join(
        f"{say_count(int((of == at).sum()), 'recording')} in {part}" for at, part in enumerate(parts)
    )
    drawn: list[Piece] = [paragraph(sizes)]
    blocks: list[Piece] = []
    for what, counts in view.counts.items():
        sums = np.stack([counts.counts[of == at].sum(axis=0) for at in range(len(parts))], axis=1)
        order = np.argsort(-sums.sum(axis=1), kind="stable").tolist()[:MOST_VALUES]
        rows = [Bar(name=counts.values[at], amounts=tuple(float(x) for x in sums[at])) for at in order]
        blocks.append(
            element("div", section(f"By {what}", shares(rows, parts=parts, label=f"parts by {what}"), level=3))
        )
    return [*drawn, element("div", *blocks, class_="pair")]


def _parts(assigned: Sequence[str | None]) -> list[str]:
    usual = {name: at for at, name in enumerate(("train", "val", "test"))}
    return sorted({name for name in assigned if name is not None}, key=lambda name: (usual.get(name, 9), name))


def _totals(counts: CountsView) -> dict[str, int]:
    return dict(zip(counts.values, counts.counts.sum(axis=0).tolist(), strict=True))


def _recordings(
    dataset: Dataset,
    recordings: Sequence[Mapping[str, Any]],
    streams: Sequence[Mapping[str, Any]],
    done: Checked,
    anchors: Mapping[str, str],
    labels: Mapping[str, str],
) -> list[Html]:
    mine: dict[str, list[Finding]] = defaultdict(list)
    for item in done.found:
        mine[item.recording_id].append(item.finding)
    order = sorted(recordings, key=lambda row: not mine[row["recording_id"]])
    drawn = {row["recording_id"] for row in order[:MOST_DRAWN]}
    cards = []
    for row in recordings:
        recording_id = row["recording_id"]
        found = mine[recording_id]
        held = [stream for stream in streams if stream["recording_id"] == recording_id]
        body: list[Piece] = timelines(dataset, recording_id, held, found) if recording_id in drawn else []  # type: ignore[assignment]
        listed = [
            PlacedFinding(
                finding=finding,
                place=finding.stream or "",
                label_anchor=labels.get(finding.label_id or "", ""),
            )
            for finding in found[:MOST_FOLDED]
        ]
        if listed:
            body.append(
                disclosure(say_count(len(found), "finding"), findings(listed), opened=len(found) <= EACH_CHECK)
            )
        elif not body:
            body.append(paragraph("Nothing was found.", quiet=True))
        cards.append(
            _card(row["name"], anchors[recording_id], body, found, folded=len(recordings) > OPEN_RECORDINGS)
        )
    return cards


def _card(name: str, anchor: str, body: Sequence[Piece], found: Sequence[Finding], *, folded: bool) -> Html:
    counts = {s: sum(finding.severity == s for finding in found) for s in reversed(SEVERITIES)}
    chips = [chip(f"{n} info" if s == "info" else say_count(n, s), kind=s) for s, n in counts.items() if n]
    said = together(*chips) if chips else element("span", "nothing found", class_="quiet")
    if folded and not (counts["error"] or counts["warning"]):
        head = together(element("h3", name), said)
        return disclosure(head, element("section", *body, id=anchor), class_="card")
    return element("div", section(name, paragraph(said), *body, anchor=anchor, level=3), class_="card")


def _method(done: Checked, settings: Settings) -> Html:
    rows: list[Sequence[Piece]] = []
    for plugin, options in chosen_by(settings):
        count = sum(item.finding.check == plugin.name for item in done.found)
        said = ", ".join(
            f"{name} {value:g}" + (" (changed)" if value != plugin.defaults[name].default else "")
            for name, value in options.items()
        )
        what = disclosure(code(plugin.name), *_explained(plugin.name))
        rows.append((what, plugin.version, said or "none", f"{count:,}"))
    pictures = f"; {say_count(done.pictures, 'picture')} decoded in this run" if done.pictures else ""
    words = (
        f"rushes {__version__}, revision {done.revision} of the dataset, {say_count(len(rows), 'check')}"
        f"{pictures}. A finding is a measure beyond a limit, with both; it is no grade. Open a check for its "
        "reason and its limits."
    )
    return section("Method", paragraph(words), table(_METHOD, rows, caption="Checks and limits, as they were run"))


def _explained(check: str) -> list[Html]:
    return [paragraph(f"{key.capitalize()}: {text}") for key, text in entry(check).items() if key != "title"]
