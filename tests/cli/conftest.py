"""A workshop with recordings and a dataset, and a way to type commands in it."""

import json
import os
import shlex
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from rushes import resources
from rushes.cli._main import run

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "docs"))

from refresh import workshop as lay_out  # noqa: E402 - the documents' own workshop


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on standard output."""
        body: dict[str, Any] = json.loads(self.out)
        return body


def schema(name: str) -> dict[str, Any]:
    """Read one schema of ``schemas/cli``."""
    text = (resources.folder("schemas") / "cli" / f"{name}.schema.json").read_text("utf-8")
    body: dict[str, Any] = json.loads(text)
    return body


def hold_to_schema(command: str, body: dict[str, Any]) -> None:
    """Hold what a command answered with --json against its schemas."""
    jsonschema.validate(body, schema("envelope"))
    if "result" in body:
        jsonschema.validate(body["result"], schema(command))


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workshop whose dataset has gone through every stage, made once."""
    place = tmp_path_factory.mktemp("workshop")
    lay_out(place)
    here = Path.cwd()
    os.chdir(place)
    try:
        assert run(["run", "tabletop", "--into", "my-dataset"]) == 0
        assert run(["tag", "my-dataset", "first"]) == 0
    finally:
        os.chdir(here)
    return place


@pytest.fixture
def workshop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh workshop without a dataset, as the current folder."""
    lay_out(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def typed(capsys: pytest.CaptureFixture[str]) -> Callable[[str], Said]:
    """Type a command line, without the word ``rushes``."""

    def type_it(line: str) -> Said:
        capsys.readouterr()
        code = run(shlex.split(line))
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return type_it


@pytest.fixture
def good(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A dataset that has gone through every stage, this test's own, in the current folder."""
    shutil.copytree(built / "my-dataset", tmp_path / "good", ignore=shutil.ignore_patterns("cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "good"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, with one for recordings in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "takes").mkdir()
    return tmp_path / "takes"
