"""Reading takes no more memory for a long recording than for a short one."""

import subprocess
import sys

import numpy as np
import pytest

from readers import mcap_recordings as make

PEAK = """
import pathlib, sys
from rushes import registry
def anonymous():
    return sum(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon")) >> 10
reader = registry.load("readers", "mcap")
peak = 0
with reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
    for batch in recording.batches():
        peak = max(peak, anonymous())
print(peak)
"""
PICTURE_BYTES = 200_000


def recording(path, pictures, compression):
    """Write pictures that do not compress, and ten Imu messages for each."""
    noise = np.random.default_rng(1).integers(0, 255, PICTURE_BYTES, np.uint8).tobytes()
    value = make.imu(make.START_NS, range(10))
    picture = make.compressed(make.START_NS, "jpeg", b"\xff\xd8\xff" + noise)
    rows = []
    for i in range(pictures):
        rows.append((0, make.START_NS + i * 1_000_000, picture))
        rows += [(1, make.START_NS + i * 1_000_000 + k, value) for k in range(10)]
    return make.write(path, [make.CAM, make.IMU], rows, compression=compression, chunk_size=4 << 20)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory is anonymous")
@pytest.mark.parametrize("compression", ["none", "lz4", "zstd"])
def test_memory_does_not_grow_with_the_length_of_a_recording(tmp_path, compression):
    peaks_mb = []
    for pictures in (250, 2500):  # 50 MB and 500 MB
        path = recording(tmp_path / f"{pictures}.mcap", pictures, compression)
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
        peaks_mb.append(int(done.stdout))
        path.unlink()
    assert peaks_mb[1] < peaks_mb[0] + 40, "of 450 MB more, nothing may stay in memory"
