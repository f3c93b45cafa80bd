"""The App itself: a real server behind the guard, looked at by a real Chromium."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import numpy as np
import psutil
import pytest
from PIL import Image
from playwright.sync_api import sync_playwright

from browse.clicks import open_first_picture
from browse.takes import HUES, Pack, clips
from rushes.browse.prove import prove
from rushes.browse.serve import _until_signalled
from rushes.browse.showing import showing
from rushes.errors import ToolError

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("_mongod")]
OUTPUT = Path(__file__).resolve().parents[1] / "output" / "browse"
OPEN = Path(__file__).with_name("open_app.py")
SLOW_MS = 60_000


def open_app(cache, view="labelled", **environment):
    cache.mkdir(exist_ok=True)
    command = [sys.executable, str(OPEN), str(cache), view]
    with (cache / "stderr").open("w") as talk:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=talk,
            text=True,
            env={**os.environ, **environment},
            start_new_session=True,
        )
    line = process.stdout.readline()
    assert line, f"the App ended with {process.wait()}"
    return SimpleNamespace(process=process, cache=cache, **json.loads(line))


def stop(app, number=signal.SIGINT):
    """Stop the App; nothing of it may be left."""
    app.process.send_signal(number)
    rest = app.process.stdout.read()
    code = app.process.wait(30)
    app.process.stdout.close()
    deadline = time.monotonic() + 20
    while psutil.pid_exists(app.mongod) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(app.mongod)
    return code, rest


@pytest.fixture(scope="module")
def served(cache):
    home = cache / "home"
    home.mkdir()
    app = open_app(cache, HOME=str(home), XDG_CONFIG_HOME="", XDG_CACHE_HOME="")
    yield app
    if app.process.poll() is None:
        stop(app)


@pytest.fixture(scope="module")
def browser(chromium):
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=[
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def page(served, browser):
    """A page that has opened the App by its address and shows the grid."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.set_default_timeout(SLOW_MS)
    page.refusals, page.complaints = [], []
    page.on("response", lambda r: page.refusals.append((r.status, r.url)) if r.status >= 400 else None)
    page.on("pageerror", lambda e: page.complaints.append(str(e)))
    page.goto(served.address)
    page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
    for _ in range(2):
        dismiss = page.get_by_text("Dismiss", exact=True)
        if dismiss.count():
            dismiss.first.click()
    yield page
    page.close()


def picture_of(target, name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    shot = target.screenshot(path=OUTPUT / f"{name}.png")
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB")).astype(int)


def share_of(pixels, color, within=40):
    """How much of a screenshot shows about this colour."""
    return float((np.abs(pixels - color).max(axis=2) < within).mean())


def wait_for_color(page, target, color, name, at_least):
    deadline = time.monotonic() + SLOW_MS / 1000
    while True:
        share = share_of(picture_of(target, name), color)
        if share > at_least or time.monotonic() > deadline:
            return share
        page.wait_for_timeout(300)


def test_the_grid_shows_pictures_straight_out_of_the_recording(page):
    share = wait_for_color(page, page, HUES["cam_left"], "grid", at_least=0.1)
    assert share > 0.1
    assert share_of(picture_of(page, "grid"), HUES["cam_right"]) < 0.01  # one slice at a time
    assert page.locator('[data-cy="entry-counts"]').inner_text().startswith(("24", "70"))
    assert "token" not in page.url  # the token is gone from the address


def test_the_sidebar_offers_what_one_filters_by(page):
    for field in ("findings", "repeated", "skew_ms", "recording", "split", "subject"):
        page.wait_for_selector(f'[data-cy="sidebar-field-{field}"]', state="attached")


def test_a_moment_opens_and_shows_each_of_its_sensors(page):
    modal = open_first_picture(page)
    page.wait_for_selector('[data-cy="group-carousel"]')
    for stream, color in HUES.items():
        assert wait_for_color(page, modal, color, "moment", at_least=0.003) > 0.003, stream
    words = modal.inner_text()
    assert "take 0" in words


def wait_for_lookers(page, count):
    """Wait until the grid shows just so many pictures; it is filled anew a while after its count has changed."""
    page.wait_for_function("""n => document.querySelectorAll('[data-cy="looker"]').length === n""", arg=count)


def test_a_filter_in_the_sidebar_leaves_what_was_asked_for(page, served):
    page.goto(f"http://127.0.0.1:{served.port}/datasets/kitchen%20rig")
    page.wait_for_selector('[data-cy="looker"] canvas', state="attached")
    page.locator('[data-cy="sidebar-field-arrow-enabled-segments"]').first.click()
    search = page.locator('[data-cy="selector-sidebar-search-segments"]').first
    search.click()
    search.press_sequentially("wave")
    page.wait_for_timeout(1000)
    search.press("Enter")
    page.wait_for_function(
        """() => /^[12] (group|sample)/.test(document.querySelector('[data-cy="entry-counts"]')?.innerText)
            || document.querySelector('[data-cy="entry-counts"]')?.innerText.startsWith("2 ")"""
    )
    wait_for_lookers(page, 2)
    picture_of(page, "filtered")


def test_labels_are_drawn_on_the_picture(page, served):
    page.goto(f"http://127.0.0.1:{served.port}/datasets/kitchen%20rig?view=differs-people")
    looker = page.locator('[data-cy="looker"]').first
    looker.locator("canvas").wait_for(state="attached")
    page.wait_for_timeout(1500)
    drawn = picture_of(looker, "labels-drawn")
    page.locator('[data-cy="checkbox-boxes"]').first.click()
    page.wait_for_timeout(1500)
    hidden = picture_of(looker, "labels-hidden")
    assert drawn.shape == hidden.shape
    left, top = (np.array([32, 48]) * drawn.shape[1] / 320).astype(int)
    right, bottom = (np.array([96, 72]) * drawn.shape[1] / 320).astype(int)
    changed = np.argwhere(np.abs(drawn - hidden).max(axis=2) > 30)
    assert len(changed) > 20
    (y0, x0), (y1, x1) = changed.min(axis=0), changed.max(axis=0)
    shift = y0 - top  # a picture may stand lower in its cell
    assert abs(x0 - left) <= 4
    assert abs(x1 - right) <= 4
    assert abs(y1 - shift - bottom) <= 4


def test_a_saved_view_shows_the_pictures_with_a_finding(page, served):
    page.goto(f"http://127.0.0.1:{served.port}/datasets/kitchen%20rig?view=finding-image-blur")
    page.wait_for_function(
        """() => document.querySelector('[data-cy="entry-counts"]')?.innerText.startsWith("6")"""
    )
    assert wait_for_color(page, page, HUES["cam_left"], "finding", at_least=0.05) > 0.05


def test_nothing_that_the_page_asked_for_was_refused(page):
    assert page.refusals == []
    assert page.complaints == []


def test_a_browser_without_the_token_gets_nothing(served, browser):
    context = browser.new_context()
    page = context.new_page()
    answer = page.goto(f"http://127.0.0.1:{served.port}/datasets/kitchen%20rig")
    assert answer.status == 403
    assert "token needed" in page.inner_text("body")
    context.close()


def test_the_live_app_refuses_what_the_guard_forbids(served):
    base = f"http://127.0.0.1:{served.port}"
    picture = "/rushes-virtual/kitchen/rec0/depth/1.jpg"
    with httpx.Client(base_url=base, trust_env=False) as stranger:
        for path in ("/", "/graphql", "/events", "/fiftyone", f"/media?filepath={picture}", "/%6dedia"):
            assert stranger.get(path).status_code == 403, path
        assert stranger.get("/", params={"token": "wrong"}).status_code == 403
    with httpx.Client(base_url=base, trust_env=False, follow_redirects=True) as friend:
        assert friend.get("/", params={"token": served.token}).status_code == 200
        for name in ("/etc/passwd", f"{served.cache}/../x", f"{OPEN}", "relative.jpg"):
            assert friend.get("/media", params={"filepath": name}).status_code == 403, name
        for path in ("/%6dedia", "//media", "/media/", "/MEDIA"):
            answer = friend.get(path, params={"filepath": "/etc/passwd"})
            assert b"root:" not in answer.content, path
        assert friend.get("/fiftyone", headers={"host": "evil.example"}).status_code == 421
        assert friend.post("/graphql", headers={"origin": "http://evil.example"}).status_code == 403
        assert friend.get("/fiftyone", headers={"sec-fetch-site": "cross-site"}).status_code == 403
        answer = friend.get("/media", params={"filepath": picture})
        assert answer.content == Pack(served.cache / "same.bin")("rec0", "/depth", 1)[0]
        assert friend.get("/media", params={"filepath": str(served.cache / "take.bin")}).status_code == 200
        part = friend.get(
            "/media", params={"filepath": str(served.cache / "take.bin")}, headers={"range": "bytes=0-9"}
        )
        assert (part.status_code, len(part.content)) == (206, 10)


def test_the_app_listens_on_the_loopback_address_only(served):
    process = psutil.Process(served.process.pid)
    everyone = [process, *process.children(recursive=True)]
    listening = [c.laddr for p in everyone for c in p.net_connections("inet") if c.status == "LISTEN"]
    assert [(a.ip, a.port) for a in listening] == [("127.0.0.1", served.port)]


def test_killing_the_app_ends_its_database_too(tmp_path):
    app = open_app(tmp_path / "cache", "clips")
    code, _ = stop(app, signal.SIGKILL)
    assert code == -signal.SIGKILL


def test_a_port_that_is_taken_is_an_error_and_starts_nothing(served, tmp_path):
    with pytest.raises(ToolError) as caught:
        prove(showing(clips()), Pack(tmp_path / "x.bin"), cache=tmp_path / "cache", port=served.port)
    assert caught.value.code == "browse.port-taken"
    assert not (tmp_path / "cache").exists()


PROVE = """
import sys, json
from dataclasses import asdict
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from browse.takes import Pack, rig
from rushes.browse.prove import prove
from rushes.browse.serve import _until_signalled
from rushes.browse.showing import showing
from rushes.errors import ToolError
cache = Path(sys.argv[1])
for _ in range(2):
    print(json.dumps(asdict(prove(showing(rig()), Pack(cache / "take.bin"), cache=cache))))
try:
    prove(showing(rig()), Pack(cache / "empty.bin", recordings=0), cache=cache)
except ToolError as error:
    print(json.dumps({"code": error.code, "message": error.message}))
"""


def test_the_proof_states_what_the_app_said_and_fails_where_a_picture_does(tmp_path):
    command = [sys.executable, "-c", PROVE, str(tmp_path), str(Path(__file__).resolve().parents[1])]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=200)
    first, second, broken = (json.loads(line) for line in done.stdout.splitlines())
    assert (first["samples"], first["groups"]) == (70, 24)
    assert first["slices"] == ["cam_left", "cam_right", "depth"]
    assert first["release"] == "1.22.1"
    assert first["refused"] == 403
    assert first["picture_path"] == "/rushes-virtual/kitchen/rec0/cam_left/0.jpg"
    assert first["picture_bytes"] == len(Pack(tmp_path / "same.bin")("rec0", "/cam_left", 0)[0])
    assert first["picture_type"] == "image/jpeg"
    assert first["page_bytes"] > 1000
    assert {**second, "address": ""} == {**first, "address": ""}
    assert broken["code"] == "browse.no-answer"
    assert "GET /media was answered with 404" in broken["message"]
    assert "has no sample 0" in broken["message"]
    assert done.stderr == ""


def test_the_first_signal_stops_the_server_and_the_second_does_not_wait():
    for number in (signal.SIGINT, signal.SIGTERM):
        before, asked = signal.getsignal(number), threading.Event()
        with _until_signalled(asked):
            os.kill(os.getpid(), number)
            assert asked.wait(1)
            with pytest.raises(KeyboardInterrupt):
                os.kill(os.getpid(), number)
        assert signal.getsignal(number) is before


def test_ctrl_c_ends_the_app_and_leaves_nothing_behind(served):
    code, rest = stop(served, signal.SIGINT)  # the last test: nothing after it finds the App
    assert code == 0
    assert json.loads(rest) == {"ended": True, "threads": []}
    assert (served.cache / "stderr").read_text() == ""
    assert [str(p) for p in (served.cache / "home").rglob("*")] == []
