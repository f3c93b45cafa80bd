"""Where FiftyOne keeps its things: all inside one cache folder, told to it before it is imported.

FiftyOne reads its environment once, at import, and otherwise writes below ``~/.fiftyone`` and ``~/fiftyone``.
"""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.errors import ToolError

ADDRESS = "127.0.0.1"
DATABASE = "rushes"
_UNWANTED = ("FIFTYONE_DISABLE_SERVICES", "FIFTYONE_PRIVATE_DATABASE_PORT", "FIFTYONE_MODULE_PATH")
_applied_before: set[str] = set()

# It warns that the service is off which is turned off here.
logging.getLogger("fiftyone.factory.repos.execution_store").setLevel(logging.ERROR)


def home(cache: Path) -> Path:
    """Give the folder for everything that FiftyOne writes, its database apart."""
    return cache / "fiftyone"


def plugins(cache: Path) -> Path:
    """Give the folder that FiftyOne looks for plugins in."""
    return home(cache) / "plugins"


def variables(cache: Path, *, database_uri: str) -> dict[str, str]:
    """Give every variable that keeps FiftyOne, and what it imports, inside ``cache`` and off the network."""
    place = home(cache)
    return {
        "FIFTYONE_DATABASE_URI": database_uri,
        "FIFTYONE_DATABASE_NAME": DATABASE,
        "FIFTYONE_DATABASE_DIR": str(place / "database"),
        # mongod 6 is the oldest that FiftyOne takes, and it says so at every start.
        "FIFTYONE_DATABASE_VALIDATION": "false",
        "FIFTYONE_DEFAULT_DATASET_DIR": str(place / "datasets"),
        "FIFTYONE_DATASET_ZOO_DIR": str(place / "datasets"),
        "FIFTYONE_MODEL_ZOO_DIR": str(place / "models"),
        "FIFTYONE_PLUGINS_DIR": str(plugins(cache)),
        # Else every request of a panel reads all plugins anew, which takes longer than its answer.
        "FIFTYONE_PLUGINS_CACHE_ENABLED": "true",
        "FIFTYONE_CONFIG_PATH": str(place / "config.json"),
        "FIFTYONE_APP_CONFIG_PATH": str(place / "app_config.json"),
        "FIFTYONE_ANNOTATION_CONFIG_PATH": str(place / "annotation_config.json"),
        "FIFTYONE_EVALUATION_CONFIG_PATH": str(place / "evaluation_config.json"),
        "FIFTYONE_BRAIN_CONFIG_PATH": str(place / "brain_config.json"),
        "FIFTYONE_DEFAULT_APP_ADDRESS": ADDRESS,
        "FIFTYONE_DO_NOT_TRACK": "true",
        "FIFTYONE_SHOW_PROGRESS_BARS": "false",
        "FIFTYONE_LOGGING_LEVEL": "WARNING",
        # Standard output is the answer of the command; anything but stdout here means: no handlers of its own.
        "FIFTYONE_LOGGING_DESTINATION": "none",
        # Needs a replica set, and polls without one. No panel of ours listens to it.
        "FIFTYONE_EXECUTION_STORE_NOTIFICATION_SERVICE_DISABLED": "true",
        # The datasets of the server are then not kept as singletons: each request sees what was loaded last.
        "FIFTYONE_SERVER": "1",
        "MPLCONFIGDIR": str(place / "matplotlib"),
    }


@contextmanager
def applied(cache: Path, *, database_uri: str) -> Iterator[None]:
    """Set the environment of this process for FiftyOne as long as the block runs, and make its folders.

    FiftyOne keeps what it read first: a second block may have another database (``load.connect``), but its other
    folders stay those of the first.

    Raises:
        ToolError: ``browse.fiftyone-imported``, if FiftyOne was imported before the first such block.
    """
    if "fiftyone" in sys.modules and not _applied_before:
        raise ToolError(
            "FiftyOne was imported before its environment was set",
            code="browse.fiftyone-imported",
            hint="open the App in a process of its own, as rushes browse does",
        )
    _applied_before.add(str(cache))
    plugins(cache).mkdir(parents=True, exist_ok=True)
    before = dict(os.environ)
    os.environ.update(variables(cache, database_uri=database_uri))
    for name in _UNWANTED:
        os.environ.pop(name, None)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
