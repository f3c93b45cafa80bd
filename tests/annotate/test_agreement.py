"""Agreement: published figures, truths by hand, and properties of matching."""

import itertools
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from rushes import masks, ontology
from rushes.annotate.agreement import agree, consensus, haste, interval, matching, reliability
from rushes.labels import (
    Box,
    Keypoints,
    Label,
    LabelEvent,
    Polygon,
    Relation,
    RotatedBox,
    Track,
    TrackKey,
    kind_of,
)

HANDS = ontology.load("hands")
N = math.nan

# K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), C: four observers, twelve units.
FOUR = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
        [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
    ]
)
# Three coders, fifteen units; Wikipedia, Krippendorff's alpha.
THREE = np.array(
    [
        [N, N, N, N, N, 3, 4, 1, 2, 1, 1, 3, 3, N, 3],
        [1, N, 2, 1, 3, 3, 4, 3, N, N, N, N, N, N, N],
        [N, N, 2, 1, 3, 4, 4, N, 2, 1, 1, 3, 3, N, 4],
    ]
)


@pytest.mark.parametrize(
    ("ratings", "level", "published"),
    [
        (FOUR, "nominal", 0.7434),
        (FOUR, "ordinal", 0.8154),
        (FOUR, "interval", 0.8491),
        (FOUR, "ratio", 0.7974),
        (THREE, "nominal", 0.6914),
        (THREE, "interval", 0.8108),
        (THREE, "ordinal", 0.8067),
        (THREE, "ratio", 0.8089),
    ],
)
def test_alpha_is_the_published_one(ratings, level, published):
    assert reliability.krippendorff(ratings, level) == pytest.approx(published, abs=5e-5)


def test_kappas_are_the_published_ones():
    assert reliability.cohen(np.array([[20.0, 5], [10, 15]])) == pytest.approx(0.4)
    assert reliability.cohen(np.array([[45.0, 15], [25, 15]])) == pytest.approx(0.1304, abs=5e-5)
    counts = """0 0 0 0 14  0 2 6 4 2  0 0 3 5 6  0 3 9 2 0  2 2 8 1 1
                7 7 0 0 0  3 2 6 3 0  2 5 3 2 2  6 5 2 1 0  0 2 2 3 7"""
    table = np.array(counts.split(), np.float64).reshape(10, 5)
    assert reliability.fleiss(table) == pytest.approx(0.2099, abs=5e-5)
    with pytest.raises(ValueError, match="same number"):
        reliability.fleiss(np.array([[1.0, 1], [3, 0]]))


def test_bluebirds_of_thirtynine_annotators(shared_data: Path):
    place = shared_data / "labels" / "bluebirds_multiannotator"
    given = yaml.safe_load((place / "labels.yaml").read_text())
    truth = yaml.safe_load((place / "gt.yaml").read_text())
    units = sorted(truth)
    ratings = np.array([[float(answers[unit]) for unit in units] for answers in given.values()])
    assert ratings.shape == (39, 108)
    right = consensus.majority(ratings) == [float(truth[unit]) for unit in units]
    assert round(float(right.mean()), 4) == 0.7593
    counts = np.stack([(ratings == value).sum(axis=0) for value in (0.0, 1.0)], axis=1).astype(float)
    assert round(reliability.fleiss(counts), 4) == 0.1253


@given(arrays(np.float64, (3, 6), elements=st.sampled_from([1.0, 2.0, 3.0, N])), st.permutations(range(3)))
def test_alpha_does_not_depend_on_who_is_who_and_is_never_above_one(ratings, order):
    for level in ("nominal", "ordinal", "interval", "ratio"):
        one, two = reliability.krippendorff(ratings, level), reliability.krippendorff(ratings[order], level)
        assert (math.isnan(one) and math.isnan(two)) or (one == pytest.approx(two) and one <= 1 + 1e-12)


@given(arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 4)), elements=st.integers(0, 20).map(float)))
def test_no_other_pairing_scores_more(scores):
    pairs = matching.best_pairs(scores, 1.0)
    rows, columns = zip(*pairs, strict=True) if pairs else ((), ())
    assert len(set(rows)) == len(rows)
    assert len(set(columns)) == len(columns)
    small, large = sorted(scores.shape)
    turned = scores if scores.shape[0] <= scores.shape[1] else scores.T
    best = max(
        sum(turned[at, to] for at, to in enumerate(order)) for order in itertools.permutations(range(large), small)
    )
    assert sum(scores[pair] for pair in pairs) == best


def label(name: str, geometry=None, author: str = "ada", **facts) -> Label:
    return Label(
        **{
            "label_id": f"{author}-{name}",
            "recording_id": "r1",
            "stream": "cam",
            "index": 0,
            "kind": kind_of(geometry) if geometry else "class",
            "source": "human",
            "class_name": "hand",
            "author": author,
            "geometry": geometry,
            "image_width_px": 64,
            "image_height_px": 48,
        }
        | facts
    )


def box(x, y, w, h):
    return Box(x_px=x, y_px=y, width_px=w, height_px=h)


def figures(*labels, **options):
    found = agree.agree(labels, HANDS, **options)
    return {(x.measure, x.kind, x.class_name): x for x in found}


def test_overlaps_by_hand():
    a, b = label("a", box(0, 0, 2, 2)), label("b", box(1, 1, 2, 2))
    assert matching.overlaps([a], [b])[0, 0] == pytest.approx(1 / 7)
    turned = label("t", RotatedBox(x_px=2, y_px=0, width_px=2, height_px=2, rotation_deg=90))
    assert matching.overlaps([a], [turned])[0, 0] == pytest.approx(1.0)
    diamond = label("d", RotatedBox(x_px=10, y_px=0, width_px=10, height_px=10, rotation_deg=45))
    square = label("s", box(10 - 50**0.5, 0, 200**0.5, 200**0.5))
    assert matching.overlaps([diamond], [square])[0, 0] == pytest.approx(0.5)
    assert matching.span_overlap((0, 2), (1, 3)) == pytest.approx(1 / 3)
    assert matching.span_overlap((0, 2), (2, 3)) == 0.0


def test_a_polygon_and_its_mask_overlap_wholly():
    ring = Polygon(rings=((5.0, 5, 25, 5, 25, 20, 5, 20),))
    mask = masks.filled(ring, width_px=64, height_px=48)
    assert matching.overlaps([label("p", ring)], [label("m", mask)])[0, 0] == 1.0


def test_oks_by_hand():
    points = Keypoints(triples=(10.0, 10, 2, 20, 20, 2))
    moved = Keypoints(triples=(13.0, 14, 2, 20, 20, 2))
    assert matching.oks(points, points, area_px=100, sigmas=(0.1, 0.1)) == 1.0
    wanted = (math.exp(-25 / (2 * 100 * 0.2**2)) + 1) / 2
    assert matching.oks(points, moved, area_px=100, sigmas=(0.1, 0.1)) == pytest.approx(wanted)


def test_matched_boxes_count_once_and_only_where_both_looked():
    ada = [label("1", box(0, 0, 10, 10)), label("2", box(30, 30, 10, 10)), label("3", box(0, 0, 5, 5), index=7)]
    bob = [label("1", box(0, 0, 10, 8), "bob"), label("2", box(0, 0, 10, 10), "bob")]
    found = figures(*ada, *bob)
    f1, iou = found["f1", "box", "hand"], found["iou", "box", "hand"]
    assert (f1.value, f1.count, f1.authors) == (0.5, 4, ("ada", "bob"))
    assert iou.value == 1.0
    assert math.isnan(f1.low)
    seen = {"bob": frozenset({("r1", "cam", 7)})}
    assert figures(*ada, *bob, seen=seen)["f1", "box", "hand"].value == pytest.approx(2 / 5)


def test_segments_agree_by_their_times_and_ends():
    spans = {"kind": "segment", "class_name": "wave"}
    one = label("1", None, **spans, t_start_ns=0, t_end_ns=10_000_000_000)
    two = label("1", None, "bob", **spans, t_start_ns=1_000_000_000, t_end_ns=10_000_000_000)
    far = label("2", None, "bob", **spans, t_start_ns=50_000_000_000, t_end_ns=60_000_000_000)
    found = figures(one, two, far)
    assert found["f1", "segment", "wave"].value == pytest.approx(2 / 3)
    assert found["iou", "segment", "wave"].value == pytest.approx(0.9)
    assert found["boundary_s", "segment", "wave"].value == pytest.approx(0.5)


def test_relations_agree_through_the_boxes_that_match():
    def set_of(author, object_):
        boxes = [
            label("hand", box(0, 0, 10, 10), author),
            label("cup", box(20, 0, 10, 10), author, class_name="cup"),
            label("other", box(40, 0, 10, 10), author, class_name="cup"),
        ]
        verb = Relation(subject_id=f"{author}-hand", object_id=f"{author}-{object_}")
        return [*boxes, label("r", verb, author, class_name="holds")]

    assert figures(*set_of("ada", "cup"), *set_of("bob", "cup"))["f1", "relation", "holds"].value == 1.0
    assert figures(*set_of("ada", "cup"), *set_of("bob", "other"))["f1", "relation", "holds"].value == 0.0


def test_hands_agree_by_their_keypoints():
    points = Keypoints(triples=tuple(x for at in range(21) for x in (10.0 + at, 10 + 2 * at, 2.0)))
    near = Keypoints(triples=tuple(x + 0.1 if at % 3 == 0 else x for at, x in enumerate(points.triples)))
    found = figures(label("k", points), label("k", near, "bob"))
    assert 0.9 < found["oks", "keypoints", "hand"].value < 1
    assert found["f1", "keypoints", "hand"].value == 1.0


def test_classes_of_pictures_give_alpha_and_kappa():
    names = {"ada": "aabbcc", "bob": "aabbcc", "cec": "aabbca"}
    labels = [
        label(f"{at}", None, author, index=at, class_name=name, recording_id=f"r{at % 3}")
        for author, word in names.items()
        for at, name in enumerate(word)
    ]
    found = agree.agree(labels, HANDS)
    kappas = {x.authors: x.value for x in found if x.measure == "kappa"}
    assert kappas["ada", "bob"] == 1.0
    assert kappas["ada", "cec"] == pytest.approx(0.75)
    (alpha,) = [x for x in found if x.measure == "alpha"]
    ratings = np.array([[ord(c) for c in word] for word in names.values()], np.float64)
    assert alpha.value == pytest.approx(reliability.krippendorff(ratings))
    assert alpha.low <= alpha.value <= alpha.high
    assert (alpha.authors, alpha.count) == (("ada", "bob", "cec"), 6)


def test_the_interval_draws_recordings_not_frames():
    def figure(total):
        return float(total[0] / total[1])

    alike = [np.array([5.0, 10.0])] * 8
    apart = [np.array([10.0, 10.0]), np.array([0.0, 10.0])] * 4
    assert interval.interval(alike, figure) == (0.5, 0.5)
    low, high = interval.interval(apart, figure)
    assert low < 0.3
    assert high > 0.7
    assert math.isnan(interval.interval(alike[:1], figure)[0])
    assert interval.interval(apart, figure) == (low, high), "the same labels give the same bounds"


def test_three_boxes_become_their_median_and_a_lone_one_goes():
    sets = [
        [label("1", box(10, 10, 20, 20), "ada"), label("2", box(50, 30, 10, 10), "ada")],
        [label("1", box(11, 10, 20, 20), "bob")],
        [label("1", box(12, 13, 20, 20), "cec")],
    ]
    merged = consensus.merge(sets, HANDS)
    (one,) = merged.labels
    assert (one.geometry, one.score, one.source, one.author) == (box(11, 10, 20, 20), 1.0, "consensus", None)
    assert merged.members == {one.label_id: ("ada-1", "bob-1", "cec-1")}
    assert merged.dropped == ["ada-2"]
    assert len(consensus.merge(sets, HANDS, quorum=1).labels) == 2


def test_haste_is_counted_by_author():
    untouched = replace(label("1", box(0, 0, 1, 1)), origin="prediction")
    events = [
        LabelEvent(
            event_id=str(at), action="created", tool="t", payload="{}", received_ns=0, author="ada", lead_time_s=s
        )
        for at, s in enumerate((0.4, 12.0, None))
    ]
    (ada,) = haste.haste([untouched, label("2", box(0, 0, 1, 1))], events)
    assert (ada.labels, ada.unchanged, ada.annotations, ada.hasty) == (2, 1, 2, 1)


# Properties: of any set of labels.
places = st.tuples(st.integers(0, 40), st.integers(0, 30), st.integers(4, 20), st.integers(4, 16))
scenes = st.lists(
    st.tuples(st.sampled_from(["r1", "r2", "r3"]), st.integers(0, 2), st.sampled_from(["hand", "cup"]), places),
    min_size=1,
    max_size=12,
    unique_by=lambda drawn: (drawn[0], drawn[1], drawn[3]),
)


def drawn_by(author, scene, moved=0):
    return [
        label(
            f"{at}",
            box(x + moved, y, w, h),
            author,
            recording_id=rec,
            index=index,
            class_name=name,
            attributes={"side": "left" if at % 2 else "right"},
        )
        for at, (rec, index, name, (x, y, w, h)) in enumerate(scene)
    ]


def by_name(found):
    return {(x.measure, x.kind, x.class_name, x.scope, x.authors): x for x in found}


@given(scenes)
def test_whoever_draws_the_same_agrees_in_full(scene):
    found = agree.agree([*drawn_by("ada", scene), *drawn_by("bob", scene)], HANDS)
    assert {x.value for x in found if x.measure in ("f1", "iou")} == {1.0}
    assert all(math.isnan(x.value) or x.value == pytest.approx(1.0) for x in found)
    f1 = next(x for x in found if x.measure == "f1" and not x.class_name)
    assert f1.count == 2 * len(scene)
    assert f1.recordings == len({drawn[0] for drawn in scene})


@settings(max_examples=12)
@given(st.tuples(scenes, scenes, scenes), st.permutations(["ada", "bob", "cec"]))
def test_who_is_called_what_changes_no_figure(three, names):
    authors = ("ada", "bob", "cec")
    one = agree.agree([x for who, scene in zip(authors, three, strict=True) for x in drawn_by(who, scene)], HANDS)
    two = agree.agree([x for who, scene in zip(names, three, strict=True) for x in drawn_by(who, scene)], HANDS)
    renamed = dict(zip(authors, names, strict=True))
    other = by_name(two)
    assert len(one) == len(two)
    for x in one:
        twin = other[x.measure, x.kind, x.class_name, x.scope, tuple(sorted(renamed[name] for name in x.authors))]
        assert (x.count, x.recordings) == (twin.count, twin.recordings)
        assert x.value == pytest.approx(twin.value, nan_ok=True)


@given(places, st.lists(st.integers(0, 25), min_size=2, max_size=6))
def test_the_further_a_box_is_shifted_the_less_it_overlaps(place, shifts):
    x, y, w, h = place
    still = label("a", box(x, y, w, h))
    scores = [matching.overlaps([still], [label("b", box(x + by, y, w, h))])[0, 0] for by in sorted(shifts)]
    assert all(a >= b for a, b in itertools.pairwise(scores))
    assert scores[0] == pytest.approx((w - min(shifts)) / (w + min(shifts)) if min(shifts) < w else 0.0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1, max_size=4), st.integers(0, 9))
def test_segments_that_are_cut_elsewhere_differ_by_their_ends(spans, off):
    def made(author, by):
        return [
            label(
                f"{at}",
                None,
                author,
                kind="segment",
                class_name="wave",
                stream=f"cam{at}",
                index=None,
                t_start_ns=start * 10**9,
                t_end_ns=(start + length) * 10**9 + by * 10**6,
            )
            for at, (start, length) in enumerate(spans)
        ]

    found = figures(*made("ada", 0), *made("bob", off))
    assert found["boundary_s", "segment", "wave"].value == pytest.approx(off / 2000)
    assert found["f1", "segment", "wave"].value == 1.0


def test_each_person_is_held_against_all_the_others():
    scene = [("r1", 0, "hand", (0, 0, 10, 10)), ("r2", 0, "hand", (0, 0, 10, 10))]
    labels = [*drawn_by("ada", scene), *drawn_by("bob", scene), *drawn_by("cec", scene, moved=30)]
    found = by_name(agree.agree(labels, HANDS))
    f1 = {x.authors: x.value for x in found.values() if x.measure == "f1" and not x.class_name}
    assert f1["ada", "bob", "cec"] == pytest.approx(1 / 3)
    assert (f1["ada",], f1["cec",]) == (0.5, 0.0)
    assert (f1["ada", "bob"], f1["ada", "cec"]) == (1.0, 0.0)


def test_the_class_and_side_of_a_thing_that_both_found_are_compared():
    def said(author, words):
        return [
            label(f"{at}", box(0, 0, 10, 10), author, index=at, class_name=name, attributes={"side": side})
            for at, (name, side) in enumerate(words)
        ]

    one = said("ada", [("hand", "left"), ("hand", "left"), ("cup", "right"), ("cup", "right")])
    two = said("bob", [("hand", "left"), ("hand", "right"), ("cup", "right"), ("hand", "right")])
    found = by_name(agree.agree([*one, *two], HANDS))
    pair = ("ada", "bob")
    # Three of four classes alike; by chance half of them: (3/4 - 1/2) / (1 - 1/2).
    assert found["kappa", "box class", "", "pair", pair].value == pytest.approx(0.5)
    assert found["kappa", "side", "", "pair", pair].count == 3, "of a thing that is of one class for both"
    assert found["alpha", "box class", "", "all", pair].value == pytest.approx(
        reliability.krippendorff(np.array([[0.0, 0, 1, 1], [0, 0, 1, 0]]))
    )
    assert [x.low for x in found.values() if x.measure == "kappa"] == pytest.approx([N, N], nan_ok=True)


def test_fleiss_is_told_where_as_many_people_rated_every_picture():
    words = {"ada": "aabbc", "bob": "aabcc", "cec": "abbcc"}
    labels = [
        label(f"{at}", None, author, index=at, class_name=name, recording_id=f"r{at % 2}")
        for author, word in words.items()
        for at, name in enumerate(word)
    ]
    (found,) = [x for x in agree.agree(labels, HANDS) if x.measure == "fleiss"]
    counts = np.array([[word[at] == c for word in words.values()] for at in range(5) for c in "abc"], np.float64)
    assert found.value == pytest.approx(reliability.fleiss(counts.sum(axis=1).reshape(5, 3)))
    uneven = [x for x in labels if x.author != "cec" or (x.index or 0) > 0]
    assert not [x for x in agree.agree(uneven, HANDS) if x.measure == "fleiss"]


def test_tracks_agree_by_their_boxes_on_every_sample():
    def moving(author, first, last):
        keys = tuple(TrackKey(index=at, x_px=at, y_px=0, width_px=10, height_px=10) for at in (first, last))
        return label("t", Track(keys=keys), author, index=first, index_end=last + 1)

    found = figures(moving("ada", 0, 9), moving("bob", 2, 11))
    assert found["iou", "track", "hand"].value == pytest.approx(8 / 12)
    assert matching.track_overlap(moving("ada", 0, 4), moving("bob", 5, 9)) == 0.0


def test_one_who_found_nothing_disagrees_with_those_who_did():
    seen = {"bob": frozenset({("r1", "cam", 0)})}
    found = figures(label("1", box(0, 0, 10, 10)), seen=seen)
    assert found["f1", "box", "hand"].value == 0.0
    (both,) = agree.overlapping([label("1", box(0, 0, 10, 10))], seen=seen)
    assert (both.authors, both.items, both.recordings) == (("ada", "bob"), 1, 1)


def test_the_interval_of_a_ratio_is_that_of_its_draws():
    tallies = [np.array([at, 10.0, 3.0]) for at in range(6)]
    slow = interval.interval(tallies, lambda total: float(total[0] / total[1]))
    assert interval.interval_of_ratio(tallies) == pytest.approx(slow)


def test_annotations_that_were_hardly_looked_at_are_named():
    taken = [replace(label(f"{at}", box(0, at, 1, 1)), origin="prediction", event_id="e1") for at in range(3)]
    drawn = replace(label("n", box(0, 0, 1, 1)), event_id="e2")
    event = LabelEvent(
        event_id="e1", action="created", tool="t", payload="{}", received_ns=0, author="ada", lead_time_s=2.5
    )
    slow = replace(event, event_id="e2", lead_time_s=9.0)
    (flag,) = haste.flags([*taken, drawn], [event, slow])
    assert (flag.why, flag.labels, flag.unchanged) == (("unchanged", "hasty"), 3, 3)
    (ada,) = haste.haste([*taken, drawn], [event, slow])
    assert (ada.hasty, ada.hasty_each) == (0, 1)
