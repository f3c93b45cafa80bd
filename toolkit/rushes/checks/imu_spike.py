"""imu.spike: single samples that leave all that the sensor gives and come straight back."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._imu import ACCEL, GYRO, Values, axes_of
from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImuSpike:
    """Samples that differ from both neighbours, which agree with each other, by far more than usual."""

    name = "imu.spike"
    version = "1"
    reason = (
        "A bit that flips on a bus, or two halves of a sample that were read at different times, gives one value "
        "that no motion makes. Integrated, it turns or throws the rig for good."
    )
    known_limits = (
        "A tap on the housing lasts a few milliseconds: at 100 Hz and below it may be one sample, and is told. "
        "Spikes of several samples, and those smaller than the motion itself, are not found."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = (*GYRO, *ACCEL)
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "spreads": Option(
            default=2.0,
            unit="times",
            reason="of all that 99 of 100 samples cover: what else happened is smaller",
        ),
        "gyro_rad_s": Option(default=5.0, unit="rad/s", reason="no hand changes its turning so within a sample"),
        "accel_m_s2": Option(default=20.0, unit="m/s2", reason="2 g within a sample and back in the next"),
        "least_samples": Option(default=50, unit="samples", reason="fewer do not say what is usual"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every IMU."""
        return stream.table == "imu"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge gyroscope and accelerometer, each where it is there at all."""
        for sensor, axes, unit in (("gyroscope", GYRO, "rad/s"), ("accelerometer", ACCEL, "m/s2")):
            values = axes_of(view, axes)
            if values is None or len(values) < max(3, options["least_samples"]):
                continue
            floor = options["gyro_rad_s"] if sensor == "gyroscope" else options["accel_m_s2"]
            far, limit = spikes_of(values, spreads=options["spreads"], floor=floor)
            at = np.arange(len(values))
            with np.errstate(invalid="ignore"):
                faulty: npt.NDArray[np.bool_] = np.asarray((far > limit).any(axis=1), np.bool_)
            yield Metric(metric=f"{sensor}_spikes", value=float(faulty.sum()), unit="1", stream=view.stream.name)
            yield from span_findings(
                view, at, faulty, check=self.name, severity="warning", values=np.nan_to_num(far).max(axis=1),
                limit=float(limit.min()), unit=unit, worst=np.max,
                say=lambda value, sensor=sensor, unit=unit: (  # type: ignore[misc]
                    f"{sensor}: leaps by {value:.4g} {unit} and straight back"
                ),
            )  # fmt: skip


def spikes_of(values: Values, *, spreads: float, floor: float) -> tuple[Values, npt.NDArray[np.float64]]:
    """Give how far each sample lies beside both its neighbours where these agree, and the limit of each axis.

    Args:
        values: Shape (n, axes); NaN where absent.
        spreads: Of the range from the 0.5th to the 99.5th percentile, the least that counts.
        floor: The least that counts anyhow.

    Returns:
        Shape (n, axes), 0 where the neighbours do not agree within a quarter of it; and shape (axes,).
    """
    far = np.zeros_like(values)
    with np.errstate(invalid="ignore", over="ignore"):
        known = ~np.isnan(values).all(axis=0)
        reach = np.zeros(values.shape[1])
        reach[known] = np.diff(np.nanpercentile(values[:, known], [0.5, 99.5], axis=0), axis=0)[0]
        there, back, across = (
            values[1:-1] - values[:-2],
            values[1:-1] - values[2:],
            np.abs(values[2:] - values[:-2]),
        )
        least = np.minimum(np.abs(there), np.abs(back))
        alone = (np.sign(there) == np.sign(back)) & (across < 0.25 * least)
        far[1:-1] = np.where(alone, least, 0.0)
    return far, np.maximum(spreads * reach, floor)


PLUGIN: StreamCheck = ImuSpike()
