"""What people said of pictures: their tags and decisions, as the App shows them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

import numpy as np
import numpy.typing as npt

from rushes.browse.labelled import BrowseWords
from rushes.browse.view import BrowseSamples
from rushes.store import Store
from rushes.workflow import decisions
from rushes.workflow._browse.places import Ints, Places
from rushes.workflow.decisions import Item
from rushes.workflow.excluded import excluded
from rushes.workflow.takes import Discarded


def without_deleted(
    samples: BrowseSamples, store: Store, recordings: Sequence[str], streams: Sequence[str]
) -> BrowseSamples:
    """Leave out the pictures of which a deletion stands, and those of discarded takes; what was accepted stays."""
    out = excluded(store)
    if "delete" not in {*out.recordings.values(), *out.frames.values()} and not out.discarded:
        return samples
    gone = np.isin(
        samples.recording, [i for i, name in enumerate(recordings) if out.recordings.get(name) == "delete"]
    )
    places = Places(samples, recordings, streams)
    for at, recording in enumerate(recordings):
        if out.discarded and out.discarded.of(recording):
            gone |= (samples.recording == at) & _of_discarded(samples, out.discarded, recording, streams)
    for (recording, stream, index), what in out.frames.items():
        gone[places.frames_between(recording, stream, index, index + 1)] = what == "delete"
    columns = [field.name for field in fields(samples)[:-2]]
    return replace(samples, **{name: getattr(samples, name)[~gone] for name in columns})


def _of_discarded(
    samples: BrowseSamples, discarded: Discarded, recording: str, streams: Sequence[str]
) -> npt.NDArray[np.bool_]:
    """Tell of every picture whether the one of its stream and index in this recording is of a discarded take."""
    found = np.zeros(len(samples.index), np.bool_)
    for number, stream in enumerate(streams):
        mine = np.flatnonzero(samples.stream == number)
        takes = discarded.numbers(recording, stream)
        known = mine[samples.index[mine] < len(takes)]
        found[known] = takes[samples.index[known]] > 0
    return found


def words_of(store: Store, places: Places) -> Mapping[str, BrowseWords]:
    """Give the tags of people, and the decision about its use that stands for each picture."""
    tags: list[tuple[Ints, str]] = [
        (_rows(places, item), tag) for item, given in decisions.tags_of(store).items() for tag in given
    ]
    shown: dict[int, str] = {}
    own: dict[int, str] = {}
    standing = [(item, one) for (item, about), one in decisions.standing(store).items() if about == "use"]
    for item, one in sorted(standing, key=lambda pair: pair[0][1] is not None):  # a frame's own comes last
        rows = _rows(places, item).tolist()
        shown |= dict.fromkeys(rows, one.what)
        if item[1] is not None:
            own |= dict.fromkeys(rows, one.decision_id)
    return {
        "tags": BrowseWords(
            row=np.concatenate([np.zeros(0, np.int64), *(rows for rows, _ in tags)]),
            word=[tag for rows, tag in tags for _ in rows],
        ),
        "decision": BrowseWords(row=np.array(list(shown), np.int64), word=list(shown.values())),
        "decision_id": BrowseWords(row=np.array(list(own), np.int64), word=list(own.values())),
    }


def key_of(store: Store) -> str:
    """Name the dataset in the paths of its pictures in the App."""
    return "".join(c if c.isalnum() or c in "_-" else "-" for c in store.name)


def _rows(places: Places, item: Item) -> Ints:
    recording, stream, index = item
    if stream is None or index is None:
        return places.recording(recording)
    return places.frames_between(recording, stream, index, index + 1)
