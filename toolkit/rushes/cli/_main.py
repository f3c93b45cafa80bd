"""The command ``rushes``: finds the verb, runs it, and ends with one exit code.

Exit codes: 0 done · 1 could not · 2 wrong use · 3 done, and checks found what the recipe forbids ·
130 interrupted. stdout is the answer, stderr the talk.
"""

import ast
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from rushes import __version__, registry
from rushes.cli import _output
from rushes.errors import RushesError, StoreError

SECTIONS = {
    "Start": ("demo", "look", "run", "doctor"),
    "Capture": ("rig", "record", "slate"),
    "Recordings": ("inspect", "ingest"),
    "The dataset": (
        *("sync", "check", "card", "split", "embed", "browse", "decide"),
        *("query", "log", "tag", "verify", "tidy"),
    ),
    "Labels": ("annotate", "predict", "evaluate", "export"),
    "Measure": ("bench",),
    "Help": ("explain", "plugins", "schema"),
}


class Verbs(click.Group):
    """A group whose commands are the files of this folder, imported only when typed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Name every verb."""
        found = {file.stem for file in Path(__file__).parent.glob("[a-z]*.py")}
        listed = [verb for verbs in SECTIONS.values() for verb in verbs if verb in found]
        return listed + sorted(found.difference(listed))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the file of one verb."""
        if cmd_name not in self.list_commands(ctx):
            return None
        command = registry.late(f"rushes.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the one that was probably meant."""
        if args and args[0] not in self.list_commands(ctx) and not args[0].startswith("-"):
            near = registry.close_to(args[0], self.list_commands(ctx))
            hint = f" Did you mean 'rushes {near}'?" if near else ""
            raise click.UsageError(f"There is no command '{args[0]}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs by section, each with the first line of its file."""
        verbs = self.list_commands(ctx)
        rest = [verb for verb in verbs if not any(verb in listed for listed in SECTIONS.values())]
        for title, listed in [*SECTIONS.items(), ("More", tuple(rest))]:
            rows = [(verb, headline(verb)) for verb in listed if verb in verbs]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def headline(verb: str) -> str:
    """Give the first line of a verb's file, without importing it."""
    source = Path(__file__).with_name(f"{verb}.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].rstrip(".")


@click.command(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="rushes VERB --help shows examples. rushes explain CODE says more about an error or a check.",
)
@click.version_option(__version__, prog_name="rushes", message="%(prog)s %(version)s")
def cli() -> None:
    """Turn multi-sensor recordings into an annotated, checked, split, versioned dataset.

    A first look, without a dataset:   rushes look PATH…

    The whole way on a sample:         rushes demo
    """


def main() -> None:
    """Run the command line and leave the process with its exit code."""
    for stream in (sys.stdout, sys.stderr):  # a terminal of another alphabet shows what it cannot as \xNN
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    # numpy's library for linear algebra starts a thread per core, which spin for longer than numpy takes to load.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of the pipe has gone; nothing is left to say to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = code or 1
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line and give its exit code; nothing escapes but our own mistakes."""
    wants_json = "--json" in arguments
    try:
        answer: Any = cli.main(args=list(arguments), prog_name="rushes", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _output.show_usage_error(error, wants_json=wants_json)
    except RushesError as error:
        return _output.show_error(error, wants_json=wants_json)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return 1
        return _output.show_error(_of_the_system(error), wants_json=wants_json)
    except (KeyboardInterrupt, click.Abort):
        _output.talk("interrupted; what was committed stays, and running the same command again goes on")
        return 130
    return answer if isinstance(answer, int) else 0


def _of_the_system(error: OSError) -> RushesError:
    """Put an error of the operating system into words: a full disk, a path without permission."""
    where = f"{error.filename}: " if error.filename else ""
    full = error.errno in (28, 122)  # ENOSPC, EDQUOT
    return StoreError(
        f"{where}{error.strerror or error}",
        code="store.full" if full else "store.system",
        hint="make room and run the same command again; what was committed stays"
        if full
        else "see whether the path exists and may be read and written",
        facts={"file": str(error.filename) if error.filename else None, "errno": error.errno},
    )
