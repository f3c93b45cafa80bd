"""Clips for the annotation tool: a constant-rate video of a span of samples, and beside it what its frames are.

The video is a *proxy*: for people to look at. Next to ``clip-0000000-0000900.<digest>.mp4`` lies a ``.json`` with
the map from frame to sample and what proves which pictures they are; it goes into the task too.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.annotate import frame_map, proof
from rushes.annotate.frame_map import FrameMap
from rushes.errors import ReadError
from rushes.workflow.pictures import Frames, spread

PROBES = 16
"""Pictures of a clip whose pixels are held against the dataset when its labels come back, spread evenly."""
_LAYOUT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownClip:
    """A clip as the tool shows it.

    Args:
        path: Its file.
        sha256: Of its bytes, the first 16 hexadecimal digits.
        rate: That it is played at, in Hz, as a fraction.
        holds: As of ``FrameMap``.
        height_px, width_px: Of the pictures.
        times: Digest of the times and pts of its samples.
        probes: Sample and digest of its pixels.
        absent: Samples whose picture cannot be decoded; the one before is shown for them, or the first that can.
    """

    path: Path
    sha256: str
    rate: Fraction
    holds: tuple[tuple[int, int], ...]
    height_px: int
    width_px: int
    times: str
    probes: tuple[tuple[int, str], ...]
    absent: tuple[int, ...]


def show(frames: Frames, index: int, index_end: int, folder: Path) -> ShownClip:
    """Give the video of a span of samples, writing it first where it is not there.

    Raises:
        ReadError: If not even one picture can be decoded.
    """
    times = times_of(frames, index, index_end)
    stem = f"clip-{index:07d}-{index_end:07d}"
    for note in folder.glob(f"{stem}.*.json"):
        told = _read(note)
        if told is not None and told.times == times:
            return told
    rate_hz, shown = laid(frames, index, index_end)
    rate = frame_map.played_at(rate_hz)
    pictures = _Held(frames, shown)
    scratch = folder / f".{stem}.{os.getpid()}"
    try:
        written = registry.late("rushes.decoders._proxy").write_proxy(
            scratch, pictures, rate_hz=rate, modality=frames.stream["modality"]
        )
        assert written == shown.frames, f"{written} frames, not {shown.frames}"
        digest = hashlib.sha256(scratch.read_bytes()).hexdigest()[: proof.DIGITS]
        path = folder / f"{stem}.{digest}.mp4"
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
    made = ShownClip(
        path=path,
        sha256=digest,
        rate=rate,
        holds=tuple(shown.holds),
        height_px=pictures.size[0],
        width_px=pictures.size[1],
        times=times,
        probes=tuple(sorted(pictures.probed.items())),
        absent=tuple(pictures.absent),
    )
    _write(made)
    return made


def laid(frames: Frames, index: int, index_end: int) -> tuple[Fraction, FrameMap]:
    """Give the rate of a stream, and the map of a clip of it; without times each sample is a frame."""
    if frames.stream["clock"] == "none":
        said = frames.stream["nominal_rate_hz"] or 25
        return Fraction(round(said * 1000), 1000), FrameMap(index=index, index_end=index_end)
    rate_hz = frame_map.rate_of(frames.t_ns)  # of the whole stream: all its clips have one
    return rate_hz, frame_map.lay(frames.t_ns[index:index_end], index=index, rate_hz=rate_hz)


def times_of(frames: Frames, index: int, index_end: int) -> str:
    """Give the digest of the times and pts of a span of samples."""
    return proof.times_digest(frames.t_ns[index:index_end], frames.pts[index:index_end])


class _Held:
    """Pictures of a clip, one a frame; what cannot be decoded is the one before, or the first that can."""

    def __init__(self, frames: Frames, shown: FrameMap) -> None:
        self._frames = frames
        self._shown = shown
        count = shown.index_end - shown.index
        self._wanted = {shown.index + at for at in spread(count, PROBES)}
        self.size = (0, 0)
        self.probed: dict[int, str] = {}
        self.absent: list[int] = []

    def __iter__(self) -> Iterator[npt.NDArray[Any]]:
        held: npt.NDArray[Any] | None = None
        waiting = 0
        for sample, count in zip(*np.unique(self._shown.samples, return_counts=True), strict=True):
            index = int(sample)
            try:
                picture = self._frames.image(index)
            except ReadError:
                self.absent.append(index)
                if held is None:
                    waiting += int(count)
                    if index == self._shown.index_end - 1:
                        raise
                    continue
                picture = held
            else:
                if index in self._wanted:
                    self.probed[index] = proof.pixels_digest(picture)
            self.size = (int(picture.shape[0]), int(picture.shape[1]))
            for _ in range(waiting + int(count)):
                yield picture
            held, waiting = picture, 0


def _write(clip: ShownClip) -> None:
    told = asdict(clip) | {"path": clip.path.name, "rate": str(clip.rate), "layout": _LAYOUT}
    note = clip.path.with_suffix(".json")
    scratch = note.with_name(f".{note.name}.{os.getpid()}")
    scratch.write_text(json.dumps(told) + "\n", encoding="utf-8")
    scratch.replace(note)


def _read(note: Path) -> ShownClip | None:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        if told.pop("layout") != _LAYOUT:
            return None
        told |= {"path": note.with_name(told["path"]), "rate": Fraction(told["rate"])}
        told |= {name: _pairs(told[name]) for name in ("holds", "probes")} | {"absent": tuple(told["absent"])}
        clip = ShownClip(**told)
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return clip if clip.path.is_file() else None


def _pairs(told: Sequence[Sequence[Any]]) -> tuple[tuple[int, Any], ...]:
    return tuple((int(at), what) for at, what in told)
