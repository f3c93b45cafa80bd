"""Assign every recording to train, val or test, by group."""

import sys
from pathlib import Path
from typing import Any

import click

from rushes.cli._options import (
    Duration,
    Listed,
    OneOf,
    Parts,
    PluginName,
    VerbWithMore,
    dataset_argument,
    dry_run_option,
    verb,
)
from rushes.cli._output import Answer, json_text, table
from rushes.cli._split_lock import lock_command
from rushes.cli._split_verify import verify_command
from rushes.workflow import pages
from rushes.workflow._split.counts import DEFAULT, WHAT
from rushes.workflow.split import GROUPS, LINKS, Settings, Split, split


@verb(
    "split",
    examples="""
rushes split my-dataset --by subject --parts train:0.6,test:0.4
rushes split my-dataset --parts train:0.8,test:0.2 --name two-way --seed 3
rushes split my-dataset --by session,place --folds 2 --name folds
""",
)
@dataset_argument
@click.option(
    "--by",
    type=Listed(GROUPS),
    default="recording",
    show_default=True,
    help="What must stay together; several by comma join what shares any of them. picture takes sets of stills "
    "apart.",
)
@click.option("--group-by", multiple=True, metavar="SQL", help="The same by an expression over recordings.")
@click.option(
    "--links",
    type=OneOf(LINKS),
    default="auto",
    show_default=True,
    help="Keep recordings with near-duplicate or equal pictures together; auto: near, unless that ties too much.",
)
@click.option(
    "--balance",
    type=Listed((*WHAT, "none")),
    default=",".join(DEFAULT),
    show_default=True,
    help="What is spread alike beside the samples.",
)
@click.option(
    "--folds", type=click.IntRange(2, 1000), help="So many equal parts, fold-1 and on, instead of --parts."
)
@click.option("--blocks", type=click.IntRange(2, 10_000), help="Cut each recording into so many blocks of time.")
@click.option("--buffer", "buffer_ns", type=Duration(), default="1s", help="Left out between such blocks.  [1s]")
@click.option("--manifest", type=click.Path(path_type=Path), metavar="FILE", help="Write all of it as JSON.")
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
@click.option("--include-rejected", is_flag=True, help="Assign what people rejected, deleted or discarded too.")
@click.option("--fresh", is_flag=True, help="Assign everything anew; else what was assigned stays.")
@dry_run_option
def _assign(
    dataset: Path,
    by: tuple[str, ...],
    group_by: tuple[str, ...],
    links: str,
    balance: tuple[str, ...],
    folds: int | None,
    blocks: int | None,
    buffer_ns: int,
    manifest: Path | None,
    parts: dict[str, float],
    name: str,
    seed: int,
    splitter: str,
    include_rejected: bool,
    fresh: bool,
    dry_run: bool,
) -> Answer:
    """Split by whole groups, near to the shares wanted; what was assigned before does not move.

    Labels are spread alike as well as samples. The answer ends with evidence that a reviewer can quote.
    """
    settings = Settings(
        name=name,
        by=by,
        group_by=group_by,
        links=links,
        balance=tuple(word for word in balance if word != "none"),
        parts={f"fold-{at + 1}": 1 / folds for at in range(folds)} if folds else parts,
        seed=seed,
        splitter=splitter,
        fresh=fresh,
        blocks=blocks or 0,
        buffer_ns=buffer_ns,
        rejected=include_rejected,
    )
    if manifest:
        pages.demand_place(manifest)
    made = answer(dataset, split(dataset, settings, argv=sys.argv[1:], dry_run=dry_run))
    if manifest and not dry_run:
        body = {"dataset": made.dataset, "revision": made.revision, **made.result}
        pages.write_whole(manifest, json_text(body) + "\n")
    return made


command = VerbWithMore(_assign, [verify_command, lock_command])


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
    text = table(rows, head=("part", _units(done), "groups", "samples", "share", "wanted"), right=(1, 2, 3, 4, 5))
    text += "\n\n" + "\n".join(done.evidence)
    return Answer(
        result={
            "split": done.settings.name,
            "by": done.settings.grouping,
            "seed": done.settings.seed,
            "splitter": done.settings.splitter,
            "parts": {
                part: {"wanted": share, "samples": done.samples[part], "sha256": done.digests[part]}
                for part, share in done.settings.parts.items()
            },
            "samples": dict(done.samples),
            "components": _components(done),
            "links": list(done.links.why),
            "balance": [
                {
                    "what": each.name,
                    "total": each.total,
                    "groups": each.groups,
                    "shares": dict(zip(done.settings.parts, each.shares, strict=True)),
                    "worst": each.worst,
                    "bound": each.bound,
                }
                for each in done.spreads
            ],
            "assignments": [
                {
                    "recording_id": a.unit.partition("#")[0],
                    "name": done.names[a.unit.partition("#")[0]],
                    "part": a.part,
                    "group": a.group,
                    "pinned": a.pinned,
                }
                for a in done.assignments
            ],
            "left_out": list(done.left_out),
            "rejected": list(done.rejected),
            "asked": dict(done.asked),
            "locked": list(done.locked),
            "evidence": list(done.evidence),
            "findings": [{"check": f.check, "severity": f.severity, "message": f.message} for f in done.findings],
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=[f.message for f in done.findings if f.severity != "info"],
    )


def _units(done: Split) -> str:
    """Name what was assigned."""
    kinds = {
        "pictures": len(done.stills),
        "blocks": len(done.cut),
        "recordings": len(done.names) - len(done.stills) - len(done.cut),
    }
    there = [kind for kind, count in kinds.items() if count > 0]
    return there[0] if len(there) == 1 else "units"


def _components(done: Split) -> list[dict[str, Any]]:
    parts: dict[str, set[str]] = {}
    for each in done.assignments:
        for node in {each.unit, each.unit.partition("#")[0]}:
            parts.setdefault(node, set()).add(each.part)
    made = []
    for component in done.components:
        nodes = [done.nodes[at] for at in component.units]
        made.append(
            {
                "id": component.id,
                "name": component.name,
                "recordings": list(dict.fromkeys(node.partition("#")[0] for node in nodes)),
                "parts": sorted({part for node in nodes for part in parts.get(node, ())}),
            }
        )
    return made
