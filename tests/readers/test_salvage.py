"""What was written before a crash is read, and what is damaged costs itself alone and is named with its bytes.

Each recording is cut at boundaries of its units and at drawn bytes, and has drawn bits flipped. Units are what a
format can check or skip by itself: chunks of MCAP and bags, packets of MKV and MP4. Whatever the damage: a sample
is as it was, or it is missing and that is told, with the time it happened. A stamp that changed can only be told
where the format has checksums.
"""

import io
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mcap.exceptions import EndOfFile
from mcap.records import Channel, Chunk, Message
from mcap.stream_reader import StreamReader, breakup_chunk

from readers import mcap_recordings, xdf_writing
from readers.bag_writing import write_bag1, write_bag2
from readers.reading import assert_books_balance, opened, tables
from readers.test_rosbag_damage import chunk_places
from rushes.errors import ReadError
from rushes.model import Loss
from rushes.readers._mcap import messages

PARTS = 1 << 20
PLACES = st.integers(0, PARTS - 1)
quick = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
Tables = Mapping[str, Mapping[str, list[Any]]]


class Whole:
    """A recording as it was before the damage; ``units``: where each begins and ends, and the rows in it.

    No dataclass: of one hypothesis would print every byte.
    """

    def __init__(
        self, name: str, reader: str, data: bytes, found: Tables, units: list[tuple[int, int, Counter[str]]]
    ) -> None:
        self.name, self.reader, self.data, self.found, self.units = name, reader, data, found, units

        self.kind = ""
        self.times = times(found)
        self.told: tuple[set[str], Counter[str]] = (set(), Counter())

    def __repr__(self) -> str:
        return f"<{self.name}>"


def times(found: Tables) -> dict[str, Counter[int]]:
    """Give the times of the samples of each stream."""
    return {
        stream: Counter(columns.get("t_log_ns") or columns.get("t_ns") or ()) for stream, columns in found.items()
    }


def covers(loss: Loss, stream: str, t_ns: int) -> bool:
    """Tell whether a loss speaks of a sample; an end that it does not know is open."""
    if loss.stream not in (None, stream):
        return False
    if loss.byte_from is None and loss.start_ns is None and loss.code not in WHOLE:
        return False
    after = loss.start_ns is None or loss.start_ns <= t_ns
    return after and (loss.end_ns is None or t_ns <= loss.end_ns)


def read(path: Path, reader: str, **options: Any) -> tuple[Tables, list[Loss]]:
    """Read all that can be read; the books balance."""
    with opened(path, reader, **options) as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        return found, list(recording.losses())


def counts(found: Tables) -> Counter[str]:
    return Counter({stream: len(columns["index"]) for stream, columns in found.items()})


def written(path: Path, reader: str, units: list[tuple[int, int, Counter[str]]]) -> Whole:
    found, losses = read(path, reader)
    assert not [loss for loss in losses if loss.code != "read.no-footer"]
    return Whole(name=path.name, reader=reader, data=path.read_bytes(), found=found, units=units)


def mcap_units(data: bytes) -> list[tuple[int, int, Counter[str]]]:
    """Give the chunks of an MCAP file by the plain library."""
    topics: dict[int, str] = {}
    units = []
    stream = io.BytesIO(data)
    before = stream.tell()
    with suppress(EndOfFile):
        for record in StreamReader(stream, emit_chunks=True).records:
            after = stream.tell()
            if isinstance(record, Chunk):
                held: Counter[str] = Counter()
                for each in breakup_chunk(record):
                    if isinstance(each, Channel):
                        topics[each.id] = each.topic
                    elif isinstance(each, Message):
                        held[topics[each.channel_id]] += 1
                units.append((before, after, held))
            before = after
    return units


def killed(path: Path, compression: str, count: int = 60) -> Path:
    """Write a file as a recorder that is killed leaves it: no summary, no end, nothing behind the last chunk."""
    whole = mcap_recordings.write(path, *mcap_recordings.rig(count), compression=compression, chunk_size=3000)
    data = whole.read_bytes()
    last = mcap_units(data)[-1][1]
    whole.write_bytes(data[:last])
    return whole


def bag_units(data: bytes, found: Tables) -> list[tuple[int, int, Counter[str]]]:
    """Give the chunks of a bag, and how many pictures each holds, by where these lie."""
    units = []
    for start, end in chunk_places(data):
        held = [
            stream
            for stream, columns in found.items()
            for place, block in zip(columns.get("offset", ()), columns.get("block", ()), strict=True)
            if (start <= place < end if block is None else start - 200 < block < start)
        ]
        units.append((start, end, Counter(held)))
    return units


def video(path: Path, form: str, options: Mapping[str, str]) -> Path:
    """Write 40 pictures of noise, with sound."""
    with av.open(str(path), "w", format=form, options=dict(options)) as out:
        pictures = out.add_stream("mpeg4", rate=25)
        pictures.width, pictures.height, pictures.pix_fmt, pictures.gop_size = 64, 48, "yuv420p", 5
        sound = out.add_stream("aac" if form == "mp4" else "pcm_s16le", rate=16_000)
        for number in range(40):
            pixels = np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = number
            out.mux(pictures.encode(frame))
            block = av.AudioFrame.from_ndarray(np.zeros((1, 640), np.int16), format="s16", layout="mono")
            block.sample_rate, block.pts = 16_000, number * 640
            out.mux(sound.encode(block))
        for stream in (pictures, sound):
            out.mux(stream.encode(None))
    return path


def box_ends(data: bytes) -> set[int]:
    """Give where the outermost boxes of an MP4 file end."""
    at, found = 0, set[int]()
    while at < len(data):
        at += int.from_bytes(data[at : at + 4], "big")
        found.add(at)
    return found


def rows_by_place(whole: Tables) -> list[tuple[int, int, Counter[str]]]:
    """Give each row whose bytes lie plain in the file as a unit of its own."""
    return [
        (offset, offset + length, Counter({stream: 1}))
        for stream, columns in whole.items()
        for offset, length in zip(columns.get("offset", ()), columns.get("length", ()), strict=True)
        if offset is not None
    ]


KINDS = ["mcap-none", "mcap-lz4", "mcap-zstd", "killed-none", "killed-lz4", "killed-zstd", "bag-none", "bag-lz4"]
KINDS += ["db3", "xdf", "mkv", "mp4", "plainmp4", "avi"]
CHECKED = {"mcap", "killed", "mkv"}
"""Kinds whose stamps lie under a checksum."""


WHOLE = {"read.no-footer", "read.unknown-codec"}
"""Losses that concern all that a stream holds, or all of its end."""
VIDEOS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "mp4": ("a.mp4", "mp4", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
    "plainmp4": ("plain.mp4", "mp4", {"movflags": "faststart"}),
    "mkv": ("a.mkv", "matroska", {"cluster_time_limit": "400"}),
    "avi": ("a.avi", "avi", {}),
}


@pytest.fixture(scope="module", params=KINDS)
def whole(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """A recording of each kind."""
    made = _made(request.param, tmp_path_factory.mktemp("whole"))
    made.kind = request.param.partition("-")[0]
    path = tmp_path_factory.mktemp("again") / made.name
    path.write_bytes(made.data)
    with opened(path, made.reader) as recording:
        tables(recording)
        made.told = told(recording)
    return made


def told(recording: Any) -> tuple[set[str], Counter[str]]:
    """Give what a recording says of its losses, and how many samples of each stream are refused or unread."""
    refused = Counter[str]()
    for entry in recording.ledger():
        refused[entry.stream] += entry.rejected + entry.unread
    return {loss.said for loss in recording.losses()}, refused


def _made(name: str, place: Path) -> Whole:
    kind, _, compression = name.partition("-")
    if kind == "mcap":
        path = mcap_recordings.write(
            place / "a.mcap", *mcap_recordings.rig(60), compression=compression, chunk_size=3000
        )
        return written(path, "mcap", mcap_units(path.read_bytes()))
    if kind == "killed":
        path = killed(place / "a.mcap", compression)
        found, losses = read(path, "mcap")
        assert [loss.code for loss in losses] == ["read.truncated"]
        data = path.read_bytes()
        return Whole(path.name, "mcap", data, found, mcap_units(data))
    if kind == "bag":
        path = write_bag1(place / "a.bag", compression=compression).path
        made = written(path, "rosbag", [])
        made.units = bag_units(made.data, made.found)
        return made
    if kind == "db3":
        folder = write_bag2(place / "a", storage="sqlite3", packed="none").path
        path = next(path for path in folder.iterdir() if path.suffix == ".db3")
        return written(path, "rosbag", [])
    if kind == "xdf":
        return written(xdf_writing.session(place / "a.xdf"), "xdf", [])
    made = written(video(place / VIDEOS[kind][0], *VIDEOS[kind][1:]), "video", [])
    made.units = rows_by_place(made.found) if kind != "avi" else []
    return made


def damaged(whole: Whole, folder: Path, data: bytes, **options: Any) -> tuple[Tables, list[Loss]] | None:
    """Read a damaged copy; None where it is refused as having no whole unit."""
    path = folder / whole.name
    path.write_bytes(data)
    try:
        return read(path, whole.reader, **options)
    except ReadError as error:
        refusal = error
    assert refusal.code.startswith("read.")
    assert refusal.hint
    return None


def first_unit(whole: Whole) -> int:
    """Give a byte before which nothing needs to be told from the file."""
    known = min((end for _, end, _ in whole.units), default=None)
    return known if known is not None else len(whole.data) // 2


def holds_units(whole: Whole, found: Tables, units: list[tuple[int, int, Counter[str]]]) -> None:
    wanted: Counter[str] = Counter()
    for _, _, held in units:
        wanted += held
    have = counts(found)
    assert all(have[stream] >= count for stream, count in wanted.items()), (whole, wanted, have)


def dates_all(whole: Whole, found: Tables, losses: list[Loss]) -> None:
    """Hold the spans of losses to the samples that are missing."""
    have = times(found)
    for stream, before in whole.times.items():
        for t_ns in before - have.get(stream, Counter()):
            assert any(covers(loss, stream, t_ns) for loss in losses), (whole, stream, t_ns, losses)


def check_cut(whole: Whole, folder: Path, length: int) -> None:
    result = damaged(whole, folder, whole.data[:length])
    if result is None:
        assert length < first_unit(whole), f"a cut at byte {length} is refused"
        return
    found, losses = result
    holds_units(whole, found, [unit for unit in whole.units if unit[1] <= length])
    if whole.name == "a.mp4" and length in box_ends(whole.data):
        return  # a file that is written on and on may end with any box
    dates_all(whole, found, losses)
    for stream, columns in found.items():
        for name in {"index", "t_log_ns", "pts"} & columns.keys():
            rows = len(columns[name])
            assert columns[name] == whole.found[stream][name][:rows], (length, stream, name)
    assert losses, f"a cut at byte {length} is not told"
    assert [loss for loss in losses if loss.byte_from is not None and loss.byte_from <= length], losses


@quick
@given(place=PLACES)
def test_a_cut_at_any_byte_leaves_every_whole_unit_before_it(whole: Whole, tmp_path: Path, place: int) -> None:
    check_cut(whole, tmp_path, len(whole.data) * place // PARTS)


def test_a_cut_at_a_boundary_of_units_leaves_every_whole_unit_before_it(whole: Whole, tmp_path: Path) -> None:
    ends = sorted({end for _, end, _ in whole.units})
    for end in ends[:: max(1, len(ends) // 5)]:
        for length in (end - 1, end, end + 1):
            if length < len(whole.data):
                check_cut(whole, tmp_path, length)


def test_a_second_reading_names_the_same_losses(whole: Whole, tmp_path: Path) -> None:
    path = tmp_path / whole.name
    path.write_bytes(whole.data[: len(whole.data) * 4 // 5])
    with opened(path, whole.reader) as recording:
        before = list(recording.losses())
        tables(recording)
        once = list(recording.losses())
        tables(recording)
        assert list(recording.losses()) == once
        assert {loss.said for loss in before} <= {loss.said for loss in once}


@quick
@given(place=PLACES, bit=st.integers(0, 7))
def test_a_flipped_bit_costs_no_more_than_its_unit(whole: Whole, tmp_path: Path, place: int, bit: int) -> None:
    at = len(whole.data) * place // PARTS
    data = bytearray(whole.data)
    data[at] ^= 1 << bit
    options = {"verify_checksums": True} if whole.reader == "mcap" else {}

    result = damaged(whole, tmp_path, bytes(data), **options)

    if result is None:
        assert at < first_unit(whole) or whole.name.endswith(".db3"), f"a flip at byte {at} is refused"
        return
    found, losses = result
    if whole.name.endswith(".mcap") and at >= whole.units[0][1]:  # the first chunk holds the definitions
        holds_units(whole, found, [unit for unit in whole.units if not unit[0] <= at < unit[1]])
    new = {loss.said for loss in losses} - whole.told[0]
    have = times(found)
    missing = {stream: before - have.get(stream, Counter()) for stream, before in whole.times.items()}
    added = {stream: after - whole.times.get(stream, Counter()) for stream, after in have.items()}
    if counts(found) != counts(whole.found) or (whole.kind in CHECKED and any(missing.values())):
        assert new, f"a flip at byte {at} costs or makes rows and is not told"
    # The damaged tables of an MP4 may name another track or time than was written: the loss is told, not dated.
    if any(missing.values()) and not any(added.values()) and whole.kind not in ("mp4", "plainmp4"):
        dates_all(whole, found, losses)


@pytest.mark.parametrize("compression", ["lz4", "zstd"])
def test_a_damaged_first_chunk_does_not_take_the_definitions_of_all_others_with_it(
    tmp_path: Path, compression: str
) -> None:
    path = killed(tmp_path / "a.mcap", compression)
    whole, _ = read(path, "mcap")
    data = bytearray(path.read_bytes())
    start, _, held = mcap_units(bytes(data))[0]
    data[start + 9 + 24] ^= 1  # the checksum of its records
    path.write_bytes(data)

    found, losses = read(path, "mcap")

    assert counts(found) == counts(whole) - held
    assert any("definitions of 4 channels" in loss.message for loss in losses)


def test_a_recording_of_which_nothing_can_be_told_says_how_many_messages_it_held(tmp_path: Path) -> None:
    path = killed(tmp_path / "a.mcap", "zstd")
    data = bytearray(path.read_bytes())
    units = mcap_units(bytes(data))
    data[units[0][0] + 60 : units[0][1] - 200] = bytes(units[0][1] - 200 - units[0][0] - 60)
    path.write_bytes(data)

    found, losses = read(path, "mcap")

    assert not any(counts(found).values())
    unknown = sum(loss.count or 0 for loss in losses if "does not define" in loss.message)
    assert unknown == sum(sum(held.values()) for _, _, held in units[1:])


def test_a_list_of_millions_of_samples_costs_its_fragment_alone(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "mp4", VIDEOS["mp4"][2])
    whole, _ = read(path, "video")
    data = bytearray(path.read_bytes())
    count_at = data.index(b"trun", data.index(b"moof", data.index(b"moof") + 4)) + 8
    for byte in range(3):
        changed = data.copy()
        changed[count_at + byte] ^= 0x40
        path.write_bytes(changed)

        found, losses = read(path, "video")

        missing = counts(whole) - counts(found)
        assert 0 < sum(missing.values()) < 20
        assert any("which cannot be" in loss.message and loss.start_ns is not None for loss in losses)
        for stream, columns in found.items():
            assert set(columns["t_ns"]) <= set(whole[stream]["t_ns"])


def test_a_fragment_for_which_ffmpeg_refuses_the_file_costs_itself_alone(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "mp4", VIDEOS["mp4"][2])
    whole, _ = read(path, "video")
    data = bytearray(path.read_bytes())
    refused = []
    for at in [at for at in range(len(data)) if data[at : at + 4] == b"tfhd"][4:]:
        changed = data.copy()
        changed[at] ^= 0x10  # its track has no head any more
        path.write_bytes(changed)
        try:
            av.open(str(path)).close()
        except av.FFmpegError:
            refused.append(changed)
    assert refused
    path.write_bytes(refused[0])

    found, losses = read(path, "video")

    assert 0 < sum((counts(whole) - counts(found)).values()) < 10
    assert all(set(found[stream]["t_ns"]) <= set(whole[stream]["t_ns"]) for stream in whole)
    assert any("the head of a track" in loss.message and loss.start_ns is not None for loss in losses)


def test_a_fragment_that_was_taken_out_is_missed_by_its_number(tmp_path: Path) -> None:
    path = video(tmp_path / "a.mp4", "mp4", VIDEOS["mp4"][2])
    whole, _ = read(path, "video")
    data = path.read_bytes()
    starts = [at - 4 for at in range(len(data)) if data[at : at + 4] == b"moof"]
    path.write_bytes(data[: starts[2]] + data[starts[3] :])

    found, losses = read(path, "video")

    missing = {stream: set(whole[stream]["t_ns"]) - set(found[stream]["t_ns"]) for stream in whole}
    (loss,) = losses
    assert "1 are missing" in loss.message
    assert loss.start_ns is not None
    assert loss.end_ns is not None
    assert all(loss.start_ns <= t_ns <= loss.end_ns for gone in missing.values() for t_ns in gone)
    assert any(missing.values())


@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_a_damaged_length_of_a_chunk_costs_that_chunk_alone_without_an_index(
    tmp_path: Path, compression: str
) -> None:
    path = killed(tmp_path / "a.mcap", compression)
    data = bytearray(path.read_bytes())
    whole, _ = read(path, "mcap")
    units = mcap_units(bytes(data))
    start, _, held = units[3]
    for byte in (0, 1, 3, 6):  # the kind of the record, and its length
        path.write_bytes(data[: start + byte] + bytes([data[start + byte] ^ 0x55]) + data[start + byte + 1 :])

        found, losses = read(path, "mcap", verify_checksums=True)

        missing = counts(whole) - counts(found)
        assert not missing - held
        if missing:
            (loss,) = [loss for loss in losses if loss.code == "read.damaged"]
            assert loss.byte_from is not None
            assert loss.byte_to is not None
            assert loss.byte_from <= start < loss.byte_to <= units[4][0]
            assert loss.start_ns is not None
            assert loss.end_ns is not None
            assert loss.start_ns <= loss.end_ns


def test_a_killed_recording_is_opened_without_unpacking_its_chunks(tmp_path: Path, monkeypatch: Any) -> None:
    path = killed(tmp_path / "a.mcap", "zstd", 120)
    unpacked: list[int] = []
    original = messages.unpack
    monkeypatch.setattr(messages, "unpack", lambda *given: unpacked.append(1) or original(*given))

    with opened(path, "mcap") as recording:
        assert len(recording.description.streams) == 4
        assert recording.description.end_ns == mcap_recordings.START_NS + 119_000_000

    assert len(unpacked) <= 6 < len(mcap_units(path.read_bytes())) // 2
