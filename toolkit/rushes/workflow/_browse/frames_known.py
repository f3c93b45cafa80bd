"""Frames of a dataset as they are asked for, each stream read once."""

from dataclasses import dataclass
from functools import lru_cache

from rushes.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """One frame; ``size`` is width and height in pixels, None where the table does not say."""

    t_ns: int
    size: tuple[int, int] | None


class Known:
    """Looks frames up in a dataset."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._stream = lru_cache(64)(self._read)

    def frame(self, recording_id: str, stream: str, index: int) -> Frame | None:
        """Give a frame; None where there is none."""
        return self._stream(recording_id, stream).get(index)

    def _read(self, recording_id: str, stream: str) -> dict[int, Frame]:
        where = {"recording_id": recording_id, "stream": stream}
        columns = ["index", "t_ns", "width", "height"]
        found = self._store.table("frames", columns=columns, where=where).to_pylist()
        return {
            row["index"]: Frame(
                t_ns=row["t_ns"], size=(row["width"], row["height"]) if row["width"] and row["height"] else None
            )
            for row in found
        }
