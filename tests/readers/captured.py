"""Writes recordings as a recorder does, by hand: a camera, an IMU, and what was noted meanwhile."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from mcap.writer import CompressionType, Writer

from readers.mcap_recordings import CAM, IMU, START_NS, compressed, imu, jpeg
from rushes.resources import folder

PERIOD_NS = 100_000_000
DELAY_NS = 7_000_000
"""From the device's stamp to the arrival."""
OFFSET_NS = 5_000_000_000
"""What the device's clock is behind the recorder's."""
TOPICS = {
    "rushes.Marker": "/rushes/markers",
    "rushes.Take": "/rushes/takes",
    "rushes.Trouble": "/rushes/troubles",
}
WRITTEN = {**TOPICS, "rushes.ClockPair": "/rushes/clock_pairs"}
FACTS = {"rushes.sensor": "cam", "rushes.source": "camera", "rushes.time_meaning": "exposure_start"}
CLOCKED = {
    **FACTS,
    "rushes.device_clock": "cam-clock",
    "rushes.latency_ns": "7000000",
    "rushes.nominal_rate_hz": "10",
}


def schema(name: str) -> dict[str, Any]:
    """Give the JSON schema of one of ``TOPICS``."""
    file = f"{WRITTEN[name].removeprefix('/rushes/').removesuffix('s')}.schema.json"
    found: dict[str, Any] = json.loads((folder("schemas") / file).read_text())
    return found


def at(frame: float) -> int:
    """Give the log time of a frame."""
    return START_NS + round(frame * PERIOD_NS)


def take(number: int, first: float, end: float | None, verdict: str = "keep", **more: Any) -> dict[str, Any]:
    """Say of a take that it holds the frames ``first`` up to ``end``."""
    span = {"start_ns": at(first), "end_ns": None if end is None else at(end)}
    return {"number": number, **span, "verdict": verdict, "retake_of": None, "why": "", **more}


def write(
    path: Path,
    noted: Iterable[tuple[str, int, Any]] = (),
    *,
    frames: int = 20,
    facts: Mapping[str, str] = CLOCKED,
    session: Mapping[str, str] | None = None,
    picture: Callable[[int], bytes] = jpeg,
    lost: Collection[int] = (),
) -> Path:
    """Write a picture and an IMU sample every ``PERIOD_NS``.

    Args:
        path: The file.
        noted: Name of the schema, log time, and what is said, JSON or bytes.
        frames: How many.
        facts: Metadata of the camera's channel; without a device clock the stamps are the arrival.
        session: Facts of the session.
        picture: Gives that of each frame.
        lost: Frames of which neither the picture nor the IMU sample is there.
    """
    clocked = "rushes.device_clock" in facts
    with path.open("wb") as stream:
        writer = Writer(stream, chunk_size=4096, compression=CompressionType.LZ4)
        writer.start("ros2", "tests")
        if session is not None:
            writer.add_metadata("rushes.rig", {"name": "bench", "digest": "0" * 64, "version": "0"})
            writer.add_metadata("session", dict(session))
        channels = {}
        for topic, known in ((CAM, facts), (IMU, {})):
            number = writer.register_schema(topic.message_type, topic.schema_encoding, topic.schema)
            channels[topic.topic] = writer.register_channel(topic.topic, topic.encoding, number, dict(known))
        for name, topic in WRITTEN.items():
            number = writer.register_schema(name, "jsonschema", json.dumps(schema(name)).encode())
            channels[topic] = writer.register_channel(topic, "json", number)
        messages: list[tuple[int, str, bytes]] = []
        for frame in (each for each in range(frames) if each not in lost):
            stamp = at(frame) - DELAY_NS - OFFSET_NS if clocked else at(frame)
            messages.append((at(frame), CAM.topic, compressed(stamp, "jpeg", picture(frame))))
            values = (0, 0, 0, 1, 0, 0, 0, 0, 0, frame)
            messages.append((at(frame), IMU.topic, imu(at(frame), values, known=-1)))
        for name, log_ns, said in noted:
            messages.append(
                (log_ns, WRITTEN[name], said if isinstance(said, bytes) else json.dumps(said).encode())
            )
        numbers = {topic: count() for topic in channels}
        for log_ns, topic, data in sorted(messages, key=lambda message: message[0]):
            writer.add_message(channels[topic], log_ns, data, log_ns, next(numbers[topic]))
        writer.finish()
    return path
