"""What stands beside the verb split: verify ends with 3 where parts leak, lock freezes, a manifest holds all."""

import json
from pathlib import Path

import click

from cli.conftest import hold_to_schema
from cli.faults import Typed, answered
from rushes.cli._main import Verbs, cli
from rushes.cli._options import VerbWithMore


def test_the_commands_beside_split_have_help_examples_and_json() -> None:
    assert isinstance(cli, Verbs)
    split = cli.get_command(click.Context(cli, info_name="rushes"), "split")
    assert isinstance(split, VerbWithMore)
    for name, command in split.commands.items():
        shown = command.get_help(click.Context(command, info_name=f"rushes split {name}"))
        assert "--json" in shown
        assert f"rushes split {name}" in (command.epilog or "")
        assert name in split.get_help(click.Context(split, info_name="rushes split"))


def test_parts_that_leak_end_with_3_and_a_page(good: Path, typed: Typed) -> None:
    lines = [f"tabletop_s01_take1/cam0/image/compressed/{at},{'train' if at % 2 else 'test'}" for at in range(20)]
    Path("list.csv").write_text("key,part\n" + "\n".join(lines))
    said = answered(
        typed, "split verify good --assignment list.csv --report out.html", codes={3}, words=("it leaks",)
    )
    assert "the same recording" in said.out
    assert Path("out.html").stat().st_size > 10_000


def test_a_part_is_locked_and_released_and_the_manifest_names_its_digest(good: Path, typed: Typed) -> None:
    digest = typed("split lock good test --json").json["result"]["sha256"]
    assert "locked already" in answered(typed, "split lock good test", codes={0}).out
    body = typed("split good --by subject --parts train:0.6,test:0.4 --manifest split.json --json").json
    hold_to_schema("split", body)
    assert body["result"]["parts"]["test"]["sha256"] == digest
    assert json.loads(Path("split.json").read_text())["evidence"] == body["result"]["evidence"]
    assert "released" in typed("split lock good test --undo").out
    answered(typed, "split lock good tset", codes={2}, words=("'test'",))
    answered(typed, "split verify nowhere.csv", codes={2}, words=("no such file",))
    answered(typed, "split verify good --within soon", codes={2}, words=("'soon'",))
