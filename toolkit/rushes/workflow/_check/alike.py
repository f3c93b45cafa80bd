"""The search for duplicates over a whole dataset: what goes in, and the rows that come out."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.checks import settle
from rushes.contracts import Check
from rushes.duplicates import Duplicate, PictureSet
from rushes.model import Column, Stream
from rushes.workflow._check.known import Measured

SEARCH = "image.near_duplicate"
"""The check whose options the search for duplicates goes by."""

Chosen = Sequence[tuple[Check, Mapping[str, float]]]


def search_options(chosen: Chosen) -> Mapping[str, float]:
    """Give the options of the search for duplicates, or none where nobody asks for it."""
    wanted = [(plugin, options) for plugin, options in chosen if plugin.subject == "duplicates"]
    if not wanted:
        return {}
    by_name = {plugin.name: options for plugin, options in wanted}
    return by_name.get(SEARCH) or settle(registry.load("checks", SEARCH.replace(".", "_")), {})


def picture_set(
    recording: Mapping[str, Any],
    stream: Stream,
    columns: Mapping[str, npt.NDArray[Any]],
    measured: Measured,
    left: npt.NDArray[np.bool_],
    flat_std: float,
) -> PictureSet:
    """Lay the pictures of a stream out for the search, those of ``left``, shape (frames,)."""
    seen = np.flatnonzero((measured.values["unreadable"] == 0) & left)
    return PictureSet(
        recording_id=recording["recording_id"],
        recording=recording["name"],
        stream=stream,
        index=seen,
        t_ns=np.asarray(columns["t_ns"])[seen],
        phash=measured.phash[seen],
        phash_mirrored=measured.phash_mirrored[seen],
        comparable=measured.hashed[seen] & (measured.values["std"][seen] >= flat_std),
        content=[measured.content[i] or "" for i in seen.tolist()],
    )


def duplicate_columns(sets: Sequence[PictureSet], found: Sequence[Duplicate]) -> tuple[int, Mapping[str, Column]]:
    """Lay what was found out as rows of ``duplicates``: their number and their columns."""

    def where(prefix: str, places: Sequence[tuple[int, int]]) -> dict[str, Column]:
        of = [sets[number] for number, _ in places]
        return {
            f"{prefix}recording_id": [pictures.recording_id for pictures in of],
            f"{prefix}stream": [pictures.stream.name for pictures in of],
            f"{prefix}index": [int(sets[number].index[at]) for number, at in places],
        }

    return len(found), {
        **where("", [each.place for each in found]),
        **where("near_", [each.near_place for each in found]),
        "index_end": [int(sets[each.place[0]].index[each.place_end]) for each in found],
        **{name: [getattr(each, name) for each in found] for name in ("cluster", "distance", "exact", "mirrored")},
    }
