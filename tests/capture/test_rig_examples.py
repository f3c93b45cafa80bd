"""The rigs that come with the package ask only for what their sources know, and sources say what they know."""

import re
from contextlib import suppress
from importlib import import_module

import pytest

from rushes import registry, rigs
from rushes.capture._camera_wishes import camera_wishes
from rushes.capture._serial_wishes import serial_wishes
from rushes.capture._wishes import Wishes
from rushes.errors import CaptureError
from rushes.sensors import SensorOfRig


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


@pytest.mark.parametrize(
    ("source", "form"), [("camera", {}), ("serial", {"columns": "a,b"}), ("microphone", {"channels": 1})]
)
def test_every_key_that_a_source_takes_is_explained_where_the_source_is(source, form, monkeypatch):
    asked: set[str] = set()

    def finish(self: Wishes) -> None:
        asked.update(self._known)

    monkeypatch.setattr(Wishes, "finish", finish)
    sensor = SensorOfRig(name="s", source=source, device="nowhere", format=form)
    with suppress(CaptureError):
        registry.load("capture", source).open(sensor)

    explained = set(re.findall(r"[a-z_]+", import_module(f"rushes.capture.{source}").__doc__))
    assert asked
    assert asked <= explained
