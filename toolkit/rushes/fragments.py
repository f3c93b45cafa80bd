"""Fragmented MP4 whose fragments are damaged in their heads: what of it FFmpeg can be given.

A recorder that is killed may leave half of a fragment's head (``moof``). FFmpeg then refuses the file as a whole,
though every fragment before is complete; it takes the same file when it is told to stop before that head. One
flipped bit in a head can say that there are millions of samples, for which FFmpeg takes gigabytes, or refuses the
file; such a head is shown to it as empty room, so that what lies around it is read, from where it lies.
"""

import mmap
import os
import struct
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import av
from av.container import InputContainer

_MOST_BOXES = 10_000_000
_MOST_TRACKS = 4096
_HEAD = 16


def whole_front(path: Path) -> str | None:
    """Give FFmpeg's name for the file up to its last box, where that is the head of a fragment and is cut.

    Returns:
        A URL of FFmpeg's protocol ``subfile``; None for every other file, and where it cannot be read.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            place = 0
            for _ in range(_MOST_BOXES):
                file.seek(place)
                head = file.read(_HEAD)
                if len(head) < 8:
                    return None
                length, kind = struct.unpack_from(">I4s", head)
                if length == 1 and len(head) == _HEAD:
                    length = struct.unpack_from(">Q", head, 8)[0]
                if length < 8 or (place == 0 and kind != b"ftyp"):
                    return None
                if place + length > size:
                    return f"subfile,,start,0,end,{place},,:{path}" if kind == b"moof" else None
                place += length
    except OSError:
        return None
    return None


@lru_cache(maxsize=64)
def _hidden(path: Path, _size: int, _mtime_ns: int) -> tuple[int, ...]:
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        boxes = _boxes(data, 0, len(data), most=_MOST_BOXES)
        if not boxes or boxes[0][0] != b"ftyp":
            return ()
        found = []
        for i, (kind, at, body, end) in enumerate(boxes):
            if kind == b"moof" and end <= len(data):
                behind = boxes[i + 1] if i + 1 < len(boxes) else None
                room = behind[3] - behind[2] if behind is not None and behind[0] == b"mdat" else 0
                if not _credible(data, body, end, room or len(data)):
                    found.append(at)
        return tuple(found)


@lru_cache(maxsize=64)
def _culprit(path: Path, size: int, _mtime_ns: int) -> int | None:
    """Find the fragment for which FFmpeg refuses a file: the first without which what lies before opens."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        boxes = _boxes(data, 0, size, most=_MOST_BOXES)
    heads = [at for kind, at, _, _ in boxes if kind == b"moof"]
    if not heads or boxes[0][0] != b"ftyp" or not _opens(path, heads[0]):
        return None
    good, bad = 0, len(heads)  # how many fragments from the start can be opened, and how many cannot
    while bad - good > 1:
        middle = (good + bad) // 2
        good, bad = (middle, bad) if _opens(path, heads[middle]) else (good, middle)
    return heads[good]


def _opens(path: Path, end: int) -> bool:
    try:
        av.open(f"subfile,,start,0,end,{end},,:{path}", mode="r", metadata_errors="replace").close()
    except av.FFmpegError:
        return False
    return True


def damaged_heads(path: Path) -> tuple[int, ...]:
    """Give where the heads of fragments lie whose lists of samples cannot be true; none for every other file."""
    try:
        about = path.stat()
        return _hidden(path, about.st_size, about.st_mtime_ns) if about.st_size else ()
    except OSError:
        return ()


def list_fits(content: bytes | memoryview, room: int) -> bool:
    """Tell whether a list of samples (the content of a ``trun``) can be as long as it says.

    Args:
        content: From its version on.
        room: Bytes that its samples share, each at least one.
    """
    if len(content) < 8:
        return False
    flags, count = struct.unpack_from(">II", content)
    fields = (flags & 0xF00).bit_count()
    head = 8 + 4 * bool(flags & 0x1) + 4 * bool(flags & 0x4)
    return bool(head + 4 * fields * count == len(content) and count <= room)


def _credible(data: mmap.mmap, start: int, end: int, room: int) -> bool:
    for kind, _, body, stop in _boxes(data, start, end, most=_MOST_TRACKS):
        if kind != b"traf" or stop > end:
            continue
        for inner, _, content, last in _boxes(data, body, stop, most=_MOST_TRACKS):
            if inner == b"trun" and last <= stop and not list_fits(data[content:last], room):
                return False
    return True


def _boxes(data: mmap.mmap, at: int, limit: int, *, most: int) -> list[tuple[bytes, int, int, int]]:
    """Give kind, first byte, first byte of the content and one past the last of each box."""
    found: list[tuple[bytes, int, int, int]] = []
    while at + 8 <= limit and len(found) < most:
        length, kind = struct.unpack_from(">I4s", data, at)
        body = at + 8
        if length == 1 and at + _HEAD <= limit:
            length, body = struct.unpack_from(">Q", data, body)[0], at + _HEAD
        elif length == 0:
            length = limit - at
        if length < body - at:
            break
        found.append((kind, at, body, at + length))
        at += length
    return found


class _WithRoom:
    """A file in which some boxes are shown as empty room; what FFmpeg reads from."""

    def __init__(self, path: Path, places: Sequence[int]) -> None:
        with path.open("rb") as file:
            self._data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        self._kinds = [place + 4 for place in places]
        self._at = 0

    def read(self, size: int) -> bytes:
        start = self._at
        content = self._data[start : start + size]
        self._at += len(content)
        touched = [place for place in self._kinds if start - 4 < place < self._at]
        if touched:
            changed = bytearray(content)
            for place in touched:
                for i, letter in enumerate(b"free"):
                    if 0 <= place + i - start < len(changed):
                        changed[place + i - start] = letter
            content = bytes(changed)
        return content

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._data)}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True


def open_container(path: Path) -> InputContainer:
    """Open for reading; text that is not UTF-8 is no reason to fail, nor a fragment whose head is damaged.

    Raises:
        av.FFmpegError: If FFmpeg does not know it, or nothing of it is whole.
    """
    if damaged := damaged_heads(path):
        return av.open(_WithRoom(path, damaged), mode="r", metadata_errors="replace")
    try:
        return av.open(str(path), mode="r", metadata_errors="replace")
    except av.FFmpegError:
        front = whole_front(path)
        if front is None:
            about = path.stat()
            culprit = _culprit(path, about.st_size, about.st_mtime_ns)
            if culprit is None:
                raise
            return av.open(_WithRoom(path, (culprit,)), mode="r", metadata_errors="replace")
        return av.open(front, mode="r", metadata_errors="replace")
