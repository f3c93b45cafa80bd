"""Where the next chunk of a damaged MCAP file begins: looked for byte by byte, told by lengths that agree.

A record's length leads to the next record; where one is damaged, nothing else does. A chunk states its own length
twice, as a record and as the bytes of its records, and names its compression: by chance that fits almost nowhere.
"""

import numpy as np

from rushes.readers._mcap import records
from rushes.readers._mcap.records import BrokenError, Bytes, Span

COMPRESSIONS = (b"", b"lz4", b"zstd")
_FIXED = 8 + 8 + 8 + 4 + 4 + 8
"""Bytes of a chunk's fields before its records, but for the name of its compression."""
_NAME_AT = records.PREFIX + 8 + 8 + 8 + 4
_WINDOW = 4 << 20


def next_chunk(data: Bytes, begin: int, end: int) -> Span | None:
    """Give the first whole chunk that starts at ``begin`` or after and ends by ``end``; None where none does."""
    for first in range(begin, end, _WINDOW):
        window = data[first : min(first + _WINDOW, end)]
        for at in (np.flatnonzero(window == records.CHUNK) + first).tolist():
            span = chunk_at(data, at, end)
            if span is not None:
                return span
    return None


def chunk_at(data: Bytes, at: int, end: int) -> Span | None:
    """Give the chunk that starts at a byte, where all that it says of its lengths agrees.

    Its first byte, the kind of record, is not looked at: its lengths tell a chunk even where that is damaged.
    """
    if at + _NAME_AT + 4 > end or data[at + _NAME_AT + 1 : at + _NAME_AT + 4].any():
        return None
    length = int.from_bytes(data[at + 1 : at + records.PREFIX].tobytes(), "little")
    after = at + records.PREFIX + length
    if after > end:
        return None
    span = Span(records.CHUNK, at, at + records.PREFIX, after)
    try:
        head = records.chunk_head(data, span)
    except BrokenError:
        return None
    name = head.compression.encode()
    agrees = name in COMPRESSIONS and length == _FIXED + len(name) + head.packed_size
    return span if agrees and head.start_ns <= head.end_ns else None
