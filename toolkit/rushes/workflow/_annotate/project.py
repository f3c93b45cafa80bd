"""A dataset's projects on a server: found again by the mark in their description, made where they are not."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rushes.annotate.label_studio.access import Access
from rushes.annotate.label_studio.client import Client, Project, ReplyLostError
from rushes.annotate.label_studio.program import RELEASE as TRIED
from rushes.annotate.label_studio.template import Template
from rushes.errors import ToolError
from rushes.store import Store
from rushes.vocabulary import Ontology

LOCAL = "local"
_TITLE = slice(50)  # the longest that Label Studio takes


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line to a server.

    Args:
        access: Of the server.
        name: What the dataset calls it: ``local`` for our own, whose port may change, else its address.
    """

    access: Access
    name: str


def notes(client: Client) -> list[str]:
    """Say what a user should know of the server; nothing where it is of the release that Rushes is tested with."""
    release = client.release()
    if release.split(".")[:2] == TRIED.split(".")[:2]:
        return []
    return [f"{client.url} is Label Studio {release or 'of an unknown release'}; Rushes is tested with {TRIED}"]


def mark(store: Store, place: str) -> str:
    """Give the words in a project's description that say whose it is."""
    return f"rushes:{store.identity}:{place}"


def find(client: Client, store: Store, place: str) -> Project | None:
    """Find the dataset's project for a template; the oldest, should there be several."""
    words = mark(store, place)
    return next((project for project in client.projects() if words in project.description.split()), None)


def ensure(client: Client, store: Store, template: Template, spoken: Ontology) -> tuple[Project, bool]:
    """Give the dataset's project for a template, with this config; tells whether it was made now.

    Raises:
        ToolError: ``labelstudio.config`` if labels there use names that the config has no more; and as the client.
    """
    project = find(client, store, template.place)
    made = project is None
    if project is None:
        title = f"{store.name} · {template.place}"[_TITLE]
        words = f"Made by Rushes for the dataset {store.name}; it is found by: {mark(store, template.place)}"
        try:
            own = client.create_project(title=title.ljust(3, "·"), config=template.config, description=words)
        except ReplyLostError:
            project = find(client, store, template.place)
            if project is None:
                raise
        else:
            project = find(client, store, template.place) or own
            if project.id != own.id:  # another machine was quicker; everybody takes the oldest
                client.delete_project(own.id)
                made = False
    elif project.config.strip() != template.config.strip():
        _change(client, project, template, spoken)
    return project, made


def row(
    line: Line, project: Project, template: Template, spoken: Ontology, cameras: Sequence[str]
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
    }


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
