"""The values of a fast stream at times between its samples: linear, rotations by slerp, nothing across gaps."""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes.timing.matches import Indices
from rushes.timing.values import interpolate_values, slerp

VALUED = ("imu", "poses", "gaze", "signals")
"""Tables whose numbers have a meaning between two samples."""

STAMPS = ("recording_id", "stream", "index", "t_ns", "t_log_ns", "t_publish_ns", "t_header_ns", "pts", "seq")
ROTATION = ("qw", "qx", "qy", "qz")
DIRECTION = ("direction_x", "direction_y", "direction_z")

Floats = npt.NDArray[np.float64]


def mixed(samples: pa.Table, index: Indices, index_after: Indices, weight_after: Floats) -> pa.Table:
    """Mix the samples of one stream.

    Numbers are mixed linearly, rotations (qw, qx, qy, qz) by slerp, directions linearly and brought to length 1;
    words and flags are those of the sample before. What is null in either sample is null.

    Args:
        samples: Rows of one stream in index order, of one of the tables ``VALUED``.
        index: Shape (m,), the sample at or before; -1 for none.
        index_after: Shape (m,), the sample after; -1 where ``index`` serves alone.
        weight_after: Shape (m,), share of the sample after.

    Returns:
        m rows: the columns of ``samples`` without its names and times; null where ``index`` is -1.
    """
    names = [name for name in samples.column_names if name not in STAMPS]
    columns = {name: _mixed_column(samples[name], index, index_after, weight_after) for name in names}
    if set(ROTATION) <= set(names):
        turned = slerp(_side_by_side(samples, ROTATION), index, index_after, weight_after)
        columns |= _columns(turned, ROTATION)
    if set(DIRECTION) <= set(names):
        aimed = interpolate_values(_side_by_side(samples, DIRECTION), index, index_after, weight_after)
        with np.errstate(invalid="ignore", divide="ignore"):
            aimed /= np.linalg.norm(aimed, axis=1, keepdims=True)
        columns |= _columns(aimed, DIRECTION)
    return pa.table({name: columns[name] for name in names})


def _mixed_column(column: pa.ChunkedArray, index: Indices, after: Indices, weight: Floats) -> pa.Array:
    if pa.types.is_floating(column.type):
        numbers = np.asarray(pc.fill_null(column, np.nan).to_numpy(), np.float64)
        return _nullable(interpolate_values(numbers, index, after, weight))
    if pa.types.is_list(column.type):
        rows = column.combine_chunks()
        width = len(rows[0]) if len(rows) else 0
        numbers = np.asarray(rows.flatten().to_numpy(zero_copy_only=False), np.float64)
        if width == 0 or len(numbers) != width * len(rows):
            return pa.nulls(len(index), column.type)
        found = interpolate_values(numbers.reshape(-1, width), index, after, weight)
        absent = np.asarray(index) < 0
        return pa.array([None if gone else row for gone, row in zip(absent, found, strict=True)], column.type)
    places = pa.array(np.asarray(index), mask=np.asarray(index) < 0)
    return pc.take(column.combine_chunks(), places)


def _side_by_side(samples: pa.Table, names: Iterable[str]) -> Floats:
    return np.column_stack([np.asarray(pc.fill_null(samples[name], np.nan).to_numpy(), float) for name in names])


def _columns(values: Floats, names: Iterable[str]) -> dict[str, pa.Array]:
    return {name: _nullable(column) for name, column in zip(names, values.T, strict=True)}


def _nullable(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))
