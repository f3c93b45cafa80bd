"""The packets of a media container as rows: exact times and places, nothing decoded.

What is kept in memory is an index of about 50 bytes a packet, as pictures are stored in decoding order and rows
are in presentation order.
"""

import contextlib
import json
from array import array
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from rushes.fragments import open_container
from rushes.model import Batch, FrameFlag, LedgerEntry, Loss, MediaFile, Stream
from rushes.quantities import say_count
from rushes.readers._files.exact_time import largest_pts, pts_ns
from rushes.readers._files.parts import in_batches, where_known
from rushes.readers._lost_time import Landmarks
from rushes.readers._video import soundness
from rushes.readers._video.container_end import declared_end
from rushes.readers._video.mp4_check import Checked
from rushes.readers._video.tracks import Tracks

OUTSIDE = "outside the edit list"
CLOSING_CUE = "the empty cue that ends the track"
UNTIMED = "without a time stamp"
TOO_LATE = "a time stamp beyond 292 years"
NOT_THERE = "declared and not there"
CUT_OFF = "bytes cut off"
_TEXT_CODECS = frozenset({"mov_text", "subrip", "text", "webvtt", "ass"})
_MOST_TEXT_BYTES = 16 << 10
_FIRST_PACKETS = 64  # more than any codec reorders


@dataclass(slots=True)
class _Packets:
    """Columns of one track, in the order of the file."""

    pts: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg] # array takes no arguments here
    place: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    size: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    duration: array = field(default_factory=lambda: array("q"))  # type: ignore[type-arg]
    keyframe: bytearray = field(default_factory=bytearray)
    cut: bytearray = field(default_factory=bytearray)
    texts: list[str | None] = field(default_factory=list)
    rejected: Counter[str] = field(default_factory=Counter)
    largest: int = 0
    astray: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    """Times in nanoseconds of the packets that are stored far from those before and behind them in time."""


class ContainerPart:
    """The tracks of one media container; a part of a recording."""

    def __init__(self, path: Path, tracks: Tracks, *, media_id: str, container: str) -> None:
        """Take a container whose header has been read.

        Args:
            path: The container.
            tracks: What its header says.
            media_id: Name of the file within the recording.
            container: video or wav.
        """
        self._checked = soundness.of_container(path, tracks.metadata["container"])
        self.streams = tuple(_counted(stream, tracks, self._checked) for stream in tracks.streams)
        self.media: tuple[MediaFile, ...] = (MediaFile(media_id=media_id, path=path, container=container),)
        self.span = _span(path, tracks)
        self._path = path
        self._tracks = tracks
        self._media_id = media_id
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._opening: tuple[Loss, ...] = (*_cut(path, media_id, self._checked), *_unknown(tracks, media_id))
        self._losses = self._opening

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:
        """Read through the container once and give the rows of one track after the other."""
        wanted = [stream for stream in self.streams if stream.name in streams]
        self._ledger, self._losses = (), self._opening
        packets, losses = self._read(wanted)
        faults = [*self._checked.faults, *soundness.of_clusters(self._path, self._tracks.metadata["container"])]
        losses += soundness.named(faults, self._media_id, self._names(), self.span)
        entries: list[LedgerEntry] = []
        for stream in wanted:
            found = packets[stream.container_index or 0]
            yield from self._rows(stream, found)
            entries.extend(_entries(stream, found))
            losses.extend(_shortfall(stream, found, self._media_id))
            losses.extend(self._less_sound(stream, found))
        self._ledger = tuple(entries)
        self._losses = tuple(self._dated([*self._opening, *losses], wanted, packets))

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every packet, and for those that the container declares and does not hold."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """The missing end of the file, damage met on the way, counts that are not as declared."""
        return self._losses

    def _less_sound(self, stream: Stream, found: _Packets) -> Iterator[Loss]:
        """Hold the packets of an audio track against how long it says that it is."""
        stated = self._tracks.sound.get(stream.container_index or 0)
        held = sum(found.duration)
        if stated is not None and held != stated:
            message = (
                f"{self._media_id} says that it lasts {stated:,} ticks of its time base, its packets {held:,}"
            )
            code = "read.count-mismatch"
            yield Loss(code=code, message=message, stream=stream.name, file=self._media_id)

    def _names(self) -> dict[int, str]:
        """Give the names of the streams by the container's own numbers of tracks."""
        numbers = self._tracks.numbers
        return {numbers.get(stream.container_index or 0, -1): stream.name for stream in self.streams}

    def _dated(self, losses: list[Loss], wanted: Sequence[Stream], packets: dict[int, _Packets]) -> list[Loss]:
        """Give losses their times, by the packets around their bytes."""
        if not losses:
            return losses
        end_ns = None if self._checked.fragmented else self._tracks.end_ns  # fragments tell no more than is there
        every = Landmarks(end_ns=end_ns)
        of_stream: dict[str, Landmarks] = {}
        for stream in wanted:
            found = packets[stream.container_index or 0]
            place, size = np.frombuffer(found.place, np.int64), np.frombuffer(found.size, np.int64)
            there = (place >= 0) & ~np.frombuffer(found.cut, np.bool_)
            own = of_stream[stream.name] = Landmarks(end_ns=end_ns)
            times = pts_ns(np.frombuffer(found.pts, np.int64)[there], _base(stream))
            own.note(place[there], (place + size)[there], times)
            every.extend(own)
        dated = [of_stream.get(loss.stream or "", every).dated([loss])[0] for loss in losses]
        undated = [loss for loss in losses if loss.start_ns is None]
        places = [(loss.byte_from, loss.byte_to) for loss in undated if loss.byte_from is not None]
        ends = [end for _, end in places]
        first = min((at for at, _ in places), default=0)
        last = None if None in ends or not places else max(end for end in ends if end is not None)
        for i, loss in enumerate(dated):
            if loss.code == "read.count-mismatch" and loss.stream in of_stream:
                start, end = of_stream[loss.stream].span_of(first, last) if places else (self.span or (None, None))
                dated[i] = replace(loss, start_ns=start, end_ns=end)
        return dated

    def _read(self, wanted: Sequence[Stream]) -> tuple[dict[int, _Packets], list[Loss]]:
        packets = {stream.container_index or 0: _Packets(largest=largest_pts(_base(stream))) for stream in wanted}
        text = {stream.container_index for stream in wanted if stream.codec in _TEXT_CODECS}
        losses: list[Loss] = []
        last = 0
        with open_container(self._path) as container:
            try:
                for packet in container.demux([container.streams[index] for index in packets]):
                    if packet.size == 0 and packet.pts is None:
                        continue  # the empty packet that flushes a decoder
                    found = packets[packet.stream_index]
                    last = packet.pos if packet.pos is not None else last
                    _append(found, packet, with_text=packet.stream_index in text)
            except av.FFmpegError as error:
                message = f"{self._media_id}: reading stops after byte {last}: {error.strerror}"
                losses.append(Loss(code="read.damaged", message=message, file=self._media_id, byte_from=last))
        for stream in wanted if not losses else ():
            found = packets[stream.container_index or 0]
            if stream.codec == "mov_text" and stream.declared_count == len(found.pts) + 1:
                found.rejected[CLOSING_CUE] += 1  # of no duration: the demuxer leaves it out
        return packets, losses

    def _rows(self, stream: Stream, found: _Packets) -> Iterator[Batch]:
        pts = np.frombuffer(found.pts, np.int64)
        order = np.argsort(pts, kind="stable")
        pts = pts[order]
        base = _base(stream)
        columns: dict[str, Any] = {"t_ns": pts_ns(pts, base), "pts": pts, "media_id": self._media_id}
        far = soundness.astray(order)
        found.astray = columns["t_ns"][far]
        place, size = np.frombuffer(found.place, np.int64)[order], np.frombuffer(found.size, np.int64)[order]
        if self._tracks.offsets_are_bytes:
            nowhere = place < 0
            columns["offset"] = where_known(place, nowhere)
            columns["length"] = where_known(size, nowhere)
        if stream.table == "frames":
            columns |= _frame_columns(stream, found, order)
            columns["flags"][far] |= FrameFlag.TIME_SUSPECT.value
        elif stream.table == "audio":
            fixed = self._tracks.frame_sizes.get(stream.container_index or 0)
            samples = np.full(len(pts), fixed, np.int64) if fixed else _samples(stream, found, order, base)
            columns |= {"samples": samples, "first_sample": np.cumsum(samples) - samples}
        elif found.texts:
            columns["value"] = [found.texts[row] for row in order]
        yield from in_batches(stream.name, stream.table, columns, len(pts))


def _counted(stream: Stream, tracks: Tracks, checked: Checked) -> Stream:
    """Give a stream of a fragmented file its count: FFmpeg tells none, its fragments do."""
    count = checked.counts.get(tracks.numbers.get(stream.container_index or 0, -1))
    return replace(stream, declared_count=count) if checked.fragmented and count else stream


def _append(found: _Packets, packet: Any, *, with_text: bool) -> None:
    if packet.is_discard:
        found.rejected[OUTSIDE] += 1
        return
    pts = packet.pts if packet.pts is not None else packet.dts
    if pts is None or abs(pts) > found.largest:
        found.rejected[UNTIMED if pts is None else TOO_LATE] += 1
        return
    found.pts.append(pts)
    found.place.append(packet.pos if packet.pos is not None else -1)
    found.size.append(packet.size)
    found.duration.append(packet.duration or 0)
    found.keyframe.append(packet.is_keyframe)
    found.cut.append(packet.is_corrupt)
    if with_text:
        found.texts.append(_text(bytes(packet)))


def _frame_columns(stream: Stream, found: _Packets, order: npt.NDArray[np.intp]) -> dict[str, Any]:
    cut = np.frombuffer(found.cut, np.bool_)[order]
    flags = np.where(cut, FrameFlag.CORRUPT.value, 0).astype(np.int32)
    if stream.notes:  # the order of pictures is uncertain
        flags |= FrameFlag.TIME_SUSPECT.value
    return {
        "width": stream.width,
        "height": stream.height,
        "keyframe": np.frombuffer(found.keyframe, np.bool_)[order],
        "flags": flags,
    }


def _samples(
    stream: Stream, found: _Packets, order: npt.NDArray[np.intp], base: Fraction
) -> npt.NDArray[np.int64]:
    """Reckon samples from durations; where the time base is coarse, to the nearest."""
    duration = np.frombuffer(found.duration, np.int64)[order]
    scale = base * int(stream.sample_rate_hz or 0)
    if scale.denominator == 1:
        return duration * scale.numerator
    return np.fromiter((round(value * scale) for value in duration.tolist()), np.int64, len(duration))


def _entries(stream: Stream, found: _Packets) -> Iterator[LedgerEntry]:
    rows, refused = len(found.pts), sum(found.rejected.values())
    missing = max(0, (stream.declared_count or 0) - rows - refused)
    reasons = dict(found.rejected) | ({NOT_THERE: missing} if missing else {})
    yield LedgerEntry(
        stream=stream.name,
        step="read",
        declared=stream.declared_count,
        came_in=rows + refused + missing,
        out=rows,
        rejected=refused,
        unread=missing,
        reasons=reasons,
    )
    cut = sum(found.cut)
    reasons = {CUT_OFF: cut} if cut else {}
    yield LedgerEntry(stream=stream.name, step="bytes", came_in=rows, out=rows - cut, unread=cut, reasons=reasons)


def _shortfall(stream: Stream, found: _Packets, file: str) -> Iterator[Loss]:
    held = len(found.pts) + sum(found.rejected.values())
    if stream.declared_count is not None and held != stream.declared_count:
        yield Loss(
            code="read.count-mismatch",
            message=f"{file} declares {say_count(stream.declared_count, 'sample')} and holds {held:,}",
            stream=stream.name,
            count=max(0, stream.declared_count - held),
            file=file,
        )
    if untimed := found.rejected[UNTIMED] + found.rejected[TOO_LATE]:
        message = f"{say_count(untimed, 'packet')} of {file} without a time stamp that can be"
        yield Loss(code="read.damaged", message=message, stream=stream.name, count=untimed, file=file)
    if far := len(found.astray):
        message = f"{say_count(far, 'packet')} of {file} are stamped far from those that lie beside them"
        yield Loss(
            code="read.unusable-stamp",
            message=f"{message}: they were read, and their times cannot be right",
            stream=stream.name,
            count=far,
            file=file,
            start_ns=int(found.astray.min()),
            end_ns=int(found.astray.max()),
        )
    if cut := sum(found.cut):
        message = f"the bytes of {say_count(cut, 'packet')} of {file} are cut off or damaged"
        pts = np.frombuffer(found.pts, np.int64)[np.frombuffer(found.cut, np.bool_)]
        start, end = pts_ns(np.array([pts.min(), pts.max()], np.int64), _base(stream)).tolist()
        yield Loss(
            code="read.short",
            message=message,
            stream=stream.name,
            count=cut,
            file=file,
            start_ns=start,
            end_ns=end,
        )


def _cut(path: Path, file: str, found: Checked) -> Iterator[Loss]:
    end, size = declared_end(path), path.stat().st_size
    if end is not None and end > size:
        message = f"{file} ends at byte {size:,}, and says that it has {end:,}"
        loss = Loss(code="read.truncated", message=message, file=file, byte_from=size, byte_to=end)
        in_tables = found.media and not found.fragmented and not any(at <= size < to for at, to in found.media)
        yield replace(loss, start_ns=0) if in_tables else loss


def _unknown(tracks: Tracks, file: str) -> Iterator[Loss]:
    for track in tracks.unknown:
        yield Loss(code="read.unknown-codec", message=f"{file}: {track}: it is not read", file=file)


def _span(path: Path, tracks: Tracks) -> tuple[int, int] | None:
    """Give the times of the first and the last packet in nanoseconds, reading only near both ends of the file."""
    times: list[int] = []
    for stream in tracks.streams:
        base = _base(stream)
        with contextlib.suppress(av.FFmpegError), open_container(path) as container:
            track = container.streams[stream.container_index or 0]
            ends = [*_shown(islice(container.demux(track), _FIRST_PACKETS))]
            duration = track.duration
            if duration is None and container.duration is not None:
                duration = int(Fraction(container.duration, 1_000_000) / base)
            if duration is not None:
                container.seek((track.start_time or 0) + duration, stream=track, backward=True)
            late = [*_shown(container.demux(track))]
            if not late:  # a file that was cut holds nothing where its header says that it ends
                container.seek(track.start_time or 0, stream=track, backward=True)
                late = [*_shown(container.demux(track))]
            ends.extend(late)
            ends = [pts for pts in ends if abs(pts) <= largest_pts(base)]
            times.extend(pts_ns(np.array([min(ends), max(ends)], np.int64), base).tolist() if ends else ())
    return (min(times), max(times)) if times else None


def _base(stream: Stream) -> Fraction:
    return Fraction(stream.time_base_num or 1, stream.time_base_den or 1)


def _shown(packets: Iterable[Any]) -> Iterator[int]:
    for packet in packets:
        pts = packet.pts if packet.pts is not None else packet.dts
        if pts is not None and not packet.is_discard:
            yield pts


def _text(data: bytes) -> str | None:
    """Give a subtitle as JSON; MP4 writes its length in two bytes before it."""
    if len(data) > _MOST_TEXT_BYTES:
        return None
    if len(data) >= 2 and int.from_bytes(data[:2], "big") <= len(data) - 2:
        data = data[2 : 2 + int.from_bytes(data[:2], "big")]
    return json.dumps({"text": data.decode("utf-8", "replace")}, ensure_ascii=False)
