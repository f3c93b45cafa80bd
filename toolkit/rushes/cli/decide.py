"""Accept, reject, tag or delete recordings and frames, and ask for their part of the split."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.errors import UsageError
from rushes.quantities import say_count
from rushes.workflow.dataset import Dataset
from rushes.workflow.decisions import Decided, Decision, Item, TagWish, Wish, decide, said

author_option = click.option(
    "--as", "author", metavar="NAME", help="Who does it; else RUSHES_AUTHOR, else the user of this machine."
)


@verb(
    "decide",
    examples="""
rushes decide my-dataset tabletop_s01_take1 --reject --why "the lens was dirty"
rushes decide my-dataset tabletop_s01_take1 --accept --tag "look again" --as ada
rushes decide my-dataset tabletop_s01_take1 --split test
""",
)
@dataset_argument
@click.argument("items", nargs=-1, metavar="RECORDING[/STREAM/INDEX]...")
@click.option("--accept", "what", flag_value="accept", help="Take it in.")
@click.option("--reject", "what", flag_value="reject", help="Leave it out of exports, splits and checks.")
@click.option("--delete", "what", flag_value="delete", help="The same, and the App shows it no more.")
@click.option("--withdraw", "what", flag_value="withdraw", help="Take such a decision back.")
@click.option("--split", "part", metavar="PART", help="Ask for a part; rushes split honours it.")
@click.option("--withdraw-split", is_flag=True, help="Take such a request back.")
@click.option("--tag", "tags", multiple=True, help="Give a tag; can be repeated.")
@click.option("--untag", "untags", multiple=True, help="Take a tag away; can be repeated.")
@click.option("--why", help="The reason.")
@author_option
@dry_run_option
def command(
    dataset: Path,
    items: Sequence[str],
    what: str | None,
    part: str | None,
    withdraw_split: bool,
    tags: Sequence[str],
    untags: Sequence[str],
    why: str | None,
    author: str | None,
    dry_run: bool,
) -> Answer:
    """Decide about recordings or frames; every decision is kept with who and when, the newest stands.

    A frame without a decision of its own follows its recording's. Nothing is deleted from the dataset.
    """
    with Dataset.open(dataset) as opened:
        chosen = [item_of(opened, text) for text in items]
    wishes = [Wish(item=item, what=what, about="use", why=why) for item in chosen if what]
    if part is not None:
        wishes += [Wish(item=item, what="request_split", value=part, why=why) for item in chosen]
    elif withdraw_split:
        wishes += [Wish(item=item, what="withdraw", about="split", why=why) for item in chosen]
    given = [TagWish(item=item, tag=tag, action="added") for item in chosen for tag in tags]
    given += [TagWish(item=item, tag=tag, action="removed") for item in chosen for tag in untags]
    if not wishes and not given:
        raise UsageError(
            "nothing was decided" if chosen else "no recording or frame was named",
            code="decision.nothing",
            hint="rushes decide DATASET RECORDING --reject, --accept, --split PART or --tag WORD",
        )
    done = decide(dataset, wishes, tags=given, author=author, argv=sys.argv[1:], dry_run=dry_run)
    return answer(dataset, done, dry_run=dry_run)


def item_of(dataset: Dataset, text: str) -> Item:
    """Read RECORDING or RECORDING/STREAM/INDEX; a recording goes by its id or name.

    Raises:
        UsageError: ``dataset.no-recording``, ``dataset.several-recordings``.
    """
    recording, _, rest = text.partition("/")
    stream, _, index = rest.rpartition("/")
    if stream and index.isdecimal():
        return dataset.recording_id(recording), stream, int(index)
    return dataset.recording_id(text), None, None


def answer(dataset: Path, done: Decided, *, dry_run: bool) -> Answer:
    """Say what was decided."""
    would = "would be " if dry_run else ""
    text = (
        f"{say_count(len(done.taken), 'decision')} and {say_count(done.tags, 'tag')} {would}kept, by {done.author}"
    )
    text += f"; {done.same:,} as before" if done.same else ""
    return Answer(
        result={
            "decisions": [decision_result(one) for one in done.taken],
            "contested": [decision_result(one) for one in done.contested],
            "same": done.same,
            "tags": done.tags,
            "author": done.author,
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=[contested_line(one) for one in done.contested],
    )


def decision_result(one: Decision) -> dict[str, Any]:
    """Give a decision for ``--json``."""
    names = ("recording_id", "stream", "index", "about", "what", "value", "why", "author")
    return {name: getattr(one, name) for name in names}


def contested_line(one: Decision) -> str:
    """Say of a decision that it does not stand, and how that is settled."""
    what = f"{one.what} {one.value}" if one.value else one.what
    return (
        f"{said(one.item)}: '{what}' by {one.author} does not stand, since somebody decided otherwise meanwhile; "
        "decide again to settle it"
    )
