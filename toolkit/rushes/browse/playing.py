"""A playlist → a multimodal dataset in FiftyOne's database: one sample a recording, segments and findings as tags.

Import it late, as ``load``. What people tagged in the App is left alone; ours is told by its author.
"""

import logging
from typing import Any

import fiftyone as fo
import fiftyone.core.tags as fot

from rushes.browse.players import AUTHOR, Played, Playlist

log = logging.getLogger(__name__)

_FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "recording": ({"ftype": fo.StringField}, "Name of the recording"),
    "recording_id": ({"ftype": fo.StringField}, "Its id"),
    "seconds": ({"ftype": fo.FloatField}, "How long it lasts"),
    "split": ({"ftype": fo.StringField}, "Its part of the split"),
    "subject": ({"ftype": fo.StringField}, "Who was recorded"),
    "session": ({"ftype": fo.StringField}, "Session of capture"),
    "task": ({"ftype": fo.StringField}, "What was done"),
    "place": ({"ftype": fo.StringField}, "Where"),
    "streams": ({"ftype": fo.ListField, "subfield": fo.StringField}, "What its file holds"),
}


def load(playlist: Playlist) -> int:
    """Bring the dataset of that name in line with the playlist; gives how many samples were written.

    A recording whose file has the name it had is not touched.
    """
    dataset = _dataset(playlist.name)
    ids, names, paths = dataset.values(["id", "recording_id", "filepath"])
    known = {name: (sample, path) for sample, name, path in zip(ids, names, paths, strict=True)}
    wanted = {each.recording_id: each for each in playlist.recordings}
    stale = {s for name, (s, path) in known.items() if name not in wanted or str(wanted[name].path) != path}
    kept = _of_people(dataset, stale)
    if stale:
        dataset.delete_samples(list(stale))
    new = [each for each in playlist.recordings if known.get(each.recording_id, ("", ""))[1] != str(each.path)]
    if not new:
        return 0
    samples = [_sample(each) for each in new]
    dataset.add_samples(samples, expand_schema=False, progress=False)
    tags = []
    for sample, each in zip(samples, new, strict=True):
        tags += [
            fot.TemporalTag(sample.id, start=x.start_ns, end=x.end_ns, tag=x.tag, created_by=AUTHOR)
            for x in each.intervals
        ]
        for tag in kept.get(known.get(each.recording_id, ("", ""))[0], ()):
            tag.sample_id, tag.id = sample.id, None
            tags.append(tag)
    if tags:
        dataset.temporal_tags.add(tags)
    return len(samples)


def _dataset(name: str) -> Any:
    if fo.dataset_exists(name):
        found = fo.load_dataset(name)
        if set(_FIELDS) <= set(found.get_field_schema()):
            return found
        fo.delete_dataset(name)
    dataset = fo.Dataset(name, persistent=True)
    for field, (kind, meaning) in _FIELDS.items():
        dataset.add_sample_field(field, description=meaning, **kind)
    return dataset


def _sample(each: Played) -> Any:
    return fo.Sample(
        filepath=str(each.path),
        tags=[each.part] if each.part else [],
        recording=each.name,
        recording_id=each.recording_id,
        seconds=each.seconds,
        split=each.part,
        subject=each.subject,
        session=each.session,
        task=each.task,
        place=each.place,
        streams=list(each.streams),
    )


def _of_people(dataset: Any, samples: set[str]) -> dict[str, list[Any]]:
    """Give the temporal tags that people made, by sample."""
    kept: dict[str, list[Any]] = {}
    for tag in dataset.temporal_tags.values() if samples else ():
        if tag.created_by != AUTHOR and str(tag.sample_id) in samples:
            kept.setdefault(str(tag.sample_id), []).append(tag)
    return kept
