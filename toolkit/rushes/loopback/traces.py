"""Samples as they arrive → what of the last seconds can be drawn: the least and the most of each short stretch.

A trace keeps stretches, not samples, and takes each sample once, so that a look costs the same however fast a
sensor is.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.capturing import Inertial, Numbers, Places, Samples, Sound

WINDOW_NS = 10_000_000_000
STRETCHES = 160
STRETCH_NS = WINDOW_NS // STRETCHES
MOST_CHANNELS = 8
"""As many lines can still be told apart."""

Floats = npt.NDArray[np.float64]
Said = Sequence[float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Lines that share an axis.

    Args:
        lines: Their names.
        hidden: How many more there are.
    """

    title: str
    lines: tuple[str, ...]
    hidden: int = 0


class Trace:
    """The last ten seconds of one stream. Not safe for several threads at once."""

    def __init__(self) -> None:
        self.groups: tuple[Group, ...] = ()
        self.seen_ns = 0
        self._low: dict[int, Floats] = {}
        self._high: dict[int, Floats] = {}
        self._said: dict[int, tuple[Said, Said]] = {}

    def take(self, batches: Iterable[Samples], names: tuple[str, ...] = ()) -> None:
        """Take what is new among samples, oldest first; those that were seen are passed over."""
        fresh = [batch for batch in batches if len(batch) and batch.arrival_ns[-1] > self.seen_ns]
        if not fresh:
            return
        drawn = [_values(batch) for batch in fresh]
        times = np.concatenate([batch.arrival_ns for batch in fresh])
        low = np.concatenate([low for low, _ in drawn])
        high = np.concatenate([high for _, high in drawn])
        new = times > self.seen_ns
        self.groups = groups_of(fresh[-1], names)
        self._fold(times[new], low[new], high[new])
        self.seen_ns = int(times[-1])

    def drawn(self, now_ns: int) -> list[dict[str, Any]]:
        """Give the lines by group as JSON values: ``low`` and ``high`` a line, None where nothing came."""
        last = now_ns // STRETCH_NS
        told: list[dict[str, Any]] = []
        rows = [self._say(at) for at in range(last - STRETCHES + 1, last + 1)]
        begin = 0
        for group in self.groups:
            end = begin + len(group.lines)
            told.append(
                {
                    "title": group.title,
                    "lines": list(group.lines),
                    "hidden": group.hidden,
                    "low": [[low[i] if i < len(low) else None for low, _ in rows] for i in range(begin, end)],
                    "high": [[high[i] if i < len(high) else None for _, high in rows] for i in range(begin, end)],
                }
            )
            begin = end
        return told

    def _fold(self, times: npt.NDArray[np.int64], low: Floats, high: Floats) -> None:
        order = np.argsort(times, kind="stable")
        places = times[order] // STRETCH_NS
        starts = np.flatnonzero(np.concatenate([[True], places[1:] != places[:-1]]))
        lows = np.fmin.reduceat(low[order], starts, axis=0)
        highs = np.fmax.reduceat(high[order], starts, axis=0)
        for i, place in enumerate(places[starts].tolist()):
            had = self._low.get(place)
            same = had is not None and had.shape == lows[i].shape
            self._low[place] = np.fmin(self._low[place], lows[i]) if same else lows[i]
            self._high[place] = np.fmax(self._high[place], highs[i]) if same else highs[i]
            self._said.pop(place, None)
        oldest = int(places[-1]) - STRETCHES
        for place in [place for place in self._low if place < oldest]:
            del self._low[place], self._high[place]
            self._said.pop(place, None)

    def _say(self, place: int) -> tuple[Said, Said]:
        """Give a stretch as JSON values; made once, as most of what is drawn was drawn before."""
        if place not in self._low:
            return (), ()
        if place not in self._said:
            self._said[place] = _said(self._low[place]), _said(self._high[place])
        return self._said[place]


def groups_of(batch: Samples, names: tuple[str, ...]) -> tuple[Group, ...]:
    """Name the lines of a stream."""
    content = batch.content
    if isinstance(content, Inertial):
        return (
            Group(title="turning, rad/s", lines=("x", "y", "z")),
            Group(title="acceleration, m/s²", lines=("x", "y", "z")),
        )
    if isinstance(content, Sound):
        return (Group(title="sound, of full scale", lines=("level",)),)
    if isinstance(content, Numbers):
        there = content.values.shape[1]
        said = names if len(names) == there else tuple(str(i + 1) for i in range(there))
        return (Group(title="", lines=said[:MOST_CHANNELS], hidden=max(0, there - MOST_CHANNELS)),)
    if isinstance(content, Places):
        return (Group(title=f"{content.children[-1]} in {content.parents[-1]}, m", lines=("x", "y", "z")),)
    return ()


def _values(batch: Samples) -> tuple[Floats, Floats]:
    """Give least and most of each sample, shape (n, lines)."""
    content = batch.content
    if isinstance(content, Inertial):
        both = np.hstack([content.gyro_rad_s, content.accel_m_s2])
        return both, both
    if isinstance(content, Sound):
        wave = content.samples.reshape(len(content.samples), -1)[:, :1] / 32768.0
        if not len(wave):
            return np.zeros((len(batch), 1)), np.zeros((len(batch), 1))
        return wave.min(axis=0, keepdims=True), wave.max(axis=0, keepdims=True)
    if isinstance(content, Numbers):
        shown = content.values[:, :MOST_CHANNELS]
        return shown, shown
    if isinstance(content, Places):
        return content.values[:, :3], content.values[:, :3]
    nothing = np.zeros((len(batch), 0))
    return nothing, nothing


def _said(row: Floats) -> Said:
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in row.tolist()]
