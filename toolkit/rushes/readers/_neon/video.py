"""A Neon camera: the times of its pictures, and the video that holds them where it is there; a part.

Times come from the .time file: the video's own begin at 0. A time without a picture keeps its row, flagged
MISSING.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from rushes.model import Batch, FrameFlag, LedgerEntry, Loss, MediaFile, Stream, Times
from rushes.quantities import say_count
from rushes.readers._files.parts import in_batches, where_known
from rushes.readers._neon.files import PartFile, times
from rushes.readers._video.packets import ContainerPart
from rushes.readers._video.tracks import tracks_of

NO_PICTURE = "no picture for its time"
NO_TIME = "no time for its picture"
_PLACES = ("pts", "offset", "length", "keyframe")
_FROM_TRACK = (
    "codec",
    "pixel_format",
    "width",
    "height",
    "container_index",
    "time_base_num",
    "time_base_den",
    "rotation_deg",
)


class TimedVideo:
    """One camera in one or several parts."""

    def __init__(self, stream: Stream, parts: Sequence[PartFile]) -> None:
        """Look which videos are there and can be opened.

        Args:
            stream: Codec and size are filled in from the first video.
            parts: ``raw`` is the video.
        """
        self._opening: list[Loss] = []
        self._videos: list[ContainerPart | None] = []
        self._times: list[Times] = []
        for part in parts:
            found, rest = times(part.time)
            self._times.append(found)
            self._videos.append(self._opened(part, stream.name, len(found)))
            if rest and part.time is not None:
                message = f"{part.time.name} ends with {say_count(rest, 'byte')} that are no time"
                self._opening.append(
                    Loss(code="read.truncated", message=message, stream=stream.name, file=part.time.name)
                )
        track = next((video.streams[0] for video in self._videos if video is not None), None)
        whole = np.concatenate(self._times)
        self.streams = (
            replace(
                stream,
                declared_count=len(whole),
                **({name: getattr(track, name) for name in _FROM_TRACK} if track is not None else {}),
            ),
        )
        self.media: tuple[MediaFile, ...] = tuple(file for video in self._videos if video for file in video.media)
        self.span = (int(whole.min()), int(whole.max())) if len(whole) else None
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Give a row for each time."""
        stream = self.streams[0]
        self._ledger = self._losses = ()
        held = [_pictures(video) for video in self._videos]
        columns: dict[str, Any] = {
            "t_ns": np.concatenate(self._times),
            "width": stream.width,
            "height": stream.height,
        }
        columns["t_header_ns"] = columns["t_ns"]
        columns["media_id"] = [
            name for found, stamps in zip(held, self._times, strict=True) for name in _names(found, len(stamps))
        ]
        missing = np.array([name is None for name in columns["media_id"]], np.bool_)
        for place in _PLACES:
            columns[place] = _joined([found.get(place) for found in held], self._times)
        flags = _joined([found.get("flags") for found in held], self._times)
        marked = np.zeros(len(missing), np.int32) if flags is None else np.ma.filled(flags, 0).astype(np.int32)
        columns["flags"] = np.where(missing, FrameFlag.MISSING.value, marked).astype(np.int32)
        yield from in_batches(stream.name, "frames", columns, len(missing))
        surplus = sum(max(0, _count(found) - len(stamps)) for found, stamps in zip(held, self._times, strict=True))
        short = sum(
            max(0, len(stamps) - _count(found))
            for found, stamps, video in zip(held, self._times, self._videos, strict=True)
            if video is not None
        )
        self._settle(len(missing), int(missing.sum()), surplus=surplus, short=short)

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for times and pictures (read), and for the pictures of the times (bytes)."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Absent or damaged videos, times without a picture, pictures without a time."""
        inside = [loss for video in self._videos if video is not None for loss in video.losses()]
        return [*self._opening, *(replace(loss, stream=self.streams[0].name) for loss in inside), *self._losses]

    def _opened(self, part: PartFile, stream: str, count: int) -> ContainerPart | None:
        path = part.raw
        if path is None:
            absent = part.time.with_suffix(".mp4").name if part.time else "its video"
            message = f"{absent} is absent: {say_count(count, 'picture')} have a time and no bytes"
            self._opening.append(
                Loss(code="read.absent-file", message=message, stream=stream, count=count, file=absent)
            )
            return None
        try:
            tracks = tracks_of(path)
            pictures = tuple(track for track in tracks.streams if track.table == "frames")[:1]
            if pictures:
                return ContainerPart(
                    path, replace(tracks, streams=pictures), media_id=path.name, container="video"
                )
            why = "it holds no video"
        except (av.FFmpegError, OSError) as error:
            why = str(error.strerror or error)
        message = f"{path.name} cannot be read: {why}"
        self._opening.append(
            Loss(code="read.damaged", message=message, stream=stream, count=count, file=path.name)
        )
        return None

    def _settle(self, rows: int, missing: int, *, surplus: int, short: int) -> None:
        name = self.streams[0].name
        refused = {NO_TIME: surplus} if surplus else {}
        lost = {NO_PICTURE: missing} if missing else {}
        self._ledger = (
            LedgerEntry(
                stream=name,
                step="read",
                declared=rows,
                came_in=rows + surplus,
                out=rows,
                rejected=surplus,
                reasons=refused,
            ),
            LedgerEntry(stream=name, step="bytes", came_in=rows, out=rows - missing, unread=missing, reasons=lost),
        )
        losses = []
        if surplus:
            message = f"{say_count(surplus, 'picture')} have no time and were left out"
            losses.append(Loss(code="read.count-mismatch", message=message, stream=name, count=surplus))
        if short:
            message = f"the video ends {say_count(short, 'picture')} before its times"
            losses.append(Loss(code="read.count-mismatch", message=message, stream=name, count=short))
        self._losses = tuple(losses)


def _pictures(video: ContainerPart | None) -> dict[str, Any]:
    """Give the columns of a video's pictures, in the order in which they are shown."""
    if video is None:
        return {}
    name = video.streams[0].name
    batches = list(video.batches([name]))
    columns: dict[str, Any] = {"media_id": video.media[0].media_id, "count": sum(batch.rows for batch in batches)}
    for place in (*_PLACES, "flags"):
        pieces = [batch.columns.get(place) for batch in batches]
        if pieces and all(isinstance(piece, np.ndarray) for piece in pieces):
            columns[place] = np.ma.concatenate(pieces)
    return columns


def _count(found: dict[str, Any]) -> int:
    return int(found.get("count", 0))


def _names(found: dict[str, Any], times_there: int) -> list[str | None]:
    there = min(_count(found), times_there)
    return [found["media_id"]] * there + [None] * (times_there - there) if there else [None] * times_there


def _joined(pieces: Sequence[npt.NDArray[Any] | None], stamps: Sequence[Times]) -> npt.NDArray[Any] | None:
    """Lay the columns of all parts end to end, a value for each time; null where there is no picture."""
    known = [piece for piece in pieces if piece is not None]
    if not known:
        return None
    whole = np.zeros(sum(len(found) for found in stamps), known[0].dtype)
    absent = np.ones(len(whole), np.bool_)
    start = 0
    for piece, found in zip(pieces, stamps, strict=True):
        if piece is not None:
            there = min(len(piece), len(found))
            whole[start : start + there] = np.ma.getdata(piece)[:there]
            absent[start : start + there] = np.ma.getmaskarray(piece)[:there]
        start += len(found)
    return where_known(whole, absent)
