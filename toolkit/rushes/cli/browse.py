"""Open the dataset in the FiftyOne App, in a browser on this machine."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.browse.door import LEAST_CHARACTERS
from rushes.cli import _output
from rushes.cli._browse_written import written
from rushes.cli._options import at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer
from rushes.cli.decide import author_option
from rushes.errors import UsageError
from rushes.quantities import say_bytes, say_count
from rushes.workflow import browse

PASSWORD_VARIABLE = "RUSHES_BROWSE_PASSWORD"  # noqa: S105 - its name


@verb(
    "browse",
    examples="""
rushes browse my-dataset --prove
rushes browse my-dataset --prove --where "modality = 'color' AND index % 10 = 0"
rushes browse my-dataset --prove --json
rushes browse my-dataset --write-back --as ada
""",
)
@dataset_argument
@click.option(
    "--where", metavar="SQL", help="Open with these: over frames, streams, recordings, split and findings."
)
@click.option("--split", metavar="NAME", help="The split whose parts are shown; the newest if left out.")
@click.option(
    "--share",
    metavar="NAME",
    multiple=True,
    help="Serve the network too, under this name or address of the machine; can be repeated. Needs a password.",
)
@click.option(
    "--password-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help=f"Holds the password for --share; else {PASSWORD_VARIABLE} does, or it is asked for.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="5151 if left out, or any free one; 0 takes any.")
@click.option(
    "--write-back", is_flag=True, help="Open nothing: write into the dataset what was changed in the App."
)
@click.option("--write-back-on-exit", is_flag=True, help="Do so when the App is closed.")
@author_option
@click.option("--prove", is_flag=True, help="Open the App, hold its answers against the dataset, and stop.")
@at_option
@dry_run_option
def command(
    dataset: Path,
    where: str | None,
    split: str | None,
    share: tuple[str, ...],
    password_file: Path | None,
    port: int | None,
    write_back: bool,
    write_back_on_exit: bool,
    author: str | None,
    prove: bool,
    at: str | None,
    dry_run: bool,
) -> Answer:
    """Serve the App on 127.0.0.1 until Ctrl-C; its address holds the token that lets you in.

    Every moment is a group of its cameras; pictures come straight out of the recordings. The App's database is a
    cache inside the dataset: Parquet stays the truth. What people change in the App is kept when it is closed, and
    becomes part of the dataset by --write-back.
    """
    if dry_run and not write_back:
        raise click.UsageError("--dry-run goes with --write-back.", click.get_current_context())
    if write_back:
        back = registry.late("rushes.workflow.browse_back")
        done = back.write_back(dataset, author=author, argv=sys.argv[1:], dry_run=dry_run)
        return written(dataset, done, dry_run=dry_run)
    if prove:
        return proven(dataset, browse.prove(dataset, at=revision_of(at), port=port or 0, where=where))
    sharing = (share, password(password_file)) if share else None
    done = browse.serve(
        dataset,
        at=revision_of(at),
        port=port,
        ready=announce(dataset),
        where=where,
        split=split,
        share=sharing,
        author=author,
        write=write_back_on_exit,
        argv=sys.argv[1:],
    )
    edits = written(dataset, done, dry_run=not write_back_on_exit)
    held = done.written + len(done.refused)
    left = f"{edits.text}\nNext  rushes browse {dataset} --write-back" if held and not write_back_on_exit else ""
    return Answer(
        result={"served": True, "edits": edits.result},
        text=edits.text if write_back_on_exit else left,
        dataset=str(dataset),
        revision=edits.revision if write_back_on_exit else None,
        warnings=edits.warnings if write_back_on_exit else [],
    )


def announce(dataset: Path) -> Callable[[Any], None]:
    """Give what prints the address once the App answers."""

    def ready(opened: Any) -> None:
        loaded = opened.loaded
        _output.talk(f"{dataset}: {say_count(loaded.samples, 'picture')} in {say_count(loaded.groups, 'group')}")
        if loaded.unshown:
            _output.talk(f"{say_count(loaded.unshown, 'label')} cannot be drawn")
        _output.talk(f"Open  {opened.address}")
        if opened.recordings:
            _output.talk(f"Play  {opened.recordings}  all sensors")
        if opened.plays:
            _output.talk(f"Play  {opened.plays}  one camera")
        for address in opened.shared:
            _output.talk(f"Share {address}")
        if opened.shared:
            _output.talk(
                "Whoever reaches this machine and knows the password sees every picture and label of this dataset "
                "and can change what the App shows. What is sent is not encrypted."
            )
        _output.talk("Ctrl-C ends it; nothing is lost by that.")

    return ready


def password(file: Path | None) -> str:
    """Get the password for a shared App: from a file, the environment, or whoever sits at the terminal.

    Raises:
        UsageError: ``browse.no-password`` where there is none, or one that can be guessed.
    """
    if file is not None:
        given = file.read_text(encoding="utf-8").strip("\r\n")
    elif os.environ.get(PASSWORD_VARIABLE):
        given = os.environ[PASSWORD_VARIABLE]
    elif sys.stdin.isatty():
        given = str(
            click.prompt("Password for the shared App", hide_input=True, confirmation_prompt=True, err=True)
        )
    else:
        given = ""
    if len(given) < LEAST_CHARACTERS:
        raise UsageError(
            "a shared App needs a password" + (f" of at least {LEAST_CHARACTERS} characters" if given else ""),
            code="browse.no-password",
            hint=f"--password-file FILE, the variable {PASSWORD_VARIABLE}, or a terminal to type it at",
        )
    return given


def proven(dataset: Path, proof: Any) -> Answer:
    """Say what the App answered."""
    text = (
        f"the App (FiftyOne {proof.release}) shows {say_count(proof.samples, 'picture')} in "
        f"{say_count(proof.groups, 'group')}; its first picture has {say_bytes(proof.picture_bytes)}; "
        f"without the token it refuses ({proof.refused})"
    )
    return Answer(
        result={
            "release": proof.release,
            "samples": proof.samples,
            "groups": proof.groups,
            "slices": list(proof.slices),
            "saved_views": list(proof.saved_views),
            "picture_path": proof.picture_path,
            "picture_type": proof.picture_type,
            "picture_bytes": proof.picture_bytes,
            "refused": proof.refused,
        },
        text=text,
        dataset=str(dataset),
    )
