"""The desk of a dataset: what the App's panels are answered, out of one revision."""

from collections.abc import Sequence

from rushes.browse import desk
from rushes.workflow._browse.signals_around import Signals
from rushes.workflow.dataset import Dataset


class DatasetDesk:
    """A :class:`rushes.browse.desk.Desk` over an opened dataset, which stays open as long as this is used."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._signals = Signals(dataset)

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
        raise NotImplementedError

    def quality(self) -> desk.Quality:
        """Give findings and measures of the whole dataset."""
        raise NotImplementedError

    def split(self, name: str | None = None) -> desk.Split | None:
        """Give a split, the newest when None; None where there is none."""
        raise NotImplementedError

    def annotation(self) -> desk.Annotation:
        """Give how far the annotation is."""
        raise NotImplementedError
