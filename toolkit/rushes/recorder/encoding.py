"""Live samples → messages of the recording: which topic, which schema, which bytes.

Log time is the recorder's clock; the stamp in a message is the device's, or the log time where it has none.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from rushes import cdr, resources
from rushes.capturing import (
    Content,
    Form,
    Inertial,
    LiveStream,
    MessageForm,
    Messages,
    Numbers,
    Pictures,
    Places,
    Samples,
    Sound,
    Texts,
)
from rushes.chunked_mcap import ChunkedFile
from rushes.model import Times
from rushes.sensors import SensorOfRig

CLOCK_PAIRS, MARKERS, TAKES, TROUBLES = (
    "/rushes/clock_pairs",
    "/rushes/markers",
    "/rushes/takes",
    "/rushes/troubles",
)
_NOTES = {
    CLOCK_PAIRS: ("rushes.ClockPair", "clock_pair"),
    MARKERS: ("rushes.Marker", "marker"),
    TAKES: ("rushes.Take", "take"),
    TROUBLES: ("rushes.Trouble", "trouble"),
}
_TYPES: dict[Form, str] = {
    "pictures": "sensor_msgs/msg/CompressedImage",
    "inertial": "sensor_msgs/msg/Imu",
    "sound": "foxglove_msgs/msg/RawAudio",
    "places": "tf2_msgs/msg/TFMessage",
}
BIG_ENDIAN = "_be"
"""Behind a pixel format whose samples are big endian."""
_DENSE = ("Image", "Video", "Audio")
"""Message types whose payload does not shrink, by what is in their name."""
CONTENTS: dict[Form, type[Content]] = {
    "pictures": Pictures,
    "inertial": Inertial,
    "sound": Sound,
    "numbers": Numbers,
    "texts": Texts,
    "places": Places,
    "messages": Messages,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """What the recorder itself has to say, as a JSON message on a topic of its own."""

    topic: str
    body: Mapping[str, Any]
    log_ns: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstMessage:
    """A message that holds for the whole recording."""

    topic: str
    form: MessageForm
    data: bytes
    log_ns: int


class Topics:
    """The topics of a recording. Not safe from several threads at once.

    Args:
        file: They are declared in it and written to it.
    """

    def __init__(self, file: ChunkedFile) -> None:
        self._file = file
        self._numbers: dict[str, int] = {}

    def declare(self, sensor: SensorOfRig, stream: LiveStream) -> None:
        """Declare the topic of a stream, so that the recording knows of it even if nothing comes."""
        if stream.name not in self._numbers:
            encoding, schema, packed = _layout(stream)
            self._numbers[stream.name] = self._file.channel(
                stream.name, encoding=encoding, schema=schema, packed=packed, metadata=_facts(sensor, stream)
            )

    def write(self, stream: LiveStream, samples: Samples) -> None:
        """Write samples of a stream that is declared.

        Raises:
            OSError: If the disk does not take them.
        """
        channel = self._numbers[stream.name]
        log, seq, content = samples.arrival_ns, samples.seq, samples.content
        stamps = _stamps(samples)
        if isinstance(content, Inertial):
            gyro, accel, frame = content.gyro_rad_s, content.accel_m_s2, stream.frame_of_reference
            rows = cdr.imu_rows(stamps, frame, orientation=None, gyro=gyro, accel=accel)
            self._file.add_rows(channel, log, rows, sequence=seq)
        elif isinstance(content, Numbers):
            rows = cdr.signal_rows(stamps, stream.frame_of_reference, content.values)
            self._file.add_rows(channel, log, rows, sequence=seq)
        else:
            for i in range(len(samples)):
                parts = _parts(stream, samples, i, int(stamps[i]))
                self._file.add(channel, int(log[i]), parts, sequence=int(seq[i]))

    def note(self, note: Note) -> None:
        """Write something that the recorder says.

        Raises:
            OSError: If the disk does not take it.
        """
        if note.topic not in self._numbers:
            name, file = _NOTES[note.topic]
            schema = (name, "jsonschema", _schema_text(file))
            self._numbers[note.topic] = self._file.channel(note.topic, encoding="json", schema=schema, packed=True)
        self._file.add(self._numbers[note.topic], note.log_ns, [_json(note.body)])

    def first(self, message: FirstMessage) -> None:
        """Write a message that holds for the whole recording.

        Raises:
            OSError: If the disk does not take it.
        """
        if message.topic not in self._numbers:
            form = message.form
            schema = (form.schema_name, form.schema_encoding, form.schema)
            self._numbers[message.topic] = self._file.channel(
                message.topic, encoding=form.encoding, schema=schema, packed=True
            )
        self._file.add(self._numbers[message.topic], message.log_ns, [message.data])


def bytes_of(content: Content) -> int:
    """Give about how many bytes samples hold."""
    if isinstance(content, Pictures | Messages):
        return sum(map(len, content.data))
    if isinstance(content, Inertial):
        return content.gyro_rad_s.nbytes + content.accel_m_s2.nbytes
    if isinstance(content, Sound):
        return content.samples.nbytes
    if isinstance(content, Texts):
        return sum(map(len, content.values))
    return content.values.nbytes


def joined(many: Sequence[Samples]) -> Sequence[Samples]:
    """Join consecutive samples of one stream of numbers, so that they are written at once; leave others."""
    first = many[0]
    if len(many) == 1 or not isinstance(first.content, Inertial | Numbers):
        return many
    device = None if first.device_ns is None else np.concatenate([_given(each.device_ns) for each in many])
    content: Content
    if isinstance(first.content, Inertial):
        parts = [each.content for each in many if isinstance(each.content, Inertial)]
        content = Inertial(
            gyro_rad_s=np.concatenate([part.gyro_rad_s for part in parts]),
            accel_m_s2=np.concatenate([part.accel_m_s2 for part in parts]),
        )
    else:
        values = [each.content.values for each in many if isinstance(each.content, Numbers)]
        content = Numbers(values=np.concatenate(values))
    return [
        Samples(
            stream=first.stream,
            arrival_ns=np.concatenate([each.arrival_ns for each in many]),
            device_ns=device,
            seq=np.concatenate([each.seq for each in many]),
            content=content,
        )
    ]


def slip_in(stream: LiveStream, samples: Samples) -> str | None:
    """Say what keeps samples from being written; None when they fit their stream."""
    n, content = len(samples), samples.content
    if not isinstance(content, CONTENTS[stream.form]):
        return f"{type(content).__name__.lower()} came where {stream.form} were announced"
    if not n or len(samples.seq) != n or _count(content) != n:
        return f"{n} arrivals came with {len(samples.seq)} numbers and {_count(content)} samples"
    device = samples.device_ns
    if (device is None) != (stream.device_clock is None) or (device is not None and len(device) != n):
        return (
            f"its clock is {stream.device_clock or 'none'}, and {0 if device is None else len(device)} stamps came"
        )
    if isinstance(content, Numbers) and content.values.shape != (n, len(stream.channel_names)):
        return f"{content.values.shape[1:]} values a sample came for {len(stream.channel_names)} channels"
    if isinstance(content, Inertial) and {content.gyro_rad_s.shape, content.accel_m_s2.shape} != {(n, 3)}:
        return "turning and acceleration are not of three values each"
    return None


def _count(content: Content) -> int:
    if isinstance(content, Sound):
        return 1
    if isinstance(content, Pictures | Messages):
        return len(content.data)
    return len(content.gyro_rad_s if isinstance(content, Inertial) else content.values)


def _given(times: Times | None) -> Times:
    assert times is not None, "a stream has a device clock or has none"
    return times


def _stamps(samples: Samples) -> Times:
    """Give the device's times where they can be written, else those of arrival."""
    device = samples.device_ns
    if device is None:
        return samples.arrival_ns
    fits = (device >= -cdr.STAMP_END_NS) & (device < cdr.STAMP_END_NS)
    return device if fits.all() else np.where(fits, device, samples.arrival_ns)


def _parts(stream: LiveStream, samples: Samples, at: int, stamp_ns: int) -> Sequence[bytes]:
    """Give the payload of one message, in parts."""
    content, frame = samples.content, stream.frame_of_reference
    if isinstance(content, Pictures):
        data = content.data[at]
        if stream.pixel_format is not None:
            return _raw_head(stream, content, stamp_ns, len(data)), data
        head = cdr.compressed_image_head(stamp_ns, frame, encoding=stream.codec or "", length=len(data))
        return head, data
    if isinstance(content, Sound):
        rate = stream.sample_rate_hz or 0
        return (cdr.raw_audio(stamp_ns, samples=content.samples, sample_rate_hz=rate),)
    if isinstance(content, Places):
        x, y, z, *turn = content.values[at].tolist()
        return (cdr.transforms([(stamp_ns, content.parents[at], content.children[at], (x, y, z), turn)]),)
    if isinstance(content, Texts):
        device = None if samples.device_ns is None else int(samples.device_ns[at])
        source = stream.name.split("/")[1] if stream.name.startswith("/") else stream.name
        return (_json({"text": content.values[at], "key": None, "source": source, "device_ns": device}),)
    assert isinstance(content, Messages), content
    return (content.data[at],)


def _raw_head(stream: LiveStream, content: Pictures, stamp_ns: int, length: int) -> bytes:
    """Give what stands before raw pixels in their message."""
    assert stream.pixel_format is not None
    return cdr.image_head(
        stamp_ns,
        stream.frame_of_reference,
        encoding=stream.pixel_format.removesuffix(BIG_ENDIAN),
        width_px=content.width_px,
        height_px=content.height_px,
        big_endian=stream.pixel_format.endswith(BIG_ENDIAN),
        length=length,
    )


def _layout(stream: LiveStream) -> tuple[str, tuple[str, str, bytes], bool]:
    """Give encoding, schema, and whether chunks are worth compressing."""
    if stream.form == "messages":
        assert stream.message_form is not None, stream.name
        form = stream.message_form
        packed = not any(word in form.schema_name for word in _DENSE)
        return form.encoding, (form.schema_name, form.schema_encoding, form.schema), packed
    if stream.form == "texts":
        return "json", ("rushes.Marker", "jsonschema", _schema_text("marker")), True
    if stream.form == "numbers":
        kind = cdr.signals_type(stream.name)
        return "cdr", (kind, "ros2msg", cdr.signals_definition(stream.channel_names)), True
    kind = _TYPES[stream.form] if stream.pixel_format is None else "sensor_msgs/msg/Image"
    return "cdr", (kind, "ros2msg", cdr.definition(kind)), stream.form in ("inertial", "places")


def _facts(sensor: SensorOfRig, stream: LiveStream) -> dict[str, str]:
    facts = {
        "rushes.sensor": sensor.name,
        "rushes.source": sensor.source,
        "rushes.device_clock": stream.device_clock,
        "rushes.time_meaning": stream.time_meaning,
        "rushes.latency_ns": None if stream.latency_ns is None else str(stream.latency_ns),
        "rushes.nominal_rate_hz": None if stream.nominal_rate_hz is None else f"{stream.nominal_rate_hz:g}",
        "rushes.depth_unit_m": None if stream.depth_unit_m is None else repr(stream.depth_unit_m),
        "rushes.frame_of_reference": stream.frame_of_reference or None,
    }
    if stream.form == "pictures":
        facts["rushes.modality"] = stream.modality
        facts["rushes.rotation_deg"] = f"{stream.rotation_deg}" if stream.rotation_deg else None
    if stream.form == "numbers":
        facts["rushes.channel_names"] = json.dumps(stream.channel_names, ensure_ascii=False)
        facts["rushes.channel_units"] = json.dumps(stream.channel_units, ensure_ascii=False)
    return {name: value for name, value in facts.items() if value is not None}


@cache
def _schema_text(name: str) -> bytes:
    return (resources.folder("schemas") / f"{name}.schema.json").read_bytes()


def _json(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
