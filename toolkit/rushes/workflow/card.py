"""The dataset card: what a dataset holds and how far it can be trusted, in Markdown, from its own tables."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rushes import __version__
from rushes.errors import RushesError
from rushes.quantities import say_bytes, say_count
from rushes.report import amounts
from rushes.report.page import YEAR_2000_NS
from rushes.views import CountsView, DatasetView
from rushes.workflow._check.dataset_view import dataset_view
from rushes.workflow._labels import vocabulary
from rushes.workflow.agree import agree_on
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import excluded

SEVERITIES = ("error", "warning", "info")
MOST_VALUES = 40
MOST_FAULTS = 30
NOT_KNOWN = "not stated"

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A dataset card.

    Args:
        text: Markdown.
        revision: That it describes.
    """

    text: str
    revision: int


def card(dataset: Path, *, at: int | str | None = None) -> Card:
    """Describe a dataset; what it does not know it says is not stated.

    Raises:
        StoreError: If the dataset cannot be opened.
    """
    with Dataset.open(dataset, at=at) as opened:
        view = dataset_view(opened, excluded(opened.store))
        recordings = opened.arrow("recordings").to_pylist()
        streams = opened.arrow("streams").to_pylist()
        parts = [
            [f"# {opened.store.name}"],
            _head(opened, recordings, streams),
            _people(recordings, view),
            _sensors(streams),
            _clocks(opened, recordings),
            _labels(opened, view),
            _agreement(dataset, at),
            _splits(view),
            _faults(opened, recordings),
            _versions(opened, recordings),
        ]
        return Card(
            text="\n\n".join("\n".join(lines) for lines in parts if lines) + "\n", revision=opened.revision
        )


def _head(dataset: Dataset, recordings: Sequence[Row], streams: Sequence[Row]) -> list[str]:
    spans = [row["end_ns"] - row["start_ns"] for row in recordings if row["start_ns"] is not None]
    started = [row["start_ns"] for row in recordings if (row["start_ns"] or 0) >= YEAR_2000_NS]
    said = vocabulary.of_dataset(dataset.store)
    lines = [said.about, ""] if said is not None and said.about else []
    lines += [
        f"- {say_count(len(recordings), 'recording')}, {amounts.span(sum(spans))} in all, "
        f"{say_bytes(sum(row['bytes'] for row in recordings))} of media",
        f"- {say_count(len(streams), 'stream')}, {say_count(sum(row['count'] for row in streams), 'sample')}",
    ]
    if started:
        lines.append(f"- recorded from {amounts.instant(min(started))} to {amounts.instant(max(started))}")
    return lines


def _people(recordings: Sequence[Row], view: DatasetView) -> list[str]:
    """Say who, where, and under what terms, as it was given with the recordings."""
    rows = []
    for fact in ("subject", "session", "place", "task"):
        known = [value for value in view.facts.get(fact, ()) if value is not None]
        share = f" ({say_count(len(known), 'recording')} of {len(recordings)} say so)" if known else ""
        listed = ", ".join(sorted(set(known))[:12]) + (" …" if len(set(known)) > 12 else "")
        rows.append((fact, f"{len(set(known))}: {_cell(listed)}{share}" if known else NOT_KNOWN))
    for name, title in (("consent", "consent"), ("pii_state", "personal data")):
        rows.append((title, _tally(row[name] for row in recordings)))
    licences = [
        value for row in recordings for value in (_stated(row, "licence"), _stated(row, "license")) if value
    ]
    rows.append(("licence", _tally(licences) if licences else NOT_KNOWN))
    return ["## Who, where, and under what terms", "", *_table(("", "as given"), rows)]


def _stated(row: Row, name: str) -> str | None:
    """Give what a recording's own metadata states, where it does."""
    found = row["metadata"] or ""
    try:
        said = json.loads(found) if found else {}
    except ValueError:
        return None
    value = said.get(name) if isinstance(said, dict) else None
    return str(value) if value is not None else None


def _sensors(streams: Sequence[Row]) -> list[str]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in streams:
        groups.setdefault((row["modality"], row["stream"]), []).append(row)
    rows = []
    for (modality, stream), held in sorted(groups.items()):
        rates = [row["effective_rate_hz"] for row in held if row["effective_rate_hz"]]
        sizes = {f"{row['width']}×{row['height']}" for row in held if row["width"]}
        codecs = {row["codec"] for row in held if row["codec"]}
        rows.append(
            (
                stream, modality, f"{len(held):,}", f"{sum(row['count'] for row in held):,}",
                amounts.rate(float(np.median(rates))) if rates else "–",
                ", ".join(sorted(codecs | sizes)) or "–",
            )
        )  # fmt: skip
    head = ("stream", "sensor", "recordings", "samples", "median rate", "format")
    return ["## Sensors", "", *_table(head, rows)]


def _clocks(dataset: Dataset, recordings: Sequence[Row]) -> list[str]:
    """Say how well it is known when things happened, by the newest estimate of each recording."""
    maps = [row for row in dataset.arrow("clock_maps").to_pylist() if row["to_clock"] == "log"]
    newest: dict[str, int] = {}
    for row in maps:
        newest[row["recording_id"]] = max(newest.get(row["recording_id"], 0), row["map_version"])
    current = [row for row in maps if row["map_version"] == newest[row["recording_id"]]]
    lines = ["## Clocks", ""]
    moments = len(dataset.arrow("moments", columns=["moment"]))
    if not current:
        lines.append("No clock was compared with another: times are as recorded, and nothing is certified.\n")
    else:
        verdicts = Counter(row["verdict"] for row in current)
        told = ", ".join(f"{count} {verdict}" for verdict, count in sorted(verdicts.items()))
        lines.append(f"- clock maps of {say_count(len(newest), 'recording')} of {len(recordings)}: {told}")
        wide = [row["offset_ci95_ns"] for row in current if row["offset_ci95_ns"] is not None]
        drift = [abs(row["drift_ppm"]) for row in current if row["verdict"] == "estimated"]
        if wide:
            lines.append(f"- widest 95 % interval of a mapped time: ± {amounts.span(int(max(wide)))}")
        if drift:
            lines.append(f"- largest drift: {max(drift):.1f} ppm")
    lines.append(f"- {say_count(moments, 'synchronised moment')}")
    content = Counter(row["verdict"] for row in dataset.arrow("crosschecks", columns=["verdict"]).to_pylist())
    if content:
        lines.append(
            "- content against clocks: " + ", ".join(f"{n} {verdict}" for verdict, n in sorted(content.items()))
        )
    return lines


def _labels(dataset: Dataset, view: DatasetView) -> list[str]:
    table = dataset.arrow("labels", columns=["source", "tool", "author", "kind"])
    if not len(table):
        return ["## Labels", "", "None."]
    makers = Counter(zip(*(table[name].to_pylist() for name in ("source", "tool", "kind")), strict=True))
    authors = {name for name in table["author"].to_pylist() if name is not None}
    rows = [
        (source, tool or "–", kind, f"{count:,}")
        for (source, tool, kind), count in sorted(makers.items(), key=lambda item: (-item[1], str(item[0])))
    ]
    lines = ["## Labels", "", *_table(("source", "tool", "kind", "labels"), rows)]
    lines += [
        "",
        f"{say_count(len(authors), 'author')}. What follows counts labels of people and files, not of models.",
    ]
    for what, counts in view.counts.items():
        if what != "sensor":
            lines += ["", f"### By {what}", "", *_counted(counts, what)]
    return lines


def _counted(counts: CountsView, what: str) -> list[str]:
    totals, spread = counts.counts.sum(axis=0), (counts.counts > 0).sum(axis=0)
    order = np.argsort(-totals, kind="stable").tolist()
    rows = [(counts.values[at], f"{totals[at]:,}", f"{spread[at]:,}") for at in order[:MOST_VALUES]]
    more = [f"\nand {len(order) - MOST_VALUES} more."] if len(order) > MOST_VALUES else []
    return [*_table((what, "labels", "in recordings"), rows), *more]


def _agreement(dataset: Path, at: int | str | None) -> list[str]:
    """Say how far people agree, where two or more labelled the same."""
    try:
        found = agree_on(dataset, at=at)
    except RushesError:  # one author, or no ontology: there is nothing to compare
        return []
    rows = [
        (
            " and ".join(figure.authors), figure.kind, figure.measure, f"{figure.value:.3f}",
            f"{figure.low:.3f} to {figure.high:.3f}" if np.isfinite(figure.low) else "–", f"{figure.count:,}",
        )
        for figure in found.figures
        if not figure.class_name and np.isfinite(figure.value)
    ]  # fmt: skip
    if not rows:
        return []
    return ["## Agreement", "", *_table(("authors", "kind", "measure", "value", "95 % interval", "labels"), rows)]


def _splits(view: DatasetView) -> list[str]:
    lines = []
    for split, parts in view.parts.items():
        counts = Counter(part for part in parts if part is not None)
        rows = [(part, f"{count:,}") for part, count in counts.most_common()]
        lines += ["", f"### {split}", "", *_table(("part", "recordings"), rows)]
        left = parts.count(None)
        if left:
            lines += ["", f"{say_count(left, 'recording')} of it is in no part."]
    return ["## Splits", *lines] if lines else ["## Splits", "", "None."]


def _faults(dataset: Dataset, recordings: Sequence[Row]) -> list[str]:
    """List what is known to be wrong, the gravest first, one line a kind."""
    names = {row["recording_id"]: row["name"] for row in recordings}
    found = dataset.arrow("findings").to_pylist()
    checked = any(row["command"] == "check" for row in dataset.arrow("revisions", columns=["command"]).to_pylist())
    lines = ["## Known faults", ""]
    partial = [row["name"] for row in recordings if row["status"] != "ok"]
    if partial:
        lines.append(
            f"- {say_count(len(partial), 'recording')} could be read in part only: {_cell(', '.join(partial[:8]))}"
        )
    if not found:
        lines.append(
            "None was found by `rushes check`." if checked else "Not known: `rushes check` has not been run."
        )
        return lines
    counts = Counter(row["severity"] for row in found)
    lines.append("- " + ", ".join(f"{counts[s]:,} of severity {s}" for s in SEVERITIES if counts[s]))
    groups: dict[tuple[int, str], list[Row]] = {}
    for row in found:
        if row["severity"] != "info":
            groups.setdefault((SEVERITIES.index(row["severity"]), row["check"]), []).append(row)
    rows = [
        (
            SEVERITIES[severity], check, f"{len(held):,}",
            f"{_cell(names.get(held[0]['recording_id'], 'the dataset'))}: {_cell(held[0]['message'])}",
        )
        for (severity, check), held in sorted(groups.items())[:MOST_FAULTS]
    ]  # fmt: skip
    return [*lines, "", *_table(("severity", "check", "findings", "such as"), rows)] if rows else lines


def _versions(dataset: Dataset, recordings: Sequence[Row]) -> list[str]:
    readers = Counter(f"{row['reader']} {row['reader_version']}" for row in recordings)
    lines = [
        "## Versions",
        "",
        f"- revision {dataset.revision} of the dataset `{dataset.store.name}`, described by rushes {__version__}",
        "- read by "
        + ", ".join(f"{name} ({say_count(count, 'recording')})" for name, count in sorted(readers.items())),
    ]
    said = vocabulary.of_dataset(dataset.store)
    if said is not None:
        lines.append(f"- ontology `{said.name}`, digest {said.digest}")
    return lines


def _tally(values: Sequence[str | None] | Iterator[str | None]) -> str:
    counts = Counter(value or NOT_KNOWN for value in values)
    if set(counts) <= {NOT_KNOWN}:
        return NOT_KNOWN
    return _cell(", ".join(f"{value} ({count})" for value, count in counts.most_common()))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in rows]


def _cell(text: str) -> str:
    """Make text fit for a cell of a Markdown table, whatever it holds."""
    return " ".join(text.replace("\\|", "|").replace("|", "\\|").split())
