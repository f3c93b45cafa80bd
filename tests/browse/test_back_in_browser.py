"""In a real Chromium: a tag by the App's own button, and an operator of ours, become rows of the dataset."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError as PlaywrightTimeout
from playwright.sync_api import sync_playwright

from browse.desk_of_edits import made
from rushes.store import Store

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("_mongod")]
OUTPUT = Path(__file__).resolve().parents[1] / "output" / "browse"
SLOW_MS = 60_000
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
HOSTS = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def rushes(*words, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "rushes", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "RUSHES_AUTHOR": "ada"},
        **more,
    )


class Opened:
    """The App of a dataset in a process of its own, and a page that shows its grid."""

    def __init__(self, path, browser):
        self.path = path
        self.process = rushes("browse", path, "--port", 0, "--json")
        self.said = []
        while not (found := re.search(r"http://\S+", line := self.process.stderr.readline())):
            assert line, f"it ended with {self.process.wait()}: {self.said}"
            self.said.append(line)
        self.page = browser.new_page(viewport={"width": 1400, "height": 900})
        self.page.set_default_timeout(SLOW_MS)
        self.page.goto(found[0])
        self.page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
        for _ in range(2):
            dismiss = self.page.get_by_text("Dismiss", exact=True)
            if dismiss.count():
                dismiss.first.click()

    def select(self, number):
        """Tick a picture of the grid."""
        page = self.page
        box = page.locator('[data-cy="looker"]').nth(number).bounding_box()
        for _ in range(4):
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.move(box["x"] + 14, box["y"] + 14)
            page.mouse.down()
            page.mouse.up()
            try:
                page.wait_for_selector('[data-cy="action-manage-selected"]', timeout=5000)
                return
            except PlaywrightTimeout:
                continue
        raise AssertionError("nothing could be selected")

    def close(self):
        """Close it as Ctrl-C does; gives what it said."""
        self.page.close()
        self.process.send_signal(signal.SIGINT)
        out, _ = self.process.communicate(timeout=60)
        return json.loads(out) if out else {}


@pytest.fixture
def open_app(browser):
    """Opens Apps; what a failed test leaves open is closed."""
    every = []

    def opened(path):
        every.append(Opened(path, browser))
        return every[-1]

    yield opened
    for one in every:
        if one.process.poll() is None:
            one.close()


@pytest.fixture
def browser(chromium):
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=[*ARGS, HOSTS])
        yield launched
        launched.close()


def shot(page, name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")


def test_a_tag_by_the_app_s_own_button_waits_till_it_is_written_back(tmp_path, open_app):
    path = made(tmp_path)
    opened = open_app(path)
    page = opened.page
    opened.select(1)
    page.locator('[data-cy="action-tag-sample-labels"]').first.click()
    page.wait_for_timeout(1500)  # it first asks which tags there are, and takes no new one till then
    entry = page.get_by_placeholder("tag", exact=False).first
    entry.fill("look again")
    entry.press("Enter")
    shot(page, "tagging")
    page.get_by_text("Apply", exact=True).click()
    page.wait_for_timeout(2000)
    shot(page, "tagged")
    said = opened.close()
    assert said["result"]["edits"]["tags"] == 1
    assert Store.open(path).table("tags").num_rows == 0, "closing it writes nothing"
    out, _ = rushes("browse", path, "--write-back", "--json").communicate(timeout=120)
    assert json.loads(out)["result"]["tags"] == 1
    (row,) = Store.open(path).table("tags").to_pylist()
    assert (row["tag"], row["author"], row["index"]) == ("look again", "ada", 1)


def test_an_operator_rejects_exactly_what_is_selected(tmp_path, open_app):
    path = made(tmp_path)
    opened = open_app(path)
    page = opened.page
    opened.select(2)
    page.keyboard.press("`")
    page.keyboard.type("Rushes: reject")
    page.get_by_text("Rushes: reject the selected pictures").first.click()
    page.get_by_text("1 picture selected").first.wait_for()
    shot(page, "rejecting")
    page.get_by_role("button", name="Execute").click()
    page.get_by_text("1 picture rejected").first.wait_for()
    shot(page, "rejected")
    said = opened.close()
    assert said["result"]["edits"]["decisions"] == []
    (row,) = Store.open(path).table("decisions").to_pylist()
    assert (row["what"], row["author"], row["index"], row["source"]) == ("reject", "ada", 2, "app")
