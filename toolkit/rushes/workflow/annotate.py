"""Annotate: a Label Studio server, and what goes to it and comes back."""

from pathlib import Path
from typing import Any

from rushes import registry


def up(*, port: int | None = None, postgres: str | None = None) -> Any:
    """Start this user's Label Studio, or find the one that runs; gives ``annotate.label_studio.server.Server``.

    Raises:
        ToolError: ``labelstudio.install``, ``labelstudio.start``, ``labelstudio.port-taken``.
        UsageError: ``labelstudio.postgres``.
    """
    return registry.late("rushes.annotate.label_studio.server").up(port=port, postgres=postgres)


def install() -> Path:
    """Install Label Studio and lay out its empty database, where that was not done yet; gives its environment.

    Raises:
        ToolError: ``labelstudio.install``, ``labelstudio.start``.
    """
    place: Path = registry.late("rushes.annotate.label_studio.program").database().parent
    return place


def status() -> Any:
    """Find this user's Label Studio; None where none runs."""
    return registry.late("rushes.annotate.label_studio.server").find()


def down() -> int | None:
    """Stop this user's Label Studio; gives the process id that it had, None where none ran."""
    pid: int | None = registry.late("rushes.annotate.label_studio.server").down()
    return pid
