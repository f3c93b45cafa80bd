"""A recording plays in the App, its pictures coming out of the recording."""

import re
import time

import numpy as np
import pytest

from browse.clicks import open_first_picture
from browse.takes import HUES
from browse.test_app import SLOW_MS, browser, open_app, picture_of, share_of, stop, wait_for_lookers

__all__ = ["browser"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("_mongod")]


@pytest.fixture(scope="module")
def film(cache):
    app = open_app(cache / "film", "film")
    yield app
    if app.process.poll() is None:
        stop(app)


def position(page):
    """Which picture is shown, and of how many."""
    words = page.locator('[data-cy="imavid-status-indicator"]').first.inner_text()
    return tuple(int(number) for number in re.findall(r"\d+", words))


def playhead(page):
    """What the App says it does: "playing", "paused", or another word while it waits for pictures."""
    return page.locator('[data-cy="imavid-playhead"]').first.get_attribute("data-playhead-state")


def press_until(page, holds):
    """Press play or pause, and press again where the App took no notice because it was still reading."""
    deadline = time.monotonic() + SLOW_MS / 1000
    before = "paused" if position(page)[0] == 1 else "playing"
    while not holds():
        assert time.monotonic() < deadline, (position(page), playhead(page))
        if playhead(page) == before:
            page.locator('[data-cy="imavid-playhead"] svg').first.click()
        page.wait_for_timeout(2000)


def test_a_recording_plays_with_its_labels(film, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(SLOW_MS)
    refused = []
    page.on("response", lambda r: refused.append((r.status, r.url)) if r.status >= 400 else None)
    page.goto(film.plays)
    page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
    wait_for_lookers(page, 2)  # a group a recording
    dismiss = page.get_by_text("Dismiss", exact=True)
    if dismiss.count():
        dismiss.first.click()
    open_first_picture(page)
    page.locator('[data-cy="action-display-options"]').last.click()
    page.locator('[data-cy="tab-option-Video"]').click()
    page.locator('[data-cy="imavid-playhead"]').first.wait_for()
    _wait_for(page, lambda: position(page) == (1, 150))  # it counts them first
    first = picture_of(page, "film-first")
    assert share_of(first, HUES["cam_left"]) > 0.1
    press_until(page, lambda: position(page)[0] > 1)
    _wait_for(page, lambda: position(page)[0] >= 20)
    press_until(page, lambda: playhead(page) == "paused")
    page.wait_for_timeout(1000)
    later = picture_of(page, "film-later")
    assert share_of(later, HUES["cam_left"]) > 0.1
    assert (np.abs(first - later).max(axis=2) > 60).mean() > 0.002  # the white square went on
    assert refused == []
    page.close()


def _wait_for(page, holds):
    deadline = time.monotonic() + SLOW_MS / 1000
    while not holds():
        assert time.monotonic() < deadline, position(page)
        page.wait_for_timeout(200)
