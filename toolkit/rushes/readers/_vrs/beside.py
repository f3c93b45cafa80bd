"""Gaze and speech that Aria's services put beside a recording → ``gaze`` and ``events``.

Gaze is given as angles in the frame of the central pupil (CPF: x to the left, y up, z ahead): its direction is
(tan yaw, tan pitch, 1), of unit length. Where each eye has its own yaw, both rays meet at x/z = the mean of the
two tangents. Times are Aria's device time, in microseconds for gaze and nanoseconds for speech.
"""

import csv
import json
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.model import Batch, LedgerEntry, Loss, MediaFile, Stream
from rushes.readers._files.exact_time import Unit, exact_ns
from rushes.readers._files.parts import BATCH_ROWS, Part, where_known
from rushes.readers._files.tables import NOT_NUMBERS, TOO_FEW, malformed_losses, read_entry

CPF = "cpf"
_GAZE_FILES: Mapping[str, tuple[str, ...]] = {
    "gaze": ("mps/eye_gaze/general_eye_gaze.csv", "mps/eye_gaze/generalized_eye_gaze.csv", "eyegaze.csv"),
    "gaze-personalized": ("mps/eye_gaze/personalized_eye_gaze.csv",),
}
_SPEECH = "speech.csv"
_GAZE_TIME, _SPEECH_START, _SPEECH_END = "tracking_timestamp_us", "startTime_ns", "endTime_ns"
_Row = Mapping[str, Any]


def parts_of(recording: Path, *, clock_id: str) -> tuple[list[Part], dict[str, Any], list[str]]:
    """Give a part for each file that is read, what is to be noted of them, and the names of those left unread."""
    folder = recording.parent
    parts: list[Part] = []
    read: set[Path] = {recording}
    for name, places in _GAZE_FILES.items():
        path = next((folder / place for place in places if (folder / place).is_file()), None)
        if path is not None:
            parts.append(GazeTable(path, name, root=folder, clock_id=clock_id))
            read.add(path)
    if (folder / _SPEECH).is_file():
        parts.append(SpeechTable(folder / _SPEECH, "speech", root=folder, clock_id=clock_id))
        read.add(folder / _SPEECH)
    others = [path for path in (folder / "mps").rglob("*") if path.is_file() and path not in read]
    summaries = {
        path.relative_to(folder).as_posix(): _summary(path) for path in others if path.name == "summary.json"
    }
    unread = sorted(path.relative_to(folder).as_posix() for path in others if path.name != "summary.json")
    return parts, {"mps": summaries} if summaries else {}, unread


class _Table:
    """A CSV file with a header line, one stream; a part of a recording."""

    time_column: str
    unit: Unit

    def __init__(self, path: Path, stream: Stream, *, root: Path) -> None:
        self.streams = (stream,)
        self.media = (MediaFile(media_id=path.relative_to(root).as_posix(), path=path, container="file"),)
        self._path = path
        self._ledger: tuple[LedgerEntry, ...] = ()
        self._losses: tuple[Loss, ...] = ()
        self.span = self._first_and_last()

    def batches(self, streams: Collection[str]) -> Iterator[Batch]:  # noqa: ARG002 - it has but one
        """Read the lines in blocks."""
        stream = self.streams[0]
        self._ledger = self._losses = ()
        rejected: Counter[str] = Counter()
        count = 0
        rows = self._rows(rejected)
        while block := list(islice(rows, BATCH_ROWS)):
            t_ns, good = exact_ns([str(row.get(self.time_column) or "").encode() for row in block], self.unit)
            columns, fine = self.values(block)
            good &= fine
            rejected[NOT_NUMBERS] += int((~good).sum())
            kept = int(good.sum())
            if kept:
                columns = {name: _only(column, good) for name, column in columns.items()}
                times = {"index": np.arange(count, count + kept), "t_ns": t_ns[good], "t_header_ns": t_ns[good]}
                yield Batch(stream=stream.name, table=stream.table, rows=kept, columns={**times, **columns})
            count += kept
        self._ledger = (read_entry(stream.name, count, +rejected),)
        self._losses = tuple(malformed_losses(stream.name, self._path.name, +rejected))

    def values(self, block: Sequence[_Row]) -> tuple[dict[str, Any], npt.NDArray[np.bool_]]:
        """Give the columns beside times, and which rows hold what they must."""
        raise NotImplementedError

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for every line."""
        return self._ledger

    def losses(self) -> Sequence[Loss]:
        """Lines that could not be read."""
        return self._losses

    def _rows(self, rejected: Counter[str]) -> Iterator[_Row]:
        try:
            with self._path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
                for row in csv.DictReader(file):
                    if None in row or None in row.values():
                        rejected[TOO_FEW if None in row.values() else "too many fields"] += 1
                        continue
                    yield row
        except OSError as error:
            raise ReadError(
                f"{self._path}: cannot be read: {error.strerror}",
                code="read.absent-file",
                hint="bring the file back, or take it away from beside the recording",
            ) from error

    def _first_and_last(self) -> tuple[int, int] | None:
        texts = [str(row.get(self.time_column) or "").encode() for row in self._rows(Counter())]
        values, good = exact_ns(texts, self.unit)
        return (int(values[good].min()), int(values[good].max())) if good.any() else None


class GazeTable(_Table):
    """One of the services' gaze files, of any of their versions."""

    time_column, unit = _GAZE_TIME, "us"

    def __init__(self, path: Path, name: str, *, root: Path, clock_id: str) -> None:
        stream = Stream(
            name=name,
            modality="gaze",
            table="gaze",
            clock="header",
            clock_id=clock_id,
            frame_of_reference=CPF,
            notes="angles of single eyes and their confidence intervals stay in the file",
        )
        super().__init__(path, stream, root=root)

    def values(self, block: Sequence[_Row]) -> tuple[dict[str, Any], npt.NDArray[np.bool_]]:
        def column(name: str) -> npt.NDArray[np.float64]:
            return np.array([_number(row.get(name)) for row in block])

        if "yaw_rads_cpf" in block[0]:
            ahead_x = np.tan(column("yaw_rads_cpf"))
        else:
            ahead_x = (np.tan(column("left_yaw_rads_cpf")) + np.tan(column("right_yaw_rads_cpf"))) / 2
        vector = np.stack([ahead_x, np.tan(column("pitch_rads_cpf")), np.ones(len(block))], axis=1)
        direction = vector / np.linalg.norm(vector, axis=1, keepdims=True)
        depth = column("depth_m")
        found: dict[str, Any] = {f"direction_{axis}": direction[:, i] for i, axis in enumerate("xyz")}
        found["depth_m"] = where_known(depth, ~(depth > 0))  # 0 and nothing both mean that it is not known
        return found, np.isfinite(direction).all(axis=1)


class SpeechTable(_Table):
    """Words that were recognised, with the service's confidence."""

    time_column, unit = _SPEECH_START, "ns"

    def __init__(self, path: Path, name: str, *, root: Path, clock_id: str) -> None:
        stream = Stream(name=name, modality="event", table="events", clock="header", clock_id=clock_id)
        super().__init__(path, stream, root=root)

    def values(self, block: Sequence[_Row]) -> tuple[dict[str, Any], npt.NDArray[np.bool_]]:
        ends, known = exact_ns([str(row.get(_SPEECH_END) or "").encode() for row in block], "ns")
        told = [_number(row.get("confidence")) for row in block]
        found = {
            "t_end_ns": where_known(ends, ~known),
            "kind": "speech",
            "label": [row.get("written") for row in block],
            "value": [json.dumps({"confidence": value}) if np.isfinite(value) else None for value in told],
        }
        return found, np.ones(len(block), np.bool_)


def _only(column: Any, rows: npt.NDArray[np.bool_]) -> Any:
    if isinstance(column, np.ndarray):
        return column[rows]
    return column if isinstance(column, str) else [value for value, keep in zip(column, rows, strict=True) if keep]


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return float("nan")


def _summary(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
