"""What was said, beyond chance: classes of whole pictures, classes and attributes of things that match."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from rushes.annotate.agreement import reliability
from rushes.annotate.agreement.figures import Agreement, beyond_chance
from rushes.annotate.agreement.pairs import Numbers, Tally, Unit, unit_of
from rushes.labels import Label


def of_things(tallies: Mapping[tuple[str, str], Tally], everybody: tuple[str, ...]) -> Iterator[Agreement]:
    """Compare what was said of matched things: alpha over all pairs, kappa of each."""
    for name in sorted({name for tally in tallies.values() for name in tally.values}):
        pairs = {pair: tally.values[name] for pair, tally in tallies.items() if name in tally.values}
        words = sorted(
            {word for each in pairs.values() for counts in each.values() for two in counts for word in two}
        )
        tables = {pair: _tables(each, words) for pair, each in pairs.items()}
        together: dict[str, Numbers] = {}
        for each in tables.values():
            for recording, table in each.items():
                before = together.get(recording, np.zeros_like(table))
                together[recording] = before + table + table.T
        yield beyond_chance("alpha", name, everybody, together, _sum(together) // 2)
        for pair, each in tables.items():
            yield beyond_chance("kappa", name, pair, each, _sum(each))


def of_pictures(
    by_author: Mapping[str, Sequence[Label]], looked: Mapping[str, frozenset[Unit]]
) -> Iterator[Agreement]:
    """Compare the classes that were given to whole pictures; nothing given is a value too, several are one."""
    ratings = _Ratings(by_author, looked)
    if len(ratings.authors) < 2 or not len(ratings.recordings):
        return
    everybody = list(range(len(ratings.authors)))
    rated = (~np.isnan(ratings.table)).sum(axis=0)
    several = rated >= 2
    if not several.any():
        return
    yield beyond_chance("alpha", "class", ratings.authors, ratings.coincidences(everybody), int(several.sum()))
    if len(set(rated[several].tolist())) == 1:
        yield beyond_chance("fleiss", "class", ratings.authors, ratings.of_fleiss(), int(several.sum()))
    for a, b in combinations(everybody, 2):
        both = int((~np.isnan(ratings.table[[a, b]])).all(axis=0).sum())
        if both:
            names = (ratings.authors[a], ratings.authors[b])
            yield beyond_chance("kappa", "class", names, ratings.confusions(a, b), both)


class _Ratings:
    """What each author said of each picture: a number a class, NaN where the author did not look."""

    def __init__(self, by_author: Mapping[str, Sequence[Label]], looked: Mapping[str, frozenset[Unit]]) -> None:
        self.authors = tuple(sorted(looked))
        given = {author: _given(by_author.get(author, ())) for author in self.authors}
        classes = sorted({name for mine in given.values() for name in mine.values()} | {""})
        units = sorted({unit for mine in given.values() for unit in mine}, key=str)
        self.values = np.arange(len(classes), dtype=np.float64)
        self.recordings = np.array([unit[0] for unit in units])
        self.table = np.full((len(self.authors), len(units)), np.nan)
        for row, author in enumerate(self.authors):
            for column, unit in enumerate(units):
                if unit in looked[author]:
                    self.table[row, column] = classes.index(given[author].get(unit, ""))

    def coincidences(self, rows: Sequence[int]) -> dict[str, Numbers]:
        return {name: reliability.coincidences(part[rows], self.values) for name, part in self._parts()}

    def confusions(self, one: int, other: int) -> dict[str, Numbers]:
        return {name: _confusion(part[[one, other]], self.values) for name, part in self._parts()}

    def of_fleiss(self) -> dict[str, Numbers]:
        kept = {name: part[:, ~np.isnan(part).all(axis=0)] for name, part in self._parts()}
        counts = {
            name: (part[:, :, None] == self.values).sum(axis=0).astype(np.float64) for name, part in kept.items()
        }
        return {
            name: reliability.fleiss_tally(table[table.sum(axis=1) >= 2])
            for name, table in counts.items()
            if (table.sum(axis=1) >= 2).any()
        }

    def _parts(self) -> Iterator[tuple[str, Numbers]]:
        for name in sorted(set(self.recordings.tolist())):
            yield name, self.table[:, self.recordings == name]


def _given(labels: Sequence[Label]) -> dict[Unit, str]:
    names: dict[Unit, set[str]] = defaultdict(set)
    for label in labels:
        if label.kind == "class":
            names[unit_of(label)].add(label.class_name or "")
    return {unit: " + ".join(sorted(several)) for unit, several in names.items()}


def _tables(counts: Mapping[str, Counter[tuple[str, str]]], words: Sequence[str]) -> dict[str, Numbers]:
    found: dict[str, Numbers] = {}
    for recording in sorted(counts):
        table = np.zeros((len(words), len(words)))
        for (one, other), count in counts[recording].items():
            table[words.index(one), words.index(other)] += count
        found[recording] = table
    return found


def _confusion(ratings: Numbers, values: Numbers) -> Numbers:
    table = np.zeros((len(values), len(values)))
    both = ~np.isnan(ratings).any(axis=0)
    np.add.at(table, tuple(np.searchsorted(values, side[both]) for side in ratings), 1.0)
    return table


def _sum(tables: Mapping[str, Numbers]) -> int:
    return int(sum(table.sum() for table in tables.values()))
