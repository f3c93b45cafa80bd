"""Benchmark of clock estimation: our error beside that of others, same input, same run, known truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rushes import registry
from rushes.errors import PluginError
from rushes.model import ClockPairs, Times
from rushes.timing.clockfit import estimate
from rushes.workflow._bench.methods import METHODS
from rushes.workflow._bench.models import MODELS, take

OURS = "rushes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """How one method did on one noise model: the largest error in each take, over the takes.

    Args:
        error_p50_ns, error_p95_ns, error_max_ns: Of the takes' largest errors, the smallest latency taken off.
        coverage: Share of stretches between resets in which no error passed the stated 95 % interval; None where a
            method states none.
        estimated: Share of takes that were certified; None where a method does not judge itself.
    """

    model: str
    said: str
    method: str
    error_p50_ns: int
    error_p95_ns: int
    error_max_ns: int
    coverage: float | None = None
    estimated: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """All rows, and which methods were left out, with the reason."""

    trials: int
    rows: tuple[Row, ...]
    left_out: Mapping[str, str]


def bench_sync(*, trials: int, seed: int = 0, models: Sequence[str] | None = None) -> Benchmark:
    """Simulate takes of every noise model and let each method map their stamps.

    Args:
        trials: Takes of each model.
        seed: Of the first take; they count on from it.
        models: Names of noise models; all of them if left out.
    """
    methods, left_out = _methods()
    rows: list[Row] = []
    for name in models or MODELS:
        rows += _rows(name, methods, range(seed, seed + trials))
    return Benchmark(trials=trials, rows=tuple(rows), left_out=left_out)


def _rows(name: str, methods: Mapping[str, Callable[[ClockPairs], Times]], seeds: range) -> list[Row]:
    model = MODELS[name]
    worst: dict[str, list[int]] = {method: [] for method in (OURS, *methods)}
    held, certified = [], []
    for seed in seeds:
        taken = take(model, seed)
        found = estimate(taken.pairs)
        errors = np.abs(found.apply(taken.pairs.from_ns) - taken.truth_ns)
        worst[OURS].append(int(errors.max()))
        certified.append(found.verdict == "estimated")
        within = errors <= found.uncertainty_ns(taken.pairs.from_ns).filled(0)
        place = found.segment_of(taken.pairs.from_ns)
        held += [bool(within[place == number].all()) for number in np.unique(place)]
        for method, mapped in methods.items():
            worst[method].append(int(np.abs(mapped(taken.pairs) - taken.truth_ns).max()))
    return [
        Row(
            model=name,
            said=model.said,
            method=method,
            error_p50_ns=round(float(np.percentile(errors_of, 50))),
            error_p95_ns=round(float(np.percentile(errors_of, 95))),
            error_max_ns=max(errors_of),
            coverage=float(np.mean(held)) if method == OURS else None,
            estimated=float(np.mean(certified)) if method == OURS else None,
        )
        for method, errors_of in worst.items()
    ]


def _methods() -> tuple[dict[str, Callable[[ClockPairs], Times]], dict[str, str]]:
    """Give the methods that are there, and which are not."""
    try:
        guest = registry.late("rushes.workflow._bench.pyxdf_fit")
    except PluginError as error:
        return dict(METHODS), {"pyxdf": error.message}
    return {**METHODS, "pyxdf": guest.synchronised}, {}
