"""Operators act on what is selected and on nothing else, and what they did is in the dataset at once."""

from contextlib import ExitStack, closing
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from browse.desk_of_edits import Bench, made
from rushes.browse import desk, plugin_files
from rushes.registry import late
from rushes.store import Store
from rushes.workflow import annotate, decisions
from rushes.workflow._browse.acting import ActingDesk, sql_of
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import excluded

pytestmark = pytest.mark.live
SELECTING = ("tag", "accept", "reject", "undecide", "request_split", "send_to_label_studio", "recheck")


@pytest.fixture
def bench(database, tmp_path):
    opened = Bench(made(tmp_path), database)
    opened.reload()
    with ExitStack() as stack:
        dataset = stack.enter_context(Dataset.open(opened.path))
        name = opened.dataset.name
        acting = ActingDesk(
            dataset, name=name, author="ada", database=database.database, reload=opened.reload, pinned=False
        )
        stack.enter_context(closing(acting))
        stack.enter_context(desk.opened([name], acting))
        opened.desk = acting
        yield opened
    database.fo.delete_datasets("*")


def run(bench, name, *indexes, **params):
    """Run an operator as FiftyOne does, with these pictures selected; gives its answer and what is told."""
    told = []
    ops = SimpleNamespace(
        notify=lambda words, variant="info": told.append((variant, words)),
        reload_dataset=lambda: told.append(("reload", "dataset")),
        reload_samples=lambda: told.append(("reload", "samples")),
    )
    selected = [bench.sample(index).id for index in indexes]
    ctx = SimpleNamespace(selected=selected, dataset_name=bench.dataset.name, params=params, ops=ops)
    operator = late(f"rushes.browse.operators.{name}").OPERATOR()
    operator.resolve_input(ctx)
    answer = operator.execute(ctx)
    ctx.results = answer
    operator.resolve_output(ctx)
    return SimpleNamespace(**answer, told=told)


def test_the_plugin_names_every_operator():
    listed = yaml.safe_load((Path(plugin_files.__file__).parent / "plugin" / "fiftyone.yml").read_text())
    assert listed["operators"] == plugin_files.names("operators")
    assert set(SELECTING) <= set(listed["operators"])


@pytest.mark.parametrize("name", SELECTING)
def test_nothing_selected_means_nothing_changed(bench, name):
    revision, before = Store.open(bench.path).revision, [bench.sample(at).to_dict() for at in range(3)]
    answer = run(bench, name, tag="x", part="test", template="boxes")
    assert not answer.done
    assert answer.told == [
        ("error", "Nothing is selected, so nothing was changed: tick pictures in the grid first.")
    ]
    assert Store.open(bench.path).revision == revision
    assert [bench.sample(at).to_dict() for at in range(3)] == before


def test_what_looks_alike_says_what_it_lacks(bench):
    assert run(bench, "alike").said == "Nothing is selected: tick pictures in the grid first."
    answer = run(bench, "alike", 1)
    assert not answer.done
    assert "rushes embed" in answer.said


def test_a_tag_is_given_to_what_is_selected_alone_and_shown_at_once(bench):
    answer = run(bench, "tag", 1, tag="look again")
    assert answer.said == "'look again' given to 1 picture"
    assert decisions.tags_of(Store.open(bench.path)) == {bench.item(1): ["look again"]}
    assert [bench.sample(at).tags for at in range(3)] == [[], ["look again"], []]
    assert bench.write_back().written == 0, "it is no edit any more"
    run(bench, "tag", 0, 1, tag="look again", remove=True)
    assert decisions.tags_of(Store.open(bench.path)) == {}
    assert bench.sample(1).tags == []


def test_panels_are_answered_out_of_what_was_done(bench):
    before = bench.desk.quality()
    run(bench, "recheck", 0)
    after = bench.desk.quality()
    assert len(bench.table("findings")) > 0
    assert not before.findings
    assert after.findings


def test_what_is_rejected_accepted_and_undecided_is_noted_with_who_and_why(bench):
    run(bench, "reject", 0, 1, why="blurred")
    run(bench, "accept", 1)
    rows = bench.table("decisions")
    assert [(row["index"], row["what"], row["author"], row["why"], row["source"]) for row in rows] == [
        (0, "reject", "ada", "blurred", "app"),
        (1, "reject", "ada", "blurred", "app"),
        (1, "accept", "ada", None, "app"),
    ]
    assert [bench.sample(at)["decision"] for at in range(3)] == ["reject", "accept", None]
    run(bench, "undecide", 0)
    assert [bench.sample(at)["decision"] for at in range(3)] == [None, "accept", None]
    assert bench.write_back().written == 0


def test_a_whole_recording_is_rejected_only_where_that_is_said(bench):
    run(bench, "reject", 0, whole=True)
    assert excluded(Store.open(bench.path)).whole(bench.recording)
    assert [bench.sample(at)["decision"] for at in range(3)] == ["reject"] * 3


def test_a_part_is_asked_for_and_taken_back(bench):
    run(bench, "request_split", 2, part="test")
    assert decisions.requested_parts(Store.open(bench.path))[bench.recording].value == "test"
    assert bench.sample(0)["asked_split"] == "test"
    run(bench, "request_split", 2, part="")
    assert decisions.requested_parts(Store.open(bench.path)) == {}
    assert bench.write_back().written == 0


def test_without_a_label_studio_it_says_how_to_start_one(bench, monkeypatch, tmp_path):
    monkeypatch.setattr(annotate, "status", lambda: None)
    monkeypatch.setattr(late("rushes.annotate.label_studio.server"), "lost", lambda: None)
    for name in ("send_to_label_studio", "pull_from_label_studio"):
        answer = run(bench, name, 1, template="boxes")
        assert not answer.done
        assert "rushes annotate up" in answer.said
    assert bench.table("annotation_projects") == []


def test_the_condition_chooses_exactly_what_was_selected(bench):
    units = late("rushes.workflow._annotate.units")
    with Dataset.open(bench.path) as dataset:
        chosen = units.frames(dataset, sql_of([bench.item(2), bench.item(0)]))
    assert [unit.key for unit in chosen] == [f"{bench.recording}/{bench.stream}/{at}" for at in (0, 2)]


def test_a_check_is_run_again_on_the_recordings_of_what_is_selected(bench):
    answer = run(bench, "recheck", 0, family="image")
    assert answer.said.startswith("1 recording checked: ")
    assert {row["recording_id"] for row in bench.table("findings")} == {bench.recording}
    assert any(bench.sample(at)["findings"] for at in range(3)), "what was found is shown"


def test_what_the_app_changed_by_itself_is_written_back_by_an_operator(bench):
    sample = bench.sample(1)
    sample.tags.append("x")
    sample.save()
    assert run(bench, "write_back").said == "1 tag written back"
    assert bench.table("tags")[0]["author"] == "ada"
    assert run(bench, "write_back").said == "nothing new to write back"


def test_a_revision_of_the_past_is_not_changed(bench):
    bench.desk._pinned = True
    answer = run(bench, "reject", 1)
    assert (answer.done, bench.table("decisions")) == (False, [])
    assert "nobody can change" in answer.said


def test_an_operator_finds_no_desk_for_a_dataset_that_was_made_in_the_app(bench, database):
    database.fo.Dataset("mine")
    ctx = SimpleNamespace(
        selected=[], dataset_name="mine", params={}, ops=SimpleNamespace(notify=lambda words, variant: None)
    )
    assert not late("rushes.browse.operators.write_back").OPERATOR().execute(ctx)["done"]


def test_plugins_are_not_read_anew_at_every_request(database):
    contexts = late("fiftyone.plugins.context")
    first = contexts.build_plugin_contexts(enabled=True)
    assert first
    assert contexts.build_plugin_contexts(enabled=True) is first
