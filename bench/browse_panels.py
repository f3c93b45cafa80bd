"""How soon our panels answer: POST /operators/execute through the guard, as the App's page asks.

    python bench/browse_panels.py DATASET [--calls 40] [--panel signals]

Prints one line a panel: median, 95th percentile and size of the answer, and the machine's load beside it. The
pictures are drawn at random from the default slice, so that most calls move to another window. Peer: the same call
of a panel that asks for nothing and draws nothing, which is what FiftyOne costs by itself.
"""

import argparse
import os
import random
import statistics
import threading
import time
from pathlib import Path

from rushes import registry
from rushes.browse import prove
from rushes.browse.showing import showing
from rushes.workflow import browse
from rushes.workflow._browse.desk import DatasetDesk
from rushes.workflow.dataset import Dataset

PANELS = ("signals", "clocks", "quality", "split", "annotation")
FIRST = """
query ($name: String!, $view: BSONArray!, $filter: SampleFilter) {
  samples(dataset: $name, view: $view, first: 200, filter: $filter) {
    ... on SampleItemStrConnection { edges { node { ... on ImageSample { id } } } }
  }
}
"""
SLICE = "query ($name: String!) { dataset(name: $name) { groupField defaultGroupSlice } }"


def body(panel: str, dataset: str, sample: str | None, method: str) -> dict[str, object]:
    """What the page sends."""
    return {
        "operator_uri": f"@rushes/rushes/{panel}",
        "dataset_name": dataset,
        "current_sample": sample,
        "selected": [],
        "selected_labels": [],
        "view": [],
        "extended": {},
        "filters": {},
        "params": {"panel_id": "bench", "panel_state": {}, "__method__": method},
    }


def measure(opened, panels, calls):
    """Ask every panel so often, and print."""
    visitor, name = prove.Visitor(opened.port, opened.token), opened.loaded.dataset
    about = visitor.query(SLICE, name=name)["dataset"]
    chosen = {"group": {"slice": about["defaultGroupSlice"]}} if about["groupField"] else None
    edges = visitor.query(FIRST, name=name, view=[], filter=chosen)["samples"]["edges"]
    samples = [edge["node"]["id"] for edge in edges]
    draw = random.Random(7)
    for panel in ("nothing", *panels):
        took, size = [], 0
        for call in range(calls + 3):
            # A method that no panel has is answered by render alone, here with a picture that does not exist.
            asked = ("signals", None, "none") if panel == "nothing" else (panel, draw.choice(samples), "on_load")
            start = time.perf_counter()
            status, _, answer = visitor.ask("POST", "/operators/execute", body(asked[0], name, *asked[1:]))
            if call >= 3:  # the first ones import, and read what is then kept
                took.append((time.perf_counter() - start) * 1e3)
            size = len(answer)
            assert status == 200, answer[:300]
        took.sort()
        p95 = took[min(int(0.95 * len(took)), len(took) - 1)]
        load = os.getloadavg()[0]
        print(
            f"{panel:<11} p50 {statistics.median(took):6.1f} ms  p95 {p95:6.1f} ms  {size:>8,} B  load {load:.1f}"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--calls", type=int, default=40)
    parser.add_argument("--panel", choices=PANELS, action="append")
    given = parser.parse_args()
    stop, failed = threading.Event(), []

    def ask(opened):
        try:
            measure(opened, given.panel or PANELS, given.calls)
        except BaseException as error:  # noqa: BLE001 - raised below, in the main thread
            failed.append(error)
        finally:
            stop.set()

    with Dataset.open(given.dataset) as dataset:
        registry.late("rushes.browse.serve").serve(
            showing(browse.browse_view(dataset)),
            browse.pictures(dataset),
            cache=dataset.path / "cache",
            ready=lambda opened: threading.Thread(target=ask, args=(opened,)).start(),
            stop=stop,
            port=0,
            desk=DatasetDesk(dataset),
        )
    if failed:
        raise failed[0]


if __name__ == "__main__":
    main()
