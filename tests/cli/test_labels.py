"""The verbs of labels: every example runs, on pictures with true labels and a real detector."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import click
import pytest

from cli.conftest import Said, hold_to_schema
from cli.test_examples import CONTEXT
from rushes.annotate import rows
from rushes.cli._main import cli
from rushes.store import Store
from rushes.workflow import import_labels
from rushes.workflow.export import Settings as ExportSettings
from rushes.workflow.export import export
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.predict import Settings as PredictSettings
from rushes.workflow.predict import predict
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split


@pytest.fixture(scope="module")
def labelled(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the examples speak of: my-dataset, my-coco, old.json, yolox_nano.onnx."""
    place = tmp_path_factory.mktemp("labelled")
    source = shared_data / "labels" / "coco128_people"
    for at, name in enumerate(sorted((source / "images" / "train2017").iterdir())[:8]):
        folder = place / f"take{at % 2}"
        folder.mkdir(exist_ok=True)
        shutil.copy(name, folder)
    ingest(place / "my-dataset", Request(paths=[place / "take0", place / "take1"]))
    options = {"images": str(source / "images")}
    settings = import_labels.Settings(path=source / "object_detection", options=options)
    import_labels.import_labels(place / "my-dataset", settings)
    shutil.copy(shared_data / "models" / "yolox_nano" / "yolox_nano.onnx", place)
    predict(place / "my-dataset", PredictSettings(model=place / "yolox_nano.onnx"))
    split(place / "my-dataset", SplitSettings(name="two-way", parts={"train": 0.5, "test": 0.5}))
    store = Store.open(place / "my-dataset")
    imported = rows.labels_of(store.table("labels", where={"source": "import"}).to_pylist())
    people = [
        replace(label, label_id=f"{author}-{label.label_id}", source="human", author=author)
        for label in imported
        for author in ("ada", "bob")
    ]
    with store.begin("test") as transaction:
        transaction.append("labels", len(people), rows.label_columns(people))
        transaction.commit()
    export(
        place / "my-dataset", ExportSettings(format="coco", out=place / "my-coco", source="import", pictures=False)
    )
    shutil.copy(place / "my-coco" / "annotations" / "labels.json", place / "old.json")
    return place


def examples() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for name in ("predict", "evaluate", "export", "annotate"):
        command = cli.get_command(CONTEXT, name)
        assert command
        commands = (
            [command.commands[n] for n in ("import", "agree")] if isinstance(command, click.Group) else [command]
        )
        for one in commands:
            lines = [line.strip() for line in (one.epilog or "").splitlines()]
            found += [(name, line.removeprefix("rushes ")) for line in lines if line.startswith("rushes ")]
    return found


@pytest.mark.parametrize(("name", "line"), examples(), ids=[line for _, line in examples()])
def test_the_example_runs(
    name: str,
    line: str,
    labelled: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: Callable[[str], Said],
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(labelled, copy)
    monkeypatch.chdir(copy)
    if name == "export":
        shutil.rmtree("my-coco")
    said = typed(line if "--json" in line else f"{line} --json")
    assert said.code == 0, said.err + said.out
    hold_to_schema(name, said.json)
    plain = typed(re.sub(r"--out \S+", "--out again", line.replace(" --json", "")))
    assert plain.code == 0, plain.err
    assert plain.out


def test_what_a_format_cannot_carry_is_shown_to_people(
    labelled: Path, tmp_path: Path, typed: Callable[[str], Said]
) -> None:
    said = typed(f"export {labelled / 'my-dataset'} --format yolo --source model --out {tmp_path / 'yolo'}")
    assert said.code == 0
    assert re.search(r"changed +\d+ +scores", said.out)


def test_an_option_without_value_is_wrong_use(
    labelled: Path, tmp_path: Path, typed: Callable[[str], Said]
) -> None:
    said = typed(f"export {labelled / 'my-dataset'} --format yolo --option task --out {tmp_path / 'y'}")
    assert said.code == 2
    assert "NAME=VALUE" in said.err
