"""What decisions and discarded takes leave out of exports, splits, checks and the App; what was accepted stays."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.store import Store
from rushes.workflow.decisions import OUT, standing
from rushes.workflow.takes import DISCARD, Discarded


@dataclass(frozen=True, slots=True)
class Excluded:
    """What stands rejected or deleted, and what was discarded while it was recorded.

    A frame's own decision counts before its recording's, and either before what was said of its take.
    """

    recordings: Mapping[str, str] = field(default_factory=dict)
    frames: Mapping[tuple[str, str, int], str] = field(default_factory=dict)
    discarded: Discarded | None = None

    def __bool__(self) -> bool:
        """Say whether anything is left out at all."""
        decided = bool(self.recordings) or any(what in OUT for what in self.frames.values())
        return decided or bool(self.discarded)

    def takes(self, recording_id: str, stream: str | None = None, index: int | None = None) -> str | None:
        """Give ``reject``, ``delete`` or ``discard`` where the item is left out, else None."""
        if stream is not None and index is not None:
            own = self.frames.get((recording_id, stream, index))
            if own is not None:
                return own if own in OUT else None
        whole = self.recordings.get(recording_id)
        if whole is None and self.take(recording_id, stream, index) is not None:
            return DISCARD
        return whole

    def take(self, recording_id: str, stream: str | None, index: int | None) -> int | None:
        """Give the number of the discarded take that a frame is in, None where it is in none."""
        if not self.discarded or stream is None or index is None:
            return None
        return self.discarded.number(recording_id, stream, index)

    def left(self, recording_id: str, stream: str, index: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Tell which samples of a stream are in no discarded take, or taken in again one by one.

        Args:
            index: Shape (n,), of the samples.

        Returns:
            Shape (n,).
        """
        left = np.ones(len(index), np.bool_)
        if self.discarded is None or not self.discarded.of(recording_id):
            return left
        numbers = self.discarded.numbers(recording_id, stream)
        known = (index >= 0) & (index < len(numbers))
        left[known] = numbers[index[known]] == 0
        again = [
            at for (r, s, at), what in self.frames.items() if (r, s, what) == (recording_id, stream, "accept")
        ]
        return left | np.isin(index, np.array(again, np.int64))

    def count(self, stream: Mapping[str, Any]) -> int:
        """Count the samples of a stream, a row of ``streams``, that are in no discarded take."""
        if not self.discarded or not self.discarded.of(stream["recording_id"]):
            return int(stream["count"])
        return int(self.left(stream["recording_id"], stream["stream"], np.arange(stream["count"])).sum())

    def without_discarded(self, rows: pa.Table) -> pa.Table:
        """Leave out rows of discarded takes.

        Args:
            rows: With ``recording_id``, ``stream`` and ``index``, of which the two latter may be null.
        """
        if not self.discarded or not len(rows):
            return rows
        left = np.ones(len(rows), np.bool_)
        places = zip(rows["recording_id"].to_pylist(), rows["stream"].to_pylist(), strict=True)
        mine: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for at, (recording_id, stream) in enumerate(places):
            if stream is not None and self.discarded.of(recording_id):
                mine[recording_id, stream].append(at)
        index = rows["index"].fill_null(-1).to_numpy()
        for (recording_id, stream), places_of in mine.items():
            left[places_of] = self.left(recording_id, stream, index[places_of])
        return rows.filter(pa.array(left.tolist()))

    def whole(self, recording_id: str) -> bool:
        """Say whether a recording is left out and no frame of it is taken in again."""
        discarded = self.discarded is not None and self.discarded.whole(recording_id)
        out = recording_id in self.recordings or discarded
        return out and not any(
            recording == recording_id and what == "accept" for (recording, _, _), what in self.frames.items()
        )


NOTHING_EXCLUDED = Excluded()
"""Everything is taken along."""


def excluded(store: Store) -> Excluded:
    """Give what exports, splits and checks leave out."""
    recordings: dict[str, str] = {}
    frames: dict[tuple[str, str, int], str] = {}
    taken_in: set[str] = set()
    for (item, about), one in standing(store).items():
        recording, stream, index = item
        if about != "use":
            continue
        if stream is None or index is None:
            if one.what in OUT:
                recordings[recording] = one.what
            else:
                taken_in.add(recording)
        else:
            frames[recording, stream, index] = one.what
    return Excluded(recordings, frames, Discarded(store, taken_in=taken_in))
