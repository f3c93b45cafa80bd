"""The rigs that come with the package ask only for what their sources know."""

from contextlib import suppress

import pytest

from rushes import registry, rigs
from rushes.capture._camera_wishes import camera_wishes
from rushes.capture._serial_wishes import serial_wishes
from rushes.errors import CaptureError


@pytest.mark.parametrize("name", sorted(rigs.named()))
def test_every_rig_is_read_and_names_sources_that_there_are(name):
    rig = rigs.load(name)

    assert rig.name == name
    assert {sensor.source for sensor in rig.sensors} <= set(registry.names("capture"))


@pytest.mark.parametrize("name", ["two-cameras-and-imu", "webcam-and-microphone"])
def test_what_a_rig_asks_is_known_to_its_sources(name):
    for sensor in rigs.load(name).sensors:
        match sensor.source:
            case "camera":
                assert camera_wishes(sensor).device == sensor.device
            case "serial":
                assert serial_wishes(sensor).form.columns
            case source:
                with suppress(
                    CaptureError
                ):  # a machine without sound; a rig that cannot be meant is another error
                    registry.load("capture", source).open(sensor).close()
