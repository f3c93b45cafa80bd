"""The audit finds what was planted and nothing in a sound split."""

from rushes.model import Assignment
from rushes.splits import audit

PARTS = {"train": 0.5, "test": 0.5}


def put(unit, part, group=None, pinned=False):
    return Assignment(unit=unit, part=part, group=group or unit, reason="planted", pinned=pinned)


def test_a_sound_split_has_no_finding():
    assert audit([put("a", "train"), put("b", "test")], parts=PARTS) == []


def test_a_group_in_two_parts_is_a_leak():
    findings = audit([put("a", "train", "p1"), put("b", "test", "p1"), put("c", "test", "p2")])
    assert [(f.check, f.severity, f.count) for f in findings] == [("split.leak", "error", 2)]
    assert findings[0].message == "group 'p1' lies in 2 parts: test (1 unit), train (1 unit)"


def test_a_unit_assigned_twice_is_told():
    findings = audit([put("a", "train"), put("a", "train"), put("b", "test")])
    assert [(f.check, f.message) for f in findings] == [
        ("split.double", "unit 'a' is assigned 2 times: train, train")
    ]


def test_an_empty_part_and_wrong_sizes_are_told():
    findings = audit([put("a", "train"), put("b", "train")], parts=PARTS)
    assert sorted(f.check for f in findings) == ["split.empty-part", "split.share"]
    findings = audit([put("a", "train"), put("b", "test")], weights={"a": 9, "b": 1}, parts=PARTS)
    assert findings[0].message == (
        "part 'train' holds 90.0% of the samples, 50.0% were asked for; groups stay whole, and the largest, 'a', "
        "holds 90.0%"
    )


def test_nothing_assigned_is_no_crash():
    assert [f.check for f in audit([], parts=PARTS)] == ["split.empty-part", "split.empty-part"]
