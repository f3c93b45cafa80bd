"""A take of the virtual rig, rendered once in a process of its own and kept as plain arrays.

    python -m rushes.capture._virtual_rendering NAME SEED SECONDS FILE

The file is an .npz: for each sensor, by its place in the rig, the columns of its samples in the order in which
they arrive, and their content.
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.capturing import Content, Inertial, Pictures, Places, Sound
from rushes.errors import CaptureError
from rushes.model import Times
from rushes.virtual import play
from rushes.virtual.recording import place_of
from rushes.virtual.spec import RigSpec
from rushes.virtual.takes import AUDIO, CAM0, CAM1, DEPTH, IMU, tabletop_spec, tiny_spec

SECONDS = {"tabletop": 3.0, "tiny": 1.0, "two-cameras": 1.0}
"""Takes by name, and how long each is where nothing is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What one sensor gives in a take, in the order in which it arrives; every array has shape (n, …).

    Args:
        seq: Number that the device gave.
        true_ns: When it was really taken.
        log_ns: When it arrives, on the clock of the take.
        values: By the kind of sensor: (n, 6) gyro and accel, (n, 7) places, (n, samples) sound.
        blob, ends: Encoded pictures joined, and where each ends.
    """

    seq: Times
    true_ns: Times
    log_ns: Times
    values: npt.NDArray[Any]
    blob: npt.NDArray[np.uint8]
    ends: Times


def spec_of(name: str, *, seed: int, seconds: float) -> RigSpec:
    """Give a take by its name, one of :data:`SECONDS`."""
    makers: Mapping[str, Callable[[], RigSpec]] = {
        "tabletop": partial(tabletop_spec, "tabletop", seed=seed, seconds=seconds, clap_s=seconds * 0.9),
        "tiny": partial(tiny_spec, seed=seed, seconds=seconds, clap_s=seconds * 0.8),
        "two-cameras": partial(_two_cameras, seed, seconds),
    }
    return makers[name]()


def rendered(name: str, *, seed: int, seconds: float) -> tuple[RigSpec, list[Rendered]]:
    """Render a take, in a process of its own so that sensors which run already are not held up.

    Raises:
        CaptureError: ``capture.refused``, if that process fails.
    """
    rig = spec_of(name, seed=seed, seconds=seconds)
    with tempfile.TemporaryDirectory(prefix="rushes-virtual-") as folder:
        path = Path(folder) / "take.npz"
        command = [sys.executable, "-m", __name__, name, str(seed), repr(seconds), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
            raise CaptureError(
                f"the take '{name}' of the virtual rig cannot be rendered: {last}",
                code="capture.refused",
                hint="rushes doctor looks at the installation",
            )
        with np.load(path) as held:
            return rig, [
                Rendered(**{key: held[f"{place}/{key}"] for key in Rendered.__dataclass_fields__})
                for place in range(len(rig.sensors))
            ]


def content_of(track: Rendered, kind: str, rows: slice, *, width_px: int, height_px: int) -> Content:
    """Give the content of some samples that follow one another."""
    if kind == "imu":
        values = track.values[rows]
        return Inertial(gyro_rad_s=values[:, :3], accel_m_s2=values[:, 3:])
    if kind == "audio":
        return Sound(samples=track.values[rows].reshape(-1, 1))
    if kind == "pose":
        values = track.values[rows]
        return Places(parents=("world",) * len(values), children=("rig",) * len(values), values=values)
    begin = int(track.ends[rows.start - 1]) if rows.start else 0
    cuts = [begin, *track.ends[rows].tolist()]
    data = tuple(track.blob[a:b].tobytes() for a, b in pairwise(cuts))
    return Pictures(data=data, width_px=width_px, height_px=height_px)


def _two_cameras(seed: int, seconds: float) -> RigSpec:
    """Give two 720p30 cameras, 30 Hz depth, 1 kHz IMU and 48 kHz sound: what a recorder must keep up with."""
    cameras = [
        replace(each, rate_hz=30.0, width_px=1280, height_px=720, focal_px=each.focal_px * 1280 / each.width_px)
        for each in (CAM0, CAM1)
    ]
    depth = replace(DEPTH, rate_hz=30.0)
    whole = tabletop_spec("two-cameras", seed=seed, seconds=seconds, clap_s=None)
    return replace(whole, sensors=(*cameras, depth, IMU, AUDIO))


def _render(rig: RigSpec) -> dict[str, npt.NDArray[Any]]:
    """Play a take and gather what each sensor gives."""
    gathered: dict[str, list[play.VirtualSample]] = {sensor.stream: [] for sensor in rig.sensors}
    for sample in play.play(rig):
        gathered[sample.stream].append(replace(sample, labels=None))
    columns: dict[str, npt.NDArray[Any]] = {}
    for place, samples in enumerate(gathered.values()):
        payloads = [each.payload for each in samples]
        pictures = [each.data for each in payloads if isinstance(each, play.Encoded)]
        columns |= {
            f"{place}/seq": np.array([each.seq for each in samples], np.int64),
            f"{place}/true_ns": np.array([each.true_ns for each in samples], np.int64),
            f"{place}/log_ns": np.array([each.log_ns for each in samples], np.int64),
            f"{place}/values": np.array([_values(each) for each in payloads]),
            f"{place}/blob": np.frombuffer(b"".join(pictures), np.uint8),
            f"{place}/ends": np.cumsum([len(data) for data in pictures], dtype=np.int64),
        }
    return columns


def _values(payload: play.Payload) -> Any:
    if isinstance(payload, play.Inertial):
        return (*payload.gyro_rad_s, *payload.accel_m_s2)
    if isinstance(payload, play.Sound):
        return payload.samples
    if isinstance(payload, play.Encoded):
        return 0
    translation, turn = place_of(payload)
    return (*translation, *turn)


if __name__ == "__main__":
    np.savez(sys.argv[4], **_render(spec_of(sys.argv[1], seed=int(sys.argv[2]), seconds=float(sys.argv[3]))))  # type: ignore[arg-type]
