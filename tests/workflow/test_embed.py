"""Points of the pictures of a dataset: only what is new is looked at, and what is alike is near."""

import numpy as np
import pytest

from rushes.errors import ReadError, UsageError
from rushes.resources import folder
from rushes.workflow._browse.points_of import points_of
from rushes.workflow.dataset import Dataset
from rushes.workflow.embed import Settings, embed
from rushes.workflow.ingest import Request, ingest

TABLETOP = folder("data_samples") / "tabletop"


@pytest.fixture
def dataset(tmp_path):
    ingest(tmp_path / "set", Request(paths=[TABLETOP / "tabletop_s01_take1.mcap"]))
    return tmp_path / "set"


def test_every_nth_picture_gets_a_point_once(dataset):
    first = embed(dataset, Settings(every=10))
    assert (first.new, first.known, first.unreadable) == (9, 0, 0)  # 60 and 30 frames of two cameras
    again = embed(dataset, Settings(every=10))
    assert (again.new, again.known, again.revision) == (0, 9, first.revision)
    more = embed(dataset, Settings(every=5))
    assert (more.new, more.known) == (9, 9)
    with Dataset.open(dataset) as opened:
        rows = opened.arrow("embeddings")
    assert rows.num_rows == 18
    assert {len(vector) for vector in rows["vector"].to_pylist()} == {first.length}


def test_looking_only_writes_nothing(dataset):
    done = embed(dataset, Settings(every=10), dry_run=True)
    assert (done.new, done.revision) == (9, embed(dataset, Settings(every=10), dry_run=True).revision)
    with Dataset.open(dataset) as opened:
        assert opened.arrow("embeddings").num_rows == 0


def test_the_nearest_point_is_of_the_next_picture_of_the_same_camera(dataset):
    embed(dataset, Settings())
    with Dataset.open(dataset) as opened:
        points = points_of(opened)
    assert points.model == "appearance-1"
    likeness = points.vectors @ points.vectors.T
    np.fill_diagonal(likeness, -1)
    nearest = likeness.argmax(axis=1)
    same = [points.stream[one] == points.stream[other] for one, other in enumerate(nearest)]
    assert np.mean(same) > 0.95  # both cameras show one table, and once a flash is all there is
    steps = np.abs(points.index - points.index[nearest])
    assert np.median(steps) <= 2


def test_a_dataset_without_points_has_none(dataset):
    with Dataset.open(dataset) as opened:
        assert points_of(opened) is None


def test_an_unknown_stream_and_a_file_that_is_no_model_are_refused(dataset, tmp_path):
    with pytest.raises(UsageError) as caught:
        embed(dataset, Settings(streams=["/cam0/image/compresed"]))
    assert caught.value.code == "dataset.no-stream"
    assert "/cam0/image/compressed" in caught.value.hint
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ReadError) as caught:
        embed(dataset, Settings(model=tmp_path / "model.onnx"))
    assert caught.value.code == "model.file"


def test_a_real_onnx_model_gives_points_that_tell_cameras_apart(dataset, shared_data):
    model = shared_data / "models" / "yolox_nano" / "yolox_nano.onnx"
    done = embed(dataset, Settings(model=model, every=15))
    assert (done.new, len(done.model)) == (6, 64)
    with Dataset.open(dataset) as opened:
        points = points_of(opened)
    assert points.vectors.shape == (6, done.length)
    assert np.linalg.norm(points.vectors, axis=1) == pytest.approx(np.ones(6), abs=1e-5)
