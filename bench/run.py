"""Print our figures beside the peers', same input, same run: ``make bench``.

The input is made once into ``bench/output``: 60 s, two 720p JPEG cameras at 30 Hz, 16-bit depth, a 1 kHz IMU,
about 1.4 GB. Peers that are not installed are left out and named.
"""

import sys
from pathlib import Path

from measure import Figure, in_process, measure, table, whole

HERE = Path(__file__).resolve().parent
OUT = HERE / "output"

OPEN_AND_INGEST = """
import sys, shutil, pathlib, tempfile
from rushes.workflow.ingest import ingest, Request
from rushes.store import Store
with tempfile.TemporaryDirectory(dir=sys.argv[2]) as place:
    dataset = pathlib.Path(place) / "d"
    ingest(dataset, Request(paths=[pathlib.Path(sys.argv[3])]))   # tables exist, modules are loaded
    with measured() as span:
        done = ingest(dataset, Request(paths=[pathlib.Path(sys.argv[1])], mode=sys.argv[4]))
    assert done.taken[0].state == "added", done
    import sys as s
    report(span, samples=done.taken[0].samples, pandas="pandas" in s.modules)
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
    order = [random.Random(7).randrange(len(camera)) for _ in range(20000)]
    camera.bytes(0)
    with measured() as span:
        n = sum(len(camera.bytes(i)) for i in order)
report(span, frames=len(order), per_cpu_s=len(order) / span.cpu)
"""

STEP_OURS = """
import sys, random, rushes
with rushes.open_dataset(sys.argv[1]) as dataset:
    name = dataset.arrow("recordings")["recording_id"][0].as_py()
    moments = dataset.moments(name)
    cameras = [dataset.frames(name, f"/cam{k}/image/compressed") for k in (0, 1)]
    streams = [camera.stream["stream"] for camera in cameras]
    order = [random.Random(7).randrange(len(moments)) for _ in range(150)]
    [c.image(0) for c in cameras]
    with measured() as span:
        for k in order:
            for camera, stream in zip(cameras, streams):
                if stream in moments[k]:
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


def fixture(name: str) -> Path:
    """Make a benchmark recording once."""
    path = OUT / name
    if not path.is_file():
        OUT.mkdir(parents=True, exist_ok=True)
        sys.path.insert(0, str(HERE))
        from make_fixture import make

        print(f"making {path.name} (once)", file=sys.stderr)
        make(OUT)
    return path


def main() -> None:
    """Measure and print everything."""
    plain, lz4, small = fixture("rec_none.mcap"), fixture("rec_lz4.mcap"), fixture("small.mcap")
    imu, imu_lz4 = fixture("imu_none.mcap"), fixture("imu_lz4.mcap")
    out = str(OUT)
    in_place = [str(plain), out, str(small), "reference"]
    copying = [str(plain), out, str(small), "copy"]
    rushes = str(Path(sys.executable).with_name("rushes"))
    dataset = OUT / "dataset"
    jobs = [
        in_process("rushes ingest, by reference, in process", OPEN_AND_INGEST, arguments=in_place),
        in_process("mcap: iterate the messages", MCAP_ITERATE, arguments=[str(plain)]),
        whole(
            "rushes ingest, whole command", ["sh", "-c", f"rm -rf {out}/w; {rushes} ingest {plain} --into {out}/w"]
        ),
    ]
    table("Ingest of a 60 s, 1.4 GB recording", measure(jobs))
    jobs = [
        in_process("rushes ingest --copy (checksum and copy)", OPEN_AND_INGEST, arguments=copying),
        in_process("sha256 + write of the same bytes", HASH_AND_WRITE, arguments=[str(plain), out]),
    ]
    table("Copy", measure(jobs, runs=3))
    for title, path in (("uncompressed chunks", imu), ("lz4 chunks", imu_lz4)):
        jobs = [
            in_process("rushes", IMU_OURS, arguments=[str(path)]),
            in_process("mcap-ros2-support", IMU_ROS2, arguments=[str(path)]),
            in_process("mcap + rosbags", IMU_ROSBAGS, arguments=[str(path)]),
        ]
        table(f"60,000 IMU messages to arrays, {title}", measure(jobs, runs=3))
    if not dataset.exists():
        for command in (["ingest", str(plain), "--into", str(dataset)], ["sync", str(dataset)]):
            measure([whole(command[0], [rushes, *command])], runs=1)
    table(
        "Random frame bytes (211 KB each)", measure([in_process("rushes", FRAMES_OURS, arguments=[str(dataset)])])
    )
    jobs = [
        in_process("rushes: random step of two decoded 720p cameras", STEP_OURS, arguments=[str(dataset)]),
        in_process("OpenCV alone, bytes in memory", STEP_LIMIT, arguments=[str(dataset)]),
    ]
    table("Random synchronised step", measure(jobs))
    memory(plain, small)
    start = [whole("rushes --help", [rushes, "--help"]), whole("python -c pass", [sys.executable, "-c", "pass"])]
    table("Start", measure(start, runs=9))
    _ = lz4


def memory(plain: Path, small: Path) -> None:
    """Print how resident memory grows with a recording's length."""
    code = """
    import sys, pathlib
    from rushes import registry
    anonymous = lambda: sum(int(l.split()[1]) for l in open("/proc/self/status") if l.startswith("RssAnon")) / 1024
    reader = registry.load("readers", "mcap")
    peak = 0.0
    with measured() as span, reader.open(pathlib.Path(sys.argv[1]), {}) as recording:
        for batch in recording.batches():
            peak = max(peak, anonymous())
    report(span, anonymous_mb=peak)
    """
    jobs = [
        in_process(f"{path.name}, {path.stat().st_size / 1e6:,.0f} MB", code, arguments=[str(path)])
        for path in (plain, small)
    ]
    figures: list[Figure] = measure(jobs, runs=1)
    table("Memory while reading (anonymous; mapped file pages apart)", figures)


if __name__ == "__main__":
    main()
