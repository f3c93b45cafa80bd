"""Serial lines, over real pseudo-terminals: what comes is what was sent, garbage is counted, plugs are pulled."""

import json
import math
import os
import select
import socket
import tty
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.sources import Gathered, SourceContract, running
from rushes.capture._lines import CLOCK_UNITS_NS, LineCutter, LineForm, NoLineError, read_line
from rushes.capture.serial import PLUGIN
from rushes.errors import RecipeError
from rushes.sensors import SensorOfRig

IMU = "t,ax,ay,az,gx,gy,gz"
IMU_OPTIONS = {
    "clock": "t",
    "clock_unit": "us",
    "imu": {"gyro": ["gx", "gy", "gz"], "accel": ["ax", "ay", "az"], "gyro_unit": "deg/s", "accel_unit": "g"},
}


class Terminal:
    """A device behind a pseudo-terminal, at a path that stays when the device is plugged in again."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug()

    def plug(self) -> None:
        self.master, slave = os.openpty()
        tty.setraw(slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(slave))
        self._slave = slave

    def send(self, data: bytes) -> None:
        """Write all of it, however long the reader takes."""
        while data:
            select.select([], [self.master], [], 10)
            data = data[os.write(self.master, data[:1024]) :]

    def unplug(self) -> None:
        """Close both of our ends: what reads the terminal gets an error."""
        self.path.unlink(missing_ok=True)
        os.close(self._slave)
        os.close(self.master)


@pytest.fixture
def terminal(tmp_path):
    made = Terminal(tmp_path / "tty")
    yield made
    if made.path.is_symlink():
        made.unplug()


def sensor(device, columns=IMU, options=IMU_OPTIONS, lines="csv", **more) -> SensorOfRig:
    return SensorOfRig(
        name="dev",
        source="serial",
        device=str(device),
        format={"lines": lines, "columns": columns},
        options=options,
        **more,
    )


def heard(terminal, rig_sensor, data: bytes, enough, into: Gathered | None = None) -> Gathered:
    """Give what comes of bytes; sent once the source listens, after the rest of a line that it leaves out."""
    into = into or Gathered()
    opened = PLUGIN.open(rig_sensor)
    listening = emptied(opened)
    try:
        with running(opened, into):
            assert listening.wait(10)
            terminal.send(b"st of a line\n" + data)
            into.wait(lambda: enough(into))
    finally:
        opened.close()
    return into


def emptied(opened) -> Event:
    """Give an event that is set once the source has thrown away what came before it began to listen."""
    done, port = Event(), opened._port
    empty = port.reset_input_buffer

    def tell() -> None:
        empty()
        done.set()

    port.reset_input_buffer = tell
    return done


class TestSerialContract(SourceContract):
    source = PLUGIN

    @pytest.fixture
    def sensor(self, terminal):
        stop = Event()

        def talk():
            t = 0
            while not stop.wait(0.002):
                t += 2000
                try:
                    if select.select([], [terminal.master], [], 0)[1]:
                        os.write(terminal.master, f"{t},0,0,1,0,0,0\n".encode())
                except OSError:
                    return

        thread = Thread(target=talk, daemon=True)
        thread.start()
        yield sensor(terminal.path)
        stop.set()
        thread.join()

    @pytest.fixture
    def absent(self, tmp_path):
        return sensor(tmp_path / "nowhere")


def test_an_imu_arrives_in_si_units_with_its_own_clock(terminal):
    data = b"1000,0,0,1,180,0,0\n3000,0.5,0,-1,0,90,-180\n"

    into = heard(terminal, sensor(terminal.path), data, lambda i: i.count() == 2)

    times = np.concatenate([each.device_ns for each in into.samples])
    gyro = np.concatenate([each.content.gyro_rad_s for each in into.samples])
    accel = np.concatenate([each.content.accel_m_s2 for each in into.samples])
    assert times.tolist() == [1_000_000, 3_000_000]
    assert gyro == pytest.approx(np.array([[math.pi, 0, 0], [0, math.pi / 2, -math.pi]]))
    assert accel == pytest.approx(np.array([[0, 0, 9.80665], [4.903325, 0, -9.80665]]))
    assert not into.troubles


def test_fields_of_json_go_to_numbers_and_markers_and_what_is_not_named_is_told(terminal):
    lines = [
        {"n": 7, "time": 0.000000001, "pressure": 1013.25, "note": "", "temp": 20},
        {"n": 8, "time": 1700000000.123456789, "pressure": None, "note": "valve, open", "temp": 21},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines).replace("1700000000.1234567", "1700000000.123456789")
    wanted = sensor(
        terminal.path,
        columns="n,time,pressure,note",
        lines="json",
        options={"clock": "time", "clock_unit": "s", "seq": "n", "text": "note", "units": {"pressure": "hPa"}},
    )

    into = heard(
        terminal, wanted, text.encode(), lambda i: i.count("/dev/numbers") == 2 and i.count("/dev/markers")
    )

    numbers = into.of("/dev/numbers")
    assert np.concatenate([each.seq for each in numbers]).tolist() == [7, 8]
    values = np.concatenate([each.content.values for each in numbers])
    assert values[0, 0] == 1013.25
    assert np.isnan(values[1, 0])
    assert [v for each in into.of("/dev/markers") for v in each.content.values] == ["valve, open"]
    assert into.of("/dev/markers")[0].device_ns.tolist() == [1_700_000_000_123_456_789]
    (told,) = into.told("lost")
    assert "'temp'" in told.message


def test_garbage_is_counted_with_an_example_and_the_rest_goes_on(terminal):
    good = [f"{1000 * i},0,0,1,0,0,0" for i in range(50)]
    bad = ["\x00\xfe\x80", "1,2,3", "a,b,c,d,e,f,g", "1,0,0,1,0,0,0,0", "inf,0,0,1,0,0,0"]
    lines = [line for i in range(50) for line in (good[i], bad[i % 5])]
    data = "".join(line + "\r\n" for line in lines).encode("latin-1")

    into = heard(terminal, sensor(terminal.path), data, lambda i: i.count() == 50)

    assert sum(each.count for each in into.told("garbage")) == 50
    assert "such as" in into.told("garbage")[0].message
    seq = np.concatenate([each.seq for each in into.samples])
    assert seq.tolist() == list(range(0, 100, 2))


def test_garbage_is_told_once_a_second_at_most(terminal):
    into = Gathered()
    data = b"nonsense\n" * 3000 + b"1,0,0,1,0,0,0\n"

    heard(terminal, sensor(terminal.path), data, lambda i: i.count() == 1, into)

    told = into.told("garbage")
    assert sum(each.count for each in told) == 3000
    assert all(later.at_ns - earlier.at_ns >= 1e9 for earlier, later in pairwise(told[:-1]))
    assert len(told) < 10


def test_a_flood_without_line_ends_takes_no_memory_and_is_told(terminal):
    data = b"\xff" * 200_000 + b"\n5,0,0,1,0,0,0\n"

    into = heard(terminal, sensor(terminal.path), data, lambda i: i.count() == 1)

    assert sum(each.count for each in into.told("garbage")) == 1
    assert into.samples[0].device_ns.tolist() == [5000]


def test_a_flood_of_samples_is_read_whole(terminal):
    n = 20_000
    data = b"".join(b"%d,0,0,1,0,0,0\n" % i for i in range(n))

    into = heard(terminal, sensor(terminal.path), data, lambda i: i.count() == n)

    times = np.concatenate([each.device_ns for each in into.samples])
    assert np.array_equal(times, np.arange(n) * 1000)
    assert not into.troubles


def test_a_pulled_plug_is_told_and_the_line_opened_again(terminal):
    into, opened = Gathered(), PLUGIN.open(sensor(terminal.path))
    listening = emptied(opened)
    with running(opened, into):
        assert listening.wait(10)
        terminal.send(b"st of a line\n1,0,0,1,0,0,0\n")
        into.wait(lambda: into.count() == 1)

        terminal.unplug()
        into.wait(lambda: bool(into.told("stopped")))
        terminal.plug()
        into.wait(lambda: bool(into.told("returned")))
        Event().wait(0.5)
        terminal.send(b"half\n2,0,0,1,0,0,0\n")
        into.wait(lambda: into.count() == 2)
    opened.close()

    assert [each.what for each in into.troubles] == ["stopped", "returned"]
    assert into.told("returned")[0].from_ns == into.told("stopped")[0].at_ns
    assert np.concatenate([each.device_ns for each in into.samples]).tolist() == [1000, 2000]


def test_lines_come_over_a_socket_as_well_and_are_waited_for_when_it_falls():
    n, going = 5000, Event()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        for begin_at in (0, n):
            connection, _ = listening.accept()
            going.wait()
            Event().wait(0.5)
            lines = b"".join(b"%d,0,0,1,0,0,0\n" % i for i in range(begin_at, begin_at + n))
            connection.sendall(b"half\n" + lines)
            Event().wait(0.5)
            connection.close()

    thread = Thread(target=serve, daemon=True)
    thread.start()
    into, opened = Gathered(), PLUGIN.open(sensor(f"socket://127.0.0.1:{port}"))
    with running(opened, into):
        going.set()
        into.wait(lambda: into.count() == 2 * n)
    opened.close()
    thread.join()
    listening.close()

    times = np.concatenate([each.device_ns for each in into.samples])
    assert np.array_equal(times, np.arange(2 * n) * 1000)
    assert [each.what for each in into.troubles][:2] == ["stopped", "returned"]


def test_a_header_that_the_device_sends_when_it_starts_is_no_garbage(terminal):
    data = f"{IMU}\n1,0,0,1,0,0,0\n".encode()

    into = heard(terminal, sensor(terminal.path), data, lambda i: i.count() == 1)

    assert not into.troubles


@pytest.mark.parametrize(
    ("form", "options", "near"),
    [
        ({"columns": "t,a", "colums": "t"}, {}, "format.colums"),
        ({"columns": ""}, {}, "format.columns"),
        ({"columns": "t,t"}, {}, "format.columns"),
        ({"columns": "t,a", "lines": "jsn"}, {}, "json"),
        ({"columns": "t,a"}, {"clock": "t"}, "options.clock_unit"),
        ({"columns": "time,a"}, {"clock": "tme", "clock_unit": "us"}, "time"),
        ({"columns": "a,b,c"}, {"imu": {"gyro": ["a", "b", "c"]}}, "deg/s"),
        ({"columns": "a,b,c"}, {"imu": {"gyro": ["a", "b"], "gyro_unit": "deg/s"}}, "x, y and z"),
        ({"columns": "a,b"}, {"baud": "fast"}, "options.baud"),
    ],
)
def test_what_a_rig_cannot_mean_is_refused_before_the_line_is_opened(form, options, near):
    with pytest.raises(RecipeError) as told:
        PLUGIN.open(SensorOfRig(name="dev", source="serial", device="/dev/nowhere", format=form, options=options))

    assert told.value.code == "rig.invalid"
    assert near in told.value.message + told.value.hint


@given(
    nanoseconds=st.integers(-(2**62), 2**62),
    unit=st.sampled_from(sorted(CLOCK_UNITS_NS)),
    kind=st.sampled_from(["csv", "json"]),
)
def test_times_are_exact_to_the_nanosecond_whatever_the_unit(nanoseconds, unit, kind):
    form = LineForm(kind=kind, columns=("t",), numbers=(), clock="t", clock_unit_ns=CLOCK_UNITS_NS[unit])
    scale = CLOCK_UNITS_NS[unit]
    whole, rest = divmod(abs(nanoseconds), scale)
    sign = "-" if nanoseconds < 0 else ""
    digits = len(str(scale)) - 1
    written = f"{sign}{whole}" + (f".{rest:0{digits}d}" if digits else "")
    line = written if kind == "csv" else f'{{"t": {written}}}'

    assert read_line(line.encode(), form).device_ns == nanoseconds


@given(line=st.binary(max_size=200), kind=st.sampled_from(["csv", "json"]))
def test_no_bytes_whatever_break_the_reading(line, kind):
    form = LineForm(
        kind=kind, columns=("n", "t", "a", "x"), numbers=("a",), clock="t", clock_unit_ns=1, seq="n", text="x"
    )
    with suppress(NoLineError):
        assert read_line(line, form).device_ns is not None


@given(
    lines=st.lists(st.text("ab0,", min_size=1, max_size=9).map(str.encode), max_size=30),
    cuts=st.lists(st.integers(0, 300), max_size=20),
)
def test_lines_are_the_same_however_they_are_cut_when_they_arrive(lines, cuts):
    data = b"rest\n" + b"".join(line + b"\n" for line in lines)
    edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    cutter, found = LineCutter(), []

    for begin_at, end_at in pairwise(edges):
        whole, overlong = cutter.feed(data[begin_at:end_at])
        found += whole
        assert not overlong

    assert found == lines
