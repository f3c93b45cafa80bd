"""Makes streams of video packets whose every picture carries its number, and recordings that hold them."""

import os
from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from mcap.writer import CompressionType, Writer
from mcap_protobuf.schema import build_file_descriptor_set

WIDTH, HEIGHT, RATE_HZ, GOP = 160, 90, 30, 12
START_NS = 1_700_000_000_000_000_000
ENCODERS = {"h264": "libx264", "h265": "libx265", "vp9": "libvpx-vp9", "av1": "libsvtav1"}
DECODERS = {"h264": "h264", "h265": "hevc", "vp9": "vp9", "av1": "libdav1d"}
_OPTIONS = {
    "h264": {"preset": "veryfast", "x264-params": "log-level=none:scenecut=0"},
    "h265": {"preset": "ultrafast", "x265-params": "log-level=none:repeat-headers=1:scenecut=0"},
    "vp9": {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"},
    "av1": {"preset": "10", "crf": "20"},
}
CELL = 8
BITS = 8
os.environ.setdefault("SVT_LOG", "0")


def scene(number: int, *, width: int = WIDTH, height: int = HEIGHT) -> npt.NDArray[np.uint8]:
    """Paint a picture: a slope that moves, and its number in a row of cells, white for one."""
    slope = np.add.outer(np.arange(height), np.arange(width) + 2 * number) % 200
    picture = np.repeat(slope[:, :, None], 3, axis=2).astype(np.uint8)
    for bit in range(BITS):
        picture[8 : 8 + CELL, 8 + bit * CELL : 8 + (bit + 1) * CELL] = 255 * (number >> bit & 1)
    return picture


def number_of(picture: npt.NDArray[np.uint8]) -> int:
    """Read the number that was painted in."""
    cells = picture[10 : 6 + CELL, 8 : 8 + BITS * CELL].reshape(-1, BITS, CELL, 3)[:, :, 2:6].mean((0, 2, 3))
    return int(sum(1 << bit for bit in range(BITS) if cells[bit] > 128))


@cache
def packets(
    codec: str, count: int = 40, b_frames: int = 0, more: str = ""
) -> tuple[tuple[bytes, ...], tuple[int, ...]]:
    """Encode pictures 0, 1, …; give packets in the order in which they are sent, and the number of each one's."""
    encoder = av.CodecContext.create(ENCODERS[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = WIDTH, HEIGHT, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, RATE_HZ), RATE_HZ
    encoder.gop_size, encoder.max_b_frames = GOP, b_frames
    options = dict(_OPTIONS[codec])
    if more:
        options[f"{ENCODERS[codec][3:]}-params"] += more
    encoder.options = options
    made = []
    for number in range(count):
        frame = av.VideoFrame.from_ndarray(scene(number), format="rgb24")
        frame.pts = number
        made += encoder.encode(frame)
    made += encoder.encode(None)
    return tuple(bytes(packet) for packet in made), tuple(int(packet.pts) for packet in made)


def decoded(codec: str, sent: Sequence[bytes]) -> dict[int, npt.NDArray[np.uint8]]:
    """Decode packets straight with FFmpeg, from first to last; the picture of each packet by its place."""
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    decoder.thread_type = "NONE"
    found = {}
    for place, data in [*enumerate(sent), (None, None)]:
        packet = None
        if data is not None:
            packet = av.Packet(data)
            packet.pts = place
        for frame in decoder.decode(packet):
            found[frame.pts] = frame.to_ndarray(format="rgb24")
    return found


def recording(
    path: Path, codec: str, sent: Sequence[bytes], *, compression: str = "zstd", seq: Sequence[int] | None = None
) -> Path:
    """Write packets as ``foxglove.CompressedVideo`` in an MCAP, 1 / RATE_HZ apart."""
    with path.open("wb") as stream:
        kind = {"zstd": CompressionType.ZSTD, "none": CompressionType.NONE}[compression]
        writer = Writer(stream, chunk_size=2_000, compression=kind)
        writer.start()
        schema = writer.register_schema(
            "foxglove.CompressedVideo", "protobuf", build_file_descriptor_set(CompressedVideo).SerializeToString()
        )
        channel = writer.register_channel("/cam", "protobuf", schema)
        for place, data in enumerate(sent):
            t_ns = START_NS + place * 1_000_000_000 // RATE_HZ
            message = CompressedVideo(frame_id="cam", format=codec, data=data)
            message.timestamp.FromNanoseconds(t_ns)
            number = place if seq is None else seq[place]
            writer.add_message(channel, t_ns, message.SerializeToString(), t_ns, number)
        writer.finish()
    return path
