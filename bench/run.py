"""Print our figures beside the peers', same input, same run: ``make bench``.

The input is made once into ``bench/output``, about 3.5 GB: see ``make_fixture.py``. All jobs of a table run in
turn, each in a process of its own. Peers: iterating with ``mcap``, decoding with ``mcap-ros2-support`` and
``rosbags``. Rerun's conversion is not among them, because it is not installed here.
"""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from make_fixture import make
from measure import in_process, measure, table, whole
from signals import signals

HERE = Path(__file__).resolve().parent
OUT = HERE / "output"
RUSHES = str(Path(sys.executable).with_name("rushes"))

OPEN_AND_INGEST = """
import sys, pathlib, tempfile
from rushes.workflow.ingest import ingest, Request
with tempfile.TemporaryDirectory(dir=sys.argv[2]) as place:
    dataset = pathlib.Path(place) / "d"
    ingest(dataset, Request(paths=[pathlib.Path(sys.argv[3])]))   # tables exist, modules are loaded
    with measured() as span:
        done = ingest(dataset, Request(paths=[pathlib.Path(sys.argv[1])], mode=sys.argv[4]))
    assert done.taken[0].state == "added", done
    assert "pandas" not in sys.modules
    report(span, samples=done.taken[0].samples)
"""

MCAP_ITERATE = """
import sys
from mcap.reader import make_reader
with open(sys.argv[1], "rb") as stream, measured() as span:
    n = sum(1 for _ in make_reader(stream).iter_messages())
report(span, samples=n)
"""

HASH_AND_WRITE = """
import sys, hashlib, os, tempfile
with tempfile.NamedTemporaryFile(dir=sys.argv[2]) as out, open(sys.argv[1], "rb", buffering=0) as stream:
    digest, buffer = hashlib.sha256(), bytearray(4 << 20)
    with measured() as span:
        while n := stream.readinto(buffer):
            digest.update(memoryview(buffer)[:n]); out.write(memoryview(buffer)[:n])
        out.flush(); os.fsync(out.fileno())
report(span)
"""

IMU_OURS = """
import sys, pathlib
from rushes import registry
reader = registry.load("readers", "mcap")
with reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
    list(recording.batches({"/imu"}))
with measured() as span, reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
    n = sum(batch.rows for batch in recording.batches({"/imu"}))
report(span, messages=n, per_cpu_s=n / span.cpu)
"""

IMU_ROS2 = """
import sys
from mcap_ros2.reader import read_ros2_messages
with measured() as span:
    n = sum(1 for m in read_ros2_messages(sys.argv[1], topics=["/imu"]) if m.ros_msg.angular_velocity.x < 9e9)
report(span, messages=n, per_cpu_s=n / span.cpu)
"""

IMU_ROSBAGS = """
import sys
from mcap.reader import make_reader
from rosbags.typesys import Stores, get_typestore
types = get_typestore(Stores.ROS2_HUMBLE)
with open(sys.argv[1], "rb") as stream, measured() as span:
    n = sum(1 for _, _, m in make_reader(stream).iter_messages(topics=["/imu"])
            if types.deserialize_cdr(m.data, "sensor_msgs/msg/Imu").angular_velocity.x < 9e9)
report(span, messages=n, per_cpu_s=n / span.cpu)
"""

FRAMES_OURS = """
import sys, random, rushes
with rushes.open_dataset(sys.argv[1]) as dataset:
    camera = dataset.frames(dataset.arrow("recordings")["recording_id"][0].as_py(), "/cam0/image/compressed")
    pick = random.Random(7)
    order = [pick.randrange(len(camera)) for _ in range(20000)]
    camera.bytes(0)
    with measured() as span:
        n = sum(len(camera.bytes(i)) for i in order)
report(span, frames=len(order), per_cpu_s=len(order) / span.cpu)
"""

FRAMES_PREAD = """
import sys, os, random, rushes
with rushes.open_dataset(sys.argv[1]) as dataset:
    camera = dataset.frames(dataset.arrow("recordings")["recording_id"][0].as_py(), "/cam0/image/compressed")
    places = [camera.location(i) for i in range(len(camera))]
pick = random.Random(7)
order = [pick.randrange(len(places)) for _ in range(20000)]
file = os.open(places[0].path, os.O_RDONLY)
with measured() as span:
    n = sum(len(os.pread(file, places[i].length, places[i].offset)) for i in order)
report(span, frames=len(order), per_cpu_s=len(order) / span.cpu)
"""

STEP_OURS = """
import sys, random, rushes
with rushes.open_dataset(sys.argv[1]) as dataset:
    name = dataset.arrow("recordings")["recording_id"][0].as_py()
    moments = dataset.moments(name)
    cameras = [dataset.frames(name, f"/cam{k}/image/compressed") for k in (0, 1)]
    streams = [camera.stream["stream"] for camera in cameras]
    pick = random.Random(7)
    order = [pick.randrange(len(moments)) for _ in range(150)]
    [c.image(0) for c in cameras]
    with measured() as span:
        for k in order:
            for camera, stream in zip(cameras, streams):
                camera.image(moments[k][stream])
report(span, steps=len(order), per_cpu_s=len(order) / span.cpu)
"""

STEP_LIMIT = """
import sys, random, rushes, cv2, numpy as np
with rushes.open_dataset(sys.argv[1]) as dataset:
    name = dataset.arrow("recordings")["recording_id"][0].as_py()
    cameras = [dataset.frames(name, f"/cam{k}/image/compressed") for k in (0, 1)]
    r = random.Random(7)
    load = [np.frombuffer(c.bytes(r.randrange(len(c))), np.uint8) for _ in range(150) for c in cameras]
    cv2.imdecode(load[0], cv2.IMREAD_COLOR_RGB)
    with measured() as span:
        for data in load:
            cv2.imdecode(data, cv2.IMREAD_COLOR_RGB)
report(span, steps=150, per_cpu_s=150 / span.cpu)
"""


READ_MEMORY = """
import sys, pathlib
from rushes import registry
def anonymous():
    return sum(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon")) / 1024
reader = registry.load("readers", "mcap")
before = peak = anonymous()
with measured() as span, reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
    for batch in recording.batches():
        peak = max(peak, anonymous())
report(span, before_mb=before, peak_mb=peak)
"""

STREAMS = """
import sys, numpy as np
from rushes.timing.associate import nearest
from rushes.timing.interpolate import interpolate
from rushes.timing.latest import latest
from rushes.timing.spans import spans
from rushes.timing.moments import align
chance = np.random.default_rng(0)
imu = np.arange(10_000_000) * 1_000_000 + chance.integers(-100_000, 100_001, 10_000_000)
imu = imu[chance.random(len(imu)) > 0.001]
frames = np.arange(1_000_000) * 10_000_000 + 3_300_000 + chance.integers(-500_000, 500_001, 1_000_000)
def ours(times, reference, way):
    if way == "nearest":
        return nearest(times, reference, within=5_000_000).index
    if way == "latest":
        return latest(times, reference).index
    if way == "interpolate":
        return interpolate(times, reference, gap_ns=3_000_000).index
    if way == "spans":
        return spans(times, reference).first
    if way == "align":
        return align({"cam": reference, "imu": times}, reference="cam").members["imu"]["index"]
    return np.searchsorted(times, reference)
ours(imu[:1000], frames[:50], sys.argv[1])
with measured() as span:
    index = ours(imu, frames, sys.argv[1])
report(span, rows=len(index))
"""

STREAMS_PANDAS = (
    STREAMS.partition("def ours")[0]
    + """
import pandas as pd
left = pd.DataFrame({"t": frames})
right = pd.DataFrame({"t": imu, "index": np.arange(len(imu))})
with measured() as span:
    found = pd.merge_asof(left, right, on="t", direction=sys.argv[1], tolerance=5_000_000)
report(span, rows=int(found["index"].notna().sum()))
"""
)


def main() -> None:
    """Measure and print everything, or only the parts that are named."""
    if parts := sys.argv[1:]:
        about()
        for part in parts:
            {"alignment": alignment, "start": start}[part]()
        return
    make(OUT)
    about()
    ingest()
    inertial()
    signals()
    pictures()
    memory()
    alignment()
    start()


def about() -> None:
    """Print what the figures were taken on."""
    model = next((x for x in Path("/proc/cpuinfo").read_text().splitlines() if x.startswith("model name")), ":")
    cores, load = os.cpu_count(), ", ".join(f"{x:.1f}" for x in os.getloadavg())
    print(f"{model.partition(':')[2].strip()}, {cores} cores, load {load}, Python {platform.python_version()}")
    names = ("numpy", "pyarrow", "mcap", "mcap-ros2-support", "rosbags", "opencv-python-headless")
    print(", ".join(f"{name} {version(name)}" for name in names))


def ingest() -> None:
    """Ingest by reference and by copy."""
    out, plain, lz4, small = str(OUT), *(str(OUT / f"{x}.mcap") for x in ("rec_none", "rec_lz4", "small"))
    for title, path in (("uncompressed chunks", plain), ("lz4 chunks", lz4)):
        jobs = [
            in_process("rushes, in process", OPEN_AND_INGEST, arguments=[path, out, small, "reference"]),
            in_process("mcap: iterate the messages", MCAP_ITERATE, arguments=[path]),
            whole(
                "rushes ingest, whole command", _shell(f"rm -rf {out}/w; {RUSHES} ingest {path} --into {out}/w")
            ),
        ]
        table(f"Ingest of a 60 s, 1.4 GB recording by reference, {title}", measure(jobs, runs=7))
    jobs = [
        in_process("sha256 + write of the same bytes", HASH_AND_WRITE, arguments=[plain, out]),
        in_process("rushes, in process", OPEN_AND_INGEST, arguments=[plain, out, small, "copy"]),
    ]
    table("Ingest with checksum and copy", measure(jobs, runs=3))


def inertial() -> None:
    """Imu messages to arrays."""
    for title, name, peers in (
        ("60,000 Imu messages, uncompressed chunks", "imu_none", True),
        ("60,000 Imu messages, lz4 chunks", "imu_lz4", True),
        ("600,000 Imu messages, uncompressed chunks", "imu_long_none", False),
        ("600,000 Imu messages, lz4 chunks", "imu_long_lz4", False),
    ):
        path = [str(OUT / f"{name}.mcap")]
        jobs = [in_process("rushes", IMU_OURS, arguments=path)]
        if peers:
            jobs += [
                in_process("mcap-ros2-support", IMU_ROS2, arguments=path),
                in_process("mcap + rosbags", IMU_ROSBAGS, arguments=path),
            ]
        table(f"{title}, to arrays", measure(jobs, runs=5))


def pictures() -> None:
    """Random access through the public API."""
    dataset = OUT / "dataset"
    if not dataset.exists():
        for command in (["ingest", str(OUT / "rec_none.mcap"), "--into", str(dataset)], ["sync", str(dataset)]):
            measure([whole(command[0], [RUSHES, *command])], runs=1)
    arguments = [str(dataset)]
    jobs = [
        in_process("one pread each, nothing else", FRAMES_PREAD, arguments=arguments),
        in_process("rushes", FRAMES_OURS, arguments=arguments),
    ]
    table("Random frame bytes (211 KB each)", measure(jobs))
    jobs = [
        in_process("OpenCV alone, bytes in memory", STEP_LIMIT, arguments=arguments),
        in_process("rushes", STEP_OURS, arguments=arguments),
    ]
    table("Random synchronised step of two decoded 720p cameras", measure(jobs))


def alignment() -> None:
    """10 M IMU samples, 0.1 % dropped and 10 % jitter, to 1 M frames, all in memory."""
    jobs = [
        in_process("rushes: nearest, one to one", STREAMS, arguments=["nearest"]),
        in_process("np.searchsorted alone", STREAMS, arguments=["search"]),
        in_process("pandas.merge_asof, nearest", STREAMS_PANDAS, arguments=["nearest"]),
        in_process("rushes: latest", STREAMS, arguments=["latest"]),
        in_process("pandas.merge_asof, backward", STREAMS_PANDAS, arguments=["backward"]),
        in_process("rushes: interpolate", STREAMS, arguments=["interpolate"]),
        in_process("rushes: spans", STREAMS, arguments=["spans"]),
        in_process("rushes: align, with all its measures", STREAMS, arguments=["align"]),
    ]
    table("Aligning 10 M IMU samples to 1 M frames", measure(jobs, runs=7))


def start() -> None:
    """Start of the command."""
    jobs = [whole("rushes --help", [RUSHES, "--help"]), whole("python -c pass", [sys.executable, "-c", "pass"])]
    table("Start", measure(jobs, runs=9))


def memory() -> None:
    """Print how resident memory grows with a recording's length."""
    jobs = [
        in_process(
            f"{name}, {(OUT / name).stat().st_size / 1e6:,.0f} MB", READ_MEMORY, arguments=[str(OUT / name)]
        )
        for name in (
            "small.mcap",
            "rec_none.mcap",
            "small_lz4.mcap",
            "rec_lz4.mcap",
            "imu_none.mcap",
            "imu_long_none.mcap",
        )
    ]
    table("Memory while reading (anonymous; mapped file pages apart)", measure(jobs, runs=1))


def _shell(line: str) -> list[str]:
    return ["sh", "-c", line]


if __name__ == "__main__":
    main()
