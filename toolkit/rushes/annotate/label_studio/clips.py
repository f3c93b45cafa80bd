"""Segments and tracks on a clip ⇄ samples of its stream, exact both ways.

Label Studio counts frames of a video from 1, both ends of a range included. The clip that people see has one frame
a sample, so frame k is sample ``index + k - 1`` whatever the samples' times. A key with ``enabled: false`` is the
last frame on which a thing is seen; ours says from which sample on it is not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from rushes.annotate.label_studio.passport import Passport
from rushes.labels import Track, TrackKey


def span_of(start: int, end: int, passport: Passport) -> tuple[int, int]:
    """Give the samples of a range of frames, one past the last as the end; cut to the clip.

    Raises:
        ValueError: If the range lies outside the clip.
    """
    first = max(passport.index, passport.index + int(start) - 1)
    last = min(_end(passport), passport.index + int(end))
    if last <= first:
        raise ValueError(f"frames {start} to {end} are none of the {_end(passport) - passport.index} of the clip")
    return first, last


def frames_of(index: int, index_end: int, passport: Passport) -> tuple[int, int]:
    """Give the range of frames, both included and from 1, of a span of samples."""
    return index - passport.index + 1, index_end - passport.index


def track_of(value: Mapping[str, Any], passport: Passport) -> Track:
    """Read a track; a KeyError, TypeError or ValueError if it is none."""
    width, height = video_size(passport)
    keys: list[TrackKey] = []
    sequence: Sequence[Mapping[str, Any]] = sorted(value["sequence"], key=lambda key: int(key["frame"]))
    for at, drawn in enumerate(sequence):
        index = passport.index + int(drawn["frame"]) - 1
        key = TrackKey(
            index=index,
            x_px=drawn["x"] * width / 100,
            y_px=drawn["y"] * height / 100,
            width_px=drawn["width"] * width / 100,
            height_px=drawn["height"] * height / 100,
            rotation_deg=float(drawn.get("rotation") or 0),
        )
        keys.append(key)
        follows = int(sequence[at + 1]["frame"]) if at + 1 < len(sequence) else None
        if not drawn.get("enabled", True) and follows != int(drawn["frame"]) + 1 and index + 1 < _end(passport):
            keys.append(_hidden(key))
    if not keys:
        raise ValueError("a track without a key")
    return Track(keys=tuple(keys))


def sequence_of(track: Track, passport: Passport) -> list[dict[str, Any]]:
    """Write the keys of a track; those before or after the clip are left out."""
    width, height = video_size(passport)
    sequence: list[dict[str, Any]] = []
    for key in track.keys:
        if not passport.index <= key.index < _end(passport):
            continue
        frame = key.index - passport.index + 1
        if not key.shown:
            if sequence and sequence[-1]["frame"] == frame - 1:
                sequence[-1]["enabled"] = False
            continue
        sequence.append(
            {
                "frame": frame,
                "enabled": True,
                "rotation": key.rotation_deg,
                "x": key.x_px * 100 / width,
                "y": key.y_px * 100 / height,
                "width": key.width_px * 100 / width,
                "height": key.height_px * 100 / height,
                "time": (frame - 1) / (passport.rate_hz or 1),
            }
        )
    return sequence


def video_size(passport: Passport) -> tuple[int, int]:
    """Give width and height of the clip as shown: even, as its encoding wants."""
    return passport.width_px + passport.width_px % 2, passport.height_px + passport.height_px % 2


def _hidden(key: TrackKey) -> TrackKey:
    return TrackKey(
        index=key.index + 1,
        x_px=key.x_px,
        y_px=key.y_px,
        width_px=key.width_px,
        height_px=key.height_px,
        rotation_deg=key.rotation_deg,
        shown=False,
    )


def _end(passport: Passport) -> int:
    assert passport.index_end is not None, "a clip knows its end"
    return passport.index_end
