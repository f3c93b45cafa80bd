"""Print how well offsets are found from content: ``python bench/crosscheck.py [CLIPS] [SECONDS] [RIG …]``.

Rigs: ``rig`` (320 x 240 at 20 Hz, IMU at 1 kHz, offsets drawn within ±300 ms), ``euroc`` (320 x 204 at 20 Hz,
IMU at 200 Hz, 50 ms), ``tum`` (320 x 240 at 30 Hz, poses at 100 Hz and no gyroscope, 50 ms), ``still``. Pictures
have the size to which a cross-check reduces them. A frame takes about a tenth of a second to render.
"""

import sys
from dataclasses import replace
from time import process_time

import cv2
import numpy as np

from rushes.timing.crosscheck import rotation
from rushes.timing.crosscheck.gyro_vision import compare_turning, gyro_turning, pose_turning
from rushes.timing.crosscheck.signals import Signal
from rushes.virtual.motion import quaternion_of
from rushes.virtual.play import play
from rushes.virtual.spec import MotionSpec
from rushes.virtual.takes import CAM0, IMU, TRACKER, tabletop_spec

EUROC = replace(CAM0, width_px=320, height_px=204, focal_px=196.0)
TUM = replace(CAM0, rate_hz=30.0, focal_px=262.0)
RIGS = {
    "rig": (CAM0, IMU, "gyro-vision"),
    "euroc": (EUROC, replace(IMU, rate_hz=200.0), "gyro-vision"),
    "tum": (TUM, replace(TRACKER, rate_hz=100.0), "pose-vision"),
    "still": (CAM0, IMU, "gyro-vision"),
}


def one(name, seed, seconds):
    """Give the error in milliseconds (NaN where not observable), the stated half width, and CPU seconds."""
    camera, other, kind = RIGS[name]
    rig = replace(tabletop_spec("bench", seed=seed, seconds=seconds, clap_s=None), sensors=(camera, other))
    if name == "still":
        rig = replace(rig, motion=MotionSpec(frequencies_hz=()))
    offset = round(np.random.default_rng(seed).uniform(-0.3, 0.3) * 1e9) if name == "rig" else 50_000_000
    pictures, times, values = [], [], []
    for sample in play(rig):
        if sample.sensor == camera:
            coded = np.frombuffer(sample.payload.data, np.uint8)
            pictures.append((sample.true_ns - offset, cv2.imdecode(coded, cv2.IMREAD_GRAYSCALE)))
        else:
            times.append(sample.true_ns)
            pose = kind == "pose-vision"
            values.append(quaternion_of(sample.payload.rotation) if pose else sample.payload.gyro_rad_s)
    begin = process_time()
    first: Signal = (pose_turning if kind == "pose-vision" else gyro_turning)(np.array(times), np.array(values))
    lens = rotation.Lens(
        fx=camera.focal_px, fy=camera.focal_px, cx=(camera.width_px - 1) / 2, cy=(camera.height_px - 1) / 2
    )
    found = compare_turning(kind, "first", "camera", (first, rotation.turning(pictures, lens)))
    spent = process_time() - begin
    if found.offset_ns is None:
        return np.nan, np.nan, spent
    return (found.offset_ns - offset) / 1e6, found.ci95_ns / 1e6, spent


def main(clips=20, seconds=30.0, *rigs):
    print(f"{clips} clips of {seconds:g} s")
    print(f"{'rig':8}{'found':>8}{'median':>9}{'p95':>9}{'max ms':>9}{'in CI':>8}{'CPU s':>8}", flush=True)
    for name in rigs or RIGS:
        error, half, spent = np.array([one(name, seed, float(seconds)) for seed in range(1, int(clips) + 1)]).T
        seen = np.isfinite(error)
        size = np.abs(error[seen])
        told = ["-"] * 3
        if len(size):
            told = [f"{value:.2f}" for value in (np.median(size), np.percentile(size, 95), size.max())]
        inside = f"{(size <= half[seen]).mean():.0%}" if len(size) else "-"
        print(
            f"{name:8}{seen.sum():>5}/{len(seen)}"
            + "".join(f"{t:>9}" for t in told)
            + f"{inside:>8}{spent.mean():>8.1f}",
            flush=True,
        )


if __name__ == "__main__":
    main(*(int(a) if a.isdigit() else a for a in sys.argv[1:]))
