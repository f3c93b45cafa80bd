"""Sound that a container packs → samples, through FFmpeg; and samples → a file for a listener."""

import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np

from rushes.decoders._pcm import Samples, Sixteen
from rushes.errors import ReadError

HEARD_CHANNELS = 2
"""More channels than these are mixed into one."""


def track(
    path: Path, container_index: int, *, past_damage: bool = False, from_pts: int | None = None
) -> Iterator[tuple[int, Samples]]:
    """Decode a track of a media container: the pts of each run of samples, and the samples.

    Args:
        path: Of the container.
        container_index: Of the track.
        past_damage: Go on where a packet does not decode; its samples are missing then.
        from_pts: Begin with the packet that holds it, or one before; with the first when None.

    Raises:
        ReadError: ``read.undecodable`` if the container cannot be opened, has no such track of sound, or, unless
            ``past_damage``, holds a packet that does not decode.
    """
    try:
        with av.open(str(path)) as container:
            chosen = next((s for s in container.streams.audio if s.index == container_index), None)
            if chosen is None:
                raise _undecodable(path, container_index, "it is no track of sound")
            if from_pts is not None:
                container.seek(from_pts, stream=chosen, backward=True)
            for packet in container.demux(chosen):
                try:
                    frames = packet.decode()
                except av.FFmpegError:
                    if past_damage:
                        continue
                    raise
                for frame in frames:
                    if frame.pts is not None and frame.samples:
                        yield int(frame.pts), _stored(frame)
    except (av.FFmpegError, OSError) as error:
        raise _undecodable(path, container_index, str(error)) from error


def heard(samples: Sixteen) -> Sixteen:
    """Give what is listened to: one or two channels as they are, more of them mixed into one."""
    if samples.shape[1] <= HEARD_CHANNELS:
        return samples
    mixed: Sixteen = np.rint(samples.mean(axis=1, keepdims=True)).astype(np.int16)
    return mixed


def write_wave(path: Path, samples: Sixteen, rate_hz: float) -> None:
    """Write a WAV file of 16 bits."""
    with wave.open(str(path), "wb") as out:
        out.setnchannels(samples.shape[1])
        out.setsampwidth(2)
        out.setframerate(round(rate_hz))
        out.writeframes(np.ascontiguousarray(samples, "<i2").tobytes())


def _stored(frame: av.AudioFrame) -> Samples:
    values: Samples = frame.to_ndarray()
    return values.T if frame.format.is_planar else values.reshape(-1, frame.layout.nb_channels)


def _undecodable(path: Path, container_index: int, why: str) -> ReadError:
    return ReadError(
        f"{path}: the sound of track {container_index} cannot be decoded: {why}",
        code="read.undecodable",
        facts={"file": str(path), "track": container_index},
    )
