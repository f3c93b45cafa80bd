"""What packets of H.264, H.265, VP9 and AV1 say of themselves, read without decoding them.

ITU-T H.264 (7.3 syntax, Annex B), ITU-T H.265 (7.3, table 7-1), the VP9 bitstream specification (6.2) and that of
AV1 (5.3 to 5.9). A packet is what a message holds: all that belongs to one instant. Units of H.264 and H.265 stand
behind start codes (Annex B); lengths of four bytes in their place (AVCC) are brought into that form.
"""

from collections.abc import Iterator
from dataclasses import dataclass

CODECS = ("h264", "h265", "hevc", "vp9", "av1")
"""Of packets that lean on earlier ones; h265 and hevc are one."""
UNIT_CODECS = ("h264", "h265", "hevc")
"""Those that are made of units with start codes."""
_START = b"\0\0\1"
_HIGH_PROFILES = frozenset((44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244))
_VP9_SYNC = 0x498342
_VP9_RGB = 7
_AV1_SEQUENCE, _AV1_HEADER, _AV1_FRAME = 1, 3, 6
_CRA = 21
_SET_BYTES, _HEAD_BYTES = 320, 64
"""Enough of a parameter set up to what is read of it, scaling lists included; of a head of VP9 or AV1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PacketFacts:
    """What one packet is.

    Args:
        picture: Whether it holds a picture that is shown; parameters alone are none.
        fresh: Whether it leans on no picture before it, nor does anything that is shown after it.
        parameters: Whether it brings what its decoder must know first: parameter sets, the sequence header.
    """

    picture: bool
    fresh: bool
    parameters: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What parameter sets state.

    Args:
        width, height: Of the picture that is shown, px.
        reorders: Whether pictures may be shown in another order than they are sent.
        frame_number_bits: H.264: length of the number that tells a lost picture; 0 where there is none, or where
            numbers may be left out.
    """

    width: int
    height: int
    reorders: bool = False
    frame_number_bits: int = 0
    separate_planes: bool = False


def facts_of(data: bytes, codec: str) -> PacketFacts | None:
    """Tell what a packet is; None of bytes that are none of the codec."""
    try:
        if codec in UNIT_CODECS:
            return _unit_facts(annex_b(data), codec)
        return _vp9_facts(data) if codec == "vp9" else _av1_facts(data)
    except (EOFError, IndexError):
        return None


def self_contained(data: bytes) -> str | None:
    """Give the codec of a packet of H.264 or H.265 that decodes by itself; None of any other bytes."""
    if not data.startswith((_START, b"\0" + _START)):
        return None
    for codec in ("h265", "h264"):  # the head of a sequence set of H.265 is none that H.264 has
        facts = facts_of(data, codec)
        if facts is not None and facts.picture and facts.fresh and facts.parameters:
            return codec
    return None


def parameters_of(data: bytes, codec: str) -> Parameters | None:
    """Read what a packet states of all that follow; None where it states nothing, or cannot be read."""
    try:
        if codec in UNIT_CODECS:
            wanted = 7 if codec == "h264" else 33
            plain = annex_b(data)
            for kind, begin, end in units(plain, codec):
                if kind == wanted:
                    return (_h264_set if codec == "h264" else _h265_set)(_Bits(plain[begin:end]))
            return None
        return _vp9_parameters(data) if codec == "vp9" else _av1_parameters(data)
    except (EOFError, IndexError):
        return None


def units(data: bytes, codec: str) -> Iterator[tuple[int, int, int]]:
    """Give type, first byte and end of every unit of an Annex B packet, start codes left out."""
    at = data.find(_START)
    while at >= 0:
        begin = at + 3
        at = data.find(_START, begin)
        end = len(data) if at < 0 else at
        if begin < end:
            yield (data[begin] & 0x1F if codec == "h264" else data[begin] >> 1 & 0x3F), begin, end


def annex_b(data: bytes) -> bytes:
    """Give a packet with start codes; one that has lengths of four bytes before its units gets them instead."""
    if data.startswith((_START, b"\0" + _START)):
        return data
    parts, at = [], 0
    while at + 4 < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        if not length or at + 4 + length > len(data):
            return data
        parts.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return b"".join(b"\0" + _START + part for part in parts) if parts and at == len(data) else data


class FrameNumbers:
    """Follows the numbers that H.264 gives its pictures, which tell where one was lost (7.4.3, frame_num)."""

    def __init__(self) -> None:
        self._known: Parameters | None = None
        self._last: int | None = None

    def gap_before(self, data: bytes) -> tuple[int, int] | None:
        """Take the next packet in Annex B form; give the number before and its own where they leave one out."""
        self._known = parameters_of(data, "h264") or self._known
        if self._known is None or not self._known.frame_number_bits:
            return None
        for kind, begin, _ in units(data, "h264"):
            if kind not in (1, 5):
                continue
            try:
                number = self._number(data[begin : begin + 24], self._known)
            except EOFError:
                return None
            last, size = self._last, 1 << self._known.frame_number_bits
            is_reference = bool(data[begin] & 0x60)
            self._last = number if is_reference or last is None else last
            return None if kind == 5 or last is None or number in (last, (last + 1) % size) else (last, number)
        return None

    @staticmethod
    def _number(unit: bytes, known: Parameters) -> int:
        bits = _Bits(unit)
        for _ in range(3):  # first macroblock, type, parameter set
            bits.golomb()
        bits.take(2 if known.separate_planes else 0)
        return bits.take(known.frame_number_bits)


class _Bits:
    """Reads numbers out of the first bytes of a unit, behind its head, its emulation prevention taken away."""

    def __init__(self, data: bytes, head: int = 1, *, escaped: bool = True) -> None:
        plain = data[head : head + (_SET_BYTES if escaped else _HEAD_BYTES)]
        plain = plain.replace(b"\0\0\3", b"\0\0") if escaped else plain
        self._value, self.left = int.from_bytes(plain, "big"), 8 * len(plain)

    def take(self, count: int) -> int:
        """Give the next bits as a number."""
        self.left -= count
        if self.left < 0:
            raise EOFError
        return self._value >> self.left & ((1 << count) - 1)

    def golomb(self) -> int:
        """Give an exponential Golomb number (H.264 9.1); leb128 and uvlc are other things."""
        zeros = 0
        while not self.take(1):
            zeros += 1
        return (1 << zeros) - 1 + self.take(zeros)

    def signed(self) -> int:
        """Give one with a sign (H.264 9.1.1)."""
        number = self.golomb()
        return (number + 1) // 2 if number % 2 else -(number // 2)


def _unit_facts(data: bytes, codec: str) -> PacketFacts | None:
    kinds = {kind for kind, _, _ in _up_to_picture(data, codec)}
    if not kinds:
        return None
    if codec == "h264":
        return PacketFacts(picture=bool(kinds & {1, 2, 5}), fresh=5 in kinds, parameters=7 in kinds)
    fresh = bool(kinds & {16, 17, 18, 19, 20})
    if _CRA in kinds:  # what is shown before it may lean on what was sent before it
        known = parameters_of(data, codec)
        fresh = known is not None and not known.reorders
    return PacketFacts(picture=bool(kinds & set(range(32))), fresh=fresh, parameters=33 in kinds)


def _up_to_picture(data: bytes, codec: str) -> Iterator[tuple[int, int, int]]:
    """Give units up to and with the first that holds a part of a picture."""
    for kind, begin, end in units(data, codec):
        yield kind, begin, end
        if (1 <= kind <= 5) if codec == "h264" else kind < 32:
            return


def _h264_set(bits: _Bits) -> Parameters:
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    chroma, separate = 1, 0
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        separate = bits.take(1) if chroma == 3 else 0
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            _skip_scaling(bits, 12 if chroma == 3 else 8)
    number_bits = bits.golomb() + 4
    _skip_order(bits)
    bits.golomb()
    gaps = bits.take(1)
    width, height = 16 * (bits.golomb() + 1), 16 * (bits.golomb() + 1)
    frames_only = bits.take(1)
    if not frames_only:
        bits.take(1)
    bits.take(1)
    left, right, top, bottom = [bits.golomb() for _ in range(4)] if bits.take(1) else [0] * 4
    across = 2 if chroma in (1, 2) and not separate else 1
    down = (2 if chroma == 1 else 1) * (2 - frames_only)
    return Parameters(
        width=width - across * (left + right),
        height=height * (2 - frames_only) - down * (top + bottom),
        frame_number_bits=0 if gaps else number_bits,
        separate_planes=bool(separate),
    )


def _skip_scaling(bits: _Bits, lists: int) -> None:
    for each in range(lists):
        if not bits.take(1):
            continue
        last = following = 8
        for _ in range(16 if each < 6 else 64):
            if following:
                following = (last + bits.signed()) % 256
            last = following or last


def _skip_order(bits: _Bits) -> None:
    """Pass over what tells the order of display."""
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()


def _h265_set(bits: _Bits) -> Parameters:
    bits.take(8 + 4)  # the second byte of the head, the video parameter set
    layers = bits.take(3)
    bits.take(1 + 88 + 8)
    if layers:
        there = [(bits.take(1), bits.take(1)) for _ in range(8)][:layers]
        for profile, level in there:
            bits.take(88 * profile + 8 * level)
    bits.golomb()
    chroma = bits.golomb()
    if chroma == 3:
        bits.take(1)
    width, height = bits.golomb(), bits.golomb()
    left, right, top, bottom = [bits.golomb() for _ in range(4)] if bits.take(1) else [0] * 4
    for _ in range(3):
        bits.golomb()
    reorders = 0
    for _ in range(layers + 1 if bits.take(1) else 1):
        bits.golomb()
        reorders = bits.golomb()
        bits.golomb()
    across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
    return Parameters(
        width=width - across * (left + right), height=height - down * (top + bottom), reorders=reorders > 0
    )


def _vp9_head(bits: _Bits) -> tuple[int, bool, bool, bool]:
    """Give profile, whether a known picture is shown again, whether it is a key frame, whether it is shown."""
    if bits.take(2) != 2:
        raise EOFError
    profile = bits.take(1) + 2 * bits.take(1)
    if profile == 3:
        bits.take(1)
    if bits.take(1):
        return profile, True, False, True
    return profile, False, not bits.take(1), bool(bits.take(1))


def _vp9_facts(data: bytes) -> PacketFacts:
    _, _, key, shown = _vp9_head(_Bits(data, 0, escaped=False))
    joined = data[-1] & 0xE0 == 0xC0  # of several, of which the last is shown
    return PacketFacts(picture=shown or joined, fresh=key, parameters=key)


def _vp9_parameters(data: bytes) -> Parameters | None:
    bits = _Bits(data, 0, escaped=False)
    profile, _, key, _ = _vp9_head(bits)
    if not key:
        return None
    bits.take(1)
    if bits.take(24) != _VP9_SYNC:
        return None
    bits.take(1 if profile >= 2 else 0)
    if bits.take(3) != _VP9_RGB:
        bits.take(1)
        bits.take(3 if profile in (1, 3) else 0)
    else:
        bits.take(1 if profile in (1, 3) else 0)
    return Parameters(width=bits.take(16) + 1, height=bits.take(16) + 1)


def _av1_units(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        head = data[at]
        at += 2 if head & 4 else 1
        length, shift = len(data) - at, 0
        if head & 2:
            length = 0
            while True:
                length |= (data[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if not data[at - 1] & 0x80:
                    break
        if at + length > len(data) or shift > 56:
            raise EOFError
        yield head >> 3 & 15, data[at : at + length]
        at += length


def _av1_facts(data: bytes) -> PacketFacts | None:
    picture = key = parameters = False
    first = True
    for kind, unit in _av1_units(data):
        if kind == _AV1_SEQUENCE:
            parameters = True
        elif kind in (_AV1_HEADER, _AV1_FRAME):
            bits = _Bits(unit, 0, escaped=False)
            again, form, shown = bits.take(1), bits.take(2), bits.take(1)
            key |= first and not again and form == 0 and bool(shown)
            picture |= bool(again or shown)
            first = False
    return PacketFacts(picture=picture, fresh=key, parameters=parameters) if data else None


def _av1_parameters(data: bytes) -> Parameters | None:
    for kind, unit in _av1_units(data):
        if kind == _AV1_SEQUENCE:
            bits = _Bits(unit, 0, escaped=False)
            bits.take(4)
            if bits.take(1):
                bits.take(5)
            else:
                _skip_av1_points(bits)
            sides = bits.take(4) + 1, bits.take(4) + 1
            return Parameters(width=bits.take(sides[0]) + 1, height=bits.take(sides[1]) + 1)
    return None


def _skip_av1_points(bits: _Bits) -> None:
    """Pass over times and operating points (AV1 5.5.1)."""
    model_bits = -1
    if bits.take(1):
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        if bits.take(1):
            model_bits = bits.take(5) + 1
            bits.take(42)
    delays = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if model_bits >= 0 and bits.take(1):
            bits.take(2 * model_bits + 1)
        if delays and bits.take(1):
            bits.take(4)
