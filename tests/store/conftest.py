"""A dataset, and processes that work on it."""

import multiprocessing

import pytest

from rushes.store import Store


@pytest.fixture
def dataset(tmp_path) -> Store:
    """An empty dataset."""
    return Store.create(tmp_path / "dataset")


@pytest.fixture(scope="session")
def processes():
    """A way to start processes quickly: forks of a server that has imported the store and done nothing else."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["rushes.store", "store.takes"])
    return context
