"""Decisions and tags: what people say of recordings and frames, kept with who and when; the newest stands.

A person who decides has seen what stood then. Where another decision of another meaning has come to stand
meanwhile, the new one is kept as contested and does not stand: it is told, and a later decision settles it.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from rushes import registry
from rushes.errors import UsageError
from rushes.labels import digest_of
from rushes.store import Store
from rushes.store.transaction import Transaction
from rushes.workflow._annotate.turns import turn
from rushes.workflow.annotate_edit import author_of

Item: TypeAlias = tuple[str, str | None, int | None]
"""Recording, stream and index of a frame; stream and index are None for a whole recording."""
About = Literal["use", "split"]
Source = Literal["app", "command"]
WHAT: Mapping[str, About] = {"accept": "use", "reject": "use", "delete": "use", "request_split": "split"}
"""What can be decided, and about what it is."""
OUT = ("reject", "delete")
"""Decisions that leave an item out of exports, splits and checks."""
UNSEEN = "?"
"""Stands for "whatever stands now" as the decision that a person has seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One decision; the fields are ``decisions`` columns."""

    decision_id: str
    recording_id: str
    stream: str | None
    index: int | None
    about: About
    what: str
    value: str | None
    why: str | None
    author: str
    source: Source
    decided_ns: int
    stored_ns: int
    based_on: str | None
    contested: bool

    @property
    def item(self) -> Item:
        """What it is about."""
        return self.recording_id, self.stream, self.index

    @property
    def meaning(self) -> tuple[str, str | None]:
        """What two decisions must share to say the same."""
        return self.what, self.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A decision that somebody wants to take.

    Args:
        what: One of ``WHAT``, or withdraw.
        about: Needed for withdraw only.
        value: Part that is asked for, of request_split.
        based_on: Id of the decision that the person saw standing; None where there was none; ``UNSEEN`` where the
            one that stands now is meant.
        decided_ns: When; now, when None.
        author: Who decided; who writes, when None.
    """

    item: Item
    what: str
    about: About | None = None
    value: str | None = None
    why: str | None = None
    based_on: str | None = UNSEEN
    decided_ns: int | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TagWish:
    """A tag to give or to take away; ``given_ns`` None is now, ``author`` None who writes."""

    item: Item
    tag: str
    action: Literal["added", "removed"]
    given_ns: int | None = None
    author: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """The outcome.

    Args:
        taken: Decisions that stand now.
        same: How many said what stands already.
        contested: Decisions that are kept and do not stand.
        tags: How many tags were given or taken away.
        author: Who is noted.
        revision: Of the dataset; the one before where nothing was to do.
    """

    taken: Sequence[Decision] = ()
    same: int = 0
    contested: Sequence[Decision] = ()
    tags: int = 0
    author: str = ""
    revision: int = 0


def standing(store: Store) -> dict[tuple[Item, About], Decision]:
    """Give the decisions that stand, by what they are about.

    Raises:
        StoreError: If the dataset is damaged.
    """
    return fold(_all(store))


def fold(rows: Iterable[Decision]) -> dict[tuple[Item, About], Decision]:
    """Say which decisions stand, as the view ``decided`` does."""
    newest: dict[tuple[Item, About], Decision] = {}
    for one in sorted(rows, key=lambda row: (row.stored_ns, row.decision_id)):
        if not one.contested:
            newest[one.item, one.about] = one
    return {key: one for key, one in newest.items() if one.what != "withdraw"}


def disputed(store: Store) -> list[Decision]:
    """Give the contested decisions that no later one has settled, oldest first."""
    every = sorted(_all(store), key=lambda row: (row.stored_ns, row.decision_id))
    settled = {(one.item, one.about): one.stored_ns for one in every if not one.contested}
    return [one for one in every if one.contested and one.stored_ns > settled.get((one.item, one.about), -1)]


def requested_parts(store: Store) -> dict[str, Decision]:
    """Give the part that stands asked for, by recording."""
    return {item[0]: one for (item, about), one in standing(store).items() if about == "split"}


def tags_of(store: Store) -> dict[Item, list[str]]:
    """Give the tags that people gave, by item; in alphabetical order."""
    found: dict[Item, list[str]] = {}
    for item, tag in sorted(_tagged(store), key=lambda pair: pair[1]):
        found.setdefault(item, []).append(tag)
    return found


def decide(
    path: Path,
    wishes: Sequence[Wish],
    *,
    tags: Sequence[TagWish] = (),
    author: str | None = None,
    source: Source = "command",
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Decided:
    """Take decisions and give tags, as one revision.

    Raises:
        UsageError: ``decision.what``, ``decision.no-such-item``, ``decision.part``, ``decision.tag``.
        ToolError: ``annotate.busy``.
        StoreError: If the dataset cannot be opened or written.
    """
    with turn(path):
        store = Store.open(path)
        demand(store, wishes, tags)
        done = judge(store, wishes, tags, author=author_of(author), source=source)
        if dry_run or not done.rows:
            return done.told(store.revision)
        with store.begin("decide", argv=argv) as transaction:
            done.put(transaction)
            return done.told(transaction.commit(done.figures).revision)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """Decisions and tags that are ready to be stored."""

    decisions: Sequence[Decision]
    tags: Sequence[Mapping[str, Any]]
    same: int
    author: str

    @property
    def rows(self) -> int:
        """How many rows there are to write."""
        return len(self.decisions) + len(self.tags)

    @property
    def figures(self) -> dict[str, int]:
        """What the log says of it."""
        contested = sum(one.contested for one in self.decisions)
        return {"decisions": len(self.decisions) - contested, "contested": contested, "tags": len(self.tags)}

    def put(self, transaction: Transaction) -> None:
        """Add the rows to a transaction."""
        names = Decision.__dataclass_fields__
        transaction.append(
            "decisions",
            len(self.decisions),
            {name: [getattr(one, name) for one in self.decisions] for name in names} if self.decisions else {},
        )
        keys = self.tags[0].keys() if self.tags else ()
        transaction.append("tags", len(self.tags), {name: [row[name] for row in self.tags] for name in keys})

    def told(self, revision: int) -> Decided:
        """Give the outcome."""
        return Decided(
            taken=[one for one in self.decisions if not one.contested],
            same=self.same,
            contested=[one for one in self.decisions if one.contested],
            tags=len(self.tags),
            author=self.author,
            revision=revision,
        )


def judge(store: Store, wishes: Sequence[Wish], tags: Sequence[TagWish], *, author: str, source: Source) -> Judged:
    """Hold wishes against what stands; who calls holds the dataset's turn.

    A wish that says what stands already makes no row, so that the same wishes can come again after a crash. A
    contested one that is there already makes none either.
    """
    every = _all(store)
    now = fold(every)
    latest = {(one.item, one.about): one for one in sorted(every, key=lambda one: one.stored_ns)}
    kept = {(one.item, one.about, one.meaning, one.based_on, one.author) for one in every if one.contested}
    made: list[Decision] = []
    same = 0
    for wish in wishes:
        about = wish.about or WHAT[wish.what]
        there = now.get((wish.item, about))
        stands = there.decision_id if there is not None else None
        seen = stands if wish.based_on == UNSEEN else wish.based_on
        meaning = (wish.what, wish.value)
        if (there is None and wish.what == "withdraw") or (there is not None and there.meaning == meaning):
            same += 1
            continue
        contested = seen != stands
        who = wish.author or author
        if contested and (wish.item, about, meaning, seen, who) in kept:
            same += 1
            continue
        before = latest.get((wish.item, about))
        stored = max(time.time_ns(), before.stored_ns + 1 if before else 0)
        recording, stream, index = wish.item
        one = Decision(
            decision_id=digest_of("decision", recording, stream, index, about, who, stored, len(made)),
            recording_id=recording,
            stream=stream,
            index=index,
            about=about,
            what=wish.what,
            value=wish.value,
            why=wish.why,
            author=who,
            source=source,
            decided_ns=wish.decided_ns or stored,
            stored_ns=stored,
            based_on=seen,
            contested=contested,
        )
        made.append(one)
        latest[wish.item, about] = one
        if not contested:
            now[wish.item, about] = one
            if wish.what == "withdraw":
                del now[wish.item, about]
    return Judged(decisions=made, tags=_tag_rows(store, tags, author, source), same=same, author=author)


def demand(store: Store, wishes: Iterable[Wish], tags: Iterable[TagWish]) -> None:
    """Refuse what cannot be decided, before anything is written.

    Raises:
        UsageError: ``decision.what``, ``decision.no-such-item``, ``decision.part``, ``decision.tag``.
    """
    items = set()
    for wish in wishes:
        items.add(wish.item)
        if wish.what not in WHAT and not (wish.what == "withdraw" and wish.about):
            near = registry.close_to(wish.what, WHAT)
            raise UsageError(
                f"'{wish.what}' cannot be decided",
                code="decision.what",
                hint=f"did you mean '{near}'?" if near else f"there are {', '.join(WHAT)}",
            )
        if wish.what == "request_split" and (not (wish.value or "").strip() or wish.item[1] is not None):
            raise UsageError(
                "a part is asked for a whole recording, by its name",
                code="decision.part",
                hint="name the recording, and a part such as test; a split keeps recordings whole",
            )
    for one in tags:
        items.add(one.item)
        if not one.tag.strip():
            raise UsageError("a tag needs a name", code="decision.tag", hint="write a word, such as 'look again'")
    absent = sorted(items - present(store, items), key=str)
    if absent:
        raise UsageError(
            f"{store.path} has no {said(absent[0])}",
            code="decision.no-such-item",
            hint="name a recording by its id or name, or a frame as RECORDING/STREAM/INDEX",
        )


def present(store: Store, items: Iterable[Item]) -> set[Item]:
    """Give those of some items that the dataset has."""
    wanted = set(items)
    rows = store.table("recordings", columns=["recording_id"]).column(0).to_pylist()
    found: set[Item] = {item for item in wanted if item[1] is None and item[0] in set(rows)}
    streams: dict[tuple[str, str], list[int]] = {}
    for recording, stream, index in wanted:
        if stream is not None and index is not None:
            streams.setdefault((recording, stream), []).append(index)
    for (recording, stream), indexes in streams.items():
        where = {"recording_id": recording, "stream": stream}
        there = set(store.table("frames", columns=["index"], where=where).column(0).to_pylist())
        found |= {(recording, stream, index) for index in indexes if index in there}
    return found


def said(item: Item) -> str:
    """Name an item as a person does."""
    recording, stream, index = item
    return f"recording '{recording}'" if stream is None else f"frame '{recording}/{stream}/{index}'"


def _all(store: Store) -> list[Decision]:
    return [Decision(**row) for row in store.table("decisions").to_pylist()]


def _tagged(store: Store) -> set[tuple[Item, str]]:
    newest: dict[tuple[Item, str], tuple[int, str]] = {}
    columns = ["recording_id", "stream", "index", "tag", "action", "stored_ns"]
    for row in store.table("tags", columns=columns).to_pylist():
        key = (row["recording_id"], row["stream"], row["index"]), row["tag"]
        newest[key] = max(newest.get(key, (-1, "")), (row["stored_ns"], row["action"]))
    return {key for key, (_, action) in newest.items() if action == "added"}


def _tag_rows(store: Store, wishes: Iterable[TagWish], author: str, source: Source) -> list[dict[str, Any]]:
    there = _tagged(store) if wishes else set()
    stored = max([time.time_ns(), *(1 + at for at in _last_tags(store))]) if wishes else 0
    rows = []
    for wish in wishes:
        key = (wish.item, wish.tag)
        if (key in there) == (wish.action == "added"):
            continue
        (there.add if wish.action == "added" else there.discard)(key)
        recording, stream, index = wish.item
        rows.append(
            {
                "recording_id": recording,
                "stream": stream,
                "index": index,
                "tag": wish.tag,
                "action": wish.action,
                "author": wish.author or author,
                "source": source,
                "given_ns": wish.given_ns or stored,
                "stored_ns": stored,
            }
        )
    return rows


def _last_tags(store: Store) -> list[int]:
    found: list[int] = store.table("tags", columns=["stored_ns"]).column(0).to_pylist()
    return [max(found)] if found else []
