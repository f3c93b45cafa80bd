"""Make ``docs/app.png``: the sample takes as the FiftyOne App shows them.

Runs the recipe of the samples into a scratch folder, opens the App in a headless Chromium, and takes its picture.
"""

import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from rushes.workflow import browse
from rushes.workflow.demo import demo

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def take(dataset: Path, target: Path) -> None:
    """Open a dataset in the App and save what a person sees."""

    def visit(opened: Any) -> None:
        try:
            with sync_playwright() as driver:
                program = shutil.which("chromium") or shutil.which("chromium-browser")
                with driver.chromium.launch(executable_path=program, args=FLAGS) as browser:
                    page = browser.new_page(viewport={"width": 1360, "height": 800})
                    page.goto(opened.address)
                    page.wait_for_selector("[data-cy=looker]", timeout=60_000)
                    dismiss = page.get_by_text("Dismiss")
                    if dismiss.count():
                        dismiss.first.click()
                    page.wait_for_timeout(4_000)
                    page.screenshot(path=str(target))
        finally:
            os.kill(os.getpid(), signal.SIGINT)

    def ready(opened: Any) -> None:
        threading.Thread(target=visit, args=(opened,), daemon=True).start()

    browse.serve(dataset, ready=ready, port=0)


def main() -> None:
    """Make the picture, with few colours so that it stays small."""
    target = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).resolve().parent / "app.png"
    with tempfile.TemporaryDirectory() as folder:
        dataset = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(folder) / "tabletop"
        if not dataset.exists():
            demo(dataset)
        take(dataset, target)
    with Image.open(target) as picture:
        small = picture.convert("RGB").quantize(128, dither=Image.Dither.NONE)
    small.save(target, optimize=True)


if __name__ == "__main__":
    main()
