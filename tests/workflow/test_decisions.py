"""What people decide stands until somebody decides anew, and is honoured by exports, splits and checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browse.desk_of_edits import made
from rushes.errors import UsageError
from rushes.labels import Box, Label
from rushes.store import Store
from rushes.workflow import annotate_edit, export
from rushes.workflow import check as checking
from rushes.workflow.decisions import (
    TagWish,
    Wish,
    decide,
    disputed,
    fold,
    judge,
    requested_parts,
    standing,
    tags_of,
)
from rushes.workflow.excluded import excluded
from rushes.workflow.split import Settings, split
from rushes.workflow.split_lock import lock
from workflow.test_split import HALVES, dataset, parts_of

__all__ = ["dataset"]
FRAME = ("a", "cam", 3)


def whole(name):
    return (name, None, None)


def test_a_decision_is_kept_with_who_when_and_why_and_the_newest_stands(dataset):
    place = dataset(("a", {}))
    first = decide(place, [Wish(item=FRAME, what="reject", why="blurred")], author="ada")
    assert [one.author for one in first.taken] == ["ada"]
    second = decide(place, [Wish(item=FRAME, what="accept")], author="ben")
    assert second.taken[0].based_on == first.taken[0].decision_id
    rows = Store.open(place).table("decisions").to_pylist()
    assert [(row["what"], row["author"], row["why"], row["source"]) for row in rows] == [
        ("reject", "ada", "blurred", "command"),
        ("accept", "ben", None, "command"),
    ]
    assert standing(Store.open(place))[FRAME, "use"].what == "accept"


def test_the_same_decision_again_is_no_row_and_no_revision(dataset):
    place = dataset(("a", {}))
    decide(place, [Wish(item=FRAME, what="reject")], tags=[TagWish(item=FRAME, tag="x", action="added")])
    revision = Store.open(place).revision
    again = decide(place, [Wish(item=FRAME, what="reject")], tags=[TagWish(item=FRAME, tag="x", action="added")])
    assert (again.same, again.taken, again.tags, again.revision) == (1, [], 0, revision)


def test_who_has_not_seen_what_stands_does_not_overrule_it_and_is_told(dataset):
    place = dataset(("a", {}))
    decide(place, [Wish(item=FRAME, what="accept")], author="ben")
    late = decide(place, [Wish(item=FRAME, what="reject", based_on=None)], author="ada")
    assert ([one.what for one in late.contested], late.taken) == (["reject"], [])
    store = Store.open(place)
    assert standing(store)[FRAME, "use"].what == "accept"
    assert [one.author for one in disputed(store)] == ["ada"]
    assert store.rows("select what, disputes from decided")[1] == [("accept", 1)]
    again = decide(place, [Wish(item=FRAME, what="reject", based_on=None)], author="ada")
    assert (again.same, again.contested) == (1, []), "told once"
    decide(place, [Wish(item=FRAME, what="reject")], author="cleo")
    assert disputed(Store.open(place)) == []


def test_a_frame_s_own_decision_counts_before_its_recording_s(dataset):
    place = dataset(("a", {}), ("b", {}))
    decide(place, [Wish(item=whole("a"), what="reject"), Wish(item=FRAME, what="accept")])
    out = excluded(Store.open(place))
    assert out.takes("a", "cam", 4) == "reject"
    assert out.takes(*FRAME) is None
    assert not out.whole("a")
    decide(place, [Wish(item=FRAME, what="withdraw", about="use")])
    assert excluded(Store.open(place)).whole("a")


def test_tags_come_and_go(dataset):
    place = dataset(("a", {}))
    given = [TagWish(item=FRAME, tag=tag, action="added") for tag in ("x", "a b")]
    decide(place, [], tags=given, author="ada")
    assert tags_of(Store.open(place)) == {FRAME: ["a b", "x"]}
    decide(place, [], tags=[TagWish(item=FRAME, tag="x", action="removed")], author="ben")
    store = Store.open(place)
    assert tags_of(store) == {FRAME: ["a b"]}
    assert store.rows("select tag, author from tagged")[1] == [("a b", "ada")]
    assert len(store.table("tags")) == 3


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (Wish(item=FRAME, what="rejct"), "decision.what"),
        (Wish(item=("a", "cam", 999), what="reject"), "decision.no-such-item"),
        (Wish(item=whole("z"), what="reject"), "decision.no-such-item"),
        (Wish(item=FRAME, what="request_split", value="test"), "decision.part"),
        (Wish(item=whole("a"), what="request_split"), "decision.part"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_written(dataset, wish, code):
    place = dataset(("a", {}))
    revision = Store.open(place).revision
    with pytest.raises(UsageError) as caught:
        decide(place, [Wish(item=FRAME, what="accept"), wish])
    assert caught.value.code == code
    assert Store.open(place).revision == revision


def test_a_rejected_recording_is_in_no_part_and_told(dataset):
    place = dataset(*((name, {}) for name in "abcd"))
    decide(place, [Wish(item=whole("a"), what="reject")])
    done = split(place, Settings(parts=HALVES))
    assert set(parts_of(place)) == {"b", "c", "d"}
    assert done.rejected == ["take-a"]
    assert "1 recording left out, rejected by people." in done.evidence
    split(place, Settings(parts=HALVES, rejected=True))
    assert set(parts_of(place)) == {"a", "b", "c", "d"}


def test_labels_of_rejected_frames_do_not_count_in_the_balance(dataset):
    place = dataset(("a", {"classes": ["cup", "cup"]}), ("b", {"classes": ["cup", "pen"]}))
    decide(place, [Wish(item=("a", "cam", 0), what="reject"), Wish(item=("b", "cam", 1), what="delete")])
    done = split(place, Settings(parts=HALVES))
    assert {each.name: each.total for each in done.spreads} == {"class cup": 2}


def test_a_rejected_recording_of_a_locked_part_stays_in_it(dataset):
    place = dataset(*((name, {}) for name in "abcd"))
    split(place, Settings(parts=HALVES))
    lock(place, "test")
    of_test = next(name for name, part in parts_of(place).items() if part == "test")
    decide(place, [Wish(item=whole(of_test), what="reject")])
    done = split(place, Settings(parts=HALVES))
    assert parts_of(place)[of_test] == "test"
    assert not [f for f in done.findings if f.check == "split.lock-broken"]


def test_a_part_that_is_asked_for_is_given_to_the_whole_group(dataset):
    place = dataset(*((name, {"subject": name[0]}) for name in ("a1", "a2", "b1", "b2", "c1", "d1")))
    split(place, Settings(parts=HALVES, by="subject"))
    other = {"train": "test", "test": "train"}[parts_of(place)["a1"]]
    decide(place, [Wish(item=whole("a1"), what="request_split", value=other)], author="ada")
    assert requested_parts(Store.open(place))["a1"].value == other
    done = split(place, Settings(parts=HALVES, by="subject"))
    assert (parts_of(place)["a1"], parts_of(place)["a2"]) == (other, other)
    assert {a.unit: a.reason for a in done.assignments if a.unit[0] == "a"} == {
        "a1": "ada asked for it",
        "a2": "one of its group was asked for",
    }


def test_requests_that_cannot_be_met_are_told_with_the_reason(dataset):
    place = dataset(*((name, {"subject": name[0]}) for name in ("a1", "a2", "b1", "c1", "d1")))
    wishes = [("a1", "train"), ("a2", "test"), ("b1", "dev")]
    decide(place, [Wish(item=whole(name), what="request_split", value=part) for name, part in wishes])
    done = split(place, Settings(parts=HALVES, by="subject"))
    told = [f.message.partition(": ")[2] for f in done.findings if f.check == "split.request"]
    assert told == [
        "its group is asked for as test and train",
        "its group is asked for as test and train",
        "there is no part 'dev'; there are train, test",
    ]
    lock(place, "test")
    decide(place, [Wish(item=whole("c1"), what="request_split", value="test")])
    done = split(place, Settings(parts=HALVES, by="subject"))
    assert "part 'test' is locked" in " ".join(f.message for f in done.findings if f.check == "split.request")


def test_checks_leave_out_what_is_rejected_and_say_so(dataset):
    place = dataset(("a", {}), ("b", {}))
    only = {"only": ["stream.gap", "image.unreadable"], "fail_on": "never"}
    before = checking.check(place, checking.Settings(**only))
    assert {item.recording_id for item in before.found} == {"a", "b"}, "their pictures are not there"
    decide(place, [Wish(item=whole("a"), what="reject")])
    after = checking.check(place, checking.Settings(**only))
    assert {item.recording_id for item in after.found} == {"b"}
    assert after.rejected == ["take-a"]
    assert set(Store.open(place).table("findings")["recording_id"].to_pylist()) == {"b"}
    both = checking.check(place, checking.Settings(**only, rejected=True))
    assert {item.recording_id for item in both.found} == {"a", "b"}


@pytest.fixture
def pictures(tmp_path):
    """Three pictures in a dataset, with a box on each; gives the dataset and its frames."""
    place = made(tmp_path)
    stream = Store.open(place).table("streams", columns=["recording_id", "stream"]).to_pylist()[0]
    frames = [(stream["recording_id"], stream["stream"], at) for at in range(3)]
    for recording, stream_name, at in frames:
        box = Box(x_px=4.0, y_px=4.0, width_px=8.0, height_px=8.0)
        label = Label(
            label_id="", recording_id=recording, kind="box", source="human", class_name="hand", geometry=box
        )
        annotate_edit.add(place, f"{recording}/{stream_name}/{at}", label)
    return place, frames


def test_an_export_leaves_out_what_is_rejected_and_counts_it(pictures, tmp_path):
    place, frames = pictures
    decide(place, [Wish(item=frames[0], what="reject"), Wish(item=frames[2], what="delete")])
    done = export.export(place, export.Settings(format="coco", out=tmp_path / "out")).exported
    assert (done.pictures, done.labels_in, done.labels_out) == (1, 3, 1)
    told = {(one.effect, one.what): one.count for one in done.left_out}
    assert told["lost", "labels on rejected frames"] == 2
    assert told["noted", "rejected frames"] == 2
    whole = export.export(place, export.Settings(format="coco", out=tmp_path / "whole", rejected=True)).exported
    assert (whole.pictures, whole.labels_out) == (3, 3)
    assert "rejected frames" not in {one.what for one in whole.left_out}


def test_an_export_of_a_rejected_recording_takes_the_pictures_that_were_accepted(pictures, tmp_path):
    place, frames = pictures
    decide(place, [Wish(item=(frames[0][0], None, None), what="reject"), Wish(item=frames[1], what="accept")])
    done = export.export(place, export.Settings(format="coco", out=tmp_path / "out")).exported
    assert (done.pictures, done.labels_out) == (1, 1)


def test_an_export_of_nothing_but_rejected_frames_says_why_it_is_empty(pictures, tmp_path):
    place, frames = pictures
    decide(place, [Wish(item=frame, what="reject") for frame in frames])
    with pytest.raises(UsageError) as caught:
        export.export(place, export.Settings(format="coco", out=tmp_path / "out"))
    assert "--include-rejected" in (caught.value.hint or "")


ITEMS = st.sampled_from([FRAME, ("a", "cam", 1), whole("a")])
WISHES = st.builds(
    Wish,
    item=ITEMS,
    what=st.sampled_from(["accept", "reject", "delete", "withdraw"]),
    about=st.just("use"),
    based_on=st.sampled_from(["?", None, "older"]),
)


@given(st.lists(st.tuples(WISHES, st.sampled_from(["ada", "ben"])), max_size=12))
def test_every_wish_stands_is_superseded_or_is_contested(asked):
    """Nothing is overruled unseen, and the view says the same as the fold."""
    store = _Memory()
    for wish, author in asked:
        before = {key: one.decision_id for key, one in fold(store.decisions).items()}
        done = judge(store, [wish], [], author=author, source="command")
        store.decisions += done.decisions
        after = fold(store.decisions)
        for one in done.decisions:
            assert one.contested == (one.based_on != before.get((wish.item, "use")))
            if one.contested:
                assert after.get((wish.item, "use")) is fold(store.decisions[:-1]).get((wish.item, "use"))
            elif one.what != "withdraw":
                assert after[wish.item, "use"] is one
        assert judge(store, [wish], [], author=author, source="command").rows == 0 or wish.based_on != "?"


class _Memory:
    """Only what the judge asks of a store."""

    def __init__(self):
        self.decisions = []

    def table(self, name, columns=None):
        assert name in ("decisions", "tags")
        return self

    def column(self, at):
        return self

    def to_pylist(self):
        names = self.decisions[0].__dataclass_fields__ if self.decisions else ()
        return [{name: getattr(one, name) for name in names} for one in self.decisions]
