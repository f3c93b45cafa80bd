"""label.attribute: attributes that are required and lacking, or say what they cannot say."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np

from rushes.checks._labels import given, groups, people, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology


class LabelAttribute:
    """Equal attributes of one class are judged once."""

    name = "label.attribute"
    version = "1"
    reason = (
        "The ontology says which attributes a class must have and which values are possible. A hand without its "
        "side is unfinished work, and a value that is none is lost when it is exported."
    )
    known_limits = (
        "Labels of models, and parts of another label such as the keypoints of a box, need no attributes. What "
        "the source states beyond the ontology is kept and not judged."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {}

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002
        """Hold the attributes against the ontology."""
        if view.ontology is None or not len(view):
            return
        whole = people(view) & ~given(view.columns["parent_id"]) & (view.columns["kind"] != "relation")
        group = groups(view, "class_name", "attributes", "kind")
        _, first = np.unique(group, return_index=True)
        faults: dict[int, tuple[str, ...]] = {}
        for at in first.tolist():
            kind, name, text = (view.columns[key][at] for key in ("kind", "class_name", "attributes"))
            faults[int(group[at])] = tuple(_faults(view.ontology, kind, name, text))
        by_fault: dict[str, list[int]] = {}
        bad = np.array([bool(faults[number]) for number in range(len(faults))], np.bool_)
        for row in np.flatnonzero(bad[group] & whole).tolist():
            for words in faults[int(group[row])]:
                by_fault.setdefault(words, []).append(row)
        yield Metric(metric="labels_attribute", value=float((bad[group] & whole).sum()), unit="1")
        for words, rows in by_fault.items():
            yield from told(view, rows, check=self.name, severity="warning", say=lambda _, words=words: words)  # type: ignore[misc]


def _faults(ontology: Ontology, kind: str, name: str | None, text: str | None) -> Iterator[str]:
    spec: ClassSpec | None = None
    if name is not None:
        spec = (ontology.gesture_of(name) if kind == "segment" else None) or ontology.class_of(name)
    if spec is None:
        return
    try:
        said = json.loads(text) if text else {}
    except ValueError:
        yield "its attributes are not JSON"
        return
    for attribute_name in spec.attributes:
        attribute = ontology.attribute(attribute_name)
        if attribute is None:
            continue
        value = said.get(attribute_name) if isinstance(said, dict) else None
        if value is None or value == [] or value == "":
            if attribute.required:
                yield f"'{attribute_name}' is required and not given"
        elif (fault := _fault_of(attribute, value)) is not None:
            yield fault


def _fault_of(attribute: AttributeSpec, value: Any) -> str | None:
    match attribute.kind:
        case "choice" | "choices":
            given = value if isinstance(value, list) else [value]
            if attribute.kind == "choice" and len(given) > 1:
                return f"'{attribute.name}' is {len(given)} values, one is possible"
            strange = [one for one in given if one not in attribute.values]
            return (
                f"'{attribute.name}' is {strange[0]!r}, none of {', '.join(attribute.values)}" if strange else None
            )
        case "flag":
            return None if isinstance(value, bool) else f"'{attribute.name}' is {value!r}, not true or false"
        case "number":
            number = isinstance(value, int | float) and not isinstance(value, bool)
            return None if number else f"'{attribute.name}' is {value!r}, no number"
        case _:
            return None if isinstance(value, str) else f"'{attribute.name}' is {value!r}, no text"


PLUGIN: LabelsCheck = LabelAttribute()
