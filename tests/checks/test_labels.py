"""Faults that were planted in clean labels are found, told with their facts, and nothing else is."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.checks import CAMERA, START_NS, LabelsCheckContract, box, findings, judged, labels, tidy
from rushes import masks, resources
from rushes.checks.label_attribute import PLUGIN as ATTRIBUTE
from rushes.checks.label_class import PLUGIN as CLASS
from rushes.checks.label_degenerate import PLUGIN as DEGENERATE
from rushes.checks.label_duplicate import PLUGIN as DUPLICATE
from rushes.checks.label_duplicate import overlapping
from rushes.checks.label_keypoint_confidence import PLUGIN as KEYPOINT_CONFIDENCE
from rushes.checks.label_keypoint_jump import PLUGIN as KEYPOINT_JUMP
from rushes.checks.label_missing import PLUGIN as MISSING
from rushes.checks.label_model import PLUGIN as MODEL
from rushes.checks.label_outside import PLUGIN as OUTSIDE
from rushes.checks.label_relation import PLUGIN as RELATION
from rushes.checks.label_segment import PLUGIN as SEGMENT
from rushes.checks.label_side import PLUGIN as SIDE
from rushes.checks.label_size import PLUGIN as SIZE
from rushes.checks.label_skeleton import PLUGIN as SKELETON
from rushes.checks.label_track import PLUGIN as TRACK
from rushes.model import Metric
from rushes.shapes import box_overlaps

NOTHING = masks.encode(np.zeros((480, 640), bool)).counts


def among(*planted, **changes):
    return labels(*tidy(), *planted, **changes)


def told(check, view, **options):
    return [(f.severity, f.message) for f in findings(check, view, **options)]


def segment(name, start_s, end_s, gesture="wave", **changes):
    span = {"t_start_ns": START_NS + round(start_s * 1e9), "t_end_ns": START_NS + round(end_s * 1e9)}
    return {"label_id": name, "kind": "segment", "class_name": gesture} | span | changes


def body(name, points, index=0, **changes):
    flat = [number for x, y in points for number in (x, y, 2)]
    return {
        "label_id": name,
        "kind": "keypoints",
        "class_name": "person",
        "index": index,
        "points": flat,
    } | changes


class TestOutside(LabelsCheckContract):
    check = OUTSIDE

    def faulty(self):
        return among(box("over", 3, (600, 10, 50, 20)), box("gone", 4, (700, 10, 50, 20)))

    def test_over_the_edge_is_a_warning_and_all_outside_an_error(self):
        assert told(OUTSIDE, self.faulty()) == [
            ("error", "cam0: frame 4: cup gone: lies outside its picture of 640×480 px (limit 1 px)"),
            ("warning", "cam0: frame 3: cup over: reaches 10 px beyond the edge of its picture of 640×480 px "
             "(limit 1 px)"),
        ]  # fmt: skip

    def test_a_turned_box_counts_by_its_corners(self):
        turned = box("turned", 0, (5, 5, 100, 20), kind="rotated_box", rotation_deg=45.0)
        (found,) = findings(OUTSIDE, among(turned))
        assert found.value == pytest.approx(20 * np.sin(np.radians(45)) - 5)

    def test_keypoints_and_keys_of_tracks_count(self):
        points = {"label_id": "p", "kind": "keypoints", "class_name": "hand", "index": 1, "parent_id": "h1"}
        track = {
            "label_id": "far",
            "kind": "track",
            "class_name": "cup",
            "index": 0,
            "points": [0, 630, 0, 40, 40, 0, 1],
        }
        hidden = points | {"label_id": "q", "points": [900, 10, 0, 9, 9, 2, 9, 9, 2, 9, 9, 2]}
        view = among(points | {"points": [645, 10, 2, 9, 9, 2, 9, 9, 2, 9, 9, 2]}, hidden, track)
        assert [f.value for f in findings(OUTSIDE, view)] == [5, 30]

    def test_a_slack_is_an_option(self):
        assert findings(OUTSIDE, among(box("over", 3, (600, 10, 50, 20))), slack_px=20) == []


class TestDegenerate(LabelsCheckContract):
    check = DEGENERATE

    def faulty(self):
        return among(
            box("thin", 1, (10, 10, 0.4, 30)),
            box("nan", 2, (10, np.nan, 5, 30)),
            {"label_id": "line", "kind": "polygon", "class_name": "cup", "index": 3, "points": [1, 1, 30, 40]},
            {"label_id": "empty", "kind": "mask", "class_name": "cup", "index": 3,
             "mask": NOTHING},
            {"label_id": "torn", "kind": "mask", "class_name": "cup", "index": 3, "mask": "~~"},
            {"label_id": "odd", "kind": "polygon", "class_name": "cup", "index": 3, "points": [1, 1, 9, 9, 5]},
            segment("back", 2, 2),
        )  # fmt: skip

    def test_each_is_named_once_with_its_fault(self):
        said = [message.partition(": ")[2] for _, message in told(DEGENERATE, self.faulty())]
        assert said == [
            "frame 1: cup thin: it is 0.4×30 px (limit 1 px)",
            "frame 2: cup nan: it has no place and size in numbers",
            "frame 3: cup line: a polygon of fewer than three corners",
            "frame 3: cup empty: it has no pixels",
            "frame 3: cup torn: it has no pixels",
            "frame 3: cup odd: its numbers make no whole corners, points or keys",
            "wave back: it ends where it begins, or before",
        ]

    def test_many_are_summed_up(self):
        found = findings(DEGENERATE, labels(*(box(f"b{at}", at, (9, 9, 0, 9)) for at in range(50))))
        assert (len(found), sum(f.count for f in found)) == (21, 50)


class TestDuplicate(LabelsCheckContract):
    check = DUPLICATE

    def faulty(self):
        return among(box("again", 5, (146, 120, 30, 30)))

    def test_the_later_one_is_told(self):
        assert [m for _, m in told(DUPLICATE, self.faulty())] == [
            "cam0: frame 5: cup again: covers cup c5 of the same maker, IoU 0.935 (limit 0.9)"
        ]

    def test_other_makers_classes_and_frames_are_no_duplicates(self):
        same = (145, 120, 30, 30)
        others = [
            {"author": "bob"},
            {"source": "model"},
            {"class_name": "hand"},
            {"kind": "rotated_box", "rotation_deg": 0.0},
        ]
        planted = [box(f"o{at}", 5, same, **other) for at, other in enumerate(others)]
        assert findings(DUPLICATE, among(*planted, box("next", 6, (300, 20, 30, 30)))) == []

    def test_the_same_class_of_a_frame_said_twice_is_one(self):
        whole = {"kind": "class", "class_name": "wave", "index": 3}
        (found,) = findings(DUPLICATE, labels({"label_id": "a"} | whole, {"label_id": "b"} | whole))
        assert found.message == "cam0: frame 3: wave b: said before, by wave a"

    def test_of_many_copies_each_later_one_is_told_once(self):
        found = findings(DUPLICATE, labels(*(box(f"b{at}", 0) for at in range(5))))
        assert [f.message.split()[4] for f in found] == ["b1:", "b2:", "b3:", "b4:"]

    @settings(max_examples=100)
    @given(st.integers(1, 60), st.floats(0.1, 0.95), st.integers(0, 2**31))
    def test_pairs_are_those_of_comparing_all_with_all(self, count, least, seed):
        rng = np.random.default_rng(seed)
        near = rng.uniform(0, 20, (count, 2))
        bounds = np.hstack((near, near + rng.uniform(0, 15, (count, 2))))
        group = rng.integers(0, 3, count)
        one, two, overlap = overlapping(bounds, group, np.arange(count), least)
        sized = np.hstack((bounds[:, :2], bounds[:, 2:] - bounds[:, :2]))
        whole = box_overlaps(sized, sized) * (group[:, None] == group[None])
        wanted = {(i, j) for i in range(count) for j in range(i + 1, count) if whole[i, j] >= least}
        assert set(zip(one.tolist(), two.tolist(), strict=True)) == wanted
        assert overlap == pytest.approx([whole[i, j] for i, j in zip(one, two, strict=True)])


class TestClass(LabelsCheckContract):
    check = CLASS

    def faulty(self):
        return among(*(box(f"x{at}", at, class_name="hnad") for at in range(3)), box("y", 0, class_name="mug"))

    def test_a_class_is_told_once_with_what_was_meant(self):
        assert told(CLASS, self.faulty()) == [
            (
                "error",
                "cam0: frame 0: hnad x0: 3 labels of kind box: the ontology knows no 'hnad'; is 'hand' meant?",
            ),
            ("info", "cam0: frame 0: mug y: 'mug' is a former name of 'cup'"),
        ]
        assert [f.count for f in findings(CLASS, self.faulty())] == [3, 1]

    def test_kinds_gestures_relations_and_none_are_judged(self):
        points = {"label_id": "k", "kind": "keypoints", "class_name": "cup", "index": 1, "points": [1, 1, 2]}
        relation = {
            "label_id": "r",
            "kind": "relation",
            "class_name": "eats",
            "subject_id": "h1",
            "object_id": "c1",
        }
        view = among(points, relation, segment("s", 3, 4, "wvae"), box("n", 1, class_name=None))
        assert [m.partition(": ")[2].rpartition(": ")[2] for _, m in told(CLASS, view)] == [
            "it has no class",
            "'cup' is drawn as box or polygon or mask or track, not as keypoints",
            "the ontology knows no 'eats'",
            "the ontology knows no 'wvae'; is 'wave' meant?",
        ]


class TestAttribute(LabelsCheckContract):
    check = ATTRIBUTE

    def faulty(self):
        return among(
            box("bare", 1, class_name="hand"), box("odd", 2, class_name="hand", attributes={"side": "up"})
        )

    def test_what_lacks_and_what_cannot_be_is_told(self):
        assert [m for _, m in told(ATTRIBUTE, self.faulty())] == [
            "cam0: frame 1: hand bare: 'side' is required and not given",
            "cam0: frame 2: hand odd: 'side' is 'up', none of left, right",
        ]

    def test_models_and_parts_owe_nothing(self):
        assert findings(ATTRIBUTE, among(box("m", 1, class_name="hand", source="model"))) == []


class TestMissing(LabelsCheckContract):
    check = MISSING

    def faulty(self):
        return labels(*(row for row in tidy() if not row["label_id"].endswith("13")), seen=range(30))

    def test_an_interruption_is_found_in_the_frames_that_were_looked_at(self):
        found = findings(MISSING, self.faulty())
        assert [f.message for f in found if "of its kind" in f.message] == [
            "cam0: frame 12: hand h12: frame 13 has 0 of its kind; 1 before and 1 after (frames 12 and 14)",
            "cam0: frame 12: cup c12: frame 13 has 0 of its kind; 1 before and 1 after (frames 12 and 14)",
        ]
        assert [f.message for f in found if "without" in f.message] == [
            "cam0: ada looked at 30 frames and left 1 without a label: 13"
        ]

    def test_a_frame_that_nobody_looked_at_is_not_missing(self):
        view = labels(*(row for row in tidy() if not row["label_id"].endswith("13")), seen=())
        assert findings(MISSING, view) == []

    def test_pictures_without_times_have_no_neighbours(self):
        loose = replace(CAMERA, clock="none")
        assert [
            f
            for f in findings(MISSING, replace(self.faulty(), streams={"cam0": loose}))
            if "of its kind" in f.message
        ] == []

    def test_frames_far_apart_have_no_neighbours(self):
        rows = [box(f"b{at}", at, t_start_ns=START_NS + at * 10**9) for at in range(30) if at != 13]
        assert [f for f in findings(MISSING, labels(*rows, seen=range(30))) if "of its kind" in f.message] == []


class TestSize(LabelsCheckContract):
    check = SIZE

    def faulty(self):
        rng = np.random.default_rng(3)
        sizes = 40 * np.exp(0.2 * rng.standard_normal(200))
        rows = [box(f"b{at}", at, (10, 10, size, size)) for at, size in enumerate(sizes)]
        return labels(*rows, box("huge", 200, (10, 10, 400, 400)), box("flat", 201, (10, 10, 300, 5)))

    def test_what_is_far_from_its_class_is_told_and_chance_is_not(self):
        found = findings(SIZE, self.faulty())
        assert [f.message.split()[4] for f in found] == ["huge:", "flat:"]
        assert "larger than its class" in found[0].message
        assert "wider for its height than its class" in found[1].message

    def test_few_labels_are_not_judged(self):
        rows = [box(f"b{at}", at, (10, 10, 40, 40)) for at in range(10)]
        assert findings(SIZE, labels(*rows, box("huge", 11, (0, 0, 400, 400)))) == []


class TestSkeleton(LabelsCheckContract):
    check = SKELETON

    def faulty(self):
        short = {"label_id": "short", "kind": "keypoints", "class_name": "hand", "index": 1, "parent_id": "h1"}
        return among(short | {"points": [1, 1, 2, 3, 3, 2, 5, 5, 2]})

    def test_a_wrong_number_of_points_is_an_error(self):
        assert told(SKELETON, self.faulty()) == [
            ("error", "cam0: frame 1: hand short: 3 points, its skeleton has 4"),
        ]

    def test_strange_visibility_stacked_points_and_fragments_are_told(self):
        hand = {"kind": "keypoints", "class_name": "hand", "index": 1, "parent_id": "h1"}
        view = among(
            hand | {"label_id": "v", "points": [1, 1, 7, 2, 2, 2, 3, 3, 2, 4, 4, 2]},
            hand | {"label_id": "s", "points": [5, 5, 2] * 4},
            body("f", [(0, 0)] * 6) | {"points": [9, 9, 2, *[0] * 15]},
        )
        assert [m.partition(": ")[2] for _, m in told(SKELETON, view)] == [
            "frame 1: hand v: a point whose visibility is none of 0, 1 and 2",
            "frame 0: person f: 1 of 6 points are labelled",
            "frame 1: hand s: 4 points at 1 places",
        ]

    def test_a_box_without_the_keypoints_that_others_have_is_told(self):
        view = among(box("alone", 3, (300, 300, 20, 20), class_name="hand", attributes={"side": "right"}))
        assert [m for _, m in told(SKELETON, view)] == [
            "cam0: frame 3: hand alone: a box without keypoints; 97% of its class have them"
        ]


class TestSide(LabelsCheckContract):
    check = SIDE

    def faulty(self):
        flipped = [row | ({"attributes": {"side": "right"}} if row["label_id"] == "h7" else {}) for row in tidy()]
        return labels(*flipped)

    def test_a_hand_that_changes_sides_is_told_at_both_changes(self):
        assert [m.partition("hand h")[2] for _, m in told(SIDE, self.faulty())] == [
            "7: it is right here and was left in frame 6, the same instance",
            "8: it is left here and was right in frame 7, the same instance",
        ]

    def test_a_person_has_one_left_hand(self):
        hand = {"class_name": "hand", "parent_id": "p", "attributes": {"side": "left"}}
        view = labels(
            box("p", 0, (10, 10, 300, 300), class_name="person"),
            box("one", 0, (20, 20, 30, 30), **hand),
            box("two", 0, (200, 20, 30, 30), **hand),
            box("other", 0, (100, 20, 30, 30), **(hand | {"attributes": {"side": "right"}})),
        )
        assert [m for _, m in told(SIDE, view)] == ["cam0: frame 0: hand two: a second left one of p"]

    def test_a_hand_lies_at_its_own_wrist(self):
        person = body("p", [(200, 100), (100, 100), (200, 200), (100, 200), (230, 200), (70, 200)])
        wrong = box("w", 0, (60, 200, 30, 30), class_name="hand", parent_id="p", attributes={"side": "left"})
        right = box("r", 0, (220, 200, 30, 30), class_name="left hand", parent_id="p")
        (found,) = findings(SIDE, labels(person, wrong, right))
        assert found.message == (
            "cam0: frame 0: hand w: it is called left and lies 140 px from that wrist of person p, "
            "0 px from the other"
        )

    def test_crossed_bodies_are_told_and_profiles_are_not(self):
        crossed = body("x", [(200, 100), (100, 100), (100, 200), (200, 200), (230, 200), (70, 200)])
        profile = body("y", [(101, 100), (100, 100), (100, 200), (101, 200), (130, 200), (70, 200)], index=1)
        assert [m.split()[4] for _, m in told(SIDE, labels(crossed, profile))] == ["x:"]


class TestSegment(LabelsCheckContract):
    check = SEGMENT

    def faulty(self):
        return labels(
            segment("a", 0, 1), segment("b", 0.9, 2), segment("c", 2.05, 3), segment("d", 4, 4.03),
            segment("e", 2.5, 3.5, "pinch"),
        )  # fmt: skip

    def test_short_overlapping_and_torn_spans_are_told_apart(self):
        assert told(SEGMENT, self.faulty()) == [
            ("warning", "cam0: wave d: it lasts 30 ms (limit 100 ms)"),
            ("warning", "cam0: wave b: it overlaps wave a of the same class by 100 ms"),
            ("warning", "cam0: wave c: wave b ends 50 ms before it: one, cut in two?"),
            ("info", "cam0: pinch e: it overlaps wave c by 500 ms"),
        ]

    def test_two_hands_and_two_people_may_overlap(self):
        view = labels(
            segment("a", 0, 1), segment("b", 0, 1, author="bob"), segment("c", 0, 1, instance="left"),
        )  # fmt: skip
        assert findings(SEGMENT, view) == []


class TestTrack(LabelsCheckContract):
    check = TRACK

    def faulty(self):
        keys = [(at, (100 if at < 6 else 400) + 2 * at, 100, 40, 40, 0, 1) for at in range(12)]
        flat = [number for key in keys for number in key]
        return among({"label_id": "j", "kind": "track", "class_name": "cup", "index": 0, "points": flat})

    def test_a_jump_of_a_track_is_told_where_it_is(self):
        (found,) = findings(TRACK, self.faulty())
        assert found.message.startswith("cam0: frame 0: cup j: from frame 5 to 6 it moves 5.3 diagonals a frame")

    def test_boxes_of_one_instance_are_a_track_too(self):
        rows = [box(f"b{at}", at, (100 + 3 * at + 300 * (at == 9), 50, 40, 40), instance="i") for at in range(20)]
        assert [f.index for f in findings(TRACK, labels(*rows))] == [9, 10]

    def test_what_is_fast_all_along_is_no_jump(self):
        rows = [box(f"b{at}", at, (10 + 60 * at, 50, 30, 30), instance="i") for at in range(10)]
        assert findings(TRACK, labels(*rows)) == []

    def test_a_size_that_changes_at_once_is_told(self):
        rows = [box(f"b{at}", at, (100, 50, *(2 * [40 if at < 5 else 200])), instance="i") for at in range(10)]
        (found,) = findings(TRACK, labels(*rows))
        assert "its size changes 5.0 times" in found.message


class TestRelation(LabelsCheckContract):
    check = RELATION

    def faulty(self):
        holds = {"kind": "relation", "class_name": "holds"}
        return among(
            holds | {"label_id": "loose", "subject_id": "h1", "object_id": "nobody"},
            holds | {"label_id": "self", "subject_id": "h1", "object_id": "h1"},
            holds | {"label_id": "turned", "subject_id": "c2", "object_id": "h2"},
            holds | {"label_id": "twice", "subject_id": "h3", "object_id": "c3"},
            box("orphan", 4, (300, 300, 9, 9), parent_id="gone"),
        )  # fmt: skip

    def test_each_fault_is_told(self):
        assert told(RELATION, self.faulty()) == [
            ("error", "cam0: holds loose: it ties to nobody, and there is no such label"),
            ("error", "cam0: holds self: it ties h1 to itself"),
            ("warning", "cam0: holds turned: 'cup' holds 'hand' is none that the ontology knows; the other "
             "way round it is"),
            ("warning", "cam0: holds twice: it is said twice"),
            ("error", "cam0: frame 4: cup orphan: it is a part of gone, and there is no such label"),
        ]  # fmt: skip


class TestModel(LabelsCheckContract):
    check = MODEL

    def faulty(self):
        by = {"source": "model", "tool": "yolox", "author": None}
        return among(
            box("m1", 3, (143, 120, 30, 30), score=0.95, **by),
            box("m2", 4, (400, 300, 30, 30), score=0.8, **by),
            box("m3", 5, (106, 101, 48, 40), score=0.99, **by),
            box("m4", 6, (400, 300, 30, 30), score=0.3, **by),
        )

    def test_disagreements_are_ranked_by_how_sure_the_model_is(self):
        assert [m for _, m in told(MODEL, self.faulty())] == [
            "cam0: frame 5: people say hand h5, the model says cup (0.99)",
            "cam0: frame 4: the model sees cup (0.80) that nobody labelled",
        ]
        assert [f.label_id for f in findings(MODEL, self.faulty())] == ["m3", "m2"]
        ranks = {m.index: m.value for m in judged(MODEL, self.faulty()) if isinstance(m, Metric)}
        assert ranks == {3: 0.0, 4: 0.8, 5: 0.99, 6: 0.0}

    def test_a_frame_that_nobody_looked_at_is_no_disagreement(self):
        lone = box("m", 200, (400, 300, 30, 30), source="model", tool="yolox", author=None, score=0.99)
        assert findings(MODEL, among(lone)) == []
        assert len(findings(MODEL, among(lone, seen=[200]))) == 1


def hand_at(at, *, moved=(), shift=0.0, **changes):
    """A hand of four points that drifts by 1 px a frame; some points, or all of it, put elsewhere."""
    points = np.array([[110, 110], [120, 115], [130, 120], [140, 125]], float)
    points[:, 0] += at + shift
    for point, far in dict(moved).items():
        points[point] += far
    flat = np.column_stack((points, np.full(4, 2))).ravel()
    return {
        "label_id": f"p{at}", "kind": "keypoints", "class_name": "hand", "index": at, "instance": "hand1",
        "points": flat.tolist(), "source": "model", "tool": "hands", "author": None, "score": 0.9,
    } | changes  # fmt: skip


class TestKeypointJump(LabelsCheckContract):
    check = KEYPOINT_JUMP

    def faulty(self):
        return labels(*(hand_at(at, moved={2: (25, 0)} if at == 12 else {}) for at in range(30)))

    def test_a_finger_that_leaps_and_comes_back_is_told_once_by_its_name(self):
        assert [m for _, m in told(KEYPOINT_JUMP, self.faulty())] == [
            "cam0: frame 12: hand p12: finger moves 0.7 of its size a frame away from the rest "
            "(limit 0.5, and 5 times its median)"
        ]
        assert findings(KEYPOINT_JUMP, self.faulty())[0].label_id == "p12"

    def test_a_hand_that_leaps_as_a_whole_is_told_and_a_fast_one_is_not(self):
        view = labels(*(hand_at(at, shift=60.0 * (at >= 12)) for at in range(30)))
        (found,) = findings(KEYPOINT_JUMP, view)
        assert "hand p12: as a whole it moves 1.8 of its size a frame" in found.message
        fast = labels(*(hand_at(at, shift=40.0 * at) for at in range(30)))
        assert findings(KEYPOINT_JUMP, fast) == []

    def test_frames_far_apart_and_points_that_were_hidden_between_are_no_jump(self):
        far = labels(*(hand_at(at, shift=60.0 * (at >= 12)) for at in range(30) if not 6 < at < 12))
        assert findings(KEYPOINT_JUMP, far) == []
        rows = [hand_at(at, moved={2: (25, 0)} if at == 12 else {}) for at in range(30)]
        for row in rows[11:14:2]:
            row["points"][8] = 0  # its visibility
        assert findings(KEYPOINT_JUMP, labels(*rows)) == []

    def test_nameless_hands_are_followed_only_where_there_is_one(self):
        rows = [hand_at(at, instance=None, moved={2: (25, 0)} if at == 12 else {}) for at in range(30)]
        assert [f.label_id for f in findings(KEYPOINT_JUMP, labels(*rows))] == ["p12"]
        others = [row | {"label_id": "o" + row["label_id"]} for row in rows]
        assert findings(KEYPOINT_JUMP, labels(*rows, *others)) == []

    def test_a_hand_is_followed_by_the_instance_of_its_box(self):
        rows = []
        for at in range(20):
            for name in ("left", "right"):
                slip = {"moved": {1: (0, 40)}} if (at, name) == (9, "right") else {}
                part = {"instance": None, "label_id": f"{name}{at}", "parent_id": f"b{name}{at}"}
                rows += [box(f"b{name}{at}", at, class_name="hand", instance=name), hand_at(at, **slip) | part]
        assert [f.label_id for f in findings(KEYPOINT_JUMP, labels(*rows))] == ["right9"]


def rig_hands(camera, take="s01_take1"):
    """The true hands of a sample take: open, closing and gripping ones at 20 Hz (cam0) and 10 Hz (cam1)."""
    text = (resources.folder("data_samples") / "tabletop" / f"tabletop_{take}.truth.json").read_text("utf-8")
    frames = json.loads(text)["streams"][f"/{camera}/image/compressed"]["frames"]
    return [
        {
            "label_id": f"{side}{at}", "kind": "keypoints", "class_name": "hand", "index": at, "instance": side,
            "points": np.column_stack((hand["u"], hand["v"], np.full(21, 2))).ravel().tolist(), "source": "model",
        }
        for at, frame in enumerate(frames)
        for side, hand in frame["hands"].items()
    ]  # fmt: skip


@pytest.mark.parametrize("take", ["s01_take1", "s01_take2", "s02_take1"])
@pytest.mark.parametrize("camera", ["cam0", "cam1"])
def test_hands_that_move_as_hands_do_never_jump(camera, take):
    assert findings(KEYPOINT_JUMP, labels(*rig_hands(camera, take), ontology_text=None)) == []


@pytest.mark.parametrize("camera", ["cam0", "cam1"])
def test_a_fingertip_put_on_the_other_hand_is_found(camera):
    rows, found, planted = rig_hands(camera), set(), set()
    by_place = {(row["index"], row["instance"]): row for row in rows}
    for (index, side), row in by_place.items():
        other = by_place.get((index, "left" if side == "right" else "right"))
        if index % 9 == 4 and other:
            one = dict(row, points=list(row["points"]))
            one["points"][24:26] = other["points"][24:26]
            others = [each for each in rows if each is not row]
            planted.add(row["label_id"])
            told_of = findings(KEYPOINT_JUMP, labels(*others, one, ontology_text=None))
            found |= {f.label_id for f in told_of} & {row["label_id"]}
            assert len(told_of) <= 1
    assert len(planted) >= 6
    assert len(found) >= 0.9 * len(planted)


class TestKeypointConfidence(LabelsCheckContract):
    check = KEYPOINT_CONFIDENCE

    def faulty(self):
        return labels(*(hand_at(at, score=0.2 if at < 12 else 0.9) for at in range(30)))

    def test_doubt_is_told_as_a_share(self):
        assert [m for _, m in told(KEYPOINT_CONFIDENCE, self.faulty())] == [
            "cam0: hands: hand: 40% of its scores lie below 0.5 (30 labels, limit 20%)"
        ]

    def test_absent_scores_and_lost_points_are_told(self):
        unscored = labels(*(hand_at(at, score=np.nan if at < 9 else 0.9) for at in range(30)))
        (found,) = findings(KEYPOINT_CONFIDENCE, unscored)
        assert (found.count, found.message) == (
            9, "cam0: hands: hand: 30% of its labels carry no score (30 labels, limit 20%)"
        )  # fmt: skip
        rows = [hand_at(at) for at in range(30)]
        for row in rows[:20]:
            row["points"][2::3] = [0, 0, 2, 2]
        (found,) = findings(KEYPOINT_CONFIDENCE, labels(*rows))
        assert found.message.endswith("33% of its points are not there (30 labels, limit 20%)")

    def test_a_sure_tracker_and_people_who_give_no_score_are_clean(self):
        assert findings(KEYPOINT_CONFIDENCE, labels(*(hand_at(at) for at in range(30)))) == []
        human = {"source": "human", "score": np.nan}
        assert findings(KEYPOINT_CONFIDENCE, labels(*(hand_at(at, **human) for at in range(30)))) == []
