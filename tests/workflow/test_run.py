"""Every recipe that comes along takes its samples through all its stages."""

from pathlib import Path

import pytest

from rushes import recipes
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow.demo import compare
from rushes.workflow.run import run


@pytest.mark.parametrize("name", sorted(recipes.named()))
def test_the_recipe_runs_on_its_own_samples_and_a_second_run_adds_nothing(name: str, tmp_path: Path) -> None:
    recipe = recipes.load(name, changes=["check.fail_on=never"])
    ran = run(recipe, tmp_path / "d")
    assert {taken.state for taken in ran.ingested.taken} == {"added"}
    assert ran.checked is not None
    assert ran.split is not None
    assert {a.unit for a in ran.split.assignments} == {taken.recording_id for taken in ran.ingested.taken}
    revisions = {info.recipe_digest for info in Store.open(tmp_path / "d").log() if info.command != "ingest"}
    assert revisions == {recipe.digest}
    again = run(recipe, tmp_path / "d")
    assert {taken.state for taken in again.ingested.taken} == {"present"}
    assert again.split is not None
    assert [(a.unit, a.part) for a in again.split.assignments] == [(a.unit, a.part) for a in ran.split.assignments]
    assert again.checked is not None
    assert again.checked.pictures == 0, "pictures that were measured are not decoded again"
    assert [f.finding.message for f in again.checked.found] == [f.finding.message for f in ran.checked.found]


def test_the_demo_gives_what_the_samples_foretell_and_a_wrong_figure_would_be_seen(tmp_path: Path) -> None:
    run(recipes.load("tabletop"), tmp_path / "d")
    assert [item.what for item in compare(tmp_path / "d") if not item.holds] == []
    run(recipes.load("tabletop", changes=["sync.within=5ms"]), tmp_path / "d")
    assert any("moments with every camera" in item.what for item in compare(tmp_path / "d") if not item.holds)


def test_a_recipe_without_recordings_asks_for_them(tmp_path: Path) -> None:
    path = tmp_path / "bare.yaml"
    path.write_text("recipe: 1\nname: bare\nabout: Nothing yet.\n")
    with pytest.raises(UsageError, match="names no recordings"):
        run(recipes.load(str(path)), tmp_path / "d")
    assert not (tmp_path / "d").exists()
