"""Which clips are pushed: whole streams, pieces of bounded length, what lies round events and moments."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import resources
from rushes.errors import UsageError
from rushes.workflow._annotate.clip_units import AROUND_NS, chosen, pieces
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync

SECOND = 10**9
COLOR = "modality = 'color'"


@pytest.fixture(scope="module")
def take(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("clips") / "dataset"
    sample = resources.folder("data_samples") / "tabletop" / "tabletop_s01_take1.mcap"
    ingest(place, Request(paths=[sample]))
    sync(place, Settings())
    return place


@given(st.lists(st.integers(-5, 400), min_size=1, max_size=200), st.integers(1, 900))
def test_pieces_follow_one_another_and_none_is_longer(steps: list[int], length: int) -> None:
    times = np.cumsum(steps)
    found = list(pieces(times, length))
    assert [first for first, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == len(times)
    passed = np.concatenate([[0], np.cumsum(np.maximum(np.diff(times), 0))])
    for first, end in found:
        assert passed[end - 1] - passed[first] < length
        assert end == len(times) or end == first + 1 or passed[end] - passed[first] >= length


def test_a_stream_is_a_clip_or_pieces_of_it_each_with_its_key(take: Path) -> None:
    with Dataset.open(take) as dataset:
        whole = chosen(dataset, COLOR, None)
        cut = chosen(dataset, COLOR, "0.5s")
        for unit in whole:
            rec, stream, _ = unit.samples["video"]
            mine = [one for one in cut if one.samples["video"][:2] == (rec, stream)]
            assert sum(one.clip or 0 for one in mine) == unit.clip == len(dataset.frames(rec, stream))
            assert len(mine) > 1
        assert len({unit.key for unit in cut}) == len(cut)
        assert all(
            unit.key == "{}/{}/{}-{}".format(*unit.samples["video"], unit.samples["video"][2] + (unit.clip or 0))
            for unit in cut
        )


def test_round_an_event_every_colour_stream_is_shown_from_a_second_before_to_a_second_after(take: Path) -> None:
    with Dataset.open(take) as dataset:
        events = dataset.arrow("events").to_pylist()
        found = chosen(dataset, None, "events")
        assert bool(found) == bool(events)
        for unit in found:
            rec, stream, first = unit.samples["video"]
            times = dataset.times(rec, stream)[first : first + (unit.clip or 0)]
            assert times[-1] - times[0] >= 0
            near = [dataset.times(rec, event["stream"])[event["index"]] for event in events]
            assert any(t - AROUND_NS <= times[0] and times[-1] < t + AROUND_NS + 30 * SECOND for t in near)


def test_moments_that_follow_one_another_are_a_clip_of_each_camera(take: Path) -> None:
    with Dataset.open(take) as dataset:
        found = chosen(dataset, "moment BETWEEN 3 AND 9 OR moment BETWEEN 20 AND 24", "moments")
        members = dataset.arrow("moment_members").to_pylist()
        streams = {unit.samples["video"][1] for unit in found}
        assert len(found) == 2 * len(streams) > 0
        for unit in found:
            _, stream, first = unit.samples["video"]
            span = range(first, first + (unit.clip or 0))
            of = {row["moment"] for row in members if row["stream"] == stream and row["index"] in span}
            assert of >= set(range(3, 10)) or of >= set(range(20, 25))


@pytest.mark.parametrize("length", ["30", "0s", "soon"])
def test_what_is_no_length_is_told(take: Path, length: str) -> None:
    with Dataset.open(take) as dataset, pytest.raises(UsageError, match="no length of a clip") as caught:
        chosen(dataset, None, length)
    assert caught.value.code == "annotate.clip"
