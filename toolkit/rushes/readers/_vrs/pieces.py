"""The bytes of a recording, which may be one file or several that follow one another."""

import mmap
from collections.abc import Sequence
from contextlib import ExitStack
from itertools import accumulate
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt

_AT_ONCE = 512  # bytes a record up to which indexing them all at once costs less than a slice each


def files_of(path: Path) -> list[Path]:
    """Give the files of a recording: ``walk.vrs``, and ``walk.vrs_1``, ``walk.vrs_2`` … as far as they follow."""
    found = [path]
    while (following := path.with_name(f"{path.name}_{len(found)}")).is_file():
        found.append(following)
    return found


class Pieces:
    """Random access to the bytes of all files as though they were one; a context manager."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.paths = tuple(paths)
        sizes = [path.stat().st_size for path in paths]
        self.starts = np.array([0, *accumulate(sizes)][:-1], np.int64)
        self.size = sum(sizes)
        self._open = ExitStack()
        self._data: list[mmap.mmap | bytes] = []

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for path in self.paths:
                file = opening.enter_context(path.open("rb"))
                if not path.stat().st_size:
                    self._data.append(b"")  # nothing cannot be mapped
                    continue
                mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
                self._data.append(opening.enter_context(mapped))
            self._open = opening.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._data.clear()
        self._open.close()

    def read(self, offset: int, length: int) -> bytes:
        """Give bytes; fewer where the recording ends."""
        found = b""
        while len(found) < length and 0 <= offset < self.size:
            piece = self.piece_of(offset)
            start = offset - int(self.starts[piece])
            got = self._data[piece][start : start + length - len(found)]
            found += got
            offset += len(got)
        return found

    def gather(self, offsets: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.uint8]:
        """Give ``length`` bytes at each offset, shape (n, length); all must lie inside the recording."""
        if len(self._data) > 1 or length > _AT_ONCE or not len(offsets):
            joined = b"".join(self.read(offset, length) for offset in offsets.tolist())
            return np.frombuffer(joined, np.uint8).reshape(len(offsets), length)
        data = np.frombuffer(self._data[0], np.uint8)
        return data[offsets[:, None] + np.arange(length)]  # a copy: nothing keeps the mapping

    def piece_of(self, offset: int) -> int:
        """Tell which file a byte lies in."""
        return int(np.searchsorted(self.starts, offset, side="right")) - 1
