"""Which bag a path is, and the source of messages that reads it."""

import sqlite3
from functools import partial
from pathlib import Path

import zstandard

from rushes.errors import ReadError
from rushes.model import Claim
from rushes.readers._mcap.packed import PackedMessages, looks_packed
from rushes.readers._mcap.source import McapSource
from rushes.readers._messages import bag2, bag2_metadata
from rushes.readers._messages.bag1 import Bag1
from rushes.readers._messages.recording import MessageRecording, Source
from rushes.readers._messages.sqlite import SqliteFile
from rushes.registry import late

SQLITE_MAGIC = b"SQLite format 3\0"
MCAP_MAGIC = b"\x89MCAP0\r\n"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
OLD_BAGS = (b"#ROSBAG V", b"#ROSRECORD V")
PACKED_HEAD = 256 << 10
"""Bytes of a compressed file that are unpacked to see what is in it: two blocks of zstd at most."""


def open_bag(path: Path, distro: str, *, reader: str) -> MessageRecording:
    """Open a bag as a recording; raises as :func:`open_source`."""
    source = open_source(path, distro)
    try:
        return MessageRecording(source, root=path, reader=reader)
    except BaseException:
        source.close()
        raise


def open_source(path: Path, distro: str) -> Source:
    """Open a ``.bag`` file, a bag's folder, or one storage file.

    Raises:
        ReadError: If it cannot be read as a bag.
    """
    open_part = partial(_open_part, distro=distro)
    if path.is_dir():
        return bag2.open_folder(path, open_part)
    match = bag2_metadata.STORAGE.match(path.name)
    head = _head(path, 16)
    if head.startswith((SQLITE_MAGIC, ZSTD_MAGIC)) or (match is not None and not head.startswith(OLD_BAGS)):
        return bag2.open_file(path, open_part)
    return Bag1(path)


def _open_part(path: Path, *, media_id: str, packed_messages: bool | None, distro: str) -> Source:
    head = _head(path, 16)
    if not head:
        raise ReadError(
            f"{path}: has no bytes",
            code="read.empty",
            hint="look whether the recording or the copy finished",
            facts={"file": str(path)},
        )
    packed_file = head.startswith(ZSTD_MAGIC)
    match = bag2_metadata.STORAGE.match(path.name)
    if (match is not None and match["kind"] == "mcap") or head.startswith(MCAP_MAGIC):
        mcap = McapSource(path, media_id=media_id, packed_file=packed_file)
        return mcap if not packed_messages and not looks_packed(mcap) else PackedMessages(mcap)
    return SqliteFile(
        path,
        media_id=media_id,
        packed_file=packed_file,
        packed_messages=packed_messages,
        definition=partial(_definition, distro),
    )


def _definition(chosen: str, message_type: str, recorded: str) -> tuple[bytes, str]:
    known = late("rushes.readers._messages.ros2_definitions")
    text = known.definition(message_type, chosen or recorded)
    return (text.encode(), "ros2msg") if text is not None else (b"", "")


def claim_folder(folder: Path) -> Claim:
    """Look for a ROS 2 bag's metadata, or for storage files of one name."""
    listing = folder / bag2_metadata.METADATA
    if listing.is_file() and bag2_metadata.ROOT_KEY.encode() in _head(listing, 1 << 16):
        return Claim(confidence=0.95, reason=f"its {bag2_metadata.METADATA} is that of a ROS 2 bag")
    files = bag2_metadata.storage_files(folder)
    matches = [match for file in files if (match := bag2_metadata.STORAGE.match(file.name))]
    kinds = {match["kind"] for match in matches}
    if not files or (kinds == {"mcap"} and not all(match["number"] for match in matches)):
        return Claim(confidence=0.0, reason="it is a folder without metadata.yaml or .db3 files")
    if len({match["stem"] for match in matches}) > 1:
        return Claim(confidence=0.0, reason="its storage files are of several bags; name one of them")
    if _head(files[0], 16).startswith(SQLITE_MAGIC) and not (inside := claim_database(files[0])).confidence:
        return inside
    if "db3" in kinds:
        return Claim(confidence=0.7, reason=f"it holds {len(files)} .db3 files of one name, and no metadata.yaml")
    return Claim(confidence=0.6, reason=f"it holds {len(files)} numbered .mcap files of one name")


def claim_database(path: Path) -> Claim:
    """Look for the tables of a ROS 2 bag."""
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
        try:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        finally:
            database.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:  # the second: SQLite quotes damaged text
        confidence = 0.5 if path.suffix == ".db3" else 0.0
        return Claim(confidence=confidence, reason=f"it is a SQLite database that cannot be read: {error}")
    if {"topics", "messages"} <= tables:
        return Claim(confidence=0.9, reason="it is a SQLite database with tables 'topics' and 'messages'")
    return Claim(confidence=0.0, reason="it is a SQLite database without tables 'topics' and 'messages'")


def claim_packed(path: Path) -> Claim:
    """Look into a storage file that is compressed as a whole."""
    if not bag2_metadata.STORAGE.match(path.name):
        return Claim(confidence=0.0, reason="its name is not that of a compressed storage file")
    try:
        inside = zstandard.ZstdDecompressor().decompressobj().decompress(_head(path, PACKED_HEAD))
    except zstandard.ZstdError as error:
        return Claim(confidence=0.3, reason=f"its name is that of a compressed storage file; it fails: {error}")
    if inside.startswith((SQLITE_MAGIC, MCAP_MAGIC)):
        return Claim(confidence=0.9, reason="it is a storage file of a ROS 2 bag, compressed as a whole")
    return Claim(confidence=0.0, reason="what is compressed in it is not a storage file of a ROS 2 bag")


def _head(path: Path, count: int) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(count)
    except OSError as error:
        raise ReadError(
            f"{path}: cannot be read: {error.strerror}",
            code="read.absent-file",
            hint="look at the path and its permissions",
            facts={"file": str(path)},
        ) from error
