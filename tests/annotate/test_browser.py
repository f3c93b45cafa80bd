"""A person in a real browser: logs in, mends what a model found, draws, submits; pull brings back exactly that."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from annotate.test_push_pull import PHOTOGRAPHS, labels, predict, pull, push, tasks_of
from rushes.store import Store

pytestmark = pytest.mark.live
OUTPUT = Path(__file__).resolve().parents[1] / "output" / "annotate"


@dataclass
class Picture:
    """Where the picture of a task is on the page, and its size as shown to people."""

    x: float
    y: float
    width: float
    height: float
    full_width: int
    full_height: int

    def at(self, x_px, y_px):
        return self.x + x_px * self.width / self.full_width, self.y + y_px * self.height / self.full_height


def open_task(page, served, project, task, full):
    page.goto(f"{served.url}/projects/{project}/data?task={task}", wait_until="domcontentloaded")
    page.wait_for_selector(".konvajs-content canvas")
    place = None
    for _ in range(100):  # the layout settles after the picture has come
        found = page.evaluate(
            '() => Array.from(document.querySelectorAll(\'img[src^="blob:"], img[src*="local-files"]\'))'
            ".map(i => { const r = i.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] })"
        )
        settled = [tuple(box) for box in found if box[2] > 100]
        if settled and settled[0] == place:
            return Picture(*place, *full)
        place = settled[0] if settled else None
        page.wait_for_timeout(300)
    raise AssertionError("the picture did not come")


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    for share in (0.25, 0.5, 0.75, 1.0):
        page.mouse.move(*(a + (b - a) * share for a, b in zip(start, end, strict=True)))
        page.wait_for_timeout(60)
    page.mouse.up()
    page.wait_for_timeout(400)


def submit(page):
    with page.expect_response(lambda r: "/annotations" in r.url and r.request.method == "POST") as sent:
        page.locator('[aria-label="Submit current annotation"]').first.click()
    assert sent.value.ok
    page.wait_for_timeout(500)


def shoot(page, name):
    OUTPUT.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=OUTPUT / f"{name}.png")


def test_a_person_mends_a_box_and_draws_another(page, served, dataset, line, client) -> None:
    predict(dataset, (0, "hand", 80.0, 60.0, 128.0, 80.0))  # 16 px right of and 20 px below the yellow thing
    pushed = push(dataset, line, template="boxes", where=PHOTOGRAPHS)
    task = tasks_of(client, pushed.project)[0]
    picture = open_task(page, served, pushed.project, task.id, (640, 400))
    shoot(page, "1-as-the-model-said")
    drag(page, picture.at(144, 100), picture.at(128, 80))
    page.keyboard.press("Escape")
    page.keyboard.press("2")  # cup
    page.wait_for_timeout(400)
    drag(page, picture.at(400, 200), picture.at(500, 300))
    shoot(page, "2-mended-and-drawn")
    submit(page)
    shoot(page, "3-submitted")
    held = client._get(f"/api/tasks/{task.id}/")["annotations"][0]["result"]
    pulled = pull(dataset, line)
    assert (pulled.events["created"], pulled.problems) == (1, [])
    hand, cup = sorted(labels(dataset, source="human"), key=lambda label: label.class_name, reverse=True)
    assert (hand.class_name, hand.origin, cup.class_name, cup.origin) == (
        "hand",
        "prediction-changed",
        "cup",
        "manual",
    )
    # Where the mouse went, to a pixel of the screen.
    near = {"abs": 1.5 * 640 / picture.width}
    assert (hand.geometry.x_px, hand.geometry.y_px) == pytest.approx((64, 40), **near)
    assert (hand.geometry.width_px, hand.geometry.height_px) == pytest.approx((128, 80), abs=1e-6)
    box = cup.geometry
    assert (box.x_px, box.y_px, box.width_px, box.height_px) == pytest.approx((400, 200, 100, 100), **near)
    # And exactly what the server holds.
    value = next(r["value"] for r in held if r["value"]["rectanglelabels"] == ["cup"])
    assert box.x_px == value["x"] * 640 / 100
    assert box.height_px == value["height"] * 400 / 100
    (event,) = Store.open(dataset).table("label_events").to_pylist()
    assert json.loads(event["payload"])["result"] == held
    assert page.foreign == []


def test_a_box_drawn_on_a_turned_photograph_lies_on_the_stored_one(page, served, dataset, line, client) -> None:
    pushed = push(dataset, line, template="boxes", where=PHOTOGRAPHS)
    task = tasks_of(client, pushed.project)[1]
    # Stored 640x400, EXIF 6: people see 400x640. The yellow thing, stored at 64..192, 40..120, is seen at
    # 280..360, 64..192.
    picture = open_task(page, served, pushed.project, task.id, (400, 640))
    assert picture.height > picture.width
    page.keyboard.press("1")
    page.wait_for_timeout(400)
    drag(page, picture.at(280, 64), picture.at(360, 192))
    shoot(page, "4-turned")
    submit(page)
    pull(dataset, line)
    (hand,) = labels(dataset, source="human")
    near = {"abs": 1.5 * 400 / picture.width}
    box = hand.geometry
    assert (box.x_px, box.y_px, box.width_px, box.height_px) == pytest.approx((64, 40, 128, 80), **near)


def test_a_person_draws_a_gesture_on_the_timeline(page, served, line, client, tmp_path) -> None:
    from rushes import resources
    from rushes.workflow.ingest import Request, ingest

    place = tmp_path / "clips"
    ingest(place, Request(paths=[resources.folder("data_samples") / "gestures" / "wave_s01.mp4"]))
    pushed = push(place, line, template="gesture", where=None)
    row = next(iter(client.index(pushed.project)))
    page.goto(f"{served.url}/projects/{pushed.project}/data?task={row.id}", wait_until="domcontentloaded")
    page.wait_for_selector("video", state="attached")
    page.wait_for_timeout(4000)
    shoot(page, "6-clip")
    page.get_by_text("wave", exact=True).first.click()
    page.wait_for_timeout(300)
    # The chosen gesture gets a row of its own, below the player; a drag along it makes the segment.
    row_of = page.get_by_text("wave", exact=True).last.bounding_box()
    shoot(page, "7-before-drawing")
    y = row_of["y"] + row_of["height"] / 2
    drag(page, (row_of["x"] + 200, y), (row_of["x"] + 330, y))
    shoot(page, "8-gesture")
    submit(page)
    held = client._get(f"/api/tasks/{row.id}/")["annotations"][0]["result"]
    assert pull(place, line).problems == []
    (wave,) = labels(place, source="human")
    (drawn,) = held[0]["value"]["ranges"]
    assert (wave.kind, wave.class_name) == ("segment", "wave")
    assert (wave.index, wave.index_end) == (drawn["start"] - 1, drawn["end"])
    times = Store.open(place).table("frames").sort_by("index")["t_ns"].to_numpy()
    assert (wave.t_start_ns, wave.t_end_ns) == (times[wave.index], times[wave.index_end])
