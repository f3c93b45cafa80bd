"""Which clips are to be labelled: whole picture streams, pieces of them, or what lies round events and moments."""

from collections.abc import Iterable, Iterator

import numpy as np

from rushes.errors import UsageError
from rushes.model import Times
from rushes.quantities import duration_ns
from rushes.workflow._annotate.units import Unit
from rushes.workflow.dataset import Dataset

AROUND_NS = 1_000_000_000
"""How much is shown before and after an event."""
EVENTS = "events"
MOMENTS = "moments"


def chosen(dataset: Dataset, where: str | None, clip: str | None) -> list[Unit]:
    """Choose clips; each has a key of its own, by the samples that it shows.

    Args:
        dataset: Where from.
        where: SQL over the columns of streams and recordings; with ``events`` over those of events and recordings,
            with ``moments`` over those of moments and recordings; all when None.
        clip: None for whole streams; a length such as ``30s``; ``events`` for what lies round each event; or
            ``moments`` for each run of moments that follow one another. The last two show every colour stream.

    Raises:
        UsageError: ``store.query`` for SQL that does not hold, ``annotate.clip`` for a length that is none.
    """
    if clip == EVENTS:
        found = _round_events(dataset, where)
    elif clip == MOMENTS:
        found = _of_moments(dataset, where)
    else:
        found = _pieces(dataset, where, length_ns(clip))
    spans = dict.fromkeys(span for span in found if span[2] < span[3])
    return [
        Unit(
            key=f"{rec}/{stream}/{first}-{end}",
            recording_id=rec,
            samples={"video": (rec, stream, first)},
            clip=end - first,
        )
        for rec, stream, first, end in spans
    ]


Span = tuple[str, str, int, int]
"""Recording, stream, first sample, one past the last."""


def pieces(times: Times, length_ns: int) -> Iterator[tuple[int, int]]:
    """Cut a stream into consecutive spans of samples, each of at most a length; none is empty.

    Args:
        times: Raw; where they go back, time is taken to stand still.
        length_ns: From the first sample of a piece to the first of the next, at most.
    """
    passed = np.concatenate([[0], np.cumsum(np.maximum(np.diff(times), 0))])
    first = 0
    while first < len(times):
        end = max(int(np.searchsorted(passed, passed[first] + length_ns, side="left")), first + 1)
        yield first, end
        first = end


def _pieces(dataset: Dataset, where: str | None, longest_ns: int | None) -> Iterator[Span]:
    _, rows = dataset.store.rows(
        "SELECT recording_id, stream, streams.count FROM streams JOIN recordings USING (recording_id) "
        f"WHERE streams.\"table\" = 'frames' AND streams.count > 0 AND ({where or 'true'}) ORDER BY ALL"
    )
    for rec, stream, count in rows:
        if longest_ns is None:
            yield rec, stream, 0, count
            continue
        for first, end in pieces(dataset.frames(rec, stream).t_ns, longest_ns):
            yield rec, stream, first, end


def _round_events(dataset: Dataset, where: str | None) -> Iterator[Span]:
    _, rows = dataset.store.rows(
        'SELECT recording_id, stream, "index", coalesce(t_end_ns - t_ns, 0) FROM events '
        f"JOIN recordings USING (recording_id) WHERE ({where or 'true'}) ORDER BY ALL"
    )
    cameras = _cameras(dataset)
    times: dict[tuple[str, str], Times] = {}
    for rec, stream, index, lasted_ns in rows:
        for camera in cameras.get(rec, ()):
            for name in (stream, camera):  # in the recorder's clock, which they share
                if (rec, name) not in times:
                    times[rec, name] = dataset.times(rec, name)
            start = int(times[rec, stream][index])
            span = (start - AROUND_NS, start + lasted_ns + AROUND_NS)
            first, end = np.searchsorted(times[rec, camera], span)
            yield rec, camera, int(first), int(end)


def _of_moments(dataset: Dataset, where: str | None) -> Iterator[Span]:
    _, rows = dataset.store.rows(
        'SELECT recording_id, member.stream, moment, member."index" FROM moments '
        "JOIN recordings USING (recording_id) "
        'JOIN (SELECT recording_id, moment, stream, "index" FROM moment_members) member '
        f"USING (recording_id, moment) WHERE ({where or 'true'}) ORDER BY ALL"
    )
    cameras = _cameras(dataset)
    yield from _runs(row for row in rows if row[1] in cameras.get(row[0], ()))


def _runs(rows: Iterable[tuple[str, str, int, int]]) -> Iterator[Span]:
    """Join members of moments that follow one another; rows of recording, stream, moment, sample, in order."""
    run: Span | None = None
    last = 0
    for rec, stream, moment, index in rows:
        if run is not None and run[:2] == (rec, stream) and moment == last + 1:
            run = (rec, stream, min(run[2], index), max(run[3], index + 1))
        else:
            if run is not None:
                yield run
            run = (rec, stream, index, index + 1)
        last = moment
    if run is not None:
        yield run


def _cameras(dataset: Dataset) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for row in dataset.arrow("streams", where={"table": "frames", "modality": "color"}).to_pylist():
        found.setdefault(row["recording_id"], []).append(row["stream"])
    return found


def length_ns(text: str | None) -> int | None:
    """Read how long a clip may be; None for no limit.

    Raises:
        UsageError: ``annotate.clip`` for a length that is none.
    """
    if text is None:
        return None
    try:
        found = duration_ns(text)
    except ValueError as error:
        found, said = 0, str(error)
    else:
        said = "it is not longer than nothing"
    if found <= 0:
        raise UsageError(
            f"'{text}' is no length of a clip: {said}",
            code="annotate.clip",
            hint="write a length such as 30s or 2min; for gestures also events, or moments",
        )
    return found
