"""XDF files to arrays, beside pyxdf: run by ``run.py``, or alone: ``python bench/signals.py``.

The recordings are made once: a stream of 8 float32 channels at 1 kHz whose samples all carry a stamp, in chunks of
10, 100 and 500 samples (LabRecorder writes what came in half a second), and one in which two of three carry none.
"""

import struct
from pathlib import Path

import numpy as np

from measure import in_process, measure, table

OUT = Path(__file__).resolve().parent / "output"
SAMPLES, CHANNELS = 600_000, 8

OURS = """
import sys, pathlib
from rushes import registry
reader = registry.load("readers", "xdf")
with measured() as span, reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
    n = sum(batch.rows for batch in recording.batches())
assert not recording.losses()
report(span, samples=n, per_cpu_s=n / span.cpu)
"""

PYXDF = """
import sys, pyxdf
with measured() as span:
    streams, _ = pyxdf.load_xdf(sys.argv[1], synchronize_clocks=False, dejitter_timestamps=False)
n = len(streams[0]["time_stamps"])
report(span, samples=n, per_cpu_s=n / span.cpu)
"""


def number(value):
    return b"\4" + struct.pack("<I", value)


def chunk(tag, content, stream=None):
    body = struct.pack("<H", tag) + (b"" if stream is None else struct.pack("<I", stream)) + content
    return number(len(body)) + body


def make(path, *, each, stamped_of=1):
    """Write a recording; of every ``stamped_of`` samples the first carries a stamp."""
    values = np.random.default_rng(0).normal(size=(SAMPLES, CHANNELS)).astype("<f4")
    rows = np.empty(SAMPLES, [("mark", "u1"), ("stamp", "<f8"), ("values", "<f4", CHANNELS)])
    rows["mark"], rows["stamp"], rows["values"] = 8, 100 + np.arange(SAMPLES) / 1000, values
    bare = np.zeros(SAMPLES, [("mark", "u1"), ("values", "<f4", CHANNELS)])
    bare["values"] = values
    said = (
        f"<info><name>s</name><type>EEG</type><channel_count>{CHANNELS}</channel_count>"
        "<nominal_srate>1000</nominal_srate><channel_format>float32</channel_format></info>"
    )
    with path.open("wb") as file:
        file.write(b"XDF:" + chunk(1, b"<info><version>1.0</version></info>") + chunk(2, said.encode(), 1))
        for at in range(0, SAMPLES, each):
            if stamped_of == 1:
                body = rows[at : at + each].tobytes()
            else:
                body = b"".join((bare if i % stamped_of else rows)[i].tobytes() for i in range(at, at + each))
            file.write(chunk(3, number(each) + body, 1))
        file.write(chunk(6, f"<info><sample_count>{SAMPLES}</sample_count></info>".encode(), 1))


def signals(out=OUT):
    """Make the recordings that are not there yet, and measure."""
    out.mkdir(exist_ok=True)
    for title, name, facts in (
        ("chunks of 10", "xdf_10", {"each": 10}),
        ("chunks of 100", "xdf_100", {"each": 100}),
        ("chunks of 500", "xdf_500", {"each": 500}),
        ("chunks of 100, a stamp on every third", "xdf_sparse", {"each": 100, "stamped_of": 3}),
    ):
        path = out / f"{name}.xdf"
        if not path.exists():
            make(path, **facts)
        jobs = [
            in_process("rushes", OURS, arguments=[str(path)]),
            in_process("pyxdf", PYXDF, arguments=[str(path)]),
        ]
        table(f"{SAMPLES:,} samples of {CHANNELS} channels, {title}, to arrays", measure(jobs, runs=5))


if __name__ == "__main__":
    signals()
