"""Pictures out of packets of video in message recordings, from the file to every place that shows them."""

import random
import threading
from collections.abc import Sequence
from io import BytesIO
from itertools import islice
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.bitstream import BitStreamFilterContext
from mcap.reader import make_reader
from mcap_protobuf.decoder import DecoderFactory
from PIL import Image

import packet_recordings as make
import rushes
from cameras import RtspCamera, drawn, video
from rushes.capturing import Pictures, Samples
from rushes.errors import ReadError
from rushes.loopback.preview import Preview
from rushes.model import FrameFlag
from rushes.packets import units
from rushes.recorder.recording import Recording
from rushes.sensors import Rig, SensorOfRig
from rushes.workflow._browse.renderings import Renderings
from rushes.workflow.check import Settings, check
from rushes.workflow.export_recordings import export_recordings
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.look import look
from rushes.workflow.pictures import Frames
from rushes.workflow.preview import thumbnail

ALL = [("h264", 0), ("h264", 2), ("h265", 0), ("h265", 3), ("vp9", 0), ("av1", 0)]


@pytest.fixture
def frames_of(tmp_path: Path, request: pytest.FixtureRequest):
    """Write packets, ingest them, and give their frames."""
    count = iter(range(100))

    def given(codec: str, sent: Sequence[bytes], **options) -> Frames:
        name = f"r{next(count)}"
        path = make.recording(tmp_path / f"{name}.mcap", codec, sent, **options)
        ingest(tmp_path / "set", Request(paths=[path]))
        opened = rushes.open_dataset(tmp_path / "set")
        request.addfinalizer(opened.close)
        (frames,) = opened.picture_streams(name)
        return frames

    return given


def undecodable(frames: Frames) -> dict[int, str]:
    """Give what is said of every picture that is not shown."""
    said = {}
    for index in range(len(frames)):
        try:
            frames.image(index)
        except ReadError as error:
            said[index] = f"{error.code}: {error.message}"
    assert all(message.startswith("read.undecodable: ") for message in said.values())
    return said


@pytest.mark.parametrize(("codec", "b_frames"), ALL)
def test_every_picture_is_that_of_ffmpeg_and_of_its_packet_in_any_order(frames_of, codec, b_frames):
    sent, numbers = make.packets(codec, b_frames=b_frames)
    truth = make.decoded(codec, sent)
    frames = frames_of(codec, sent)

    assert (frames.stream["codec"], frames.stream["width"], frames.stream["height"]) == (
        codec,
        make.WIDTH,
        make.HEIGHT,
    )
    assert len(frames) == len(truth) == 40
    assert set(frames.flags) == {0}
    at_random = random.Random(7).sample(range(40), 40)
    for index in [*range(40), *at_random, *range(39, 20, -1)]:
        picture = frames.image(index)
        assert np.array_equal(picture, truth[index])
        assert make.number_of(picture) == numbers[index]


def test_a_packet_is_decoded_once_when_read_in_order(frames_of, monkeypatch):
    sent, _ = make.packets("h264")
    frames = frames_of("h264", sent)
    read: list[int] = []
    plain = frames._runs._payload
    monkeypatch.setattr(frames._runs, "_payload", lambda index: read.append(index) or plain(index))

    for index in range(40):
        frames.image(index)
        frames.image(index)

    assert read == list(range(40))


def test_two_threads_get_the_pictures_that_they_ask_for(frames_of):
    sent, _ = make.packets("h264")
    truth = make.decoded("h264", sent)
    frames = frames_of("h264", sent)
    wrong: list[int] = []

    def look(seed: int) -> None:
        for index in random.Random(seed).sample(range(40), 20):
            if not np.array_equal(frames.image(index), truth[index]):
                wrong.append(index)

    threads = [threading.Thread(target=look, args=(seed,)) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
def test_a_recording_that_begins_between_key_frames_has_no_picture_before_the_first(frames_of, codec):
    sent, numbers = make.packets(codec)
    frames = frames_of(codec, sent[5:])

    assert (frames.stream["width"], frames.stream["height"]) == (make.WIDTH, make.HEIGHT)
    said = undecodable(frames)
    assert list(said) == list(range(make.GOP - 5))
    assert all("no key frame is known before it" in message for message in said.values())
    assert [make.number_of(frames.image(i)) for i in range(7, 35)] == list(numbers[12:])


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
def test_no_picture_is_shown_that_leans_on_a_packet_that_was_lost(frames_of, codec):
    sent, numbers = make.packets(codec)
    there = [place for place in range(40) if place != 15]
    frames = frames_of(codec, [sent[place] for place in there], seq=there)

    said = undecodable(frames)

    assert list(said) == list(range(15, 23)), "from the one after the lost up to the next key frame"
    for index in set(range(39)) - set(said):
        assert make.number_of(frames.image(index)) == numbers[there[index]]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_lost_packet_is_seen_where_no_sequence_number_tells(frames_of, codec):
    sent, _ = make.packets(codec)
    there = [place for place in range(40) if place != 15]
    frames = frames_of(codec, [sent[place] for place in there], seq=[0] * 39)

    for index in random.Random(3).sample(range(39), 39):
        if 15 <= index < 23:
            with pytest.raises(ReadError, match="packet"):
                frames.image(index)
        else:
            assert make.number_of(frames.image(index)) == there[index]
    assert "is lost" in undecodable(frames)[15] or codec == "h265"
    assert "leans on packet 15" in undecodable(frames)[20]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_numbers_that_count_all_streams_of_a_recorder_are_no_sign_of_loss(frames_of, codec):
    sent, _ = make.packets(codec)
    assert undecodable(frames_of(codec, sent, seq=[3 * place for place in range(40)])) == {}


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
def test_an_empty_packet_and_one_of_noise_cost_themselves_and_what_leans_on_them(frames_of, codec):
    sent, _ = make.packets(codec)
    noise = bytes(range(255, 155, -1))
    frames = frames_of(codec, [*sent[:20], b"", *sent[21:30], noise, *sent[31:]])

    assert np.flatnonzero(frames.flags & FrameFlag.CORRUPT).tolist() == [20, 30]
    said = undecodable(frames)
    assert list(said) == [*range(20, 24), *range(30, 36)]
    assert "leans on packet 20" in said[23]


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
@pytest.mark.parametrize("lost_chunk", [1, 2])
def test_a_flipped_bit_in_a_chunk_costs_its_packets_and_what_leans_on_them(tmp_path, codec, lost_chunk):
    sent, numbers = make.packets(codec)
    path = make.recording(tmp_path / "a.mcap", codec, sent, seq=[0] * 40)
    with path.open("rb") as file:
        chunks = make_reader(file).get_summary().chunk_indexes
    data = bytearray(path.read_bytes())
    data[chunks[lost_chunk].chunk_start_offset + chunks[lost_chunk].chunk_length * 2 // 3] ^= 4
    path.write_bytes(data)
    ingest(tmp_path / "set", Request(paths=[path]))

    with rushes.open_dataset(tmp_path / "set") as opened:
        (frames,) = opened.picture_streams("a")
        (status,) = opened.arrow("recordings")["status"].to_pylist()
        times = (frames.t_ns - make.START_NS) * make.RATE_HZ
        said = undecodable(frames)
        assert status == "partial"
        assert 10 < len(frames) < 40
        assert len(said) < make.GOP
        for index in set(range(len(frames))) - set(said):
            assert make.number_of(frames.image(index)) == numbers[round(times[index] / 1e9)]


def test_parameters_apart_from_pictures_are_rows_without_a_picture(frames_of):
    sent, numbers = make.packets("h264")
    apart: list[bytes] = []
    pictures: list[int] = []
    for place, data in enumerate(sent):
        parts = [(kind, b"\0\0\0\1" + data[begin:end]) for kind, begin, end in units(data, "h264")]
        parameters = b"".join(part for kind, part in parts if kind in (7, 8))
        if parameters:
            apart.append(parameters)
        pictures.append(len(apart))
        apart.append(b"".join(part for kind, part in parts if kind not in (7, 8)))
        assert numbers[place] == place
    frames = frames_of("h264", apart)

    bare = np.flatnonzero(frames.flags & FrameFlag.NO_PICTURE).tolist()
    assert bare == [0, 13, 26, 39]
    assert list(undecodable(frames)) == bare
    assert [make.number_of(frames.image(index)) for index in pictures] == list(numbers)


def test_packets_with_lengths_instead_of_start_codes_decode_alike(frames_of):
    sent, numbers = make.packets("h264")
    lengths = []
    for data in sent:
        shorter = data.replace(b"\0\0\0\1", b"\0\0\1")
        plain = [shorter[begin:end] for _, begin, end in units(shorter, "h264")]
        lengths.append(b"".join(len(unit).to_bytes(4, "big") + unit for unit in plain))
    frames = frames_of("h264", lengths)

    assert [make.number_of(frames.image(index)) for index in range(40)] == list(numbers)


def test_parameters_that_came_once_serve_all_key_frames(frames_of):
    sent, numbers = make.packets("h264")
    without = []
    for place, data in enumerate(sent):
        parts = [(kind, b"\0\0\0\1" + data[begin:end]) for kind, begin, end in units(data, "h264")]
        without.append(b"".join(part for kind, part in parts if place == 0 or kind not in (7, 8)))
    frames = frames_of("h264", without)

    assert [make.number_of(frames.image(index)) for index in (39, 13, 0, 25)] == [
        numbers[i] for i in (39, 13, 0, 25)
    ]


@pytest.mark.parametrize("codec", ["h264", "av1"])
def test_a_packet_that_is_cut_costs_what_leans_on_it_and_nothing_else(frames_of, codec):
    sent, numbers = make.packets(codec)
    frames = frames_of(codec, [*sent[:15], sent[15][: len(sent[15]) // 2], *sent[16:]])

    assert list(undecodable(frames)) == list(range(15, 24))
    for index in set(range(40)) - set(range(15, 24)):
        assert make.number_of(frames.image(index)) == numbers[index]


def test_key_frames_are_told_from_the_packets_where_the_reader_has_not(frames_of):
    sent, numbers = make.packets("h265")
    frames = frames_of("h265", sent)
    frames._columns["keyframe"] = [None] * 40

    assert make.number_of(frames.image(30)) == numbers[30]
    assert frames.request(30).run.first == 24


def test_checks_look_at_every_packet(tmp_path, frames_of):
    sent, _ = make.packets("h264")
    frames_of("h264", sent)
    check(tmp_path / "set", Settings())
    with rushes.open_dataset(tmp_path / "set") as opened:
        rows = opened.arrow("pictures").to_pylist()
    assert len(rows) == 40
    assert {row["unreadable"] for row in rows} == {0}
    assert {(row["width"], row["height"]) for row in rows} == {(make.WIDTH, make.HEIGHT)}


def shown(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(data)).convert("RGB"))


def test_the_app_shows_every_packet_as_a_picture(frames_of, tmp_path):
    sent, numbers = make.packets("h265")
    frames_of("h265", sent)
    with rushes.open_dataset(tmp_path / "set") as opened:
        (recording_id,) = opened.arrow("recordings")["recording_id"].to_pylist()
        renderings = Renderings(opened)
        for index in (30, 3, 31, 32):
            data, kind = renderings(recording_id, "/cam", index)
            assert kind == "image/jpeg"
            assert make.number_of(shown(data)) == numbers[index]


def test_look_shows_pictures_of_packets(tmp_path):
    sent, _ = make.packets("h264")
    result = look([make.recording(tmp_path / "a.mcap", "h264", sent)])
    (item,) = result.recordings[0].streams
    assert len(item.pictures) > 3


@pytest.mark.parametrize(("codec", "b_frames", "kind"), [
    ("h264", 0, "foxglove.CompressedVideo"), ("h264", 2, "foxglove.CompressedImage"),
    ("h265", 0, "foxglove.CompressedImage"), ("av1", 0, "foxglove.CompressedImage"),
])  # fmt: skip
def test_a_player_gets_packets_that_it_plays_and_pictures_of_the_others(
    frames_of, tmp_path, codec, b_frames, kind
):
    sent, numbers = make.packets(codec, b_frames=b_frames)
    frames_of(codec, sent)
    done = export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out").files[0]

    found = played(done.path)

    assert [schema for schema, _ in found] == [kind] * 40
    if kind.endswith("Video"):
        assert [content.data for _, content in found] == list(sent)
    else:
        assert [make.number_of(shown(content.data)) for _, content in found] == list(numbers)


def test_a_player_gets_pictures_where_packets_are_lost(frames_of, tmp_path):
    sent, _ = make.packets("h264")
    there = [place for place in range(40) if place != 15]
    frames_of("h264", [sent[place] for place in there])
    done = export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out").files[0]

    found = played(done.path)

    assert {schema for schema, _ in found} == {"foxglove.CompressedImage"}
    assert [make.number_of(shown(content.data)) for _, content in found] == [*range(15), *range(24, 40)]
    assert sum(left.count for left in done.left_out if left.effect == "lost") == 8


def played(path: Path) -> list[tuple[str, Any]]:
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        return [(s.name, content) for s, c, _, content in reader.iter_decoded_messages() if c.topic == "/cam"]


class Latest:
    """A recording that goes on, of which the latest packets are known."""

    def __init__(self, sent: Sequence[bytes]) -> None:
        self._sent = [
            Samples(
                stream="/cam",
                arrival_ns=np.array([place + 1]),
                device_ns=None,
                seq=np.array([place]),
                content=Pictures(data=(data,), width_px=make.WIDTH, height_px=make.HEIGHT),
            )
            for place, data in enumerate(sent)
        ]

    def latest(self, stream: str, most: int) -> Sequence[Samples]:
        return self._sent[-most:] if stream == "/cam" else ()


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_preview_shows_the_newest_key_frame(codec):
    sent, _ = make.packets(codec)

    def page(count: int) -> Preview:
        return Preview(Latest(sent[:count]), thumbnail)

    first = page(24).picture("/cam", "")
    assert make.number_of(shown(first.body)) == 12
    assert make.number_of(shown(page(30).picture("/cam", "").body)) == 24
    assert page(20).picture("/cam", first.headers["X-Picture"]).body == b"", "the page has it"
    assert Preview(Latest(sent[3:9]), thumbnail).picture("/cam", "").body == b""


@pytest.mark.live
def test_a_camera_over_rtsp_has_pictures_once_it_is_ingested(tmp_path):
    served = RtspCamera(video("mpegts"))
    camera = SensorOfRig(name="cam", source="camera", device=served.url)
    rig = Rig(name="bench", about="", sensors=[camera], text="rig: 1\n")
    try:
        with Recording(tmp_path / "take.mcap", rig, {}) as recording:
            recording.wait(2.0)
    finally:
        served.close()

    ingest(tmp_path / "set", Request(paths=[tmp_path / "take.mcap"]))

    with rushes.open_dataset(tmp_path / "set") as opened:
        frames = opened.frames("take", "/cam/image/compressed")
        assert (frames.stream["width"], frames.stream["height"]) == (64, 48)
        assert len(frames) > 20
        for index in range(20):
            difference = np.abs(frames.image(index).astype(int) - drawn(index)[:, :, ::-1])
            assert difference.mean() < 12, index


def test_packets_that_are_replayed_and_recorded_again_give_the_same_pictures(tmp_path):
    sent, numbers = make.packets("h264")
    old = make.recording(tmp_path / "old.mcap", "h264", sent)
    again = SensorOfRig(name="old", source="replay", device=str(old), options={})
    rig = Rig(name="again", about="", sensors=[again], text="rig: 1\n")
    with Recording(tmp_path / "again.mcap", rig, {}) as recording:
        recording.wait(4.0)
    ingest(tmp_path / "set", Request(paths=[tmp_path / "again.mcap"]))

    with rushes.open_dataset(tmp_path / "set") as opened:
        (frames,) = opened.picture_streams("again")
        assert [make.number_of(frames.image(index)) for index in range(40)] == list(numbers)


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_packets_of_a_real_camera_decode_as_in_their_file(shared_data, frames_of, tmp_path, compression):
    clip = min((shared_data / "video").rglob("*.mkv"))
    with av.open(str(clip)) as container:
        track = container.streams.video[0]
        plain = BitStreamFilterContext("h264_mp4toannexb", track)
        sent = [made for packet in container.demux(track) if packet.size for made in plain.filter(packet)][:90]
        stamps = [packet.pts for packet in sent]
    frames = frames_of("h264", [bytes(packet) for packet in sent], compression=compression)
    with av.open(str(clip)) as container:
        truth = {frame.pts: frame.to_ndarray(format="rgb24") for frame in islice(container.decode(video=0), 80)}

    for index in range(60):
        assert np.array_equal(frames.image(index), truth[stamps[index]])
