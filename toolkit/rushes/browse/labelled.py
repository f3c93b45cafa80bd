"""Labels of the shown pictures as columns: what whoever opens the App hands over beside the samples."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.labels import LabelKind

Texts = Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseLabels:
    """One row a label on a picture, as columns of shape (m,); a label on two pictures has two rows.

    Pixels are counted on the stored picture, from its outer corner.

    Args:
        row: The picture: position in ``BrowseSamples``; ascending.
        kind: What is drawn. A track is the box that it has on this picture.
        predicted: Whether a model proposes it; else it stands.
        label_id: Of the dataset's label; a track has one, on however many pictures.
        event_id: Version that the label was read from.
        origin: human, consensus or import; of a prediction the model's name.
        author: Who made it.
        thing: Which thing it shows, the same over pictures and views.
        text: What was written.
        score: float64; NaN where the source says nothing.
        box_px: Shape (m, 5), float64: left, top, width, height, and the clockwise turn about the top left corner,
            in degrees; NaN where there is no box.
        size_px: Shape (m, 2), int32: width and height of the picture that the geometry is of; 0 where unknown.
        points: Polygon: x, y of every corner. Keypoints: x, y, v of every point; v is 0 not labelled, 1 hidden,
            2 visible.
        ring_ends: Polygon: for each ring, the number of corners up to its end.
        mask: Runs as COCO compresses them.
        attributes: JSON text of an object.
    """

    row: npt.NDArray[np.int64]
    kind: Sequence[LabelKind]
    predicted: npt.NDArray[np.bool_]
    label_id: Sequence[str]
    event_id: Texts
    class_name: Texts
    origin: Sequence[str]
    author: Texts
    thing: Texts
    text: Texts
    score: npt.NDArray[np.float64]
    box_px: npt.NDArray[np.float64]
    size_px: npt.NDArray[np.int32]
    points: Sequence[Sequence[float] | None]
    ring_ends: Sequence[Sequence[int] | None]
    mask: Texts
    attributes: Texts

    def __post_init__(self) -> None:
        for column in fields(self):
            assert len(getattr(self, column.name)) == len(self.row), (
                f"{column.name} is not {len(self.row)} rows long"
            )
        assert not len(self.row) or (np.diff(self.row) >= 0).all(), "labels in the order of their pictures"

    def __len__(self) -> int:
        return len(self.row)

    def between(self, first: int, end: int) -> list[tuple[Any, ...]]:
        """Give labels ``first`` up to ``end``, itself not included: all columns of each but ``row``, in order."""
        columns = [getattr(self, column.name)[first:end] for column in fields(self)[1:]]
        return list(zip(*(c.tolist() if isinstance(c, np.ndarray) else c for c in columns), strict=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseWords:
    """Words that pictures bear, such as the segments that they lie in; a picture may bear several.

    Args:
        row: Shape (m,), the picture: position in ``BrowseSamples``.
        word: Shape (m,).
    """

    row: npt.NDArray[np.int64]
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
    none: tuple[Any, ...] = ()
    return BrowseLabels(
        row=np.zeros(0, np.int64),
        kind=none,
        predicted=np.zeros(0, np.bool_),
        label_id=none,
        event_id=none,
        class_name=none,
        origin=none,
        author=none,
        thing=none,
        text=none,
        score=np.zeros(0),
        box_px=np.zeros((0, 5)),
        size_px=np.zeros((0, 2), np.int32),
        points=none,
        ring_ends=none,
        mask=none,
        attributes=none,
    )
