"""In a real Chromium, offline: pictures are lassoed on the map of what looks alike, and sorted by likeness."""

import io

import numpy as np
import pytest
from PIL import Image

from browse.test_back_in_browser import browser, open_app, shot
from rushes.workflow.embed import Settings, embed
from rushes.workflow.ingest import Request, ingest

__all__ = ["browser", "open_app"]
pytestmark = [pytest.mark.live, pytest.mark.usefixtures("_mongod")]
REDS, BLUES = 5, 4


@pytest.fixture
def dataset(tmp_path):
    """Red pictures and blue ones, by turns as long as there are both; each a little unlike the others."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for at in range(REDS + BLUES):
        red = at % 2 == 0
        picture = np.zeros((60, 80, 3), np.uint8)
        picture[:, :, 0 if red else 2] = 150 + 10 * at
        picture[: 3 * at] //= 2
        Image.fromarray(picture).save(folder / f"{at}.png")
    path = tmp_path / "set"
    ingest(path, Request(paths=[folder]))
    embed(path, Settings())
    return path


def colours(page):
    """The colour of each picture of the grid, in its order, as the page shows them."""
    found = []
    for looker in page.locator('[data-cy="looker"]').all():
        box = looker.bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8
        clip = {"x": x - 3, "y": y - 3, "width": 6, "height": 6}
        pixels = np.asarray(Image.open(io.BytesIO(page.screenshot(clip=clip))).convert("RGB"))
        red, _, blue = pixels.reshape(-1, 3).mean(axis=0)
        found.append("red" if red > blue else "blue")
    return found


def until_counted(page, count):
    page.wait_for_function(
        "count => document.querySelector('[data-cy=\"entry-counts\"]')?.innerText.trim().startsWith(`${count} `)",
        arg=count,
    )
    page.wait_for_timeout(1500)  # pictures come after their number


def lasso(page, box):
    """Draw once around a part of the map."""
    left, top, right, bottom = box
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top + 5)]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in corners[1:]:
        page.mouse.move(*corner, steps=12)
    page.mouse.up()


def test_a_lasso_on_the_map_shows_the_pictures_within(dataset, open_app):
    opened = open_app(dataset)
    page = opened.page
    until_counted(page, REDS + BLUES)
    assert sorted(colours(page)) == ["blue"] * BLUES + ["red"] * REDS
    page.locator('[data-cy="new-panel-btn"]').first.click()
    page.locator('[data-cy="new-panel-option-Embeddings"]').first.click()
    page.get_by_text("map", exact=True).first.click()
    panel = page.locator('[data-cy="panel-content-Embeddings"]')
    page.get_by_text(f"{REDS + BLUES} points").wait_for()
    panel.get_by_role("button", name="Select", exact=True).click()
    box = panel.locator("canvas").first.bounding_box()
    middle = box["x"] + box["width"] / 2
    shot(page, "map")
    lasso(page, (middle, box["y"] + 50, box["x"] + box["width"] - 3, box["y"] + box["height"] - 50))
    page.wait_for_function(
        "all => { const said = document.querySelector('[data-cy=\"entry-counts\"]').innerText;"
        " return /^\\d/.test(said) && !said.trim().startsWith(`${all} `) }",
        arg=REDS + BLUES,
    )
    page.wait_for_timeout(1500)
    shot(page, "lassoed")
    found = colours(page)
    assert found in (["red"] * REDS, ["blue"] * BLUES)


def test_an_operator_shows_what_looks_like_the_ticked_picture(dataset, open_app):
    opened = open_app(dataset)
    page = opened.page
    until_counted(page, REDS + BLUES)
    first = colours(page)[1]
    opened.select(1)
    page.keyboard.press("`")
    page.keyboard.type("Rushes: show what")
    page.get_by_text("Rushes: show what looks like the selected pictures").first.click()
    page.get_by_text("1 picture selected").first.wait_for()
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("pictures, the likest first").first.wait_for()
    page.wait_for_timeout(2000)
    shot(page, "alike")
    like, other = (REDS, BLUES) if first == "red" else (BLUES, REDS)
    assert colours(page) == [first] * like + ["blue" if first == "red" else "red"] * other
