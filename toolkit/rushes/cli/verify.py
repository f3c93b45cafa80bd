"""Check that the recordings are still what was ingested, byte for byte."""

import sys
from pathlib import Path

from rushes.cli import _progress
from rushes.cli._options import dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.quantities import say_count
from rushes.workflow.verify import verify

HINTS = {
    "changed": "what changed is another recording now: bring the old bytes back, or ingest the file again",
    "absent": "bring absent files back to where they were; ingest --copy keeps recordings inside the dataset",
}


@verb("verify", examples="rushes verify my-dataset")
@dataset_argument
@dry_run_option
def command(dataset: Path, dry_run: bool) -> Answer:
    """Read every media file and compare it with what was ingested; store the sha256 where none was known."""
    with _progress.bar("verify", unit="files") as progress:
        seen = verify(dataset, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    counts = {
        state: sum(item.state == state for item in seen) for state in ("same", "hashed", "changed", "absent")
    }
    if dry_run and counts["hashed"]:
        counts["hashed"], counts["same"] = 0, counts["same"] + counts["hashed"]
    wrong = [item for item in seen if item.state in ("changed", "absent")]
    lines = [item.message for item in wrong]
    lines.append(
        f"{say_count(len(seen), 'file')}: " + ", ".join(f"{n} {state}" for state, n in counts.items() if n)
    )
    return Answer(
        result={"counts": counts, "wrong": [{"path": str(item.path), "state": item.state} for item in wrong]},
        text="\n".join(lines),
        dataset=str(dataset),
        warnings=[HINTS[state] for state in HINTS if any(item.state == state for item in wrong)],
        exit_code=1 if wrong else 0,
    )
