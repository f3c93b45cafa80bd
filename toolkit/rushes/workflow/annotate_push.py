"""Push: frames or moments of a dataset become tasks of Label Studio, each once, with what models found in them."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from rushes.annotate.label_studio import sending, template
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.plan import plan
from rushes.annotate.label_studio.sending import Sent
from rushes.annotate.label_studio.writing import Refused
from rushes.errors import UsageError
from rushes.workflow._annotate import clip_units, units
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.project import Line
from rushes.workflow.dataset import Dataset

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to push.

    Args:
        template: Name of the template.
        where: SQL that chooses frames, or moments where the template shows moments; all when None.
        ontology: Path or name; the dataset's own when None.
        predictions: Sources of labels that become pre-annotations: model, import, human.
        clip: What a clip is, where the template shows clips: a length, events or moments; whole streams when None.
    """

    template: str
    where: str | None = None
    ontology: str | None = None
    predictions: Sequence[str] = ("model", "import")
    clip: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of it.

    Args:
        project: Number of the project; None where a dry run would make one.
        address: Where people label.
        tasks: How many the request makes.
        sent: What was done; counts of what would be, on a dry run.
        predicted: Labels that are shown as pre-annotations.
        refused: Labels that cannot be shown, and why.
        unreadable: Pictures that could not be laid out, each as a sentence.
        revision: Of the dataset.
    """

    project: int | None
    address: str
    tasks: int
    sent: Sent
    predicted: int
    refused: Sequence[Refused]
    unreadable: Sequence[str]
    revision: int


def push(
    path: Path,
    request: Request,
    line: Line,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Pushed:
    """Make the server hold a task for everything that is asked for.

    Can be repeated at any time: a task is told by its key, what is there as it should be is left alone, what has
    other content or predictions gets them, nothing is deleted that has answers.

    Raises:
        UsageError: ``annotate.nothing``, ``annotate.clip``, ``annotate.no-ontology``, ``labelstudio.template``,
            ``labelstudio.no-media``, ``store.query``.
        ToolError: ``labelstudio.*``; running it again goes on.
    """
    if request.clip is not None and request.template != template.GESTURE:
        raise UsageError(
            f"the template '{request.template}' shows no clips",
            code="annotate.clip",
            hint=f"leave --clip out, or take --template {template.GESTURE}",
        )
    if line.access.media is None:
        raise UsageError(
            f"the document root of {line.access.url} is not known",
            code="labelstudio.no-media",
            hint="--media FOLDER names it, where it is mounted on this machine",
        )
    with Dataset.open(path) as dataset, projects.turn(path), _media(line.access.media, dry_run) as media:
        store = dataset.store
        spoken = projects.ontology_of(store, request.ontology)
        cameras: list[str] = []
        if request.template == template.MOMENT:
            wanted, cameras = units.moments(dataset, request.where)
        elif request.template == template.GESTURE:
            wanted = clip_units.chosen(dataset, request.where, request.clip)
        else:
            wanted = units.frames(dataset, request.where)
        units.refuse_nothing(wanted, request.where)
        made_of = template.build(request.template, spoken, cameras=cameras)
        maker = units.Maker(dataset, media, made_of, spoken, cameras=cameras, predictions=request.predictions)
        made = maker.make(wanted, _part(progress, "pictures"))
        with Client(line.access) as client:
            revision = store.revision
            if dry_run:
                project = projects.find(client, store, made_of.name)
                sent = _would(client, project.id if project else None, made)
            else:
                projects.keep_ontology(store, request.ontology)
                project, _ = projects.ensure(client, store, made_of, spoken)
                client.grant_folder(project.id, maker.folder)
                revision = _record(dataset, projects.row(line, project, made_of, spoken, cameras), argv)
                sent = sending.send(client, project.id, made.tasks, progress=_part(progress, "tasks"))
        return Pushed(
            project=project.id if project else None,
            address=f"{line.access.url}/projects/{project.id}/data" if project else line.access.url,
            tasks=len(made.tasks),
            sent=sent,
            predicted=made.predicted,
            refused=made.refused,
            unreadable=made.unreadable,
            revision=revision,
        )


def _part(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    return (lambda done, total: progress(what, done, total)) if progress else None


@contextmanager
def _media(root: Path, dry_run: bool) -> Iterator[Path]:
    """Give the document root; on a dry run a folder that vanishes."""
    if not dry_run:
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="rushes-") as scratch:
        yield Path(scratch)


def _would(client: Client, project: int | None, made: units.Made) -> Sent:
    todo = plan(made.tasks, client.index(project) if project is not None else ())
    return Sent(
        created=len(todo.create),
        updated=len(todo.update),
        same=todo.same,
        spare=len(todo.spare),
        doubled=todo.doubled,
        others=todo.others,
        resent=0,
    )


def _record(dataset: Dataset, row: dict[str, object], argv: Sequence[str]) -> int:
    """Write the project's row where it says something new; gives the revision."""
    key = {"server": str(row["server"]), "project": str(row["project"])}
    before = dataset.arrow("annotation_projects", where=key).to_pylist()
    told = ("template", "ontology", "config")
    if before and all(before[0][name] == row[name] for name in told):
        return dataset.revision
    if before:
        row["created_ns"] = before[0]["created_ns"]
    with dataset.store.begin("annotate push", argv=argv) as transaction:
        transaction.replace("annotation_projects", key, 1, row)  # type: ignore[arg-type]
        return transaction.commit({"template": row["template"]}).revision
