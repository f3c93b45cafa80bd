"""Every example in the help does what it says, and every answer follows its schema."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest

from cli.conftest import Said, hold_to_schema, schema
from rushes.cli._main import Verbs, cli

assert isinstance(cli, Verbs)
CONTEXT = click.Context(cli, info_name="rushes")
COMMANDS = cli.list_commands(CONTEXT)


def examples() -> Iterator[tuple[str, str]]:
    """Give every example line with its command."""
    for name in COMMANDS:
        command = cli.get_command(CONTEXT, name)
        assert command
        for line in (command.epilog or "").splitlines():
            if line.strip().startswith("rushes "):
                yield name, line.strip().removeprefix("rushes ")


OF_LABELS = ("annotate", "predict", "evaluate", "export")  # they want labels, a model or a server: test_labels
PLAIN = [pair for pair in examples() if pair[0] not in ("browse", "demo", "slate", *OF_LABELS)]  # slate goes on


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_short_headline_examples_and_a_schema(name: str) -> None:
    command = cli.get_command(CONTEXT, name)
    assert command
    assert any(pair[0] == name for pair in examples())
    assert schema(name)["title"]
    assert "--json" in command.get_help(click.Context(command, info_name=name))


@pytest.mark.parametrize(("name", "line"), PLAIN, ids=[line for _, line in PLAIN])
def test_the_example_runs(
    name: str,
    line: str,
    built: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: Callable[[str], Said],
) -> None:
    monkeypatch.chdir(built)
    if re.search(r"--into (\S+)|--out (\S+)", line):  # leave the shared workshop as it is
        line = re.sub(r"--(into|out) (\S+)", lambda m: f"--{m[1]} {tmp_path / m[2]}", line)
    said = typed(line if "--json" in line else f"{line} --json")
    assert said.code in (0, 3), said.err + said.out
    hold_to_schema(name, said.json)
    plain = typed(
        " ".join(word for word in shlex.split(line) if word != "--json")
        if "'" not in line and '"' not in line
        else line
    )
    assert plain.code in (0, 3)
    assert plain.out


@pytest.mark.parametrize("group", ["annotate", "rig"])
def test_every_command_of_a_group_has_a_headline_and_examples_and_answers_with_json(group: str) -> None:
    found = cli.get_command(CONTEXT, group)
    assert isinstance(found, click.Group)
    for name, command in found.commands.items():
        shown = command.get_help(click.Context(command, info_name=f"rushes {group} {name}"))
        assert "--json" in shown, name
        assert f"rushes {group} {name}" in (command.epilog or ""), name


@pytest.mark.live
@pytest.mark.parametrize(("name", "line"), [pair for pair in examples() if pair[0] in ("browse", "demo")])
def test_the_example_that_opens_the_app_runs(name: str, line: str, built: Path) -> None:
    command = [sys.executable, "-m", "rushes", *shlex.split(line)]
    command += [] if "--json" in command else ["--json"]
    done = subprocess.run(command, cwd=built, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr + done.stdout
    hold_to_schema(name, json.loads(done.stdout))
