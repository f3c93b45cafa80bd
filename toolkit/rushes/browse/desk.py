"""What the panels may ask of a dataset: values in, values out. The room never sees the store.

Whoever serves the App opens a desk for each dataset in it (:func:`opened`); a panel, which FiftyOne runs in
threads of the same process, finds it by the name that the dataset has in the App (:func:`of`).

Times are int64 nanoseconds of the recorder's clock, through the clock maps. Values are float64, NaN where absent.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from rushes.errors import ToolError
from rushes.model import Severity, Times

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SignalStream:
    """A stream that can be drawn over time.

    Args:
        stream: Its name.
        modality: imu, gaze, audio, pose or signal.
        rate_hz: Samples a second; None where unknown.
    """

    stream: str
    modality: str
    rate_hz: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """Lines over the same axis of values.

    Args:
        title: What they show.
        unit: Of the values; empty for a pure number.
        lines: Name → t_ns, shape (n,), ascending, and the values, shape (n,).
    """

    title: str
    unit: str
    lines: Mapping[str, tuple[Times, Floats]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """A stream around a sample.

    Args:
        at_ns: Time of the sample.
        since_start_s: The same in seconds from the start of the recording, as the field ``time_s``.
        start_ns: What the window begins with; ``end_ns`` is no more in it.
        plots: Empty where the stream has no sample in the window; then ``reason`` says why.
        samples: Samples of the stream in the window, before any thinning.
    """

    at_ns: int
    since_start_s: float
    start_ns: int
    end_ns: int
    plots: Sequence[Plot]
    samples: int
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockOf:
    """The clock of one stream, as the newest estimate has it; what is not known is None.

    Args:
        offset_ns: The recorder's clock minus the stream's.
        ci95_ns: Half width of the 95 % interval of a mapped time, apart from the latency.
    """

    stream: str
    clock: str
    verdict: str
    reason: str
    offset_ns: int | None = None
    drift_ppm: float | None = None
    drift_ci95_ppm: float | None = None
    residual_p95_ns: int | None = None
    ci95_ns: int | None = None
    segments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewOf:
    """How far a stream's samples lie from their moments.

    Args:
        skew_ns: Shape (n,), one a moment that it takes part in.
        moments: Moments of the recording.
    """

    stream: str
    skew_ns: Times
    moments: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentCheck:
    """What the content of two streams says of their clocks."""

    kind: str
    first: str
    second: str
    verdict: str
    offset_ns: int | None
    ci95_ns: int | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """What is known of the clocks of one recording.

    Args:
        time: Which time the moments used: header, log, pts or mapped; empty where there are none.
        reference: Stream that sets the moments; empty for a grid.
        moments: How many there are.
    """

    recording: str
    time: str
    reference: str
    moments: int
    clocks: Sequence[ClockOf]
    skews: Sequence[SkewOf]
    checks: Sequence[ContentCheck]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckCount:
    """What one check found, at one severity.

    Args:
        findings: Rows of ``findings``.
        samples: Samples that they concern.
        recordings: Ids of the recordings that they concern; empty where they concern the dataset.
        example: The message of one.
        of_frames: Whether single frames are concerned, so that the App can show them.
    """

    check: str
    severity: Severity
    findings: int
    samples: int
    recordings: Sequence[str]
    example: str
    of_frames: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How a measure of the pictures is spread.

    Args:
        counts: Shape (n,), pictures in each bin.
        edges: Shape (n + 1,), ascending; the last bin includes its end.
        meaning: One sentence.
        logarithmic: Whether the bins are equal in the logarithm.
        absent: Pictures without a value.
    """

    name: str
    unit: str
    meaning: str
    counts: npt.NDArray[np.int64]
    edges: Floats
    logarithmic: bool
    absent: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Findings by check, worst first, and the spread of the picture measures."""

    findings: Sequence[CheckCount]
    measures: Sequence[Measure]
    checked: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One named split.

    Args:
        names: Every split of the dataset, the newest last.
        units: Part → recordings, or blocks of time.
        frames: Part → frames.
        classes: Class → part → labels that stand, the most frequent class first.
        of_models: Whether these labels are of models, as no others stand.
        group_by: What was kept together.
    """

    name: str
    names: Sequence[str]
    units: Mapping[str, int]
    frames: Mapping[str, int]
    classes: Mapping[str, Mapping[str, int]]
    of_models: bool
    group_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """One thing that an audit of a split found, or could not look at."""

    check: str
    severity: Severity
    count: int
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorOf:
    """What one person, model or format has made.

    Args:
        source: human, consensus, model or import.
        items: Pictures, moments or clips.
    """

    author: str
    source: str
    items: int
    labels: int
    newest_ns: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """How far people agree on one kind of label; ``value`` is None where it cannot be told."""

    what: str
    between: str
    measure: str
    value: float | None
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """How far the annotation is.

    Args:
        states: labelled, in review, given out, predicted, unlabelled → frames.
        classes: Class → labels that stand.
        agreement: Empty where nobody has labelled what another has; ``reason`` then says so.
    """

    states: Mapping[str, int]
    authors: Sequence[AuthorOf]
    classes: Mapping[str, int]
    agreement: Sequence[Figure]
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Pictures as points, of one model.

    Args:
        recording, stream: Of each point, n long.
        index: Shape (n,), of the picture in its stream.
        vectors: Shape (n, k), each of length 1.
    """

    model: str
    recording: Sequence[str]
    stream: Sequence[str]
    index: npt.NDArray[np.int64]
    vectors: npt.NDArray[np.float32]


class Desk(Protocol):
    """What a dataset answers. Called from several threads at once."""

    def signals(self, recording_id: str) -> Sequence[SignalStream]:
        """Give the streams of a recording that can be drawn over time."""
        ...

    def around(
        self, recording_id: str, sample: tuple[str, int], *, signal: str, span_ns: int, points: int
    ) -> Around:
        """Give a stream around a sample.

        Args:
            recording_id: The recording.
            sample: Stream and index of the picture.
            signal: The stream to draw.
            span_ns: Length of the window, the sample at its middle.
            points: Of a line, at most.
        """
        ...

    def clocks(self, recording_id: str) -> Clocks:
        """Give what is known of a recording's clocks."""
        ...

    def quality(self) -> Quality:
        """Give findings and measures of the whole dataset."""
        ...

    def split(self, name: str | None = None) -> Split | None:
        """Give a split, the newest when None; None where there is none."""
        ...

    def leaks(self, split: str) -> Sequence[Leak]:
        """Search a split for leaks; it may take a minute, and keeps what it found."""
        ...

    def annotation(self) -> Annotation:
        """Give how far the annotation is."""
        ...

    def points(self) -> Points | None:
        """Give the points of the pictures; None where there are none."""
        ...


_open: dict[str, Any] = {}


@contextmanager
def opened(names: Sequence[str], desk: Desk) -> Iterator[None]:
    """Let panels find the desk by the names that its dataset has in the App, as long as the block runs."""
    before = {name: _open.get(name) for name in names}
    _open.update(dict.fromkeys(names, desk))
    try:
        yield
    finally:
        for name, desk_before in before.items():
            if desk_before is None:
                _open.pop(name, None)
            else:
                _open[name] = desk_before


def of(dataset_name: str) -> Any:
    """Give the desk of a dataset of the App, a :class:`Desk`; operators know it by what they ask of it.

    Raises:
        ToolError: ``browse.no-desk`` for a dataset that was not opened here, such as one made in the App.
    """
    found = _open.get(dataset_name)
    if found is None:
        raise ToolError(
            f"'{dataset_name}' was not opened by rushes browse",
            code="browse.no-desk",
            hint="choose the dataset that rushes browse opened, at the top left of the App",
            facts={"dataset": dataset_name, "open": ", ".join(sorted(_open))},
        )
    return found
