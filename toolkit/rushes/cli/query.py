"""Ask the dataset in SQL."""

import csv
import io
from pathlib import Path
from typing import Any

import click

from rushes.cli._options import at_option, dataset_argument, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.workflow.dataset import Dataset

SHOWN = 40


@verb(
    "query",
    examples="""
rushes query my-dataset "select stream, count, effective_rate_hz from streams"
rushes query my-dataset "select * from findings where severity = 'error'" --csv
rushes query my-dataset "select count(*) from frames" --at 3
""",
)
@dataset_argument
@click.argument("sql")
@click.option("--csv", "as_csv", is_flag=True, help="Give every row as CSV.")
@at_option
def command(dataset: Path, sql: str, as_csv: bool, at: str | None) -> Answer:
    """Run one SELECT over the tables by name (DuckDB's SQL); rushes schema lists the tables."""
    with Dataset.open(dataset, at=revision_of(at)) as opened:
        head, rows = opened.store.rows(sql)
        return Answer(
            result={"columns": head, "rows": [list(row) for row in rows]},
            text=_csv(head, rows) if as_csv else _text(head, rows),
            dataset=str(dataset),
            revision=opened.revision,
        )


def _csv(head: list[str], rows: list[tuple[Any, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([head, *rows])
    return out.getvalue().rstrip("\n")


def _text(head: list[str], rows: list[tuple[Any, ...]]) -> str:
    numeric = [i for i in range(len(head)) if rows and all(isinstance(r[i], int | float) for r in rows)]
    shown = [[f"{v:.6g}" if isinstance(v, float) else v for v in row] for row in rows[:SHOWN]]
    text = table(shown, head=head, right=numeric)
    rest = len(rows) - SHOWN
    return text + (f"\n… and {rest:,} more rows; --csv gives all" if rest > 0 else "")
