"""Checks of a whole dataset: planted imbalance, odd recordings and drift are found; chance is not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.checks import DatasetCheckContract, dataset, findings
from rushes.checks.dataset_anomaly import PLUGIN as ANOMALY
from rushes.checks.dataset_balance import PLUGIN as BALANCE
from rushes.checks.dataset_drift import PLUGIN as DRIFT
from rushes.checks.dataset_drift import psi
from rushes.checks.label_author import PLUGIN as AUTHOR
from rushes.views import AuthorView, CountsView


def classes(counts, names=("cup", "hand")):
    return {"class": CountsView(values=tuple(names), counts=np.asarray(counts, np.int64))}


class TestBalance(DatasetCheckContract):
    check = BALANCE

    def faulty(self):
        counts = np.tile([400, 40, 0, 0], (12, 1))
        counts[:2, 2] = 20
        counts[0, 3] = 4
        return dataset(
            counts=classes(counts, ("hand", "cup", "spoon", "fork")),
            facts={"subject": ("ada",) * 9 + ("bob", "cy", "di"), "place": ("lab",) * 12},
            declared={"class": ("hand", "cup", "spoon", "fork", "knife")},
        )

    def test_many_rare_classes_are_told_together_the_rarest_first(self):
        names = tuple(f"c{at:02}" for at in range(20))
        counts = np.zeros((12, 20), np.int64)
        counts[:, 0] = 40
        counts[0] = [40, *range(9, 0, -1), *[1] * 10]
        rare = [f for f in findings(BALANCE, dataset(counts=classes(counts, names))) if "fewer than" in f.message]
        assert [f.message for f in rare] == [
            "class: 19 of 20 values occur fewer than 10 times: 'c09' (1), 'c10' (1), 'c11' (1), 'c12' (1), "
            "'c13' (1), 'c14' (1), 'c15' (1), 'c16' (1), 'c17' (1), 'c18' (1), 'c19' (1), 'c08' (2) and 7 more"
        ]
        assert (rare[0].value, rare[0].count) == (19.0, 55)

    def test_each_lack_is_told_with_its_numbers(self):
        assert [f.message for f in findings(BALANCE, self.faulty())] == [
            "class 'spoon' occurs in 2 of 12 recordings (limit 3): no split can give it to every part",
            "class 'fork' occurs 4 times (limit 10)",
            "class: the ontology offers knife, and nobody used them",
            "class 'hand' (4,800) occurs 1,200 times as often as 'fork' (4) (limit 50)",
            "subject: 'ada' gives 75% of the samples of 4 subjects (limit 50%)",
            "place: all 12 recordings are of 'lab'; nothing can be said of other places",
        ]

    def test_a_sensor_that_a_few_lack_is_told(self):
        counts = np.full((12, 2), 90)
        counts[3, 1] = 0
        view = dataset(counts={"sensor": CountsView(values=("color", "imu"), counts=counts)})
        assert [f.message for f in findings(BALANCE, view)] == ["imu: 1 of 12 recordings have none: take3"]


class TestAnomaly(DatasetCheckContract):
    check = ANOMALY

    def faulty(self):
        grey = 110 + np.random.default_rng(1).normal(0, 5, 12)
        grey[4] = 30
        return dataset(measures={("cam0", "mean_grey"): grey, ("cam0", "effective_rate"): np.full(12, 30.0)})

    def test_the_odd_one_is_named(self):
        (found,) = findings(ANOMALY, self.faulty())
        assert found.message.startswith("take4: mean grey of cam0 is 30, the median of 12 recordings is 11")

    def test_what_a_third_does_is_another_kind(self):
        grey = np.where(np.arange(12) < 4, 30.0, 110 + 0.1 * np.arange(12))
        assert findings(ANOMALY, dataset(measures={("cam0", "mean_grey"): grey})) == []


class TestDrift(DatasetCheckContract):
    check = DRIFT

    def faulty(self):
        test = np.array([at % 4 == 0 for at in range(12)])
        return dataset(counts=classes(np.where(test[:, None], [70, 10], [30, 50])))

    def test_a_part_that_is_another_population_is_told_with_its_interval(self):
        found = findings(DRIFT, self.faulty())
        assert [f.severity for f in found] == ["warning", "warning"]
        assert found[0].message.startswith("split default: class in 'test' against the rest: PSI ")
        assert "most: cup 88% against 38%" in found[0].message

    def test_what_shuffled_recordings_give_too_is_no_finding(self):
        rng = np.random.default_rng(4)
        found = [
            f
            for seed in range(20)
            for f in findings(DRIFT, dataset(counts=classes(rng.poisson(rng.lognormal(3, 1, (12, 2))))))
        ]
        assert len(found) <= 6  # two parts in each of 20 sets, one in twenty by chance, and the two are one

    def test_what_changed_since_a_revision_is_told(self):
        now = dataset(
            before=dataset(8, counts=classes(np.full((8, 2), 40))), counts=classes(np.tile([5, 80], (12, 1)))
        )
        (found,) = findings(DRIFT, now)
        assert "against the earlier revision (640 then, 1,020 now)" in found.message

    @given(st.lists(st.integers(0, 1000), min_size=2, max_size=8))
    def test_the_index_is_nought_of_equal_shares_and_symmetric(self, counts):
        one = np.array(counts)
        two = one[::-1]
        assert psi(one, one) == 0
        assert psi(one, two) == pytest.approx(psi(two, one))
        assert psi(one, two) >= 0


def worker(offered=0, unchanged=0, lead_time_s=()):
    return AuthorView(offered=offered, unchanged=unchanged, lead_time_s=np.array(lead_time_s, float))


class TestAuthor(DatasetCheckContract):
    check = AUTHOR

    def faulty(self):
        bob = worker(40, 40, [0.4] * 20 + [9.0] * 20)
        return dataset(authors={"ada": worker(40, 36, [8.0] * 40), "bob": bob})

    def test_who_waves_through_and_who_hurries_is_told(self):
        assert [f.message for f in findings(AUTHOR, self.faulty())] == [
            "bob: took over 100% of 40 predictions as they were (limit 95%)",
            "bob: 50% of 40 versions took less than 1 s (limit 20%)",
        ]

    def test_a_few_labels_say_nothing_of_a_person(self):
        assert findings(AUTHOR, dataset(authors={"bob": worker(19, 19, [0.1] * 19)})) == []
