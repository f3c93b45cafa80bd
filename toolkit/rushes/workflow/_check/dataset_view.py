"""What a check of a whole dataset is shown: counts and measures with a row a recording."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.views import AuthorView, CountsView, DatasetView
from rushes.vocabulary import Ontology
from rushes.workflow._check.label_views import MADE
from rushes.workflow._labels import vocabulary
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded, excluded

FACTS = ("subject", "place", "session", "task")
MEASURES = ("mean_grey", "p99_grey", "sharpness", "accel_median", "gyro_p99", "rms")
"""Metrics of a whole stream, of earlier checks, that recordings are compared by."""

LABELS = ("recording_id", "stream", "index", "kind", "class_name", "source", "attributes", "author", "origin")

Measured: TypeAlias = tuple[str, str | None, str, float]
"""Recording, stream, metric and value."""


def dataset_view(
    dataset: Dataset, out: Excluded, *, before: Dataset | None = None, fresh: Iterable[Measured] = ()
) -> DatasetView:
    """Lay out a dataset; samples and labels of discarded takes do not count.

    Args:
        dataset: Opened.
        out: What is left out of it.
        before: The same at an earlier revision, where that is asked for.
        fresh: What was measured and is not stored yet; it counts before what is.
    """
    recordings = dataset.arrow("recordings", columns=["recording_id", "name", *FACTS]).sort_by("name").to_pylist()
    row_of = {row["recording_id"]: at for at, row in enumerate(recordings)}
    streams = [row | {"count": out.count(row)} for row in dataset.arrow("streams").to_pylist()]
    ontology = vocabulary.of_dataset(dataset.store)
    labels = out.without_discarded(dataset.arrow("labels", columns=LABELS))
    counts = _label_counts(labels, row_of, ontology)
    counts["sensor"] = _counted(((r["recording_id"], r["modality"], r["count"]) for r in streams), row_of)
    return DatasetView(
        name=dataset.path.name,
        recordings=tuple(row["name"] for row in recordings),
        facts={fact: tuple(row[fact] for row in recordings) for fact in FACTS},
        counts={what: each for what, each in counts.items() if len(each.values)},
        measures=_measures(dataset, streams, row_of, counts, fresh),
        parts=_parts(dataset, row_of),
        declared=_declared(ontology),
        authors=_authors(dataset, labels),
        before=dataset_view(before, excluded(before.store) if out else out) if before is not None else None,
    )


def _label_counts(labels: pa.Table, row_of: Mapping[str, int], ontology: Ontology | None) -> dict[str, CountsView]:
    """Count classes, gestures, relations and attributes; labels of models do not count."""
    names = ("recording_id", "kind", "class_name", "source", "attributes")
    columns = [labels[name].to_pylist() for name in names]
    seen = Counter(row for row in zip(*columns, strict=True) if row[3] != "model")
    groups: dict[str, list[tuple[str, str, int]]] = {"class": [], "gesture": [], "relation": []}
    wanted = {spec.name for spec in ontology.attributes} if ontology else set()
    for (recording, kind, name, _, text), count in seen.items():
        what = {"segment": "gesture", "relation": "relation"}.get(kind, "class")
        if name is not None:
            groups[what].append((recording, name, count))
        said = json.loads(text) if text else {}
        for key in sorted(wanted & said.keys()) if isinstance(said, dict) else ():
            for value in said[key] if isinstance(said[key], list) else [said[key]]:
                groups.setdefault(f"attribute {key}", []).append((recording, str(value), count))
    return {what: _counted(rows, row_of) for what, rows in groups.items()}


def _counted(rows: Iterable[tuple[str, str, int]], row_of: Mapping[str, int]) -> CountsView:
    listed = [row for row in rows if row[0] in row_of]
    values = sorted({value for _, value, _ in listed})
    at = {value: place for place, value in enumerate(values)}
    counts = np.zeros((len(row_of), len(values)), np.int64)
    for recording, value, count in listed:
        counts[row_of[recording], at[value]] += count
    return CountsView(values=tuple(values), counts=counts)


def _measures(
    dataset: Dataset,
    streams: Sequence[Mapping[str, Any]],
    row_of: Mapping[str, int],
    counts: Mapping[str, CountsView],
    fresh: Iterable[Measured],
) -> dict[tuple[str, str], npt.NDArray[np.float64]]:
    found: dict[tuple[str, str], Any] = {}

    def put(recording: str, stream: str, metric: str, value: float | None) -> None:
        if value is not None and recording in row_of:
            held = found.setdefault((stream, metric), np.full(len(row_of), np.nan))
            held[row_of[recording]] = value

    pictures: Counter[str] = Counter()
    for row in streams:
        if row["clock"] != "none":
            put(row["recording_id"], row["stream"], "effective_rate", row["effective_rate_hz"])
        pictures[row["recording_id"]] += row["count"] if row["table"] == "frames" else 0
    columns = ["recording_id", "stream", "metric", "value"]
    rows = dataset.arrow("metrics", columns=columns, where={"index": None, "metric": list(MEASURES)})
    for row in rows.to_pylist():
        put(row["recording_id"], row["stream"] or "", row["metric"], row["value"])
    for recording_id, stream, metric, value in fresh:
        if metric in MEASURES:
            put(recording_id, stream or "", metric, value)
    for recording, labels in zip(row_of, counts["class"].counts.sum(axis=1).tolist(), strict=True):
        if pictures[recording] and counts["class"].values:
            put(recording, "", "labels_a_frame", labels / pictures[recording])
    return found


def _parts(dataset: Dataset, row_of: Mapping[str, int]) -> dict[str, tuple[str | None, ...]]:
    found: dict[str, list[str | None]] = {}
    for row in dataset.arrow("splits", columns=["split", "recording_id", "part"]).to_pylist():
        if row["recording_id"] in row_of:
            parts = found.setdefault(row["split"], [None] * len(row_of))
            parts[row_of[row["recording_id"]]] = row["part"]
    return {split: tuple(parts) for split, parts in sorted(found.items())}


def _authors(dataset: Dataset, labels: pa.Table) -> dict[str, AuthorView]:
    """Give what each person took over and how long they worked, over all recordings."""
    said = (labels[name].to_pylist() for name in ("author", "origin", "source"))
    offered = Counter((author, origin) for author, origin, source in zip(*said, strict=True) if source == "human")
    lead: dict[str, list[float]] = defaultdict(list)
    columns = ["author", "lead_time_s"]
    for row in dataset.arrow("label_events", columns=columns, where={"action": list(MADE)}).to_pylist():
        if row["lead_time_s"] is not None:
            lead[row["author"]].append(row["lead_time_s"])
    views = {}
    for author in sorted({name for name, _ in offered} | lead.keys(), key=str):
        same, changed = (offered[author, origin] for origin in ("prediction", "prediction-changed"))
        views[str(author)] = AuthorView(
            offered=same + changed, unchanged=same, lead_time_s=np.array(lead.get(author, ()), np.float64)
        )
    return views


def _declared(ontology: Ontology | None) -> dict[str, tuple[str, ...]]:
    if ontology is None:
        return {}
    return {
        "class": ontology.class_names,
        "gesture": tuple(spec.name for spec in ontology.gestures),
        "relation": tuple(spec.name for spec in ontology.relations),
        **{f"attribute {spec.name}": spec.values for spec in ontology.attributes if spec.values},
    }
