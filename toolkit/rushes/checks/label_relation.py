"""label.relation: relations to nothing, to oneself, or between classes that may not."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import groups, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView


class LabelRelation:
    """Both ends of every relation, and the parent of every part."""

    name = "label.relation"
    version = "1"
    reason = (
        "Who holds what is only worth as much as its two ends. A label that is deleted leaves relations behind, "
        "and what was drawn from cup to hand says the opposite of what was meant."
    )
    known_limits = (
        "Ends are looked for in the recording of the relation. Whether a relation is true is not judged. Classes "
        "are held against the ontology, those above them in the tree count."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {}

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002
        """Find loose ends, then ends of the wrong class, then relations that are said twice."""
        columns = view.columns
        if not len(view):
            return
        row_of = {label: at for at, label in enumerate(columns["label_id"].tolist())}
        relations = np.flatnonzero(columns["kind"] == "relation")
        faults: dict[int, str] = {}
        for at in relations.tolist():
            subject, object_ = columns["subject_id"][at], columns["object_id"][at]
            loose = [end for end in (subject, object_) if end not in row_of]
            if loose:
                faults[at] = f"it ties to {' and '.join(map(str, loose))}, and there is no such label"
            elif subject == object_:
                faults[at] = f"it ties {subject} to itself"
        yield from told(view, list(faults), check=self.name, severity="error", say=lambda at: faults[at])
        wrong = {
            at: words for at in relations.tolist() if at not in faults and (words := _wrong(view, at, row_of))
        }
        yield from told(view, list(wrong), check=self.name, severity="warning", say=lambda at: wrong[at])
        whole = np.array([at for at in relations.tolist() if at not in faults], np.int64)
        twice = groups(view, "class_name", "subject_id", "object_id", "source", "tool", "author")[whole]
        _, first = np.unique(twice, return_index=True)
        yield from told(
            view, np.delete(whole, first), check=self.name, severity="warning", say=lambda _: "it is said twice"
        )
        orphans = [
            at
            for at, parent in enumerate(columns["parent_id"].tolist())
            if parent is not None and parent not in row_of
        ]
        yield from told(
            view, orphans, check=self.name, severity="error",
            say=lambda at: f"it is a part of {columns['parent_id'][at]}, and there is no such label",
        )  # fmt: skip


def _wrong(view: LabelsView, at: int, row_of: Mapping[str, int]) -> str:
    """Say which end may not stand where it does; empty where both may."""
    name = view.columns["class_name"][at]
    spec = view.ontology.relation_of(name) if view.ontology and name else None
    if spec is None:
        return ""
    ends = [row_of[view.columns[end][at]] for end in ("subject_id", "object_id")]
    first, second = (_line(view, end) for end in ends)
    fits = _may(first, spec.subjects) and _may(second, spec.objects)
    turned = _may(second, spec.subjects) and _may(first, spec.objects)
    if fits or (spec.kind == "same" and turned):
        return ""
    words = f"'{first[0]}' {name} '{second[0]}' is none that the ontology knows"
    return words + ("; the other way round it is" if turned else "")


def _line(view: LabelsView, at: int) -> tuple[str | None, ...]:
    """Give the class of a label and those above it."""
    name = view.columns["class_name"][at]
    line = [name]
    while view.ontology and line[-1] is not None:
        spec = view.ontology.class_of(line[-1])
        if spec is None:
            break
        line[-1] = spec.name
        if spec.parent is None or spec.parent in line:
            break
        line.append(spec.parent)
    return tuple(line)


def _may(line: tuple[str | None, ...], allowed: tuple[str, ...]) -> bool:
    return not allowed or any(name in allowed for name in line)


PLUGIN: LabelsCheck = LabelRelation()
