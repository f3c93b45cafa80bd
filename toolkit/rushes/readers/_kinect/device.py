"""The tracks of a device as rows: places of pictures, values of IMU samples, all in the device's clock."""

import mmap
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, FrameFlag, LedgerEntry, Loss, MediaFile
from rushes.quantities import say_count
from rushes.readers._files.exact_time import largest_pts, pts_ns
from rushes.readers._files.parts import in_batches
from rushes.readers._kinect.streams import DeviceTrack
from rushes.readers._lost_time import Landmarks
from rushes.readers._matroska.blocks import Blocks, TrackBlocks, blocks_of, last_clusters
from rushes.readers._matroska.header import Header
from rushes.readers._matroska.soundness import Unsound, soundness_of
from rushes.readers._video.container_end import declared_end

IMU_SAMPLE = np.dtype([("accel_ns", "<u8"), ("accel", "<f4", 3), ("gyro_ns", "<u8"), ("gyro", "<f4", 3)])
"""What k4arecord writes for one IMU sample: m/s2 and rad/s, each with the device stamp in nanoseconds."""
_END_CLUSTERS = 8  # of at most 32 ms each; some hold nothing but IMU samples
CUT_OFF = "bytes cut off"
NO_SAMPLE = "not the size of an IMU sample"
TOO_LATE = "a time stamp beyond 292 years"
BROKEN_LACE = "a lace that does not fit into its block"


class DevicePart:
    """The tracks of one recording; a part of it."""

    def __init__(self, path: Path, header: Header, tracks: Sequence[DeviceTrack], *, offset_ns: int) -> None:
        """Take a file whose header has been read.

        Args:
            path: The file.
            header: What it says of itself.
            tracks: Those that become streams.
            offset_ns: Device time at presentation time 0.
        """
        self.streams = tuple(track.stream for track in tracks)
        self.media: tuple[MediaFile, ...] = (MediaFile(media_id=path.name, path=path, container="video"),)
        self._path = path
        self._tracks = tracks
        self._numbers = {track.number for track in header.tracks}
        self._base = Fraction(header.scale_ns, 1_000_000_000)
        self._offset_ns = offset_ns
        self._opening = tuple(_cut(path))
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses = self._opening
        self.span = self._span()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:
        """Walk through the file once and give the rows of one track after the other."""
        wanted = [track for track in self._tracks if track.stream.name in streams]
        self._ledger, self._losses = (), self._opening
        entries: list[LedgerEntry] = []
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            found = blocks_of(data, [track.number for track in wanted])
            losses = [*self._opening, *self._damage(found)]
            if not found.unreadable:
                faults = soundness_of(data, self._numbers).faults
                losses += [_unsound(fault, self._path.name) for fault in faults]
            marks = Landmarks()
            for track in wanted:
                blocks = found.tracks[track.number]
                rejected = Counter({BROKEN_LACE: found.broken_laces.get(track.number, 0)})
                columns = self._columns(track, blocks, data, rejected)
                rows = len(columns["t_ns"])
                yield from in_batches(track.stream.name, track.stream.table, columns, rows)
                cut = 0 if track.stream.table == "imu" else sum(blocks.cut)
                entries.extend(_entries(track, rows, +rejected, cut))
                losses.extend(_track_losses(track, +rejected, cut, self._path.name))
                self._note(marks, blocks)
        self._ledger, self._losses = tuple(entries), tuple(marks.dated(losses))

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every block."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """The missing end of the file, and damage met on the way."""
        return self._losses

    def _note(self, marks: Landmarks, blocks: TrackBlocks) -> None:
        """Note where the blocks of a track lie, and when they were taken."""
        pts, place = np.frombuffer(blocks.pts, np.int64), np.frombuffer(blocks.place, np.int64)
        good = ~np.frombuffer(blocks.cut, np.bool_) & (np.abs(pts) <= largest_pts(self._base))
        ends = place + np.frombuffer(blocks.size, np.int64)
        marks.note(place[good], ends[good], pts_ns(pts[good], self._base) + self._offset_ns)

    def _columns(
        self, track: DeviceTrack, blocks: TrackBlocks, data: mmap.mmap, rejected: Counter[str]
    ) -> dict[str, Any]:
        pts = np.frombuffer(blocks.pts, np.int64)
        keep = np.abs(pts) <= largest_pts(self._base) - (abs(self._offset_ns) // int(self._base * 10**9) + 1)
        rejected[TOO_LATE] = int((~keep).sum())
        place, size = np.frombuffer(blocks.place, np.int64), np.frombuffer(blocks.size, np.int64)
        cut = np.frombuffer(blocks.cut, np.bool_)
        if track.stream.table == "imu":
            return self._imu(pts, place, size, cut, keep, data, rejected)
        order = np.flatnonzero(keep)
        if not track.independent:  # pictures are stored in the order in which they decode
            order = order[np.argsort(pts[order], kind="stable")]
        t_ns = pts_ns(pts[order], self._base) + self._offset_ns
        return {
            "t_ns": t_ns,
            "t_header_ns": t_ns,
            "pts": pts[order],
            "media_id": self._path.name,
            "offset": place[order],
            "length": size[order],
            "width": track.stream.width,
            "height": track.stream.height,
            "keyframe": None if track.independent else np.frombuffer(blocks.keyframe, np.bool_)[order],
            "flags": np.where(cut[order], FrameFlag.CORRUPT.value, 0).astype(np.int32),
        }

    def _imu(
        self,
        pts: npt.NDArray[np.int64],
        place: npt.NDArray[np.int64],
        size: npt.NDArray[np.int64],
        cut: npt.NDArray[np.bool_],
        keep: npt.NDArray[np.bool_],
        data: mmap.mmap,
        rejected: Counter[str],
    ) -> dict[str, Any]:
        """Read the samples; the stamp inside each is exact, its presentation time is rounded to microseconds."""
        rejected[CUT_OFF] = int((cut & keep).sum())
        keep = keep & ~cut
        fits = size == IMU_SAMPLE.itemsize
        rejected[NO_SAMPLE] = int((keep & ~fits).sum())
        rows = np.flatnonzero(keep & fits)
        sample_bytes = b"".join(data[at : at + IMU_SAMPLE.itemsize] for at in place[rows].tolist())
        samples = np.frombuffer(sample_bytes, IMU_SAMPLE)
        stamp = samples["accel_ns"]
        good = stamp <= np.uint64(np.iinfo(np.int64).max)
        rejected[TOO_LATE] += int((~good).sum())
        samples, rows, t_ns = samples[good], rows[good], stamp[good].astype(np.int64)
        columns: dict[str, Any] = {"t_ns": t_ns, "t_header_ns": t_ns, "pts": pts[rows]}
        for axis, name in enumerate("xyz"):
            columns[f"accel_{name}_m_s2"] = samples["accel"][:, axis].astype(np.float64)
            columns[f"gyro_{name}_rad_s"] = samples["gyro"][:, axis].astype(np.float64)
        return columns

    def _damage(self, found: Blocks) -> Iterator[Loss]:
        file = self._path.name
        for start, end in found.unreadable:
            message = (
                f"{file}: bytes {start:,} to {end:,} hold nothing that Matroska knows; reading went on behind"
            )
            yield Loss(code="read.damaged", message=message, file=file, byte_from=start, byte_to=end)
        if found.ends_early is not None and not self._opening:
            message = f"{file} ends inside an element that starts at byte {found.ends_early:,}"
            yield Loss(
                code="read.truncated",
                message=message,
                file=file,
                byte_from=found.ends_early,
                byte_to=found.wanted_end,
            )

    def _span(self) -> tuple[int, int] | None:
        """Give first and last time from the clusters at both ends of the file."""
        numbers, most = [track.number for track in self._tracks], largest_pts(self._base)
        with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            start = blocks_of(data, numbers, clusters=_END_CLUSTERS)
            end = blocks_of(data, numbers, start=last_clusters(data, _END_CLUSTERS))
        ends = [
            value for found in (start, end) for blocks in found.tracks.values() for value in _ends(blocks, most)
        ]
        if not ends:
            return None
        first, last = pts_ns(np.array([min(ends), max(ends)], np.int64), self._base).tolist()
        return first + self._offset_ns, last + self._offset_ns


def _ends(blocks: TrackBlocks, most: int) -> list[int]:
    pts = np.frombuffer(blocks.pts, np.int64)
    pts = pts[np.abs(pts) <= most]
    return [int(pts.min()), int(pts.max())] if len(pts) else []


def _entries(track: DeviceTrack, rows: int, rejected: Counter[str], cut: int) -> Iterator[LedgerEntry]:
    refused = rejected.total()
    name = track.stream.name
    yield LedgerEntry(
        stream=name, step="read", came_in=rows + refused, out=rows, rejected=refused, reasons=dict(rejected)
    )
    if track.stream.table == "frames":
        reasons = {CUT_OFF: cut} if cut else {}
        yield LedgerEntry(stream=name, step="bytes", came_in=rows, out=rows - cut, unread=cut, reasons=reasons)


def _track_losses(track: DeviceTrack, rejected: Counter[str], cut: int, file: str) -> Iterator[Loss]:
    for reason, count in rejected.items():
        message = f"{say_count(count, 'block')} of {file} cannot be read: {reason}"
        yield Loss(code="read.damaged", message=message, stream=track.stream.name, count=count, file=file)
    if cut:
        message = f"the bytes of {say_count(cut, 'picture')} of {file} are cut off"
        yield Loss(code="read.short", message=message, stream=track.stream.name, count=cut, file=file)


def _unsound(fault: Unsound, file: str) -> Loss:
    message = f"bytes {fault.byte_from:,} to {fault.byte_to:,} of {file} are damaged: {fault.what}"
    return Loss(code="read.damaged", message=message, file=file, byte_from=fault.byte_from, byte_to=fault.byte_to)


def _cut(path: Path) -> Iterator[Loss]:
    end, size = declared_end(path), path.stat().st_size
    if end is not None and end > size:
        message = f"{path.name} ends at byte {size:,}, and says that it has {end:,}"
        yield Loss(code="read.truncated", message=message, file=path.name, byte_from=size, byte_to=end)
