"""Where a track's box is on each sample: straight lines between the boxes that were drawn."""

from bisect import bisect_right
from collections.abc import Iterator

from rushes.labels import Box, RotatedBox, Track, TrackKey


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
    last = track.keys[-1].index + 1 if end is None else end
    for index in range(track.keys[0].index, last):
        box = box_at(track, index, end=end)
        if box is not None:
            yield index, box


def between(one: TrackKey, two: TrackKey, index: int) -> TrackKey:
    """Give the key on the straight line between two keys at an index between theirs; half turns go clockwise."""
    share = (index - one.index) / (two.index - one.index)

    def mixed(name: str) -> float:
        first, second = float(getattr(one, name)), float(getattr(two, name))
        return first + share * (second - first)

    around = 180 - (180 - (two.rotation_deg - one.rotation_deg)) % 360
    return TrackKey(
        index=index,
        x_px=mixed("x_px"),
        y_px=mixed("y_px"),
        width_px=mixed("width_px"),
        height_px=mixed("height_px"),
        rotation_deg=one.rotation_deg + share * around,
    )


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
