"""A dataset's projects on a server: found again by the mark in their description, made where they are not."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.annotate.label_studio.access import Access
from rushes.annotate.label_studio.client import Client, Project, ReplyLostError
from rushes.annotate.label_studio.program import RELEASE as TRIED
from rushes.annotate.label_studio.template import Template
from rushes.errors import ToolError
from rushes.labels import LabelRole
from rushes.store import Store
from rushes.vocabulary import Ontology

LOCAL = "local"
_LONGEST = 50
"""The longest title that Label Studio takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to a server.

    Args:
        access: Of the server.
        name: What the dataset calls it: ``local`` for our own, whose port may change, else its address.
    """

    access: Access
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who works in a project.

    Args:
        annotator: Whose it is alone; None for one that people share.
        role: ``adjudicate`` where what others labelled is settled.
    """

    annotator: str | None = None
    role: LabelRole | None = None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> "Desk":
        """Read it from a row of ``annotation_projects``."""
        return cls(annotator=row["annotator"], role=row["role"])

    @property
    def names(self) -> tuple[str, ...]:
        """What tells it from other projects of the template."""
        return tuple(name for name in (self.role, self.annotator and f"@{self.annotator}") if name)


SHARED = Desk()


def notes(client: Client) -> list[str]:
    """Say what a user should know of the server; nothing where it is of the release that Rushes is tested with."""
    release = client.release()
    if release.split(".")[:2] == TRIED.split(".")[:2]:
        return []
    return [f"{client.url} is Label Studio {release or 'of an unknown release'}; Rushes is tested with {TRIED}"]


def mark(store: Store, place: str, desk: Desk = SHARED) -> str:
    """Give the words in a project's description that say whose it is."""
    return ":".join(("rushes", store.identity, place, *desk.names))


def find(client: Client, store: Store, place: str, desk: Desk = SHARED) -> Project | None:
    """Find the dataset's project for a template and those who work there; the oldest, should there be several."""
    words = mark(store, place, desk)
    return next((project for project in client.projects() if words in project.description.split()), None)


def ensure(
    client: Client, store: Store, template: Template, spoken: Ontology, desk: Desk = SHARED
) -> tuple[Project, bool]:
    """Give the dataset's project for a template and those who work there; tells whether it was made now.

    Raises:
        ToolError: ``labelstudio.config`` if labels there use names that the config has no more; and as the client.
    """
    project = find(client, store, template.place, desk)
    made = project is None
    if project is None:
        title = _title(store.name, " · ".join((template.place, *(name.lstrip("@") for name in desk.names))))
        words = f"Made by Rushes for the dataset {store.name}; it is found by: {mark(store, template.place, desk)}"
        try:
            own = client.create_project(title=title.ljust(3, "·"), config=template.config, description=words)
        except ReplyLostError:
            project = find(client, store, template.place, desk)
            if project is None:
                raise
        else:
            project = find(client, store, template.place, desk) or own
            if project.id != own.id:  # another machine was quicker; everybody takes the oldest
                client.delete_project(own.id)
                made = False
    elif project.config.strip() != template.config.strip():
        _change(client, project, template, spoken)
    return project, made


def row(
    line: Line,
    project: Project,
    template: Template,
    spoken: Ontology,
    cameras: Sequence[str],
    desk: Desk = SHARED,
) -> dict[str, Any]:
    """Give the project's row of ``annotation_projects``."""
    return {
        "server": line.name,
        "project": str(project.id),
        "title": project.title,
        "template": template.place,
        "ontology": spoken.digest,
        "config": template.config,
        "cameras": [list(cameras) if cameras else None],
        "created_ns": time.time_ns(),
        "annotator": desk.annotator,
        "role": desk.role,
    }


def _title(dataset: str, rest: str) -> str:
    """Give a title that Label Studio takes; of a long one the dataset's name is cut, not whose project it is."""
    return f"{dataset[: max(1, _LONGEST - len(rest) - 3)]} · {rest}"[:_LONGEST]


def _change(client: Client, project: Project, template: Template, spoken: Ontology) -> None:
    try:
        client.set_config(project.id, template.config)
    except ToolError as error:
        if error.code != "labelstudio.refused":
            raise
        raise ToolError(
            f"the labels in project {project.id} do not fit the ontology '{spoken.name}': {error.message}",
            code="labelstudio.config",
            hint="put the old name into 'formerly' of the class that it became, and push again",
            facts={"project": project.id},
        ) from error
