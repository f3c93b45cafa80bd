"""Tags of labels: what people called a label on a frame, kept with who and when; the newest row of a tag counts.

A tag says something of the label, such as *check this*. It is no part of it, makes no version of it, and goes to
no export. Tags of frames and recordings are in :mod:`~rushes.workflow.decisions`.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from rushes.store import Store
from rushes.store.transaction import Transaction

Place: TypeAlias = tuple[str, str, str, int]
"""Label, recording, stream and index: a label on a frame; of a track there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelTagWish:
    """A tag to give to a label or to take away.

    Args:
        event_id: Version of the label that the person saw; None where that is unknown.
        given_ns: When.
    """

    place: Place
    tag: str
    action: Literal["added", "removed"]
    author: str
    given_ns: int
    event_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTags:
    """Tags that are ready to be stored.

    Args:
        rows: Of the table.
        same: How many wishes said what stands already.
    """

    rows: Sequence[Mapping[str, Any]] = ()
    same: int = 0

    def put(self, transaction: Transaction) -> None:
        """Add the rows to a transaction."""
        names = self.rows[0].keys() if self.rows else ()
        columns = {name: [row[name] for row in self.rows] for name in names}
        transaction.append("label_tags", len(self.rows), columns)


def tags_of_labels(store: Store) -> dict[Place, list[str]]:
    """Give the tags that labels have, by label and frame; in alphabetical order.

    Tags of labels that are gone are among them.
    """
    found: dict[Place, list[str]] = {}
    for place, tag in sorted(_standing(store)):
        found.setdefault(place, []).append(tag)
    return found


def judge(store: Store, wishes: Iterable[LabelTagWish]) -> JudgedTags:
    """Hold wishes against what stands; one that says what stands already makes no row."""
    wishes = list(wishes)
    if not wishes:
        return JudgedTags()
    there = _standing(store)
    last = store.table("label_tags", columns=["stored_ns"]).column(0).to_pylist()
    stored = max([time.time_ns(), *(at + 1 for at in last)])
    rows: list[Mapping[str, Any]] = []
    for wish in wishes:
        key = (wish.place, wish.tag)
        if (key in there) == (wish.action == "added"):
            continue
        (there.add if wish.action == "added" else there.discard)(key)
        label_id, recording_id, stream, index = wish.place
        rows.append(
            {
                "label_id": label_id,
                "recording_id": recording_id,
                "stream": stream,
                "index": index,
                "event_id": wish.event_id,
                "tag": wish.tag,
                "action": wish.action,
                "author": wish.author,
                "source": "app",
                "given_ns": wish.given_ns,
                "stored_ns": stored + len(rows),  # a tag that is given and taken at once has an order
            }
        )
    return JudgedTags(rows=rows, same=len(wishes) - len(rows))


def _standing(store: Store) -> set[tuple[Place, str]]:
    newest: dict[tuple[Place, str], tuple[int, str]] = {}
    columns = ["label_id", "recording_id", "stream", "index", "tag", "action", "stored_ns"]
    for row in store.table("label_tags", columns=columns).to_pylist():
        key = (row["label_id"], row["recording_id"], row["stream"], row["index"]), row["tag"]
        newest[key] = max(newest.get(key, (-1, "")), (row["stored_ns"], row["action"]))
    return {key for key, (_, action) in newest.items() if action == "added"}
