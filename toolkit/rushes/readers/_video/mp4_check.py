"""Whether an MP4 or MOV file agrees with itself: its boxes, the tables of its tracks, its fragments."""

import mmap
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rushes.readers._video.boxes import Box, Fault, children, outermost
from rushes.readers._video.fragment_check import Fragments, check_fragment, track_defaults

_TABLES = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stco": 4, b"co64": 8, b"stss": 4}
"""Bytes of an entry."""
_REORDERED = 16
"""Samples by which a track may end sooner or later than they say: writers differ in what the last one lasts."""
_KINDS = (b"vide", b"soun", b"subt", b"text", b"sbtl", b"meta", b"tmcd", b"hint", b"clcp")


@dataclass(slots=True)
class Checked:
    """What a walk through a file has found.

    Args:
        counts: Samples of each track by its number, of its tables and all fragments.
        media: First byte and one past the last of each ``mdat``, with its head.
    """

    counts: Counter[int] = field(default_factory=Counter)
    faults: list[Fault] = field(default_factory=list)
    fragmented: bool = False
    media: list[tuple[int, int]] = field(default_factory=list)


def checked(path: Path) -> Checked:
    """Walk through a file; only its tables are read."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        view = memoryview(data)
        try:
            return _checked(view)
        finally:
            view.release()


def _checked(data: memoryview) -> Checked:
    found, fragments = Checked(), Fragments()
    boxes = list(outermost(data, found.faults))
    found.media = [(box.at, box.end) for box in boxes if box.kind == b"mdat"]
    for i, box in enumerate(boxes):
        if box.end > len(data):  # named as the end that is missing
            continue
        if box.kind == b"moov":
            _movie(data, box, found, fragments)
        elif box.kind == b"moof":
            found.fragmented = True
            behind = boxes[i + 1] if i + 1 < len(boxes) else None
            mdat = behind if behind is not None and behind.kind == b"mdat" else None
            check_fragment(data, box, mdat, fragments, found.faults)
    found.counts += fragments.counts
    return found


def _movie(data: memoryview, moov: Box, found: Checked, fragments: Fragments) -> None:
    for box in children(data, moov, found.faults):
        if box.kind == b"mvex":
            for inner in children(data, box, found.faults):
                told = track_defaults(data, inner) if inner.kind == b"trex" else None
                if told is not None:
                    fragments.defaults[told[0]] = told[1]
        elif box.kind == b"trak":
            _track(data, box, found)


def _track(data: memoryview, trak: Box, found: Checked) -> None:
    inside: dict[bytes, Box] = {}
    pending = [trak]
    while pending:
        for box in children(data, pending.pop(), found.faults):
            inside.setdefault(box.kind, box)
            if box.kind in (b"mdia", b"minf", b"stbl", b"edts"):
                pending.append(box)
    head, handler = inside.get(b"tkhd"), inside.get(b"hdlr")
    if head is None or b"mdhd" not in inside or handler is None or handler.end - handler.body < 12:
        found.faults.append(Fault(table=True, byte_from=trak.at, byte_to=trak.end, what="a track lacks its head"))
        return
    number_at = head.body + (20 if data[head.body] == 1 else 12)
    track = int.from_bytes(data[number_at : number_at + 4], "big")
    kind = int.from_bytes(data[handler.body + 8 : handler.body + 12], "big")
    near = [known for known in _KINDS if (int.from_bytes(known, "big") ^ kind).bit_count() == 1]
    if near:
        what = f"the track's kind is one bit from '{near[0].decode()}'"
        found.faults.append(Fault(table=True, byte_from=handler.at, byte_to=handler.end, what=what, track=track))
    tables = {kind: _table(data, inside[kind], width, found) for kind, width in _TABLES.items() if kind in inside}
    sizes = _sizes(data, inside[b"stsz"], found) if b"stsz" in inside else None
    if sizes is None:
        return
    found.counts[track] += len(sizes)
    said = _contradictions(tables, sizes, _duration(data, inside[b"mdhd"]))
    said += _misplaced(tables, sizes, found.media)
    for what in said:
        found.faults.append(Fault(table=True, byte_from=trak.at, byte_to=trak.end, what=what, track=track))


def _misplaced(
    tables: dict[bytes, npt.NDArray[np.int64]], sizes: npt.NDArray[np.int64], media: list[tuple[int, int]]
) -> list[str]:
    """Say how many chunks of samples do not lie in any media box."""
    places = tables.get(b"stco", tables.get(b"co64"))
    spread = tables.get(b"stsc")
    if places is None or spread is None or not len(places) or not len(spread):
        return []
    runs = np.diff(np.append(spread[:, 0], len(places) + 1))
    if (runs <= 0).any():
        return []  # told as chunks that are out of order
    each = np.repeat(spread[:, 1], runs)
    ends = np.minimum(np.cumsum(each), len(sizes))
    weights = np.concatenate([[0], np.cumsum(sizes)])
    first = np.concatenate([[0], ends[:-1]])
    begin = places[: len(each), 0]
    end = begin + weights[ends] - weights[first]
    inside = np.zeros(len(begin), np.bool_)
    for start, stop in media:
        inside |= (begin >= start) & (end <= stop)
    wrong = np.flatnonzero(~inside)
    if not len(wrong):
        return []
    count = int((ends - first)[wrong].sum())
    return [f"{count} of its samples do not lie where there are media"]


def _table(data: memoryview, box: Box, width: int, found: Checked) -> npt.NDArray[np.int64]:
    count = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    if box.body + 8 + count * width != box.end:
        what = f"the table '{box.kind.decode()}' says that it has {count} entries, which do not fill it"
        found.faults.append(Fault(table=True, byte_from=box.at, byte_to=box.end, what=what))
        count = min(count, max(0, box.end - box.body - 8) // width)
    raw = data[box.body + 8 : box.body + 8 + count * width]
    if box.kind == b"co64":
        return np.frombuffer(raw, ">u8").astype(np.int64).reshape(-1, 1)
    return np.frombuffer(raw, ">u4").astype(np.int64).reshape(-1, width // 4)


def _sizes(data: memoryview, box: Box, found: Checked) -> npt.NDArray[np.int64]:
    same = int.from_bytes(data[box.body + 4 : box.body + 8], "big")
    count = int.from_bytes(data[box.body + 8 : box.body + 12], "big")
    if box.body + 12 + (0 if same else 4 * count) != box.end:
        what = f"the table of sizes says that it has {count}, which do not fill it"
        found.faults.append(Fault(table=True, byte_from=box.at, byte_to=box.end, what=what))
        count = 0 if same else min(count, max(0, box.end - box.body - 12) // 4)
    if same:
        return np.broadcast_to(np.int64(same), (count,))
    return np.frombuffer(data[box.body + 12 : box.body + 12 + 4 * count], ">u4").astype(np.int64)


def _duration(data: memoryview, box: Box) -> int | None:
    """Read how many ticks a track lasts; None where it does not say."""
    wide = data[box.body] == 1
    at, width = (box.body + 24, 8) if wide else (box.body + 16, 4)
    value = int.from_bytes(data[at : at + width], "big")
    return None if value in (0, (1 << 8 * width) - 1) else value


def _contradictions(
    tables: dict[bytes, npt.NDArray[np.int64]], sizes: npt.NDArray[np.int64], lasts: int | None
) -> list[str]:
    """Say where the tables of one track contradict each other."""
    found, count = [], len(sizes)
    for kind in (b"stts", b"ctts"):
        held = int(tables[kind][:, 0].sum()) if kind in tables and len(tables[kind]) else count
        if held != count:
            found.append(f"'{kind.decode()}' is of {held} samples, 'stsz' of {count}")
    if b"stts" in tables and lasts is not None and count:
        total = int((tables[b"stts"][:, 0] * tables[b"stts"][:, 1]).sum())
        longest = int(tables[b"stts"][:, 1].max(initial=0))
        if abs(total - lasts) > _REORDERED * longest:
            found.append(f"its samples last {total} ticks, the track {lasts}")
    chunks = tables.get(b"stco", tables.get(b"co64"))
    if chunks is not None and b"stsc" in tables and len(tables[b"stsc"]):
        first, each = tables[b"stsc"][:, 0], tables[b"stsc"][:, 1]
        held = int((np.diff(np.append(first, len(chunks) + 1)) * each).sum())
        if held != count or (np.diff(first) <= 0).any() or first[0] != 1:
            found.append(f"its {len(chunks)} chunks hold {held} samples, 'stsz' has {count}")
    if b"stss" in tables and len(tables[b"stss"]):
        keys = tables[b"stss"][:, 0]
        if keys[-1] > count or keys[0] < 1 or (np.diff(keys) <= 0).any():
            found.append("its keyframes are not in order")
    return found
