"""What must be known of H.264 to hand it to a player: its units, its parameter sets, and whether it looks ahead.

ITU-T H.264: Annex B for start codes, table 7-1 for the types of units, 7.3.3 for the head of a slice. A player of
``foxglove.CompressedVideo`` needs Annex B, SPS and PPS with every key frame, and no B frame.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

from rushes.packets import FrameNumbers, annex_b
from rushes.packets import units as packets_units

SLICE, IDR, SPS, PPS, DELIMITER = 1, 5, 7, 8, 9
_START = b"\0\0\1"
_B_SLICE = 1


class VideoError(Exception):
    """A track cannot be handed over as it is; the reason is its message."""


def units(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Give type, first byte and end of every unit of an Annex B access unit, start codes left out."""
    return packets_units(data, "h264")


def is_annex_b(data: bytes) -> bool:
    """Tell whether an access unit starts with a start code."""
    return data.startswith((_START, b"\0" + _START))


def looks_ahead(data: bytes) -> bool:
    """Tell whether an access unit has a B slice, which is shown before something that was sent earlier."""
    return any(
        kind == SLICE and _slice_type(data[begin + 1 : begin + 17]) == _B_SLICE for kind, begin, _ in units(data)
    )


def _slice_type(head: bytes) -> int:
    """Read the second number of a slice's head, modulo 5."""
    bits = int.from_bytes(head.replace(b"\0\0\3", b"\0\0"), "big")
    left = 8 * len(head.replace(b"\0\0\3", b"\0\0"))
    value = 0
    for _ in range(2):
        zeros = 0
        while left > 0 and not bits >> (left - 1) & 1:
            zeros, left = zeros + 1, left - 1
        left -= zeros + 1
        if left < 0:
            return 0
        value = (bits >> left & (1 << zeros + 1) - 1) - 1
    return value % 5


def playable(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """Give access units so that every key frame carries the parameter sets in force.

    Raises:
        VideoError: If they have no start codes, look ahead, leave pictures out, or a key frame comes before any
            parameter sets.
    """
    known: dict[int, bytes] = {}
    numbers = FrameNumbers()
    for payload in payloads:
        data = annex_b(payload)
        if not is_annex_b(data):
            raise VideoError("it is not in Annex B form")
        if looks_ahead(data):
            raise VideoError("it has B frames")
        gap = numbers.gap_before(data)
        if gap is not None:
            raise VideoError(f"pictures are lost: their numbers go from {gap[0]} to {gap[1]}")
        held = {kind: data[begin:end] for kind, begin, end in units(data)}
        known |= {kind: held[kind] for kind in (SPS, PPS) if kind in held}
        missing = [kind for kind in (SPS, PPS) if IDR in held and kind not in held]
        if any(kind not in known for kind in missing):
            raise VideoError("a key frame comes before its parameter sets")
        added = b"".join(b"\0" + _START + known[kind].rstrip(b"\0") for kind in missing)
        yield _after_delimiter(data, added) if added else data


def _after_delimiter(data: bytes, added: bytes) -> bytes:
    """Put units where they may stand: at the start, but after an access unit delimiter."""
    kind, _, end = next(units(data))
    cut = end - (1 if data[end - 1 : end] == b"\0" else 0) if kind == DELIMITER else 0
    return data[:cut] + added + data[cut:]


def packets(path: Path, container_index: int) -> Iterator[tuple[int, bytes]]:
    """Give pts and access unit of every packet of a track of H.264, as :func:`playable`.

    Raises:
        VideoError: As there, or if packets are not in the order of their pts.
    """
    try:
        yield from _packets(path, container_index)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"FFmpeg says: {error}") from error


def _packets(path: Path, container_index: int) -> Iterator[tuple[int, bytes]]:
    with av.open(str(path)) as container:
        track = next((s for s in container.streams.video if s.index == container_index), None)
        if track is None:
            raise VideoError("its track is not there")
        if track.codec_context.name != "h264":
            raise VideoError(f"it is {track.codec_context.name}")
        plain = BitStreamFilterContext("h264_mp4toannexb", track) if track.codec_context.extradata else None
        stamps: list[int] = []

        def payloads() -> Iterator[bytes]:
            for packet in container.demux(track):
                if not packet.size:
                    continue
                for made in plain.filter(packet) if plain is not None else [packet]:
                    if made.pts is None or (stamps and made.pts <= stamps[-1]):
                        raise VideoError("its pictures are not sent in the order in which they are shown")
                    stamps.append(int(made.pts))
                    yield bytes(made)

        for data in playable(payloads()):
            yield stamps[-1], data
