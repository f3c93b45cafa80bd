"""Import: labels from the files of other tools, put on the frames that they belong to."""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rushes import registry
from rushes.annotate import rows
from rushes.contracts import LabelFile, LabelReader, LeftOut
from rushes.errors import ReadError, UsageError
from rushes.labels import Label, LabelEvent, LabelledPicture, digest_of
from rushes.store import Store
from rushes.vocabulary import Ontology
from rushes.workflow import annotate_edit
from rushes.workflow._labels import places, returned, vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to import.

    Args:
        path: A file or folder of labels.
        format: Name of the format; told by the content when None.
        ontology: What may be labelled, for a dataset that has no ontology yet; the classes of the file when None.
        options: Of the format.
    """

    path: Path
    format: str | None = None
    ontology: Ontology | None = None
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came in: every label of the file is new, unchanged, changed, edited or lost.

    Args:
        edited: Labels of the dataset that were exported, changed elsewhere, and changed here now.
        removed: Labels that an earlier import had put on the same pictures, and that the file has no more.
        ontology_kept: Whether the dataset got its ontology by this.
    """

    format: str
    items: int
    pictures: int
    labels: int
    new: int
    changed: int
    edited: int
    unchanged: int
    removed: int
    kinds: Mapping[str, int]
    left_out: Sequence[LeftOut]
    ontology_kept: bool
    revision: int


def import_labels(
    dataset: Path, settings: Settings, *, argv: Sequence[str] = (), dry_run: bool = False
) -> Imported:
    """Read labels and put them on the frames of a dataset; the same file again changes nothing.

    What the file says of a picture takes the place of what an earlier import of the same format said of it; labels
    of people, of models and of other formats stay. A label that was exported from here and bears its name in the
    file is edited where the file says otherwise than was written. A picture is found by the recording, stream and
    index that a file of ours states, else by its file's name.

    Raises:
        ReadError: If the file cannot be read, or no format claims it.
        UsageError: If no picture of the file is in the dataset.
        StoreError: If the dataset cannot be opened or written.
    """
    name, read = _read(settings)
    store = Store.open(dataset)
    own = vocabulary.of_dataset(store)
    chosen = own or settings.ontology or read.ontology
    finder = places.FrameFinder(store)
    taken = _names_of_others(store, name)
    ours = returned.Ours(store, name, settings.path)
    back: list[LabelledPicture] = []
    left_out = Counter[tuple[str, str, str]]()
    labels: list[Label] = []
    events: list[LabelEvent] = []
    frames: set[tuple[str, str | None, int | None]] = set()
    for each in read.pictures:
        place, why = finder.find(each.picture)
        if place is None:
            left_out["lost", "labels without a frame", why] += max(len(each.labels), 1)
            continue
        if finder.size_differs(each.picture, place):
            left_out["noted", "picture sizes", "the file states another size than the frame has"] += len(
                each.labels
            )
        of_file = [label for label in places.placed(each, place) if not ours.holds(label)]
        if len(of_file) < len(each.labels):
            back.append(_coming_back(each, place, ours))
            frames.add(place[:3])
            if not of_file:
                continue
        mine = [_known(label, chosen, left_out) for label in _renamed(of_file, taken)]
        event = _event(name, settings.path, each, place, mine)
        frames.add(place[:3])
        events.append(event)
        labels += [replace(label, event_id=event.event_id) for label in mine]
    if read.pictures and not frames:
        raise UsageError(
            f"{settings.path}: none of its {len(read.pictures)} pictures is a frame of {dataset}",
            code="labels.no-frame",
            hint=f"its first picture is '{read.pictures[0].picture.name}'; rushes ingest the pictures first",
        )
    before = [
        label
        for label in rows.labels_of(store.table("labels", where={"source": "import", "tool": name}).to_pylist())
        if (label.recording_id, label.stream, label.index) in frames and not ours.holds(label)
    ]
    known = {label.label_id: _content(label) for label in before}
    now = {label.label_id: _content(label) for label in labels}
    changed = [one for one in now if one in known and known[one] != now[one]]
    gone = [one for one in known if one not in now]
    new = [one for one in now if one not in known]
    revision = store.revision
    edited = _edits(dataset, ours, back, chosen, left_out, of_file=len(labels), argv=argv, dry_run=dry_run)
    if not dry_run and (changed or gone or new or own is None):
        if own is None:
            vocabulary.keep(store, chosen)
        revision = _commit(store, labels, events, [*changed, *gone], set(new) | set(changed), argv)
    elif not dry_run:
        revision = store.refresh().revision
    return Imported(
        format=name,
        items=read.items,
        pictures=len(frames),
        labels=len(labels) + sum(len(each.labels) for each in back),
        new=len(new),
        changed=len(changed),
        edited=len(edited.wanted),
        unchanged=len(now) - len(new) - len(changed) + edited.same,
        removed=len(gone),
        kinds=Counter(label.kind for label in labels),
        left_out=(*read.left_out, *_entries(left_out)),
        ontology_kept=own is None and not dry_run,
        revision=revision,
    )


def _read(settings: Settings) -> tuple[str, LabelFile]:
    if not settings.path.exists():
        raise ReadError(
            f"there is no '{settings.path}'", code="labels.file", hint="give a file or folder of labels"
        )
    if settings.format is not None:
        reader: LabelReader = registry.load("export", settings.format)
        return settings.format, reader.read(settings.path, settings.options)
    readers = {n: plugin for n, plugin in registry.load_all("export").items() if hasattr(plugin, "probe")}
    claims = {n: plugin.probe(settings.path) for n, plugin in readers.items()}
    best = max(claims, key=lambda n: claims[n].confidence)
    if not claims[best].confidence:
        refusals = "; ".join(f"{n}: {claim.reason}" for n, claim in claims.items())
        raise ReadError(
            f"{settings.path}: no format of labels claims it ({refusals})",
            code="labels.format",
            hint=f"name it: --format {' or '.join(claims)}",
        )
    return best, readers[best].read(settings.path, settings.options)


def _coming_back(each: LabelledPicture, place: places.Place, ours: returned.Ours) -> LabelledPicture:
    """Give a picture of the file with those of its labels that are ours."""
    recording_id, stream, index, t_ns = place
    picture = replace(each.picture, recording_id=recording_id, stream=stream, index=index, t_ns=t_ns)
    mine = (label for label in places.placed(each, place) if ours.holds(label))
    return LabelledPicture(picture=picture, labels=tuple(mine))


def _edits(
    dataset: Path,
    ours: returned.Ours,
    back: Sequence[LabelledPicture],
    chosen: Ontology,
    left_out: Counter[tuple[str, str, str]],
    *,
    of_file: int,
    argv: Sequence[str],
    dry_run: bool,
) -> returned.Returned:
    """Make edits of what was changed elsewhere."""
    if not back:
        if ours.is_export and of_file:
            reason = "they come in as labels of the file: it does not name labels of the dataset"
            left_out["noted", "labels of an export of Rushes", reason] += of_file
        return returned.Returned()
    found = ours.compare(back, chosen)
    for (what, why), count in found.noted.items():
        left_out["noted", what, why] += count
    if found.wanted:
        annotate_edit.edit(dataset, found.wanted, seen=found.seen, argv=argv, dry_run=dry_run)
    return found


def _names_of_others(store: Store, name: str) -> set[str]:
    """Name the labels of the dataset that this import must not touch."""
    stored = store.table("labels", columns=["label_id", "source", "tool"]).to_pylist()
    return {row["label_id"] for row in stored if (row["source"], row["tool"]) != ("import", name)}


def _renamed(labels: Sequence[Label], taken: set[str]) -> list[Label]:
    """Give labels whose names are those of others names of their own: an export of ours that is read again."""
    names = {one.label_id: digest_of("import", one.tool, one.label_id) for one in labels if one.label_id in taken}
    return [
        replace(
            one,
            label_id=names.get(one.label_id, one.label_id),
            parent_id=names.get(one.parent_id, one.parent_id) if one.parent_id else None,
        )
        for one in labels
    ]


def _known(label: Label, chosen: Ontology, left_out: Counter[tuple[str, str, str]]) -> Label:
    """Give a label the name that its class has now; a class that the ontology lacks is kept, and noted."""
    if label.class_name is None:
        return label
    spec = chosen.class_of(label.class_name)
    relation = chosen.relation_of(label.class_name) if label.kind == "relation" else None
    gesture = chosen.gesture_of(label.class_name) if label.kind in ("segment", "track") else None
    found = relation or gesture or spec
    if found is None:
        reason = f"'{label.class_name}' is not in the ontology '{chosen.name}'; no export takes it until it is"
        left_out["noted", "unknown classes", reason] += 1
        return label
    return label if found.name == label.class_name else replace(label, class_name=found.name)


def _content(label: Label) -> Label:
    return replace(label, event_id=None, created_ns=None, updated_ns=None)


def _event(
    name: str, path: Path, each: LabelledPicture, place: places.Place, labels: Sequence[Label]
) -> LabelEvent:
    columns = rows.label_columns(labels)
    listed = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    for row in listed:
        del row["event_id"]
    payload = json.dumps(listed, ensure_ascii=False)
    return LabelEvent(
        event_id=rows.event_id(
            tool=name,
            project=None,
            task=each.picture.name,
            annotation=None,
            action="imported",
            updated_ns=None,
            payload=payload,
        ),
        action="imported",
        tool=name,
        payload=payload,
        received_ns=time.time_ns(),
        server=path.name,
        task=each.picture.name,
        task_key="/".join(map(str, place[:3])),
        recording_id=place[0],
    )


def _entries(left_out: Counter[tuple[str, str, str]]) -> list[LeftOut]:
    return [
        LeftOut(effect=effect, what=what, count=count, reason=reason)  # type: ignore[arg-type]  # one of the three
        for (effect, what, reason), count in left_out.items()
    ]


def _commit(
    store: Store,
    labels: Sequence[Label],
    events: Sequence[LabelEvent],
    outdated: Sequence[str],
    fresh: set[str],
    argv: Sequence[str],
) -> int:
    now = time.time_ns()
    written = [replace(label, created_ns=now, updated_ns=now) for label in labels if label.label_id in fresh]
    stored = set(store.table("label_events", columns=["event_id"])["event_id"].to_pylist())
    new_events = [event for event in events if event.event_id not in stored]
    with store.begin("annotate import", argv=argv) as transaction:
        transaction.append("label_events", len(new_events), rows.event_columns(new_events))
        if outdated:
            transaction.replace("labels", {"label_id": list(outdated)}, len(written), rows.label_columns(written))
        else:
            transaction.append("labels", len(written), rows.label_columns(written))
        return transaction.commit({"labels": len(written), "removed": len(outdated)}).revision
