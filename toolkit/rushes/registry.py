"""Finds plugins by kind and name, and imports one only when it is wanted.

The folder is the registry: ``readers/mcap.py`` is the reader ``mcap``. Modules whose name starts with an
underscore are a room's own steps, not plugins. Packages elsewhere offer plugins as entry points of the group
``rushes.<kind>``. A plugin module ends in ``PLUGIN: Reader = McapReader()``, so that the type checker proves
its contract. This is the only place that imports by name.
"""

import difflib
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any, Literal

from rushes.errors import PluginError

Kind = Literal["readers", "decoders", "checks", "splits", "export", "models", "capture"]


def names(kind: Kind) -> list[str]:
    """List the plugins of a kind in alphabetical order, without importing any."""
    return sorted({*_own(kind), *_foreign(kind)})


def load(kind: Kind, name: str) -> Any:
    """Import one plugin and return its ``PLUGIN``.

    Raises:
        PluginError: If the name is unknown, offered twice, or its module cannot be imported.
    """
    own, foreign = _own(kind), _foreign(kind)
    if name in own and name in foreign:
        raise PluginError(
            f"two {kind} are called '{name}': ours and the one of {foreign[name].value}",
            code="plugin.doubled",
            hint="uninstall one of them, or rename its entry point",
        )
    if name in own:
        return late(f"rushes.{kind}.{name}").PLUGIN
    if name in foreign:
        try:
            return foreign[name].load()
        except ImportError as error:
            raise PluginError(
                f"{kind} '{name}' cannot be imported: {error}",
                code="plugin.import",
                hint=f"pip install --upgrade {foreign[name].value.partition(':')[0].partition('.')[0]}",
            ) from error
    near = close_to(name, names(kind))
    raise PluginError(
        f"there is no '{name}' among the {kind}",
        code="plugin.unknown",
        hint=f"did you mean '{near}'?" if near else f"rushes plugins {kind} lists them",
    )


def load_all(kind: Kind) -> dict[str, Any]:
    """Import every plugin of a kind, by name."""
    return {name: load(kind, name) for name in names(kind)}


def late(module: str) -> ModuleType:
    """Import a module of ours that is heavy and seldom wanted.

    Raises:
        PluginError: If something that it needs is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        raise PluginError(
            f"'{module}' needs the package '{error.name}', which is not installed",
            code="plugin.import",
            hint=f"pip install {error.name}, or rushes doctor for the whole picture",
        ) from error


def close_to(wanted: str, offered: Iterable[str]) -> str | None:
    """Give the offered name that was probably meant, if any is near."""
    return next(iter(difflib.get_close_matches(wanted, list(offered), n=1, cutoff=0.6)), None)


@cache
def _own(kind: Kind) -> frozenset[str]:
    place = Path(__file__).resolve().parent / kind
    return frozenset(m.name for m in iter_modules([str(place)]) if not m.name.startswith("_"))


@cache
def _foreign(kind: Kind) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"rushes.{kind}")}
