"""Videos whose every picture says which one it is: its number, drawn to survive encoding and scaling.

A picture is 4 x 4 blocks, white for 1 and black for 0: twelve bits of the number, then four that check it. A grey
stripe below moves, so that encoders have motion to predict.
"""

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

import clips

WIDTH, HEIGHT = 160, 112
CODE_HEIGHT = 96
"""The stripe is below."""
MARGIN = 0.25
"""How far from black and from white the middle of a block may be."""


def draw(number: int) -> npt.NDArray[np.uint8]:
    """Give the picture of a number, 0 to 4095."""
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    bits = [number >> at & 1 for at in range(12)]
    bits += [_check(number) >> at & 1 for at in range(4)]
    tall, wide = CODE_HEIGHT // 4, WIDTH // 4
    for at, bit in enumerate(bits):
        row, column = divmod(at, 4)
        picture[row * tall : (row + 1) * tall, column * wide : (column + 1) * wide] = 255 * bit
    place = number * 3 % WIDTH
    picture[CODE_HEIGHT:, place : place + 12] = 128
    return picture


def read(picture: npt.NDArray[Any]) -> int:
    """Read the number off a picture of any size; an AssertionError if it is none of ours."""
    grey = np.asarray(picture[..., :3] if picture.ndim == 3 else picture[..., None], float).mean(2) / 255
    height = grey.shape[0] * CODE_HEIGHT / HEIGHT
    bits = []
    for at in range(16):
        row, column = divmod(at, 4)
        y, x = round((row + 0.5) * height / 4), round((column + 0.5) * grey.shape[1] / 4)
        tall, wide = max(1, grey.shape[0] // 20), max(1, grey.shape[1] // 20)
        middle = float(grey[y - tall : y + tall, x - wide : x + wide].mean())
        assert not MARGIN < middle < 1 - MARGIN, f"block {at} is neither black nor white: {middle:.2f}"
        bits.append(int(middle > 0.5))
    number = sum(bit << at for at, bit in enumerate(bits[:12]))
    assert sum(bit << at for at, bit in enumerate(bits[12:])) == _check(number), "the check of the number fails"
    return number


def _check(number: int) -> int:
    return (number ^ number >> 4 ^ number >> 8 ^ 0b1010) & 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way in which a video is made.

    Args:
        ending: Of the file's name.
        rate: Of the constant rate, or what an encoder is told.
        pts: In ``time_base``, where the rate varies.
        start: Added to every pts, in ``time_base``.
        x264: Options of the encoder.
        made_by: What is done with the file then, by its name: ``cut`` or ``trimmed``.
    """

    ending: str = "mp4"
    rate: Fraction = Fraction(30)
    count: int = 90
    pts: Sequence[int] | None = None
    time_base: Fraction | None = None
    start: int = 0
    x264: str = "keyint=30:bframes=0"
    muxing: Mapping[str, str] = field(default_factory=dict)
    made_by: str = ""

    @property
    def base(self) -> Fraction:
        """The time base that is encoded with."""
        return self.time_base or 1 / self.rate

    @property
    def stamps(self) -> list[int]:
        """Of every picture, in ``base``."""
        return [self.start + pts for pts in (self.pts or range(self.count))]


_UNEVEN = np.cumsum(np.random.default_rng(3).integers(1400, 4600, 90)).tolist()
_DROPPED = [at for at in range(120) if at % 13 not in (5, 6) and not 60 <= at < 75]
_MS = Fraction(1, 1000)
KINDS: Mapping[str, Kind] = {
    "23.976": Kind(rate=Fraction(24000, 1001)),
    "25": Kind(rate=Fraction(25)),
    "29.97": Kind(rate=Fraction(30000, 1001)),
    "30": Kind(),
    "59.94": Kind(rate=Fraction(60000, 1001)),
    "29.97 in Matroska": Kind(ending="mkv", rate=Fraction(30000, 1001)),
    "B-frames": Kind(x264="keyint=30:bframes=3:b-adapt=0"),
    "B-pyramid": Kind(x264="keyint=48:bframes=7:b-adapt=0:b-pyramid=normal"),
    "open GOP": Kind(x264="keyint=12:min-keyint=12:bframes=3:b-adapt=0:open-gop=1"),
    "one key frame": Kind(x264="keyint=9999:bframes=3:scenecut=0"),
    "key frames only": Kind(x264="keyint=1"),
    "B-frames in a transport stream": Kind(ending="ts", x264="keyint=30:bframes=3:b-adapt=0"),
    "variable": Kind(pts=_UNEVEN, time_base=Fraction(1, 90_000), x264="keyint=30:bframes=2:b-adapt=0"),
    "variable in Matroska": Kind(ending="mkv", pts=[t // 90 for t in _UNEVEN], time_base=_MS),
    "dropped frames": Kind(pts=[1001 * at for at in _DROPPED], time_base=Fraction(1, 30_000)),
    "start above zero": Kind(start=47, x264="keyint=30:bframes=2:b-adapt=0"),
    "start above zero in Matroska": Kind(ending="mkv", start=1700, time_base=_MS, pts=range(0, 3600, 40)),
    "start above zero, variable": Kind(start=123_456, pts=_UNEVEN, time_base=Fraction(1, 90_000)),
    "fragmented": Kind(muxing={"movflags": "frag_keyframe+empty_moov"}, x264="keyint=15:bframes=2:b-adapt=0"),
    "edit list": Kind(x264="keyint=30:bframes=2:b-adapt=0", made_by="trimmed"),
    "cut-off Matroska": Kind(ending="mkv", x264="keyint=15:bframes=2:b-adapt=0", made_by="cut"),
    "cut-off fragments": Kind(muxing={"movflags": "frag_keyframe+empty_moov"}, x264="keyint=15", made_by="cut"),
    "cut-off transport stream": Kind(ending="ts", x264="keyint=15:bframes=2:b-adapt=0", made_by="cut"),
}


def make(kind: Kind, folder: Path, name: str = "coded") -> Path:
    """Encode a video of a kind; its picture k has the number k."""
    path = folder / f"{name}.{kind.ending}"
    with av.open(str(path), "w", options=dict(kind.muxing)) as container:
        stream = container.add_stream("libx264", rate=kind.rate, options={"x264-params": kind.x264, "crf": "20"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.time_base = stream.codec_context.time_base = kind.base
        for number, pts in enumerate(kind.stamps):
            frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24")
            frame.pts, frame.time_base = pts, kind.base
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    if kind.made_by == "cut":
        return clips.cut(path, 0.55)
    if kind.made_by == "trimmed":
        return trimmed(path, Fraction(kind.stamps[40]) * kind.base)
    return path


def trimmed(path: Path, seconds: Fraction) -> Path:
    """Leave out the start by an edit list: packets from the key frame before stay in the file."""
    short = path.with_name(f"trimmed_{path.name}")
    ffmpeg("-ss", f"{float(seconds):.6f}", "-i", str(path), "-c", "copy", str(short))
    return short


def ffmpeg(*arguments: str) -> bytes:
    """Run FFmpeg's own program and give what it writes."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "fatal", "-nostdin", "-y", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
