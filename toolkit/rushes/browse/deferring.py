"""Puts off importing scikit-learn until somebody uses it; FiftyOne imports it for plots in notebooks.

It takes SciPy's statistics and half of FiftyOne's own start with it, and the App draws its plots in the browser.
FiftyOne puts off other guests of its own in this way (``fiftyone.core.utils.LazyModule``), but not this one.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from threading import RLock
from types import ModuleType
from typing import Any

PACKAGE = "sklearn"
_lock = RLock()


class Deferred(ModuleType):
    """Stands for a module that is imported when anything of it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":  # asked of all modules in passing, as ``inspect`` does
            raise AttributeError(name)
        return getattr(_imported(self.__name__), name)


class _Stand(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Deferred(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing yet."""


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,  # noqa: ARG002 - the import system's own signature
    ) -> ModuleSpec | None:
        if fullname.partition(".")[0] != PACKAGE:
            return None
        found = PathFinder.find_spec(fullname, path)
        if found is not None:
            found.loader = _Stand()
        return found


_FINDER = _Finder()


def defer() -> None:
    """Put it off from now on, unless it is imported already."""
    with _lock:
        if PACKAGE not in sys.modules and _FINDER not in sys.meta_path:
            sys.meta_path.insert(0, _FINDER)


def _imported(name: str) -> ModuleType:
    """Import a module in earnest; from then on nothing is put off any more."""
    with _lock:
        if _FINDER in sys.meta_path:
            sys.meta_path.remove(_FINDER)
            for each in [name for name, module in sys.modules.items() if isinstance(module, Deferred)]:
                del sys.modules[each]
        return import_module(name)
