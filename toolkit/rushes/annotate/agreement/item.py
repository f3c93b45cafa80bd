"""How far the versions of one item agree: one number, to find those that somebody has to settle."""

from collections import Counter
from collections.abc import Collection, Sequence
from itertools import combinations

from rushes.annotate.agreement.pairs import ALL, Unit, compare
from rushes.labels import Label
from rushes.vocabulary import Ontology


def least_agreement(
    versions: Sequence[Sequence[Label]], units: Collection[Unit], ontology: Ontology, *, iou: float = 0.5
) -> float:
    """Give the agreement of the two versions that agree least, 0 to 1; 1 where all found nothing, or one is alone.

    Of all that the two have given, each counts by how much it is like the other's: what matches by its overlap (of
    keypoints OKS), relations, classes of the whole and text by 1 where both have them, and what has no match by 0.

    Args:
        versions: Labels of one author each.
        units: What the item is about.
        ontology: For skeletons and relations.
        iou: Least likeness of a pair.
    """
    return min(
        (_alike(one, other, units, ontology, iou) for one, other in combinations(versions, 2)),
        default=1.0,
    )


def _alike(
    one: Sequence[Label], other: Sequence[Label], units: Collection[Unit], ontology: Ontology, iou: float
) -> float:
    shared = whole = 0.0
    for (measure, kind, class_name), by_recording in compare(one, other, units, ontology, iou=iou).sums.items():
        if class_name != ALL:
            continue
        for numbers in by_recording.values():
            if measure == "f1":
                whole += numbers[1]
                shared += numbers[0] if kind == "relation" else 0.0
            elif measure in ("iou", "oks"):
                shared += 2 * numbers[0]
    told = [
        Counter((label.kind, label.class_name, label.text) for label in labels if label.kind in ("class", "text"))
        for labels in (one, other)
    ]
    whole += told[0].total() + told[1].total()
    shared += 2 * (told[0] & told[1]).total()
    return float(shared / whole) if whole else 1.0
