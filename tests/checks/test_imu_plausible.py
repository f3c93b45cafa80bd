"""The IMU checks know gravity, stuck values, dead axes, clipping, wrong units, rest and spikes."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.checks import IMU_COLUMNS, StreamCheckContract, findings, imu
from rushes.checks.imu_plausible import PLUGIN
from rushes.checks.imu_rest import PLUGIN as REST
from rushes.checks.imu_spike import PLUGIN as SPIKE
from rushes.model import Stream


class TestImuPlausible(StreamCheckContract):
    check = PLUGIN

    def clean(self):
        return imu()

    def faulty(self):
        values = imu().columns["gyro_x_rad_s"].copy()
        values[[5, 6, 90]] = np.nan
        return imu(gyro_x_rad_s=values)

    def test_values_without_a_number_are_counted(self):
        (found,) = findings(PLUGIN, self.faulty())
        assert found.message == "imu0: gyroscope: 3 samples without a number, the first at sample 5"
        assert (found.severity, found.count) == ("error", 3)

    def test_values_that_stand_still_are_an_error(self):
        columns = {name: column.copy() for name, column in imu().columns.items() if name in IMU_COLUMNS}
        for name in IMU_COLUMNS[3:]:
            columns[name][700:750] = columns[name][700]
        (found,) = findings(PLUGIN, imu(**columns))
        assert found.message == "imu0: accelerometer: samples 700 to 749 hold the same values (limit 10 samples)"
        assert (found.index, found.count) == (700, 50)

    def test_a_dead_axis_is_told_and_a_sensor_that_is_dead_as_a_whole_is_stuck(self):
        (found,) = findings(PLUGIN, imu(gyro_y_rad_s=np.zeros(2000)))
        assert found.message == "imu0: gyroscope: gyro_y_rad_s is 0 rad/s throughout, while other axes move"
        assert (found.severity, found.count) == ("error", 2000)
        still = {name: np.zeros(2000) for name in IMU_COLUMNS[:3]}
        assert [f.message for f in findings(PLUGIN, imu(**still))] == [
            "imu0: gyroscope: samples 0 to 1999 hold the same values (limit 10 samples)"
        ]

    def test_a_clipped_axis_is_told_with_its_range(self):
        swing = 40 * np.sin(np.arange(2000) / 300) ** 9
        (found,) = findings(PLUGIN, imu(gyro_y_rad_s=np.clip(swing, -40, 30)), gyro_most_rad_s=50)
        assert "gyro_y_rad_s stays at its extreme 30 rad/s for" in found.message
        assert found.severity == "warning"
        assert findings(PLUGIN, imu(gyro_y_rad_s=swing), gyro_most_rad_s=50) == []

    @pytest.mark.parametrize(
        ("scale", "words"),
        [
            (1 / 9.81, "in g it would be gravity"),
            (1000 / 9.81, "in mg it would be gravity"),
            (0.0, "gravity was taken"),
        ],
    )
    def test_gravity_is_missed_with_a_guess(self, scale, words):
        values = {name: imu().columns[name] * scale + 1e-5 * np.arange(2000) for name in IMU_COLUMNS[3:]}
        (found,) = findings(PLUGIN, imu(**values))
        assert words in found.message

    def test_degrees_in_a_radian_field_are_suspected(self):
        turning = 60 * np.sin(np.arange(2000) / 90)
        (found,) = findings(PLUGIN, imu(gyro_z_rad_s=turning))
        assert found.message.endswith("in degrees?")

    def test_a_lone_accelerometer_is_not_blamed_for_lacking_a_gyroscope(self):
        gyro = {name: np.ma.masked_all(2000, float) for name in IMU_COLUMNS[:3]}
        assert findings(PLUGIN, imu(**gyro)) == []

    def test_only_imus_are_judged(self):
        assert not PLUGIN.applies(Stream(name="cam", modality="color", table="frames"))

    def test_a_real_imu_is_plausible(self, shared_data):
        place = next((shared_data / "rgbd" / "euroc_micro").rglob("imu0/data.csv"))
        rows = np.loadtxt(place, delimiter=",", comments="#")
        names = ("t_ns", *IMU_COLUMNS)
        columns = {name: rows[:, at].astype(np.int64 if at == 0 else float) for at, name in enumerate(names)}
        columns["index"] = np.arange(len(rows))
        assert len(rows) == 29_120
        assert findings(PLUGIN, imu(29_120, **columns)) == []

    def test_a_stream_called_like_its_sensor_is_named_once(self):
        values = imu().columns["accel_x_m_s2"].copy()
        values[5] = np.nan
        named = Stream(name="accelerometer", modality="imu", table="imu")
        (found,) = findings(PLUGIN, replace(imu(accel_x_m_s2=values), stream=named))
        assert found.message == "accelerometer: 1 sample without a number, the first at sample 5"


def swung(scale=1.0):
    """Two seconds at rest, then six of slow turning by at most 0.4 rad/s, with a zero of 0.02; scaled."""
    at = np.arange(1600)
    turning = (0.4 * np.sin((at - 400) / 100) * (at >= 400) + 0.02) * scale
    noise = np.random.default_rng(3).normal(0, 0.002, 1600)
    return imu(
        1600, gyro_z_rad_s=turning + noise * scale, accel_x_m_s2=2 * np.sin((at - 400) / 60) * (at >= 400) + noise
    )


class TestImuRest(StreamCheckContract):
    check = REST

    def clean(self):
        return swung()

    def faulty(self):
        return swung(180 / np.pi)

    def test_slow_turns_in_degrees_are_told_by_what_they_say_at_rest(self):
        (found,) = findings(REST, self.faulty())
        assert found.message.startswith("imu0: gyroscope: turns at 1.1")
        assert found.message.endswith(
            "while the accelerometer stands still (limit 0.3): as degrees it would be 0.02 rad/s"
        )
        assert (found.index, found.count) == (0, 400)

    def test_a_sensor_that_is_never_at_rest_is_not_judged(self):
        shaken = np.random.default_rng(1).normal(0, 3, 2000)
        assert findings(REST, imu(gyro_x_rad_s=np.full(2000, 2.0), accel_x_m_s2=shaken)) == []


class TestImuSpike(StreamCheckContract):
    check = SPIKE

    def clean(self):
        return swung()

    def faulty(self):
        values = imu().columns["accel_y_m_s2"].copy()
        values[[300, 900, 901, 1500]] += [40, 40, 40, -300]
        return imu(accel_y_m_s2=values)

    def test_single_samples_are_told_and_two_in_a_row_are_not(self):
        found = findings(SPIKE, self.faulty())
        assert [f.index for f in found] == [300, 1500]
        assert found[1].message.startswith("imu0: sample 1500: accelerometer: leaps by 300 m/s2")

    def test_an_axis_that_is_absent_throughout_keeps_the_others_judged(self):
        view = self.faulty()
        values = {**view.columns, "accel_x_m_s2": np.full(len(view.columns["accel_x_m_s2"]), np.nan)}
        assert [f.index for f in findings(SPIKE, imu(**values))] == [300, 1500]

    def test_a_knock_that_rings_is_no_spike(self):
        ringing = 60 * np.exp(-np.arange(40) / 8) * np.cos(np.arange(40) / 2)
        values = imu().columns["accel_y_m_s2"].copy()
        values[500:540] += ringing
        assert findings(SPIKE, imu(accel_y_m_s2=values)) == []


@pytest.mark.parametrize("check", [PLUGIN, REST, SPIKE])
def test_a_real_flying_sensor_is_clean(shared_data, check):
    place = next((shared_data / "rgbd" / "euroc_micro").rglob("imu0/data.csv"))
    rows = np.loadtxt(place, delimiter=",", skiprows=1, max_rows=10_000)
    columns = {name: rows[:, at + 1] for at, name in enumerate(IMU_COLUMNS)}
    assert findings(check, imu(len(rows), **columns)) == []
