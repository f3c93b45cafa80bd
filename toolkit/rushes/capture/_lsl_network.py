"""What streams the network of the Lab Streaming Layer offers, what each says of itself, and how it is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pylsl

from rushes.capture._lsl_inlet import Inlet, LostStreamError
from rushes.capture._lsl_inlet import clock_reading as clock_reading

LOOK_S = 1.5
"""How long outlets have to answer; liblsl asks every half second."""
ANSWER_S = 3.0
_FORMATS = {
    pylsl.cf_float32: "float32",
    pylsl.cf_double64: "double64",
    pylsl.cf_string: "string",
    pylsl.cf_int32: "int32",
    pylsl.cf_int16: "int16",
    pylsl.cf_int8: "int8",
    pylsl.cf_int64: "int64",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlet:
    """A stream that somebody sends.

    Args:
        rate_hz: None where it is irregular.
        labels, units: Of the channels, empty texts where it says nothing; none before it was opened.
        info: For liblsl.
    """

    name: str
    kind: str
    host: str
    source_id: str
    uid: str
    channels: int
    rate_hz: float | None
    format: str
    labels: tuple[str, ...]
    units: tuple[str, ...]
    info: Any


def outlets(query: str | None, *, expected: int | None = None, look_s: float = LOOK_S) -> list[Outlet]:
    """List the outlets that answer within ``look_s``, in the order of their names.

    Args:
        query: XPath predicate as liblsl takes it; all when None.
        expected: So many are enough.
    """
    if query is None:
        found = pylsl.resolve_streams(look_s)
    else:
        found = pylsl.resolve_bypred(query, expected or 1024, look_s)
    once = {info.uid(): _described(info) for info in found}
    return sorted(once.values(), key=lambda each: (each.name, each.kind, each.host, each.source_id, each.uid))


def opened(outlet: Outlet) -> tuple[Inlet, Outlet]:
    """Open an outlet, and give with it what it says of its channels.

    Raises:
        TimeoutError: If it does not answer.
        LostStreamError: If it has gone meanwhile.
    """
    inlet = Inlet(outlet.info, timeout_s=ANSWER_S)
    return inlet, _described(inlet.info)


class Lookout:
    """Looks in the background for an outlet that went away, to come back under the same name."""

    def __init__(self, outlet: Outlet) -> None:
        self._gone = outlet
        told = " and ".join(
            f"{key}={_quoted(value)}"
            for key, value in (("name", outlet.name), ("type", outlet.kind), ("hostname", outlet.host))
        )
        self._resolver = pylsl.ContinuousResolver(pred=told, forget_after=2.0)

    def back(self) -> tuple[Inlet, Outlet] | None:
        """Give it, opened, if it is back with the same form."""
        for info in self._resolver.results():
            if info.uid() == self._gone.uid:
                continue
            outlet = _described(info)
            if (outlet.channels, outlet.format) != (self._gone.channels, self._gone.format):
                continue
            try:
                return opened(outlet)
            except (TimeoutError, LostStreamError):
                continue
        return None


def predicate(device: str) -> str | None:
    """Give the query that a rig's ``device`` means: a predicate, a plain name, or all where it is empty."""
    if not device:
        return None
    if any(sign in device for sign in "='\"("):
        return device
    return f"name={_quoted(device)}"


def shown(outlets: Sequence[Outlet]) -> str:
    """Name some outlets for a message."""
    return ", ".join(f"'{each.name}' ({each.kind or 'no type'} at {each.host})" for each in outlets[:8])


def _quoted(text: str) -> str:
    return f'"{text}"' if "'" in text else f"'{text}'"


def _described(info: Any) -> Outlet:
    channels = info.channel_count()
    labels: list[str] = []
    units: list[str] = []
    at = info.desc().child("channels").child("channel")
    while not at.empty() and len(labels) < channels:
        labels.append(at.child_value("label").strip())
        units.append(at.child_value("unit").strip())
        at = at.next_sibling("channel")
    rate = info.nominal_srate()
    whole = len(labels) == channels
    return Outlet(
        name=info.name(),
        kind=info.type(),
        host=info.hostname(),
        source_id=info.source_id(),
        uid=info.uid(),
        channels=channels,
        rate_hz=rate if rate > 0 else None,
        format=_FORMATS.get(info.channel_format(), "unknown"),
        labels=tuple(labels) if whole else (),
        units=tuple(units) if whole else (),
        info=info,
    )
