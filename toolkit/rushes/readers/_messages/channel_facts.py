"""What the recorder of Rushes says of a stream beside its messages: ``rushes.*`` in the metadata of its channel.

A sensor that states no time has its arrival as stamp: nothing is to be learned of a clock then, and the clock of
its streams is the log. What cannot be read is left as if it were not stated: the messages do not depend on it.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rushes.model import Stream

SENSOR, DEVICE_CLOCK = "rushes.sensor", "rushes.device_clock"
TIME_MEANING, LATENCY, RATE = "rushes.time_meaning", "rushes.latency_ns", "rushes.nominal_rate_hz"
FRAME = "rushes.frame_of_reference"
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
        known |= {"clock_id": clock} if clock else {"clock": "log", "clock_id": None}
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


def _number(text: str | None) -> float | None:
    try:
        value = float(text) if text else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None
