"""Cross-check: what pictures, gyroscopes, poses and sound of a recording say of its clocks. Nothing is written.

Work is bounded: of each camera one stretch is decoded, small and grey, where the rig turns most.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from rushes.model import Times
from rushes.timing.crosscheck.clap import Events, compare_events
from rushes.timing.crosscheck.correlate import Limits
from rushes.timing.crosscheck.gyro_vision import Kind, compare_turning
from rushes.timing.crosscheck.motion_energy import compare_energy
from rushes.timing.crosscheck.signals import Signal
from rushes.timing.crosscheck.verdict import Crosscheck
from rushes.workflow._crosscheck.columns import claps_heard, imu_turning, jolts, track_turning
from rushes.workflow._crosscheck.looking import Camera, Seen, Tell
from rushes.workflow.dataset import Dataset

CAMERAS = ("color", "infrared")
CLAP_WITHIN_NS = 1_500_000_000
BIN_NS = 1_000_000_000
LEAST_NS = Limits().least_overlap_ns

Spans = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """How much work a cross-check may be.

    Args:
        stretch_s: Length of the stretch that is looked at.
        follow: Whether to look at the whole recording instead, for drift and jumps.
        most_pictures: Of one camera; of a longer recording, stretches spread evenly are looked at.
        most_sound_s: Of one microphone, half at the beginning and half at the end.
    """

    stretch_s: float = 15.0
    follow: bool = False
    most_pictures: int = 3_600
    most_sound_s: float = 120.0


DEFAULT_BUDGET = Budget()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sensors:
    """What a recording has to hold against each other, by stream."""

    gyros: Mapping[str, Signal]
    poses: Mapping[str, Signal]
    jolts: Mapping[str, Events]
    claps: Mapping[str, Events]
    cameras: Mapping[str, Camera]


def crosscheck(
    dataset: Dataset,
    recording_id: str,
    times_by_stream: Mapping[str, Times],
    *,
    budget: Budget = DEFAULT_BUDGET,
    tell: Tell = lambda _: None,
) -> list[Crosscheck]:
    """Hold the contents of a recording's streams against each other.

    Every IMU and every track of poses is held to be right against every camera, an IMU against poses, the first
    camera against the others, and sound against IMUs and cameras.

    Args:
        dataset: Opened; nothing is written.
        recording_id: Of the recording.
        times_by_stream: Shape (n,) for each stream that takes part: the times of its samples in index order, as
            they were aligned by.
        budget: How much may be looked at.
        tell: Called now and then with how many more pictures were decoded.

    Returns:
        One verdict for each pair and kind; none where no pair can be compared at all.
    """
    rows = dataset.arrow("streams", where={"recording_id": recording_id}).to_pylist()
    rows = [row for row in rows if len(times_by_stream.get(row["stream"], ())) > 1]
    sensors = _sensors(dataset, rows, times_by_stream, budget)
    turning = {**sensors.gyros, **sensors.poses}
    found: list[Crosscheck] = []
    for (imu, gyro), (track, poses) in product(sensors.gyros.items(), sensors.poses.items()):
        span = _stretches(gyro, {}, budget)
        part = _cut(poses, span)
        found.append(compare_turning("gyro-pose", imu, track, (gyro, part), follow=budget.follow))
    leader = next(iter(turning.values()), None)
    spans = _stretches(leader, {name: c.times for name, c in sensors.cameras.items()}, budget)
    wanted = bool(turning) or len(sensors.cameras) > 1
    if sum(end - begin for begin, end in spans) < LEAST_NS:
        return [*found, *_too_short(sensors, spans), *_claps(sensors, tell)]
    seen = {
        name: camera.look(spans, turning=bool(turning), tell=tell)
        for name, camera in sensors.cameras.items()
        if wanted
    }
    found += _turning_against_cameras("gyro-vision", sensors.gyros, seen, budget)
    found += _turning_against_cameras("pose-vision", sensors.poses, seen, budget)
    found += _cameras_against_first(seen)
    found += _claps(sensors, tell)
    return found


def _too_short(sensors: _Sensors, spans: Spans) -> list[Crosscheck]:
    """Give up on pictures, without decoding one, where streams run together for too short a time."""
    length = sum(end - begin for begin, end in spans) / 1e9
    reason = f"the streams run together for {length:.3g} s, less than the {LEAST_NS / 1e9:g} s that it takes"
    names = list(sensors.cameras)
    pairs = [
        *(("gyro-vision", *pair) for pair in product(sensors.gyros, names)),
        *(("pose-vision", *pair) for pair in product(sensors.poses, names)),
        *(("motion-energy", names[0], other) for other in names[1:]),
    ]
    return [
        Crosscheck(kind=kind, first=first, second=second, verdict="not observable", reason=reason)
        for kind, first, second in pairs
    ]


def _sensors(dataset: Dataset, rows: list[dict[str, Any]], times: Mapping[str, Times], budget: Budget) -> _Sensors:
    gyros: dict[str, Signal] = {}
    poses: dict[str, Signal] = {}
    shaken: dict[str, Events] = {}
    claps: dict[str, Events] = {}
    for row in rows:
        stream, where = row["stream"], {"recording_id": row["recording_id"], "stream": row["stream"]}
        if row["table"] == "imu":
            gyros[stream] = imu_turning(dataset, where, times[stream])
            shaken[stream] = jolts(dataset, where, times[stream])
        elif row["table"] == "poses":
            poses[stream] = track_turning(dataset, where, times[stream])
        elif row["table"] == "audio":
            heard = claps_heard(dataset, row, times[stream], most_s=budget.most_sound_s)
            if heard is not None:
                claps[stream] = heard
    cameras = {
        row["stream"]: Camera(dataset, row, times[row["stream"]])
        for row in rows
        if row["table"] == "frames" and row["modality"] in CAMERAS
    }
    return _Sensors(
        gyros={name: s for name, s in gyros.items() if len(s)},
        poses={name: s for name, s in poses.items() if len(s)},
        jolts=shaken,
        claps=claps,
        cameras=cameras,
    )


def _turning_against_cameras(
    kind: Kind, firsts: Mapping[str, Signal], seen: Mapping[str, Seen], budget: Budget
) -> list[Crosscheck]:
    return [
        compare_turning(
            kind,
            first,
            second,
            (signal, look.turning),
            follow=budget.follow,
            guessed_lens=look.guessed_lens,
            skipped=look.skipped,
        )
        for (first, signal), (second, look) in product(firsts.items(), seen.items())
        if look.turning is not None
    ]


def _cameras_against_first(seen: Mapping[str, Seen]) -> list[Crosscheck]:
    names = list(seen)
    return [
        compare_energy(
            names[0],
            other,
            (seen[names[0]].energy, seen[other].energy),
            skipped=seen[names[0]].skipped + seen[other].skipped,
        )
        for other in names[1:]
    ]


def _claps(sensors: _Sensors, tell: Tell) -> list[Crosscheck]:
    found = []
    for sound, heard in sensors.claps.items():
        found += [compare_events(sound, imu, (heard, shaken)) for imu, shaken in sensors.jolts.items()]
        around = tuple((int(t) - CLAP_WITHIN_NS, int(t) + CLAP_WITHIN_NS) for t in heard.t_ns[:5])
        for name, camera in sensors.cameras.items():
            found.append(compare_events(sound, name, (heard, camera.flashes(around, tell=tell))))
    return found


def _stretches(turning: Signal | None, cameras: Mapping[str, Times], budget: Budget) -> Spans:
    """Choose what to look at: where the rig turns most, or, to follow, as much as the budget allows."""
    covered = [(int(t.min()), int(t.max())) for t in cameras.values()]
    if turning is not None:
        covered.append((int(turning.start_ns[0]), int(turning.end_ns[-1])))
    if not covered:
        return ()
    begin, end = _shared(covered) or _shared(covered[: len(cameras)]) or covered[0]
    length = round(budget.stretch_s * 1e9)
    if budget.follow:
        most = max((len(t) for t in cameras.values()), default=0)
        if most <= budget.most_pictures:
            return ((begin, end),)
        share = budget.most_pictures / most
        count = max(2, int((end - begin) * share / length))
        starts = np.linspace(begin, max(begin, end - length), count)
        return tuple((int(start), int(start) + length) for start in starts)
    if end - begin <= length:
        return ((begin, end),)
    start = _liveliest(turning, begin, end, length) if turning is not None else (begin + end - length) // 2
    return ((start, start + length),)


def _shared(spans: Sequence[tuple[int, int]]) -> tuple[int, int] | None:
    """Give what all spans have in common; None where that is nothing."""
    begin, end = max((s[0] for s in spans), default=0), min((s[1] for s in spans), default=0)
    return (begin, end) if begin < end else None


def _liveliest(turning: Signal, begin: int, end: int, length: int) -> int:
    """Give the start of the stretch in which a sensor turns most."""
    bins = max(1, (end - begin) // BIN_NS)
    inside = (turning.start_ns >= begin) & (turning.start_ns < begin + bins * BIN_NS) & turning.known
    at = (turning.start_ns[inside] - begin) // BIN_NS
    values = turning.values[inside]
    power = np.bincount(at, ((values - np.median(values, axis=0)) ** 2).sum(axis=1), minlength=int(bins))
    power = power / np.maximum(np.bincount(at, minlength=int(bins)), 1)
    summed = np.concatenate([[0.0], np.cumsum(power)])
    wide = max(1, min(int(bins), length // BIN_NS))
    return begin + int(np.argmax(summed[wide:] - summed[:-wide])) * BIN_NS


def _cut(signal: Signal, spans: Spans) -> Signal:
    start, end = (spans[0][0], spans[-1][1]) if spans else (0, 0)
    return signal.within(start, end)
