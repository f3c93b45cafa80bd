"""A second, flat dataset beside a grouped one, whose recordings play: the main stream of each, in order.

FiftyOne plays a dynamic group of a flat dataset as if it were a video. MongoDB itself copies the samples. They
are not edited there: edits belong into the dataset that they are copies of. Import it late.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import fiftyone as fo

from rushes.browse import declare
from rushes.browse.documents import FIELDS
from rushes.browse.elements import Elements
from rushes.browse.view import BrowseView

VIEW = "playback"
SUFFIX = " playback"
_INDEXED = ("recording_id", "index", "findings", "split")


def name_of(view: BrowseView) -> str:
    """Name the dataset that plays: a grouped one has another beside it."""
    return view.name + SUFFIX if view.grouped else view.name


def dataset_for(view: BrowseView) -> Any:
    """Give the flat dataset of a grouped one, made if absent."""
    name = name_of(view)
    if fo.dataset_exists(name):
        return fo.load_dataset(name)
    dataset = fo.Dataset(name, persistent=True)
    declare.samples(dataset, FIELDS)
    dataset.media_type = "image"
    dataset.info["rushes_playback_of"] = view.name
    dataset.save()
    return dataset


def fill(source: Any, view: BrowseView, elements: Elements, changed: Sequence[str], gone: Sequence[str]) -> None:
    """Copy the main stream of changed recordings into the flat dataset, and take out what is gone.

    Args:
        source: The grouped dataset, as it is to be.
        view: What it shows.
        elements: Of its labels.
        changed: Ids of recordings.
        gone: Likewise.
    """
    dataset = dataset_for(view)
    declare.labels(dataset, elements)
    dataset._sample_collection.delete_many({"recording_id": {"$in": [*changed, *gone]}})
    slices = view.main_slices
    by_slice: dict[str, list[str]] = {}
    for recording_id in changed:
        if recording_id in slices:
            by_slice.setdefault(slices[recording_id], []).append(recording_id)
    if by_slice:
        steps = _copy(dataset, by_slice, once=not view.repeats)
        source._sample_collection.aggregate(steps, allowDiskUse=True)
    for field in _INDEXED:
        dataset.create_index(field)
    _close(dataset)
    save_view(dataset, rate_hz=view.main_rate_hz)


def save_view(dataset: Any, *, rate_hz: float | None) -> None:
    """Save the view whose groups are the recordings, each in order, to be played at a rate as far as it goes."""
    if rate_hz:
        dataset.app_config.dynamic_groups_target_frame_rate = max(1, min(60, round(rate_hz)))
        dataset.save()
    grouped = dataset.group_by("recording_id", order_by="index")
    dataset.save_view(VIEW, grouped, description="A recording a group, which plays", overwrite=True)


def _copy(dataset: Any, by_slice: Mapping[str, Sequence[str]], *, once: bool) -> list[Mapping[str, Any]]:
    """Give the steps that copy recordings, of each the stream of its slice."""
    name = dataset._sample_collection_name
    into: Mapping[str, Any] = {"$merge": {"into": name, "whenMatched": "replace"}}
    if dataset._sample_collection.estimated_document_count() == 0:
        into = {"$out": name}  # four times as fast; it keeps the indexes
    of_two_moments: list[Mapping[str, Any]] = [
        {"$group": {"_id": "$filepath", "sample": {"$first": "$$ROOT"}}},
        {"$replaceRoot": {"newRoot": "$sample"}},
    ]
    return [
        {
            "$match": {
                "$or": [
                    {"recording_id": {"$in": list(recordings)}, "group.name": slice_name}
                    for slice_name, recordings in by_slice.items()
                ]
            }
        },
        *([] if once else of_two_moments),
        {"$set": {"_dataset_id": dataset._doc.id}},
        {"$unset": "group"},
        into,
    ]


def _close(dataset: Any) -> None:
    """Let nobody edit a copy: what is edited here would not come back."""
    for name, field in dataset.get_field_schema().items():
        if name not in ("id", "created_at", "last_modified_at") and not field.read_only:
            field.read_only = True
            field.save()
