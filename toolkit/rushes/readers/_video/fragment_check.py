"""Whether the fragments of an MP4 add up: their numbers, counts, sizes and times against one another.

A fragment (``moof`` and its ``mdat``) says things twice: it has a number, one above the last; the sizes of its
samples are those of its ``mdat``; it begins when the samples before it end. A flipped bit breaks one of these.
"""

import struct
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rushes.fragments import list_fits
from rushes.readers._video.boxes import Box, Fault, children

_DURATION, _SIZE, _FLAGS, _SHIFT = 0x100, 0x200, 0x400, 0x800
_BASE_GIVEN, _BASE_IS_MOOF = 0x1, 0x020000


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """What the samples of a track last and weigh where they do not say."""

    duration: int = 0
    size: int = 0


@dataclass(slots=True)
class Fragments:
    """What the walk through the fragments of a file has found so far.

    Args:
        counts: Samples by track number.
        due: When the next fragment of a track should begin, and the longest sample of the last.
    """

    defaults: dict[int, Defaults] = field(default_factory=dict)
    counts: Counter[int] = field(default_factory=Counter)
    due: dict[int, tuple[int, int]] = field(default_factory=dict)
    number: int | None = None


@dataclass(slots=True)
class _Run:
    """The samples of one ``traf``."""

    track: int = 0
    count: int = 0
    begins: int | None = None
    durations: int = 0
    longest: int = 0
    places: list[tuple[int, int]] = field(default_factory=list)  # first byte and number of bytes


def track_defaults(data: memoryview, box: Box) -> tuple[int, Defaults] | None:
    """Read a ``trex``: the track's number and its defaults."""
    if box.end - box.body < 24:
        return None
    track, _, duration, size = struct.unpack_from(">IIII", data, box.body + 4)
    return track, Defaults(duration=duration, size=size)


def check_fragment(data: memoryview, moof: Box, mdat: Box | None, found: Fragments, faults: list[Fault]) -> None:
    """Look at one fragment and note what it adds; what does not add up becomes a fault.

    Args:
        mdat: The box that follows it; None where another does, or none.
    """
    last = mdat.end if mdat is not None else moof.end
    room = mdat.end - mdat.body if mdat is not None else len(data)
    runs: list[_Run] = []
    for box in children(data, moof, faults):
        if box.kind == b"mfhd" and box.end - box.body >= 8:
            _number(int(struct.unpack_from(">I", data, box.body + 4)[0]), moof, found, faults)
        elif box.kind == b"traf":
            run = _run(data, moof, box, found.defaults, room, faults)
            if run is not None:
                runs.append(run)
    for run in runs:
        found.counts[run.track] += run.count
        _begins(run, moof, last, found, faults)
    _weigh(runs, moof, mdat, len(data), faults)


def _number(number: int, moof: Box, found: Fragments, faults: list[Fault]) -> None:
    if found.number is not None and number > found.number + 1:
        missing = number - found.number - 1
        what = f"fragment {number} follows fragment {found.number}: {missing} are missing, or a number is damaged"
        faults.append(Fault(byte_from=moof.at, byte_to=moof.at, what=what))
    found.number = number


def _begins(run: _Run, moof: Box, last: int, found: Fragments, faults: list[Fault]) -> None:
    due = found.due.get(run.track)
    if run.begins is not None and due is not None and run.begins + max(due[1], run.longest) < due[0]:
        what = f"it begins at {run.begins}, and the samples before it end at {due[0]} of the track's ticks"
        faults.append(Fault(byte_from=moof.at, byte_to=last, what=what, track=run.track))
    begins = run.begins if run.begins is not None else due[0] if due is not None else 0
    found.due[run.track] = (begins + run.durations, run.longest)


def _weigh(runs: list[_Run], moof: Box, mdat: Box | None, size: int, faults: list[Fault]) -> None:
    total = sum(length for run in runs for _, length in run.places)
    count = sum(run.count for run in runs)
    if mdat is None:
        if total and moof.end < size:
            what = f"the data of its {count} samples do not follow it"
            faults.append(Fault(byte_from=moof.at, byte_to=moof.end, what=what, count=count))
        return
    outside = [at for run in runs for at, length in run.places if at < mdat.body or at + length > mdat.end]
    if outside:
        what = f"{len(outside)} of its runs of samples lie outside of its data"
        faults.append(Fault(byte_from=moof.at, byte_to=mdat.end, what=what, count=count))
    elif total != mdat.end - mdat.body:
        what = f"its {count} samples are {total} bytes, its data {mdat.end - mdat.body}"
        faults.append(Fault(byte_from=moof.at, byte_to=mdat.end, what=what, count=count))


def _run(
    data: memoryview, moof: Box, traf: Box, defaults: dict[int, Defaults], room: int, faults: list[Fault]
) -> _Run | None:
    boxes = children(data, traf, faults)
    head = next((box for box in boxes if box.kind == b"tfhd"), None)
    told = _track_head(data, head, moof, defaults) if head is not None else None
    if told is None:
        faults.append(Fault(byte_from=traf.at, byte_to=traf.end, what="the head of a track in it does not read"))
        return None
    run, own, base = told
    place = base
    for box in boxes:
        if box.kind == b"tfdt" and box.end - box.body in (8, 12):
            wide = box.end - box.body == 12
            if wide != (data[box.body] == 1):
                faults.append(Fault(byte_from=box.at, byte_to=box.end, what="its time does not read"))
            run.begins = int(struct.unpack_from(">Q" if wide else ">I", data, box.body + 4)[0])
        elif box.kind == b"trun":
            place = _samples(data, box, run, own, (base, place), room, faults)
    return run


def _track_head(
    data: memoryview, box: Box, moof: Box, defaults: dict[int, Defaults]
) -> tuple[_Run, Defaults, int] | None:
    flags = int.from_bytes(data[box.body + 1 : box.body + 4], "big")
    widths = {_BASE_GIVEN: 8, 0x2: 4, 0x8: 4, 0x10: 4, 0x20: 4}
    if box.end - box.body != 8 + sum(width for flag, width in widths.items() if flags & flag):
        return None
    track = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    if defaults and track not in defaults:
        return None
    at = box.body + 8
    values: dict[int, int] = {}
    for flag, width in widths.items():
        if flags & flag:
            values[flag] = int.from_bytes(data[at : at + width], "big")
            at += width
    known = defaults.get(track, Defaults())
    own = Defaults(duration=values.get(0x8, known.duration), size=values.get(0x10, known.size))
    return _Run(track=track), own, values.get(_BASE_GIVEN, moof.at)


def _samples(
    data: memoryview,
    box: Box,
    run: _Run,
    own: Defaults,
    places: tuple[int, int],
    room: int,
    faults: list[Fault],
) -> int:
    """Add the samples of a ``trun``; give where the next would begin."""
    flags = int.from_bytes(data[box.body + 1 : box.body + 4], "big")
    fields = [flag for flag in (_DURATION, _SIZE, _FLAGS, _SHIFT) if flags & flag]
    at = box.body + 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    count = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    if not list_fits(data[box.body : box.end], room):
        what = f"a list says that it is of {count} samples, which cannot be; nothing of its fragment is read"
        faults.append(Fault(byte_from=box.at, byte_to=box.end, what=what, track=run.track))
        return places[1]
    table: npt.NDArray[np.int64] = np.frombuffer(data[at : box.end], ">u4").astype(np.int64)
    table = table.reshape(count, len(fields)) if fields else np.zeros((count, 0), np.int64)
    durations = table[:, fields.index(_DURATION)] if flags & _DURATION else np.full(count, own.duration)
    sizes = table[:, fields.index(_SIZE)] if flags & _SIZE else np.full(count, own.size)
    place = places[1]
    if flags & 0x1:
        place = places[0] + int(struct.unpack_from(">i", data, box.body + 8)[0])
    run.count += count
    run.durations += int(durations.sum())
    run.longest = max(run.longest, int(durations.max(initial=0)))
    run.places.append((place, int(sizes.sum())))
    return place + int(sizes.sum())
