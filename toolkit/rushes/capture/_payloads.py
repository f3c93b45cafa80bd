"""The bytes of recorded pictures and sound, row by row: read where they lie, taken from a track, or made anew."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.capture._recorded import KEPT, Recorded, location_of
from rushes.media import MediaReader
from rushes.model import MediaFile
from rushes.registry import late

Way = Literal["place", "packets", "jpegs", "pngs", "waves"]
"""Read where they lie; packets of a track; pictures or sound made anew."""
ANEW: tuple[Way, ...] = ("jpegs", "pngs", "waves")
_IN_ORDER = ("h264", "h265")
"""Codecs of which a picture may need those before it."""
_OF_MESSAGES = ("vp9", "av1")
"""Codecs that pass only where they come in messages: a container's packets lean on what it says of the track."""
_PLAIN: Mapping[str, Callable[[bytes], npt.NDArray[np.int16]]] = {
    "pcm_s16le": lambda data: np.frombuffer(data, "<i2"),
    "pcm_s32le": lambda data: (np.frombuffer(data, "<i4") >> 16).astype(np.int16),
    "pcm_f32le": lambda data: np.rint(np.frombuffer(data, "<f4").clip(-1, 1) * 32767).astype(np.int16),
    "pcm_f64le": lambda data: np.rint(np.frombuffer(data, "<f8").clip(-1, 1) * 32767).astype(np.int16),
}
"""How samples that lie somewhere by themselves become 16 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """How the samples of a stream are carried over.

    Args:
        codec: Of pictures, as a recording is to call it; None of anything else.
    """

    way: Way
    codec: str | None = None


PLAIN = Carried(way="place")
"""Of what is in columns."""


def carried(recorded: Recorded, media: Mapping[str, MediaFile], *, convert: bool) -> tuple[Carried | None, str]:
    """Choose how the samples of a stream are carried over; None with the reason where they are not.

    Args:
        recorded: The stream.
        media: The files of the recording, by id.
        convert: Whether what cannot be kept may be made anew.

    Raises:
        ReadError: If a container cannot be read.
    """
    if recorded.form not in ("pictures", "sound"):
        return PLAIN, ""
    stream, here = recorded.stream, _in_place(recorded, media)
    files = {media[name] for name in set(recorded.columns["media_id"].tolist())}
    tracks = stream.container_index is not None and {file.container for file in files} == {"video"}
    if recorded.form == "sound":
        return _sound(recorded, here=here, tracks=tracks, convert=convert)
    codec = KEPT.get(stream.codec or "")
    if tracks and codec in _OF_MESSAGES:
        codec = None
    if codec is not None and here and not (tracks and codec in _IN_ORDER):
        return Carried(way="place", codec=codec), ""
    why = f"pictures of the codec '{stream.codec}' cannot be passed on as they are"
    if not tracks:
        return None, why
    if codec is not None and codec != "raw":
        video = late("rushes.capture._recorded_video")
        number = stream.container_index
        if codec not in _IN_ORDER or all(video.in_shown_order(file.path, number) for file in files):
            return Carried(way="packets", codec=codec), ""
        why = "its pictures are not sent in the order in which they are shown"
    if convert:
        deep = stream.modality == "depth" or (stream.pixel_format or "").startswith(("gray1", "gray9"))
        return Carried(way="pngs", codec="png") if deep else Carried(way="jpegs", codec="jpeg"), ""
    return None, f"{why}; with 'convert: true' they are given as JPEG"


def _sound(recorded: Recorded, *, here: bool, tracks: bool, convert: bool) -> tuple[Carried | None, str]:
    stream = recorded.stream
    if not stream.channels or not stream.sample_rate_hz:
        return None, "its sound states no rate or no channels"
    if stream.codec == "pcm_s16le" and here:
        return PLAIN, ""
    why = f"sound of the codec '{stream.codec}' has no place in a message"
    if not (tracks or (here and stream.codec in _PLAIN)):
        return None, why
    if convert:
        return Carried(way="place" if here and stream.codec in _PLAIN else "waves"), ""
    return None, f"{why}; with 'convert: true' it is given in 16 bits"


class Payloads:
    """Gives the bytes of one stream, row by row.

    Args:
        recorded: The stream.
        how: As :func:`carried` chose.
        media: The files of the recording, by id.
        reader: Reads what lies in place.
    """

    def __init__(
        self, recorded: Recorded, how: Carried, media: Mapping[str, MediaFile], reader: MediaReader
    ) -> None:
        self._recorded, self._how, self._media, self._reader = recorded, how, media, reader
        self._tracks: dict[Path, Any] = {}
        self.codec = how.codec
        self.lost = 0

    def there(self, row: int) -> bool:
        """Tell whether a row has bytes that can be had; what has not is counted."""
        if self._how.way == "place":
            return True
        found = self._of_track(row) is not None
        self.lost += not found
        return found

    def at(self, row: int) -> Any:
        """Give the bytes of a picture, or the samples of a block of sound, shape (samples, channels).

        Raises:
            ReadError: If they cannot be read.
        """
        if self._how.way != "place":
            return self._of_track(row)
        data = self._reader.read(location_of(self._recorded, row, self._media))
        if self._recorded.form != "sound":
            return data
        to_16_bits = _PLAIN[self._recorded.stream.codec or ""]
        return to_16_bits(data).reshape(-1, self._recorded.stream.channels or 1)

    def close(self) -> None:
        """Close the files."""
        for track in self._tracks.values():
            track.close()

    def _of_track(self, row: int) -> Any:
        columns = self._recorded.columns
        path = self._media[columns["media_id"][row]].path
        if path not in self._tracks:
            video = late("rushes.capture._recorded_video")
            read = getattr(video, self._how.way)
            self._tracks[path] = video.Track(path, self._recorded.stream.container_index, read)
        return self._tracks[path].at(int(columns["pts"][row]))


def _in_place(recorded: Recorded, media: Mapping[str, MediaFile]) -> bool:
    """Tell whether the bytes of every row lie somewhere by themselves: in a place of a file, or as a whole one."""
    columns, count = recorded.columns, len(recorded.seq)
    absent = [None] * count
    offsets, lengths = (columns[name].tolist() if name in columns else absent for name in ("offset", "length"))
    places = zip(columns["media_id"].tolist(), offsets, lengths, strict=True)
    return all(media[name].container == "file" or None not in (offset, length) for name, offset, length in places)
