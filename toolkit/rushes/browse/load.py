"""A view → a dataset in FiftyOne's database; what has not changed since the last time is left alone.

Import it late, after ``environment.applied``: FiftyOne takes seconds. FiftyOne's public way of adding samples
builds and checks a document per sample, twenty times slower than writing the same documents; so they are written
directly, as long as FiftyOne is the release for which a test holds both ways equal.
"""

import gc
import logging
import random
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import fiftyone as fo
from bson import ObjectId
from fiftyone import ViewField
from fiftyone.core import utils as fou
from fiftyone.factory import repo_factory

from rushes.browse import chosen, declare, edits, playback, standing
from rushes.browse.documents import FIELDS, FLAGS, Row, rows_of
from rushes.browse.elements import Elements
from rushes.browse.standing import Loaded
from rushes.browse.view import BrowseView

log = logging.getLogger(__name__)

LAYOUT = 4
"""Raised whenever the fields or documents change, so that older caches are filled anew."""

CHOSEN = "asked for"
"""The saved view that the App opens with, where less than everything was asked for."""

BATCH = 1000
_SHAPE = "rushes"  # key in dataset.info


def connect(uri: str) -> None:
    """Make FiftyOne use this database from now on."""
    if fo.config.database_uri != uri:
        fo.config.database_uri = uri
        disconnect()


def database() -> edits.Database:
    """Give the database that FiftyOne uses, for pymongo."""
    return fo.core.odm.get_db_conn()


def disconnect() -> None:
    """Let go of the database, so that nothing waits for it after it is gone."""
    fo.core.odm.database._disconnect()  # there is no public way; the release is pinned
    repo_factory._db = None  # it keeps the first database that it was asked for
    repo_factory.RepositoryFactory.repos.clear()


def load(view: BrowseView) -> Loaded:
    """Bring the dataset of that name in line with the view.

    Recordings whose digest is unchanged are not touched. Of a changed one all samples are written anew; what a
    person changed in the App and no table has yet stays as they left it. An interrupted load is completed by the
    next one.
    """
    elements = Elements(view.labels, view.ontology)
    kept = edits.Edits(database(), view.name)
    dataset = _dataset_for(view, elements)
    notes = database()[edits.NOTES]  # not in dataset.info, which every page would load
    wanted = view.digests()
    known = {n["recording_id"]: n["digest"] for n in notes.find({"dataset": dataset._doc.id})}
    changed = [r for r in wanted if known.get(r) != wanted[r]]
    gone = [r for r in known if r not in wanted]
    written = 0
    copied = changed
    if view.grouped and view.main_rate_hz and not fo.dataset_exists(playback.name_of(view)):
        copied = list(wanted)  # somebody took the copy out of the App
    if changed or gone:
        standing.forget(database(), view.name)
        which = {"dataset": dataset._doc.id, "recording_id": {"$in": [*changed, *gone]}}
        notes.delete_many(which)
        kept.set_aside([*changed, *gone])
        declare.labels(dataset, elements)
        written = _replace(dataset, view, changed, gone, elements)
        # MongoDB copies the documents on one core while it sorts and indexes them on the other.
        with ThreadPoolExecutor(1, "rushes-remember") as beside:
            remembered = beside.submit(kept.remember, changed)
            _save_views(dataset, view)
            _make_playable(dataset, view, elements, copied, gone)
            for field in FIELDS:
                if field.indexed:
                    dataset.create_index(field.name)  # after the rows: sorted once, not kept sorted
            remembered.result()
    elif copied:
        _make_playable(dataset, view, elements, copied, gone)
    waiting = kept.put_back()
    if changed:
        notes.insert_many({"dataset": dataset._doc.id, "recording_id": r, "digest": wanted[r]} for r in changed)
    return Loaded(
        dataset=view.name,
        opens_with=_choose(dataset, view),
        plays=playback.name_of(view) if view.main_rate_hz else None,
        samples=dataset._sample_collection.estimated_document_count(),
        groups=standing.groups(dataset._sample_collection),
        slices=view.slices if view.grouped else (),
        written=written,
        recordings=tuple(changed),
        removed=tuple(gone),
        unshown=elements.unshown,
        waiting=waiting,
    )


def mark_of(mark: str) -> str:
    """Give the mark under which a view stands in the database: another release may show it in another way."""
    return f"{mark} {LAYOUT} {fo.__version__}"


def _make_playable(
    dataset: Any, view: BrowseView, elements: Elements, changed: list[str], gone: list[str]
) -> None:
    if not view.main_rate_hz:
        log.debug("nothing in '%s' plays: no recording has two pictures at two times", view.name)
    elif view.grouped:
        playback.fill(dataset, view, elements, changed, gone)
    else:
        playback.save_view(dataset, rate_hz=view.main_rate_hz)


def _dataset_for(view: BrowseView, elements: Elements) -> Any:
    shape = {
        "layout": LAYOUT,
        "release": fo.__version__,
        "slices": list(view.slices) if view.grouped else [],
        "attributes": dict(elements.kinds),
    }
    if fo.dataset_exists(view.name):
        dataset = fo.load_dataset(view.name)
        if dataset.info.get(_SHAPE) == shape:
            return dataset
        log.info("the cached dataset '%s' has another layout and is filled anew", view.name)
        edits.Edits(database(), view.name).set_aside()
        for name in {view.name, playback.name_of(view), view.name + playback.SUFFIX}:
            if fo.dataset_exists(name):
                fo.delete_dataset(name)
    dataset = fo.Dataset(view.name, persistent=True)
    if view.grouped:
        dataset.add_group_field("group", default=view.default_slice)
        for slice_name in view.slices:
            dataset.add_group_slice(slice_name, "image")
    declare.samples(dataset, FIELDS)
    if not view.grouped:
        dataset.media_type = "image"
    dataset.info[_SHAPE] = shape
    dataset.save()
    return dataset


def _replace(dataset: Any, view: BrowseView, changed: list[str], gone: list[str], elements: Elements) -> int:
    collection = dataset._sample_collection
    touched = {"recording_id": {"$in": [*changed, *gone]}}
    collection.delete_many(touched)
    return _add(dataset, view, _rows(view, set(changed), elements))


def _rows(view: BrowseView, changed: set[str], elements: Elements) -> Iterator[Row]:
    words = view.words_of()
    for place, rows in enumerate(view.rows_of()):
        if view.recordings[place].recording_id in changed:
            yield from rows_of(view, place, rows, words, elements)


def _add(dataset: Any, view: BrowseView, rows: Iterator[Row]) -> int:
    if declare.raw():
        return _add_raw(dataset, rows, grouped=view.grouped)
    log.info("FiftyOne %s is not %s: samples are added the slow way", fo.__version__, declare.RAW_RELEASE)
    return _add_public(dataset, rows, grouped=view.grouped)


def _add_raw(dataset: Any, rows: Iterator[Row], *, grouped: bool) -> int:
    now = datetime.now(UTC).replace(tzinfo=None)
    fixed = {"_dataset_id": dataset._doc.id, "created_at": now, "last_modified_at": now}
    collection = dataset._sample_collection
    written = 0
    # MongoDB works on a batch while the next one is made.
    with _no_collection(), ThreadPoolExecutor(1, "rushes-insert") as writer:
        waiting: Future[Any] | None = None
        while batch := [_raw_document(row, fixed, grouped=grouped) for row in islice(rows, BATCH)]:
            if waiting is not None:
                waiting.result()
            waiting = writer.submit(collection.insert_many, batch, ordered=False)
            written += len(batch)
        if waiting is not None:
            waiting.result()
    dataset.reload()
    return written


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the garbage collector back: it would look through all documents again and again, and find nothing."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def _raw_document(row: Row, fixed: Mapping[str, Any], *, grouped: bool) -> dict[str, Any]:
    """Give the document that FiftyOne ``RAW_RELEASE`` would store for the sample of :func:`_sample`."""
    document = {
        "_id": ObjectId(row.id),
        "filepath": row.path,
        "tags": row.tags,
        "_media_type": "image",
        "_rand": random.random(),  # noqa: S311 - what FiftyOne shuffles by
        **fixed,
        **{name: value for name, value in row.values.items() if value is not None},
        **row.labels,
    }
    if row.size is not None:
        width, height = row.size
        document["metadata"] = {
            "_cls": "ImageMetadata",
            "mime_type": "image/jpeg",
            "width": width,
            "height": height,
        }
    if grouped:
        document["group"] = {"_id": ObjectId(row.group), "_cls": "Group", "name": row.slice}
    return document


def _add_public(dataset: Any, rows: Iterator[Row], *, grouped: bool) -> int:
    """Add samples as anyone would; their ids, and the tags of people, are then new at every load."""
    written = 0
    while batch := [_sample(row, grouped=grouped) for row in islice(rows, BATCH)]:
        dataset.add_samples(batch, expand_schema=False, progress=False)
        written += len(batch)
    return written


def _sample(row: Row, *, grouped: bool) -> Any:
    more: dict[str, Any] = {}
    if row.size is not None:
        width, height = row.size
        more["metadata"] = fo.ImageMetadata(width=width, height=height, mime_type="image/jpeg")
    if grouped:
        more["group"] = fo.Group(id=str(ObjectId(row.group))).element(row.slice)
    labels = {name: _public(document) for name, document in row.labels.items()}
    return fo.Sample(filepath=row.path, tags=row.tags, **row.values, **labels, **more)


def _public(document: Any) -> Any:
    """Make FiftyOne's own objects of a label document."""
    if isinstance(document, list):
        return [_public(one) for one in document]
    if not isinstance(document, dict):
        return document
    values = {
        name: _public(value) for name, value in document.items() if name not in ("_cls", "_id", "attributes")
    }
    if "_id" in document:
        values["id"] = str(document["_id"])
    if "mask" in values:
        values["mask"] = fou.deserialize_numpy_array(values["mask"])
    return getattr(fo, document["_cls"])(**values)


def _choose(dataset: Any, view: BrowseView) -> str | None:
    """Save a view of what was asked for."""
    if view.chosen is None:
        return None
    asked, rows = view.chosen
    every = dataset.select_group_slices(media_type="image") if view.grouped else dataset.view()
    found = every.mongo([{"$match": chosen.condition(view, rows)}])
    dataset.save_view(CHOSEN, found, description=asked, overwrite=True)
    return str(fou.to_slug(CHOSEN))


def _save_views(dataset: Any, view: BrowseView) -> None:
    """Save a view for each part of the split, each finding and each flag; views of people are left alone."""
    every = dataset.select_group_slices(media_type="image") if view.grouped else dataset.view()
    several = view.words["split"].word if "split" in view.words else ()
    parts = sorted({*several, *(r.part for r in view.recordings if r.part)})
    checks = sorted(set(view.samples.finding_check))
    wanted = {f"split: {part}": dataset.match(ViewField("split") == part) for part in parts}
    wanted |= {f"finding: {check}": every.match(ViewField("findings").contains(check)) for check in checks}
    for kind, of in (("segment", "segments"), ("differs", "differs")):
        words = sorted(set(view.words[of].word)) if of in view.words else []
        wanted |= {f"{kind}: {word}": every.match(ViewField(of).contains(word)) for word in words}
    for flag, name in FLAGS.items():
        if (view.samples.flags & flag).any():
            wanted[f"frames: {name}"] = every.match(ViewField(name) == True)  # noqa: E712 - builds an expression
    if view.grouped:
        wanted["every picture"] = every
    for name in dataset.list_saved_views():
        if name.startswith(("split: ", "finding: ", "segment: ", "differs: ", "frames: ")) and name not in wanted:
            dataset.delete_saved_view(name)
    for name, found in wanted.items():
        dataset.save_view(name, found, description="Kept up to date by Rushes", overwrite=True)
