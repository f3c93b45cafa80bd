"""A recording as lines on stderr, where no person watches a terminal: one every few seconds, and every trouble."""

from collections.abc import Callable

from rushes.capturing import Trouble
from rushes.live import Status
from rushes.quantities import say_bytes, say_count

EVERY_NS = 5_000_000_000


class Lines:
    """Says how it is going.

    Args:
        talk: Says a line.
    """

    def __init__(self, talk: Callable[[str], None]) -> None:
        self._talk = talk
        self._due_ns = EVERY_NS
        self._told_ns = 0

    def shown(self, status: Status) -> None:
        """Say what is new."""
        for trouble in status.troubles:
            if trouble.at_ns > self._told_ns:
                self._talk(said(trouble))
        self._told_ns = max([self._told_ns, *(trouble.at_ns for trouble in status.troubles)])
        if status.elapsed_ns >= self._due_ns:
            self._due_ns = status.elapsed_ns // EVERY_NS * EVERY_NS + EVERY_NS
            self._talk(line(status))


def line(status: Status) -> str:
    """Say how it is going in one line."""
    minutes, seconds = divmod(status.elapsed_ns // 1_000_000_000, 60)
    live = sum(stream.state == "live" for stream in status.streams)
    lost = sum(stream.dropped for stream in status.streams)
    queue = max((stream.queue for stream in status.streams), default=0.0)
    samples = sum(stream.samples for stream in status.streams)
    waited = list(dict.fromkeys(stream.sensor for stream in status.streams if stream.state == "opening"))
    opening = f"opening {', '.join(waited)}, " if waited else ""
    return (
        f"{minutes:02}:{seconds:02} take {status.take.number}{' paused' if status.paused else ''}: "
        f"{opening}{live} of {say_count(len(status.streams), 'stream')} live, "
        f"{say_count(samples, 'sample')}, {say_count(lost, 'sample')} lost, fullest queue {queue:.0%}, "
        f"{say_bytes(status.written_bytes)} written, {say_bytes(status.free_bytes)} free"
    )


def said(trouble: Trouble) -> str:
    """Say a trouble in one line."""
    where = trouble.stream or trouble.sensor
    return f"{trouble.what}: {f'{where}: ' if where else ''}{trouble.message}"
