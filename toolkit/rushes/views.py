"""Clocks, labels and a whole dataset, as checks are shown them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Stream
from rushes.vocabulary import Ontology

ABSENT_NS = -(2**63)
"""Stands for a time that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockStretch:
    """A stretch without a reset of one clock against the recorder's, as sync estimated it.

    Args:
        clock: Its name: a stream's ``clock_id``, or the stream.
        segment: Number of the stretch, from 0.
        start_ns, end_ns: In the clock itself, both included.
        drift_ppm: What the recorder's clock gains on it.
        drift_ci95_ppm: Half width of the 95 % interval; None where not known.
        estimated: Whether there was evidence.
    """

    clock: str
    segment: int
    start_ns: int
    end_ns: int
    drift_ppm: float
    drift_ci95_ppm: float | None
    estimated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ContentVerdict:
    """What the content of two streams says of their clocks, as sync found it; the fields are ``crosschecks``."""

    kind: str
    first: str
    second: str
    verdict: str
    offset_ns: int | None
    ci95_ns: int | None
    reason: str
    applied: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ClocksView:
    """The clocks of one recording, as a check is shown them.

    Args:
        spans: By stream that has samples and times, its earliest and latest raw time, both included.
        stretches: What sync estimated; empty where it never ran or had no evidence.
        content: What sync found in the content.
    """

    recording: str
    streams: Sequence[Stream]
    spans: Mapping[str, tuple[int, int]]
    stretches: Sequence[ClockStretch]
    content: Sequence[ContentVerdict]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelsView:
    """The current labels of one recording, as a check is shown them, a row a label.

    Args:
        recording: Name of the recording, for people.
        columns: Those of ``labels``, each of shape (n,). Texts are objects, None where absent; ``x_px`` and other
            measures are NaN where absent; ``index``, ``index_end`` and ``moment`` are -1, the sizes of the picture
            0, times ``ABSENT_NS``. ``points``, ``ring_ends`` and ``received`` are left out.
        bounds: Shape (n, 4): left, top, right and bottom in the picture, px; NaN where there is no place in it.
        points: Shape (m,), what ``points`` holds, end to end.
        starts: Shape (n + 1,), where each label's points begin.
        ontology: None where the dataset has none.
        streams: Of the recording, by name.
        seen: Whether or not anything was labelled, the frames that were looked at: by tool and author, the stream
            and the index.
    """

    recording: str
    columns: Mapping[str, npt.NDArray[Any]]
    bounds: npt.NDArray[np.float64]
    points: npt.NDArray[np.float64]
    starts: npt.NDArray[np.int64]
    ontology: Ontology | None = None
    streams: Mapping[str, Stream] = field(default_factory=dict)
    seen: Mapping[tuple[str | None, str | None], frozenset[tuple[str, int]]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Give the number of labels."""
        return len(self.bounds)


@dataclass(frozen=True, slots=True, kw_only=True)
class CountsView:
    """How often each value of one property occurs in each recording.

    Args:
        counts: Shape (recordings, values).
    """

    values: tuple[str, ...]
    counts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorView:
    """What one person did in all recordings together.

    Args:
        offered: Labels of theirs that rest on a prediction.
        unchanged: Those of them that were taken over as they were.
        lead_time_s: Shape (k,), how long each version took that states it.
    """

    offered: int
    unchanged: int
    lead_time_s: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetView:
    """A whole dataset, as a check is shown it; the rows of every array are its recordings.

    Args:
        name: Of the dataset.
        recordings: Their names, in one order.
        facts: ``subject``, ``place``, ``session`` and ``task`` of each recording, None where not known.
        counts: ``class`` by kind of vocabulary (``class``, ``gesture``, ``relation``), ``attribute NAME`` for each
            attribute of the ontology, ``sensor``: samples by modality.
        measures: By stream and metric, such as ``cam0``, ``mean_grey``: shape (recordings,), NaN where absent.
        parts: By split, the part of each recording; None where it has none.
        declared: Names that the ontology offers, by property as in ``counts``.
        authors: By name, those who labelled by hand.
        before: The same dataset at an earlier revision, to tell what changed; None where it is not asked for.
    """

    name: str
    recordings: tuple[str, ...]
    facts: Mapping[str, tuple[str | None, ...]]
    counts: Mapping[str, CountsView]
    measures: Mapping[tuple[str, str], npt.NDArray[np.float64]]
    parts: Mapping[str, tuple[str | None, ...]] = field(default_factory=dict)
    declared: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    authors: Mapping[str, AuthorView] = field(default_factory=dict)
    before: "DatasetView | None" = None
