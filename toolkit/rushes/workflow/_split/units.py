"""What is assigned: recordings, their groups by shared keys, and blocks of time where all is one group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rushes import registry
from rushes.errors import UsageError
from rushes.model import Times
from rushes.store import Store
from rushes.workflow.dataset import TIMED, Dataset
from rushes.workflow.takes import Discarded

GROUPS = ("recording", "subject", "session", "place", "task", "take", "picture")
NO_FACTS = ("recording", "picture")
"""What groups by what a sample is, not by a fact of its recording."""
BLOCKS = 20
"""Blocks that a recording is cut into, where nothing else can be parted."""
ORDER_BUFFER = 10
"""Samples left out on either side of a border between parts, where a stream has no times."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What goes into a part as one.

    Args:
        name: The recording's id; of a block with its number, ``id#007``.
        samples: How many it holds, at least 1.
        block: Number of the block; None for the whole recording.
        still: Whether the block is one picture of a set of stills.
    """

    name: str
    recording_id: str
    samples: int
    block: int | None = None
    still: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A recording cut into blocks of equal length, or a set of stills cut into single pictures.

    Args:
        edges_ns: Shape (blocks + 1,), in the recorder's clock, ascending; empty where no stream has times.
        times: Of each stream with times, in the recorder's clock, ascending.
        counts: Samples of each stream that has an order only.
        stills: Whether each block is one picture, with no order among them.
    """

    blocks: int
    edges_ns: Times
    times: Mapping[str, Times]
    counts: Mapping[str, int]
    stills: bool = False

    def rows(self, stream: str, block: int, *, before_ns: int, after_ns: int) -> tuple[int, int]:
        """Give the samples of a block, less a buffer at its start and end: first, and one past the last.

        Args:
            stream: One of ``times`` or ``counts``.
            block: Its number.
            before_ns: Buffer at the start; of a stream without times, anything above 0 is ``ORDER_BUFFER``.
            after_ns: At the end, likewise.
        """
        if self.stills:
            return block, block + 1
        if stream in self.times:
            low, high = int(self.edges_ns[block]) + before_ns, int(self.edges_ns[block + 1]) - after_ns
            first, last = np.searchsorted(self.times[stream], [low, high])
            return int(first), max(int(first), int(last))
        count = self.counts[stream]
        first = block * count // self.blocks + (ORDER_BUFFER if before_ns else 0)
        last = (block + 1) * count // self.blocks - (ORDER_BUFFER if after_ns else 0)
        return first, max(first, last)

    @property
    def streams(self) -> list[str]:
        """Names of all streams that are cut."""
        return [*self.times, *self.counts]


def key_values(
    store: Store, rows: Sequence[Mapping[str, Any]], by: Sequence[str], group_by: Sequence[str]
) -> list[list[str | None]]:
    """Give the value of every key for every recording.

    Args:
        store: For the expressions.
        rows: Of the recordings.
        by: Facts, of ``GROUPS``; a recording without one is joined to none by it.
        group_by: SQL expressions over the table ``recordings``.

    Raises:
        UsageError: ``split.group`` for a fact that there is not; ``store.query`` for an expression that fails.
    """
    keys: list[list[str | None]] = []
    for fact in by:
        if fact not in GROUPS:
            near = registry.close_to(fact, GROUPS)
            raise UsageError(
                f"recordings cannot be grouped by '{fact}'",
                code="split.group",
                hint=f"did you mean '{near}'?"
                if near
                else f"there are {', '.join(GROUPS)}, and --group-by takes SQL",
            )
        if fact not in NO_FACTS:
            keys.append([row[fact] or None for row in rows])
    for expression in group_by:
        _, found = store.rows(f"select recording_id, cast(({expression}) as varchar) from recordings")
        value = dict(found)
        keys.append([value[row["recording_id"]] or None for row in rows])
    return keys


def cut(dataset: Dataset, recording_id: str, *, blocks: int, buffer_ns: int) -> Cut:
    """Cut a recording into blocks of equal length.

    Raises:
        UsageError: ``split.blocks`` if it is too short for that, or the buffer too long.
    """
    times: dict[str, Times] = {}
    counts: dict[str, int] = {}
    for row in dataset.arrow("streams", where={"recording_id": recording_id}).to_pylist():
        if row["clock"] != "none" and row["table"] in TIMED and row["count"]:
            times[row["stream"]] = np.maximum.accumulate(dataset.times(recording_id, row["stream"]))
        elif row["table"] == "frames" and row["count"]:
            counts[row["stream"]] = row["count"]
    start = min((int(found[0]) for found in times.values()), default=0)
    end = max((int(found[-1]) for found in times.values()), default=-1) + 1
    longest = max([*(len(found) for found in times.values()), *counts.values()], default=0)
    short = bool(times) and (end - start) // blocks <= buffer_ns
    if longest < blocks or short or any(count // blocks <= 2 * ORDER_BUFFER for count in counts.values()):
        raise UsageError(
            f"recording '{recording_id}' has {longest:,} samples over {(end - start) / 1e9:.3g} s: it cannot be "
            f"cut into {blocks} blocks {buffer_ns / 1e9:g} s ({ORDER_BUFFER} samples without times) apart",
            code="split.blocks",
            hint="--blocks 5 --buffer 0.2s, or more recordings: other people and places are stronger",
        )
    return Cut(
        blocks=blocks,
        edges_ns=np.linspace(start, end, blocks + 1).astype(np.int64) if times else np.zeros(0, np.int64),
        times=times,
        counts=counts,
    )


def blocks_of(recording_id: str, made: Cut, discarded: Discarded) -> list[Unit]:
    """Give a unit for each block, with the samples that it holds of kept takes, before buffers are taken out."""
    units = []
    for block in range(made.blocks):
        spans = [
            stretch
            for stream in made.streams
            for stretch in discarded.stretches(
                recording_id, stream, *made.rows(stream, block, before_ns=0, after_ns=0)
            )
        ]
        samples = sum(last - first for first, last in spans)
        units.append(
            Unit(
                name=f"{recording_id}#{block:03d}", recording_id=recording_id, samples=max(samples, 1), block=block
            )
        )
    return units
