"""A recording in the App's own player, in a real Chromium: the picture that is due, tags, numbers, space."""

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from rushes import resources
from rushes.annotate import rows
from rushes.labels import Box, Label
from rushes.store import Store
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("_mongod")]
OUTPUT = Path(__file__).resolve().parents[1] / "output" / "browse"
TAKE, CAMERA = "tabletop_s01_take1", "/cam0/image/compressed"
SLOW_MS = 60_000
BOX = Box(x_px=40, y_px=30, width_px=80, height_px=60)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    place = tmp_path_factory.mktemp("rig") / "set"
    ingest(place, Request(paths=[resources.folder("data_samples") / "tabletop" / f"{TAKE}.mcap"]))
    sync(place, Settings())
    store = Store.open(place)
    facts = {"recording_id": store.table("recordings")["recording_id"][0].as_py(), "source": "human"}
    at = {"t_start_ns": 1767261600_500_000_000, "t_end_ns": 1767261601_250_000_000}
    labels = [
        Label(label_id="a", kind="segment", class_name="wave", stream=CAMERA, **at, **facts),
        *(
            Label(
                label_id=f"b{i}",
                kind="box",
                class_name="cup",
                stream=CAMERA,
                index=i,
                geometry=BOX,
                **facts,
            )
            for i in range(60)
        ),
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()
    return place


@pytest.fixture(scope="module")
def address(dataset):
    command = [sys.executable, "-m", "rushes", "browse", str(dataset), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    said = ""
    for line in process.stderr:
        said += line
        if line.startswith("Play"):
            break
    else:
        pytest.fail(f"the App did not open: {said}")
    yield line.split()[1]
    process.send_signal(signal.SIGINT)
    process.stderr.read()
    process.stderr.close()
    assert process.wait(30) == 0


@pytest.fixture(scope="module")
def page(address, chromium):
    """The player, opened by a click on the recording's picture in the grid."""
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    arguments.append("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(SLOW_MS)
        page.statuses = set()
        page.on("response", lambda r: page.statuses.add(r.status) if "/media" in r.url else None)
        page.goto(address)
        page.wait_for_selector('[data-cy="grid-custom-renderer"] canvas, [data-cy="grid-custom-renderer"] img')
        for _ in range(2):
            dismiss = page.get_by_text("Dismiss", exact=True)
            if dismiss.count():
                dismiss.first.click()
        page.wait_for_timeout(1000)
        picture = page.locator('[data-cy="grid-custom-renderer"]').first.bounding_box()
        page.mouse.move(picture["x"] + picture["width"] / 2, picture["y"] + picture["height"] / 2)
        page.mouse.click(picture["x"] + picture["width"] / 2, picture["y"] + picture["height"] / 2)
        page.wait_for_selector('[data-testid="timeline-ruler"]')
        page.get_by_test_id("tile-header-title").nth(1).wait_for()
        yield page
        browser.close()


def shot(page, name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    return np.asarray(Image.open(io.BytesIO(page.screenshot(path=OUTPUT / f"{name}.png"))).convert("RGB"))


def tile(page, title):
    """The place of a tile below its header, without its buttons."""
    titles = page.get_by_test_id("tile-header-title").all_inner_texts()
    head = page.get_by_test_id("tile-header").nth(titles.index(title)).bounding_box()
    lower = [page.get_by_test_id("tile-header").nth(i).bounding_box() for i in range(len(titles))]
    below = [box["y"] for box in lower if box["y"] > head["y"] + 40]
    bottom = min([*below, page.get_by_test_id("timeline-header-root").bounding_box()["y"]])
    return [int(v) for v in (head["x"], head["y"] + head["height"], head["x"] + head["width"], bottom)]


def seek(page, share):
    ruler = page.get_by_test_id("timeline-ruler").bounding_box()
    page.mouse.click(ruler["x"] + ruler["width"] * share, ruler["y"] + ruler["height"] / 2)
    page.wait_for_timeout(2500)
    seconds = page.get_by_test_id("timeline-playhead-time").inner_text().split("/")[0].strip()
    minutes, rest = seconds.split(":")
    return round((60 * int(minutes) + float(rest)) * 1e9)


def settled(page, name, title):
    """A screenshot once the tile shows a picture and no longer changes."""
    x0, y0, x1, y1 = tile(page, title)
    clip = {"x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0}
    before, deadline = None, time.monotonic() + SLOW_MS / 1000
    while time.monotonic() < deadline:
        inside = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))
        same = before is not None and (before == inside).all()
        if same and (inside.max(axis=2) > 45).mean() > 0.3:
            break
        before = inside
        page.wait_for_timeout(500)
    return shot(page, name)


def picture_in(pixels, box):
    """The picture that a tile shows, from its left edge to its right one; its ratio is 4 : 3."""
    x0, y0, x1, y1 = box
    inside = pixels[y0:y1, x0 + 8 : x1 - 8]  # without the tile's own edges
    across = np.flatnonzero((inside.max(axis=2) > 45).mean(axis=0) > 0.5)
    return inside[:, across[0] : across[-1] + 1]


@pytest.mark.parametrize("share", [0.2, 0.8])
def test_after_a_jump_the_picture_is_shown_that_is_due(page, dataset, share):
    at_ns = seek(page, share)
    shown = np.ascontiguousarray(picture_in(settled(page, f"player-{share}", "cam0"), tile(page, "cam0")))
    width = shown.shape[1]
    with Dataset.open(dataset) as opened:
        frames, times = opened.frames(TAKE, CAMERA), opened.times(TAKE, CAMERA)
        start = int(min(opened.times(TAKE, s).min() for s in ("/tf", "/imu", CAMERA, "/tf_static")))
        every = [cv2.resize(frames.image(i), (width, round(width * 0.75))) for i in range(len(frames))]
    # Where exactly the picture lies in its tile is not asked: a frame cut on all sides is looked for in it.
    cuts = [np.ascontiguousarray(each[12:-12, 4:-4]) for each in every]
    unlike = [float(cv2.matchTemplate(shown, cut, cv2.TM_SQDIFF_NORMED).min()) for cut in cuts]
    due = int(np.searchsorted(times, start + at_ns, "right")) - 1
    # The clock of the player ticks 30 times a second and its display has two digits.
    assert abs(int(np.argmin(unlike)) - due) <= 1, np.round(unlike, 4).tolist()
    assert min(unlike) < 0.005
    assert page.statuses <= {200, 206}


def test_segments_are_on_the_time_line(page):
    page.get_by_test_id("tiling-header-toggle-timeline-tracks").click()
    page.get_by_text("wave", exact=True).first.wait_for()
    shot(page, "player-tags")
    page.get_by_test_id("tiling-header-toggle-timeline-tracks").click()


def test_a_plot_draws_the_turning_of_the_imu(page):
    page.get_by_test_id("tiling-header-add-tile").click()
    page.get_by_role("menuitem", name="Plot").click()
    page.get_by_text("/imu", exact=True).click()
    before = shot(page, "player-plot")
    for axis in "xyz":
        page.get_by_text(f"angular_velocity.{axis}", exact=True).click()
    page.wait_for_timeout(3000)
    after = shot(page, "player-plot")
    titles = page.get_by_test_id("tile-header-title").all_inner_texts()
    assert "Plot (3)" in titles
    x0, y0, x1, y1 = tile(page, "Plot (3)")
    changed = (np.abs(after.astype(int) - before)[y0:y1, x0:x1].max(axis=2) > 60).mean()
    assert changed > 0.01, "lines are drawn"


def test_labels_lie_on_the_picture_when_they_are_ticked(page):
    titles = page.get_by_test_id("tile-header-title").all_inner_texts()
    page.get_by_test_id("tile-header").nth(titles.index("cam0")).click()
    before = picture_in(settled(page, "player-labels", "cam0"), tile(page, "cam0"))
    page.get_by_text("cam0/image/compressed/labels", exact=True).click()
    page.wait_for_timeout(2500)
    after = picture_in(settled(page, "player-labels", "cam0"), tile(page, "cam0"))
    drawn = np.argwhere(np.abs(after.astype(int) - before).max(axis=2) > 60)
    scale = after.shape[1] / 320
    (top, left), (bottom, right) = drawn.min(axis=0) / scale, drawn.max(axis=0) / scale
    margin = (after.shape[0] / scale - 240) / 2
    assert [left, right] == pytest.approx([40, 120], abs=4)
    assert [top - margin, bottom - margin] == pytest.approx([30, 90], abs=6)
