"""Search an assignment for leaks between its parts, whoever made it."""

import re
from pathlib import Path
from typing import Any

import click

from rushes.cli import _progress
from rushes.cli._options import Duration, verb
from rushes.cli._output import Answer, table
from rushes.errors import UsageError
from rushes.workflow import pages
from rushes.workflow._split.audited import said
from rushes.workflow.split_verify import Settings, Verified, verify, write_report


@verb(
    "verify",
    group="split",
    examples="""
rushes split verify my-dataset
rushes split verify my-dataset --name two-way --by recording --report leaks.html
""",
)
@click.argument("sources", nargs=-1, required=True, metavar="DATASET|FILE…")
@click.option("--name", default="default", show_default=True, help="Name of the dataset's split.")
@click.option(
    "--assignment",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="CSV",
    help="Parts of a dataset's recordings or frames (recording/stream/index), made elsewhere.",
)
@click.option(
    "--by", metavar="KEY,…", help="What may not be in two parts.  [recording,subject,session; all of a CSV]"
)
@click.option(
    "--from-path", metavar="REGEX", help="Named groups of it are keys; stream and index say what follows."
)
@click.option("--images", type=click.Path(path_type=Path), metavar="FOLDER", help="Pictures of COCO files.")
@click.option("--radius", type=click.IntRange(0, 16), help="Bits near-duplicates may differ in.  [8; films 4]")
@click.option("--within", default="1", show_default=True, help="Samples, or a time, that make two neighbours.")
@click.option(
    "--every", type=click.IntRange(1), default=1, show_default=True, help="Look at one of so many frames."
)
@click.option("--cost", is_flag=True, help="Measure what each leak adds to the score of a small baseline.")
@click.option("--seed", type=int, default=7, show_default=True)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="HTML", help="Write a page with the closest pairs."
)
def verify_command(
    sources: tuple[str, ...],
    name: str,
    assignment: Path | None,
    by: str | None,
    from_path: str | None,
    images: Path | None,
    radius: int | None,
    within: str,
    every: int,
    cost: bool,
    seed: int,
    report: Path | None,
) -> Answer:
    """Search the parts for leaks: by group, equal bytes, near-duplicates, neighbours in time; exit code 3 if any.

    FILE is a CSV whose header names path and part (other columns are keys), or COCO files, one a part:
    train.json val.json, or train=a.json test=b.json.
    """
    if report:
        pages.demand_place(report)
    samples, within_ns = _within(within)
    settings = Settings(
        sources=sources,
        name=name,
        assignment=assignment,
        by=[word.strip() for word in by.split(",")] if by else None,
        pattern=from_path,
        images=images,
        radius=radius,
        within=samples,
        within_ns=within_ns,
        every=every,
        cost=cost,
        seed=seed,
    )
    with _progress.bar("verify", unit="pictures") as progress:
        done = verify(settings, progress=progress)
    if report:
        write_report(done, report)
    return _answer(done, report)


def _within(text: str) -> tuple[int, int]:
    if re.fullmatch(r"\d{1,9}", text):
        return int(text), 0
    try:
        return 1, Duration().convert(text, None, None)
    except click.BadParameter as error:
        raise UsageError(
            f"'{text}' is no number of samples and no time",
            code="split.option",
            hint="--within 3, or --within 0.5s",
        ) from error


def _answer(done: Verified, report: Path | None) -> Answer:
    rows = [
        (
            said(leak),
            f"{leak.known:,}",
            f"{int(leak.leaking.sum()):,}",
            f"{leak.leaking.sum() / max(leak.known, 1):.1%}",
        )
        for leak in done.leaks
    ]
    text = table(rows, head=("in another part", "searched", "leak", "share"), right=(1, 2, 3))
    sizes = ", ".join(f"{part} {count:,}" for part, count in done.sizes.items())
    lines = [text, f"\n{done.audited.title}: {sizes}; sha256 {done.digest}"]
    lines += [f"{f.severity}: {f.message}" for f in done.findings]
    lines += [_cost_line(done, cost) for cost in done.costs]
    lines.append("it leaks (exit code 3)" if done.forbidden else "no leak was found by what was searched for")
    if report:
        lines.append(f"report: {report}")
    return Answer(
        result={
            "title": done.audited.title,
            "parts": dict(done.sizes),
            "sha256": done.digest,
            "radius": done.radius,
            "film_radius": done.film_radius,
            "leaks": [_leak(done, leak) for leak in done.leaks],
            "costs": [
                {
                    "kind": c.kind,
                    "kept": c.kept,
                    "removed": c.removed,
                    "inflation": c.inflation,
                    "low": c.low,
                    "high": c.high,
                    "leaking": c.leaking,
                    "train": c.train,
                    "test": c.test,
                }
                for c in done.costs
            ],
            "findings": [
                {
                    "check": f.check,
                    "severity": f.severity,
                    "message": f.message,
                    "count": f.count,
                    "value": f.value,
                    "limit": f.limit,
                    "unit": f.unit,
                }
                for f in done.findings
            ],
            "forbidden": done.forbidden,
            "report": str(report) if report else None,
        },
        text="\n".join(lines),
        exit_code=3 if done.forbidden else 0,
    )


def _cost_line(done: Verified, cost: Any) -> str:
    train, test = done.cost_between or ("", "")
    return (
        f"cost of {cost.kind}: a nearest-neighbour baseline from {train} on {test} scores {cost.kept:.3f} with, "
        f"{cost.removed:.3f} without: {cost.inflation:+.3f} (95 % {cost.low:+.3f} to {cost.high:+.3f})"
    )


def _leak(done: Verified, leak: Any) -> dict[str, Any]:
    samples, names = done.audited.samples, done.audited.names
    return {
        "kind": leak.kind,
        "key": leak.key or None,
        "searched": leak.known,
        "leaking": int(leak.leaking.sum()),
        "pairs": [
            {
                "one": names[pair.one],
                "part": samples.parts[samples.part[pair.one]],
                "other": names[pair.other],
                "other_part": samples.parts[samples.part[pair.other]],
                "distance": pair.distance,
            }
            for pair in leak.pairs
        ],
    }
