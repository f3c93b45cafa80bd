"""A real Label Studio for the tests that need one: started once a session, in a home of its own."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

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

SLOW_MS = 120_000


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


@pytest.fixture(scope="module")
def browser():
    path = os.environ.get("RUSHES_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium was found; apt-get install chromium")
        pytest.skip("no Chromium was found; apt-get install chromium")
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-quic", "--no-first-run"]
        args += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
        args += ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
        launched = playwright.chromium.launch(executable_path=path, args=args)
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def page(browser, served):
    """A page of a person who has logged in; it notes what goes to other hosts."""
    page = browser.new_page(viewport={"width": 1400, "height": 950})
    page.set_default_timeout(SLOW_MS)
    page.foreign, page.complaints = [], []
    page.on(
        "request",
        lambda r: None if r.url.startswith((served.url, "data:", "blob:")) else page.foreign.append(r.url),
    )
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.goto(f"{served.url}/user/login/", wait_until="domcontentloaded")
    page.fill("#email", served.account)
    page.fill("#password", served.home.password.read_text().strip())
    page.click("button[type=submit]")
    page.wait_for_url(lambda url: "login" not in url)
    yield page
    page.close()
