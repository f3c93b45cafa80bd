"""Label frames by a model, as a start for people.

A YOLOX detector as ONNX runs through OpenCV; other models come as plugins.
"""

import sys
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._labels import left_out_lines, left_out_result, options_option
from rushes.cli._options import PluginName, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow.predict import Predicted, Settings, predict


@verb(
    "predict",
    examples="""
rushes predict my-dataset --model yolox_nano.onnx --every 10
rushes predict my-dataset --model yolox_nano.onnx --option score=0.5 --dry-run
""",
)
@dataset_argument
@click.option("--model", type=click.Path(path_type=Path), required=True, help="File of weights.")
@click.option("--with", "predictor", type=PluginName("models"), help="Plugin; told by the file if left out.")
@click.option("--stream", "streams", multiple=True, help="Only this stream; else every colour stream.")
@click.option("--every", type=click.IntRange(min=1), default=1, show_default=True, help="Take each n-th frame.")
@options_option
@dry_run_option
def command(
    dataset: Path,
    model: Path,
    predictor: str | None,
    streams: tuple[str, ...],
    every: int,
    options: dict[str, str],
    dry_run: bool,
) -> Answer:
    """Predict labels; they take the place of what the same model said of the same streams."""
    settings = Settings(model=model, predictor=predictor, streams=streams or None, every=every, options=options)
    with _progress.bar("predict", unit="frames") as progress:
        done = predict(dataset, settings, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    return answer(dataset, done)


def answer(dataset: Path, done: Predicted) -> Answer:
    """Say what was seen."""
    by = f"{done.predictor} {done.digest[:16]}"
    head = f"{say_count(done.labels, 'label')} on {say_count(done.frames, 'frame')} by {by}"
    counts = list(done.classes.items())
    lines = [head, *([table(counts, head=("class", "labels"), right=(1,))] if counts else [])]
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "predictor": done.predictor,
            "model": done.digest,
            "frames": done.frames,
            "labels": done.labels,
            "classes": dict(done.classes),
            "left_out": left_out_result(done.left_out),
        },
        text="\n".join([*lines, *left_out_lines(done.left_out)]),
    )
