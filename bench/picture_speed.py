"""Print how fast pictures are looked at, beside decoding and CleanVision, and how fast near hashes are found.

``python bench/picture_speed.py [looks|search]``. Photographs of the real data are brought to 1920 x 1080 px with
so much grain that a JPEG of them has the size that cameras give. Each lies there several times under other names,
and each time it is decoded, so that what a run costs once does not hide what a picture costs.
"""

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np

from measure import in_process, measure, table
from planted import jpeg, photographs

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("RUSHES_TEST_DATA", HERE.parents[1] / "shared" / "data"))
PHOTOGRAPHS = 58
RUNS = int(os.environ.get("RUSHES_BENCH_RUNS", "3"))
COPIES = 8
"""Of each photograph: a few seconds of work on each core."""

DECODE = """
import sys, pathlib, cv2, numpy as np
cv2.setNumThreads(1)
files = [p.read_bytes() for p in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
with measured() as span:
    for data in files:
        cv2.imdecode(np.frombuffer(data, np.uint8), FLAG)
report(span, pictures=len(files), per_cpu_s=len(files) / span.cpu, per_s=len(files) / span.wall)
"""
DECODE_TWICE = """
import os, sys, pathlib, resource, cv2, numpy as np
cv2.setNumThreads(1)
files = [p.read_bytes() for p in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
cores = sorted(os.sched_getaffinity(0))[:2]
with measured() as span:
    for at, core in enumerate(cores):
        if os.fork() == 0:
            os.sched_setaffinity(0, [core])
            for data in files[at :: len(cores)]:
                cv2.imdecode(np.frombuffer(data, np.uint8), 32 | 256)
            os._exit(0)
    for _ in cores:
        os.wait()
children = resource.getrusage(resource.RUSAGE_CHILDREN)
span.cpu += children.ru_utime + children.ru_stime
report(span, pictures=len(files), per_cpu_s=len(files) / span.cpu, per_s=len(files) / span.wall)
"""
LOOK = """
import sys, pathlib, hashlib, cv2
from rushes import registry
from rushes.model import FrameRequest, Location
from rushes.checks._pixels import compared, look
cv2.setNumThreads(1)
paths = sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))
decoder = registry.load("decoders", "image")
request = FrameRequest(location=Location(path=paths[0]), codec="jpeg")
with measured() as span:
    before = None
    for path in paths:
        data = path.read_bytes()
        hashlib.sha256(data).hexdigest()
        this = look(decoder.decode_small(request, data, 512))
        before and compared(this, before)
        before = this
report(span, pictures=len(paths), per_cpu_s=len(paths) / span.cpu)
"""
STAGE = """
import sys, os, pathlib, tempfile
cores = int(sys.argv[2])
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
from rushes.workflow.check import Settings, check
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.pictures import decoder_for
with tempfile.TemporaryDirectory() as place:
    dataset = pathlib.Path(place) / "d"
    ingest(dataset, Request(paths=[pathlib.Path(sys.argv[1])]))
    decoder_for("jpeg")  # importing OpenCV is what a run costs once, whatever there is to look at
    check(dataset, Settings(only=["stream"], fail_on="never"), dry_run=True)
    with measured() as span:
        done = check(dataset, Settings(only=["image"], fail_on="never"))
    report(span, pictures=done.pictures, per_cpu_s=done.pictures / span.cpu, per_s=done.pictures / span.wall)
"""
CLEANVISION = """
import sys, pathlib
from cleanvision import Imagelab
paths = [str(p) for p in sorted(pathlib.Path(sys.argv[1]).glob("*.jpg"))]
with measured() as span:
    Imagelab(filepaths=paths).find_issues(n_jobs=1, verbose=False)
report(span, pictures=len(paths), per_cpu_s=len(paths) / span.cpu)
"""
SEARCH = """
import sys, numpy as np
from rushes.similar import components, pairs_within
count, radius, kind = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
generator = np.random.default_rng(0)
if kind == "film":  # scenes of 60 pictures, each two bits from the one before; low frequencies seldom change
    weights = np.linspace(0.2, 1.8, 64)
    flips = np.zeros(count, np.uint64)
    for _ in range(2):
        flips ^= np.uint64(1) << generator.choice(64, count, p=weights / weights.sum()).astype(np.uint64)
    flips[::60] = generator.integers(0, 2**64, len(flips[::60]), dtype=np.uint64)
    hashes = np.bitwise_xor.accumulate(flips)
else:
    hashes = generator.integers(0, 2**64, count, dtype=np.uint64)
    copies = count // 10
    hashes[-copies:] = hashes[:copies] ^ (np.uint64(1) << generator.integers(0, 64, copies, dtype=np.uint64))
with measured() as span:
    pairs = pairs_within(hashes, radius)
    root = components(count, pairs.first, pairs.second)
report(span, pairs=len(pairs.first), clusters=len(np.unique(root)))
"""


def looks() -> None:
    """Print how many pictures a CPU second looks at."""
    with tempfile.TemporaryDirectory() as folder:
        place, once = f"{folder}/all", f"{folder}/once"
        mean = _full_hd(Path(place), Path(once))
        jobs = [
            in_process("rushes: read, hash, decode, measure", LOOK, arguments=[place]),
            in_process("decode alone, colour at 1/4", DECODE.replace("FLAG", "32 | 256"), arguments=[place]),
            in_process("decode alone, grey at 1/4", DECODE.replace("FLAG", "32"), arguments=[place]),
            in_process("decode alone, colour, two processes", DECODE_TWICE, arguments=[place]),
            *(in_process(f"rushes check, {n} cores", STAGE, arguments=[place, str(n)]) for n in (1, 2)),
        ]
        if find_spec("cleanvision") is not None:
            jobs.append(in_process("CleanVision, one process", CLEANVISION, arguments=[once]))
        figures = {figure.name: figure for figure in measure(jobs, runs=RUNS)}
        table(
            f"{COPIES * PHOTOGRAPHS} JPEG pictures of 1920 x 1080 px, {mean / 1000:.0f} kB on average",
            list(figures.values()),
        )
        for one, two in (
            ("decode alone, colour at 1/4", "decode alone, colour, two processes"),
            ("rushes check, 1 cores", "rushes check, 2 cores"),
        ):
            faster = figures[one].least_wall_s / figures[two].least_wall_s
            print(f"  {two}: {faster:.2f} times as fast by the clock as one, the quickest runs of each")


def search() -> None:
    """Print the CPU seconds of the search for all pairs of near hashes."""
    jobs = [
        in_process(f"{count:,} {kind} hashes, radius {radius}", SEARCH, arguments=[str(count), str(radius), kind])
        for kind in ("random", "film")
        for count, radius in ((100_000, 3), (100_000, 7), (1_000_000, 3))
    ]
    table("All pairs of near hashes, and their clusters", measure(jobs, runs=3))


def _full_hd(place: Path, once: Path) -> float:
    """Write each photograph ``COPIES`` times at 1920 x 1080 px, and one of each beside; give their mean size."""
    place.mkdir()
    once.mkdir()
    sizes = []
    for number, photo in enumerate(photographs(DATA)[:PHOTOGRAPHS]):
        scale = max(1920 / photo.shape[1], 1080 / photo.shape[0])
        wide, high = (int(side * scale) + 2 for side in (photo.shape[1], photo.shape[0]))
        large = cv2.resize(photo, (wide, high), interpolation=cv2.INTER_CUBIC)[:1080, :1920]
        grain = np.random.default_rng(number).normal(0, 4.5, large.shape)
        content = jpeg(large + grain, 86)
        sizes.append(len(content))
        (once / f"{number:03d}.jpg").write_bytes(content)
        for copy in range(COPIES):
            (place / f"{number:03d}_{copy}.jpg").write_bytes(content)
    return float(np.mean(sizes))


if __name__ == "__main__":
    for name in sys.argv[1:] or ["looks", "search"]:
        {"looks": looks, "search": search}[name]()
