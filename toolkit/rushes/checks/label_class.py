"""label.class: classes that the ontology does not know, or does not draw so."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np

from rushes import registry
from rushes.checks._labels import groups, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric, Severity
from rushes.views import LabelsView
from rushes.vocabulary import Ontology


class LabelClass:
    """Every class once a kind, then all labels that bear it."""

    name = "label.class"
    version = "1"
    reason = (
        "A class that the ontology does not know is lost in every export, and 'hnad' beside 'hand' halves a class "
        "without a word."
    )
    known_limits = "A dataset without an ontology is not judged. Labels of kind text need no class."
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {}

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002
        """Hold every class against the ontology."""
        if view.ontology is None or not len(view):
            return
        group = groups(view, "kind", "class_name")
        _, first = np.unique(group, return_index=True)
        for at in first.tolist():
            kind, name = view.columns["kind"][at], view.columns["class_name"][at]
            fault = fault_of(view.ontology, kind, name)
            if fault is None:
                continue
            severity, words = fault
            rows = np.flatnonzero(group == group[at])
            count = f"{len(rows):,} labels of kind {kind}: " if len(rows) > 1 else ""
            said = count + words
            for finding in told(view, rows[:1], check=self.name, severity=severity, say=partial(_same, said)):
                yield replace(finding, count=len(rows))


def _same(said: str, _: int) -> str:
    return said


def fault_of(ontology: Ontology, kind: str, name: str | None) -> tuple[Severity, str] | None:
    """Say what is wrong with a class on a label of some kind; None where nothing is."""
    if kind == "text":
        return None
    if name is None:
        return "warning", "it has no class"
    if kind == "relation":
        known = [spec.name for spec in ontology.relations]
        found = ontology.relation_of(name)
        kinds: tuple[str, ...] = ()
    else:
        of_class = ontology.class_of(name)
        spec = (
            ontology.gesture_of(name) or of_class if kind == "segment" else of_class or ontology.gesture_of(name)
        )
        known = [each.name for each in (*ontology.classes, *ontology.gestures)]
        found, kinds = spec, spec.kinds if spec else ()  # type: ignore[assignment]
    if found is None:
        near = registry.close_to(name, known)
        return "error", f"the ontology knows no '{name}'" + (f"; is '{near}' meant?" if near else "")
    if found.name != name:
        return "info", f"'{name}' is a former name of '{found.name}'"
    if kinds and kind not in kinds:
        return "warning", f"'{name}' is drawn as {' or '.join(kinds)}, not as {kind}"
    return None


PLUGIN: LabelsCheck = LabelClass()
