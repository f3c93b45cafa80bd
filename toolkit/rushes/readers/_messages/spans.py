"""Strings and number sequences that were located in a buffer → Python values, and comparing them all at once."""

import numpy as np
import numpy.typing as npt

from rushes.readers._messages.layout import Fields, Indices, gather

Buffer = npt.NDArray[np.uint8]


def same_as(buffer: Buffer, span: tuple[Indices, Indices], expected: bytes) -> npt.NDArray[np.bool_]:
    """Tell which spans hold exactly these bytes."""
    first, length = span
    equal: npt.NDArray[np.bool_] = length == len(expected)
    if expected and equal.any():
        held = gather(buffer, first[equal], len(expected))
        equal[equal] = held == np.frombuffer(expected, dtype=held.dtype)[0]
    return equal


def text(buffer: Buffer, first: int, length: int) -> str:
    """Give one string; bytes that are not UTF-8 become U+FFFD."""
    return bytes(buffer[first : first + length]).decode("utf-8", "replace")


def texts(buffer: Buffer, span: tuple[Indices, Indices]) -> str | list[str] | None:
    """Give the strings: one for all where they are equal, None for none."""
    first, length = span
    if not len(first):
        return None
    expected = bytes(buffer[int(first[0]) : int(first[0] + length[0])])
    if same_as(buffer, span, expected).all():
        return expected.decode("utf-8", "replace")
    return [text(buffer, a, n) for a, n in zip(first.tolist(), length.tolist(), strict=True)]


def floats(buffer: Buffer, fields: Fields, path: str, i: int) -> npt.NDArray[np.float64]:
    """Give one sequence of float64."""
    first, length = (int(part[i]) for part in fields.spans[path])
    raw = buffer[first : first + length].tobytes()
    values: npt.NDArray[np.float64] = np.frombuffer(raw, ">f8" if fields.swapped[i] else "<f8").astype(np.float64)
    return values
