"""Writes Matroska files as k4arecord does, element by element, with a truth that is known beforehand."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

IMU = np.dtype([("accel_ns", "<u8"), ("accel", "<f4", 3), ("gyro_ns", "<u8"), ("gyro", "<f4", 3)])
TRACKS = {1: "COLOR", 2: "DEPTH", 3: "IR", 4: "IMU"}
UNKNOWN = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def element(kind: int, content: bytes) -> bytes:
    """Write one element with its length in eight bytes."""
    return (
        kind.to_bytes((kind.bit_length() + 7) // 8, "big") + (len(content) | 1 << 56).to_bytes(8, "big") + content
    )


def unsigned(kind: int, value: int) -> bytes:
    return element(kind, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def block(track: int, offset: int, payload: bytes, *, flags: int = 0x80) -> bytes:
    """Write a SimpleBlock."""
    return element(0xA3, bytes([0x80 | track]) + struct.pack(">hB", offset, flags) + payload)


def grouped(track: int, offset: int, payload: bytes) -> bytes:
    """Write a block in a group, as IMU samples are."""
    content = bytes([0x80 | track]) + struct.pack(">hB", offset, 0) + payload
    return element(0xA0, element(0xA1, content) + unsigned(0x9B, 1))


def cluster(time: int, *blocks: bytes) -> bytes:
    return element(0x1F43B675, unsigned(0xE7, time) + b"".join(blocks))


def imu_sample(t_ns: int, accel: Sequence[float], gyro: Sequence[float]) -> bytes:
    sample = np.zeros((), IMU)
    sample["accel_ns"] = sample["gyro_ns"] = t_ns
    sample["accel"], sample["gyro"] = accel, gyro
    return sample.tobytes()


def video_track(number: int, fourcc: bytes, width: int, height: int) -> bytes:
    bitmap = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 16, fourcc, width * height * 2, 0, 0, 0, 0)
    size = element(0xE0, unsigned(0xB0, width) + unsigned(0xBA, height))
    return element(
        0xAE,
        unsigned(0xD7, number)
        + unsigned(0x73C5, 1000 + number)
        + unsigned(0x83, 1)
        + element(0x86, b"V_MS/VFW/FOURCC")
        + element(0x536E, TRACKS.get(number, f"EXTRA{number}").encode())
        + element(0x63A2, bitmap)
        + unsigned(0x23E383, 33_333_333)
        + size,
    )


def imu_track(number: int) -> bytes:
    return element(
        0xAE,
        unsigned(0xD7, number)
        + unsigned(0x73C5, 1000 + number)
        + unsigned(0x83, 17)
        + element(0x86, b"S_K4A/IMU")
        + element(0x536E, b"IMU"),
    )


def tag(name: str, value: str, *, track: int | None = None) -> bytes:
    target = unsigned(0x63C5, 1000 + track) if track is not None else b""
    simple = element(0x45A3, name.encode()) + element(0x4487, value.encode())
    return element(0x7373, element(0x63C0, target) + element(0x67C8, simple))


@dataclass(slots=True)
class Take:
    """A take of depth, infrared and IMU; ``size`` is that of the pictures, times are in microseconds."""

    depth_us: Sequence[int] = (0, 33_333, 66_667)
    imu_us: Sequence[int] = (0, 600, 1200)
    offset_ns: int | None = 336_277_000
    size: tuple[int, int] = (8, 6)
    calibration: bytes | None = None
    seed: int = 1
    extra: Sequence[bytes] = ()
    depth: list[np.ndarray] = field(default_factory=list)

    def write(self, path: Path, *, end_known: bool = True) -> Path:
        """Write it, and keep the pictures in ``depth``."""
        width, height = self.size
        random = np.random.default_rng(self.seed)
        self.depth = [random.integers(0, 5000, (height, width)).astype(np.uint16) for _ in self.depth_us]
        timed: list[tuple[int, bytes, int]] = []
        for t_us, picture in zip(self.depth_us, self.depth, strict=True):
            timed += [(t_us, picture.astype(">u2").tobytes(), 2), (t_us, picture[::-1].astype(">u2").tobytes(), 3)]
        for number, t_us in enumerate(self.imu_us):
            sample = imu_sample((self.offset_ns or 0) + t_us * 1000, (0, 0, -9.8 - number), (0.1, 0.2, number))
            timed.append((t_us, sample, 4))
        clusters: dict[int, list[bytes]] = {}
        for t_us, payload, track in sorted(timed, key=lambda item: item[0]):
            start = t_us // 32_000 * 32_000
            write = grouped if track == 4 else block
            clusters.setdefault(start, []).append(write(track, t_us - start, payload))
        body = b"".join(cluster(start, *blocks) for start, blocks in clusters.items())
        segment = self._head() + body
        head = element(0x1A45DFA3, element(0x4282, b"matroska") + unsigned(0x4287, 4))
        length = (len(segment) | 1 << 56).to_bytes(8, "big") if end_known else UNKNOWN
        path.write_bytes(head + (0x18538067).to_bytes(4, "big") + length + segment)
        return path

    def _head(self) -> bytes:
        info = element(0x1549A966, unsigned(0x2AD7B1, 1000) + element(0x5741, b"k4arecord-1.4.1"))
        tracks = [
            video_track(2, b"b16g", *self.size),
            video_track(3, b"b16g", *self.size),
            imu_track(4),
            *self.extra,
        ]
        tags = [tag("K4A_DEPTH_MODE", "NFOV_UNBINNED", track=2), tag("K4A_DEVICE_SERIAL_NUMBER", "000000000042")]
        if self.offset_ns is not None:
            tags.append(tag("K4A_START_OFFSET_NS", str(self.offset_ns)))
        attached = b""
        if self.calibration is not None:
            attached = element(
                0x1941A469,
                element(0x61A7, element(0x466E, b"calibration.json") + element(0x465C, self.calibration)),
            )
        return info + element(0x1654AE6B, b"".join(tracks)) + attached + element(0x1254C367, b"".join(tags))


def camera(location: str, parameters: Sequence[float], *, size: tuple[int, int], moved: Sequence[float]) -> dict:
    """One camera of a calibration file."""
    return {
        "Intrinsics": {"ModelParameters": list(parameters), "ModelParameterCount": 14},
        "Location": location,
        "SensorWidth": size[0],
        "SensorHeight": size[1],
        "Rt": {"Rotation": [1, 0, 0, 0, 1, 0, 0, 0, 1], "Translation": list(moved)},
    }


def calibration(*cameras: dict) -> bytes:
    return json.dumps({"CalibrationInformation": {"Cameras": cameras, "InertialSensors": []}}).encode() + b"\0"
