"""Devices on a serial line that send one line of JSON or CSV a sample: microcontrollers and their sensors.

``device`` is a port (``/dev/ttyACM0``, ``COM3``), or a URL of pySerial such as ``socket://192.168.1.7:4000``.

``format``:
    lines: ``csv`` (the default) or ``json``: an object a line, or a list in the order of ``columns``.
    columns: Names of the fields, ``"t,ax,ay,az,gx,gy,gz"``; all of them, in CSV in their order.

``options``:
    baud: Speed of the line (115200).
    clock, clock_unit: Field that is the device's clock, and its unit: ``s``, ``ms``, ``us`` or ``ns``. It is
        kept as it comes; a counter of 32 bits that begins again is told apart when clocks are fitted.
    seq: Field that is the device's own count of samples; holes in it are lost samples.
    imu: Fields that are an inertial sensor: ``{gyro: [gx, gy, gz], accel: [ax, ay, az], gyro_unit: deg/s,
        accel_unit: g}``; units are ``deg/s`` or ``rad/s``, and ``g`` or ``m/s2``. Either may be left out.
    text: Field that is a text; lines in which it is not empty are markers of a stream of their own.
    units: Units of other fields, ``{pressure: hPa}``.

Streams: ``/NAME/imu``, ``/NAME/numbers`` (every field that is nothing else) and ``/NAME/markers``. An empty
field is NaN. A line that is not of this form is counted and told, with an example. What the line brought before
the recording begins is thrown away, with the rest of the line that is under way then. All lines that are read at
once arrived at once: their time of arrival is that of the reading, which for fast devices is up to 5 ms after
they came.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import serial
from serial.tools import list_ports

from rushes.capture._lines import Line, LineCutter, NoLineError, read_line, shown
from rushes.capture._mishaps import Absence, Garbage, waits
from rushes.capture._serial_wishes import SerialWishes, serial_wishes
from rushes.capturing import (
    FoundDevice,
    Inertial,
    Intake,
    LiveStream,
    Numbers,
    OpenSource,
    Samples,
    Source,
    Texts,
    Trouble,
)
from rushes.errors import CaptureError
from rushes.model import Times
from rushes.sensors import SensorOfRig

_WAIT_S = 0.05
_MOST_BYTES = 65_536
_FAST_S, _GATHER_S = 0.02, 0.005
"""Where something comes within the first, the second is waited before it is read: fast devices in larger bites."""


class SerialSource:
    """Opens serial lines."""

    name = "serial"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List the ports that have something behind them."""
        return [
            FoundDevice(
                source=self.name,
                device=port.device,
                title=port.description or port.device,
                facts={
                    key: value
                    for key, value in (
                        ("maker", port.manufacturer),
                        ("product", port.product),
                        ("serial number", port.serial_number),
                    )
                    if value
                },
            )
            for port in sorted(list_ports.comports())
            if port.hwid != "n/a"  # a socket for a port that the board does not have
        ]

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open a serial line.

        Raises:
            CaptureError: ``capture.absent``.
            RecipeError: ``rig.invalid``.
        """
        wishes = serial_wishes(sensor)
        return OpenSerial(sensor, wishes, _opened(wishes))


class OpenSerial:
    """A serial line that is open."""

    def __init__(self, sensor: SensorOfRig, wishes: SerialWishes, port: serial.SerialBase) -> None:
        self._wishes = wishes
        self._port: serial.SerialBase | None = port
        self._sorter = Sorter(wishes)
        self.streams: Sequence[LiveStream] = _streams(sensor, wishes)

    def run(self, into: Intake) -> None:
        """Give lines until told to stop; a line that breaks is opened again."""
        garbage = Garbage(into, sensor=self._wishes.name, stream=None, what="lines")
        absence = Absence(into, sensor=self._wishes.name)
        try:
            while not into.stopping.is_set():
                if self._port is None and not self._again(into):
                    continue
                absence.ends()
                try:
                    self._listen(into, garbage)
                except (serial.SerialException, OSError, TypeError) as error:
                    # TypeError: what pySerial raises inside itself when the port is closed under it
                    self.close()
                    absence.begins(f"the line broke: {error}")
        finally:
            garbage.tell(at_once=True)

    def close(self) -> None:
        """Close the line."""
        if self._port is not None:
            self._port.close()
            self._port = None

    def _listen(self, into: Intake, garbage: Garbage) -> None:
        assert self._port is not None
        cutter, last_s = LineCutter(), 0.0
        self._port.reset_input_buffer()
        while not into.stopping.is_set():
            data = self._port.read(1)
            if data:
                now_s = time.monotonic()
                if now_s - last_s < _FAST_S:
                    time.sleep(_GATHER_S)
                last_s = now_s
                data += self._rest(self._port)
            arrival_ns = into.clock.now_ns()
            lines, overlong = cutter.feed(data)
            if overlong:
                garbage.add(f"more than {_MOST_BYTES:,} bytes without a line end")
            for samples in self._sorter.sorted(lines, arrival_ns, into, garbage):
                into.put(samples)
            garbage.tell()

    def _rest(self, port: serial.SerialBase) -> bytes:
        """Read what is there, without waiting."""
        if "://" not in self._wishes.device:
            return bytes(port.read(min(port.in_waiting, _MOST_BYTES)))
        port.timeout = 0  # a socket says that something is there, not how much
        data = bytes(port.read(_MOST_BYTES))
        port.timeout = _WAIT_S
        return data

    def _again(self, into: Intake) -> bool:
        """Open the line anew, as often as it takes; False when told to stop meanwhile."""
        for wait_s in waits():
            if into.stopping.wait(wait_s):
                break
            try:
                self._port = _opened(self._wishes)
            except CaptureError:  # it is still away, which was told
                continue
            return True
        return False


class Sorter:
    """Makes samples of lines, stream by stream, and counts where the device does not."""

    def __init__(self, wishes: SerialWishes) -> None:
        self._wishes, self._form = wishes, wishes.form
        place = {name: i for i, name in enumerate(wishes.form.numbers)}
        self._imu = wishes.imu
        self._gyro = [place[name] for name in wishes.imu.gyro] if wishes.imu else []
        self._accel = [place[name] for name in wishes.imu.accel] if wishes.imu else []
        self._others = [place[name] for name in wishes.others]
        self._count = self._texts = 0
        self._strange: set[str] = set()

    def sorted(self, lines: Sequence[bytes], arrival_ns: int, into: Intake, garbage: Garbage) -> list[Samples]:
        """Give the samples of lines that arrived together; what is no line is counted as garbage."""
        read: list[Line] = []
        counted: list[int] = []
        for line in lines:
            try:
                read.append(read_line(line, self._form))
            except NoLineError as error:
                if not self._is_header(line):
                    garbage.add(str(error))
                    self._count += 1
                continue
            counted.append(self._count)
            self._count += 1
        if not read:
            return []
        self._tell_strange(read, into)
        arrivals = np.full(len(read), arrival_ns, np.int64)
        device_ns = None if self._form.clock is None else np.array([line.device_ns for line in read], np.int64)
        seq = np.array(counted if self._form.seq is None else [line.seq for line in read], np.int64)
        values = np.array([line.numbers for line in read], np.float64).reshape(len(read), len(self._form.numbers))
        found = []
        if self._imu is not None:
            content = Inertial(
                gyro_rad_s=_columns(values, self._gyro, self._imu.gyro_scale),
                accel_m_s2=_columns(values, self._accel, self._imu.accel_scale),
            )
            found.append(self._samples("imu", arrivals, device_ns, seq, content))
        if self._others:
            content_n = Numbers(values=np.ascontiguousarray(values[:, self._others]))
            found.append(self._samples("numbers", arrivals, device_ns, seq, content_n))
        return found + self._marked(read, arrivals, device_ns)

    def _samples(
        self,
        stream: str,
        arrivals: Times,
        device_ns: Times | None,
        seq: Times,
        content: Inertial | Numbers | Texts,
    ) -> Samples:
        return Samples(
            stream=f"/{self._wishes.name}/{stream}",
            arrival_ns=arrivals,
            device_ns=device_ns,
            seq=seq,
            content=content,
        )

    def _marked(self, read: Sequence[Line], arrivals: Times, device_ns: Times | None) -> list[Samples]:
        """Give the lines that have a text; these count for themselves, as most lines have none."""
        rows = [i for i, line in enumerate(read) if line.text]
        if not rows:
            return []
        seq = np.arange(self._texts, self._texts + len(rows), dtype=np.int64)
        self._texts += len(rows)
        content = Texts(values=tuple(read[i].text for i in rows))
        times = None if device_ns is None else device_ns[rows]
        return [self._samples("markers", arrivals[rows], times, seq, content)]

    def _is_header(self, line: bytes) -> bool:
        """Tell whether a line is the names of the columns, as devices send it when they start."""
        said = [part.strip() for part in line.decode("utf-8", "replace").lower().split(",")]
        return self._form.kind == "csv" and said == [name.lower() for name in self._form.columns]

    def _tell_strange(self, read: Sequence[Line], into: Intake) -> None:
        """Tell once of every field that the rig does not name: it is not recorded."""
        if self._form.kind == "csv":
            return
        new = {name for line in read for name in line.more} - self._strange
        if new:
            self._strange |= new
            names = ", ".join(shown(name.encode()) for name in sorted(new))
            into.trouble(
                Trouble(
                    what="lost",
                    message=f"the lines have fields that format.columns does not name; they are left out: {names}",
                    at_ns=into.clock.now_ns(),
                    sensor=self._wishes.name,
                )
            )


def _columns(values: npt.NDArray[np.float64], places: list[int], scale: float) -> npt.NDArray[np.float64]:
    """Give three columns in SI units; NaN where the device has none."""
    if not places:
        return np.full((len(values), 3), np.nan)
    taken: npt.NDArray[np.float64] = values[:, places] * scale
    return taken


def _opened(wishes: SerialWishes) -> serial.SerialBase:
    try:
        return serial.serial_for_url(wishes.device, baudrate=wishes.baud, timeout=_WAIT_S)
    except (serial.SerialException, OSError, ValueError) as error:
        denied = "Permission" in str(error) or "Access" in str(error)
        hint = "sudo usermod -a -G dialout $USER, then log in again" if denied else "look at cable and port name"
        number = getattr(error, "errno", None)  # pySerial quotes the system's words twice over
        why = os.strerror(number) if isinstance(number, int) else str(error)
        raise CaptureError(
            f"serial line '{wishes.name}' at '{wishes.device}' cannot be opened: {why}",
            code="capture.absent",
            hint=f"{hint}; rushes rig scan lists the ports",
            facts={"sensor": wishes.name, "device": wishes.device},
        ) from error


def _streams(sensor: SensorOfRig, wishes: SerialWishes) -> list[LiveStream]:
    clock = None if wishes.form.clock is None else wishes.name
    numbers = LiveStream(
        name=f"/{wishes.name}/numbers",
        form="numbers",
        modality="signal",
        nominal_rate_hz=sensor.rate_hz,
        device_clock=clock,
        time_meaning="arrival" if clock is None else "unknown",
        latency_ns=sensor.latency_ns,
        frame_of_reference=sensor.frame_of_reference,
    )
    found = []
    if wishes.imu is not None:
        found.append(replace(numbers, name=f"/{wishes.name}/imu", form="inertial", modality="imu"))
    if wishes.others:
        names, units = tuple(wishes.others), tuple(wishes.others.values())
        found.append(replace(numbers, channel_names=names, channel_units=units))
    if wishes.form.text is not None:
        marked = replace(numbers, name=f"/{wishes.name}/markers", form="texts", modality="event")
        found.append(replace(marked, nominal_rate_hz=None))
    return found


PLUGIN: Source = SerialSource()
