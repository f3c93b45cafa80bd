"""Which part of a split a sample is in: whole recordings, or blocks of a stream's samples."""

import bisect
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

COLUMNS = ("split", "recording_id", "part", "stream", "index", "index_end")


class Parts:
    """The rows of one split, ready to be asked.

    Args:
        rows: Rows of the table ``splits`` with ``COLUMNS``, of one split.
    """

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._whole: dict[str, str] = {}
        blocks: defaultdict[tuple[str, str], list[tuple[int, int, str]]] = defaultdict(list)
        for row in rows:
            if row["stream"] is None:
                self._whole[row["recording_id"]] = row["part"]
            else:
                place = (row["recording_id"], row["stream"])
                blocks[place].append((row["index"], row["index_end"], row["part"]))
        self._blocks = {place: sorted(found) for place, found in blocks.items()}
        self.recordings = frozenset({*self._whole, *(recording for recording, _ in blocks)})

    def __bool__(self) -> bool:
        """Tell whether the split has any row."""
        return bool(self.recordings)

    def of(self, recording_id: str, stream: str | None = None, index: int | None = None) -> str | None:
        """Give the part of a sample, or of a recording; None where it is in none, or in several."""
        if recording_id in self._whole:
            return self._whole[recording_id]
        blocks = self._blocks.get((recording_id, stream or ""), [])
        if index is None:
            return None
        at = bisect.bisect_right(blocks, index, key=lambda block: block[0]) - 1
        return blocks[at][2] if at >= 0 and index < blocks[at][1] else None
