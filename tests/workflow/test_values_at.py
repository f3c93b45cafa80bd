"""A dataset gives values of fast streams at any time: exact on samples, mixed between them, none across gaps."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from rushes.errors import UsageError
from rushes.resources import folder
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync
from rushes.workflow.values_at import STAMPS, mixed

GYRO = ("gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s")


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("values") / "d"
    ingest(place, Request(paths=[folder("data_samples") / "tabletop" / "tabletop_s01_take1.mcap"]))
    sync(place, Settings(crosscheck=False, method="interpolate", rate_hz="30"))
    return place


def test_at_its_own_times_a_stream_has_its_own_values(take: Path) -> None:
    with Dataset.open(take) as dataset:
        samples = dataset.arrow("imu", where={"stream": "/imu"}).sort_by("index")
        found = dataset.values("tabletop_s01_take1", "/imu", dataset.times("tabletop_s01_take1", "/imu"))
        for name in set(samples.column_names) - set(STAMPS):
            assert found[name].to_pylist() == samples[name].to_pylist(), name


def test_half_way_between_two_samples_lies_their_mean_and_beyond_the_ends_nothing(take: Path) -> None:
    with Dataset.open(take) as dataset:
        times = dataset.times("tabletop_s01_take1", "/imu")
        even = times[:-1][np.diff(times) % 2 == 0]
        first = np.searchsorted(times, even)
        asked = np.concatenate(([times[0] - 1], (times[first] + times[first + 1]) // 2, [times[-1] + 1]))
        found = dataset.values("tabletop_s01_take1", "/imu", asked)
        samples = dataset.arrow("imu", where={"stream": "/imu"}).sort_by("index")
        assert found["t_ns"].to_numpy().tolist() == asked.tolist()
        for name in GYRO:
            values = samples[name].to_numpy()
            column = found[name].to_pylist()
            assert (column[0], column[-1]) == (None, None)
            assert np.allclose(column[1:-1], (values[first] + values[first + 1]) / 2, rtol=0, atol=1e-12)


def test_moments_have_the_values_that_their_times_give(take: Path) -> None:
    with Dataset.open(take) as dataset:
        at_moments = dataset.moment_values("tabletop_s01_take1", "/imu")
        moments = dataset.arrow("moments").sort_by("moment")
        times = moments.filter(pa.compute.is_in(moments["moment"], at_moments["moment"]))["t_ns"].to_numpy()
        at_times = dataset.values("tabletop_s01_take1", "/imu", times)
        assert len(at_moments) > 80
        for name in GYRO:
            assert np.allclose(at_moments[name].to_numpy(), at_times[name].to_numpy(), rtol=0, atol=1e-12)


def test_a_rotation_turns_evenly_and_the_short_way_round() -> None:
    half = np.sqrt(0.5)
    samples = pa.table(
        {"qw": [1.0, -half], "qx": [0.0, -half], "qy": [0.0, 0.0], "qz": [0.0, 0.0], "parent": ["a", "b"]}
    )
    found = mixed(samples, np.array([0, 0, -1]), np.array([1, -1, -1]), np.array([1 / 3, 0.0, 0.0]))
    assert np.allclose([found["qw"][0].as_py(), found["qx"][0].as_py()], [np.cos(np.pi / 12), np.sin(np.pi / 12)])
    assert found["qw"].to_pylist()[1:] == [1.0, None]
    assert found["parent"].to_pylist() == ["a", "a", None]


def test_what_is_absent_in_either_sample_stays_absent_and_directions_stay_of_length_one() -> None:
    samples = pa.table(
        {
            "x_px": [1.0, None, 3.0],
            "direction_x": [1.0, 0.0, 0.0],
            "direction_y": [0.0, 1.0, 1.0],
            "direction_z": [0.0, 0.0, 0.0],
            "values": [[1.0, 10.0], [2.0, 20.0], [3.0, 30.0]],
        }
    )
    found = mixed(samples, np.array([0, 0, 2, -1]), np.array([1, 1, -1, -1]), np.array([0.5, 0.25, 0.0, 0.0]))
    assert found["x_px"].to_pylist() == [None, None, 3.0, None]
    assert np.allclose(found["direction_x"].to_pylist()[0], np.sqrt(0.5))
    assert found["values"].to_pylist() == [[1.5, 15.0], [1.25, 12.5], [3.0, 30.0], None]


def test_pictures_have_no_values_between_them(take: Path) -> None:
    with Dataset.open(take) as dataset, pytest.raises(UsageError, match="/cam0/image/compressed") as caught:
        dataset.values("tabletop_s01_take1", "/cam0/image/compressed", np.array([0]))
    assert "/imu" in caught.value.hint
