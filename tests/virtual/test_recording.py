"""Recordings: decoded by other people's libraries and held against the truth beside them."""

import json
from collections import defaultdict
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from rushes.virtual.clock import true_times
from rushes.virtual.motion import motion_of, pose_from
from rushes.virtual.play import play
from rushes.virtual.recording import digest, truth_path, write_recording
from rushes.virtual.spec import NANOSECONDS, USB_QUIET, WIFI, FaultSpec, LatencySpec, RigSpec
from rushes.virtual.takes import tiny_spec
from rushes.virtual.truth import Truth, read_truth

CAM0, CAM1, DEPTH = "/cam0/image/compressed", "/cam1/image/compressed", "/depth/image/compressedDepth"


@pytest.fixture(scope="module")
def messages(tiny_recording: tuple[Path, Truth]) -> dict[str, list[tuple[Any, Any]]]:
    found = defaultdict(list)
    with tiny_recording[0].open("rb") as stream:
        reader = make_reader(stream, validate_crcs=True, decoder_factories=[DecoderFactory()])
        for _, channel, message, decoded in reader.iter_decoded_messages():
            found[channel.topic].append((message, decoded))
    return found


def stamp(header: Any) -> int:
    return header.stamp.sec * NANOSECONDS + header.stamp.nanosec


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tiny: RigSpec, tiny_recording, tmp_path) -> None:
    write_recording(tiny, tmp_path / "again.mcap")
    assert digest(tmp_path / "again.mcap") == digest(tiny_recording[0])
    write_recording(replace(tiny, seed=12, seconds=0.1), tmp_path / "other.mcap")
    write_recording(replace(tiny, seed=13, seconds=0.1), tmp_path / "third.mcap")
    assert digest(tmp_path / "other.mcap") != digest(tmp_path / "third.mcap")


def test_every_stream_is_there_with_the_count_of_its_truth(messages, tiny_recording) -> None:
    truth = tiny_recording[1]
    assert {name: len(messages[name]) for name in truth.streams} == {
        name: len(stream.true_ns) for name, stream in truth.streams.items()
    }
    assert len(messages["/tf_static"]) == 1
    assert len(messages["/cam0/camera_info"]) == 1
    logs = [message.log_time for topic in messages for message, _ in messages[topic]]
    assert min(logs) == truth.start_ns


def test_dropped_numbers_are_absent_and_all_others_present(messages, tiny_recording) -> None:
    for name, stream in tiny_recording[1].streams.items():
        seen = [message.sequence for message, _ in messages[name]]
        assert sorted([*seen, *stream.dropped]) == list(range(stream.taken))
    assert tiny_recording[1].streams[CAM0].dropped == (2, 3)


def test_a_repeat_has_the_bytes_of_the_picture_before_and_its_own_stamp(messages, tiny_recording) -> None:
    (index,) = tiny_recording[1].streams[CAM0].repeated
    before, repeat = messages[CAM0][index - 1], messages[CAM0][index]
    (cut,) = tiny_recording[1].streams[CAM0].truncated
    assert index == 4
    assert cut == index - 1
    assert bytes(before[1].data) == bytes(repeat[1].data)[: len(before[1].data)]
    assert stamp(repeat[1].header) > stamp(before[1].header)


def test_a_truncated_picture_ends_early_and_others_decode(messages, tiny_recording) -> None:
    (cut,) = tiny_recording[1].streams[CAM0].truncated
    for index, (_, decoded) in enumerate(messages[CAM0]):
        data = bytes(decoded.data)
        assert decoded.format == "jpeg"
        assert (data[-2:] == b"\xff\xd9") == (index != cut)
        if index != cut:
            assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)


def test_header_stamps_map_back_to_the_true_instants(messages, tiny: RigSpec, tiny_recording) -> None:
    for sensor in tiny.sensors:
        if sensor.kind in ("audio", "pose"):
            continue
        stamps = np.array([stamp(decoded.header) for _, decoded in messages[sensor.stream]])
        back = true_times(sensor.clock, stamps, start_ns=tiny.start_ns)
        assert np.abs(back - tiny_recording[1].streams[sensor.stream].true_ns).max() <= 2


def test_the_imu_in_the_file_is_the_motion_within_noise_and_resolution(messages, tiny: RigSpec) -> None:
    sensor = tiny.sensor("/imu")
    seconds = (sensor.phase_s * 1e9 + np.arange(500) * 1e6) / 1e9
    gyro, force = motion_of(tiny.motion, tiny.seed).imu(seconds, pose_from(sensor.T_rig_sensor))
    decoded = [d for _, d in messages["/imu"]]
    read = np.array([[d.angular_velocity.x, d.angular_velocity.y, d.angular_velocity.z] for d in decoded])
    felt = np.array([[d.linear_acceleration.x, d.linear_acceleration.y, d.linear_acceleration.z] for d in decoded])
    for error, noise in ((read - gyro, sensor.gyro_noise_rad_s), (felt - force, sensor.accel_noise_m_s2)):
        assert np.abs(error).max() < 5.5 * noise
        assert 0.85 * noise < error.std() < 1.15 * noise
    assert decoded[0].orientation_covariance[0] == -1.0


def test_depth_is_a_png_of_millimetres_behind_a_twelve_byte_head(messages) -> None:
    for _, decoded in messages[DEPTH]:
        assert decoded.format == "16UC1; compressedDepth png"
        depth = cv2.imdecode(np.frombuffer(bytes(decoded.data)[12:], np.uint8), cv2.IMREAD_UNCHANGED)
        assert depth.dtype == np.uint16
        assert depth.shape == (48, 64)
        assert 300 < np.median(depth) < 1500


def test_the_transforms_lead_from_the_world_to_the_cameras(messages, tiny: RigSpec) -> None:
    fixed = {t.child_frame_id: t for t in messages["/tf_static"][0][1].transforms}
    assert set(fixed) == {"cam0_optical", "cam1_optical", "depth_optical", "imu"}
    assert {t.header.frame_id for t in fixed.values()} == {"rig"}
    moving = messages["/tf"][3][1].transforms[0]
    pose = motion_of(tiny.motion, tiny.seed).pose((stamp(moving.header) - tiny.start_ns) / 1e9)
    where = moving.transform.translation
    assert [where.x, where.y, where.z] == pytest.approx(pose.translation.tolist(), abs=1e-8)
    assert (moving.header.frame_id, moving.child_frame_id) == ("world", "rig")


def test_the_clap_is_heard_and_seen_at_its_instant(tiny: RigSpec, tmp_path: Path) -> None:
    truth = write_recording(tiny_spec(seed=21), tmp_path / "clap.mcap")
    sensor = tiny.sensor("/audio")
    sound, light = [], []
    lamp = next(f["boxes"]["lamp"] for f in truth.streams[CAM0].frames)
    with (tmp_path / "clap.mcap").open("rb") as stream:
        reader = make_reader(stream, decoder_factories=[DecoderFactory()])
        for _, channel, _, decoded in reader.iter_decoded_messages(topics=["/audio", CAM0]):
            if channel.topic == "/audio":
                device = decoded.timestamp.sec * NANOSECONDS + decoded.timestamp.nanosec
                sound.append((device, np.frombuffer(bytes(decoded.data), "<i2")))
                assert (decoded.format, decoded.sample_rate, decoded.number_of_channels) == ("pcm-s16", 48_000, 1)
            else:
                gray = cv2.imdecode(np.frombuffer(bytes(decoded.data), np.uint8), cv2.IMREAD_GRAYSCALE)
                light.append(float(gray.mean()))
    begins = true_times(sensor.clock, np.array([device for device, _ in sound]), start_ns=truth.start_ns)
    block, sample = next((b, int(i)) for b, (_, s) in enumerate(sound) for i in np.flatnonzero(abs(s) > 5000)[:1])
    heard_ns = begins[block] + round(sample * NANOSECONDS / sensor.sample_rate_hz)
    assert truth.clap_ns is not None
    assert truth.flash_end_ns is not None
    assert -2 <= heard_ns - truth.clap_ns < NANOSECONDS / sensor.sample_rate_hz
    true_ns = truth.streams[CAM0].true_ns
    flashed = np.flatnonzero(np.array(light) > 1.15 * np.median(light))
    expected = np.flatnonzero((true_ns >= truth.clap_ns) & (true_ns < truth.flash_end_ns))
    assert flashed.tolist() == expected.tolist()
    assert len(expected) == 1
    assert lamp[2] > lamp[0]


def test_the_truth_survives_its_file(tiny_recording, tmp_path: Path) -> None:
    truth = tiny_recording[1]
    truth.write(tmp_path / "tiny.truth.json")
    again = read_truth(truth_path(tmp_path / "tiny.mcap"))
    plain = json.loads(json.dumps(truth.to_json()))
    assert json.loads(json.dumps(again.to_json())) == plain
    for name, stream in truth.streams.items():
        assert np.array_equal(again.streams[name].true_ns, stream.true_ns)


def test_labels_match_the_frames_one_to_one(tiny_recording) -> None:
    for name in (CAM0, CAM1):
        stream = tiny_recording[1].streams[name]
        assert len(stream.frames) == len(stream.true_ns)
    assert any(frame["hands"] for frame in tiny_recording[1].streams[CAM0].frames)
    frames = tiny_recording[1].streams[CAM0].frames
    assert frames[4] == frames[3], "a repeat shows what the picture before shows"


def test_samples_come_in_log_order_even_when_they_overtake_one_another() -> None:
    rig = tiny_spec(seconds=2.0, clap_s=None)
    sensors = tuple(replace(s, latency=WIFI) for s in rig.sensors if s.kind in ("imu", "audio", "pose"))
    samples = list(play(replace(rig, sensors=sensors)))
    logs = [sample.log_ns for sample in samples]
    assert logs == sorted(logs)
    seqs = [sample.seq for sample in samples if sample.stream == "/imu"]
    assert seqs != sorted(seqs)
    assert sorted(seqs) == list(range(2000))


def test_a_long_take_starts_playing_at_once() -> None:
    rig = replace(tiny_spec(), seconds=36_000.0, clap_s=None)
    assert [sample.stream for sample in islice(play(rig), 3)] == ["/tf", "/imu", "/imu"]


@pytest.mark.parametrize("latency", [USB_QUIET, WIFI])
def test_each_inertial_sample_is_of_its_own_instant_and_a_repeat_of_an_earlier_one(latency: LatencySpec) -> None:
    faults = FaultSpec(drop_probability=0.1, repeat_probability=0.1)
    imu = replace(tiny_spec().sensor("/imu"), latency=latency, faults=faults, gyro_noise_rad_s=0.0)
    rig = replace(tiny_spec(seconds=6.0, clap_s=None), sensors=(imu,))
    samples = list(play(rig))
    content = (np.array([s.content_ns for s in samples]) - rig.start_ns) / 1e9
    gyro, _ = motion_of(rig.motion, rig.seed).imu(content, pose_from(imu.T_rig_sensor))
    read = np.array([s.payload.gyro_rad_s for s in samples])
    assert np.abs(read - gyro).max() <= imu.lsb / 2 * 1.001
    repeats = [s for s in samples if s.is_repeat]
    assert 0.05 < len(repeats) / len(samples) < 0.15
    assert all(s.content_ns < s.true_ns for s in repeats)
    assert all(s.content_ns == s.true_ns for s in samples if not s.is_repeat)


def test_a_rig_that_stands_still_sees_the_same_walls_and_feels_no_turn() -> None:
    rig = tiny_spec(seconds=2.0, clap_s=None)  # the hands start at 0.12 s
    still = replace(rig, motion=replace(rig.motion, frequencies_hz=()))
    imu = replace(still.sensor("/imu"), gyro_noise_rad_s=0.0)
    for sample in play(replace(still, sensors=(imu,))):
        assert sample.payload.gyro_rad_s == (0.0, 0.0, 0.0)
    first, second = islice(play(replace(still, sensors=still.sensors[:1])), 2)
    assert second.true_ns < still.start_ns + 120_000_000
    assert first.payload.data == second.payload.data
