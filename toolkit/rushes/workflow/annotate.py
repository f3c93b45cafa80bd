"""Annotate: a Label Studio server, and what goes to it and comes back."""

from pathlib import Path
from typing import Any

from rushes import registry
from rushes.errors import ToolError


def line(*, url: str | None = None, token_file: Path | None = None, media: Path | None = None) -> Any:
    """Give a line to the server at an address, or to this user's own; ``workflow._annotate.project.Line``.

    Args:
        url: Of a server that the team has.
        token_file: File with its token; else the variable ``RUSHES_LABEL_STUDIO_TOKEN``.
        media: Its document root, where it is mounted here.

    Raises:
        ToolError: ``labelstudio.not-running``, ``labelstudio.hangs``.
        UsageError: ``labelstudio.url``, ``labelstudio.no-token``, ``labelstudio.open-token``.
    """
    made = registry.late("rushes.workflow._annotate.project")
    if url is not None:
        access = registry.late("rushes.annotate.label_studio.access").remote(
            url, token_file=token_file, media=media
        )
        return made.Line(access=access, name=access.url)
    server = status()
    if server is None:
        raise _not_there(registry.late("rushes.annotate.label_studio.server").lost())
    return made.Line(access=server.access, name=made.LOCAL)


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


def why_none() -> str:
    """Say why :func:`status` finds none, and what to do."""
    error = _not_there(registry.late("rushes.annotate.label_studio.server").lost())
    return f"{error.message}\n{error.hint}"


def down() -> int | None:
    """Stop this user's Label Studio; gives the process id that it had, None where none ran."""
    pid: int | None = registry.late("rushes.annotate.label_studio.server").down()
    return pid


def _not_there(lost: Any) -> ToolError:
    """Say why there is no server of ours: never started, ended by itself, or there without a word."""
    if lost is None or not lost.alive:
        ended = f"; process {lost.pid} ended without rushes annotate down" if lost else ""
        return ToolError(
            f"no Label Studio of ours runs{ended}",
            code="labelstudio.not-running",
            hint="rushes annotate up starts it, with all that it held; --url names one that the team has",
        )
    return ToolError(
        f"our Label Studio is there as process {lost.pid} and does not answer",
        code="labelstudio.hangs",
        hint="wait if it may be busy, or start it anew: rushes annotate down && rushes annotate up",
        facts={"pid": lost.pid},
    )
