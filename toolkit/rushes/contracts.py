"""What a plugin of each kind must do. A plugin sees ``model`` and this file, never Parquet.

Live sensors have theirs in ``capturing``.
For every contract there is a test class in ``tests/contracts``; a plugin's test subclasses it and gives samples.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.duplicates import DuplicatesView
from rushes.labels import Geometry, LabelledPicture
from rushes.model import (
    Assignment,
    Batch,
    Claim,
    ClockPairs,
    Column,
    Description,
    Finding,
    FrameRequest,
    LedgerEntry,
    Loss,
    Metric,
    SmallPicture,
    Stream,
    Times,
)
from rushes.timelines import Timeline, Written
from rushes.views import ClocksView, DatasetView, LabelsView
from rushes.vocabulary import Ontology


class OpenRecording(Protocol):
    """A recording that a reader holds open; a context manager. The files are never altered."""

    @property
    def description(self) -> Description:
        """What the recording says of itself; ready at once, no sample has been read for it."""
        ...

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples of the named streams (all when None), in bounded memory.

        Batches of one stream come in recorded order; streams may be interleaved in any way. Can be called again.
        A damaged stretch is skipped and becomes a :class:`Loss`, it does not end the reading.

        Raises:
            ReadError: If nothing more can be read at all.
        """
        ...

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run of :meth:`batches`, an entry per stream and step, each balanced."""
        ...

    def losses(self) -> Sequence[Loss]:
        """Name what the latest run of :meth:`batches`, or the opening, could not read."""
        ...

    def clock_pairs(self) -> Sequence[ClockPairs]:
        """Give the readings of two clocks that the latest run of :meth:`batches`, or the opening, has met.

        Only what no row of a sample table carries: a sample's own log and header times are evidence as they are.
        """
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Reader(Protocol):
    """A recording format. ``readers/NAME.py``."""

    name: str
    version: str
    """Raised whenever the rows that it makes of the same bytes change."""

    def probe(self, path: Path, head: bytes) -> Claim:
        """Say how surely this reader can read ``path``, reading no more than a listing and small index files.

        Args:
            path: An existing file or folder.
            head: The first 4,096 bytes of a file; empty for a folder.
        """
        ...

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        """Open a recording and read its index, no more.

        Raises:
            ReadError: If the path cannot be opened as this format. What can be read in part is opened, and the
                missing part is among its ``losses``.
        """
        ...


class Decoder(Protocol):
    """Encoded payloads → pixels. ``decoders/NAME.py``."""

    name: str
    codecs: frozenset[str]

    def decode(self, request: FrameRequest, payload: bytes | memoryview | None) -> npt.NDArray[Any]:
        """Decode one frame.

        Args:
            request: Where and what it is.
            payload: The encoded bytes; None where the decoder reads the container itself (``reads_container``), or
                the packets of ``request.run``.

        Returns:
            Shape (h, w, 3) uint8 RGB for colour, (h, w) uint8 for grey and infrared (uint16 when recorded so),
            (h, w) uint16 or float32 for depth, in the counts that were recorded. The picture is as stored:
            ``rotation_deg`` is not applied.

        Raises:
            ReadError: ``read.undecodable``, if the bytes are not a picture of this codec.
        """
        ...

    def decode_grey(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> npt.NDArray[np.uint8]:
        """Decode one frame small and grey, for checks and thumbnails; cheaper than :meth:`decode` where it can be.

        Args:
            request: As for :meth:`decode`.
            payload: As for :meth:`decode`.
            long_side_px: Wished length of the longer side. A larger picture comes out with at least 0.9 of it
                and at most all of it; a smaller one stays as it is.

        Returns:
            Shape (h, w) uint8. More than 8 bits: 0 and what is not finite stay 0, the 99th percentile of the
            others becomes 255, linear between, clipped above; so brightness cannot be compared between frames.

        Raises:
            ReadError: As :meth:`decode`.
        """
        ...

    def decode_small(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> SmallPicture:
        """Decode one frame for all checks together, in colour where it has colour.

        Args:
            request: As for :meth:`decode`.
            payload: As for :meth:`decode`.
            long_side_px: Wished length of the longer side, kept as in :meth:`decode_grey`.

        Raises:
            ReadError: As :meth:`decode`; its facts name the ``fault``: empty, cut, no-picture, too-large or
                undecodable.
        """
        ...

    reads_container: bool
    """Whether it reads what it needs by itself and is quickest in order, one picture after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """A limit of a check: its default, its unit and why it is what it is."""

    default: float
    unit: str
    reason: str

    def __str__(self) -> str:
        """Say the default with its unit and reason, as ``--explain`` shows it."""
        return (
            f"{self.default:g} {self.unit} ({self.reason})" if self.unit else f"{self.default:g} ({self.reason})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamView:
    """One stream of one recording, as a check is shown it.

    Args:
        recording: Name of the recording, for people.
        stream: The stream.
        columns: ``index``, ``t_ns`` and the columns that the check asked for, each of shape (n,) in index order;
            masked where values can be absent. A column that the table does not have is left out.
        pictures: The picture measures that the check asked for, each of shape (n,), NaN where not measured;
            empty where no picture was looked at.
        steady_ns: Shape (n,), times that tell how long things took where the raw ones do not: the stream's own
            clock was set anew while it ran, or samples of discarded takes are left out; None otherwise.
    """

    recording: str
    stream: Stream
    columns: Mapping[str, npt.NDArray[Any]]
    pictures: Mapping[str, npt.NDArray[np.float64]] = field(default_factory=dict)
    steady_ns: Times | None = None

    @property
    def spans(self) -> Times:
        """Times fit for telling how long things took. Shape (n,)."""
        return self.columns["t_ns"] if self.steady_ns is None else self.steady_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingView:
    """What became of one recording when it was read, as a check is shown it."""

    recording: str
    ledger: Sequence[LedgerEntry]
    losses: Sequence[Loss]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairView:
    """How one stream takes part in the moments of a recording.

    Args:
        samples: Of the stream.
        moments: Of the recording.
        skew_ns: Shape (k,), of each of its members; sample time minus moment time.
        interval_ns: Its median interval; None where it has none.
        reference_interval_ns: That of the reference.
        phase_margin: As in ``timing.moments.Pairing``.
        reason: Why it has no members; empty where it has.
    """

    stream: str
    samples: int
    moments: int
    skew_ns: npt.NDArray[np.int64]
    interval_ns: int | None
    reference_interval_ns: int | None
    phase_margin: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MomentsView:
    """The moments of one recording, as a check is shown them; one pair for each stream but the reference."""

    recording: str
    reference: str
    pairs: Sequence[PairView]


class CheckFacts(Protocol):
    """What every check says of itself."""

    name: str
    """Its id, such as ``stream.gap``; its module is ``stream_gap.py``."""

    version: str
    """Raised whenever its measures of the same data change."""

    reason: str
    """Why the check exists, for ``rushes check --explain``; what it measures is its docstring."""

    known_limits: str
    """What it does not tell, and what it may tell without a fault."""

    defaults: Mapping[str, Option]
    """Options by name; the names carry units where they have one."""


class StreamCheck(CheckFacts, Protocol):
    """Columns and picture measures of one stream → metrics and findings. ``checks/NAME.py``.

    Pictures are measured once for all checks, before and apart from judging, so that limits change without a
    decode and several checks share one.
    """

    subject: Literal["stream"]

    columns: tuple[str, ...]
    """Columns of the stream's table that it reads, besides ``index`` and ``t_ns``."""

    pictures: tuple[str, ...]
    """Picture measures that it reads, of ``rushes.checks.PICTURE_MEASURES``; empty: it needs no picture."""

    def applies(self, stream: Stream) -> bool:
        """Say whether the check makes sense for such a stream."""
        ...

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Measure what is cheap, and judge. Never raises for bad data: that is a finding."""
        ...


class RecordingCheck(CheckFacts, Protocol):
    """What was read and lost → findings."""

    subject: Literal["recording"]

    def judge(self, view: RecordingView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge; never raises for bad data."""
        ...


class MomentsCheck(CheckFacts, Protocol):
    """Moments and their skew → findings."""

    subject: Literal["moments"]

    def judge(self, view: MomentsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge; never raises for bad data."""
        ...


class ClocksCheck(CheckFacts, Protocol):
    """How clocks ran → findings."""

    subject: Literal["clocks"]

    def judge(self, view: ClocksView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge; never raises for bad data."""
        ...


class LabelsCheck(CheckFacts, Protocol):
    """Labels of one recording → metrics and findings. ``checks/NAME.py``."""

    subject: Literal["labels"]

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge; never raises for bad data. Fit for 100,000 labels: columns, not a loop over pairs."""
        ...


class DatasetCheck(CheckFacts, Protocol):
    """All recordings together → metrics and findings. ``checks/NAME.py``."""

    subject: Literal["dataset"]

    def judge(self, view: DatasetView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge; never raises for bad data."""
        ...


class DuplicatesCheck(CheckFacts, Protocol):
    """Pictures of all recordings together → findings, each with the id of the recording that it is about."""

    subject: Literal["duplicates"]

    def judge(self, view: DuplicatesView, options: Mapping[str, float]) -> Iterator[tuple[str, Metric | Finding]]:
        """Judge; never raises for bad data."""
        ...


Check: TypeAlias = (
    StreamCheck | RecordingCheck | MomentsCheck | ClocksCheck | LabelsCheck | DatasetCheck | DuplicatesCheck
)
"""Told apart by ``subject``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """What a format could not carry, or a file did not say well; nothing goes without one of these.

    Args:
        effect: ``lost``: the labels are not there; ``changed``: they are, but not as they were; ``noted``: they
            are as they were, and there is something to know.
        what: In two or three words, such as "rotation" or "relations".
        count: Labels that it concerns.
        reason: A sentence, with a way out where there is one.
    """

    effect: Literal["lost", "changed", "noted"]
    what: str
    count: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """What was written: labels_in = labels_out + all that is ``lost``."""

    files: tuple[Path, ...]
    pictures: int
    labels_in: int
    labels_out: int
    left_out: tuple[LeftOut, ...] = ()

    @property
    def balanced(self) -> bool:
        """Whether every label is accounted for."""
        return self.labels_in == self.labels_out + sum(x.count for x in self.left_out if x.effect == "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelFile:
    """What a file of labels holds.

    Args:
        pictures: Names as the file gives them; ``recording_id`` is empty unless the file states it.
        ontology: Its classes, in its own order and with its own ids.
        items: How many annotations the file itself counts; an annotation may make several labels.
    """

    pictures: tuple[LabelledPicture, ...]
    ontology: Ontology
    items: int
    left_out: tuple[LeftOut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """One thing that a model sees in a picture.

    Args:
        score: 0 to 1.
        geometry: Pixels of the picture as it was given, from its corner; None for a class of the whole picture.
        part_of: Position of the prediction that it is a part of, such as the box of keypoints.
    """

    class_name: str
    score: float
    geometry: Geometry | None
    part_of: int | None = None


class OpenModel(Protocol):
    """A model that is loaded; one picture at a time, the same picture gives the same answer."""

    classes: tuple[str, ...]
    """In the order of the model's own numbers."""

    def predict(self, pixels: npt.NDArray[np.uint8]) -> Sequence[Prediction]:
        """Say what is in a picture, the surest first.

        Args:
            pixels: Shape (h, w, 3), RGB, as stored.
        """
        ...


class Predictor(Protocol):
    """Pixels → predicted labels. ``models/NAME.py``."""

    name: str
    version: str
    """Raised whenever it says other things of the same picture and weights."""

    defaults: Mapping[str, str]
    """Options that it knows, with their defaults."""

    def probe(self, model: Path) -> Claim:
        """Say how surely this plugin can run a file of weights."""
        ...

    def open(self, model: Path, options: Mapping[str, str]) -> OpenModel:
        """Load the weights.

        Raises:
            ReadError: ``model.file`` if the file is none that it can run.
            UsageError: If an option cannot be meant so.
        """
        ...


class Exporter(Protocol):
    """A view → a foreign format. ``export/NAME.py``."""

    name: str
    version: str

    defaults: Mapping[str, str]
    """Options that it knows, with their defaults."""

    def write(
        self, place: Path, pictures: Sequence[LabelledPicture], ontology: Ontology, options: Mapping[str, str]
    ) -> Exported:
        """Write labels; the pictures themselves lie, or will lie, at ``place / "images" / part / name``.

        Classes keep the order of the ontology in every file. The same input gives the same bytes.

        Args:
            place: An existing folder.
            pictures: In the order in which they are written.
            ontology: What may be labelled; a label of another class is lost, and reported.
            options: Of the format, all of ``defaults``.

        Raises:
            UsageError: If an option cannot be meant so.
        """
        ...


class RecordingExporter(Protocol):
    """Whole recordings → a foreign format, a file each. ``export/NAME.py``."""

    name: str
    version: str
    """Raised whenever it makes other files of the same recording."""

    suffix: str
    """Of its files, with the dot."""

    defaults: Mapping[str, str]
    """Options that it knows, with their defaults."""

    def write_recording(
        self, path: Path, timeline: Timeline, options: Mapping[str, str], progress: Callable[[int, int], None]
    ) -> Written:
        """Write a recording, in memory that does not grow with its pictures and sound.

        Args:
            path: File to write; what is there is overwritten. Where this raises, half a file may be left.
            timeline: Holds at least one sample.
            options: Of the format, all of ``defaults``.
            progress: To be called now and then with nanoseconds done and in all.
        """
        ...


class LabelReader(Protocol):
    """A foreign format → labels. ``export/NAME.py``, beside its exporter."""

    name: str
    version: str

    def probe(self, path: Path) -> Claim:
        """Say how surely this reader can read ``path``, reading no more than the head of small files."""
        ...

    def read(self, path: Path, options: Mapping[str, str]) -> LabelFile:
        """Read all labels.

        Raises:
            ReadError: If the path cannot be read as this format at all.
        """
        ...


class LabelFormat(Exporter, LabelReader, Protocol):
    """A format that is written and read."""


class Splitter(Protocol):
    """Groups × labels → parts. ``splits/NAME.py``."""

    name: str

    def assign(
        self,
        units: Mapping[str, Column],
        parts: Mapping[str, float],
        *,
        seed: int,
        pinned: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Sequence[Assignment]:
        """Assign every unit to a part, whole groups together; the same inputs give the same answer.

        Args:
            units: Columns ``unit`` (str), ``group`` (str) and ``weight`` (number of samples), one row a unit;
                where something is to be spread alike beside the samples, ``counts``, shape (units, counts). A
                splitter may leave it to chance.
            parts: Share of each part; they sum to 1.
            seed: Of the only randomness.
            pinned: Units that were assigned before and must not move.
            options: Of the splitter.

        Raises:
            UsageError: If the shares cannot be met at all, such as more parts than groups.
        """
        ...
