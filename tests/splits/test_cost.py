"""The baseline gains from copies of test samples in its training, and not from samples that tell nothing."""

import numpy as np
import pytest

from rushes.splits import class_matrix, cost_of


def made(*, copies):
    """Give 200 training and 100 test samples of random features and classes; each test sample may have a copy."""
    chance = np.random.default_rng(0)
    features = chance.normal(size=(300, 10)).astype(np.float32)
    classes = np.eye(4, dtype=bool)[chance.integers(0, 4, 300)]
    leaking = np.zeros(300, bool)
    leaking[:100] = True
    if copies:
        features[:100], classes[:100] = features[200:], classes[200:]
    return {
        "features": features,
        "classes": classes,
        "leaking": leaking,
        "train": np.arange(200),
        "test": np.arange(200, 300),
        "groups": np.arange(300) // 5,
        "seed": 1,
    }


def test_copies_of_test_samples_are_priced_with_an_interval_above_zero():
    cost = cost_of("exact", **made(copies=True))
    # Half of the copies stay when as many are drawn out: of them all are right, of the others chance.
    assert cost.kept == pytest.approx(0.5 + 0.5 * 0.25, abs=0.12)
    assert cost.removed == pytest.approx(0.25, abs=0.12)
    assert 0 < cost.low < cost.inflation < cost.high
    assert (cost.leaking, cost.train, cost.test) == (100, 200, 100)


def test_what_tells_nothing_costs_nothing():
    cost = cost_of("group", **made(copies=False))
    assert cost.low <= 0 <= cost.high


def test_where_all_leaks_the_commonest_class_is_what_is_left():
    given = made(copies=True) | {"leaking": np.ones(300, bool), "train": np.arange(100)}
    cost = cost_of("exact", **given)
    assert cost.kept == 1.0
    assert cost.removed == pytest.approx(0.25, abs=0.12)


def test_without_leaks_or_labels_there_is_no_price():
    given = made(copies=True)
    assert cost_of("near", **given | {"leaking": np.zeros(300, bool)}) is None
    assert cost_of("near", **given | {"classes": np.zeros((300, 4), bool)}) is None


def test_classes_become_a_matrix_in_alphabetical_order():
    found = class_matrix([frozenset({"pen", "cup"}), frozenset(), frozenset({"pen"})])
    assert found.tolist() == [[True, True], [False, False], [False, True]]
