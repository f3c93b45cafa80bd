"""Packets of H.264 and H.265 as streams have them: in Annex B, with the parameter sets before every key frame."""

import re
from typing import TYPE_CHECKING, Any

from av.bitstream import BitStreamFilterContext

if TYPE_CHECKING:
    from av.video.stream import VideoStream

_FILTERS = {"h264": "h264_mp4toannexb", "hevc": "hevc_mp4toannexb"}
_START = re.compile(rb"\x00\x00\x01(.)", re.DOTALL)
_SPS = {"h264": lambda head: head & 0x1F == 7, "hevc": lambda head: head >> 1 & 0x3F == 33}


def annex_b(track: "VideoStream") -> tuple[BitStreamFilterContext | None, bytes]:
    """Give what turns packets with lengths, as MP4 and FLV have them, into Annex B, and the parameter sets.

    The filter is None where packets are in Annex B already, or of another codec; the sets are empty where the
    filter puts them in.
    """
    codec, head = track.codec_context.name, bytes(track.codec_context.extradata or b"")
    if codec not in _FILTERS:
        return None, b""
    if head[:1] == b"\1":
        return BitStreamFilterContext(_FILTERS[codec], track), b""
    return None, head


def packet_with_sets(packet: Any, sets: bytes, codec: str) -> bytes:
    """Give the bytes of a packet, behind the parameter sets where it is a key frame without its own."""
    data = bytes(packet)
    if sets and packet.is_keyframe and not _has_sets(data, codec):
        return sets + data
    return data


def _has_sets(data: bytes, codec: str) -> bool:
    """Tell whether an access unit brings its own sequence parameter set."""
    return any(_SPS[codec](found[1][0]) for found in _START.finditer(data))
