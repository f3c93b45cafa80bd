"""How far authors agree: all together, each against the others, two by two; by kind and class, with an interval.

Only what both authors have looked at counts: a picture that one of them never saw is no disagreement.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rushes.annotate.agreement.figures import Agreement, of_matches
from rushes.annotate.agreement.pairs import Tally, Unit, compare, unit_of
from rushes.annotate.agreement.values import of_pictures, of_things
from rushes.labels import Label
from rushes.vocabulary import Ontology


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """What two authors have both looked at: how many items, and of how many recordings."""

    authors: tuple[str, str]
    items: int
    recordings: int


def agree(
    labels: Iterable[Label],
    ontology: Ontology,
    *,
    seen: Mapping[str, frozenset[Unit]] | None = None,
    iou: float = 0.5,
) -> list[Agreement]:
    """Compare every two authors.

    Args:
        labels: Of all authors; those without an author are left out.
        ontology: For the skeletons.
        seen: What each author has looked at, whether something was labelled there or not; what the author
            labelled, when None.
        iou: Least likeness of a pair.
    """
    by_author = _by_author(labels)
    looked = _looked(by_author, seen)
    tallies: dict[tuple[str, str], Tally] = {}
    for one, other in combinations(sorted(looked), 2):
        both = looked[one] & looked[other]
        if both:
            tallies[one, other] = compare(by_author[one], by_author[other], both, ontology, iou=iou)
    everybody = tuple(sorted({name for pair in tallies for name in pair}))
    found: list[Agreement] = []
    if len(everybody) > 2:
        found += of_matches(list(tallies.values()), "all", everybody)
        for name in everybody:
            found += of_matches([tally for pair, tally in tallies.items() if name in pair], "author", (name,))
    for pair, tally in tallies.items():
        found += of_matches([tally], "pair", pair)
    return [*found, *of_things(tallies, everybody), *of_pictures(by_author, looked)]


def overlapping(labels: Iterable[Label], *, seen: Mapping[str, frozenset[Unit]] | None = None) -> list[Overlap]:
    """Count what every two authors have both looked at; pairs that share nothing are left out."""
    looked = _looked(_by_author(labels), seen)
    found = []
    for one, other in combinations(sorted(looked), 2):
        both = looked[one] & looked[other]
        if both:
            recordings = len({unit[0] for unit in both})
            found.append(Overlap(authors=(one, other), items=len(both), recordings=recordings))
    return found


def _by_author(labels: Iterable[Label]) -> dict[str, list[Label]]:
    found: dict[str, list[Label]] = defaultdict(list)
    for label in labels:
        if label.author is not None:
            found[label.author].append(label)
    return found


def _looked(
    by_author: Mapping[str, Sequence[Label]], seen: Mapping[str, frozenset[Unit]] | None
) -> dict[str, frozenset[Unit]]:
    """Give what each author has looked at; an author who drew nothing anywhere is one too."""
    return {
        author: (seen or {}).get(author, frozenset()) | {unit_of(label) for label in by_author.get(author, ())}
        for author in {*by_author, *(seen or {})}
    }
