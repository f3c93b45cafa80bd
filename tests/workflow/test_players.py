"""What the App's player is given of a dataset: exact tags, files under names that change with their content."""

from dataclasses import replace
from pathlib import Path

import pytest
from mcap.reader import make_reader

from rushes import resources
from rushes.annotate import rows
from rushes.labels import Label
from rushes.store import Store
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.players import playlist_of
from rushes.workflow.sync import Settings, sync
from rushes.workflow.timelines import Timelines

CAMERA = "/cam0/image/compressed"
START, END = 1767261600_500_000_000, 1767261601_250_000_000


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("rig") / "set"
    ingest(place, Request(paths=[resources.folder("data_samples") / "tabletop"]))
    sync(place, Settings())
    return place


def add(dataset: Path, *labels: Label) -> None:
    with Store.open(dataset).begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()


def paths(dataset: Path) -> dict[str, str]:
    with Dataset.open(dataset) as opened:
        return {each.recording_id: each.path.name for each in playlist_of(opened, name="set").recordings}


def test_a_file_gets_another_name_when_its_own_content_changes_and_only_then(dataset):
    before = paths(dataset)
    assert len(before) == 3
    assert paths(dataset) == before
    first = min(before)
    segment = Label(
        label_id="a",
        recording_id=first,
        kind="segment",
        source="human",
        class_name="wave",
        stream=CAMERA,
        t_start_ns=START,
        t_end_ns=END,
    )
    add(dataset, segment)
    after = paths(dataset)
    assert {name for name in before if before[name] != after[name]} == {first}
    add(dataset, replace(segment, label_id="b", source="model", class_name="point"))
    assert paths(dataset) == after, "what a model proposes is not in the file"


def test_a_tag_starts_where_the_player_counts_from(dataset):
    with Dataset.open(dataset) as opened:
        playlist = playlist_of(opened, name="set")
        played = next(each for each in playlist.recordings if each.intervals)
        assert playlist.name == "set recordings"
        playlist.folder.mkdir(parents=True, exist_ok=True)
        playlist.write(played, lambda: None)
        assert Timelines(opened).of(played.recording_id).span_ns == Timelines(opened).span_ns(played.recording_id)
    (tag,) = played.intervals
    with played.path.open("rb") as file:
        reader = make_reader(file)
        start = reader.get_summary().statistics.message_start_time
        ((_, _, event),) = reader.iter_messages(topics=["/rushes/events"])
    assert (tag.tag, start + tag.start_ns) == ("wave", event.log_time)
    assert tag.end_ns - tag.start_ns == pytest.approx(END - START, abs=200_000)
    assert played.seconds == pytest.approx(3.0, abs=0.1)


def test_what_is_no_longer_wanted_leaves_nothing(dataset):
    class Enough(Exception):  # noqa: N818
        pass

    def stop() -> None:
        raise Enough

    with Dataset.open(dataset) as opened:
        playlist = playlist_of(opened, name="set")
        each = next(each for each in playlist.recordings if not each.path.exists())
        playlist.folder.mkdir(parents=True, exist_ok=True)
        before = sorted(playlist.folder.iterdir())
        with pytest.raises(Enough):
            playlist.write(each, stop)
        assert sorted(playlist.folder.iterdir()) == before
