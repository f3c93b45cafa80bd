"""Samples of the App → what they are in the dataset: recording, stream, index and moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import fiftyone as fo
from bson import ObjectId
from bson.errors import InvalidId

_FIELDS = ("recording_id", "recording", "stream", "index", "moment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One picture as the dataset knows it.

    Args:
        sample: Its id in the App.
        recording_id: The recording.
        recording: Its name, for people.
        stream: The stream.
        index: Position in the stream.
        moment: Number of its moment; None for a frame that belongs to none.
    """

    sample: str
    recording_id: str
    recording: str
    stream: str
    index: int
    moment: int | None


def items(dataset_name: str, samples: Sequence[str]) -> list[Item]:
    """Give what the samples are, in the order asked; those that the App does not hold (any more) are left out.

    It reads a few fields by id: loading the dataset as FiftyOne does costs ten times as much.
    """
    database = fo.core.odm.get_db_conn()  # as load.py: the release is pinned
    about = database["datasets"].find_one({"name": dataset_name}, {"sample_collection_name": 1})
    ids = [each for each in map(_object_id, samples) if each is not None]
    if about is None or not ids:
        return []
    found = database[about["sample_collection_name"]].find({"_id": {"$in": ids}}, dict.fromkeys(_FIELDS, 1))
    by_id = {str(each["_id"]): _item(each) for each in found if each.get("recording_id")}
    return [by_id[sample] for sample in samples if sample in by_id]


def _object_id(text: str) -> ObjectId | None:
    try:
        return ObjectId(text)
    except (InvalidId, TypeError):
        return None  # ids of patches and of other views are none of ours


def _item(document: dict[str, Any]) -> Item:
    known: dict[str, Any] = {name: document.get(name) for name in _FIELDS}
    return Item(sample=str(document["_id"]), **known)
