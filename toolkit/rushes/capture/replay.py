"""A recording as live sensors: any that Rushes can read, given as it was recorded.

``device`` is the path of the recording, a file or a folder.

``options``:
    speed: 2 gives it twice as fast (1). The devices' times stay as they were recorded.
    loop: Begin again at the end; times and numbers go on, a recording's length later.
    streams: Which ones, by name; all that can be given, where nothing is said.
    prefix: Put the sensor's name before every topic, so that one recording can be replayed twice.
    convert: Make anew what cannot be kept: pictures as JPEG (deep ones as PNG), sound in 16 bits.

Samples come in the order and at the distances in which the recorder of then wrote them; where it noted no times,
at those of the devices. Their arrival is measured now. ``device_ns`` is the stamp that was recorded, in the clock
that the recording names, or in one that nobody named; a stream without stamps of its own has none.

Pictures are given as they are: JPEG, PNG, WebP, raw pixels as ``sensor_msgs/Image``, H.264 and H.265 in Annex B,
also those inside a video where they are sent in the order in which they are shown; depth of ``compressedDepth``.
So are sound in PCM of 16 bits, inertial samples, poses, numbers, markers, and other messages as JSON. Calibrations
are written once, before the first sample. What is left out is told with the reason.
"""

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rushes import registry
from rushes.capture._pacing import Due, Pace, give
from rushes.capture._payloads import Carried, Payloads, carried
from rushes.capture._recorded import GAZE, Recorded, content_of, depth_unit, form_of, format_of, gathered
from rushes.capture._recorded_calibrations import CAMERA_INFO, camera_info_of, rows_of
from rushes.capture._wishes import Wishes
from rushes.capturing import (
    Form,
    FoundDevice,
    Intake,
    LiveStream,
    MessageForm,
    OpenSource,
    Source,
    Trouble,
)
from rushes.contracts import OpenRecording, Reader
from rushes.errors import CaptureError, ReadError
from rushes.media import MediaReader
from rushes.model import Batch, MediaFile, Stream, Times
from rushes.quantities import say_count
from rushes.registry import close_to
from rushes.sensors import SensorOfRig

_HEAD_BYTES = 4096
_ANY_JSON = b'{"type": "object"}'
_ANOTHER_ERA_NS = 86_400_000_000_000


class ReplaySource:
    """Opens recordings to be given live."""

    name = "replay"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List nothing: any recording will do."""
        return []

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Open a recording and read the columns of its samples; that may last.

        Raises:
            CaptureError: ``capture.absent`` or ``capture.refused``.
            RecipeError: ``rig.invalid``.
        """
        form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
        speed = options.number("speed", 1.0, least=0.01, most=1000.0) or 1.0
        loop, prefix, convert = (options.flag(name) for name in ("loop", "prefix", "convert"))
        wanted = options.texts("streams")
        form.finish()
        options.finish()
        path = Path(sensor.device)
        if not sensor.device or not path.exists():
            raise CaptureError(
                f"replay '{sensor.name}': there is no recording at '{sensor.device}'",
                code="capture.absent",
                hint="give the path of a recording, from the folder in which you are",
                facts={"sensor": sensor.name, "device": sensor.device},
            )
        try:
            recording = _reader_of(sensor, path).open(path, {})
            return OpenReplay(
                sensor, recording, wanted=wanted, speed=speed, loop=loop, prefix=prefix, convert=convert
            )
        except ReadError as error:
            raise CaptureError(
                f"replay '{sensor.name}': {error.message}", code="capture.refused", hint=error.hint
            ) from error


class OpenReplay:
    """A recording that is ready to be given.

    Args:
        wanted: Names of streams; all when empty.
        speed: Seconds of the recording that pass in one.
        loop: Whether it begins again.
        prefix: Whether topics bear the sensor's name.
        convert: Whether what cannot be kept is made anew.

    Raises:
        ReadError: If it cannot be read.
        CaptureError: ``capture.refused``, if a stream that is wanted is not there, or none can be given.
    """

    def __init__(
        self,
        sensor: SensorOfRig,
        recording: OpenRecording,
        *,
        wanted: Sequence[str],
        speed: float,
        loop: bool,
        prefix: bool,
        convert: bool,
    ) -> None:
        self._recording, self._sensor, self._media = recording, sensor.name, MediaReader()
        said = recording.description
        for name in wanted:
            if all(name != stream.name for stream in said.streams):
                raise _lacks(sensor, name, [stream.name for stream in said.streams])
        self._refused: dict[str, str] = {}
        files = {file.media_id: file for file in said.media}
        taken = [stream for stream in said.streams if not wanted or stream.name in wanted]
        held = self._held([stream for stream in taken if stream.table != "calibrations"], files, convert=convert)
        if not held:
            reasons = "; ".join(f"{name}: {why}" for name, why in self._refused.items()) or "it holds no sample"
            raise CaptureError(
                f"replay '{sensor.name}': nothing of it can be given live ({reasons})",
                code="capture.refused",
                hint="rushes inspect tells what it holds",
            )
        since = _since([recorded for recorded, _ in held])
        lasts = max((int(each[-1]) + _interval_ns(each) for each in since if len(each)), default=1)
        firsts = self._calibrations(sensor, [stream for stream in taken if stream.table == "calibrations"], prefix)
        self._tracks: list[ReplayTrack] = []
        for (each, how), after in zip(held, since, strict=True):
            live = _live(sensor, each, how.codec, _topic(sensor.name, each.stream.name, prefix=prefix), speed)
            live = replace(live, first_messages=firsts if not self._tracks else ())
            pace = Pace((after / speed).astype(np.int64), lasts_ns=int(lasts / speed), laps=None if loop else 1)
            self._tracks.append(ReplayTrack(live, each, pace, lasts, Payloads(each, how, files, self._media)))
        self.streams: Sequence[LiveStream] = [track.live for track in self._tracks]

    def run(self, into: Intake) -> None:
        """Give the recording until told to stop or at its end.

        Raises:
            CaptureError: ``capture.refused``, if its files cannot be read any more.
        """
        for name, why in self._refused.items():
            now = into.clock.now_ns()
            into.trouble(Trouble(what="refused", message=f"{name} of the recording is left out: {why}", at_ns=now))
        try:
            give(self._tracks, into, time.monotonic_ns())
        except ReadError as error:
            raise CaptureError(error.message, code="capture.refused", hint=error.hint) from error
        finally:
            for track in self._tracks:
                track.tell(into, self._sensor)

    def close(self) -> None:
        """Let go of the files."""
        for track in self._tracks:
            track.payloads.close()
        self._media.close()
        self._recording.close()

    def _held(
        self, streams: Sequence[Stream], files: Mapping[str, MediaFile], *, convert: bool
    ) -> list[tuple[Recorded, Carried]]:
        """Read the columns of the streams, and choose how each is carried over; what they point to stays there."""
        forms: dict[str, Form] = {}
        for stream in streams:
            form, why = form_of(stream)
            if form is None:
                self._refused[stream.name] = why
            else:
                forms[stream.name] = form
        batches: dict[str, list[Batch]] = {name: [] for name in forms}
        for batch in self._recording.batches(list(forms)):
            batches[batch.stream].append(batch)
        held = []
        for stream in streams:
            if not batches.get(stream.name):
                continue
            recorded = gathered(stream, forms[stream.name], batches[stream.name])
            how, why = carried(recorded, files, convert=convert)
            if how is None or not len(recorded.seq):
                self._refused[stream.name] = why or "none of its samples could be read"
            else:
                held.append((recorded, how))
        return held

    def _calibrations(
        self, sensor: SensorOfRig, streams: Sequence[Stream], prefix: bool
    ) -> list[tuple[str, MessageForm, bytes]]:
        """Give the calibrations of cameras as messages; of several of one camera the first."""
        found: dict[str, bytes] = {}
        names = [stream.name for stream in streams]
        for batch in self._recording.batches(names) if names else ():
            for row in rows_of(batch):
                several = batch.rows > 1 and row.get("frame_of_reference")
                name = f"{batch.stream}/{row['frame_of_reference']}" if several else batch.stream
                topic = _topic(sensor.name, name, prefix=prefix)
                if topic in found:
                    self._refused[name] = "it changes while the recording runs; the first is given"
                    continue
                made = camera_info_of(row)
                if made is None:
                    self._refused[name] = "it states no focal length"
                else:
                    found[topic] = made
        return [(topic, CAMERA_INFO, data) for topic, data in found.items()]


class ReplayTrack:
    """One stream of the recording.

    Args:
        lasts_ns: Of the whole recording.
    """

    def __init__(
        self, live: LiveStream, recorded: Recorded, pace: Pace, lasts_ns: int, payloads: Payloads
    ) -> None:
        self.live, self.pace, self.payloads = live, pace, payloads
        self._recorded, self._lasts_ns = recorded, lasts_ns
        self._numbers = int(recorded.seq[-1]) - int(recorded.seq[0]) + 1 if len(recorded.seq) else 0

    def cut(self, lap: int, rows: slice) -> Sequence[Due]:
        """Give some samples; pictures and blocks of sound one by one."""
        if self.live.form not in ("pictures", "sound"):
            return [self._due(lap, rows)]
        each = (at for at in range(rows.start, rows.stop) if self.payloads.there(at))
        return [self._due(lap, slice(at, at + 1)) for at in each]

    def tell(self, into: Intake, sensor: str) -> None:
        """Say how many of its samples could not be had."""
        if self.payloads.lost:
            into.trouble(
                Trouble(
                    what="garbage",
                    message=f"{say_count(self.payloads.lost, 'sample')} of the recording do not decode",
                    at_ns=into.clock.now_ns(),
                    sensor=sensor,
                    stream=self.live.name,
                    count=self.payloads.lost,
                )
            )

    def _due(self, lap: int, rows: slice) -> Due:
        recorded = self._recorded
        return Due(
            stream=self.live.name,
            device_ns=None if recorded.device_ns is None else recorded.device_ns[rows] + lap * self._lasts_ns,
            seq=recorded.seq[rows] + lap * self._numbers,
            content=content_of(recorded, rows, self.payloads.codec, self.payloads.at),
        )


def _reader_of(sensor: SensorOfRig, path: Path) -> Reader:
    """Give the reader that claims the path most surely.

    Raises:
        CaptureError: ``capture.refused``, if none does.
    """
    head = b""
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    readers: Mapping[str, Reader] = registry.load_all("readers")
    claims = {name: reader.probe(path, head) for name, reader in readers.items()}
    surest = max(claims, key=lambda name: claims[name].confidence)
    if claims[surest].confidence <= 0:
        raise CaptureError(
            f"replay '{sensor.name}': no reader takes '{path.name}'",
            code="capture.refused",
            hint=f"rushes look '{path}' shows what each reader makes of it",
            facts={"sensor": sensor.name, "device": str(path)},
        )
    return readers[surest]


def _since(held: Sequence[Recorded]) -> list[Times]:
    """Say when each sample of each stream comes, from the start of the recording; never before one ahead of it."""
    found: list[Times] = []
    starts: dict[bool, int] = {}
    for logged in (True, False):
        firsts = [int(_noted(each)[0]) for each in held if (each.log_ns is not None) is logged and len(each.seq)]
        starts[logged] = min(firsts, default=0)
    for each in held:
        times = _noted(each)
        if not len(times):
            found.append(times)
            continue
        start = starts[each.log_ns is not None]
        if int(times[0]) - start > _ANOTHER_ERA_NS:  # a clock of its own, that nothing was held against
            start = int(times[0])
        found.append(np.maximum.accumulate(times - start))
    return found


def _noted(recorded: Recorded) -> Times:
    return recorded.log_ns if recorded.log_ns is not None else recorded.t_ns


def _interval_ns(since: Times) -> int:
    """Give the usual distance of two samples."""
    return max(1, int(np.median(np.diff(since)))) if len(since) > 1 else 1


def _live(sensor: SensorOfRig, recorded: Recorded, codec: str | None, topic: str, speed: float) -> LiveStream:
    stream, form = recorded.stream, recorded.form
    rate = sensor.rate_hz or stream.nominal_rate_hz
    names = stream.channel_names or tuple(f"channel {i + 1}" for i in range(recorded.width))
    units = stream.channel_units or ("",) * len(names)
    if stream.table == "gaze":
        names, units = GAZE, ("px", "px", "")
    clock = None if recorded.device_ns is None else stream.clock_id or ""  # of which nobody said whose it is
    return LiveStream(
        name=topic,
        form=form,
        modality=stream.modality,
        nominal_rate_hz=None if rate is None else rate * speed,
        device_clock=clock,
        time_meaning="arrival" if clock is None else stream.time_meaning,
        latency_ns=sensor.latency_ns,
        frame_of_reference=stream.frame_of_reference or sensor.frame_of_reference,
        codec=format_of(stream, codec) if codec is not None else None,
        pixel_format=stream.pixel_format if codec == "raw" else None,
        rotation_deg=stream.rotation_deg,
        depth_unit_m=None if codec is None else depth_unit(stream, codec),
        sample_rate_hz=round(stream.sample_rate_hz) if form == "sound" and stream.sample_rate_hz else None,
        channels=stream.channels if form == "sound" else None,
        channel_names=names if form == "numbers" else (),
        channel_units=units if form == "numbers" else (),
        message_form=_json_of(stream.message_type) if form == "messages" else None,
    )


def _json_of(message_type: str | None) -> MessageForm:
    return MessageForm(
        encoding="json", schema_name=message_type or "message", schema_encoding="jsonschema", schema=_ANY_JSON
    )


def _topic(sensor: str, name: str, *, prefix: bool) -> str:
    if name.startswith("/"):
        return f"/{sensor}{name}" if prefix else name
    return f"/{sensor}/" + re.sub(r"[^\w/]+", "_", name).strip("_")


def _lacks(sensor: SensorOfRig, name: str, offered: Sequence[str]) -> CaptureError:
    near = close_to(name, offered)
    return CaptureError(
        f"replay '{sensor.name}': the recording has no stream '{name}'",
        code="capture.refused",
        hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(offered)}",
        facts={"sensor": sensor.name, "stream": name},
    )


PLUGIN: Source = ReplaySource()
