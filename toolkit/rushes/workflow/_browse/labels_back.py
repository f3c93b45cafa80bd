"""Labels that people changed in the App → edits of the dataset's labels, which yield to what came meanwhile."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rushes.annotate import edits, rows
from rushes.annotate.edits import Edit, Home
from rushes.annotate.label_studio.results import TOOL
from rushes.annotate.merging import merge, same_label
from rushes.browse.edits import Edited
from rushes.browse.pieces import Piece
from rushes.browse.undrawing import PREDICTED, NotReadableError, Read, kind_of, read
from rushes.errors import RecipeError, UsageError
from rushes.labels import Label, LabelEvent, digest_of
from rushes.store import Store
from rushes.texts import as_json
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import deriving, standing
from rushes.workflow._browse.frames_known import Known
from rushes.workflow._labels import fitting, vocabulary
from rushes.workflow.annotate_edit import Work, ends_of, following, worked_out

EDITED = ("human", "import")
"""Sources whose labels can be edited; those of models and consensus are what they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A label that somebody changed, drew or deleted in the App."""

    edited: Edited
    piece: Piece
    author: str

    @property
    def key(self) -> str:
        """The frame."""
        return f"{self.edited.recording_id}/{self.edited.stream}/{self.edited.index}"

    @property
    def label_id(self) -> str | None:
        """Name of the label in the dataset; None for one that was drawn in the App."""
        known = (self.piece.before or {}).get("label_id")
        return str(known) if known else None

    @property
    def predicted(self) -> bool:
        """Whether it is what a model proposed."""
        return self.piece.name.startswith(PREDICTED)


@dataclass(slots=True)
class Prepared:
    """Edits that are ready to be stored.

    Args:
        taken: What is in the dataset with ``work``, or was before.
        refused: What cannot be taken, each with the reason.
        same: How many of ``taken`` were in the dataset before.
        noted: What of those taken has no place in the dataset, each a sentence.
        drawn: Labels that are made, by their names.
    """

    work: Work | None = None
    drawn: dict[str, Change] = field(default_factory=dict)
    taken: list[Change] = field(default_factory=list)
    refused: list[tuple[Change, str]] = field(default_factory=list)
    same: int = 0
    noted: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Wanted:
    change: Change
    edit: Edit
    home: Home
    based_on: str | None


def prepare(store: Store, changes: Sequence[Change], names: Mapping[str, str]) -> Prepared:
    """Make edits of changes; who calls holds the dataset's turn.

    Args:
        store: The dataset, at its newest revision.
        changes: Of one or more datasets of the App.
        names: What an attribute is called, by the field of the App that holds it, where that is called otherwise.
    """
    done = Prepared()
    if not changes:
        return done
    try:
        spoken = vocabulary.needed(store)
    except RecipeError as error:
        done.refused = [(change, error.message) for change in changes]
        return done
    desk = _Desk(store, spoken, names)
    wanted: dict[str, _Wanted] = {}
    for change in changes:
        try:
            one = desk.wanted(change)
            if one is not None and one.edit.label_id in wanted:
                one = desk.joined(wanted[one.edit.label_id], one)
        except (NotReadableError, UsageError) as error:
            done.refused.append((change, str(error)))
            continue
        done.taken.append(change)
        if one is None:
            done.same += 1
        else:
            wanted[one.edit.label_id] = one
            if one.edit.before is None:
                done.drawn[one.edit.label_id] = change
    _refuse_orphans(wanted, desk.now, done)
    done.noted += desk.noted
    if wanted:
        done.work = desk.work(list(wanted.values()))
    return done


class _Desk:
    """Everything that is known of the labels that changes are about."""

    def __init__(self, store: Store, spoken: Ontology, names: Mapping[str, str]) -> None:
        self.store, self.spoken, self.names = store, spoken, names
        self.now = {label.label_id: label for label in rows.labels_of(store.table("labels").to_pylist())}
        self.noted: list[str] = []
        self._known = Known(store)
        self._stories: dict[str, list[LabelEvent]] = {}

    def wanted(self, change: Change) -> _Wanted | None:
        """Give the edit that a change asks for; None where the dataset says so already.

        Raises:
            NotReadableError, UsageError: If it cannot be.
        """
        piece = change.piece
        if change.label_id is None or (change.predicted and piece.after is not None):
            return self._drawn(change)
        if change.predicted:
            raise NotReadableError("what a model proposed stays; draw or reject beside it")
        label_id = change.label_id
        now = self.now.get(label_id)
        if now is not None and now.source not in EDITED:
            raise NotReadableError(f"it is what the {now.source} {now.tool or ''} said, and stays so")
        event_id = (piece.before or {}).get("event_id")
        home, token = self._home(now, event_id, label_id), self._token(change)
        if token in edits.tokens_of(self._story(home, label_id)):
            return None
        held = now or self._as_it_was(label_id, event_id)
        if held is None:
            raise NotReadableError("the label is gone, and no version of it is left")
        seen = self._seen(held, change) if now is None or now.event_id != event_id else now
        after = self._after(seen, change)
        if after is not None:
            fitting.check(after, seen, self.now, self.spoken)
        merged = merge(seen, now, after)
        if same_label(merged.label, now) and not merged.clashes:
            return None
        edit = Edit(label_id=label_id, before=seen, after=after, yields=True, token=token)
        return _Wanted(change=change, edit=edit, home=home, based_on=event_id)

    def joined(self, first: _Wanted, second: _Wanted) -> _Wanted:
        """Join two changes of one label, as it is shown on two pictures of the App.

        Raises:
            NotReadableError: If they contradict.
        """
        merged = merge(first.edit.before, first.edit.after, second.edit.after)
        if merged.clashes:
            raise NotReadableError("it was changed otherwise on another picture of the same frame")
        return replace(first, edit=replace(first.edit, after=merged.label))

    def work(self, wanted: Sequence[_Wanted]) -> Work:
        """Work out how the labels stand with all edits."""
        all_edits = {one.edit.label_id: one.edit.after for one in wanted}
        authors = {one.edit.label_id: one.change.author for one in wanted}
        made_ns = {one.edit.label_id: one.change.edited.at_ns for one in wanted}
        homes = {one.edit.label_id: one.home for one in wanted}
        based_on = {one.edit.label_id: one.based_on for one in wanted}
        made = [one.edit for one in wanted]
        for name, label in following(all_edits, self.now).items():
            parent = label.parent_id if label is not None else None
            made.append(Edit(label_id=name, before=self.now[name], after=label, yields=True))
            homes[name], based_on[name] = self._home(self.now[name], None, name), self.now[name].event_id
            authors[name], made_ns[name] = authors[parent or ""], made_ns[parent or ""]
        return worked_out(self.store, made, homes, based_on, author=authors, made_ns=made_ns)

    def _drawn(self, change: Change) -> _Wanted | None:
        """Make a label of what was drawn in the App, or of a prediction that was corrected there."""
        piece, edited = change.piece, change.edited
        element = piece.after
        assert element is not None, "what is drawn is there"
        if element.get("label_id") in self.now and not change.predicted:
            raise NotReadableError("it is a copy of a label of another field or picture")
        frame = self._known.frame(edited.recording_id, edited.stream, edited.index)
        if frame is None:
            raise NotReadableError("its frame is not in the dataset any more")
        size = edited.size or (frame.size or None)
        said = read(kind_of(piece.name, piece.container, element), {}, element, size, self.names)
        region = f"r{digest_of('app', str(element['_id']))}"
        story = self._story_of_frame(change.key)
        if any(edits.edit_of(event, None).region == region for event in story if event.tool == edits.TOOL):
            return None
        home = next(
            (e for e in reversed(deriving.newest([e for e in story if e.tool == TOOL])) if not e.cancelled), None
        )
        proposed = self.now.get(change.label_id or "") if change.predicted else None
        label = Label(
            label_id="",
            recording_id=edited.recording_id,
            kind=said.kind,
            source="human",
            class_name=said.class_name,
            geometry=said.geometry,
            stream=edited.stream,
            index=edited.index,
            t_start_ns=frame.t_ns,
            image_width_px=size[0] if size else None,
            image_height_px=size[1] if size else None,
            attributes={name: value for name, value in said.attributes.items() if value is not None},
            text=said.text,
            tool=edits.TOOL,
            author=change.author,
            created_ns=edited.at_ns,
            origin="prediction-changed" if proposed else "manual",
            model=proposed.model if proposed else None,
        )
        label = replace(label, label_id=deriving.name_of(label, home, region))
        fitting.check(label, None, self.now, self.spoken)
        edit = Edit(label_id=label.label_id, before=None, after=label, region=region)
        return _Wanted(change=change, edit=edit, home=edits.home_of(home) if home else Home(), based_on=None)

    def _after(self, seen: Label, change: Change) -> Label | None:
        piece = change.piece
        if piece.after is None:
            return None
        size = None
        if seen.image_width_px and seen.image_height_px:
            size = seen.image_width_px, seen.image_height_px
        said = read(seen.kind, piece.before or {}, piece.after, size or change.edited.size, self.names)
        if said.dropped:
            self.noted.append(f"label {seen.label_id}: {', '.join(said.dropped)} has no place in the dataset")
        return _with(seen, said)

    def _seen(self, held: Label, change: Change) -> Label:
        """Give the label as the person saw it: what is held now, with what the App showed."""
        size = None
        if held.image_width_px and held.image_height_px:
            size = held.image_width_px, held.image_height_px
        shown = read(held.kind, {}, change.piece.before or {}, size or change.edited.size, self.names)
        geometry = shown.geometry if shown.geometry is not None else held.geometry
        attributes = {name: value for name, value in shown.attributes.items() if value is not None}
        label = replace(
            held,
            geometry=geometry,
            class_name=shown.class_name,
            text=shown.text if held.kind == "text" else held.text,
            # Null attributes are not shown; they count as seen.
            attributes={**{k: v for k, v in held.attributes.items() if v is None}, **attributes},
        )
        return held if same_label(label, held) else label

    def _home(self, now: Label | None, event_id: str | None, label_id: str) -> Home:
        """Find the annotation that a label belongs to, or belonged to when it was seen."""
        wanted = (now.event_id if now is not None else None) or event_id
        if wanted is not None:
            found = standing.stored(self.store, event_id=wanted)
            if found:
                return edits.home_of(found[0])
        return Home(annotation=label_id)

    def _story(self, home: Home, label_id: str) -> list[LabelEvent]:
        name = home.annotation or label_id
        if name not in self._stories:
            self._stories[name] = standing.stored(self.store, annotation=name)
        return self._stories[name]

    def _story_of_frame(self, key: str) -> list[LabelEvent]:
        if f"@{key}" not in self._stories:
            self._stories[f"@{key}"] = standing.stored(self.store, task_key=key)
        return self._stories[f"@{key}"]

    def _as_it_was(self, label_id: str, event_id: str | None) -> Label | None:
        """Find a label that is gone: as an edit left it, or as the version had it that was seen."""
        story = self._story(self._home(None, event_id, label_id), label_id)
        for event in reversed(story):
            if event.tool == edits.TOOL:
                edit = edits.edit_of(event, self.spoken)
                if edit.label_id == label_id and (edit.after or edit.before):
                    return edit.after or edit.before
        with standing.facts_in(self.store) as facts:
            for event in reversed(story):
                if event.tool == TOOL:
                    for label in deriving.derive([event], self.spoken, facts).labels:
                        if label.label_id == label_id:
                            return label
        return None

    def _token(self, change: Change) -> str:
        before = change.piece.before or {}
        return digest_of(
            "app", change.label_id, before.get("event_id"), _plain(before), _plain(change.piece.after)
        )


def _with(label: Label, said: Read) -> Label:
    """Give a label what was changed of it."""
    attributes = dict(label.attributes)
    for name, value in said.attributes.items():
        if value is None:
            attributes.pop(name, None)
        else:
            attributes[name] = value
    return replace(
        label,
        geometry=said.geometry if said.geometry is not None else label.geometry,
        received=None if said.geometry is not None else label.received,
        class_name=said.class_name if said.class_changed else label.class_name,
        text=said.text if said.text_changed else label.text,
        attributes=attributes,
    )


def _refuse_orphans(wanted: dict[str, _Wanted], now: Mapping[str, Label], done: Prepared) -> None:
    """Leave alone what would be deleted without its parts."""
    while True:
        gone = {name for name, one in wanted.items() if one.edit.after is None}
        after = {name: one.edit.after for name, one in wanted.items()}
        parts = {
            end: label
            for name, label in now.items()
            if name not in gone
            for end in gone & ends_of(after.get(name) or label)
        }
        if not parts:
            return
        for name, part in parts.items():
            change = wanted.pop(name).change
            done.taken.remove(change)
            done.refused.append((change, f"the {part.kind} {part.label_id} is a part of it; delete that too"))


def _plain(element: Mapping[str, Any] | None) -> str | None:
    return None if element is None else as_json({key: repr(value) for key, value in sorted(element.items())})
