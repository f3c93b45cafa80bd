"""Demo: the sample takes become a dataset, and the outcome is held against what their README foretells."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes import recipes, resources
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Progress
from rushes.workflow.run import Ran, run

RECIPE = "tabletop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """One figure that the samples' README foretells, and what came out."""

    what: str
    expected: object
    found: object

    @property
    def holds(self) -> bool:
        """Whether both are the same."""
        return self.expected == self.found


def demo(
    dataset: Path, *, argv: Sequence[str] = (), progress: Progress | None = None
) -> tuple[recipes.Recipe, Ran, list[Foretold]]:
    """Run the recipe of the samples into a dataset, and compare.

    Raises:
        RushesError: Whatever a stage raises.
    """
    recipe = recipes.load(RECIPE)
    ran = run(recipe, dataset, argv=argv, progress=progress)
    return recipe, ran, compare(dataset)


def compare(dataset: Path) -> list[Foretold]:
    """Hold a dataset of the sample takes against ``data_samples/truth.json``."""
    truth = json.loads((resources.folder("data_samples") / "truth.json").read_text(encoding="utf-8"))
    seen: list[Foretold] = []
    with Dataset.open(dataset) as opened:
        for take, expected in truth["takes"].items():
            figures = opened.sql(
                "select s.stream, s.count from streams s join recordings r using (recording_id) "
                + f"where r.name = '{take}'"
            ).fetchall()
            counts = dict(figures)
            for stream, figure in expected["streams"].items():
                seen.append(
                    Foretold(what=f"{take}: samples on {stream}", expected=figure, found=counts.get(stream))
                )
            moments = opened.moments(take)
            seen.append(Foretold(what=f"{take}: moments", expected=expected["moments"], found=len(moments)))
    return seen
