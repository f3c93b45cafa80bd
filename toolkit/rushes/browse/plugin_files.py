"""Our plugin of the App: its two files where FiftyOne looks for plugins, and the panels and operators behind them.

FiftyOne wants a folder with ``fiftyone.yml`` and an ``__init__.py`` that it runs by path. All else stays in the
package: a module of ``panels`` ends in ``PANEL = …``, one of ``operators`` in ``OPERATOR = …``, each a class.
"""

from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Literal

from rushes.registry import late

NAME = "@rushes/rushes"
"""Of the plugin; the URI of a panel or operator is this, a slash and its name."""

_ROOM = Path(__file__).resolve().parent
_FOLDERS: tuple[tuple[Literal["panels", "operators"], str], ...] = (("panels", "PANEL"), ("operators", "OPERATOR"))


def put_into(plugins: Path) -> Path:
    """Write the plugin into the folder that FiftyOne looks for plugins in, and give its own folder there.

    Files that are there already and equal are left alone, so that a running App does not load it anew.
    """
    place = plugins / "rushes"
    place.mkdir(parents=True, exist_ok=True)
    for source in (_ROOM / "plugin").iterdir():
        if source.is_file():
            content, target = source.read_bytes(), place / source.name
            if not target.is_file() or target.read_bytes() != content:
                target.write_bytes(content)
    return place


def names(folder: Literal["panels", "operators"]) -> list[str]:
    """List the modules of a folder that are panels or operators, in alphabetical order, without importing any."""
    return sorted(m.name for m in iter_modules([str(_ROOM / folder)]) if not m.name.startswith("_"))


def register(plugin: Any) -> None:
    """Give FiftyOne every panel and operator of ours; it calls this when it loads the plugin."""
    for folder, last_line in _FOLDERS:
        for name in names(folder):
            plugin.register(getattr(late(f"rushes.browse.{folder}.{name}"), last_line))
