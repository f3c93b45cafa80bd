"""Labels of the dataset that stand, or that a model proposes, as columns of the pictures that the App shows."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes.annotate.rows import labels_of
from rushes.annotate.tracks import course_of
from rushes.browse.labelled import BrowseLabels, BrowseWords
from rushes.labels import Track
from rushes.workflow._browse.places import Ints, Places, codes, integers
from rushes.workflow.dataset import Dataset

DRAWN = ("box", "rotated_box", "polygon", "mask", "keypoints", "class", "text")
SPANNED = ("segment", "class", "text")
_BOX = ("x_px", "y_px", "width_px", "height_px", "rotation_deg")
_TEXTS = {"label_id": "label_id", "event_id": "event_id", "class_name": "class_name", "author": "author"} | {
    "thing": "instance", "text": "text", "mask": "mask", "attributes": "attributes", "kind": "kind",
}  # fmt: skip
_SHOWN = "SELECT labels.*, stands FROM labels JOIN standing USING (label_id) WHERE stands OR standing = 'proposed'"
Columns: TypeAlias = dict[str, Any]


def labels_on(dataset: Dataset, places: Places) -> tuple[BrowseLabels, Mapping[str, BrowseWords]]:
    """Give the labels of the shown pictures, and the words that pictures bear for what is drawn on none.

    Segments, and classes of spans and whole recordings, become ``segments`` of every picture within, in all
    streams of a moment; relations become ``relations`` of the pictures of their subjects. What was superseded is
    left out.
    """
    table = dataset.sql(_SHOWN).to_arrow_table()
    single = pc.and_(pc.is_null(table["index_end"]), pc.is_valid(table["index"]))
    drawn = table.filter(pc.and_(single, pc.is_in(table["kind"], pa.array(DRAWN))))
    tracks = table.filter(pc.equal(table["kind"], "track"))
    spans = table.filter(pc.and_(pc.is_in(table["kind"], pa.array(SPANNED)), pc.invert(single)))
    relations = table.filter(pc.equal(table["kind"], "relation"))
    words = {
        "segments": _segments(dataset, places, spans.to_pylist()),
        "relations": _relations(places, relations.to_pylist(), table),
    }
    return _labels([_singles(places, drawn), _courses(places, tracks)]), words


def _singles(places: Places, table: pa.Table) -> Columns:
    which, rows = places.frames(
        codes(table["recording_id"], places.recordings),
        codes(table["stream"], places.streams),
        integers(table, "index"),
    )
    return _taken(table, which, rows, np.stack([_numbers(table, name) for name in _BOX], axis=1)[which])


def _courses(places: Places, table: pa.Table) -> Columns:
    """Give the boxes of tracks, one on every picture on which each is shown."""
    found: list[tuple[Ints, Ints, npt.NDArray[np.float64]]] = []
    plain = [name for name in table.column_names if name != "stands"]
    for at, label in enumerate(labels_of(table.select(plain).to_pylist())):
        if not isinstance(label.geometry, Track) or label.stream is None:
            continue
        course = course_of(label.geometry, end=label.index_end)
        recording, stream = (
            np.full(len(course.index), words.index(word) if word in words else -1)
            for words, word in ((places.recordings, label.recording_id), (places.streams, label.stream))
        )
        which, rows = places.frames(recording, stream, course.index)
        boxes = np.stack([getattr(course, name)[which] for name in _BOX], axis=1)
        found.append((np.full(len(rows), at), rows, boxes))
    if not found:
        found = [(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 5)))]
    which, rows, boxes = (np.concatenate(column) for column in zip(*found, strict=True))
    return _taken(table, which, rows, boxes)


def _taken(table: pa.Table, which: Ints, rows: Ints, boxes: npt.NDArray[np.float64]) -> Columns:
    """Lay out rows ``which`` of a table of labels as columns of the pictures ``rows``."""
    taken = table.take(pa.array(which))
    columns: Columns = {name: taken[column].to_pylist() for name, column in _TEXTS.items()}
    sources, tools = taken["source"].to_pylist(), taken["tool"].to_pylist()
    columns["origin"] = [
        tool or source if source == "model" else source for source, tool in zip(sources, tools, strict=True)
    ]
    columns["points"], columns["ring_ends"] = taken["points"].to_pylist(), taken["ring_ends"].to_pylist()
    columns["row"], columns["box_px"] = rows, boxes
    columns["score"] = _numbers(taken, "score")
    columns["predicted"] = ~taken["stands"].to_numpy().astype(np.bool_)
    columns["size_px"] = np.stack(
        [integers(taken, name).astype(np.int32) for name in ("image_width_px", "image_height_px")], axis=1
    )
    return columns


def _labels(parts: Sequence[Columns]) -> BrowseLabels:
    """Put columns together, in the order of the pictures; those of one picture by their ids."""
    rows = np.concatenate([part["row"] for part in parts])
    names = [name for part in parts for name in part["label_id"]]
    order = np.array(sorted(range(len(rows)), key=lambda at: (rows[at], names[at])), np.int64)
    columns: Columns = {}
    for name, first in parts[0].items():
        if isinstance(first, np.ndarray):
            columns[name] = np.concatenate([part[name] for part in parts])[order]
        else:
            whole = [value for part in parts for value in part[name]]
            columns[name] = [whole[at] for at in order.tolist()]
    return BrowseLabels(**columns)


def _segments(dataset: Dataset, places: Places, spans: Sequence[Mapping[str, Any]]) -> BrowseWords:
    rows: list[Ints] = []
    words: list[str] = []
    for span in spans:
        word = span["text"] if span["kind"] == "text" else span["class_name"]
        if word is None or not span["stands"]:
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


def _numbers(table: pa.Table, name: str) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = table[name].fill_null(np.nan).to_numpy()
    return values
