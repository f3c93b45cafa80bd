"""Sends frames, moments, clips and signals to be labelled."""

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli import _progress
from rushes.cli._annotate_line import server_options
from rushes.cli._options import OneOf, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow import annotate


@verb(
    "push",
    group="annotate",
    examples="""
rushes annotate push my-dataset --template hands --ontology hands --where "modality = 'color' AND index % 10 = 0"
rushes annotate push my-dataset --template moment --where "complete AND moment < 20"
rushes annotate push my-dataset --template gesture --where "modality = 'color' AND subject = 's01'" --clip 30s
rushes annotate push my-dataset --template signal --where "modality = 'imu'" --clip 60s
rushes annotate push my-dataset --template hands --annotators ada,ben,cleo --overlap 0.2
""",
)
@dataset_argument
@click.option(
    "--template", required=True, help="boxes, polygons, masks, classes, hands, moment, gesture, signal, audio."
)
@click.option("--where", metavar="SQL", help="Over frames (or moments), streams, recordings.")
@click.option(
    "--clip",
    metavar="LENGTH",
    help="What a task shows of a stream: pieces such as 30s; of gesture also 'events' or 'moments'.",
)
@click.option("--ontology", help="YAML file, or the name of one of ours; kept in the dataset from then on.")
@click.option(
    "--predict",
    "predictions",
    multiple=True,
    type=OneOf(["model", "import", "human", "consensus", "none"]),
    default=("model", "import"),
    help="Labels of which source are shown to begin with; can be repeated.",
)
@click.option(
    "--annotators", metavar="A,B,…", help="Give the tasks out blind: a project for each of these people."
)
@click.option(
    "--overlap", type=click.FloatRange(0, 1), default=0.2, show_default=True, help="Share that several label."
)
@click.option(
    "--per-item", type=click.IntRange(2), default=2, show_default=True, help="How many label such a one."
)
@click.option("--seed", type=int, default=7, show_default=True, help="Of who gets what.")
@click.option(
    "--media-by",
    type=OneOf(["local-files", "urls"]),
    default="local-files",
    show_default=True,
    help="How browsers get the pictures: from Label Studio's disk, or from us by signed addresses.",
)
@click.option(
    "--media-url", metavar="URL", help="Of rushes annotate media; where it was started last if left out."
)
@server_options
@dry_run_option
def push(
    dataset: Path,
    template: str,
    where: str | None,
    clip: str | None,
    ontology: str | None,
    predictions: Sequence[str],
    annotators: str | None,
    overlap: float,
    per_item: int,
    seed: int,
    media_by: str,
    media_url: str | None,
    url: str | None,
    token_file: Path | None,
    media: Path | None,
    dry_run: bool,
) -> Answer:
    """Send frames, moments or clips of DATASET to be labelled.

    What models and files say of them is shown to begin with. A task is there once, however often it is sent. What
    changed since is brought up to date; what people drew stays. Labels that were edited here go back to the
    annotations that they are of. With --annotators nobody sees another's work: each gets a project, a share of the
    tasks is given to several people, and who has a task keeps it when more are pushed.
    """
    pushing = registry.late("rushes.workflow.annotate_push")
    blind = None
    if annotators is not None:
        blind = registry.late("rushes.workflow._annotate.desks").Blind(
            annotators=[name.strip() for name in annotators.split(",")],
            overlap=overlap,
            per_item=per_item,
            seed=seed,
        )
    request = pushing.Request(
        template=template,
        where=where,
        clip=clip,
        ontology=ontology,
        predictions=[source for source in predictions if source != "none"],
        blind=blind,
        media_url=pushing.addresses.base_of(dataset, media_url) if media_by == "urls" else None,
    )
    line = annotate.line(url=url, token_file=token_file, media=media)
    with _progress.bar("push", unit="") as progress:
        done = pushing.push(dataset, request, line, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    sent = done.sent
    would = "would be " if dry_run else ""
    text = f"{say_count(done.tasks, 'task')}: {sent.created:,} {would}new, {sent.updated:,} {would}brought up to "
    text += f"date, {sent.same:,} as they were"
    text += f"\n{say_count(done.predicted, 'label')} shown as pre-annotations" if done.predicted else ""
    text += f"\n{say_count(sent.spare, 'spare copy')} taken away" if sent.spare else ""
    back = done.returned
    if back.labels:
        where_to = say_count(back.annotations, "annotation")
        text += f"\n{say_count(back.labels, 'edited label')} {would}sent back, in {where_to}"
    if blind is not None:
        text += f"\n{done.shared:,} of them given to several people\n\n{_desks(done.desks)}\n"
        text += "\nTell each only their own address: Label Studio's free edition hides no project from its users."
    text += "" if dry_run or blind is not None else f"\nOpen  {done.address}"
    text += "" if dry_run else f"\nNext  rushes annotate pull {dataset}"
    warnings = [*done.notes, *(f"not shown: {sentence}" for sentence in done.unreadable[:20])]
    reasons = Counter(refused.why for refused in done.refused)
    warnings += [
        f"{say_count(n, 'label')} not shown as pre-annotation: {why}" for why, n in reasons.most_common(10)
    ]
    warnings += [f"label {one.label_id} was not sent back: {one.why}" for one in back.refused[:20]]
    warnings += [f"{key} was changed on the server too; rushes annotate pull {dataset}" for key in back.stale[:20]]
    if back.contested:
        warnings.append(f"{say_count(back.contested, 'label')} not sent back: rushes annotate conflicts {dataset}")
    warnings += [f"{key} is there several times with labels on each; keep one" for key in sent.doubled[:20]]
    return Answer(
        result={
            "project": done.project,
            "address": done.address,
            "tasks": done.tasks,
            "created": sent.created,
            "updated": sent.updated,
            "same": sent.same,
            "spare": sent.spare,
            "resent": sent.resent,
            "predicted": done.predicted,
            "refused": len(done.refused),
            "unreadable": len(done.unreadable),
            "returned": back.labels,
            "not_returned": len(back.refused) + back.contested,
            "stale": len(back.stale),
            "shared": done.shared,
            "annotators": [
                {
                    "annotator": desk.annotator,
                    "account": desk.account,
                    "project": desk.project,
                    "address": desk.address,
                    "tasks": desk.tasks,
                    "created": desk.sent.created,
                    "updated": desk.sent.updated,
                    "same": desk.sent.same,
                }
                for desk in done.desks
                if desk.annotator is not None
            ],
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=warnings,
    )


def _desks(desks: Sequence[Any]) -> str:
    rows = [
        (
            desk.annotator,
            desk.account or "no account of that name",
            desk.tasks,
            desk.sent.created,
            desk.sent.updated,
            desk.address,
        )
        for desk in desks
    ]
    return table(rows, head=("annotator", "account", "tasks", "new", "updated", "opens"), right=(2, 3, 4))
