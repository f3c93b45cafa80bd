"""Have people label frames in Label Studio, and bring the labels back."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli import _progress
from rushes.cli._annotate_agree import agree_command, consensus_command
from rushes.cli._annotate_edits import conflicts_command, edit_command, resolve_command
from rushes.cli._annotate_erratum import erratum_command
from rushes.cli._annotate_history import blame, diff
from rushes.cli._annotate_labels import import_command
from rushes.cli._annotate_media import media as media_command
from rushes.cli._options import OneOf, dataset_argument, dry_run_option, listed, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow import annotate


@click.group(
    "annotate",
    epilog=listed("rushes annotate up\nrushes annotate status --json\nrushes annotate down"),
    add_help_option=False,
)
@click.help_option("-h", "--help", help="Show this message and exit.")
def command() -> None:
    """Have people label frames in Label Studio, and bring the labels back.

    The server runs in an environment of its own, for this machine alone, unless --url names one that the team has.
    Every command can be repeated at any time.
    """


@verb("up", group="annotate", examples="rushes annotate up\nrushes annotate up --json")
@click.option("--port", type=click.IntRange(1, 65535), help="The one it had before, or any free one, if left out.")
@click.option(
    "--postgres",
    metavar="URL",
    envvar="RUSHES_LABEL_STUDIO_POSTGRES",
    help="Database for its data, kept for the next time; else SQLite. Better set RUSHES_LABEL_STUDIO_POSTGRES: "
    "other users can see command lines.",
)
def up(port: int | None, postgres: str | None) -> Answer:
    """Start Label Studio, or find the one that runs.

    The first time it is installed (some minutes, 1 GB). It goes on when this shell is closed, until rushes
    annotate down stops it; its data stays. It listens to this machine alone, and nobody signs up uninvited.
    """
    server = annotate.up(port=port, postgres=postgres)
    word = "is up now" if server.fresh else "is up already"
    text = f"Label Studio {server.release} {word}\n{_how_to_enter(server)}"
    return Answer(result={"running": True, "fresh": server.fresh, **_facts(server)}, text=text)


@verb("install", group="annotate", examples="rushes annotate install")
def install() -> Answer:
    """Install Label Studio without starting it.

    For a machine that will be offline; rushes annotate up does it by itself.
    """
    place = annotate.install()
    return Answer(result={"installed": str(place)}, text=f"Label Studio is installed in {place}")


@verb("status", group="annotate", examples="rushes annotate status")
def status() -> Answer:
    """Say whether our Label Studio runs, and where."""
    server = annotate.status()
    if server is None:
        return Answer(result={"running": False}, text=annotate.why_none())
    text = f"Label Studio {server.release} runs\n{_how_to_enter(server)}"
    return Answer(result={"running": True, **_facts(server)}, text=text)


@verb("down", group="annotate", examples="rushes annotate down")
def down() -> Answer:
    """Stop our Label Studio; what it holds stays."""
    pid = annotate.down()
    text = "no Label Studio of ours runs" if pid is None else f"Label Studio is down (it was process {pid})"
    return Answer(result={"stopped": pid}, text=text)


def _server_options(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Add the options that name a server other than ours."""
    for option in (
        click.option("--media", type=click.Path(path_type=Path), help="Its document root, as mounted here."),
        click.option(
            "--token-file",
            type=click.Path(path_type=Path),
            help="Holds its token; else RUSHES_LABEL_STUDIO_TOKEN does.",
        ),
        click.option("--url", help="Address of a Label Studio that the team has; ours if left out."),
    ):
        function = option(function)
    return function


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
@_server_options
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


@verb(
    "adjudicate",
    group="annotate",
    examples="""
rushes annotate adjudicate my-dataset
rushes annotate adjudicate my-dataset --below 0.5 --dry-run
""",
)
@dataset_argument
@click.option(
    "--below", type=click.FloatRange(0, 1), default=0.7, show_default=True, help="Agreement that is not enough."
)
@click.option(
    "--iou", type=click.FloatRange(0.01, 1), default=0.5, show_default=True, help="Least likeness of a pair."
)
@click.option("--named", is_flag=True, help="Show who drew which version.")
@click.option("--seed", type=int, default=7, show_default=True, help="Of the order of the versions.")
@_server_options
@dry_run_option
def adjudicate(
    dataset: Path,
    below: float,
    iou: float,
    named: bool,
    seed: int,
    url: str | None,
    token_file: Path | None,
    media: Path | None,
    dry_run: bool,
) -> Answer:
    """Have somebody settle what several people labelled differently.

    Every frame, moment or clip whose two least alike versions agree less than --below becomes a task of a project
    of its own, which shows the versions one beside another, without names: "Duplicate Annotation" in the menu of a
    version's tab takes it over. What is submitted stands once it is pulled.
    """
    step = registry.late("rushes.workflow.annotate_adjudicate")
    settings = step.Settings(below=below, iou=iou, named=named, seed=seed)
    line = annotate.line(url=url, token_file=token_file, media=media)
    with _progress.bar("adjudicate", unit="") as progress:
        done = step.adjudicate(dataset, settings, line, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    lines = []
    for at in done.templates:
        head = (
            f"{at.template}: of {say_count(at.several, 'item')} that several people labelled, {at.tasks:,} differ"
        )
        lines.append(head + (f", {at.settled:,} of them settled before" if at.settled else ""))
        if at.sent:
            lines.append(
                f"  {at.sent.created:,} new, {at.sent.updated:,} brought up to date\n  Open  {at.address}"
            )
    if any(at.sent for at in done.templates):
        lines.append(f"Next  rushes annotate pull {dataset}")
    return Answer(
        result={
            "templates": [
                {
                    "template": at.template,
                    "project": at.project,
                    "address": at.address,
                    "several": at.several,
                    "tasks": at.tasks,
                    "settled": at.settled,
                    "created": at.sent.created if at.sent else 0,
                    "updated": at.sent.updated if at.sent else 0,
                    "same": at.sent.same if at.sent else 0,
                }
                for at in done.templates
            ]
        },
        text="\n".join(lines),
        dataset=str(dataset),
        revision=done.revision,
        warnings=[f"not shown: {said}" for at in done.templates for said in at.unreadable[:20]],
    )


@verb("pull", group="annotate", examples="rushes annotate pull my-dataset")
@dataset_argument
@_server_options
def pull(dataset: Path, url: str | None, token_file: Path | None, media: Path | None) -> Answer:
    """Bring back what people did since the last pull.

    What they drew, changed and deleted, every version of it. Repeat it at any time: what was pulled before is not
    pulled twice, and labels that were pulled stay when a project or the server is gone.
    """
    line = annotate.line(url=url, token_file=token_file, media=media)
    with _progress.bar("pull", unit="tasks") as progress:
        done = registry.late("rushes.workflow.annotate_pull").pull(
            dataset, line, argv=sys.argv[1:], progress=progress
        )
    return _pulled(dataset, done)


@verb("rebuild", group="annotate", examples="rushes annotate rebuild my-dataset")
@dataset_argument
def rebuild(dataset: Path) -> Answer:
    """Make the labels anew out of what was pulled.

    As after a change of the ontology. No server is needed.
    """
    return _pulled(dataset, registry.late("rushes.workflow.annotate_pull").rebuild(dataset, argv=sys.argv[1:]))


for _verb in (
    *(install, up, status, down, media_command, push, pull, rebuild),
    *(edit_command, conflicts_command, resolve_command, diff, blame, erratum_command),
    *(import_command, agree_command, consensus_command, adjudicate),
):
    command.add_command(_verb)


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


def _pulled(dataset: Path, done: Any) -> Answer:
    events = ", ".join(f"{count:,} {action}" for action, count in done.events.items())
    text = f"annotations: {events}; {say_count(done.labels, 'label')} made of them"
    if done.conflicts:
        text += (
            f"\n{say_count(done.conflicts, 'conflict')} with edits made here: rushes annotate conflicts {dataset}"
        )
    said = [f"{key}: {problem.said}" for key, problem in done.problems]
    return Answer(
        result={
            "projects": done.projects,
            "tasks": done.tasks,
            "read": done.read,
            **done.events,
            "labels": done.labels,
            "conflicts": done.conflicts,
            "problems": [{"task": key, "kind": p.kind, "message": p.said} for key, p in done.problems],
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=[
            *done.notes,
            *done.gone,
            *said[:20],
            *([f"… and {len(said) - 20} more"] if len(said) > 20 else []),
        ],
    )


def _facts(server: Any) -> dict[str, Any]:
    return {
        "url": server.url,
        "release": server.release,
        "pid": server.pid,
        "home": str(server.home.root),
        "database": server.database,
        "account": server.account,
        "password_file": str(server.home.password),
    }


def _how_to_enter(server: Any) -> str:
    return (
        f"Open   {server.url}\n"
        f"As     {server.account}, password in {server.home.password}\n"
        f"Stop   rushes annotate down   (process {server.pid}, {server.database}, log {server.home.log})"
    )
