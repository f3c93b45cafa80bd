"""A model labels a dataset, is evaluated against what people say, and people are held against one another."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from rushes import ontology
from rushes.annotate import rows
from rushes.errors import UsageError
from rushes.labels import Box, Label, LabelEvent
from rushes.store import Store
from rushes.workflow import import_labels
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.choosing import chosen, frame_of
from rushes.workflow.agree import agree_on
from rushes.workflow.evaluate import evaluate_sources
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.predict import Settings, predict


@pytest.fixture(scope="module")
def people(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The 30 pictures of coco128_people with their boxes, and what yolox_nano sees in them."""
    place = tmp_path_factory.mktemp("people")
    source = shared_data / "labels" / "coco128_people"
    shutil.copytree(source / "images" / "train2017", place / "pictures")
    ingest(place / "set", Request(paths=[place / "pictures"]))
    options = {"images": str(source / "images")}
    import_labels.import_labels(
        place / "set", import_labels.Settings(path=source / "object_detection", options=options)
    )
    predict(place / "set", settings(shared_data))
    return place / "set"


def settings(shared_data: Path, **more) -> Settings:
    return Settings(model=shared_data / "models" / "yolox_nano" / "yolox_nano.onnx", **more)


def test_the_detector_is_as_good_as_is_known(people):
    done = evaluate_sources(people, truth=chosen("import"), predicted=chosen("model:yolox"), at_score=0.3)
    person = next(m for m in done.classes if m.class_name == "person")
    assert (done.frames, person.truths) == (30, 140)
    assert person.recall == pytest.approx(0.52, abs=0.03)
    assert person.precision == pytest.approx(0.78, abs=0.03)
    assert next(m.class_name for m in done.classes) == "person", "in the order of the ontology"


def test_predictions_name_their_model_and_a_second_run_changes_nothing(people, shared_data):
    store = Store.open(people)
    labels = rows.labels_of(store.table("labels", where={"source": "model"}).to_pylist())
    assert {(x.tool, len(x.model or "")) for x in labels} == {("yolox", 64)}
    assert all(x.score is not None and x.score >= 0.3 for x in labels)
    again = predict(people, settings(shared_data))
    assert (again.labels, again.revision) == (len(labels), store.revision)


def test_a_run_that_is_stopped_keeps_the_recordings_that_it_finished(shared_data, tmp_path):
    pictures = sorted((shared_data / "labels" / "coco128_people" / "images" / "train2017").iterdir())
    for folder, picture in zip(("one", "two"), pictures, strict=False):
        (tmp_path / folder).mkdir()
        shutil.copy(picture, tmp_path / folder)
    place = tmp_path / "set"
    ingest(place, Request(paths=[tmp_path / "one", tmp_path / "two"]))

    def stop_at_the_second(what, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(place, settings(shared_data), progress=stop_at_the_second)
    kept = Store.open(place)
    assert kept.table("label_events").num_rows == 1
    done = predict(place, settings(shared_data))
    store = Store.open(place)
    assert (store.table("label_events").num_rows, done.revision) == (2, kept.revision + 1)
    assert store.table("labels").num_rows == done.labels


def test_a_picture_in_which_nothing_is_seen_still_counts_as_looked_at(people):
    events = Store.open(people).table("label_events", where={"action": "predicted"}).to_pylist()
    assert len(events) == 30
    assert all(frame_of(event["task_key"]) for event in events)


def test_other_options_take_the_place_of_the_models_earlier_labels(shared_data, people, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(people, copy)
    before = Store.open(copy).table("labels", where={"source": "model"}).num_rows
    done = predict(copy, settings(shared_data, options={"score": "0.8"}))
    assert 0 < done.labels < before
    assert Store.open(copy).table("labels", where={"source": "model"}).num_rows == done.labels


def test_classes_that_the_ontology_lacks_are_counted(shared_data, people, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(people, copy)
    vocabulary.keep(Store.open(copy), ontology.from_classes("few", ["person"]))
    done = predict(copy, settings(shared_data), dry_run=True)
    assert set(done.classes) == {"person"}
    assert {x.what for x in done.left_out} == {"unknown classes"}


def test_wrong_words_get_the_right_ones(shared_data, people):
    with pytest.raises(UsageError) as caught:
        chosen("humans")
    assert caught.value.hint == "did you mean 'human'?"
    with pytest.raises(UsageError, match="no frame is in both"):
        evaluate_sources(people, truth=chosen("human"), predicted=chosen("model"))
    with pytest.raises(UsageError, match="picture stream"):
        predict(people, settings(shared_data, streams=["cam"]))
    with pytest.raises(UsageError) as caught:
        predict(people, settings(shared_data, options={"scor": "1"}))
    assert caught.value.hint == "did you mean 'score'?"
    with pytest.raises(UsageError) as caught:
        agree_on(people)
    assert caught.value.code == "labels.authors"


def test_two_people_agree_where_both_have_looked(people, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(people, copy)
    store = Store.open(copy)
    imported = rows.labels_of(store.table("labels", where={"source": "import"}).to_pylist())
    kept = [x for x in imported if x.class_name == "person" and (x.index or 0) < 10]
    ada = [by("ada", x) for x in kept]
    bob = [by("bob", x) for x in kept if (x.index or 0) < 5]
    events = [
        LabelEvent(
            event_id=f"e{index}",
            action="created",
            tool="label-studio",
            payload="{}",
            received_ns=0,
            author="bob",
            task_key=f"{kept[0].recording_id}/{kept[0].stream}/{index}",
            lead_time_s=0.5,
        )
        for index in range(6)
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", len(ada) + len(bob), rows.label_columns([*ada, *bob]))
        transaction.append("label_events", len(events), rows.event_columns(events))
        transaction.commit()
    done = agree_on(copy)
    (f1,) = [x for x in done.figures if x.measure == "f1" and x.class_name == "person"]
    on_five, on_sixth = (sum(1 for x in kept if (x.index or 0) in which) for which in (range(5), (5,)))
    assert f1.value == pytest.approx(2 * on_five / (2 * on_five + on_sixth))
    assert [(x.author, x.hasty) for x in done.haste] == [("ada", 0), ("bob", 6)]


def by(author: str, label: Label) -> Label:
    assert isinstance(label.geometry, Box)
    return replace(
        label, label_id=f"{author}-{label.label_id}", source="human", tool="label-studio", author=author
    )
