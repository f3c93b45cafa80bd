"""The desk of a dataset: what the App's panels are answered, out of one revision."""

from collections.abc import Sequence
from functools import cache, lru_cache, partial

from rushes.browse import desk
from rushes.workflow._browse.annotation_of import annotation_of
from rushes.workflow._browse.clocks_of import clocks_of
from rushes.workflow._browse.points_of import points_of
from rushes.workflow._browse.quality_of import quality_of
from rushes.workflow._browse.signals_around import Signals
from rushes.workflow._browse.split_of import leaks_of, split_of
from rushes.workflow.dataset import Dataset

RECORDINGS_KEPT = 64


class DatasetDesk:
    """A :class:`rushes.browse.desk.Desk` over an opened dataset, which stays open as long as this is used."""

    def __init__(self, dataset: Dataset) -> None:
        self._look_at(dataset)

    def _look_at(self, dataset: Dataset) -> None:
        """Answer out of this one from now on."""
        self._dataset = dataset
        self._signals = Signals(dataset)
        # The dataset is open at one revision, which does not change: what was worked out once stays right.
        self._clocks = lru_cache(RECORDINGS_KEPT)(partial(clocks_of, dataset))
        self._quality = cache(partial(quality_of, dataset))
        self._split = cache(partial(split_of, dataset))
        self._leaks = cache(partial(leaks_of, dataset))
        self._annotation = cache(partial(annotation_of, dataset))

    def signals(self, recording_id: str) -> Sequence[desk.SignalStream]:
        """Give the streams of a recording that can be drawn over time."""
        return self._signals.offered(recording_id)

    def around(
        self, recording_id: str, sample: tuple[str, int], *, signal: str, span_ns: int, points: int
    ) -> desk.Around:
        """Give a stream around a sample."""
        return self._signals.around(recording_id, sample, signal=signal, span_ns=span_ns, points=points)

    def clocks(self, recording_id: str) -> desk.Clocks:
        """Give what is known of a recording's clocks."""
        return self._clocks(recording_id)

    def quality(self) -> desk.Quality:
        """Give findings and measures of the whole dataset."""
        return self._quality()

    def split(self, name: str | None = None) -> desk.Split | None:
        """Give a split, the newest when None; None where there is none."""
        return self._split(name)

    def leaks(self, split: str) -> Sequence[desk.Leak]:
        """Search a split for leaks; it may take a minute, and keeps what it found."""
        return self._leaks(split)

    def annotation(self) -> desk.Annotation:
        """Give how far the annotation is."""
        return self._annotation()

    def points(self) -> desk.Points | None:
        """Give the points of the pictures; None where there are none."""
        return points_of(self._dataset)
