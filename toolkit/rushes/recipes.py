"""Recipes: YAML → a checked, frozen Recipe; unknown keys are refused with a suggestion.

A stage that a recipe leaves out is not run; a stage without options (``sync: {}``) runs with defaults.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from rushes import documents, resources
from rushes.errors import RecipeError
from rushes.quantities import duration_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class IngestStage:
    """What to bring in."""

    paths: Sequence[Path] = ()
    mode: str = "reference"
    reader: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)
    facts_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncStage:
    """How to find moments."""

    reference: str | None = None
    within_ns: int | None = None
    streams: Sequence[str] | None = None
    time: str = "auto"
    method: str = "nearest"
    rate_hz: float | str | None = None
    crosscheck: bool = True
    apply_crosscheck: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckStage:
    """What to check, and what is forbidden."""

    only: Sequence[str] | None = None
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    fail_on: str = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitStage:
    """How to split."""

    name: str = "default"
    by: str | Sequence[str] = "recording"
    group_by: Sequence[str] = ()
    links: str = "auto"
    balance: Sequence[str] = ("class", "task")
    parts: Mapping[str, float] = field(default_factory=lambda: {"train": 0.7, "val": 0.15, "test": 0.15})
    seed: int = 7
    splitter: str = "grouped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A checked recipe.

    Args:
        digest: sha256 over the recipe as it is run, ``--set`` included; 16 hexadecimal digits.
    """

    name: str
    about: str
    digest: str
    ingest: IngestStage
    sync: SyncStage | None
    check: CheckStage | None
    split: SplitStage | None
    browse: bool


def named() -> dict[str, Path]:
    """Give the recipes that come with the package, by name."""
    return documents.named(resources.folder("pipelines"))


def find(recipe: str) -> Path:
    """Find a recipe by its path, or by the name of one that comes with the package.

    Raises:
        RecipeError: ``recipe.absent`` with a close match.
    """
    path = documents.find(recipe, named())
    if path is None:
        raise RecipeError(
            f"there is no recipe '{recipe}'", code="recipe.absent", hint=documents.hint_for(recipe, named())
        )
    return path


def load(recipe: str, *, changes: Sequence[str] = ()) -> Recipe:
    """Read and check a recipe.

    Args:
        recipe: Path or name.
        changes: ``stage.key=value`` pairs that win over the file; values are YAML.

    Raises:
        RecipeError: ``recipe.absent``, ``recipe.yaml`` or ``recipe.invalid``, with the place and a close match.
    """
    path = find(recipe)
    try:
        body = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise _not_yaml(str(path), error) from error
    except RecursionError as error:
        raise _not_yaml(str(path), ValueError("it is nested too deeply")) from error
    except OSError as error:
        raise RecipeError(
            f"{path}: cannot be read: {error.strerror}", code="recipe.absent", hint=f"ls -l '{path}' shows who may"
        ) from error
    for change in changes:
        _apply(body, change)
    _validate(path, body)
    digest = _digest(path, body)
    return Recipe(
        name=body["name"],
        about=body["about"],
        digest=digest,
        ingest=_ingest(path, body.get("ingest") or {}),
        sync=_sync(path, body["sync"] or {}) if "sync" in body else None,
        check=CheckStage(**(body["check"] or {})) if "check" in body else None,
        split=SplitStage(**(body["split"] or {})) if "split" in body else None,
        browse="browse" in body,
    )


def _not_yaml(where: str, error: Exception) -> RecipeError:
    told, hint = documents.unreadable(error)
    return RecipeError(
        f"{where}: is not YAML: {told}", code="recipe.yaml", hint=f"{hint}; rushes schema recipe shows the form"
    )


def _digest(path: Path, body: Any) -> str:
    try:
        text = json.dumps(body, sort_keys=True, default=str)
    except (ValueError, TypeError, RecursionError) as error:  # an alias that holds itself, keys of several types
        raise RecipeError(
            f"{path.name}: says something that cannot be written down: {error}",
            code="recipe.invalid",
            hint="leave out anchors and aliases, and keys that are no text",
            facts={"file": str(path), "place": "the top"},
        ) from error
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _apply(body: Any, change: str) -> None:
    """Set one value of a recipe from ``stage.key=value``."""
    place, equals, value = change.partition("=")
    keys = place.split(".")
    if not equals or not all(keys) or not isinstance(body, dict):
        raise RecipeError(
            f"'{change}' does not say what to set", code="recipe.set", hint="write stage.key=value: split.seed=3"
        )
    for key in keys[:-1]:
        if body.get(key) is None:
            body[key] = {}
        body = body[key]
        if not isinstance(body, dict):
            raise RecipeError(
                f"'{place}' leads into a value, not a stage",
                code="recipe.set",
                hint="rushes schema recipe shows the keys",
            )
    try:
        body[keys[-1]] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise RecipeError(
            f"'{change}': '{value}' is not YAML", code="recipe.set", hint="write stage.key=value: split.seed=3"
        ) from error


def _validate(path: Path, body: Any) -> None:
    slip = documents.first_slip(body, "recipe")
    if slip is not None:
        near = f"did you mean '{slip.near}'?" if slip.near else ""
        raise RecipeError(
            f"{path.name}, at {slip.place}: {slip.message}",
            code="recipe.invalid",
            hint=near or "rushes schema recipe shows what a recipe may say",
            facts={"file": str(path), "place": slip.place},
        )


def _ingest(path: Path, stage: Mapping[str, Any]) -> IngestStage:
    return IngestStage(**{**stage, "paths": [_path(path, text) for text in stage.get("paths", [])]})


def _path(recipe: Path, text: str) -> Path:
    """Find a recipe's path: in our samples, beside the recipe, or absolute."""
    first, _, rest = text.partition("/")
    if first == "data_samples":
        return resources.folder("data_samples") / rest
    return recipe.parent / Path(text).expanduser()


def _sync(path: Path, stage: Mapping[str, Any]) -> SyncStage:
    values = dict(stage)
    within = values.pop("within", None)
    return SyncStage(**values, within_ns=_duration(path, within) if within is not None else None)


def _duration(path: Path, text: str) -> int:
    try:
        return duration_ns(text)
    except ValueError as error:
        raise RecipeError(
            f"{path.name}, at sync.within: {error}",
            code="recipe.invalid",
            hint="such as 16ms",
            facts={"file": str(path), "place": "sync.within"},
        ) from error
