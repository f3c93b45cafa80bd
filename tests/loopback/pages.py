"""A browser without a net for pages on loopback, and what they complain of."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

OUTPUT = Path(__file__).resolve().parents[1] / "output"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--autoplay-policy=no-user-gesture-required",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        pytest.fail("no chromium on the path; apt-get install chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@contextmanager
def opened(browser: Browser, address: str, **more) -> Iterator[tuple[Page, list[str]]]:
    """Open a page; gives it with all that it complained of or asked of others."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}} | more)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "request",
        lambda asked: (
            None if asked.url.startswith(("http://127.0.0.1:", "blob:")) else complaints.append(asked.url)
        ),
    )
    page.goto(address)
    yield page, complaints
    context.close()


def until(page: Page, expression: str, *, seconds: float = 30.0) -> None:
    """Wait until a JavaScript expression holds; the page's policy forbids Playwright's own way of it."""
    for _ in range(round(seconds / 0.03)):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(30)
    raise AssertionError(f"it never came to: {expression}")
