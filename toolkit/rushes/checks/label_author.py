"""label.author: people who take over predictions as they are, or work faster than one can look."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.contracts import DatasetCheck, Option
from rushes.model import Finding, Metric
from rushes.views import DatasetView


class LabelAuthor:
    """Each author over all recordings: predictions taken over unchanged, and versions made in no time."""

    name = "label.author"
    version = "2"
    reason = (
        "A prediction that is waved through is the model's opinion under a person's name. Training on it, and "
        "worse, testing on it, rewards the model for its own mistakes."
    )
    known_limits = (
        "A good model on an easy film is rightly accepted: look at some of the frames before you speak to anyone. "
        "Tools that do not tell where a label comes from, or how long it took, give nothing to judge. "
        "Where somebody hurried only in one recording, the share over all of them may hide it."
    )
    subject: Literal["dataset"] = "dataset"
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

    def judge(self, view: DatasetView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge each author by labels that rest on predictions, and by lead times, over all recordings."""
        for name, author in view.authors.items():
            share = author.unchanged / max(author.offered, 1)
            if author.offered >= options["least_count"] and share > options["unchanged_share"]:
                yield self._finding(
                    f"{name}: took over {share:.0%} of {author.offered:,} predictions as they were "
                    f"(limit {options['unchanged_share']:.0%})",
                    share, options["unchanged_share"], author.offered,
                )  # fmt: skip
            times = author.lead_time_s
            hasty = int((times < options["hasty_s"]).sum())
            share = hasty / max(len(times), 1)
            if len(times) >= options["least_count"] and share > options["hasty_share"]:
                yield self._finding(
                    f"{name}: {share:.0%} of {len(times):,} versions took less than {options['hasty_s']:g} s "
                    f"(limit {options['hasty_share']:.0%})",
                    share, options["hasty_share"], hasty,
                )  # fmt: skip

    def _finding(self, message: str, share: float, limit: float, count: int) -> Finding:
        return Finding(
            check=self.name, severity="warning", message=message, value=share, limit=limit, unit="1", count=count
        )


PLUGIN: DatasetCheck = LabelAuthor()
