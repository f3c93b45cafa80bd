"""imu.plausible: values that no working inertial sensor gives."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._imu import ACCEL, GYRO, Values, axes_of
from rushes.checks._spans import MOST, runs
from rushes.checks._streams import where
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Severity, Stream
from rushes.quantities import say_count

GRAVITY_M_S2 = 9.80665


class ImuPlausible:
    """Lacking values, standing values, dead axes, clipping, gravity and unit."""

    name = "imu.plausible"
    version = "3"
    reason = (
        "An IMU fails quietly: a loose cable repeats the last value, a wrong range clips, g or degrees pass for "
        "SI units. Gravity is always there to hold the accelerometer against. Limits are proposals."
    )
    known_limits = (
        "Units are judged by what gravity and hands can do; slow turns in degrees are left to imu.rest. An axis "
        "that is exchanged with another is not told."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = (*GYRO, *ACCEL)
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "gravity_off_m_s2": Option(
            default=1.0, unit="m/s2", reason="ten times the bias of a cheap sensor; the median evens out motion"
        ),
        "stuck_samples": Option(
            default=10, unit="samples", reason="all axes equal ten times in a row is no noise floor of any sensor"
        ),
        "clipped_samples": Option(
            default=3, unit="samples", reason="more than values usually stay; a peak touches its largest once"
        ),
        "least_samples": Option(default=50, unit="samples", reason="fewer have no steady median"),
        "gyro_most_rad_s": Option(
            default=35.0, unit="rad/s", reason="2,000 degrees a second is the range of common sensors"
        ),
    }

    def applies(self, stream: Stream) -> bool:
        """Every IMU."""
        return stream.table == "imu"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge gyroscope and accelerometer, each where it is there at all."""
        for sensor, axes in (("gyroscope", GYRO), ("accelerometer", ACCEL)):
            values = axes_of(view, axes)
            if values is None:
                continue
            lacking = np.asarray(np.isnan(values).any(axis=1))
            if lacking.any():
                yield self._lacking(view, sensor, lacking)
            yield from self._stuck(view, sensor, values, int(options["stuck_samples"]))
            if (~lacking).sum() < options["least_samples"]:
                continue
            yield from self._dead(view, sensor, axes, values)
            yield from self._clipped(view, sensor, axes, values, int(options["clipped_samples"]))
            size = np.linalg.norm(values[~lacking], axis=1)
            if sensor == "accelerometer":
                yield from self._gravity(view, size, options["gravity_off_m_s2"])
            else:
                yield from self._too_fast(view, size, options["gyro_most_rad_s"])

    def _lacking(self, view: StreamView, sensor: str, lacking: npt.NDArray[np.bool_]) -> Finding:
        found = runs(lacking)
        return _finding(
            view,
            "error",
            f"{sensor}: {say_count(int(lacking.sum()), 'sample')} without a number, the first at "
            f"{where(view, found[0][0], found[0][0])}",
            value=float(lacking.mean()),
            limit=0.0,
            unit="1",
            index=int(view.columns["index"][found[0][0]]),
            count=int(lacking.sum()),
        )

    def _stuck(self, view: StreamView, sensor: str, values: Values, least: int) -> Iterator[Finding]:
        same = np.concatenate(([False], (values[1:] == values[:-1]).all(axis=1)))
        found = [(start - 1, stop) for start, stop in runs(same) if stop - start + 1 >= least]
        longest = sorted(found, key=lambda run: (run[0] - run[1], run[0]))
        for start, stop in sorted(longest[:MOST]):
            yield _finding(
                view,
                "error",
                f"{sensor}: {where(view, start, stop - 1)} hold the same values (limit {least} samples)",
                value=float(stop - start),
                limit=float(least),
                unit="1",
                index=int(view.columns["index"][start]),
                start_ns=int(view.columns["t_ns"][start]),
                end_ns=int(view.columns["t_ns"][stop - 1]),
                count=stop - start,
            )
        if rest := longest[MOST:]:
            count = sum(stop - start for start, stop in rest)
            yield _finding(
                view,
                "error",
                f"{sensor}: {say_count(count, 'sample')} hold their values in {len(rest)} more places",
                value=float(count),
                limit=float(least),
                unit="1",
                count=count,
            )

    def _dead(self, view: StreamView, sensor: str, axes: tuple[str, ...], values: Values) -> Iterator[Finding]:
        """Tell axes that never change while another one of the sensor does."""
        with np.errstate(invalid="ignore", over="ignore"):
            reach = np.nanmax(values, axis=0) - np.nanmin(values, axis=0)
        for at in np.flatnonzero(reach == 0).tolist() if (reach > 0).any() else ():
            held = float(np.nanmax(values[:, at]))
            words = f"{sensor}: {axes[at]} is {held:.4g} {_unit(axes[at])} throughout, while other axes move"
            yield _finding(view, "error", words, value=held, unit=_unit(axes[at]), count=len(values))

    def _clipped(
        self, view: StreamView, sensor: str, axes: tuple[str, ...], values: Values, least: int
    ) -> Iterator[Finding]:
        """Look for plateaus at an axis' own extremes; the range of the sensor is not known."""
        for axis, column in zip(axes, values.T, strict=True):
            held = _usual_hold(column)
            steps = np.abs(np.diff(column))
            # A resting sensor touches its coarse extremes often; clipping happens far out.
            far = max(float(np.nanstd(column)), 8 * float(np.min(steps[steps > 0], initial=np.inf)))
            for extreme in (float(np.nanmax(column)), float(np.nanmin(column))):
                if abs(extreme - float(np.nanmedian(column))) < far:
                    continue
                plateaus = [(a, b) for a, b in runs(column == extreme) if b - a >= least + held]
                if not plateaus:
                    continue
                count = sum(b - a for a, b in plateaus)
                yield _finding(
                    view,
                    "warning",
                    f"{sensor}: {axis} stays at its extreme {extreme:.4g} {_unit(axis)} for "
                    f"{say_count(count, 'sample')}: clipped? (limit {least + held} in a row)",
                    value=extreme,
                    unit=_unit(axis),
                    index=int(view.columns["index"][plateaus[0][0]]),
                    start_ns=int(view.columns["t_ns"][plateaus[0][0]]),
                    end_ns=int(view.columns["t_ns"][plateaus[-1][1] - 1]),
                    count=count,
                )

    def _gravity(self, view: StreamView, size: Values, limit: float) -> Iterator[Metric | Finding]:
        middle = float(np.median(size))
        yield Metric(metric="accel_median", value=middle, unit="m/s2", stream=view.stream.name)
        if abs(middle - GRAVITY_M_S2) <= limit:
            return
        units = {"g": GRAVITY_M_S2, "mg": GRAVITY_M_S2 / 1000, "cm/s2": 0.01}
        guess = next((u for u, scale in units.items() if abs(middle * scale - GRAVITY_M_S2) <= limit), None)
        hint = f": in {guess} it would be gravity" if guess else ""
        if middle < limit:
            hint = ": gravity was taken out, or the sensor was not on"
        yield _finding(
            view,
            "warning",
            f"accelerometer: its median is {middle:.4g} m/s2, gravity is 9.81 (limit {limit:g} off){hint}",
            value=middle,
            limit=limit,
            unit="m/s2",
            count=len(size),
        )

    def _too_fast(self, view: StreamView, size: Values, limit: float) -> Iterator[Metric | Finding]:
        p99 = float(np.percentile(size, 99))
        yield Metric(metric="gyro_p99", value=p99, unit="rad/s", stream=view.stream.name)
        if p99 > limit:
            yield _finding(
                view,
                "warning",
                f"gyroscope: 1 in 100 samples turns faster than {p99:.4g} rad/s (limit {limit:g}): in degrees?",
                value=p99,
                limit=limit,
                unit="rad/s",
                count=int((size > limit).sum()),
            )


def _usual_hold(column: Values) -> int:
    """Give how many samples a value usually stays, beyond one; a slow sensor in a fast stream repeats itself."""
    changes = np.flatnonzero(np.diff(column) != 0)
    lengths = np.diff(np.concatenate(([-1], changes, [len(column) - 1])))
    return int(np.percentile(lengths, 99)) - 1


def _unit(axis: str) -> str:
    return "rad/s" if axis in GYRO else "m/s2"


def _finding(view: StreamView, severity: Severity, message: str, **where: Any) -> Finding:
    name = view.stream.name
    said = message.removeprefix(f"{name}: ")  # a stream that is called what its sensor is
    return Finding(check="imu.plausible", severity=severity, message=f"{name}: {said}", stream=name, **where)


PLUGIN: StreamCheck = ImuPlausible()
