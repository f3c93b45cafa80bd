"""A real Label Studio for the tests that need one: started once a session, in a home of its own."""

from collections.abc import Iterator

import pytest

from rushes.annotate.label_studio import server
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.places import Home
from rushes.annotate.label_studio.server import Server


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server; what one test makes in it, others see: each makes projects of its own."""
    home = Home(tmp_path_factory.mktemp("label-studio"))
    try:
        yield server.up(home)
    finally:
        server.down(home)


@pytest.fixture
def client(served: Server) -> Iterator[Client]:
    with Client(served.access) as connected:
        yield connected
