"""What a rig may ask of a camera, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import urlsplit, urlunsplit

from rushes.capture._wishes import Wishes
from rushes.errors import CaptureError
from rushes.model import Modality
from rushes.quantities import duration_ns
from rushes.sensors import SensorOfRig

Codec = Literal["delivered", "jpeg", "raw"]
MEANINGS = ("exposure_start", "exposure_mid", "exposure_end", "unknown")
BACKENDS = ("v4l2", "dshow", "msmf", "avfoundation")


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraWishes:
    """What is asked of a camera; the docstring of the plugin says what each means."""

    name: str
    device: str
    rate_hz: float | None
    width_px: int | None
    height_px: int | None
    codec: Codec
    encoding: Literal["jpeg", "png"]
    quality: int
    any_format: bool
    modality: Modality
    time_meaning: str
    open_s: float
    silent_s: float
    backend: str | None
    demuxer: str | None
    ffmpeg: Mapping[str, str]

    @property
    def topic(self) -> str:
        """Name of its stream."""
        return f"/{self.name}/image/compressed"

    @property
    def where(self) -> str:
        """The device as it may be shown: without user and password."""
        return without_password(self.device)

    def absent(self, why: str, hint: str = "") -> CaptureError:
        """Make the error that says that it is not there."""
        return CaptureError(
            f"camera '{self.name}' at '{self.where}' cannot be opened: {without_password(why)}",
            code="capture.absent",
            hint=hint or "look at cable, power and address; rushes rig scan lists what this machine offers",
            facts={"sensor": self.name, "device": self.where},
        )

    def refused(self, why: str, hint: str = "") -> CaptureError:
        """Make the error that says that it cannot do what is asked."""
        return CaptureError(
            f"camera '{self.name}' at '{self.where}': {why}",
            code="capture.refused",
            hint=hint or "ask for what it gives, or say options: {any_format: true} to take what comes",
            facts={"sensor": self.name, "device": self.where},
        )

    def unmet(self, width_px: int, height_px: int) -> str:
        """Say how the size that came differs from the one asked for; empty where it does not."""
        wished = (self.width_px or width_px, self.height_px or height_px)
        if wished == (width_px, height_px):
            return ""
        return f"asked for {wished[0]} × {wished[1]} pixels, it gives {width_px} × {height_px}"


def camera_wishes(sensor: SensorOfRig) -> CameraWishes:
    """Read what a rig asks of a camera.

    Raises:
        RecipeError: ``rig.invalid``, for what is not known or cannot be meant.
    """
    form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
    wishes = CameraWishes(
        name=sensor.name,
        device=sensor.device,
        rate_hz=sensor.rate_hz,
        width_px=form.whole("width_px"),
        height_px=form.whole("height_px"),
        codec=cast("Codec", form.text("codec", "delivered", among=("delivered", "jpeg", "raw"))),
        encoding=cast("Literal['jpeg', 'png']", options.text("encoding", "jpeg", among=("jpeg", "png"))),
        quality=options.whole("quality", 95, most=100) or 95,
        any_format=options.flag("any_format"),
        modality=cast("Modality", options.text("modality", "color", among=("color", "infrared"))),
        time_meaning=options.text("time_meaning", "unknown", among=MEANINGS) or "unknown",
        open_s=_seconds(options, "open_within", 5.0),
        silent_s=_seconds(options, "silent_after", 5.0),
        backend=options.text("backend", among=BACKENDS),
        demuxer=options.text("demuxer"),
        ffmpeg={key: str(value) for key, value in options.mapping("ffmpeg").items()},
    )
    form.finish()
    options.finish()
    return wishes


def without_password(text: str) -> str:
    """Take user and password out of a URL, or out of a message that quotes one."""
    return " ".join(_bare(word) for word in text.split(" "))


def _bare(word: str) -> str:
    if "://" not in word or "@" not in word:
        return word
    parts = urlsplit(word)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _seconds(options: Wishes, name: str, default: float) -> float:
    said = options.text(name)
    if said is None:
        return default
    try:
        return max(duration_ns(said), 1_000_000) / 1e9
    except ValueError as error:
        raise options.refused(name, f"is '{said}'; it must be a length of time such as 5s") from error
