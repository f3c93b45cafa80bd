"""What a file is made of: topics as they are declared, and sources that write themselves up to a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np

from rushes.chunked_mcap import ChunkedFile, Part
from rushes.export._mcap.numbers import Payloads
from rushes.export._mcap.schemas import Schema
from rushes.model import Stream, Times
from rushes.timelines import Omission

Message: TypeAlias = tuple[int, int, Sequence[Part]]


class Topics:
    """The topics of a file and what could not be put into it.

    Attributes:
        file: They are declared in it.
        omissions: What was lost or changed.
    """

    def __init__(self, file: ChunkedFile) -> None:
        self.file = file
        self.omissions: list[Omission] = []

    def declare(
        self,
        topic: str,
        schema: Schema,
        *,
        packed: bool,
        stream: Stream | None = None,
        how: str,
        **more: str,
    ) -> int:
        """Declare a topic, under another name where there is one of that name; gives its number.

        Args:
            topic: Wanted name.
            schema: Of its messages.
            packed: As ``ChunkedFile.channel``.
            stream: That it comes from.
            how: What its messages are in relation to what was recorded.
            more: For the channel's metadata.
        """
        name, number = topic, 1
        while name in self.file.topics:
            number += 1
            name = f"{topic}_{number}"
        encoding = {"ros2msg": "cdr", "jsonschema": "json"}.get(schema[1], schema[1])
        facts = {"rushes.how": how, **({"rushes.stream": stream.name} if stream else {}), **more}
        return self.file.channel(name, encoding=encoding, schema=schema, packed=packed, metadata=facts)

    def lost(self, stream: str | None, count: int, reason: str) -> None:
        """Note what is not in the file."""
        self.omissions.append(Omission(effect="lost", stream=stream, count=count, reason=reason))

    def changed(self, stream: str | None, count: int, reason: str) -> None:
        """Note what is not in the file as it was recorded."""
        self.omissions.append(Omission(effect="changed", stream=stream, count=count, reason=reason))


class Source:
    """Messages in the order of time, one by one.

    Args:
        file: Where to.
        messages: Topic number, time, payload in parts; asked for one ahead.
    """

    def __init__(self, file: ChunkedFile, messages: Iterator[Message]) -> None:
        self._file, self._messages = file, messages
        self._next = next(messages, None)

    @property
    def next_ns(self) -> int | None:
        """Time of the message that comes next; None after the last one."""
        return None if self._next is None else self._next[1]

    def write(self, until_ns: int) -> None:
        """Write all messages before a time, and at least one."""
        while self._next is not None:
            channel, t_ns, parts = self._next
            self._file.add(channel, t_ns, parts)
            self._next = next(self._messages, None)
            if self._next is None or self._next[1] >= until_ns:
                return

    def close(self) -> None:
        """Let go of what the messages are made of, such as threads that decode ahead."""
        close = getattr(self._messages, "close", None)
        if close is not None:
            close()


class Rows:
    """Messages of one length, made many at a time.

    Args:
        file: Where to.
        channel: Topic number.
        t_ns: Shape (n,), ascending.
        make: Gives the payloads of some rows.
    """

    def __init__(self, file: ChunkedFile, channel: int, t_ns: Times, make: Callable[[slice], Payloads]) -> None:
        self._file, self._channel, self._t_ns, self._make, self._at = file, channel, t_ns, make, 0

    @property
    def next_ns(self) -> int | None:
        """Time of the message that comes next; None after the last one."""
        return int(self._t_ns[self._at]) if self._at < len(self._t_ns) else None

    def write(self, until_ns: int) -> None:
        """Write all messages before a time, and at least one."""
        stop = max(int(np.searchsorted(self._t_ns, until_ns, "left")), self._at + 1)
        rows = slice(self._at, stop)
        self._file.add_rows(self._channel, self._t_ns[rows], self._make(rows))
        self._at = stop

    def close(self) -> None:
        """Do nothing: the numbers are in memory."""
