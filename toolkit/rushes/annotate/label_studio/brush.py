"""Label Studio's brush format ⇄ masks: bits packed by runs, over four bytes a pixel, row by row.

The format is that of ``@thi.ng/rle-pack``: a head (number of values in 32 bits, word size less one in 5, four run
sizes less one in 4 bits each), then runs. Each run says in one bit whether its values are equal, in two which run
size holds its length less one, then the length, then one word or all of them.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

_CHANNELS = 4
_SIZES = (3, 4, 8, 16)
_WORD = 8


def decode(rle: Sequence[int], *, width_px: int, height_px: int) -> npt.NDArray[np.bool_]:
    """Unpack a mask: (height, width), true wherever the brush left anything (opacity above 0).

    Raises:
        ValueError: If the bits are cut off or do not cover the picture.
    """
    data = np.asarray(rle, np.uint8)
    bits = np.unpackbits(data)
    text = data.tobytes()
    total = len(bits)

    def read(place: int, size: int) -> int:
        if place + size > total:
            raise ValueError("the brush mask is cut off")
        first, last = place // 8, (place + size + 7) // 8
        return (int.from_bytes(text[first:last], "big") >> (last * 8 - place - size)) & ((1 << size) - 1)

    count, word = read(0, 32), read(32, 5) + 1
    if count != width_px * height_px * _CHANNELS or word != _WORD:
        raise ValueError(f"the brush mask has {count} values of {word} bits, not {width_px}x{height_px} pixels")
    sizes = [read(37 + 4 * at, 4) + 1 for at in range(4)]
    values = np.zeros(count, np.uint8)
    place, done = 53, 0
    while done < count:
        head = read(place, 3)
        size = sizes[head & 3]
        length = read(place + 3, size) + 1
        place += 3 + size
        if done + length > count:
            raise ValueError("the brush mask runs over its end")
        if head & 4:
            values[done : done + length] = read(place, word)
            place += word
        else:
            end = place + length * word
            if end > total:
                raise ValueError("the brush mask is cut off")
            values[done : done + length] = np.packbits(bits[place:end])
            place = end
        done += length
    opacity: npt.NDArray[np.bool_] = values.reshape(height_px, width_px, _CHANNELS)[:, :, 3] > 0
    return opacity


def encode(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Pack a mask of shape (height, width); ``decode`` gives it back."""
    flat = np.ascontiguousarray(mask, np.bool_).ravel()
    edges = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1, [len(flat)]]) if len(flat) else [0]
    parts = [f"{len(flat) * _CHANNELS:032b}{_WORD - 1:05b}", *(f"{size - 1:04b}" for size in _SIZES)]
    for start, end in pairwise(edges):
        value = f"{255 if flat[start] else 0:08b}"
        left = int(end - start) * _CHANNELS
        while left:
            at = next((i for i, size in enumerate(_SIZES) if left <= 1 << size), len(_SIZES) - 1)
            length = min(left, 1 << _SIZES[at])
            parts.append(f"1{at:02b}{length - 1:0{_SIZES[at]}b}{value}")
            left -= length
    text = "".join(parts)
    text += "0" * (-len(text) % 8)
    return list(int(text, 2).to_bytes(len(text) // 8, "big"))
