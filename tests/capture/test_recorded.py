"""What cameras, a serial line and a microphone give is in the recording, as every reader of MCAP finds it."""

import os
import re
import select
import tty
from threading import Event, Thread

import numpy as np
import pytest

from cameras import HttpCamera, RtspCamera, video, with_stamp
from contracts.readers import cell
from rushes import registry
from rushes.media import MediaReader
from rushes.model import Location
from rushes.recorder.recording import Recording
from rushes.sensors import Rig, SensorOfRig


@pytest.fixture
def http():
    made = HttpCamera(with_stamp)
    yield made
    made.close()


@pytest.fixture
def rtsp():
    made = RtspCamera(video("mpegts"))
    yield made
    made.close()


@pytest.fixture
def wrist(tmp_path):
    """A device that sends a hundred lines a second: time in µs, a count, and the movement that follows from it."""
    master, slave = os.openpty()
    tty.setraw(slave)
    stop = Event()

    def talk() -> None:
        number = 0
        while not stop.wait(0.01):
            if select.select([], [master], [], 0)[1]:
                os.write(master, b"%d,%d,%d,0,9.80665,0,0,180\n" % (number * 10_000, number, number % 7))
            number += 1

    thread = Thread(target=talk, daemon=True)
    thread.start()
    yield os.ttyname(slave)
    stop.set()
    thread.join()
    os.close(slave)
    os.close(master)


def payloads(batches, path) -> list[bytes]:
    """Give the encoded bytes of all rows."""
    with MediaReader() as media:
        return [
            bytes(
                media.read(
                    Location(
                        path=path,
                        container="mcap",
                        offset=cell(batch, "offset", row),
                        length=cell(batch, "length", row),
                        block=cell(batch, "block", row),
                    )
                )
            )
            for batch in batches
            for row in range(batch.rows)
        ]


def joined(batches, column: str) -> np.ndarray:
    return np.concatenate([np.asarray(batch.columns[column]) for batch in batches])


def test_a_bench_is_recorded_and_read_back(tmp_path, http, rtsp, wrist):
    imu = {"accel": ["ax", "ay", "az"], "gyro": ["gx", "gy", "gz"], "accel_unit": "m/s2", "gyro_unit": "deg/s"}
    rig = Rig(
        name="bench",
        about="",
        sensors=[
            SensorOfRig(name="http", source="camera", device=http.url, rate_hz=50, latency_ns=5_000_000),
            SensorOfRig(name="rtsp", source="camera", device=rtsp.url),
            SensorOfRig(
                name="wrist",
                source="serial",
                device=wrist,
                rate_hz=100,
                format={"columns": "t,n,ax,ay,az,gx,gy,gz"},
                options={"clock": "t", "clock_unit": "us", "seq": "n", "imu": imu},
            ),
        ],
    )
    path = tmp_path / "take.mcap"

    with Recording(path, rig, {}) as recording:
        Event().wait(2.0)
        assert {status.state for status in recording.status().streams} == {"live"}

    found: dict[str, list] = {}
    with registry.load("readers", "mcap").open(path, {}) as opened:
        for batch in opened.batches():
            found.setdefault(batch.stream, []).append(batch)
        streams = {stream.name: stream for stream in opened.description.streams}
    assert_pictures_are_those_sent(found["/http/image/compressed"], path, http)
    assert_packets_are_those_sent(found["/rtsp/image/compressed"], path, rtsp)
    assert_movement_is_that_sent(found["/wrist/imu"])
    assert (streams["/http/image/compressed"].codec, streams["/rtsp/image/compressed"].codec) == ("jpeg", "h264")
    assert [streams[f"/{name}/image/compressed"].clock_id for name in ("http", "rtsp")] == ["http", "rtsp"]


def assert_pictures_are_those_sent(batches, path, http) -> None:
    found = payloads(batches, path)
    assert len(found) > 30
    assert found == http.sent[: len(found)]
    times = [100_000_000_000 + i * 40_000_000 for i in range(len(found))]
    assert joined(batches, "t_header_ns").tolist() == times


def assert_packets_are_those_sent(batches, path, rtsp) -> None:
    last = [re.split(rb"\x00*\x00\x00\x01", data)[-1] for data in payloads(batches, path)]
    assert len(last) > 30
    assert last == [rtsp.units[row % len(rtsp.units)][-1] for row in range(len(last))]


def assert_movement_is_that_sent(batches) -> None:
    seq = joined(batches, "seq").astype(np.int64)
    assert len(seq) > 50
    assert (np.diff(seq) == 1).all()
    assert np.array_equal(joined(batches, "t_header_ns"), seq * 10_000_000)
    assert joined(batches, "accel_x_m_s2") == pytest.approx(seq % 7)
    assert joined(batches, "gyro_z_rad_s") == pytest.approx(np.pi)
