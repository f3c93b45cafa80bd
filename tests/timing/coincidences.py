"""Pairs that are no evidence of how one clock runs against another; each takes a generator and gives pairs."""

import numpy as np

from rushes.model import ClockPairs
from timing.clock_models import START, pairs

RATE = 30.0


def ns(seconds):
    return np.rint(np.asarray(seconds) * 1e9).astype(np.int64)


def size(draw) -> int:
    return int(draw.choice([50, 300, 3000]))


def ticks(n: int):
    return np.arange(n) / RATE


def walk(draw, n: int, spread_s: float):
    return np.cumsum(np.abs(draw.normal(1 / RATE, spread_s, n)))


def usb(draw, n: int):
    return draw.gamma(2, 0.002, n)


def walks_of_any_step(draw):
    n = size(draw)
    return pairs(
        ns(np.cumsum(draw.exponential(1 / RATE, n))), START + ns(np.cumsum(draw.exponential(1 / RATE, n)))
    )


def walks_of_like_steps(draw):
    n = size(draw)
    return pairs(ns(walk(draw, n, 0.01)), START + ns(walk(draw, n, 0.01)))


def independent_times_in_order(draw):
    n = size(draw)
    return pairs(ns(np.sort(draw.uniform(0, n / RATE, n))), START + ns(np.sort(draw.uniform(0, n / RATE, n))))


def independent_times_in_any_order(draw):
    n = size(draw)
    return pairs(ns(draw.uniform(0, n / RATE, n)), START + ns(draw.uniform(0, n / RATE, n)))


def arrivals_at_random(draw):
    n = size(draw)
    return pairs(ns(ticks(n)), START + ns(draw.uniform(0, n / RATE, n)))


def shuffled_arrivals(draw):
    n = size(draw)
    return pairs(ns(ticks(n)), START + ns(draw.permutation(ticks(n) + usb(draw, n))))


def shuffled_stamps(draw):
    n = size(draw)
    return pairs(ns(draw.permutation(ticks(n))), START + ns(ticks(n)))


def log_times_that_are_copies(draw):
    stamps = START + ns(np.cumsum(draw.exponential(1 / RATE, size(draw))))
    return pairs(stamps, stamps + int(draw.choice([0, 5, 10**15])))


def copies_that_were_rounded(draw):
    stamps = START + ns(np.cumsum(draw.exponential(1 / RATE, size(draw))))
    unit = int(draw.choice([1000, 10**6]))
    return pairs(stamps // unit * unit, stamps) if draw.random() < 0.5 else pairs(stamps, stamps // unit * unit)


def one_flush_at_the_end(draw):
    n = size(draw)
    return pairs(ns(ticks(n)), START + ns(n / RATE + np.cumsum(draw.exponential(2e-5, n))))


def constant_arrival(draw):
    n = size(draw)
    return pairs(ns(ticks(n)), np.full(n, START))


def flushes_now_and_then(draw):
    n, every = size(draw), draw.uniform(0.5, 20)
    return pairs(ns(ticks(n)), START + ns(np.ceil((ticks(n) + 0.001) / every) * every + np.arange(n) * 2e-6))


def constant_stamps(draw):
    n = size(draw)
    return pairs(np.full(n, int(draw.choice([0, START]))), START + ns(ticks(n)))


def a_few_pairs(draw):
    n = int(draw.integers(0, 20))
    return pairs(ns(ticks(n)), START + ns(ticks(n) + usb(draw, n)))


def many_pairs_in_half_a_second(draw):
    return pairs(ns(ticks(500) / 40), START + ns(ticks(500) / 40 + usb(draw, 500)))


def a_clock_that_runs_backwards(draw):
    n = size(draw)
    return pairs(ns(1000 - ticks(n)), START + ns(ticks(n) + usb(draw, n)))


def arrivals_anywhere_within_a_second(draw):
    n = size(draw)
    late = draw.uniform(0, 1, n) if draw.random() < 0.5 else draw.normal(0, 1, n)
    return pairs(ns(ticks(n)), START + ns(ticks(n) + late))


def stamps_of_another_unit(draw):
    n = size(draw)
    return pairs(np.rint(ticks(n) * 10.0 ** draw.choice([0, 3, 6])), START + ns(ticks(n) + usb(draw, n)))


def an_offset_that_wanders_at_random(draw):
    n = size(draw)
    return pairs(ns(ticks(n)), START + ns(ticks(n) + np.cumsum(draw.normal(0, 0.02, n))))


def stamps_by_counting_what_was_not_lost(draw):
    n = size(draw)
    kept = np.sort(draw.choice(int(n * 1.05), n, replace=False))
    return pairs(ns(ticks(n)), START + ns(kept / RATE + usb(draw, n)))


def numbers_from_nowhere(draw):
    n = size(draw)
    return pairs(draw.integers(-(2**62), 2**62, n), draw.integers(-(2**62), 2**62, n))


def stamps_that_are_absent(draw):
    n = size(draw)
    return ClockPairs(
        from_clock="cam0",
        to_clock="log",
        from_ns=np.full(n, np.nan),  # type: ignore[arg-type]  # what bad input looks like
        to_ns=START + ns(ticks(n)),
        relation="one-way",
        source="log-header",
    )


def two_way_noise(draw):
    n = int(draw.integers(1, 120))
    return pairs(ns(np.arange(n) * 5.0), START + ns(np.arange(n) * 5.0 + draw.normal(0, 1, n)), "two-way")


def two_way_walks(draw):
    n = int(draw.integers(2, 120))
    steps = draw.exponential(5, (2, n))
    return pairs(ns(np.cumsum(steps[0])), START + ns(np.cumsum(steps[1])), "two-way")


def shared_instants_that_are_not(draw):
    n = int(draw.integers(4, 60))
    return pairs(ns(np.arange(n) * 5.0), START + ns(np.arange(n) * 5.0 + draw.normal(0, 1, n)), "same")


COINCIDENCES = [
    walks_of_any_step,
    walks_of_like_steps,
    independent_times_in_order,
    independent_times_in_any_order,
    arrivals_at_random,
    shuffled_arrivals,
    shuffled_stamps,
    log_times_that_are_copies,
    copies_that_were_rounded,
    one_flush_at_the_end,
    constant_arrival,
    flushes_now_and_then,
    constant_stamps,
    a_few_pairs,
    many_pairs_in_half_a_second,
    a_clock_that_runs_backwards,
    arrivals_anywhere_within_a_second,
    stamps_of_another_unit,
    an_offset_that_wanders_at_random,
    stamps_by_counting_what_was_not_lost,
    numbers_from_nowhere,
    stamps_that_are_absent,
    two_way_noise,
    two_way_walks,
    shared_instants_that_are_not,
]
