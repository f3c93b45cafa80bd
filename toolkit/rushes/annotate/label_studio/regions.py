"""Regions: the results of one annotation gathered by what they are about, and the names and values in them.

A *result* is one entry of an annotation; results of one id are one *region* (a box and what was chosen for it).
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rushes.labels import LabelEvent

Result = Mapping[str, Any]
_LABELS = (
    *("rectanglelabels", "polygonlabels", "brushlabels", "keypointlabels"),
    *("timelinelabels", "timeserieslabels", "labels"),
)


def results_of(event: LabelEvent) -> list[dict[str, Any]]:
    """Read the results of a version; none where the task was skipped or the annotation deleted."""
    if event.cancelled or event.action == "deleted":
        return []
    results = json.loads(event.payload).get("result") or []
    return [dict(entry) for entry in results]


def regions(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Gather results by their region, in order, the drawn one first as the tool writes it; relations are none."""
    found: dict[str, list[Result]] = {}
    for at, entry in enumerate(results):
        if entry.get("type") != "relation":
            found.setdefault(str(entry.get("id", f"nameless {at}")), []).append(entry)
    return found


def names_of(entry: Result) -> Iterator[str]:
    """Give the labels that a drawn entry carries."""
    value = entry.get("value", {})
    for key in _LABELS:
        yield from (str(name) for name in value.get(key) or ())


def name_of(entry: Result) -> str:
    """Give the first label of an entry; empty where it carries none."""
    return next(names_of(entry), "")


def attribute_of(value: Mapping[str, Any], kind: str) -> Any:
    """Read what was chosen or written for an attribute of a kind of the ontology."""
    if kind == "number":
        return value.get("number")
    if kind == "text":
        said = value.get("text")
        return "\n".join(said) if isinstance(said, list) else said
    choices = [str(choice) for choice in value.get("choices") or ()]
    if kind == "flag":
        return bool(choices)
    return choices if kind == "choices" else (choices[0] if choices else None)


def number_of(value: Any) -> float | None:
    """Read a number; None for anything else."""
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
