"""What the columns of ``frames`` say of packets of video: key frames, sizes, and what is no picture."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from rushes.model import Column, FrameFlag
from rushes.packets import UNIT_CODECS, facts_of, parameters_of
from rushes.readers._messages.layout import Indices, gather
from rushes.readers._messages.tally import masked

FRONT = 48
"""Most packets show within so many bytes what they are, and are looked at all at once; key frames seldom do."""
HEAD = 64 << 10
"""Parameters stand within so many bytes, or are not looked for."""
_PICTURE, _FRESH, _PARAMETERS, _KNOWN = 1, 2, 4, 8
_LEANING = {"h264": (1, 1, 5), "h265": (0, 15, 32), "hevc": (0, 15, 32)}
"""Units with a part of a picture that leans on others: first and last type; and first that is no part of one."""

Buffer = npt.NDArray[np.uint8]


class PacketRows:
    """Goes through the packets of one stream in order."""

    def __init__(self, codec: str | None) -> None:
        assert codec is not None
        self._codec = codec
        self._waiting = False  # parameters came, and no picture since
        self._size = (0, 0)

    def columns(self, buffer: Buffer, first: Indices, length: Indices) -> dict[str, Column]:
        """Give key frames, sizes and flags of the next packets."""
        marks = np.zeros(len(first), np.uint8)
        leaning = _leaning(buffer, first, length, self._codec)
        marks[leaning] = _PICTURE | _KNOWN
        spans = _spans(first, length, ~leaning)
        return self._told(marks, (self._front(buffer[a : a + n]) for a, n in spans))

    def columns_of(self, held: Sequence[bytes]) -> dict[str, Column]:
        """Give them of packets that have no place in a buffer, as they were unpacked."""
        return self._told(np.zeros(len(held), np.uint8), iter(held))

    def _front(self, packet: Buffer) -> bytes:
        """Give so much of a packet as is needed to tell what it is."""
        units = self._codec in UNIT_CODECS and bytes(packet[:3]) in (b"\0\0\1", b"\0\0\0")
        return bytes(packet[:HEAD] if units else packet)

    def _told(self, marks: npt.NDArray[np.uint8], others: Iterator[bytes]) -> dict[str, Column]:
        """Look at those that are not known yet, in their order; ``others`` gives their bytes."""
        sizes = np.zeros((len(marks), 2), np.int32)
        keyframes = np.zeros(len(marks), np.bool_)
        done = 0
        for at in np.flatnonzero(marks == 0).tolist():
            self._waiting = self._waiting and at == done  # a picture came between
            sizes[done:at] = self._size
            data = next(others)
            facts = facts_of(data, self._codec)
            if facts is not None:
                marks[at] = _KNOWN | _PICTURE * facts.picture
                self._waiting |= facts.parameters
                keyframes[at] = facts.fresh and facts.picture and self._waiting
                self._waiting = self._waiting and not facts.picture
                stated = parameters_of(data[:HEAD], self._codec) if facts.parameters else None
                if stated is not None:
                    self._size = (stated.width, stated.height)
            sizes[at] = self._size
            done = at + 1
        self._waiting = self._waiting and done == len(marks)
        sizes[done:] = self._size
        bare = (marks & _PICTURE == 0) & (marks & _KNOWN != 0)
        flags = bare * int(FrameFlag.NO_PICTURE) + (marks == 0) * int(FrameFlag.CORRUPT)
        unknown = sizes[:, 0] == 0
        return {
            "keyframe": keyframes,
            "width": masked(np.ascontiguousarray(sizes[:, 0]), unknown),
            "height": masked(np.ascontiguousarray(sizes[:, 1]), unknown),
            "flags": flags.astype(np.int32),
        }


def first_size(buffer: Buffer, first: Indices, length: Indices, codec: str) -> tuple[int | None, int | None]:
    """Give width and height that the first packet states which states any."""
    for begin, count in _spans(first, length, np.ones(len(first), np.bool_)):
        stated = parameters_of(bytes(buffer[begin : begin + min(count, HEAD)]), codec)
        if stated is not None:
            return stated.width, stated.height
    return None, None


def _spans(first: Indices, length: Indices, wanted: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    return zip(first[wanted].tolist(), length[wanted].tolist(), strict=True)


def _leaning(buffer: Buffer, first: Indices, length: Indices, codec: str) -> npt.NDArray[np.bool_]:
    """Tell packets, all at once, that certainly hold a picture that leans on others, and no parameters."""
    told: npt.NDArray[np.bool_] = np.zeros(len(first), np.bool_)
    if codec not in UNIT_CODECS:
        return told
    told = length >= FRONT
    if not told.any():
        return told
    front = gather(buffer, first[told], FRONT).view(np.uint8).reshape(-1, FRONT)
    begun = (front[:, :-3] == 0) & (front[:, 1:-2] == 0) & (front[:, 2:-1] == 1)
    kinds = front[:, 3:] & 0x1F if codec == "h264" else front[:, 3:] >> 1 & 0x3F
    low, high, other = _LEANING[codec]
    leaning = begun & (kinds >= low) & (kinds <= high)
    matters = begun & (((kinds >= 2) & (kinds <= other)) if codec == "h264" else ((kinds > high) & (kinds < 35)))
    matters |= begun & (kinds == 7) if codec == "h264" else False
    where = np.where(leaning.any(axis=1), leaning.argmax(axis=1), FRONT)
    before = np.where(matters.any(axis=1), matters.argmax(axis=1), FRONT)
    told[told] = (begun[:, 0] | begun[:, 1]) & (where < before)
    return told
