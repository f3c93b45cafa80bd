"""Print how fast a recording becomes an MCAP for players, and how soon it plays after the click.

``python bench/browse_player.py FOLDER [--recording rec_none.mcap]`` makes the recording of ``make_fixture.py`` in
FOLDER if it is not there, exports it beside a copy of the same size, opens the App in Chromium, clicks on the
recording, and counts what the player asks for until its pictures stand, and until they stand after a jump.
"""

import argparse
import io
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

import make_fixture
from rushes.workflow.export_recordings import export_recordings
from rushes.workflow.ingest import Request, ingest

MB = 1e6
CHROMIUM = os.environ.get("RUSHES_TEST_CHROMIUM") or shutil.which("chromium") or "chromium"
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
HOSTS = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"


def copied(source, target):
    """Copy as a program does that reads and writes; seconds and CPU seconds."""
    began, before = time.monotonic(), os.times()
    with source.open("rb") as read, target.open("wb") as write:
        shutil.copyfileobj(read, write, 1 << 20)
    after = os.times()
    return time.monotonic() - began, after.user + after.system - before.user - before.system


def exported(dataset, out):
    shutil.rmtree(out, ignore_errors=True)
    began, before = time.monotonic(), os.times()
    (file,) = export_recordings(dataset, format="mcap", out=out).files
    after = os.times()
    return file.path, time.monotonic() - began, after.user + after.system - before.user - before.system


def opened(dataset):
    """Open the App; its process, the address of the recordings, and seconds until both are there."""
    began = time.monotonic()
    command = [sys.executable, "-m", "rushes", "browse", str(dataset), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    for line in process.stderr:
        if line.startswith("Play"):
            return process, line.split()[1], time.monotonic() - began
    raise SystemExit("the App did not open")


def lit(page):
    """Share of the player's tiles that shows a picture; the frame of the App itself is dark."""
    stage = page.get_by_test_id("mosaic-grid")
    pixels = np.asarray(Image.open(io.BytesIO(stage.screenshot())).convert("RGB"))
    return float((pixels.max(axis=2) > 60).mean())


def until_lit(page, began, limit_s=120):
    while lit(page) < 0.25:
        if time.monotonic() - began > limit_s:
            return float("nan")
        page.wait_for_timeout(100)
    return time.monotonic() - began


def plays(address):
    """Click on the recording; seconds until pictures stand, until they stand after a jump, requests and bytes."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, HOSTS])
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(240_000)
        asked = []

        def count(response):
            if "/media" in response.url and response.request.method == "GET":
                asked.append(int(response.headers.get("content-length", 0)))

        page.on("response", count)
        page.goto(address)
        page.wait_for_selector('[data-cy="grid-custom-renderer"] canvas, [data-cy="grid-custom-renderer"] img')
        for _ in range(2):
            dismiss = page.get_by_text("Dismiss", exact=True)
            if dismiss.count():
                dismiss.first.click()
        page.wait_for_timeout(3000)
        grid = len(asked), sum(asked)
        box = page.locator('[data-cy="grid-custom-renderer"]').first.bounding_box()
        asked.clear()
        began = time.monotonic()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.get_by_test_id("timeline-ruler").wait_for()
        first_s = until_lit(page, began)
        first = len(asked), sum(asked)
        page.screenshot(path="player-first.png")
        asked.clear()
        ruler = page.get_by_test_id("timeline-ruler").bounding_box()
        began = time.monotonic()
        page.mouse.click(ruler["x"] + ruler["width"] * 0.8, ruler["y"] + ruler["height"] / 2)
        page.wait_for_timeout(300)
        jump_s = until_lit(page, began)
        page.wait_for_timeout(3000)
        jump = len(asked), sum(asked)
        page.screenshot(path="player-jump.png")
        browser.close()
    return grid, (first_s, *first), (jump_s, *jump)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--recording", default="rec_none.mcap", choices=sorted(make_fixture.FILES))
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    source, dataset = given.folder / given.recording, given.folder / f"player-{Path(given.recording).stem}"
    if not source.is_file():
        make_fixture.write(source, **make_fixture.FILES[given.recording])
    if not dataset.is_dir():
        ingest(dataset, Request(paths=[source]))
    path, wall, cpu = exported(dataset, given.folder / "player-out")
    size = path.stat().st_size
    print(f"export: {size / MB:.0f} MB in {wall:.1f} s ({size / MB / wall:.0f} MB/s), {cpu:.1f} CPU s")
    wall, cpu = copied(path, given.folder / "player-copy")
    print(f"copy of it: {wall:.1f} s ({size / MB / wall:.0f} MB/s), {cpu:.1f} CPU s")
    (given.folder / "player-copy").unlink()
    process, address, seconds = opened(dataset)
    print(f"the App is open after {seconds:.1f} s; {os.getloadavg()[0]:.1f} load")
    try:
        players = dataset / "cache" / "players"
        while not any(players.glob("*.mcap")):
            time.sleep(0.5)
        grid, first, jump = plays(address)
    finally:
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        process.wait(60)
    print(f"the grid asks {grid[0]} times for {grid[1] / MB:.1f} MB")
    print(f"pictures stand {first[0]:.1f} s after the click; {first[1]} requests, {first[2] / MB:.1f} MB")
    print(f"and {jump[0]:.1f} s after a jump; {jump[1]} requests, {jump[2] / MB:.1f} MB, three seconds on")


if __name__ == "__main__":
    main()
