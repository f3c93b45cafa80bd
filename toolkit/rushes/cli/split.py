"""Assign every recording to train, val or test, by group."""

import sys
from pathlib import Path

import click

from rushes.cli._options import OneOf, Parts, PluginName, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow.split import GROUPS, Settings, Split, split


@verb(
    "split",
    examples="""
rushes split my-dataset --by subject --parts train:0.6,test:0.4
rushes split my-dataset --parts train:0.8,test:0.2 --name two-way --seed 3
""",
)
@dataset_argument
@click.option("--by", type=OneOf(GROUPS), default="recording", show_default=True, help="What must stay together.")
@click.option(
    "--parts",
    type=Parts(),
    default="train:0.7,val:0.15,test:0.15",
    show_default=True,
    help="Shares of the samples.",
)
@click.option("--name", default="default", show_default=True, help="Name of the split.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option("--splitter", type=PluginName("splits"), default="grouped", show_default=True)
@click.option("--fresh", is_flag=True, help="Assign everything anew; else what was assigned stays.")
@dry_run_option
def command(
    dataset: Path,
    by: str,
    parts: dict[str, float],
    name: str,
    seed: int,
    splitter: str,
    fresh: bool,
    dry_run: bool,
) -> Answer:
    """Split by whole groups, near to the shares wanted; what was assigned before does not move."""
    settings = Settings(name=name, by=by, parts=parts, seed=seed, splitter=splitter, fresh=fresh)
    return answer(dataset, split(dataset, settings, argv=sys.argv[1:], dry_run=dry_run))


def answer(dataset: Path, done: Split) -> Answer:
    """Say what each part got."""
    total = sum(done.samples.values()) or 1
    rows = []
    for part, wanted in done.settings.parts.items():
        mine = [a for a in done.assignments if a.part == part]
        groups = sorted({a.group for a in mine})
        rows.append(
            (
                part,
                len(mine),
                len(groups),
                f"{done.samples[part]:,}",
                f"{done.samples[part] / total:.1%}",
                f"{wanted:.1%}",
            )
        )
    text = table(rows, head=("part", "recordings", "groups", "samples", "share", "wanted"), right=(1, 2, 3, 4, 5))
    pinned = sum(a.pinned for a in done.assignments)
    text += (
        f"\n\n{say_count(len(done.assignments), 'recording')} by {done.settings.by}, {pinned} of them as before"
    )
    return Answer(
        result={
            "split": done.settings.name,
            "by": done.settings.by,
            "seed": done.settings.seed,
            "samples": dict(done.samples),
            "assignments": [
                {
                    "recording_id": a.unit,
                    "name": done.names[a.unit],
                    "part": a.part,
                    "group": a.group,
                    "pinned": a.pinned,
                }
                for a in done.assignments
            ],
            "findings": [{"check": f.check, "severity": f.severity, "message": f.message} for f in done.findings],
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=[f.message for f in done.findings if f.severity != "info"],
    )
