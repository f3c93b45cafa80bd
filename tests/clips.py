"""Small clips made by FFmpeg, with times and pictures that are known beforehand."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 96, 64


def scene(index: int) -> npt.NDArray[np.uint8]:
    """Give picture ``index`` of a textured scene that moves to the left; no two are alike."""
    noise = np.random.default_rng(7).integers(0, 256, (HEIGHT, WIDTH * 2, 3), dtype=np.uint8)
    wide = cv2.GaussianBlur(noise, (9, 9), 2)
    picture = np.ascontiguousarray(np.roll(wide, -2 * index, axis=1)[:, :WIDTH])
    picture[:16, :16] = index * 5 % 256
    return picture


def write_clip(
    path: Path,
    codec: str = "libx264",
    *,
    count: int = 40,
    rate: int = 30,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    options: Mapping[str, str] | None = None,
    muxing: Mapping[str, str] | None = None,
    pixel_format: str = "yuv420p",
    b_frames: int | None = None,
    keyframe_every: int = 12,
) -> Path:
    """Encode ``count`` pictures of the scene; at ``pts`` in ``time_base`` where given, else at a constant rate."""
    with av.open(str(path), "w", options=dict(muxing or {})) as container:
        stream = container.add_stream(codec, rate=rate, options=dict(options or {}))
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, pixel_format
        stream.codec_context.gop_size = keyframe_every
        if b_frames is not None:
            stream.codec_context.max_b_frames = b_frames
        if time_base is not None:
            stream.time_base = stream.codec_context.time_base = time_base
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(scene(index), format="rgb24")
            if pts is not None:
                frame.pts, frame.time_base = pts[index], time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def cut(path: Path, share: float) -> Path:
    """Cut a file off after a share of its bytes; gives the new file."""
    data = path.read_bytes()
    short = path.with_name(f"cut_{path.name}")
    short.write_bytes(data[: int(len(data) * share)])
    return short


def pictures_in_order(path: Path, track: int = 0) -> dict[int, npt.NDArray[np.uint8]]:
    """Decode a whole track from its start with FFmpeg alone; gives pictures by pts."""
    with av.open(str(path)) as container:
        stream = container.streams[track]
        return {frame.pts: _pixels(frame) for frame in container.decode(stream) if frame.pts is not None}


def _pixels(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    return frame.to_ndarray() if frame.format.name == "gray16le" else frame.to_ndarray(format="rgb24")
