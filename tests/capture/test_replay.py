"""Recordings given live: what was recorded comes again, as it was, at its pace."""

import re
import time
from dataclasses import replace

import av
import cv2
import numpy as np
import pytest

from contracts.sources import Gathered, SourceContract, assert_fits
from rushes import registry
from rushes.capture._recorded import form_of, gathered, location_of
from rushes.capture._recorded_calibrations import rows_of
from rushes.capture.replay import PLUGIN
from rushes.errors import CaptureError, RecipeError
from rushes.media import MediaReader
from rushes.recorder.recording import Recording
from rushes.sensors import Rig, SensorOfRig
from rushes.virtual import play
from rushes.virtual.recording import write_recording
from rushes.virtual.takes import tiny_spec

TRIES = 5
"""A busy machine may hold a process up; one that keeps the pace never does so in one of them."""
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
    log = [each.log_ns for each in play.play(SPEC) if each.stream == "/cam0/image/compressed"]

    def usually_late_ns():
        _, into, _ = replayed(take)
        arrival = given(into, "/cam0/image/compressed", "arrival_ns")
        return np.abs(np.median((arrival - arrival[0]) - (np.array(log) - log[0])))

    assert any(usually_late_ns() < 50_000_000 for _ in range(TRIES))


def test_speed_changes_the_pace_and_not_the_stamps(take):
    tried = (replayed(take, speed=3.0, streams=["/imu"]) for _ in range(TRIES))
    source, into, lasted_s = next((each for each in tried if each[2] < 0.5), (None, None, None))

    assert lasted_s is not None, "it is never as fast as was asked"
    assert np.median(np.diff(given(into, "/imu", "device_ns"))) == pytest.approx(1e6, rel=1e-3)
    assert [stream.name for stream in source.streams] == ["/imu"]


def test_what_cannot_be_given_is_told(shared_data):
    _, into, _ = replayed(shared_data / "devices/vrs_samples/sample_raw_pixel_formats.vrs", speed=1000.0)

    told = [each.message for each in into.told("refused")]
    assert "210-1 of the recording is left out: nobody" in " ".join(told) or "raw-rgb_ir_4x4" in " ".join(told)
    assert all("cannot be passed on" in message for message in told)


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
            {
                "/old/rgb": "pictures",
                "/old/depth": "pictures",
                "/old/accelerometer": "inertial",
                "/old/groundtruth": "places",
            },
        ),
        ("rosbag/ros2_rosbag2_db3/talker/talker.db3", {"/rosout": "messages", "/topic": "messages"}),
        (
            "devices/vrs_samples/chunks.vrs",
            {"/old/101_1": "sound", "/old/372_1": "messages", "/old/200_1": "pictures"},
        ),
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


AS_THEY_ARE = [
    "devices/vrs_samples/sample_raw_pixel_formats.vrs",
    "devices/azure_kinect/recording.mkv",
    "devices/xdf/minimal.xdf",
    "mcap/lichtblick_camera/custom-camera-model.mcap",
    "rgbd/tum_fr1_rpy",
    "rgbd/euroc_micro",
    "devices/aria_aea/recording.vrs",
    "rosbag/realsense_bag/single_depth_color_640x480.bag",
    "video/audio/audio_int16_48k.wav",
]
"""Recordings whose samples can be kept byte by byte."""
CONTENT = {
    "imu": ("gyro_x_rad_s", "accel_z_m_s2"),
    "transforms": ("tx_m", "qw"),
    "signals": ("values",),
}


def recorded_again(path, into, **options):
    """Record a recording that is replayed, as fast as it goes."""
    sensor = replace(sensor_of(path, **{"speed": 1000.0, **options}), when_full="block")
    with Recording(into, Rig(name="again", about="", sensors=[sensor], text="rig: 1\n"), {}) as recording:
        while not (live := recording.status().streams) or {each.state for each in live} != {"ended"}:
            assert not recording.wait(0.05), "it ended by itself"
    return into


def told(path):
    """Give the streams of a recording that have samples, by name, and the rows of each as one table."""
    claims = {name: reader.probe(path, head_of(path)) for name, reader in registry.load_all("readers").items()}
    reader = registry.load("readers", max(claims, key=lambda name: claims[name].confidence))
    with reader.open(path, {}) as opened:
        batches = {}
        for batch in opened.batches():
            batches.setdefault(batch.stream, []).append(batch)
        streams = {each.name: each for each in opened.description.streams}
        files = {file.media_id: file for file in opened.description.media}
        return {
            name: (streams[name], gathered(streams[name], form_of(streams[name])[0], found), files)
            for name, found in batches.items()
            if form_of(streams[name])[0] is not None
        }


def head_of(path):
    return path.read_bytes()[:4096] if path.is_file() else b""


def payloads_of(recorded, files):
    with MediaReader() as media:
        return [media.read(location_of(recorded, row, files)) for row in range(len(recorded.seq))]


@pytest.mark.live
@pytest.mark.parametrize("place", AS_THEY_ARE)
def test_a_real_recording_that_is_recorded_again_has_the_same_samples(shared_data, tmp_path, place):
    before = told(shared_data / place)
    after = told(recorded_again(shared_data / place, tmp_path / "again.mcap"))
    compared = 0
    for name, (stream, recorded, files) in before.items():
        topic = name if name.startswith("/") else "/old/" + re.sub(r"[^\w/]+", "_", name).strip("_")
        if topic not in after or not len(recorded.seq):
            continue
        compared += 1
        live, again, there = after[topic]
        assert len(again.seq) == len(recorded.seq), name
        if recorded.device_ns is not None and recorded.form not in ("messages", "texts"):
            assert np.array_equal(again.device_ns, recorded.device_ns), name
            assert live.clock_id == stream.clock_id, name
        if recorded.form == "pictures":
            assert payloads_of(again, there) == payloads_of(recorded, files), name
            assert live.modality == stream.modality, name
            assert stream.depth_unit_m in (None, live.depth_unit_m), name
            if stream.codec == "raw":
                assert (live.pixel_format, live.width, live.height) == (
                    stream.pixel_format, stream.width, stream.height
                ), name  # fmt: skip
        if recorded.form == "sound":
            assert payloads_of(again, there) == payloads_of(recorded, files), name
        for column in CONTENT.get(stream.table, ()):
            if column in recorded.columns:
                assert np.array_equal(list(again.columns[column]), list(recorded.columns[column]), equal_nan=True)
    assert compared >= min(len(before), 2)


@pytest.mark.live
def test_calibrations_come_along(shared_data, tmp_path):
    place = shared_data / "devices/azure_kinect/recording.mkv"
    again = recorded_again(place, tmp_path / "again.mcap")

    def lens(path, reader, name):
        with registry.load("readers", reader).open(path, {}) as opened:
            (batch,) = [*opened.batches([name])]
            (row,) = rows_of(batch)
            return {
                key: np.asarray(row[key]).tolist()
                for key in ("model", "width", "height", "fx", "fy", "cx", "cy", "distortion", "frame_of_reference")
            }

    assert lens(again, "mcap", "/old/color/calibration") == lens(place, "azure_kinect", "color/calibration")


def pictures_of(path, *, as_format=None):
    with av.open(str(path), format=as_format) as container:
        return [frame.to_ndarray(format="bgr24") for frame in container.decode(video=0)]


@pytest.mark.live
def test_packets_of_a_video_are_kept_and_decode_to_the_same_pictures(shared_data, tmp_path):
    place = shared_data / "video/decord_rotated/video_90.mov"
    stream, recorded, _ = told(place)["video"]
    live, again, files = told(recorded_again(place, tmp_path / "again.mcap"))["/old/video"]

    (tmp_path / "all.h264").write_bytes(b"".join(payloads_of(again, files)))

    assert (live.codec, live.rotation_deg) == ("h264", stream.rotation_deg)
    assert np.array_equal(again.device_ns, recorded.t_ns)
    assert np.array_equal(pictures_of(tmp_path / "all.h264", as_format="h264"), pictures_of(place))


@pytest.mark.parametrize("place", ["video/decord_rotated/unordered.mov", "video/imageio/cockatoo.mp4"])
def test_what_cannot_be_kept_is_refused_with_the_way_out_and_made_anew_where_it_is_asked_for(shared_data, place):
    with pytest.raises(CaptureError, match="convert: true"):
        PLUGIN.open(sensor_of(shared_data / place))

    source, into, _ = replayed(shared_data / place, speed=1000.0, convert=True)

    _, recorded, _ = told(shared_data / place)["video"]
    data = [data for each in into.of("/old/video") for data in each.content.data]
    assert source.streams[0].codec == "jpeg"
    assert np.array_equal(given(into, "/old/video", "device_ns"), recorded.t_ns)
    made = [cv2.imdecode(np.frombuffer(each, np.uint8), cv2.IMREAD_COLOR) for each in data[:20]]
    worst = [
        np.abs(a.astype(int) - b).mean() for a, b in zip(made, pictures_of(shared_data / place), strict=False)
    ]
    assert max(worst) < 4


def test_sound_of_a_film_is_made_anew_where_it_is_asked_for(shared_data):
    _, into, _ = replayed(
        shared_data / "video/torchcodec_nasa/nasa_13013.mp4", speed=1000.0, convert=True, streams=["audio"]
    )

    _, recorded, _ = told(shared_data / "video/torchcodec_nasa/nasa_13013.mp4")["audio"]
    times = given(into, "/old/audio", "device_ns")
    assert set(times.tolist()) <= set(recorded.t_ns.tolist())
    assert len(times) > 0.95 * len(recorded.seq)
    assert max(int(np.abs(each.content.samples).max()) for each in into.of("/old/audio")) > 1000
