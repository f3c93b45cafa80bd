"""A recording laid out on one clock, as an exporter of whole recordings is shown it; read when asked.

Every ``t_ns`` is int64 nanoseconds of the reference clock: raw times through the clock maps, never negative. Lanes
keep the order of the recording, which need not be that of time. Pictures and sound are read one at a time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.labels import Label
from rushes.model import Severity, Stream, Times
from rushes.vocabulary import Ontology

Numbers = npt.NDArray[np.float64]
Happened = Literal["event", "segment", "finding"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameLane:
    """The pictures of one stream.

    Args:
        t_ns: Shape (n,), by index.
        there: Shape (n,), whether the bytes are there.
        encoded: Gives the bytes of a picture as recorded; raises ReadError.
        pixels: Decodes a picture, as ``contracts.Decoder.decode``; raises ReadError.
        rendered: Gives a picture as an 8-bit JPEG, depth in colours that mean the same over the whole lane; out of
            its pixels where the caller has them; raises ReadError.
        track: Video file whose track the pictures are; None where each has bytes of its own.
        pts: Shape (n,), time stamp of each picture in the track, -1 where there is none; empty without a track.
        labels: By index; tracks as a box on each picture, pixels from the outer corner of the first one.
    """

    stream: Stream
    t_ns: Times
    there: npt.NDArray[np.bool_]
    encoded: Callable[[int], bytes]
    pixels: Callable[[int], npt.NDArray[Any]]
    rendered: Callable[[int, npt.NDArray[Any] | None], bytes]
    track: Path | None = None
    pts: Times = field(default_factory=lambda: np.zeros(0, np.int64))
    labels: Mapping[int, Sequence[Label]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLane:
    """The samples of an imu, gaze or signal stream; NaN where there is no value.

    Args:
        columns: By name, each of shape (n,): the value columns of the stream's table, or the channels of a signal.
    """

    stream: Stream
    t_ns: Times
    columns: Mapping[str, Numbers]


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundLane:
    """The sound of one stream.

    Args:
        t_ns: Shape (n,), of its blocks or packets, by index.
        first_ns, last_ns: Times of its first and its last block.
        blocks: Gives the time of the first sample and the samples, shape (n, channels), block by block in order;
            raises ReadError.
    """

    stream: Stream
    first_ns: int
    last_ns: int
    rate_hz: float
    channels: int
    blocks: Callable[[], Iterator[tuple[int, npt.NDArray[np.int16]]]]
    t_ns: Times = field(default_factory=lambda: np.zeros(0, np.int64))


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameOfReferenceLane:
    """Poses or transforms: where frames of reference are in others.

    Args:
        static: Shape (n,), whether it holds for the whole recording.
        values: Shape (n, 7): x, y, z in metres, then the quaternion w, x, y, z.
    """

    stream: Stream
    t_ns: Times
    parents: Sequence[str]
    children: Sequence[str]
    static: npt.NDArray[np.bool_]
    values: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibrated:
    """One state of a camera's calibration; matrices row by row, empty where not stated.

    Args:
        t_ns: From when it holds.
    """

    stream: Stream
    t_ns: int
    frame_of_reference: str
    model: str
    width_px: int
    height_px: int
    distortion: Sequence[float]
    intrinsics: Sequence[float]
    rectification: Sequence[float]
    projection: Sequence[float]


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageLane:
    """Messages that no typed table holds, as JSON text; None where they were too large to keep."""

    stream: Stream
    t_ns: Times
    values: Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that lasts, or an instant.

    Args:
        name: The gesture of a segment, the id of a check, what the source called an event.
        end_ns: Not itself included; equal to ``start_ns`` for an instant.
        more: Whatever else is known, by name.
    """

    kind: Happened
    name: str
    start_ns: int
    end_ns: int
    stream: str | None = None
    text: str = ""
    severity: Severity = "info"
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Omission:
    """What is not in a file, or not as it was recorded.

    Args:
        effect: ``lost``: it is not there; ``changed``: it is, but not as it was recorded.
        stream: None where it concerns the recording.
        count: Samples.
    """

    effect: Literal["lost", "changed"]
    stream: str | None
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """One recording.

    Args:
        facts: Groups of facts to be written beside the data, by name: dataset and revision, what is known of every
            clock.
        omissions: What the timeline itself does not hold of the recording.
    """

    recording_id: str
    name: str
    facts: Mapping[str, Mapping[str, str]]
    ontology: Ontology | None = None
    frames: Sequence[FrameLane] = ()
    numbers: Sequence[NumberLane] = ()
    sounds: Sequence[SoundLane] = ()
    places: Sequence[FrameOfReferenceLane] = ()
    calibrations: Sequence[Calibrated] = ()
    messages: Sequence[MessageLane] = ()
    happenings: Sequence[Happening] = ()
    omissions: Sequence[Omission] = ()

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last time of any sample, both included; None where there is none."""
        lanes: tuple[FrameLane | NumberLane | FrameOfReferenceLane | MessageLane, ...]
        lanes = (*self.frames, *self.numbers, *self.places, *self.messages)
        ends = [(int(lane.t_ns.min()), int(lane.t_ns.max())) for lane in lanes if len(lane.t_ns)]
        ends += [(sound.first_ns, sound.last_ns) for sound in self.sounds]
        return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a timeline.

    Args:
        messages: How many were written, by topic.
        omissions: Those of the timeline, and what the format could not carry.
    """

    messages: Mapping[str, int]
    omissions: tuple[Omission, ...]
