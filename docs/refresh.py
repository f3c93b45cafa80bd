"""Write again what the documents show: the command reference, and the output of every console block.

``make readme`` runs it; a test holds the documents against it. A block that starts with ``$ rushes …`` in a
``console`` fence is run in a scratch folder that has a sample recording, and its output is put below the command.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from rushes import resources
from rushes.cli._main import Verbs, cli

ROOT = Path(__file__).resolve().parents[1]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
MOVING = (
    (re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\b"), "2026-01-01 12:00:00"),
    (re.compile(r"http://127\.0\.0\.1:\d+/\?token=[\w-]+"), "http://127.0.0.1:5151/?token=…"),
    (re.compile(r"\b\d+(\.\d+)? CPU s\b"), "0.5 CPU s"),
)


def workshop(place: Path) -> None:
    """Lay out what the documents' commands and the help's examples speak of."""
    samples = resources.folder("data_samples")
    takes = sorted((samples / "tabletop").glob("*.mcap"))
    shutil.copy(takes[0], place / "walk.mcap")
    shutil.copytree(samples / "tabletop", place / "takes")
    shutil.copytree(samples / "gestures", place / "clips")


def reference() -> str:
    """Give the page of all commands, from their own help."""
    assert isinstance(cli, Verbs)
    context = click.Context(cli, info_name="rushes")
    parts = ["# Commands\n\nMade from the help of each command; `make readme` writes it again.\n"]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command
        text = command.get_help(click.Context(command, info_name=f"rushes {name}", max_content_width=100))
        parts.append(f"## {name}\n\n```text\n{text}\n```\n")
        for part, below in getattr(command, "commands", {}).items():
            text = below.get_help(click.Context(below, info_name=f"rushes {name} {part}", max_content_width=100))
            parts.append(f"### {name} {part}\n\n```text\n{text}\n```\n")
    return "\n".join(parts)


def refreshed(text: str, place: Path) -> str:
    """Run the commands of every console block in turn, and give the text with their output."""
    return BLOCK.sub(lambda block: f"```console\n{_ran(block[1], place)}```", text)


def settled(text: str) -> str:
    """Replace what differs from run to run: times, ports, tokens."""
    for pattern, still in MOVING:
        text = pattern.sub(still, text)
    return text


def _ran(block: str, place: Path) -> str:
    lines: list[str] = []
    for line in block.splitlines():
        if not line.startswith("$ "):
            continue
        lines.append(line)
        command = line[2:]
        if command == "make demo":
            command = "rushes demo"
        if command.startswith("rushes "):
            lines.append(_output(command, place))
        else:
            kept = block.split(line, 1)[1].split("\n$ ", 1)[0].strip("\n")
            lines += [kept] if kept else []
    return "\n".join(lines) + "\n"


def _output(command: str, place: Path) -> str:
    words = [sys.executable, "-m", *shlex.split(command)]
    plain = {**os.environ, "CI": "true", "COLUMNS": "100"}
    done = subprocess.run(words, cwd=place, capture_output=True, text=True, env=plain, stdin=subprocess.DEVNULL)
    return settled((done.stdout + done.stderr).rstrip().replace(str(place), "."))


def main() -> None:
    """Write the documents again."""
    (ROOT / "docs" / "commands.md").write_text(reference(), encoding="utf-8")
    with tempfile.TemporaryDirectory() as folder:
        workshop(Path(folder))
        readme = ROOT / "README.md"
        readme.write_text(refreshed(readme.read_text(encoding="utf-8"), Path(folder)), encoding="utf-8")


if __name__ == "__main__":
    main()
