"""A recording as a person sees it in the terminal: a table that lives, drawn with rich; imported only there."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from rushes.capturing import Trouble
from rushes.live import Status, StreamStatus
from rushes.quantities import say_bytes, say_count, say_ns

NARROW = 78
"""Below this many columns jitter and clock offset are left out."""
TROUBLES = 4
AROUND = 9
"""Lines beside those of the streams."""
STYLES = {"live": "green", "opening": "dim", "silent": "bold red", "absent": "bold red", "ended": "dim"}
QUEUE_CELLS = 5
_EIGHTHS = " ▏▎▍▌▋▊▉█"


class Screen:
    """Draws a recording over and over in the same place, while the ``with`` block lasts.

    Args:
        title: Rig and file.
        keys: Gives the line of keys.
        console: Where to; stderr when None.
    """

    def __init__(self, title: str, keys: Callable[[], str], console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)
        self._title, self._keys = title, keys
        self._status: Status | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> "Screen":
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def shown(self, status: Status) -> None:
        """Draw how it is going."""
        self._status = status
        self.drawn_again()

    def drawn_again(self) -> None:
        """Draw once more, as when a key was pressed; from any thread."""
        if self._status is not None:
            with self._lock:
                width, height = self._console.size
                made = board(self._status, title=self._title, keys=self._keys(), width=width, height=height)
                self._live.update(made, refresh=True)


def board(status: Status, *, title: str, keys: str, width: int, height: int) -> RenderableType:
    """Lay out one picture of the screen; never higher than ``height``, as it would then scroll."""
    room = max(1, height - AROUND - min(TROUBLES, len(status.troubles)))
    shown, rest = chosen(status.streams, room)
    parts: list[RenderableType] = [_head(status, title), _streams(shown, width)]
    if rest:
        parts.append(Text(f"… and {say_count(rest, 'more stream')}, all of them well", style="dim"))
    parts += [_trouble(trouble, status.now_ns) for trouble in status.troubles[-TROUBLES:]]
    parts.append(Text(keys, style="cyan", no_wrap=True, overflow="ellipsis"))
    return Group(*parts)


def chosen(streams: Sequence[StreamStatus], most: int) -> tuple[Sequence[StreamStatus], int]:
    """Choose the streams that there is room for, those with something to say first; and count the others."""
    if len(streams) <= most:
        return streams, 0
    order = sorted(range(len(streams)), key=lambda i: (_is_well(streams[i]), i))
    kept = sorted(order[: max(1, most - 1)])
    return [streams[i] for i in kept], len(streams) - len(kept)


def _is_well(stream: StreamStatus) -> bool:
    return stream.state in ("live", "ended") and not stream.dropped and stream.queue < 0.5


def _head(status: Status, title: str) -> Text:
    take = status.take
    minutes, seconds = divmod(status.elapsed_ns // 1_000_000_000, 60)
    head = Text(no_wrap=True, overflow="ellipsis")
    head.append("● " if not status.paused else "‖ ", style="bold red" if not status.paused else "bold yellow")
    head.append(f"{minutes:02}:{seconds:02}  ", style="bold")
    again = f" (again {take.retake_of})" if take.retake_of else ""
    head.append(f"take {take.number}{again} ", style="bold")
    head.append(take.verdict, style="green" if take.verdict == "keep" else "red")
    if status.paused:
        head.append("  paused", style="bold yellow")
    head.append(f"  {say_bytes(status.written_bytes)}, {say_bytes(status.free_bytes)} free  {title}", style="dim")
    return head


def _streams(streams: Sequence[StreamStatus], width: int) -> Table:
    wide = width >= NARROW
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, expand=True, header_style="dim")
    table.add_column("stream", ratio=1, no_wrap=True, overflow="ellipsis", min_width=8)
    table.add_column("state", no_wrap=True, width=7)
    table.add_column("Hz / nominal", no_wrap=True, justify="right", width=12)
    if wide:
        table.add_column("jitter", no_wrap=True, justify="right", width=8)
    table.add_column("lost", no_wrap=True, justify="right", width=6)
    table.add_column("queue", no_wrap=True, width=QUEUE_CELLS)
    if wide:
        table.add_column("offset", no_wrap=True, justify="right", width=9)
    table.add_column("MB/s", no_wrap=True, justify="right", width=5)
    for stream in streams:
        row: list[RenderableType] = [
            escape(stream.stream or stream.sensor),
            Text(stream.state, style=STYLES[stream.state]),
            rate_of(stream),
        ]
        row += [say_short(stream.jitter_ns)] if wide else []
        row += [Text(say_number(stream.dropped), style="bold red" if stream.dropped else "dim"), _queue(stream)]
        row += [say_short(stream.offset_ns)] if wide else []
        row.append(f"{stream.bytes_per_s / 1e6:.1f}" if stream.bytes_per_s >= 5e4 else "·")
        table.add_row(*row)
    return table


def rate_of(stream: StreamStatus) -> str:
    """Say a stream's rate beside the nominal one: ``29.9 / 30``."""
    rate = (
        "–"
        if stream.rate_hz is None
        else f"{stream.rate_hz:.1f}"
        if stream.rate_hz < 1000
        else f"{stream.rate_hz:.0f}"
    )
    return rate if stream.nominal_rate_hz is None else f"{rate} / {stream.nominal_rate_hz:g}"


def say_short(nanoseconds: int | None) -> str:
    """Say a length of time in at most nine characters; clocks that count from elsewhere are days off."""
    if nanoseconds is None:
        return "–"
    days = abs(nanoseconds) / 86_400e9
    if days >= 1:
        return f"{nanoseconds / 86_400e9:.0f} d" if days < 1e5 else "> 1e5 d"
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if abs(nanoseconds) >= scale:
            return (
                f"{nanoseconds / scale:.3g} {unit}"
                if abs(nanoseconds) < 1000 * scale
                else f"{nanoseconds / scale:.0f} {unit}"
            )
    return f"{nanoseconds} ns"


def say_number(count: int) -> str:
    """Say a count in at most six characters."""
    return f"{count:,}" if count < 100_000 else f"{count / 1e6:.1f}M"


def _queue(stream: StreamStatus) -> Text:
    eighths = round(min(1.0, max(0.0, stream.queue)) * QUEUE_CELLS * 8)
    bar = "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
    style = "red" if stream.queue >= 0.8 else "yellow" if stream.queue >= 0.5 else "green"
    return Text(bar.ljust(QUEUE_CELLS, "·"), style=style if eighths else "dim")


def _trouble(trouble: Trouble, now_ns: int) -> Text:
    line = Text(no_wrap=True, overflow="ellipsis")
    where = trouble.stream or trouble.sensor
    line.append(f"{say_ns(max(0, now_ns - trouble.at_ns) // 10**9 * 10**9)} ago ", style="dim")
    line.append(f"{where}: " if where else "", style="bold")
    return line.append(trouble.message, style="green" if trouble.what == "returned" else "yellow")
