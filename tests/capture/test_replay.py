"""Recordings given live: what was recorded comes again, as it was, at its pace."""

import time

import numpy as np
import pytest

from contracts.sources import Gathered, SourceContract, assert_fits
from rushes import registry
from rushes.capture.replay import PLUGIN
from rushes.errors import CaptureError, RecipeError
from rushes.recorder.recording import Recording
from rushes.sensors import Rig, SensorOfRig
from rushes.virtual import play
from rushes.virtual.recording import write_recording
from rushes.virtual.takes import tiny_spec

SPEC = tiny_spec(seed=5, seconds=0.6, clap_s=0.4)


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    path = tmp_path_factory.mktemp("replay") / "take.mcap"
    write_recording(SPEC, path)
    return path


def sensor_of(path, **options):
    return SensorOfRig(name="old", source="replay", device=str(path), options=options)


def replayed(path, **options):
    """Give the source and all that it gave until the end, and how long that took."""
    source, into = PLUGIN.open(sensor_of(path, **options)), Gathered()
    begun = time.monotonic()
    source.run(into)
    lasted_s = time.monotonic() - begun
    source.close()
    return source, into, lasted_s


def given(into, stream, field):
    return np.concatenate([getattr(each, field) for each in into.of(stream)])


class TestReplayContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self, take):
        return sensor_of(take, loop=True, streams=["/imu", "/cam0/image/compressed", "/audio"])

    @pytest.fixture
    def absent(self, tmp_path):
        return sensor_of(tmp_path / "nothing.mcap")


def test_every_sample_comes_again_with_its_stamp_number_and_content(take):
    _, into, lasted_s = replayed(take)
    played = {}
    for sample in play.play(SPEC):
        played.setdefault(sample.stream, []).append(sample)

    assert lasted_s > 0.5
    for stream, samples in played.items():
        assert given(into, stream, "device_ns").tolist() == [each.device_ns for each in samples]
        if stream != "/tf":  # a transform has no number of its own
            assert given(into, stream, "seq").tolist() == [each.seq for each in samples]
    for stream in ("/cam0/image/compressed", "/depth/image/compressedDepth"):
        pictures = [data for each in into.of(stream) for data in each.content.data]
        assert pictures == [each.payload.data for each in played[stream]]
    accel = np.concatenate([each.content.accel_m_s2 for each in into.of("/imu")])
    assert accel.tolist() == [list(each.payload.accel_m_s2) for each in played["/imu"]]
    sound = [each.content.samples[:, 0] for each in into.of("/audio")]
    assert np.array_equal(sound, [each.payload.samples for each in played["/audio"]])


def test_samples_come_at_the_distances_in_which_they_were_recorded(take):
    _, into, _ = replayed(take)
    log = [each.log_ns for each in play.play(SPEC) if each.stream == "/cam0/image/compressed"]
    arrival = given(into, "/cam0/image/compressed", "arrival_ns")

    late = (arrival - arrival[0]) - (np.array(log) - log[0])

    assert np.abs(np.median(late)) < 50_000_000  # a busy machine is late; it is the rule that it is not


def test_speed_changes_the_pace_and_not_the_stamps(take):
    source, into, lasted_s = replayed(take, speed=3.0, streams=["/imu"])

    assert lasted_s < 0.5
    assert np.median(np.diff(given(into, "/imu", "device_ns"))) == pytest.approx(1e6, rel=1e-3)
    assert [stream.name for stream in source.streams] == ["/imu"]


def test_what_cannot_be_given_is_told(take):
    _, into, _ = replayed(take, speed=10.0)

    told = [each.message for each in into.told("refused")]
    assert len(told) == 3
    assert all("camera_info" in message for message in told)


def test_a_stream_that_is_not_there_is_refused_with_the_nearest(take):
    with pytest.raises(CaptureError, match="/imu0") as told:
        PLUGIN.open(sensor_of(take, streams=["/imu0"]))

    assert told.value.code == "capture.refused"
    assert "'/imu'" in told.value.hint


def test_a_file_that_no_reader_takes_is_refused(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("no recording")

    with pytest.raises(CaptureError) as told:
        PLUGIN.open(sensor_of(path))

    assert told.value.code == "capture.refused"


def test_an_option_that_is_not_known_is_refused(take):
    with pytest.raises(RecipeError, match="pace"):
        PLUGIN.open(sensor_of(take, pace=2))


def test_a_topic_bears_the_sensors_name_where_it_is_asked_for(take):
    source = PLUGIN.open(sensor_of(take, prefix=True, streams=["/imu"]))
    source.close()

    assert [stream.name for stream in source.streams] == ["/old/imu"]


@pytest.mark.parametrize(
    ("place", "forms"),
    [
        ("devices/xdf/minimal.xdf", {"/old/SendDataC": "numbers", "/old/SendDataString": "texts"}),
        (
            "rgbd/tum_fr1_rpy",
            {"/old/rgb": "pictures", "/old/accelerometer": "inertial", "/old/groundtruth": "places"},
        ),
        ("rosbag/ros2_rosbag2_db3/talker/talker.db3", {"/rosout": "messages", "/topic": "messages"}),
        ("devices/vrs_samples/chunks.vrs", {"/old/101_1": "sound", "/old/372_1": "messages"}),
    ],
)
def test_real_recordings_of_other_formats_are_given_too(shared_data, place, forms):
    source, into, _ = replayed(shared_data / place, speed=1000.0)

    assert {stream.name: stream.form for stream in source.streams} == forms
    assert {each.stream for each in into.samples} == set(forms)
    for samples in into.samples:
        assert_fits(samples, next(stream for stream in source.streams if stream.name == samples.stream))


@pytest.mark.live
def test_a_recording_that_is_recorded_again_reads_the_same(take, tmp_path):
    rig = Rig(name="again", about="", sensors=[sensor_of(take)], text="rig: 1\n")
    path = tmp_path / "again.mcap"
    with Recording(path, rig, {}) as recording:
        recording.wait(3.0)
    reader = registry.load("readers", "mcap")

    def rows(of, stream, column):
        with reader.open(of, {}) as opened:
            return np.concatenate([batch.columns[column] for batch in opened.batches([stream])])

    for stream, columns in {
        "/imu": ("t_header_ns", "gyro_x_rad_s", "accel_z_m_s2", "seq"),
        "/cam0/image/compressed": ("t_header_ns", "length", "seq"),
        "/audio": ("t_header_ns", "length", "seq"),
        "/tf": ("t_header_ns", "tx_m", "qw"),
    }.items():
        for column in columns:
            assert np.array_equal(rows(path, stream, column), rows(take, stream, column)), (stream, column)
