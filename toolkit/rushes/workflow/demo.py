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
SKEW_WITHIN_US = 500
"""The skew is foretold between true instants; clocks of takes of three seconds are known to about so much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """One figure that the samples' README foretells, and what came out.

    Args:
        within: How far apart the two may be and still agree.
    """

    what: str
    expected: int
    found: int | None
    within: int = 0

    @property
    def holds(self) -> bool:
        """Whether both agree."""
        return self.found is not None and abs(self.expected - self.found) <= self.within


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
        for file, expected in truth["recordings"].items():
            take = Path(file).stem
            recording_id = opened.recording_id(take)
            streams = opened.arrow("streams", columns=["stream", "count"], where={"recording_id": recording_id})
            counts = dict(zip(streams["stream"].to_pylist(), streams["count"].to_pylist(), strict=True))
            wanted = {stream: facts["count"] for stream, facts in expected["streams"].items()}
            told = expected["moments"]
            moments = opened.arrow(
                "moments", columns=["complete", "max_skew_ns"], where={"recording_id": recording_id}
            )
            seen += [
                Foretold(
                    what=f"{take}: samples on {len(wanted)} streams",
                    expected=sum(wanted.values()),
                    found=sum(counts.get(stream, 0) for stream in wanted),
                ),
                *(
                    Foretold(what=f"{take}: samples on {stream}", expected=count, found=counts.get(stream))
                    for stream, count in wanted.items()
                    if counts.get(stream) != count
                ),
                Foretold(what=f"{take}: moments", expected=told["count"], found=len(moments)),
                Foretold(
                    what=f"{take}: moments with every camera",
                    expected=told["complete"],
                    found=sum(moments["complete"].to_pylist()),
                ),
                Foretold(
                    what=f"{take}: largest skew, µs",
                    expected=round(told["max_skew_ns"] / 1000),
                    found=round(max(moments["max_skew_ns"].to_pylist(), default=0) / 1000),
                    within=SKEW_WITHIN_US,
                ),
            ]
    return seen
