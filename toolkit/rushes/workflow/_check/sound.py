"""What is measured of the blocks of a stream of sound, read or decoded once for all checks."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.checks import SOUND_MEASURES, measure_block
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import Location
from rushes.workflow.dataset import Dataset


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
    where = {"recording_id": row["recording_id"], "stream": row["stream"]}
    columns = ["index", "pts", "media_id", "block", "offset", "length"]
    blocks = dataset.arrow("audio", columns=columns, where=where).sort_by("index").to_pylist()
    rows = dataset.arrow("media", where={"recording_id": row["recording_id"]}).to_pylist()
    media = {each["media_id"]: each for each in rows}
    measured = np.full((len(blocks), len(SOUND_MEASURES)), np.nan)
    sound = registry.late("rushes.decoders._waves")
    if row["codec"] in sound.PLAIN and row["channels"]:
        _from_bytes(dataset, row, blocks, media, measured)
    elif row["container_index"] is not None:
        _from_track(dataset, row, blocks, media, measured)
    return {name: measured[:, at] for at, name in enumerate(SOUND_MEASURES)}


def _from_bytes(
    dataset: Dataset,
    row: Mapping[str, Any],
    blocks: list[dict[str, Any]],
    media: Mapping[str, Mapping[str, Any]],
    measured: npt.NDArray[np.float64],
) -> None:
    sound = registry.late("rushes.decoders._waves")
    with MediaReader() as reader:
        for at, block in enumerate(blocks):
            place = media.get(block["media_id"])
            if place is None:
                continue
            location = Location(
                path=dataset.store.place_of(place["uri"]),
                container=place["container"],
                offset=block["offset"],
                length=block["length"],
                block=block["block"],
                packing=row["packing"],
            )
            try:
                wave = sound.plain(reader.read(location), row["codec"], row["channels"])
            except ReadError:
                continue  # the loss is a finding of its own (recording.loss)
            if len(wave):
                measured[at] = measure_block(wave)


def _from_track(
    dataset: Dataset,
    row: Mapping[str, Any],
    blocks: list[dict[str, Any]],
    media: Mapping[str, Mapping[str, Any]],
    measured: npt.NDArray[np.float64],
) -> None:
    place = next((media[b["media_id"]] for b in blocks if b["media_id"] in media), None)
    at_pts = {block["pts"]: at for at, block in enumerate(blocks) if block["pts"] is not None}
    if place is None or not at_pts:
        return
    sound = registry.late("rushes.decoders._waves")
    try:
        for pts, wave in sound.track(dataset.store.place_of(place["uri"]), row["container_index"]):
            if pts in at_pts:
                measured[at_pts[pts]] = measure_block(wave)
    except ReadError:
        return  # a track that is gone or torn is a finding of its own
