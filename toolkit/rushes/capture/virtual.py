"""The virtual rig as live sensors: every time, clock and latency is known beforehand.

``device`` is the name of a take: ``tabletop``, ``tiny`` (pictures of 64 × 48 px), or ``two-cameras`` (720p30).
All sensors of the take are streams of this one source; their topics are those of the take.

``options``:
    seed: Of everything that is drawn (1).
    seconds: Length of the take; by itself 3 s for ``tabletop``, 1 s for the others.
    loop: Begin again at the end, for as long as is recorded; clocks and numbers go on, what is seen repeats.

A sample arrives when its host logged it in the take, counted from the start of the recording. Its arrival is
measured; it is up to 4 ms late for sensors above 250 Hz, which are given in handfuls. ``device_ns`` is exactly
what its clock says, with offset, drift, wander and resets. The truth of all is ``rushes.virtual.clock``, and one
pair of clocks, ``virtual`` against ``log``: when true time began.

Rendering costs more than the take lasts: it is done before, in a process of its own, when the sensor is opened. On
two cores ``tiny`` takes seconds, ``tabletop`` longer, and a take of 720p pictures a minute for each second.
"""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rushes import cdr
from rushes.capture._pacing import Due, Pace, give
from rushes.capture._virtual_rendering import SECONDS, Rendered, content_of, rendered
from rushes.capture._wishes import Wishes
from rushes.capturing import (
    Form,
    FoundDevice,
    Intake,
    LiveStream,
    MessageForm,
    OpenSource,
    Source,
)
from rushes.errors import CaptureError
from rushes.model import ClockPairs, Modality
from rushes.registry import close_to
from rushes.sensors import SensorOfRig
from rushes.virtual.clock import device_times
from rushes.virtual.recording import calibration, fixed_frames
from rushes.virtual.schedule import sample_count
from rushes.virtual.spec import NANOSECONDS, RigSpec, SensorSpec

TRUE_TIME = "virtual"
_FORMS: Mapping[str, tuple[Form, Modality]] = {
    "color": ("pictures", "color"),
    "depth": ("pictures", "depth"),
    "imu": ("inertial", "imu"),
    "audio": ("sound", "audio"),
    "pose": ("places", "pose"),
}


class VirtualSource:
    """Opens takes of the virtual rig."""

    name = "virtual"
    version = "1"

    def scan(self) -> Sequence[FoundDevice]:
        """List the takes."""
        return [
            FoundDevice(
                source=self.name, device=name, title=f"virtual rig, take '{name}'", facts={"seconds": f"{s:g}"}
            )
            for name, s in SECONDS.items()
        ]

    def open(self, sensor: SensorOfRig) -> OpenSource:
        """Render a take; that may last.

        Raises:
            CaptureError: ``capture.absent`` or ``capture.refused``.
            RecipeError: ``rig.invalid``.
        """
        form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
        seed = options.whole("seed", 1, least=0) or 0
        seconds = options.number("seconds", least=0.1, most=3600.0)
        loop = options.flag("loop")
        form.finish()
        options.finish()
        if sensor.device not in SECONDS:
            near = close_to(sensor.device, SECONDS)
            raise CaptureError(
                f"virtual sensor '{sensor.name}': there is no take '{sensor.device}'",
                code="capture.absent",
                hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(SECONDS)}",
                facts={"sensor": sensor.name, "device": sensor.device},
            )
        rig, tracks = rendered(sensor.device, seed=seed, seconds=seconds or SECONDS[sensor.device])
        return OpenVirtual(sensor, rig, tracks, loop=loop)


class OpenVirtual:
    """A take that is ready to be given.

    Args:
        sensor: Of the rig.
        rig: The take.
        tracks: What its sensors give, in their order.
        loop: Whether it begins again at its end.
    """

    def __init__(self, sensor: SensorOfRig, rig: RigSpec, tracks: Sequence[Rendered], *, loop: bool) -> None:
        self._rig = rig
        self._tracks = [
            VirtualTrack(rig, spec, track, laps=None if loop else 1)
            for spec, track in zip(rig.sensors, tracks, strict=True)
        ]
        self.streams: Sequence[LiveStream] = [_stream(sensor, rig, spec) for spec in rig.sensors]

    def run(self, into: Intake) -> None:
        """Give the take at its own pace, until told to stop or at its end."""
        begun_ns = time.monotonic_ns()
        into.pair(_beginning(self._rig, into.clock.of_monotonic(begun_ns)))
        give(self._tracks, into, begun_ns)

    def close(self) -> None:
        """Let go of the rendered pictures."""
        self._tracks = []


class VirtualTrack:
    """One sensor of the take.

    Args:
        laps: How often the take is given; None for ever.
    """

    def __init__(self, rig: RigSpec, spec: SensorSpec, track: Rendered, *, laps: int | None) -> None:
        self._rig, self._spec, self._track = rig, spec, track
        self._lasts_ns = round(rig.seconds * NANOSECONDS)
        self._numbers = sample_count(rig, spec)
        self.pace = Pace(track.log_ns - rig.start_ns, lasts_ns=self._lasts_ns, laps=laps)

    def cut(self, lap: int, rows: slice) -> Sequence[Due]:
        """Give some samples; blocks of sound one by one."""
        if self._spec.kind != "audio":
            return [self._due(lap, rows)]
        return [self._due(lap, slice(at, at + 1)) for at in range(rows.start, rows.stop)]

    def _due(self, lap: int, rows: slice) -> Due:
        track, spec = self._track, self._spec
        true_ns = track.true_ns[rows] + lap * self._lasts_ns
        return Due(
            stream=spec.stream,
            device_ns=device_times(spec.clock, true_ns, start_ns=self._rig.start_ns),
            seq=track.seq[rows] + lap * self._numbers,
            content=content_of(track, spec.kind, rows, width_px=spec.width_px, height_px=spec.height_px),
        )


def _stream(sensor: SensorOfRig, rig: RigSpec, spec: SensorSpec) -> LiveStream:
    form, modality = _FORMS[spec.kind]
    codecs = {"color": "jpeg", "depth": "16UC1; compressedDepth png"}
    firsts: list[tuple[str, MessageForm, bytes]] = []
    if spec.kind in codecs:
        info = calibration(spec, int(device_times(spec.clock, np.array([rig.start_ns]), start_ns=rig.start_ns)[0]))
        firsts.append((f"/{spec.name}/camera_info", _message("sensor_msgs/msg/CameraInfo"), info))
    fixed = fixed_frames(rig) if spec is rig.sensors[0] else None
    if fixed is not None:
        firsts.append(("/tf_static", _message("tf2_msgs/msg/TFMessage"), fixed))
    sound: dict[str, Any] = {"sample_rate_hz": spec.sample_rate_hz, "channels": 1} if form == "sound" else {}
    return LiveStream(
        name=spec.stream,
        form=form,
        modality=modality,
        nominal_rate_hz=spec.rate_hz,
        device_clock=spec.name,
        time_meaning="exposure_mid" if form == "pictures" else "unknown",
        latency_ns=sensor.latency_ns,
        frame_of_reference=spec.frame,
        codec=codecs.get(spec.kind),
        first_messages=firsts,
        **sound,
    )


def _message(message_type: str) -> MessageForm:
    return MessageForm(
        encoding="cdr",
        schema_name=message_type,
        schema_encoding="ros2msg",
        schema=cdr.definition(message_type),
    )


def _beginning(rig: RigSpec, log_ns: int) -> ClockPairs:
    """Tell when true time began, so that what is measured of the clocks can be held to their truth."""
    return ClockPairs(
        from_clock=TRUE_TIME,
        to_clock="log",
        from_ns=np.array([rig.start_ns], np.int64),
        to_ns=np.array([log_ns], np.int64),
        relation="same",
        source="virtual",
    )


PLUGIN: Source = VirtualSource()
