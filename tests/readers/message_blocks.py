"""Makes message blocks out of payloads, as a container would."""

import numpy as np

from rushes.readers._messages.block import MessageBlock


def block_of(payloads, *, gap=3, media_id="a.mcap"):
    """Lay payloads into one buffer with bytes of something else between, so that none is aligned by luck."""
    start, joined = [], b""
    for payload in payloads:
        joined += b"\xee" * gap
        start.append(len(joined))
        joined += payload
    first = np.array(start, np.int64)
    return MessageBlock(
        log_ns=np.arange(len(payloads), dtype=np.int64) + 1000,
        publish_ns=None,
        seq=None,
        buffer=np.frombuffer(joined, np.uint8),
        start=first,
        length=np.array([len(payload) for payload in payloads], np.int64),
        media_id=media_id,
        block=None,
        place=first,
    )
