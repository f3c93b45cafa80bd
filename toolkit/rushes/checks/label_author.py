"""label.author: people who take over predictions as they are, or work faster than one can look."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView


class LabelAuthor:
    """One author at a time: predictions taken over unchanged, and versions made in no time."""

    name = "label.author"
    version = "1"
    reason = (
        "A prediction that is waved through is the model's opinion under a person's name. Training on it, and "
        "worse, testing on it, rewards the model for its own mistakes."
    )
    known_limits = (
        "A good model on an easy film is rightly accepted: look at some of the frames before you speak to anyone. "
        "Tools that do not tell where a label comes from, or how long it took, give nothing to judge."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "unchanged_share": Option(
            default=0.95, unit="", reason="no model is right in 19 of 20 boxes to the pixel; people move some"
        ),
        "hasty_s": Option(default=1.0, unit="s", reason="nobody reads a picture and decides in less"),
        "hasty_share": Option(
            default=0.2, unit="", reason="an empty frame is passed in a second; one in five is haste"
        ),
        "least_count": Option(default=20, unit="labels or versions", reason="fewer say nothing of a share"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge each author by labels that rest on predictions, and by lead times."""
        columns = view.columns
        least = options["least_count"]
        offered = (columns["source"] == "human") & np.isin(
            columns["origin"].astype(object), ("prediction", "prediction-changed")
        )
        for author in sorted({str(name) for name in columns["author"][offered]}):
            mine = offered & (columns["author"].astype(str) == author)
            share = float((columns["origin"][mine] == "prediction").mean())
            if mine.sum() < least or share <= options["unchanged_share"]:
                continue
            yield self._finding(
                f"{author}: took over {share:.0%} of {int(mine.sum()):,} predictions as they were "
                f"(limit {options['unchanged_share']:.0%})",
                share, options["unchanged_share"], int(mine.sum()),
            )  # fmt: skip
        if not view.works:
            return
        lead, authors = view.works["lead_time_s"], view.works["author"].astype(str)
        for author in sorted(set(authors[np.isfinite(lead)].tolist())):
            times = lead[(authors == author) & np.isfinite(lead)]
            share = float((times < options["hasty_s"]).mean())
            if len(times) < least or share <= options["hasty_share"]:
                continue
            yield self._finding(
                f"{author}: {share:.0%} of {len(times):,} versions took less than {options['hasty_s']:g} s "
                f"(limit {options['hasty_share']:.0%})",
                share, options["hasty_share"], int((times < options["hasty_s"]).sum()),
            )  # fmt: skip

    def _finding(self, message: str, share: float, limit: float, count: int) -> Finding:
        return Finding(
            check=self.name, severity="warning", message=message, value=share, limit=limit, unit="1", count=count
        )


PLUGIN: LabelsCheck = LabelAuthor()
