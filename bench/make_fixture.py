"""Writes recordings of the usual load, for speed checks: two cameras, depth and an IMU at 1 kHz.

    python bench/make_fixture.py FOLDER

writes into FOLDER what ``FILES`` lists and is not there yet. ``rec_none`` and ``rec_lz4`` have about 1.46 GB for
60 s: two 1280x720 JPEG streams at 30 Hz (about 211 KB a frame), a 640x576 16-bit depth PNG stream at 30 Hz, and
60,000 Imu messages, in chunks of 4 MiB; ``small`` is 6 s of the same. ``imu`` has the Imu messages alone, in
chunks of 1 MiB. A few pictures of noise are repeated, so that it is made in seconds; the log times and stamps are
all different.
"""

import argparse
import os
import struct
from pathlib import Path

import cv2
import numpy as np
from mcap.writer import CompressionType, Writer

START_NS = 1_700_000_000_000_000_000
JPEG_BYTES = 211_000
PICTURES = 12

HEADER = """
================================================================================
MSG: std_msgs/Header
builtin_interfaces/Time stamp
string frame_id
================================================================================
MSG: builtin_interfaces/Time
int32 sec
uint32 nanosec
"""
IMU = (
    """std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance"""
    + HEADER
    + """================================================================================
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
================================================================================
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
"""
)
PICTURE = "std_msgs/Header header\nstring format\nuint8[] data" + HEADER


def text(value):
    data = value.encode() + b"\0"
    return struct.pack("<I", len(data)) + data


def padded(body, size):
    return body + b"\0" * (-(len(body) - 4) % size)


def header(ns, frame):
    return b"\0\1\0\0" + struct.pack("<iI", ns // 10**9, ns % 10**9) + text(frame)


def picture(ns, frame, form, data):
    body = padded(padded(header(ns, frame), 4) + text(form), 4)
    return body + struct.pack("<I", len(data)) + data


def inertial(ns, numbers):
    return padded(header(ns, "imu_link"), 8) + numbers.tobytes()


def noisy_jpegs(rng):
    """Blurred noise whose encoded size is about that of a real picture."""
    made = []
    for _ in range(PICTURES):
        small = rng.integers(0, 255, (36, 64, 3), np.uint8)
        smooth = cv2.resize(small, (1280, 720), interpolation=cv2.INTER_CUBIC).astype(np.int16)
        grain = rng.normal(0, 3.3, smooth.shape)
        shown = np.clip(smooth + grain, 0, 255).astype(np.uint8)
        made.append(cv2.imencode(".jpg", shown, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return made


def depth_pngs(rng):
    made = []
    for _ in range(PICTURES):
        small = rng.integers(600, 4000, (12, 16)).astype(np.float32)
        smooth = cv2.resize(small, (640, 576), interpolation=cv2.INTER_CUBIC)
        depth = np.clip(smooth + rng.normal(0, 4, smooth.shape), 0, 8000).astype(np.uint16)
        made.append(cv2.imencode(".png", depth, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes())
    return made


def schedule(seconds, rng, cameras):
    """Give (time, channel, number) of every message, in order."""
    events = []
    for i in range(seconds * 30 if cameras else 0):
        ns = START_NS + i * 1_000_000_000 // 30
        events += [(ns, 0, i), (ns + 2_000_000, 1, i), (ns + 5_000_000, 2, i)]
    jitter = rng.normal(0, 20_000, seconds * 1000).astype(np.int64)
    events += [(START_NS + k * 1_000_000 + int(jitter[k]), 3, k) for k in range(seconds * 1000)]
    return sorted(events)


def write(path, *, compression, seconds, cameras, chunk):
    rng = np.random.default_rng(0)
    jpegs, pngs = (noisy_jpegs(rng), depth_pngs(rng)) if cameras else ([], [])
    numbers = np.zeros((seconds * 1000, 37))
    numbers[:, 3] = 1
    numbers[:, 13:16] = rng.normal(0, 1, (len(numbers), 3))
    numbers[:, 25:28] = rng.normal((0, 0, 9.81), 0.05, (len(numbers), 3))
    names = ["/cam0/image/compressed", "/cam1/image/compressed", "/depth/image/compressed", "/imu"]
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        writer = Writer(stream, chunk_size=chunk, compression=compression)
        writer.start("ros2", "rushes fixture")
        pictures = writer.register_schema("sensor_msgs/msg/CompressedImage", "ros2msg", PICTURE.encode())
        imu = writer.register_schema("sensor_msgs/msg/Imu", "ros2msg", IMU.encode())
        used = names if cameras else names[3:]
        channels = {n: writer.register_channel(n, "cdr", imu if n == "/imu" else pictures) for n in used}
        for ns, channel, i in schedule(seconds, rng, cameras):
            if channel < 2:
                data = picture(ns, f"cam{channel}", "jpeg", jpegs[(i + channel * 5) % PICTURES])
            elif channel == 2:
                data = picture(ns, "depth", "16UC1; png", pngs[i % PICTURES])
            else:
                data = inertial(ns, numbers[i])
            writer.add_message(channels[names[channel]], ns, data, ns, i)
        writer.finish()
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    print(f"{path}: {path.stat().st_size / 1e6:.0f} MB, JPEG {[len(j) for j in jpegs[:3]]} bytes", flush=True)


PLAIN, LZ4 = CompressionType.NONE, CompressionType.LZ4
FILES = {
    "rec_none.mcap": {"compression": PLAIN, "seconds": 60, "cameras": True, "chunk": 4 << 20},
    "rec_lz4.mcap": {"compression": LZ4, "seconds": 60, "cameras": True, "chunk": 4 << 20},
    "small.mcap": {"compression": PLAIN, "seconds": 6, "cameras": True, "chunk": 4 << 20},
    "small_lz4.mcap": {"compression": LZ4, "seconds": 6, "cameras": True, "chunk": 4 << 20},
    "imu_none.mcap": {"compression": PLAIN, "seconds": 60, "cameras": False, "chunk": 1 << 20},
    "imu_lz4.mcap": {"compression": LZ4, "seconds": 60, "cameras": False, "chunk": 1 << 20},
    "imu_long_none.mcap": {"compression": PLAIN, "seconds": 600, "cameras": False, "chunk": 1 << 20},
    "imu_long_lz4.mcap": {"compression": LZ4, "seconds": 600, "cameras": False, "chunk": 1 << 20},
}


def make(folder):
    """Write the recordings that are not there; a file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, load in FILES.items():
        if not (folder / name).is_file():
            write(folder / name, **load)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    make(parser.parse_args().folder)


if __name__ == "__main__":
    main()
