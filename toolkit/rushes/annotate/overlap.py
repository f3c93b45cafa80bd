"""Who labels what: a blind plan in which some items go to several annotators, so that agreement can be told.

What was given out once stays with whom it was given to; the plan only grows. Equal input gives an equal plan.
"""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from rushes.labels import digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """What is labelled in one go.

    Args:
        key: Of its task.
        recording_id: Over recordings the plan is balanced.
    """

    key: str
    recording_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One item that one annotator labels; ``shared`` where others label it too."""

    item: Item
    annotator: str
    shared: bool


def give_out(
    items: Iterable[Item],
    annotators: Sequence[str],
    *,
    overlap: float,
    per_item: int = 2,
    seed: int = 7,
    before: Iterable[Given] = (),
) -> list[Given]:
    """Give every item to one annotator, and a share of them to several.

    Every recording has its part of the shared items, every annotator as many items as any other, give or take
    one, and every two annotators share about as many with each other.

    Args:
        items: Keys differ. Those that were given out before count for the share; a shared one is never unshared,
            and one of a single annotator becomes shared only where no new item can.
        annotators: Names differ; who may be given new items.
        overlap: Share of the items that go to several, 0 to 1; at least one item where it is above 0.
        per_item: How many label a shared item; at least 2, at most all.
        seed: Draws other items and other pairs.
        before: What was given out already, to whomever.

    Returns:
        What is given out in addition, in the order of the items.
    """
    wanted = list(items)
    whose: dict[str, list[str]] = defaultdict(list)
    for given in before:
        whose[given.item.key].append(given.annotator)
    shared = _shared(wanted, whose, overlap if per_item > 1 and len(annotators) > 1 else 0.0, seed)
    desk = _Desk(annotators, whose, seed)
    # Shared items first: single ones then fill up who was given fewer.
    for item in wanted:
        if item.key in shared:
            desk.take(item, min(per_item, len({*annotators, *whose.get(item.key, ())})))
    for item in wanted:
        if item.key not in shared:
            desk.take(item, 1)
    return [
        Given(item=item, annotator=annotator, shared=item.key in shared)
        for item in wanted
        for annotator in desk.added[item.key]
    ]


def _shared(items: Sequence[Item], whose: Mapping[str, Sequence[str]], overlap: float, seed: int) -> set[str]:
    """Choose the keys that go to several: recording by recording, whichever lacks most."""
    chosen = {item.key for item in items if len(whose.get(item.key, ())) > 1}
    sizes = Counter(item.recording_id for item in items)
    have = Counter(item.recording_id for item in items if item.key in chosen)
    left: dict[str, list[tuple[bool, str, str]]] = defaultdict(list)
    for item in items:
        if item.key not in chosen:
            order = (item.key in whose, digest_of("share", seed, item.key), item.key)
            heapq.heappush(left[item.recording_id], order)
    total = max(1, round(overlap * len(items))) if overlap > 0 and items else 0

    def turn(name: str) -> tuple[bool, float, str, str]:
        return left[name][0][0], have[name] - overlap * sizes[name], digest_of("turn", seed, name), name

    lacks = [turn(name) for name in left]
    heapq.heapify(lacks)
    while len(chosen) < total and lacks:
        *_, name = heapq.heappop(lacks)
        chosen.add(heapq.heappop(left[name])[2])
        have[name] += 1
        if left[name]:
            heapq.heappush(lacks, turn(name))
    return chosen


class _Desk:
    """Hands items out, to whoever has least."""

    def __init__(self, annotators: Sequence[str], whose: Mapping[str, Sequence[str]], seed: int) -> None:
        self._annotators = annotators
        self._whose = whose
        self._seed = seed
        self._now: Counter[str] = Counter()
        self._ever = Counter(name for names in whose.values() for name in names)
        self._pairs: Counter[frozenset[str]] = Counter()
        for names in whose.values():
            self._pairs.update(frozenset(pair) for pair in combinations(names, 2))
        self._in: Counter[tuple[str, str]] = Counter()
        self.added: dict[str, list[str]] = defaultdict(list)

    def take(self, item: Item, count: int) -> None:
        """Give an item out until ``count`` annotators have it."""
        names = list(self._whose.get(item.key, ()))
        for _ in range(count - len(names)):
            free = [name for name in self._annotators if name not in names]
            if not free:
                return
            best = min(free, key=lambda name: self._order(name, names, item))
            names.append(best)
            self.added[item.key].append(best)
            self._now[best] += 1
            self._ever[best] += 1
            self._in[best, item.recording_id] += 1
            self._pairs.update(frozenset((best, other)) for other in names[:-1])

    def _order(self, name: str, others: Sequence[str], item: Item) -> tuple[int, int, int, int, str]:
        together = sum(self._pairs[frozenset((name, other))] for other in others)
        # Who came later is not given all that is new to catch up: what is given out now is shared evenly.
        return (
            self._now[name],
            together,
            self._in[name, item.recording_id],
            self._ever[name],
            digest_of("whose", self._seed, item.key, name),
        )
