"""The IMU check knows gravity, stuck values, clipping and wrong units."""

from dataclasses import replace

import numpy as np
import pytest

from contracts.checks import IMU_COLUMNS, StreamCheckContract, findings, imu
from rushes.checks.imu_plausible import PLUGIN
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
