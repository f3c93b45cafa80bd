"""The annotation server's own commands: install, up, status, down."""

from typing import Any

import click

from rushes.cli._options import verb
from rushes.cli._output import Answer
from rushes.workflow import annotate


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
