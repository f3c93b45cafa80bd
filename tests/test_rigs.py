"""A rig file says which sensors record together; what it cannot mean is refused where it stands."""

import pytest

from rushes import rigs
from rushes.errors import RecipeError, UsageError
from rushes.sensors import Rig, SessionField

WHOLE = """
rig: 1
name: bench
about: Two sensors on a desk.
session:
  subject: {required: true, pattern: 's\\d+', about: pseudonym such as s07}
  light: {choices: [day, lamp], default: day}
sensors:
  - {name: cam, source: camera, device: 0, rate_hz: 30, latency: 33ms, queue: 500ms, when_full: block}
  - {name: imu, source: serial, device: /dev/ttyACM0}
"""


def written(tmp_path, text):
    path = tmp_path / "bench.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_rig_is_read_with_its_units_and_defaults(tmp_path):
    rig = rigs.load(written(tmp_path, WHOLE))
    cam, imu = rig.sensors
    assert (cam.device, cam.latency_ns, cam.queue_ns, cam.when_full) == ("0", 33_000_000, 500_000_000, "block")
    assert (imu.when_full, imu.frame_of_reference, imu.latency_ns) == ("drop", "imu", None)
    assert rig.text == WHOLE


@pytest.mark.parametrize(
    ("before", "after", "place"),
    [
        ("rate_hz: 30", "rate: 30", "sensors.0"),
        ("latency: 33ms", "latency: 33", "sensors.0.latency"),
        ("name: imu", "name: cam", "sensors.1.name"),
        ("pattern: 's\\d+'", "pattern: 's('", "session.subject.pattern"),
        ("queue: 500ms", "calibration: nowhere.yaml", "sensors.0.calibration"),
    ],
)
def test_what_a_rig_cannot_mean_is_refused_with_its_place(tmp_path, before, after, place):
    with pytest.raises(RecipeError) as told:
        rigs.load(written(tmp_path, WHOLE.replace(before, after)))
    assert told.value.code == "rig.invalid"
    assert f": {place}: " in told.value.message
    assert told.value.hint


def test_a_rig_that_is_not_there_or_no_yaml_is_told(tmp_path):
    with pytest.raises(RecipeError) as told:
        rigs.load("nowhere")
    assert told.value.code == "rig.absent"
    with pytest.raises(RecipeError) as told:
        rigs.load(written(tmp_path, "rig: [1"))
    assert told.value.code == "rig.yaml"


def test_a_session_states_what_the_rig_asks_for(tmp_path):
    rig = rigs.load(written(tmp_path, WHOLE))
    assert rigs.facts_of(rig, {"subject": "s07", "task": "pour"}) == {
        "subject": "s07",
        "task": "pour",
        "light": "day",
    }
    with pytest.raises(UsageError) as told:
        rigs.facts_of(rig, {"light": "candle"})
    assert "subject is missing (pseudonym such as s07)" in told.value.message
    assert "light 'candle' is none of day, lamp" in told.value.message
    with pytest.raises(UsageError):
        rigs.facts_of(rig, {"subject": "Anna"})


def test_what_a_session_lacks_is_asked_for_as_it_is_typed():
    rig = Rig(
        name="bench",
        about="",
        sensors=(),
        session=[SessionField(name=name, required=True) for name in ("subject", "task", "light")],
    )
    with pytest.raises(UsageError) as told:
        rigs.facts_of(rig, {"task": "pour"})
    assert told.value.hint == "say --subject … --fact light=…"
