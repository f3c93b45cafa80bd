"""Embed: every picture as a point, so that what looks alike can be found; only what is new is looked at."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import ReadError
from rushes.workflow.dataset import Dataset
from rushes.workflow.picture_streams import streams_named
from rushes.workflow.pictures import Frames, decoder_for

Progress = Callable[[str, int, int], None]
Point = npt.NDArray[np.float32]
AT_ONCE = 64
"""Pictures between two reports of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to embed, and with what.

    Args:
        model: An ONNX file that takes one picture; None for colours and edges, which need no weights.
        streams: Names; every colour stream when None.
        every: Take each n-th frame.
    """

    model: Path | None = None
    streams: Sequence[str] | None = None
    every: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    """The outcome.

    Args:
        model: Name under which the points stand.
        new: Pictures that were looked at.
        known: Pictures that had a point already.
        unreadable: Pictures that are absent or do not decode.
        length: Numbers of a point; 0 where there is none.
    """

    model: str
    new: int
    known: int
    unreadable: int
    length: int
    revision: int


def embed(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Embedded:
    """Give every picture a point; a recording at a time, so that a run that is stopped keeps what it has.

    Raises:
        ReadError: ``model.file`` if the model cannot be run.
        UsageError: ``dataset.no-stream`` if no recording has a stream of that name.
        StoreError: If the dataset cannot be opened or written.
    """
    name, point_of, side_px, threads = _model(settings.model)
    new = known = unreadable = length = 0
    with Dataset.open(dataset) as opened:
        streams = list(streams_named(opened, settings.streams))
        total = sum(len(range(0, len(frames), settings.every)) for frames in streams)
        revision = opened.revision
        for recording_id, of_recording in groupby(streams, key=lambda frames: frames.stream["recording_id"]):
            with opened.store.begin("embed", argv=argv) as transaction:
                before = new
                for frames in of_recording:
                    wanted = range(0, len(frames), settings.every)
                    had = _known(opened, recording_id, frames.stream["stream"], name)
                    missing = [at for at in wanted if at not in had]
                    known += len(wanted) - len(missing)
                    at, points = [], []
                    for index, point in _points(frames, missing, point_of, side_px, threads):
                        if point is None:
                            unreadable += 1
                        else:
                            at.append(index)
                            points.append(point)
                        if progress and (len(at) + unreadable) % AT_ONCE == 0:
                            progress(frames.stream["stream"], known + new + len(at), total)
                    new += len(at)
                    length = len(points[0]) if points else length
                    if points and not dry_run:
                        keys = {"recording_id": recording_id, "stream": frames.stream["stream"], "model": name}
                        columns = {**keys, "index": np.array(at, np.int64), "vector": np.stack(points)}
                        transaction.append("embeddings", len(at), columns)
                if new > before and not dry_run:
                    revision = transaction.commit({"points": new - before, "model": name[:16]}).revision
        if progress:
            progress("", total, total)
    return Embedded(model=name, new=new, known=known, unreadable=unreadable, length=length, revision=revision)


def _model(path: Path | None) -> tuple[str, Callable[[Any], Point], int, int]:
    """Give the model's name, the model, the size of picture that it wants, and how many threads may ask it."""
    if path is None:
        appearance = registry.late("rushes.models._appearance")
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return appearance.MODEL, appearance.point_of, appearance.SIDE_PX, cores
    model = registry.late("rushes.models._embedding").Embedding(path)
    return hashlib.sha256(path.read_bytes()).hexdigest(), model.point_of, model.long_side_px, 1


def _known(opened: Dataset, recording_id: str, stream: str, model: str) -> frozenset[int]:
    where = {"recording_id": recording_id, "stream": stream, "model": model}
    return frozenset(opened.arrow("embeddings", columns=["index"], where=where)["index"].to_pylist())


def _points(
    frames: Frames, wanted: Iterable[int], point_of: Callable[[Any], Point], side_px: int, threads: int
) -> Iterator[tuple[int, Point | None]]:
    """Give each index and its point, in order; None where the picture is absent or does not decode."""

    def look(index: int) -> tuple[int, Point | None]:
        try:
            payload = None if whole else frames.bytes(index)
            return index, point_of(frames.small(index, payload, long_side_px=side_px).pixels)
        except ReadError as error:
            if error.code == "model.file":
                raise
            return index, None

    try:
        whole = decoder_for(frames.stream["codec"] or "").reads_container
    except ReadError:
        yield from ((index, None) for index in wanted)
        return
    if whole or threads == 1:  # a track is decoded in order
        yield from map(look, wanted)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(look, wanted)
