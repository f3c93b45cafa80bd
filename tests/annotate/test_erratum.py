"""What a mistake in labels has reached is told, and nothing that it has not reached."""

import json
import shlex
from dataclasses import replace

import pytest

from annotate.pulled import Remembered
from annotate.test_push_pull import box
from cli.conftest import Said, hold_to_schema
from rushes.cli._main import run
from rushes.labels import Box
from rushes.store import Store
from rushes.workflow import annotate_edit, annotate_erratum
from rushes.workflow._labels import exported
from rushes.workflow.export import Settings, export
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split


@pytest.fixture
def history(dataset, monkeypatch, tmp_path):
    """Two labels, a split, a tag, an export of them; then one is mended, one deleted, and one is added."""
    server = Remembered(dataset)
    server.annotate(0, box("a"), box("b", "cup", x=50))
    server.annotate(1, box("c", "phone"))
    server.pull(monkeypatch)
    split(dataset, SplitSettings(name="two-way", parts={"train": 0.5, "test": 0.5}))
    store = Store.open(dataset)
    store.tag("v1")
    export(dataset, Settings(format="coco", out=tmp_path / "given away", pictures=False))
    names = {label.class_name: label for label in annotate_erratum._by_id(Store.open(dataset)).values()}
    before = Store.open(dataset).revision
    hand = replace(names["hand"], geometry=Box(x_px=1.0, y_px=2.0, width_px=3.0, height_px=4.0))
    annotate_edit.edit(dataset, {hand.label_id: hand}, author="eve")
    annotate_edit.edit(dataset, {names["cup"].label_id: None}, author="eve")
    return dataset, names, before, tmp_path


@pytest.fixture
def typed(capsys):
    def type_it(line):
        capsys.readouterr()
        code = run(["annotate", *shlex.split(line)])
        return Said(code, *capsys.readouterr())

    return type_it


def test_an_export_is_in_the_ledger_with_what_it_was_made_of(history) -> None:
    dataset, names, before, place = history
    (entry,) = exported.ledger(Store.open(dataset))
    assert (entry.path, entry.format) == (str((place / "given away").resolve()), "coco")
    assert entry.label_ids == {label.label_id for label in names.values()}
    assert entry.revision == before - 1  # the export itself is the revision after
    assert exported.note_beside(place / "given away")["revision"] == entry.revision
    export(dataset, Settings(format="coco", out=place / "never", pictures=False), dry_run=True)
    assert len(exported.ledger(Store.open(dataset))) == 1


def test_a_change_reaches_what_was_made_of_the_labels_before(history) -> None:
    dataset, names, before, _ = history
    done = annotate_erratum.between(dataset, since=before)
    told = {mistake.label_id: (mistake.what, list(mistake.groups), mistake.author) for mistake in done.mistakes}
    assert told[names["hand"].label_id] == ("changed", ["geometry"], "eve")
    assert told[names["cup"].label_id][:2] == ("removed", [])
    assert len(told) == 2
    (part,) = done.parts
    assert (part.split, part.recordings, part.labels) == ("two-way", 1, 2)
    assert done.tags == {"v1": before - 1}
    (reached,) = done.exports
    assert (reached.labels, reached.known) == (2, True)
    assert done.revisions[-1] == before + 1  # after the first edit the cup still stood
    assert before - 1 in done.revisions
    assert done.until not in done.revisions


def test_an_export_that_was_made_after_is_not_reached(history) -> None:
    dataset, _, before, place = history
    export(dataset, Settings(format="coco", out=place / "mended", pictures=False))
    assert [one.labels for one in annotate_erratum.between(dataset, since=before).exports] == [2]
    nothing = annotate_erratum.between(dataset, since=Store.open(dataset).revision)
    assert (nothing.mistakes, nothing.exports) == ([], [])


def test_a_label_that_was_missing_reaches_exports_of_its_recording(history) -> None:
    dataset, names, *_ = history
    since = Store.open(dataset).revision
    phone = names["phone"]
    key = f"{phone.recording_id}/{phone.stream}/1"
    annotate_edit.add(dataset, key, replace(phone, class_name="cup"), author="eve")
    done = annotate_erratum.between(dataset, since=since)
    assert [mistake.what for mistake in done.mistakes] == ["added"]
    assert [one.labels for one in done.exports] == [1]


def test_a_label_or_a_version_that_is_wrong_tells_its_reach(history, typed) -> None:
    dataset, names, before, _ = history
    phone = names["phone"]
    said = typed(f"erratum {dataset} --label {phone.label_id} --json")
    assert said.code == 0, said.err
    hold_to_schema("annotate", said.json)
    result = said.json["result"]
    assert [(row["what"], row["class"]) for row in result["labels"]] == [("wrong", "phone")]
    assert (len(result["exports"]), result["tags"]) == (1, {"v1": before - 1})
    of_event = typed(f"erratum {dataset} --event {phone.event_id} --json").json["result"]
    assert of_event["labels"] == result["labels"]
    strange = typed(f"erratum {dataset} --label nobody --json")
    assert (strange.code, strange.json["error"]["code"]) == (2, "labels.absent")
    assert typed(f"erratum {dataset}").code == 2


def test_the_page_names_everything_once(history, typed) -> None:
    dataset, names, before, place = history
    said = typed(f"erratum {dataset} --since {before} --out {place / 'erratum.md'}")
    assert said.code == 0, said.err
    text = (place / "erratum.md").read_text()
    assert text.strip() == said.out.strip()
    for word in (
        "given away",
        "tag 'v1'",
        "split 'two-way'",
        names["cup"].label_id,
        "geometry",
        "by eve",
        "removed",
    ):
        assert text.count(word) >= 1, word
    answer = json.loads(typed(f"erratum {dataset} --since {before} --json").out)
    hold_to_schema("annotate", answer)
