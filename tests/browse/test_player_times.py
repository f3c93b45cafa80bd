"""Frame k of a video in the App's player: the time that it seeks to, and the picture that Chromium shows there.

The App is not opened: its two formulas are looked up in the script that FiftyOne ships, and the browser is asked
for the picture at the very times that they give.
"""

import base64
import random
import re
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import sync_playwright

import coded
from rushes.workflow._annotate import shown_clip
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

pytestmark = pytest.mark.live
KINDS = ("23.976", "25", "29.97", "30", "B-pyramid", "dropped frames", "start above zero, variable")
LOAD = """async (data) => {
  const bytes = Uint8Array.from(atob(data), c => c.charCodeAt(0));
  const video = document.createElement('video');
  video.muted = true;
  video.src = URL.createObjectURL(new Blob([bytes], {type: 'video/mp4'}));
  document.body.replaceChildren(video);
  await new Promise((done, fail) => { video.oncanplaythrough = done; video.onerror = fail; });
  return video.duration;
}"""
SEEK = """async (time) => {
  const video = document.querySelector('video');
  await new Promise(done => { video.onseeked = done; video.currentTime = time; });
  const [width, height] = [video.videoWidth, video.videoHeight];
  const context = Object.assign(document.createElement('canvas'), {width, height}).getContext('2d');
  let text = null;
  for (let same = 0; same < 3;) {  // on a busy machine the picture before is painted for a while
    await new Promise(done => setTimeout(done, 60));
    context.drawImage(video, 0, 0);
    const data = context.getImageData(0, 0, width, height).data;
    let now = '';
    for (let i = 0; i < data.length; i += 4) now += String.fromCharCode(data[i]);
    same = now === text ? same + 1 : 0;
    text = now;
  }
  return [btoa(text), video.currentTime];
}"""


def time_of(frame: int, rate: float) -> float:
    return (frame - 1 + 0.01) / rate


def number_of(time: float, duration: float, rate: float) -> int:
    return int((time - 0.1 / rate if time == duration else time) * rate + 1)


def test_the_formulas_are_those_of_the_app() -> None:
    place = find_spec("fiftyone")
    assert place is not None
    assert place.origin is not None
    scripts = (Path(place.origin).parent / "server" / "static" / "assets").glob("*.js")
    text = "".join(script.read_text(encoding="utf-8", errors="replace") for script in scripts)
    assert re.search(r"\((\w)-1\+\.01\)/(\w)", text)
    assert re.search(r"return e===t&&\(r-=\.1\*i\),Math\.floor\(r\*n\+1\)", text)


def test_frame_k_of_a_clip_of_ours_is_its_picture_in_the_player_of_the_app(chromium: str, tmp_path: Path) -> None:
    wrong = []
    with sync_playwright() as playwright:
        args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=chromium, args=args)
        page = browser.new_page()
        for at, kind in enumerate(KINDS):
            path = coded.make(coded.KINDS[kind], tmp_path, f"v{at}")
            ingest(tmp_path / f"d{at}", Request(paths=[path]))
            with Dataset.open(tmp_path / f"d{at}") as dataset:
                (stream,) = dataset.arrow("streams").to_pylist()
                frames = dataset.frames(stream["recording_id"], stream["stream"])
                clip = shown_clip.show(frames, 0, len(frames), tmp_path / f"d{at}")
                _, shown = shown_clip.laid(frames, 0, len(frames))
            wrong += seen_wrong(page, clip.path, clip.rate, shown.samples.tolist(), kind)
            if coded.KINDS[kind].pts is None:  # the recording itself, where its rate is constant
                first = coded.KINDS[kind].start
                numbers = list(range(coded.KINDS[kind].count))
                wrong += (
                    seen_wrong(page, path, coded.KINDS[kind].rate, numbers, f"{kind} itself") if not first else []
                )
        browser.close()
    assert wrong == []


def seen_wrong(page, path: Path, rate: Fraction, wanted: list[int], name: str) -> list[tuple[str, int, int, int]]:
    """Give the frames, among some, whose picture or number is not the right one."""
    duration = page.evaluate(LOAD, base64.b64encode(path.read_bytes()).decode())
    wrong = []
    for frame in [1, len(wanted), *random.Random(1).sample(range(2, len(wanted)), 8)]:
        grey, time = page.evaluate(SEEK, time_of(frame, float(rate)))
        picture = np.frombuffer(base64.b64decode(grey), np.uint8).reshape(coded.HEIGHT, coded.WIDTH)
        found = (coded.read(picture), number_of(time, duration, float(rate)))
        if found != (wanted[frame - 1], frame):
            wrong.append((name, frame, *found))
    return wrong
