"""label.keypoint_confidence: keypoints whose tracker doubts them, says nothing of its doubt, or loses them."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._label_shapes import items_of
from rushes.checks._labels import MAKER, Flags, groups
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView


class LabelKeypointConfidence:
    """Keypoints of models and trackers, stream by stream: how many are doubted, unscored, or without points."""

    name = "label.keypoint_confidence"
    version = "1"
    reason = (
        "A hand tracker goes on giving 21 points when the hand is behind a cup. Its score is the only hint; who "
        "trains on such points, or leaves out those with a low score, must know how many there are."
    )
    known_limits = (
        "The score is the tracker's own and seldom calibrated: a sure one may be wrong (label.keypoint_jump finds "
        "some of those). One score a label is known, none a point. Labels of people carry no score and are not "
        "judged."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "confidence": Option(
            default=0.5, unit="", reason="the tracker itself thinks the points more likely wrong than right"
        ),
        "doubted_share": Option(
            default=0.2, unit="", reason="one in five; hands leave the picture for less of a usual take"
        ),
        "unscored_share": Option(
            default=0.2, unit="", reason="a filter by score would treat so many at random: as sure, or as absent"
        ),
        "lost_share": Option(
            default=0.2, unit="", reason="of all points; a hand seen from its edge hides a few of 21"
        ),
        "least_count": Option(default=20, unit="labels", reason="fewer say nothing of a share"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge each tracker in each stream by itself."""
        columns = view.columns
        machine: Flags = (columns["kind"] == "keypoints") & (columns["source"] == "model")
        maker = groups(view, *MAKER, "stream", "class_name")
        rows, triples = items_of(columns["kind"], view.points, view.starts, "keypoints")
        for number in np.unique(maker[machine]).tolist():
            mine = np.flatnonzero(machine & (maker == number))
            score = columns["score"][mine].astype(np.float64)
            scored = score[np.isfinite(score)]
            seen = triples[np.isin(rows, mine), 2] > 0
            one = int(mine[0])
            if len(scored):
                stream = columns["stream"][one]
                yield Metric(metric="keypoint_score", value=float(np.median(scored)), unit="1", stream=stream)
            if len(mine) < options["least_count"]:
                continue
            doubted = int((scored < options["confidence"]).sum())
            shares = (
                (
                    doubted / max(len(scored), 1), options["doubted_share"], doubted,
                    f"of its scores lie below {options['confidence']:g}",
                ),
                (
                    1 - len(scored) / len(mine), options["unscored_share"], len(mine) - len(scored),
                    "of its labels carry no score",
                ),
                (
                    float((~seen).mean()) if len(seen) else 1.0, options["lost_share"], int((~seen).sum()),
                    "of its points are not there",
                ),
            )  # fmt: skip
            for share, limit, count, words in shares:
                if share > limit:
                    yield self._finding(view, one, len(mine), share, limit, count, words)

    def _finding(
        self, view: LabelsView, row: int, labels: int, share: float, limit: float, count: int, words: str
    ) -> Finding:
        columns = view.columns
        stream = columns["stream"][row]
        who = columns["tool"][row] or columns["author"][row] or "a model"
        what = columns["class_name"][row] or "keypoints"
        return Finding(
            check=self.name,
            severity="warning",
            message=(f"{stream}: " if stream is not None else "")
            + f"{who}: {what}: {share:.0%} {words} ({labels:,} labels, limit {limit:.0%})",
            value=share,
            limit=limit,
            unit="1",
            stream=stream,
            count=max(count, 1),
        )


PLUGIN: LabelsCheck = LabelKeypointConfidence()
