"""Which shown pictures a sample, a moment or a span of a recording is: look-ups over the rows of a view."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.browse.view import ALONE, BrowseSamples

Ints = npt.NDArray[np.int64]
AnyInts = npt.NDArray[np.int64] | npt.NDArray[np.int32]


class Places:
    """Finds rows of a view.

    Args:
        samples: Its rows.
        recordings: Their ids, in the order that ``samples.recording`` counts.
        streams: Names of the picture streams, in the order that ``samples.stream`` counts.
    """

    def __init__(self, samples: BrowseSamples, recordings: Sequence[str], streams: Sequence[str]) -> None:
        self._samples, self.recordings, self.streams = samples, recordings, streams
        self._width = int(samples.index.max(initial=0)) + 1
        self._order, self._keys = self._sorted(self._key(samples.recording, samples.stream, samples.index))
        self._of_moment, self._moments = self._sorted(self._moment_key(samples.recording, samples.moment))
        first = np.searchsorted(samples.recording, np.arange(len(recordings) + 1))
        self._recording_starts = first.tolist()
        self._recording_of = {name: at for at, name in enumerate(recordings)}

    def frames(self, recording: Ints, stream: Ints, index: Ints) -> tuple[Ints, Ints]:
        """Find frames; shape (m,) each, -1 for what is not in the view.

        Returns:
            Positions among what was asked for, and the row that shows it; a frame of two moments comes twice.
        """
        known = (recording >= 0) & (stream >= 0) & (index >= 0) & (index < self._width)
        asked = np.where(known, self._key(recording, stream, index), -1)
        return _matches(self._keys, self._order, asked)

    def frames_between(self, recording_id: str, stream: str, first: int, end: int) -> Ints:
        """Give the rows of samples ``first`` up to ``end``, itself not included, of a picture stream."""
        if recording_id not in self._recording_of or stream not in self.streams or end <= first:
            return np.zeros(0, np.int64)
        base = self._key(self._recording_of[recording_id], self.streams.index(stream), 0)
        low, high = np.searchsorted(self._keys, [base + min(first, self._width), base + min(end, self._width)])
        return self._order[low:high]

    def moments(self, recording_id: str, moments: Ints) -> Ints:
        """Give all rows of some moments of a recording."""
        if recording_id not in self._recording_of:
            return np.zeros(0, np.int64)
        keys = self._moment_key(self._recording_of[recording_id], np.unique(moments[moments >= 0]))
        _, rows = _matches(self._moments, self._of_moment, np.asarray(keys, np.int64))
        return rows

    def moments_of(self, rows: Ints) -> Ints:
        """Give the moments of some rows."""
        found = self._samples.moment[rows]
        moments: Ints = found[found != ALONE]
        return moments

    def recording(self, recording_id: str) -> Ints:
        """Give all rows of a recording."""
        at = self._recording_of.get(recording_id)
        first, end = (0, 0) if at is None else self._recording_starts[at : at + 2]
        rows: Ints = np.arange(first, end, dtype=np.int64)
        return rows

    def _key(self, recording: AnyInts | int, stream: AnyInts | int, index: Ints | int) -> Ints:
        places = np.asarray(recording, np.int64) * max(len(self.streams), 1) + np.asarray(stream, np.int64)
        return np.asarray(places * self._width + index, np.int64)

    def _moment_key(self, recording: AnyInts | int, moment: Ints) -> Ints:
        most = int(self._samples.moment.max(initial=0)) + 2
        moment = np.minimum(moment, most - 2)
        return np.asarray(np.asarray(recording, np.int64) * most + moment + 1, np.int64)

    @staticmethod
    def _sorted(keys: Ints) -> tuple[Ints, Ints]:
        order = np.argsort(keys, kind="stable")
        return order, keys[order]


def codes(column: pa.ChunkedArray, words: Sequence[str]) -> Ints:
    """Give each value's place among ``words``; -1 where it is not one of them."""
    encoded = column.combine_chunks().dictionary_encode()
    encoded = encoded.combine_chunks() if isinstance(encoded, pa.ChunkedArray) else encoded
    place = {word: i for i, word in enumerate(words)}
    table = np.array([place.get(word, -1) for word in encoded.dictionary.to_pylist()] + [-1], np.int64)
    found: Ints = table[encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
    return found


def integers(table: pa.Table, name: str, *, absent: int = 0) -> Ints:
    """Give a column of whole numbers, ``absent`` where there is none."""
    values: Ints = table[name].fill_null(absent).to_numpy().astype(np.int64, copy=False)
    return values


def as_arrow(values: npt.NDArray[Any]) -> pa.Array:
    """Give numbers as an Arrow array; ``pa.array`` of numpy would load pandas."""
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _matches(keys: Ints, order: Ints, asked: Ints) -> tuple[Ints, Ints]:
    first, end = np.searchsorted(keys, asked, "left"), np.searchsorted(keys, asked, "right")
    counts = end - first
    which = np.repeat(np.arange(len(asked)), counts)
    places = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return which, order[places]
