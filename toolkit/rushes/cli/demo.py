"""Turn the sample recording into a dataset and open it in the App."""

import sys
from pathlib import Path

from rushes.cli import _output, _progress, browse, run
from rushes.cli._options import verb
from rushes.cli._output import Answer, table
from rushes.workflow import browse as browsing
from rushes.workflow.demo import Foretold, demo

PLACE = Path("rushes-demo")


@verb("demo", examples="rushes demo")
def command() -> Answer:
    """Run the recipe 'tabletop' on the samples that come along, into ./rushes-demo.

    At a terminal it ends by serving the App and printing its address; elsewhere it proves that the App answers
    with the data, and stops. Needs no network and writes only ./rushes-demo.
    """
    with _progress.bar("demo", unit="steps") as progress:
        recipe, ran, foretold = demo(PLACE, argv=sys.argv[1:], progress=progress)
    stages = run.answer(PLACE, recipe, ran)
    wrong = [item for item in foretold if not item.holds]
    rows = [(item.what, item.expected, item.found, _verdict(item)) for item in foretold]
    text = [
        stages.text,
        "── what data_samples/README.md foretells ──\n"
        + table(rows, head=("what", "foretold", "found", ""), right=(1, 2)),
    ]
    following = (
        "── try next ──\n"
        f'rushes query {PLACE} "select stream, count, effective_rate_hz from streams"\n'
        "rushes look PATH…            any recordings of yours, on one page\n"
        "rushes ingest PATH --into my-dataset"
    )
    if sys.stdout.isatty() and sys.stderr.isatty():
        _output.talk("\n\n".join([*text, following]))
        browsing.serve(PLACE, ready=browse.announce(PLACE))
        text = []
        app: dict[str, object] = {}
    else:
        proof = browse.proven(PLACE, browsing.prove(PLACE))
        text += [f"── browse ──\n{proof.text}", following]
        app = dict(proof.result)
    return Answer(
        result={**stages.result, "foretold": len(foretold), "wrong": [item.what for item in wrong], "browse": app},
        text="\n\n".join(text),
        dataset=str(PLACE),
        revision=ran.revision,
        exit_code=1 if wrong else stages.exit_code,
    )


def _verdict(item: Foretold) -> str:
    if not item.holds:
        return "NOT as foretold"
    return f"as foretold, within {item.within}" if item.within else "as foretold"
