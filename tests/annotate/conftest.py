"""A real Label Studio for the tests that need one: started once a session, in a home of its own."""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from rushes import resources
from rushes.annotate.label_studio import server
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.places import Home
from rushes.annotate.label_studio.server import Server
from rushes.workflow._annotate.project import Line
from rushes.workflow.ingest import Request as IngestRequest
from rushes.workflow.ingest import ingest
from rushes.workflow.sync import Settings as SyncSettings
from rushes.workflow.sync import sync


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


@pytest.fixture(scope="session")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset with a rig's recording, a folder of photographs of which one is turned by EXIF, and moments."""
    place = tmp_path_factory.mktemp("takes")
    photographs = place / "photographs"
    photographs.mkdir()
    for at, turn in enumerate((1, 6, 1)):
        picture = Image.new("RGB", (640, 400), (40 * at, 90, 160))
        picture.paste((220, 200, 40), (64, 40, 192, 120))
        exif = picture.getexif()
        exif[274] = turn
        picture.save(photographs / f"{at}.jpg", exif=exif, quality=92)
    sample = resources.folder("data_samples") / "tabletop" / "tabletop_s01_take1.mcap"
    dataset = place / "dataset"
    ingest(dataset, IngestRequest(paths=[sample, photographs]))
    sync(dataset, SyncSettings())
    return dataset


@pytest.fixture
def dataset(takes: Path, tmp_path: Path) -> Path:
    """The same, this test's own, with another identity."""
    place = tmp_path / "dataset"
    shutil.copytree(takes, place)
    marker = place / "rushes.json"
    marker.write_text(json.dumps(json.loads(marker.read_text()) | {"name": f"takes {uuid.uuid4().hex[:6]}"}))
    return place


@pytest.fixture
def line(served: Server) -> Line:
    return Line(access=served.access, name="local")
