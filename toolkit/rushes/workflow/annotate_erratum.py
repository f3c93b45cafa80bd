"""Erratum: which labels were changed or wrong, and which splits, moments, exports and revisions they reached."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rushes import registry
from rushes.annotate import merging
from rushes.annotate.rows import labels_of
from rushes.errors import StoreError, UsageError
from rushes.labels import Label
from rushes.store import Store
from rushes.store.schemas import table_names
from rushes.workflow._annotate import standing
from rushes.workflow._labels import exported


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A label that was changed, or that somebody calls wrong.

    Args:
        what: changed, added (it was missing), removed (it should not have been there), or wrong.
        was, now: The label before and at the end; None where it was or is not there.
        groups: What differs: geometry, class, attributes.NAME …
        author: Who made the version that holds at the end, or that is wrong.
    """

    label_id: str
    what: Literal["changed", "added", "removed", "wrong"]
    was: Label | None
    now: Label | None
    groups: Sequence[str]
    author: str | None

    @property
    def label(self) -> Label:
        """The label as it is, or as it was last."""
        label = self.now or self.was
        assert label is not None, "a mistake is about a label"
        return label


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a split that holds recordings of these labels."""

    split: str
    part: str
    locked: bool
    recordings: int
    labels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """An export that was made of them.

    Args:
        labels: How many of the labels it has as they were; of those that were missing, how many it lacks.
        known: False where its revision was tidied away, so that what it holds is taken for wrong.
    """

    export_id: str
    path: str
    format: str
    revision: int
    created_ns: int
    labels: int
    known: bool


@dataclass(slots=True)
class Erratum:
    """The outcome.

    Args:
        since, until: Revisions.
        moments: Synchronised instants that the labels' frames belong to: recording and number.
        revisions: In which the labels stood as they were, ascending, of those that can be read.
        tags: Of these revisions.
        unknown: Revisions that were tidied away.
    """

    since: int
    until: int
    mistakes: list[Mistake] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    moments: list[tuple[str, int]] = field(default_factory=list)
    exports: list[Reached] = field(default_factory=list)
    revisions: list[int] = field(default_factory=list)
    tags: dict[str, int] = field(default_factory=dict)
    unknown: list[int] = field(default_factory=list)


def between(path: Path, *, since: int | str, until: int | str | None = None) -> Erratum:
    """Tell what the changes between two revisions mean for what was made of the labels before.

    Args:
        path: The dataset.
        since: Revision or tag to start from.
        until: Revision or tag to end at; the newest when None.

    Raises:
        StoreError: ``store.no-revision``, ``store.vacuumed``.
    """
    before, after = Store.open(path, at=since), Store.open(path, at=until)
    was, now = _by_id(before), _by_id(after)
    authors = _authors(after)
    mistakes = []
    for name in {**was, **now}:
        old, new = was.get(name), now.get(name)
        if merging.same_label(old, new):
            continue
        label = new or old
        assert label is not None, "it is there before or after"
        mistakes.append(
            Mistake(
                label_id=name,
                what="added" if old is None else "removed" if new is None else "changed",
                was=old,
                now=new,
                groups=_differing(old, new) if old and new else (),
                author=authors.get(label.event_id or "", label.author),
            )
        )
    return _reached(path, before, after, mistakes)


def of_labels(path: Path, *, labels: Sequence[str] = (), events: Sequence[str] = ()) -> Erratum:
    """Tell what labels that are wrong have reached, whatever they are mended to.

    Args:
        path: The dataset.
        labels: Their ids.
        events: Versions: all labels that were ever read from them.

    Raises:
        UsageError: ``labels.absent``.
    """
    after = Store.open(path)
    readable, _ = _readable(path, after)
    wrong: dict[str, Label] = {}
    for _, store in reversed(readable):
        for label in _by_id(store).values():
            if label.label_id in labels or (label.event_id or "") in events:
                wrong.setdefault(label.label_id, label)
    for name in labels:
        if name not in wrong:
            near = registry.close_to(name, wrong)
            raise UsageError(
                f"{path} has no label '{name}' in any revision that can be read",
                code="labels.absent",
                hint=f"did you mean '{near}'?" if near else f"rushes query {path} 'from labels' lists them",
            )
    now, authors = _by_id(after), _authors(after)
    mistakes = [
        Mistake(
            label_id=name,
            what="wrong",
            was=label,
            now=now.get(name),
            groups=(),
            author=authors.get(label.event_id or "", label.author),
        )
        for name, label in wrong.items()
    ]
    return _reached(path, readable[0][1] if readable else after, after, mistakes)


def _reached(path: Path, before: Store, after: Store, mistakes: list[Mistake]) -> Erratum:
    mistakes.sort(key=lambda m: (m.label.recording_id, m.label.stream or "", m.label.index or 0, m.label_id))
    found = Erratum(since=before.revision, until=after.revision, mistakes=mistakes)
    if not mistakes:
        return found
    found.parts = _parts(after, mistakes)
    found.moments = _moments(after, mistakes)
    readable, found.unknown = _readable(path, after)
    wrong_in: dict[int, frozenset[str]] = {}
    known: dict[int, frozenset[str]] = {}
    for numbers, store in readable:
        there = _by_id(store, [m.label_id for m in mistakes])
        bad = frozenset(m.label_id for m in mistakes if _is_bad(m, there.get(m.label_id)))
        wrong_in |= {number: bad & there.keys() for number in numbers}
        known |= dict.fromkeys(numbers, bad)
    found.revisions = sorted(number for number, names in wrong_in.items() if names)
    found.tags = {tag: n for tag, n in sorted(after.tags().items()) if wrong_in.get(n)}
    found.exports = _exports(after, mistakes, known)
    return found


def _is_bad(mistake: Mistake, there: Label | None) -> bool:
    """Say whether a revision has a label otherwise than it is right; a wrong one is wrong until it is changed."""
    if mistake.what == "wrong":
        return there is not None and merging.same_label(there, mistake.was)
    return not merging.same_label(there, mistake.now)


def _readable(path: Path, after: Store) -> tuple[list[tuple[list[int], Store]], list[int]]:
    """Open one revision of those that share a version of ``labels``, with the numbers of all that do.

    Gives too which revisions were tidied away.
    """
    shared: dict[int, list[int]] = defaultdict(list)
    for info in after.log():
        if info.revision <= after.revision and "labels" in info.tables:
            shared[info.tables["labels"]].append(info.revision)
    readable: list[tuple[list[int], Store]] = []
    gone: list[int] = []
    for numbers in shared.values():
        try:
            store = Store.open(path, at=numbers[-1])
            store.table("labels", columns=["label_id"], where={"label_id": ""})
        except StoreError as error:
            if error.code != "store.vacuumed":
                raise
            gone += numbers
        else:
            readable.append((numbers, store))
    return readable, sorted(gone)


def _parts(store: Store, mistakes: Sequence[Mistake]) -> list[Part]:
    """Find the parts that the labels' places are in; a split may cut a recording into blocks of samples."""
    locked: set[tuple[str, str]] = set()
    if "split_locks" in table_names():
        locked = {(row["split"], row["part"]) for row in store.table("split_locks").to_pylist()}
    recordings = sorted({m.label.recording_id for m in mistakes})
    hit: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in store.table("splits", where={"recording_id": recordings}).to_pylist():
        for mistake in mistakes:
            if _is_in(mistake.label, row):
                hit[row["split"], row["part"]].add(mistake.label_id)
    of = {m.label_id: m.label.recording_id for m in mistakes}
    return [
        Part(
            split=split,
            part=part,
            locked=(split, part) in locked,
            recordings=len({of[name] for name in names}),
            labels=len(names),
        )
        for (split, part), names in sorted(hit.items())
    ]


def _is_in(label: Label, row: Mapping[str, Any]) -> bool:
    if row["recording_id"] != label.recording_id or row.get("stream") not in (None, label.stream):
        return False
    first, end = row.get("index"), row.get("index_end")
    if first is None or label.index is None:
        return True
    return bool(
        label.index < (end if end is not None else first + 1) and (label.index_end or label.index + 1) > first
    )


def _moments(store: Store, mistakes: Sequence[Mistake]) -> list[tuple[str, int]]:
    spans: dict[tuple[str, str | None], list[range]] = defaultdict(list)
    found: set[tuple[str, int]] = set()
    for label in (mistake.label for mistake in mistakes):
        if label.moment is not None:
            found.add((label.recording_id, label.moment))
        if label.index is not None:
            span = range(label.index, label.index_end or label.index + 1)
            spans[label.recording_id, label.stream].append(span)
    recordings = sorted({recording for recording, _ in spans})
    columns = ["recording_id", "moment", "stream", "index"]
    table = store.table("moment_members", columns=columns, where={"recording_id": recordings}) if spans else None
    for row in table.to_pylist() if table is not None else ():
        if any(row["index"] in span for span in spans.get((row["recording_id"], row["stream"]), ())):
            found.add((row["recording_id"], row["moment"]))
    return sorted(found)


def _exports(store: Store, mistakes: Sequence[Mistake], known: Mapping[int, frozenset[str]]) -> list[Reached]:
    """Find the exports that hold labels as they were, or lack one that was missing, of a recording they hold."""
    reached = []
    every = {label.label_id: label.recording_id for label in _by_id(store).values()}
    for entry in exported.ledger(store):
        bad = known.get(entry.revision)
        held = {m.label_id for m in mistakes if m.label_id in entry.label_ids}
        recordings = {every[name] for name in entry.label_ids if name in every}
        lacking = {m.label_id for m in mistakes if m.what == "added" and m.label.recording_id in recordings}
        names = held | (lacking - set(entry.label_ids))
        names = names if bad is None else names & bad
        if names:
            reached.append(
                Reached(
                    export_id=entry.export_id,
                    path=entry.path,
                    format=entry.format,
                    revision=entry.revision,
                    created_ns=entry.created_ns,
                    labels=len(names),
                    known=bad is not None,
                )
            )
    return reached


def _by_id(store: Store, names: Iterable[str] | None = None) -> dict[str, Label]:
    where = None if names is None else {"label_id": sorted(names)}
    return {label.label_id: label for label in labels_of(store.table("labels", where=where).to_pylist())}


def _authors(store: Store) -> dict[str, str | None]:
    """Give who made each version; of an edited label that is who edited it."""
    return {event.event_id: event.author for event in standing.stored(store)}


def _differing(was: Label, now: Label) -> list[str]:
    before, after = merging.groups(was), merging.groups(now)
    absent = merging.ABSENT
    return [g for g in {**before, **after} if not merging.same(before.get(g, absent), after.get(g, absent))]
