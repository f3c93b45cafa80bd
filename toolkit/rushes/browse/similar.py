"""Points of the pictures → what the App makes of them: a map to lasso in, an index to sort by, and uniqueness.

Import it late, as ``load``. All of it is FiftyOne's own brain, given our points: nothing is downloaded, no model
runs. The App's panel *Embeddings* shows the map, its *sort by similarity* uses the index.
"""

import hashlib
import logging
from collections.abc import Sequence
from typing import Any

import fiftyone as fo
import fiftyone.brain as fob
import numpy as np

from rushes.browse.desk import Points

log = logging.getLogger(__name__)

MAP, INDEX, UNIQUENESS = "map", "alike", "uniqueness"
_NOTE = "rushes_points"  # key in dataset.info
FEWEST = 3
MOST_COMPARED = 20_000
"""Uniqueness holds every picture against every other; beyond so many it is left out."""


def show(dataset_name: str, points: Points | None) -> int:
    """Bring map, index and uniqueness of a dataset of the App in line with the points; give how many it shows.

    What was made of the same points of the same samples is left as it is.
    """
    dataset = fo.load_dataset(dataset_name)
    samples = _samples(dataset, points) if points is not None else {}
    note = _digest(points, samples) if points is not None and len(samples) >= FEWEST else ""
    if dataset.info.get(_NOTE, "") == note and not _is_rewritten(dataset, samples):
        return len(samples) if note else 0
    _forget(dataset)
    if points is not None and note:
        _make(dataset, points, samples)
    dataset.info[_NOTE] = note
    dataset.save()
    return len(samples) if note else 0


def alike(dataset: Any, samples: Sequence[str], *, count: int) -> Any | None:
    """Give a view of what looks like some samples, those that look most like them first; None without a point.

    Args:
        dataset: That has an index of ours.
        samples: Their ids; those without a point are left aside.
        count: How many at most, the samples themselves among them.
    """
    known = set(dataset.load_brain_results(INDEX).sample_ids)
    asked = [sample for sample in samples if sample in known]
    if not asked:
        return None
    flat = dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset
    return flat.sort_by_similarity(asked, k=count, brain_key=INDEX)


def _samples(dataset: Any, points: Points) -> dict[str, int]:
    """Give the row of its point for every sample that has one; a picture in two moments is two samples."""
    row_of = {
        place: row
        for row, place in enumerate(zip(points.recording, points.stream, points.index.tolist(), strict=True))
    }
    found = {}
    fields = {"recording_id": 1, "stream": 1, "index": 1}
    for each in dataset._sample_collection.find({}, fields):
        row = row_of.get((each.get("recording_id"), each.get("stream"), each.get("index")))
        if row is not None:
            found[str(each["_id"])] = row
    return found


def _is_rewritten(dataset: Any, samples: dict[str, int]) -> bool:
    """Tell whether samples lack their uniqueness, as those of a recording do that was loaded anew."""
    if not dataset.has_sample_field(UNIQUENESS):
        return False
    known = dataset._sample_collection.count_documents({UNIQUENESS: {"$type": "number"}})
    return bool(known < len(samples))


def _digest(points: Points, samples: dict[str, int]) -> str:
    digest = hashlib.blake2b(f"{fo.__version__} {points.model}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(points.vectors).data)
    for sample in sorted(samples):
        digest.update(f"{sample} {samples[sample]}".encode())
    return digest.hexdigest()


def _forget(dataset: Any) -> None:
    for key in (MAP, INDEX, UNIQUENESS):
        if dataset.has_brain_run(key):
            dataset.delete_brain_run(key)
    if dataset.has_sample_field(UNIQUENESS):
        dataset.delete_sample_field(UNIQUENESS)


def _make(dataset: Any, points: Points, samples: dict[str, int]) -> None:
    flat = dataset.select_group_slices(media_type="image") if dataset.media_type == "group" else dataset
    view = flat.select(list(samples))
    vectors = np.asarray(points.vectors[[samples[sample] for sample in view.values("id")]], np.float64)
    fob.compute_visualization(view, embeddings=vectors, method="pca", brain_key=MAP, num_dims=2, verbose=False)
    fob.compute_similarity(view, embeddings=vectors, backend="sklearn", metric="cosine", brain_key=INDEX)
    if len(samples) <= MOST_COMPARED:
        fob.compute_uniqueness(view, uniqueness_field=UNIQUENESS, embeddings=vectors)
        _put_into_sidebar(dataset)
    else:
        log.warning("%d pictures are too many to tell how unique each is; at most %d", len(samples), MOST_COMPARED)


def _put_into_sidebar(dataset: Any) -> None:
    """Put uniqueness among the fields of quality, where the App has that group."""
    dataset.reload()
    groups = dataset.app_config.sidebar_groups or []
    if any(group.name == "quality" for group in groups):
        for group in groups:
            group.paths = [path for path in group.paths if path != UNIQUENESS]
            group.paths += [UNIQUENESS] if group.name == "quality" else []
        dataset.app_config.sidebar_groups = groups
