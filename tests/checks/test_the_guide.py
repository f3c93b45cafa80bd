"""The guide to the checks names all of them, and what it shows works as it is shown."""

import re
from pathlib import Path

import pytest
import yaml

from contracts.checks import camera, cut, findings
from rushes import registry
from rushes.workflow.check import Settings, chosen_by

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "checks.md").read_text("utf-8")


def block(kind):
    (found,) = re.findall(rf"```{kind}\n(.*?)```", GUIDE, re.DOTALL)
    return found


def test_every_check_is_in_the_table_with_its_own_headline():
    rows = dict(re.findall(r"^\| `(\w+\.\w+)` \| (.+) \|$", GUIDE, re.MULTILINE))
    heads = {}
    for name in registry.load_all("checks"):
        what, _, said = registry.late(f"rushes.checks.{name}").__doc__.splitlines()[0].partition(": ")
        heads[what] = said[0].upper() + said[1:]
    assert rows == heads


def test_the_recipe_that_is_shown_is_one():
    shown = yaml.safe_load(block("yaml"))["check"]
    chosen = {plugin.name: options for plugin, options in chosen_by(Settings(**shown))}
    assert chosen["image.dark"]["dark_p99"] == 90
    assert chosen["stream.gap"] == {"limit": 2.5, "error_s": 1.0}


def test_the_check_that_is_shown_judges():
    made: dict = {}
    exec(compile(block("python"), "stream_short.py", "exec"), made)
    check = made["PLUGIN"]
    assert findings(check, camera()) == []
    (found,) = findings(check, cut(camera(), slice(0, 10)))
    assert found.message == f"{found.stream}: lasted {found.value:.2f} s (limit 2 s)"
    assert found.value == pytest.approx(0.3, abs=0.05)
