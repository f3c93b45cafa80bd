"""One XDF stream while its samples are read: chunks in, batches out, and the books."""

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Batch, LedgerEntry, Loss, Stream
from rushes.quantities import say_count
from rushes.readers._files.parts import where_known
from rushes.readers._lost_time import Landmarks
from rushes.readers._xdf.chunks import Chunk, Data
from rushes.readers._xdf.headers import FORMATS, TEXT, StreamHeader
from rushes.readers._xdf.kinds import Kind
from rushes.readers._xdf.numbers import STAMP_BYTES, Contents, contents, decode, spread
from rushes.readers._xdf.stamps import deduced, nanoseconds, usable
from rushes.readers._xdf.texts import text_samples

MOST_ROWS = 65_536
BATCH_BYTES = 8 << 20
NAMED_FAULTS = 100
"""Damaged chunks of a stream that are named one by one; more are counted."""
EXACT = 1 << 53

CUT_OFF = "cut off"
DAMAGED = "in damaged bytes"
BROKEN_MARK = "its stamp's length is damaged"
NO_TIME = "its stamp is no time"
NOT_FOUND = "declared and not found"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Samples:
    """Samples before their times are worked out; ``broken`` tells those that cannot be trusted."""

    stamps: npt.NDArray[np.float64]
    stamped: npt.NDArray[np.bool_]
    broken: npt.NDArray[np.bool_]
    values: Any


class Track:
    """Reads the samples of one stream, chunk after chunk."""

    def __init__(
        self,
        header: StreamHeader,
        stream: Stream,
        kind: Kind,
        *,
        data: Data,
        file: str,
        ends_ns: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self.marks = Landmarks(start_ns=ends_ns[0], end_ns=ends_ns[1])
        self._places = array("q")  # of the chunks that wait: first byte, one past the last that was read, samples
        self._header = header
        self._stream = stream
        self._kind = kind
        self._data = data
        self._file = file
        self._value_bytes = (
            0 if header.format == TEXT else np.dtype(FORMATS[header.format]).itemsize * header.channels
        )
        self._batch_rows = max(1, min(MOST_ROWS, BATCH_BYTES // max(1, 8 * header.channels)))
        self._runs = array("q")
        self._stamps: list[float | None] = []
        self._texts: list[list[str]] = []
        self._waiting = 0
        self._breaks = [0]  # rows, of those that wait, before which samples may be lost; also the start of all
        self._refused_s: list[float] = []
        self._last_s = 0.0
        self._came_in = self._out = 0
        self._rejected: Counter[str] = Counter()
        self._unread: Counter[str] = Counter()
        self._adrift = self._rounded = self._faults = 0
        self._losses: list[Loss] = []

    def skipped(self) -> None:
        """Take note that bytes were passed over, in which samples of this stream may have been."""
        self._breaks.append(self._waiting)

    def take(self, chunk: Chunk) -> Iterator[Batch]:
        """Read a chunk of samples, and give what is enough for a batch."""
        if self._header.format == TEXT:
            about, found = text_samples(self._data, chunk, self._header.channels)
            if about.wrong and chunk.reach > chunk.end:
                more, longer = text_samples(self._data, _longer(chunk), self._header.channels)
                about, found = (about, found) if more.wrong else (more, longer)
            self._stamps += found.stamps
            self._texts += found.values
        else:
            about = contents(self._data, chunk, self._value_bytes)
            if about.wrong and chunk.reach > chunk.end:  # perhaps its length is too short
                more = contents(self._data, _longer(chunk), self._value_bytes)
                about = about if more.wrong else more
        self._came_in += about.count if about.stated is None else about.stated
        self._runs += about.runs
        self._waiting += about.count
        if about.count:
            self._places.extend((chunk.at, about.wrong_at if about.wrong else chunk.end, about.count))
        if about.wrong:
            self._fault(chunk, about)
        if self._waiting >= self._batch_rows:
            yield from self.flush()

    def flush(self) -> Iterator[Batch]:
        """Give what waits."""
        times: list[npt.NDArray[np.float64]] = []
        for samples in self._of_texts() if self._header.format == TEXT else self._of_numbers():
            seconds = self._seconds(samples)
            no_time = samples.stamped & ~usable(samples.stamps) | ~samples.stamped & ~usable(seconds)
            kept = ~(samples.broken | no_time)
            self._rejected[BROKEN_MARK] += int(samples.broken.sum())
            self._rejected[NO_TIME] += int((no_time & ~samples.broken).sum())
            rows = int(kept.sum())
            times.append(np.where(kept, seconds, np.nan))
            if rows < len(kept):
                self._note_refused(times[-1])
            if rows:
                yield self._batch(samples, nanoseconds(seconds[kept]), kept, rows)
        self._note_places(times)

    def close(self) -> LedgerEntry:
        """Balance the books; what does not add up becomes a loss."""
        declared = self._stream.declared_count
        if declared is not None and declared != self._came_in:
            self._loss(
                "read.count-mismatch",
                f"its footer states {say_count(declared, 'sample')}, its chunks hold {self._came_in:,}",
                count=max(0, declared - self._came_in),
            )
            if declared > self._came_in:
                self._unread[NOT_FOUND] += declared - self._came_in
                self._came_in = declared
        self._told_at_the_end()
        rejected, unread = +self._rejected, +self._unread
        return LedgerEntry(
            stream=self._stream.name,
            step="read",
            declared=declared,
            came_in=self._came_in,
            out=self._out,
            rejected=rejected.total(),
            unread=unread.total(),
            reasons={**rejected, **unread},
        )

    def losses(self, damage: tuple[int, int] | None = None) -> list[Loss]:
        """What could not be read, with its time; ``damage`` is where bytes of any stream are missing."""
        dated = self.marks.dated(self._losses)
        start, end = (self.marks.start_ns, self.marks.end_ns) if damage is None else self.marks.span_of(*damage)
        return [
            replace(loss, start_ns=start, end_ns=end) if loss.code == "read.count-mismatch" else loss
            for loss in dated
        ]

    def _note_refused(self, seconds: npt.NDArray[np.float64]) -> None:
        """Note between which times samples were refused; NaN is one that was."""
        refused = np.flatnonzero(np.isnan(seconds))
        before, behind = seconds[: refused[0]], seconds[refused[-1] + 1 :]
        known = seconds[~np.isnan(seconds)]
        stated = None if self.marks.end_ns is None else self.marks.end_ns / 1e9
        span = (
            before[-1] if len(before) else known[0] if len(known) else None,
            behind[0] if len(behind) else stated if stated is not None else known[-1] if len(known) else None,
        )
        self._refused_s += [float(each) for each in span if each is not None]

    def _note_places(self, times: list[npt.NDArray[np.float64]]) -> None:
        """Note when the samples of each chunk happened."""
        chunks, self._places = np.frombuffer(self._places, np.int64).reshape(-1, 3), array("q")
        if not len(chunks):
            return
        seconds, heads = np.concatenate(times), np.cumsum(chunks[:, 2]) - chunks[:, 2]
        first, last = np.fmin.reduceat(seconds, heads), np.fmax.reduceat(seconds, heads)
        known = ~np.isnan(first)
        ends = nanoseconds(first[known]), nanoseconds(last[known])
        self.marks.note(chunks[known, 0], chunks[known, 1], *ends)

    def _of_numbers(self) -> Iterator[_Samples]:
        places, steps = spread(self._runs)
        self._runs = array("q")
        dtype, channels = FORMATS[self._header.format], self._header.channels
        for low in range(0, len(places), self._batch_rows):
            part = slice(low, low + self._batch_rows)
            raw = np.frombuffer(self._data, np.uint8)  # not kept: it holds on to the file
            found = decode(raw, places[part], steps[part], dtype=dtype, channels=channels)
            broken = found.marks != np.where(found.stamped, STAMP_BYTES, 0)
            if self._header.format == "int64" and self._stream.table != "events":
                numbers = found.values.view(np.int64)
                self._rounded += int(((numbers > EXACT) | (numbers < -EXACT)).any(axis=1).sum())
            stamped = found.stamped & ~broken
            yield _Samples(stamps=found.stamps, stamped=stamped, broken=broken, values=found.values)

    def _of_texts(self) -> Iterator[_Samples]:
        stamps, texts, self._stamps, self._texts = self._stamps, self._texts, [], []
        for low in range(0, len(stamps), self._batch_rows):
            part = stamps[low : low + self._batch_rows]
            stamped = np.array([stamp is not None for stamp in part], np.bool_)
            seconds = np.array([0.0 if stamp is None else stamp for stamp in part], np.float64)
            broken = np.zeros(len(part), np.bool_)
            values = texts[low : low + self._batch_rows]
            yield _Samples(stamps=seconds, stamped=stamped, broken=broken, values=values)

    def _seconds(self, samples: _Samples) -> npt.NDArray[np.float64]:
        own = samples.stamped & usable(samples.stamps)
        step_s = 1.0 / self._header.rate_hz if self._header.rate_hz else 0.0
        seconds = deduced(samples.stamps, own, last_s=self._last_s, step_s=step_s)
        self._last_s = float(seconds[-1])
        self._count_adrift(own)
        self._waiting -= len(own)
        return seconds

    def _count_adrift(self, own: npt.NDArray[np.bool_]) -> None:
        """Count samples whose time is deduced from one before a loss, or from none at all."""
        anchors = np.flatnonzero(own)
        ends = np.append(anchors, len(own))
        covered, later = 0, []
        for start in self._breaks:
            if start >= len(own):
                later.append(start - len(own))
                continue
            end = int(ends[np.searchsorted(anchors, start)])
            self._adrift += max(0, end - max(start, covered))
            covered = max(covered, end)
        self._breaks = [0, *later] if covered == len(own) and not own[-1] else later

    def _batch(
        self, samples: _Samples, t_ns: npt.NDArray[np.int64], kept: npt.NDArray[np.bool_], rows: int
    ) -> Batch:
        stamped = samples.stamped[kept]
        values = samples.values
        if rows < len(kept):
            values = (
                values[kept]
                if isinstance(values, np.ndarray)
                else [v for v, k in zip(values, kept, strict=True) if k]
            )
        columns = {
            "index": np.arange(self._out, self._out + rows, dtype=np.int64),
            "t_ns": t_ns,
            "t_header_ns": t_ns if stamped.all() else where_known(t_ns, ~stamped),
            **self._kind.columns(values),
        }
        self._out += rows
        return Batch(stream=self._stream.name, table=self._stream.table, rows=rows, columns=columns)

    def _fault(self, chunk: Chunk, about: Contents) -> None:
        lost = 0 if about.stated is None else about.stated - about.count
        cut = chunk.end == len(self._data) and chunk.stated_end > chunk.end
        self._unread[CUT_OFF if cut else DAMAGED] += lost
        self.skipped()
        self._faults += 1
        if self._faults > NAMED_FAULTS:
            return
        of = f"{lost} of {say_count(about.stated, 'sample')}" if about.stated is not None else "an unknown number"
        if cut:
            self._loss(
                "read.truncated",
                f"the file ends inside its chunk at byte {chunk.at}: {of} are cut off",
                count=lost,
                place=(about.wrong_at, len(self._data)),
            )
        elif about.wrong == "count":
            self._loss(
                "read.damaged",
                f"its chunk at byte {chunk.at} states another number of samples than the {about.count} that it "
                "holds; all of them were read",
                place=(chunk.start, chunk.end),
            )
        else:
            self._loss(
                "read.damaged",
                f"its chunk at byte {chunk.at} cannot be read from byte {about.wrong_at} on: {of} are lost",
                count=lost,
                place=(about.wrong_at, chunk.end),
            )

    def _told_at_the_end(self) -> None:
        if self._faults > NAMED_FAULTS:
            more = self._faults - NAMED_FAULTS
            self._loss("read.damaged", f"{say_count(more, 'more chunk')} cannot be read in full")
        for reason in (BROKEN_MARK, NO_TIME):
            if count := self._rejected[reason]:
                message = f"{say_count(count, 'sample')} refused: {reason}"
                self._loss("read.unusable-stamp", message, count=count, seconds=self._refused_s)
        if self._adrift:
            self._loss(
                "read.deduced-time",
                f"{say_count(self._adrift, 'sample')} without a stamp follow lost bytes, or no stamp at all; "
                "their times are counted on at the nominal rate",
                count=self._adrift,
            )
        if self._rounded:
            self._loss(
                "read.rounded-value",
                f"{say_count(self._rounded, 'sample')} hold integers beyond 2^53, which a float64 may round",
                count=self._rounded,
            )

    def _loss(
        self,
        code: str,
        message: str,
        *,
        count: int | None = None,
        place: tuple[int, int] | None = None,
        seconds: Sequence[float] = (),
    ) -> None:
        ends = nanoseconds(np.array([min(seconds), max(seconds)])) if seconds else None
        self._losses.append(
            Loss(
                code=code,
                message=message,
                stream=self._stream.name,
                count=count,
                file=self._file,
                byte_from=place[0] if place else None,
                byte_to=place[1] if place else None,
                start_ns=None if ends is None else int(ends[0]),
                end_ns=None if ends is None else int(ends[1]),
            )
        )


def _longer(chunk: Chunk) -> Chunk:
    return chunk._replace(end=chunk.reach, stated_end=chunk.reach)
