"""Labels as the App draws them: places and attributes that are known beforehand."""

import io
import json
import math
import zlib
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from browse.labels_of_takes import BITS, EVERY_KIND, ONTOLOGY, labelled_rig, labels
from browse.takes import HEIGHT, WIDTH
from rushes.browse.elements import Elements, field_of


def drawn(*whats, size=(WIDTH, HEIGHT), ontology=ONTOLOGY):
    elements = Elements(labels([(0, what) for what in whats]), ontology)
    (documents,) = elements.of(np.array([0]), [bytes(12)], [size])
    return documents, elements


def test_every_kind_has_a_field_and_predictions_one_of_their_own():
    documents, elements = drawn(*EVERY_KIND)
    assert set(documents) == {
        *("boxes", "predicted_boxes", "tracks", "rotated_boxes", "polygons", "masks", "keypoints"),
        *("keypoints_body", "classes", "texts"),
    }
    assert {field.name for field in elements.fields} == set(documents)
    assert {f.name: f.skeleton and f.skeleton.name for f in elements.fields if f.skeleton} == {
        "keypoints": "finger",
        "keypoints_body": "body",
    }


def test_places_are_shares_of_the_picture():
    documents, _ = drawn(*EVERY_KIND)
    assert documents["boxes"]["detections"][0]["bounding_box"] == [0.1, 0.2, 0.2, 0.1]
    turned = documents["rotated_boxes"]["polylines"][0]["points"][0]
    corners = [(100, 100), (100, 140), (80, 140), (80, 100)]  # a quarter turn clockwise about the first
    assert np.allclose(np.array(turned) * (WIDTH, HEIGHT), corners)
    first, second = documents["polygons"]["polylines"][0]["points"]
    assert first == [[0, 0], [0.5, 0], [0.5, 0.5]]
    assert second == [[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]
    points = documents["keypoints"]["keypoints"][0]
    assert points["points"][:2] == [[0.1, 0.1], [0.2, 0.2]]
    assert all(math.isnan(x) for x in points["points"][2])
    assert points["visibility"] == [2, 1, 0]


def test_a_mask_is_its_pixels_within_their_bounds():
    documents, _ = drawn(*EVERY_KIND)
    (mask,) = documents["masks"]["detections"]
    assert mask["bounding_box"] == [80 / WIDTH, 60 / HEIGHT, 80 / WIDTH, 60 / HEIGHT]
    bits = np.load(io.BytesIO(zlib.decompress(mask["mask"])))
    assert np.array_equal(bits, BITS[60:120, 80:160])


def test_attributes_have_fields_of_their_kinds_and_nothing_is_lost():
    documents, elements = drawn(*EVERY_KIND)
    one, other = documents["boxes"]["detections"]
    hue = field_of("hue (approx.)")
    assert {name: one[name] for name in ("side", "full", "level", "holds", "own_label", hue, "iscrowd")} == {
        "side": "left",
        "full": True,
        "level": 3.0,
        "holds": ["cup", "pen"],
        "own_label": "mug",
        hue: "red",
        "iscrowd": "0",
    }
    assert "note" not in one
    assert other["level_as_given"] == '"high"'
    assert elements.attribute_names == {"own_label": "label", hue: "hue (approx.)"}


@given(st.lists(st.text(min_size=1), unique=True, max_size=8))
def test_unlike_attributes_have_unlike_fields_that_fiftyone_takes(names):
    fields = [field_of(name) for name in names]
    assert len(set(fields)) == len(names)
    for field in fields:
        assert field
        assert not field.startswith("_")
        assert not set(field) & {".", "$"}


def test_a_label_says_which_version_it_is_and_has_the_same_id_at_every_load():
    documents, _ = drawn({"kind": "box", **dict.fromkeys(("x_px", "y_px", "width_px", "height_px"), 1.0)})
    again, _ = drawn({"kind": "box", **dict.fromkeys(("x_px", "y_px", "width_px", "height_px"), 9.0)})
    (one,), (two,) = documents["boxes"]["detections"], again["boxes"]["detections"]
    assert {name: one[name] for name in ("label_id", "event_id", "author", "origin")} == {
        "label_id": "label 00",
        "event_id": "v1",
        "author": "ada",
        "origin": "human",
    }
    assert one["_id"] == two["_id"]


@pytest.mark.parametrize(
    "what",
    [
        {"kind": "box", "x_px": 1.0, "y_px": 1.0, "width_px": 1.0, "height_px": 1.0, "image_width_px": 0},
        {"kind": "mask", "mask": "no runs"},
        {"kind": "mask", "mask": ""},
    ],
)
def test_what_cannot_be_drawn_is_counted(what):
    documents, elements = drawn(what, size=None)
    assert (documents, elements.unshown) == ({}, 1)


def test_a_digest_changes_with_any_label_of_its_recording():
    view = labelled_rig()
    before = view.digests()
    assert labelled_rig().digests() == before
    for name in ("class_name", "x_px", "points", "attributes", "event_id", "predicted"):
        table = view.labels.table
        at = table.schema.get_field_index(name)
        values = table[name].to_pylist()
        changed = {"predicted": True, "x_px": 5.0, "points": [1.0, 2.0], "attributes": json.dumps({"a": "b"})}
        values[0] = changed.get(name, "another")
        other = table.set_column(at, table.schema.field(at), pa.array(values, table.schema.field(at).type))
        after = replace(view, labels=replace(view.labels, table=other)).digests()
        assert {r for r in before if before[r] != after[r]} == {"rec0"}, name
