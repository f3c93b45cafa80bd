"""The first few messages of each channel, gathered while blocks go by."""

from collections.abc import Mapping, Sequence

import numpy as np

from rushes.model import Times
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.interpret import PEEK

ENOUGH_BYTES = 1 << 20
"""Two messages are enough where they are this large together; what is gathered stays in memory."""


class FirstMessages:
    """Gathers up to ``PEEK`` messages of each channel as copies; ``pending`` are the channels that want more."""

    def __init__(self, channels: Sequence[Channel]) -> None:
        self._wanted = {
            place: min(PEEK, PEEK if channel.declared_count is None else channel.declared_count)
            for place, channel in enumerate(channels)
        }
        self._parts: dict[int, list[MessageBlock]] = {}
        self.pending = {place for place, count in self._wanted.items() if count}

    def add(self, channel: int, block: MessageBlock) -> None:
        """Take what is wanted from the beginning of a block."""
        if channel not in self.pending or not len(block):
            return
        parts = self._parts.setdefault(channel, [])
        part = _head(block, self._wanted[channel] - sum(map(len, parts)))
        parts.append(part)
        count, size = sum(map(len, parts)), sum(len(one.buffer) for one in parts)
        if count >= self._wanted[channel] or (count >= 2 and size >= ENOUGH_BYTES):
            self.pending.discard(channel)

    def count(self, channel: int) -> int:
        """Give how many messages of a channel were gathered."""
        return sum(map(len, self._parts.get(channel, ())))

    def blocks(self) -> Mapping[int, MessageBlock]:
        """Give what was gathered, one block a channel."""
        return {channel: _joined(parts) for channel, parts in self._parts.items()}


def _head(block: MessageBlock, most: int) -> MessageBlock:
    ends = np.cumsum(block.length)
    count = max(min(2, most), int(np.searchsorted(ends, ENOUGH_BYTES, side="right")))
    count = min(count, most, len(block))
    payloads = [block.payload(i) for i in range(count)]
    length = block.length[:count]
    return MessageBlock(
        log_ns=block.log_ns[:count].copy(),
        publish_ns=None if block.publish_ns is None else block.publish_ns[:count].copy(),
        seq=None if block.seq is None else block.seq[:count].copy(),
        buffer=np.frombuffer(b"".join(payloads), np.uint8),
        start=np.cumsum(length) - length,
        length=length.copy(),
        media_id=block.media_id,
        block=block.block[:count].copy() if isinstance(block.block, np.ndarray) else block.block,
        place=block.place[:count].copy(),
    )


def _joined(parts: list[MessageBlock]) -> MessageBlock:
    """Join blocks of one channel. Their places are only good for looking: they may be of several files."""
    if len(parts) == 1:
        return parts[0]
    first = parts[0]
    length = np.concatenate([part.length for part in parts])
    return MessageBlock(
        log_ns=np.concatenate([part.log_ns for part in parts]),
        publish_ns=_concatenated([part.publish_ns for part in parts]),
        seq=_concatenated([part.seq for part in parts]),
        buffer=np.concatenate([part.buffer for part in parts]),
        start=np.cumsum(length) - length,
        length=length,
        media_id=first.media_id,
        block=None,
        place=np.concatenate([part.place for part in parts]),
    )


def _concatenated(columns: Sequence[Times | None]) -> Times | None:
    present = [column for column in columns if column is not None]
    return np.concatenate(present) if len(present) == len(columns) else None
