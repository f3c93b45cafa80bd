"""What a task shows: which sample, how large, how turned. It travels in the task's data and comes back with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rushes.annotate.label_studio.orientation import Turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Passport:
    """One picture, one clip, or one stretch of numbers or sound, as a task shows it.

    Args:
        stream, index, t_ns: The sample; of a clip or stretch the first.
        width_px, height_px: As stored; 0 where there is no picture.
        orientation: EXIF's number, 1 to 8; browsers heed it.
        pts: Of a video, exact.
        sha256: Of the bytes that are shown, 16 hexadecimal digits.
        moment: Where the picture is shown as part of one.
        index_end: Of a clip or stretch, one past its last sample; each sample of a clip is a frame of it.
        rate_hz: Of a clip as shown; the samples' own times play no part.
        axis: Digest of the time axis of a stretch, :mod:`rushes.annotate.label_studio.axes`.
        rendered: How a picture of depth or infrared is shown in 8 bits, in words; the recording keeps every digit.
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
    moment: int | None = None
    index_end: int | None = None
    rate_hz: int | None = None
    axis: str | None = None
    rows: int | None = None
    rendered: str | None = None

    @property
    def turn(self) -> Turn:
        """How it is shown."""
        return Turn(self.width_px, self.height_px, self.orientation)

    def as_json(self) -> dict[str, Any]:
        """Give its JSON object; what is unknown is left out."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def of_task(data: Mapping[str, Any]) -> dict[str, Passport]:
    """Read the passports of a task by the name of the object that shows them; empty for a foreign task."""
    shown = data.get("shown")
    if not isinstance(shown, Mapping):
        return {}
    return {str(name): Passport(**values) for name, values in shown.items()}
