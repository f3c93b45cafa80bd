"""Two sides change a label: nothing is lost, nothing invented, and only contradictions are left to settle."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.merging import ABSENT, EXISTENCE, advanced, groups, merge, same, same_label
from rushes.labels import Box, Label, Relation

PLACES = st.sampled_from([0.0, 10.0, 10.0 + 1e-12, 33.5])
BOXES = st.builds(Box, x_px=PLACES, y_px=PLACES, width_px=st.just(5.0), height_px=st.just(7.0))


def label(geometry=None, **more):
    return Label(
        label_id="l1",
        recording_id="r1",
        kind="box",
        source="human",
        geometry=geometry or Box(x_px=1.0, y_px=2.0, width_px=3.0, height_px=4.0),
        **more,
    )


LABELS = st.builds(
    label,
    geometry=BOXES,
    class_name=st.sampled_from(["hand", "cup"]),
    attributes=st.dictionaries(st.sampled_from(["side", "blurred"]), st.sampled_from(["left", True, None])),
    text=st.sampled_from([None, "a"]),
    parent_id=st.sampled_from([None, "p"]),
    updated_ns=st.integers(0, 3),
    event_id=st.sampled_from(["e1", "e2"]),
)
SIDES = st.one_of(st.none(), LABELS)


def swapped(clashes):
    return [(c.group, c.base, c.theirs, c.ours) for c in clashes]


def plain(clashes):
    return [(c.group, c.base, c.ours, c.theirs) for c in clashes]


@given(SIDES, SIDES, SIDES)
def test_a_merge_is_the_same_from_both_sides_up_to_the_names(base, ours, theirs) -> None:
    here, there = merge(base, ours, theirs), merge(base, theirs, ours)
    assert sorted(plain(here.clashes), key=str) == sorted(swapped(there.clashes), key=str)
    contested = {clash.group for clash in here.clashes}
    settled = [{g: v for g, v in groups(m.label).items() if g not in contested} for m in (here, there)]
    assert same(*settled)
    if not contested and here.label:
        assert (here.label.author, here.label.event_id) == (there.label.author, there.label.event_id)


@given(SIDES, SIDES, SIDES)
def test_every_value_comes_from_a_side_and_every_change_stays_or_is_told(base, ours, theirs) -> None:
    merged = merge(base, ours, theirs)
    told = {clash.group for clash in merged.clashes}
    for group, value in groups(merged.label).items():
        assert any(groups(side).get(group, ABSENT) == value for side in (ours, theirs))
    if EXISTENCE in told:
        assert merged.label in (ours, theirs)
        return
    for side in (ours, theirs):
        for group in {**groups(base), **groups(side)}:
            was, now = (groups(x).get(group, ABSENT) for x in (base, side))
            if side is not None and not same(was, now) and group not in told:
                assert same(groups(merged.label).get(group, ABSENT), now), group


@given(SIDES, SIDES)
def test_what_one_side_alone_did_is_taken_to_the_last_bit(base, side) -> None:
    for merged in (merge(base, side, base), merge(base, base, side)):
        assert merged.clashes == ()
        assert merged.label is None or groups(merged.label) == groups(side)
        assert (merged.label is None) == (side is None)


@given(SIDES, SIDES, SIDES)
def test_merging_again_changes_nothing(base, ours, theirs) -> None:
    first = merge(base, ours, theirs)
    onward = advanced(base, theirs, first.clashes)
    again = merge(onward, first.ours, theirs)
    assert same_label(again.label, first.label)
    assert same_label(again.ours, first.ours)
    assert {c.group for c in again.clashes} == {c.group for c in first.clashes}
    assert merge(theirs, theirs, theirs).label == theirs


def test_two_people_change_different_things_of_one_label() -> None:
    base = label(class_name="hand", attributes={"side": "left"})
    ours = replace(base, class_name="cup", attributes={"side": "left", "blurred": True}, updated_ns=5)
    theirs = replace(base, geometry=Box(x_px=9.0, y_px=2.0, width_px=3.0, height_px=4.0), attributes={})
    merged = merge(base, ours, theirs)
    assert merged.clashes == ()
    assert (merged.label.class_name, merged.label.geometry.x_px) == ("cup", 9.0)
    assert merged.label.attributes == {"blurred": True}


def test_a_deletion_against_a_change_keeps_the_label_until_it_is_settled() -> None:
    base = label(class_name="hand")
    changed = replace(base, class_name="cup")
    merged = merge(base, None, changed)
    assert (merged.label, merged.ours) == (changed, None)
    assert [(c.group, c.ours, c.theirs) for c in merged.clashes] == [(EXISTENCE, None, changed)]
    assert merge(base, None, base).label is None


@pytest.mark.parametrize("moved", [1e-9, -1e-7])
def test_the_last_digit_is_no_contradiction(moved) -> None:
    base = label()
    ours = replace(base, geometry=Box(x_px=50.0, y_px=2.0, width_px=3.0, height_px=4.0))
    theirs = replace(base, geometry=Box(x_px=50.0 + moved, y_px=2.0, width_px=3.0, height_px=4.0))
    assert merge(base, ours, theirs).clashes == ()


def test_the_ends_of_a_relation_are_a_group() -> None:
    base = replace(label(), kind="relation", geometry=Relation(subject_id="a", object_id="b"), class_name="holds")
    ours = replace(base, geometry=Relation(subject_id="a", object_id="c"))
    theirs = replace(base, class_name="moves")
    merged = merge(base, ours, theirs)
    assert (merged.label.geometry.object_id, merged.label.class_name, merged.clashes) == ("c", "moves", ())
    clashing = merge(base, ours, replace(base, geometry=Relation(subject_id="a", object_id="d")))
    assert [clash.group for clash in clashing.clashes] == ["ends"]
