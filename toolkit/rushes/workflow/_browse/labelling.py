"""Labels of the dataset that stand, or that a model proposes, as columns of the pictures that the App shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes.annotate.rows import track_keys
from rushes.annotate.tracks import course_of
from rushes.browse.labelled import SCHEMA, BrowseLabels, BrowseWords
from rushes.labels import Track
from rushes.workflow._browse.places import Ints, Places, as_arrow, codes, integers
from rushes.workflow.dataset import Dataset
from rushes.workflow.label_tags import tags_of_labels

DRAWN = ("box", "rotated_box", "polygon", "mask", "keypoints", "class", "text")
SPANNED = ("segment", "class", "text")
_BOX = ("x_px", "y_px", "width_px", "height_px", "rotation_deg")
_STANDING = "SELECT label_id, NOT stands AS predicted FROM standing WHERE stands OR standing = 'proposed'"
_READ = (
    *("label_id", "recording_id", "stream", "index", "index_end", "moment", "kind", "class_name", "instance"),
    *("event_id", "author", "text", "score", *_BOX, "image_width_px", "image_height_px", "points", "ring_ends"),
    *("mask", "attributes", "subject_id", "object_id", "source", "tool"),
)


def labels_on(dataset: Dataset, places: Places) -> tuple[BrowseLabels, Mapping[str, BrowseWords]]:
    """Give the labels of the shown pictures, and the words that pictures bear for what is drawn on none.

    Segments, and classes of spans and whole recordings, become ``segments`` of every picture within, in all
    streams of a moment; relations become ``relations`` of the pictures of their subjects. What was superseded is
    left out.
    """
    table, predicted = _shown(dataset)
    single = pc.and_(pc.is_null(table["index_end"]), pc.is_valid(table["index"]))
    of_kind = {kind: pc.equal(table["kind"], kind) for kind in ("track", "relation")}
    spans = table.filter(pc.and_(pc.is_in(table["kind"], pa.array(SPANNED)), pc.invert(single)))
    words = {
        "segments": _segments(dataset, places, spans.to_pylist()),
        "relations": _relations(places, table.filter(of_kind["relation"]).to_pylist(), table),
    }
    drawn = pc.and_(single, pc.is_in(table["kind"], pa.array(DRAWN)))
    shown = _together(_singles(places, table, _true(drawn)), _courses(places, table, _true(of_kind["track"])))
    laid = _laid_out(table, predicted, shown)
    return replace(laid, tags=_tags(dataset, places, laid)), words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """Labels on pictures: the picture's row, the label's place in the table, and the box where it has another."""

    rows: Ints
    which: Ints
    boxes: npt.NDArray[np.float64] | None = None


def _shown(dataset: Dataset) -> tuple[pa.Table, pa.Array]:
    """Give the labels that stand or are proposed, and which are the latter."""
    standing = dataset.sql(_STANDING).to_arrow_table()
    table = dataset.arrow("labels", columns=_READ)
    place = pc.index_in(table["label_id"], standing["label_id"]).combine_chunks()
    if place.null_count:
        table, place = table.filter(place.is_valid()), place.drop_null()
    return table, standing["predicted"].take(place).combine_chunks()


def _singles(places: Places, table: pa.Table, mine: Ints) -> _Shown:
    keys = table.select(["recording_id", "stream", "index"]).take(as_arrow(mine))
    found, rows = places.frames(
        codes(keys["recording_id"], places.recordings),
        codes(keys["stream"], places.streams),
        integers(keys, "index"),
    )
    return _Shown(rows=rows, which=mine[found])


def _courses(places: Places, table: pa.Table, mine: Ints) -> _Shown:
    """Give the boxes of tracks, one on every picture on which each is shown."""
    which: list[Ints] = [np.zeros(0, np.int64)]
    rows: list[Ints] = [np.zeros(0, np.int64)]
    boxes: list[npt.NDArray[np.float64]] = [np.zeros((0, len(_BOX)))]
    columns = ["recording_id", "stream", "index_end", "points"]
    for at, label in zip(mine.tolist(), table.select(columns).take(as_arrow(mine)).to_pylist(), strict=True):
        course = course_of(Track(keys=tuple(track_keys(label["points"]))), end=label["index_end"])
        recording, stream = (
            np.full(len(course.index), words.index(word) if word in words else -1)
            for words, word in ((places.recordings, label["recording_id"]), (places.streams, label["stream"]))
        )
        found, shown_on = places.frames(recording, stream, course.index)
        which.append(np.full(len(shown_on), at))
        rows.append(shown_on)
        boxes.append(np.stack([getattr(course, name)[found] for name in _BOX], axis=1))
    return _Shown(rows=np.concatenate(rows), which=np.concatenate(which), boxes=np.concatenate(boxes))


def _together(singles: _Shown, courses: _Shown) -> _Shown:
    assert courses.boxes is not None
    return _Shown(
        rows=np.concatenate([singles.rows, courses.rows]),
        which=np.concatenate([singles.which, courses.which]),
        boxes=np.concatenate([np.full((len(singles.rows), len(_BOX)), np.nan), courses.boxes]),
    )


def _laid_out(table: pa.Table, predicted: pa.Array, shown: _Shown) -> BrowseLabels:
    """Put labels in the order of the pictures; those of one picture by their ids."""
    names = table["label_id"].take(as_arrow(shown.which))
    keys = pa.table([as_arrow(shown.rows), names], ["row", "label_id"])
    order = pc.sort_indices(keys, [("row", "ascending"), ("label_id", "ascending")]).to_numpy()
    taken = table.take(as_arrow(shown.which[order]))
    model = pc.equal(taken["source"], "model")
    columns = {name: taken[name] for name in SCHEMA.names if name in taken.column_names}
    columns["predicted"] = predicted.take(as_arrow(shown.which[order]))
    columns["origin"] = pc.if_else(model, pc.fill_null(taken["tool"], "model"), taken["source"])
    assert shown.boxes is not None
    tracks = ~np.isnan(shown.boxes[order, 0])
    if tracks.any():
        mask = pa.array(tracks.tolist())
        for name, numbers in zip(_BOX, shown.boxes[order].T, strict=True):
            columns[name] = pc.if_else(mask, as_arrow(numbers), columns[name])
        columns["points"] = pc.if_else(mask, pa.scalar(None, SCHEMA.field("points").type), columns["points"])
    laid = pa.table([columns[name] for name in SCHEMA.names], SCHEMA.names)
    return BrowseLabels(row=shown.rows[order], table=laid.cast(SCHEMA).combine_chunks())


def _tags(dataset: Dataset, places: Places, laid: BrowseLabels) -> dict[int, list[str]]:
    """Give the tags of labels by their positions; of those that are not shown none."""
    tagged = {
        (row, label_id): tags
        for (label_id, recording_id, stream, index), tags in tags_of_labels(dataset.store).items()
        for row in places.frames_between(recording_id, stream, index, index + 1).tolist()
    }
    if not tagged:
        return {}
    names = laid.table["label_id"]
    of_interest = pc.is_in(names, pa.array(sorted({label_id for _, label_id in tagged})))
    found = {}
    for at in _true(of_interest).tolist():
        tags = tagged.get((int(laid.row[at]), names[at].as_py()))
        if tags:
            found[at] = tags
    return found


def _true(mask: pa.ChunkedArray) -> Ints:
    places: Ints = np.flatnonzero(mask.to_numpy())
    return places


def _segments(dataset: Dataset, places: Places, spans: Sequence[Mapping[str, Any]]) -> BrowseWords:
    rows: list[Ints] = []
    words: list[str] = []
    for span in spans:
        word = span["text"] if span["kind"] == "text" else span["class_name"]
        if word is None or span["source"] == "model":
            continue
        within = _within(dataset, places, span)
        rows.append(within)
        words += [word] * len(within)
    return BrowseWords(row=np.concatenate([np.zeros(0, np.int64), *rows]), word=words)


def _within(dataset: Dataset, places: Places, span: Mapping[str, Any]) -> Ints:
    """Give the pictures that lie within a span."""
    recording_id, stream, first = span["recording_id"], span["stream"], span["index"]
    if stream is None:
        if span["moment"] is None:
            return places.recording(recording_id)
        return places.moments(recording_id, np.array([span["moment"]]))
    if first is None:
        return places.recording(recording_id)
    end = first + 1 if span["index_end"] is None else span["index_end"]
    if stream in places.streams:
        mine = places.frames_between(recording_id, stream, first, end)
        others = places.moments(recording_id, places.moments_of(mine))
        return np.union1d(mine, others)
    # Of a fast stream it is known which samples lie between one moment and the next.
    lain = dataset.arrow("moment_spans", where={"recording_id": recording_id, "stream": stream})
    inside = (integers(lain, "first_index", absent=end) < end) & (integers(lain, "last_index", absent=-1) >= first)
    return places.moments(recording_id, integers(lain, "moment")[inside])


def _relations(places: Places, relations: Sequence[Mapping[str, Any]], table: pa.Table) -> BrowseWords:
    """Say who does what to what, on the pictures of whoever does it."""
    if not relations:
        return BrowseWords(row=np.zeros(0, np.int64), word=())
    of_interest = {one[name] for one in relations for name in ("subject_id", "object_id")}
    columns = ["label_id", "class_name", "recording_id", "stream", "index"]
    ends = table.filter(pc.is_in(table["label_id"], pa.array(sorted(of_interest)))).select(columns).to_pylist()
    by_id = {end["label_id"]: end for end in ends}
    found: defaultdict[str, list[Ints]] = defaultdict(list)
    for one in relations:
        subject, object_ = by_id.get(one["subject_id"]), by_id.get(one["object_id"])
        if subject is None or object_ is None or subject["stream"] is None or subject["index"] is None:
            continue
        word = f"{subject['class_name'] or '?'} {one['class_name'] or '?'} {object_['class_name'] or '?'}"
        first = subject["index"]
        found[word].append(places.frames_between(subject["recording_id"], subject["stream"], first, first + 1))
    rows = {word: np.concatenate(several) for word, several in found.items()}
    return BrowseWords(
        row=np.concatenate([np.zeros(0, np.int64), *rows.values()]),
        word=[word for word, several in rows.items() for _ in several],
    )
