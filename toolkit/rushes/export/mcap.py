"""One MCAP a recording, on the corrected clock: for the App's player, Foxglove and Rerun.

Every time is that of the reference clock: log time, publish time, and the stamp inside the message. What is in the
file and what is not is written in its metadata records. See ``docs/decisions/0018-one-mcap-a-recording.md``.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio

from rushes import __version__
from rushes.chunked_mcap import ChunkedFile
from rushes.contracts import RecordingExporter
from rushes.errors import ReadError
from rushes.export._mcap import annotations, happenings, numbers, pictures, places, scenes
from rushes.export._mcap.schemas import ANY_JSON, IMU, of_numbers, of_type, stamp, with_data
from rushes.export._mcap.sources import Message, Rows, Source, Topics
from rushes.model import Stream
from rushes.texts import field_names
from rushes.timelines import Calibrated, MessageLane, NumberLane, SoundLane, Timeline, Written

WINDOW_NS = 500_000_000
"""How far topics may run ahead of each other in the file."""


class McapExporter:
    """Writes a recording for players."""

    name = "mcap"
    version = "1"
    suffix = ".mcap"
    defaults: Mapping[str, str] = {}

    def write_recording(
        self, path: Path, timeline: Timeline, options: Mapping[str, str], progress: Callable[[int, int], None]
    ) -> Written:
        """Write a recording; see :class:`~rushes.contracts.RecordingExporter`."""
        del options
        span = timeline.span_ns
        assert span is not None, "a timeline with a sample"
        start, end = span
        with path.open("wb") as out, ExitStack() as opened:
            file = ChunkedFile(out, library=f"rushes {__version__}")
            topics = Topics(file)
            sources = list(_sources(timeline, topics, start))
            for source in sources:
                opened.callback(source.close)
            for name, facts in timeline.facts.items():
                file.add_metadata(name, facts)
            _write(sources, lambda done_ns: progress(min(done_ns, end) - start, max(end - start, 1)))
            omissions = (*timeline.omissions, *topics.omissions)
            for number, each in enumerate(omissions):
                facts = {"effect": each.effect, "count": str(each.count), "reason": each.reason}
                file.add_metadata(f"rushes.left_out.{number}", {**facts, "stream": each.stream or ""})
            file.finish()
        return Written(messages=file.counts, omissions=omissions)


def _write(sources: Sequence[Source | Rows], tell: Callable[[int], None]) -> None:
    """Write all messages, so that no topic is far ahead of others in the file."""
    while coming := [each.next_ns for each in sources if each.next_ns is not None]:
        until = min(coming) + WINDOW_NS
        for source in sources:
            if source.next_ns is not None and source.next_ns < until:
                source.write(until)
        tell(until)


def _sources(timeline: Timeline, topics: Topics, start_ns: int) -> Iterator[Source | Rows]:
    made: list[Source | Rows | None] = [s for lane in timeline.frames for s in pictures.sources(lane, topics)]
    made += [annotations.labels(lane, timeline.ontology, topics) for lane in timeline.frames]
    for lane in timeline.numbers:
        made.append(_numbers(lane, topics))
        if lane.stream.modality == "gaze":
            made += [annotations.regard(lane, topics), scenes.look(lane, topics)]
    made += [_sound(lane, topics) for lane in timeline.sounds]
    made += [places.transforms(lane, topics, start_ns) for lane in timeline.places]
    made.append(scenes.paths(timeline.places, topics, start_ns))
    cameras: defaultdict[str, list[Calibrated]] = defaultdict(list)
    for each in timeline.calibrations:
        cameras[each.stream.name].append(each)
    made += [places.calibrations(rows, topics, start_ns) for rows in cameras.values()]
    made += [_messages(lane, topics) for lane in timeline.messages]
    made += happenings.sources(timeline.happenings, topics, start_ns)
    yield from (each for each in made if each is not None)


def _numbers(lane: NumberLane, topics: Topics) -> Rows | None:
    if not len(lane.t_ns):
        return None
    order = np.argsort(lane.t_ns, kind="stable")
    if (np.diff(order) != 1).any():
        columns = {name: column[order] for name, column in lane.columns.items()}
        lane = NumberLane(stream=lane.stream, t_ns=lane.t_ns[order], columns=columns)
    if lane.stream.table == "imu" and int(lane.t_ns[-1]) < numbers.ROS_END_NS:
        topic = topics.declare(lane.stream.name, IMU, packed=True, stream=lane.stream, how="values as recorded")
        return Rows(topics.file, topic, lane.t_ns, lambda rows: numbers.imu(lane, rows))
    held = {name: column for name, column in lane.columns.items() if not np.isnan(column).all()}
    fields = field_names(list(held), taken=("timestamp",))
    topic = topics.declare(
        lane.stream.name,
        of_numbers(_message_name(lane.stream), fields),
        packed=True,
        stream=lane.stream,
        how="values as recorded; NaN where there is none",
        **{f"rushes.field.{field}": name for field, name in zip(fields, held, strict=True) if field != name},
        **_units(lane.stream, dict(zip(held, fields, strict=True))),
    )
    return Rows(
        topics.file, topic, lane.t_ns, lambda rows: numbers.flat(lane.t_ns[rows], [c[rows] for c in held.values()])
    )


def _message_name(stream: Stream) -> str:
    """Name a type after its stream, as two signals are of two types."""
    if stream.table == "gaze":
        return "Gaze"
    words = field_names([stream.name], taken=("timestamp",))[0].split("_")
    return "".join(word.capitalize() for word in words) or "Signal"


def _units(stream: Stream, fields: Mapping[str, str]) -> dict[str, str]:
    units = zip(stream.channel_names or (), stream.channel_units or (), strict=False)
    return {f"rushes.unit.{fields[name]}": unit for name, unit in units if unit and name in fields}


def _sound(lane: SoundLane, topics: Topics) -> Source | None:
    topic = topics.declare(lane.stream.name, of_type(RawAudio), packed=True, stream=lane.stream, how="16-bit PCM")
    if lane.stream.codec != "pcm_s16le":
        topics.changed(lane.stream.name, 0, f"{lane.stream.codec or 'its codec'} was made 16-bit PCM")

    def messages() -> Iterator[Message]:
        try:
            for t_ns, samples in lane.blocks():
                made = RawAudio(
                    timestamp=stamp(t_ns),
                    format="pcm-s16",
                    sample_rate=round(lane.rate_hz),
                    number_of_channels=samples.shape[1],
                )
                yield topic, t_ns, with_data(made, np.ascontiguousarray(samples, "<i2").tobytes())
        except ReadError as error:
            topics.lost(lane.stream.name, 0, f"the sound cannot be read further: {error.message}")

    return Source(topics.file, messages())


def _messages(lane: MessageLane, topics: Topics) -> Source:
    topic = topics.declare(lane.stream.name, ANY_JSON, packed=True, stream=lane.stream, how="decoded to JSON")
    absent = sum(value is None for value in lane.values)
    if absent:
        topics.lost(lane.stream.name, absent, "messages too large to be kept decoded, or of a type not understood")

    def messages() -> Iterator[Message]:
        for row in np.argsort(lane.t_ns, kind="stable").tolist():
            value = lane.values[row]
            if value is not None:
                whole = value if value.startswith("{") else json.dumps({"value": json.loads(value)})
                yield topic, int(lane.t_ns[row]), (whole.encode(),)

    return Source(topics.file, messages())


PLUGIN: RecordingExporter = McapExporter()
