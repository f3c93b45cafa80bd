"""Map, likeness and uniqueness in a real FiftyOne: made of our points, and made again only when they change."""

from dataclasses import replace

import numpy as np
import pytest

from browse.takes import MOMENTS, rig
from rushes.browse.desk import Points
from rushes.registry import late

pytestmark = pytest.mark.live
ODD = 7
"""The picture of the left camera that is like no other."""


@pytest.fixture(scope="module")
def loaded(database):
    database.load(rig(name="alike"))
    yield database
    database.fo.delete_datasets("*")


def points(recordings=2):
    """Two streams far apart; in each, pictures lie in the order of their index; one is off by itself."""
    rows = [
        (f"rec{r}", stream, i)
        for r in range(recordings)
        for stream in ("/cam_left", "/cam_right")
        for i in range(MOMENTS)
    ]
    at = np.array([(0.1 * i, 10.0 * (stream == "/cam_right"), 0.01 * (r == "rec1"), 0) for r, stream, i in rows])
    odd = rows.index(("rec0", "/cam_left", ODD))
    at[odd] = (0, 0, 0, 30)
    vectors = at + 1.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Points(
        model="made-up",
        recording=[row[0] for row in rows],
        stream=[row[1] for row in rows],
        index=np.array([row[2] for row in rows]),
        vectors=vectors.astype(np.float32),
    )


def test_every_sample_with_a_point_is_on_the_map_and_no_other(loaded):
    similar = late("rushes.browse.similar")
    shown = similar.show("alike", points())
    dataset = loaded.fo.load_dataset("alike")
    pictures = dataset.select_group_slices(["cam_left", "cam_right"])
    assert shown == len(pictures) == 2 * (MOMENTS + MOMENTS - 1)  # the right camera misses a moment
    found = dataset.load_brain_results("map")
    assert found.points.shape == (shown, 2)
    assert set(found.sample_ids) == set(pictures.values("id"))


def test_the_nearest_of_a_picture_are_its_neighbours_in_the_same_stream(loaded):
    late("rushes.browse.similar").show("alike", points())
    dataset = loaded.fo.load_dataset("alike")
    flat = dataset.select_group_slices(["cam_left", "cam_right"])
    asked = flat.match({"stream": "/cam_left", "index": 3, "recording": "take 0"}).first()
    nearest = flat.sort_by_similarity(asked.id, k=5, brain_key="alike")
    assert set(nearest.values("stream")) == {"/cam_left"}
    assert {abs(index - 3) for index in nearest.values("index")} <= {0, 1, 2}


def test_what_looks_like_several_samples_is_shown_and_those_without_a_point_are_left_aside(loaded):
    similar = late("rushes.browse.similar")
    similar.show("alike", points())
    dataset = loaded.fo.load_dataset("alike")
    flat = dataset.select_group_slices(media_type="image")
    odd = flat.match({"stream": "/cam_left", "index": ODD, "recording": "take 0"}).first()
    depth = flat.match({"stream": "/depth"}).first()
    shown = similar.alike(dataset, [depth.id, odd.id], count=4)
    assert shown.values("id")[0] == odd.id
    assert len(shown) == 4
    assert "/depth" not in shown.values("stream")
    assert similar.alike(dataset, [depth.id], count=4) is None


def test_the_odd_one_is_the_most_unique(loaded):
    late("rushes.browse.similar").show("alike", points())
    dataset = loaded.fo.load_dataset("alike")
    most = dataset.select_group_slices(["cam_left", "cam_right"]).sort_by("uniqueness", reverse=True).first()
    assert (most["stream"], most["index"], most["recording"]) == ("/cam_left", ODD, "take 0")
    (group,) = [g for g in dataset.app_config.sidebar_groups if "uniqueness" in g.paths]
    assert group.name == "quality"


def test_what_has_not_changed_is_left_alone_and_what_has_is_made_again(loaded, monkeypatch):
    similar = late("rushes.browse.similar")
    similar.show("alike", points())
    made = []
    monkeypatch.setattr(similar, "_make", lambda *given: made.append(given))
    similar.show("alike", points())
    assert made == []
    loaded.load(replace(rig(name="alike"), key="anew"))  # every recording is written anew, without uniqueness
    similar.show("alike", points())
    assert len(made) == 1


def test_without_points_nothing_of_them_stays(loaded):
    similar = late("rushes.browse.similar")
    similar.show("alike", points())
    assert similar.show("alike", None) == 0
    dataset = loaded.fo.load_dataset("alike")
    assert dataset.list_brain_runs() == []
    assert not dataset.has_sample_field("uniqueness")
