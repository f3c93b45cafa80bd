"""Pictures out of containers by exact time stamp: equal to the pixel to decoding from the start."""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

import clips
import packet_recordings as make
from contracts.decoders import DecoderContract, Sample
from rushes.decoders import video
from rushes.errors import ReadError
from rushes.model import FrameRequest, Location, PacketRun

UNEVEN = np.cumsum(np.random.default_rng(1).integers(500, 6000, 90)).tolist()
OPEN_GOP = {"x264-params": "open-gop=1:keyint=10:min-keyint=10:bframes=3:b-adapt=0"}

CLIPS = {
    "b_frames.mp4": {"b_frames": 3},
    "b_frames.mkv": {"b_frames": 3},
    "one_keyframe.mp4": {"count": 80, "keyframe_every": 1000, "b_frames": 2},
    "open_gop.mp4": {"options": OPEN_GOP},
    "open_gop.mkv": {"options": OPEN_GOP},
    "uneven.mp4": {"pts": UNEVEN, "time_base": Fraction(1, 90_000), "count": 90},
    "uneven.mkv": {"pts": [t // 90 for t in UNEVEN], "time_base": Fraction(1, 1000), "count": 90},
    "fragmented.mp4": {"muxing": {"movflags": "frag_keyframe+empty_moov"}},
    "mpeg4.avi": {"codec": "mpeg4", "b_frames": 2},
    "jpegs.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"cpu-used": "8", "deadline": "realtime"}},
    "deep.mkv": {"codec": "ffv1", "pixel_format": "gray16le"},
}


def request(path: Path, pts: int | None, track: int = 0, container: str = "video") -> FrameRequest:
    location = Location(path=path, container=container)
    return FrameRequest(location=location, codec="h264", container_index=track, pts=pts)


@pytest.fixture
def decoder():
    decoder = video.VideoDecoder()
    yield decoder
    decoder.close()


class TestContract(DecoderContract):
    name = "video"

    @pytest.fixture
    def samples(self, tmp_path: Path) -> list[Sample]:
        colour = clips.write_clip(tmp_path / "colour.mp4", count=12)
        deep = clips.write_clip(tmp_path / "deep.mkv", **CLIPS["deep.mkv"])
        return [(request(colour, 512 * n), None) for n in (0, 7, 3)] + [(request(deep, 33), None)]

    @pytest.fixture
    def broken(self, tmp_path: Path) -> list[Sample]:
        clip = clips.write_clip(tmp_path / "clip.mp4", count=12)
        (tmp_path / "text.mp4").write_text("hello")
        return [
            (request(clip, 513), None),
            (request(clip, -512), None),
            (request(clip, 10**9), None),
            (request(clip, None), None),
            (request(clip, 0, track=5), None),
            (request(clip, 0, container="mcap"), b"\0\0\0\1"),
            (request(tmp_path / "text.mp4", 0), None),
            (request(tmp_path / "absent.mp4", 0), None),
        ]


def of_packets(path: Path, sent: Sequence[bytes], at: int, codec: str = "h264") -> FrameRequest:
    location = Location(path=path, container="mcap", offset=0, length=1)
    return FrameRequest(location=location, codec=codec, run=PacketRun(stream="cam", first=0, packets=sent), at=at)


class TestPacketsContract(DecoderContract):
    name = "video"

    @pytest.fixture
    def samples(self, tmp_path: Path) -> list[Sample]:
        runs = {codec: make.packets(codec)[0][: make.GOP] for codec in make.DECODERS}
        return [
            (of_packets(tmp_path / codec, sent, at, codec), None)
            for codec, sent in runs.items()
            for at in (0, 7, 3)
        ]

    @pytest.fixture
    def broken(self, tmp_path: Path) -> list[Sample]:
        sent = make.packets("h264")[0][: make.GOP]
        alone = of_packets(tmp_path / "a", sent, 1)
        return [
            (replace(alone, run=None), sent[1]),
            (of_packets(tmp_path / "b", [sent[0], b"", sent[2]], 2), None),
            (of_packets(tmp_path / "c", [sent[0], sent[2], sent[3]], 2), None),
            (of_packets(tmp_path / "d", sent[3:], 4), None),
        ]


def _number_of(path: Path, at: int) -> int:
    sent = make.packets("h264")[0][: make.GOP]
    return make.number_of(video.PLUGIN.decode(of_packets(path, sent, at), None))


def test_a_process_that_was_forked_decodes_packets_for_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.mcap"
    assert _number_of(path, 5) == 5
    with get_context("fork").Pool(1) as pool:
        assert pool.starmap(_number_of, [(path, 9), (path, 2)]) == [9, 2]
    assert _number_of(path, 6) == 6


@pytest.mark.parametrize("name", CLIPS)
def test_any_picture_in_any_order_is_that_of_decoding_from_the_start(
    decoder: video.VideoDecoder, tmp_path: Path, name: str
) -> None:
    path = clips.write_clip(tmp_path / name, **CLIPS[name])
    truth = clips.pictures_in_order(path)
    assert len(truth) == CLIPS[name].get("count", 40)
    stamps = sorted(truth)
    some = random.Random(4).sample(stamps, 20)
    for pts in [*some, *stamps[:6], stamps[-1], stamps[0], *reversed(stamps[-5:])]:
        assert np.array_equal(decoder.decode(request(path, pts), None), truth[pts]), pts


def test_reading_in_order_gives_each_picture_once_and_never_seeks(
    decoder: video.VideoDecoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", b_frames=2)
    truth = clips.pictures_in_order(path)
    seeks: list[int] = []
    seek = video._Track._seek
    monkeypatch.setattr(video._Track, "_seek", lambda self, pts, back: seeks.append(pts) or seek(self, pts, back))
    for pts in sorted(truth):
        assert np.array_equal(decoder.decode(request(path, pts), None), truth[pts])
    assert set(seeks) <= {min(truth)}


def test_threads_share_a_decoder_and_more_files_than_it_keeps_open(
    decoder: video.VideoDecoder, tmp_path: Path
) -> None:
    paths = [clips.write_clip(tmp_path / f"{n}.mp4", count=6 + n) for n in range(video.OPEN_TRACKS + 3)]
    truth = {path: clips.pictures_in_order(path) for path in paths}
    wanted = [(path, pts) for path in paths for pts in truth[path]] * 2
    random.Random(2).shuffle(wanted)
    with ThreadPoolExecutor(4) as pool:
        pictures = pool.map(lambda asked: decoder.decode(request(*asked), None), wanted)
        assert all(np.array_equal(p, truth[path][pts]) for p, (path, pts) in zip(pictures, wanted, strict=True))
    assert len(decoder._tracks) <= video.OPEN_TRACKS


def test_a_file_that_was_replaced_is_opened_anew(decoder: video.VideoDecoder, tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4", count=6)
    first = decoder.decode(request(path, 0), None)
    clips.write_clip(path, count=6, pixel_format="yuv444p").write_bytes(path.read_bytes())
    truth = clips.pictures_in_order(path)
    assert not np.array_equal(first, truth[0])
    assert np.array_equal(decoder.decode(request(path, 0), None), truth[0])


def _mean_of(path: Path, pts: int) -> float:
    return float(video.PLUGIN.decode(request(path, pts), None).mean())


def test_a_process_that_was_forked_reads_its_own_files(tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "clip.mp4")
    truth = {pts: float(picture.mean()) for pts, picture in clips.pictures_in_order(path).items()}
    stamps = sorted(truth)
    before = _mean_of(path, stamps[5])
    with get_context("fork").Pool(2) as pool:
        found = pool.starmap(_mean_of, [(path, pts) for pts in stamps])
    assert found == [truth[pts] for pts in stamps]
    assert (before, _mean_of(path, stamps[6])) == (truth[stamps[5]], truth[stamps[6]])


def test_a_damaged_stretch_costs_its_own_pictures_only(decoder: video.VideoDecoder, tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "jpegs.avi", "mjpeg", pixel_format="yuvj420p")
    truth = clips.pictures_in_order(path)
    data = bytearray(path.read_bytes())
    middle = data.index(b"\xff\xd8\xff", len(data) // 2)
    end = data.index(b"\xff\xd8\xff", middle + 3) - 8  # before the next chunk's own header
    data[middle:end] = bytes(end - middle)
    path.write_bytes(data)
    lost = sorted(truth)[len(_frames_before(data, middle))]
    for pts, picture in truth.items():
        if pts != lost:
            assert np.array_equal(decoder.decode(request(path, pts), None), picture)
    with pytest.raises(ReadError, match="no picture"):
        decoder.decode(request(path, lost), None)


def _frames_before(data: bytearray, place: int) -> list[bytes]:
    return bytes(data[:place]).split(b"\xff\xd8\xff")[1:]


def test_depth_in_a_video_comes_in_its_counts(decoder: video.VideoDecoder, shared_data: Path) -> None:
    path = shared_data / "devices" / "azure_kinect" / "recording.mkv"
    depth = decoder.decode(request(path, 463945, track=1), None)
    assert depth.dtype == np.uint16
    assert depth.shape == (576, 640)
    assert 500 < np.median(depth[depth > 0]) < 5000  # millimetres in a room; swapped bytes would be noise
    assert np.median(np.abs(np.diff(depth[200:300, 200:400].astype(int), axis=1))) < 50


@pytest.mark.parametrize(
    ("name", "track"),
    [
        ("asl_gestures/brother.mkv", 0),
        ("decord_rotated/unordered.mov", 0),
        ("imageio/realshort.mp4", 0),
        ("torchcodec_nasa/nasa_13013.mp4", 3),
    ],
)
def test_real_videos_decode_to_the_same_pixels_from_anywhere(
    decoder: video.VideoDecoder, shared_data: Path, name: str, track: int
) -> None:
    path = shared_data / "video" / name
    truth = clips.pictures_in_order(path, track)
    stamps = sorted(truth)
    for pts in random.Random(8).sample(stamps, min(8, len(stamps))):
        assert np.array_equal(decoder.decode(request(path, pts, track), None), truth[pts])


def test_neighbouring_pictures_differ_so_that_equal_ones_would_be_noticed(tmp_path: Path) -> None:
    truth = clips.pictures_in_order(clips.write_clip(tmp_path / "clip.mp4", count=10))
    assert all(not np.array_equal(a, b) for a, b in pairwise(truth.values()))


@pytest.mark.parametrize("name", ["b_frames.mp4", "jpegs.avi", "mpeg4.avi"])
def test_a_small_grey_picture_is_the_whole_one_in_grey(
    decoder: video.VideoDecoder, tmp_path: Path, name: str
) -> None:
    path = clips.write_clip(tmp_path / name, **CLIPS[name])
    for pts, picture in list(clips.pictures_in_order(path).items())[:5]:
        grey = decoder.decode_grey(request(path, pts), None, 4096).astype(float)
        expected = picture @ [0.299, 0.587, 0.114]
        assert np.abs(grey - expected).mean() < 4
        assert np.corrcoef(grey.ravel(), expected.ravel())[0, 1] > 0.99


def test_a_clip_of_more_than_8_bits_is_grey_all_the_same(decoder: video.VideoDecoder, tmp_path: Path) -> None:
    path = clips.write_clip(tmp_path / "deep.mkv", "ffv1", pixel_format="yuv420p10le", count=3)
    truth = clips.pictures_in_order(path)
    for pts, picture in truth.items():
        assert np.array_equal(decoder.decode(request(path, pts), None), picture)
        grey = decoder.decode_grey(request(path, pts), None, 4096).astype(float)
        assert np.abs(grey - picture @ [0.299, 0.587, 0.114]).mean() < 4
