"""Recordings that end badly: killed, on a full disk, on a slow one, flooded. What was flushed is always read."""

import errno
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mcap.reader import NonSeekingReader

from contracts.readers import rows_of
from made_up_sensors import STREAMS, MadeUp, samples_of, sensor, wait_for
from recorder.conftest import messages
from rushes.chunked_mcap import ChunkedFile
from rushes.readers.mcap import PLUGIN
from rushes.recorder.disk import Disk

CHILD = """
import sys
from pathlib import Path
from made_up_sensors import STREAMS, MadeUp, rig_of, samples_of, sensor
from rushes.recorder.recording import Recording

def run(into, of):
    k = 0
    while not into.stopping.wait(0.005):
        into.put(samples_of(of.device, k, 5, into.clock.now_ns()))
        k += 5

sensors = [sensor(form) for form in ("pictures", "inertial", "numbers", "texts")]
made = {"sources": lambda _: MadeUp(run), "min_free_bytes": 1}
with Recording(Path(sys.argv[1]), rig_of(*sensors), {}, **made) as recording:
    print("go", flush=True)
    recording.wait(60)
"""


def child_that_records(path: Path, code: str) -> subprocess.Popen:
    """Start a process that records, and wait until it does."""
    places = os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": places},
    )
    assert child.stdout is not None
    assert child.stdout.readline() == b"go\n"
    child.stdout.close()
    return child


@pytest.mark.parametrize("seed", range(3))
def test_a_killed_recorder_leaves_all_but_the_last_second(tmp_path, seed):
    path = tmp_path / "take.mcap"
    child = child_that_records(path, CHILD)
    time.sleep(0.7 + random.Random(seed).random())
    killed_ns = time.time_ns()
    child.send_signal(signal.SIGKILL)
    child.wait()
    with PLUGIN.open(path, {}) as opened:
        rows = rows_of(list(opened.batches()))
        losses = list(opened.losses())
        assert all(entry.balanced for entry in opened.ledger())
    assert [loss.code for loss in losses] == ["read.truncated"]
    for form in ("pictures", "inertial", "numbers", "texts"):
        got = rows[STREAMS[form].name]
        log = got.get("t_log_ns") or got["t_ns"]
        assert log, form
        assert killed_ns - max(log) <= 1_000_000_000, form
    assert rows["/imu"]["seq"] == list(range(len(rows["/imu"]["seq"])))
    assert rows["/imu"]["gyro_y_rad_s"] == [k + 0.25 for k in rows["/imu"]["seq"]]


def test_whoever_presses_ctrl_c_twice_has_a_whole_file(tmp_path):
    path = tmp_path / "take.mcap"
    slow = CHILD.replace("        k += 5\n", "        k += 5\n    time.sleep(0.8)\n").replace(
        "import sys", "import sys, time"
    )
    child = child_that_records(path, slow)
    time.sleep(0.5)
    for _ in range(2):
        child.send_signal(signal.SIGINT)
        time.sleep(0.3)
    assert child.poll() is None, "it still waits for its sensors"
    child.wait(20)
    with PLUGIN.open(path, {}) as opened:
        assert len(rows_of(list(opened.batches()))["/imu"]["seq"]) > 0
        assert list(opened.losses()) == []


steps = st.lists(
    st.one_of(st.tuples(st.just("put"), st.sampled_from([0, 1, 2]), st.integers(1, 30)), st.just(("flush", 0, 0))),
    max_size=25,
)


@given(steps, st.integers(0, 2**31))
@settings(max_examples=40)
def test_whatever_was_flushed_is_read_wherever_the_file_is_cut(tmp_path_factory, done, cut):
    path = tmp_path_factory.mktemp("cut") / "any.mcap"
    flushed, sizes = [(0, [0, 0, 0])], [0, 0, 0]
    with path.open("wb", buffering=0) as out:
        file = ChunkedFile(out, library="test", chunk_bytes=400, declare_every=2)
        topics = [
            file.channel(f"/{i}", encoding="json", schema=("Any", "jsonschema", b"{}"), packed=i == 1)
            for i in range(3)
        ]
        for what, topic, n in done:
            if what == "flush":
                file.flush()
                flushed.append((file.size, list(sizes)))
            elif topic == 2:
                first = sizes[2]
                numbers = np.arange(first, first + n)
                rows = numbers.astype("<u8")[:, None].view(np.uint8)
                file.add_rows(topics[2], numbers * 10, rows, sequence=numbers)
                sizes[2] += n
            else:
                for _ in range(n):
                    file.add(topics[topic], sizes[topic], [b"{%d}" % sizes[topic]], sequence=sizes[topic])
                    sizes[topic] += 1
    size = path.stat().st_size
    at = cut % (size + 1)
    promised = max((each for each in flushed if each[0] <= at), key=lambda each: each[0])[1]
    os.truncate(path, at)
    if at < 8:
        return
    found = [[], [], []]
    with PLUGIN.open(path, {}) as opened:
        for batch in opened.batches():
            found[int(batch.stream[1:])] += list(batch.columns["seq"])
    for topic, count in enumerate(promised):
        assert found[topic][:count] == list(range(count))
        assert found[topic] == list(range(len(found[topic])))


def test_a_damaged_head_costs_a_topic_no_more_than_up_to_its_next_declaration(tmp_path):
    path = tmp_path / "any.mcap"
    with path.open("wb", buffering=0) as out:
        file = ChunkedFile(out, library="test", declare_every=3)
        topic = file.channel("/a", encoding="json", schema=("Any", "jsonschema", b"{}"), packed=False)
        places = []
        for k in range(7):
            places.append(file.size)
            file.add(topic, k, [b"{}"], sequence=k)
            file.flush()
    damaged = bytearray(path.read_bytes())
    damaged[places[0] + 60] ^= 0xFF
    path.write_bytes(damaged)
    with PLUGIN.open(path, {}) as opened:
        found = [seq for batch in opened.batches() for seq in batch.columns["seq"]]
        assert len(opened.losses()) > 0
    assert found[-4:] == [3, 4, 5, 6]


class FullDisk(Disk):
    """Takes so many bytes and no more, a part of a write included."""

    room = 60_000

    def put(self, parts):
        size = sum(map(len, parts))
        if self.room <= 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if size > self.room:
            parts = [memoryview(b"".join(parts))[: self.room]]
        done = super().put(parts)
        self.room -= done
        return done


def without_end(into, of):
    """Give five samples each 5 ms."""
    k = 0
    while not into.stopping.wait(0.005):
        into.put(samples_of(of.device, k, 5, into.clock.now_ns()))
        k += 5


def test_a_full_disk_ends_the_recording_and_all_but_what_did_not_fit_is_read(record, tmp_path):
    with record(
        without_end, sensor("pictures"), sensor("numbers"), disk=FullDisk, flush_ns=20_000_000
    ) as recording:
        assert recording.wait(10)
    verdict = recording.verdict()
    assert "No space left" in verdict.ended_by
    with PLUGIN.open(tmp_path / "take.mcap", {}) as opened:
        rows = rows_of(list(opened.batches()))
        torn = [loss.code for loss in opened.losses() if loss.byte_from is not None]
    assert torn == ["read.truncated"]
    assert not verdict.whole
    for stream in verdict.streams:
        seq = rows[stream.stream]["seq"]
        assert seq == list(range(len(seq)))
        assert len(seq) == stream.samples
        assert stream.dropped > 0
    lost = Counter()
    for trouble in recording.status().troubles:
        if trouble.what == "lost":
            lost[trouble.stream] += trouble.count
    assert lost == {stream.stream: stream.dropped for stream in verdict.streams}
    assert "disk" in verdict.troubles


def test_a_file_that_may_not_grow_is_whole_up_to_its_last_flush(tmp_path):
    path = tmp_path / "take.mcap"
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))\n"
    child = child_that_records(path, limit + CHILD)
    assert child.wait(20) == 0, "it has ended by itself"
    size = path.stat().st_size
    assert 150_000 < size <= 400_000
    with PLUGIN.open(path, {}) as opened:
        rows = rows_of(list(opened.batches()))
        torn = [loss.byte_from for loss in opened.losses() if loss.byte_from is not None]
    assert torn in ([], [size]), "nothing but the end is missing"
    for form in ("pictures", "inertial", "numbers"):
        seq = rows[STREAMS[form].name]["seq"]
        assert seq
        assert seq == list(range(len(seq)))


class NearlyFullDisk(Disk):
    """Refuses what is larger than a little, so that an end still fits."""

    most = 12_000

    def put(self, parts):
        if sum(map(len, parts)) > self.most:
            super().put([memoryview(b"".join(parts))[:1000]])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().put(parts)


def test_a_full_disk_with_room_for_the_end_leaves_a_whole_file(record, tmp_path):
    release = threading.Event()

    def run(into, of):
        into.put(samples_of(of.device, 0, 5, into.clock.now_ns()))
        release.wait(10)
        into.put(samples_of(of.device, 5, 100, into.clock.now_ns()))
        into.stopping.wait(10)

    with record(run, sensor("pictures"), disk=NearlyFullDisk, flush_ns=10_000_000) as recording:
        wait_for(lambda: recording.status().streams[0].samples == 5)
        release.set()
        assert recording.wait(10)
    verdict = recording.verdict()
    assert verdict.whole
    assert [(s.samples, s.dropped) for s in verdict.streams] == [(5, 100)]
    assert "disk" in verdict.troubles
    with (tmp_path / "take.mcap").open("rb") as file:
        list(NonSeekingReader(file, validate_crcs=True).iter_messages())
    found = messages(tmp_path / "take.mcap")
    assert len(found["/cam/image/compressed"]) == 5
    assert [b'"disk"' in content or b'"lost"' in content for _, _, content in found["/rushes/troubles"]] == [
        True
    ] * 2


class Room(Disk):
    """Says how much room there is."""

    left = 10_000_000

    def free_bytes(self):
        return self.left


def test_the_recording_ends_whole_before_the_disk_is_full(record, tmp_path, monkeypatch):
    monkeypatch.setattr("rushes.recorder.watching.LOOK_S", 0.02)
    monkeypatch.setattr(Room, "left", 10_000_000)
    with record(without_end, sensor("numbers"), disk=Room, min_free_bytes=5_000_000) as recording:
        wait_for(lambda: recording.status().streams[0].samples > 0)
        Room.left = 4_000_000
        assert recording.wait(10)
    verdict = recording.verdict()
    assert verdict.whole
    assert verdict.ended_by == "the disk has 4 MB left, less than 5 MB"
    assert [s.dropped for s in verdict.streams] == [0]
    assert verdict.troubles["disk"] == 1


class SlowDisk(Disk):
    """Takes a tenth of a second for each write."""

    def put(self, parts):
        time.sleep(0.1)
        return super().put(parts)


def flood(into, of, *, count=400):
    for k in range(count):
        into.put(samples_of(of.device, k * 10, 10, into.clock.now_ns()))
    into.stopping.wait(20)


def test_a_slow_disk_drops_and_counts_every_sample_that_is_not_there(record, tmp_path):
    with record(flood, sensor("pictures"), disk=SlowDisk, queue_bytes=100_000, flush_ns=20_000_000) as recording:
        wait_for(lambda: recording.status().streams[0].last_ns is not None)
        time.sleep(0.5)
    verdict = recording.verdict()
    [stream] = verdict.streams
    assert stream.dropped > 0
    assert stream.holes == 0
    assert stream.samples + stream.dropped == 4000
    found = messages(tmp_path / "take.mcap")
    assert len(found["/cam/image/compressed"]) == stream.samples
    assert sum(t.count for t in recording.status().troubles if t.what == "lost") == stream.dropped
    assert verdict.whole


def test_a_source_that_can_wait_loses_nothing_to_a_slow_disk(record, tmp_path):
    with record(
        lambda into, of: flood(into, of, count=100),
        sensor("pictures", when_full="block"),
        disk=SlowDisk,
        queue_bytes=20_000,
        flush_ns=20_000_000,
    ) as recording:
        wait_for(lambda: recording.status().streams[0].samples == 1000, 20)
    assert [(s.samples, s.dropped) for s in recording.verdict().streams] == [(1000, 0)]
    assert [seq for _, seq, _ in messages(tmp_path / "take.mcap")["/cam/image/compressed"]] == list(range(1000))


def test_a_flood_of_one_sensor_costs_the_others_nothing(record):
    def run(into, of):
        if of.name == "flood":
            flood(into, of, count=2000)
        else:
            without_end(into, of)

    with record(
        MadeUp(run), sensor("pictures", name="flood"), sensor("numbers"), queue_bytes=200_000
    ) as recording:
        time.sleep(1.0)
    by_sensor = {s.sensor: s for s in recording.verdict().streams}
    assert by_sensor["numbers"].dropped == 0
    assert by_sensor["flood"].samples + by_sensor["flood"].dropped == 20_000


def test_a_source_that_does_not_end_does_not_hold_the_recording(record, monkeypatch):
    monkeypatch.setattr("rushes.recorder.recording.ENDING_S", 0.1)
    never = threading.Event()

    def run(into, of):
        into.put(samples_of(of.device, 0, 5, into.clock.now_ns()))
        never.wait(20)

    with record(run, sensor("numbers")) as recording:
        wait_for(lambda: recording.status().streams[0].last_ns is not None)
    never.set()
    assert recording.verdict().whole
    assert recording.verdict().troubles["stopped"] == 1
    assert [s.samples for s in recording.verdict().streams] == [5]
