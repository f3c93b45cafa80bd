"""Where a track's box is on each sample: straight lines between the boxes that were drawn."""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.labels import Box, RotatedBox, Track, TrackKey

_NUMBERS = ("x_px", "y_px", "width_px", "height_px", "rotation_deg")


def box_at(track: Track, index: int, *, end: int | None = None) -> Box | RotatedBox | None:
    """Give the box on one sample; None where it is not shown.

    Between two keys each edge moves in a straight line over the samples, and the turn by the shorter way round. On
    a key it is what was drawn, to the last bit. After the last key it stays where it is up to ``end``.

    Args:
        track: Keys in ascending order of index.
        index: The sample.
        end: One past the last sample of the track; just after the last key when None.
    """
    at = bisect_right([key.index for key in track.keys], index) - 1
    last = track.keys[-1].index + 1 if end is None else end
    if at < 0 or index >= last or not track.keys[at].shown:
        return None
    key = track.keys[at]
    following = track.keys[at + 1] if at + 1 < len(track.keys) else None
    if index == key.index or following is None:
        return _as_box(key)
    return _as_box(between(key, following, index))


def boxes_of(track: Track, *, end: int | None = None) -> Iterator[tuple[int, Box | RotatedBox]]:
    """Give each sample on which a track is shown, with its box; as :func:`box_at`."""
    for key, following, upto in _stretches(track, end):
        for index in range(key.index, upto):
            plain = index == key.index or following is None
            yield index, _as_box(key if plain or following is None else between(key, following, index))


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """A track as columns, a row for each sample on which it is shown; every array has shape (n,).

    Args:
        index: The sample, ascending.
        x_px, y_px, width_px, height_px, rotation_deg: As of a rotated box; to the last bit as :func:`box_at`.
        drawn: Whether somebody drew the box there.
    """

    index: npt.NDArray[np.int64]
    x_px: npt.NDArray[np.float64]
    y_px: npt.NDArray[np.float64]
    width_px: npt.NDArray[np.float64]
    height_px: npt.NDArray[np.float64]
    rotation_deg: npt.NDArray[np.float64]
    drawn: npt.NDArray[np.bool_]


def course_of(track: Track, *, end: int | None = None) -> Course:
    """Give the box of a track on every sample at once; as :func:`boxes_of`, without an object for each."""
    indices: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    boxes: list[npt.NDArray[np.float64]] = [np.zeros((0, 5))]
    for key, following, upto in _stretches(track, end):
        index: npt.NDArray[np.int64] = np.arange(key.index, upto)
        one = np.array([getattr(key, name) for name in _NUMBERS])
        if following is None:
            step: npt.NDArray[np.float64] = np.zeros(5)
            share: npt.NDArray[np.float64] = np.zeros(len(index))
        else:
            step = np.array([getattr(following, name) for name in _NUMBERS]) - one
            step[4] = _short_way(key, following)
            share = (index - key.index) / (following.index - key.index)
        indices.append(index)
        boxes.append(one + share[:, None] * step)
    every, numbers = np.concatenate(indices), np.concatenate(boxes)
    drawn = np.isin(every, [key.index for key in track.keys if key.drawn and key.shown])
    columns = {name: np.ascontiguousarray(numbers[:, at]) for at, name in enumerate(_NUMBERS)}
    return Course(index=every, drawn=drawn, **columns)


def _stretches(track: Track, end: int | None) -> Iterator[tuple[TrackKey, TrackKey | None, int]]:
    """Give each key that is shown, the next one, and the sample up to which they rule; none is empty."""
    last = track.keys[-1].index + 1 if end is None else end
    for at, key in enumerate(track.keys):
        following = track.keys[at + 1] if at + 1 < len(track.keys) else None
        upto = min(last, following.index) if following else last
        if key.shown and key.index < upto:
            yield key, following, upto


def between(one: TrackKey, two: TrackKey, index: int) -> TrackKey:
    """Give the key on the straight line between two keys at an index between theirs; half turns go clockwise."""
    share = (index - one.index) / (two.index - one.index)

    def mixed(name: str) -> float:
        first, second = float(getattr(one, name)), float(getattr(two, name))
        return first + share * (second - first)

    return TrackKey(
        index=index,
        x_px=mixed("x_px"),
        y_px=mixed("y_px"),
        width_px=mixed("width_px"),
        height_px=mixed("height_px"),
        rotation_deg=one.rotation_deg + share * _short_way(one, two),
    )


def _short_way(one: TrackKey, two: TrackKey) -> float:
    return 180 - (180 - (two.rotation_deg - one.rotation_deg)) % 360


def _as_box(key: TrackKey) -> Box | RotatedBox:
    if key.rotation_deg:
        return RotatedBox(
            x_px=key.x_px,
            y_px=key.y_px,
            width_px=key.width_px,
            height_px=key.height_px,
            rotation_deg=key.rotation_deg,
        )
    return Box(x_px=key.x_px, y_px=key.y_px, width_px=key.width_px, height_px=key.height_px)
