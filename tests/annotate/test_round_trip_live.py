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
