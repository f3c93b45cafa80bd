"""The dataset as a Python program sees it: tables as Arrow, pandas or DuckDB; frames as bytes or pixels.

import rushes
dataset = rushes.open_dataset("my-dataset")
dataset.arrow("imu")                              # a pyarrow.Table
dataset.sql("select stream, count from streams")  # a DuckDB relation
camera = dataset.frames("take1", "/cam0/image/compressed")
camera.bytes(0), camera.image(0)
dataset.track_boxes("take1", "/cam0/image/compressed")  # a box a sample of what was tracked
dataset.times("take1", "/cam0/image/compressed")  # int64 nanoseconds, in the recorder's clock
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes import registry
from rushes.annotate.rows import labels_of
from rushes.errors import UsageError
from rushes.live import Take
from rushes.media import MediaReader
from rushes.model import Times
from rushes.store import Store
from rushes.timing.interpolate import interpolate
from rushes.workflow import values_at
from rushes.workflow._labels.truth import truth_of
from rushes.workflow.clock_maps import applied_maps, map_of
from rushes.workflow.pictures import FRAME_COLUMNS, Frames
from rushes.workflow.sounds import SOUND_COLUMNS, Sound
from rushes.workflow.takes import takes_of
from rushes.workflow.track_boxes import table_of

Where = Mapping[str, Any]
TIMED = ("frames", "imu", "audio", "poses", "gaze", "signals", "events", "messages", "transforms")
"""Tables whose rows have a time."""


class Dataset:
    """A dataset opened for reading at one revision. Close it, or use it as a context manager."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._reader = MediaReader()

    @classmethod
    def open(cls, path: str | Path, *, at: int | str | None = None) -> Self:
        """Open a dataset at its newest revision, or at the one named by number or tag.

        Raises:
            StoreError: If there is no dataset, or none that this release can read.
        """
        return cls(Store.open(Path(path), at=at))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the media files that were opened."""
        self._reader.close()

    @property
    def path(self) -> Path:
        """Where the dataset is."""
        return self.store.path

    @property
    def revision(self) -> int:
        """The revision that is read."""
        return self.store.revision

    def arrow(self, table: str, *, columns: Sequence[str] | None = None, where: Where | None = None) -> pa.Table:
        """Read a table; ``where`` keeps the rows whose columns equal the values, or are among them."""
        return self.store.table(table, columns=columns, where=where)

    def pandas(self, table: str, *, columns: Sequence[str] | None = None, where: Where | None = None) -> Any:
        """Read a table as a pandas DataFrame."""
        return self.arrow(table, columns=columns, where=where).to_pandas()

    def sql(self, query: str) -> Any:
        """Ask in SQL over all tables by name; gives a DuckDB relation (``.df()``, ``.arrow()``)."""
        return self.store.sql(query)

    def recording_id(self, recording: str) -> str:
        """Find a recording by its id, or by its name where only one bears it.

        Raises:
            UsageError: ``dataset.no-recording`` with a close match, or ``dataset.several-recordings``.
        """
        rows = self.arrow("recordings", columns=["recording_id", "name"]).to_pylist()
        if any(row["recording_id"] == recording for row in rows):
            return recording
        named = [row["recording_id"] for row in rows if row["name"] == recording]
        if len(named) == 1:
            return str(named[0])
        if named:
            raise UsageError(
                f"{len(named)} recordings are called '{recording}'",
                code="dataset.several-recordings",
                hint=f"name one by its id: {', '.join(named)}",
            )
        near = registry.close_to(recording, [row["name"] for row in rows])
        raise UsageError(
            f"there is no recording '{recording}' in {self.path}",
            code="dataset.no-recording",
            hint=f"did you mean '{near}'?" if near else "its recordings are in the table 'recordings'",
        )

    def frames(self, recording: str, stream: str) -> Frames:
        """Give the pictures of one stream.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no picture stream of that name.
        """
        row = self._stream_with(recording, stream, lambda row: row["table"] == "frames", what="picture stream")
        return self._frames(row, self._media(row["recording_id"]))

    def picture_streams(self, recording: str) -> Iterator[Frames]:
        """Give the pictures of every picture stream of a recording."""
        recording_id = self.recording_id(recording)
        media = self._media(recording_id)
        for row in self.arrow("streams", where={"recording_id": recording_id}).to_pylist():
            if row["table"] == "frames":
                yield self._frames(row, media)

    def sound(self, recording: str, stream: str) -> Sound:
        """Give the sound of one stream.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no stream of sound of that name.
        """
        row = self._stream_with(recording, stream, lambda row: row["table"] == "audio", what="stream of sound")
        where = {"recording_id": row["recording_id"], "stream": stream}
        rows = self.arrow("audio", columns=SOUND_COLUMNS, where=where).sort_by("index")
        return Sound(row, rows, self._media(row["recording_id"]), self._reader)

    def times(self, recording: str, stream: str) -> npt.NDArray[np.int64]:
        """Give the times of a stream's samples in the recorder's clock, int64 nanoseconds, in index order.

        They are the raw times through the newest clock map of the stream's clock. Where sync has estimated none,
        or the stamps are compared as they are, they are as recorded. What is known of them is in ``clock_maps``.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no stream of that name with times.
        """
        recording_id = self.recording_id(recording)
        row = self._stream_with(recording, stream, lambda row: row["clock"] != "none" and row["table"] in TIMED)
        where = {"recording_id": recording_id, "stream": stream}
        rows = self.arrow(row["table"], columns=["index", "t_ns", "t_log_ns"], where=where).sort_by("index")
        raw: npt.NDArray[np.int64] = rows["t_ns"].to_numpy()
        found = map_of(applied_maps(self.store, recording_id), row)
        if found is None:
            return raw
        logged = None if rows["t_log_ns"].null_count else rows["t_log_ns"].to_numpy()
        return found.apply(raw, about=logged)

    def values(self, recording: str, stream: str, at_ns: Times, *, gap_ns: int | None = None) -> pa.Table:
        """Give the values of an IMU, pose, gaze or signal stream at any times, mixed of the samples around each.

        Numbers are linear between samples, rotations turn by slerp. Nothing is extrapolated, and nothing is given
        across a gap.

        Args:
            recording: Its name or id.
            stream: Its name.
            at_ns: Shape (m,), int64 nanoseconds in the recorder's clock, ascending, as ``times`` gives them.
            gap_ns: Longest interval that is mixed across, itself included; three median intervals if left out.

        Returns:
            m rows: ``t_ns`` as asked, then the value columns of the stream's table; null where there is no value.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no such stream.
            TimingError: ``timing.not-ascending`` if ``at_ns``, or the stream itself, goes back.
        """
        samples = self._samples(recording, stream)
        found = interpolate(self.times(recording, stream), np.asarray(at_ns), gap_ns=gap_ns)
        assert found.index_after is not None
        assert found.weight_after is not None
        mixed = values_at.mixed(samples, found.index, found.index_after, found.weight_after)
        return mixed.add_column(0, "t_ns", pa.array(np.asarray(at_ns)))

    def moment_values(self, recording: str, stream: str) -> pa.Table:
        """Give what an IMU, pose, gaze or signal stream says at each moment that it takes part in.

        What sync chose is taken: one sample, or two and their shares (``sync --method STREAM=interpolate``).

        Returns:
            ``moment``, then the value columns of the stream's table, in the order of the moments.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no such stream.
        """
        samples = self._samples(recording, stream)
        where = {"recording_id": self.recording_id(recording), "stream": stream}
        columns = ["moment", "index", "index_after", "weight_after"]
        members = self.arrow("moment_members", columns=columns, where=where).sort_by("moment")
        index, after, share = (
            pc.fill_null(members[name], absent).to_numpy()
            for name, absent in (("index", -1), ("index_after", -1), ("weight_after", 0.0))
        )
        mixed = values_at.mixed(samples, index, after, share)
        return mixed.add_column(0, "moment", members["moment"])

    def moments(self, recording: str) -> list[dict[str, int]]:
        """Give the synchronised moments of a recording in time order: for each, stream name → sample index."""
        recording_id = self.recording_id(recording)
        members = self.arrow(
            "moment_members", columns=["moment", "stream", "index"], where={"recording_id": recording_id}
        )
        found: dict[int, dict[str, int]] = {}
        for moment, stream, index in zip(
            *(members[name].to_pylist() for name in members.column_names), strict=True
        ):
            found.setdefault(moment, {})[stream] = index
        return [found[moment] for moment in sorted(found)]

    def takes(self, recording: str) -> list[Take]:
        """Give the takes of a recording in the order of their numbers, the newest word on each.

        Those with the verdict ``discard`` are left out by exports, splits, checks and the App. Tables hold their
        samples none the less; the view ``takes_discarded`` lists their frames.
        """
        return takes_of(self.store).get(self.recording_id(recording), [])

    def track_boxes(self, recording: str, stream: str, *, where: Where | None = None) -> pa.Table:
        """Give the box of every track on every sample on which it is shown, as :func:`track_boxes.table_of`.

        Between two boxes that were drawn it moves as it did in the tool that it was drawn in: in a straight line.

        Args:
            recording: Id or name.
            stream: Of pictures.
            where: Keeps the labels whose columns equal the values, such as ``{"source": "human"}``, whether they
                stand or not; when None those that stand, so that nothing is there twice as two people drew it.

        Raises:
            UsageError: ``dataset.no-stream`` if the recording has no picture stream of that name.
        """
        frames = self.frames(recording, stream)
        asked = {**(where or {}), "recording_id": self.recording_id(recording), "stream": stream, "kind": "track"}
        labels = labels_of(self.arrow("labels", where=asked).to_pylist())
        if where is None and labels:
            stands = truth_of(self.store).stands
            labels = [label for label in labels if label.label_id in stands]
        return table_of(labels, frames.t_ns)

    def _samples(self, recording: str, stream: str) -> pa.Table:
        row = self._stream_with(recording, stream, lambda row: row["table"] in values_at.VALUED, what="signal")
        where = {"recording_id": row["recording_id"], "stream": stream}
        return self.arrow(row["table"], where=where).sort_by("index")

    def _stream_with(
        self, recording: str, stream: str, fit: Callable[[Mapping[str, Any]], bool], *, what: str = "stream"
    ) -> Mapping[str, Any]:
        """Give the row of a stream that is fit for what is wanted, or say which are."""
        rows = self.arrow("streams", where={"recording_id": self.recording_id(recording)}).to_pylist()
        offered: dict[str, Mapping[str, Any]] = {row["stream"]: row for row in rows if fit(row)}
        if stream in offered:
            return offered[stream]
        near = registry.close_to(stream, offered)
        raise UsageError(
            f"recording '{recording}' has no {what} '{stream}'",
            code="dataset.no-stream",
            hint=f"did you mean '{near}'?" if near else f"it has {', '.join(offered) or 'none at all'}",
        )

    def _media(self, recording_id: str) -> dict[str, tuple[Path, str]]:
        rows = self.arrow("media", where={"recording_id": recording_id}).to_pylist()
        return {row["media_id"]: (self.store.place_of(row["uri"]), row["container"]) for row in rows}

    def _frames(self, stream: Mapping[str, Any], media: Mapping[str, tuple[Path, str]]) -> Frames:
        rows = self.arrow(
            "frames",
            columns=FRAME_COLUMNS,
            where={"recording_id": stream["recording_id"], "stream": stream["stream"]},
        )
        losses = partial(self._losses, stream["recording_id"])
        return Frames(stream, rows.sort_by("index"), media, self._reader, losses)

    def _losses(self, recording_id: str) -> Sequence[Mapping[str, Any]]:
        """Give what a recording lost."""
        told = self.arrow("recordings", columns=["losses"], where={"recording_id": recording_id}).to_pylist()
        found: list[Mapping[str, Any]] = json.loads(told[0]["losses"] or "[]")
        return found
