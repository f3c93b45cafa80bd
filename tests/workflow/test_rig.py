"""What a machine offers and what a rig's sensors give is told sensor by sensor; none hides another."""

import threading

import pytest

from live_rig import Paced, rig_of, sensor
from rushes.capturing import FoundDevice
from rushes.errors import CaptureError
from rushes.workflow import rig as rigs_at_work
from rushes.workflow.rig import check, scan


class Failing:
    """A source whose library is broken."""

    def scan(self):
        raise OSError("the driver is gone")

    def open(self, sensor):
        raise ValueError("half a driver")


class Lacking:
    """A source that says what it lacks."""

    def scan(self):
        raise CaptureError("PortAudio is missing", code="capture.missing-library", hint="install it")


class Stuck:
    """A source whose driver never comes back."""

    def scan(self):
        threading.Event().wait()

    def open(self, sensor):
        threading.Event().wait()


SOURCES = {"paced": Paced(), "failing": Failing(), "lacking": Lacking(), "stuck": Stuck()}


def source(name: str):
    return SOURCES[name]


def test_every_source_is_asked_and_each_error_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rigs_at_work, "SCAN_S", 0.5)
    found = {one.source: one for one in scan(list(SOURCES), sources=source)}
    assert [type(device) for device in found["paced"].devices] == [FoundDevice]
    codes = {name: one.error.code if one.error else None for name, one in found.items()}
    assert codes == {
        "paced": None,
        "failing": "rig.source-failed",
        "lacking": "capture.missing-library",
        "stuck": "rig.source-failed",
    }
    assert "the driver is gone" in found["failing"].error.message


def test_the_machine_that_this_runs_on_can_be_scanned() -> None:
    found = scan()
    assert {"camera", "microphone", "serial"} <= {one.source for one in found}
    assert all(one.error is None or one.error.code.startswith("capture.") for one in found)


def test_a_check_tells_rates_sizes_and_clocks_of_all_sensors_and_who_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rigs_at_work, "OPEN_S", 0.5)
    rig = rig_of(
        sensor("color", 30.0, "cam"),
        sensor("inertial", 200.0, "imu"),
        sensor("texts", 0.1, "marks"),
        sensor("numbers", 0.01, "slow"),
        sensor("absent", 1.0, "gaze"),
    )
    found = {one.sensor.name: one for one in check(rig, for_ns=2_000_000_000, sources=source)}
    states = {name: one.state for name, one in found.items()}
    assert states == {"cam": "ok", "imu": "ok", "marks": "ok", "slow": "silent", "gaze": "failed"}
    (cam,), (imu,) = found["cam"].streams, found["imu"].streams
    assert (cam.width_px, cam.height_px, cam.holes) == (640, 480, 0)
    assert cam.offset_ns == 5_000_000
    assert imu.rate_hz == pytest.approx(200.0, rel=0.02)
    assert imu.longest_ns == 5_000_000
    assert found["gaze"].error is not None
    assert found["gaze"].error.code == "capture.absent"


def test_a_sensor_whose_driver_hangs_or_breaks_does_not_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rigs_at_work, "OPEN_S", 0.5)
    monkeypatch.setattr(rigs_at_work, "END_S", 0.5)
    names = {"imu": "paced", "stuck": "stuck", "failing": "failing"}
    rig = rig_of(*(sensor("inertial", 100.0, name) for name in names))
    by_order = iter(names.values())
    lock = threading.Lock()

    def give(_: str):
        with lock:
            return SOURCES[next(by_order)]

    found = check(rig, for_ns=500_000_000, sources=give)
    assert sorted(one.state for one in found) == ["failed", "failed", "ok"]
    assert any("half a driver" in one.error.message for one in found if one.error)
    assert any("not open within" in one.error.message for one in found if one.error)
