"""Poses and transforms in ROS messages (PoseStamped, TFMessage …) → rows of ``poses`` and ``transforms``."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rushes.model import Batch, Clock, Column, LedgerEntry, Loss, Modality, SampleTable, Stream
from rushes.readers._messages import spans
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.clocks import STAMP, chosen, joined, time_columns
from rushes.readers._messages.definition import Record, short
from rushes.readers._messages.layout import Fields, LayoutError, Wire, nothing, read, read_items
from rushes.readers._messages.standard import layout_of, wire_of
from rushes.readers._messages.tally import Tally


@dataclass(frozen=True, slots=True, kw_only=True)
class Paths:
    """Where a message type keeps a pose; ``items`` is the sequence that holds several."""

    table: SampleTable
    place: str
    turn: str
    child: str | None = None
    items: str | None = None
    parent: str = "header.frame_id"
    stamp: tuple[str, str] = STAMP

    @property
    def all(self) -> list[str]:
        """Every path."""
        numbers = [f"{self.place}.{axis}" for axis in "xyz"] + [f"{self.turn}.{axis}" for axis in "xyzw"]
        return [*self.stamp, self.parent, *([self.child] if self.child else []), *numbers]


_TRANSFORM = ("transform.translation", "transform.rotation")
_STAMP = ("timestamp.sec", "timestamp.nanosec")
PATHS = {
    "geometry_msgs/PoseStamped": Paths(table="poses", place="pose.position", turn="pose.orientation"),
    "geometry_msgs/PoseWithCovarianceStamped": Paths(
        table="poses", place="pose.pose.position", turn="pose.pose.orientation"
    ),
    "nav_msgs/Odometry": Paths(
        table="poses", place="pose.pose.position", turn="pose.pose.orientation", child="child_frame_id"
    ),
    "geometry_msgs/TransformStamped": Paths(
        table="transforms", place=_TRANSFORM[0], turn=_TRANSFORM[1], child="child_frame_id"
    ),
    "tf2_msgs/TFMessage": Paths(
        table="transforms", place=_TRANSFORM[0], turn=_TRANSFORM[1], child="child_frame_id", items="transforms"
    ),
    "foxglove_msgs/PoseInFrame": Paths(
        table="poses", place="pose.position", turn="pose.orientation", parent="frame_id", stamp=_STAMP
    ),
    "foxglove_msgs/FrameTransform": Paths(
        table="transforms",
        place="translation",
        turn="rotation",
        parent="parent_frame_id",
        child="child_frame_id",
        stamp=_STAMP,
    ),
}
PATHS["foxglove_msgs/FrameTransforms"] = replace(PATHS["foxglove_msgs/FrameTransform"], items="transforms")
PATHS["tf/tfMessage"] = PATHS["tf2_msgs/TFMessage"]


def pose_stream(channel: Channel, name: str, table: SampleTable, clock: Clock, frame: str | None) -> Stream:
    """Describe a stream of poses or transforms."""
    modality: Modality = "pose" if table == "poses" else "transform"
    return Stream(
        name=name,
        modality=modality,
        table=table,
        message_type=channel.message_type,
        encoding=channel.encoding,
        declared_count=channel.declared_count,
        clock=clock,
        frame_of_reference=frame if table == "poses" else None,
    )


def interpreter(channel: Channel, first: MessageBlock | None, name: str) -> "Poses | None":
    """Give the interpreter, or None where the recorded definition is not that of a pose."""
    record, wire = layout_of(channel), wire_of(channel)
    paths = PATHS[short(channel.message_type)]
    if record is None or wire is None:
        return None
    try:
        found = _read(record, nothing() if first is None else first, paths, wire)
        _read(record, nothing(), paths, wire)
    except LayoutError:
        return None
    clock = chosen(joined(*(found.numbers[path] for path in paths.stamp)))
    parent = None if first is None else spans.texts(first.buffer, found.spans[paths.parent])
    frame = parent or None if isinstance(parent, str) else None
    static = channel.topic.rpartition("/")[2] == "tf_static"
    return Poses(pose_stream(channel, name, paths.table, clock, frame), record, wire, paths, static=static)


def _read(record: Record, block: MessageBlock, paths: Paths, wire: Wire) -> Fields:
    if paths.items is None:
        return read(record, block, paths.all, wire=wire)
    return read_items(record, block, paths.items, paths.all, wire=wire)


class Poses:
    """Reads poses by layout."""

    def __init__(self, stream: Stream, record: Record, wire: Wire, paths: Paths, *, static: bool) -> None:
        self.stream = stream
        self._record, self._wire, self._paths, self._static = record, wire, paths, static
        self._tally = Tally(stream)

    def take(self, block: MessageBlock) -> Iterator[Batch]:
        """Interpret the next messages."""
        self._tally.came_in += len(block)
        found = _read(self._record, block, self._paths, self._wire)
        self._tally.refuse(found.refused)
        if not len(found.rows):
            return
        paths = self._paths
        stamps = joined(*(found.numbers[path] for path in paths.stamp))
        columns: dict[str, Column] = time_columns(block, found.rows, stamps, self.stream.clock)
        columns["parent"] = spans.texts(block.buffer, found.spans[paths.parent])
        columns["child"] = spans.texts(block.buffer, found.spans[paths.child]) if paths.child else None
        if self.stream.table == "transforms":
            columns["static"] = self._static
        for axis in "xyz":
            columns[f"t{axis}_m"] = found.numbers[f"{paths.place}.{axis}"].astype(np.float64, copy=False)
        for axis in "wxyz":
            columns[f"q{axis}"] = found.numbers[f"{paths.turn}.{axis}"].astype(np.float64, copy=False)
        yield self._tally.batch(len(found.rows), columns)

    def finish(self) -> Iterator[Batch]:
        """Give nothing more."""
        return iter(())

    def ledger(self) -> LedgerEntry:
        """Account for all messages taken."""
        return self._tally.entry(per_message=self._paths.items is None)

    def losses(self) -> Sequence[Loss]:
        """Give none: what was refused is in the ledger."""
        return ()
