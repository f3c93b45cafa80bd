"""Push: frames or moments of a dataset become tasks of Label Studio, each once, with what models found in them."""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.annotate.label_studio import sending, template
from rushes.annotate.label_studio.client import Client, Project
from rushes.annotate.label_studio.plan import Task, plan
from rushes.annotate.label_studio.plots import Channel
from rushes.annotate.label_studio.sending import Sent
from rushes.annotate.label_studio.writing import Refused
from rushes.errors import UsageError
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import addresses, clip_units, desks, stretches, units
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.desks import Blind
from rushes.workflow._annotate.project import Desk, Line
from rushes.workflow._annotate.returning import Returned, send_back
from rushes.workflow._annotate.turns import turn
from rushes.workflow._labels import vocabulary
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
        clip: What a task shows of a stream: a length; of pictures also events or moments; whole streams when None.
        blind: Who labels by a plan, each in a project of their own; None for a project that people share.
        media_url: Address of our server of signed pictures; None: Label Studio serves them from its own disk.
    """

    template: str
    where: str | None = None
    ontology: str | None = None
    predictions: Sequence[str] = ("model", "import")
    clip: str | None = None
    blind: Blind | None = None
    media_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtDesk:
    """What became of one project.

    Args:
        annotator: Whose it is alone; None for one that people share.
        account: The e-mail address of the annotator's account there, where it is plain which.
        project: Its number; None where a dry run would make one.
        address: Where its people label.
        tasks: How many are wanted there.
        sent: What was done; counts of what would be, on a dry run.
    """

    annotator: str | None
    account: str | None
    project: int | None
    address: str
    tasks: int
    sent: Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """What became of it.

    Args:
        desks: Of the project that people share, or of each annotator's.
        tasks: How many items there are to label.
        shared: How many of them several people label.
        sent: What was done in all projects together; counts of what would be, on a dry run.
        predicted: Labels that are shown as pre-annotations.
        refused: Labels that cannot be shown, and why.
        unreadable: Pictures that could not be laid out, each as a sentence.
        returned: What became of edits that were made in the dataset since the last pull.
        revision: Of the dataset.
        notes: What a user should know of the server, each a sentence.
    """

    desks: Sequence[AtDesk]
    tasks: int
    shared: int
    sent: Sent
    predicted: int
    refused: Sequence[Refused]
    unreadable: Sequence[str]
    returned: Returned
    revision: int
    notes: Sequence[str] = ()

    @property
    def project(self) -> int | None:
        """Number of the project, or of the first annotator's."""
        return self.desks[0].project

    @property
    def address(self) -> str:
        """Where people, or the first annotator, label."""
        return self.desks[0].address


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
    other content or predictions gets them, nothing is deleted that has answers. Edits of the dataset go back to
    the annotations that they are of, where the server still holds what was pulled.

    Raises:
        UsageError: ``annotate.nothing``, ``annotate.annotators``, ``annotate.blind``, ``annotate.planned``,
            ``labelstudio.template``, ``labelstudio.no-media``, ``store.query``.
        RecipeError: ``ontology.*``.
        ToolError: ``labelstudio.*``; running it again goes on.
    """
    if request.blind is not None:
        request.blind.check()
        if {"human", "consensus"} & set(request.predictions):
            raise UsageError(
                "what people drew is to be shown to annotators who must not see one another's work",
                code="annotate.blind",
                hint="--predict model, import or none; rushes annotate adjudicate shows versions side by side",
            )
    root = needed_media(line) if request.media_url is None else addresses.media_of(path)
    with Dataset.open(path) as dataset, turn(path), media_root(root, dry_run) as media:
        store = dataset.store
        spoken = vocabulary.needed(store, request.ontology)
        wanted, cameras, channels = _chosen(dataset, request)
        units.refuse_nothing(wanted, request.where)
        made_of = template.build(request.template, spoken, cameras=cameras, channels=channels)
        if request.media_url is None:
            address = addresses.local_files(media)
        else:
            address = addresses.signed(path, request.media_url, root=media)
        maker = units.Maker(
            dataset, media, address, made_of, spoken, cameras=cameras, predictions=request.predictions
        )
        given = desks.shares(store, request.template, wanted, request.blind)
        made = maker.make(wanted, part(progress, "pictures"))
        with Client(line.access) as client:
            revision, notes = store.revision, projects.notes(client)
            found: list[Project | None]
            if dry_run:
                found = [projects.find(client, store, made_of.place, desk) for desk, _ in given.of]
            else:
                vocabulary.keep_given(store, request.ontology)
                found = [projects.ensure(client, store, made_of, spoken, desk)[0] for desk, _ in given.of]
                for project in found:
                    assert project is not None
                    if request.media_url is None:
                        client.grant_folder(project.id, maker.folder)
                rows = [
                    projects.row(line, project, made_of, spoken, cameras, desk)
                    for project, (desk, _) in zip(found, given.of, strict=True)
                    if project is not None
                ]
                revision = record(dataset, rows, given.new, argv)
            users = list(client.users().values()) if given.planned else []
            at, returned = [], Returned()
            for project, (desk, keys) in zip(found, given.of, strict=True):
                tasks = [task for task in made.tasks if task.key in keys]
                if dry_run:
                    sent = _would(client, project.id if project else None, tasks)
                else:
                    assert project is not None
                    sent = sending.send(client, project.id, tasks, progress=part(progress, "tasks"))
                back = part(progress, "edits")
                returned += _return(client, dataset, line, project, spoken, dry_run=dry_run, progress=back)
                at.append(_at(desk, project, line, tasks, sent, users))
        return Pushed(
            desks=at,
            tasks=len(made.tasks),
            shared=given.shared,
            sent=_together([each.sent for each in at]),
            predicted=made.predicted,
            refused=made.refused,
            unreadable=made.unreadable,
            returned=returned,
            revision=revision,
            notes=notes,
        )


def _chosen(dataset: Dataset, request: Request) -> tuple[list[units.Unit], list[str], Sequence[Channel]]:
    """Choose what is to be labelled; also the titles of a moment's views, and the channels of series."""
    if request.template == template.MOMENT:
        return *units.moments(dataset, request.where), ()
    if request.template == template.GESTURE:
        return clip_units.chosen(dataset, request.where, request.clip), [], ()
    length_ns = clip_units.length_ns(request.clip)
    if request.template == template.SIGNAL:
        series = stretches.series(dataset, request.where, clip_ns=length_ns)
        return units.of_stretches(series, "series"), [], stretches.channels(dataset, series)
    if request.template == template.AUDIO:
        sounds = stretches.sounds(dataset, request.where, clip_ns=length_ns)
        return units.of_stretches(sounds, "audio"), [], ()
    return units.frames(dataset, request.where), [], ()


def _return(
    client: Client,
    dataset: Dataset,
    line: Line,
    project: Project | None,
    spoken: Ontology,
    *,
    dry_run: bool,
    progress: Callable[[int, int], None] | None,
) -> Returned:
    if project is None:
        return Returned()
    store = dataset.store.refresh()
    return send_back(client, store, line, project.id, spoken, dry_run=dry_run, progress=progress)


def needed_media(line: Line) -> Path:
    """Give the document root of a server, or raise a UsageError ``labelstudio.no-media``."""
    if line.access.media is None:
        raise UsageError(
            f"the document root of {line.access.url} is not known",
            code="labelstudio.no-media",
            hint="--media FOLDER names it, where it is mounted on this machine; --media-by urls does without it",
        )
    return line.access.media


def part(progress: Progress | None, what: str) -> Callable[[int, int], None] | None:
    """Give the progress of one part of the work."""
    return (lambda done, total: progress(what, done, total)) if progress else None


@contextmanager
def media_root(root: Path, dry_run: bool) -> Iterator[Path]:
    """Give the document root; on a dry run a folder that vanishes."""
    if not dry_run:
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="rushes-") as scratch:
        yield Path(scratch)


def _would(client: Client, project: int | None, tasks: Sequence[Task]) -> Sent:
    todo = plan(tasks, client.index(project) if project is not None else ())
    return Sent(
        created=len(todo.create),
        updated=len(todo.update),
        same=todo.same,
        spare=len(todo.spare),
        doubled=todo.doubled,
        others=todo.others,
        resent=0,
    )


def _at(
    desk: Desk, project: Project | None, line: Line, tasks: Sequence[Task], sent: Sent, users: Sequence[str]
) -> AtDesk:
    return AtDesk(
        annotator=desk.annotator,
        account=desks.account_of(desk.annotator, users) if desk.annotator else None,
        project=project.id if project else None,
        address=f"{line.access.url}/projects/{project.id}/data" if project else line.access.url,
        tasks=len(tasks),
        sent=sent,
    )


def _together(sent: Sequence[Sent]) -> Sent:
    return Sent(
        created=sum(each.created for each in sent),
        updated=sum(each.updated for each in sent),
        same=sum(each.same for each in sent),
        spare=sum(each.spare for each in sent),
        doubled=[key for each in sent for key in each.doubled],
        others=sum(each.others for each in sent),
        resent=sum(each.resent for each in sent),
    )


def record(
    dataset: Dataset,
    rows: Sequence[dict[str, Any]],
    planned: Mapping[str, Sequence[Any]],
    argv: Sequence[str],
    *,
    command: str = "annotate push",
) -> int:
    """Write what the rows of projects say that is new, and what the plan gains; gives the revision."""
    told = ("template", "ontology", "config")
    fresh = []
    for row in rows:
        key = {"server": row["server"], "project": row["project"]}
        before = dataset.arrow("annotation_projects", where=key).to_pylist()
        if before and all(before[0][name] == row[name] for name in told):
            continue
        fresh.append(row | {"created_ns": before[0]["created_ns"]} if before else row)
    count = len(planned["task_key"]) if planned else 0
    if not fresh and not count:
        return dataset.revision
    with dataset.store.begin(command, argv=argv) as transaction:
        for row in fresh:
            key = {"server": row["server"], "project": row["project"]}
            transaction.replace("annotation_projects", key, 1, row)
        if count:
            transaction.append(desks.TABLE, count, planned)
        return transaction.commit({"template": rows[0]["template"], "given_out": count}).revision
