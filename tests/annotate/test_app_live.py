"""What is selected in the App goes to a real Label Studio, those pictures alone, and comes back drawn on."""

import pytest

from annotate.test_push_pull import annotate, labels, tasks_of
from rushes import ontology
from rushes.store import Store
from rushes.workflow._browse import acting
from rushes.workflow._labels import vocabulary
from rushes.workflow.dataset import Dataset

pytestmark = pytest.mark.live


def test_what_is_selected_is_sent_and_what_is_drawn_comes_back(dataset, line, client, monkeypatch) -> None:
    monkeypatch.setattr(acting.annotate, "line", lambda: line)
    vocabulary.keep(Store.open(dataset), ontology.load("hands"))
    rows = Store.open(dataset).table("recordings", where={"reader": "image_folder"}).to_pylist()
    (stream,) = Store.open(dataset).table("streams", where={"recording_id": rows[0]["recording_id"]}).to_pylist()
    selected = [(stream["recording_id"], stream["stream"], index) for index in (0, 2)]
    reloads = []
    with Dataset.open(dataset) as opened:
        desk = acting.ActingDesk(
            opened, name="takes", author="ada", database=lambda: None, reload=lambda: reloads.append(1)
        )
        told = desk.send_to_label_studio(selected, "boxes")
        assert told.said == "2 tasks: 2 new, 0 brought up to date"
        assert told.address.startswith(line.access.url)
        project = int(told.address.rstrip("/").split("/projects/")[1].split("/")[0])
        tasks = tasks_of(client, project)
        assert sorted(tasks) == [0, 2]
        assert desk.send_to_label_studio(selected, "boxes").said == "2 tasks: 0 new, 0 brought up to date"
        box = {"x": 10, "y": 10, "width": 20, "height": 30, "rotation": 0, "rectanglelabels": ["hand"]}
        where = {"from_name": "box", "to_name": "image", "original_width": 640, "original_height": 400}
        annotate(client, tasks[2].id, [{**where, "id": "b1", "type": "rectanglelabels", "value": box}])
        assert desk.pull_from_label_studio().said == "versions of annotations: 1 created"
    assert reloads == [1]
    (drawn,) = labels(dataset, source="human")
    assert (drawn.index, drawn.class_name, drawn.geometry.x_px) == (2, "hand", pytest.approx(64))
