"""Blocks of sound as an audio library hands them over → their times, numbers and losses."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_NANO = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One block, interleaved int16.

    Args:
        first_s: When its first sample was taken, in the library's clock; 0 where it cannot say.
        called_s: When it was handed over, in the same clock; 0 where it cannot say.
        arrived_ns: When it was handed over, ``time.monotonic_ns``.
        overflowed: Whether sound was lost just before it.
    """

    data: bytes
    frames: int
    first_s: float
    called_s: float
    arrived_ns: int
    overflowed: bool = False

    def samples(self, channels: int) -> npt.NDArray[np.int16]:
        """Give its samples, shape (frames, channels)."""
        return np.frombuffer(self.data, np.int16).reshape(self.frames, channels)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """Where a block stands.

    Args:
        arrival_ns: Monotonic time at which its first sample would have arrived alone: its hand-over less the time
            that it lasts. So latencies do not depend on the size of blocks.
        device_ns: Of its first sample, in the library's clock.
        seq: Its number; lost blocks leave a hole.
        lost: Samples that are missing before it.
    """

    arrival_ns: int
    device_ns: int
    seq: int
    lost: int = 0


class BlockClock:
    """Places blocks one after another.

    Args:
        rate_hz: Samples a second.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._seq = 0
        self._due_ns: int | None = None
        self._arrival_ns = 0

    def place(self, block: Block) -> Placed:
        """Place the next block.

        What was lost is told by the times where the library says that there was an overflow; without its word,
        times jitter by more than a block and prove nothing.
        """
        lasts_ns = block.frames * _NANO // self._rate_hz
        device_ns = self._device_ns(block, lasts_ns)
        lost = self._lost(device_ns) if block.overflowed else 0
        self._seq += -(-lost // block.frames)
        self._arrival_ns = max(self._arrival_ns, block.arrived_ns - lasts_ns)
        placed = Placed(arrival_ns=self._arrival_ns, device_ns=device_ns, seq=self._seq, lost=lost)
        self._seq += 1
        self._due_ns = device_ns + lasts_ns
        return placed

    def restart(self) -> None:
        """Begin anew after the device was away; numbers go on."""
        self._due_ns = None

    def _lost(self, device_ns: int) -> int:
        if self._due_ns is None:
            return 0
        return max(1, round((device_ns - self._due_ns) * self._rate_hz / _NANO))

    def _device_ns(self, block: Block, lasts_ns: int) -> int:
        if block.first_s > 0:
            return round(block.first_s * _NANO)
        return round(block.called_s * _NANO) - lasts_ns
