"""Segments and tracks on a clip ⇄ samples of its stream, exact both ways.

Label Studio counts frames of a video from 1, both ends of a range included; which sample a frame shows, the map
of the clip says. A key with ``enabled: false`` is the last frame on which a thing is seen; ours says from which
sample on it is not. Label Studio moves a box in a straight line over frames, a track of ours over samples: where
the clip holds a picture between two keys, keys that were not drawn are added, so that both put it in one place.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from rushes.annotate.frame_map import FrameMap
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.tracks import between, box_at
from rushes.labels import Box, RotatedBox, Track, TrackKey

SHARPER = 1 + 1e-9
"""How much faster than it is a clip is called. Label Studio takes ``ceil(time * rate)`` for the frame; at the very
time at which a frame begins, where a player that was paused can stand, that would be the one before."""


def named_rate(rate_hz: float) -> float:
    """Give the frame rate to tell Label Studio of a clip that is played at this one."""
    return rate_hz * SHARPER


def span_of(start: int, end: int, passport: Passport) -> tuple[int, int]:
    """Give the samples of a range of frames, one past the last as the end; cut to the clip.

    Raises:
        ValueError: If the range lies outside the clip.
    """
    shown = passport.frame_map
    first, last = max(int(start) - 1, 0), min(int(end), shown.frames) - 1
    if last < first:
        raise ValueError(f"frames {start} to {end} are none of the {shown.frames} of the clip")
    return shown.sample_at(first), shown.sample_at(last) + 1


def frames_of(index: int, index_end: int, passport: Passport) -> tuple[int, int]:
    """Give the range of frames, both included and from 1, of a span of samples; cut to the clip."""
    shown = passport.frame_map
    first, last = max(index, shown.index), min(index_end, shown.index_end) - 1
    return shown.first_frame(first) + 1, shown.last_frame(last) + 1


def track_of(value: Mapping[str, Any], passport: Passport) -> Track:
    """Read a track; a KeyError, TypeError or ValueError if it is none.

    Of several keys on frames that show one sample the last is taken.
    """
    shown = passport.frame_map
    drawn = [_drawn(key, passport) for key in value["sequence"]]
    on_frames = [key for _, key in sorted({key.index: key for key in drawn}.items())]
    if not on_frames:
        raise ValueError("a track without a key")
    taken = {shown.sample_at(key.index): key.index for key in on_frames}
    keys: dict[int, TrackKey] = {}
    for at, key in enumerate(on_frames):
        sample = shown.sample_at(key.index)
        following = on_frames[at + 1] if at + 1 < len(on_frames) else None
        upto = shown.sample_at(following.index) if following else shown.index_end
        keys[sample] = replace(key, index=sample, shown=True)
        if not key.shown:
            if sample + 1 < upto:
                keys[sample + 1] = replace(key, index=sample + 1)
        elif following:
            keys |= dict(_held(key, following, shown, taken))
    return Track(keys=tuple(keys[sample] for sample in sorted(keys)))


def sequence_of(track: Track, passport: Passport, *, end: int | None = None) -> list[dict[str, Any]]:
    """Write the keys of a track; where it goes on beyond the clip, a key stands on its first or last sample.

    Args:
        track: Its keys.
        passport: Of the clip.
        end: One past the last sample of the track; it stays where it is after its last key.
    """
    shown = passport.frame_map
    first, last = shown.index, shown.index_end - 1
    reaches = track.keys[-1].index + 1 if end is None else end
    seen = {key.index: key for key in track.keys if key.shown and first <= key.index <= last}
    # Where it comes into the clip, where it leaves it, the last samples on which it is seen, and those at which a
    # straight line over samples is none over frames.
    ends = [key.index - 1 for key in track.keys if not key.shown] + [reaches - 1]
    offs = {sample for sample in ends if first <= sample < last}
    inner = {first} if track.keys[0].index < first else set()
    outer = {last} if track.keys[-1].index > last else set()
    bends = {sample + more for sample, _ in shown.holds for more in (0, 1)}
    bends = {sample for sample in bends if max(first, track.keys[0].index) < sample <= min(last, reaches - 1)}
    for sample in (inner | outer | offs | bends) - set(seen):
        box = box_at(track, sample, end=reaches)
        if box is not None:
            seen[sample] = _key_of(box, sample)
    return [
        _written(seen[sample], shown.first_frame(sample) + 1, passport, enabled=sample not in offs)
        for sample in sorted(seen)
    ]


def video_size(passport: Passport) -> tuple[int, int]:
    """Give width and height of the clip as shown: even, as its encoding wants."""
    return passport.width_px + passport.width_px % 2, passport.height_px + passport.height_px % 2


def _drawn(key: Mapping[str, Any], passport: Passport) -> TrackKey:
    """Read a key; its index is the frame, from 0."""
    width, height = video_size(passport)
    return TrackKey(
        index=int(key["frame"]) - 1,
        x_px=key["x"] * width / 100,
        y_px=key["y"] * height / 100,
        width_px=key["width"] * width / 100,
        height_px=key["height"] * height / 100,
        rotation_deg=float(key.get("rotation") or 0),
        shown=bool(key.get("enabled", True)),
    )


def _held(
    one: TrackKey, two: TrackKey, shown: FrameMap, taken: Mapping[int, int]
) -> Iterator[tuple[int, TrackKey]]:
    """Give keys for the samples between two keys on frames at which a straight line over samples would bend.

    Args:
        one, two: The keys, on frames.
        shown: The map of the clip.
        taken: The frame whose key a sample has.
    """
    first, last = shown.sample_at(one.index), shown.sample_at(two.index)
    bends: set[int] = set()
    for sample, _ in shown.holds:
        if first <= sample <= last:
            bends |= {sample, sample + 1}
    if one.index != shown.first_frame(first):
        bends.add(first + 1)
    if taken[last] != shown.first_frame(last):
        bends.add(last - 1)
    for sample in sorted(bends):
        if first < sample < last:
            key = between(one, two, shown.first_frame(sample))
            yield sample, replace(key, index=sample, drawn=False)


def _key_of(box: Box | RotatedBox, index: int) -> TrackKey:
    return TrackKey(
        index=index,
        x_px=box.x_px,
        y_px=box.y_px,
        width_px=box.width_px,
        height_px=box.height_px,
        rotation_deg=box.rotation_deg if isinstance(box, RotatedBox) else 0.0,
        drawn=False,
    )


def _written(key: TrackKey, frame: int, passport: Passport, *, enabled: bool) -> dict[str, Any]:
    width, height = video_size(passport)
    return {
        "frame": frame,
        "enabled": enabled,
        "rotation": key.rotation_deg,
        "x": key.x_px * 100 / width,
        "y": key.y_px * 100 / height,
        "width": key.width_px * 100 / width,
        "height": key.height_px * 100 / height,
        "time": frame / (passport.rate_hz or 1),
    }
