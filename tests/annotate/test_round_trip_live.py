"""All that a picture can be labelled with goes to the server and comes back, however EXIF turns the picture."""

import numpy as np
import pytest
from PIL import Image

from annotate.test_push_pull import annotate, labels, pull, push, tasks_of
from rushes import masks
from rushes.annotate.rows import label_columns
from rushes.labels import Box, Keypoints, Label, Polygon, RotatedBox, kind_of
from rushes.store import Store
from rushes.workflow.ingest import Request, ingest

pytestmark = pytest.mark.live
WIDTH, HEIGHT = 64, 40
POINTS = tuple(
    x for at in range(21) for x in ((9.3 + at, 7.1 + at, float(1 + at % 2)) if at % 5 else (0.0, 0.0, 0.0))
)
BITS = np.random.default_rng(4).random((HEIGHT, WIDTH)) > 0.6
HAND = {"attributes": {"side": "left"}}
DRAWN = {
    "boxes": [
        ("box", Box(x_px=3.25, y_px=4.5, width_px=20.1, height_px=1 / 3), HAND),
        ("turned", RotatedBox(x_px=30.0, y_px=12.0, width_px=16.0, height_px=8.0, rotation_deg=25.5), HAND),
    ],
    "polygons": [("ring", Polygon(rings=((1.5, 2.0, 33.3, 2.25, 20.0, 39.9),)), HAND)],
    "masks": [("mask", masks.encode(BITS), HAND)],
    "hands": [
        ("hand", Box(x_px=5.0, y_px=5.0, width_px=40.0, height_px=30.0), HAND),
        ("joints", Keypoints(triples=POINTS), {"parent_id": "hand", **HAND}),
    ],
    "classes": [("whole", None, {})],
}


@pytest.fixture(scope="module")
def album(tmp_path_factory):
    """Eight photographs, one of every orientation that EXIF knows."""
    place = tmp_path_factory.mktemp("album")
    (place / "photographs").mkdir()
    for orientation in range(1, 9):
        picture = Image.new("RGB", (WIDTH, HEIGHT), (20 * orientation, 90, 160))
        exif = picture.getexif()
        exif[274] = orientation
        picture.save(place / "photographs" / f"{orientation}.jpg", exif=exif)
    ingest(place / "dataset", Request(paths=[place / "photographs"]))
    return place / "dataset"


@pytest.mark.parametrize("template", list(DRAWN))
def test_it_comes_back_as_it_was_and_goes_again_to_the_last_bit(template, album, line, client) -> None:
    store = Store.open(album)
    (row,) = store.table("streams").to_pylist()
    made = [
        Label(
            label_id=f"{name}{index}",
            recording_id=row["recording_id"],
            stream=row["stream"],
            index=index,
            kind=kind_of(geometry) if geometry else "class",
            source="model",
            model="m",
            class_name="hand" if geometry else "cup",
            geometry=geometry,
            image_width_px=WIDTH,
            image_height_px=HEIGHT,
            **{key: f"{value}{index}" if key == "parent_id" else value for key, value in more.items()},
        )
        for index in range(8)
        for name, geometry, more in DRAWN[template]
    ]
    with store.begin("test") as transaction:
        transaction.replace("labels", {"tool": "label-studio"}, 0, label_columns([]))
        transaction.replace("labels", {"source": "model"}, len(made), label_columns(made))
        transaction.commit({})
    pushed = push(album, line, template=template, where=None)
    assert (pushed.tasks, pushed.predicted, pushed.refused, pushed.unreadable) == (8, len(made), [], [])
    held = {}
    for index, task in tasks_of(client, pushed.project).items():
        assert task.data["shown"]["image"].get("orientation", 1) == index + 1
        (prediction,) = client._get(f"/api/tasks/{task.id}/")["predictions"]
        annotate(client, task.id, prediction["result"])
        held[index] = client._get(f"/api/tasks/{task.id}/")["annotations"][0]["result"]
    assert pull(album, line).problems == []
    mine = [label for label in labels(album, source="human") if label.kind in {one.kind for one in made}]
    back = {(label.index, label.kind): label for label in mine}
    assert len(back) == len(made)
    for label in made:
        same = back[label.index, label.kind]
        assert (same.class_name, dict(same.attributes)) == (label.class_name, dict(label.attributes))
        assert (same.image_width_px, same.image_height_px) == (WIDTH, HEIGHT)
        assert close(same.geometry, label.geometry)
    # What people drew goes out again as the very numbers that the server holds.
    again = push(album, line, template=template, where=None, predictions=["human"])
    assert (again.sent.updated + again.sent.same, again.refused) == (8, [])
    for index, task in tasks_of(client, pushed.project).items():
        (prediction,) = client._get(f"/api/tasks/{task.id}/")["predictions"]
        assert [numbers(x) for x in prediction["result"]] == [numbers(x) for x in held[index]]


def numbers(entry):
    """What an entry says, without the names of regions, which differ from answer to answer."""
    return {key: value for key, value in entry.items() if key not in ("id", "parentID", "score", "origin")}


def close(a, b) -> bool:
    match a, b:
        case (None, None):
            return True
        case (Box(), Box()) | (RotatedBox(), RotatedBox()):
            names = ("x_px", "y_px", "width_px", "height_px")
            near = all(abs(getattr(a, name) - getattr(b, name)) < 1e-9 for name in names)
            return near and abs(getattr(a, "rotation_deg", 0) - getattr(b, "rotation_deg", 0)) < 1e-9
        case (Polygon(), Polygon()):
            return np.allclose(a.rings, b.rings, atol=1e-9)
        case (Keypoints(), Keypoints()):
            return np.allclose(a.triples, b.triples, atol=1e-9)
    return a == b


KITCHEN = """
ontology: 1
name: kitchen
classes:
  - {name: thing, id: 0}
  - {name: cup, id: 1, parent: thing, attributes: [full, level, words, colour, held_by]}
  - {name: glass, id: 2, parent: cup}
attributes:
  - {name: full, kind: flag}
  - {name: level, kind: number}
  - {name: words, kind: text}
  - {name: colour, kind: choice, values: [red, "blue & green"]}
  - {name: held_by, kind: choices, values: [left hand, right hand, nobody]}
"""


@pytest.fixture
def kitchen(tmp_path):
    """One photograph, and an ontology with a tree of classes and attributes of every kind."""
    (tmp_path / "photographs").mkdir()
    Image.new("RGB", (WIDTH, HEIGHT), (20, 90, 160)).save(tmp_path / "photographs" / "0.jpg")
    ingest(tmp_path / "dataset", Request(paths=[tmp_path / "photographs"]))
    (tmp_path / "dataset" / "ontology.yaml").write_text(KITCHEN)
    return tmp_path / "dataset"


def predict_one(dataset, **facts):
    store = Store.open(dataset)
    (row,) = store.table("streams").to_pylist()
    place = {"recording_id": row["recording_id"], "stream": row["stream"], "index": 0}
    size = {"image_width_px": WIDTH, "image_height_px": HEIGHT}
    label = Label(label_id="one", source="model", model="m", **place, **size, **facts)
    with store.begin("test") as transaction:
        transaction.append("labels", 1, label_columns([label]))
        transaction.commit({})
    return label


def round_trip(dataset, line, client, template, change=lambda results: results):
    """Push what a model said, submit it as changed, pull it, push it again: what the server held, and labels."""
    pushed = push(dataset, line, template=template, where=None, ontology=None)
    assert (pushed.predicted, pushed.refused) == (1, [])
    (task,) = tasks_of(client, pushed.project).values()
    (prediction,) = client._get(f"/api/tasks/{task.id}/")["predictions"]
    annotate(client, task.id, change(prediction["result"]))
    held = client._get(f"/api/tasks/{task.id}/")["annotations"][0]["result"]
    assert pull(dataset, line).problems == []
    again = push(dataset, line, template=template, where=None, ontology=None, predictions=["human"])
    assert again.refused == []
    (sent,) = client._get(f"/api/tasks/{task.id}/")["predictions"]
    return held, sent["result"], labels(dataset, source="human")


def test_a_class_deep_in_a_tree_comes_back_with_the_way_to_it(kitchen, line, client) -> None:
    predict_one(kitchen, kind="class", class_name="glass")
    held, sent, (back,) = round_trip(kitchen, line, client, "classes")
    assert [entry["value"] for entry in held] == [{"taxonomy": [["thing", "cup", "glass"]]}]
    assert (back.class_name, dict(back.attributes)) == ("glass", {"path": ["thing", "cup", "glass"]})
    assert [numbers(x) for x in sent] == [numbers(x) for x in held]


def test_several_classes_of_a_tree_are_a_label_each(kitchen, line, client) -> None:
    predict_one(kitchen, kind="class", class_name="glass")

    def more(results):
        results[0]["value"]["taxonomy"] = [["thing"], ["thing", "cup"]]
        return results

    _, _, back = round_trip(kitchen, line, client, "classes", more)
    assert sorted(label.class_name for label in back) == ["cup", "thing"]


def test_attributes_of_every_kind_come_back_as_they_were(kitchen, line, client) -> None:
    attributes = {
        "full": True,
        "level": 0.1,
        "words": "two\nlines & <more>",
        "colour": "blue & green",
        "held_by": ["left hand", "nobody"],
    }
    box = Box(x_px=3.25, y_px=4.5, width_px=20.1, height_px=7.0)
    predict_one(kitchen, kind="box", class_name="cup", geometry=box, attributes=attributes)
    held, sent, (back,) = round_trip(kitchen, line, client, "boxes")
    assert (back.class_name, dict(back.attributes)) == ("cup", attributes)
    assert [numbers(x) for x in sent] == [numbers(x) for x in held]
