"""What is measured of the blocks of a stream of sound, read or decoded once for all checks."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.checks import SOUND_MEASURES, measure_block
from rushes.decoders import as_wave
from rushes.errors import ReadError
from rushes.workflow.dataset import Dataset
from rushes.workflow.sounds import Sound


def sound_measures(
    dataset: Dataset, row: Mapping[str, Any], wanted: Iterable[str]
) -> dict[str, npt.NDArray[np.float64]]:
    """Give ``SOUND_MEASURES`` of every block in index order; NaN where it is absent or does not decode.

    Args:
        dataset: Opened.
        row: Of ``streams``; empty unless it is sound.
        wanted: Columns that the checks ask for; empty unless any of them is a measure of sound.
    """
    if row["table"] != "audio" or not set(SOUND_MEASURES).intersection(wanted):
        return {}
    sound = dataset.sound(row["recording_id"], row["stream"])
    measured = np.full((len(sound), len(SOUND_MEASURES)), np.nan)
    if sound.by_block and row["channels"]:
        _from_blocks(sound, measured)
    elif row["container_index"] is not None:
        _from_track(sound, measured)
    return {name: measured[:, at] for at, name in enumerate(SOUND_MEASURES)}


def _from_blocks(sound: Sound, measured: npt.NDArray[np.float64]) -> None:
    for at in range(len(sound)):
        try:
            wave = as_wave(sound.samples(at))
        except ReadError:
            continue  # the loss is a finding of its own (recording.loss)
        if len(wave):
            measured[at] = measure_block(wave)


def _from_track(sound: Sound, measured: npt.NDArray[np.float64]) -> None:
    at_pts = {pts: at for at, pts in enumerate(sound.pts) if pts is not None}
    if not at_pts:
        return
    try:
        for pts, samples in sound.track(past_damage=True):
            if pts in at_pts:
                measured[at_pts[pts]] = measure_block(as_wave(samples))
    except ReadError:
        return  # a track that is gone or torn is a finding of its own
