"""Write back: what people changed in the App becomes rows of the dataset, with who and when, once.

The App's database is read, never trusted: what came into the dataset meanwhile is not overruled but disputed.
Rows are committed first, as one revision; then the App's copy takes them as seen. Who is killed in between finds
nothing left to write the next time, since every row is told from what stands.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rushes.browse import mongod
from rushes.browse.edits import Database, Edited, Edits, attribute_names, connected, datasets, signed_as
from rushes.browse.pieces import Piece
from rushes.store import Store
from rushes.workflow import decisions
from rushes.workflow._annotate.turns import turn
from rushes.workflow._browse import label_tags_back
from rushes.workflow._browse.labels_back import Change, Prepared, prepare
from rushes.workflow._browse.said import key_of
from rushes.workflow.annotate_edit import author_of
from rushes.workflow.decisions import WHAT, Decision, Item, TagWish, Wish

DELETED = "deleted in the App"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A change that the dataset cannot take; it stays in the App.

    Args:
        frame: Recording, stream and index.
        what: What was changed, in a few words.
        why: A clause.
    """

    frame: str
    what: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenBack:
    """What became of the edits.

    Args:
        tags: Tags of frames that were given or taken away.
        label_tags: Tags of labels, likewise.
        decided: Decisions that stand now.
        contested: Decisions that are kept and do not stand, since somebody decided otherwise meanwhile.
        created, changed, deleted: Ids of labels.
        conflicts: Open ones of these labels; ``annotate conflicts`` lists them.
        same: How many edits said what the dataset says already.
        refused: What cannot be taken; it stays in the App.
        elsewhere: Fields of the App that no table has, and on how many pictures they were changed; they stay.
        noted: Sentences on what a person should know.
        authors: Whose edits these are.
        revision: Of the dataset; the one before where nothing was to do.
    """

    tags: int = 0
    label_tags: int = 0
    decided: Sequence[Decision] = ()
    contested: Sequence[Decision] = ()
    created: Sequence[str] = ()
    changed: Sequence[str] = ()
    deleted: Sequence[str] = ()
    conflicts: int = 0
    same: int = 0
    refused: Sequence[Refused] = ()
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    noted: Sequence[str] = ()
    authors: Sequence[str] = ()
    revision: int = 0

    @property
    def written(self) -> int:
        """How many rows there are of it."""
        labels = len(self.created) + len(self.changed) + len(self.deleted)
        return self.tags + self.label_tags + len(self.decided) + len(self.contested) + labels


def write_back(
    path: Path, *, author: str | None = None, argv: Sequence[str] = (), dry_run: bool = False
) -> WrittenBack:
    """Write back what people changed in the App, which is closed now.

    Args:
        path: The dataset.
        author: Whose edits those are that no session has signed; as of an edit, when None.
        argv: The command line, for the log.
        dry_run: Only say what would be done.

    Raises:
        ToolError: ``browse.in-use`` where the App is open, ``browse.*``, ``annotate.busy``.
        StoreError: If the dataset cannot be opened or written.
    """
    store = Store.open(path)
    cache = store.path / "cache"
    if not (cache / "mongo").is_dir() and mongod.URI_VARIABLE not in os.environ:
        return WrittenBack(revision=store.revision)
    with mongod.running(cache) as running, connected(running.uri) as database:
        return write_back_from(database, path, author=author, argv=argv, dry_run=dry_run)


def write_back_from(
    database: Database,
    path: Path,
    *,
    author: str | None = None,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> WrittenBack:
    """Write back what people changed in the App, out of a database that runs; see :func:`write_back`."""
    who = author_of(author)
    with turn(path):
        store = Store.open(path)
        gathered = _Gathered(store, database, who)
        done, label_tags = gathered.prepared, gathered.label_tags.judged
        judged = decisions.judge(store, gathered.wishes, gathered.tags, author=who, source="app")
        revision = store.revision
        if not dry_run:
            if judged.rows or done.work is not None or label_tags.rows:
                with store.begin("browse write-back", argv=argv) as transaction:
                    judged.put(transaction)
                    label_tags.put(transaction)
                    figures = {**judged.figures, "label tags": len(label_tags.rows)}
                    if done.work is not None:
                        done.work.put(transaction)
                        figures |= {f"labels {name}": count for name, count in done.work.figures.items()}
                    revision = transaction.commit(figures).revision
            gathered.settle()
    told = judged.told(revision)
    actions = _by_action(done)
    return WrittenBack(
        tags=told.tags,
        label_tags=len(label_tags.rows),
        decided=told.taken,
        contested=told.contested,
        created=actions["created"],
        changed=actions["updated"],
        deleted=actions["deleted"],
        conflicts=sum(c.state == "open" and c.label.label_id in done.work.names for c in done.work.after.conflicts)
        if done.work is not None
        else 0,
        same=told.same + done.same + label_tags.same,
        refused=gathered.refused,
        elsewhere=dict(gathered.elsewhere),
        noted=[*done.noted, *gathered.label_tags.noted],
        authors=sorted(gathered.authors),
        revision=revision,
    )


@dataclass(slots=True)
class _Taken:
    """Pieces of a sample that are in the dataset once the commit is through."""

    edits: Edits
    edited: Edited
    pieces: list[Piece]


class _Gathered:
    """Everything that was changed in the App, as wishes of the dataset's words."""

    def __init__(self, store: Store, database: Database, who: str) -> None:
        self.wishes: list[Wish] = []
        self.tags: list[TagWish] = []
        self.refused: list[Refused] = []
        self.elsewhere: Counter[str] = Counter()
        self.authors: set[str] = set()
        self._taken: list[_Taken] = []
        self._parts: dict[str, list[tuple[_Taken, Piece, Wish]]] = {}
        changes: list[Change] = []
        tagged: list[Change] = []
        names: dict[str, str] = {}
        place = f"/{key_of(store)}/"
        for dataset in datasets(database):
            kept = Edits(database, dataset)
            mine = [signed_as(edited, who) for edited in kept.sign() if place in str(edited.seen.get("filepath"))]
            names |= attribute_names(database, dataset) if mine else {}
            there = decisions.present(store, [_item(edited) for edited in mine])
            for edited in mine:
                for change in self._sort(kept, edited, there):
                    (tagged if change.piece.what == "label_tag" else changes).append(change)
        self._ask_for_parts()
        self.prepared: Prepared = prepare(store, changes, names)
        self.label_tags = label_tags_back.prepare(store, tagged, self.prepared.drawn)
        for change, why in (*self.prepared.refused, *self.label_tags.refused):
            self._refuse(change.edited, change.piece, why)
        taken = (*self.prepared.taken, *self.label_tags.taken)
        accepted = {(id(change.edited), change.piece.key) for change in taken}
        for one in self._taken:
            one.pieces += [p for p in one.edited.pieces if (id(one.edited), p.key) in accepted]
            self.authors |= {one.edited.authors[piece.key] for piece in one.pieces}

    def settle(self) -> None:
        """Have the App's copy take what is in the dataset now as seen."""
        for one in self._taken:
            if one.pieces:
                one.edits.settle([(one.edited, one.pieces)])

    def _sort(self, kept: Edits, edited: Edited, there: set[Item]) -> list[Change]:
        item = _item(edited)
        one = _Taken(kept, edited, [])
        self._taken.append(one)
        changes = []
        for piece in edited.pieces:
            author = edited.authors[piece.key]
            if item not in there and piece.what != "other":
                self._refuse(edited, piece, "the frame is not in the dataset any more")
            elif piece.what in ("label", "label_tag"):
                changes.append(Change(edited=edited, piece=piece, author=author))
            elif piece.what == "tag":
                self._tag(one, piece, author)
            elif piece.what == "deleted" or piece.name == "decision":
                self._decide(one, piece, author)
            elif piece.what == "field":
                self._part(one, piece, author)
            else:
                self.elsewhere[piece.name] += 1
        return changes

    def _tag(self, one: _Taken, piece: Piece, author: str) -> None:
        seen = one.edited.seen
        if not piece.after and piece.name in {seen.get("split"), *(seen.get("findings") or ())}:
            self._refuse(one.edited, piece, "it says what the dataset found, and comes back")
            return
        self.tags.append(
            TagWish(
                item=_item(one.edited),
                tag=piece.name,
                action="added" if piece.after else "removed",
                given_ns=one.edited.at_ns,
                author=author,
            )
        )
        one.pieces.append(piece)

    def _decide(self, one: _Taken, piece: Piece, author: str) -> None:
        what = "delete" if piece.what == "deleted" else piece.after or "withdraw"
        if what not in WHAT and what != "withdraw":
            self._refuse(one.edited, piece, f"'{what}' is no decision; there are accept, reject and delete")
            return
        self.wishes.append(
            Wish(
                item=_item(one.edited),
                what=what,
                about="use",
                why=DELETED if piece.what == "deleted" else None,
                based_on=one.edited.seen.get("decision_id"),
                decided_ns=one.edited.at_ns,
                author=author,
            )
        )
        one.pieces.append(piece)

    def _part(self, one: _Taken, piece: Piece, author: str) -> None:
        recording = one.edited.recording_id
        wish = Wish(
            item=(recording, None, None),
            what="request_split" if piece.after else "withdraw",
            about="split",
            value=piece.after or None,
            based_on=one.edited.seen.get("asked_id"),
            decided_ns=one.edited.at_ns,
            author=author,
        )
        self._parts.setdefault(recording, []).append((one, piece, wish))

    def _ask_for_parts(self) -> None:
        """Ask for a part a recording; pictures that ask for several are refused, all of them."""
        for asked in self._parts.values():
            parts = {wish.value for _, _, wish in asked}
            if len(parts) > 1:
                several = " and ".join(sorted(str(part) for part in parts))
                for one, piece, _ in asked:
                    self._refuse(
                        one.edited, piece, f"its recording is asked for as {several}; a split keeps it whole"
                    )
                continue
            self.wishes.append(asked[0][2])
            for one, piece, _ in asked:
                one.pieces.append(piece)

    def _refuse(self, edited: Edited, piece: Piece, why: str) -> None:
        frame = f"{edited.recording_id}/{edited.stream}/{edited.index}"
        self.refused.append(Refused(frame=frame, what=_said(piece), why=why))


def _item(edited: Edited) -> Item:
    return edited.recording_id, edited.stream, edited.index


def _said(piece: Piece) -> str:
    if piece.what == "tag":
        return f"tag '{piece.name}' {'given' if piece.after else 'taken away'}"
    if piece.what == "label_tag":
        return f"tag '{piece.tag}' {'given to' if piece.after else 'taken from'} a label in {piece.name}"
    if piece.what == "label":
        verb = "drawn" if piece.before is None else "deleted" if piece.after is None else "changed"
        return f"label in {piece.name} {verb}"
    return "picture deleted" if piece.what == "deleted" else f"{piece.name} set to '{piece.after}'"


def _by_action(done: Prepared) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {"created": [], "updated": [], "deleted": []}
    if done.work is not None:
        for event, name in done.work.edited:
            found[event.action].append(name)
    return found
