"""A recipe says what it should, or is answered with the place and the nearest key."""

from pathlib import Path

import pytest

from rushes import recipes
from rushes.errors import RecipeError

PLAIN = "recipe: 1\nname: plain\nabout: A test.\nsync: {within: 10ms}\nsplit: {by: subject}\n"


@pytest.fixture
def plain(tmp_path: Path) -> str:
    path = tmp_path / "plain.yaml"
    path.write_text(PLAIN)
    return str(path)


def test_stages_left_out_are_not_run_and_stages_given_have_defaults(plain: str) -> None:
    recipe = recipes.load(plain)
    assert recipe.sync is not None
    assert recipe.sync.within_ns == 10_000_000
    assert recipe.check is None
    assert recipe.split is not None
    assert (recipe.split.by, recipe.split.seed) == ("subject", 7)


def test_set_wins_over_the_file_and_changes_the_digest(plain: str) -> None:
    changed = recipes.load(plain, changes=["split.seed=3", "check.fail_on=warning"])
    assert changed.split is not None
    assert changed.check is not None
    assert (changed.split.seed, changed.check.fail_on) == (3, "warning")
    assert changed.digest != recipes.load(plain).digest


def test_an_unknown_key_is_answered_with_the_nearest(plain: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipes.load(plain, changes=["split.sede=3"])
    assert "sede" in caught.value.message
    assert "'seed'" in caught.value.hint


@pytest.mark.parametrize("change", ["split.by=shoe", "sync.within=10", "split.parts=3", "recipe=2"])
def test_values_of_the_wrong_kind_are_refused(plain: str, change: str) -> None:
    with pytest.raises(RecipeError):
        recipes.load(plain, changes=[change])


@pytest.mark.parametrize("text", ["a: [", "", "- 1\n"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(RecipeError):
        recipes.load(str(path))


def test_a_mistyped_recipe_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError) as caught:
        recipes.load("tabeltop")
    assert "tabletop" in caught.value.hint


@pytest.mark.parametrize("name", sorted(recipes.named()))
def test_every_recipe_that_comes_along_is_valid(name: str) -> None:
    assert recipes.load(name).about
