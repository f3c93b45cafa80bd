"""The slate's flash and click are one event, and the search for claps finds both."""

import json
import urllib.error
import urllib.request
from io import BytesIO
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from loopback.pages import OUTPUT, chromium, opened, until
from rushes.loopback.slate import FLASH_NS, Slate, read_flash, site
from rushes.timing.crosscheck.clap import compare_events, jumps, sound_onsets
from rushes.workflow._crosscheck.looking import FLASH_LEVELS

FRAME_NS = 33_333_333


@pytest.mark.live
def test_flash_and_click_come_within_one_frame_of_each_other_and_are_logged() -> None:
    told = []
    slate = Slate(told.append)
    with (
        site(slate, every_ns=1_000_000_000, at_once=True) as served,
        chromium() as browser,
        opened(browser, served.address) as (page, complaints),
    ):
        until(page, "slate.flashes.length >= 4")
        assert complaints == []
    flashes = list(slate.flashes)
    assert told == flashes
    assert [flash.number for flash in flashes] == list(range(1, len(flashes) + 1))
    assert all(flash.click_ns is not None for flash in flashes)
    apart = [abs(flash.click_ns - flash.flash_ns) for flash in flashes]
    assert max(apart[1:]) <= 17_000_000, apart
    steps = [after.flash_ns - before.flash_ns for before, after in pairwise(flashes)]
    assert min(steps) >= 900_000_000, steps


@pytest.mark.live
def test_the_flash_is_a_rise_of_brightness_that_the_search_for_claps_finds() -> None:
    slate = Slate(lambda _: None)
    with (
        site(slate, every_ns=0) as served,
        chromium() as browser,
        opened(browser, served.address, viewport={"width": 640, "height": 400}) as (page, _),
    ):
        dark = [brightness(page) for _ in range(4)]
        page.keyboard.press("f")
        until(page, "document.body.className == 'flash'")
        page.evaluate("document.body.className = 'flash'")
        white = brightness(page)
        page.screenshot(path=OUTPUT / "slate-flash.png")
        until(page, "document.body.className == ''")
        page.screenshot(path=OUTPUT / "slate-dark.png")
    assert white - max(dark) > 10 * FLASH_LEVELS
    # A camera of 30 Hz that sees the screen in a quarter of its picture.
    times = np.arange(120, dtype=np.int64) * FRAME_NS
    lit = (times >= 2_010_000_000) & (times < 2_010_000_000 + FLASH_NS)
    assert lit.sum() >= 3
    seen = jumps(times, np.where(lit, 60 + (white - dark[0]) / 4, 60.0), least=FLASH_LEVELS)
    assert len(seen.t_ns) == 1
    assert abs(int(seen.t_ns[0]) - 2_010_000_000) <= FRAME_NS


@pytest.mark.live
def test_the_click_is_heard_to_the_sample_and_meets_the_flash() -> None:
    slate = Slate(lambda _: None)
    with (
        site(slate, every_ns=0) as served,
        chromium() as browser,
        opened(browser, served.address) as (page, _),
    ):
        rendered = page.evaluate(RENDERED)
    rate, at = 48_000, 0.5
    wave = np.array(rendered) + np.random.default_rng(3).normal(0, 0.002, len(rendered))
    heard = sound_onsets(wave.reshape(-1, 480), np.arange(len(wave) // 480, dtype=np.int64) * 10_000_000, rate)
    assert len(heard.t_ns) == 1
    assert abs(int(heard.t_ns[0]) - round(at * 1e9)) <= 1e9 / rate + 1
    times = np.arange(60, dtype=np.int64) * FRAME_NS
    lit = (times >= at * 1e9) & (times < at * 1e9 + FLASH_NS)
    seen = jumps(times, np.where(lit, 120.0, 60.0), least=FLASH_LEVELS)
    found = compare_events("mic", "cam", (heard, seen))
    assert found.offset_ns is not None
    assert abs(found.offset_ns) <= FRAME_NS


RENDERED = """async () => {
  const context = new OfflineAudioContext(1, 48000, 48000);
  const source = context.createBufferSource();
  source.buffer = slate.soundOf(context);
  source.connect(context.destination);
  source.start(0.5);
  return Array.from((await context.startRendering()).getChannelData(0));
}"""


def brightness(page) -> float:
    """Mean grey level of what is on the screen."""
    return float(np.asarray(Image.open(BytesIO(page.screenshot())).convert("L")).mean())


GOOD = {"number": 1, "frame": 9, "flash_unix_ms": 1.7e12, "click_unix_ms": None, "frame_ms": 16.7}


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b"\xff", *(json.dumps(GOOD | wrong).encode() for wrong in (
        {"number": "x"}, {"flash_unix_ms": None}, {"frame_ms": float("nan")}, {"flash_unix_ms": float("inf")},
        {"number": []},
    ))],
)  # fmt: skip
def test_what_is_no_flash_is_not_taken(body: bytes) -> None:
    assert read_flash(body) is None


def test_a_flash_is_read_in_nanoseconds() -> None:
    flash = read_flash(json.dumps(GOOD).encode())
    assert flash is not None
    assert (flash.flash_ns, flash.click_ns, flash.frame_ns) == (1_700_000_000_000_000_000, None, 16_700_000)


def test_a_stranger_can_neither_see_nor_add_flashes() -> None:
    slate = Slate(lambda _: None)
    with site(slate, every_ns=0) as served:
        here = served.address.partition("/?")[0]
        for path, body in (("/", None), ("/flash", json.dumps(GOOD).encode()), ("/?token=guess", None)):
            with pytest.raises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(f"{here}{path}", data=body, timeout=5)
            assert refused.value.code == 403
            refused.value.close()
    assert list(slate.flashes) == []
