"""Hold one source of labels against another, as COCO does.

Average precision and recall, class by class; the figures are those of pycocotools.
"""

import math
from dataclasses import asdict
from pathlib import Path

import click

from rushes.annotate.evaluation import Metrics, What
from rushes.cli._options import OneOf, at_option, dataset_argument, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_count
from rushes.workflow._labels.choosing import chosen
from rushes.workflow.evaluate import Evaluated, evaluate_sources


@verb(
    "evaluate",
    examples="""
rushes evaluate my-dataset --truth import --predicted model
rushes evaluate my-dataset --truth import:yolo --predicted model:yolox --at-score 0.3
""",
)
@dataset_argument
@click.option("--truth", default="human", show_default=True, help="truth, human, import:coco, human@ada …")
@click.option("--predicted", default="model", show_default=True, help="model, model:yolox, human@bob …")
@click.option("--what", type=OneOf(("box", "mask", "keypoints")), default="box", show_default=True)
@click.option(
    "--at-score", type=click.FloatRange(0, 1), default=0.0, show_default=True, help="For precision, recall."
)
@at_option
def command(dataset: Path, truth: str, predicted: str, what: What, at_score: float, at: str | None) -> Answer:
    """Evaluate predictions on the frames that both sources have looked at."""
    done = evaluate_sources(
        dataset,
        truth=chosen(truth),
        predicted=chosen(predicted),
        what=what,
        at_score=at_score,
        at=revision_of(at),
    )
    return answer(dataset, done)


def answer(dataset: Path, done: Evaluated) -> Answer:
    """Show a row a class."""
    head = ("class", "truths", "AP", "AP50", "AP75", "AR", "precision", "recall")
    every = [*done.classes, done.mean]
    rows = [
        (
            m.class_name or "mean",
            m.truths,
            *(_said(x) for x in (m.ap, m.ap50, m.ap75, m.ar, m.precision, m.recall)),
        )
        for m in every
    ]
    text = f"on {say_count(done.frames, 'frame')}\n\n" + table(rows, head=head, right=range(1, len(head)))
    left = [(done.only_truth, "the truth alone"), (done.only_predicted, "the predictions alone")]
    return Answer(
        dataset=str(dataset),
        revision=done.revision,
        result={
            "frames": done.frames,
            "only_truth": done.only_truth,
            "only_predicted": done.only_predicted,
            "mean": _row(done.mean),
            "classes": [_row(m) for m in done.classes],
        },
        text=text,
        warnings=[f"{say_count(n, 'frame')} of {whose} do not count" for n, whose in left if n],
    )


def _row(metrics: Metrics) -> dict[str, object]:
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in asdict(metrics).items()}


def _said(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"
