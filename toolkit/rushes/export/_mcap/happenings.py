"""Segments, findings and events → a topic of ``foxglove.Event``, and one of ``foxglove.Log`` for lists."""

from collections.abc import Callable, Iterator, Sequence

from foxglove_schemas_protobuf.Event_pb2 import Event
from foxglove_schemas_protobuf.Log_pb2 import Log

from rushes.export._mcap.schemas import of_type, stamp
from rushes.export._mcap.sources import Message, Source, Topics
from rushes.timelines import Happening

EVENTS, LOG = "/rushes/events", "/rushes/log"
_LEVELS = {"info": Log.INFO, "warning": Log.WARNING, "error": Log.ERROR}


def sources(happenings: Sequence[Happening], topics: Topics, start_ns: int) -> list[Source]:
    """Give what writes both topics, not before the start; nothing where nothing happened."""
    if not happenings:
        return []
    ordered = sorted(happenings, key=lambda each: (each.start_ns, each.end_ns, each.name))
    made = []
    for topic, kind, make in ((EVENTS, Event, _event), (LOG, Log, _log)):
        number = topics.declare(topic, of_type(kind), packed=True, how="segments, findings and events")

        def messages(number: int = number, make: Callable[[Happening], bytes] = make) -> Iterator[Message]:
            for each in ordered:
                yield number, max(each.start_ns, start_ns), (make(each),)

        made.append(Source(topics.file, messages()))
    return made


def _event(each: Happening) -> bytes:
    made = Event(start_time=stamp(each.start_ns), end_time=stamp(max(each.end_ns - 1, each.start_ns)))
    facts = {"kind": each.kind, "name": each.name, "stream": each.stream or "", "text": each.text}
    for key, value in ({**facts, "severity": each.severity} | dict(each.more)).items():
        if value:
            made.metadata.add(key=key, value=value)
    whole: bytes = made.SerializeToString()
    return whole


def _log(each: Happening) -> bytes:
    lasts = each.end_ns - each.start_ns
    words = [each.name, each.text, f"({lasts / 1e9:.3f} s)" if lasts else ""]
    made = Log(
        timestamp=stamp(each.start_ns),
        level=_LEVELS[each.severity],
        message=" ".join(word for word in words if word),
        name=each.stream or each.kind,
    )
    whole: bytes = made.SerializeToString()
    return whole
