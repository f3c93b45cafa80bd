"""Rushes: multi-sensor recordings become an annotated, checked, split, versioned dataset in Parquet."""

from importlib import import_module
from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rushes.workflow.dataset import Dataset

__version__ = "0.1.0"
__all__ = ["__version__", "open_dataset"]


def open_dataset(path: str | PathLike[str], *, at: int | str | None = None) -> "Dataset":
    """Open a dataset for reading: tables as Arrow, pandas or DuckDB, frames as bytes or pixels.

    Args:
        path: The dataset's folder.
        at: A revision's number or tag; the newest if left out.

    Raises:
        rushes.errors.StoreError: If there is no dataset, or none that this release can read.
    """
    # Imported on use, so that ``import rushes`` and the command line start at once.
    dataset: Dataset = import_module("rushes.workflow.dataset").Dataset.open(path, at=at)
    return dataset
