"""How a recording goes while it goes on, and what may be asked of it: for the terminal and the preview."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from rushes.capturing import Form, Samples, Trouble

State = Literal["opening", "live", "silent", "absent", "ended"]
"""``silent``: open, and nothing came for longer than it should; ``absent``: cannot be opened, tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamStatus:
    """How a stream is doing.

    Args:
        samples: Written so far.
        rate_hz: Over the last seconds; None before samples came at two instants.
        jitter_ns: 95th percentile of the deviation of intervals from their median, over the last seconds.
        stream: Empty while the sensor was never opened; ``form`` means nothing then.
        dropped: Samples that were there and are not in the file, and holes in the sequence; pauses apart.
        queue: How full its queue is, 0 to 1.
        bytes_per_s: Over the last seconds.
        offset_ns: Host clock less device clock, least delay of the last seconds; None without a device clock.
        last_ns: Arrival of the last sample.
        said: Its latest trouble; empty when all is well.
        channel_names: Of numbers; empty where they have none.
    """

    sensor: str
    stream: str
    form: Form
    state: State
    samples: int = 0
    rate_hz: float | None = None
    nominal_rate_hz: float | None = None
    jitter_ns: int | None = None
    dropped: int = 0
    queue: float = 0.0
    bytes_per_s: float = 0.0
    offset_ns: int | None = None
    last_ns: int | None = None
    said: str = ""
    channel_names: tuple[str, ...] = ()


Verdict = Literal["keep", "discard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Take:
    """A stretch of a recording between two decisions of the person who records.

    Args:
        number: From 1, in the order in which they began.
        start_ns, end_ns: The recorder's clock, closed and open; ``end_ns`` is None while it lasts.
        verdict: ``discard``: ingest, splits and exports leave it out; it is in the file none the less.
        retake_of: Number of the take that it repeats.
    """

    number: int
    start_ns: int
    end_ns: int | None = None
    verdict: Verdict = "keep"
    retake_of: int | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How a recording is going, at one instant.

    Args:
        elapsed_ns: Since the start, pauses included.
        written_bytes: In the file.
        free_bytes: On its disk.
        troubles: The latest ones, oldest first.
    """

    now_ns: int
    elapsed_ns: int
    paused: bool
    take: Take
    written_bytes: int
    free_bytes: int
    streams: Sequence[StreamStatus]
    troubles: Sequence[Trouble] = ()


class LiveRecording(Protocol):
    """A recording that goes on: what a terminal and a preview are shown, and may ask for. Safe from any thread."""

    def status(self) -> Status:
        """Say how it is going; cheap, to be asked many times a second."""
        ...

    def latest(self, stream: str, most: int) -> Sequence[Samples]:
        """Give the latest samples of a stream, about ``most``, oldest first, whether written yet or not."""
        ...

    def mark(self, text: str, key: str | None = None, *, at_ns: int | None = None) -> None:
        """Write a marker at an instant of the recorder's clock that was lately; at this instant when None."""
        ...

    def pause(self) -> None:
        """Leave out what arrives until :meth:`resume`; what is left out is counted and said."""
        ...

    def resume(self) -> None:
        """Go on after a pause."""
        ...

    def next_take(self) -> Take:
        """End the take and begin the next; gives the one that ended."""
        ...

    def judge(self, verdict: Verdict, *, number: int | None = None, why: str = "") -> Take:
        """Keep or discard a take: the one that lasts, when ``number`` is None. The newest verdict stands."""
        ...

    def retake(self) -> Take:
        """Discard the take that lasts, and begin it anew; gives the discarded one."""
        ...
