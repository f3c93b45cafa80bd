"""Brings labels back, and makes them anew out of what was brought."""

import sys
from pathlib import Path
from typing import Any

from rushes import registry
from rushes.cli import _progress
from rushes.cli._annotate_line import server_options
from rushes.cli._options import dataset_argument, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow import annotate


@verb("pull", group="annotate", examples="rushes annotate pull my-dataset")
@dataset_argument
@server_options
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
