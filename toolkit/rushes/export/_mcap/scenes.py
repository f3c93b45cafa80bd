"""What is drawn in space: the way that moving frames of reference take, and where a person looks.

``foxglove.SceneUpdate``, in the frame that the values are stated in. A way is drawn once, at the start of the
recording, and stays; a look lasts until the next one.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from foxglove_schemas_protobuf.LinePrimitive_pb2 import LinePrimitive
from foxglove_schemas_protobuf.Point3_pb2 import Point3
from foxglove_schemas_protobuf.Pose_pb2 import Pose
from foxglove_schemas_protobuf.SceneUpdate_pb2 import SceneUpdate

from rushes.export._mcap.annotations import color_of
from rushes.export._mcap.schemas import of_type, stamp
from rushes.export._mcap.sources import Message, Source, Topics
from rushes.timelines import FrameOfReferenceLane, NumberLane, Numbers

PATHS, LOOK = "/rushes/paths", "/direction"
_POINTS = 2_000
"""Of a way; more are thinned evenly."""
_LOOK_M = 1.0
_DIRECTION = ("direction_x", "direction_y", "direction_z")


def paths(lanes: Sequence[FrameOfReferenceLane], topics: Topics, start_ns: int) -> Source | None:
    """Give the ways of all frames that move; None where none does."""
    ways = [(lane, parent, child, rows) for lane in lanes for parent, child, rows in _moving(lane)]
    if not ways:
        return None
    topic = topics.declare(PATHS, of_type(SceneUpdate), packed=True, how="drawn, thinned")
    made = SceneUpdate()
    for lane, parent, child, rows in ways:
        into = made.entities.add(timestamp=stamp(start_ns), frame_id=parent, id=f"{lane.stream.name} {child}")
        thinned = rows[np.unique(np.linspace(0, len(rows) - 1, _POINTS).astype(np.int64))]
        line = into.lines.add(type=LinePrimitive.LINE_STRIP, thickness=0.01, color=color_of(child))
        line.pose.orientation.w = 1.0
        line.points.extend(Point3(x=x, y=y, z=z) for x, y, z in lane.values[thinned, :3].tolist())
    return Source(topics.file, iter([(topic, start_ns, (made.SerializeToString(),))]))


def _moving(lane: FrameOfReferenceLane) -> Iterator[tuple[str, str, np.typing.NDArray[np.int64]]]:
    """Give parent, child and rows, in the order of time, of every frame that is at two places or more."""
    order = np.argsort(lane.t_ns, kind="stable")
    edges: dict[tuple[str, str], list[int]] = {}
    for row in order[~lane.static[order]].tolist():
        edges.setdefault((lane.parents[row], lane.children[row]), []).append(row)
    for (parent, child), rows in edges.items():
        if np.ptp(lane.values[rows, :3], axis=0).any():
            yield parent, child, np.array(rows, np.int64)


def look(lane: NumberLane, topics: Topics) -> Source | None:
    """Give the directions of a gaze stream as arrows; None where it states none, or no frame that they are in."""
    frame = lane.stream.frame_of_reference
    columns: list[Numbers | None] = [lane.columns.get(name) for name in _DIRECTION]
    held = [column for column in columns if column is not None]
    if frame is None or len(held) < len(columns):
        return None
    directions = np.stack(held, axis=1)
    topic = topics.declare(
        lane.stream.name + LOOK, of_type(SceneUpdate), packed=True, stream=lane.stream, how="drawn"
    )

    def messages() -> Iterator[Message]:
        for row in np.argsort(lane.t_ns, kind="stable").tolist():
            if not np.isfinite(directions[row]).all():
                continue
            t_ns = int(lane.t_ns[row])
            made = SceneUpdate()
            into = made.entities.add(timestamp=stamp(t_ns), frame_id=frame, id=lane.stream.name)
            arrow = into.arrows.add(
                shaft_length=_LOOK_M, shaft_diameter=0.01, head_length=0.06, head_diameter=0.03
            )
            arrow.color.CopyFrom(color_of(lane.stream.name))
            arrow.pose.CopyFrom(_along(directions[row]))
            yield topic, t_ns, (made.SerializeToString(),)

    return Source(topics.file, messages())


def _along(direction: Numbers) -> Pose:
    """Give the pose whose x axis, along which an arrow lies, points in a direction; the shortest turn."""
    x, y, z = (direction / max(float(np.linalg.norm(direction)), 1e-12)).tolist()
    pose = Pose()
    if x < -1 + 1e-9:
        pose.orientation.z = 1.0
        return pose
    w = np.sqrt((1 + x) / 2)
    pose.orientation.w, pose.orientation.y, pose.orientation.z = float(w), float(-z / (2 * w)), float(y / (2 * w))
    return pose
