"""What recording costs beside the sensors themselves, and how much it writes when sensors allow.

The rig of made-up sensors: two 720p30 JPEG cameras, 30 Hz depth as PNG, a 1 kHz IMU that gives its samples one
by one, 48 kHz sound in blocks of 10 ms. It runs first into nothing, then into a file; the recorder costs the rest.
``python bench/record.py`` takes about a minute, ``--minutes 10`` is the figure that counts. ``--rig`` records
another rig, such as a virtual one. ``--replayed`` records ten seconds of the made-up cameras, and then the rig
that replays them again and again beside the virtual rig's inertial sensor, sound and small cameras.
"""

import argparse
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from rushes import rigs
from rushes.capturing import HostClock, Inertial, LiveStream, Pictures, Samples, Sound
from rushes.recorder.recording import Recording, source_of
from rushes.sensors import Rig, SensorOfRig

OUT = Path(__file__).resolve().parent / "output"
SECOND_NS = 1_000_000_000
FLOOD_SECONDS = 10
REPLAYED_SECONDS = 10
OPENING_S = 1800.0
"""The virtual rig renders its pictures before."""


def pictures(name, codec, data, hz=30.0):
    stream = LiveStream(
        name=f"/{name}/image",
        form="pictures",
        modality="color",
        nominal_rate_hz=hz,
        device_clock=name,
        codec=codec,
    )
    width, height = (1280, 720) if codec == "jpeg" else (640, 480)

    def content(k):
        return Pictures(data=(data[k % len(data)],), width_px=width, height_px=height)

    return stream, content


def encoded(extension, shape, dtype, top, option):
    """Encode ten pictures that are as hard to compress as a room with some noise."""
    draw = np.random.default_rng(0)
    smooth = cv2.resize(draw.integers(0, top, (9, 16, *shape[2:])).astype(np.float32), shape[1::-1])
    noisy = [np.clip(smooth + draw.normal(0, top / 60, shape), 0, top - 1).astype(dtype) for _ in range(10)]
    return [cv2.imencode(extension, picture, option)[1].tobytes() for picture in noisy]


def sensors():
    """Give each stream with its rate and what makes the content of a sample."""
    color = encoded(".jpg", (720, 1280, 3), np.uint8, 256, [cv2.IMWRITE_JPEG_QUALITY, 85])
    depth = encoded(".png", (480, 640), np.uint16, 4000, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    still, block = np.array([[0.1, 0.2, 0.3]]), np.zeros((480, 1), np.int16)
    imu = LiveStream(name="/imu", form="inertial", modality="imu", nominal_rate_hz=1000.0, device_clock="imu")
    mic = LiveStream(
        name="/mic",
        form="sound",
        modality="audio",
        nominal_rate_hz=100.0,
        device_clock="mic",
        sample_rate_hz=48_000,
        channels=1,
    )
    return {
        "left": pictures("left", "jpeg", color),
        "right": pictures("right", "jpeg", color),
        "depth": pictures("depth", "16UC1; compressedDepth png", depth),
        "imu": (imu, lambda _: Inertial(gyro_rad_s=still, accel_m_s2=still)),
        "mic": (mic, lambda _: Sound(samples=block)),
    }


class Paced:
    """A sensor that gives a sample each period, and those that it is late with at once."""

    name, version = "paced", "1"

    def __init__(self, made):
        self.made = made

    def open(self, sensor):
        stream, content = self.made[sensor.name]
        return Track(stream, content)


@dataclass
class Track:
    stream: LiveStream
    content: object
    streams: list = field(init=False)

    def __post_init__(self):
        self.streams = [self.stream]

    def run(self, into):
        period, start, k = round(SECOND_NS / self.stream.nominal_rate_hz), time.monotonic_ns(), 0
        while not into.stopping.is_set():
            due = start + k * period
            wait = due - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / SECOND_NS)
            now = into.clock.now_ns()
            into.put(one(self.stream, k, now, k * period, self.content(k)))
            k += 1

    def close(self):
        """Nothing is held."""


class Flood(Paced):
    """A sensor that gives as much as is taken."""

    def open(self, sensor):
        stream, content = self.made[sensor.name]

        class Open(Track):
            def run(self, into):
                k = 0
                while not into.stopping.is_set():
                    now = into.clock.now_ns()
                    into.put(one(stream, k, now, now, content(k)))
                    k += 1

        return Open(stream, content)


def one(stream, k, now_ns, device_ns, content):
    return Samples(
        stream=stream.name,
        arrival_ns=np.array([now_ns], np.int64),
        device_ns=np.array([device_ns], np.int64),
        seq=np.array([k], np.int64),
        content=content,
    )


class Nothing:
    """Takes samples and forgets them, but for the longest interval between two of a stream."""

    def __init__(self):
        self.clock, self.stopping = HostClock.started(), threading.Event()
        self.last_ns, self.longest_ns = {}, {}

    def put(self, samples):
        name, now = samples.stream, int(samples.arrival_ns[0])
        gap = now - self.last_ns.get(name, now)
        self.longest_ns[name] = max(gap, self.longest_ns.get(name, 0))
        self.last_ns[name] = int(samples.arrival_ns[-1])

    def pair(self, pairs):
        """Forget it."""

    def trouble(self, trouble):
        print(" ", trouble.message)


def cpu_alone(rig, sources, seconds):
    """Give the CPU seconds that the sensors take by themselves, and the longest interval of each."""
    into = Nothing()
    opened = [sources(sensor.source).open(sensor) for sensor in rig.sensors]
    threads = [threading.Thread(target=each.run, args=(into,)) for each in opened]
    start = time.process_time()
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    into.stopping.set()
    for thread in threads:
        thread.join()
    spent = time.process_time() - start
    for each in opened:
        each.close()
    return spent, into.longest_ns


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def rig_of(names, *, when_full="drop"):
    return Rig(
        name="bench", about="", sensors=[SensorOfRig(name=n, source="x", when_full=when_full) for n in names]
    )


def record(path, rig, sources, seconds):
    """Record for some time; gives the verdict, CPU seconds, and resident memory at a fifth and at the end."""
    path.unlink(missing_ok=True)
    memory = []
    with Recording(path, rig, {}, sources=sources, min_free_bytes=1 << 30, opening_s=OPENING_S) as recording:
        began, start = time.monotonic(), time.process_time()
        while time.monotonic() - began < seconds:
            if recording.wait(min(1.0, seconds / 5)):
                break
            recording.status()
            memory.append(resident_mb())
    spent = time.process_time() - start
    return recording.verdict(), spent, memory[len(memory) // 5], memory[-1]


def replaying(out):
    """Record the made-up cameras; gives a rig of live sensors that replays them beside the virtual rig."""
    made = {name: each for name, each in sensors().items() if name in ("left", "right", "depth")}
    path = out / "replayed.mcap"
    record(path, rig_of(made), lambda _: Paced(made), REPLAYED_SECONDS)
    cameras = SensorOfRig(name="cameras", source="replay", device=str(path), options={"loop": True})
    rest = SensorOfRig(name="rest", source="virtual", device="tiny", options={"loop": True})
    return Rig(name="replayed", about="", sensors=[cameras, rest])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=0.5, help="how long the rig is recorded")
    parser.add_argument("--alone", type=float, default=15.0, help="seconds that its sensors run into nothing")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the recording, which is removed")
    parser.add_argument("--rig", help="a rig file, or the name of one that comes with the package")
    parser.add_argument("--replayed", action="store_true", help="replay made-up cameras beside the virtual rig")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    made, path, seconds = sensors(), asked.out / "bench.mcap", asked.minutes * 60
    if asked.replayed or asked.rig:
        rig, sources = replaying(asked.out) if asked.replayed else rigs.load(asked.rig), source_of
    else:
        rig, sources = rig_of(made), lambda _: Paced(made)
    alone, longest = cpu_alone(rig, sources, asked.alone)
    alone /= asked.alone
    verdict, spent, early_mb, late_mb = record(path, rig, sources, seconds)
    lasted = (verdict.end_ns - verdict.start_ns) / SECOND_NS
    print(
        f"{'stream':<30}{'samples':>10}{'Hz':>9}{'dropped':>9}{'holes':>7}{'gaps':>6}{'longest':>11}{'alone':>11}"
    )
    for s in verdict.streams:
        gap, before = (f"{ns / 1e6:.1f} ms" for ns in (s.longest_gap_ns, longest.get(s.stream, 0)))
        row = f"{s.stream:<30}{s.samples:>10,}{s.rate_hz or 0:>9.2f}{s.dropped:>9}{s.holes:>7}{s.gaps:>6}"
        print(f"{row}{gap:>11}{before:>11}")
    print(f"{lasted:.1f} s, {verdict.written_bytes / 1e6 / lasted:.1f} MB/s, whole: {verdict.whole}")
    print(f"cores: sensors {alone:.3f}, recorded {spent / lasted:.3f}, the recorder {spent / lasted - alone:.3f}")
    print(f"resident: {early_mb:.1f} MB after a fifth, {late_mb:.1f} MB at the end")
    path.unlink()
    flood = Flood({name: made[name] for name in ("left", "right")})
    rig = rig_of(flood.made, when_full="block")
    verdict, spent, _, late_mb = record(path, rig, lambda _: flood, FLOOD_SECONDS)
    path.unlink()
    lasted = (verdict.end_ns - verdict.start_ns) / SECOND_NS
    dropped = sum(s.dropped for s in verdict.streams)
    print(
        f"flood: {verdict.written_bytes / 1e6 / lasted:.0f} MB/s over {lasted:.1f} s, {dropped} dropped, "
        f"{spent / lasted:.2f} cores, resident {late_mb:.0f} MB"
    )


if __name__ == "__main__":
    main()
