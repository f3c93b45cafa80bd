"""Manifests: what the media files and sensor tables of one recording are, in YAML.

``recording.yaml`` in a folder, or ``NAME.yaml`` beside ``NAME.mp4``; the form is ``schemas/manifest.schema.json``.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from rushes.errors import ReadError
from rushes.model import Modality, SampleTable, Stream
from rushes.readers._files.exact_time import Unit
from rushes.readers._files.parts import Part
from rushes.readers._video.sidecar import SidecarTable
from rushes.registry import close_to
from rushes.resources import folder, load_yaml

MEDIA_CLOCK = "media"
"""Names the clock that a media file and the sensors whose ``offset_ns`` is stated share."""

_FACTS = ("subject", "session", "place", "task", "take")
_MARK = "rushes_manifest"
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "imu": (),
    "poses": ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz"),
    "messages": (),
}
_MODALITY: Mapping[str, Modality] = {"imu": "imu", "poses": "pose", "messages": "message"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Medium:
    """A media file of the recording, below the manifest's folder."""

    path: str
    stream: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensor:
    """A table of samples: where it is, which of its columns are meant, and how its time is written."""

    path: str
    stream: Stream
    columns: Mapping[str, str]
    time_column: str
    unit: Unit
    offset_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest that has been checked."""

    media: tuple[Medium, ...] = ()
    sensors: tuple[Sensor, ...] = ()
    metadata: Mapping[str, Any] = field(default_factory=dict)


def beside(path: Path) -> Path | None:
    """Give the manifest beside a media file, ``NAME.yaml``; a YAML file of another kind is none."""
    place = path.with_suffix(".yaml")
    if not place.is_file() or _MARK not in place.read_text("utf-8", "replace"):
        return None
    return place


def load(path: Path) -> Manifest:
    """Read a manifest and check it.

    Raises:
        ReadError: ``read.manifest``, if it is not YAML, or not of the form that the schema gives.
    """
    try:
        said = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _wrong(path, f"is not readable YAML: {error}", "") from error
    with (folder("schemas") / "manifest.schema.json").open(encoding="utf-8") as file:
        schema = json.load(file)
    errors = sorted(
        jsonschema.Draft202012Validator(schema).iter_errors(said), key=lambda e: list(map(str, e.path))
    )
    if errors:
        raise _from_schema(path, errors[0])
    sensors = tuple(_sensor(path, entry) for entry in said.get("sensors", ()))
    media = tuple(Medium(path=entry["path"], stream=entry["stream"]) for entry in said.get("media", ()))
    names = [*(medium.stream for medium in media), *(sensor.stream.name for sensor in sensors)]
    doubled = next((name for name in names if names.count(name) > 1), None)
    if doubled is not None:
        raise _wrong(path, f"names two streams '{doubled}'", "give each its own name")
    metadata = {key: value for key, value in said.items() if key not in (_MARK, "media", "sensors")}
    metadata["facts"] = {key: said[key] for key in _FACTS if key in said}
    return Manifest(media=media, sensors=sensors, metadata=metadata)


def clock_of_media(manifest: Manifest) -> str | None:
    """Name the clock of the media where sensors are said to be on it; two files count from zero each by itself."""
    stated = any(sensor.stream.clock_id == MEDIA_CLOCK for sensor in manifest.sensors)
    return MEDIA_CLOCK if stated and len(manifest.media) < 2 else None


def sensor_parts(root: Path, manifest: Manifest) -> list[Part]:
    """Give a part for each sensor table."""
    return [
        SidecarTable(
            inside(root, sensor.path),
            sensor.stream,
            media_id=sensor.path,
            columns=sensor.columns,
            time_column=sensor.time_column,
            unit=sensor.unit,
            offset_ns=sensor.offset_ns,
        )
        for sensor in manifest.sensors
    ]


def inside(root: Path, name: str) -> Path:
    """Give the path of a file that a manifest names.

    Raises:
        ReadError: ``read.absent-file`` if it is not there or not below the manifest's folder.
    """
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()) or not path.is_file():
        raise ReadError(
            f"{path}: the manifest names it and it is not there",
            code="read.absent-file",
            hint="bring the file back, or take it out of the manifest; paths are below the manifest's folder",
            facts={"file": str(path)},
        )
    return path


def _sensor(path: Path, entry: Mapping[str, Any]) -> Sensor:
    table: SampleTable = entry["table"]
    columns: Mapping[str, str] = entry.get("columns", {})
    offered = _columns_of(table)
    if table != "messages":
        for name in columns:
            if name not in offered:
                near = close_to(name, offered)
                hint = f"did you mean '{near}'?" if near else f"the table has {', '.join(offered)}"
                raise _wrong(path, f"sensor '{entry['stream']}': {table} has no column '{name}'", hint)
        missing = [name for name in _NEEDED[table] if name not in columns]
        if missing or not columns:
            wanted = ", ".join(missing) or "at least one column"
            raise _wrong(path, f"sensor '{entry['stream']}': {table} needs {wanted}", "name them under columns")
    time = entry["time"]
    stream = Stream(
        name=entry["stream"],
        modality=_MODALITY[table],
        table=table,
        clock="header",
        time_meaning=time.get("meaning", "unknown"),
        nominal_rate_hz=entry.get("rate_hz"),
        clock_id=MEDIA_CLOCK if "offset_ns" in time else None,
        frame_of_reference=entry.get("frame_of_reference"),
        notes=f"times shifted by {time['offset_ns']} ns, as the manifest says" if time.get("offset_ns") else None,
    )
    return Sensor(
        path=entry["path"],
        stream=stream,
        columns=columns,
        time_column=time["column"],
        unit=time["unit"],
        offset_ns=time.get("offset_ns", 0),
    )


def _columns_of(table: str) -> list[str]:
    """List the columns of a table that a manifest can fill: its floats."""
    return [c["name"] for c in load_yaml(f"tables/v1/{table}.yaml")["columns"] if c["type"] == "float64"]


def _from_schema(path: Path, error: jsonschema.ValidationError) -> ReadError:
    where = "/".join(map(str, error.absolute_path)) or "the manifest"
    schema: Any = error.schema
    if error.validator == "additionalProperties" and isinstance(error.instance, dict):
        offered: Sequence[str] = list(schema.get("properties", {}))
        stranger = next((key for key in error.instance if key not in offered), "")
        near = close_to(str(stranger), offered)
        hint = f"did you mean '{near}'?" if near else f"it may have {', '.join(offered)}"
        return _wrong(path, f"{where}: the key '{stranger}' is not known", hint)
    return _wrong(path, f"{where}: {error.message}", "schemas/manifest.schema.json is the form")


def _wrong(path: Path, what: str, hint: str) -> ReadError:
    return ReadError(f"{path}: {what}", code="read.manifest", hint=hint, facts={"file": str(path)})
