"""Bytes are read where they lie, whole or not at all, and a file is told by its content."""

import struct
from pathlib import Path

import lz4.frame
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from rushes import media
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import Location


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bytes"
    path.write_bytes(bytes(range(256)) * 16)
    return path


def test_a_read_gives_exactly_the_bytes_named(file: Path) -> None:
    with MediaReader() as reader:
        assert reader.read(Location(path=file, offset=250, length=12)) == bytes([*range(250, 256), *range(6)])
        assert len(reader.read(Location(path=file))) == 4096


def test_bytes_beyond_the_end_are_an_error_with_the_numbers(file: Path) -> None:
    with MediaReader() as reader, pytest.raises(ReadError) as caught:
        reader.read(Location(path=file, offset=4090, length=10))
    assert caught.value.code == "read.short"
    assert caught.value.facts == {"file": str(file), "offset": 4090, "wanted": 10, "got": 6}


def test_a_file_that_is_gone_is_an_error_that_names_it(tmp_path: Path) -> None:
    with MediaReader() as reader, pytest.raises(ReadError, match=r"gone\.mcap"):
        reader.read(Location(path=tmp_path / "gone.mcap", offset=0, length=1))


def test_more_files_than_are_kept_open_can_be_read(tmp_path: Path) -> None:
    paths = [tmp_path / str(n) for n in range(media.OPEN_FILES + 20)]
    for n, path in enumerate(paths):
        path.write_bytes(struct.pack("<I", n))
    with MediaReader() as reader:
        for _ in range(2):
            got = [struct.unpack("<I", reader.read(Location(path=p, offset=0, length=4)))[0] for p in paths]
            assert got == list(range(len(paths)))


@given(st.binary(max_size=2000))
def test_every_compression_gives_back_what_went_in(data: bytes) -> None:
    assert media.unpack("", data) == data
    assert media.unpack("lz4", lz4.frame.compress(data)) == data
    assert media.unpack("zstd", zstandard.ZstdCompressor().compress(data), len(data)) == data


@pytest.mark.parametrize("compression", ["lz4", "zstd", "bz2"])
def test_damaged_blocks_are_an_error_of_the_recording(compression: str) -> None:
    with pytest.raises(ReadError) as caught:
        media.unpack(compression, b"this is no compressed block at all")
    assert caught.value.code == "read.damaged"


def test_an_unknown_compression_is_named() -> None:
    with pytest.raises(ReadError, match="brotli"):
        media.unpack("brotli", b"")


def test_the_fingerprint_follows_content_not_place(tmp_path: Path) -> None:
    here, there = tmp_path / "a", tmp_path / "b"
    here.write_bytes(b"x" * 3_000_000)
    there.write_bytes(b"x" * 3_000_000)
    assert media.fingerprint([("", here)]) == media.fingerprint([("", there)])
    there.write_bytes(b"x" * 2_999_999 + b"y")
    assert media.fingerprint([("", here)]) != media.fingerprint([("", there)])


def test_the_fingerprint_does_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    pairs = [("a", tmp_path / "a"), ("b", tmp_path / "b")]
    assert media.fingerprint(pairs) == media.fingerprint(reversed(pairs))


def test_a_hashed_copy_is_whole_and_leaves_nothing_beside_it(file: Path, tmp_path: Path) -> None:
    digest = media.copy_hashed(file, tmp_path / "deep" / "copy")
    assert (tmp_path / "deep" / "copy").read_bytes() == file.read_bytes()
    assert digest == media.sha256_of(file)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["copy"]
