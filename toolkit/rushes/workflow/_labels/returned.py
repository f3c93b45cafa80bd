"""Labels of ours that come back in a file: what was changed in it, held against what was written into it.

A format may not carry all of a label. So the file is not held against the label as it was, but against what the
same format writes of it and reads again: what differs was changed by somebody, and only that becomes an edit.
"""

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from rushes import registry
from rushes.annotate import edits, merging, rows
from rushes.contracts import Exporter, LabelReader
from rushes.errors import StoreError, UsageError
from rushes.labels import Label, LabelledPicture
from rushes.store import Store
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import standing
from rushes.workflow._labels import exported, fitting

_GROUPS = frozenset({"geometry", "class", "text", "instance"})


@dataclass(slots=True)
class Returned:
    """Labels of ours that a file holds.

    Args:
        wanted: Those that somebody changed in it, as they shall be.
        seen: The same as they were when the file was written.
        same: How many are in it as they were written.
        noted: What could not be taken, by why.
    """

    wanted: dict[str, Label] = field(default_factory=dict)
    seen: dict[str, Label] = field(default_factory=dict)
    same: int = 0
    noted: Counter[tuple[str, str]] = field(default_factory=Counter)


class Ours:
    """The labels of a dataset that a file of one format may hold under their own names.

    Args:
        store: The dataset.
        name: Of the format.
        path: The file or folder that is read.

    Attributes:
        is_export: Whether Rushes wrote it, as the note beside it says.
    """

    def __init__(self, store: Store, name: str, path: Path) -> None:
        self._name = name
        note = exported.note_beside(path)
        self._revision: int | None = note.get("revision")
        self.is_export = bool(note)
        self._options: Mapping[str, str] = note.get("options") or {}
        self._now = {label.label_id: label for label in rows.labels_of(store.table("labels").to_pylist())}
        story = [event for event in standing.stored(store) if event.tool == edits.TOOL]
        self._edited = edits.ids_of(story)
        self._made = [edits.edit_of(event, None) for event in story]
        self._first = {one.label_id: one.before for one in reversed(self._made)}
        self._then = self._now
        if self._revision is not None:
            try:
                then = Store.open(store.path, at=self._revision).table("labels").to_pylist()
                self._then = {label.label_id: label for label in rows.labels_of(then)}
            except StoreError:  # tidied away, or of another dataset
                self._revision = None
        ledger = [e for e in exported.ledger(store) if (e.revision, e.format) == (self._revision, name)]
        self._given = frozenset().union(*(entry.label_ids for entry in ledger))

    def holds(self, label: Label) -> bool:
        """Say whether a label that was read is one of ours, which no import may replace.

        What the same format brought and nobody edited is no such label: the file has the word there.
        """
        there = self._now.get(label.label_id)
        if there is None or there.source == "model":
            return False
        return (there.source, there.tool) != ("import", self._name) or there.label_id in self._edited

    def compare(self, pictures: Sequence[LabelledPicture], ontology: Ontology) -> Returned:
        """Find what was changed of our labels.

        Args:
            pictures: As read, each with those of its labels that are ours.
            ontology: Of the dataset.
        """
        found = Returned()
        written = self._written(pictures, ontology)
        read = {label.label_id for each in pictures for label in each.labels}
        for each in pictures:
            place = (each.picture.recording_id, each.picture.stream, each.picture.index)
            for label in each.labels:
                self._one(label, written.get(label.label_id), ontology, found)
            for name in sorted(self._given & written.keys() - read):
                was = self._then[name]
                if (was.recording_id, was.stream, was.index) == place and name in self._now:
                    found.noted["labels that the file has no more", "they stay; annotate edit --delete"] += 1
        if found.wanted and self._revision is None:
            reason = "which revision it was written of is not known; it was held against the labels of today"
            found.noted["edited labels", reason] += len(found.wanted)
        return found

    def _one(self, label: Label, written: Label | None, ontology: Ontology, found: Returned) -> None:
        base = self._then.get(label.label_id) or self._now[label.label_id]
        if label.label_id in self._edited and self._revision is None and base.source == "import":
            base = self._first[label.label_id] or base
            written = base
        if written is None:
            found.noted["labels", "the format does not carry them so that they can be told"] += 1
            return
        after = _changed(base, edits.renamed(label, ontology), edits.renamed(written, ontology))
        if merging.same_label(base, after) or self._is_made(base, after):
            found.same += 1
            return
        try:
            fitting.check(after, base, self._now, ontology)
        except UsageError as error:
            found.noted["edited labels that do not fit", error.message] += 1
            return
        found.wanted[label.label_id], found.seen[label.label_id] = after, base

    def _is_made(self, before: Label, after: Label) -> bool:
        """Say whether the same edit was made before, as by the same file: it is not made twice."""
        return any(
            one.label_id == after.label_id
            and merging.same_label(one.before, before)
            and merging.same_label(one.after, after)
            for one in self._made
        )

    def _written(self, pictures: Sequence[LabelledPicture], ontology: Ontology) -> dict[str, Label]:
        """Write the labels as they were with the same format, and read them again."""
        on: dict[tuple[Any, ...], list[Label]] = {}
        for label in self._then.values():
            on.setdefault((label.recording_id, label.stream, label.index), []).append(label)
        before = []
        for each in pictures:
            at = (each.picture.recording_id, each.picture.stream, each.picture.index)
            mine = [x for x in on.get(at, ()) if not self._given or x.label_id in self._given]
            before.append(LabelledPicture(picture=each.picture, labels=tuple(mine)))
        plugin: Any = registry.load("export", self._name)
        exporter: Exporter = plugin
        reader: LabelReader = plugin
        with tempfile.TemporaryDirectory(prefix="rushes-") as scratch:
            options = {k: v for k, v in self._options.items() if k in exporter.defaults}
            exporter.write(Path(scratch), before, ontology, {**exporter.defaults, **options})
            again = reader.read(Path(scratch), {})
        return {label.label_id: label for each in again.pictures for label in each.labels}


def _changed(base: Label, read: Label, written: Label) -> Label:
    """Put what differs between the two readings into the label."""
    before, after = merging.groups(written), merging.groups(read)
    new = base
    attributes = dict(base.attributes)
    for group in {**before, **after}:
        was, now = (side.get(group, merging.ABSENT) for side in (before, after))
        if merging.same(was, now):
            continue
        if group.startswith("attributes."):
            name = group.removeprefix("attributes.")
            attributes.pop(name, None)
            if name in read.attributes:
                attributes[name] = read.attributes[name]
        elif group == "geometry" and not merging.same(read.geometry, written.geometry):
            new = replace(new, kind=read.kind, geometry=read.geometry, received=None)
        elif group in _GROUPS - {"geometry"}:
            field_name = {"class": "class_name"}.get(group, group)
            new = replace(new, **{field_name: getattr(read, field_name)})
    return replace(new, attributes=attributes)
