"""Videos in a real Label Studio: frame k is the picture that we say it is, and what is drawn on it comes back."""

import base64
import json
import random
import shutil

import numpy as np
import pytest

import coded
from annotate.test_browser import drag, shoot, submit
from annotate.test_push_pull import annotate, labels, pull, push
from rushes.annotate.label_studio import passport as passports
from rushes.annotate.rows import label_columns
from rushes.annotate.tracks import box_at
from rushes.labels import Label, Track, TrackKey
from rushes.store import Store
from rushes.workflow import annotate_pull
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

pytestmark = pytest.mark.live
SHOWN = (
    "23.976",
    "25",
    "29.97",
    "B-pyramid",
    "variable",
    "dropped frames",
    "start above zero",
    "cut-off Matroska",
)
PICTURE = """() => {
  const canvas = [...document.querySelectorAll('canvas')].find(c => !c.closest('.konvajs-content'));
  const video = document.querySelector('video');
  const [w, h] = [video.videoWidth, video.videoHeight];
  const [x, y] = [Math.round((canvas.width - w) / 2), Math.round((canvas.height - h) / 2)];
  const data = canvas.getContext('2d').getImageData(x, y, w, h).data;
  let text = '';
  for (let i = 0; i < data.length; i += 4) text += String.fromCharCode(data[i]);
  return {grey: btoa(text), width: w, height: h, busy: video.seeking || video.readyState < 2 || !video.paused,
          said: parseInt(document.querySelector("[class*='frames-control']").innerText),
          drawn_on: window.Htx.annotationStore.selected.names.get('video').frame,
          count: window.Htx.annotationStore.selected.names.get('video').length};
}"""


def take_of(place, *kinds):
    """A dataset with a video of each kind, and the number that each sample of each stream must show."""
    folder = place / "videos"
    folder.mkdir(parents=True)
    for kind in kinds:
        made = coded.make(coded.KINDS[kind], place, kind.replace(" ", "-").replace(".", "_"))
        made.replace(folder / f"{kind.replace(' ', '-').replace('.', '_')}{made.suffix}")
    dataset = place / "dataset"
    ingest(dataset, Request(paths=sorted(folder.iterdir())))
    return dataset


def open_clip(page, served, project, task):
    page.goto(f"{served.url}/projects/{project}/data?task={task}", wait_until="domcontentloaded")
    page.wait_for_selector("video", state="attached")
    page.wait_for_function("() => window.Htx?.annotationStore?.selected?.names?.get('video')?.length > 1")
    page.wait_for_timeout(500)


def look(page):
    """Give the frame's number as the page says it, and the number that its picture bears."""
    found = page.evaluate(PICTURE)
    for _ in range(100):
        again = page.evaluate(PICTURE)
        if not again["busy"] and again == found:
            break
        found = again
        page.wait_for_timeout(40)
    grey = np.frombuffer(base64.b64decode(found["grey"]), np.uint8).reshape(found["height"], found["width"])
    assert found["said"] == found["drawn_on"], "a region would be drawn on another frame than the page says"
    return found["said"], coded.read(grey)


def go_to(page, frame):
    page.evaluate(f"() => window.Htx.annotationStore.selected.names.get('video').setFrame({frame})")
    page.wait_for_timeout(60)


def test_frame_k_of_the_player_is_the_picture_of_the_sample_that_the_map_names(
    page, served, line, client, tmp_path
) -> None:
    dataset = take_of(tmp_path, *SHOWN)
    pushed = push(dataset, line, template="gesture", where=None)
    rows = list(client.index(pushed.project))
    assert len(rows) == len(SHOWN)
    told = {}
    with Dataset.open(dataset) as opened:
        names = {one["recording_id"]: one["name"] for one in opened.arrow("recordings").to_pylist()}
        for row in rows:
            passport = passports.of_task(row.data)["video"]
            frames = opened.frames(passport.recording_id, passport.stream)
            truth = [coded.read(frames.image(index)) for index in range(len(frames))]
            samples = passport.frame_map.samples.tolist()
            open_clip(page, served, pushed.project, row.id)
            count = page.evaluate(PICTURE)["count"]
            assert count == len(samples) == passport.frame_map.frames
            asked = [1, count, 2, *random.Random(3).sample(range(1, count + 1), 9)]
            seen = []
            for frame in asked:
                go_to(page, frame)
                seen.append((frame, *look(page)))
            for step in range(5, 10):  # where a player that was paused can stand: at the very start of a frame
                time_s = round(step / passport.rate_hz / 0.002) * 0.002
                page.evaluate(f"() => {{ document.querySelector('video').currentTime = {time_s} }}")
                page.wait_for_timeout(100)
                said, number = look(page)
                seen.append((said, said, number))
            wrong = [one for one in seen if one != (one[0], one[0], truth[samples[one[0] - 1]])]
            for frame in {one[0] for one in wrong}:  # on a busy machine the player lags after a pause: look again
                go_to(page, frame % count + 1)
                go_to(page, frame)
                if (frame, *look(page)) == (frame, frame, truth[samples[frame - 1]]):
                    wrong = [one for one in wrong if one[0] != frame]
            told[names[passport.recording_id]] = (len(seen), wrong)
    shoot(page, "20-coded-video")
    assert not any(wrong for _, wrong in told.values()), told
    assert sum(count for count, _ in told.values()) == 17 * len(SHOWN)


def spans_of(dataset, kind="dropped frames"):
    """Store a model's track and segment on the only stream, over its gap."""
    store = Store.open(dataset)
    (stream,) = store.table("streams").to_pylist()
    keys = (
        TrackKey(index=10, x_px=10.0, y_px=20.0, width_px=40.0, height_px=30.0),
        TrackKey(index=40, x_px=70.0, y_px=50.0, width_px=40.0, height_px=30.0, rotation_deg=20.0),
        TrackKey(index=60, x_px=70.0, y_px=50.0, width_px=40.0, height_px=30.0, shown=False),
    )
    common = {
        "recording_id": stream["recording_id"],
        "stream": stream["stream"],
        "source": "model",
        "model": "m1",
        "image_width_px": coded.WIDTH,
        "image_height_px": coded.HEIGHT,
    }
    track = Label(
        label_id="t1", kind="track", class_name="hand", geometry=Track(keys=keys), index=10, index_end=60, **common
    )
    segment = Label(label_id="s1", kind="segment", class_name="wave", index=30, index_end=55, **common)
    with store.begin("test") as transaction:
        transaction.replace("labels", {"source": "model"}, 2, label_columns([track, segment]))
        transaction.commit()
    return track, segment


def test_what_a_model_says_of_a_clip_comes_back_as_said_and_as_changed(line, client, tmp_path) -> None:
    dataset = take_of(tmp_path, "dropped frames")
    track, _ = spans_of(dataset)
    pushed = push(dataset, line, template="gesture", where=None)
    assert (pushed.predicted, pushed.refused) == (2, [])
    (row,) = client.index(pushed.project)
    passport = passports.of_task(row.data)["video"]
    assert passport.holds
    (predicted,) = client._get(f"/api/tasks/{row.id}/")["predictions"]
    results = predicted["result"]
    annotate(client, row.id, results, prediction=predicted["id"])
    assert pull(dataset, line).problems == []
    back = {label.kind: label for label in labels(dataset, source="human")}
    assert (back["segment"].index, back["segment"].index_end) == (30, 55)
    for sample in range(89):
        was, now = (box_at(t, sample, end=60) for t in (track.geometry, back["track"].geometry))
        assert (was is None) == (now is None), sample
        if was is not None:
            assert (now.x_px, now.y_px) == pytest.approx((was.x_px, was.y_px), abs=1e-9)
    with Dataset.open(dataset) as opened:
        times = opened.frames(passport.recording_id, passport.stream).t_ns
    assert (back["segment"].t_start_ns, back["segment"].t_end_ns) == (times[30], times[55])
    # A person moves a key to a frame in which a picture is held, and draws the segment to the very last frame.
    hold, further = passport.holds[3]
    frame = passport.frame_map.last_frame(hold) + 1
    assert further > 1
    sequence = next(r for r in results if r["type"] == "videorectangle")["value"]["sequence"]
    moved = {**sequence[0], "frame": frame, "x": 50.0, "enabled": True}
    changed = json.loads(json.dumps(results))
    for result in changed:
        if "sequence" in result["value"]:
            result["value"]["sequence"] = sorted(
                [*(key for key in sequence if key["frame"] != frame), moved], key=lambda key: key["frame"]
            )
        else:
            result["value"]["ranges"] = [{"start": 117, "end": passport.frame_map.frames}]
    (made,) = client._get(f"/api/tasks/{row.id}/")["annotations"]
    client._write("PATCH", f"/api/annotations/{made['id']}/", {"result": changed})
    assert pull(dataset, line).events["updated"] == 1
    back = {label.kind: label for label in labels(dataset, source="human")}
    assert box_at(back["track"].geometry, hold, end=60).x_px == 50.0 * coded.WIDTH / 100
    assert back["segment"].index_end == len(times) == 89
    assert back["segment"].index == passport.frame_map.sample_at(116)
    assert back["segment"].t_end_ns > times[88]


def test_labels_of_a_picture_that_has_changed_are_told_and_not_taken(line, client, tmp_path) -> None:
    dataset = take_of(tmp_path, "30")
    pushed = push(dataset, line, template="gesture", where=None)
    (row,) = client.index(pushed.project)
    value = {"ranges": [{"start": 3, "end": 7}], "timelinelabels": ["wave"]}
    annotate(
        client,
        row.id,
        [{"id": "s", "from_name": "segment", "to_name": "video", "type": "timelinelabels", "value": value}],
    )
    kept = tmp_path / "videos" / "30.mp4"
    original = kept.read_bytes()
    turned = coded.make(coded.Kind(start=0, x264="keyint=30:bframes=0", count=90), tmp_path, "other")
    coded.ffmpeg("-i", str(turned), "-vf", "negate", "-c:v", "libx264", "-bf", "0", str(kept))
    pulled = pull(dataset, line)
    assert [problem.kind for _, problem in pulled.problems] == ["picture-differs"]
    assert "no labels were made" in pulled.problems[0][1].said
    assert labels(dataset, source="human") == []
    assert len(Store.open(dataset).table("label_events")) == 1
    # The picture comes back, and so do the labels, out of the version that was kept.
    kept.write_bytes(original)
    assert annotate_pull.rebuild(dataset).labels == 1
    shutil.rmtree(tmp_path / "videos")
    rebuilt = annotate_pull.rebuild(dataset)
    assert (rebuilt.labels, [problem.kind for _, problem in rebuilt.problems]) == (1, ["unchecked"])


def test_a_person_moves_a_box_and_draws_a_segment_on_a_video_of_variable_rate(
    page, served, line, client, tmp_path
) -> None:
    dataset = take_of(tmp_path, "dropped frames")
    spans_of(dataset)
    pushed = push(dataset, line, template="gesture", where=None)
    (row,) = client.index(pushed.project)
    passport = passports.of_task(row.data)["video"]
    open_clip(page, served, pushed.project, row.id)
    frame = passport.frame_map.first_frame(20) + 1
    page.get_by_text("hand", exact=True).last.click()  # the region in the list; the player goes to its first frame
    page.wait_for_timeout(500)
    go_to(page, frame)
    page.wait_for_timeout(500)
    shoot(page, "21-track")
    stage = page.locator(".konvajs-content canvas").first.bounding_box()
    left, top = stage["x"] + (stage["width"] - coded.WIDTH) / 2, stage["y"] + (stage["height"] - coded.HEIGHT) / 2
    start = (left + 30 + 20, top + 30 + 15)  # at sample 20 the box is at 30, 30, 40 x 30
    drag(page, start, (start[0] - 12, start[1] + 25))
    shoot(page, "22-moved")
    page.keyboard.press("Escape")
    page.get_by_text("point", exact=True).first.click()
    page.wait_for_timeout(300)
    go_to(page, 1)
    row_of = page.get_by_text("point", exact=True).last.bounding_box()
    y = row_of["y"] + row_of["height"] / 2
    drag(page, (row_of["x"] + 260, y), (row_of["x"] + 420, y))
    shoot(page, "23-segment")
    submit(page)
    held = client._get(f"/api/tasks/{row.id}/")["annotations"][0]["result"]
    assert pull(dataset, line).problems == []
    found = labels(dataset, source="human")
    (track,) = (label for label in found if label.kind == "track")
    sequence = next(r for r in held if r["type"] == "videorectangle")["value"]["sequence"]
    moved = next(key for key in sequence if key["frame"] == frame)
    box = box_at(track.geometry, 20, end=track.index_end)
    assert (box.x_px, box.y_px) == (moved["x"] * coded.WIDTH / 100, moved["y"] * coded.HEIGHT / 100)
    assert (box.x_px, box.y_px) == pytest.approx((18, 55), abs=3)
    (point,) = (label for label in found if label.class_name == "point")
    (drawn,) = next(r for r in held if r.get("value", {}).get("timelinelabels") == ["point"])["value"]["ranges"]
    samples = passport.frame_map.samples
    assert (point.index, point.index_end) == (samples[drawn["start"] - 1], samples[drawn["end"] - 1] + 1)
    (wave,) = (label for label in found if label.class_name == "wave")
    assert (wave.index, wave.index_end) == (30, 55)
    assert page.foreign == []
