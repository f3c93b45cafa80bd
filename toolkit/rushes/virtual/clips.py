"""Writes one camera of a take as an H.264 clip, byte for byte the same with the same encoder."""

from pathlib import Path

import av
import cv2
import numpy as np
from av.codec.context import Flags

from rushes.virtual.play import Encoded, play
from rushes.virtual.spec import RigSpec

# One thread and a constant quantiser: what the encoder decides does not depend on the machine.
OPTIONS = {
    "qp": "32",
    "preset": "medium",
    "x264-params": "threads=1:lookahead-threads=1:aq-mode=0:mbtree=0:scenecut=0:keyint=15:bframes=2",
}


def write_clip(rig: RigSpec, path: Path) -> int:
    """Write the rig's first camera as a clip of constant rate; the container follows the file's ending.

    Args:
        rig: A take with at least one colour camera.
        path: Ending in ``.mp4`` or ``.mkv``; replaced if there.

    Returns:
        The number of frames.
    """
    camera = next(sensor for sensor in rig.sensors if sensor.kind == "color")
    count = 0
    with av.open(str(path), "w", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libx264", rate=round(camera.rate_hz), options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = camera.width_px, camera.height_px, "yuv420p"
        stream.codec_context.flags |= Flags.bitexact
        for sample in play(rig):
            if sample.sensor != camera or not isinstance(sample.payload, Encoded):
                continue
            pixels = cv2.imdecode(np.frombuffer(sample.payload.data, np.uint8), cv2.IMREAD_COLOR)
            assert pixels is not None
            frame = av.VideoFrame.from_ndarray(np.asarray(pixels, np.uint8), format="bgr24")
            frame.pts = count
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode(None))
    return count
