"""Have people label frames in Label Studio, and bring the labels back."""

import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli import _progress
from rushes.cli._annotate_history import blame, diff
from rushes.cli._annotate_labels import agree_command, import_command
from rushes.cli._options import OneOf, dataset_argument, dry_run_option, listed, verb
from rushes.cli._output import Answer
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
rushes annotate push my-dataset --template gesture --where "modality = 'color' AND subject = 's01'"
""",
)
@dataset_argument
@click.option("--template", required=True, help="boxes, polygons, masks, classes, hands, moment, gesture.")
@click.option("--where", metavar="SQL", help="Over frames (or moments), streams, recordings.")
@click.option("--ontology", help="YAML file, or the name of one of ours; kept in the dataset from then on.")
@click.option(
    "--predict",
    "predictions",
    multiple=True,
    type=OneOf(["model", "import", "human", "none"]),
    default=("model", "import"),
    help="Labels of which source are shown to begin with; can be repeated.",
)
@_server_options
@dry_run_option
def push(
    dataset: Path,
    template: str,
    where: str | None,
    ontology: str | None,
    predictions: Sequence[str],
    url: str | None,
    token_file: Path | None,
    media: Path | None,
    dry_run: bool,
) -> Answer:
    """Send frames, moments or clips of DATASET to be labelled.

    What models and files say of them is shown to begin with. A task is there once, however often it is sent. What
    changed since is brought up to date; what people drew stays.
    """
    pushing = registry.late("rushes.workflow.annotate_push")
    request = pushing.Request(
        template=template,
        where=where,
        ontology=ontology,
        predictions=[source for source in predictions if source != "none"],
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
    text += "" if dry_run else f"\nOpen  {done.address}\nNext  rushes annotate pull {dataset}"
    warnings = [*done.notes, *(f"not shown: {sentence}" for sentence in done.unreadable[:20])]
    reasons = Counter(refused.why for refused in done.refused)
    warnings += [
        f"{say_count(n, 'label')} not shown as pre-annotation: {why}" for why, n in reasons.most_common(10)
    ]
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
        },
        text=text,
        dataset=str(dataset),
        revision=done.revision,
        warnings=warnings,
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


for _verb in (install, up, status, down, push, pull, rebuild, diff, blame, import_command, agree_command):
    command.add_command(_verb)


def _pulled(dataset: Path, done: Any) -> Answer:
    events = ", ".join(f"{count:,} {action}" for action, count in done.events.items())
    text = f"annotations: {events}; {say_count(done.labels, 'label')} made of them"
    said = [f"{key}: {problem.said}" for key, problem in done.problems]
    return Answer(
        result={
            "projects": done.projects,
            "tasks": done.tasks,
            "read": done.read,
            **done.events,
            "labels": done.labels,
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
