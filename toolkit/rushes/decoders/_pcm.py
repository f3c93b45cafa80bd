"""Plain PCM: blocks of bytes → samples as they were stored, and these in other numbers; no guest is needed."""

from typing import Any

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[Any]
"""Shape (n, channels), in the numbers of the recording; 24 bits stand in the upper bits of 32."""
Wave = npt.NDArray[np.float32]
"""Shape (n, channels), full scale 1."""
Sixteen = npt.NDArray[np.int16]
"""Shape (n, channels)."""

_KINDS = {
    "pcm_u8": "u1", "pcm_s8": "i1", "pcm_s16le": "<i2", "pcm_s16be": ">i2", "pcm_s32le": "<i4", "pcm_s32be": ">i4",
    "pcm_f32le": "<f4", "pcm_f32be": ">f4", "pcm_f64le": "<f8", "pcm_f64be": ">f8",
}  # fmt: skip
_THREE_BYTES = {"pcm_s24le": 1, "pcm_s24be": -1}
"""Step that brings the bytes of a sample into little-endian order."""
_FULL = {1: 127.0, 2: 32_767.0, 4: 2_147_483_647.0}
"""Largest value of a whole number, by its bytes."""


def is_plain(codec: str | None) -> bool:
    """Tell whether each block of a codec can be read by itself."""
    return codec in _KINDS or codec in _THREE_BYTES


def plain(payload: bytes | memoryview, codec: str, channels: int) -> Samples:
    """Read a block of a codec that is plain; what is left of a sample at its end is left out."""
    if codec in _THREE_BYTES:
        raw = np.frombuffer(payload, np.uint8)
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = raw[: len(raw) // 3 * 3].reshape(-1, 3)[:, :: _THREE_BYTES[codec]]
        values: Samples = wide.view("<i4").ravel()
    else:
        kind = np.dtype(_KINDS[codec])
        values = np.frombuffer(payload, kind, count=len(payload) // kind.itemsize)
    return values[: len(values) // channels * channels].reshape(-1, channels)


def as_wave(values: Samples) -> Wave:
    """Give samples as numbers of full scale 1."""
    if values.dtype.kind == "f":
        return np.asarray(values, np.float32)
    if values.dtype.kind == "u":
        return np.asarray((values.astype(np.float32) - 128) / 128, np.float32)
    return np.asarray(values / _FULL[values.dtype.itemsize], np.float32)


def as_sixteen(values: Samples) -> Sixteen:
    """Give samples as whole numbers of 16 bits, as listeners' files hold them."""
    if values.dtype.kind == "f":
        made: Sixteen = np.rint(np.clip(np.nan_to_num(values), -1.0, 32767 / 32768) * 32768).astype(np.int16)
        return made
    bits = 8 * values.dtype.itemsize
    if values.dtype.kind == "u":
        return ((values.astype(np.int32) - (1 << (bits - 1))) << (16 - bits)).astype(np.int16)
    if bits > 16:
        return (values >> (bits - 16)).astype(np.int16)
    shifted: Sixteen = (values.astype(np.int32) << (16 - bits)).astype(np.int16)
    return shifted
