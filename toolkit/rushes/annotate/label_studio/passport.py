"""What a task shows: which sample, how large, how turned. It travels in the task's data and comes back with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rushes.annotate.frame_map import FrameMap
from rushes.annotate.label_studio.orientation import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """One picture, one clip, or one stretch of numbers or sound, as a task shows it.

    Args:
        stream, index, t_ns: The sample; of a clip or stretch the first.
        width_px, height_px: As stored; 0 where there is no picture.
        orientation: EXIF's number, 1 to 8; browsers heed it.
        pts: Of a video, exact.
        sha256: Of the bytes of the file that is shown, 16 hexadecimal digits; of a JPEG or PNG as recorded, these
            are the stored bytes.
        pixels: Of the decoded pixels of the sample, as :func:`rushes.annotate.proof.pixels_digest` makes it.
        moment: Where the picture is shown as part of one.
        index_end: Of a clip or stretch, one past its last sample.
        rate_hz: Of a clip as it is played.
        holds: Of a clip, the samples that are shown for more than one frame; as of ``FrameMap``.
        times: Of a clip, a digest of the times and pts of its samples.
        probes: Of a clip, some samples and the digests of their pixels.
        absent: Of a clip, samples whose picture cannot be decoded; the one before is shown for them.
        axis: Digest of the time axis of a stretch, :mod:`rushes.annotate.label_studio.axes`.
        rows: Of a stretch of numbers, how many of its samples are drawn.
    """

    recording_id: str
    stream: str
    index: int
    t_ns: int | None = None
    width_px: int = 0
    height_px: int = 0
    orientation: int = 1
    pts: int | None = None
    sha256: str | None = None
    pixels: str | None = None
    moment: int | None = None
    index_end: int | None = None
    rate_hz: float | None = None
    holds: tuple[tuple[int, int], ...] | None = None
    times: str | None = None
    probes: tuple[tuple[int, str], ...] | None = None
    absent: tuple[int, ...] | None = None
    axis: str | None = None
    rows: int | None = None

    @property
    def turn(self) -> Turn:
        """How it is shown."""
        return Turn(self.width_px, self.height_px, self.orientation)

    @property
    def frame_map(self) -> FrameMap:
        """Which sample each frame of the clip shows."""
        assert self.index_end is not None, "a clip knows its end"
        return FrameMap(index=self.index, index_end=self.index_end, holds=self.holds or ())

    def as_json(self) -> dict[str, Any]:
        """Give its JSON object; what is unknown is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def of_task(data: Mapping[str, Any]) -> dict[str, Passport]:
    """Read the passports of a task by the name of the object that shows them; empty for a foreign task."""
    shown = data.get("shown")
    if not isinstance(shown, Mapping):
        return {}
    return {str(name): _of_json(values) for name, values in shown.items()}


def _of_json(values: Mapping[str, Any]) -> Passport:
    told = dict(values)
    for name in ("holds", "probes"):
        if told.get(name) is not None:
            told[name] = tuple((int(at), what) for at, what in told[name])
    if told.get("absent") is not None:
        told["absent"] = tuple(told["absent"])
    return Passport(**told)
