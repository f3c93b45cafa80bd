"""The preview shows in a real browser what a recording of sensors at their true rates takes in."""

import io
import json
import re
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from live_rig import Paced, rig_of, sensor
from loopback.pages import OUTPUT, chromium, opened, until
from made_up_sensors import wait_for
from rushes.loopback.preview import Preview
from rushes.recorder.recording import Recording
from rushes.workflow.preview import open_preview, thumbnail

SENSORS = (
    sensor("color", 30.0, "cam_left"),
    sensor("depth", 15.0),
    sensor("inertial", 200.0, "imu"),
    sensor("sound", 50.0, "mic"),
    sensor("numbers", 100.0, "eeg"),
    sensor("texts", 1.0, "marks"),
)


@pytest.fixture
def recording(tmp_path: Path):
    rig = rig_of(*SENSORS, sensor("absent", 1.0, "gaze"))
    with Recording(tmp_path / "a.mcap", rig, {}, sources=lambda _: Paced(), min_free_bytes=1) as going:
        wait_for(lambda: sum(s.samples > 0 for s in going.status().streams) >= 6)
        yield going


@pytest.mark.live
def test_the_page_shows_pictures_traces_takes_and_troubles_and_asks_nobody_else(recording) -> None:
    with (
        open_preview(recording, title="bench <b>") as site,
        chromium() as browser,
        opened(browser, site.address) as (page, complaints),
    ):
        until(page, "document.images.length == 2 && [...document.images].every(i => i.naturalWidth > 0)")
        first = page.evaluate("document.images[0].src")
        recording.mark("cup down", key="m")
        recording.retake()
        recording.pause()
        until(page, "document.getElementById('paused').textContent == 'paused'")
        recording.resume()
        until(page, f"document.images[0].src != {json.dumps(first)}")
        until(page, "document.querySelectorAll('#takes li').length == 2")
        page.wait_for_timeout(1500)
        OUTPUT.mkdir(exist_ok=True)
        page.screenshot(path=OUTPUT / "preview.png", full_page=True)
        assert page.inner_text("h1") == "bench <b>"
        takes = page.locator("#takes li").all_inner_texts()
        assert [take.split(" · ")[0] for take in takes] == ["take 1", "take 2"]
        assert "discard" in takes[0]
        assert "again 1" in takes[1]
        assert page.locator("canvas").count() == 4  # turning, acceleration, sound, numbers
        assert all(page.evaluate(DRAWN))
        assert "gaze is not there" in page.inner_text("#troubles")
        assert page.locator("article.absent h2").all_inner_texts() == ["gaze"]
        assert re.search(r"mark \d+ ü", page.inner_text("main"))
        until(page, "JSON.stringify([...document.images].map(i => i.naturalWidth)) == '[640,320]'")
        assert complaints == []


DRAWN = """[...document.querySelectorAll('canvas')].map(canvas => {
  const bytes = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
  let inked = 0;
  for (let i = 3; i < bytes.length; i += 4) inked += bytes[i] > 0;
  return inked > 100;
})"""


@pytest.mark.live
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark")])
def test_the_page_fits_a_narrow_and_a_dark_window(recording, width: int, scheme: str) -> None:
    with (
        open_preview(recording, title="bench") as site,
        chromium() as browser,
        opened(browser, site.address, viewport={"width": width, "height": 900}, color_scheme=scheme) as (
            page,
            complaints,
        ),
    ):
        until(page, "document.images.length == 2 && [...document.images].every(i => i.naturalWidth > 0)")
        page.wait_for_timeout(500)
        page.screenshot(path=OUTPUT / f"preview-{width}-{scheme}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert complaints == []


@pytest.mark.live
def test_a_page_whose_recording_has_ended_says_so(recording) -> None:
    with chromium() as browser:
        with open_preview(recording, title="bench") as site:
            context = browser.new_context()
            page = context.new_page()
            page.goto(site.address)
            until(page, "document.images.length == 2")
        until(page, "document.getElementById('gone').className == 'on'")


def test_a_jpeg_goes_over_as_it_came_and_depth_in_colours(recording) -> None:
    preview = Preview(recording, thumbnail)
    stream = "/cam_left/image/compressed"
    shown = preview.picture(stream, "")
    assert any(shown.body == data for batch in recording.latest(stream, 60) for data in batch.content.data)
    depth = preview.picture("/depth/depth/compressed", "")
    pixels = np.asarray(Image.open(io.BytesIO(depth.body)).convert("RGB"), int)
    near, far = pixels[20:60, 5:20].mean(axis=(0, 1)), pixels[20:60, 280:300].mean(axis=(0, 1))
    assert near[2] > near[0]  # blue
    assert far[0] > far[2]  # red


def test_a_picture_that_the_page_has_is_not_sent_again(recording) -> None:
    recording.pause()
    threading.Event().wait(0.2)
    preview = Preview(recording, thumbnail)
    # What a pause leaves out of the file is shown none the less, so that one sees what a camera looks at.
    first = preview.picture("/depth/depth/compressed", "")
    assert first.headers is not None
    made = preview.picture("/depth/depth/compressed", first.headers["X-Picture"])
    assert made.body == b"" or made.headers != first.headers


def test_what_is_no_picture_and_no_stream_is_answered_without_a_fault(recording) -> None:
    preview = Preview(recording, thumbnail)
    assert preview.picture("/nowhere", "").body == b""
    assert preview.picture("/imu", "").body == b""
    assert thumbnail(b"\0\0\0\1\x67 a video's first bytes") is None
    assert thumbnail(b"") is None
