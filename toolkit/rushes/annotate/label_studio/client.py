"""A thin client of a Label Studio server: the calls that Rushes makes.

Bulk goes around the SDK's typed models: what the server holds must come back to the last bit.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.annotate.label_studio.connection import Connection, ReplyLostError
from rushes.errors import ToolError

__all__ = ["Client", "Newest", "Project", "ReplyLostError", "TaskRow"]

INDEX_PAGE = 20_000
FULL_PAGE = 500  # Django takes 1,000 parameters a request
_PROJECT = (
    "id,title,description,label_config"  # all of it takes ten times as long: every project's tasks are counted
)
_STAMPS = "id,updated_at,total_annotations,cancelled_annotations"


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """A project of the server."""

    id: int
    title: str
    config: str
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskRow:
    """A line of the index: a task without its annotations.

    Args:
        key: ``data.key``; None for a task that somebody else made.
        revision: ``data.rev``: what of it we have sent.
        updated_at: When it or one of its annotations was changed last, as the server writes it.
        answers: Annotations and skips that were submitted.
    """

    id: int
    key: str | None
    revision: str | None
    data: Mapping[str, Any]
    updated_at: str
    answers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Newest:
    """The top of a project's index, as sorted by stamp.

    Args:
        rows: Newest first, without data, keys and revisions. An annotation that is made, changed or deleted
            stamps its task.
        tasks: How many the project has.
        annotations: How many were submitted in it, skips left out.
    """

    rows: Sequence[TaskRow]
    tasks: int
    annotations: int


class Client(Connection):
    """The calls that Rushes makes; a context manager."""

    def release(self) -> str:
        """Give the release that the server says it is; empty where it does not say."""
        return str(self._part(self._get("/api/version"), "release", otherwise=""))

    def account(self) -> str:
        """Give the name of the account that the token belongs to, its e-mail address.

        Raises:
            ToolError: ``labelstudio.unreachable``, ``labelstudio.token``.
        """
        return str(self._part(self._get("/api/current-user/whoami"), "email"))

    def projects(self) -> list[Project]:
        """List the projects that the account sees, by id."""
        found: list[Project] = []
        page = 1
        while True:
            asked = {"page": page, "page_size": 100, "include": _PROJECT}
            answer = self._get("/api/projects", asked)
            found += [_project(row) for row in self._part(answer, "results")]
            if not answer.get("next"):
                return sorted(found, key=lambda project: project.id)
            page += 1

    def users(self) -> dict[int, str]:
        """Give the e-mail address of every user that the account may see, by id."""
        return {int(row["id"]): str(row.get("email") or row["id"]) for row in self._get("/api/users/")}

    def create_project(self, *, title: str, config: str, description: str) -> Project:
        """Make a project; raises :class:`ReplyLostError`, as every call that writes."""
        wanted = {"title": title, "label_config": config, "description": description, "maximum_annotations": 1}
        wanted |= {"show_collab_predictions": True, "enable_empty_annotation": True}
        return _project(self._write("POST", "/api/projects", wanted))

    def set_config(self, project: int, config: str) -> None:
        """Give a project another labelling config."""
        self._write("PATCH", f"/api/projects/{project}", {"label_config": config})

    def delete_project(self, project: int) -> None:
        """Delete a project with all that is in it."""
        self._write("DELETE", f"/api/projects/{project}/")

    def grant_folder(self, project: int, folder: Path) -> None:
        """Let a project show the files below a folder of the document root; no copy, no task is made.

        Can be called again: a grant that is there stays the only one.
        """
        listed = self._get("/api/storages/localfiles", {"project": project})
        if all(Path(storage["path"]) != folder for storage in listed):
            wanted = {"project": project, "path": str(folder), "use_blob_urls": True, "title": "rushes"}
            self._write("POST", "/api/storages/localfiles", wanted)

    def index(self, project: int) -> Iterator[TaskRow]:
        """Walk over the tasks of a project, without their annotations, in the order of their ids."""
        return self._index(project, "id,data,updated_at,total_annotations,cancelled_annotations")

    def stamps(self, project: int) -> Iterator[TaskRow]:
        """Walk over the tasks as :meth:`index` does, but without their data, keys and revisions."""
        return self._index(project, _STAMPS)

    def newest(self, project: int, count: int) -> Newest:
        """Give the tasks that were stamped last, and how many there are; quick however many there are."""
        asked = {"project": project, "fields": "task_only", "include": _STAMPS, "page_size": count}
        answer = self._get("/api/tasks/", {**asked, "query": json.dumps({"ordering": ["-tasks:updated_at"]})})
        return Newest(
            rows=[_task_row(row) for row in self._part(answer, "tasks")],
            tasks=int(answer["total"]),
            annotations=int(answer["total_annotations"]),
        )

    def _index(self, project: int, columns: str) -> Iterator[TaskRow]:
        asked: dict[str, Any] = {"project": project, "fields": "task_only", "page_size": INDEX_PAGE}
        asked |= {"include": columns, "query": json.dumps({"ordering": ["tasks:id"]})}
        page, seen = 1, 0
        while True:
            answer = self._get("/api/tasks/", {**asked, "page": page})
            rows = self._part(answer, "tasks")
            yield from (_task_row(row) for row in rows)
            seen += len(rows)
            if seen >= answer["total"]:
                return
            if not rows:
                raise ToolError(
                    f"{self.url} gave {seen} of {answer['total']} tasks of project {project}",
                    code="labelstudio.refused",
                    hint="tasks were deleted meanwhile, most likely; run the same command again",
                    facts={"url": self.url, "project": project},
                )
            page += 1

    def count(self, project: int) -> int:
        """Count the tasks of a project."""
        asked = {"project": project, "fields": "task_only", "include": "id", "page_size": 1}
        return int(self._part(self._get("/api/tasks/", asked), "total"))

    def tasks(self, project: int, ids: Iterable[int]) -> Iterator[dict[str, Any]]:
        """Read whole tasks with their annotations, drafts and predictions, as the server's JSON export gives them.

        The export is the only form that loses nothing. Tasks that are gone meanwhile are left out.
        """
        wanted = list(ids)
        for start in range(0, len(wanted), FULL_PAGE):
            asked = {
                "exportType": "JSON",
                "download_all_tasks": "true",
                "ids[]": wanted[start : start + FULL_PAGE],
            }
            yield from self._get(f"/api/projects/{project}/export", asked)

    def import_tasks(self, project: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Make tasks in one transaction, all or none; gives their ids in order.

        Raises:
            ReplyLostError: If it is not known whether they were made: look for their keys before anything else.
            ToolError: ``labelstudio.refused``, and none was made.
        """
        answer = self._write("POST", f"/api/projects/{project}/import?return_task_ids=true", list(tasks))
        return [int(number) for number in self._part(answer, "task_ids")]

    def delete_tasks(self, project: int, ids: Sequence[int]) -> None:
        """Delete tasks and all that was drawn on them."""
        chosen = {"selectedItems": {"all": False, "included": list(ids)}}
        self._write("POST", f"/api/dm/actions?id=delete_tasks&project={project}", chosen)

    def update_task(self, task: int, data: Mapping[str, Any]) -> None:
        """Replace the data of a task; its annotations stay."""
        self._write("PATCH", f"/api/tasks/{task}/", {"data": dict(data)})

    def annotation(self, number: int) -> dict[str, Any] | None:
        """Read one annotation; None where it is not there any more."""
        reply = self._get(f"/api/annotations/{number}/", absent_is_none=True)
        return None if reply is None else dict(reply)

    def set_results(self, annotation: int, results: Sequence[Mapping[str, Any]]) -> None:
        """Replace what an annotation says; who did it and when is noted by the server."""
        self._write("PATCH", f"/api/annotations/{annotation}/", {"result": [dict(entry) for entry in results]})

    def replace_predictions(self, project: int, predictions: Mapping[int, Sequence[Mapping[str, Any]]]) -> None:
        """Give tasks these predictions in place of all they have, so that they do not pile up.

        Args:
            project: Its id.
            predictions: By task id; an empty sequence leaves a task without any.
        """
        if not predictions:
            return
        chosen = {"selectedItems": {"all": False, "included": list(predictions)}}
        self._write("POST", f"/api/dm/actions?id=delete_tasks_predictions&project={project}", chosen)
        rows = [{"task": task, **prediction} for task, several in predictions.items() for prediction in several]
        if rows:
            self._write("POST", f"/api/projects/{project}/import/predictions", rows)


def _project(row: Mapping[str, Any]) -> Project:
    return Project(
        id=int(row["id"]),
        title=str(row.get("title") or ""),
        config=str(row.get("label_config") or ""),
        description=str(row.get("description") or ""),
    )


def _task_row(row: Mapping[str, Any]) -> TaskRow:
    data = row.get("data") or {}
    key, revision = data.get("key"), data.get("rev")
    return TaskRow(
        id=int(row["id"]),
        key=key if isinstance(key, str) else None,
        revision=revision if isinstance(revision, str) else None,
        data=data,
        updated_at=str(row["updated_at"]),
        answers=int(row.get("total_annotations") or 0) + int(row.get("cancelled_annotations") or 0),
    )
