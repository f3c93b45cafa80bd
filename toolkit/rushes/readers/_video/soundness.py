"""What a media file says twice and not alike, whichever container it is; and the losses that this makes.

FFmpeg reads over damage and says nothing of it; here the container itself is held to its own word.
"""

import mmap
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rushes.model import Loss
from rushes.quantities import say_count
from rushes.readers._matroska.header import header_of
from rushes.readers._matroska.soundness import soundness_of
from rushes.readers._video.boxes import Fault
from rushes.readers._video.mp4_check import Checked, checked

_MOST_NAMED = 100
_REORDERED = 32
"""Places by which a picture may be stored before it is shown; codecs allow 16."""


def of_container(path: Path, kind: str) -> Checked:
    """Hold the tables of an MP4 or MOV file against one another; nothing of other kinds."""
    if "mov" not in kind.split(","):
        return Checked()
    try:
        return checked(path)
    except (OSError, ValueError):
        return Checked()


def of_clusters(path: Path, kind: str) -> list[Fault]:
    """Walk through the clusters of a Matroska file; an empty list for other kinds."""
    if "matroska" not in kind.split(","):
        return []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        tracks = {track.number for track in header_of(data).tracks}
        found = soundness_of(data, tracks)
    return [Fault(byte_from=f.byte_from, byte_to=f.byte_to, what=f.what, count=f.count) for f in found.faults]


def named(
    faults: Collection[Fault], file: str, streams: Mapping[int, str], whole: tuple[int, int] | None
) -> Iterator[Loss]:
    """Make faults losses.

    Args:
        file: Name of the file.
        streams: Name of the stream of each track, by the track's number.
        whole: First and last time of the file: what a damaged table concerns.
    """
    for i, fault in enumerate(faults):
        if i == _MOST_NAMED:
            message = f"{file}: {say_count(len(faults) - i, 'more place')} contradict themselves"
            yield Loss(code="read.damaged", message=message, file=file)
            return
        where = f"bytes {fault.byte_from:,} to {fault.byte_to:,} of {file} are damaged"
        if fault.byte_to == fault.byte_from:
            where = f"before byte {fault.byte_from:,} of {file} something is missing"
        yield Loss(
            code="read.damaged",
            message=f"{where}: {fault.what}",
            stream=None if fault.track is None else streams.get(fault.track),
            file=file,
            byte_from=fault.byte_from,
            byte_to=fault.byte_to,
            start_ns=whole[0] if fault.table and whole else None,
            end_ns=whole[1] if fault.table and whole else None,
        )


def astray(order: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Tell which samples are stamped far from those that are stored beside them.

    Args:
        order: Shape (n,), places in the file in the order of their times.

    Returns:
        Shape (n,), in the order of times.
    """
    return np.asarray(np.abs(order - np.arange(len(order))) > _REORDERED)
