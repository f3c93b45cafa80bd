"""What the browser is handed: one view of a dataset as columns, and where its pictures come from.

The room knows no store. Whoever opens the App fills a :class:`BrowseView` and gives a :data:`Picture`.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from rushes.browse.labelled import BrowseLabels, BrowseWords, no_labels
from rushes.model import Modality, Times
from rushes.vocabulary import Ontology

Picture: TypeAlias = Callable[[str, str, int], tuple[bytes, str]]
"""``picture(recording_id, stream, index)`` gives the encoded 8-bit picture and its content type (``image/jpeg``).

Bytes that a browser can show are given as recorded; depth and raw frames are rendered before. It is called from
several threads at once. It raises a ``RushesError`` where there is no picture; the message is shown to the user.
"""

ALONE = -1
"""The moment of a frame that belongs to none."""

_PREFIX = "/rushes-virtual"
_COLOR_FIRST = ("color", "infrared", "depth")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseRecording:
    """One recording of the view.

    Args:
        recording_id: As in the ``recordings`` table; letters, digits, ``_``, ``-`` and ``.`` only.
        start_ns: What ``time_s`` counts from, in the time of ``BrowseSamples.t_ns``; None for its first sample.
        part: train, val, test …, of the split that the view shows.
        asked: Part that somebody asked for; ``asked_id`` names that decision.
    """

    recording_id: str
    name: str
    start_ns: int | None = None
    part: str | None = None
    asked: str | None = None
    asked_id: str | None = None
    subject: str | None = None
    session: str | None = None
    task: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseStream:
    """One stream name of the view; recordings that have a stream of that name share it."""

    name: str
    modality: Modality


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowseSamples:
    """One row a picture in a moment, as columns of shape (n,), except for the findings.

    A picture that belongs to two moments has two rows. No moment holds two rows of one stream.

    Args:
        recording: Position in ``BrowseView.recordings``.
        stream: Position in ``BrowseView.streams``.
        index: Of the sample in its stream.
        moment: Number of the moment in its recording; ``ALONE`` for a frame that belongs to none.
        t_ns: Time of the sample, int64.
        skew_ns: Sample time minus reference time; masked where there is no moment.
        width, height: In pixels as shown; 0 where unknown.
        flags: Bits of ``FrameFlag``.
        finding_row: Shape (m,), the row that a finding concerns. A row may have several.
        finding_check: Shape (m,), the id of the check.
    """

    recording: npt.NDArray[np.int32]
    stream: npt.NDArray[np.int32]
    index: npt.NDArray[np.int64]
    moment: npt.NDArray[np.int64]
    t_ns: Times
    skew_ns: Times | np.ma.MaskedArray[Any, np.dtype[np.int64]]
    width: npt.NDArray[np.int32]
    height: npt.NDArray[np.int32]
    flags: npt.NDArray[np.int32]
    finding_row: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    finding_check: Sequence[str] = ()

    def __post_init__(self) -> None:
        rows = len(self.index)
        for column in fields(self)[:-2]:
            assert len(getattr(self, column.name)) == rows, f"{column.name} is not {rows} rows long"
        assert len(self.finding_row) == len(self.finding_check), "a check for every finding"
        assert not len(self.finding_row) or self.finding_row.max() < rows, "findings of rows that exist"

    def __len__(self) -> int:
        return len(self.index)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """The virtual paths of a view: ``PREFIX RECORDING/SLICE/INDEX.jpg``.

    Args:
        prefix: What every path begins with, the last slash included.
        recordings: Ids.
        streams: Names, by slice.
    """

    prefix: str
    recordings: Sequence[str]
    streams: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class BrowseView:
    """Everything that the App shows.

    Args:
        name: Shown in the App; also the name of its dataset there, so unlike views of one dataset differ in it.
        key: Of the dataset, for the virtual file paths; letters, digits, ``_`` and ``-``. It should not change
            while the dataset lives.
        labels: On the pictures.
        words: Further lists of words that pictures bear, by the names of fields of :data:`documents.FIELDS`;
            ``tags`` are those of people, and of ``decision``, ``decision_id`` and ``split`` a picture has one at
            most; ``split`` is of pictures whose recording lies in several parts.
        ontology: That the labels follow, where there is one.
        revision: Of the dataset that is shown; None where it has none.
        chosen: What the App opens with: what was asked for in words, and the rows; None opens with everything.
    """

    name: str
    key: str
    recordings: Sequence[BrowseRecording]
    streams: Sequence[BrowseStream]
    samples: BrowseSamples
    labels: BrowseLabels = field(default_factory=no_labels)
    words: Mapping[str, BrowseWords] = field(default_factory=dict)
    ontology: Ontology | None = None
    revision: int | None = None
    chosen: tuple[str, npt.NDArray[np.int64]] | None = None

    def __post_init__(self) -> None:
        for word in (self.key, *(r.recording_id for r in self.recordings)):
            assert re.fullmatch(r"[\w.-]+", word), f"'{word}' cannot stand in a path"
        assert len({r.recording_id for r in self.recordings}) == len(self.recordings), "recordings are unique"
        assert len({s.name for s in self.streams}) == len(self.streams), "streams are unique"

    @cached_property
    def grouped(self) -> bool:
        """Whether any moment holds more than one picture; without such, groups would only hide pictures."""
        samples = self.samples
        rows = samples.moment != ALONE
        pairs = np.stack([samples.recording[rows].astype(np.int64), samples.moment[rows]])
        return bool(pairs.shape[1] > np.unique(pairs, axis=1).shape[1])

    @cached_property
    def slices(self) -> tuple[str, ...]:
        """A short, unique name for each stream that can stand in a path and as a key in the database."""
        names: dict[str, str] = {}  # by the name in lower case, as some file systems and people read it
        for stream in self.streams:
            word = re.sub(r"[^\w-]+", "-", stream.name, flags=re.ASCII).strip("-") or "stream"
            number, name = 1, word
            while name.lower() in names:
                number += 1
                name = f"{word}-{number}"
            names[name.lower()] = name
        return tuple(names.values())

    @cached_property
    def default_slice(self) -> str:
        """The slice that the grid shows first: most pictures, colour before infrared before depth."""
        counts = np.bincount(self.samples.stream, minlength=len(self.streams))
        return self.slices[self._main(counts)] if self.streams else ""

    @cached_property
    def main_slices(self) -> dict[str, str]:
        """The slice of each recording that plays: colour before infrared before depth, most pictures first."""
        samples, found = self.samples, {}
        for recording, rows in zip(self.recordings, self.rows_of(), strict=True):
            counts = np.bincount(samples.stream[rows], minlength=len(self.streams))
            if len(rows):
                found[recording.recording_id] = self.slices[self._main(counts)]
        return found

    @cached_property
    def repeats(self) -> bool:
        """Whether any picture is there for two moments."""
        samples = self.samples
        keys = np.stack([samples.recording, samples.stream, samples.index]).astype(np.int64)
        order = np.lexsort(keys)
        return bool((np.diff(keys[:, order], axis=1) == 0).all(axis=0).any())

    @cached_property
    def main_rate_hz(self) -> float | None:
        """The median rate of the streams that play; None where no recording has two pictures."""
        number = {name: at for at, name in enumerate(self.slices)}
        steps: list[npt.NDArray[Any]] = [np.zeros(0, np.int64)]
        for recording, rows in zip(self.recordings, self.rows_of(), strict=True):
            if len(rows):
                mine = rows[self.samples.stream[rows] == number[self.main_slices[recording.recording_id]]]
                steps.append(np.diff(np.sort(self.samples.t_ns[mine])))
        every = np.concatenate(steps)
        every = every[every > 0]
        return 1e9 / float(np.median(every)) if len(every) else None

    def _main(self, counts: npt.NDArray[np.int64]) -> int:
        def rank(place: int) -> tuple[bool, int, int]:
            modality = self.streams[place].modality
            order = _COLOR_FIRST.index(modality) if modality in _COLOR_FIRST else len(_COLOR_FIRST)
            return counts[place] == 0, order, -int(counts[place])

        return min(range(len(self.streams)), key=rank)

    def path(self, recording_id: str, slice_name: str, index: int) -> str:
        """Give the file path under which the App asks for a picture. No such file exists."""
        return f"{self.prefix}{recording_id}/{slice_name}/{index}.jpg"

    @cached_property
    def prefix(self) -> str:
        """What every virtual path of this view begins with, the last slash included."""
        return f"{_PREFIX}/{self.key}/"

    @property
    def addresses(self) -> Addresses:
        """What the virtual paths are made of."""
        return Addresses(
            prefix=self.prefix,
            recordings=[r.recording_id for r in self.recordings],
            streams={n: s.name for n, s in zip(self.slices, self.streams, strict=True)},
        )

    def rows_of(self) -> list[npt.NDArray[np.int64]]:
        """Give the rows of each recording, in the order of ``recordings`` and in their own order."""
        order = np.argsort(self.samples.recording, kind="stable")
        counts = np.bincount(self.samples.recording, minlength=len(self.recordings))
        return np.split(order, np.cumsum(counts)[:-1]) if len(self.recordings) else []

    def words_of(self) -> dict[str, dict[int, list[str]]]:
        """Give the words of every row that bears any, by field; each once, in alphabetical order."""
        checks = BrowseWords(row=self.samples.finding_row, word=self.samples.finding_check)
        return {"findings": checks.by_row(), **{name: words.by_row() for name, words in self.words.items()}}

    def digests(self) -> dict[str, str]:
        """Give a digest of all that is shown of each recording, by its id; equal digests show the same."""
        samples, words = self.samples, self.words_of()
        columns = [
            getattr(samples, c.name) for c in fields(samples)[:-2] if c.name not in ("recording", "skew_ns")
        ]
        masked = np.ma.getmaskarray(samples.skew_ns)
        skew = np.where(masked, np.iinfo(np.int64).min, np.asarray(samples.skew_ns))
        streams = repr([(s.name, s.modality, n) for s, n in zip(self.streams, self.slices, strict=True)])
        answer = {}
        for recording, rows in zip(self.recordings, self.rows_of(), strict=True):
            digest = hashlib.blake2b(digest_size=16)
            digest.update(repr((recording, self.key, self.grouped)).encode())
            digest.update(streams.encode())
            for column in (*columns, skew):
                digest.update(_bytes(column[rows]))
            for name, by_row in words.items():
                digest.update(
                    repr(
                        (name, [(i, by_row[row]) for i, row in enumerate(rows.tolist()) if row in by_row])
                    ).encode()
                )
            for part in self._label_parts(rows):
                digest.update(part)
            answer[recording.recording_id] = digest.hexdigest()
        return answer

    def _label_parts(self, rows: npt.NDArray[np.int64]) -> Iterator[bytes]:
        """Give all that is known of the labels on some rows; the rows ascend."""
        labels = self.labels
        first, end = np.searchsorted(labels.row, rows, "left"), np.searchsorted(labels.row, rows, "right")
        yield _bytes(end - first)
        for a, b in _runs(first[end > first], end[end > first]):
            yield from labels.written(a, b)


def _runs(first: npt.NDArray[np.int64], end: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Put spans together that follow on one another."""
    if len(first):
        breaks = np.flatnonzero(first[1:] != end[:-1])
        starts, ends = first[np.concatenate([[0], breaks + 1])], end[np.concatenate([breaks, [-1]])]
        yield from zip(starts.tolist(), ends.tolist(), strict=True)


def _bytes(column: npt.NDArray[Any]) -> bytes:
    return np.ascontiguousarray(column).tobytes()
