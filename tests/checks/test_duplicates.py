"""Pictures that are there more than once are found across streams, and a film is not held against itself."""

import numpy as np

from contracts.checks import CheckContract
from rushes.checks import duplicates_of, settle
from rushes.checks.image_duplicate import PLUGIN as EXACT
from rushes.checks.image_near_duplicate import PLUGIN as NEAR
from rushes.duplicates import DuplicatesView, PictureSet
from rushes.model import Stream

FILM = Stream(name="cam0", modality="color", table="frames", codec="jpeg", clock="header")
SET = Stream(name="images", modality="color", table="frames", codec="jpeg", clock="none")
GENERATOR = np.random.default_rng(4)


def random(count):
    return GENERATOR.integers(0, 2**64, count, dtype=np.uint64)


def pictures(hashes, *, stream=SET, name="a", mirrored=None, content=None, comparable=None):
    count = len(hashes)
    return PictureSet(
        recording_id=f"id-{name}",
        recording=name,
        stream=stream,
        index=np.arange(count),
        t_ns=np.arange(count) * 33_333_333,
        phash=np.asarray(hashes, np.uint64),
        phash_mirrored=random(count) if mirrored is None else np.asarray(mirrored, np.uint64),
        comparable=np.ones(count, bool) if comparable is None else comparable,
        content=content or [""] * count,
    )


def found(*sets):
    return duplicates_of(sets, radius=8, film_radius=4, run_radius=4)


def flipped(phash, bits):
    return np.uint64(int(phash) ^ sum(1 << 7 * bit for bit in range(bits)))


class TestExact(CheckContract):
    check = EXACT


class TestNear(CheckContract):
    check = NEAR


def test_a_near_copy_names_its_original_and_the_distance():
    hashes = random(50)
    first, second = found(pictures([*hashes, flipped(hashes[7], 5)]))
    assert (first.place, first.near_place, first.distance) == ((0, 7), (0, 50), 5)
    assert (second.place, second.near_place) == ((0, 50), (0, 7))
    assert first.cluster == second.cluster == 0
    assert not first.exact
    assert found(pictures([*hashes, flipped(hashes[7], 9)])) == []


def test_a_mirrored_copy_is_told_as_such():
    hashes, turned = random(20), random(20)
    copies = pictures([turned[3]], mirrored=[hashes[3]], name="b")
    rows = found(pictures(hashes, mirrored=turned), copies)
    named = [(row.place, row.near_place, row.mirrored) for row in rows]
    assert named == [((0, 3), (1, 0), True), ((1, 0), (0, 3), True)]


def test_a_film_is_not_held_against_itself_and_runs_are_one_row():
    still = np.repeat(random(1), 30)
    assert found(pictures(still, stream=FILM)) == []
    other = pictures([*random(5), still[0], *random(5)], stream=FILM, name="b")
    rows = found(pictures([*random(3), *still, *random(2)], stream=FILM), other)
    assert [(row.place, row.place_end, row.distance) for row in rows] == [((0, 3), 32, 0), ((1, 5), 5, 0)]


def test_films_are_alike_only_when_very_near():
    (phash,) = random(1)
    film = pictures([phash], stream=FILM)
    assert found(film, pictures([flipped(phash, 5)], stream=FILM, name="b")) == []
    assert len(found(film, pictures([flipped(phash, 4)], stream=FILM, name="b"))) == 2
    assert len(found(pictures([phash]), pictures([flipped(phash, 5)], name="b"))) == 2


def test_what_has_no_features_is_not_compared_but_equal_bytes_are():
    flat = np.zeros(2, np.uint64)
    hidden = pictures(flat, comparable=np.zeros(2, bool), content=["aa", "aa"])
    rows = found(hidden)
    assert [row.exact for row in rows] == [True, True]
    assert found(pictures(flat, comparable=np.zeros(2, bool))) == []


def test_what_hangs_together_is_one_cluster_and_clusters_are_numbered_from_0():
    a, b = random(2)
    rows = found(pictures([a, flipped(a, 3), b], content=["x", "y", "z"]), pictures([b], name="b", content=["z"]))
    assert [(row.place, row.cluster, row.exact) for row in rows] == [
        ((0, 0), 0, False),
        ((0, 1), 0, False),
        ((0, 2), 1, True),
        ((1, 0), 1, True),
    ]


def test_a_finding_a_stream_says_how_many_and_names_the_nearest():
    a, b = random(2)
    sets = [pictures([a, b]), pictures([flipped(a, 2), b], name="b")]
    view = DuplicatesView(sets=sets, duplicates=duplicates_of(sets, radius=8, film_radius=4, run_radius=4))
    told = dict(NEAR.judge(view, settle(NEAR, {})))
    assert told["id-a"].message == (
        "images: frame 1 is nearly the same as frame 1 of images in 'b' (0 of 64 bits differ); 2 such pictures"
    )
    assert told["id-a"].count == 2
    assert list(EXACT.judge(view, {})) == []


def test_nothing_is_found_in_nothing():
    assert found() == []
    assert found(pictures([])) == []


def test_many_recordings_of_one_scene_do_not_take_quadratic_time():
    scene = random(1)[0]
    sets = [pictures([flipped(scene, at % 4)] * 40, stream=FILM, name=str(at)) for at in range(300)]
    rows = found(*sets)
    assert len(rows) == 300
    assert {row.cluster for row in rows} == {0}
