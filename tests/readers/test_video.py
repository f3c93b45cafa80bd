"""Video and audio files: exact times out of packets."""

import json
import shutil
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, ClassVar

import av
import numpy as np
import pytest

import clips
from contracts.readers import ReaderContract, head_of
from readers.reading import tables
from rushes.errors import ReadError
from rushes.model import FrameFlag
from rushes.readers.video import PLUGIN

UNEVEN = np.cumsum(np.random.default_rng(1).integers(500, 6000, 60)).tolist()


class TestMp4Contract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {
        "video": 325, "audio": 102, "subtitle": 5, "video1": 390, "audio1": 204, "subtitle1": 5,
    }  # fmt: skip

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "video" / "torchcodec_nasa" / "nasa_13013.mp4"


class TestMatroskaContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"video": 40}

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        return clips.write_clip(tmp_path / "clip.mkv", b_frames=3)


class TestWavContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"audio": 15}

    @pytest.fixture
    def recording(self, shared_data: Path) -> Path:
        return shared_data / "video" / "audio" / "audio_int16_48k.wav"


def read(path: Path) -> tuple[Any, dict[str, dict[str, list[Any]]]]:
    with PLUGIN.open(path, {}) as recording:
        return recording, tables(recording)


@pytest.mark.parametrize("ending", ["mp4", "mkv", "mov"])
def test_uneven_times_come_back_exactly_and_in_order_of_presentation(tmp_path: Path, ending: str) -> None:
    scale = 90 if ending == "mkv" else 1
    stamps, base = [t // scale for t in UNEVEN], Fraction(1, 90_000 // scale)
    path = clips.write_clip(tmp_path / f"clip.{ending}", count=60, pts=stamps, time_base=base, b_frames=3)
    recording, found = read(path)
    shift = found["video"]["t_ns"][0] - round(Fraction(stamps[0]) * base * 10**9)  # MP4 starts at nought
    assert found["video"]["t_ns"] == pytest.approx([round(t * base * 10**9) + shift for t in stamps], abs=2)
    assert found["video"]["pts"] == sorted(clips.pictures_in_order(path))
    assert found["video"]["keyframe"][0] is True
    assert (recording.description.start_ns, recording.description.end_ns) == (
        found["video"]["t_ns"][0],
        found["video"]["t_ns"][-1],
    )
    assert recording.losses() == []


def test_the_times_of_the_nasa_clip_are_those_of_torchcodec(shared_data: Path) -> None:
    folder = shared_data / "video" / "torchcodec_nasa"
    _, found = read(folder / "nasa_13013.mp4")
    for stream, track in (("video", 0), ("video1", 3), ("audio1", 4)):
        truth = json.loads((folder / f"nasa_13013.mp4.stream{track}.all_frames_info.json").read_text())
        stated = [Fraction(frame["pts_time"]) * 10**9 for frame in truth]
        assert len(found[stream]["t_ns"]) == len(stated)
        # The truth is written to the microsecond.
        assert max(abs(t - s) for t, s in zip(found[stream]["t_ns"], stated, strict=True)) <= 500


def test_what_an_edit_list_hides_is_counted_and_left_out(shared_data: Path) -> None:
    recording, _ = read(shared_data / "video" / "torchcodec_nasa" / "nasa_13013.mp4")
    entry = next(e for e in recording.ledger() if (e.stream, e.step) == ("audio1", "read"))
    assert (entry.came_in, entry.out, entry.rejected) == (205, 204, 1)
    assert entry.reasons == {"outside the edit list": 1}


@pytest.mark.parametrize(
    ("name", "frames", "rate"),
    [
        ("intel_bottle/bottle-detection.mp4", 1189, 29.8333),
        ("mp_hand_video/test_video.mp4", 202, 25),
        ("tfjs_asl_hand/asl_hand.25fps.mp4", 325, 25),
        ("tfjs_pose/pose_1.mp4", 120, 30),
        ("tfjs_pose/pose_squats.mp4", 65, 5),
        ("imageio/cockatoo.mp4", 280, 20),
        ("imageio/realshort.mp4", 36, 45000 / 1499),
        ("decord_rotated/unordered.mov", 4, 32),
    ],
)
def test_real_videos_have_the_frames_and_rates_of_their_truth(
    shared_data: Path, name: str, frames: int, rate: float
) -> None:
    recording, found = read(shared_data / "video" / name)
    times = found["video"]["t_ns"]
    assert len(times) == frames
    assert times == sorted(times)
    assert recording.description.stream("video").nominal_rate_hz == pytest.approx(rate, abs=1e-4)
    assert (frames - 1) / (times[-1] - times[0]) * 1e9 == pytest.approx(rate, rel=1e-3)
    assert recording.losses() == []


def test_all_gesture_clips_are_read_and_one_has_a_gap(shared_data: Path) -> None:
    paths = sorted((shared_data / "video" / "asl_gestures").glob("*.mkv"))
    assert len(paths) == 13
    for path in paths:
        recording, found = read(path)
        times = np.array(found["video"]["t_ns"])
        assert times[0] in (0, 33_000_000)
        assert int((np.diff(times) > 50_000_000).sum()) == (path.stem == "brother"), path.name
        assert recording.losses() == []
        if path.stem == "brother":
            assert np.diff(times).max() == 67_000_000


@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_the_rotation_is_that_of_the_name(shared_data: Path, degrees: int) -> None:
    recording, found = read(shared_data / "video" / "decord_rotated" / f"video_{degrees}.mov")
    assert recording.description.stream("video").rotation_deg == degrees
    assert len(found["video"]["pts"]) == 3


@pytest.mark.parametrize(("name", "channels"), [("audio_int16_48k.wav", 2), ("audio_int16_48k_5ch.wav", 5)])
def test_the_blocks_of_a_wav_hold_all_its_samples_where_they_say(
    shared_data: Path, name: str, channels: int
) -> None:
    path = shared_data / "video" / "audio" / name
    recording, found = read(path)
    stream, audio = recording.description.stream("audio"), found["audio"]
    assert (stream.sample_rate_hz, stream.channels, stream.codec) == (48_000, channels, "pcm_s16le")
    assert sum(audio["samples"]) == 60_743
    assert audio["first_sample"] == [0, *np.cumsum(audio["samples"])[:-1]]
    assert audio["length"] == [samples * channels * 2 for samples in audio["samples"]]
    with av.open(str(path)) as container:
        decoded = np.concatenate([frame.to_ndarray().reshape(-1) for frame in container.decode(audio=0)])
    data = path.read_bytes()
    blocks = [data[o : o + n] for o, n in zip(audio["offset"], audio["length"], strict=True)]
    assert np.array_equal(np.frombuffer(b"".join(blocks), "<i2"), decoded)


@pytest.mark.parametrize(
    ("name", "rate"), [("mp_hand_video/test_video.mp4", 48_000), ("imageio/cockatoo.mp4", 16_000)]
)
def test_the_sound_of_a_video_is_a_stream_of_blocks_without_holes(shared_data: Path, name: str, rate: int) -> None:
    recording, found = read(shared_data / "video" / name)
    assert recording.description.stream("audio").sample_rate_hz == rate
    times, samples = np.array(found["audio"]["t_ns"]), np.array(found["audio"]["samples"])
    assert np.abs(np.diff(times) - samples[:-1] * 1e9 / rate).max() <= 1


def test_an_mp4_whose_end_is_cut_off_gives_what_is_there_and_counts_the_rest(tmp_path: Path) -> None:
    whole = clips.write_clip(tmp_path / "clip.mp4", count=120, muxing={"movflags": "faststart"})
    recording, found = read(clips.cut(whole, 0.5))
    _, truth = read(whole)
    held = len(found["video"]["pts"])
    assert 20 < held < 100
    entries = {entry.step: entry for entry in recording.ledger()}
    assert (entries["read"].declared, entries["read"].came_in, entries["read"].out) == (120, 120, held)
    assert entries["read"].reasons == {"declared and not there": 120 - held}
    assert {loss.code for loss in recording.losses()} >= {"read.truncated", "read.count-mismatch"}
    assert set(found["video"]["pts"]) <= set(truth["video"]["pts"])
    assert sum(flag == FrameFlag.CORRUPT for flag in found["video"]["flags"]) == entries["bytes"].unread <= 1
    assert recording.description.end_ns == max(found["video"]["t_ns"])


@pytest.mark.parametrize(
    ("name", "muxing"),
    [("clip.mkv", {}), ("clip.mp4", {"movflags": "frag_keyframe+empty_moov"}), ("clip.avi", {})],
)
def test_containers_that_grow_are_read_as_far_as_they_go(
    tmp_path: Path, name: str, muxing: dict[str, str]
) -> None:
    codec, pixels = ("mjpeg", "yuvj420p") if name.endswith("avi") else ("libx264", "yuv420p")
    whole = clips.write_clip(tmp_path / name, codec, count=120, muxing=muxing, pixel_format=pixels)
    recording, found = read(clips.cut(whole, 0.5))
    _, truth = read(whole)
    assert 20 < len(found["video"]["pts"]) < 110
    assert set(found["video"]["pts"]) <= set(truth["video"]["pts"])
    loss = next(loss for loss in recording.losses() if loss.code == "read.truncated")
    assert loss.byte_from == whole.stat().st_size // 2
    # Of fragments only the one that was cut is known; the other containers say where they end as a whole.
    assert loss.byte_from < loss.byte_to <= whole.stat().st_size
    assert muxing or loss.byte_to == whole.stat().st_size


def test_a_whole_container_is_not_called_cut(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.mkv", "a.mov", "a.webm"):
        codec = "libvpx-vp9" if name.endswith("webm") else "libx264"
        recording, found = read(clips.write_clip(tmp_path / name, codec, count=12))
        assert (len(found["video"]["pts"]), recording.losses()) == (12, [])


def test_an_mp4_without_its_index_says_so_and_what_to_do(tmp_path: Path) -> None:
    short = clips.cut(clips.write_clip(tmp_path / "clip.mp4"), 0.5)
    assert PLUGIN.probe(short, head_of(short)).confidence > 0.9
    with pytest.raises(ReadError) as error:
        PLUGIN.open(short, {})
    assert error.value.code == "read.damaged"
    assert "moov" in error.value.hint


@pytest.mark.parametrize("name", ["empty.mp4", "text.mp4", "picture.mkv"])
def test_a_name_alone_makes_no_video(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes({"e": b"", "t": b"hello\n" * 999, "p": b"\x89PNG\r\n\x1a\n" + bytes(99)}[name[0]])
    claim = PLUGIN.probe(path, head_of(path))
    assert claim.confidence == 0
    assert "is named" in claim.reason
    with pytest.raises(ReadError) as error:
        PLUGIN.open(path, {})
    assert error.value.hint


def test_a_folder_of_videos_is_no_recording_by_itself(shared_data: Path) -> None:
    assert PLUGIN.probe(shared_data / "video" / "asl_gestures", b"").confidence == 0


def test_b_frames_in_avi_make_times_suspect(tmp_path: Path) -> None:
    recording, found = read(clips.write_clip(tmp_path / "clip.avi", b_frames=2))
    assert set(found["video"]["flags"]) == {FrameFlag.TIME_SUSPECT}
    assert "AVI" in recording.description.stream("video").notes


def test_the_tracks_of_an_azure_kinect_are_told_apart(shared_data: Path) -> None:
    recording, found = read(shared_data / "devices" / "azure_kinect" / "recording.mkv")
    kinds = {s.name: (s.modality, s.width, s.height) for s in recording.description.streams}
    assert kinds["color"] == ("color", 1280, 720)
    assert kinds["depth"] == ("depth", 640, 576)
    assert kinds["infrared"] == ("infrared", 640, 576)
    assert found["depth"]["t_ns"] == found["infrared"]["t_ns"] == [463_945_000]
    assert "calibration.json" in str(recording.description.metadata["tracks_left_unread"])


MANIFEST = """
rushes_manifest: 1
task: wave
sensors:
  - path: imu.csv
    stream: wrist
    table: imu
    rate_hz: 100
    time: {column: time, unit: ms, offset_ns: 5000000}
    columns: {accel_x_m_s2: ax, gyro_z_rad_s: gz}
  - path: notes.jsonl
    stream: notes
    table: messages
    time: {column: t, unit: s}
"""


@pytest.fixture
def with_sensors(tmp_path: Path) -> Path:
    """A clip with a manifest, an IMU table and notes beside it."""
    clip = clips.write_clip(tmp_path / "clip.mp4", count=12)
    (tmp_path / "clip.yaml").write_text(MANIFEST)
    (tmp_path / "imu.csv").write_text("time,ax,gz\n0,1.5,0.1\n10.5,,0.2\n21,1.7,oops\nlate,1,1\n30,1.8,0.4\n")
    (tmp_path / "notes.jsonl").write_text(
        '{"t": 1305031225.727159, "say": "go"}\n\nnot json\n{"t": 2, "say": "stop"}\n'
    )
    return clip


def test_a_manifest_beside_a_video_adds_its_sensors(with_sensors: Path) -> None:
    recording, found = read(with_sensors)
    assert set(found) == {"video", "wrist", "notes"}
    assert found["wrist"]["t_ns"] == [5_000_000, 15_500_000, 35_000_000]
    assert found["wrist"]["t_header_ns"] == [0, 10_500_000, 30_000_000]
    assert found["wrist"]["accel_x_m_s2"] == [1.5, None, 1.8]
    assert found["wrist"]["gyro_z_rad_s"] == [0.1, 0.2, 0.4]
    assert found["notes"]["t_ns"] == [1305031225727159000, 2_000_000_000]
    assert json.loads(found["notes"]["value"][0]) == {"t": 1305031225.727159, "say": "go"}
    assert recording.description.metadata["task"] == "wave"
    entries = {e.stream: (e.came_in, e.out, e.rejected) for e in recording.ledger() if e.step == "read"}
    assert entries["wrist"] == (5, 3, 2)
    assert entries["notes"] == (3, 2, 1)
    assert all(entry.balanced for entry in recording.ledger())
    assert {media.media_id for media in recording.description.media} == {"clip.mp4", "imu.csv", "notes.jsonl"}


class TestManifestContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"front": 12, "wrist": 3, "notes": 2}

    @pytest.fixture
    def recording(self, with_sensors: Path) -> Path:
        folder = with_sensors.parent / "take"
        folder.mkdir()
        for path in with_sensors.parent.glob("*.*"):
            shutil.move(path, folder / path.name)
        (folder / "clip.yaml").unlink()
        (folder / "recording.yaml").write_text(MANIFEST + "media: [{path: clip.mp4, stream: front}]\n")
        return folder


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        (("task:", "tsak:"), "did you mean 'task'?"),
        (("columns:", "colums:"), "did you mean 'columns'?"),
        (("accel_x_m_s2", "accel_x_ms2"), "did you mean 'accel_x_m_s2'?"),
        (("stream: notes", "stream: wrist"), "give each its own name"),
        (("unit: ms", "unit: hours"), "schemas/manifest.schema.json is the form"),
    ],
)
def test_a_manifest_that_does_not_say_what_it_should_is_refused_with_a_hint(
    with_sensors: Path, change: tuple[str, str], hint: str
) -> None:
    place = with_sensors.with_suffix(".yaml")
    place.write_text(MANIFEST.replace(*change))
    with pytest.raises(ReadError) as error:
        PLUGIN.open(with_sensors, {})
    assert (error.value.code, error.value.hint) == ("read.manifest", hint)


def test_a_column_or_a_file_that_is_not_there_is_named(with_sensors: Path) -> None:
    place = with_sensors.with_suffix(".yaml")
    place.write_text(MANIFEST.replace("column: time", "column: tme"))
    with pytest.raises(ReadError) as error:
        PLUGIN.open(with_sensors, {})
    assert (error.value.code, error.value.hint) == ("read.absent-column", "did you mean 'time'?")
    place.write_text(MANIFEST.replace("path: imu.csv", "path: ../imu.csv"))
    with pytest.raises(ReadError) as error:
        PLUGIN.open(with_sensors, {})
    assert error.value.code == "read.absent-file"


def test_a_yaml_of_another_kind_beside_a_video_is_left_alone(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "clip.mp4", count=12)
    (tmp_path / "clip.yaml").write_text("exposure: 3\n")
    recording, _ = read(clip)
    assert [stream.name for stream in recording.description.streams] == ["video"]


def test_the_manifest_that_the_guide_shows_is_one(tmp_path: Path) -> None:
    guide = (Path(__file__).resolve().parents[2] / "docs" / "recordings.md").read_text("utf-8")
    shown = guide.partition("```yaml\n")[2].partition("```")[0]
    (tmp_path / "recording.yaml").write_text(shown)
    clips.write_clip(tmp_path / "phone.mp4", count=12)
    (tmp_path / "Accelerometer.csv").write_text("time,z,y,x\n1714558272010000000,3,2,1\n")
    recording, found = read(tmp_path)
    assert found["accelerometer"]["t_ns"] == [10_000_000]
    assert found["accelerometer"]["accel_x_m_s2"] == [1.0]
    assert recording.description.metadata["facts"] == {"subject": "s07", "task": "walk"}
    assert {stream.clock_id for stream in recording.description.streams} == {"media"}
