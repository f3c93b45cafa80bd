"""A stream of a recording around one of its pictures: the rows of a window, on the recorder's clock, thinned."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.browse.desk import Around, Floats, Plot, SignalStream
from rushes.decoders import as_wave
from rushes.errors import ReadError
from rushes.model import Times
from rushes.quantities import say_ns
from rushes.workflow._browse.compared_times import compared_times
from rushes.workflow._browse.thinning import extremes
from rushes.workflow.dataset import Dataset

TABLES = ("imu", "gaze", "audio", "signals", "poses")
"""Tables that are drawn, in the order in which their streams are offered."""

TIMES_KEPT = 16
CHANNELS = 8
"""Channels of a signal that are drawn; more are named in the title."""

WIDEST_BLOCK_NS = 1_000_000_000
"""A run of decoded sound is no longer."""

PREROLL = 2
"""Blocks of compressed sound that are decoded before the window; the first ones after a seek may be faint."""

Line: TypeAlias = tuple[Times, Floats]
Group: TypeAlias = tuple[str, str, Mapping[str, str]]

GROUPS: Mapping[str, Sequence[Group]] = {
    "imu": (
        ("angular velocity", "rad/s", {"gyro_x_rad_s": "x", "gyro_y_rad_s": "y", "gyro_z_rad_s": "z"}),
        ("acceleration", "m/s²", {"accel_x_m_s2": "x", "accel_y_m_s2": "y", "accel_z_m_s2": "z"}),
    ),
    "gaze": (
        ("point of regard", "px", {"x_px": "x", "y_px": "y"}),
        ("direction", "", {"direction_x": "x", "direction_y": "y", "direction_z": "z"}),
        ("distance", "m", {"depth_m": "distance"}),
        ("confidence", "", {"confidence": "confidence"}),
    ),
    "poses": (
        ("position", "m", {"tx_m": "x", "ty_m": "y", "tz_m": "z"}),
        ("rotation", "", {"qw": "w", "qx": "i", "qy": "j", "qz": "k"}),
    ),
}
"""Table → plots: title, unit, column → line."""


class Signals:
    """The streams of a dataset that can be drawn; what was asked last of times is kept.

    Args:
        dataset: Opened; stays open as long as this is used.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._times = lru_cache(TIMES_KEPT)(self._times_read)
        self._start = lru_cache(TIMES_KEPT)(self._start_read)
        self._sounds = lru_cache(TIMES_KEPT)(dataset.sound)
        self._rows = lru_cache(TIMES_KEPT)(self._rows_read)

    def offered(self, recording_id: str) -> list[SignalStream]:
        """Give the streams that can be drawn, by kind, then by name."""
        rows = [row for row in self._rows(recording_id).values() if row["table"] in TABLES and row["count"]]
        rows.sort(key=lambda row: (TABLES.index(row["table"]), row["stream"]))
        return [
            SignalStream(
                stream=row["stream"],
                modality=row["modality"],
                rate_hz=row["effective_rate_hz"] or row["nominal_rate_hz"],
            )
            for row in rows
        ]

    def around(
        self, recording_id: str, sample: tuple[str, int], *, signal: str, span_ns: int, points: int
    ) -> Around:
        """Give a stream around a picture; see :class:`rushes.browse.desk.Desk`."""
        rows = self._rows(recording_id)
        picture, index = sample
        untimed = next((name for name in (picture, signal) if rows[name]["clock"] == "none"), None)
        if untimed is not None:
            reason = f"The samples of {untimed} have an order but no times."
            return Around(
                at_ns=0, since_start_s=0.0, start_ns=0, end_ns=span_ns, plots=(), samples=0, reason=reason
            )
        at_ns = int(self._times(recording_id, picture)[1][index])
        start, end = at_ns - span_ns // 2, at_ns + span_ns - span_ns // 2
        order, times = self._times(recording_id, signal)
        ascending = times if order is None else times[order]
        first, last = np.searchsorted(ascending, [start, end]).tolist()
        row = rows[signal]
        if row["table"] == "audio":  # the block that began before the window reaches into it
            first = max(first - 1, 0)
        chosen = np.arange(first, last) if order is None else order[first:last]
        plots = self._plots(row, chosen, times, window=(start, end), points=points) if len(chosen) else []
        reason = "" if plots else _nearest(ascending, at_ns, span_ns, signal)
        start_ns = self._start(recording_id)
        start_ns = at_ns if start_ns is None else start_ns
        return Around(
            at_ns=at_ns,
            since_start_s=(at_ns - start_ns) / 1e9,
            start_ns=start,
            end_ns=end,
            plots=plots,
            samples=len(chosen),
            reason=reason,
        )

    def _rows_read(self, recording_id: str) -> dict[str, Mapping[str, Any]]:
        rows = self._dataset.arrow("streams", where={"recording_id": recording_id}).to_pylist()
        return {row["stream"]: row for row in rows}

    def _start_read(self, recording_id: str) -> int | None:
        where = {"recording_id": recording_id}
        (start,) = self._dataset.arrow("recordings", columns=["start_ns"], where=where)["start_ns"].to_pylist()
        return None if start is None else int(start)

    def _times_read(self, recording_id: str, stream: str) -> tuple[npt.NDArray[np.int64] | None, Times]:
        """Give times in index order, and the order that makes them ascend; None where they do already."""
        times = compared_times(self._dataset, self._rows(recording_id)[stream])
        ascending = len(times) < 2 or bool((times[1:] >= times[:-1]).all())
        return (None if ascending else np.argsort(times, kind="stable")), times

    def _plots(
        self,
        row: Mapping[str, Any],
        chosen: npt.NDArray[np.int64],
        times: Times,
        *,
        window: tuple[int, int],
        points: int,
    ) -> list[Plot]:
        if row["table"] == "audio":
            return self._sound(row, chosen, times, window=window, points=points)
        where = {"recording_id": row["recording_id"], "stream": row["stream"], "index": chosen.tolist()}
        columns = _columns(row["table"])
        rows = self._dataset.arrow(row["table"], columns=["index", *columns], where=where)
        found = rows["index"].to_numpy()
        at = times[found]
        order = np.argsort(at, kind="stable")
        if row["table"] == "signals":
            return _channels(row, rows["values"], at, order, points)
        return [plot for group in GROUPS[row["table"]] if (plot := _plot(group, rows, at, order, points))]

    def _sound(
        self,
        row: Mapping[str, Any],
        chosen: npt.NDArray[np.int64],
        times: Times,
        *,
        window: tuple[int, int],
        points: int,
    ) -> list[Plot]:
        sound = self._sounds(row["recording_id"], row["stream"])
        rate = row["sample_rate_hz"]
        if not rate:
            return []
        pieces: list[tuple[int, npt.NDArray[np.float32]]] = []
        if sound.by_block and row["channels"]:
            for index in chosen.tolist():
                try:
                    pieces.append((int(times[index]), as_wave(sound.samples(index))))
                except ReadError:
                    continue  # what is absent leaves a gap in the drawing
        else:
            at_pts = {pts: at for at, pts in enumerate(sound.pts) if pts is not None}
            begin = next((p for p in sound.pts[max(int(chosen[0]) - PREROLL, 0) :] if p is not None), 0)
            for pts, samples in sound.track(past_damage=True, from_pts=begin):
                at = at_pts.get(pts)
                if at is not None and times[at] >= window[1]:
                    break
                if at is not None and times[at] > window[0] - WIDEST_BLOCK_NS:
                    pieces.append((int(times[at]), as_wave(samples)))
        lines = _envelope(pieces, rate, window, points)
        return [Plot(title="sound", unit="of full scale", lines=lines)] if lines else []


def _columns(table: str) -> list[str]:
    return ["values"] if table == "signals" else [name for _, _, names in GROUPS[table] for name in names]


def _plot(group: Group, rows: pa.Table, at: Times, order: npt.NDArray[np.int64], points: int) -> Plot | None:
    title, unit, names = group
    lines = {
        line: _thinned(at[order], _numbers(rows[column])[order], points)
        for column, line in names.items()
        if rows[column].null_count < len(rows)
    }
    return Plot(title=title, unit=unit, lines=lines) if lines else None


def _channels(
    row: Mapping[str, Any], values: pa.ChunkedArray, at: Times, order: npt.NDArray[np.int64], points: int
) -> list[Plot]:
    """Give one plot for the channels of each unit."""
    width = row["channels"] or (len(values[0]) if len(values) else 0)
    flat = np.asarray(values.combine_chunks().flatten().to_numpy(zero_copy_only=False), np.float64)
    if not width or len(flat) != width * len(at):
        return []
    numbers = flat.reshape(-1, width)
    names = list(row["channel_names"] or ()) or [f"channel {n + 1}" for n in range(width)]
    units = list(row["channel_units"] or ()) or [""] * width
    plots: dict[str, dict[str, Line]] = {}
    for channel in range(min(width, CHANNELS)):
        line = _thinned(at[order], numbers[order, channel], points)
        plots.setdefault(units[channel] or "", {})[names[channel] or f"channel {channel + 1}"] = line
    more = f" (first {CHANNELS} of {width} channels)" if width > CHANNELS else ""
    return [Plot(title=f"{row['stream']}{more}", unit=unit, lines=lines) for unit, lines in plots.items()]


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.fill_null(float("nan")).to_numpy(), np.float64)


def _thinned(at: Times, values: Floats, points: int) -> Line:
    kept = extremes(at, values, points=points)
    return at[kept], values[kept]


def _envelope(
    pieces: Sequence[tuple[int, npt.NDArray[np.float32]]], rate_hz: float, window: tuple[int, int], points: int
) -> dict[str, Line]:
    """Give the highest and the lowest value of each of so many stretches, over all channels; NaN in gaps."""
    start, end = window
    width = (end - start) / points
    high, low = np.full(points, -np.inf), np.full(points, np.inf)
    for at, wave in pieces:
        stretch = np.floor((at - start + np.arange(len(wave)) * (1e9 / rate_hz)) / width).astype(np.int64)
        inside = (stretch >= 0) & (stretch < points)
        stretch, heard = stretch[inside], wave[inside]
        if not len(stretch):
            continue
        first = np.flatnonzero(np.diff(stretch, prepend=-1))  # of each stretch; time only goes on in a piece
        mine = stretch[first]
        high[mine] = np.maximum(high[mine], np.maximum.reduceat(heard.max(axis=1), first))
        low[mine] = np.minimum(low[mine], np.minimum.reduceat(heard.min(axis=1), first))
    known = np.isfinite(high)
    if not known.any():
        return {}
    at_ns = start + ((np.arange(points) + 0.5) * width).astype(np.int64)
    return {
        "highest": (at_ns, np.where(known, high, np.nan)),
        "lowest": (at_ns, np.where(known, low, np.nan)),
    }


def _nearest(ascending: Times, at_ns: int, span_ns: int, signal: str) -> str:
    """Say how far the nearest sample is, where none is in the window or none of them holds a value."""
    if not len(ascending):
        return f"{signal} has no samples."
    place = int(np.searchsorted(ascending, at_ns))
    near = min(abs(int(ascending[i]) - at_ns) for i in (max(place - 1, 0), min(place, len(ascending) - 1)))
    if near <= span_ns // 2:
        return f"{signal} holds no values here."
    return f"{signal} has no sample within {say_ns(span_ns // 2)}; the nearest is {say_ns(near)} away."
