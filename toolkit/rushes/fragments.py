"""Fragmented MP4 that was cut in the head of a fragment: the part of it that FFmpeg opens.

A recorder that is killed may leave half of a fragment's head (``moof``). FFmpeg then refuses the file as a whole,
though every fragment before is complete; it takes the same file when it is told to stop before that head.
"""

import struct
from pathlib import Path

import av
from av.container import InputContainer

_MOST_BOXES = 10_000_000
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


def open_container(path: Path) -> InputContainer:
    """Open for reading; text that is not UTF-8 is no reason to fail, nor a last fragment whose head is cut.

    Raises:
        av.FFmpegError: If FFmpeg does not know it, or nothing of it is whole.
    """
    try:
        return av.open(str(path), mode="r", metadata_errors="replace")
    except av.FFmpegError:
        front = whole_front(path)
        if front is None:
            raise
        return av.open(front, mode="r", metadata_errors="replace")
