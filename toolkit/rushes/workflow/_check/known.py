"""What earlier checks have measured of pictures: by stream, and by content wherever it lies in the dataset."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from rushes.checks import PICTURE_MEASURES, PICTURE_MEASURES_VERSION
from rushes.workflow.dataset import Dataset


@dataclass(slots=True)
class Measured:
    """The measures of all pictures of one stream.

    Args:
        values: By measure, shape (frames,); NaN where not measured.
        phash, phash_mirrored: Shape (frames,), uint64; 0 where ``hashed`` is false.
        content: As ``pictures.content``.
        decoded: How many pictures were decoded for it.
        fresh: Whether it is not in the dataset yet.
    """

    values: dict[str, npt.NDArray[np.float64]]
    phash: npt.NDArray[np.uint64]
    phash_mirrored: npt.NDArray[np.uint64]
    hashed: npt.NDArray[np.bool_]
    content: list[str | None]
    decoded: int = 0
    fresh: bool = True

    @classmethod
    def empty(cls, count: int) -> "Measured":
        """Make room for so many pictures, none of them measured."""
        return cls(
            values={name: np.full(count, np.nan) for name in PICTURE_MEASURES},
            phash=np.zeros(count, np.uint64),
            phash_mirrored=np.zeros(count, np.uint64),
            hashed=np.zeros(count, np.bool_),
            content=[None] * count,
        )

    def put(
        self, position: int, row: Mapping[str, float], hashes: tuple[int, int] | None, content: str | None
    ) -> None:
        """Enter what was measured of one picture; what is there already stays unless it is measured anew."""
        for name, value in row.items():
            self.values[name][position] = value
        if hashes is not None:
            self.phash[position], self.phash_mirrored[position] = hashes
            self.hashed[position] = True
        if content is not None:
            self.content[position] = content


class Known:
    """The rows of ``pictures`` that this version of the measures made."""

    def __init__(self, dataset: Dataset) -> None:
        table = dataset.arrow("pictures", where={"measure_version": PICTURE_MEASURES_VERSION})
        self._table = table
        self._contents: dict[str, int] | None = None

    @property
    def nothing(self) -> bool:
        """Whether no picture was ever looked at."""
        return not len(self._table)

    def of_stream(self, row: Mapping[str, Any], count: int) -> Measured | None:
        """Give what is known of a stream, a row of ``streams``; None where it was not looked at."""
        if self.nothing:
            return None
        mine = pc.and_(
            pc.equal(self._table["recording_id"], row["recording_id"]),
            pc.equal(self._table["stream"], row["stream"]),
        )
        table = self._table.filter(mine)
        if not len(table):
            return None
        index = table["index"].to_numpy()
        measured = Measured.empty(count)
        measured.fresh = False
        for name in PICTURE_MEASURES:
            measured.values[name][index] = _floats(table[name])
        measured.hashed[index] = table["phash"].is_valid().to_numpy()
        measured.phash[index] = table["phash"].fill_null(0).to_numpy().view(np.uint64)
        measured.phash_mirrored[index] = table["phash_mirrored"].fill_null(0).to_numpy().view(np.uint64)
        for at, content in zip(index.tolist(), table["content"].to_pylist(), strict=True):
            measured.content[at] = content
        return measured

    def of_content(
        self, content: str | None, before: str | None
    ) -> tuple[dict[str, float], tuple[int, int] | None] | None:
        """Give measures and hashes of a picture with this content after one with that; None where not known."""
        if content is None or self.nothing:
            return None
        if self._contents is None:
            self._contents = self._by_content()
        at = self._contents.get(f"{content}{before}")
        return None if at is None else self._row(at)

    def _by_content(self) -> dict[str, int]:
        contents = zip(self._table["content"].to_pylist(), self._table["content_before"].to_pylist(), strict=True)
        return {f"{content}{before}": at for at, (content, before) in enumerate(contents) if content is not None}

    def _row(self, at: int) -> tuple[dict[str, float], tuple[int, int] | None]:
        row = self._table.slice(at, 1).to_pylist()[0]
        measures = {name: row[name] for name in PICTURE_MEASURES if row[name] is not None}
        if row["phash"] is None:
            return measures, None
        return measures, (row["phash"] % 2**64, row["phash_mirrored"] % 2**64)


def _floats(column: Any) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = column.fill_null(np.nan).to_numpy()
    return values
