"""Frames of reference → messages: transforms, poses, camera calibrations."""

from collections.abc import Iterator

import numpy as np
from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
from foxglove_schemas_protobuf.FrameTransform_pb2 import FrameTransform
from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
from foxglove_schemas_protobuf.Quaternion_pb2 import Quaternion
from foxglove_schemas_protobuf.Vector3_pb2 import Vector3

from rushes.export._mcap.schemas import of_type, stamp
from rushes.export._mcap.sources import Message, Source, Topics
from rushes.timelines import Calibrated, FrameOfReferenceLane


def transforms(lane: FrameOfReferenceLane, topics: Topics, start_ns: int) -> Source:
    """Give a lane as ``foxglove.FrameTransforms``, those of one time together.

    A player that jumps into the middle asks for the latest message of a topic: so those that hold for the whole
    recording stand in one message, at its start.
    """
    topic = topics.declare(
        lane.stream.name, of_type(FrameTransforms), packed=True, stream=lane.stream, how="values as recorded"
    )
    return Source(topics.file, _messages(lane, topic, start_ns))


def _messages(lane: FrameOfReferenceLane, topic: int, start_ns: int) -> Iterator[Message]:
    times = np.where(lane.static, start_ns, lane.t_ns)
    order = np.argsort(times, kind="stable")
    cuts = np.flatnonzero(np.diff(times[order])) + 1
    for rows in np.split(order, cuts):
        if not len(rows):
            continue
        t_ns = int(times[rows[0]])
        made = FrameTransforms(transforms=[_transform(lane, int(row), t_ns) for row in rows])
        yield topic, t_ns, (made.SerializeToString(),)


def _transform(lane: FrameOfReferenceLane, row: int, t_ns: int) -> FrameTransform:
    x, y, z, qw, qx, qy, qz = lane.values[row].tolist()
    return FrameTransform(
        timestamp=stamp(t_ns),
        parent_frame_id=lane.parents[row],
        child_frame_id=lane.children[row],
        translation=Vector3(x=x, y=y, z=z),
        rotation=Quaternion(x=qx, y=qy, z=qz, w=qw),
    )


def calibrations(rows: list[Calibrated], topics: Topics, start_ns: int) -> Source:
    """Give the states of one camera's calibration; the first one holds from the start of the recording."""
    stream = rows[0].stream
    topic = topics.declare(
        stream.name, of_type(CameraCalibration), packed=True, stream=stream, how="equal ones in a row once"
    )

    def messages() -> Iterator[Message]:
        for number, row in enumerate(sorted(rows, key=lambda row: row.t_ns)):
            t_ns = max(row.t_ns, start_ns) if number else start_ns
            made = CameraCalibration(
                timestamp=stamp(t_ns),
                frame_id=row.frame_of_reference,
                width=row.width_px,
                height=row.height_px,
                distortion_model=row.model,
                D=row.distortion,
                K=row.intrinsics,
                R=row.rectification,
                P=row.projection,
            )
            yield topic, t_ns, (made.SerializeToString(),)

    return Source(topics.file, messages())
