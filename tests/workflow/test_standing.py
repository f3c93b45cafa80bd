"""One truth an item: of several people's versions one stands, and no object is counted twice."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from rushes import ontology
from rushes.annotate import rows
from rushes.errors import UsageError
from rushes.labels import Box, Label, LabelEvent
from rushes.store import Store
from rushes.workflow import export
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.choosing import chosen
from rushes.workflow._labels.truth import truth_of
from rushes.workflow._split.counts import counts_of
from rushes.workflow._split.units import Unit
from rushes.workflow.evaluate import evaluate_sources
from rushes.workflow.excluded import NOTHING_EXCLUDED
from rushes.workflow.ingest import Request, ingest

CONFIG = '<View><Image name="image" value="$image"/><RectangleLabels name="box" toName="image"/></View>'


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A dataset of three pictures."""
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for at in range(3):
        Image.fromarray(np.full((48, 64, 3), 40 * at, np.uint8)).save(pictures / f"{at}.png")
    ingest(tmp_path / "set", Request(paths=[pictures]))
    vocabulary.keep(Store.open(tmp_path / "set"), ontology.load("hands"))
    return tmp_path / "set"


class Desk:
    """Where people label: each version becomes an event, with a box for every x that is given."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.stream = Store.open(place).table("streams", columns=["recording_id", "stream"]).to_pylist()[0]
        self._clock = 0
        self._drawn: dict[str, list[str]] = {}

    def give(self, author: str, index: int, *xs: float, source: Any = "human", **facts: Any) -> list[str]:
        self._clock += 1
        rec, stream = self.stream["recording_id"], self.stream["stream"]
        shown = {"image": {**self.stream, "index": index}}
        action: Any = {"model": "predicted", "import": "imported"}.get(source, "created")
        event = LabelEvent(
            **{
                "event_id": f"{author}-{self._clock}",
                "action": action,
                "tool": "label-studio" if source == "human" else source,
                "payload": "{}",
                "received_ns": self._clock,
                "created_ns": self._clock,
                "updated_ns": self._clock,
                "project": "1",
                "server": "local",
                "task": str(index),
                "annotation": author,
                "task_key": f"{rec}/{stream}/{index}",
                "task_data": json.dumps({"template": "boxes", "shown": shown}),
                "author": author,
            }
            | facts
        )
        made = [
            Label(
                label_id=f"{event.event_id}-{x:g}",
                recording_id=rec,
                stream=stream,
                index=index,
                kind="box",
                source=source,
                tool=event.tool,
                class_name="hand",
                geometry=Box(x_px=x, y_px=5, width_px=10, height_px=10),
                author=author,
                annotator=event.annotator,
                role=event.role,
                event_id=event.event_id,
            )
            for x in xs
        ]
        store = Store.open(self.place)
        project = {"server": "local", "project": "1", "title": "t", "template": "boxes", "ontology": "o"}
        project |= {"config": CONFIG, "created_ns": 0, "cameras": [None]}
        with store.begin("test") as transaction:
            transaction.append("label_events", 1, rows.event_columns([event]))
            transaction.append("labels", len(made), rows.label_columns(made))
            if event.action == "deleted" and event.tool == "label-studio":  # as a pull does
                transaction.replace("labels", {"label_id": self._drawn.pop(author, [])}, 0, {})
            transaction.replace("annotation_projects", {"server": "local"}, 1, project)
            transaction.commit()
        names = [label.label_id for label in made]
        self._drawn.setdefault(author, []).extend(names)
        return names

    def standing(self) -> dict[str, str]:
        _, found = Store.open(self.place).rows("select label_id, standing from standing")
        return dict(found)

    def stands(self) -> set[str]:
        return set(truth_of(Store.open(self.place)).stands)


@pytest.fixture
def desk(place: Path) -> Desk:
    return Desk(place)


def test_of_two_versions_the_first_stands_until_somebody_settles_it(desk: Desk) -> None:
    ada, bob = desk.give("ada", 0, 1, 20), desk.give("bob", 0, 2, 21)
    alone = desk.give("bob", 1, 3)
    assert desk.stands() == {*ada, *alone}
    assert set(desk.standing().values()) == {"first", "superseded", "single"}
    merged = desk.give("merge", 0, 1.5, source="consensus", tool="consensus", action="merged", project="boxes")
    assert desk.stands() == {*merged, *alone}
    assert desk.standing()[merged[0]] == "consensus"
    settled = desk.give("eva", 0, 1.7, project="2", role="adjudicate")
    assert desk.stands() == {*settled, *alone}
    assert desk.standing()[settled[0]] == "adjudicated"
    assert desk.standing()[bob[0]] == "superseded"


def test_an_adjudicator_who_says_that_nothing_is_there_is_heard(desk: Desk) -> None:
    desk.give("ada", 0, 1)
    desk.give("bob", 0)
    desk.give("eva", 0, project="2", role="adjudicate")
    assert desk.stands() == set()


def test_a_version_that_is_deleted_or_skipped_gives_way(desk: Desk) -> None:
    desk.give("ada", 0, cancelled=True)
    bob = desk.give("bob", 0, 2)
    eva = desk.give("eva", 0, 3)
    assert (desk.stands(), desk.standing()[eva[0]]) == ({*bob}, "superseded")
    desk.give("bob", 0, action="deleted")
    assert desk.stands() == {*eva}


def test_an_edit_in_the_dataset_is_part_of_the_version_that_it_is_made_on(desk: Desk) -> None:
    ada = desk.give("ada", 0, 1, 20)
    edited = desk.give("eva", 0, 30, tool="rushes", annotation="ada", action="updated", task_data=None)
    desk.give("eva", 0, tool="rushes", annotation="ada", action="deleted", task_data=None)
    bob = desk.give("bob", 0, 2)
    assert desk.stands() == {*ada, *edited}
    assert desk.standing()[bob[0]] == "superseded"
    own = desk.give("eva", 1, 5, tool="rushes", server=None, project=None, task=None, action="created")
    assert desk.standing()[own[0]] == "given"


def test_versions_of_other_templates_do_not_compete(desk: Desk) -> None:
    ada = desk.give("ada", 0, 1)
    data = json.dumps({"template": "classes", "shown": {}})
    bob = desk.give("bob", 0, 2, task_data=data, project="2")
    assert desk.stands() == {*ada, *bob}


def test_what_files_say_stands_until_people_have_looked_and_models_only_propose(desk: Desk) -> None:
    files = [desk.give("file", at, 1, source="import", tool="coco") for at in (0, 1)]
    desk.give("net", 2, 1, source="model", tool="yolox")
    assert desk.stands() == {*files[0], *files[1]}
    desk.give("ada", 0)  # nothing to be seen there
    assert desk.stands() == {*files[1]}
    assert desk.standing()[files[0][0]] == "replaced"


def test_an_export_holds_every_object_once(desk: Desk, tmp_path: Path) -> None:
    desk.give("ada", 0, 1, 20)
    desk.give("bob", 0, 2, 21)
    desk.give("net", 0, 1, source="model", tool="yolox")
    done = export.export(desk.place, export.Settings(format="coco", out=tmp_path / "out", pictures=False))
    assert (done.exported.labels_out, done.exported.pictures) == (2, 1)
    told = {x.what: x for x in done.exported.left_out}
    assert (told["one of several versions"].effect, told["one of several versions"].count) == ("noted", 2)
    for source, count in (("human", 2), ("human@bob", 2), ("model", 1)):
        settings = export.Settings(format="coco", out=tmp_path / source, pictures=False, source=source)
        assert export.export(desk.place, settings).exported.labels_out == count


def test_what_a_model_proposes_is_not_exported_as_truth(desk: Desk, tmp_path: Path) -> None:
    desk.give("net", 0, 1, source="model", tool="yolox")
    with pytest.raises(UsageError) as caught:
        export.export(desk.place, export.Settings(format="coco", out=tmp_path / "out", pictures=False))
    assert "--source model" in (caught.value.hint or "")


def test_a_prediction_is_held_against_one_truth(desk: Desk) -> None:
    desk.give("ada", 0, 1)
    desk.give("bob", 0, 1)
    desk.give("net", 0, 1, source="model", tool="yolox")
    done = evaluate_sources(desk.place, truth=chosen("human"), predicted=chosen("model"))
    assert (done.mean.truths, done.mean.recall) == (1, 1.0)


def test_a_dataset_without_labels_has_an_empty_truth(place: Path) -> None:
    assert truth_of(Store.open(place)).stands == frozenset()


def test_a_split_counts_an_object_once_however_many_people_drew_it(desk: Desk) -> None:
    desk.give("ada", 0, 1, 20)
    desk.give("bob", 0, 2, 21)
    desk.give("yolox", 1, 4, 5, 6, source="model")
    recording_id = desk.stream["recording_id"]
    unit = Unit(name=recording_id, recording_id=recording_id, samples=3)
    names, counts = counts_of(Store.open(desk.place), [unit], [], {}, ["class"], out=NOTHING_EXCLUDED)
    assert dict(zip(names, counts[0], strict=True)) == {"class hand": 2.0}
