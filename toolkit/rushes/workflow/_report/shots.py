"""Findings → small pictures of the frames that they are about, with their labels drawn in: whose, by colour."""

from collections.abc import Iterable, Sequence
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
"""Pictures of one finding: its first, middle and last frame; of a gap both ends, of a copy both."""
MOST = 90
"""Pictures of one page, so that it stays small; the gravest findings come first."""
INK = (255, 196, 0)
"""Of labels by people and files."""
MODEL_INK = (0, 200, 255)
NAMED_INK = (255, 64, 64)
"""Of the label that a finding names, unless a model made it and the finding is about models."""

COPIES = ("image.duplicate", "image.near_duplicate")

Pixels = npt.NDArray[Any]
Ink = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """One label as it is drawn.

    Args:
        bounds: Left, top, right, bottom, px.
        points: Shape (k, 2), the keypoints that are labelled, px.
        named: Whether it is the one that a finding is about; it is drawn with a broader line.
    """

    bounds: tuple[float, float, float, float]
    ink: Ink = INK
    points: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 2)))
    named: bool = False


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
        drawn = self._drawn(recording_id, finding) if finding.check.startswith("label.") else None
        made = [self._picture(frames, index, finding, drawn) for index in _indices(finding, len(frames))]
        made += [self._twin(recording_id, finding)] if finding.check in COPIES else []
        pictures = [picture for picture in made if picture is not None]
        self.taken += len(pictures)
        return pictures

    def _twin(self, recording_id: str, finding: Finding) -> Picture | None:
        """Give the picture that the one of a finding is a copy of."""
        where = {"recording_id": recording_id, "stream": finding.stream, "index": finding.index}
        rows = self.dataset.arrow("duplicates", where=where).to_pylist()
        if not rows:
            return None
        row = rows[0]
        frames = self._opened(row["near_recording_id"], row["near_stream"])
        if frames is None:
            return None
        names = self.dataset.arrow(
            "recordings", columns=["name"], where={"recording_id": row["near_recording_id"]}
        )
        elsewhere = row["near_recording_id"] != recording_id
        place = f" of {names['name'][0]}" if elsewhere and len(names) else ""
        return self._picture(frames, row["near_index"], finding, None, f"frame {row['near_index']}{place}")

    def _opened(self, recording_id: str, stream: str) -> Frames | None:
        key = (recording_id, stream)
        if key not in self._frames:
            try:
                self._frames[key] = self.dataset.frames(recording_id, stream)
            except RushesError:  # the stream holds no pictures
                self._frames[key] = None
        return self._frames[key]

    def _picture(
        self,
        frames: Frames,
        index: int,
        finding: Finding,
        drawn: Sequence[Drawn] | None,
        caption: str = "",
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
            caption=caption or f"frame {index}",
        )

    def _drawn(self, recording_id: str, finding: Finding) -> list[Drawn]:
        """Give the labels of a frame; the one that the finding names comes last, so that nothing covers it."""
        where = {"recording_id": recording_id, "stream": finding.stream, "index": finding.index}
        columns, points, starts = laid_out(self.dataset.arrow("labels", columns=LABEL_COLUMNS, where=where))
        bounds = label_bounds(columns, points, starts)
        made = []
        named = columns["label_id"] == finding.label_id
        for at in sorted(np.flatnonzero(np.isfinite(bounds).all(axis=1)).tolist(), key=lambda at: bool(named[at])):
            model = columns["source"][at] == "model"
            ink = MODEL_INK if model else NAMED_INK if named[at] else INK
            if named[at] and finding.check != "label.model":
                ink = NAMED_INK
            shown: npt.NDArray[np.float64] = np.zeros((0, 2))
            if columns["kind"][at] == "keypoints":
                triples = points[starts[at] : starts[at + 1]]
                triples = triples[: len(triples) // 3 * 3].reshape(-1, 3)
                shown = triples[triples[:, 2] > 0, :2]
            left, top, right, bottom = bounds[at].tolist()
            made.append(Drawn(bounds=(left, top, right, bottom), ink=ink, points=shown, named=bool(named[at])))
        return made


def outlined(pixels: Pixels, labels: Iterable[Drawn]) -> Pixels:
    """Draw labels into a picture; gives (h, w, 3) uint8. What lies beyond the edge is drawn along it."""
    if pixels.dtype != np.uint8:
        return pixels
    picture: Pixels = np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()
    height, width = picture.shape[:2]
    thin = max(1, round(max(height, width) / LONG_SIDE_PX))
    for label in labels:
        wide = 3 * thin if label.named else thin
        left, top, right, bottom = label.bounds
        x0, x1 = (int(np.clip(x, 0, width - 1)) for x in (left, right))
        y0, y1 = (int(np.clip(y, 0, height - 1)) for y in (top, bottom))
        picture[y0 : y0 + wide, x0 : x1 + 1] = label.ink
        picture[max(y1 - wide + 1, 0) : y1 + 1, x0 : x1 + 1] = label.ink
        picture[y0 : y1 + 1, x0 : x0 + wide] = label.ink
        picture[y0 : y1 + 1, max(x1 - wide + 1, 0) : x1 + 1] = label.ink
        for x, y in label.points[np.isfinite(label.points).all(axis=1)]:
            column, row = (int(np.clip(v, -wide, most + wide)) for v, most in ((x, width), (y, height)))
            picture[max(row - wide, 0) : max(row + wide, 0), max(column - wide, 0) : max(column + wide, 0)] = (
                label.ink
            )
    return picture


def _indices(finding: Finding, count: int) -> Sequence[int]:
    """Choose the frames that stand for a finding."""
    assert finding.index is not None
    if finding.check == "stream.gap":
        return [index for index in (finding.index - 1, finding.index) if 0 <= index < count]
    if finding.check in COPIES:
        return [finding.index]
    if finding.check.startswith("label."):
        return [finding.index] if 0 <= finding.index < count else []
    first, last = finding.index, min(finding.index + finding.count - 1, count - 1)
    wanted = dict.fromkeys(round(first + (last - first) * at / (EACH - 1)) for at in range(EACH))
    return [index for index in wanted if 0 <= index < count]
