"""label.size: labels far larger or smaller than their class."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import Flags, Places, Values, groups, people, sides, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView

MAD_TO_SD = 1.4826
LEAST_SPREAD = 0.05
"""Of the logarithm: sizes that agree to 5 % have no outliers worth a look."""
KINDS = ("box", "rotated_box", "polygon", "mask", "keypoints")


class LabelSize:
    """Size, and shape, on a logarithmic scale, against the median of the class in the stream."""

    name = "label.size"
    version = "1"
    reason = (
        "A slip of the mouse, a box around two things, or a label of the wrong class stands out by its size or "
        "its shape. Median and median deviation are not moved by the outliers that they must find."
    )
    known_limits = (
        "Things near and far differ honestly: a class whose sizes spread over decades hides its slips, and one "
        "that is nearly always of one size shows honest exceptions. So this is a list to look at, of severity "
        "info. Fewer than least_count labels of a class in a stream are not judged."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "z": Option(
            default=5.0, unit="robust deviations", reason="one in two million by chance, were the sizes log-normal"
        ),
        "least_count": Option(default=20, unit="labels", reason="fewer give no steady deviation"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find what is far from the median of its class, in size or in shape."""
        if not len(view):
            return
        width, height = sides(view)
        with np.errstate(invalid="ignore"):
            usable = people(view) & np.isin(view.columns["kind"], KINDS) & (width > 0) & (height > 0)
        rows = np.flatnonzero(usable)
        group = groups(view, "stream", "kind", "class_name")[rows]
        size = np.log(np.sqrt(width[rows] * height[rows]))
        shape = np.log(width[rows] / height[rows])
        by_size, by_shape = (robust_z(values, group, int(options["least_count"])) for values in (size, shape))
        worst = np.where(np.abs(by_size) >= np.abs(by_shape), by_size, by_shape)
        far: Flags = np.abs(worst) > options["z"]
        yield Metric(metric="labels_size_outlier", value=float(far.sum()), unit="1")
        place = {int(row): at for at, row in enumerate(rows.tolist())}

        def say(row: int) -> str:
            at = place[row]
            if abs(by_size[at]) >= abs(by_shape[at]):
                what = "larger" if by_size[at] > 0 else "smaller"
            else:
                what = "wider for its height" if by_shape[at] > 0 else "taller for its width"
            return (
                f"{width[row]:.0f}×{height[row]:.0f} px is {abs(worst[at]):.1f} robust deviations {what} than its "
                f"class (limit {options['z']:g})"
            )

        yield from told(
            view, rows[far], check=self.name, severity="info", say=say, values=worst[far], limit=options["z"],
            unit="1", rank=np.abs(worst[far]),
        )  # fmt: skip


def robust_z(values: Values, group: Places, least: int) -> Values:
    """Give how many robust deviations each value is from the median of its group; 0 in groups of too few."""
    scores = np.zeros(len(values))
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(rows) >= max(least, 2):
            middle = np.median(values[rows])
            spread = MAD_TO_SD * float(np.median(np.abs(values[rows] - middle)))
            scores[rows] = (values[rows] - middle) / max(spread, LEAST_SPREAD)
    return scores


PLUGIN: LabelsCheck = LabelSize()
