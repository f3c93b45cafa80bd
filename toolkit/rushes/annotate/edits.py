"""Edits of labels that are made in the dataset, as versions that are kept beside those of the tools.

An edit holds the label before and after it, so that what it meant can be told whatever became of the label since.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from rushes.annotate import rows
from rushes.annotate.merging import ABSENT, EXISTENCE, Value
from rushes.labels import Label, LabelAction, LabelEvent
from rushes.texts import as_json
from rushes.vocabulary import Ontology

TOOL = "rushes"
Take = Literal["ours", "theirs", "base"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of one label.

    Args:
        before: As it stood; None where it is new.
        after: As it is from now on; None where it is deleted.
        settles: Groups about which a clash is settled by this.
        take: Whose value was taken, where it settles.
        region: Of a new label, the name that it gets in the annotation that it is added to.
        yields: Whether it was made out of sight of the dataset, as in the App: what it says otherwise than an edit
            that came meanwhile does not stand, and is a conflict.
        token: What tells this edit from all others of its kind, so that it is stored once.
    """

    label_id: str
    before: Label | None
    after: Label | None
    settles: Sequence[str] = ()
    take: Take | None = None
    region: str | None = None
    yields: bool = False
    token: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Home:
    """The annotation of a tool that holds a label; an edit of it is kept under the same name."""

    server: str | None = None
    project: str | None = None
    task: str | None = None
    annotation: str | None = None
    task_key: str | None = None


def event_of(
    edit: Edit, *, author: str | None, home: Home, based_on: str | None, made_ns: int | None = None
) -> LabelEvent:
    """Make the version that keeps an edit.

    Args:
        edit: What is changed.
        author: Who does it.
        home: Of the label; empty for one of no tool.
        based_on: Version that the label was read from before.
        made_ns: When it was made; now, when None.
    """
    now = time.time_ns()
    made = made_ns or now
    action: LabelAction = "created" if edit.before is None else "deleted" if edit.after is None else "updated"
    label = edit.after or edit.before
    assert label is not None or edit.settles, "an edit of nothing"
    payload = as_json(
        {
            "label_id": edit.label_id,
            "based_on": based_on,
            "before": row_of(edit.before),
            "after": row_of(edit.after),
            "settles": list(edit.settles),
            "take": edit.take,
            "region": edit.region,
            **({"yields": True} if edit.yields else {}),
            **({"token": edit.token} if edit.token else {}),
        }
    )
    return LabelEvent(
        event_id=rows.event_id(
            tool=TOOL,
            project=home.project,
            task=home.task,
            annotation=edit.label_id,
            action=action,
            updated_ns=now,
            payload=payload,
        ),
        action=action,
        tool=TOOL,
        payload=payload,
        received_ns=now,
        server=home.server,
        project=home.project,
        task=home.task,
        annotation=home.annotation or edit.label_id,
        task_key=home.task_key or (_key(label) if label else None),
        recording_id=label.recording_id if label else None,
        author=author,
        created_ns=made,
        updated_ns=made,
    )


def home_of(event: LabelEvent) -> Home:
    """Give the annotation that a version is about."""
    return Home(
        server=event.server,
        project=event.project,
        task=event.task,
        annotation=event.annotation,
        task_key=event.task_key,
    )


def edit_of(event: LabelEvent, ontology: Ontology | None) -> Edit:
    """Read an edit; classes under names that they had before get the name that they have now.

    The label after it bears the edit's time and version. Its author stays who drew it; the edit has its own.
    """
    said: Mapping[str, Any] = json.loads(event.payload)
    after = label_of(said["after"], ontology)
    if after is not None and not said["settles"]:
        after = replace(after, updated_ns=event.updated_ns, event_id=event.event_id)
    return Edit(
        label_id=said["label_id"],
        before=label_of(said["before"], ontology),
        after=after,
        settles=tuple(said["settles"]),
        take=said["take"],
        region=said["region"],
        yields=said.get("yields", False),
        token=said.get("token"),
    )


def row_of(label: Label | None) -> dict[str, Any] | None:
    """Give a label as a JSON object, its columns by name; what is null is left out."""
    if label is None:
        return None
    columns = rows.label_columns([label])
    return {name: values[0] for name, values in columns.items() if values[0] is not None}


def label_of(row: Mapping[str, Any] | None, ontology: Ontology | None = None) -> Label | None:
    """Read a label that :func:`row_of` wrote; see :func:`renamed`."""
    if row is None:
        return None
    (label,) = rows.labels_of([{**dict.fromkeys(rows.label_columns([])), **row}])
    return renamed(label, ontology) if ontology else label


def renamed(label: Label, ontology: Ontology) -> Label:
    """Give a label the names that its class, gesture or relation, and its attributes have now; others stay."""
    find = {"segment": ontology.gesture_of, "relation": ontology.relation_of}.get(label.kind, ontology.class_of)
    spec = find(label.class_name) if label.class_name is not None else None
    specs = {name: ontology.attribute(name) for name in label.attributes}
    names = {name: found.name if found else name for name, found in specs.items()}
    class_name = spec.name if spec else label.class_name
    if class_name == label.class_name and all(new == old for old, new in names.items()):
        return label
    attributes = {names[name]: value for name, value in label.attributes.items()}
    return replace(label, class_name=class_name, attributes=attributes)


def ids_of(events: Iterable[LabelEvent]) -> set[str]:
    """Name the labels that edits are about."""
    return {json.loads(event.payload)["label_id"] for event in events if event.tool == TOOL}


def tokens_of(events: Iterable[LabelEvent]) -> set[str]:
    """Give the tokens of edits."""
    found = (json.loads(event.payload).get("token") for event in events if event.tool == TOOL)
    return {token for token in found if token}


def said(group: str, value: Value) -> Any:
    """Give what a side says of a group as JSON values; None for an attribute that is not there, or a deletion."""
    if group == EXISTENCE:
        return row_of(value)
    if isinstance(value, tuple):
        return [_plain(part) for part in value] if len(value) > 1 else _plain(value[0])
    return None if value is ABSENT else _plain(value)


def _key(label: Label) -> str:
    place = f"@moment/{label.moment}" if label.stream is None else f"{label.stream}/{label.index}"
    return f"{label.recording_id}/{place}"


def _plain(value: Any) -> Any:
    names = getattr(value, "__dataclass_fields__", None)
    return value if names is None else {name: _plain(getattr(value, name)) for name in names}
