"""Stretches of numbers and sound that people draw in the browser come back as the samples and times they cover."""

import json

import numpy as np
import pytest

from annotate.test_browser import drag, shoot, submit
from annotate.test_push_pull import annotate, labels, pull, push
from rushes import resources
from rushes.annotate.rows import label_columns
from rushes.labels import Label
from rushes.store import Store
from rushes.workflow.ingest import Request, ingest

pytestmark = pytest.mark.live


@pytest.fixture
def take(tmp_path):
    place = tmp_path / "take"
    ingest(place, Request(paths=[resources.folder("data_samples") / "tabletop" / "tabletop_s01_take1.mcap"]))
    return place


def times(dataset, table, stream):
    return Store.open(dataset).table(table, where={"stream": stream}).sort_by("index")["t_ns"].to_numpy()


def found_by_model(dataset, stream, index, index_end, **more):
    store = Store.open(dataset)
    (rec,) = store.table("recordings")["recording_id"].to_pylist()
    made = Label(
        label_id="m1",
        recording_id=rec,
        stream=stream,
        index=index,
        index_end=index_end,
        kind="segment",
        source="model",
        class_name="wave",
        model="m",
        **more,
    )
    with store.begin("test") as transaction:
        transaction.replace("labels", {"source": "model"}, 1, label_columns([made]))
        transaction.commit({})


def test_a_stretch_that_a_model_found_is_shown_and_comes_back_as_the_same_samples(take, line, client) -> None:
    found_by_model(take, "/imu", 700, 1301)
    pushed = push(take, line, template="signal", where="stream = '/imu'")
    assert (pushed.tasks, pushed.predicted, pushed.unreadable) == (1, 1, [])
    row = next(iter(client.index(pushed.project)))
    (prediction,) = client._get(f"/api/tasks/{row.id}/")["predictions"]
    annotate(client, row.id, prediction["result"])
    assert pull(take, line).problems == []
    (wave,) = labels(take, source="human")
    stamps = times(take, "imu", "/imu")
    assert (wave.kind, wave.class_name, wave.index, wave.index_end) == ("segment", "wave", 700, 1301)
    assert (wave.t_start_ns, wave.t_end_ns) == (stamps[700], stamps[1301])
    assert (wave.image_width_px, wave.geometry) == (None, None)
    assert push(take, line, template="signal", where="stream = '/imu'").sent.same == 1


def test_sound_that_a_model_found_comes_back_to_the_sample(take, line, client) -> None:
    found_by_model(take, "/audio", 3, 6, attributes={"sample": 3001, "sample_end": 5002})
    pushed = push(take, line, template="audio", where=None)
    row = next(iter(client.index(pushed.project)))
    (prediction,) = client._get(f"/api/tasks/{row.id}/")["predictions"]
    annotate(client, row.id, prediction["result"])
    assert pull(take, line).problems == []
    (wave,) = labels(take, source="human")
    stamps = times(take, "audio", "/audio")
    assert (wave.index, wave.index_end) == (3, 6)
    assert wave.attributes == {"sample": 3001, "sample_end": 5002, "channel": 0}
    assert wave.t_start_ns == stamps[3] + round((3001 - 3 * 960) * 1e9 / 48_000)
    assert wave.t_end_ns == stamps[5] + round((5002 - 5 * 960) * 1e9 / 48_000)


def test_a_stretch_beside_the_stream_and_times_that_changed_are_told(take, line, client) -> None:
    pushed = push(take, line, template="signal", where="stream = '/imu'")
    row = next(iter(client.index(pushed.project)))
    beside = {"start": 100.0, "end": 200.0, "instant": False, "timeserieslabels": ["wave"]}
    entry = {"id": "s", "from_name": "stretch", "to_name": "series", "type": "timeserieslabels", "value": beside}
    annotate(client, row.id, [entry])
    assert [problem.kind for _, problem in pull(take, line).problems] == ["unreadable"]
    shown = {"series": row.data["shown"]["series"] | {"axis": "0" * 16}}
    client.update_task(row.id, {**row.data, "shown": shown})
    annotate(client, row.id, [{**entry, "value": {**beside, "start": 0.1, "end": 0.2}}])
    assert {problem.kind for _, problem in pull(take, line).problems} == {"axis-differs", "no-axis"}
    assert labels(take, source="human") == []


def test_a_person_draws_a_stretch_of_numbers(page, served, take, line, client) -> None:
    pushed = push(take, line, template="signal", where="stream = '/imu'")
    row = next(iter(client.index(pushed.project)))
    page.goto(f"{served.url}/projects/{pushed.project}/data?task={row.id}", wait_until="domcontentloaded")
    plot = page.locator(".htx-timeseries-multichannel svg .new_brush .overlay").first
    plot.wait_for()
    page.wait_for_timeout(1500)
    shoot(page, "series-1-shown")
    page.get_by_text("wave", exact=True).first.click()
    box = plot.bounding_box()
    y = box["y"] + box["height"] / 2
    drag(page, (box["x"] + box["width"] * 0.25, y), (box["x"] + box["width"] * 0.5, y))
    shoot(page, "series-2-drawn")
    submit(page)
    held = client._get(f"/api/tasks/{row.id}/")["annotations"][0]["result"]
    assert pull(take, line).problems == []
    (wave,) = labels(take, source="human")
    stamps = times(take, "imu", "/imu")
    place = (stamps - stamps[0]) / 1e9
    # What the server holds are two samples of the stream, to the last bit of their places.
    assert (held[0]["value"]["start"], held[0]["value"]["end"]) == (place[wave.index], place[wave.index_end - 1])
    assert (wave.t_start_ns, wave.t_end_ns) == (stamps[wave.index], stamps[wave.index_end])
    # And where the mouse went, to two pixels of the screen.
    near = {"abs": 2 * place[-1] / box["width"]}
    assert place[wave.index] == pytest.approx(place[-1] * 0.25, **near)
    assert place[wave.index_end - 1] == pytest.approx(place[-1] * 0.5, **near)
    assert page.foreign == []


def test_a_person_draws_a_stretch_of_sound(page, served, take, line, client) -> None:
    pushed = push(take, line, template="audio", where=None)
    row = next(iter(client.index(pushed.project)))
    page.goto(f"{served.url}/projects/{pushed.project}/data?task={row.id}", wait_until="domcontentloaded")
    wave_box = page.locator("[data-testid='sound-visual'], .lsf-audio-tag canvas, .lsf-audio canvas, canvas").first
    wave_box.wait_for()
    page.wait_for_timeout(4000)
    shoot(page, "sound-1-shown")
    page.get_by_text("wave", exact=True).first.click()
    box = wave_box.bounding_box()
    y = box["y"] + 60
    drag(page, (box["x"] + box["width"] * 0.2, y), (box["x"] + box["width"] * 0.6, y))
    shoot(page, "sound-2-drawn")
    submit(page)
    held = client._get(f"/api/tasks/{row.id}/")["annotations"][0]["result"]
    assert pull(take, line).problems == []
    (wave,) = labels(take, source="human")
    stamps = times(take, "audio", "/audio")
    start, end = (round(held[0]["value"][name] * 48_000) for name in ("start", "end"))
    assert (wave.attributes["sample"], wave.attributes["sample_end"]) == (start, end)
    assert (wave.index, wave.index_end) == (start // 960, -(-end // 960))
    assert wave.t_start_ns == stamps[wave.index] + round((start % 960) * 1e9 / 48_000)
    assert start / 144_000 == pytest.approx(0.2, abs=0.01)
    assert end / 144_000 == pytest.approx(0.6, abs=0.01)
    assert np.diff(stamps).min() > 0
    assert json.loads(Store.open(take).table("label_events").to_pylist()[0]["payload"])["result"] == held
    assert page.foreign == []
