"""Lays one recording out on one clock: a lane a stream, labels and findings at their corrected times."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from rushes import __version__
from rushes.decoders import as_sixteen
from rushes.labels import Label
from rushes.model import Times
from rushes.quantities import say_count
from rushes.timelines import (
    Calibrated,
    FrameLane,
    FrameOfReferenceLane,
    Happening,
    MessageLane,
    NumberLane,
    Numbers,
    Omission,
    SoundLane,
    Timeline,
)
from rushes.timing.clockmap import ClockMap
from rushes.vocabulary import Ontology
from rushes.workflow._timeline.columns import by_index, channels, decoder_or_none, floats, renderer, stream_of
from rushes.workflow._timeline.leaving_out import within_one, without
from rushes.workflow.clock_maps import map_of, maps_of
from rushes.workflow.dataset import TIMED, Dataset
from rushes.workflow.takes import Discarded
from rushes.workflow.values_at import STAMPS


@dataclass
class Layout:
    """One recording.

    Args:
        recording: Its row of ``recordings``.
        rows: Its rows of ``streams``.
        maps: Its rows of ``clock_maps``.
        found: Its rows of ``findings``.
        read_labels: Gives the labels on it that stand; asked for when they are wanted.
        discarded: Takes to leave out; None for none.
    """

    dataset: Dataset
    recording: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    maps: Sequence[Mapping[str, Any]]
    found: Sequence[Mapping[str, Any]]
    ontology: Ontology | None
    read_labels: Callable[[], Sequence[Label]]
    discarded: Discarded | None = None

    def timeline(self) -> Timeline:
        """Lay out all of it that is not discarded."""
        whole = self._whole()
        if not self._discarded_spans:
            return whole
        assert self.discarded is not None
        kept = {
            row["stream"]: self.discarded.numbers(self.recording_id, row["stream"]) == 0
            for row in self._timed
            if row["table"] != "events"
        }
        takes = say_count(len(self._discarded_spans), "take")
        reason = f"of {takes} that {'was' if len(self._discarded_spans) == 1 else 'were'} discarded"
        return without(whole, kept, self._discarded_spans, reason=reason)

    @cached_property
    def _discarded_spans(self) -> list[tuple[int, int]]:
        """Discarded takes in the reference clock, start included and end not."""
        takes = self.discarded.of(self.recording_id) if self.discarded else ()
        most = int(np.iinfo(np.int64).max)
        return [
            (take.start_ns + self._shift_ns, most if take.end_ns is None else take.end_ns + self._shift_ns)
            for take in takes
        ]

    def kept(self, happenings: Iterable[Happening]) -> list[Happening]:
        """Leave out what happened wholly in a discarded take."""
        return [each for each in happenings if not within_one(each, self._discarded_spans)]

    def _whole(self) -> Timeline:
        labels = self.read_labels()
        omitted = [
            Omission(effect="lost", stream=row["stream"], count=row["count"], reason=reason)
            for row in self.rows
            if (reason := self._why_not(row))
        ]
        by_table: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self.rows:
            if not self._why_not(row):
                by_table[row["table"]].append(row)
        return Timeline(
            recording_id=self.recording_id,
            name=self.recording["name"],
            facts=self._facts(),
            ontology=self.ontology,
            frames=[self._frames(row, labels) for row in by_table["frames"]],
            numbers=[self._numbers(row) for name in ("imu", "gaze", "signals") for row in by_table[name]],
            sounds=[self._sound(row) for row in by_table["audio"]],
            places=[self._places(row) for name in ("transforms", "poses") for row in by_table[name]],
            calibrations=[each for row in by_table["calibrations"] for each in self._calibrations(row)],
            messages=[self._messages(row) for row in by_table["messages"]],
            happenings=[*self._events(by_table["events"]), *self.segments(labels), *self.findings()],
            omissions=omitted,
        )

    @property
    def recording_id(self) -> str:
        """Its id."""
        return str(self.recording["recording_id"])

    @cached_property
    def _shift_ns(self) -> int:
        """What is added to every time, so that none is negative."""
        return max(-self._ends[0], 0) if self._ends else 0

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last time of any sample that is not discarded."""
        if self._discarded_spans:
            return self.timeline().span_ns
        return (self._ends[0] + self._shift_ns, self._ends[1] + self._shift_ns) if self._ends else None

    @cached_property
    def _ends(self) -> tuple[int, int] | None:
        """First and last time; out of the rows of streams, where they state it and their clocks run on."""
        ends: list[tuple[int, int]] = []
        for row in self._timed:
            clock = self._clock_of(row)
            stated = row["first_ns"] is not None and row["last_ns"] is not None
            if stated and clock is None:
                ends.append((row["first_ns"], row["last_ns"]))
            elif stated and clock is not None and len(clock.segments) == 1:
                first, last = clock.apply(np.array([row["first_ns"], row["last_ns"]], np.int64)).tolist()
                ends.append((first, last))
            else:
                times = self._times[row["stream"]]
                ends.append((int(times.min()), int(times.max())))
        return (min(first for first, _ in ends), max(last for _, last in ends)) if ends else None

    @cached_property
    def _timed(self) -> list[Mapping[str, Any]]:
        return [r for r in self.rows if r["clock"] != "none" and r["table"] in TIMED and r["count"]]

    def _clock_of(self, row: Mapping[str, Any]) -> ClockMap | None:
        return map_of(self._maps, row)

    @cached_property
    def _times(self) -> dict[str, Times]:
        """Times in the recorder's clock, as ``Dataset.times`` gives them, by stream; a table is read once."""
        found = {}
        for table in {row["table"] for row in self._timed}:
            samples = self._read(table, columns=["stream", "index", "t_ns", "t_log_ns"])
            for row in self._timed:
                if row["table"] != table:
                    continue
                mine = samples.filter(pc.equal(samples["stream"], row["stream"])).sort_by("index")
                clock = self._clock_of(row)
                times: Times = mine["t_ns"].to_numpy()
                if clock is not None:
                    logged = None if mine["t_log_ns"].null_count else mine["t_log_ns"].to_numpy()
                    times = clock.apply(times, about=logged)
                found[row["stream"]] = times
        return found

    def _why_not(self, row: Mapping[str, Any]) -> str:
        if not row["count"]:
            return "it has no samples"
        if row["table"] == "calibrations":
            return ""
        return "" if row in self._timed else "its samples have no times"

    def _read(self, table: str, stream: str | None = None, columns: Sequence[str] | None = None) -> Any:
        where = {"recording_id": self.recording_id} | ({} if stream is None else {"stream": stream})
        found = self.dataset.arrow(table, where=where, columns=columns)
        return found.sort_by("index") if stream is not None else found

    def _at(self, row: Mapping[str, Any]) -> Times:
        return self._times[row["stream"]] + self._shift_ns

    def _mapped(self, stream: str | None, raw_ns: int) -> int:
        """Give a raw time of a stream in the reference clock."""
        row = next((row for row in self.rows if row["stream"] == stream), None)
        clock = None if row is None else self._clock_of(row)
        if clock is not None:
            raw_ns = int(clock.apply(np.array([raw_ns], np.int64))[0])
        return max(raw_ns + self._shift_ns, 0)

    @cached_property
    def _maps(self) -> Mapping[str, ClockMap]:
        wanted = [row for row in self.newest_maps if row["applied"] and row["to_clock"] == "log"]
        return {found.from_clock: found for found in maps_of(wanted)}

    # Pictures and sound.

    def _frames(self, row: Mapping[str, Any], labels: Sequence[Label]) -> FrameLane:
        frames = self.dataset.frames(self.recording_id, row["stream"])
        there = np.array([not frames.missing(i) for i in range(len(frames))], bool)
        decoder = decoder_or_none(row["codec"])
        track = None
        if decoder is not None and decoder.reads_container and there.any():
            place = frames.location(int(np.argmax(there)))
            track = place.path if place.container == "video" else None
        return FrameLane(
            stream=stream_of(row),
            t_ns=self._at(row),
            there=there,
            encoded=frames.bytes,
            pixels=frames.image,
            rendered=renderer(frames, there),
            track=track,
            pts=frames.pts if track is not None else np.zeros(0, np.int64),
            labels=by_index(labels, row["stream"]),
        )

    def _sound(self, row: Mapping[str, Any]) -> SoundLane:
        sound = self.dataset.sound(self.recording_id, row["stream"])
        times = self._at(row)
        stream = stream_of(row)
        rate_hz = stream.sample_rate_hz or 48_000.0

        def by_block() -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
            for index in np.argsort(times, kind="stable").tolist():
                if not sound.missing(index):
                    yield int(times[index]), as_sixteen(sound.samples(index))

        def by_track() -> Iterator[tuple[int, npt.NDArray[np.int16]]]:
            known = {pts: int(t) for pts, t in zip(sound.pts, times.tolist(), strict=True) if pts is not None}
            at = int(times[0])
            for pts, samples in sound.track(past_damage=True):
                at = known.get(pts, at)
                yield at, as_sixteen(samples)
                at += round(len(samples) * 1e9 / rate_hz)

        return SoundLane(
            stream=stream,
            first_ns=int(times.min()),
            last_ns=int(times.max()),
            rate_hz=rate_hz,
            channels=stream.channels or 1,
            blocks=by_block if sound.by_block else by_track,
            t_ns=times if sound.by_block else np.zeros(0, np.int64),
        )

    # Numbers, places, messages.

    def _numbers(self, row: Mapping[str, Any]) -> NumberLane:
        found = self._read(row["table"], row["stream"])
        columns: dict[str, Numbers] = {}
        if row["table"] == "signals":
            for number, values in enumerate(channels(found["values"])):
                named = row["channel_names"] or ()
                name = named[number] if number < len(named) else f"channel_{number}"
                columns[name if name not in columns else f"{name}_{number}"] = values
        else:
            for name in found.column_names:
                if name not in STAMPS and found[name].null_count < len(found):
                    columns[name] = floats(found[name])
        return NumberLane(stream=stream_of(row), t_ns=self._at(row), columns=columns)

    def _places(self, row: Mapping[str, Any]) -> FrameOfReferenceLane:
        found = self._read(row["table"], row["stream"])
        times = self._at(row)
        names = ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")
        own = row["stream"].strip("/").replace("/", "_")
        static = found["static"].to_pylist() if row["table"] == "transforms" else [False] * len(found)
        return FrameOfReferenceLane(
            stream=stream_of(row),
            t_ns=times,
            parents=[name or "world" for name in found["parent"].to_pylist()],
            children=[name or own for name in found["child"].to_pylist()],
            static=np.array(static, bool),
            values=np.stack([floats(found[name]) for name in names], axis=1),
        )

    def _calibrations(self, row: Mapping[str, Any]) -> Iterator[Calibrated]:
        stream = stream_of(row)
        for each in self._read("calibrations", row["stream"]).to_pylist():
            fx, fy, cx, cy = (each[name] for name in ("fx", "fy", "cx", "cy"))
            whole = None not in (fx, fy, cx, cy)
            yield Calibrated(
                stream=stream,
                t_ns=self._mapped(each["camera_stream"] or row["stream"], each["valid_from_ns"]),
                frame_of_reference=each["frame_of_reference"] or "",
                model=each["model"] or "",
                width_px=each["width"] or 0,
                height_px=each["height"] or 0,
                distortion=each["distortion"] or (),
                intrinsics=(fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0) if whole else (),
                rectification=each["rectification"] or (),
                projection=each["projection"] or (),
            )

    def _messages(self, row: Mapping[str, Any]) -> MessageLane:
        found = self._read("messages", row["stream"], ["index", "value"])
        return MessageLane(stream=stream_of(row), t_ns=self._at(row), values=found["value"].to_pylist())

    # What happened, and what was said of it.

    def _events(self, streams: Sequence[Mapping[str, Any]]) -> Iterator[Happening]:
        for row in streams:
            found = self._read(
                "events", row["stream"], ["index", "t_end_ns", "kind", "label", "value"]
            ).to_pylist()
            for each, start in zip(found, self._at(row).tolist(), strict=True):
                end = start if each["t_end_ns"] is None else self._mapped(row["stream"], each["t_end_ns"])
                yield Happening(
                    kind="event",
                    name=each["label"] or each["kind"],
                    start_ns=start,
                    end_ns=max(end, start),
                    stream=row["stream"],
                    more={"event": each["kind"], "value": each["value"] or ""},
                )

    def segments(self, labels: Sequence[Label]) -> Iterator[Happening]:
        """Give the labels that are about a span of time."""
        for label in labels:
            if label.kind != "segment" or label.t_start_ns is None:
                continue
            start = self._mapped(label.stream, label.t_start_ns)
            end = start if label.t_end_ns is None else self._mapped(label.stream, label.t_end_ns)
            yield Happening(
                kind="segment",
                name=label.class_name or "segment",
                start_ns=start,
                end_ns=max(end, start),
                stream=label.stream,
                text=label.text or "",
                more={"label_id": label.label_id, "author": label.author or "", "source": label.source},
            )

    def findings(self) -> Iterator[Happening]:
        """Give the findings that are about some time, not about all of the recording."""
        for each in self.found:
            span = self._span_of(each)
            if span is None:
                continue
            yield Happening(
                kind="finding",
                name=each["check"],
                start_ns=span[0],
                end_ns=span[1],
                stream=each["stream"],
                text=each["message"],
                severity=each["severity"],
                more={"count": str(each["count"])},
            )

    def _span_of(self, finding: Mapping[str, Any]) -> tuple[int, int] | None:
        """Say when the samples of a finding are; None where it is about all of them."""
        stream, index = finding["stream"], finding["index"]
        if finding["start_ns"] is not None:
            start = self._mapped(stream, finding["start_ns"])
            end = start if finding["end_ns"] is None else self._mapped(stream, finding["end_ns"])
            return start, max(end, start)
        if index is None or all(row["stream"] != stream for row in self._timed):
            return None
        times = self._times[stream]
        if index >= len(times):
            return None
        found = times[index : index + max(finding["count"], 1)] + self._shift_ns
        return int(found.min()), int(found.max()) + 1

    def _facts(self) -> dict[str, dict[str, str]]:
        recording = self.recording
        facts = {
            "rushes": {
                "version": __version__,
                "dataset": self.dataset.store.name,
                "revision": str(self.dataset.revision),
                "recording_id": self.recording_id,
                "recording": recording["name"],
                "fingerprint": recording["fingerprint"],
                "time": "the recorder's clock, corrected by the newest clock maps; log, publish and stamp agree",
                "time_shift_ns": str(self._shift_ns),
                **{key: recording[key] for key in ("subject", "session", "task", "place") if recording[key]},
            }
        }
        for each in self.newest_maps:
            wanted = ("verdict", "reason", "method", "source", "offset_ns", "drift_ppm", "offset_ci95_ns")
            said = {name: str(each[name]) for name in wanted if each[name] is not None}
            name = f"rushes.clock.{each['from_clock']}" + (f".{each['segment']}" if each["segment"] else "")
            facts[name] = {**said, "applied": str(each["applied"]).lower()}
        return facts

    @cached_property
    def newest_maps(self) -> list[Mapping[str, Any]]:
        """The rows of the newest clock maps."""
        newest = max((each["map_version"] for each in self.maps), default=0)
        return [each for each in self.maps if each["map_version"] == newest]
