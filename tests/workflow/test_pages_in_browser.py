"""The pages of look, sync and check in a real browser, from a file with the network cut."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from rushes import ontology
from rushes.annotate import rows
from rushes.labels import Box, Label
from rushes.resources import folder
from rushes.store import Store
from rushes.workflow._labels import vocabulary
from rushes.workflow.certificate import write_certificate
from rushes.workflow.check import Settings as CheckSettings
from rushes.workflow.check import check
from rushes.workflow.check_report import write_report
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.look import look, write_page
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split
from rushes.workflow.sync import Settings, sync

pytestmark = pytest.mark.live

OUTPUT = Path(__file__).resolve().parents[1] / "output"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND"]


def label(dataset: Path) -> None:
    """Draw boxes on the clips, some of them wrong."""
    store = Store.open(dataset)
    vocabulary.keep(store, ontology.load("hands"))
    streams = store.table("streams", where={"modality": "color"}).to_pylist()
    made = [
        Label(
            label_id=f"{row['recording_id']}-{at}",
            recording_id=row["recording_id"],
            stream=row["stream"],
            index=at,
            kind="box",
            source="human",
            author="ada",
            class_name="hand" if at % 3 else "cupp",
            image_width_px=row["width"],
            image_height_px=row["height"],
            geometry=Box(x_px=-20.0 * (at == 4), y_px=30, width_px=60 + at, height_px=50),
        )
        for row in streams
        for at in range(6)
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", len(made), rows.label_columns(made))
        transaction.commit()


@pytest.fixture(scope="module", params=["look", "certificate", "check"])
def page_file(request: pytest.FixtureRequest, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp(request.param)
    page = place / f"{request.param}.html"
    if request.param == "look":
        paths = [
            "rgbd",
            "video/asl_gestures",
            "rosbag/foxglove_example",
            "mcap/lichtblick_logs",
            "labels/gestures_hagrid",
        ]
        write_page(look([shared_data / path for path in paths]), page)
    elif request.param == "check":
        clips = folder("data_samples") / "gestures"
        ingest(
            place / "d",
            Request(paths=[folder("data_samples") / "tabletop", clips, shared_data / "rgbd/tum_fr1_rpy"]),
        )
        label(place / "d")
        split(place / "d", SplitSettings(parts={"train": 0.7, "test": 0.3}))
        settings = CheckSettings(fail_on="never")
        write_report(place / "d", check(place / "d", settings), settings, page)
    else:
        real = [shared_data / path for path in ("rgbd/tum_fr1_rpy", "devices/xdf", "video/asl_gestures")]
        ingest(place / "d", Request(paths=[folder("data_samples") / "tabletop", *real]))
        done, revision = sync(place / "d", Settings(crosscheck=False))
        write_certificate(done, page, dataset=place / "d", revision=revision)
    return page


@pytest.fixture(scope="module")
def chromium():
    if CHROMIUM is None:
        pytest.fail("no chromium on the path; apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(
    scope="module", params=[(1280, "light"), (390, "light"), (1280, "dark")], ids=["wide", "narrow", "dark"]
)
def opened(request: pytest.FixtureRequest, chromium, page_file: Path):
    """The page, and all that it asked for or complained of."""
    width, scheme = request.param
    context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda wanted: complaints.append(wanted.url) if _is_outside(wanted.url) else None)
    page.goto(page_file.as_uri())
    OUTPUT.mkdir(exist_ok=True)
    page.screenshot(path=OUTPUT / f"{page_file.stem}-{width}-{scheme}.png")
    yield page, complaints
    context.close()


def _is_outside(url: str) -> bool:
    return not url.startswith(("file://", "data:"))


def test_it_opens_without_a_complaint_and_shows_every_picture(opened: tuple[Page, list[str]]) -> None:
    page, complaints = opened
    assert complaints == []
    sizes = page.evaluate("[...document.images].map(i => [i.naturalWidth, i.naturalHeight])")
    assert len(sizes) > 100 or "look" not in page.url
    assert all(width > 0 and height > 0 for width, height in sizes)


def test_it_does_not_scroll_sideways(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_text_stands_out_from_its_ground(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    worst = page.evaluate(
        """() => {
          const light = c => { const [r, g, b] = c.map(v => { v /= 255;
            return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 });
            return 0.2126 * r + 0.7152 * g + 0.0722 * b };
          const rgb = s => s.match(/[\\d.]+/g).map(Number);
          const ground = e => { for (; e; e = e.parentElement) {
            const c = rgb(getComputedStyle(e).backgroundColor);
            if (c.length < 4 || c[3] > 0) return c.slice(0, 3) } return [255, 255, 255] };
          let worst = [99, ''];
          for (const e of document.querySelectorAll('body *')) {
            const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
            if (!own || e.closest('svg') || !e.getClientRects().length) continue;
            const [a, b] = [light(rgb(getComputedStyle(e).color).slice(0, 3)), light(ground(e))];
            const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
            if (ratio < worst[0]) worst = [ratio, e.outerHTML.slice(0, 120)];
          }
          return worst }"""
    )
    assert worst[0] >= 4.5, worst


def test_a_link_leads_to_its_recording_and_opens_what_was_folded(chromium, page_file: Path) -> None:
    page = chromium.new_page()
    page.goto(page_file.as_uri())
    anchors = page.evaluate("[...document.querySelectorAll('a[href^=\"#r\"]')].map(a => a.hash)")
    assert anchors
    for anchor in dict.fromkeys(anchors):
        page.evaluate("hash => { location.hash = hash }", anchor)
        shown = "hash => document.querySelector(hash).checkVisibility({contentVisibilityAuto: true})"
        assert page.evaluate(shown, anchor), anchor
    page.close()
