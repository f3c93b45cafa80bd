"""Clicks that the App takes only with patience."""

from playwright.sync_api import TimeoutError as PlaywrightTimeout


def open_first_picture(page):
    """Open the first picture of the grid; the App takes no click before the pointer has moved."""
    box = page.locator('[data-cy="looker"]').first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(4):
        page.mouse.move(x - 5, y)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.up()
        try:
            page.wait_for_selector('[data-cy="modal"]', timeout=8000)
        except PlaywrightTimeout:
            continue
        break
    page.wait_for_selector('[data-cy="modal"]')
    return page.locator('[data-cy="modal"]')
