"""Drawings say what the arrays say."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.report import plots
from rushes.report.plots import Lane, Stretch, histogram, lanes, time_ticks


def lane(times: np.ndarray | None, count: int | None = None, **more) -> Lane:
    number = len(times) if times is not None else int(count or 0)
    return Lane(label="imu", note="", kind="imu", count=number, times=times, **more)


@given(st.integers(min_value=1, max_value=10**19))
def test_axis_ticks_are_few_in_order_and_inside(span_ns: int) -> None:
    shares = [share for share, _ in time_ticks(span_ns)]
    assert shares[0] == 0
    assert shares == sorted(set(shares))
    assert 0 <= shares[-1] <= 1
    assert len(shares) <= 10


@pytest.mark.parametrize(
    ("span_ns", "words"),
    [
        (24_069_000_000, ["0", "5 s", "10 s", "15 s", "20 s"]),
        (400_000_000, ["0", "50 ms", "100 ms", "150 ms", "200 ms", "250 ms", "300 ms", "350 ms", "400 ms"]),
        (1_200_000_000, ["0", "0.2 s", "0.4 s", "0.6 s", "0.8 s", "1 s", "1.2 s"]),
        (3 * 3600 * 10**9, ["0", "30 min", "60 min", "90 min", "120 min", "150 min", "180 min"]),
    ],
)
def test_axis_words_are_round(span_ns: int, words: list[str]) -> None:
    assert [word for _, word in time_ticks(span_ns)] == words


def test_few_samples_are_ticks_each_where_it_belongs() -> None:
    drawn = lanes([lane(np.array([0, 250, 1000]))], start_ns=0, end_ns=1000, label="x")
    places = [float(x) for x in re.findall(r"M([\d.]+) 4V20", drawn)]
    assert places == pytest.approx([1, 250.5, 999])


def test_a_hole_in_many_samples_is_a_hole_in_the_outline() -> None:
    times = np.concatenate([np.arange(0, 400), np.arange(600, 1000)]) * 1_000_000
    drawn = lanes([lane(times)], start_ns=0, end_ns=int(times[-1]), label="x")
    (outline,) = re.findall(r'd="M0 24([^"]*)z" class="density"', drawn)
    steps = [(float(x), float(y)) for x, y in re.findall(r"H([\d.]+)V([\d.]+)", outline)]
    empty = [i for i, (_, y) in enumerate(steps[:-1]) if y == plots.HEIGHT]
    assert len(empty) == 1
    assert steps[empty[0]][0] == pytest.approx(400, abs=6)
    assert steps[empty[0] + 1][0] == pytest.approx(600, abs=6)


def test_an_even_rate_is_drawn_flat() -> None:
    times = (np.arange(723) * 33_333_333).astype(np.int64)
    drawn = lanes([lane(times)], start_ns=0, end_ns=int(times[-1]), label="x")
    (outline,) = re.findall(r'd="(M0 24[^"]*)" class="density"', drawn)
    heights = [float(y) for y in re.findall(r"V([\d.]+)", outline)][:-1]
    assert max(heights) - min(heights) <= 0.1 * plots.HEIGHT


def test_marks_are_drawn_where_they_are_and_never_too_thin_to_see() -> None:
    marked = (Stretch(start_ns=500, end_ns=501, title="a gap of 1 ns"),)
    drawn = lanes([lane(np.arange(1001), marked=marked)], start_ns=0, end_ns=1000, label="x")
    assert '<rect x="500.0" y="0" width="2.5"' in drawn
    assert "1 gap marked" in drawn


def test_samples_without_times_are_drawn_in_order_and_said_to_be() -> None:
    drawn = lanes([lane(None, count=5)], start_ns=0, end_ns=0, label="x")
    assert drawn.count(" 4V20") == 5
    assert "in recorded order, without times" in drawn
    assert 'class="axis"' not in drawn


@pytest.mark.parametrize("times", [np.array([], np.int64), np.array([7]), np.array([7, 7, 7])])
def test_degenerate_streams_draw_without_fuss(times: np.ndarray) -> None:
    assert "nan" not in lanes([lane(times)], start_ns=7, end_ns=7, label="x")


def test_a_histogram_of_one_value_or_none_is_not_a_crash() -> None:
    assert histogram(np.array([]), title="t") == ""
    assert "nan" not in histogram(np.full(9, 5), title="t")
