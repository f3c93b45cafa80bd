"""Encoded sound → samples: plain PCM from its bytes, the rest through FFmpeg from the container."""

from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError

Wave = npt.NDArray[np.float32]
"""Shape (n, channels), full scale 1."""

PLAIN = {
    "pcm_u8": "u1", "pcm_s8": "i1", "pcm_s16le": "<i2", "pcm_s16be": ">i2", "pcm_s32le": "<i4", "pcm_s32be": ">i4",
    "pcm_f32le": "<f4", "pcm_f32be": ">f4", "pcm_f64le": "<f8", "pcm_f64be": ">f8",
}  # fmt: skip


FULL = {1: 127.0, 2: 32_767.0, 4: 2_147_483_647.0}
"""Largest value of a whole number, by its bytes."""


def plain(payload: bytes | memoryview, codec: str, channels: int) -> Wave:
    """Read the samples of a block of plain PCM; what is left of a sample at its end is dropped."""
    kind = np.dtype(PLAIN[codec])
    whole = len(payload) // (kind.itemsize * channels) * channels
    values = np.frombuffer(payload, kind, count=whole).reshape(-1, channels)
    if kind.kind == "f":
        return values.astype(np.float32)
    if kind.kind == "u":
        return np.asarray((values.astype(np.float32) - 128) / 128, np.float32)
    return np.asarray(values / FULL[kind.itemsize], np.float32)


def track(path: Path, stream_index: int) -> Iterator[tuple[int, Wave]]:
    """Decode a track of a container from beginning to end: presentation time of each piece, and its samples.

    Raises:
        ReadError: ``read.undecodable`` if the container cannot be opened, or has no such track of sound.
    """
    try:
        with av.open(str(path)) as container:
            chosen = next((s for s in container.streams.audio if s.index == stream_index), None)
            if chosen is None:
                raise _undecodable(path, f"its track {stream_index} is no sound")
            for packet in container.demux(chosen):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    continue  # a block that does not decode is not measured
                for frame in frames:
                    if frame.pts is not None and frame.samples:
                        yield int(frame.pts), _wave(frame)
    except (av.FFmpegError, OSError) as error:
        raise _undecodable(path, str(error)) from error


def _wave(frame: av.AudioFrame) -> Wave:
    values = frame.to_ndarray()
    channels = frame.layout.nb_channels
    shaped = values.T if frame.format.is_planar else values.reshape(-1, channels)
    kind = shaped.dtype
    middle, full = (128.0, 128.0) if kind.kind == "u" else (0.0, FULL[kind.itemsize] if kind.kind == "i" else 1.0)
    return np.asarray((shaped - middle) / full, np.float32)


def _undecodable(path: Path, why: str) -> ReadError:
    return ReadError(f"{path.name}: the sound cannot be decoded: {why}", code="read.undecodable")
