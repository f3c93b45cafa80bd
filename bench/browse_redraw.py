"""How soon the signal panel stands anew after an arrow key: in a real Chromium, from the key to the frame.

    python bench/browse_redraw.py DATASET [--steps 30] [--panel signals] [--shot redraw.png]

Opens a picture and the panel, and goes on with the arrow keys. Prints median and 95th percentile of the
time until the panel has asked, was answered, shows the next picture's words and lines (*drawn*, after the frame
that shows them), and changes no more (*still*); the machine's load beside it. The page notes the times itself.
"""

import argparse
import os
import shutil
import signal
import statistics
import sys
import threading
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

from rushes.workflow import browse

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
from picture import FLAGS

CHROMIUM = os.environ.get("RUSHES_TEST_CHROMIUM") or shutil.which("chromium") or "chromium"
PHASES = ("asked", "answered", "words", "drawn", "still")
QUIET_MS = 600
TURN = 10
"""Pictures after which the way goes back: it ends with those that the grid has loaded."""
WATCH = """
panel => {
  const place = () => document.querySelector(`[data-cy="panel-content-${panel}"]`);
  const words = () => (place()?.innerText ?? "").split("\\n").find(line => line.startsWith("Picture")) ?? "";
  const lines = () => [...(place()?.querySelectorAll("path.js-line") ?? [])].map(e => e.getAttribute("d")).join();
  const step = (window.redraw = {});
  const look = () => {
    if (!step.key) return;
    const now = performance.now();
    if (!step.words && words() !== step.wordsBefore) step.words = now;
    if (lines() === step.linesNow) return;
    step.linesNow = lines();
    step.still = now;
    const mine = step.key;
    if (!step.drawn && step.words)
      requestAnimationFrame(() => setTimeout(() => {
        if (step.key === mine && !step.drawn) step.drawn = performance.now();
      }));
  };
  new MutationObserver(look).observe(
    document.body, {subtree: true, childList: true, attributes: true, characterData: true});
  new PerformanceObserver(list => {
    for (const entry of list.getEntries())
      if (step.key && entry.name.includes("/operators/execute") && entry.startTime >= step.key) {
        step.asked ??= entry.startTime;
        step.answered ??= entry.responseEnd;
        step.requests = (step.requests ?? 0) + 1;
      }
  }).observe({type: "resource"});
  document.addEventListener("keydown", event => {
    if (!event.key.startsWith("Arrow")) return;
    for (const name of Object.keys(step)) delete step[name];
    Object.assign(step, {key: performance.now(), wordsBefore: words(), linesNow: lines()});
  }, true);
}
"""
DONE = f"() => redraw.drawn && performance.now() - Math.max(redraw.drawn, redraw.still) > {QUIET_MS}"


def opened(page, panel):
    """Open the first picture and the panel beside it."""
    page.wait_for_selector("[data-cy=looker] canvas", state="attached", timeout=90_000)
    if page.get_by_text("Dismiss").count():
        page.get_by_text("Dismiss").first.click()
    box = page.locator("[data-cy=looker]").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for _ in range(6):
        page.mouse.move(x - 5, y)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.up()
        page.wait_for_timeout(3000)
        if page.locator("[data-cy=modal]").count():
            break
    tab = page.locator("[data-cy=modal]").get_by_text(panel.capitalize(), exact=True)  # all are tabs already
    tab.first.evaluate("tab => tab.click()")
    page.wait_for_selector(f'[data-cy="panel-content-{panel}"] path.js-line', state="attached", timeout=60_000)


def steps(page, count):
    """Press the key so often; the times of each step in ms from the key, and how many requests there were."""
    found: list[dict[str, float]] = []
    for number in range(count):
        page.keyboard.press("ArrowRight" if number // TURN % 2 == 0 else "ArrowLeft")
        page.wait_for_function(DONE, timeout=20_000, polling=50)
        step = page.evaluate("() => redraw")
        found.append({name: step[name] - step["key"] for name in PHASES if name in step} | {"n": step["requests"]})
    return found


def report(found):
    for name in PHASES:
        times = sorted(step[name] for step in found if name in step)
        if times:
            p95 = times[min(int(0.95 * len(times)), len(times) - 1)]
            print(f"{name:<9} p50 {statistics.median(times):6.0f} ms  p95 {p95:6.0f} ms  max {times[-1]:6.0f} ms")
    print(f"{len(found)} steps, {statistics.mean(s['n'] for s in found):.1f} requests a step", end=", ")
    print("load " + " ".join(f"{load:.1f}" for load in os.getloadavg()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--panel", default="signals")
    parser.add_argument("--shot", type=Path)
    given = parser.parse_args()
    failed = []

    def visit(opened_app):
        try:
            with (
                sync_playwright() as driver,
                driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS) as browser,
            ):
                page = browser.new_page(viewport={"width": 1400, "height": 900})
                page.goto(opened_app.address)
                opened(page, given.panel)
                page.evaluate(WATCH, given.panel)
                time.sleep(5)
                print("load before " + " ".join(f"{load:.1f}" for load in os.getloadavg()))
                steps(page, 3)  # the first ones import, and read what is then kept
                report(steps(page, given.steps))
                if given.shot:
                    page.screenshot(path=str(given.shot))
        except BaseException as error:  # noqa: BLE001 - raised below, in the main thread
            failed.append(error)
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    browse.serve(
        given.dataset,
        ready=lambda app: threading.Thread(target=visit, args=(app,), daemon=True).start(),
        port=0,
    )
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()
