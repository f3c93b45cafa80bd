"""The house keeps its own rules: light start, every code explained, one headline a file, nothing of a machine."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rushes import registry, resources
from rushes.workflow import explain

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "toolkit" / "rushes").rglob("*.py"))
HEAVY = ("pandas", "cv2", "fiftyone", "av", "label_studio_sdk", "rosbags", "pyarrow", "numpy", "duckdb")


def loaded_after(code: str) -> set[str]:
    """Give the heavy packages that are imported once some code has run in a fresh interpreter."""
    code += f"\nimport sys; print('LOADED', *[m for m in {HEAVY!r} if m in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(answer.stdout.rpartition("LOADED")[2].split())


def test_importing_rushes_loads_no_heavy_guest() -> None:
    assert loaded_after("import rushes") == set()


def test_help_loads_no_heavy_guest() -> None:
    assert loaded_after("from rushes.cli._main import run; run(['--help'])") == set()


@pytest.mark.parametrize("kind", ["readers", "checks", "splits", "decoders", "export", "capture"])
def test_every_plugin_is_called_as_its_kind_wants_and_has_a_version_or_codecs(kind: registry.Kind) -> None:
    names = registry.names(kind)
    assert names
    for name in names:
        plugin = registry.load(kind, name)
        assert plugin.name


def codes_in_the_source() -> dict[str, str]:
    """Give every code that the source raises or records, with the file that does."""
    found: dict[str, str] = {}
    for source in SOURCES:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if isinstance(node, ast.keyword) and node.arg == "code":
                for leaf in ast.walk(node.value):
                    if isinstance(leaf, ast.Constant) and isinstance(leaf.value, str) and "." in leaf.value:
                        found[leaf.value] = source.name
    return found


def test_every_code_that_can_be_met_is_explained() -> None:
    unexplained = {code: file for code, file in codes_in_the_source().items() if code not in explain.catalogue()}
    assert unexplained == {}


def test_every_explained_code_can_be_met() -> None:
    everything = "\n".join(source.read_text(encoding="utf-8") for source in SOURCES)
    unused = [code for code in explain.catalogue() if f'"{code}"' not in everything]
    assert unused == []


def test_every_explanation_says_what_happened_what_is_safe_and_what_to_do() -> None:
    for code, text in explain.catalogue().items():
        assert set(text) == {"title", "happened", "safe", "do"}, code


def test_every_file_has_a_headline() -> None:
    without = [str(s.relative_to(ROOT)) for s in SOURCES if not ast.get_docstring(ast.parse(s.read_text("utf-8")))]
    assert without == []


def test_no_file_of_the_package_is_longer_than_600_lines() -> None:
    long = {s.name: n for s in SOURCES if (n := len(s.read_text("utf-8").splitlines())) > 600}
    assert long == {}


def test_table_schemas_name_every_key_and_explain_every_column() -> None:
    for file in sorted((resources.folder("schemas") / "tables" / "v1").glob("*.yaml")):
        body = yaml.safe_load(file.read_text("utf-8"))
        names = [column["name"] for column in body["columns"]]
        assert body["table"] == file.stem
        assert len(names) == len(set(names)), file.stem
        assert set(body["key"]) <= set(names), file.stem
        assert all(column["doc"].endswith((".", "…")) for column in body["columns"]), file.stem


def test_tracked_files_name_no_machine_and_no_registry() -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, tracked.split("\0")):
        path = ROOT / name
        if path.suffix in (".mcap", ".png", ".jpg", ".mkv", ".mp4", ".json") or not path.is_file():
            continue
        text = path.read_text(encoding="utf-8")
        slips = re.findall(r"(?:^|[\s\"'(=])/(?:work|root|farm)/\S*", text)
        assert slips == [], name
        if path.name in ("constraints.txt", "Makefile", "pyproject.toml"):
            assert re.findall(r"https?://", text) == [], name


def test_samples_stay_under_five_megabytes() -> None:
    assert sum(f.stat().st_size for f in (ROOT / "data_samples").rglob("*") if f.is_file()) < 5_000_000
