"""A clock is estimated as well as it can be known, and certified only then."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rushes.timing.clockfit import estimate
from rushes.timing.clockmap import ClockMap
from rushes.virtual.spec import DRIFTING
from timing.clock_models import START, Trial, pairs, trial
from timing.coincidences import COINCIDENCES

SECOND = 1_000_000_000


def errors(taken: Trial, found: ClockMap):
    return np.abs(found.apply(taken.pairs.from_ns) - taken.truth_ns)


@pytest.mark.parametrize(
    ("model", "limit_ns"),
    [("usb", 250_000), ("wifi", 200_000), ("wander", 500_000), ("glitches", 300_000)],
)
def test_the_largest_error_over_twenty_takes_stays_below_the_promise(model: str, limit_ns: int) -> None:
    worst = 0
    for seed in range(20):
        taken = trial(model, seed)
        found = estimate(taken.pairs)
        assert found.verdict == "estimated", found.reason
        worst = max(worst, int(errors(taken, found).max()))
    assert worst <= limit_ns


def test_a_clip_of_twenty_seconds_is_known_about_as_well_as_its_noise_lets_anyone_know() -> None:
    # Maximum likelihood with the noise's law given does no better than 0.11 ms in the median and 0.32 at most.
    worst = [
        int(errors(taken, estimate(taken.pairs)).max()) for taken in (trial("clip", seed) for seed in range(100))
    ]
    assert np.median(worst) <= 200_000
    assert max(worst) <= 700_000


@pytest.mark.slow
@pytest.mark.parametrize("model", ["usb", "wifi", "wander", "glitches", "clip"])
def test_the_stated_interval_holds_all_errors_of_a_take_in_about_95_of_100(model: str) -> None:
    held = 0
    for seed in range(1000, 1100):
        taken = trial(model, seed)
        found = estimate(taken.pairs)
        held += bool((errors(taken, found) <= found.uncertainty_ns(taken.pairs.from_ns)).all())
    assert held >= 86  # 90 to 99 % of 500 are promised; chance leaves this for 100


@pytest.mark.parametrize("coincidence", COINCIDENCES, ids=lambda f: f.__name__)
def test_pairs_without_evidence_are_never_certified(coincidence) -> None:
    for seed in range(12):  # of 25 kinds: 300 trials
        evidence = coincidence(np.random.default_rng([seed, 7]))
        found = estimate(evidence)
        assert all(segment.verdict != "estimated" for segment in found.segments), found.reason
        assert found.verdict in ("unproven", "declared")
        assert found.reason


def test_one_pair_of_stamp_and_arrival_proves_nothing() -> None:
    found = estimate(pairs([5], [7]))
    assert (found.verdict, found.reason) == (
        "unproven",
        "1 pair: too few to tell latency from clock (at least 20)",
    )


def test_the_smallest_latency_is_said_to_be_unseen() -> None:
    found = estimate(trial("usb", 3).pairs)
    assert not found.latency_known
    assert "the smallest latency cannot be observed" in found.reason
    assert found.segments[0].method == "min-delay"


def test_a_straight_clock_gets_its_drift_with_an_interval_and_a_wandering_one_a_bend() -> None:
    straight = estimate(trial("usb", 3).pairs).segments[0]
    assert straight.drift_ci95_ppm is not None
    assert abs(straight.drift_ppm + 40) <= 2 * straight.drift_ci95_ppm
    assert straight.drift_ci95_ppm < 1
    bent = estimate(trial("wander", 3).pairs).segments[0]
    assert bent.method == "min-delay-piecewise"
    assert bent.knots_s is not None
    assert len(bent.knots_s) == len(bent.knots_offset_ns or ())


def test_resets_make_segments_and_each_is_fitted_as_though_it_were_alone() -> None:
    whole = trial("usb", 5, clock=replace(DRIFTING, resets_s=(200.0, 400.0)))
    found = estimate(whole.pairs)
    assert len(found.segments) == 3
    assert errors(whole, found).max() < 300_000
    for number, part in enumerate((slice(0, 6000), slice(6000, 12_000), slice(12_000, 18_000))):
        alone = estimate(pairs(whole.pairs.from_ns[part], whole.pairs.to_ns[part]))
        assert alone.segments == (found.segments[number],)


@settings(max_examples=15)
@given(st.integers(-(10**17), 10**17), st.integers(-(10**17), 10**17), st.integers(0, 3))
def test_shifting_the_clocks_shifts_the_offset_alone(first: int, second: int, seed: int) -> None:
    taken = trial("usb", seed, seconds=30.0).pairs
    plain = estimate(taken).segments[0]
    moved = estimate(pairs(taken.from_ns + first, taken.to_ns + second)).segments[0]
    assert moved == replace(
        plain,
        start_ns=plain.start_ns + first,
        end_ns=plain.end_ns + first,
        origin_ns=plain.origin_ns + first,
        offset_ns=plain.offset_ns + second - first,
    )


@settings(max_examples=15)
@given(st.sampled_from(["two-way", "same"]), st.integers(0, 50), st.floats(-200, 200))
def test_swapping_the_clocks_inverts_the_map(relation, seed: int, ppm: float) -> None:
    draw = np.random.default_rng(seed)
    one = START + np.arange(100) * 5 * SECOND
    two = 10**12 + np.rint((one - START) * (1 + ppm * 1e-6) + draw.normal(0, 50_000, 100)).astype(np.int64)
    there, back = estimate(pairs(one, two, relation)), estimate(pairs(two, one, relation))
    assert there.verdict == back.verdict == "estimated"
    assert np.abs(back.inverse().apply(one) - there.apply(one)).max() <= 3
    assert abs(there.segments[0].offset_ci95_ns - back.segments[0].offset_ci95_ns) <= 1


def test_the_order_of_one_way_pairs_within_a_stretch_does_not_matter() -> None:
    taken = trial("usb", 2, seconds=60.0).pairs
    late_first = np.argsort(taken.to_ns, kind="stable")
    assert estimate(pairs(taken.from_ns[late_first], taken.to_ns[late_first])) == estimate(taken)


def test_masked_and_absent_readings_are_left_out() -> None:
    taken = trial("usb", 2, seconds=60.0).pairs
    mask = np.arange(len(taken.from_ns)) % 7 == 0
    holed = np.ma.masked_array(np.where(mask, 0, taken.from_ns), mask=mask)
    plain = estimate(pairs(taken.from_ns[~mask], taken.to_ns[~mask]))
    assert estimate(replace(taken, from_ns=holed)) == plain


def test_quick_round_trips_count_for_more() -> None:
    draw = np.random.default_rng(4)
    one = np.arange(4000) * SECOND // 8
    trips = draw.exponential(4e6, 4000) + 200_000
    two = one + 10**15 + np.rint(draw.uniform(-0.5, 0.5, 4000) * trips).astype(np.int64)
    found = estimate(pairs(one, two, "two-way", round_trip_ns=np.rint(trips).astype(np.int64)))
    assert found.verdict == "estimated"
    assert found.latency_known
    assert np.abs(found.apply(one) - one - 10**15).max() <= 100_000
    assert "may hide up to" in found.reason


def test_a_start_offset_is_taken_at_its_word_and_several_shared_instants_are_tested() -> None:
    stated = estimate(pairs([0], [463_945_000], "same"))
    assert (stated.verdict, stated.latency_known) == ("declared", True)
    assert stated.apply(np.array([10])).tolist() == [463_945_010]
    assert stated.uncertainty_ns(np.array([10])).mask.all()
    two = estimate(pairs([0, 100 * SECOND], [7, 100 * SECOND + 1_000_007], "same")).segments[0]
    assert two.verdict == "declared"
    assert two.drift_ppm == pytest.approx(10.0)


def test_regular_stamps_with_arrivals_of_their_own_are_no_copy() -> None:
    stamps = START + 123_456 + np.arange(3000) * 1_000_000
    late = np.random.default_rng(1).gamma(2, 50_000, 3000).astype(np.int64)
    assert estimate(pairs(stamps, stamps + 300_000 + late)).verdict == "estimated"


def test_a_take_of_three_seconds_is_known_as_well_as_it_says() -> None:
    held = 0
    for seed in range(40):
        taken = trial("usb", seed, seconds=3.0)
        found = estimate(taken.pairs)
        assert found.verdict == "estimated" or "its drift is known to" in found.reason
        held += bool((errors(taken, found) <= found.uncertainty_ns(taken.pairs.from_ns)).all())
    assert held >= 32
