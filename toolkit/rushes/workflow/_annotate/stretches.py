"""Numbers and sound for the annotation tool: streams chosen by SQL, their files, and what people are told of them.

A series becomes a CSV file: its times in seconds, the number of each sample in its stream, its channels. A long
one is drawn by its extremes. Sound becomes a WAV file of 16 bits, block after block. The recording stays the
truth.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.annotate.label_studio.axes import Axis, SeriesAxis, SoundAxis, gaps_of
from rushes.annotate.label_studio.envelope import chosen
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.plots import TIME, Channel, column
from rushes.decoders import as_sixteen
from rushes.errors import ReadError, UsageError
from rushes.quantities import say_count
from rushes.workflow._annotate import axes
from rushes.workflow.dataset import Dataset

MOST_ROWS = 20_000
"""Rows of a series that are drawn; Label Studio becomes slow with more."""
MOST_SOUND = 100_000_000
"""Samples of a sound that a browser still holds."""
TOLD_GAPS = 4
NUMBERS: Mapping[str, Mapping[str, Channel]] = {
    "imu": {
        **{f"gyro_{axis}_rad_s": Channel(name=f"gyro {axis}", unit="rad/s") for axis in "xyz"},
        **{f"accel_{axis}_m_s2": Channel(name=f"accel {axis}", unit="m/s²") for axis in "xyz"},
        **{f"q{axis}": Channel(name=f"q{axis}") for axis in "wxyz"},
    },
    "gaze": {
        **{f"{axis}_px": Channel(name=axis, unit="px") for axis in "xy"},
        **{f"direction_{axis}": Channel(name=f"direction {axis}") for axis in "xyz"},
        "depth_m": Channel(name="depth", unit="m"),
        "confidence": Channel(name="confidence", unit="0 to 1"),
    },
    "poses": {
        **{f"t{axis}_m": Channel(name=f"t{axis}", unit="m") for axis in "xyz"},
        **{f"q{axis}": Channel(name=f"q{axis}") for axis in "wxyz"},
    },
}
"""Columns that are drawn, where any sample has a value in them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """A part of a stream that one task shows.

    Args:
        row: Of ``streams``.
        index, index_end: Rows of the stream's table.
    """

    row: Mapping[str, Any]
    index: int
    index_end: int

    @property
    def key(self) -> str:
        """Key of its task."""
        return f"{self.row['recording_id']}/{self.row['stream']}/{self.index}-{self.index_end}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A stretch whose file is laid out.

    Args:
        about: What people are told of it.
    """

    path: Path
    passport: Passport
    axis: Axis
    about: str


def series(dataset: Dataset, where: str | None, *, clip_ns: int | None = None) -> list[Stretch]:
    """Choose numeric streams; raises as :func:`rushes.workflow._annotate.units.frames`.

    Args:
        dataset: Where from.
        where: SQL over the columns of streams and recordings; all numeric streams when None.
        clip_ns: Cut them into stretches of this length; whole streams when None.
    """
    return list(_stretches(dataset, (*NUMBERS, "signals"), where, clip_ns))


def sounds(dataset: Dataset, where: str | None, *, clip_ns: int | None = None) -> list[Stretch]:
    """Choose audio streams; arguments and errors as :func:`series`."""
    return list(_stretches(dataset, ("audio",), where, clip_ns))


def channels(dataset: Dataset, stretches: Sequence[Stretch]) -> tuple[Channel, ...]:
    """Give the channels of series, which have to be the same: they share a page.

    Raises:
        UsageError: ``annotate.several-channels``.
    """
    found: dict[tuple[Channel, ...], list[str]] = {}
    rows = {(s.row["recording_id"], s.row["stream"]): s.row for s in stretches}
    for row in rows.values():
        found.setdefault(tuple(channel for _, channel in drawn(dataset, row)), []).append(row["stream"])
    if len(found) > 1:
        kinds = [
            f"{', '.join(sorted(set(streams)))} ({', '.join(one.name for one in kind)})"
            for kind, streams in found.items()
        ]
        raise UsageError(
            f"streams of different channels cannot share a project: {'; '.join(kinds)[:600]}",
            code="annotate.several-channels",
            hint="push them one after the other: --where \"stream = '…'\" chooses one kind",
        )
    return next(iter(found), ())


def drawn(dataset: Dataset, row: Mapping[str, Any]) -> list[tuple[str, Channel]]:
    """Give the columns of a numeric stream that have values, and what they are; of ``signals`` their positions."""
    if row["table"] == "signals":
        names, units = row["channel_names"] or [], row["channel_units"] or []
        count = row["channels"] or len(names) or 1
        return [
            (str(at), Channel(name=_at(names, at) or f"channel {at}", unit=_at(units, at))) for at in range(count)
        ]
    known = NUMBERS[row["table"]]
    where = {"recording_id": row["recording_id"], "stream": row["stream"]}
    table = dataset.arrow(row["table"], columns=list(known), where=where)
    return [(name, channel) for name, channel in known.items() if table[name].null_count < len(table)]


def lay(dataset: Dataset, stretch: Stretch, folder: Path) -> Laid:
    """Lay the file of a stretch below a folder, if it is not there yet.

    Raises:
        ReadError: If it cannot be read or decoded, or is too long for a browser.
    """
    row = stretch.row
    axis = axes.of_stream(dataset.store, row, stretch.index, stretch.index_end)
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"stretch-{stretch.index:09d}-{stretch.index_end:09d}.{axis.digest}"
    found = next(iter(sorted(folder.glob(f"{stem}.*"))), None)
    if found is None:
        scratch = folder / f".{stem}.{os.getpid()}"
        try:
            if isinstance(axis, SoundAxis):
                count = _write_sound(dataset, row, axis, scratch)
            else:
                count = _write_series(dataset, row, axis, scratch)
            digest = hashlib.sha256(scratch.read_bytes()).hexdigest()[:16]
            found = folder / f"{stem}.{digest}.{count}.{'wav' if isinstance(axis, SoundAxis) else 'csv'}"
            scratch.replace(found)
        finally:
            scratch.unlink(missing_ok=True)
    *_, digest, count_text, _ = found.name.split(".")
    passport = Passport(
        recording_id=row["recording_id"],
        stream=row["stream"],
        index=stretch.index,
        index_end=stretch.index_end,
        t_ns=int(axis.t_ns[stretch.index]),
        sha256=digest,
        axis=axis.digest,
        rows=int(count_text) if isinstance(axis, SeriesAxis) else None,
    )
    return Laid(path=found, passport=passport, axis=axis, about=_about(row, axis, int(count_text)))


def _stretches(
    dataset: Dataset, tables: Sequence[str], where: str | None, clip_ns: int | None
) -> Iterator[Stretch]:
    listed = ", ".join(f"'{name}'" for name in tables)
    _, rows = dataset.store.rows(
        "SELECT recording_id, stream FROM streams JOIN recordings USING (recording_id) "
        f'WHERE streams."table" IN ({listed}) AND streams.count > 0 AND ({where or "true"}) ORDER BY ALL'
    )
    wanted = {(rec, stream) for rec, stream in rows}
    for row in (
        dataset.arrow("streams").sort_by([("recording_id", "ascending"), ("stream", "ascending")]).to_pylist()
    ):
        if (row["recording_id"], row["stream"]) not in wanted:
            continue
        if clip_ns is None:
            yield Stretch(row=row, index=0, index_end=row["count"])
            continue
        edges = _edges(axes.of_stream(dataset.store, row, 0, row["count"]), clip_ns)
        for index, index_end in pairwise(edges):
            yield Stretch(row=row, index=index, index_end=index_end)


def _edges(axis: Axis, clip_ns: int) -> list[int]:
    """Cut a stream where its axis passes a multiple of a length; a stretch without samples is none."""
    if isinstance(axis, SoundAxis):
        places = (axis.first[:-1] * (1e9 / axis.rate_hz)).astype(np.int64)
    else:
        places = axis.place_ns
    number = places // clip_ns
    return [0, *(int(at) + 1 for at in np.flatnonzero(np.diff(number))), len(places)]


def _write_series(dataset: Dataset, row: Mapping[str, Any], axis: SeriesAxis, path: Path) -> int:
    """Write the CSV file, and give how many rows are drawn."""
    values = _values(dataset, row)[axis.index : axis.index_end]
    if values.shape[0] != axis.index_end - axis.index:
        raise ReadError(
            f"{row['stream']}: it has {values.shape[0]} rows where {axis.index_end - axis.index} were told",
            code="read.damaged",
            facts={"stream": row["stream"]},
        )
    places = axis.place_ns[axis.index : axis.index_end]
    steps = np.diff(places)
    late = (
        np.flatnonzero(steps > 1.5 * np.median(steps))[: MOST_ROWS // 4] if len(steps) else np.zeros(0, np.int64)
    )
    rows = chosen(values, MOST_ROWS, also=np.concatenate((late, late + 1)).tolist())
    head = ",".join((TIME, "sample", *(column(at) for at in range(values.shape[1]))))
    with path.open("w", encoding="ascii", newline="\n") as out:
        out.write(head + "\n")
        for at, place, numbers in zip(rows.tolist(), places[rows].tolist(), values[rows].tolist(), strict=True):
            told = ",".join(f"{x:.9g}" if -1e300 < x < 1e300 else "" for x in numbers)
            out.write(f"{place // 10**9}.{place % 10**9:09d},{axis.index + at},{told}\n")
    return len(rows)


def _values(dataset: Dataset, row: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    where = {"recording_id": row["recording_id"], "stream": row["stream"]}
    names = [name for name, _ in drawn(dataset, row)]
    if row["table"] == "signals":
        table = dataset.arrow("signals", columns=["index", "values"], where=where).sort_by("index")
        lists = table["values"].to_pylist()
        made = np.full((len(lists), len(names)), np.nan)
        for at, numbers in enumerate(lists):
            made[at, : len(numbers)] = numbers[: len(names)]
        return made
    table = dataset.arrow(row["table"], columns=["index", *names], where=where).sort_by("index")
    return np.stack([table[name].fill_null(float("nan")).to_numpy() for name in names], axis=1).astype(np.float64)


def _write_sound(dataset: Dataset, row: Mapping[str, Any], axis: SoundAxis, path: Path) -> int:
    """Write the WAV file, and give how many samples it has; those of a block that is absent are silent."""
    origin, total = int(axis.first[axis.index]), int(axis.first[axis.index_end])
    if total - origin > MOST_SOUND:
        raise ReadError(
            f"{row['stream']}: {total - origin:,} samples are more than a browser holds; --clip 10min cuts them",
            code="read.too-large",
            facts={"stream": row["stream"], "samples": total - origin},
        )
    heard = np.zeros((total - origin, row["channels"] or 1), np.int16)
    for first, samples in _runs(dataset, row, axis):
        low, high = max(first, origin), min(first + len(samples), total)
        if low < high:
            heard[low - origin : high - origin] = samples[low - first : high - first, : heard.shape[1]]
    decoding = registry.late("rushes.decoders._sound")
    decoding.write_wave(path, decoding.heard(heard), axis.rate_hz)
    return total - origin


def _runs(
    dataset: Dataset, row: Mapping[str, Any], axis: SoundAxis
) -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
    """Give runs of samples, each with the number of its first one."""
    sound = dataset.sound(row["recording_id"], row["stream"])
    if sound.by_block:
        for index in range(axis.index, axis.index_end):
            if not sound.missing(index):
                yield int(axis.first[index]), as_sixteen(sound.samples(index))
        return
    if not row["time_base_den"] or None in sound.pts:
        raise ReadError(
            f"{row['stream']}: nothing here places its {row['codec'] or 'unknown codec'} in time",
            code="read.codec",
            facts={"stream": row["stream"], "codec": row["codec"]},
        )
    pts = np.array(sound.pts, np.int64)
    a_sample = row["time_base_num"] / row["time_base_den"] * axis.rate_hz
    for at, samples in sound.track():
        block = max(0, int(np.searchsorted(pts, at, side="right")) - 1)
        yield int(axis.first[block]) + round((at - int(pts[block])) * a_sample), as_sixteen(samples)


def _about(row: Mapping[str, Any], axis: Axis, count: int) -> str:
    """Say what is shown, and what one would not see."""
    if isinstance(axis, SoundAxis):
        told = f"{row['stream']}: {count / axis.rate_hz:,.3f} s of sound at {axis.rate_hz:,.0f} Hz"
        channels = row["channels"] or 1
        told += f"; {channels} channels mixed into one" if channels > 2 else ""
    else:
        whole = axis.index_end - axis.index
        places = axis.place_ns
        length = (int(places[axis.index_end - 1]) - int(places[axis.index])) / 1e9
        told = f"{row['stream']}: {say_count(whole, 'sample')} in {length:,.3f} s"
        told += f"; {count:,} of them are drawn, every peak among them" if count < whole else ""
    gaps = gaps_of(axis)
    if gaps:
        longest = sorted(sorted(gaps, key=lambda gap: -gap[1])[:TOLD_GAPS])
        listed = ", ".join(f"{length:.3g} s at {place:.3f} s" for place, length in longest)
        which = "the longest " if len(gaps) > TOLD_GAPS else ""
        told += f"; {say_count(len(gaps), 'gap')}: {which}{listed}"
    return told


def _at(names: Sequence[str | None], position: int) -> str:
    return (names[position] or "") if position < len(names) else ""
