"""Find how the clocks of every recording run, and its synchronised moments."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from rushes.cli import _progress
from rushes.cli._options import Duration, OneOf, dataset_argument, dry_run_option, verb
from rushes.cli._output import Answer
from rushes.cli._synced import entry, say_recordings, warnings
from rushes.quantities import say_bytes, say_count
from rushes.timing.crosscheck.verdict import KINDS
from rushes.timing.moments import METHODS
from rushes.workflow.certificate import write_certificate
from rushes.workflow.pages import demand_place
from rushes.workflow.sync import Settings, Synced, sync


@verb(
    "sync",
    examples="""
rushes sync my-dataset
rushes sync my-dataset --report sync.html
rushes sync my-dataset --to /cam0/image/compressed --within 10ms --no-crosscheck
rushes sync my-dataset --rate 30 --method interpolate
rushes sync my-dataset --time log --dry-run
""",
)
@dataset_argument
@click.option(
    "--to", "reference", metavar="STREAM", help="Stream that sets the moments; the slowest picture stream."
)
@click.option("--rate", "rate_hz", metavar="HZ", help="Moments at a fixed rate, such as 30 or 30000/1001.")
@click.option(
    "--method",
    type=OneOf(METHODS),
    default="nearest",
    show_default=True,
    help="How the samples of a moment are chosen.",
)
@click.option("--within", type=Duration(), help="Largest skew; half of the slower interval of each pair.")
@click.option("--stream", "streams", multiple=True, help="Only these streams; can be repeated.")
@click.option(
    "--time",
    type=OneOf(("auto", "header", "log", "pts", "mapped")),
    default="auto",
    show_default=True,
    help="Time to align by; mapped: stamps through the estimated clock maps.",
)
@click.option(
    "--crosscheck/--no-crosscheck", default=True, show_default=True, help="Hold the content against the clocks."
)
@click.option(
    "--stretch", type=Duration(), default="15s", show_default=True, help="How much of a recording that looks at."
)
@click.option("--follow", is_flag=True, help="Look at all of it instead, for drift and jumps; takes long.")
@click.option(
    "--apply-crosscheck",
    "apply",
    type=OneOf(KINDS),
    multiple=True,
    help="Add the offset that this kind of cross-check finds to the times; can be repeated. Is recorded.",
)
@click.option("--report", type=click.Path(path_type=Path), help="Write the alignment certificate, a page, here.")
@dry_run_option
def command(
    dataset: Path,
    reference: str | None,
    rate_hz: str | None,
    method: str,
    within: int | None,
    streams: Sequence[str],
    time: str,
    crosscheck: bool,
    stretch: int,
    follow: bool,
    apply: Sequence[str],
    report: Path | None,
    dry_run: bool,
) -> Answer:
    """Estimate every stream's clock from the evidence, and find the samples that belong to one moment.

    Per stream: offset and drift against the recorder's clock with a 95 % interval, and the evidence. Per pair: the
    skew that remains, and what the content says. Where there is no evidence it says unproven. No sample changes.
    """
    if report is not None:
        demand_place(report)
    settings = Settings(
        reference=reference,
        within_ns=within,
        streams=streams or None,
        time=time,
        method=method,
        rate_hz=rate_hz,
        crosscheck=crosscheck or follow or bool(apply),
        follow=follow,
        stretch_s=stretch / 1e9,
        apply=apply,
    )
    with _progress.bar("sync", unit="recordings") as progress:
        done, revision = sync(dataset, settings, argv=sys.argv[1:], dry_run=dry_run, progress=progress)
    size = write_certificate(done, report, dataset=dataset, revision=revision) if report is not None else None
    page = f"\n\nOpen {report} in a browser ({say_bytes(size)}, works offline)." if report is not None else ""
    return answer(dataset, done, revision, page=page)


def answer(dataset: Path, done: Sequence[Synced], revision: int, *, page: str = "") -> Answer:
    """Say what became of every recording, stream by stream."""
    aligned = [item for item in done if item.alignment]
    moments = sum(item.moments for item in done)
    verdicts = [item.common.verdict if item.common else "unproven" for item in aligned]
    told = ", ".join(f"{verdicts.count(v)} {v}" for v in ("declared", "estimated", "unproven") if v in verdicts)
    said = say_recordings(done)
    text = f"{said}\n\n" if said else ""
    text += f"{say_count(moments, 'moment')} in {say_count(len(aligned), 'recording')}"
    text += f"; clocks: {told}" if told else ""
    return Answer(
        result={"moments": moments, "recordings": [entry(item) for item in done]},
        text=text + page,
        dataset=str(dataset),
        revision=revision,
        warnings=warnings(done),
    )
