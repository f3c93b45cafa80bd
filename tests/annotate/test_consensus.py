"""What several people say together: the middle of every kind of label, whoever is named first."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from annotate.test_agreement import HANDS, box, drawn_by, label, scenes
from rushes import masks
from rushes.annotate.agreement import consensus, item, medians
from rushes.labels import Box, Keypoints, Polygon, Relation, RotatedBox, Track, TrackKey

PEOPLE = ("ada", "bob", "cec")


def merged(*versions, **options):
    return consensus.merge(versions, HANDS, **options)


def only(*versions, **options):
    (one,) = merged(*versions, **options).labels
    return one


@given(st.tuples(scenes, scenes, scenes), st.permutations(range(3)), st.sampled_from([None, 1, 2, 3]))
@settings(max_examples=50)
def test_every_label_is_taken_once_or_left_out_whoever_comes_first(three, order, quorum):
    versions = [drawn_by(who, scene) for who, scene in zip(PEOPLE, three, strict=True)]
    found = merged(*versions, quorum=quorum)
    taken = [name for members in found.members.values() for name in members]
    assert sorted(taken + found.dropped) == sorted(x.label_id for version in versions for x in version)
    assert all(len(members) >= (quorum or 2) for members in found.members.values())
    again = merged(*(versions[at] for at in order), quorum=quorum)
    assert again.members == found.members
    assert {x.label_id: x for x in again.labels} == {x.label_id: x for x in found.labels}


@given(scenes)
@settings(max_examples=50)
def test_what_all_draw_alike_is_what_they_drew(scene):
    found = merged(*(drawn_by(who, scene) for who in PEOPLE), at_least=0.99)

    def said(labels):
        return sorted(
            (x.recording_id, x.index, x.class_name, x.geometry.x_px, x.geometry.y_px, x.geometry.width_px)
            for x in labels
        )

    assert said(found.labels) == said(drawn_by("ada", scene))
    assert {x.score for x in found.labels} == {1.0}


def test_the_class_is_that_of_most_and_so_is_the_side():
    names = ("hand", "cup", "hand")
    versions = [
        [label("1", box(0, 0, 10, 10), who, class_name=name, attributes={"side": side})]
        for who, name, side in zip(PEOPLE, names, ("left", "right", "left"), strict=True)
    ]
    one = only(*versions)
    assert (one.class_name, one.attributes) == ("hand", {"side": "left"})


def test_two_of_one_class_are_not_mixed_with_another_that_lies_on_them():
    hand, cup = box(0, 0, 10, 10), box(1, 0, 10, 10)
    versions = [[label("h", hand, who), label("c", cup, who, class_name="cup")] for who in PEOPLE]
    versions[1] = [label("h", cup, "bob"), label("c", hand, "bob", class_name="cup")]
    assert sorted(x.class_name for x in merged(*versions).labels) == ["cup", "hand"]
    assert all(len(members) == 3 for members in merged(*versions).members.values())


def test_keypoints_become_the_median_of_each_point_and_hidden_ones_stay_hidden():
    def hand(dx, wrist, last):
        triples = [x for at in range(21) for x in (10.0 + at + dx, 10 + 2 * at, 2.0)]
        triples[2], triples[-3:] = wrist, last
        return Keypoints(triples=tuple(triples))

    versions = [
        [label("k", hand(0.0, 1.0, [0, 0, 0]), "ada")],
        [label("k", hand(0.2, 1.0, [0, 0, 0]), "bob")],
        [label("k", hand(0.1, 2.0, [31, 50, 2]), "cec")],
    ]
    points = np.reshape(only(*versions).geometry.triples, (21, 3))
    assert points[0].tolist() == [10.1, 10, 1]
    assert points[5].tolist() == [15.1, 20, 2]
    assert points[20].tolist() == [0, 0, 0]


def test_masks_become_the_pixels_of_more_than_half():
    def block(left):
        bits = np.zeros((48, 64), bool)
        bits[10:20, left : left + 10] = True
        return masks.encode(bits)

    ring = Polygon(rings=((12.0, 10, 22, 10, 22, 20, 12, 20),))
    shapes = (block(10), block(11), ring)
    one = only(*([label("m", shape, who)] for who, shape in zip(PEOPLE, shapes, strict=True)))
    assert np.array_equal(masks.decode(one.geometry), masks.decode(block(11)))
    assert one.kind == "mask"


def test_a_turned_box_is_the_same_under_another_name_of_its_sides():
    first = RotatedBox(x_px=20, y_px=10, width_px=12, height_px=6, rotation_deg=10)
    x, y = medians.shapes.corners(first)[3]
    named = RotatedBox(x_px=x, y_px=y, width_px=6, height_px=12, rotation_deg=-80)
    middle = medians.turned_box([first, named])
    assert (middle.x_px, middle.y_px, middle.width_px, middle.height_px, middle.rotation_deg) == pytest.approx(
        (20, 10, 12, 6, 10)
    )
    mixed = medians.of([Box(x_px=0, y_px=0, width_px=4, height_px=4), first, first], [])
    assert isinstance(mixed, RotatedBox)


def test_segments_get_the_median_of_each_end():
    def cut(author, start, end):
        facts = {"kind": "segment", "class_name": "wave", "index": start, "index_end": end}
        return [label("s", None, author, **facts, t_start_ns=start * 10, t_end_ns=end * 10)]

    one = only(cut("ada", 10, 50), cut("bob", 12, 49), cut("cec", 11, 60))
    assert (one.index, one.index_end, one.t_start_ns, one.t_end_ns) == (11, 50, 110, 500)


def test_tracks_get_the_median_box_on_every_key():
    def moving(author, dx):
        keys = tuple(TrackKey(index=at, x_px=at + dx, y_px=0, width_px=10, height_px=10) for at in (0, 9))
        return [label("t", Track(keys=keys), author, index=0, index_end=10)]

    keys = only(moving("ada", 0), moving("bob", 1), moving("cec", 2)).geometry.keys
    assert [(key.index, key.x_px, key.shown) for key in keys] == [(0, 1.0, True), (9, 10.0, True)]


def test_relations_and_parts_follow_what_they_join():
    def said(author, verb=True):
        both = [
            label("h", box(0, 0, 10, 10), author),
            label("c", box(20, 0, 10, 10), author, class_name="cup"),
            replace(
                label("k", Keypoints(triples=tuple(x for at in range(21) for x in (at / 2, at / 3, 2.0))), author),
                parent_id=f"{author}-h",
            ),
        ]
        joined = Relation(subject_id=f"{author}-h", object_id=f"{author}-c")
        return [*both, label("r", joined, author, class_name="holds")] if verb else both

    found = merged(said("ada"), said("bob"), said("cec", verb=False))
    kinds = {x.kind if x.kind != "box" else x.class_name: x for x in found.labels}
    assert kinds["relation"].geometry == Relation(
        subject_id=kinds["hand"].label_id, object_id=kinds["cup"].label_id
    )
    assert kinds["relation"].score == pytest.approx(2 / 3)
    assert kinds["keypoints"].parent_id == kinds["hand"].label_id
    assert not [x for x in merged(said("ada"), said("bob", verb=False)).labels if x.kind == "relation"]


def test_a_class_of_the_whole_picture_wants_most_of_those_who_looked():
    def said(author, name):
        return [label("c", None, author, class_name=name, event_id=author)]

    assert only(said("ada", "a"), said("bob", "a"), said("cec", "b")).class_name == "a"
    assert merged(said("ada", "a"), said("bob", "b"), []).labels == []


UNIT = ("r1", "cam", 0)


def agreement(*versions):
    return item.least_agreement(versions, [UNIT], HANDS)


def test_an_item_agrees_as_much_as_its_two_least_alike_versions():
    versions = [[label("1", box(x, 0, 10, 10), who)] for who, x in zip(PEOPLE, (0, 0, 2), strict=True)]
    assert agreement(*versions[:2]) == 1.0
    assert agreement(*versions) == pytest.approx(8 / 12)
    assert agreement([label("1", box(0, 0, 10, 10))], []) == 0.0
    assert agreement([], []) == 1.0
    assert agreement(versions[0]) == 1.0
    other = [label("1", box(0, 0, 10, 10), "bob", class_name="cup")]
    assert agreement(versions[0], other) == 0.0
    told = [[label("c", None, who, class_name=name)] for who, name in (("ada", "a"), ("bob", "a"), ("cec", "b"))]
    assert (agreement(*told[:2]), agreement(*told)) == (1.0, 0.0)


@given(st.tuples(scenes, scenes), st.permutations(range(2)))
@settings(max_examples=40)
def test_the_agreement_of_an_item_lies_between_nothing_and_all(two, order):
    versions = [drawn_by(who, scene) for who, scene in zip(PEOPLE, two, strict=False)]
    units = {("r1", "cam", 0), ("r1", "cam", 1), ("r2", "cam", 0)}
    found = item.least_agreement(versions, units, HANDS)
    assert 0 <= found <= 1
    assert item.least_agreement([versions[at] for at in order], units, HANDS) == pytest.approx(found)
    assert item.least_agreement([versions[0], versions[0]], units, HANDS) == pytest.approx(1.0)
