"""Where schemas, recipes and samples are: in a checkout beside the package, in a wheel inside it."""

from functools import cache
from pathlib import Path
from typing import Any, Literal

import yaml

Folder = Literal["schemas", "pipelines", "data_samples"]


def folder(name: Folder) -> Path:
    """Give the folder of that name, from the checkout when there is one, else from the wheel."""
    package = Path(__file__).resolve().parent
    checkout = package.parents[1]
    if (checkout / "pyproject.toml").is_file() and package.parent.name == "toolkit":
        return checkout / name
    return package / name


@cache
def load_yaml(name: str) -> Any:
    """Read a YAML file below ``schemas/``; the answer is shared, so do not change it."""
    with (folder("schemas") / name).open(encoding="utf-8") as stream:
        return yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
