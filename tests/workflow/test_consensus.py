"""Consensus of a dataset: made once, made anew where a version changed, and taken back where one is left."""

import json
from pathlib import Path

import pytest

from cli.conftest import Said, hold_to_schema
from rushes.cli._main import run
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow import export
from rushes.workflow._labels.truth import standing_labels
from rushes.workflow.agree import agree_on
from rushes.workflow.consensus import Merged, Settings, consensus
from workflow.test_standing import Desk, desk, place

__all__ = ["desk", "place"]  # fixtures


def counts(done: Merged) -> tuple[int, int, int, int]:
    return done.new, done.changed, done.same, done.gone


def test_a_consensus_is_made_once_and_anew_where_a_version_changed(desk: Desk) -> None:
    desk.give("ada", 0, 1, 30)
    desk.give("bob", 0, 2, 50)
    desk.give("ada", 1, 5)
    done = consensus(desk.place, Settings())
    assert (done.items, counts(done), done.labels, done.dropped) == (1, (1, 0, 0, 0), 1, 2)
    again = consensus(desk.place, Settings())
    assert (counts(again), again.revision) == ((0, 0, 1, 0), done.revision)
    standing = {(x.index, x.geometry.x_px): x for x in standing_labels(Store.open(desk.place))}
    assert set(standing) == {(0, 1.5), (1, 5.0)}
    (event,) = Store.open(desk.place).table("label_events", where={"tool": "consensus"}).to_pylist()
    assert json.loads(event["payload"])["of"].keys() == {"ada", "bob"}
    assert event["event_id"] == standing[0, 1.5].event_id
    assert standing[0, 1.5].received["of"] == ["ada-1-1", "bob-2-2"]
    both = consensus(desk.place, Settings(quorum=1))
    assert (counts(both), both.labels, both.dropped) == ((0, 1, 0, 0), 3, 0)
    assert counts(consensus(desk.place, Settings())) == (0, 1, 0, 0)
    table = Store.open(desk.place).table("labels", where={"source": "consensus"})
    assert table.num_rows == 1
    events = Store.open(desk.place).table("label_events").to_pylist()
    assert len({row["event_id"] for row in events}) == len(events)


def test_a_consensus_of_versions_that_are_gone_is_taken_back(desk: Desk) -> None:
    desk.give("ada", 0, 1)
    desk.give("bob", 0, 2)
    consensus(desk.place, Settings())
    desk.give("bob", 0, action="deleted")
    done = consensus(desk.place, Settings())
    assert (done.items, counts(done)) == (0, (0, 0, 0, 1))
    assert [x.author for x in standing_labels(Store.open(desk.place))] == ["ada"]
    assert counts(consensus(desk.place, Settings(), dry_run=True)) == (0, 0, 0, 0)


def test_an_export_takes_the_consensus_and_nothing_twice(desk: Desk, tmp_path: Path) -> None:
    for who in ("ada", "bob", "cec"):
        desk.give(who, 0, 1, 30)
    consensus(desk.place, Settings())
    done = export.export(desk.place, export.Settings(format="coco", out=tmp_path / "out", pictures=False))
    assert (done.exported.labels_out, [x.what for x in done.exported.left_out if "version" in x.what]) == (2, [])


def test_without_overlap_there_is_no_consensus_and_no_agreement(desk: Desk) -> None:
    desk.give("ada", 0, 1)
    desk.give("bob", 1, 2)
    for ask in (lambda: consensus(desk.place, Settings()), lambda: agree_on(desk.place)):
        with pytest.raises(UsageError) as caught:
            ask()
        assert caught.value.code == "labels.no-overlap"


def test_adjudicators_are_not_held_against_those_they_judge(desk: Desk) -> None:
    desk.give("ada", 0, 1)
    desk.give("bob", 0, 2)
    desk.give("eva", 0, 30, role="adjudicate", project="2")
    done = agree_on(desk.place)
    assert list(done.authors) == ["ada", "bob"]
    assert {x.authors for x in done.figures} == {("ada", "bob")}


def test_the_commands_answer_as_their_schema_says(
    desk: Desk, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def typed(line: str) -> Said:
        capsys.readouterr()
        return Said(run(line.split()), *capsys.readouterr())

    for who, x in (("ada", 1), ("bob", 2), ("cec", 30)):
        desk.give(who, 0, x, 50, lead_time_s=0.7)
    for line in ("consensus --dry-run", "consensus", "agree"):
        verb, *more = line.split()
        said = typed(" ".join(["annotate", verb, str(desk.place), *more, "--json"]))
        assert said.code == 0, said.err + said.out
        hold_to_schema("annotate", said.json)
    agreed = typed(f"annotate agree {desk.place} --report {tmp_path / 'agreement.html'}")
    page = (tmp_path / "agreement.html").read_text()
    assert "Each person against the others" in page
    assert "bob" in page
    for word in ("found by both", "Each person against the others", "Two by two", "Hardly looked at"):
        assert word in agreed.out
    assert "1 same" in typed(f"annotate consensus {desk.place}").out
    out = typed(f"export {desk.place} --format coco --no-pictures --out {tmp_path / 'coco'}")
    assert (out.code, "2 labels of 2" in out.out) == (0, True), out.out
    wrong = typed(f"export {desk.place} --format coco --source humans --out {tmp_path / 'no'} --json")
    assert wrong.json["error"]["code"] == "labels.source"


def test_the_name_in_the_plan_goes_before_the_account(desk: Desk) -> None:
    desk.give("admin", 0, 1, annotator="ada", annotation="1")
    desk.give("admin", 0, 2, annotator="bob", annotation="2")
    assert list(agree_on(desk.place).authors) == ["ada", "bob"]
