"""Makes the samples in this folder from the virtual rig, with what is true of them: make samples.

    python data_samples/make.py [FOLDER]

The same script and the same package versions give the same bytes; ``tests/virtual/test_samples.py`` holds the
committed files to that. README.md and truth.json are written from the same numbers.
"""

import json
import shutil
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from rushes.virtual.clips import write_clip
from rushes.virtual.recording import digest, truth_path, write_recording
from rushes.virtual.rgbd import write_folder
from rushes.virtual.schedule import schedule
from rushes.virtual.spec import NANOSECONDS, FaultSpec, RigSpec
from rushes.virtual.takes import gesture_spec, tabletop_spec

HERE = Path(__file__).resolve().parent
REFERENCE = "/cam0/image/compressed"
PICTURES = ("color", "depth")
COLOR_FAULTS = FaultSpec(dropped=(11, 12), truncated=(22,), repeated=(31,), overexposed_s=(1.8, 2.1))
DEPTH_FAULTS = FaultSpec(gaps_s=((0.9, 1.6),))
GESTURES = (
    ("wave", "s01", "mp4", 31),
    ("pinch", "s01", "mkv", 32),
    ("point", "s01", "mp4", 33),
    ("wave", "s02", "mkv", 34),
    ("pinch", "s02", "mp4", 35),
    ("point", "s02", "mp4", 36),
)


def takes() -> list[RigSpec]:
    """Give the rigs of the recordings."""
    faulty = tabletop_spec("tabletop_s02_take1", seed=2026_03, subject="s02")
    first, *rest = faulty.sensors
    sensors = (
        replace(first, faults=COLOR_FAULTS),
        *(replace(s, faults=DEPTH_FAULTS) if s.kind == "depth" else s for s in rest),
    )
    return [
        tabletop_spec("tabletop_s01_take1", seed=2026_01),
        tabletop_spec("tabletop_s01_take2", seed=2026_02, seconds=2.6, clap_s=2.35),
        replace(faulty, sensors=sensors),
    ]


def make(folder: Path) -> dict[str, Any]:
    """Make every sample below a folder.

    Returns:
        The summary that is also written to ``truth.json``.
    """
    summary = {
        "recordings": {f"{rig.name}.mcap": make_take(rig, folder / "tabletop") for rig in takes()},
        "gestures": make_gestures(folder / "gestures"),
        "rgbd_desk": make_desk(folder / "rgbd_desk"),
    }
    (folder / "truth.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    (folder / "README.md").write_text(readme(summary), encoding="utf-8")
    return summary


def make_take(rig: RigSpec, folder: Path) -> dict[str, Any]:
    """Make one recording and its truth, and give its part of the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{rig.name}.mcap"
    write_recording(rig, path).write(truth_path(path))
    print(f"{path.name}: {path.stat().st_size / 1e6:.2f} MB")
    return _recording(rig, path)


def _recording(rig: RigSpec, path: Path) -> dict[str, Any]:
    streams = {}
    for sensor in rig.sensors:
        plan = schedule(rig, sensor)
        there = plan.delivered()
        streams[sensor.stream] = {
            "kind": sensor.kind,
            "rate_hz": sensor.rate_hz,
            "taken": len(plan.seq),
            "count": len(there.seq),
            "dropped_seq": plan.seq[~plan.arrived].tolist(),
            "repeated_index": np.flatnonzero(there.repeated).tolist(),
            "truncated_index": np.flatnonzero(np.isin(there.seq, sensor.faults.truncated)).tolist(),
            "overexposed_index": _burnt(rig, sensor.faults, there.content_ns),
            "first_log_ns": int(there.log_ns.min()),
            "last_log_ns": int(there.log_ns.max()),
            "longest_gap_ns": int(np.diff(there.true_ns).max()),
            "clock_offset_ns": sensor.clock.offset_ns,
            "clock_drift_ppm": sensor.clock.drift_ppm,
            "minimum_latency_ns": round(sensor.latency.minimum_ms * 1e6),
            "width_px": sensor.width_px if sensor.kind in PICTURES else None,
            "height_px": sensor.height_px if sensor.kind in PICTURES else None,
        }
    seconds = {s.name: _seconds_seen(rig, s.stream) for s in rig.sensors if s.kind in PICTURES}
    others = {"/tf_static": 1} | {f"/{name}/camera_info": count for name, count in seconds.items()}
    counts = [stream["count"] for stream in streams.values()]
    return {
        "sha256": digest(path),
        "bytes": path.stat().st_size,
        "subject": rig.actor.subject,
        "start_ns": rig.start_ns,
        "seconds": rig.seconds,
        "clap_ns": None if rig.clap_s is None else rig.start_ns + round(rig.clap_s * NANOSECONDS),
        "messages": sum(counts) + sum(others.values()),
        "streams": streams,
        "other_topics": others,
        "moments": _moments(rig),
    }


def _burnt(rig: RigSpec, faults: FaultSpec, content_ns: np.typing.NDArray[np.int64]) -> list[int]:
    if faults.overexposed_s is None:
        return []
    begin, end = faults.overexposed_s
    since = (content_ns - rig.start_ns) / NANOSECONDS
    return np.flatnonzero((since >= begin) & (since < end)).tolist()


def _seconds_seen(rig: RigSpec, stream: str) -> int:
    """Count the whole seconds that hold a sample: a calibration comes with the first of each."""
    there = schedule(rig, rig.sensor(stream)).delivered()
    return len(np.unique((there.true_ns - rig.start_ns) // NANOSECONDS))


def _moments(rig: RigSpec) -> dict[str, Any]:
    """Pair every picture of the reference with the nearest of each other stream, by their true instants.

    Within half a period of the reference, both ends included. Each sample may serve once; the samples are made so
    that no pairing is in doubt, which is asserted.
    """
    reference = rig.sensor(REFERENCE)
    times = schedule(rig, reference).delivered().true_ns
    within = round(NANOSECONDS / reference.rate_hz / 2)
    members: dict[str, int] = {REFERENCE: len(times)}
    everywhere = np.ones(len(times), np.bool_)
    worst = 0
    for sensor in rig.sensors:
        if sensor.kind not in PICTURES or sensor.stream == REFERENCE:
            continue
        other = schedule(rig, sensor).delivered().true_ns
        near = np.abs(times[:, None] - other[None, :]) <= within
        assert near.sum(axis=0).max() <= 1, f"{rig.name}: a sample of {sensor.stream} could serve two moments"
        assert near.sum(axis=1).max() <= 1, f"{rig.name}: two samples of {sensor.stream} could serve one moment"
        members[sensor.stream] = int(near.sum())
        everywhere &= near.any(axis=1)
        worst = max(worst, int(np.abs(times[:, None] - other[None, :])[near].max()))
    return {
        "reference": REFERENCE,
        "time": "true",
        "within_ns": within,
        "count": len(times),
        "members": members,
        "complete": int(everywhere.sum()),
        "max_skew_ns": worst,
    }


def make_gestures(folder: Path) -> dict[str, Any]:
    """Make the clips, and give their part of the summary."""
    folder.mkdir(parents=True, exist_ok=True)
    clips = {}
    for label, subject, ending, seed in GESTURES:
        rig = gesture_spec(label, seed=seed, subject=subject)
        path = folder / f"{label}_{subject}.{ending}"
        frames = write_clip(rig, path)
        camera = rig.sensors[0]
        clips[path.name] = {
            "sha256": digest(path),
            "bytes": path.stat().st_size,
            "label": label,
            "subject": subject,
            "frames": frames,
            "rate_hz": camera.rate_hz,
            "width_px": camera.width_px,
            "height_px": camera.height_px,
        }
    return clips


def make_desk(folder: Path) -> dict[str, Any]:
    """Make the RGB-D folder anew, and give its part of the summary."""
    if folder.exists():
        shutil.rmtree(folder)
    rig = tabletop_spec("rgbd_desk", seed=41, seconds=0.6)
    camera, imu = rig.sensors[0], next(s for s in rig.sensors if s.kind == "imu")
    small = replace(camera, rate_hz=10.0, width_px=160, height_px=120, focal_px=140.0, jitter_ns=0)
    slower = replace(imu, rate_hz=100.0)
    counts = write_folder(replace(rig, clap_s=None, sensors=(small, slower)), folder)
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {
        "color": counts.color,
        "depth": counts.depth,
        "accelerometer": counts.accelerometer,
        "groundtruth": counts.groundtruth,
        "depth_counts_per_m": 5000,
        "pairs_within_20_ms": counts.color,
        "files": {p.relative_to(folder).as_posix(): digest(p) for p in files},
    }


def readme(summary: Mapping[str, Any]) -> str:
    """Write what README.md says."""
    return _README.format(
        streams="\n".join(_stream_rows(summary)),
        moments="\n".join(_moment_rows(summary)),
        files="\n".join(_file_rows(summary)),
        desk=summary["rgbd_desk"],
    )


def _stream_rows(summary: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, recording in summary["recordings"].items():
        for stream, facts in recording["streams"].items():
            lost = ", ".join(str(seq) for seq in facts["dropped_seq"]) or "none"
            span = (facts["last_log_ns"] - facts["first_log_ns"]) / NANOSECONDS
            rows.append(
                f"| {name.removesuffix('.mcap')} | {stream} | {facts['count']} | {lost} | {span:.3f} "
                f"| {facts['clock_offset_ns'] / 1e6:+.1f} | {facts['clock_drift_ppm']:+.0f} |"
            )
    return rows


def _moment_rows(summary: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, recording in summary["recordings"].items():
        moments = recording["moments"]
        cam0, cam1, depth = moments["members"].values()
        rows.append(
            f"| {name.removesuffix('.mcap')} | {recording['messages']} | {cam0} | {cam1} | {depth} "
            f"| {moments['complete']} | {moments['max_skew_ns'] / 1e6:.2f} |"
        )
    return rows


def _file_rows(summary: Mapping[str, Any]) -> list[str]:
    files = summary["recordings"] | {f"gestures/{name}": facts for name, facts in summary["gestures"].items()}
    return [f"| {name} | {facts['bytes']} | `{facts['sha256']}` |" for name, facts in files.items()]


_README = """# Samples, and what is true of them

Everything here is rendered by the virtual rig (`rushes.virtual`): no camera, no person. `make samples` makes it
again, byte for byte; this page and `truth.json` are written by the same run. Labels, true sample times and the
clap of each recording are in the `.truth.json` beside it.

- `tabletop/*.mcap`: ROS 2 recordings. Two people, `s01` and `s02`, take a cup, put it back and clap. Two colour
  cameras (`/cam0`, 320 × 240 at 20 Hz; `/cam1`, 240 × 180 at 10 Hz), a depth camera (160 × 120 at 10 Hz,
  millimetres), an IMU at 1 kHz, a microphone at 48 kHz in blocks of 20 ms, the rig's pose on `/tf`. Header stamps
  are device times: each sensor's clock has an offset and a drift of its own. Log times are the host's. A lamp
  flashes for 50 ms from the instant of the clap.
- `gestures/LABEL_SUBJECT.mp4` or `.mkv`: H.264 clips of one gesture each, 24 frames at 15 Hz.
- `rgbd_desk/`: colour, depth, accelerometer and ground truth in the layout of the TUM benchmark: {desk[color]}
  colour and {desk[depth]} depth pictures, 7 ms apart ({desk[pairs_within_20_ms]} pairs within 20 ms),
  {desk[accelerometer]} accelerometer samples, {desk[groundtruth]} poses; depth in metres is the count / 5000.

## Planted faults

Only `tabletop_s02_take1` has any:

| stream | fault | where |
|---|---|---|
| /cam0/image/compressed | two pictures lost | sequence numbers 11 and 12 |
| /cam0/image/compressed | a JPEG that stops after a third of its bytes | sequence number 22, index 20 |
| /cam0/image/compressed | the picture before, sent again | sequence number 31, index 29 |
| /cam0/image/compressed | burnt out | 1.8 s to 2.1 s, six pictures, sequence numbers 36 to 41 |
| /depth/image/compressedDepth | a gap of 0.8 s, seven pictures lost | 0.9 s to 1.6 s |

## Streams

Duration is from the first to the last log time. Offset is device clock minus true time at the start.

| recording | stream | samples | lost sequence numbers | duration, s | offset, ms | drift, ppm |
|---|---|--:|---|--:|--:|--:|
{streams}

Besides, each recording has one message on `/tf_static` and, for each camera, a calibration on `camera_info` with
the first picture of each second.

## Moments

Reference `/cam0/image/compressed`, nearest by the true instants, within half a period (25 ms). What sync finds
differs by what no stamp shows: each sensor's smallest latency, 4 ms for every camera.

| recording | messages | moments | with cam1 | with depth | complete | largest skew, ms |
|---|--:|--:|--:|--:|--:|--:|
{moments}

## Files

| file | bytes | sha256 |
|---|--:|---|
{files}
"""


if __name__ == "__main__":
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE)
