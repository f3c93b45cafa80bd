"""One recording, read once → what a person wants to know before keeping it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.contracts import OpenRecording, Reader
from rushes.errors import RushesError
from rushes.intervals import describe, find_gaps
from rushes.model import Claim, Description, Finding, LedgerEntry, Stream, Times
from rushes.report.page import Picture
from rushes.report.plots import Stretch
from rushes.workflow._look.first_faults import columns_for_checks, first_faults
from rushes.workflow._look.gather import Gathered
from rushes.workflow._look.sameness import same_content_key, size_of
from rushes.workflow.discover import Found
from rushes.workflow.reader_faults import reading

DRAWN = 4096
"""Times kept for drawing a stream; of more, every n-th in order of time, which keeps the shape and the gaps."""
MARKED = 200
LONGEST = 3
_EMPTY: Times = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamSurvey:
    """One stream as it was read.

    Args:
        count: Samples read.
        declared: Samples that the recording says it holds; None where it says nothing.
        merged, rejected, unread: From the ledger.
        first_ns, last_ns: Earliest and latest raw time; None without samples or times.
        rate_hz: (count - 1) / (last - first) of the raw times; None where it cannot be told.
        ticking_hz: Rate while it ran, gaps left out, of a stream that ticks; else None.
        drawn: Shape (≤ 4096,). Times in ascending order, thinned.
        drawn_log: The same in the recorder's clock; None where the recording has no second time.
        intervals_ns: Shape (≤ 101,). Quantiles of the time from one sample to the next.
        gaps: The longest stretches without samples of a stream that ticks, in time order.
        longest: The longest intervals, longest first, whether they are gaps or not.
        pictures: A few small pictures, evenly spread.
        picture_trouble: Why a picture could not be shown.
    """

    stream: Stream
    count: int
    declared: int | None
    merged: int
    rejected: int
    unread: int
    first_ns: int | None
    last_ns: int | None
    rate_hz: float | None
    ticking_hz: float | None
    drawn: Times
    drawn_log: Times | None
    intervals_ns: npt.NDArray[np.float64]
    gaps: tuple[Stretch, ...]
    longest: tuple[Stretch, ...]
    pictures: tuple[Picture, ...]
    picture_trouble: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordingSurvey:
    """One recording as it was read, or the error that stopped it.

    Args:
        size: Bytes of all its files.
        files: Number of its files.
        origin_ns: From when the times in its page count; None where it has none.
        content: Equal for recordings with equal samples, whatever holds them; empty where nothing can be said.
        error: Why nothing could be read.
    """

    path: Path
    reader: str
    claim: Claim
    size: int
    files: int
    start_ns: int | None
    end_ns: int | None
    origin_ns: int | None
    streams: tuple[StreamSurvey, ...]
    findings: tuple[Finding, ...]
    content: str
    metadata: Mapping[str, Any]
    error: RushesError | None = None

    @property
    def samples(self) -> int:
        """Samples read, over all streams."""
        return sum(stream.count for stream in self.streams)


def survey(found: Found) -> RecordingSurvey:
    """Read a recording from end to end and keep what a page about it needs.

    A recording that cannot be read, or a reader that fails, gives a survey with its error.
    """
    reader: Reader = registry.load("readers", found.reader)
    try:
        with reading(found.path, found.reader), reader.open(found.path, {}) as recording:
            return _read(found, recording)
    except RushesError as error:
        return _failed(found, error)


def _read(found: Found, recording: OpenRecording) -> RecordingSurvey:
    about = recording.description
    gathered = {s.name: Gathered(s, more=columns_for_checks(s)) for s in about.streams}
    for batch in recording.batches():
        gathered[batch.stream].add(batch)
    ledger, losses = recording.ledger(), recording.losses()
    origin_ns = _origin(gathered.values())
    findings = list(first_faults(found.path.name, gathered, ledger, losses))
    content = same_content_key(gathered.values(), about.media)
    streams = []
    thumbnails = registry.late("rushes.workflow._look.thumbnails")
    with thumbnails.Thumbnailer(about.media) as thumbnailer:
        for kept in gathered.values():
            shown, trouble = ((), None)
            if kept.stream.table == "frames" and kept.rows:
                shown, trouble = thumbnailer.sheet(kept, origin_ns=origin_ns)
            if trouble:
                findings.append(_unshown(kept, trouble))
            streams.append(_stream(kept, ledger, shown, trouble))
            kept.release()
    firsts = [s.first_ns for s in streams if s.first_ns is not None]
    lasts = [s.last_ns for s in streams if s.last_ns is not None]
    files = [file.path for file in about.media] or _files(found.path)
    return RecordingSurvey(
        path=found.path,
        reader=found.reader,
        claim=found.claim,
        size=sum(size_of(path) for path in set(files)),
        files=len(set(files)),
        start_ns=about.start_ns if about.start_ns is not None else min(firsts, default=None),
        end_ns=about.end_ns if about.end_ns is not None else max(lasts, default=None),
        origin_ns=origin_ns,
        streams=tuple(streams),
        findings=tuple(findings),
        content=content,
        metadata=_plain(about),
    )


def _stream(
    kept: Gathered, ledger: Sequence[LedgerEntry], pictures: Sequence[Picture], trouble: str | None
) -> StreamSurvey:
    name = kept.stream.name
    entries = [entry for entry in ledger if entry.stream == name]
    declared = next((e.declared for e in entries if e.declared is not None), kept.stream.declared_count)
    times, log_times = _times(kept, "t_ns"), _times(kept, "t_log_ns")
    timed = kept.stream.clock != "none" and len(times) > 0
    times = times if timed else _EMPTY
    line = describe(times)
    ordered = np.sort(times)
    return StreamSurvey(
        stream=kept.stream,
        count=kept.rows,
        declared=declared,
        merged=sum(e.merged for e in entries),
        rejected=sum(e.rejected for e in entries),
        unread=sum(e.unread for e in entries),
        first_ns=line.first_ns,
        last_ns=line.last_ns,
        rate_hz=(len(times) - 1) * 1e9 / lasting if (lasting := _lasting(ordered)) else None,
        ticking_hz=line.rate_hz if line.regular else None,
        drawn=_thinned(ordered),
        drawn_log=_thinned(np.sort(log_times)) if timed and len(log_times) == kept.rows else None,
        intervals_ns=_quantiles(np.diff(ordered)),
        gaps=_gaps(times, line.interval_ns) if line.regular and line.interval_ns else (),
        longest=_longest(ordered),
        pictures=tuple(pictures),
        picture_trouble=trouble,
    )


def _lasting(ordered: Times) -> int:
    return int(ordered[-1] - ordered[0]) if len(ordered) else 0


def _gaps(times: Times, interval_ns: int) -> tuple[Stretch, ...]:
    found = find_gaps(times, interval_ns)
    widest = np.sort(np.argsort(-found.length_ns, kind="stable")[:MARKED])
    return tuple(_stretch(int(found.start_ns[i]), int(found.length_ns[i])) for i in widest)


def _longest(ordered: Times) -> tuple[Stretch, ...]:
    steps = np.diff(ordered)
    return tuple(_stretch(int(ordered[i]), int(steps[i])) for i in np.argsort(-steps, kind="stable")[:LONGEST])


def _stretch(start_ns: int, length_ns: int) -> Stretch:
    return Stretch(start_ns=start_ns, end_ns=start_ns + length_ns)


def _quantiles(steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    if not len(steps):
        return np.empty(0)
    return np.asarray(np.quantile(steps, np.linspace(0, 1, min(len(steps), 101))), np.float64)


def _thinned(ordered: Times) -> Times:
    if len(ordered) <= DRAWN:
        return ordered
    return ordered[np.round(np.linspace(0, len(ordered) - 1, DRAWN)).astype(np.int64)]


def _times(kept: Gathered, name: str) -> Times:
    return np.asarray(kept.present(name), np.int64)


def _origin(gathered: Iterable[Gathered]) -> int | None:
    """Give the time that a page counts from: the earliest of all streams whose clocks tell of the same time.

    That is what the pictures' streams tell, or where there are none, all streams; a stream far from them, such as
    a static transform stamped 0, has another clock.
    """
    spans = {
        kept: (int(times.min()), int(times.max()))
        for kept in gathered
        if kept.stream.clock != "none" and len(times := _times(kept, "t_ns"))
    }
    pictures = [span[0] for kept, span in spans.items() if kept.stream.table == "frames"]
    if not pictures:
        return min((first for first, _ in spans.values()), default=None)
    reach = 10 * max(60 * 10**9, *(last - first for first, last in spans.values()))
    return min(first for first, _ in spans.values() if first >= min(pictures) - reach)


def _unshown(kept: Gathered, trouble: str) -> Finding:
    return Finding(
        check="read.undecodable",
        severity="warning",
        message=f"{kept.stream.name}: a picture cannot be shown: {trouble}",
        stream=kept.stream.name,
    )


def _failed(found: Found, error: RushesError) -> RecordingSurvey:
    files = _files(found.path)
    return RecordingSurvey(
        path=found.path,
        reader=found.reader,
        claim=found.claim,
        size=sum(size_of(path) for path in files),
        files=len(files),
        start_ns=None,
        end_ns=None,
        origin_ns=None,
        streams=(),
        findings=(Finding(check=error.code, severity="error", message=error.message),),
        content="",
        metadata={},
        error=error,
    )


def _plain(about: Description) -> Mapping[str, Any]:
    """Keep the short facts that a recording states of itself."""
    return {name: value for name, value in about.metadata.items() if isinstance(value, str | int | float | bool)}


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
