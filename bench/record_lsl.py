"""Sixteen LSL outlets at 1 kHz on loopback, recorded into one file: what is lost, and how well clocks are found.

    python bench/record_lsl.py [SECONDS]

The outlets are in processes of their own. Half of them are on a clock of the kernel that is 1,000 s ahead (a time
namespace), so that the truth of every offset is known exactly; halfway, one of each half ends and begins again.
Every sample holds its number, so that each loss shows; the offsets are those of the recorded pairs of clocks.
"""

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from rushes import registry
from rushes.capturing import HostClock
from rushes.recorder.recording import Recording
from rushes.sensors import Rig, SensorOfRig

SENDER = Path(__file__).resolve().parent.parent / "tests" / "lsl_sender.py"
AHEAD_NS = 1_000_000_000_000
AHEAD = ["unshare", "--user", "--map-root-user", "--time", "--monotonic", "1000", "--fork", "--kill-child"]
OUTLETS, RATE_HZ, CHANNELS = 16, 1000, 8


class Sender:
    """One outlet; what it sent is known when it ended."""

    def __init__(self, number, run, before):
        self.command = [*before, sys.executable, str(SENDER), f"bench {number:02d} {run}", f"bench-{run}-{number}"]
        self.process = None
        self.sent = []

    def start(self):
        self.process = subprocess.Popen(
            [*self.command, str(RATE_HZ), str(CHANNELS), "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self.process.stdout.readline() == "ready\n"

    def go(self):
        assert self.process.stdout.readline() == "heard\n"
        print(file=self.process.stdin, flush=True)

    def end(self):
        said, _ = self.process.communicate(timeout=20)
        self.sent.append(int(said))


def cpu_s():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main(seconds):
    run = str(time.time_ns())[-6:]
    ahead = AHEAD if not subprocess.run([*AHEAD, "true"], check=False, capture_output=True).returncode else []
    senders = [Sender(i, run, ahead if i % 2 else []) for i in range(OUTLETS)]
    for each in senders:
        each.start()
    device = f"starts-with(name,'bench ') and contains(name,'{run}')"
    options = {"outlets": OUTLETS, "clock": "stream"}
    rig = Rig(
        name="bench", about="", sensors=[SensorOfRig(name="lab", source="lsl", device=device, options=options)]
    )
    clock = HostClock.started()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lab.mcap"
        recording = Recording(path, rig, {}, clock=clock, opening_s=60.0)
        recording.start()
        for each in senders:
            each.go()
        begun, spent = time.monotonic(), cpu_s()
        time.sleep(seconds / 2)
        for each in senders[:2]:
            each.end()
            time.sleep(0.5)
            each.start()
        for each in senders[:2]:
            each.go()
        time.sleep(seconds / 2)
        for each in senders:
            each.end()
        time.sleep(1.0)
        spent, lasted = cpu_s() - spent, time.monotonic() - begun
        recording.stop()
        return report(path, senders, clock, bool(ahead), spent / lasted)


def report(path, senders, clock, shifted, cores):
    with registry.load("readers", "mcap").open(path, {}) as opened:
        numbers = {stream.name: [] for stream in opened.description.streams if stream.table == "signals"}
        for batch in opened.batches(list(numbers)):
            numbers[batch.stream].append(np.asarray(batch.columns["values"])[:, 0])
        list(opened.batches())
        pairs = [each for each in opened.clock_pairs() if each.source == "lsl"]
    lost = 0
    for name, sender in zip(sorted(numbers), senders, strict=True):
        got = np.concatenate(numbers[name])
        wanted = np.concatenate([np.arange(count) for count in sender.sent])
        lost += len(wanted) - len(got)
        if not np.array_equal(got, wanted):
            print(f"{name}: {len(got):,} of {len(wanted):,} samples")
    worst = 0.0
    for pair in pairs:
        ahead = AHEAD_NS if shifted and int(pair.stream.split("_")[1]) % 2 else 0
        truth = clock.of_monotonic(0) - ahead
        worst = max(worst, float(np.abs(pair.to_ns - pair.from_ns - truth).max()) / 1e6)
    sent = sum(sum(each.sent) for each in senders)
    print(f"sent {sent:,} | lost {lost:,} | pairs {sum(len(p.from_ns) for p in pairs)}", end=" | ")
    print(f"worst offset {worst:.3f} ms | {cores:.2f} cores | clocks {'1,000 s apart' if shifted else 'the same'}")
    return lost == 0 and worst < 1.0


if __name__ == "__main__":
    sys.exit(not main(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0))
