"""Streams of a recording as live streams: the rows that a reader makes of them → forms, times and content.

Pictures, sound and messages stay where they lie until they are due. What has no form is refused with a reason.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.capturing import Content, Form, Inertial, Messages, Numbers, Pictures, Places, Sound, Texts
from rushes.model import Batch, Location, MediaFile, Stream, Times

KEPT: Mapping[str, str] = {
    **{codec: codec for codec in ("jpeg", "png", "webp", "h264", "h265", "vp9", "av1", "compressed-depth", "raw")},
    "mjpeg": "jpeg",
    "png-track": "png",
    "webp-track": "webp",
    "hevc": "h265",
}
"""Pictures that pass as they are: what readers call their codec, and what a recording is to call it."""
MILLIMETRE_M = 0.001
_DEPTH_HEADER = bytes(12)  # what compressed_depth_image_transport puts before the PNG
_FORMS: Mapping[str, Form] = {
    "imu": "inertial",
    "audio": "sound",
    "poses": "places",
    "transforms": "places",
    "signals": "numbers",
    "gaze": "numbers",
    "events": "texts",
    "messages": "messages",
}
GAZE = ("x_px", "y_px", "confidence")
_AXES = ("x", "y", "z")


def form_of(stream: Stream) -> tuple[Form | None, str]:
    """Give the form that a recorded stream can be given in; None with the reason where there is none."""
    if stream.table == "frames" and stream.codec is None:
        return None, "what its pictures are is not known: their files are absent, or none is whole"
    if stream.table == "frames" and stream.codec == "raw" and stream.pixel_format is None:
        return None, "nobody knows how its pixels are laid out"
    if stream.table == "messages" and (stream.message_type or "").startswith("rushes."):
        return None, "it is what the recorder itself noted"
    form: Form | None = "pictures" if stream.table == "frames" else _FORMS.get(stream.table)
    return form, "" if form else f"rows of '{stream.table}' are not given live"


def format_of(stream: Stream, codec: str) -> str:
    """Say how pictures are coded, as ``CompressedImage.format`` does; depth in mm as ``compressedDepth``."""
    if codec == "compressed-depth":  # with the header of a quantiser
        return f"{stream.pixel_format or '32FC1'}; compressedDepth png"
    return "16UC1; compressedDepth png" if _is_depth_png(stream, codec) else codec


def depth_unit(stream: Stream, codec: str) -> float | None:
    """Give the metres per count that are to be stated beside the messages, which say so for millimetres only."""
    plain = stream.depth_unit_m in (None, MILLIMETRE_M) or (stream.depth_unit_m == 1.0 and codec != "png")
    return None if plain or stream.modality != "depth" else stream.depth_unit_m


def _is_depth_png(stream: Stream, codec: str) -> bool:
    return stream.modality == "depth" and codec == "png" and stream.depth_unit_m in (None, MILLIMETRE_M)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """The samples of one stream, in recorded order; every array has shape (n, …).

    Args:
        t_ns: Their raw times.
        log_ns: When the recorder wrote them; None where it did not say.
        device_ns: The device's times; None where they are those of the recorder, or none.
        seq: As recorded where it ascends, else counted.
        columns: Of the content, by name.
        width: Values of a sample of numbers.
    """

    stream: Stream
    form: Form
    t_ns: Times
    log_ns: Times | None
    device_ns: Times | None
    seq: Times
    columns: Mapping[str, Any]
    width: int = 0


def gathered(stream: Stream, form: Form, batches: Sequence[Batch]) -> Recorded:
    """Join what a reader gave of one stream; samples whose bytes are absent are left out, and leave a hole."""
    count = sum(batch.rows for batch in batches)
    names = sorted({name for batch in batches for name in batch.columns})
    columns = {name: _joined([(batch.columns.get(name), batch.rows) for batch in batches]) for name in names}
    kept: npt.NDArray[np.bool_] = np.ones(count, np.bool_)
    if form in ("pictures", "sound"):
        kept = np.array([each is not None for each in columns["media_id"]], np.bool_)
    elif form == "messages":
        kept = np.array([each is not None for each in columns["value"]], np.bool_)
    times, log = _times(columns.get("t_ns")), _times(columns.get("t_log_ns"))
    header = _times(columns.get("t_header_ns"))
    device = times if stream.clock != "log" and stream.time_meaning != "order" else header
    seq = _times(columns.get("seq"))
    if seq is None or (np.diff(seq) <= 0).any():
        seq = np.arange(count, dtype=np.int64)
    values = columns.get("values")
    return Recorded(
        stream=stream,
        form=form,
        t_ns=np.arange(int(kept.sum()), dtype=np.int64) if times is None else times[kept],
        width=len(values[0]) if values is not None and len(values) else 0,
        log_ns=None if log is None else log[kept],
        device_ns=None if device is None else device[kept],
        seq=seq[kept],
        columns={name: column[kept] for name, column in columns.items()},
    )


def content_of(recorded: Recorded, rows: slice, codec: str | None, payload: Callable[[int], Any]) -> Content:
    """Give the content of some samples that follow one another; sound one block at a time.

    Args:
        recorded: Their stream.
        rows: Which of them.
        codec: Of pictures, one of ``KEPT``'s values.
        payload: Gives the bytes of a picture, or the samples of a block of sound, by row.

    Raises:
        ReadError: If its bytes cannot be read.
    """
    columns, stream = recorded.columns, recorded.stream
    n = rows.stop - rows.start
    match recorded.form:
        case "pictures":
            before = _DEPTH_HEADER if _is_depth_png(stream, codec or "") else b""
            data = tuple(before + payload(i) for i in range(rows.start, rows.stop))
            size = (
                _whole(columns, side, rows.start) or getattr(stream, side) or 0 for side in ("width", "height")
            )
            width_px, height_px = size
            return Pictures(data=data, width_px=width_px, height_px=height_px)
        case "sound":
            return Sound(samples=payload(rows.start))
        case "inertial":
            gyro = [f"gyro_{axis}_rad_s" for axis in _AXES]
            accel = [f"accel_{axis}_m_s2" for axis in _AXES]
            return Inertial(gyro_rad_s=_stack(columns, gyro, rows, n), accel_m_s2=_stack(columns, accel, rows, n))
        case "numbers":
            if stream.table == "gaze":
                return Numbers(values=_stack(columns, GAZE, rows, n))
            return Numbers(values=np.array([*columns["values"][rows]], np.float64).reshape(n, -1))
        case "places":
            names = ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")
            frame = stream.frame_of_reference or "world"
            return Places(
                parents=_texts(columns, "parent", rows, n, frame),
                children=_texts(columns, "child", rows, n, stream.name.strip("/").replace("/", "_") or "child"),
                values=_stack(columns, names, rows, n),
            )
        case "texts":
            return Texts(values=_texts(columns, "label", rows, n, ""))
        case _:
            return Messages(data=tuple(str(value).encode() for value in columns["value"][rows]))


def _joined(parts: Sequence[tuple[Any, int]]) -> npt.NDArray[Any]:
    """Join one column of all batches; objects, with None where absent, unless all are numbers."""
    arrays = [_array(column, rows) for column, rows in parts]
    if not arrays:
        return np.zeros(0, object)
    if any(array.dtype == object for array in arrays):
        arrays = [array.astype(object) for array in arrays]
    return np.concatenate(arrays)


def _array(column: Any, rows: int) -> npt.NDArray[Any]:
    if isinstance(column, np.ma.MaskedArray):
        data = np.asarray(column.data)
        if column.mask.any():
            data = data.astype(object)
            data[np.broadcast_to(column.mask, data.shape)] = None
        return data
    if isinstance(column, np.ndarray):
        return column
    found = np.empty(rows, object)
    if isinstance(column, Sequence) and not isinstance(column, str):
        for place, value in enumerate(column):
            found[place] = value
    else:
        found[:] = column
    return found


def _times(column: npt.NDArray[Any] | None) -> Times | None:
    """Give a column of whole numbers; None where it is absent in any row."""
    if column is None or (column.dtype == object and any(value is None for value in column)):
        return None
    return column.astype(np.int64)


def _stack(columns: Mapping[str, Any], names: Sequence[str], rows: slice, n: int) -> npt.NDArray[np.float64]:
    absent = np.full(n, np.nan)
    parts = [columns[name][rows].astype(np.float64) if name in columns else absent for name in names]
    return np.stack(parts, axis=1)


def _texts(columns: Mapping[str, Any], name: str, rows: slice, n: int, default: str) -> tuple[str, ...]:
    said = columns[name][rows] if name in columns else [None] * n
    return tuple(default if text is None else str(text) for text in said)


def location_of(recorded: Recorded, row: int, media: Mapping[str, MediaFile]) -> Location:
    """Say where the bytes of a sample are."""
    columns = recorded.columns
    file = media[columns["media_id"][row]]
    offset, length, block = (_whole(columns, name, row) for name in ("offset", "length", "block"))
    return Location(
        path=file.path,
        container=file.container,
        offset=offset,
        length=length,
        block=block,
        packing=recorded.stream.packing,
    )


def _whole(columns: Mapping[str, Any], name: str, row: int) -> int | None:
    value = columns[name][row] if name in columns else None
    return None if value is None else int(value)
