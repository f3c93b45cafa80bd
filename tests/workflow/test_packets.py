"""Pictures out of packets of video in message recordings, from the file to every place that shows them."""

import random
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

import packet_recordings as make
import rushes
from rushes.errors import ReadError
from rushes.model import FrameFlag
from rushes.packets import units
from rushes.workflow.check import Settings, check
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.pictures import Frames

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
