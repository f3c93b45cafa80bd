"""The desk of a dataset: what panels are told agrees with how the recording was made."""

import numpy as np
import pytest

from browse import sets
from rushes.browse import desk as desks
from rushes.errors import ToolError
from rushes.workflow._browse.desk import DatasetDesk
from rushes.workflow.dataset import Dataset

SPAN_NS, POINTS = 10_000_000_000, 1_000


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    with Dataset.open(sets.rig(tmp_path_factory.mktemp("rig") / "set")) as dataset:
        yield dataset, DatasetDesk(dataset)


def test_imu_is_offered_before_sound(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    assert [(s.stream, s.modality) for s in desk.signals(recording)] == [("/imu", "imu"), ("/audio", "audio")]
    assert desk.signals(recording)[0].rate_hz == pytest.approx(1000, rel=1e-3)


def test_the_window_stands_around_the_picture_on_the_recorders_clock(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    camera = "/cam0/image/compressed"
    found = desk.around(recording, (camera, 20), signal="/imu", span_ns=1_000_000_000, points=POINTS)
    assert found.at_ns == dataset.times(recording, camera)[20]
    assert (found.start_ns, found.end_ns) == (found.at_ns - 500_000_000, found.at_ns + 500_000_000)
    assert found.samples == pytest.approx(1000, abs=2)
    gyro, accel = found.plots
    assert (gyro.unit, accel.unit) == ("rad/s", "m/s²")
    times, values = accel.lines["x"]
    rows = dataset.arrow("imu", columns=["index", "accel_x_m_s2"], where={"recording_id": recording})
    mapped = dataset.times(recording, "/imu")
    expected = dict(zip(mapped.tolist(), rows.sort_by("index")["accel_x_m_s2"].to_pylist(), strict=True))
    assert [expected[at] for at in times.tolist()] == values.tolist()


def test_gravity_is_where_the_rig_was_made_to_feel_it(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    found = desk.around(recording, ("/cam0/image/compressed", 5), signal="/imu", span_ns=SPAN_NS, points=POINTS)
    lines = found.plots[1].lines
    norms = np.linalg.norm([np.median(lines[name][1]) for name in "xyz"])
    assert norms == pytest.approx(9.81, abs=0.3)
    assert all(len(times) <= POINTS for plot in found.plots for times, _ in plot.lines.values())


def test_the_clap_is_heard_when_it_was_made(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    found = desk.around(recording, ("/cam0/image/compressed", 0), signal="/audio", span_ns=SPAN_NS, points=POINTS)
    (plot,) = found.plots
    times, values = plot.lines["highest"]
    loudest = int(times[np.nanargmax(values)])
    assert loudest == pytest.approx(sets.CLAP_NS, abs=60_000_000)  # the latency of its clock map is not known
    assert np.nanmax(values) > 5 * np.nanmedian(values)


def test_what_is_out_of_reach_is_said_and_not_drawn(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    found = desk.around(recording, ("/cam0/image/compressed", 0), signal="/imu", span_ns=1000, points=POINTS)
    assert (found.plots, found.samples) == ([], 0)
    assert "the nearest is" in found.reason


def test_clocks_are_those_of_the_newest_maps(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    found = desk.clocks(recording)
    rows = {r["from_clock"]: r for r in dataset.arrow("clock_maps", where={"recording_id": recording}).to_pylist()}
    told = {each.stream: each for each in found.clocks}
    assert told["/imu"].offset_ns == rows["/imu"]["offset_ns"]
    assert told["/imu"].verdict == "estimated"
    assert found.time == "mapped"
    members = dataset.arrow("moment_members", where={"recording_id": recording, "stream": "/imu"})
    (skew,) = [each for each in found.skews if each.stream == "/imu"]
    assert sorted(skew.skew_ns.tolist()) == sorted(members["skew_ns"].to_pylist())
    assert found.reference not in {each.stream for each in found.skews}


def test_findings_are_counted_as_the_table_has_them(rig):
    dataset, desk = rig
    found = desk.quality()
    rows = dataset.arrow("findings").to_pylist()
    assert sum(each.findings for each in found.findings) == len(rows)
    ranks = [("error", "warning", "info").index(each.severity) for each in found.findings]
    assert ranks == sorted(ranks)
    pictures = dataset.arrow("pictures").num_rows
    for measure in found.measures:
        assert measure.counts.sum() + measure.absent == pictures, measure.name


def test_every_frame_is_in_a_part_once(rig):
    dataset, desk = rig
    found = desk.split()
    frames = dataset.arrow("frames").num_rows
    assert sum(found.frames.values()) == frames
    assert sum(found.units.values()) == 2
    assert desk.split("default") == found


def test_nothing_labelled_is_nothing_done(rig):
    dataset, desk = rig
    found = desk.annotation()
    here = sum(media is not None for media in dataset.arrow("frames")["media_id"].to_pylist())
    assert found.states == {"labelled": 0, "in review": 0, "given out": 0, "predicted": 0, "unlabelled": here}
    assert (found.authors, found.agreement) == ([], [])


@pytest.fixture(scope="module")
def labelled(tmp_path_factory, shared_data):
    with Dataset.open(sets.labelled(tmp_path_factory.mktemp("labelled") / "set", shared_data)) as dataset:
        yield dataset, DatasetDesk(dataset)


def test_pictures_with_a_standing_label_are_labelled_and_the_others_are_not(labelled):
    dataset, desk = labelled
    found = desk.annotation()
    rows = dataset.arrow("labels", columns=["recording_id", "stream", "index"]).to_pylist()
    touched = {(row["recording_id"], row["stream"], row["index"]) for row in rows}
    assert found.states["labelled"] + found.states["in review"] == len(touched) > 0
    assert sum(found.states.values()) == 8


def test_who_made_what_is_counted_by_person(labelled):
    dataset, desk = labelled
    sources = dataset.arrow("labels", columns=["source"])["source"].to_pylist()
    made = {(each.author, each.source): each.labels for each in desk.annotation().authors}
    assert made["ada", "human"] == made["bob", "human"] == sources.count("import")


def test_people_who_drew_the_same_agree_fully(labelled):
    _, desk = labelled
    found = desk.annotation()
    f1 = [each for each in found.agreement if each.measure.startswith("found by both") and each.what == "box"]
    assert f1
    assert {each.value for each in f1} == {1.0}


def test_classes_of_a_split_are_those_of_the_labels_that_stand(labelled):
    dataset, desk = labelled
    found = desk.split("halves")
    _, rows = dataset.store.rows(
        "SELECT class_name, count(*) FROM labels JOIN standing USING (label_id) WHERE stands GROUP BY ALL"
    )
    assert {name: sum(parts.values()) for name, parts in found.classes.items()} == dict(rows)
    assert not found.of_models
    assert set(found.frames) == {"train", "test"}


def test_seconds_are_counted_from_the_start_of_the_recording(rig):
    dataset, desk = rig
    recording = dataset.recording_id("tabletop_s01_take1")
    (start,) = dataset.arrow("recordings", where={"recording_id": recording})["start_ns"].to_pylist()
    found = desk.around(recording, ("/cam1/image/compressed", 3), signal="/imu", span_ns=SPAN_NS, points=POINTS)
    assert found.since_start_s == pytest.approx((found.at_ns - start) / 1e9)


def test_a_desk_is_found_by_name_as_long_as_it_is_open(rig):
    _, desk = rig
    with desks.opened(["one", "two"], desk):
        assert desks.of("one") is desks.of("two") is desk
    with pytest.raises(ToolError) as caught:
        desks.of("one")
    assert caught.value.code == "browse.no-desk"
