"""What a camera's pictures show over a stretch: how it turned and how much moved, from one pass over them."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import ReadError
from rushes.model import FrameFlag, Times
from rushes.timing.crosscheck.clap import Events, jumps
from rushes.timing.crosscheck.motion_energy import Small, energy_of, small
from rushes.timing.crosscheck.signals import Signal
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames, decoder_for

LONG_SIDE_PX = 320
AT_ONCE = 32
FLASH_LEVELS = 6.0
"""Smallest rise of the mean brightness from one picture to the next that can be a flash, in grey levels."""
USELESS = FrameFlag.MISSING | FrameFlag.CORRUPT | FrameFlag.REPEATED | FrameFlag.TIME_SUSPECT

Grey = npt.NDArray[np.uint8]
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a camera.

    Args:
        turning: rad/s about the camera's axes; None where it was not asked for.
        energy: Change of the pictures a second.
        guessed_lens: Whether its intrinsics were guessed.
        skipped: Pictures that could not be decoded.
    """

    turning: Signal | None
    energy: Signal
    guessed_lens: bool
    skipped: int


class Camera:
    """One camera of a recording, in the times that are given.

    Args:
        dataset: Opened.
        row: Of ``streams``.
        times: Shape (n,), of its frames in index order.
    """

    def __init__(self, dataset: Dataset, row: Mapping[str, Any], times: Times) -> None:
        self.row, self.times = row, times
        self.frames = dataset.frames(row["recording_id"], row["stream"])
        self._calibrations = dataset.arrow("calibrations", where={"recording_id": row["recording_id"]}).to_pylist()

    @property
    def stream(self) -> str:
        """Its name."""
        return str(self.row["stream"])

    def within(self, spans: Sequence[tuple[int, int]]) -> list[int]:
        """Give the frames whose times lie in any of the spans, ends included, in time order."""
        usable = (self.frames.flags & int(USELESS)) == 0
        inside = np.zeros(len(self.times), np.bool_)
        for start, end in spans:
            inside |= (self.times >= start) & (self.times <= end)
        chosen = np.flatnonzero(usable & inside)
        return [int(i) for i in chosen[np.argsort(self.times[chosen], kind="stable")]]

    def look(self, spans: Sequence[tuple[int, int]], *, turning: bool, tell: Tell) -> Seen:
        """Decode the pictures in the spans, and measure them."""
        rotation = registry.late("rushes.timing.crosscheck.rotation")
        smalls: list[tuple[int, Small]] = []
        skipped, lens, shape = 0, None, None
        pictures = self._greys(self.within(spans), tell)

        def passed() -> Iterator[tuple[int, Grey | None]]:
            nonlocal skipped, shape
            for index, picture in pictures:
                shape = shape or (picture.shape if picture is not None else None)
                if picture is None or picture.shape != shape:
                    skipped += 1
                    continue
                smalls.append((int(self.times[index]), small(picture)))
                yield int(self.times[index]), picture

        stream = passed()
        if not turning:
            for _ in stream:
                pass
            return Seen(turning=None, energy=energy_of(smalls), guessed_lens=False, skipped=skipped)
        begin = next(stream, None)
        if begin is None or begin[1] is None:
            empty = energy_of(smalls)
            return Seen(turning=rotation.turning((), None), energy=empty, guessed_lens=False, skipped=skipped)
        lens = self._lens(begin[1].shape)
        measured = rotation.turning(_after(begin, stream), lens)
        return Seen(turning=measured, energy=energy_of(smalls), guessed_lens=lens is None, skipped=skipped)

    def flashes(self, spans: Sequence[tuple[int, int]], *, tell: Tell) -> Events:
        """Find sudden rises of the brightness in the spans."""
        found = [
            (int(self.times[i]), float(p.mean()))
            for i, p in self._greys(self.within(spans), tell)
            if p is not None
        ]
        times = np.array([t for t, _ in found], np.int64)
        return jumps(times, np.array([value for _, value in found]), least=FLASH_LEVELS)

    def _lens(self, shape: tuple[int, ...]) -> Any:
        """Give the intrinsics for pictures of that shape; None where the recording states none that fit."""
        if self.row["rotation_deg"]:
            return None
        for one in self._calibrations:
            if (
                not _belongs(one, self.row)
                or not one["fx"]
                or not one["fy"]
                or one["cx"] is None
                or one["cy"] is None
            ):
                continue
            width, height = one["width"] or self.row["width"], one["height"] or self.row["height"]
            if not width or not height:
                continue
            rotation = registry.late("rushes.timing.crosscheck.rotation")
            given = rotation.Lens(
                fx=one["fx"],
                fy=one["fy"],
                cx=one["cx"],
                cy=one["cy"],
                model=one["model"] or "plumb_bob",
                distortion=tuple(one["distortion"] or ()),
            )
            return given.scaled(shape[1] / width, shape[0] / height)
        return None

    def _greys(self, chosen: Sequence[int], tell: Tell) -> Iterator[tuple[int, Grey | None]]:
        """Decode frames, small and grey, a few at a time; None for one that cannot be."""

        def grey(index: int) -> tuple[int, Grey | None]:
            try:
                return index, self.frames.grey(index, long_side_px=LONG_SIDE_PX)
            except ReadError:
                return index, None

        if _one_by_one(self.frames):
            for number, index in enumerate(chosen, 1):
                yield grey(index)
                if number % AT_ONCE == 0:
                    tell(AT_ONCE)
            return
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for start in range(0, len(chosen), AT_ONCE):
                some = chosen[start : start + AT_ONCE]
                yield from pool.map(grey, some)
                tell(len(some))


def _after(
    begin: tuple[int, Grey | None], rest: Iterator[tuple[int, Grey | None]]
) -> Iterator[tuple[int, Grey | None]]:
    yield begin
    yield from rest


def _belongs(calibration: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Say whether a calibration is a camera's: it names it, or has its frame of reference, or lies beside it."""
    if calibration["camera_stream"]:
        return bool(calibration["camera_stream"] == row["stream"])
    if calibration["frame_of_reference"] and row["frame_of_reference"]:
        return bool(calibration["frame_of_reference"] == row["frame_of_reference"])
    return bool(calibration["stream"].rpartition("/")[0] == row["stream"].rpartition("/")[0])


def _one_by_one(frames: Frames) -> bool:
    try:
        return decoder_for(frames.stream["codec"] or "").reads_container
    except ReadError:  # no decoder: every picture will say so itself
        return True
