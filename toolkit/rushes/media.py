"""Encoded bytes: reading them where they lie, and telling a file by its content.

A random read is one ``pread``. Bytes inside compressed chunks are unpacked once and the last few chunks kept.
"""

import base64
import bz2
import hashlib
import os
import sqlite3
import struct
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from threading import Lock

import lz4.frame
import zstandard

from rushes.errors import ReadError
from rushes.model import Location
from rushes.plain_copies import Packing, plain_copy

CHUNK_CACHE_BYTES = 64 << 20
OPEN_FILES = 128
MCAP_MESSAGE = 0x05
MCAP_MESSAGE_HEAD = 22
"""Bytes of a Message record before its data: channel, sequence, log time, publish time."""
VRS_RECORD = struct.Struct("<I23xBI")
"""Head of a VRS record: its size with the head, 23 bytes of other things, compression, size when unpacked."""
VRS_COMPRESSIONS = {0: "", 1: "lz4", 2: "zstd"}
FINGERPRINT_BLOCK = 64 << 10
FINGERPRINT_BLOCKS = 16
FILE_PACKINGS: dict[str, Packing] = {"zstd": "zstd", "mend": "mend"}
"""What can stand behind the dot of a container: how the plain copy is made that is read in the file's place."""


class MediaReader:
    """Reads payloads by location; safe to share between threads. Close it, or use it as a context manager."""

    def __init__(self) -> None:
        self._descriptors: OrderedDict[Path, int] = OrderedDict()
        self._blocks: OrderedDict[tuple[Path, int], bytes] = OrderedDict()
        self._block_bytes = 0
        self._copies: dict[Path, Path] = {}
        self._loans = ExitStack()
        self._lock = Lock()

    def __enter__(self) -> "MediaReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every file that was opened."""
        with self._lock:
            for descriptor in self._descriptors.values():
                os.close(descriptor)
            self._descriptors.clear()
            self._blocks.clear()
            self._block_bytes = 0
            self._copies.clear()
            self._loans.close()

    def read(self, location: Location) -> bytes:
        """Give the encoded bytes at a location.

        Raises:
            ReadError: ``read.absent-file`` if the file is gone, ``read.short`` if it ends before the bytes do.
        """
        if "." in location.container:
            location = self._in_copy(location)
        if location.block is not None:
            data = self._from_block(location)
        elif location.offset is None or location.length is None:
            data = _whole(location.path)
        else:
            data = self._pread(location.path, location.length, location.offset)
        return _unpack_payload(data, location.packing) if location.packing else data

    def _in_copy(self, location: Location) -> Location:
        file, plus, each = location.container.partition("+")
        kind, _, packing = file.partition(".")
        with self._lock:
            if location.path not in self._copies:
                self._copies[location.path] = self._loans.enter_context(
                    plain_copy(location.path, FILE_PACKINGS[packing])
                ).path
            return replace(location, path=self._copies[location.path], container=kind + plus + each)

    def _pread(self, path: Path, length: int, offset: int) -> bytes:
        with self._lock:  # held over the read, so that no other thread closes the descriptor meanwhile
            data = os.pread(self._descriptor(path), length, offset)
        if len(data) != length:
            raise _short(path, offset, length, len(data))
        return data

    def _descriptor(self, path: Path) -> int:
        descriptor = self._descriptors.get(path)
        if descriptor is None:
            try:
                descriptor = os.open(path, os.O_RDONLY)
            except OSError as error:
                raise _absent(path, error) from error
            self._descriptors[path] = descriptor
            if len(self._descriptors) > OPEN_FILES:
                os.close(self._descriptors.popitem(last=False)[1])
        else:
            self._descriptors.move_to_end(path)
        return descriptor

    def _from_block(self, location: Location) -> bytes:
        assert location.block is not None
        assert location.offset is not None
        assert location.length is not None
        block = self._block(location.path, location.container, location.block)
        data = block[location.offset : location.offset + location.length]
        if len(data) != location.length:
            raise _short(location.path, location.block + location.offset, location.length, len(data))
        return data

    def _block(self, path: Path, container: str, place: int) -> bytes:
        key = (path, place)
        with self._lock:
            cached = self._blocks.get(key)
            if cached is not None:
                self._blocks.move_to_end(key)
                return cached
        block = self._unpacked_block(path, container, place)
        with self._lock:
            if key not in self._blocks:
                self._blocks[key] = block
                self._block_bytes += len(block)
            while self._block_bytes > CHUNK_CACHE_BYTES and len(self._blocks) > 1:
                self._block_bytes -= len(self._blocks.popitem(last=False)[1])
        return block

    def _unpacked_block(self, path: Path, container: str, place: int) -> bytes:
        if container == "sqlite3":
            return _sqlite_row(path, place)
        if container == "sqlite3+zstd":
            return unpack("zstd", _sqlite_row(path, place))
        if container == "mcap+zstd":
            return self._packed_messages(path, place)
        if container == "vrs":
            return self._vrs_record(path, place)
        return self._chunk(path, container, place)

    def _packed_messages(self, path: Path, place: int) -> bytes:
        kind, length = struct.unpack("<BQ", self._pread(path, 9, place))
        record = self._pread(path, length, place + 9)
        if kind == MCAP_MESSAGE:
            return unpack("zstd", memoryview(record)[MCAP_MESSAGE_HEAD:])
        return b"".join(unpack_message(data) for _, data in mcap_messages(mcap_chunk(record)))

    def _vrs_record(self, path: Path, place: int) -> bytes:
        size, kind, unpacked = VRS_RECORD.unpack(self._pread(path, VRS_RECORD.size, place))
        data = self._pread(path, max(size - VRS_RECORD.size, 0), place + VRS_RECORD.size)
        return unpack(VRS_COMPRESSIONS.get(kind, str(kind)), data, unpacked)

    def _chunk(self, path: Path, container: str, place: int) -> bytes:
        read = partial(self._pread, path)
        if container == "mcap":
            return mcap_chunk(read(struct.unpack("<Q", read(8, place + 1))[0], place + 9))
        if container == "bag":
            header = read(struct.unpack("<I", read(4, place))[0], place + 4)
            size_at = place + 4 + len(header)
            return unpack(
                bag_fields(header)["compression"].decode(),
                read(struct.unpack("<I", read(4, size_at))[0], size_at + 4),
            )
        raise ReadError(f"{path}: a '{container}' has no blocks", code="read.short")


def mcap_chunk(record: bytes | memoryview) -> bytes:
    """Unpack the records of an MCAP Chunk, given the content of the chunk record."""
    name_length = struct.unpack_from("<I", record, 28)[0]
    compression = bytes(record[32 : 32 + name_length]).decode()
    unpacked_size = struct.unpack_from("<Q", record, 16)[0]
    start = 32 + name_length + 8
    return unpack(compression, record[start:], unpacked_size)


def mcap_messages(records: bytes | memoryview) -> Iterator[tuple[int, memoryview]]:
    """Give place and data of each Message among the records of an MCAP chunk, in order."""
    view = memoryview(records)
    at = 0
    while at + 9 <= len(view):
        kind, length = struct.unpack_from("<BQ", view, at)
        if kind == MCAP_MESSAGE:
            data_at = at + 9 + MCAP_MESSAGE_HEAD
            yield data_at, view[data_at : at + 9 + length]
        at += 9 + length


def unpack_message(data: bytes | memoryview) -> bytes:
    """Unpack a message that is a zstd frame by itself; nothing where it does not unpack."""
    try:
        return unpack("zstd", data)
    except ReadError:
        return b""


def bag_fields(header: bytes | memoryview) -> dict[str, bytes]:
    """Split the header of a ROS 1 bag record into its fields."""
    fields: dict[str, bytes] = {}
    place = 0
    while place < len(header):
        length = struct.unpack_from("<I", header, place)[0]
        name, _, value = bytes(header[place + 4 : place + 4 + length]).partition(b"=")
        fields[name.decode()] = value
        place += 4 + length
    return fields


def unpack(compression: str, data: bytes | memoryview, size: int | None = None) -> bytes:
    """Decompress by the name that mcap and bag use: '' or none, lz4, zstd, bz2.

    Raises:
        ReadError: ``read.damaged`` if the bytes do not unpack, ``read.compression`` if the name is unknown.
    """
    try:
        if compression in ("", "none"):
            return bytes(data)
        if compression == "lz4":
            return bytes(lz4.frame.decompress(data))
        if compression == "zstd":
            return _unpack_zstd(data, size)
        if compression == "bz2":
            return bz2.decompress(data)
    except (RuntimeError, zstandard.ZstdError, OSError, ValueError, EOFError, MemoryError) as error:
        raise ReadError(f"a {compression} block does not unpack: {error}", code="read.damaged") from error
    raise ReadError(
        f"compression '{compression}' is not known",
        code="read.compression",
        hint="known are none, lz4, zstd and bz2; re-record or convert with one of them",
    )


def _unpack_zstd(data: bytes | memoryview, size: int | None) -> bytes:
    unpacker = zstandard.ZstdDecompressor()
    if size is not None:
        return unpacker.decompress(data, max_output_size=size)
    if zstandard.frame_content_size(data) >= 0:
        return unpacker.decompress(data)
    stream = unpacker.decompressobj()  # written as a stream, without its size in front
    unpacked = stream.decompress(data)
    if not stream.eof:
        raise zstandard.ZstdError("it ends in the middle")
    return unpacked


def fingerprint(paths: Iterable[tuple[str, Path]]) -> str:
    """Tell a recording by its content without reading all of it.

    sha256 over each file's name and size, its first and last 64 KiB (where containers keep their index
    and checksums) and blocks at fixed places between; files below 1 MiB are read whole. 32 hexadecimal digits.

    Args:
        paths: Name below the recording's root and path of every file, in any order.
    """
    digest = hashlib.sha256()
    for name, path in sorted(paths):
        try:
            with path.open("rb", buffering=0) as stream:
                size = os.fstat(stream.fileno()).st_size
                digest.update(f"{name}\0{size}\0".encode("utf-8", "surrogateescape"))
                if size <= FINGERPRINT_BLOCK * FINGERPRINT_BLOCKS:
                    digest.update(stream.read())
                    continue
                step = (size - FINGERPRINT_BLOCK) // (FINGERPRINT_BLOCKS - 1)
                for block in range(FINGERPRINT_BLOCKS):
                    place = block * step if block < FINGERPRINT_BLOCKS - 1 else size - FINGERPRINT_BLOCK
                    digest.update(os.pread(stream.fileno(), FINGERPRINT_BLOCK, place))
        except OSError as error:
            raise _absent(path, error) from error
    return digest.hexdigest()[:32]


def sha256_of(path: Path) -> str:
    """Hash a whole file."""
    digest = hashlib.sha256()
    buffer = bytearray(4 << 20)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as stream:
        while count := stream.readinto(buffer):
            digest.update(view[:count])
    return digest.hexdigest()


def _whole(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _absent(path, error) from error


def _sqlite_row(path: Path, row: int) -> bytes:
    uri = f"{path.resolve().as_uri()}?immutable=1"  # mode=ro alone leaves -wal and -shm files beside a recording
    try:
        connection = sqlite3.connect(uri, uri=True)
        try:
            found = connection.execute("SELECT data FROM messages WHERE id = ?", (row,)).fetchone()
        finally:
            connection.close()
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise ReadError(f"{path}: row {row} cannot be read: {error}", code="read.damaged") from error
    if found is None:
        raise ReadError(
            f"{path}: there is no row {row}",
            code="read.short",
            hint="rushes verify tells what changed",
        )
    return bytes(found[0])


def _unpack_payload(data: bytes, packing: str) -> bytes:
    if packing == "base64":
        return base64.b64decode(data)
    return unpack(packing, data)


def _absent(path: Path, error: OSError) -> ReadError:
    return ReadError(
        f"{path}: cannot be read: {error.strerror}",
        code="read.absent-file",
        hint="bring the recording back to where it was, or ingest it again from its new place",
        facts={"file": str(path)},
    )


def _short(path: Path, offset: int, wanted: int, got: int) -> ReadError:
    return ReadError(
        f"{path}: {wanted} bytes wanted at byte {offset}, {got} are there",
        code="read.short",
        hint="the file changed or was cut since it was indexed; rushes verify DATASET tells which",
        facts={"file": str(path), "offset": offset, "wanted": wanted, "got": got},
    )


def copy_hashed(source: Path, target: Path) -> str:
    """Copy a file and give the sha256 of what was copied; the target appears whole or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{hashlib.sha256(os.fsencode(target.name)).hexdigest()[:8]}.{os.getpid()}.part")
    digest = hashlib.sha256()
    buffer = bytearray(4 << 20)
    view = memoryview(buffer)
    try:
        with source.open("rb", buffering=0) as incoming, part.open("wb") as outgoing:
            while count := incoming.readinto(buffer):
                digest.update(view[:count])
                outgoing.write(view[:count])
            outgoing.flush()
            os.fsync(outgoing.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return digest.hexdigest()
