"""The truth of a take, as the JSON that lies beside the recording.

Times are int64 nanoseconds of true time. Arrays of times are kept as a first value and steps (one number where all
steps are equal), so that a thousand samples a second stay small.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from rushes.model import Times
from rushes.virtual.hand import KEYPOINTS
from rushes.virtual.labels import FrameLabels
from rushes.virtual.render import Pinhole
from rushes.virtual.scene import CLASSES
from rushes.virtual.schedule import schedule
from rushes.virtual.script import FLASH_S, script_of
from rushes.virtual.spec import NANOSECONDS, RigSpec, SensorSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTruth:
    """What is true of one stream of a recording.

    Args:
        taken: Samples that the sensor took, lost ones included.
        true_ns: Shape (n,), when each recorded sample was really taken, in recorded order.
        dropped: Sequence numbers that are lost.
        repeated: Indices of recorded samples that carry the payload of an earlier one.
        truncated: Indices of recorded samples whose bytes stop early.
        overexposed: Indices of recorded samples that are burnt out.
        clock: Fields of the device's clock.
        latency: Fields of its way to the host.
        frames: Labels of each recorded sample, for colour streams.
    """

    stream: str
    kind: str
    rate_hz: float
    taken: int
    true_ns: Times
    dropped: tuple[int, ...]
    repeated: tuple[int, ...]
    truncated: tuple[int, ...]
    overexposed: tuple[int, ...]
    clock: Mapping[str, Any]
    latency: Mapping[str, Any]
    camera: Mapping[str, Any] | None = None
    frames: Sequence[Mapping[str, Any]] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What is true of a take: its streams, the clap, and what the hands do."""

    name: str
    seed: int
    start_ns: int
    seconds: float
    clap_ns: int | None
    flash_end_ns: int | None
    subject: str
    script: str
    streams: Mapping[str, StreamTruth]
    relations: Sequence[Mapping[str, Any]]
    gestures: Sequence[Mapping[str, Any]]

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(self.to_json(), separators=(",", ":")) + "\n", encoding="utf-8")

    def to_json(self) -> dict[str, Any]:
        """Give it as JSON values."""
        plain = {name: getattr(self, name) for name in _PLAIN}
        streams = {}
        for name, stream in self.streams.items():
            values = asdict(stream)
            del values["stream"]
            streams[name] = values | {"true_ns": pack_times(stream.true_ns)}
        labels = {"keypoints": list(KEYPOINTS), "classes": CLASSES}
        return plain | labels | {"relations": self.relations, "gestures": self.gestures, "streams": streams}


def read_truth(path: Path) -> Truth:
    """Read what :meth:`Truth.write` wrote."""
    values = json.loads(path.read_text(encoding="utf-8"))
    streams = {}
    for name, stream in values["streams"].items():
        for key in ("dropped", "repeated", "truncated", "overexposed"):
            stream[key] = tuple(stream[key])
        streams[name] = StreamTruth(stream=name, **(stream | {"true_ns": unpack_times(stream["true_ns"])}))
    return Truth(
        **{key: values[key] for key in _PLAIN},
        streams=streams,
        relations=values["relations"],
        gestures=values["gestures"],
    )


def truth_of(rig: RigSpec, labels: Mapping[str, Sequence[FrameLabels]], cameras: Mapping[str, Pinhole]) -> Truth:
    """Gather the truth of a take.

    Args:
        rig: The take.
        labels: Of each recorded picture, by stream.
        cameras: T_rig_optical and intrinsics of each camera, by stream.
    """
    script = script_of(rig)
    clap_ns = None if rig.clap_s is None else rig.start_ns + round(rig.clap_s * NANOSECONDS)
    return Truth(
        name=rig.name,
        seed=rig.seed,
        start_ns=rig.start_ns,
        seconds=rig.seconds,
        clap_ns=clap_ns,
        flash_end_ns=None if clap_ns is None else clap_ns + round(FLASH_S * NANOSECONDS),
        subject=rig.actor.subject,
        script=rig.script,
        streams={s.stream: _stream(rig, s, labels.get(s.stream, ()), cameras.get(s.stream)) for s in rig.sensors},
        relations=[_interval(rig, asdict(relation)) for relation in script.relations],
        gestures=[_interval(rig, asdict(gesture)) for gesture in script.gestures],
    )


def pack_times(times: Times) -> dict[str, Any]:
    """Pack ascending or other times as a first value and steps."""
    steps = np.diff(times)
    equal = len(steps) > 0 and bool((steps == steps[0]).all())
    return {
        "first": int(times[0]) if len(times) else None,
        "count": len(times),
        "steps": int(steps[0]) if equal else steps.tolist(),
    }


def unpack_times(packed: Mapping[str, Any]) -> Times:
    """Undo :func:`pack_times`."""
    if not packed["count"]:
        return np.empty(0, np.int64)
    steps = np.broadcast_to(np.array(packed["steps"], np.int64), packed["count"] - 1)
    return np.asarray(np.concatenate([[packed["first"]], packed["first"] + np.cumsum(steps)]), np.int64)


def _stream(
    rig: RigSpec, sensor: SensorSpec, labels: Sequence[FrameLabels], camera: Pinhole | None
) -> StreamTruth:
    plan = schedule(rig, sensor)
    order = np.argsort(np.where(plan.arrived, plan.log_ns, np.iinfo(np.int64).max), kind="stable")
    order = order[: int(plan.arrived.sum())]
    since = (plan.content_ns[order] - rig.start_ns) / NANOSECONDS
    burnt = sensor.faults.overexposed_s or (0.0, 0.0)
    return StreamTruth(
        stream=sensor.stream,
        kind=sensor.kind,
        rate_hz=sensor.rate_hz,
        taken=len(plan.seq),
        true_ns=plan.true_ns[order],
        dropped=tuple(plan.seq[~plan.arrived].tolist()),
        repeated=tuple(np.flatnonzero(plan.repeated[order]).tolist()),
        truncated=tuple(np.flatnonzero(np.isin(plan.seq[order], sensor.faults.truncated)).tolist()),
        overexposed=tuple(np.flatnonzero((since >= burnt[0]) & (since < burnt[1])).tolist()),
        clock=asdict(sensor.clock),
        latency=asdict(sensor.latency),
        camera=None if camera is None else _camera(camera),
        frames=[_frame(frame) for frame in labels],
    )


def _camera(camera: Pinhole) -> dict[str, Any]:
    return {
        "width_px": camera.width_px,
        "height_px": camera.height_px,
        "focal_px": camera.focal_px,
        "center_px": list(camera.center_px),
        "T_rig_optical": {
            "rotation": np.round(camera.pose.rotation, 9).tolist(),
            "translation_m": np.round(camera.pose.translation, 9).tolist(),
        },
    }


def _frame(labels: FrameLabels) -> dict[str, Any]:
    return {
        "boxes": {box.instance: list(box.box_px) for box in labels.boxes},
        "hands": {
            hand.side: {
                "u": [round(x, 2) for x in hand.points_px[:, 0].tolist()],
                "v": [round(x, 2) for x in hand.points_px[:, 1].tolist()],
                "visible": "".join("1" if seen else "0" for seen in hand.visible),
            }
            for hand in labels.hands
        },
    }


def _interval(rig: RigSpec, values: dict[str, Any]) -> dict[str, Any]:
    for edge in ("from", "to"):
        values[f"{edge}_ns"] = rig.start_ns + round(values.pop(f"{edge}_s") * NANOSECONDS)
    return values


_PLAIN = ("name", "seed", "start_ns", "seconds", "clap_ns", "flash_end_ns", "subject", "script")
