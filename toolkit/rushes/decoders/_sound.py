"""Encoded sound → 16-bit samples for a listener; what was recorded stays the truth."""

import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError

Samples = npt.NDArray[np.int16]
"""Shape (samples, channels)."""
_PLAIN = {
    "pcm_u8": "u1",
    "pcm_s8": "i1",
    **{
        f"pcm_s{bits}{end}e": f"{order}i{bits // 8}"
        for bits in (16, 32)
        for end, order in (("l", "<"), ("b", ">"))
    },
    **{
        f"pcm_f{bits}{end}e": f"{order}f{bits // 8}"
        for bits in (32, 64)
        for end, order in (("l", "<"), ("b", ">"))
    },
}
HEARD_CHANNELS = 2
"""More channels than these are mixed into one."""


def is_plain(codec: str) -> bool:
    """Tell whether blocks of a codec can be read by themselves."""
    return codec in _PLAIN or codec in ("pcm_s24le", "pcm_s24be")


def plain(payload: bytes | memoryview, codec: str, channels: int) -> Samples:
    """Read a block of PCM; a part of a sample at its end is left out."""
    if codec.startswith("pcm_s24"):
        raw = np.frombuffer(payload, np.uint8)
        wide = np.zeros((len(raw) // 3, 4), np.uint8)
        wide[:, 1:] = raw[: len(raw) // 3 * 3].reshape(-1, 3)[:, :: 1 if codec.endswith("le") else -1]
        values: npt.NDArray[Any] = wide.view("<i4").ravel()
    else:
        kind = np.dtype(_PLAIN[codec])
        values = np.frombuffer(payload[: len(payload) // kind.itemsize * kind.itemsize], kind)
    return _sixteen(values[: len(values) // channels * channels].reshape(-1, channels))


def track(path: Path, container_index: int) -> Iterator[tuple[int, Samples]]:
    """Decode a track of a media container: the pts of each run of samples, and the samples.

    Raises:
        ReadError: ``read.undecodable``.
    """
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams[container_index]):
                if not isinstance(frame, av.AudioFrame) or frame.pts is None:
                    continue
                values: npt.NDArray[Any] = frame.to_ndarray()
                planar = frame.format.is_planar
                yield (
                    frame.pts,
                    _sixteen(values.T if planar else values.reshape(-1, frame.layout.nb_channels)),
                )
    except (av.FFmpegError, IndexError) as error:
        raise ReadError(
            f"{path}: the sound of track {container_index} cannot be decoded: {error}",
            code="read.undecodable",
            facts={"file": str(path), "track": container_index},
        ) from error


def heard(samples: Samples) -> Samples:
    """Give what is listened to: one or two channels as they are, more of them mixed into one."""
    if samples.shape[1] <= HEARD_CHANNELS:
        return samples
    mixed: Samples = np.rint(samples.mean(axis=1, keepdims=True)).astype(np.int16)
    return mixed


def write_wave(path: Path, samples: Samples, rate_hz: float) -> None:
    """Write a WAV file of 16 bits."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(round(rate_hz))
        out.writeframes(np.ascontiguousarray(samples, "<i2").tobytes())


def _sixteen(values: npt.NDArray[Any]) -> Samples:
    if values.dtype.kind == "f":
        made: Samples = np.rint(np.clip(np.nan_to_num(values), -1.0, 32767 / 32768) * 32768).astype(np.int16)
        return made
    bits = 8 * values.dtype.itemsize
    if values.dtype.kind == "u":
        return ((values.astype(np.int32) - (1 << (bits - 1))) << (16 - bits)).astype(np.int16)
    if bits > 16:
        return (values >> (bits - 16)).astype(np.int16)
    shifted: Samples = (values.astype(np.int32) << (16 - bits)).astype(np.int16)
    return shifted
