"""Reads chosen fields of thousands of messages at once, by walking their layout with arrays of positions.

All messages of a block are walked together: a position is one number while the layout is the same for all, and an
array once a string or sequence has different lengths. CDR aligns each number to its size, counted from behind the
four encapsulation bytes, which also tell the byte order; ROS 1 packs without gaps, little endian.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.readers._messages.block import MessageBlock
from rushes.readers._messages.definition import Kind, Many, Number, Record, Text

Wire = Literal["cdr", "ros1"]
Position: TypeAlias = "int | npt.NDArray[np.int64]"
Indices: TypeAlias = npt.NDArray[np.int64]

NEAR = 256
"""Chosen numbers that lie no further apart are fetched in one go, bytes: a fetch costs by number, not by size."""

EVEN = 512
"""Stretches of equally spaced messages that have about so many, on average, are worth a view each."""

_ORDERS = {0: ">", 1: "<"}  # CDR_BE, CDR_LE of the DDS-RTPS specification, table 10.3
_SHORT, _LONG = "ends before its type does", "longer than its type"
MISFITS = (_SHORT, _LONG)
"""The reasons for refusal that speak of a wrong definition, or of damage."""
_SLACK = 3  # RTPS pads a payload to a multiple of four


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """Chosen fields of the messages that could be read.

    Args:
        rows: Shape (n,). Which messages of the block (of an array: which message each item is from), ascending.
        numbers: By path; shape (n,), or (n, k) for arrays of fixed length; native byte order.
        spans: By path, for strings and sequences of numbers: first byte in the buffer, number of bytes.
        swapped: Shape (n,). Whether the message is big endian, for those who read spans of numbers.
        refused: Messages that do not fit their definition: how many, by reason.
    """

    rows: Indices
    numbers: dict[str, npt.NDArray[Any]]
    spans: dict[str, tuple[Indices, Indices]]
    swapped: npt.NDArray[np.bool_]
    refused: dict[str, int] = field(default_factory=dict)


class LayoutError(Exception):
    """A chosen field is not in the definition, or lies behind something that has no layout."""


def has(record: Record, path: str) -> bool:
    """Tell whether a type has the field."""
    kind: Kind | None = record
    for name in path.split("."):
        kind = dict(kind.fields).get(name) if isinstance(kind, Record) else None
    return kind is not None


def read(record: Record, block: MessageBlock, wanted: Collection[str], *, wire: Wire) -> Fields:
    """Read the fields at the paths ``wanted``, such as ``header.stamp.sec``.

    Raises:
        LayoutError: If a path cannot be reached by layout alone.
    """
    return _read(block, wire, lambda walk: _whole(walk, record, frozenset(wanted)))


def read_front(record: Record, block: MessageBlock, wanted: Collection[str], *, wire: Wire) -> Fields:
    """Read fields of the first field of a type, whatever follows it.

    Raises:
        LayoutError: As in :func:`read`.
    """
    front = Record(record.fields[:1])
    return _read(block, wire, lambda walk: _front(walk, front, frozenset(wanted)))


def check(record: Record, wanted: Collection[str], *, wire: Wire) -> None:
    """Make sure that :func:`read` will find the fields in any message.

    Raises:
        LayoutError: If it will not.
    """
    read(record, nothing(), wanted, wire=wire)


def nothing() -> MessageBlock:
    """Give a block without messages."""
    none = np.zeros(0, np.int64)
    return MessageBlock(
        log_ns=none,
        publish_ns=None,
        seq=None,
        buffer=np.zeros(0, np.uint8),
        start=none,
        length=none,
        media_id="",
        block=None,
        place=none,
    )


def read_items(record: Record, block: MessageBlock, array: str, wanted: Collection[str], *, wire: Wire) -> Fields:
    """Read fields of each item of the sequence of records that is the first field of a type, in order.

    Raises:
        LayoutError: As in :func:`read`, or if the first field is no such sequence.
    """
    name, kind = record.fields[0] if record.fields else ("", record)
    if name != array or not isinstance(kind, Many) or kind.count is not None or not isinstance(kind.item, Record):
        raise LayoutError(f"the first field is no sequence '{array}'")
    item = kind.item
    return _read(block, wire, lambda walk: _items(walk, item, frozenset(wanted)))


def gather(buffer: npt.NDArray[np.uint8], at: Indices, size: int) -> npt.NDArray[np.void]:
    """Copy ``size`` bytes from each place; every place must lie inside."""
    window: npt.NDArray[np.void] = np.ndarray(
        (len(buffer) - size + 1,), dtype=f"V{size}", buffer=buffer, strides=(1,)
    )
    return window[at]


@dataclass(frozen=True, slots=True)
class Run:
    """Places that are equally far apart: numbers ``begin`` to ``end`` (not included), the first at ``at``."""

    begin: int
    end: int
    at: int
    step: int


def even_runs(at: Indices) -> list[Run]:
    """Split places into stretches that are equally far apart; none where there would be many.

    What is laid out evenly is read through a view, which needs no index for each place and lets the processor
    fetch ahead: twice as fast.
    """
    if len(at) < EVEN:
        return []
    steps = np.diff(at)
    changes = np.flatnonzero(steps[1:] != steps[:-1])
    if len(changes) > 2 * len(at) // EVEN:
        return []
    begins = [0]
    for change in changes.tolist():
        if change >= begins[-1]:  # the jump from one stretch to the next changes the step twice
            begins.append(change + 2)
    begins = [begin for begin in begins if begin < len(at)]
    firsts = at[begins].tolist()
    runs = []
    for begin, end, first in zip(begins, [*begins[1:], len(at)], firsts, strict=True):
        runs.append(Run(begin, end, first, int(steps[begin]) if end - begin > 1 else 0))
    return runs


def typed(
    buffer: npt.NDArray[np.uint8], at: Indices, dtype: np.dtype[Any], runs: Sequence[Run] = ()
) -> npt.NDArray[Any]:
    """Copy one number, or record, from each place; every place must lie inside.

    Args:
        runs: What :func:`even_runs` said of places that are all equally far from ``at``.
    """
    if not runs:
        window: npt.NDArray[Any] = np.ndarray((len(buffer) - dtype.itemsize + 1,), dtype, buffer, strides=(1,))
        return window[at]
    values = np.empty(len(at), dtype)
    moved = int(at[0]) - runs[0].at
    for run in runs:
        values[run.begin : run.end] = np.ndarray(
            (run.end - run.begin,), dtype, buffer, run.at + moved, (run.step,)
        )
    return values


class _ShortError(Exception):
    def __init__(self, bad: npt.NDArray[np.bool_], reason: str) -> None:
        self.bad, self.reason = bad, reason


@dataclass(slots=True)
class _Part:
    """What one walk found, in the order of its messages."""

    rows: Indices
    numbers: dict[str, npt.NDArray[Any]]
    spans: dict[str, tuple[Indices, Indices]]


def _read(block: MessageBlock, wire: Wire, step: Any) -> Fields:
    refused: dict[str, int] = {}
    parts: list[tuple[_Part, bool]] = []
    runs = even_runs(block.start)
    for rows, order in _by_order(block, wire, refused, runs):
        while len(rows):
            walk = _Walk(block, rows, order, wire, runs)
            try:
                parts.append((step(walk), order == ">"))
                break
            except _ShortError as short:
                refused[short.reason] = refused.get(short.reason, 0) + int(short.bad.sum())
                rows = rows[~short.bad]
        else:
            parts.append((step(_Walk(block, rows, order, wire)), order == ">"))
    if not parts:
        parts.append((step(_Walk(block, np.zeros(0, np.int64), "<", wire)), False))
    return _join(parts, refused)


def _by_order(
    block: MessageBlock, wire: Wire, refused: dict[str, int], runs: Sequence[Run]
) -> Iterator[tuple[Indices, str]]:
    everything: Indices = np.arange(len(block), dtype=np.int64)
    if wire == "ros1":
        yield everything, "<"
        return
    long_enough = block.length >= 4
    if not long_enough.all():
        refused["too short"] = int((~long_enough).sum())
        everything, runs = everything[long_enough], ()
    if runs:
        kinds = typed(block.buffer, block.start + 1, np.dtype(np.uint8), runs)
    else:
        kinds = block.buffer[block.start[everything] + 1]
    if (kinds == 1).all():
        if len(everything):
            yield everything, "<"
        return
    for kind in np.unique(kinds).tolist():
        rows = everything[kinds == kind]
        if kind in _ORDERS:
            yield rows, _ORDERS[kind]
        else:
            refused[f"encapsulation {kind}"] = len(rows)


def _join(parts: list[tuple[_Part, bool]], refused: dict[str, int]) -> Fields:
    if len(parts) == 1:
        part, big = parts[0]
        swapped = np.full(len(part.rows), big)
        return Fields(rows=part.rows, numbers=part.numbers, spans=part.spans, swapped=swapped, refused=refused)
    rows = np.concatenate([part.rows for part, _ in parts])
    order = np.argsort(rows, kind="stable")
    first = parts[0][0]
    numbers = {key: np.concatenate([part.numbers[key] for part, _ in parts])[order] for key in first.numbers}
    spans = {
        key: (
            np.concatenate([part.spans[key][0] for part, _ in parts])[order],
            np.concatenate([part.spans[key][1] for part, _ in parts])[order],
        )
        for key in first.spans
    }
    swapped = np.concatenate([np.full(len(part.rows), big) for part, big in parts])[order]
    return Fields(rows=rows[order], numbers=numbers, spans=spans, swapped=swapped, refused=refused)


def _whole(walk: "_Walk", record: Record, wanted: frozenset[str]) -> _Part:
    walk.record(record, "", wanted)
    walk.at_end()
    return _found(walk, wanted)


def _front(walk: "_Walk", record: Record, wanted: frozenset[str]) -> _Part:
    walk.record(record, "", wanted)
    return _found(walk, wanted)


def _found(walk: "_Walk", wanted: frozenset[str]) -> _Part:
    walk.fetch()
    missing = wanted - walk.numbers.keys() - walk.spans.keys()
    if missing:
        raise LayoutError(f"no field {', '.join(sorted(missing))}")
    return _Part(walk.rows, walk.numbers, walk.spans)


def _items(walk: "_Walk", item: Record, wanted: frozenset[str]) -> _Part:
    counts = walk.length_word()
    if (counts > walk.length).any():  # no item is smaller than a byte
        raise _ShortError(counts > walk.length, _SHORT)
    parts: list[_Part] = []
    active: Indices = np.arange(len(walk.rows), dtype=np.int64)
    place: Position = walk.position
    turn = 0
    while True:
        still = counts[active] > turn
        if turn and not still.any():
            break
        if isinstance(place, np.ndarray):
            place = place[still]
        active = active[still]
        step = _Walk(walk.block, walk.rows[active], walk.order, walk.wire)
        step.position = place
        try:
            step.record(item, "", wanted)
        except _ShortError as short:
            bad = np.zeros(len(walk.rows), np.bool_)
            bad[active[short.bad]] = True
            raise _ShortError(bad, short.reason) from short
        parts.append(_found(step, wanted))
        place = step.position
        turn += 1
    return parts[0] if len(parts) == 1 else _stack(parts)


def _stack(parts: list[_Part]) -> _Part:
    joined = _join([(part, False) for part in parts], {})
    return _Part(joined.rows, joined.numbers, joined.spans)


class _Walk:
    """A position in each of some messages, moved over the fields; notes what is to be fetched."""

    def __init__(
        self, block: MessageBlock, rows: Indices, order: str, wire: Wire, runs: Sequence[Run] = ()
    ) -> None:
        self.block, self.rows, self.order, self.wire = block, rows, order, wire
        whole = len(rows) == len(block)
        self.start = block.start if whole else block.start[rows]
        self.length = block.length if whole else block.length[rows]
        self.shortest = int(self.length.min()) if len(rows) else 1 << 62
        self.runs = runs if whole else []
        self.origin = 4 if wire == "cdr" else 0
        self.position: Position = self.origin
        self.numbers: dict[str, npt.NDArray[Any]] = {}
        self.spans: dict[str, tuple[Indices, Indices]] = {}
        self._later: list[tuple[str, str, int, int]] = []  # path, dtype, position, size

    def record(self, record: Record, prefix: str, wanted: frozenset[str]) -> None:
        if not record.fields and self.wire == "cdr":
            self.skip(1, 1)  # IDL has no empty struct: a placeholder byte stands for it
        for name, kind in record.fields:
            self.kind(kind, prefix + name, wanted)

    def kind(self, kind: Kind, path: str, wanted: frozenset[str]) -> None:
        if isinstance(kind, Number):
            self.number(kind, 1, path, wanted)
        elif isinstance(kind, Record):
            self.record(kind, path + ".", wanted)
        elif isinstance(kind, Text):
            self.text(path, wanted)
        elif isinstance(kind, Many):
            self.many(kind, path, wanted)
        else:
            raise LayoutError(kind.reason)

    def number(self, kind: Number, count: int, path: str, wanted: frozenset[str]) -> None:
        at = self.skip(kind.size, kind.size * count)
        if f"{path}.0" in wanted:  # the first item alone
            path, count = f"{path}.0", 1
        if path not in wanted:
            return
        dtype = f"{self.order}{kind.dtype}" if count == 1 else f"({count},){self.order}{kind.dtype}"
        if isinstance(at, int):
            self._later.append((path, dtype, at, kind.size * count))
        else:
            self.numbers[path] = _native(self.fetched(at, np.dtype(dtype)))

    def text(self, path: str, wanted: frozenset[str]) -> None:
        length = self.length_word()
        at = self.skip(1, _one(length))
        if path in wanted:
            body = np.maximum(length - 1, 0) if self.wire == "cdr" else length  # CDR counts the closing zero
            self.spans[path] = (self.start + at, body)

    def many(self, kind: Many, path: str, wanted: frozenset[str]) -> None:
        if isinstance(kind.item, Number):
            if kind.count is not None:
                if kind.count:
                    self.number(kind.item, kind.count, path, wanted)
                return
            counts = self.length_word()
            self.sequence(kind.item, counts, path, wanted)
            return
        if kind.count is None:
            counts = self.length_word()
            if counts.any():
                raise _ShortError(counts > 0, f"'{path}' has items of varying layout")
            return
        for i in range(kind.count):
            self.kind(kind.item, f"{path}.{i}", wanted)

    def sequence(self, item: Number, counts: Indices, path: str, wanted: frozenset[str]) -> None:
        empty = counts == 0
        if not empty.all():  # nothing is aligned where nothing follows
            aligned = self.aligned(item.size)
            self.position = np.where(empty, self.position, aligned) if empty.any() else aligned
        at = self.skip(1, _one(counts * item.size))
        if path in wanted:
            self.spans[path] = (self.start + at, counts * item.size)

    def length_word(self) -> Indices:
        at = self.skip(4, 4)
        return self.fetched(at, np.dtype(f"{self.order}u4")).astype(np.int64)

    def skip(self, align: int, size: Position) -> Position:
        """Move behind the next ``size`` bytes and give where they start."""
        at = self.aligned(align)
        after = at + size
        if isinstance(after, int):
            if after > self.shortest:
                raise _ShortError(self.length < after, _SHORT)
        else:
            over = after > self.length
            if over.any():
                raise _ShortError(over, _SHORT)
        self.position = after
        return at

    def aligned(self, align: int) -> Position:
        """Give where the next item of that alignment starts."""
        at = self.position
        return at + (-(at - self.origin)) % align if self.wire == "cdr" and align > 1 else at

    def at_end(self) -> None:
        """Refuse messages that go on behind their type: their lengths cannot be trusted."""
        slack = _SLACK if self.wire == "cdr" else 0
        longer = self.length > self.position + slack
        if longer.any():
            raise _ShortError(longer, _LONG)

    def fetched(self, at: Position, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
        if not len(self.rows):
            return np.zeros(0, dtype) if dtype.subdtype is None else np.zeros((0, *dtype.shape), dtype.base)
        if dtype.subdtype is None:
            return typed(self.block.buffer, self.start + at, dtype, self.runs if isinstance(at, int) else ())
        raw = gather(self.block.buffer, self.start + at, dtype.itemsize)
        return raw.view(dtype.base).reshape(len(raw), *dtype.shape)

    def fetch(self) -> None:
        """Fetch the numbers that stand at one place in all messages, near ones together."""
        group: list[tuple[str, str, int, int]] = []
        for entry in [*self._later, None]:
            if entry and (not group or entry[2] - (group[-1][2] + group[-1][3]) <= NEAR):
                group.append(entry)
                continue
            if group:
                self._fetch_group(group)
            group = [entry] if entry else []
        self._later = []

    def _fetch_group(self, group: list[tuple[str, str, int, int]]) -> None:
        first = group[0][2]
        size = group[-1][2] + group[-1][3] - first
        record = np.dtype(
            {
                "names": [path for path, *_ in group],
                "formats": [dtype for _, dtype, _, _ in group],
                "offsets": [at - first for _, _, at, _ in group],
                "itemsize": size,
            }
        )
        if self.runs:
            self._copy_runs(record, first)
            return
        if len(self.rows):
            together = gather(self.block.buffer, self.start + first, size).view(record)
        else:
            together = np.zeros(0, record)
        for path, *_ in group:
            self.numbers[path] = _native(together[path])

    def _copy_runs(self, record: np.dtype[Any], first: int) -> None:
        """Copy the fields of a record out of views over each stretch."""
        for path, (dtype, offset, *_) in (record.fields or {}).items():
            number, shape = dtype.base, dtype.shape
            values = self.numbers[path] = np.empty((len(self.rows), *shape), number.newbyteorder("="))
            inner = (number.itemsize,) if shape else ()
            for run in self.runs:
                values[run.begin : run.end] = np.ndarray(
                    (run.end - run.begin, *shape),
                    number,
                    self.block.buffer,
                    run.at + first + offset,
                    (run.step, *inner),
                )


def _native(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.ascontiguousarray(values, dtype=values.dtype.newbyteorder("="))


def _one(values: Indices) -> Position:
    """Give one number where all are equal."""
    if not len(values):
        return 0
    first = int(values[0])
    return first if (values == first).all() else values
