"""Where a model and people disagree: frames of all recordings in one list, the worst first, with pictures."""

from collections.abc import Mapping, Sequence

from rushes.model import Finding
from rushes.quantities import say_count
from rushes.report.page import (
    Html,
    Piece,
    PlacedFinding,
    chip,
    contact_sheet,
    element,
    findings,
    paragraph,
    section,
)
from rushes.workflow._report.shots import Shots
from rushes.workflow.check import Found

RANKED = "label.model"
"""The check whose findings are a ranking, not verdicts."""
MOST = 24
"""Frames that the list shows."""


def disagreements(
    found: Sequence[Found], shots: Shots, anchors: Mapping[str, str], labels: dict[str, str]
) -> Html | None:
    """Make the list; None where no model disagrees with anybody.

    Args:
        found: All findings.
        shots: Takes the pictures.
        anchors: Places of the recordings in the page.
        labels: Places of labels in the page; those that are shown here are added.
    """
    ranked = [item for item in found if item.finding.check == RANKED and item.finding.index is not None]
    if not ranked:
        return None
    ranked.sort(key=lambda item: (-(item.finding.value or 0.0), item.recording, item.finding.stream or ""))
    rows: list[Piece] = []
    for place, item in enumerate(ranked[:MOST], start=1):
        pictures = shots.of(item.recording_id, item.finding)
        anchor = label_anchor(item.finding, labels) if pictures else None
        placed = PlacedFinding(
            finding=item.finding,
            place=f"{place}. {item.recording}",
            anchor=anchors.get(item.recording_id, ""),
            label_anchor=labels.get(item.finding.label_id or "", ""),
        )
        sheet = element("div", contact_sheet(pictures, caption=None), class_="shots") if pictures else None
        rows.append(element("li", sheet, findings([placed]), id=anchor))
    words = (
        "Ranked by how sure the model is of what people did not say, added up over a frame. It is no verdict: "
        "one of the two is wrong, and looking at these first finds the most label errors for an hour of work. "
    )
    more = sum(item.finding.count for item in found if item.finding.check == RANKED and item.finding.index is None)
    left = len(ranked) - min(len(ranked), MOST) + more
    rest = f"{say_count(left, 'more frame')} in the metric disagreement." if left else ""
    legend = paragraph(chip("people and files", kind="people"), " ", chip("model", kind="model"))
    return section(
        "Where a model and people disagree",
        paragraph(words, rest, quiet=True),
        legend,
        element("ol", *rows, class_="ranked"),
    )


def label_anchor(finding: Finding, labels: dict[str, str]) -> str | None:
    """Give the label that a finding names a place in the page; None where it names none, or it has one already."""
    if finding.label_id is None or finding.label_id in labels:
        return None
    return labels.setdefault(finding.label_id, f"l{len(labels)}")
