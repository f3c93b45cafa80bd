"""What the App's database shows whole since the last time, so that it need not be laid out again to be shown.

A note is kept once everything is loaded, and goes before anything is changed: who is killed in between leaves
none. Only pymongo is needed here, which starts at once.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pymongo.errors import DocumentTooLarge

from rushes.browse.edits import STANDING, Database, Edits
from rushes.browse.players import Played
from rushes.browse.view import Addresses

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What the database holds of a view.

    Args:
        dataset: Name in FiftyOne.
        plays: Name of the dataset whose saved view ``playback`` plays; None where nothing does.
        opens_with: The saved view of what was asked for, as it stands in an address; None where nothing was.
        samples: In the dataset now, all slices together.
        groups: Moments and single frames; equal to ``samples`` for a flat dataset.
        slices: Of a grouped dataset; empty for a flat one.
        written: Samples that were written this time.
        recordings: Ids of the recordings that were new or had changed.
        removed: Ids of the recordings that are no longer in the view.
        waiting: Samples that a person edited, and that are not in the view; the edits are kept.
        unshown: Labels of the written samples that could not be shown: nobody knows how large their picture is, or
            their mask cannot be read.
    """

    dataset: str
    plays: str | None
    opens_with: str | None
    samples: int
    groups: int
    slices: tuple[str, ...]
    written: int
    recordings: tuple[str, ...]
    removed: tuple[str, ...]
    unshown: int
    waiting: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A view as it stands in the database.

    Args:
        addresses: Of its pictures.
        played: Its recordings as the player has them, without their intervals; None where it has none.
    """

    loaded: Loaded
    addresses: Addresses
    played: Sequence[Played] | None


def find(database: Database, name: str, mark: str) -> Standing | None:
    """Give what stands under a name, if it was kept with this mark and the App has it still; edits wait in it.

    What somebody took out of the App as a whole stands no more; samples that they deleted do not matter.
    """
    note = database[STANDING].find_one({"_id": name})
    if note is None or note["mark"] != mark:
        return None
    known = {each["name"]: each for each in database["datasets"].find({"name": {"$in": list(note["datasets"])}})}
    if {name: each["_id"] for name, each in known.items()} != note["datasets"]:
        return None
    samples = database[known[name]["sample_collection_name"]]
    noted: dict[str, Any] = {key: tuple(v) if isinstance(v, list) else v for key, v in note["loaded"].items()}
    held = Loaded(**noted)
    count, waiting = samples.estimated_document_count(), Edits(database, name).put_back()
    lost = held.samples - count
    played = note["played"]
    return Standing(
        loaded=replace(held, samples=count, groups=held.groups if not lost else groups(samples), waiting=waiting),
        addresses=Addresses(**note["addresses"]),
        played=None if played is None else [Played(**{**each, "path": Path(each["path"])}) for each in played],
    )


def keep(
    database: Database,
    mark: str,
    loaded: Loaded,
    addresses: Addresses,
    played: tuple[str, Sequence[Played]] | None,
) -> None:
    """Note that all of a view is loaded.

    Args:
        played: The name of the dataset of its recordings, and these.
    """
    names = [loaded.dataset, *([loaded.plays] if loaded.plays else []), *([played[0]] if played else [])]
    note = {
        "_id": loaded.dataset,
        "mark": mark,
        "datasets": {each["name"]: each["_id"] for each in database["datasets"].find({"name": {"$in": names}})},
        "loaded": asdict(replace(loaded, written=0, recordings=(), removed=(), unshown=0)),
        "addresses": asdict(addresses),
        "played": [_plain(each) for each in played[1]] if played else None,
    }
    try:
        database[STANDING].replace_one({"_id": loaded.dataset}, note, upsert=True)
    except DocumentTooLarge:
        log.debug("'%s' has too many recordings to be noted; it is laid out at every start", loaded.dataset)


def forget(database: Database, name: str) -> None:
    """Note that something is about to change."""
    database[STANDING].delete_one({"_id": name})


def groups(samples: Any) -> int:
    """Count all groups of a collection; FiftyOne's ``len`` counts those that hold a sample of the default slice.

    Of a flat dataset there is one a sample.
    """
    if not samples.find_one({"group": {"$exists": True}}, {"_id": 1}):
        return int(samples.estimated_document_count())
    steps = [{"$group": {"_id": "$group._id"}}, {"$count": "groups"}]
    counted = list(samples.aggregate(steps, allowDiskUse=True))
    return int(counted[0]["groups"]) if counted else 0


def _plain(played: Played) -> Mapping[str, Any]:
    return {**asdict(replace(played, intervals=())), "path": str(played.path)}
