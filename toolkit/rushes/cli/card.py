"""Write a dataset card in Markdown: content, clocks, labels, splits and known faults."""

from pathlib import Path

import click

from rushes.cli._options import dataset_argument, verb
from rushes.cli._output import Answer
from rushes.quantities import say_bytes
from rushes.workflow.card import card
from rushes.workflow.pages import demand_place, write_whole


@verb(
    "card",
    examples="""
rushes card my-dataset
rushes card my-dataset --out CARD.md
""",
)
@dataset_argument
@click.option("--out", type=click.Path(path_type=Path), help="Write it here; else it is shown.")
@click.option("--at", metavar="REVISION", help="Describe an earlier revision, by number or tag.")
def command(dataset: Path, out: Path | None, at: str | None) -> Answer:
    """Describe a dataset from its own tables; what it does not know is said to be not stated.

    Subject, place, session, task, consent and the state of personal data are as given when it was ingested.
    Faults are those of the last check; agreement is computed where two people labelled the same.
    """
    if out is not None:
        demand_place(out)
    made = card(dataset, at=int(at) if at and at.isdecimal() else at)
    text = made.text.rstrip("\n")
    if out is not None:
        size = write_whole(out, made.text)
        text = f"Wrote {out} ({say_bytes(size)})."
    return Answer(result={"card": made.text}, text=text, dataset=str(dataset), revision=made.revision)
