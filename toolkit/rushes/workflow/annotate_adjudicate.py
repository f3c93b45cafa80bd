"""Adjudicate: items that people differ on become tasks that show their versions; what is submitted there wins."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.annotate import rows
from rushes.annotate.agreement.item import least_agreement
from rushes.annotate.label_studio import passport, sending, template
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.sending import Sent
from rushes.annotate.label_studio.template import Template
from rushes.errors import UsageError
from rushes.labels import Label, digest_of
from rushes.vocabulary import Ontology
from rushes.workflow import annotate_push
from rushes.workflow._annotate import addresses, stretches, units
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.project import Desk, Line
from rushes.workflow._annotate.turns import turn
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.versions import Item, items_of
from rushes.workflow.dataset import Dataset

DESK = Desk(role="adjudicate")
BELOW = 0.7


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What is to be settled.

    Args:
        below: Items whose two least alike versions agree less than this, 0 to 1.
        iou: Least likeness of two labels that mean the same.
        named: Show who drew which version.
        seed: Of the order in which the versions of an item are shown.
    """

    below: float = BELOW
    iou: float = 0.5
    named: bool = False
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class AtTemplate:
    """What became of the items of one template.

    Args:
        project: Number of its adjudication project; None where nothing is to be settled, or on a dry run.
        several: Items that several people have labelled; ``tasks`` of them differ, ``settled`` of these have been
            adjudicated before.
        unreadable: Items that could not be shown, each as a sentence.
    """

    template: str
    project: int | None
    address: str
    several: int
    tasks: int
    settled: int
    sent: Sent | None
    unreadable: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjudication:
    """The outcome, template by template."""

    templates: Sequence[AtTemplate]
    revision: int


def adjudicate(
    path: Path,
    settings: Settings,
    line: Line,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Adjudication:
    """Make the server hold a task for every item whose versions differ; can be repeated at any time.

    What an adjudicator submits is pulled as any annotation is, and stands from then on.

    Raises:
        UsageError: ``labels.no-overlap`` if no two people labelled the same, ``labelstudio.no-media``,
            ``annotate.several-channels``.
        RecipeError: ``ontology.absent``.
        ToolError: ``labelstudio.*``; running it again goes on.
    """
    media = annotate_push.needed_media(line)
    with Dataset.open(path) as dataset, turn(path), annotate_push.media_root(media, dry_run) as root:
        spoken = vocabulary.needed(dataset.store)
        events = rows.events_of(dataset.arrow("label_events").to_pylist())
        labels = rows.labels_of(dataset.arrow("labels", where={"source": "human"}).to_pylist())
        several: dict[str, list[Item]] = {}
        for item in items_of(events, labels):
            if len(item.versions) > 1:
                several.setdefault(item.template, []).append(item)
        if not several:
            raise UsageError(
                f"{path}: nobody has labelled what another has",
                code="labels.no-overlap",
                hint="rushes annotate push --annotators A,B --overlap 0.2 gives some frames to two people",
            )
        found: list[AtTemplate] = []
        revision = dataset.revision
        with Client(line.access) as client:
            for name, items in several.items():
                differ = [item for item in items if _agreement(item, spoken, settings) < settings.below]
                project, sent, unreadable = None, None, []
                if differ:
                    made_of, cameras, wanted = _task_of(dataset, name, differ, spoken)
                    project = projects.find(client, dataset.store, made_of.place, DESK)
                    versions = {item.key: shown(item, settings) for item in differ}
                    address = addresses.local_files(root)
                    maker = units.Maker(
                        dataset, root, address, made_of, spoken, cameras=cameras, versions=versions
                    )
                    made = maker.make(wanted, annotate_push.part(progress, "pictures"))
                    unreadable = made.unreadable
                    if not dry_run:
                        project, _ = projects.ensure(client, dataset.store, made_of, spoken, DESK)
                        client.grant_folder(project.id, maker.folder)
                        row = projects.row(line, project, made_of, spoken, cameras, DESK)
                        revision = annotate_push.record(dataset, [row], {}, argv, command="annotate adjudicate")
                        tell = annotate_push.part(progress, "tasks")
                        sent = sending.send(client, project.id, made.tasks, progress=tell)
                found.append(
                    AtTemplate(
                        template=name,
                        project=project.id if project else None,
                        address=f"{line.access.url}/projects/{project.id}/data" if project else line.access.url,
                        several=len(items),
                        tasks=len(differ),
                        settled=sum(item.settled for item in differ),
                        sent=sent,
                        unreadable=unreadable,
                    )
                )
    return Adjudication(templates=found, revision=revision)


def shown(item: Item, settings: Settings) -> Mapping[str, Sequence[Label]]:
    """Give the versions as an adjudicator sees them: by a name that tells nothing, in an order of the draw."""
    order = sorted(
        item.versions, key=lambda version: digest_of(settings.seed, item.template, item.key, version.author)
    )
    return {
        version.author if settings.named else f"version {at}": version.labels
        for at, version in enumerate(order, 1)
    }


def unit_of(dataset: Dataset, item: Item) -> units.Unit:
    """Make the task's unit again out of what its versions were drawn on."""
    passports = passport.of_task(item.data)
    first = next(iter(passports.values()))
    samples = {name: (each.recording_id, each.stream, each.index) for name, each in passports.items()}
    end = first.index_end
    if item.template in (template.SIGNAL, template.AUDIO) and end is not None:
        where = {"recording_id": first.recording_id, "stream": first.stream}
        (row,) = dataset.arrow("streams", where=where).to_pylist()
        stretch = stretches.Stretch(row=row, index=first.index, index_end=end)
        return units.Unit(key=item.key, recording_id=first.recording_id, samples=samples, stretch=stretch)
    return units.Unit(
        key=item.key,
        recording_id=first.recording_id,
        samples=samples,
        moment=first.moment,
        clip=end - first.index if end is not None else None,
    )


def _agreement(item: Item, spoken: Ontology, settings: Settings) -> float:
    return least_agreement([version.labels for version in item.versions], item.units, spoken, iou=settings.iou)


def _task_of(
    dataset: Dataset, name: str, items: Sequence[Item], spoken: Ontology
) -> tuple[Template, Sequence[str], list[units.Unit]]:
    """Give the template of the items, the titles of its views, and the units."""
    wanted = [unit_of(dataset, item) for item in items]
    cameras = max((item.data.get("cameras") or [] for item in items), key=len)
    cut = [unit.stretch for unit in wanted if unit.stretch is not None]
    channels = stretches.channels(dataset, cut) if cut and name == template.SIGNAL else ()
    return template.build(name, spoken, cameras=cameras, channels=channels), cameras, wanted
