"""dataset.anomaly: recordings that are unlike the rest of their dataset."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.contracts import DatasetCheck, Option
from rushes.model import Finding, Metric
from rushes.quantities import say_count
from rushes.views import DatasetView

MAD_TO_SD = 1.4826
FLOORS = {"effective_rate": 0.005, "labels_a_frame": 0.1}
"""Least robust deviation as a share of the median: what differs by less is no anomaly."""
FLOOR = 0.02


class DatasetAnomaly:
    """Each measure of a stream over all recordings: robust deviations from the median, no training."""

    name = "dataset.anomaly"
    version = "1"
    reason = (
        "The take with the wrong exposure, the camera that ran at 25 Hz, the recording with a tenth of the "
        "labels: each passes every limit by itself and stands out among its kind."
    )
    known_limits = (
        "It finds what is rare, not what is wrong: the one recording at night is found too. Fewer than "
        "least_recordings of a stream have no rest to differ from. Where a third are odd they are the rule."
    )
    subject: Literal["dataset"] = "dataset"
    defaults: Mapping[str, Option] = {
        "z": Option(
            default=6.0, unit="robust deviations", reason="one in a thousand million by chance, were it normal"
        ),
        "least_recordings": Option(default=8, unit="recordings", reason="fewer give no steady deviation"),
        "most_share": Option(default=0.2, unit="", reason="what one in five does is another kind, not an anomaly"),
    }

    def judge(self, view: DatasetView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find the odd ones, measure by measure."""
        for (stream, metric), values in sorted(view.measures.items()):
            known = np.isfinite(values)
            if known.sum() < options["least_recordings"]:
                continue
            middle = float(np.median(values[known]))
            spread = MAD_TO_SD * float(np.median(np.abs(values[known] - middle)))
            scores = np.zeros(len(values))
            scores[known] = (values[known] - middle) / max(spread, FLOORS.get(metric, FLOOR) * abs(middle), 1e-12)
            odd = np.flatnonzero(np.abs(scores) > options["z"])
            if not len(odd) or len(odd) > options["most_share"] * known.sum():
                continue
            for row in odd.tolist():
                words = (
                    f"{view.recordings[row]}: {metric.replace('_', ' ')} of {stream or 'its labels'} is "
                    f"{values[row]:.4g}, the median of {say_count(int(known.sum()), 'recording')} is {middle:.4g} "
                    f"({scores[row]:+.1f} robust deviations, limit {options['z']:g})"
                )
                yield Finding(
                    check=self.name,
                    severity="info",
                    message=words,
                    value=float(scores[row]),
                    limit=options["z"],
                    unit="1",
                )


PLUGIN: DatasetCheck = DatasetAnomaly()
