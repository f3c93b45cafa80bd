"""Takes: what was kept and what was discarded while a recording was made, and which samples that concerns.

The ledger of takes is in the recording; its rows are ``events`` of the kind ``take``; so has the view ``takes``.
A sample belongs to the take in which it reached the recorder, by ``t_log_ns``, whatever its own clock says.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rushes.live import Take
from rushes.store import Store
from rushes.store.schemas import table_schema

DISCARD = "discard"
_COLUMNS = ("recording_id", "stream", "index", "t_ns", "t_end_ns", "t_log_ns", "label", "value")
_NEVER = np.iinfo(np.int64).max
Numbers = npt.NDArray[np.int64]


def takes_of(store: Store) -> dict[str, list[Take]]:
    """Give the takes by recording, in the order of their numbers; one without a noted end has none here."""
    newest: dict[tuple[str, str, int], tuple[tuple[int, int], Take]] = {}
    for row in store.table("events", columns=_COLUMNS, where={"kind": "take"}).to_pylist():
        if not (row["label"] or "").isdecimal():
            continue
        said = json.loads(row["value"] or "{}")
        made = Take(
            number=int(row["label"]),
            start_ns=row["t_ns"],
            end_ns=None if said.get("open") else row["t_end_ns"],
            verdict="discard" if said.get("verdict") == DISCARD else "keep",
            retake_of=said.get("retake_of"),
            why=said.get("why") or "",
        )
        key, age = (row["recording_id"], row["stream"], made.number), (row["t_log_ns"] or 0, row["index"])
        if key not in newest or age > newest[key][0]:
            newest[key] = age, made
    found: defaultdict[str, list[Take]] = defaultdict(list)
    for (recording_id, _, _), (_, made) in sorted(newest.items(), key=lambda item: item[0]):
        found[recording_id].append(made)
    return dict(found)


class Discarded:
    """The samples of discarded takes; times are read when a stream is asked for.

    Args:
        store: Of the dataset; None for one without takes.
        taken_in: Ids of recordings that somebody accepted as a whole: nothing of them is left out.
    """

    def __init__(self, store: Store | None, *, taken_in: Collection[str] = ()) -> None:
        self._store = store
        ledger = {} if store is None else takes_of(store)
        spans = {
            recording_id: tuple(take for take in every if take.verdict == DISCARD)
            for recording_id, every in ledger.items()
            if recording_id not in taken_in
        }
        self._takes: Mapping[str, Sequence[Take]] = {key: found for key, found in spans.items() if found}
        self._kept = {
            recording_id for recording_id in spans if len(spans[recording_id]) < len(ledger[recording_id])
        }
        self._numbers: dict[tuple[str, str], Numbers] = {}
        self._streams: dict[str, dict[str, tuple[str, str]]] = {}

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._takes)

    def of(self, recording_id: str) -> Sequence[Take]:
        """Give the discarded takes of a recording, in the order of their numbers."""
        return self._takes.get(recording_id, ())

    def numbers(self, recording_id: str, stream: str) -> Numbers:
        """Give the number of the discarded take that each sample is in, by index; 0 where it is in none.

        Empty for a stream whose samples have no time of arrival.
        """
        key = (recording_id, stream)
        if key not in self._numbers:
            self._numbers[key] = self._of_stream(recording_id, stream)
        return self._numbers[key]

    def number(self, recording_id: str, stream: str, index: int) -> int | None:
        """Give the number of the discarded take that a sample is in; None where it is in none."""
        if recording_id not in self._takes:
            return None
        found = self.numbers(recording_id, stream)
        return int(found[index]) or None if 0 <= index < len(found) else None

    def whole(self, recording_id: str) -> bool:
        """Tell whether all pictures of a recording are in discarded takes; without any, whether all takes are."""
        if recording_id not in self._takes:
            return False
        streams = [name for name, (table, _) in self._tables(recording_id).items() if table == "frames"]
        found = [numbers for name in streams if len(numbers := self.numbers(recording_id, name))]
        return all(numbers.all() for numbers in found) if found else recording_id not in self._kept

    def frames(self, recordings: Collection[str] | None = None) -> dict[str, dict[int, int]]:
        """Count the pictures of each discarded take, by recording and number."""
        counts: dict[str, dict[int, int]] = {}
        for recording_id in self._takes if recordings is None else self._takes.keys() & set(recordings):
            mine = counts.setdefault(recording_id, {take.number: 0 for take in self._takes[recording_id]})
            for name, (table, _) in self._tables(recording_id).items():
                if table == "frames":
                    numbers, amounts = np.unique(self.numbers(recording_id, name), return_counts=True)
                    for number, amount in zip(numbers.tolist(), amounts.tolist(), strict=True):
                        if number:
                            mine[number] += amount
        return counts

    def samples(self, recording_id: str) -> int:
        """Count the samples of a recording, of all streams, that are in discarded takes."""
        if recording_id not in self._takes:
            return 0
        return sum(int((self.numbers(recording_id, name) > 0).sum()) for name in self._tables(recording_id))

    def stretches(self, recording_id: str, stream: str, first: int, end: int) -> list[tuple[int, int]]:
        """Give what is left of the samples ``first`` up to ``end`` as stretches, ends not included."""
        if recording_id not in self._takes or first >= end:
            return [(first, end)] if first < end else []
        left = self.numbers(recording_id, stream)[first:end] == 0
        if len(left) < end - first:
            return [(first, end)]
        borders = np.flatnonzero(np.diff(np.concatenate([[False], left, [False]]).astype(np.int8))) + first
        return [(int(a), int(b)) for a, b in borders.reshape(-1, 2)]

    def _tables(self, recording_id: str) -> dict[str, tuple[str, str]]:
        """Give table and clock of every stream of a recording."""
        if recording_id not in self._streams:
            assert self._store is not None
            columns = ["stream", "table", "clock"]
            rows = self._store.table("streams", columns=columns, where={"recording_id": recording_id}).to_pylist()
            self._streams[recording_id] = {row["stream"]: (row["table"], row["clock"]) for row in rows}
        return self._streams[recording_id]

    def _of_stream(self, recording_id: str, stream: str) -> Numbers:
        table, clock = self._tables(recording_id).get(stream, ("", ""))
        if not table or "t_log_ns" not in table_schema(table).kinds:
            return np.zeros(0, np.int64)
        assert self._store is not None
        where = {"recording_id": recording_id, "stream": stream}
        rows = self._store.table(table, columns=["index", "t_ns", "t_log_ns"], where=where).sort_by("index")
        times = rows["t_log_ns"]
        if times.null_count:
            if clock != "log":
                return np.zeros(len(rows), np.int64)
            times = rows["t_ns"]
        return within(self.of(recording_id), times.to_numpy())


NOTHING = Discarded(None)
"""No take was discarded."""


def within(takes: Sequence[Take], log_ns: npt.NDArray[np.int64]) -> Numbers:
    """Give the number of the take that each time is in, of several the lowest; 0 where it is in none."""
    found: Numbers = np.zeros(len(log_ns), np.int64)
    for take in sorted(takes, key=lambda one: -one.number):
        end = _NEVER if take.end_ns is None else take.end_ns
        found[(log_ns >= take.start_ns) & (log_ns < end)] = take.number
    return found
