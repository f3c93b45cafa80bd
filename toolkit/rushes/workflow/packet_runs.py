"""Which packets of a stream decode together, and how they are handed to their decoder."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import FrameFlag, PacketRun
from rushes.packets import facts_of

Payload = Callable[[int], bytes]
COUNTED = 0.9
"""Sequence numbers that rise by one in so large a share of the steps count the packets of the stream; others, such
as a recorder's own over all streams, tell nothing of what was lost."""


class Runs:
    """The runs of one stream: each from a key frame, and parameters sent just before it, up to the next.

    Args:
        name: Tells the stream from all others.
        payload: Gives the bytes of a packet by its index; may raise ReadError.
        begin: Shape (n,), index of the first packet of each packet's run; -1 where no key frame is before it.
        lost: Shape (n,), whether packets before this one are known to be lost.
        flags: Shape (n,), of the frames.
    """

    def __init__(
        self,
        name: str,
        payload: Payload,
        *,
        begin: npt.NDArray[np.int64],
        lost: npt.NDArray[np.bool_],
        flags: npt.NDArray[np.int32],
    ) -> None:
        self._name, self._payload = name, payload
        self._begin, self._flags = begin, flags
        self._lost = np.flatnonzero(lost)
        self._starts = np.unique(begin[begin >= 0])

    @classmethod
    def of_stream(
        cls,
        name: str,
        codec: str,
        payload: Payload,
        *,
        keyframes: Sequence[bool | None] | None,
        flags: npt.NDArray[np.int32],
        lost: npt.NDArray[np.bool_] | None = None,
    ) -> "Runs":
        """Find the runs of a stream.

        Args:
            name: As above.
            codec: Of its packets.
            payload: As above.
            keyframes: Of each frame; where none is known, every packet is read once to tell.
            flags: Of each frame.
            lost: Whether packets before each frame are known to be lost; none where None.
        """
        if keyframes is None or all(known is None for known in keyframes):
            starts = _starts_read(payload, codec, len(flags))
        else:
            starts = starts_of(np.array([bool(known) for known in keyframes]), flags)
        lost = np.zeros(len(flags), np.bool_) if lost is None else lost
        return cls(name, payload, begin=begins(starts), lost=lost, flags=flags)

    def of(self, index: int) -> PacketRun | None:
        """Give the run of a packet; None where no key frame is before it.

        Raises:
            ReadError: ``read.undecodable`` if a packet that it leans on is known to be lost, or it is no picture.
        """
        if self._flags[index] & FrameFlag.NO_PICTURE:
            raise _undecodable(index, "it brings parameters for those after it, and no picture")
        first = int(self._begin[index])
        if first < 0:
            return None
        at = int(np.searchsorted(self._lost, first, side="right"))
        if at < len(self._lost) and self._lost[at] <= index:
            raise _undecodable(
                index,
                f"it leans on what the recording has lost before packet {self._lost[at]}",
            )
        following = int(np.searchsorted(self._starts, first, side="right"))
        end = int(self._starts[following]) if following < len(self._starts) else len(self._begin)
        return PacketRun(stream=self._name, first=first, packets=_Packets(self._payload, first, end))


def starts_of(keyframes: npt.NDArray[np.bool_], flags: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Tell the first packets of runs: key frames, or the first of the parameters that come just before one."""
    starts = keyframes.copy()
    bare = flags & int(FrameFlag.NO_PICTURE) != 0
    for at in np.flatnonzero(starts).tolist():
        begin = at
        while begin > 0 and bare[begin - 1]:
            begin -= 1
        starts[at], starts[begin] = False, True
    return starts


def begins(starts: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
    """Give each packet the index of the first of its run; -1 before the first run."""
    where = np.where(starts, np.arange(len(starts)), -1)
    made: npt.NDArray[np.int64] = np.maximum.accumulate(where) if len(where) else where
    return made


def lost_by_span(losses: Sequence[Mapping[str, Any]], log_ns: Sequence[int | None]) -> npt.NDArray[np.bool_]:
    """Tell the first packet after each loss whose time is known; by the recorder's clock, as losses have it."""
    lost = np.zeros(len(log_ns), np.bool_)
    if not losses or any(time is None for time in log_ns):
        return lost
    times = np.array(log_ns, np.int64)
    for loss in losses:
        begin = loss["start_ns"] if loss["start_ns"] is not None else loss["end_ns"]
        after = np.flatnonzero(times >= begin) if begin is not None else times[:0]
        if len(after):
            lost[after[0]] = True
    return lost


def lost_by_number(seq: Sequence[int | None] | None, count: int) -> npt.NDArray[np.bool_]:
    """Tell where sequence numbers, if they count the packets of the stream, leave some out."""
    none = np.zeros(count, np.bool_)
    if seq is None or count < 2 or any(number is None for number in seq):
        return none
    steps = np.diff(np.array(seq, np.int64))
    if np.mean(steps == 1) < COUNTED:
        return none
    none[1:] = steps > 1
    return none


def _starts_read(payload: Payload, codec: str, count: int) -> npt.NDArray[np.bool_]:
    """Read every packet to tell the first of each run: of recordings whose reader has not told key frames."""
    flags, keyframes = np.zeros(count, np.int32), np.zeros(count, np.bool_)
    waiting = False
    for index in range(count):
        try:
            facts = facts_of(payload(index), codec)
        except ReadError:
            facts = None
        if facts is None:
            continue
        waiting |= facts.parameters
        keyframes[index] = facts.fresh and waiting
        flags[index] = 0 if facts.picture else int(FrameFlag.NO_PICTURE)
        waiting = waiting and not facts.picture
    return starts_of(keyframes, flags)


def _undecodable(index: int, why: str) -> ReadError:
    return ReadError(
        f"packet {index} cannot be decoded: {why}",
        code="read.undecodable",
        hint="the frame keeps its row and time; the pictures from the next key frame on are good",
        facts={"packet": index},
    )


class _Packets(Sequence[bytes]):
    """The packets from one index up to another, each read when it is asked for."""

    def __init__(self, payload: Payload, first: int, end: int) -> None:
        self._payload, self._first, self._end = payload, first, end

    def __len__(self) -> int:
        return self._end - self._first

    @overload
    def __getitem__(self, at: int) -> bytes: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[bytes]: ...

    def __getitem__(self, at: int | slice) -> bytes | Sequence[bytes]:
        if isinstance(at, slice):
            return [self[place] for place in range(*at.indices(len(self)))]
        if not 0 <= at < len(self):
            raise IndexError(at)
        return self._payload(self._first + at)
