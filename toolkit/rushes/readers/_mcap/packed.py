"""The messages of an MCAP file of which each is a zstd frame by itself, as rosbag2 writes them, unpacked.

Where they lie is told as the container ``mcap+zstd``: see :class:`rushes.model.Location`.
"""

import struct
from collections import OrderedDict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.media import mcap_chunk, mcap_messages, unpack_message
from rushes.model import Loss, MediaFile
from rushes.readers._mcap.records import MESSAGE_HEAD, PREFIX
from rushes.readers._mcap.source import McapSource
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.recording import Unread, unpacked_to_nothing

ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
CHUNKS_KEPT = 8

Ints = npt.NDArray[np.int64]


def looks_packed(source: McapSource) -> bool:
    """Whether the first message is a zstd frame; no serialised message begins as one does."""
    first = next(iter(source.peek().values()), None)
    return first is not None and bytes(first.payload(0)[:4]) == ZSTD_MAGIC


class PackedMessages:
    """Fulfils ``Source`` for a file whose messages are compressed one by one."""

    def __init__(self, source: McapSource) -> None:
        self._source = source
        self._broken = 0
        self._chunks: OrderedDict[int, tuple[Ints, Ints]] = OrderedDict()
        self.media: Sequence[MediaFile] = [
            replace(file, container=f"{file.container}+zstd") for file in source.media
        ]
        self.metadata: Mapping[str, Any] = source.metadata

    @property
    def channels(self) -> Sequence[Channel]:
        """As in the file."""
        return self._source.channels

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """As in the file."""
        return self._source.span_ns

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel, unpacked."""
        return {channel: self._unpacked(block, located=False) for channel, block in self._source.peek().items()}

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages, unpacked."""
        self._broken = 0
        for channel, block in self._source.blocks(channels):
            plain = self._unpacked(block, located=True)
            self._broken += int((plain.length == 0).sum())
            yield channel, plain

    def losses(self) -> Sequence[Loss]:
        """As of the file; and the messages that do not unpack."""
        broken = [unpacked_to_nothing(self.media[0].path.name, self._broken)] if self._broken else []
        return [*self._source.losses(), *broken]

    def unread(self) -> Unread:
        """As of the file."""
        return self._source.unread()

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def _unpacked(self, block: MessageBlock, *, located: bool) -> MessageBlock:
        data = [unpack_message(block.payload(i)) for i in range(len(block))]
        length = np.fromiter(map(len, data), np.int64, len(data))
        inside, place = self._places(block) if located else (block.block, block.place)
        return replace(
            block,
            buffer=np.frombuffer(b"".join(data), np.uint8),
            start=np.cumsum(length) - length,
            length=length,
            block=inside,
            place=place,
        )

    def _places(self, block: MessageBlock) -> tuple[Ints, Ints]:
        """Give for each message its record, or its chunk and its place among the messages unpacked and joined."""
        if block.block is None:
            return block.place - MESSAGE_HEAD, np.zeros(len(block), np.int64)
        chunks = np.broadcast_to(np.asarray(block.block, np.int64), len(block))
        place = np.zeros(len(block), np.int64)
        for chunk in np.unique(chunks).tolist():
            here = chunks == chunk
            packed, plain = self._chunk(chunk)
            place[here] = plain[np.searchsorted(packed, block.place[here])]
        return np.ascontiguousarray(chunks), place

    def _chunk(self, at: int) -> tuple[Ints, Ints]:
        """Give where each message of a chunk begins, packed and among the unpacked."""
        if at not in self._chunks:
            length = struct.unpack_from("<Q", self._source.data.data, at + 1)[0]
            content = mcap_chunk(self._source.data[at + PREFIX : at + PREFIX + length].data)
            found = [(place, len(unpack_message(frame))) for place, frame in mcap_messages(content)]
            packed, size = np.array(found, np.int64).reshape(-1, 2).T
            self._chunks[at] = packed, np.cumsum(size) - size
            if len(self._chunks) > CHUNKS_KEPT:
                self._chunks.popitem(last=False)
        return self._chunks[at]
