"""label.outside: labels that reach beyond the edge of their picture."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import Places, Values, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric, Severity
from rushes.views import LabelsView


class LabelOutside:
    """How far each label reaches out, by the edge where it is most."""

    name = "label.outside"
    version = "1"
    reason = (
        "Pixels outside a picture cannot be learnt from, and many trainers clip, drop or crash on such boxes. A "
        "label that lies outside as a whole was made on a picture of another size, or placed in other units."
    )
    known_limits = (
        "Boxes that are meant to go on behind the edge (amodal) are found too: raise slack_px for these. The size "
        "of the picture is the one that the label was drawn on, else the one that the stream declares; without "
        "either nothing is judged."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "slack_px": Option(
            default=1.0, unit="px", reason="tools round to whole pixels, and formats to six digits"
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find those beyond the slack; those that lie outside as a whole are errors."""
        if not len(view):
            return
        width, height = picture_sizes(view)
        left, top, right, bottom = view.bounds.T
        with np.errstate(invalid="ignore"):
            beyond = np.maximum.reduce((-left, -top, right - width, bottom - height))
            gone = (right <= 0) | (bottom <= 0) | (left >= width) | (top >= height)
            out = (width > 0) & (height > 0) & (beyond > options["slack_px"])
        yield Metric(metric="labels_outside", value=float(out.sum()), unit="1")
        limit = options["slack_px"]

        def say(at: int) -> str:
            how = "lies outside" if gone[at] else f"reaches {beyond[at]:.4g} px beyond the edge of"
            return f"{how} its picture of {width[at]:.0f}×{height[at]:.0f} px (limit {limit:g} px)"

        severities: tuple[Severity, Severity] = ("error", "warning")
        for severity, found in zip(severities, (out & gone, out & ~gone), strict=True):
            rows, far = np.flatnonzero(found), beyond[found]
            yield from told(
                view, rows, check=self.name, severity=severity, say=say,
                values=far, limit=limit, unit="px", rank=far,
            )  # fmt: skip


def picture_sizes(view: LabelsView) -> tuple[Values, Values]:
    """Give width and height of the picture of each label; 0 where not known."""
    sizes = [view.columns[name].astype(np.float64) for name in ("image_width_px", "image_height_px")]
    for at, name in enumerate(("width", "height")):
        known = {key: getattr(stream, name) or 0 for key, stream in view.streams.items()}
        lacking: Places = np.flatnonzero(sizes[at] <= 0)
        sizes[at][lacking] = [known.get(view.columns["stream"][row], 0) for row in lacking.tolist()]
    return sizes[0], sizes[1]


PLUGIN: LabelsCheck = LabelOutside()
