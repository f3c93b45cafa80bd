"""What a recorder notes while it records → rows of ``events``: markers, takes, and what went wrong.

Messages are JSON of the forms of ``schemas/marker.schema.json``, ``take.schema.json`` and ``trouble.schema.json``.
Of the messages on one take the newest stands; its row is made once all of them were read, and the others
count as merged. Troubles that cost samples are losses of the recording too.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast, get_args

import numpy as np

from rushes.capturing import Mishap
from rushes.live import Verdict
from rushes.model import Batch, Clock, Column, Loss, Modality, Stream
from rushes.quantities import say_count
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import time_columns
from rushes.readers._messages.tally import PerMessage, masked
from rushes.texts import as_json

MARKER, TAKE, TROUBLE = "rushes.Marker", "rushes.Take", "rushes.Trouble"
ANEW = "said anew later"
_MOST = np.iinfo(np.int64).max
_Said = Mapping[str, Any]


def markers(channel: Channel, first: MessageBlock | None, name: str) -> "Markers":
    """Give the interpreter of a channel of markers; its times are the device's where all of the first have one."""
    clock: Clock = "log"
    if first is not None:
        said = [_marker(first.payload(i)) for i in range(len(first))]
        clock = "header" if said and all(s is None or s.get("device_ns") is not None for s in said) else "log"
    return Markers(_stream(channel, name, clock=clock))


def takes(channel: Channel, first: MessageBlock | None, name: str) -> "Takes":  # noqa: ARG001
    """Give the interpreter of a channel of takes."""
    return Takes(_stream(channel, name))


def troubles(channel: Channel, first: MessageBlock | None, name: str) -> "Troubles":  # noqa: ARG001
    """Give the interpreter of a channel of troubles."""
    return Troubles(_stream(channel, name))


def _stream(channel: Channel, name: str, *, clock: Clock = "log", modality: Modality = "event") -> Stream:
    return Stream(
        name=name,
        modality=modality,
        table="events",
        message_type=channel.message_type,
        encoding=channel.encoding,
        declared_count=channel.declared_count,
        clock=clock,
        time_meaning="unknown" if clock == "header" else "arrival",
    )


class Markers(PerMessage):
    """Texts that belong to an instant."""

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Read the next messages."""
        self._tally.came_in += len(block)
        every = [_marker(block.payload(i)) for i in range(len(block))]
        said = [one for one in every if one is not None]
        self._tally.refuse({_wrong("marker"): len(every) - len(said)})
        if not said:
            return
        rows = np.array([i for i, one in enumerate(every) if one is not None], np.int64)
        device = np.array([one.get("device_ns") or 0 for one in said], np.int64)
        absent = np.array([one.get("device_ns") is None for one in said], np.bool_)
        columns = time_columns(block, rows, None, "log")
        columns["t_header_ns"] = masked(device, absent)
        if self.stream.clock == "header":
            columns["t_ns"] = np.where(absent, block.log_ns[rows], device)
        columns["kind"] = "marker"
        columns["label"] = [one["text"] for one in said]
        columns["value"] = [_rest(one, "key", "source") for one in said]
        yield self._tally.batch(len(said), columns)


class Takes(PerMessage):
    """Takes, a row each; a take without end lasts to that of the recording.

    Attributes:
        last_ns: Last log time of the recording, for the end of a take that states none; set before ``finish``.
    """

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self.last_ns: int | None = None
        self._newest: dict[int, tuple[_Said, int, int | None]] = {}

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Read the next messages; rows come with :meth:`finish`."""
        self._tally.came_in += len(block)
        for i in range(len(block)):
            said = _take(block.payload(i))
            if said is None:
                self._tally.refuse({_wrong("take"): 1})
                continue
            if said["number"] in self._newest:
                self._tally.merge(ANEW)
            seq = None if block.seq is None else int(block.seq[i])
            self._newest[said["number"]] = (said, int(block.log_ns[i]), seq)
        return iter(())

    def finish(self) -> Iterator[Batch]:
        """Give the takes in the order of their numbers."""
        found = [self._newest[number] for number in sorted(self._newest)]
        if not found:
            return
        said = [one for one, _, _ in found]
        columns: dict[str, Column] = {
            "t_ns": np.array([one["start_ns"] for one in said], np.int64),
            "t_end_ns": [self._end(one, log_ns) for one, log_ns, _ in found],
            "t_log_ns": np.array([log_ns for _, log_ns, _ in found], np.int64),
            "seq": [seq for _, _, seq in found],
            "kind": "take",
            "label": [str(one["number"]) for one in said],
            "value": [
                as_json(
                    {
                        "verdict": one["verdict"],
                        "retake_of": one.get("retake_of"),
                        "why": one.get("why") or "",
                        "open": one.get("end_ns") is None,
                    }
                )
                for one in said
            ],
        }
        yield self._tally.batch(len(found), columns)

    def _end(self, said: _Said, log_ns: int) -> int:
        """Give the end, not included: one past the last log time where none is stated."""
        end = said.get("end_ns")
        last = max(log_ns, said["start_ns"], log_ns if self.last_ns is None else self.last_ns)
        return int(end) if end is not None else min(last, _MOST - 1) + 1


class Troubles(PerMessage):
    """What went wrong; from when to when, where it lasted."""

    def __init__(self, stream: Stream) -> None:
        super().__init__(stream)
        self._losses: list[Loss] = []

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Read the next messages."""
        self._tally.came_in += len(block)
        every = [_trouble(block.payload(i)) for i in range(len(block))]
        said = [one for one in every if one is not None]
        self._tally.refuse({_wrong("trouble"): len(every) - len(said)})
        if not said:
            return
        self._losses += [_lost(one) for one in said if one["what"] == "lost" or _garbage(one)]
        columns = time_columns(block, np.flatnonzero([one is not None for one in every]), None, "log")
        lasted = [one.get("from_ns") is not None for one in said]
        columns["t_ns"] = np.array(
            [one["from_ns" if long else "at_ns"] for one, long in zip(said, lasted, strict=True)]
        )
        columns["t_end_ns"] = [one["at_ns"] if long else None for one, long in zip(said, lasted, strict=True)]
        columns["kind"] = "trouble"
        columns["label"] = [one["what"] for one in said]
        columns["value"] = [_rest(one, "message", "sensor", "stream", "count") for one in said]
        yield self._tally.batch(len(said), columns)

    def losses(self) -> Sequence[Loss]:
        """Name the samples that did not get into the recording, and the messages that could not be read."""
        wrong = sum(self._tally.rejected.values())
        if not wrong:
            return self._losses
        message = f"{say_count(wrong, 'message')} make no sample: {', '.join(self._tally.rejected)}"
        unread = Loss(code="read.undecodable", stream=self.stream.name, count=wrong, message=message)
        return [*self._losses, unread]


def _lost(said: _Said) -> Loss:
    sensor = said.get("sensor")
    where = f"sensor '{sensor}': " if sensor and not said.get("stream") else ""
    return Loss(
        code="capture.lost",
        message=where + said["message"],
        stream=said.get("stream"),
        count=said.get("count") or None,
        start_ns=said.get("from_ns"),
        end_ns=said["at_ns"],
    )


def _garbage(said: _Said) -> bool:
    return said["what"] == "garbage" and bool(said.get("count"))


def _wrong(form: str) -> str:
    return f"not JSON of the form of schemas/{form}.schema.json"


def _rest(said: _Said, *names: str) -> str:
    return as_json({name: said[name] for name in names if said.get(name) is not None})


def _marker(payload: memoryview) -> _Said | None:
    said = _parsed(payload)
    fits = (
        said is not None
        and isinstance(said.get("text"), str)
        and _text(said.get("source"), least=1)
        and (said.get("key") is None or isinstance(said["key"], str))
        and (said.get("device_ns") is None or _whole(said["device_ns"]))
    )
    return said if fits else None


def _take(payload: memoryview) -> _Said | None:
    said = _parsed(payload)
    fits = (
        said is not None
        and _whole(said.get("number"), least=1)
        and _whole(said.get("start_ns"))
        and said.get("verdict") in get_args(Verdict)
        and (said.get("end_ns") is None or _whole(said["end_ns"]))
        and (said.get("retake_of") is None or _whole(said["retake_of"], least=1))
        and isinstance(said.get("why", ""), str)
    )
    return said if fits else None


def _trouble(payload: memoryview) -> _Said | None:
    said = _parsed(payload)
    fits = (
        said is not None
        and said.get("what") in get_args(Mishap)
        and isinstance(said.get("message"), str)
        and _whole(said.get("at_ns"))
        and _whole(said.get("count", 0), least=0)
        and all(said.get(name) is None or isinstance(said[name], str) for name in ("sensor", "stream"))
        and (said.get("from_ns") is None or _whole(said["from_ns"]))
    )
    return said if fits else None


def _parsed(payload: memoryview) -> _Said | None:
    """Read one message whose names are all texts; None where it is no JSON object."""
    try:
        said = json.loads(bytes(payload))
    except (ValueError, RecursionError):
        return None
    return cast("_Said", said) if isinstance(said, dict) else None


def _text(value: object, *, least: int) -> bool:
    return isinstance(value, str) and len(value) >= least


def _whole(value: object, *, least: int = -_MOST) -> bool:
    """Tell whether a value is a whole number in int64; ``1.0`` is none, though JSON schema takes it for one."""
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST
