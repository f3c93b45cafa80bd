"""What the tracks of a media container are: streams with their codec, size, rate and time base."""

import contextlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.stream import Disposition

from rushes.fragments import open_container
from rushes.model import Modality, SampleTable, Stream

_TABLES: dict[str, tuple[Modality, SampleTable]] = {
    "video": ("color", "frames"),
    "audio": ("audio", "audio"),
    "subtitle": ("message", "messages"),
    "data": ("message", "messages"),
}
_STILL_CODECS = frozenset({"png", "bmp", "tiff", "webp", "pgm", "ppm"})
"""Codecs that are also those of image files; in a container they get another name, as they are read otherwise."""

_FIXED_FRAMES = frozenset({"aac", "mp3", "ac3", "eac3"})

_KINECT: dict[str, tuple[str, Modality]] = {
    "COLOR": ("color", "color"),
    "DEPTH": ("depth", "depth"),
    "IR": ("infrared", "infrared"),
    "IMU": ("imu", "message"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracks:
    """The tracks that become streams, in the order of the container."""

    streams: tuple[Stream, ...]
    metadata: dict[str, Any]
    offsets_are_bytes: bool
    """Whether a packet's place in the file is where its bytes lie plain."""

    frame_sizes: Mapping[int, int]
    """Samples per packet of the audio tracks whose codec fixes them, by container index."""

    numbers: Mapping[int, int] = field(default_factory=dict)
    """The container's own number of each track, by container index."""

    end_ns: int | None = None
    """Where the container says that its presentation ends."""

    sound: Mapping[int, int] = field(default_factory=dict)
    """How long audio tracks of AVI files say that they are, in ticks of their time base, by container index."""

    unknown: tuple[str, ...] = ()
    """Tracks of pictures or sound that are not read, as their codec is not known."""

    def renamed(self, prefix: str) -> "Tracks":
        """Name the first track ``prefix``, others ``prefix/audio`` and so on."""
        first, *others = self.streams or ()
        renamed = [replace(first, name=prefix), *(replace(s, name=f"{prefix}/{s.name}") for s in others)]
        return replace(self, streams=tuple(renamed))


def tracks_of(path: Path) -> Tracks:
    """Read the header and decode the first picture of each video track, as only pictures carry their rotation."""
    seen: Counter[str] = Counter()
    streams: list[Stream] = []
    ignored: list[str] = []
    unknown: list[str] = []
    frame_sizes: dict[int, int] = {}
    with open_container(path) as container:
        names = container.format.name.split(",")
        kinect = "K4A_START_OFFSET_NS" in container.metadata
        track: Any
        for track in container.streams:
            if track.type not in _TABLES or Disposition.attached_pic in Disposition(track.disposition):
                strange = track.type not in {*_TABLES, "attachment"}
                left = unknown if strange else ignored
                left.append(f"track {track.index}: {track.type} {track.metadata.get('filename', '')}".strip())
                continue
            if track.type in ("video", "audio") and track.codec_context is None:
                unknown.append(f"track {track.index}: {track.type} of a codec that is not known")
                continue
            name = track.type if not seen[track.type] else f"{track.type}{seen[track.type]}"
            seen[track.type] += 1
            streams.append(_stream(track, name, kinect=kinect, avi="avi" in names))
            if streams[-1].codec in _FIXED_FRAMES and track.codec_context.frame_size:
                frame_sizes[track.index] = track.codec_context.frame_size
        numbers = {track.index: int(track.id) for track in container.streams}
        end_ns = _end_ns(container)
        sound = {t.index: int(t.frames) for t in container.streams if "avi" in names and t.type == "audio"}
        metadata = {"container": container.format.name, "tags": dict(container.metadata)}
        if ignored or unknown:
            metadata["tracks_left_unread"] = [*ignored, *unknown]
    turned = {s.container_index: _rotation(path, s) for s in streams if s.modality == "color"}
    streams = [_turned(stream, turned.get(stream.container_index)) for stream in streams]
    return Tracks(
        streams=tuple(streams),
        metadata=metadata,
        offsets_are_bytes=bool({"mov", "wav"} & set(names)),
        frame_sizes=frame_sizes,
        numbers=numbers,
        end_ns=end_ns,
        unknown=tuple(unknown),
        sound={index: count for index, count in sound.items() if count > 0},
    )


def _end_ns(container: Any) -> int | None:
    """Give where the header says that the latest track ends; None where FFmpeg only guesses it."""
    ends = []
    for track in container.streams:
        if track.duration and track.time_base is not None:
            ends.append(((track.start_time or 0) + track.duration) * track.time_base)
        if track.type == "video" and track.frames and track.average_rate:
            ends.append(Fraction(track.frames) / track.average_rate)
    if container.duration:
        ends.append(Fraction((container.start_time or 0) + container.duration, 1_000_000))
    return max((round(end * 1_000_000_000) for end in ends), default=None)


def _stream(track: Any, name: str, *, kinect: bool, avi: bool) -> Stream:
    modality, table = _TABLES[track.type]
    title = track.metadata.get("title", "")
    if kinect and title in _KINECT:
        name, modality = _KINECT[title]
    context = track.codec_context
    codec = context.codec.canonical_name if context is not None else None
    base = track.time_base or Fraction(1, 1)
    common: dict[str, Any] = {
        "name": name,
        "modality": modality,
        "table": table,
        "codec": f"{codec}-track" if codec in _STILL_CODECS else codec,
        "clock": "pts",
        "container_index": track.index,
        "time_base_num": base.numerator,
        "time_base_den": base.denominator,
        "declared_count": _declared(track),
    }
    if track.type == "video":
        rate = track.average_rate or track.guessed_rate
        reordered = avi and context.has_b_frames and codec in ("h264", "hevc")
        return Stream(
            **common,
            pixel_format=context.pix_fmt,
            width=context.width or None,
            height=context.height or None,
            nominal_rate_hz=float(rate) if rate else None,
            depth_unit_m=0.001 if kinect and modality == "depth" else None,
            notes="AVI keeps no presentation times; with B-frames the order of pictures is uncertain"
            if reordered
            else None,
        )
    if track.type == "audio":
        common["declared_count"] = None if avi else common["declared_count"]
        return Stream(**common, sample_rate_hz=float(context.sample_rate), channels=context.channels)
    return Stream(**common)


def _declared(track: Any) -> int | None:
    if track.frames > 0:
        return int(track.frames)
    for key, value in track.metadata.items():  # mkvmerge writes NUMBER_OF_FRAMES, or NUMBER_OF_FRAMES-eng
        if key.upper().startswith("NUMBER_OF_FRAMES") and str(value).isdecimal():
            return int(value)
    return None


def _rotation(path: Path, stream: Stream) -> int | None:
    with contextlib.suppress(av.FFmpegError), open_container(path) as container:
        frame = next(container.decode(container.streams[stream.container_index or 0]), None)
        if isinstance(frame, av.VideoFrame):
            # PyAV tells the turn counterclockwise that was applied; we the clockwise one that is to be applied.
            return -int(frame.rotation) % 360
    return None


def _turned(stream: Stream, rotation: int | None) -> Stream:

    return replace(stream, rotation_deg=rotation)
