"""One answer from several: which labels of several authors mean the same, and what they say together.

Labels are gathered into clusters of at most one of each author, the most alike first, those of one class before
others; the order of the authors plays no part. A cluster counts where enough of those who looked have drawn it.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt

from rushes.annotate.agreement import medians
from rushes.annotate.agreement.pairs import likeness, sort_of, unit_of
from rushes.labels import Label, Relation, digest_of, kind_of
from rushes.vocabulary import Ontology

_DRAWN = ("box", "outline", "keypoints", "segment", "track")
TOOL = "consensus"


@dataclass(slots=True)
class Merged:
    """What several versions of one item say together.

    Args:
        labels: Of source and tool consensus; the score is the share of the authors who said so.
        members: By id of a merged label, the ids of the labels that it was made of.
        dropped: Ids of the labels that too few others share.
    """

    labels: list[Label] = field(default_factory=list)
    members: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)


def majority(ratings: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Give the value that most raters gave each unit; of several, the smallest; NaN where nobody gave one.

    Args:
        ratings: Shape (raters, units); NaN where a rater gave none.
    """
    values = np.unique(ratings[~np.isnan(ratings)])
    if not len(values):
        return np.full(ratings.shape[1], np.nan)
    counts = (ratings[:, :, None] == values).sum(axis=0)
    return np.where(counts.any(axis=1), values[counts.argmax(axis=1)], np.nan)


def merge(
    versions: Sequence[Sequence[Label]],
    ontology: Ontology,
    *,
    scope: str = "",
    at_least: float = 0.5,
    quorum: int | None = None,
) -> Merged:
    """Merge the versions of one item.

    The class is that of most members; boxes get the median of each edge, keypoints of each point, outlines the
    pixels of more than half, segments the median of each end, tracks the median box on every key. Labels of a
    whole picture and relations are kept where enough say the very same.

    Args:
        versions: Labels of one author each; an author who looked and found nothing has an empty version.
        ontology: For skeletons and relations.
        scope: Names the item, so that merged labels of two items have different names.
        at_least: Least likeness of two labels that mean the same.
        quorum: How many authors must have said so; more than half when None.
    """
    return _Merging(versions, ontology, scope, at_least, quorum).merged()


class _Merging:
    def __init__(
        self,
        versions: Sequence[Sequence[Label]],
        ontology: Ontology,
        scope: str,
        at_least: float,
        quorum: int | None,
    ) -> None:
        self._versions = versions
        self._ontology = ontology
        self._scope = scope
        self._at_least = at_least
        self._needed = quorum if quorum is not None else len(versions) // 2 + 1
        self._out = Merged()
        self._merged_of: dict[str, str] = {}  # id of the merged label by that of a member

    def merged(self) -> Merged:
        every = [(author, label) for author, mine in enumerate(self._versions) for label in mine]
        for unit in sorted({unit_of(label) for _, label in every}, key=str):
            there = [(author, label) for author, label in every if unit_of(label) == unit]
            for kind in _DRAWN:
                self._drawn(kind, [each for each in there if sort_of(each[1]) == kind])
            self._told([label for _, label in there if label.kind in ("class", "text")])
        self._out.labels = [
            replace(label, parent_id=self._parent(self._out.members[label.label_id], every))
            for label in self._out.labels
        ]
        self._relations([label for _, label in every if label.kind == "relation"])
        return self._out

    def _drawn(self, kind: str, those: Sequence[tuple[int, Label]]) -> None:
        for cluster in _clusters(kind, those, self._ontology, self._at_least):
            if len(cluster) < self._needed:
                self._drop(cluster)
                continue
            name = _most(label.class_name for label in cluster)
            geometry = medians.of([label.geometry for label in cluster if label.geometry is not None], cluster)
            first = cluster[0]
            made = replace(
                first,
                kind=kind_of(geometry) if geometry is not None else first.kind,
                geometry=geometry,
                class_name=name,
                attributes=_attributes([label for label in cluster if label.class_name == name]),
                **medians.span(cluster),
            )
            self._keep(made, cluster)

    def _told(self, labels: Sequence[Label]) -> None:
        said: dict[tuple[str, str | None, str | None], list[Label]] = {}
        for label in labels:
            said.setdefault((label.kind, label.class_name, label.text), []).append(label)
        for same in said.values():
            if len({_version_of(label) for label in same}) < self._needed:
                self._drop(same)
            else:
                self._keep(replace(same[0], attributes=_attributes(same)), same)

    def _relations(self, labels: Sequence[Label]) -> None:
        said: dict[tuple[str | None, str, str], list[Label]] = {}
        for label in labels:
            assert isinstance(label.geometry, Relation)
            ends = [self._merged_of.get(end, "") for end in (label.geometry.subject_id, label.geometry.object_id)]
            spec = self._ontology.relation_of(label.class_name or "")
            if spec and spec.kind == "same":
                ends.sort()
            said.setdefault((label.class_name, ends[0], ends[1]), []).append(label)
        for (_, subject, object_), same in said.items():
            if not (subject and object_) or len({_version_of(label) for label in same}) < self._needed:
                self._drop(same)
            else:
                self._keep(replace(same[0], geometry=Relation(subject_id=subject, object_id=object_)), same)

    def _keep(self, made: Label, members: Sequence[Label]) -> None:
        names = tuple(sorted(label.label_id for label in members))
        name = digest_of(TOOL, self._scope, *names)
        self._out.members[name] = names
        self._merged_of |= dict.fromkeys(names, name)
        self._out.labels.append(
            replace(
                made,
                label_id=name,
                source="consensus",
                tool=TOOL,
                score=len(members) / len(self._versions),
                author=None,
                annotator=None,
                role=None,
                model=None,
                origin=None,
                received={"of": list(names)},
                instance=members[0].instance if len({label.instance for label in members}) == 1 else None,
                event_id=None,
            )
        )

    def _drop(self, labels: Sequence[Label]) -> None:
        self._out.dropped += [label.label_id for label in labels]

    def _parent(self, members: Sequence[str], every: Sequence[tuple[int, Label]]) -> str | None:
        parents = [self._merged_of.get(label.parent_id or "") for _, label in every if label.label_id in members]
        return _most(parent for parent in parents if parent is not None)


def _clusters(
    kind: str, those: Sequence[tuple[int, Label]], ontology: Ontology, at_least: float
) -> list[list[Label]]:
    """Gather what means the same; in the order of the names of the labels."""
    those = sorted(those, key=lambda each: each[1].label_id)
    labels = [label for _, label in those]
    scores = likeness(kind, labels, labels, ontology)
    pairs = [
        (labels[a].class_name != labels[b].class_name, -float(scores[a, b]), a, b)
        for a, b in combinations(range(len(those)), 2)
        if those[a][0] != those[b][0] and scores[a, b] >= at_least
    ]
    cluster = {at: {at} for at in range(len(those))}
    for *_, a, b in sorted(pairs):
        together = cluster[a] | cluster[b]
        if len({those[at][0] for at in together}) == len(together):
            for at in together:
                cluster[at] = together
    distinct = {min(members): sorted(members) for members in cluster.values()}
    return [[labels[at] for at in distinct[first]] for first in sorted(distinct)]


def _version_of(label: Label) -> str:
    return label.event_id or label.author or ""


def _most(values: Iterable[str | None]) -> str | None:
    """Give the value that comes most often; of several the first of the alphabet."""
    counts = Counter(values)
    return min(counts, key=lambda value: (-counts[value], value or "")) if counts else None


def _attributes(labels: Sequence[Label]) -> Mapping[str, object]:
    found = {}
    for name in sorted({name for label in labels for name in label.attributes}):
        said = [json.dumps(label.attributes[name], sort_keys=True) for label in labels if name in label.attributes]
        best = _most(said)
        if best is not None:
            found[name] = json.loads(best)
    return found
