"""What is measured of the pictures of a stream: kept from an earlier run, or decoded once for all checks."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.checks import PICTURE_MEASURES, PICTURE_MEASURES_VERSION
from rushes.errors import ReadError
from rushes.model import Column
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames, decoder_for

PICTURES = "pictures"
"""Under which name the measures of single pictures stand in ``metrics``."""
AT_ONCE = 64
TELL_EVERY = 16
GONE = ("read.absent-file", "read.short")
"""What a read answers when the file is not what was ingested, whatever its pictures are."""

Measures: TypeAlias = Mapping[str, npt.NDArray[np.float64]]
"""By measure, shape (frames,); NaN where a frame was not measured."""
Grey: TypeAlias = tuple[int, npt.NDArray[np.uint8] | None]


def measures_of(dataset: Dataset, row: Mapping[str, Any], tell: Callable[[int], None]) -> tuple[Measures, int]:
    """Give the measures of every picture of a stream, and how many were decoded for it.

    Args:
        dataset: Opened.
        row: Of ``streams``.
        tell: Called now and then with how many more pictures were looked at.

    Raises:
        ReadError: One of ``GONE``, if the media are not what was ingested.
    """
    frames = dataset.frames(row["recording_id"], row["stream"])
    kept = _kept(dataset, row, len(frames))
    if kept is not None:
        return kept, 0
    measure = registry.late("rushes.checks._pixels").measure
    measured: Measures = measure(_told(_greys(frames), tell), len(frames))
    return measured, sum(not frames.missing(i) for i in range(len(frames)))


def metric_rows(row: Mapping[str, Any], measures: Measures) -> Iterator[tuple[int, Mapping[str, Column]]]:
    """Lay measures out as rows of ``metrics``: their number and their columns, one piece a measure."""
    for metric, values in measures.items():
        index = np.flatnonzero(np.isfinite(values))
        if len(index):
            yield (
                len(index),
                {
                    "recording_id": row["recording_id"],
                    "check": PICTURES,
                    "check_version": PICTURE_MEASURES_VERSION,
                    "metric": metric,
                    "value": values[index],
                    "unit": PICTURE_MEASURES[metric],
                    "stream": row["stream"],
                    "index": index.astype(np.int64),
                },
            )


def _kept(dataset: Dataset, row: Mapping[str, Any], count: int) -> dict[str, npt.NDArray[np.float64]] | None:
    """Give what an earlier run measured with the same measures; None where there was none."""
    where = {
        "recording_id": row["recording_id"],
        "stream": row["stream"],
        "check": PICTURES,
        "check_version": PICTURE_MEASURES_VERSION,
    }
    table = dataset.arrow("metrics", columns=["metric", "index", "value"], where=where)
    if not len(table):
        return None
    names = np.array(table["metric"].to_pylist())
    index, values = table["index"].to_numpy(), table["value"].to_numpy()
    measures: dict[str, npt.NDArray[np.float64]] = {}
    for metric in PICTURE_MEASURES:
        measures[metric] = np.full(count, np.nan)
        measures[metric][index[names == metric]] = values[names == metric]
    return measures


def _told(greys: Iterable[Grey], tell: Callable[[int], None]) -> Iterator[Grey]:
    """Pass pictures on, and say now and then how far we are."""
    for number, item in enumerate(greys, 1):
        if number % TELL_EVERY == 0:
            tell(TELL_EVERY)
        yield item


def _greys(frames: Frames) -> Iterator[Grey]:
    """Decode every picture that is there, reduced and grey, in order; on all cores where the codec allows it."""
    there = [i for i in range(len(frames)) if not frames.missing(i)]

    def grey(index: int) -> Grey:
        try:
            return index, frames.grey(index)
        except ReadError as error:
            if error.code in GONE:
                raise
            return index, None

    if _one_by_one(frames):
        yield from map(grey, there)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for start in range(0, len(there), AT_ONCE):
            yield from pool.map(grey, there[start : start + AT_ONCE])


def _one_by_one(frames: Frames) -> bool:
    try:
        return decoder_for(frames.stream["codec"] or "").reads_container
    except ReadError:  # no decoder: every picture will say so itself
        return True
