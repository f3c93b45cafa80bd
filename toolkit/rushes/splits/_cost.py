"""What a leak is worth: how much better a small fixed baseline scores with leaking training samples than without.

The baseline is the nearest neighbour: a test sample gets the classes of the training sample whose few features
(8 × 8 grey values, colour histogram, standardised) are nearest. Its score is the mean overlap of the classes said
and true (intersection by union; of single classes, the share that is right). To compare like with like, as many
training samples are taken out at random when the leak is kept as when it is removed. The interval draws groups of
test samples anew, the same for both (paired bootstrap).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

MOST = 3000
"""Training and test samples that are looked at, each; more are drawn."""
DRAWS = 1000
FEW_GROUPS = 5
"""With fewer groups of test samples than that, single samples are drawn."""

Floats = npt.NDArray[np.float32]
Places = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """How much a leak of one kind adds to the score.

    Args:
        kind: group …, exact, near or time.
        kept: Score where the leaking samples are in the training, 0 to 1.
        removed: Where they are not; that of the commonest classes where no training sample is left.
        low, high: 95 % interval of kept - removed.
        leaking: Training samples that leak.
        train, test: Samples of each, drawn where they are many.
    """

    kind: str
    kept: float
    removed: float
    low: float
    high: float
    leaking: int
    train: int
    test: int

    @property
    def inflation(self) -> float:
        """The difference of the two scores."""
        return self.kept - self.removed


def cost_of(
    kind: str,
    *,
    features: Floats,
    classes: Mask,
    train: Places,
    test: Places,
    leaking: Mask,
    groups: Places,
    seed: int,
) -> Cost | None:
    """Measure what one kind of leak adds; None where nothing leaks, or nothing is labelled.

    Args:
        kind: What to call it.
        features: Shape (samples, features).
        classes: Shape (samples, classes).
        train, test: Positions.
        leaking: Shape (samples,); what is to be taken out of the training.
        groups: Shape (samples,), codes; what is drawn together.
        seed: Of the only randomness.
    """
    chance = np.random.default_rng(seed)
    labelled: Mask = classes.sum(axis=1) > 0
    train, test = (_some(places[labelled[places]], chance) for places in (train, test))
    out: Mask = leaking[train]
    if not out.any() or not len(test):
        return None
    without = train[~out]
    as_many = chance.permutation(train)[: len(without)] if len(without) else train
    kept = _scores(features, classes, as_many, test)
    removed = _scores(features, classes, without, test) if len(without) else _guess(classes, train, test)
    low, high = _interval(kept - removed, groups[test], chance)
    return Cost(
        kind=kind,
        kept=float(kept.mean()),
        removed=float(removed.mean()),
        low=low,
        high=high,
        leaking=int(out.sum()),
        train=len(train),
        test=len(test),
    )


def _some(places: Places, chance: np.random.Generator) -> Places:
    return np.sort(chance.choice(places, MOST, replace=False)) if len(places) > MOST else places


def _scores(
    features: Floats, classes: npt.NDArray[np.bool_], train: Places, test: Places
) -> npt.NDArray[np.float64]:
    known, asked = features[train], features[test]
    centre, spread = known.mean(axis=0), known.std(axis=0) + 1e-3
    known, asked = (known - centre) / spread, (asked - centre) / spread
    nearest = np.argmin(np.square(known).sum(axis=1) - 2 * asked @ known.T, axis=1)
    return _overlap(classes[train[nearest]], classes[test])


def _guess(classes: npt.NDArray[np.bool_], train: Places, test: Places) -> npt.NDArray[np.float64]:
    """Score what says the commonest set of classes of every sample."""
    sets, count = np.unique(classes[train], axis=0, return_counts=True)
    return _overlap(np.broadcast_to(sets[np.argmax(count)], classes[test].shape), classes[test])


def _overlap(said: npt.NDArray[np.bool_], true: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    return np.asarray((said & true).sum(axis=1) / np.maximum((said | true).sum(axis=1), 1), np.float64)


def _interval(
    difference: npt.NDArray[np.float64], groups: Places, chance: np.random.Generator
) -> tuple[float, float]:
    known, place = np.unique(groups, return_inverse=True)
    if len(known) < FEW_GROUPS or (groups < 0).any():
        place = np.arange(len(difference))
    total = np.bincount(place, weights=difference)
    count = np.bincount(place)
    drawn = chance.integers(0, len(total), (DRAWS, len(total)))
    means = total[drawn].sum(axis=1) / count[drawn].sum(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def class_matrix(classes: Sequence[frozenset[str]]) -> npt.NDArray[np.bool_]:
    """Give which sample has which class, shape (samples, classes), classes in alphabetical order."""
    names = {name: at for at, name in enumerate(sorted({name for each in classes for name in each}))}
    made = np.zeros((len(classes), len(names)), np.bool_)
    for row, each in enumerate(classes):
        made[row, [names[name] for name in each]] = True
    return made
