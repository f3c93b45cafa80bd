"""An LSL outlet in a process of its own: sends from the first line of its input until its end, and says how many.

Each sample holds its number and when it was due by the sender's own monotonic clock, which is its stamp too.
"""

import sys
import threading
import time

import numpy as np
import pylsl


def main(name, source_id, rate_hz, channels, samples=0):
    info = pylsl.StreamInfo(name, "Numbers", channels, rate_hz, "double64", source_id)
    outlet = pylsl.StreamOutlet(info)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if not outlet.wait_for_consumers(20.0):
        sys.exit("nobody listens")
    sys.stdout.write("heard\n")
    sys.stdout.flush()
    sys.stdin.readline()
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    sent, begun = 0, time.monotonic()
    while not over.is_set() and (not samples or sent < samples):
        now = time.monotonic()
        due = min(int((now - begun) * rate_hz) + 1, samples or sys.maxsize)
        if due > sent:
            values = np.zeros((due - sent, channels))
            values[:, 0] = np.arange(sent, due)
            values[:, 1] = begun + values[:, 0] / rate_hz
            outlet.push_chunk(values, (values[:, 1] + pylsl.local_clock() - now).tolist())
            sent = due
        time.sleep(0.002)
    if samples:
        over.wait()
    time.sleep(1.0)  # liblsl throws away what waits to be sent when an outlet ends
    sys.stdout.write(f"{sent}\n")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
