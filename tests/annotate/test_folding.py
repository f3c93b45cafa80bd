"""Versions of a tool and edits in any order: no label is lost, none invented, and every clash can be settled."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate import merging
from rushes.annotate.edits import Edit
from rushes.annotate.folding import Folded, Step, fold, settled
from rushes.labels import Box, Label


def label(name="a", x=1.0, **more):
    place = Box(x_px=x, y_px=2.0, width_px=3.0, height_px=4.0)
    return Label(label_id=name, recording_id="r1", kind="box", source="human", geometry=place, **more)


class Tale:
    """Steps, each made upon what is there at the time."""

    def __init__(self):
        self.steps = []

    def _add(self, **more):
        number = len(self.steps)
        self.steps.append(Step(event_id=f"e{number}", t_ns=number, **more))

    def theirs(self, *labels):
        self._add(theirs={one.label_id: one for one in labels})

    def edit(self, name, after, **more):
        line = self.folded.lines.get(name)
        self._add(edit=Edit(label_id=name, before=line.now if line else None, after=after, **more))

    def take(self, conflict, side):
        (line,) = [x for x in self.folded.lines.values() if conflict in x.open.values()]
        after = settled(line, [conflict.clash.group], side)
        self.edit(conflict.label.label_id, after, settles=(conflict.clash.group,), take=side)

    @property
    def folded(self) -> Folded:
        return fold(self.steps)

    @property
    def labels(self):
        return {one.label_id: one for one in self.folded.labels}

    @property
    def open(self):
        return [one for one in self.folded.conflicts if one.state == "open"]


def clashing():
    tale = Tale()
    tale.theirs(label(class_name="hand"), label("b"))
    tale.edit("a", label(class_name="cup"))
    tale.theirs(label(class_name="phone", x=9.0), label("b"))
    return tale


def test_an_edit_stays_while_the_tool_changes_something_else() -> None:
    tale = Tale()
    tale.theirs(label(class_name="hand"))
    tale.edit("a", label(class_name="cup"))
    tale.theirs(label(class_name="hand", x=9.0))
    assert (tale.labels["a"].class_name, tale.labels["a"].geometry.x_px) == ("cup", 9.0)
    tale.theirs(label(class_name="cup", x=9.0))  # it was sent back
    tale.theirs(label(class_name="phone", x=9.0))
    assert (tale.labels["a"].class_name, tale.open) == ("phone", [])


def test_a_contradiction_waits_and_nothing_else_does() -> None:
    tale = clashing()
    (one,) = tale.open
    assert (one.clash.base, one.clash.ours, one.clash.theirs) == (("hand",), ("cup",), ("phone",))
    assert (tale.labels["a"].class_name, tale.labels["a"].geometry.x_px) == ("cup", 9.0)
    tale.theirs(label(class_name="phone", x=11.0), label("b"))
    assert [x.conflict_id for x in tale.open] == [one.conflict_id]
    assert tale.labels["a"].geometry.x_px == 11.0


@pytest.mark.parametrize(("side", "class_name"), [("ours", "cup"), ("theirs", "phone"), ("base", "hand")])
def test_taking_a_side_settles_it_for_good(side, class_name) -> None:
    tale = clashing()
    tale.take(tale.open[0], side)
    assert tale.open == []
    assert tale.labels["a"].class_name == class_name
    assert [(x.state, x.take) for x in tale.folded.conflicts] == [("settled", side)]
    tale.theirs(label(class_name="phone", x=12.0), label("b"))
    assert (tale.labels["a"].class_name, tale.open) == (class_name, [])


@pytest.mark.parametrize("class_name", ["cup", "hand"])
def test_a_conflict_goes_by_itself_when_they_come_round_or_go_back(class_name) -> None:
    tale = clashing()
    tale.theirs(label(class_name=class_name), label("b"))
    assert (tale.open, tale.labels["a"].class_name) == ([], "cup")
    assert [x.state for x in tale.folded.conflicts] == ["agreed"]


@pytest.mark.parametrize("side", ["ours", "theirs", "base"])
def test_a_deletion_in_the_dataset_against_a_change_of_theirs(side) -> None:
    tale = Tale()
    tale.theirs(label(class_name="hand"))
    tale.edit("a", None)
    assert tale.labels == {}
    tale.theirs(label(class_name="cup"))
    assert tale.labels["a"].class_name == "cup"  # contested, so it stays
    tale.take(tale.open[0], side)
    left = {one.class_name for one in tale.labels.values()}
    assert (left, tale.open) == ({"ours": set(), "theirs": {"cup"}, "base": {"hand"}}[side], [])


@pytest.mark.parametrize("side", ["ours", "theirs", "base"])
def test_a_change_in_the_dataset_against_a_deletion_of_theirs(side) -> None:
    tale = Tale()
    tale.theirs(label(class_name="hand"))
    tale.edit("a", label(class_name="cup"))
    tale.theirs()
    assert tale.labels["a"].class_name == "cup"
    tale.take(tale.open[0], side)
    left = {one.class_name for one in tale.labels.values()}
    assert (left, tale.open) == ({"ours": {"cup"}, "theirs": set(), "base": {"hand"}}[side], [])
    tale.theirs()
    assert {one.class_name for one in tale.labels.values()} == left


def test_a_label_of_no_tool_is_what_the_last_edit_says() -> None:
    tale = Tale()
    tale.steps.append(Step(event_id="e", t_ns=0, edit=Edit(label_id="a", before=label(), after=label(x=5.0))))
    tale.edit("a", label(x=6.0))
    tale.edit("new", label("new"))
    tale.edit("new", None)
    assert [one.geometry.x_px for one in tale.folded.labels] == [6.0]


NAMES = ("a", "b")


def random_tale(seed, length=12):
    """Two people, the tool and the dataset; what stands after each step is known by a model of single groups."""
    luck, tale = random.Random(seed), Tale()
    for _ in range(length):
        what = luck.random()
        if what < 0.45:
            held = {n: x for n, x in _last(tale).items() if luck.random() < 0.85}
            for name in NAMES:
                if luck.random() < 0.5:
                    start = held.get(name, label(name, class_name="hand"))
                    held[name] = _changed(start, luck)
            tale.theirs(*held.values())
        elif what < 0.85:
            name = luck.choice(NAMES)
            line = tale.folded.lines.get(name)
            now = line.now if line else None
            tale.edit(name, None if now and luck.random() < 0.2 else _changed(now or label(name), luck))
        elif tale.open:
            tale.take(luck.choice(tale.open), luck.choice(["ours", "theirs", "base"]))
    return tale


def _last(tale):
    return next((dict(step.theirs) for step in reversed(tale.steps) if step.theirs is not None), {})


def _changed(one, luck):
    if luck.random() < 0.5:
        return replace(one, class_name=luck.choice(["hand", "cup", "phone"]))
    return label(one.label_id, x=luck.choice([1.0, 5.0, 9.0]), class_name=one.class_name)


@given(st.integers(0, 1 << 32))
def test_whatever_happens_every_label_is_somewhere_and_settling_all_ends_all(seed) -> None:
    tale = random_tale(seed)
    for name, line in tale.folded.lines.items():
        said = [step.theirs[name] for step in tale.steps if step.theirs and name in step.theirs]
        said += [s.edit.after for s in tale.steps if s.edit and s.edit.label_id == name and s.edit.after]
        if line.now is not None:  # nothing is invented: each group was said by somebody
            for group, value in merging.groups(line.now).items():
                assert any(merging.groups(one).get(group) == value for one in said), (seed, group)
        else:  # it is gone only where somebody took it away
            gone = [s for s in tale.steps if s.theirs is not None and name not in s.theirs]
            gone += [s for s in tale.steps if s.edit and s.edit.label_id == name and s.edit.after is None]
            assert gone, seed
        for conflict in line.open.values():
            assert not merging.same(conflict.clash.ours, conflict.clash.theirs)
    for side in ("ours", "theirs", "base"):
        ends = Tale()
        ends.steps = list(tale.steps)
        for _ in range(20):
            if ends.open:
                ends.take(ends.open[0], side)
        assert ends.open == [], seed
        last = _last(ends)
        before = ends.labels
        if any(step.theirs is not None for step in ends.steps):
            ends.theirs(*last.values())  # the same again
            assert (ends.labels, ends.open) == (before, []), seed


@given(st.integers(0, 1 << 32))
def test_sending_all_back_makes_both_sides_one(seed) -> None:
    tale = random_tale(seed)
    for _ in range(20):
        if tale.open:
            tale.take(tale.open[0], "ours")
    tale.theirs(*tale.labels.values())
    for line in tale.folded.lines.values():
        assert merging.same_label(line.now, line.theirs)
    sent = tale.labels
    tale.theirs()
    assert (tale.labels, tale.open, len(sent) >= 0) == ({}, [], True)


def unseen(tale, name, before, after):
    tale._add(edit=Edit(label_id=name, before=before, after=after, yields=True))


def disputed():
    tale = Tale()
    tale.theirs(label(class_name="hand"))
    tale.edit("a", label(class_name="cup"))
    unseen(tale, "a", label(class_name="hand"), label(class_name="phone", x=9.0))
    return tale


def test_an_edit_that_yields_changes_what_nobody_else_changed_and_disputes_the_rest() -> None:
    tale = disputed()
    (one,) = tale.open
    assert (one.clash.base, one.clash.ours, one.clash.theirs) == (("hand",), ("cup",), ("phone",))
    assert (tale.labels["a"].class_name, tale.labels["a"].geometry.x_px) == ("cup", 9.0)
    tale.theirs(label(class_name="hand", x=1.0))
    assert [x.conflict_id for x in tale.open] == [one.conflict_id], "what the tool says of it is another thing"


@pytest.mark.parametrize(("side", "class_name"), [("ours", "cup"), ("theirs", "phone"), ("base", "hand")])
def test_a_dispute_is_settled_by_taking_a_side(side, class_name) -> None:
    tale = disputed()
    after = settled(tale.folded.lines["a"], ["class"], side)
    tale.edit("a", after, settles=("class",), take=side)
    assert (tale.open, tale.labels["a"].class_name) == ([], class_name)
    assert [(x.state, x.take) for x in tale.folded.conflicts] == [("settled", side)]


def test_a_dispute_goes_by_itself_when_the_dataset_comes_to_say_the_same() -> None:
    tale = disputed()
    tale.edit("a", label(class_name="phone", x=9.0))
    assert (tale.open, [x.state for x in tale.folded.conflicts]) == ([], ["agreed"])


def test_a_label_that_one_deleted_and_the_other_changed_unseen_stays_and_is_disputed() -> None:
    for first, then in ((None, label(class_name="cup")), (label(class_name="cup"), None)):
        for theirs in (True, False):
            tale = Tale()
            if theirs:
                tale.theirs(label(class_name="hand"))
            tale.edit("a", first) if theirs else tale._add(
                edit=Edit(label_id="a", before=label(class_name="hand"), after=first)
            )
            unseen(tale, "a", label(class_name="hand"), then)
            (one,) = tale.open
            assert (one.clash.group, tale.labels["a"].class_name) == ("existence", "cup")
            for side in ("ours", "theirs"):
                again = Tale()
                again.steps = list(tale.steps)
                after = settled(again.folded.lines["a"], ["existence"], side)
                again.edit("a", after, settles=("existence",), take=side)
                assert again.open == []
                assert ("a" in again.labels) == ((first if side == "ours" else then) is not None)
