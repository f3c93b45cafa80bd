"""What a person changed of one sample in the App: two versions of its document, piece by piece.

A piece is the smallest thing that is kept, taken over or refused by itself: a tag, a field's value, one label, a
label's tag. What is null and what is absent are the same; so are two numbers that are none.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal, TypeAlias

import bson

Document: TypeAlias = dict[str, Any]
What = Literal["tag", "field", "label", "label_tag", "deleted", "other"]

EDITABLE = ("split", "decision")
"""Fields whose values a person may change; a change of another has no place in the dataset."""
INNER: Mapping[str, str] = {
    "Detections": "detections",
    "Polylines": "polylines",
    "Keypoints": "keypoints",
    "Classifications": "classifications",
}
"""FiftyOne's classes of fields of labels, and the key that holds the labels."""
_OURS = frozenset(
    {
        *("_id", "_rand", "_media_type", "_dataset_id", "created_at", "last_modified_at"),
        *("filepath", "metadata", "group", "tags"),
        "uniqueness",  # worked out of the embeddings after the load
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """One change.

    Args:
        what: tag; field; label; label_tag: a tag of a label that was there before; deleted: the whole sample;
            other: something that has no place in the dataset.
        name: The tag, or the field.
        element: Id of a label in the App.
        container: FiftyOne's class of a field of labels.
        tag: Of a label.
        before: As it was loaded: of a tag whether it was there, of a label its document; None where none was.
        after: As it is now, likewise.
        of: The document of the label that is tagged, as it was loaded.
    """

    what: What
    name: str = ""
    element: str = ""
    container: str = ""
    tag: str = ""
    before: Any = None
    after: Any = None
    of: Any = None

    @property
    def key(self) -> str:
        """Name the place that is changed, among those of the sample."""
        return "\n".join((self.what, self.name, self.element, *([self.tag] if self.tag else [])))

    @property
    def digest(self) -> str:
        """Tell this change from others of the same place."""
        return blake2b(bson.encode({"a": self.before, "b": self.after}), digest_size=12).hexdigest()


def pieces(seen: Mapping[str, Any], now: Mapping[str, Any] | None) -> list[Piece]:
    """Give what differs between a document as it was loaded and as it is; None: it was deleted."""
    if now is None:
        return [Piece(what="deleted", before=True)]
    had, has = set(seen.get("tags") or ()), set(now.get("tags") or ())
    found = [Piece(what="tag", name=tag, before=tag in had, after=tag in has) for tag in sorted(had ^ has)]
    for name in sorted({*seen, *now} - _OURS):
        before, after = seen.get(name), now.get(name)
        if alike(before, after):
            continue
        container = _container(before) or _container(after)
        if name in EDITABLE:
            found.append(Piece(what="field", name=name, before=before, after=after))
        elif container and _container(before) in (None, container) and _container(after) in (None, container):
            found += _labels(name, container, before, after)
        else:
            found.append(Piece(what="other", name=name, before=before, after=after))
    return found


def put(document: Document, piece: Piece, value: Any) -> None:
    """Set the place of a piece to ``value``, which is its ``before`` or its ``after``; the document is changed."""
    assert piece.what != "deleted", "a deleted sample has no document"
    if piece.what == "tag":
        rest = [tag for tag in document.get("tags") or () if tag != piece.name]
        document["tags"] = [*rest, piece.name] if value else rest
    elif piece.what in ("label", "label_tag"):
        inner = INNER[piece.container]
        held = document.get(piece.name) or {"_cls": piece.container, inner: []}
        elements = list(held.get(inner) or ())
        place = next((at for at, each in enumerate(elements) if _name(each) == piece.element), len(elements))
        there = elements[place] if place < len(elements) else None
        wanted = _tagged(there or piece.of, piece.tag, value) if piece.what == "label_tag" else value
        if piece.what == "label" and value is not None and there is not None:
            wanted = {**value, "tags": there.get("tags") or []}  # tags are pieces of their own
        elements[place : place + 1] = [] if wanted is None else [wanted]
        document[piece.name] = {**held, inner: elements}
    elif value is None:
        document.pop(piece.name, None)
    else:
        document[piece.name] = value


def alike(a: Any, b: Any) -> bool:
    """Say whether two values mean the same to a person."""
    if a is b or (a != a and b != b):
        return True
    if isinstance(a, dict) or isinstance(b, dict):
        left, right = a or {}, b or {}
        if not (isinstance(left, dict) and isinstance(right, dict)):
            return False
        if (not left or not right) and _empty(left or right):
            return True
        return all(alike(left.get(key), right.get(key)) for key in {*left, *right})
    if isinstance(a, list) or isinstance(b, list):
        first, second = a or [], b or []
        if not (isinstance(first, list) and isinstance(second, list)) or len(first) != len(second):
            return False
        return all(alike(x, y) for x, y in zip(first, second, strict=True))
    return bool(a == b)


def _empty(value: Mapping[str, Any]) -> bool:
    """Say whether it is a field of labels without any."""
    container = _container(value)
    return container is not None and not value.get(INNER[container])


def _container(value: Any) -> str | None:
    name = value.get("_cls") if isinstance(value, dict) else None
    return name if name in INNER else None


def _labels(name: str, container: str, before: Any, after: Any) -> Iterator[Piece]:
    """Give labels that differ, each followed by its tags; those of a new or a deleted one are part of it."""
    had = {_name(each): each for each in (before or {}).get(INNER[container]) or ()}
    has = {_name(each): each for each in (after or {}).get(INNER[container]) or ()}
    for element in {**had, **has}:
        was, now = had.get(element), has.get(element)
        if not (was and now):
            yield Piece(what="label", name=name, element=element, container=container, before=was, after=now)
            continue
        drawn = {**now, "tags": was.get("tags") or []}
        if not alike(was, drawn):
            yield Piece(what="label", name=name, element=element, container=container, before=was, after=drawn)
        old, new = set(was.get("tags") or ()), set(now.get("tags") or ())
        for tag in sorted(old ^ new):
            yield Piece(
                what="label_tag",
                name=name,
                element=element,
                container=container,
                tag=tag,
                before=tag in old,
                after=tag in new,
                of=was,
            )


def _tagged(element: Mapping[str, Any], tag: str, there: bool) -> Document:
    rest = [each for each in element.get("tags") or () if each != tag]
    return {**element, "tags": [*rest, tag] if there else rest}


def _name(element: Mapping[str, Any]) -> str:
    return str(element.get("_id"))
