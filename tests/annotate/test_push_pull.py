"""Frames go to a real Label Studio and labels come back as they were drawn, whatever happens in between."""

import json
import shutil
import threading
from dataclasses import replace

import httpx
import numpy as np
import pytest

from annotate.proxy import between
from rushes.annotate.label_studio import brush
from rushes.annotate.label_studio.client import Client, ReplyLostError
from rushes.annotate.label_studio.plan import Task
from rushes.annotate.label_studio.sending import send
from rushes.annotate.rows import label_columns, labels_of
from rushes.errors import RecipeError, ToolError, UsageError
from rushes.labels import Box, Keypoints, Label, Relation
from rushes.store import Store
from rushes.workflow import annotate_pull, annotate_push
from rushes.workflow._annotate.project import Line, find

pytestmark = pytest.mark.live
PHOTOGRAPHS = "streams.codec = 'jpeg' AND recordings.reader = 'image_folder'"


def push(dataset, line, template="hands", where=PHOTOGRAPHS, ontology="hands", **more):
    request = annotate_push.Request(template=template, where=where, ontology=ontology, **more)
    return annotate_push.push(dataset, request, line)


def pull(dataset, line):
    return annotate_pull.pull(dataset, line)


def labels(dataset, **where):
    return labels_of(Store.open(dataset).table("labels", where=where or None).to_pylist())


def events(dataset):
    return Store.open(dataset).table("label_events").to_pylist()


def annotate(client, task, result, **more):
    return client._write("POST", f"/api/tasks/{task}/annotations/", {"result": result, "lead_time": 4.5, **more})


def predict(dataset, *boxes, model="m1"):
    """Store boxes of a model: (index, class, x, y, w, h), on the photographs."""
    store = Store.open(dataset)
    (rec,) = [r for r in store.table("recordings").to_pylist() if r["reader"] == "image_folder"]
    (stream,) = store.table("streams", where={"recording_id": rec["recording_id"]})["stream"].to_pylist()
    made = [
        Label(
            label_id=f"{model}{at}",
            recording_id=rec["recording_id"],
            stream=stream,
            index=index,
            kind="box",
            source="model",
            class_name=name,
            geometry=Box(x_px=x, y_px=y, width_px=w, height_px=h),
            image_width_px=640,
            image_height_px=400,
            score=0.75,
            model=model,
        )
        for at, (index, name, x, y, w, h) in enumerate(boxes)
    ]
    with store.begin("test") as transaction:
        transaction.replace("labels", {"source": "model"}, len(made), label_columns(made))
        transaction.commit()
    return made


def box(region="a", label="hand", **value):
    shown = {"original_width": 640, "original_height": 400, "image_rotation": 0}
    value = {"x": 10, "y": 10, "width": 20.5, "height": 20, "rotation": 0, **value, "rectanglelabels": [label]}
    return {
        "id": region,
        "from_name": "box",
        "to_name": "image",
        "type": "rectanglelabels",
        **shown,
        "value": value,
    }


def tasks_of(client, project):
    """Tasks by index of the photograph."""
    return {row.data["shown"]["image"]["index"]: row for row in client.index(project)}


def test_pushing_twice_makes_every_task_once(dataset, line, client) -> None:
    first = push(dataset, line)
    assert (first.tasks, first.sent.created) == (3, 3)
    second = push(dataset, line)
    assert second.project == first.project
    assert (second.sent.created, second.sent.updated, second.sent.same) == (0, 0, 3)
    assert second.revision == first.revision
    assert len(list(client.index(first.project))) == 3


def test_the_server_shows_the_pictures_and_nothing_else_of_the_machine(dataset, line, client, served) -> None:
    pushed = push(dataset, line)
    row = next(iter(client.index(pushed.project)))
    token = {"Authorization": f"Token {served.access.token}"}
    shown = httpx.get(served.url + row.data["image"], headers=token, trust_env=False)
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.content[:2] == b"\xff\xd8"
    assert httpx.get(served.url + row.data["image"], trust_env=False).status_code in (401, 403)
    (served.home.media / "secret.txt").write_text("x")
    for path in ("secret.txt", "../password", "../../etc/passwd", "/etc/passwd"):
        refused = httpx.get(f"{served.url}/data/local-files/?d={path}", headers=token, trust_env=False)
        assert refused.status_code >= 400, path


def test_a_dry_run_makes_nothing(dataset, line, client) -> None:
    request = annotate_push.Request(template="boxes", where=PHOTOGRAPHS, ontology="hands")
    would = annotate_push.push(dataset, request, line, dry_run=True)
    assert (would.sent.created, would.project) == (3, None)
    assert find(client, Store.open(dataset), "boxes") is None
    assert not (dataset / "ontology.yaml").exists()


def test_what_was_drawn_comes_back_to_the_last_bit_and_once(dataset, line, client) -> None:
    pushed = push(dataset, line)
    tasks = tasks_of(client, pushed.project)
    entries = [
        box("a", x=59.43667763157895, y=1 / 3, rotation=33.3),
        {
            **box("a"),
            "from_name": "attribute_side_box",
            "type": "choices",
            "value": {"x": 1, "y": 1, "width": 1, "height": 1, "rotation": 0, "choices": ["left"]},
        },
        box("b", "cup", x=0.1, y=0.7, width=13.37),
        {"type": "relation", "from_id": "a", "to_id": "b", "direction": "right", "labels": ["holds"]},
    ]
    annotate(client, tasks[0].id, entries)
    first = pull(dataset, line)
    assert (first.events, first.labels, first.problems) == ({"created": 1, "updated": 0, "deleted": 0}, 3, [])
    hand, cup, holds = labels(dataset, source="human")
    assert hand.kind == "rotated_box"
    assert hand.geometry.x_px == 59.43667763157895 * 640 / 100
    assert (hand.geometry.rotation_deg, hand.attributes) == (33.3, {"side": "left"})
    assert hand.author == "admin@rushes.localhost"
    assert holds.geometry == Relation(subject_id=hand.label_id, object_id=cup.label_id)
    (event,) = events(dataset)
    assert json.loads(event["payload"])["result"] == entries
    assert hand.received["results"] == entries[:2]
    assert event["lead_time_s"] == 4.5
    again = pull(dataset, line)
    assert (sum(again.events.values()), again.revision) == (0, first.revision)


def test_a_cleared_cache_reads_all_again_and_adds_nothing(dataset, line, client) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    first = pull(dataset, line)
    for file in (dataset / "cache" / "annotate").iterdir():
        file.unlink()
    again = pull(dataset, line)
    assert (again.read, sum(again.events.values()), again.revision) == (1, 0, first.revision)


def test_a_dataset_that_was_set_back_gets_its_labels_again(dataset, line, client, tmp_path) -> None:
    pushed = push(dataset, line)
    older = tmp_path / "older"
    shutil.copytree(dataset, older)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    pull(dataset, line)
    shutil.copytree(dataset / "cache" / "annotate", older / "cache" / "annotate")
    assert pull(older, line).events["created"] == 1
    assert len(labels(older, source="human")) == 1


def test_changes_and_deletions_come_back_and_every_version_stays(dataset, line, client) -> None:
    pushed = push(dataset, line)
    tasks = tasks_of(client, pushed.project)
    made = annotate(client, tasks[0].id, [box()])
    other = annotate(client, tasks[1].id, [box()])
    third = annotate(client, tasks[2].id, [box(), box("b")])
    pull(dataset, line)
    before = {label.event_id: label for label in labels(dataset, source="human")}
    assert len(before) == 3
    client._write("PATCH", f"/api/annotations/{made['id']}/", {"result": [box(x=50)]})
    client._write("DELETE", f"/api/annotations/{other['id']}/")
    client.delete_tasks(pushed.project, [tasks[2].id])
    changed = pull(dataset, line)
    assert changed.events == {"created": 0, "updated": 1, "deleted": 2}
    (left,) = labels(dataset, source="human")
    assert left.geometry.x_px == 320.0
    assert left.label_id in [label.label_id for label in before.values()]
    assert [event["action"] for event in events(dataset)].count("created") == 3
    assert str(third["id"]) in [event["annotation"] for event in events(dataset) if event["action"] == "deleted"]
    again = pull(dataset, line)
    assert (sum(again.events.values()), again.revision) == (0, changed.revision)
    rebuilt = annotate_pull.rebuild(dataset)
    assert rebuilt.labels == 1
    assert labels(dataset, source="human") == [left]
    # The task that a person deleted is made anew by the next push, once.
    assert push(dataset, line).sent.created == 1


def test_a_skipped_task_has_no_labels_but_a_version(dataset, line, client) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()], was_cancelled=True)
    assert pull(dataset, line).labels == 0
    assert [event["cancelled"] for event in events(dataset)] == [True]


def test_predictions_are_shown_upright_and_replaced_not_piled_up(dataset, line, client) -> None:
    predict(dataset, (0, "hand", 64.0, 40.0, 128.0, 80.0), (1, "cup", 64.0, 40.0, 128.0, 80.0))
    pushed = push(dataset, line)
    assert (pushed.predicted, pushed.refused) == (2, [])
    tasks = tasks_of(client, pushed.project)
    (whole,) = client._get(f"/api/tasks/{tasks[1].id}/")["predictions"]
    (shown,) = whole["result"]
    # Stored 640x400, turned clockwise: 400x640 as shown; the stored left edge is the top.
    assert (shown["original_width"], shown["original_height"]) == (400, 640)
    value = shown["value"]
    assert [value[k] for k in ("x", "y", "width", "height")] == pytest.approx([70.0, 10.0, 20.0, 20.0])
    predict(dataset, (0, "hand", 10.0, 10.0, 20.0, 20.0), model="m2")
    again = push(dataset, line)
    assert (again.sent.created, again.sent.updated, again.sent.same) == (0, 2, 1)
    kept = client._get(f"/api/tasks/{tasks[0].id}/")["predictions"]
    assert [prediction["model_version"] for prediction in kept] == ["m2"]
    assert client._get(f"/api/tasks/{tasks[1].id}/")["predictions"] == []
    assert push(dataset, line).sent.same == 3


def test_a_prediction_that_is_submitted_unchanged_is_the_models_box(dataset, line, client) -> None:
    (given, _) = predict(dataset, (1, "hand", 61.7, 43.3, 128.1, 80.9), (0, "cup", 1.0, 1.0, 5.0, 5.0))
    pushed = push(dataset, line)
    task = tasks_of(client, pushed.project)[1]
    (prediction,) = client._get(f"/api/tasks/{task.id}/")["predictions"]
    annotate(client, task.id, [{**entry, "origin": "prediction"} for entry in prediction["result"]])
    pull(dataset, line)
    (back,) = labels(dataset, source="human")
    for name in ("x_px", "y_px", "width_px", "height_px"):
        assert getattr(back.geometry, name) == pytest.approx(getattr(given.geometry, name), abs=1e-9)
    assert (back.origin, back.image_width_px, back.image_height_px) == ("prediction", 640, 400)


def test_a_prediction_that_does_not_fit_is_told_and_not_sent(dataset, line) -> None:
    predict(dataset, (0, "NOT_A_LABEL", 1.0, 1.0, 5.0, 5.0), (0, "hand", 700.0, 1.0, 5.0, 5.0))
    pushed = push(dataset, line)
    assert pushed.predicted == 0
    assert sorted(refused.why for refused in pushed.refused) == [
        "'NOT_A_LABEL' is no class of the ontology",
        "it lies outside the picture",
    ]


def test_a_hand_with_hidden_and_missing_points_comes_back(dataset, line, client) -> None:
    pushed = push(dataset, line)
    task = tasks_of(client, pushed.project)[0]
    points = [
        {**box(f"k{at}"), "from_name": "points_hand21", "type": "keypointlabels", "parentID": "a"}
        | {"value": {"x": 12 + at, "y": 14 + at / 3, "width": 0.5, "keypointlabels": [name]}}
        for at, name in enumerate(("wrist", "thumb_cmc", "pinky_tip"))
    ]
    hidden = {**points[1], "from_name": "hidden_hand21", "type": "choices"}
    hidden["value"] = {"x": 13, "y": 14 + 1 / 3, "width": 0.5, "choices": ["hidden"]}
    annotate(client, task.id, [box("a"), *points, hidden])
    assert pull(dataset, line).problems == []
    hand, joints = labels(dataset, source="human")
    assert isinstance(joints.geometry, Keypoints)
    assert joints.parent_id == hand.label_id
    seen = joints.geometry.triples[2::3]
    assert (seen[0], seen[1], seen[20], sum(seen)) == (2.0, 1.0, 2.0, 5.0)
    assert joints.geometry.triples[3:5] == (13 * 640 / 100, (14 + 1 / 3) * 400 / 100)


def test_a_mask_comes_back_pixel_for_pixel(dataset, line, client) -> None:
    pushed = push(dataset, line, template="masks")
    task = tasks_of(client, pushed.project)[0]
    drawn = np.random.default_rng(5).random((400, 640)) > 0.5
    entry = {**box("m"), "from_name": "mask", "type": "brushlabels"}
    entry["value"] = {"format": "rle", "rle": brush.encode(drawn), "brushlabels": ["hand"]}
    annotate(client, task.id, [entry])
    pull(dataset, line)
    from rushes import masks

    (mask,) = labels(dataset, source="human")
    assert (masks.decode(mask.geometry) == drawn).all()


def test_a_moment_shows_all_cameras_and_relations_across_them(dataset, line, client) -> None:
    pushed = push(dataset, line, template="moment", where="complete AND moment < 3")
    assert pushed.tasks == 3
    row = next(iter(client.index(pushed.project)))
    shown = row.data["shown"]
    assert len(shown) >= 2
    assert row.data["cameras"] == [shown[f"cam{at}"]["stream"] for at in range(len(row.data["cameras"]))]
    sizes = {name: (one["width_px"], one["height_px"]) for name, one in shown.items()}
    entries = []
    for at, name in enumerate(("cam0", "cam1")):
        width, height = sizes[name]
        entry = {**box(f"r{at}", "cup"), "from_name": f"box_{name}", "to_name": name}
        entries.append(entry | {"original_width": width, "original_height": height})
    entries.append(
        {"type": "relation", "from_id": "r0", "to_id": "r1", "direction": "right", "labels": ["same_object"]}
    )
    annotate(client, row.id, entries)
    assert pull(dataset, line).problems == []
    one, two, same = labels(dataset, source="human")
    assert (one.stream, two.stream) == (shown["cam0"]["stream"], shown["cam1"]["stream"])
    assert one.moment == two.moment == shown["cam0"]["moment"]
    assert same.geometry == Relation(subject_id=one.label_id, object_id=two.label_id)
    assert two.geometry.width_px == 20.5 * sizes["cam1"][0] / 100


def test_depth_is_shown_as_a_rendering_of_its_own_size(dataset, line, client, served) -> None:
    pushed = push(dataset, line, template="boxes", where="streams.modality = 'depth' AND frames.\"index\" = 0")
    row = next(iter(client.index(pushed.project)))
    shown = httpx.get(
        served.url + row.data["image"], headers={"Authorization": f"Token {served.access.token}"}, trust_env=False
    )
    assert shown.headers["content-type"] == "image/jpeg"
    assert row.data["shown"]["image"]["width_px"] > 1
    # What the colours mean is told: the percentiles of the depth that was recorded.
    from rushes.workflow.dataset import Dataset

    told = row.data["shown"]["image"]
    with Dataset.open(dataset) as opened:
        frames = opened.frames(told["recording_id"], told["stream"])
        depth = frames.image(0)
        low, high = np.percentile(depth[depth > 0], (1, 99)).round() * frames.stream["depth_unit_m"]
    assert told["rendered"].startswith(f"colours, {low:.3f} m (blue) to {high:.3f} m (red)")
    assert (
        push(
            dataset, line, template="boxes", where="streams.modality = 'depth' AND frames.\"index\" = 0"
        ).sent.same
        == 1
    )


def test_an_unknown_label_and_a_size_that_differs_are_kept_and_told(dataset, line, client) -> None:
    pushed = push(dataset, line)
    task = tasks_of(client, pushed.project)[0]
    annotate(client, task.id, [box("a", "dragon"), {**box("b"), "original_width": 1280}])
    pulled = pull(dataset, line)
    assert sorted(problem.kind for _, problem in pulled.problems) == ["size-differs", "unknown-label"]
    assert {key for key, _ in pulled.problems} == {task.key}
    assert [label.class_name for label in labels(dataset, source="human")] == ["dragon", "hand"]


def test_a_label_renamed_in_the_ontology_is_read_as_the_new_one(dataset, line, client, tmp_path) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    pull(dataset, line)
    text = (dataset / "ontology.yaml").read_text()
    renamed = tmp_path / "renamed.yaml"
    renamed.write_text(text.replace("name: hand,", "name: palm, formerly: [hand],").replace("[hand]}", "[hand]}"))
    renamed.write_text(renamed.read_text().replace("subjects: [hand]", "subjects: [palm]"))
    request = annotate_push.Request(template="hands", where=PHOTOGRAPHS, ontology=str(renamed))
    again = annotate_push.push(dataset, request, line)
    assert again.sent.same == 3
    rebuilt = annotate_pull.rebuild(dataset)
    assert (rebuilt.labels, rebuilt.problems) == (1, [])
    assert [label.class_name for label in labels(dataset, source="human")] == ["palm"]


def test_a_project_that_is_gone_is_no_deletion_of_labels(dataset, line, client) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    pull(dataset, line)
    client.delete_project(pushed.project)
    with pytest.raises(ToolError) as told:
        pull(dataset, line)
    assert told.value.code == "labelstudio.project-gone"
    assert len(labels(dataset, source="human")) == 1
    assert push(dataset, line).sent.created == 3
    assert len(pull(dataset, line).gone) == 1
    assert len(labels(dataset, source="human")) == 1


def test_nothing_to_label_and_no_ontology_are_told(dataset, line) -> None:
    with pytest.raises(RecipeError) as told:
        annotate_push.push(dataset, annotate_push.Request(template="hands"), line)
    assert told.value.code == "ontology.absent"
    with pytest.raises(UsageError) as told:
        push(dataset, line, where="false")
    assert told.value.code == "annotate.nothing"


# Faults, through a proxy in front of the real server.


@pytest.fixture
def project(client):
    made = client.create_project(title="faults", config="<View/>", description="")
    yield made.id
    client.delete_project(made.id)


def some(count, *, start=0):
    return [Task(key=f"k{at}", data={"image": f"x{at}"}) for at in range(start, start + count)]


def keys(client, project):
    return sorted(row.key for row in client.index(project))


@pytest.mark.parametrize("fault", ["lose-request", "lose-reply", "fail-after"])
def test_a_batch_whose_request_or_reply_is_lost_is_there_once(fault, line, client, project) -> None:
    with between(line.access.url) as proxy, Client(replace(line.access, url=proxy.url)) as broken:
        left = iter([fault, "pass", fault])

        def decide(method, path):
            return next(left, "pass") if method == "POST" and "/import" in path else "pass"

        proxy.fault = decide
        sent = send(broken, project, some(10), batch=4, patience_s=1.0)
    assert sent.created == 10
    assert keys(client, project) == sorted(task.key for task in some(10))


def test_a_time_out_after_which_the_server_commits_makes_nothing_twice(line, client, project) -> None:
    with between(line.access.url) as proxy:
        late = iter(["late-reply"])
        proxy.fault = lambda m, path: next(late, "pass") if m == "POST" and "/import" in path else "pass"
        with Client(replace(line.access, url=proxy.url), write_s=1.5) as hasty:
            assert send(hasty, project, some(6), batch=3, patience_s=2.0).created == 6
    assert keys(client, project) == sorted(task.key for task in some(6))


def test_a_batch_that_the_server_carries_out_after_it_was_sent_again_loses_its_copies(
    line, client, project
) -> None:
    """The worst case: the first request lingers, is given up and repeated, and is carried out after all."""
    first = threading.Event()

    class Lingering(Client):
        def import_tasks(self, number, tasks):
            if not first.is_set():
                first.set()
                self.held = (number, list(tasks))
                raise ReplyLostError("lost", code="labelstudio.reply-lost")
            made = super().import_tasks(number, tasks)
            if hasattr(self, "held"):
                super().import_tasks(*self.held)
                del self.held
            return made

    with Lingering(line.access) as client_of_fate:
        sent = send(client_of_fate, project, some(5), patience_s=0.2)
    assert (sent.resent, sent.spare) == (1, 5)
    assert keys(client, project) == sorted(task.key for task in some(5))


def test_a_server_that_loses_every_reply_is_told_and_the_next_run_goes_on(line, client, project) -> None:
    with between(line.access.url) as proxy, Client(replace(line.access, url=proxy.url)) as broken:
        proxy.fault = lambda m, path: "lose-request" if m == "POST" and "/import" in path else "pass"
        with pytest.raises(ReplyLostError) as told:
            send(broken, project, some(3), patience_s=0.1)
        assert told.value.code == "labelstudio.reply-lost"
        proxy.fault = lambda m, path: "pass"
        assert send(broken, project, some(3)).created == 3
    assert len(keys(client, project)) == 3


def test_two_pushes_at_once_from_two_machines_leave_every_task_once(line, client, project) -> None:
    errors = []

    def run():
        try:
            with Client(line.access) as mine:
                send(mine, project, some(40), batch=10)
        except ToolError as error:
            errors.append(error)

    both = [threading.Thread(target=run) for _ in range(2)]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert errors == []
    with Client(line.access) as last:
        send(last, project, some(40))
    assert keys(client, project) == sorted(task.key for task in some(40))


def test_two_pushes_of_one_dataset_give_way_to_each_other(dataset, line) -> None:
    from rushes.workflow._annotate.turns import turn

    with turn(dataset), pytest.raises(ToolError) as told:
        push(dataset, line)
    assert told.value.code == "annotate.busy"


def test_a_lost_reply_to_the_making_of_the_project_makes_one_project(dataset, line, client) -> None:
    with between(line.access.url) as proxy:
        lost = iter(["lose-reply"])
        proxy.fault = lambda m, path: next(lost, "pass") if m == "POST" and path == "/api/projects" else "pass"
        pushed = push(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    marked = [p.id for p in client.projects() if Store.open(dataset).identity in p.description]
    assert marked == [pushed.project]


def test_reading_survives_lost_replies(dataset, line, client) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    with between(line.access.url) as proxy:
        turn = iter(range(10_000))
        proxy.fault = lambda m, path: "lose-reply" if next(turn) % 2 else "pass"
        pulled = pull(dataset, Line(access=replace(line.access, url=proxy.url), name="local"))
    assert pulled.events["created"] == 1


def test_a_token_that_ends_midway_is_told_and_nothing_is_lost(dataset, line, client) -> None:
    pushed = push(dataset, line)
    annotate(client, tasks_of(client, pushed.project)[0].id, [box()])
    bad = Line(access=replace(line.access, token="0" * 40), name="local")
    with pytest.raises(ToolError) as told:
        pull(dataset, bad)
    assert told.value.code == "labelstudio.token"
    assert events(dataset) == []
    assert pull(dataset, line).events["created"] == 1


def test_a_clip_is_one_frame_a_sample_and_a_segment_comes_back_as_samples_and_times(
    line, client, served, tmp_path
) -> None:
    import av

    from rushes import resources
    from rushes.workflow.ingest import Request, ingest

    place = tmp_path / "clips"
    ingest(place, Request(paths=[resources.folder("data_samples") / "gestures" / "wave_s01.mp4"]))
    pushed = push(place, line, template="gesture", where=None)
    assert (pushed.tasks, pushed.unreadable) == (1, [])
    row = next(iter(client.index(pushed.project)))
    store = Store.open(place)
    frames = store.table("frames").sort_by("index")
    times = frames["t_ns"].to_numpy()
    token = {"Authorization": f"Token {served.access.token}"}
    shown = httpx.get(served.url + row.data["video"], headers=token, trust_env=False)
    assert shown.headers["content-type"] == "video/mp4"
    (tmp_path / "shown.mp4").write_bytes(shown.content)
    with av.open(str(tmp_path / "shown.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == len(times)
    value = {"ranges": [{"start": 5, "end": 12}], "timelinelabels": ["wave"]}
    entry = {"id": "s", "from_name": "segment", "to_name": "video", "type": "timelinelabels", "value": value}
    annotate(client, row.id, [entry])
    assert pull(place, line).problems == []
    (wave,) = labels(place, source="human")
    assert (wave.class_name, wave.index, wave.index_end) == ("wave", 4, 12)
    assert (wave.t_start_ns, wave.t_end_ns) == (times[4], times[12])
    assert push(place, line, template="gesture", where=None).sent.same == 1
