"""What a rig is made of: its sensors, and the facts that every session states."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

WhenFull = Literal["drop", "block"]
QUEUE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorOfRig:
    """One sensor of a rig.

    Args:
        name: Unique in the rig; its topics begin with ``/NAME``.
        source: Plugin that opens it.
        device: Which one: a path, URL, query or number, as the plugin says; empty where it needs none.
        rate_hz: Nominal rate; None for the device's own.
        format: What is asked of the device: ``width_px``, ``height_px``, ``codec`` … as the plugin says.
        latency_ns: From the instant to its arrival here, if calibrated.
        calibration: File that goes into the recording as an attachment.
        frame_of_reference: Of its samples; its name, where the rig says nothing.
        when_full: What happens when samples come faster than they can be written: ``drop`` drops the newest and
            counts them, ``block`` makes the source wait, for those that can (replay, a serial line).
        queue_ns: How much of its stream may wait to be written.
        options: The plugin's own.
    """

    name: str
    source: str
    device: str = ""
    rate_hz: float | None = None
    format: Mapping[str, Any] = field(default_factory=dict)
    latency_ns: int | None = None
    calibration: Path | None = None
    frame_of_reference: str = ""
    when_full: WhenFull = "drop"
    queue_ns: int = QUEUE_NS
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionField:
    """A fact that belongs to every recording, asked for before it starts.

    Args:
        name: ``subject``, ``task``, ``place``, ``consent``, or any other.
        pattern: Regular expression that the whole value must match.
        choices: The values there are; any, when empty.
        default: Taken where nothing is given.
    """

    name: str
    about: str = ""
    required: bool = False
    pattern: str | None = None
    choices: Sequence[str] = ()
    default: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rig:
    """What records together.

    Args:
        where: Name of the file that it was read from.
        text: The file as it is; it goes into the recording.
        digest: Of its content.
    """

    name: str
    about: str
    sensors: Sequence[SensorOfRig]
    session: Sequence[SessionField] = ()
    where: str = ""
    text: str = ""
    digest: str = ""
