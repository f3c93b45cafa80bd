"""The panels beside a picture follow it; in an App of its own, as menus and panels of before outlive a reload."""

import pytest

from browse.clicks import open_first_picture
from browse.test_panels import BUSY, dataset, open_panel, page, served, shot

__all__ = ["dataset", "page", "served"]


@pytest.mark.live
def test_signals_follow_the_picture_that_is_open(page):
    page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
    modal = open_first_picture(page)  # by a click: only then can one go on to the next
    page.wait_for_selector('[data-cy="nav-right-button"]', state="attached")
    open_panel(page, modal, "signals")
    page.wait_for_selector('[data-cy="panel-content-signals"] .js-plotly-plot path.js-line', state="attached")
    shot(page, "signals")
    panel = page.locator('[data-cy="panel-content-signals"]')
    before = panel.inner_text()
    assert "Picture" in before
    page.locator('[data-cy="nav-right-button"]').first.evaluate("button => button.parentElement.click()")
    page.wait_for_function(
        "before => document.querySelector(`[data-cy='panel-content-signals']`)?.innerText.split('\\n')"
        ".find(line => line.startsWith('Picture')) !== before.split('\\n').find(l => l.startsWith('Picture'))",
        arg=before,
    )
    open_panel(page, modal, "clocks")
    page.wait_for_selector('[data-cy="panel-content-clocks"] .js-plotly-plot', state="attached")
    shot(page, "clocks")
    assert set(page.complaints) <= {BUSY}
