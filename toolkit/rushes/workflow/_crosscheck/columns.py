"""Turning, jolts and sound of a recording's streams, out of their tables, in the times that are given."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes.errors import ReadError
from rushes.model import Times
from rushes.timing.crosscheck.clap import Events, jumps, sound_onsets
from rushes.timing.crosscheck.gyro_vision import gyro_turning, pose_turning
from rushes.timing.crosscheck.signals import Signal
from rushes.workflow.dataset import Dataset

GYRO = ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s")
ACCEL = ("accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2")
QUATERNION = ("qw", "qx", "qy", "qz")
JOLT_M_S2 = 4.0
"""Smallest rise of the acceleration from one sample to the next that can be a clap."""

Where = Mapping[str, Any]


def imu_turning(dataset: Dataset, where: Where, times: Times) -> Signal:
    """Give the turning that an IMU stream measured; empty where it has no gyroscope."""
    return gyro_turning(times, _columns(dataset, "imu", where, GYRO))


def track_turning(dataset: Dataset, where: Where, times: Times) -> Signal:
    """Give the turning of the frame whose pose a stream states most often."""
    table = dataset.arrow("poses", columns=["index", "parent", "child", *QUATERNION], where=where).sort_by("index")
    edges = list(zip(table["parent"].to_pylist(), table["child"].to_pylist(), strict=True))
    usual = max(set(edges), key=edges.count) if edges else None
    mine = np.array([edge == usual for edge in edges], np.bool_)
    return pose_turning(times[mine], _stacked(table, QUATERNION)[mine])


def jolts(dataset: Dataset, where: Where, times: Times) -> Events:
    """Find sudden rises of the acceleration that an IMU stream measured."""
    size = np.linalg.norm(_columns(dataset, "imu", where, ACCEL), axis=1)
    order = np.argsort(times, kind="stable")
    order = order[np.isfinite(size[order])]
    return jumps(times[order], size[order], least=JOLT_M_S2)


def claps_heard(dataset: Dataset, row: Mapping[str, Any], times: Times, *, most_s: float) -> Events | None:
    """Find claps in the beginning and the end of an audio stream; None where its sound cannot be read.

    Args:
        dataset: Opened.
        row: Of ``streams``.
        times: Shape (n,), time of the first sample of each block.
        most_s: Half of it is read from the beginning, half from the end.
    """
    rate = row["sample_rate_hz"]
    sound = dataset.sound(row["recording_id"], row["stream"])
    if not sound.by_block or not rate:
        return None
    begin, end = times[0] + most_s * 5e8, times[-1] - most_s * 5e8
    chosen = [i for i in range(len(sound)) if not sound.missing(i) and (times[i] < begin or times[i] > end)]
    heard, starts = [], []
    for i in chosen:
        try:
            wave = sound.samples(i)
        except ReadError:
            continue  # a block that is gone cannot hold a clap that is heard
        heard.append(wave[:, 0].astype(np.float32))
        starts.append(int(times[i]))
    usual = max({len(wave) for wave in heard}, key=[len(wave) for wave in heard].count) if heard else 0
    whole = [i for i, wave in enumerate(heard) if len(wave) == usual and usual]
    if not whole:
        return None
    return sound_onsets(np.stack([heard[i] for i in whole]), np.array([starts[i] for i in whole], np.int64), rate)


def _columns(dataset: Dataset, table: str, where: Where, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    return _stacked(dataset.arrow(table, columns=["index", *names], where=where).sort_by("index"), names)


def _stacked(table: pa.Table, names: tuple[str, ...]) -> npt.NDArray[np.float64]:
    """Give columns side by side, shape (n, k); NaN where absent."""
    columns = [table[name].fill_null(float("nan")).to_numpy() for name in names]
    return np.stack(columns, axis=1).astype(np.float64) if len(table) else np.zeros((0, len(names)))
