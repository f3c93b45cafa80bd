"""imu.rest: a gyroscope that turns while the accelerometer stands still: in degrees, or far off its zero."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._imu import ACCEL, GYRO, Values, axes_of
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.intervals import median_interval
from rushes.model import Finding, Metric, Stream


class ImuRest:
    """The median turning rate over all windows in which the accelerometer does not change."""

    name = "imu.rest"
    version = "1"
    reason = (
        "Degrees that pass for radians show at once in fast turns (imu.plausible), yet slow ones look like quick "
        "ones. At rest nothing turns: what the gyroscope says there is its zero, or the wrong unit."
    )
    known_limits = (
        "It needs half a second at rest somewhere. A steady turn about the vertical, as on a turntable, is rest "
        "to an accelerometer. A good sensor in degrees lies below the limit when it rests: its zero is too small."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = (*GYRO, *ACCEL)
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "turning_rad_s": Option(
            default=0.3, unit="rad/s", reason="17 degrees a second; zeros of cheap sensors stay below 5"
        ),
        "window_s": Option(default=0.5, unit="s", reason="hands do not hold still for so long by chance"),
        "still_m_s2": Option(
            default=0.1, unit="m/s2", reason="spread of each axis in a window: noise of cheap sensors is half that"
        ),
        "least_windows": Option(default=1, unit="windows", reason="one is enough to know"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every IMU."""
        return stream.table == "imu"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find windows at rest, then ask the gyroscope."""
        gyro, accel = axes_of(view, GYRO), axes_of(view, ACCEL)
        interval_ns = median_interval(view.spans)
        if gyro is None or accel is None or interval_ns is None:
            return
        size = max(4, round(options["window_s"] * 1e9 / interval_ns))
        with np.errstate(invalid="ignore", over="ignore"):
            turning, moving = np.linalg.norm(_windows(gyro, size).mean(axis=1), axis=1), _windows(accel, size)
            spread = moving.std(axis=1).max(axis=1)
            live = np.linalg.norm(moving.mean(axis=1), axis=1) > 1.0  # zeros are not at rest, they are not there
            still = np.flatnonzero(live & np.isfinite(turning) & (spread > 0) & (spread < options["still_m_s2"]))
        if len(still) < max(1, options["least_windows"]):
            return
        middle, name = float(np.median(turning[still])), view.stream.name
        yield Metric(metric="gyro_at_rest", value=middle, unit="rad/s", stream=name)
        limit = options["turning_rad_s"]
        if middle <= limit:
            return
        first = int(still[0]) * size
        hint = f"as degrees it would be {np.radians(middle):.2g} rad/s" if middle < 57 else "in degrees?"
        yield Finding(
            check=self.name,
            severity="warning",
            message=f"{name}: gyroscope: turns at {middle:.3g} rad/s while the accelerometer stands still "
            f"(limit {limit:g}): {hint}",
            value=middle,
            limit=limit,
            unit="rad/s",
            stream=name,
            index=int(view.columns["index"][first]),
            start_ns=int(view.columns["t_ns"][first]),
            end_ns=int(view.columns["t_ns"][first + size - 1]),
            count=len(still) * size,
        )


def _windows(values: Values, size: int) -> Values:
    """Lay consecutive samples out as windows, shape (windows, size, 3); an incomplete one is left out."""
    return values[: len(values) // size * size].reshape(-1, size, 3)


PLUGIN: StreamCheck = ImuRest()
