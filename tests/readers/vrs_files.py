"""Writes VRS files record by record, with a truth that is known beforehand."""

import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import lz4.frame
import numpy as np
import zstandard

HEAD = struct.Struct("<IIiIdHBBI")
ENTRY = struct.Struct("<dIBiH")
CONFIGURATION, DATA = 2, 3
CAMERA, IMU = (200, 1), (1202, 1)


def layout(*pieces: tuple[str, str, int]) -> str:
    """Describe a layout of fixed size: name, C type with an optional [n], offset."""
    said = []
    for name, kind, offset in pieces:
        inner, _, count = kind.partition("[")
        piece = {"name": name, "type": f"DataPieceValue<{inner}>", "offset": offset}
        if count:
            piece |= {"type": f"DataPieceArray<{inner}>", "size": int(count.rstrip("]"))}
        said.append(piece)
    return json.dumps({"data_layout": said})


CAMERA_TAGS = {
    "RF:Configuration:1": "data_layout/size=12",
    "DL:Configuration:1:0": layout(
        ("image_width", "uint32_t", 0), ("image_height", "uint32_t", 4), ("image_pixel_format", "uint32_t", 8)
    ),
    "RF:Data:1": "data_layout/size=8+image/raw",
    "DL:Data:1:0": layout(("frame_number", "uint64_t", 0)),
    "VRS_Original_Recordable_Name": "Test Camera",
}
IMU_TAGS = {
    "RF:Data:1": "data_layout/size=34",
    "DL:Data:1:0": layout(
        ("capture_timestamp_ns", "int64_t", 0),
        ("accelerometer", "float[3]", 8),
        ("gyroscope", "float[3]", 20),
        ("accelerometer_valid", "Bool", 32),
        ("gyroscope_valid", "Bool", 33),
    ),
}


@dataclass(slots=True)
class Record:
    stream: tuple[int, int]
    kind: int
    t_ns: int
    payload: bytes
    compression: int = 0
    version: int = 1

    def bytes(self) -> bytes:
        body, unpacked = self.payload, 0
        if self.compression:
            unpacked = len(body)
            body = lz4.frame.compress(body) if self.compression == 1 else zstandard.compress(body)
        head = HEAD.pack(
            HEAD.size + len(body), 0, self.stream[0], self.version, self.t_ns / 1e9, self.stream[1], self.kind,
            self.compression, unpacked,
        )  # fmt: skip
        return head + body


def frame(number: int, picture: np.ndarray, t_ns: int, *, compression: int = 0) -> Record:
    return Record(CAMERA, DATA, t_ns, struct.pack("<Q", number) + picture.tobytes(), compression)


def sample(
    t_ns: int, accel: Sequence[float], gyro: Sequence[float], valid: tuple[bool, bool] = (True, True)
) -> Record:
    return Record(IMU, DATA, t_ns, struct.pack("<q3f3f2B", t_ns, *accel, *gyro, *valid))


def configuration(width: int, height: int) -> Record:
    return Record(CAMERA, CONFIGURATION, 0, struct.pack("<III", width, height, 1))


@dataclass(slots=True)
class VrsFile:
    """A file of records, in order; ``index``: whether it was closed as it should."""

    records: Sequence[Record]
    index: bool = True
    file_tags: Mapping[str, str] = field(default_factory=dict)
    stream_tags: Mapping[tuple[int, int], Mapping[str, str]] = field(
        default_factory=lambda: {CAMERA: CAMERA_TAGS, IMU: IMU_TAGS}
    )

    def write(self, path: Path) -> Path:
        description = self._description()
        body = [record.bytes() for record in self.records]
        index_at = 80 + len(description) + sum(map(len, body)) if self.index else 0
        head = struct.pack(
            "<8sQIIqqqQQQ4sI", b"VisionRe", 1, 80, 32, index_at, 80, 0, 0, 0, 0, b"cord", 0x31535256
        )
        path.write_bytes(head + description + b"".join(body) + (self._index(body) if self.index else b""))
        return path

    def _description(self) -> bytes:
        data = struct.pack("<I", len(self.stream_tags))
        for stream, tags in self.stream_tags.items():
            data += struct.pack("<iH", *stream) + struct.pack("<I", 0) + _map(tags)
        data += _map(self.file_tags)
        return HEAD.pack(HEAD.size + len(data), 0, 2, 2, 0.0, 0, 3, 0, 0) + data

    def _index(self, body: Sequence[bytes]) -> bytes:
        data = struct.pack("<I", len(self.stream_tags))
        data += b"".join(struct.pack("<iH", *stream) for stream in self.stream_tags)
        data += struct.pack("<I", len(body))
        for record, raw in zip(self.records, body, strict=True):
            data += ENTRY.pack(record.t_ns / 1e9, len(raw), record.kind, *record.stream)
        return HEAD.pack(HEAD.size + len(data), 0, 1, 2, 0.0, 0, 3, 0, 0) + data


def _map(tags: Mapping[str, str]) -> bytes:
    data = struct.pack("<I", len(tags))
    for item in tags.items():
        for text in item:
            data += struct.pack("<I", len(text.encode())) + text.encode()
    return data
