"""Labels of the shown pictures as columns: what whoever opens the App hands over beside the samples."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Ints = npt.NDArray[np.int64]

SCHEMA = pa.schema(
    [
        ("kind", pa.string()),
        ("predicted", pa.bool_()),
        ("label_id", pa.string()),
        ("event_id", pa.string()),
        ("class_name", pa.string()),
        ("origin", pa.string()),
        ("author", pa.string()),
        ("instance", pa.string()),
        ("text", pa.string()),
        ("score", pa.float64()),
        ("x_px", pa.float64()),
        ("y_px", pa.float64()),
        ("width_px", pa.float64()),
        ("height_px", pa.float64()),
        ("rotation_deg", pa.float64()),
        ("image_width_px", pa.int32()),
        ("image_height_px", pa.int32()),
        ("points", pa.list_(pa.float64())),
        ("ring_ends", pa.list_(pa.int32())),
        ("mask", pa.string()),
        ("attributes", pa.string()),
    ]
)
"""Columns of labels, as in the table ``labels``, but for three.

``kind`` is what is drawn: of a track the box that it has on the picture. ``predicted`` says whether a model
proposes it; else it stands. ``origin`` is human, consensus or import; of a prediction the model's name.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseLabels:
    """One row a label on a picture; a label on two pictures has two rows.

    Args:
        row: Shape (m,), the picture: position in ``BrowseSamples``; ascending.
        table: m rows of :data:`SCHEMA`.
        tags: What people called the labels that they tagged, by position in the table; each in alphabetical order.
    """

    row: Ints
    table: pa.Table
    tags: Mapping[int, Sequence[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        assert self.table.schema.equals(SCHEMA), "labels in their columns"
        assert self.table.num_rows == len(self.row), "a row for every label"
        assert not len(self.row) or (np.diff(self.row) >= 0).all(), "labels in the order of their pictures"

    def __len__(self) -> int:
        return len(self.row)

    def between(self, first: int, end: int) -> list[tuple[Any, ...]]:
        """Give labels ``first`` up to ``end``, itself not included, each as a tuple in the order of the schema."""
        return list(zip(*map(_values, self.table.slice(first, end - first).columns), strict=True))

    def written(self, first: int, end: int) -> Iterator[bytes]:
        """Give all that is known of labels ``first`` up to ``end``, for a digest."""
        for column in self.table.slice(first, end - first).columns:
            if pa.types.is_list(column.type):
                yield pc.list_value_length(column).fill_null(-1).to_numpy().tobytes()
                yield pc.list_flatten(column).to_numpy().tobytes()
            elif pa.types.is_floating(column.type):
                yield column.fill_null(np.nan).to_numpy().tobytes()
            else:
                yield repr(column.to_pylist()).encode()
        tagged = [(at - first, tags) for at, tags in sorted(self.tags.items()) if first <= at < end]
        if tagged:
            yield repr(tagged).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseWords:
    """Words that pictures bear, such as the segments that they lie in; a picture may bear several.

    Args:
        row: Shape (m,), the picture: position in ``BrowseSamples``.
        word: Shape (m,).
    """

    row: Ints
    word: Sequence[str]

    def __post_init__(self) -> None:
        assert len(self.row) == len(self.word), "a row for every word"

    def by_row(self) -> dict[int, list[str]]:
        """Give the words of each row that has any; each once, in alphabetical order."""
        found: dict[int, set[str]] = {}
        for row, word in zip(self.row.tolist(), self.word, strict=True):
            found.setdefault(row, set()).add(word)
        return {row: sorted(words) for row, words in found.items()}


def no_labels() -> BrowseLabels:
    """Give the labels of a view that has none."""
    return BrowseLabels(row=np.zeros(0, np.int64), table=SCHEMA.empty_table())


def _values(column: pa.ChunkedArray) -> Sequence[Any]:
    if not pa.types.is_list(column.type):
        values: Sequence[Any] = column.to_pylist()
        return values
    # pyarrow itself would make an object of every number on its own.
    lengths = pc.list_value_length(column).fill_null(-1).to_numpy()
    numbers = pc.list_flatten(column).to_numpy().tolist()
    ends = np.cumsum(np.maximum(lengths, 0))
    return [
        None if length < 0 else numbers[end - length : end]
        for length, end in zip(lengths.tolist(), ends.tolist(), strict=True)
    ]
