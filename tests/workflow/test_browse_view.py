"""What the App is handed of a dataset: labels, words, what was asked for, and pictures."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rushes import ontology
from rushes.annotate.rows import label_columns
from rushes.browse.view import BrowseView
from rushes.errors import UsageError
from rushes.labels import Box, Label, Polygon, Relation, Track, TrackKey
from rushes.store import Store
from rushes.workflow._browse.renderings import Renderings
from rushes.workflow._labels import vocabulary
from rushes.workflow.browse import browse_view
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

COUNT = 6


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset of six pictures, the last of which says that it is to be turned."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    generator = np.random.default_rng(1)
    for at in range(COUNT):
        exif = Image.Exif()
        if at == COUNT - 1:
            exif[0x0112] = 6
        picture = Image.fromarray(generator.integers(0, 255, (48, 64, 3), np.uint8))
        picture.save(pictures / f"{at}.jpg", exif=exif)
    ingest(tmp_path / "set", Request(paths=[pictures]))
    vocabulary.keep(Store.open(tmp_path / "set"), ontology.load("hands"))
    return tmp_path / "set"


def keep(place: Path, *labels: dict[str, Any]) -> list[Label]:
    """Store labels of a file on the dataset's only stream."""
    store = Store.open(place)
    stream = store.table("streams", columns=["recording_id", "stream"]).to_pylist()[0]
    usual = {**stream, "source": "import", "tool": "coco", "image_width_px": 64, "image_height_px": 48}
    made = [Label(**{"label_id": f"l{at}", **usual, **label}) for at, label in enumerate(labels)]
    with store.begin("test") as transaction:
        transaction.append("labels", len(made), label_columns(made))
        transaction.commit()
    return made


def view_of(place: Path, **more: Any) -> BrowseView:
    with Dataset.open(place) as dataset:
        return browse_view(dataset, **more)


def drawn(view: BrowseView) -> list[tuple[Any, ...]]:
    columns = ("label_id", "kind", "predicted", "origin", "x_px")
    rows = view.samples.index[view.labels.row].tolist()
    return list(zip(rows, *(view.labels.table[name].to_pylist() for name in columns), strict=True))


def box(x_px: float) -> Box:
    return Box(x_px=x_px, y_px=4.0, width_px=8.0, height_px=8.0)


def key(index: int, x_px: float) -> TrackKey:
    return TrackKey(index=index, x_px=x_px, y_px=4.0, width_px=8.0, height_px=8.0)


def test_labels_lie_on_their_pictures_and_a_model_s_are_told_apart(place: Path) -> None:
    keep(
        place,
        {"kind": "box", "geometry": box(3.0), "index": 2, "class_name": "hand"},
        {"kind": "box", "geometry": box(5.0), "index": 2, "source": "model", "tool": "yolox", "score": 0.9},
        {"kind": "box", "geometry": box(7.0), "index": 0},
        {"kind": "box", "geometry": box(9.0), "index": 99},
        {"kind": "box", "geometry": box(9.0), "index": 1, "recording_id": "gone"},
    )
    assert drawn(view_of(place)) == [
        (0, "l2", "box", False, "import", 7.0),
        (2, "l0", "box", False, "import", 3.0),
        (2, "l1", "box", True, "yolox", 5.0),
    ]


def test_a_track_has_its_box_on_every_picture_that_it_is_shown_on(place: Path) -> None:
    track = Track(keys=(key(1, 10.0), key(3, 30.0)))
    outline = Polygon(rings=((1.0, 1.0, 9.0, 1.0, 9.0, 9.0),))
    keep(
        place,
        {"kind": "track", "geometry": track, "index": 1, "index_end": 5},
        {"kind": "polygon", "geometry": outline, "index": 2},
    )
    view = view_of(place)
    assert drawn(view) == [
        (1, "l0", "track", False, "import", 10.0),
        (2, "l0", "track", False, "import", 20.0),
        (2, "l1", "polygon", False, "import", None),
        (3, "l0", "track", False, "import", 30.0),
        (4, "l0", "track", False, "import", 30.0),
    ]
    points = view.labels.table["points"].to_pylist()
    assert points == [None, None, [1.0, 1.0, 9.0, 1.0, 9.0, 9.0], None, None]


def test_segments_and_relations_become_words_of_the_pictures_within(place: Path) -> None:
    keep(
        place,
        {"kind": "segment", "class_name": "wave", "index": 1, "index_end": 4},
        {"kind": "class", "class_name": "indoors", "stream": None},
        {"kind": "box", "geometry": box(3.0), "index": 2, "class_name": "hand"},
        {"kind": "box", "geometry": box(5.0), "index": 2, "class_name": "cup"},
        {"kind": "relation", "geometry": Relation(subject_id="l2", object_id="l3"), "class_name": "holds"},
    )
    words = view_of(place).words_of()
    assert words["segments"] == {
        row: ["indoors", "wave"] if row in (1, 2, 3) else ["indoors"] for row in range(COUNT)
    }
    assert words["relations"] == {2: ["hand holds cup"]}


def test_pictures_where_a_model_sees_otherwise_are_marked(place: Path) -> None:
    hand = {"kind": "box", "class_name": "hand"}
    model = {**hand, "source": "model", "tool": "yolox", "score": 0.9}
    keep(
        place,
        {**hand, "geometry": box(3.0), "index": 0},
        {**model, "geometry": box(3.5), "index": 0},  # the same
        {**hand, "geometry": box(3.0), "index": 1},
        {**model, "geometry": box(40.0), "index": 1},  # elsewhere
        {**hand, "geometry": box(3.0), "index": 2},
        {**model, "geometry": box(40.0), "index": 2, "score": 0.2},  # not sure of it, so nothing was found
        {**model, "geometry": box(40.0), "index": 3},  # nobody has labelled this one
    )
    assert view_of(place).words_of()["differs"] == {1: ["model"], 2: ["model"]}


def test_what_is_asked_for_is_chosen_by_columns_findings_and_parts(place: Path) -> None:
    with Store.open(place).begin("test") as transaction:
        row = Store.open(place).table("streams", columns=["recording_id", "stream"]).to_pylist()[0]
        found = {"check": "image.blur", "index": 1, "count": 2, "severity": "warning", "message": "blurred"}
        transaction.append("findings", 1, {**row, **found})
        part = {"split": "s", "recording_id": row["recording_id"], "part": "val", "group": "g", "group_by": "x"}
        transaction.append("splits", 1, {**part, "pinned": False, "reason": "r", "seed": 1})
        transaction.commit()

    def asked(where: str) -> list[int]:
        view = view_of(place, where=where)
        assert view.chosen is not None
        return view.samples.index[view.chosen[1]].tolist()

    assert asked("findings > 0") == [1, 2]
    assert asked("findings = 0 AND index < 4") == [0, 3]
    assert asked("split = 'val'") == list(range(COUNT))
    with pytest.raises(UsageError) as nothing:
        asked("split = 'train'")
    assert nothing.value.code == "browse.none-chosen"
    with pytest.raises(UsageError) as wrong:
        asked("nonsense > 1")
    assert wrong.value.code == "store.query"


def test_no_browser_turns_a_picture_that_labels_count_as_stored(place: Path) -> None:
    with Dataset.open(place) as dataset:
        stream = dataset.arrow("streams").to_pylist()[0]
        given = Renderings(dataset)(stream["recording_id"], stream["stream"], COUNT - 1)
        stored = dataset.frames(stream["recording_id"], stream["stream"]).bytes(COUNT - 1)
    one, other = Image.open(BytesIO(given[0])), Image.open(BytesIO(stored))
    assert (one.getexif().get(0x0112), other.getexif().get(0x0112)) == (1, 6)
    assert np.array_equal(np.asarray(one), np.asarray(other))


def test_rendered_pictures_are_kept_within_a_limit(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for at in range(4):
        Image.fromarray(np.full((48, 64, 3), 60 * at, np.uint8)).save(folder / f"{at}.png")
    ingest(tmp_path / "set", Request(paths=[folder]))
    with Dataset.open(tmp_path / "set") as dataset:
        stream = dataset.arrow("streams").to_pylist()[0]
        place = (stream["recording_id"], stream["stream"])
        size = len(Renderings(dataset)(*place, 0)[0])
        few = Renderings(dataset, most_bytes=2 * size + size // 2)
        first = [few(*place, at)[0] for at in range(4)]
        assert 0 < few.held_bytes <= 2 * size + size // 2
        assert [few(*place, at)[0] for at in range(4)] == first
