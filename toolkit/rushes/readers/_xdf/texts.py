"""Samples of texts, one after the other: their lengths differ."""

import struct
from array import array
from dataclasses import dataclass

from rushes.readers._xdf.chunks import Chunk, Data
from rushes.readers._xdf.numbers import STAMP_BYTES, Contents, stated_count

_STAMP = struct.Struct("<d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Samples of a chunk: stamps in seconds, None where there is none, and the texts of each."""

    stamps: list[float | None]
    values: list[list[str]]


def text_samples(data: Data, chunk: Chunk, channels: int) -> tuple[Contents, Texts]:
    """Read the samples of a chunk up to where its bytes stop to be samples.

    Bytes that are not UTF-8 become lone surrogates, as in file names.
    """
    stated, at = stated_count(data, chunk)
    found = Texts(stamps=[], values=[])
    body = bytes(data[at : chunk.end])
    place = 0
    while place < len(body) and (stated is None or len(found.stamps) < stated):
        following = _sample(body, place, channels, found)
        if following is None:
            break
        place = following
    count = len(found.stamps)
    if place == len(body) and count == stated:
        return Contents(stated=stated, runs=array("q"), count=count), found
    if place == len(body) and chunk.end == chunk.stated_end:
        return Contents(stated=None, runs=array("q"), count=count, wrong="count", wrong_at=chunk.start), found
    believable = stated is not None and stated * (1 + 2 * channels) <= chunk.stated_end - at
    about = Contents(
        stated=max(stated or 0, count) if believable else None,
        runs=array("q"),
        count=count,
        wrong="content",
        wrong_at=at + place,
    )
    return about, found


def _sample(body: bytes, at: int, channels: int, found: Texts) -> int | None:
    """Read one sample into ``found`` and give where the next begins; None where there is no whole one."""
    mark = body[at]
    at += 1
    stamp = None
    if mark == STAMP_BYTES and at + STAMP_BYTES <= len(body):
        stamp = float(_STAMP.unpack_from(body, at)[0])
        at += STAMP_BYTES
    elif mark:
        return None
    texts = []
    for _ in range(channels):
        width = body[at] if at < len(body) else 0
        start = at + 1 + width
        at = start + int.from_bytes(body[at + 1 : start], "little")
        if width not in (1, 4, 8) or at > len(body):
            return None
        texts.append(body[start:at].decode("utf-8", "surrogateescape"))
    found.stamps.append(stamp)
    found.values.append(texts)
    return at
