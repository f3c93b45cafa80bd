"""Measure how well clocks are estimated, beside other methods."""

import click

from rushes.cli._options import OneOf, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow.bench_sync import Benchmark, bench_sync

QUICK = 3


@verb("bench", examples="rushes bench sync --quick\nrushes bench sync --trials 2 --json")
@click.argument("what", type=OneOf(("sync",)))
@click.option(
    "--trials", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Takes of each model."
)
@click.option("--quick", is_flag=True, help=f"Only {QUICK} takes of each model.")
def command(what: str, trials: int, quick: bool) -> Answer:  # noqa: ARG001 - one benchmark so far
    """Simulate takes with known times, and compare methods that tell one clock from another by them.

    For each noise model: the largest error of a take, its median, 95th percentile and maximum over the takes. The
    smallest latency, which no method can see, is taken off. "in interval" is the share of takes (of stretches
    between resets) whose errors all lie within the stated 95 % interval.
    """
    found = bench_sync(trials=QUICK if quick else trials)
    return Answer(
        result={
            "benchmark": "sync",
            "trials": found.trials,
            "rows": [
                {
                    "model": row.model,
                    "method": row.method,
                    "error_p50_ns": row.error_p50_ns,
                    "error_p95_ns": row.error_p95_ns,
                    "error_max_ns": row.error_max_ns,
                    "coverage": row.coverage,
                    "estimated": row.estimated,
                }
                for row in found.rows
            ],
            "left_out": dict(found.left_out),
        },
        text=f"{_table(found)}\n\n{say_count(found.trials, 'take')} of each model; errors in milliseconds",
        warnings=[
            f"{method} is left out: {why}; pip install 'rushes[bench]'" for method, why in found.left_out.items()
        ],
    )


def _table(found: Benchmark) -> str:
    rows, before = [], ""
    for row in found.rows:
        errors = [f"{ns / 1e6:,.3f}" for ns in (row.error_p50_ns, row.error_p95_ns, row.error_max_ns)]
        share = "" if row.coverage is None else f"{row.coverage:.0%}"
        rows.append((row.said if row.said != before else "", row.method, *errors, share))
        before = row.said
    return table(rows, head=("noise", "method", "p50", "p95", "max", "in interval"), right=(2, 3, 4, 5))
