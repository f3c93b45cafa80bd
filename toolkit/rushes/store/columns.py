"""Columns between numpy and Arrow, by their buffers.

``pa.array``, ``pa.scalar`` and ``Array.to_numpy`` import pandas on first use, which costs more CPU than a whole
ingest; nothing here calls them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.model import Column
from rushes.store.schemas import ARROW_TYPES
from rushes.texts import escaped

_masked_arrays: Any = np.ma  # numpy types it in part only

_NUMBERS: dict[str, np.dtype[Any]] = {
    "int32": np.dtype(np.int32),
    "int64": np.dtype(np.int64),
    "float32": np.dtype(np.float32),
    "float64": np.dtype(np.float64),
    "bool": np.dtype(np.bool_),
}
_FITTING_KINDS = {"int32": "iu", "int64": "iu", "float32": "iuf", "float64": "iuf", "bool": "b"}


def to_arrow(column: Column | Sequence[Any], rows: int, kind: str, *, label: str) -> Any:
    """Turn one column of a batch into an Arrow array; the values are copied.

    Args:
        column: An array or sequence of ``rows`` values, or one scalar for all of them. Masked values and None
            become null; NaN stays NaN. For lists: shape (rows, k), or a sequence of sequences.
        rows: How many values there must be.
        kind: A key of ``ARROW_TYPES``.
        label: ``table.column``, for the message.

    Raises:
        TypeError: If the values are not of that kind.
        ValueError: If there are not ``rows`` of them, or one does not fit.
    """
    if column is None:
        return pa.nulls(rows, ARROW_TYPES[kind])
    if isinstance(column, str | bytes | bool | int | float | np.generic):
        one = to_arrow([column], 1, kind, label=label)
        return one if rows == 1 else pa.repeat(one[0], rows)
    if len(column) != rows:
        raise ValueError(f"{label}: {len(column)} values for {rows} rows")
    if kind in ("string", "binary"):
        return _bytes_array(column, kind, label)
    if kind.startswith("list<"):
        return _list_array(column, kind, label)
    return _number_array(column, kind, label)


def to_numpy(column: Any) -> npt.NDArray[Any]:
    """Give an Arrow column as numpy; masked where it holds nulls, of dtype object for texts and lists.

    Args:
        column: An array or chunked array of one of ``ARROW_TYPES``.
    """
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # what combine_chunks gives for no chunks at all in old releases
        array = array.chunk(0)
    kind = next(kind for kind, arrow in ARROW_TYPES.items() if arrow == array.type)
    absent = _bits(array.buffers()[0], array) if array.null_count else None
    if kind not in _NUMBERS:
        values = np.empty(len(array), object)
        values[:] = array.to_pylist()
        return values
    data = array.buffers()[1]
    if kind == "bool":
        numbers = _bits(data, array)
    else:
        numbers = np.frombuffer(data, _NUMBERS[kind], len(array), array.offset * _NUMBERS[kind].itemsize)
    return numbers if absent is None else _masked_arrays.MaskedArray(numbers, mask=~absent)


def _bits(buffer: Any, array: Any) -> npt.NDArray[np.bool_]:
    start, count = array.offset, len(array)
    packed = np.frombuffer(buffer, np.uint8, (start + count + 7) // 8)
    return np.unpackbits(packed, count=start + count, bitorder="little")[start:].view(np.bool_)


def _validity(absent: npt.NDArray[np.bool_] | None) -> Any:
    if absent is None or not absent.any():
        return None
    return pa.py_buffer(np.packbits(~absent, bitorder="little"))


def _number_array(column: Any, kind: str, label: str) -> Any:
    if not isinstance(column, np.ndarray):
        column = _masked(column, kind)
    if column.ndim != 1:
        raise ValueError(f"{label}: an array of shape {column.shape} where one value a row belongs")
    absent = _masked_arrays.getmaskarray(column) if isinstance(column, np.ma.MaskedArray) else None
    values = (
        _masked_arrays.filled(column, False if column.dtype.kind == "b" else 0) if absent is not None else column
    )
    numbers = _fitted(values, kind, label)
    data = np.packbits(numbers, bitorder="little") if kind == "bool" else numbers
    return pa.Array.from_buffers(ARROW_TYPES[kind], len(numbers), [_validity(absent), pa.py_buffer(data)])


def _masked(values: Sequence[Any], kind: str) -> Any:
    absent = [value is None for value in values]
    if not any(absent):
        return np.asarray(values) if len(values) else np.empty(0, _NUMBERS[kind])
    filled = np.asarray([0 if value is None else value for value in values])
    if kind == "bool":
        filled = np.asarray([False if value is None else value for value in values])
    return _masked_arrays.MaskedArray(filled, mask=absent)


def _fitted(values: npt.NDArray[Any], kind: str, label: str) -> npt.NDArray[Any]:
    wanted = _NUMBERS[kind]
    if values.dtype.kind not in _FITTING_KINDS[kind]:
        raise TypeError(f"{label}: values of type {values.dtype} where {kind} belongs")
    # An integer that is too wide would turn over without a word.
    if wanted.kind == "i" and not np.can_cast(values.dtype, wanted) and len(values):
        limits = np.iinfo(wanted)
        if values.max() > limits.max or values.min() < limits.min:
            raise ValueError(f"{label}: {values.min()} to {values.max()} does not fit {kind}")
    return np.array(values, wanted, order="C")  # a copy: the reader may use its buffer again


def _bytes_array(column: Any, kind: str, label: str) -> Any:
    values = column.tolist() if isinstance(column, np.ndarray) else column
    encode = _encoded_text if kind == "string" else _encoded_bytes
    try:
        pieces = [b"" if value is None else encode(value) for value in values]
    except (TypeError, AttributeError) as error:
        wrong = next(v for v in values if v is not None and not isinstance(v, str if kind == "string" else bytes))
        raise TypeError(f"{label}: {wrong!r} where {kind} belongs") from error
    offsets = _offsets([len(piece) for piece in pieces], label)
    absent = np.fromiter((value is None for value in values), np.bool_, len(pieces))
    buffers = [_validity(absent), pa.py_buffer(offsets), pa.py_buffer(b"".join(pieces))]
    return pa.Array.from_buffers(ARROW_TYPES[kind], len(pieces), buffers)


def _encoded_text(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        return escaped(value).encode()


def _encoded_bytes(value: bytes) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError
    return value


def _list_array(column: Any, kind: str, label: str) -> Any:
    member = kind[5:-1]
    lists: Any
    if isinstance(column, np.ndarray) and column.ndim == 2:
        lists, absent, members = _rows_of(column)
    elif isinstance(column, np.ndarray) and column.dtype != object:
        raise ValueError(f"{label}: an array of shape {column.shape} where a list a row belongs")
    else:
        absent = np.fromiter((value is None for value in column), np.bool_, len(column))
        lists = [0 if value is None else len(value) for value in column]
        members = [item for value in column if value is not None for item in value]
    child = to_arrow(members, len(members), member, label=label)
    buffers = [_validity(absent), pa.py_buffer(_offsets(lists, label))]
    return pa.Array.from_buffers(ARROW_TYPES[kind], len(column), buffers, children=[child])


def _rows_of(column: npt.NDArray[Any]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_], Any]:
    # A row without any value is a list that is absent; a row with some is a list that holds nulls.
    rows, width = column.shape
    masked = _masked_arrays.getmaskarray(column)
    absent = masked.all(axis=1) if width else np.zeros(rows, np.bool_)
    return np.where(absent, 0, width), absent, column[~absent].ravel()


def _offsets(lengths: Any, label: str) -> npt.NDArray[np.int32]:
    ends = np.cumsum(np.asarray(lengths, np.int64))
    if len(ends) and ends[-1] > np.iinfo(np.int32).max:
        raise ValueError(f"{label}: {ends[-1]} bytes in one batch; give smaller batches")
    offsets = np.zeros(len(ends) + 1, np.int32)
    offsets[1:] = ends
    return offsets
