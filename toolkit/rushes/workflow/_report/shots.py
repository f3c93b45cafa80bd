"""Findings → small pictures of the frames that they are about, with their labels drawn in."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.checks import label_bounds
from rushes.errors import ReadError, RushesError
from rushes.model import Finding
from rushes.report.page import Picture
from rushes.workflow._check.label_views import LABEL_COLUMNS, laid_out
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames

LONG_SIDE_PX = 240
QUALITY = 72
EACH = 3
"""Pictures of one finding: its first, middle and last frame."""
MOST = 90
"""Pictures of one page, so that it stays small; the gravest findings come first."""
INK = (255, 196, 0)

Pixels = npt.NDArray[Any]


@dataclass(slots=True)
class Shots:
    """Takes pictures for one page until there are enough.

    Args:
        dataset: Opened.
        taken: Pictures so far.
        passed: Findings whose pictures were left out, since there were enough.
    """

    dataset: Dataset
    taken: int = 0
    passed: int = 0
    _frames: dict[tuple[str, str], Frames | None] = field(default_factory=dict)

    def of(self, recording_id: str, finding: Finding) -> list[Picture]:
        """Give pictures of the frames of a finding; none where it has none, or they do not decode."""
        if not recording_id or finding.stream is None or finding.index is None:
            return []
        frames = self._opened(recording_id, finding.stream)
        if frames is None:
            return []
        if self.taken >= MOST:
            self.passed += 1
            return []
        drawn = self._bounds(recording_id, finding) if finding.check.startswith("label.") else None
        made = [self._picture(frames, index, finding, drawn) for index in _indices(finding, len(frames))]
        pictures = [picture for picture in made if picture is not None]
        self.taken += len(pictures)
        return pictures

    def _opened(self, recording_id: str, stream: str) -> Frames | None:
        key = (recording_id, stream)
        if key not in self._frames:
            try:
                self._frames[key] = self.dataset.frames(recording_id, stream)
            except RushesError:  # the stream holds no pictures
                self._frames[key] = None
        return self._frames[key]

    def _picture(
        self, frames: Frames, index: int, finding: Finding, drawn: npt.NDArray[np.float64] | None
    ) -> Picture | None:
        if frames.missing(index):
            return None
        try:
            pixels = frames.image(index)
        except ReadError:
            return None
        if drawn is not None and index == finding.index:
            pixels = outlined(pixels, drawn)
        modality = frames.stream["modality"]
        jpeg = registry.late("rushes.decoders._render").to_jpeg(
            pixels, modality, long_side_px=LONG_SIDE_PX, quality=QUALITY
        )
        height, width = pixels.shape[:2]
        scale = min(1.0, LONG_SIDE_PX / max(width, height))
        return Picture(
            jpeg=jpeg,
            width=max(1, round(width * scale)),
            height=max(1, round(height * scale)),
            alt=f"Frame {index} of {frames.stream['stream']}",
            caption=f"frame {index}",
        )

    def _bounds(self, recording_id: str, finding: Finding) -> npt.NDArray[np.float64]:
        """Give the bounds of the labels of a frame, shape (n, 4); those that the finding names come last."""
        where = {"recording_id": recording_id, "stream": finding.stream, "index": finding.index}
        columns, points, starts = laid_out(self.dataset.arrow("labels", columns=LABEL_COLUMNS, where=where))
        bounds = label_bounds(columns, points, starts)
        return bounds[np.isfinite(bounds).all(axis=1)]


def outlined(pixels: Pixels, bounds: npt.NDArray[np.float64]) -> Pixels:
    """Draw boxes into a picture; gives (h, w, 3) uint8. What lies beyond the edge is drawn along it."""
    if pixels.dtype != np.uint8:
        return pixels
    picture: Pixels = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
    height, width = picture.shape[:2]
    wide = max(2, round(max(height, width) / LONG_SIDE_PX * 1.5))
    for left, top, right, bottom in bounds:
        x0, x1 = (int(np.clip(x, 0, width - 1)) for x in (left, right))
        y0, y1 = (int(np.clip(y, 0, height - 1)) for y in (top, bottom))
        picture[y0 : y0 + wide, x0 : x1 + 1] = INK
        picture[max(y1 - wide + 1, 0) : y1 + 1, x0 : x1 + 1] = INK
        picture[y0 : y1 + 1, x0 : x0 + wide] = INK
        picture[y0 : y1 + 1, max(x1 - wide + 1, 0) : x1 + 1] = INK
    return picture


def _indices(finding: Finding, count: int) -> Sequence[int]:
    """Choose the frames that stand for a finding."""
    assert finding.index is not None
    if finding.check.startswith("label."):
        return [finding.index] if 0 <= finding.index < count else []
    first, last = finding.index, min(finding.index + finding.count - 1, count - 1)
    wanted = dict.fromkeys(round(first + (last - first) * at / (EACH - 1)) for at in range(EACH))
    return [index for index in wanted if 0 <= index < count]
