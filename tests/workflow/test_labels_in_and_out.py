"""Labels of others come onto our frames, and leave them again, with nothing lost in silence."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes import ontology, registry, resources
from rushes.annotate import rows
from rushes.errors import RecipeError, UsageError
from rushes.labels import Box, Label, Relation, Track, TrackKey
from rushes.store import Store
from rushes.workflow import annotate_edit, export, import_labels
from rushes.workflow._labels import vocabulary
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split


@pytest.fixture
def people(shared_data: Path, tmp_path: Path) -> Path:
    """A dataset of the 30 pictures of coco128_people; gives its folder."""
    pictures = tmp_path / "people"
    shutil.copytree(shared_data / "labels" / "coco128_people" / "images" / "train2017", pictures)
    ingest(tmp_path / "set", Request(paths=[pictures]))
    return tmp_path / "set"


def boxes_of_people(shared_data: Path) -> import_labels.Settings:
    place = shared_data / "labels" / "coco128_people"
    return import_labels.Settings(path=place / "object_detection", options={"images": str(place / "images")})


def typed(dataset: Path) -> list[Label]:
    return rows.labels_of(Store.open(dataset).table("labels").to_pylist())


def test_labels_come_in_once_and_go_out_as_they_were(people, shared_data, tmp_path):
    done = import_labels.import_labels(people, boxes_of_people(shared_data))
    assert (done.format, done.labels, done.new, done.pictures, done.left_out) == ("yolo", 329, 329, 30, ())
    stored = typed(people)
    assert Counter(label.class_name for label in stored)["person"] == 140
    assert all(label.stream and label.index is not None and label.t_start_ns is not None for label in stored)
    revision = Store.open(people).revision
    again = import_labels.import_labels(people, boxes_of_people(shared_data))
    assert (again.new, again.changed, again.unchanged, again.removed) == (0, 0, 329, 0)
    assert Store.open(people).revision == revision, "the same file again changes nothing"
    out = export.export(people, export.Settings(format="coco", out=tmp_path / "coco"))
    assert (out.exported.labels_in, out.exported.labels_out, out.exported.left_out) == (329, 329, ())
    read = registry.load("export", "coco").read(tmp_path / "coco", {})
    assert Counter((x.class_name, x.geometry) for each in read.pictures for x in each.labels) == Counter(
        (x.class_name, x.geometry) for x in stored
    )
    for each in read.pictures:
        with Image.open(tmp_path / "coco" / "images" / each.picture.name) as picture:
            assert picture.size == (each.picture.width_px, each.picture.height_px)


def test_an_export_of_ours_read_again_leaves_the_labels_of_people_alone(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    export.export(people, export.Settings(format="coco", out=tmp_path / "coco", pictures=False))
    before = typed(people)
    done = import_labels.import_labels(people, import_labels.Settings(path=tmp_path / "coco"))
    assert (done.format, done.new, done.edited, done.unchanged, done.left_out) == ("coco", 0, 0, 329, ())
    assert typed(people) == before


def test_an_export_of_ours_that_names_no_labels_says_so(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    export.export(people, export.Settings(format="labelstudio_json", out=tmp_path / "ls", pictures=False))
    done = import_labels.import_labels(people, import_labels.Settings(path=tmp_path / "ls"), dry_run=True)
    told = {x.what: x.count for x in done.left_out}
    assert (done.edited, told["labels of an export of Rushes"]) == (0, done.new)


def test_what_was_corrected_in_an_export_of_ours_edits_the_same_labels(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    export.export(people, export.Settings(format="coco", out=tmp_path / "coco", pictures=False))
    (file,) = (tmp_path / "coco" / "annotations").glob("*.json")
    body = json.loads(file.read_text())
    first, second, third = body["annotations"][:3]
    first["bbox"][0] += 1.5
    second["category_id"] = next(c["id"] for c in body["categories"] if c["id"] != second["category_id"])
    gone = third["rushes"]["labels"][0]["label_id"]
    body["annotations"].remove(third)
    file.write_text(json.dumps(body))
    before = {label.label_id: label for label in typed(people)}
    moved, renamed = (one["rushes"]["labels"][0]["label_id"] for one in (first, second))
    # Meanwhile somebody renames the first here: both changes are kept.
    other = next(c["name"] for c in body["categories"] if c["name"] != before[moved].class_name)
    annotate_edit.edit(people, {moved: replace(before[moved], class_name=other)}, author="eve")
    settings = import_labels.Settings(path=tmp_path / "coco")
    assert import_labels.import_labels(people, settings, dry_run=True).edited == 2
    done = import_labels.import_labels(people, settings)
    assert (done.new, done.edited, done.removed) == (0, 2, 0)
    assert [(x.what, x.count) for x in done.left_out] == [("labels that the file has no more", 1)]
    after = {label.label_id: label for label in typed(people)}
    assert after.keys() == before.keys()
    assert after[moved].geometry.x_px == pytest.approx(before[moved].geometry.x_px + 1.5)
    assert (after[moved].class_name, after[gone].geometry) == (other, before[gone].geometry)
    assert after[renamed].class_name != before[renamed].class_name
    assert after[renamed].geometry == before[renamed].geometry
    same = [name for name in before if name not in (moved, renamed)]
    assert [after[name] for name in same] == [before[name] for name in same]
    again = import_labels.import_labels(people, settings)
    assert Store.open(people).table("labels").num_rows == 329
    assert again.revision == done.revision
    # The file that the labels came from at first does not undo what was edited since.
    import_labels.import_labels(people, boxes_of_people(shared_data))
    assert {label.label_id: label for label in typed(people)} == after


def test_a_corrected_file_takes_the_place_of_what_it_said_before(people, shared_data, tmp_path):
    place = tmp_path / "mine"
    shutil.copytree(shared_data / "labels" / "coco128_people" / "object_detection", place)
    options = {"images": str(shared_data / "labels" / "coco128_people" / "images")}
    settings = import_labels.Settings(path=place, options=options)
    import_labels.import_labels(people, settings)
    file = place / "labels" / "train2017" / "000000000036.txt"
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], "0 0.5 0.5 0.25 0.25"]) + "\n")
    done = import_labels.import_labels(people, settings)
    assert (len(lines), done.new, done.changed, done.removed) == (2, 0, 1, 0)
    assert len(typed(people)) == 329
    file.write_text(lines[0] + "\n")
    assert import_labels.import_labels(people, settings).removed == 1
    events = Store.open(people).table("label_events").to_pylist()
    assert len([e for e in events if e["task"] == "000000000036.jpg"]) == 3, "every version is kept"


def test_a_dry_run_says_the_same_and_writes_nothing(people, shared_data):
    revision = Store.open(people).revision
    done = import_labels.import_labels(people, boxes_of_people(shared_data), dry_run=True)
    assert (done.new, Store.open(people).revision, (people / "ontology.yaml").exists()) == (329, revision, False)


def test_labels_of_other_pictures_are_refused(people, shared_data):
    place = shared_data / "labels" / "labelstudio" / "test_import_yolo_data_unif_dims"
    with pytest.raises(UsageError) as caught:
        import_labels.import_labels(people, import_labels.Settings(path=place))
    assert caught.value.code == "labels.no-frame"


def test_a_dataset_without_ontology_says_so(people, tmp_path):
    with pytest.raises(RecipeError) as caught:
        export.export(people, export.Settings(format="coco", out=tmp_path / "coco"))
    assert caught.value.code == "ontology.absent"


def test_a_split_becomes_the_parts_and_a_full_folder_is_refused(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    split(people, SplitSettings(parts={"train": 1.0}))
    settings = export.Settings(format="yolo", out=tmp_path / "yolo", split="default")
    done = export.export(people, settings)
    assert len(list((tmp_path / "yolo" / "labels" / "train").rglob("*.txt"))) == done.exported.pictures == 30
    assert len(list((tmp_path / "yolo" / "images" / "train").rglob("*.jpg"))) == 30
    with pytest.raises(UsageError) as caught:
        export.export(people, settings)
    assert caught.value.code == "labels.occupied"
    with pytest.raises(UsageError) as caught:
        export.export(people, export.Settings(format="yolo", out=tmp_path / "z", split="defalt"))
    assert caught.value.hint == "did you mean 'default'?"
    with pytest.raises(UsageError, match="no option"):
        export.export(people, export.Settings(format="yolo", out=tmp_path / "z", options={"tsak": "obb"}))


def turned_picture(place: Path, orientation: int) -> None:
    place.mkdir()
    pixels = np.zeros((48, 64, 3), np.uint8)
    pixels[4:10, 8:20] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(place / "0.jpg", exif=exif, quality=95)
    Image.fromarray(pixels).save(place / "1.jpg", exif=exif, quality=95)


@pytest.mark.parametrize(("orientation", "turn"), [(1, 0), (6, 90), (3, 180), (8, 270)])
def test_a_box_lies_on_its_pixels_whatever_exif_says(orientation, turn, tmp_path):
    """A white block is boxed in the picture as shown; the export shows it in the box to any program."""
    turned_picture(tmp_path / "pictures", orientation)
    ingest(tmp_path / "set", Request(paths=[tmp_path / "pictures"]))
    with Image.open(tmp_path / "pictures" / "0.jpg") as picture:
        shown = np.rot90(np.asarray(picture.convert("L")), k=-turn // 90) > 128
    top, left = np.argwhere(shown).min(axis=0)
    bottom, right = np.argwhere(shown).max(axis=0) + 1
    height, width = shown.shape
    numbers = (
        (left + right) / 2 / width,
        (top + bottom) / 2 / height,
        (right - left) / width,
        (bottom - top) / height,
    )
    (tmp_path / "txt" / "labels").mkdir(parents=True)
    (tmp_path / "txt" / "classes.txt").write_text("hand\n")
    (tmp_path / "txt" / "labels" / "0.txt").write_text("0 " + " ".join(map(str, numbers)) + "\n")
    settings = import_labels.Settings(path=tmp_path / "txt", options={"images": str(tmp_path / "pictures")})
    import_labels.import_labels(tmp_path / "set", settings)
    (label,) = typed(tmp_path / "set")
    assert isinstance(label.geometry, Box)
    assert [round(x, 6) for x in (label.geometry.x_px, label.geometry.y_px)] == [8, 4]
    assert [round(x, 6) for x in (label.geometry.width_px, label.geometry.height_px)] == [12, 6]
    export.export(tmp_path / "set", export.Settings(format="coco", out=tmp_path / "coco"))
    body = json.loads((tmp_path / "coco" / "annotations" / "labels.json").read_text())
    (written,) = (tmp_path / "coco" / "images").rglob("*.jpg")
    assert body["images"][0]["file_name"] == written.relative_to(tmp_path / "coco" / "images").as_posix()
    assert [round(x, 6) for x in body["annotations"][0]["bbox"]] == [8, 4, 12, 6]
    with Image.open(written) as picture:
        assert picture.getexif().get(0x0112, 1) == 1
        assert (body["images"][0]["width"], body["images"][0]["height"]) == picture.size == (64, 48)


def test_what_lies_on_no_frame_is_reported(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    one = typed(people)[0]
    store = Store.open(people)
    spans = [
        Label(label_id="s", recording_id=one.recording_id, kind="segment", source="human", class_name="wave"),
        Label(
            label_id="r",
            recording_id=one.recording_id,
            stream=one.stream,
            index=one.index,
            kind="relation",
            source="human",
            class_name="holds",
            geometry=Relation(subject_id=one.label_id, object_id=one.label_id),
        ),
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", 2, rows.label_columns(spans))
        transaction.commit()
    done = export.export(people, export.Settings(format="coco", out=tmp_path / "coco"))
    assert (done.exported.labels_in, done.exported.labels_out) == (331, 329)
    assert {x.what for x in done.exported.left_out} == {"labels on no single frame", "relations"}
    assert json.loads((tmp_path / "coco" / "export.json").read_text())["left_out"]


def test_a_track_becomes_a_box_on_every_frame_that_it_is_shown_on(people, shared_data, tmp_path):
    import_labels.import_labels(people, boxes_of_people(shared_data))
    one = typed(people)[0]
    keys = [TrackKey(index=at, x_px=10.0 * at, y_px=1, width_px=9, height_px=9) for at in (2, 6)]
    track = Label(
        label_id="t",
        recording_id=one.recording_id,
        stream=one.stream,
        index=2,
        index_end=8,
        kind="track",
        source="human",
        class_name="person",
        geometry=Track(keys=tuple(keys)),
    )
    store = Store.open(people)
    with store.begin("test") as transaction:
        transaction.append("labels", 1, rows.label_columns([track]))
        transaction.commit()
    done = export.export(
        people, export.Settings(format="coco", out=tmp_path / "coco", source="human", pictures=False)
    )
    assert (done.exported.labels_out, [x.what for x in done.exported.left_out]) == (6, ["tracks"])
    read = registry.load("export", "coco").read(tmp_path / "coco", {})
    boxes = {each.picture.index: x.geometry.x_px for each in read.pictures for x in each.labels}
    assert boxes == {2: 20, 3: 30, 4: 40, 5: 50, 6: 60, 7: 60}
    assert {x.instance for each in read.pictures for x in each.labels} == {"t"}


def test_the_ontology_of_the_dataset_orders_the_classes_and_renames(people, shared_data, tmp_path):
    mine = ontology.parse(
        "ontology: 1\nname: mine\nclasses: [{name: cat}, {name: human, formerly: [person]}]", where="mine"
    )
    done = import_labels.import_labels(
        people, import_labels.Settings(**{**_fields(boxes_of_people(shared_data)), "ontology": mine})
    )
    assert done.ontology_kept
    assert sum(label.class_name == "human" for label in typed(people)) == 140
    assert {x.what for x in done.left_out} == {"unknown classes"}
    written = export.export(people, export.Settings(format="yolo", out=tmp_path / "yolo", pictures=False))
    first = {
        line.split()[0]
        for f in (tmp_path / "yolo" / "labels").rglob("*.txt")
        for line in f.read_text().splitlines()
    }
    assert first <= {"0", "1"}
    assert written.exported.balanced


def _fields(settings: import_labels.Settings) -> dict:
    return {name: getattr(settings, name) for name in ("path", "format", "ontology", "options")}


@pytest.mark.parametrize(
    "sample", ["gestures/wave_s01.mp4", "gestures/pinch_s01.mkv", "tabletop/tabletop_s01_take1.mcap"]
)
def test_frames_of_videos_and_messages_are_written_with_the_pixels_of_the_dataset(sample, tmp_path):
    place = tmp_path / "set"
    ingest(place, Request(paths=[resources.folder("data_samples") / sample]))
    vocabulary.keep(Store.open(place), ontology.load("hands"))
    with Dataset.open(place) as opened:
        recording_id = opened.arrow("recordings")["recording_id"].to_pylist()[0]
        streams = [f for f in opened.picture_streams(recording_id) if f.stream["modality"] == "color"]
        wanted = {f.stream["stream"]: f.image(3) for f in streams}
    labels = [
        Label(
            label_id=name,
            recording_id=recording_id,
            stream=name,
            index=3,
            kind="box",
            source="human",
            class_name="hand",
            geometry=Box(x_px=1, y_px=2, width_px=3, height_px=4),
        )
        for name in wanted
    ]
    store = Store.open(place)
    with store.begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()
    done = export.export(place, export.Settings(format="coco", out=tmp_path / "coco"))
    assert (done.exported.pictures, done.exported.labels_out, done.exported.left_out) == (
        len(wanted),
        len(wanted),
        (),
    )
    for each in registry.load("export", "coco").read(tmp_path / "coco", {}).pictures:
        with Image.open(tmp_path / "coco" / "images" / each.picture.name) as picture:
            found = np.asarray(picture.convert("RGB")).astype(int)
        assert (each.picture.height_px, each.picture.width_px) == found.shape[:2]
        # A JPEG of the recording is the same bytes; two decoders of it may round a step apart.
        assert np.abs(found - wanted[each.picture.stream]).max() <= 4
