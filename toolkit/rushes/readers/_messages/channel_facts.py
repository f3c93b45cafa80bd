"""What the recorder of Rushes says of a stream beside its messages: ``rushes.*`` in the metadata of its channel.

A sensor that states no time has its arrival as stamp: nothing is to be learned of a clock then, and the clock of
its streams is the log. What cannot be read is left as if it were not stated: the messages do not depend on it.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rushes.model import Modality, Stream

SENSOR, DEVICE_CLOCK = "rushes.sensor", "rushes.device_clock"
TIME_MEANING, LATENCY, RATE = "rushes.time_meaning", "rushes.latency_ns", "rushes.nominal_rate_hz"
FRAME, MODALITY, DEPTH_UNIT = "rushes.frame_of_reference", "rushes.modality", "rushes.depth_unit_m"
ROTATION, TURNS = "rushes.rotation_deg", (90, 180, 270)
PICTURES: tuple[Modality, ...] = ("color", "depth", "infrared")
MEANINGS = ("exposure_start", "exposure_mid", "exposure_end", "arrival", "unknown", "order")
_LONGEST = 2**63 - 1


def with_facts(stream: Stream, metadata: Mapping[str, str]) -> Stream:
    """Give the stream with what the metadata of its channel state; itself where it is none of a sensor's."""
    sensor = metadata.get(SENSOR)
    if not sensor:
        return stream
    known: dict[str, Any] = {"sensor": sensor}
    clock, meaning = metadata.get(DEVICE_CLOCK), metadata.get(TIME_MEANING)
    if stream.clock == "header":
        # An empty name: stamps of a device, of which nobody said whose clock they are of.
        known |= {"clock": "log", "clock_id": None} if clock is None else {"clock_id": clock or None}
    if stream.table == "frames":
        known |= _of_pictures(stream, metadata)
    if meaning in MEANINGS:
        known["time_meaning"] = meaning
    rate, latency = _number(metadata.get(RATE)), _number(metadata.get(LATENCY))
    if rate is not None and rate > 0:
        known["nominal_rate_hz"] = rate
    if latency is not None and abs(latency) < _LONGEST:
        known["latency_ns"] = round(latency)
    if (
        stream.frame_of_reference is None
        and metadata.get(FRAME)
        and stream.table not in ("transforms", "messages")
    ):
        known["frame_of_reference"] = metadata[FRAME]
    return replace(stream, **known)


def _of_pictures(stream: Stream, metadata: Mapping[str, str]) -> dict[str, Any]:
    """Give what is stated of pictures; the unit that goes with another modality does not hold."""
    known: dict[str, Any] = {}
    modality, unit = metadata.get(MODALITY), _number(metadata.get(DEPTH_UNIT))
    rotation = _number(metadata.get(ROTATION))
    if modality in PICTURES and modality != stream.modality:
        known |= {"modality": modality, "depth_unit_m": None}
    if unit is not None and unit > 0:
        known["depth_unit_m"] = unit
    if rotation is not None and rotation in TURNS:
        known["rotation_deg"] = round(rotation)
    return known


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
