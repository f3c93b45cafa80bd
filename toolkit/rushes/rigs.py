"""Rig files: YAML → a checked, frozen Rig; unknown keys are refused with a suggestion."""

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rushes import documents, resources
from rushes.errors import RecipeError, UsageError
from rushes.quantities import duration_ns
from rushes.sensors import QUEUE_NS, Rig, SensorOfRig, SessionField


def named() -> dict[str, Path]:
    """Give the rigs that come with the package, by name."""
    return documents.named(resources.folder("pipelines") / "rigs")


def load(rig: str | Path) -> Rig:
    """Read and check a rig file; paths in it are relative to it.

    Args:
        rig: Path of a YAML file, or the name of one that comes with the package.

    Raises:
        RecipeError: ``rig.absent``, ``rig.yaml`` or ``rig.invalid``, with place and close match.
    """
    path = documents.find(str(rig), named())
    if path is None:
        raise RecipeError(
            f"there is no rig '{rig}'", code="rig.absent", hint=documents.hint_for(str(rig), named())
        )
    try:
        text = path.read_text(encoding="utf-8")
        body = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        said, hint = documents.unreadable(error)
        raise RecipeError(f"{path.name} is not YAML: {said}", code="rig.yaml", hint=hint) from error
    slip = documents.first_slip(body, "rig")
    if slip is not None:
        hint = f"did you mean '{slip.near}'?" if slip.near else "schemas/rig.schema.json says what a rig may hold"
        raise _invalid(path, slip.place, slip.message, hint)
    sensors = [_sensor(path, place, spec) for place, spec in enumerate(body["sensors"])]
    for place, sensor in enumerate(sensors):
        if any(other.name == sensor.name for other in sensors[:place]):
            raise _invalid(path, f"sensors.{place}.name", f"two sensors are called '{sensor.name}'", "rename one")
    return Rig(
        name=body["name"],
        about=body.get("about", ""),
        sensors=sensors,
        session=[_field(path, name, spec or {}) for name, spec in (body.get("session") or {}).items()],
        where=path.name,
        text=text,
        digest=hashlib.sha256(json.dumps(body, sort_keys=True, default=str).encode()).hexdigest()[:16],
    )


FLAGS = ("subject", "session", "place", "task")
"""Facts that commands take by their own name; any other by ``--fact``."""


def facts_of(rig: Rig, given: Mapping[str, str]) -> dict[str, str]:
    """Settle the facts of a session: those given, and defaults; facts that the rig does not name are kept.

    Raises:
        UsageError: ``rig.session``, naming every fact that lacks or does not fit.
    """
    facts = dict(given)
    wrong: list[str] = []
    for each in rig.session:
        value = facts.get(each.name, each.default)
        if value is None:
            if each.required:
                wrong.append(f"{each.name} is missing" + (f" ({each.about})" if each.about else ""))
            continue
        if each.choices and value not in each.choices:
            wrong.append(f"{each.name} '{value}' is none of {', '.join(each.choices)}")
        elif each.pattern is not None and not re.fullmatch(each.pattern, value):
            wrong.append(f"{each.name} '{value}' does not match {each.pattern}")
        facts[each.name] = value
    if wrong:
        missing = [f.name for f in rig.session if f.required and f.name not in facts]
        said = " ".join(f"--{name} …" if name in FLAGS else f"--fact {name}=…" for name in missing)
        raise UsageError(
            f"the rig '{rig.name}' asks for more about the session: {'; '.join(wrong)}",
            code="rig.session",
            hint=f"say {said}" if missing else "see session: in the rig file",
        )
    return facts


def _sensor(path: Path, place: int, spec: Mapping[str, Any]) -> SensorOfRig:
    calibration = path.parent / spec["calibration"] if spec.get("calibration") else None
    if calibration is not None and not calibration.is_file():
        raise _invalid(
            path, f"sensors.{place}.calibration", f"there is no file {spec['calibration']}", "check the path"
        )
    latency, queue = spec.get("latency"), spec.get("queue")
    return SensorOfRig(
        name=spec["name"],
        source=spec["source"],
        device=str(spec.get("device", "")),
        rate_hz=spec.get("rate_hz"),
        format=spec.get("format", {}),
        latency_ns=None if latency is None else duration_ns(latency),
        calibration=calibration,
        frame_of_reference=spec.get("frame_of_reference", spec["name"]),
        when_full=spec.get("when_full", "drop"),
        queue_ns=QUEUE_NS if queue is None else duration_ns(queue),
        options=spec.get("options", {}),
    )


def _field(path: Path, name: str, spec: Mapping[str, Any]) -> SessionField:
    try:
        re.compile(spec.get("pattern") or "")
    except re.error as error:
        raise _invalid(path, f"session.{name}.pattern", f"no regular expression: {error}", "mend it") from error
    return SessionField(
        name=name,
        about=spec.get("about", ""),
        required=spec.get("required", False),
        pattern=spec.get("pattern"),
        choices=tuple(spec.get("choices", ())),
        default=spec.get("default"),
    )


def _invalid(path: Path, place: str, message: str, hint: str) -> RecipeError:
    return RecipeError(f"{path.name}: {place}: {message}", code="rig.invalid", hint=hint)
