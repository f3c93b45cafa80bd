"""Data layouts: the named fields at the head of a record, described in JSON by the stream's tags.

Fields of fixed size come first, at fixed offsets; then the place and length of every field of variable size; then
those fields themselves.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

_SCALARS: Mapping[str, str] = {
    "Bool": "u1", "char": "S1", "int8_t": "i1", "uint8_t": "u1", "int16_t": "<i2", "uint16_t": "<u2",
    "int32_t": "<i4", "uint32_t": "<u4", "int64_t": "<i8", "uint64_t": "<u8", "float": "<f4", "double": "<f8",
}  # fmt: skip
_SPATIAL = re.compile(r"(Point|Matrix)([234])D([fdi])")
_LETTERS = {"f": "<f4", "d": "<f8", "i": "<i4"}
_PIECE = re.compile(r"DataPiece(Value|Array|Vector|StringMap|String)(?:<(.*)>)?")
_SPAN = np.dtype([("start", "<u4"), ("length", "<u4")])


@dataclass(frozen=True, slots=True, kw_only=True)
class Varying:
    """A field of variable size: ``kind`` is Vector, String or StringMap; ``item`` None where it holds texts."""

    name: str
    kind: str
    item: np.dtype[Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """One layout: the fields of fixed size as a structured type, and those of variable size in their order."""

    fixed: np.dtype[Any]
    varying: tuple[Varying, ...]

    @property
    def head_bytes(self) -> int:
        """Bytes before the fields of variable size."""
        return int(self.fixed.itemsize) + len(self.varying) * _SPAN.itemsize

    def length(self, record: bytes) -> int:
        """Give how many bytes of a record the layout takes."""
        return self.head_bytes + int(sum(self._spans(record)["length"].tolist()))

    def values(self, record: bytes) -> dict[str, Any]:
        """Give every field by name as plain Python values, as JSON can hold them.

        Raises:
            ValueError: If the record is too short.
        """
        if len(record) < self.head_bytes:
            raise ValueError(f"{len(record)} bytes for a layout of {self.head_bytes}")
        row = np.frombuffer(record, self.fixed, 1)[0] if self.fixed.names else None
        found: dict[str, Any] = {name: _plain(row[name]) for name in self.fixed.names or () if row is not None}
        for piece, span in zip(self.varying, self._spans(record), strict=True):
            start = self.head_bytes + int(span["start"])
            found[piece.name] = _value(piece, record[start : start + int(span["length"])])
        return found

    def vector(self, record: bytes, name: str) -> npt.NDArray[Any] | None:
        """Give a vector field; None if there is none of that name, or it is cut."""
        for piece, span in zip(self.varying, self._spans(record), strict=True):
            if piece.name == name and piece.kind == "Vector" and piece.item is not None:
                start, length = self.head_bytes + int(span["start"]), int(span["length"])
                data = record[start : start + length]
                return np.frombuffer(data, piece.item) if len(data) == length else None
        return None

    def _spans(self, record: bytes) -> npt.NDArray[np.void]:
        return np.frombuffer(record, _SPAN, len(self.varying), int(self.fixed.itemsize))


def layout_of(said: str) -> Layout:
    """Understand the JSON that describes a layout.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: If it is not of the known form, or holds unknown types.
    """
    names: list[str] = []
    kinds: list[Any] = []
    offsets: list[int] = []
    varying: list[tuple[int, Varying]] = []
    for piece in json.loads(said)["data_layout"]:
        match = _PIECE.fullmatch(piece["type"])
        if match is None:
            raise ValueError(f"a field of type {piece['type']}")
        shape, item = match.groups()
        if shape in ("Value", "Array"):
            kind = _item(item)
            names.append(piece["name"])
            kinds.append(kind if shape == "Value" else np.dtype((kind, (int(piece["size"]),))))
            offsets.append(int(piece["offset"]))
            continue
        numbers = None if item in (None, "string") else _item(item)
        varying.append((int(piece["index"]), Varying(name=piece["name"], kind=shape, item=numbers)))
    if len(set(names)) < len(names):
        raise ValueError("two fields of one name")
    size = max((offset + kind.itemsize for offset, kind in zip(offsets, kinds, strict=True)), default=0)
    # VRS calls fields "exposure_duration.min" and the like, which numpy takes as they are.
    fixed = np.dtype({"names": names, "formats": kinds, "offsets": offsets, "itemsize": size})
    return Layout(fixed=fixed, varying=tuple(piece for _, piece in sorted(varying, key=lambda p: p[0])))


def _item(name: str) -> np.dtype[Any]:
    if name in _SCALARS:
        return np.dtype(_SCALARS[name])
    match = _SPATIAL.fullmatch(name)
    if match is None:
        raise ValueError(f"values of type {name}")
    what, size, letter = match.groups()
    count = int(size)
    return np.dtype((_LETTERS[letter], (count,) if what == "Point" else (count, count)))


def _plain(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    return plain.decode("latin-1") if isinstance(plain, bytes) else plain


def _value(piece: Varying, data: bytes) -> Any:
    if piece.kind == "String":
        return data.decode("utf-8", "replace")
    if piece.kind == "Vector" and piece.item is not None:
        count = len(data) // piece.item.itemsize
        return np.frombuffer(data, piece.item, count).tolist() if count else []
    return f"{len(data)} bytes"  # of texts; nobody has asked for them yet
