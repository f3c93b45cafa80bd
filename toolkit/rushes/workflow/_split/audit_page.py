"""An audit → one page that works offline: verdict, what was searched for, and the closest pairs side by side."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from rushes import __version__, registry
from rushes.quantities import say_count
from rushes.report import page
from rushes.report.page import Column, Html, Picture, Piece, PlacedFinding
from rushes.splits import Cost, Leak, Pair
from rushes.workflow._split.audited import said

if TYPE_CHECKING:
    from rushes.workflow.split_verify import Verified

LONG_SIDE_PX = 200
QUALITY = 75
SHOWN = 8
"""Pairs across each border."""


def audit_page(done: "Verified") -> str:
    """Make the page of an audit."""
    errors = sum(finding.severity == "error" for finding in done.findings)
    total = sum(done.sizes.values())
    leaking = np.zeros(len(done.audited.samples.part), np.bool_)
    for leak in done.leaks:
        leaking |= leak.leaking
    body: list[Piece] = [
        page.tally(
            [
                (f"{total:,}", "pictures", ""),
                (str(len(done.sizes)), "parts", ""),
                (f"{int(leaking.sum()):,}", "leak in any way", "error" if errors else ""),
                (str(errors), "kinds of leak that must not be", "error" if errors else ""),
            ]
        ),
        page.section(
            "Verdict",
            page.paragraph("It leaks." if done.forbidden else "No leak was found by what was searched for."),
            page.findings(PlacedFinding(finding=finding) for finding in done.findings),
        ),
        page.section("What was searched for", _kinds(done), page.paragraph(_method(done), quiet=True)),
        *([page.section("What each leak is worth", *_costs(done))] if done.cost_between else []),
        *_borders(done),
        page.section(
            "Method",
            page.facts(
                [
                    ("rushes", __version__),
                    ("assignment", page.code(f"sha256 {done.digest}")),
                    ("seed", str(done.settings.seed)),
                    ("notes", "; ".join(done.audited.notes) or "none"),
                ]
            ),
        ),
    ]
    return page.page("Do the parts leak?", *body, subtitle=done.audited.title)


def _kinds(done: "Verified") -> Html:
    parts = list(done.sizes)
    samples = done.audited.samples
    rows = [
        [
            said(leak),
            f"{leak.known:,}",
            f"{int(leak.leaking.sum()):,}",
            f"{leak.leaking.sum() / max(leak.known, 1):.1%}",
        ]
        + [f"{int(leak.leaking[samples.part == at].sum()):,}" for at in range(len(parts))]
        for leak in done.leaks
    ]
    columns = [Column(title="in another part"), Column(title="pictures searched", number=True)]
    columns += [Column(title="leak", number=True), Column(title="share", number=True)]
    columns += [Column(title=f"of {part} ({done.sizes[part]:,})", number=True) for part in parts]
    return page.table(columns, rows, caption="Pictures that have the like of them in another part")


def _method(done: "Verified") -> str:
    settings = done.settings
    near = f"{settings.within_ns / 1e9:g} s" if settings.within_ns else say_count(settings.within, "sample")
    return (
        "Equal bytes by sha256. Near-duplicates by a 64-bit perceptual hash (lowest frequencies of the grey "
        f"picture) and that of the mirror image, up to {done.radius} bits apart, of films "
        f"{done.film_radius}; all pairs were compared. "
        f"Neighbours in time within {near} of the same stream. Pictures without contrast have no hash."
    )


def _costs(done: "Verified") -> Iterator[Piece]:
    train, test = done.cost_between or ("", "")
    yield page.paragraph(
        f"A nearest-neighbour baseline learns from {train} and is tested on {test}: with the leaking training "
        "pictures, and without them, with as many others taken out at random. A small difference says that this "
        "baseline does not profit; a large network may."
    )
    rows = [
        [
            c.kind,
            f"{c.leaking:,} of {c.train:,}",
            f"{c.kept:.3f}",
            f"{c.removed:.3f}",
            f"{c.inflation:+.3f}",
            _range(c),
        ]
        for c in done.costs
    ]
    numbers = ("training pictures", "score with", "without", "inflated by", "95 % interval")
    columns = [Column(title="leak"), *(Column(title=title, number=True) for title in numbers)]
    if rows:
        yield page.table(columns, rows, caption="How much each leak adds to the score")
    else:
        yield page.paragraph("Nothing leaks between them, or nothing is labelled.", quiet=True)


def _range(cost: Cost) -> str:
    return f"{cost.low:+.3f} to {cost.high:+.3f}"


def _borders(done: "Verified") -> Iterator[Html]:
    """Show the closest pairs of each kind across each border between two parts."""
    samples = done.audited.samples
    for leak in done.leaks:
        borders: dict[tuple[str, str], list[Pair]] = {}
        for pair in leak.pairs:
            names = sorted(samples.parts[samples.part[at]] for at in (pair.one, pair.other))
            borders.setdefault((names[0], names[1]), []).append(pair)
        shown = [
            page.section(
                f"{one} and {other}",
                page.element("div", *(_pair(done, leak, pair) for pair in pairs[:SHOWN]), class_="pairs"),
                level=3,
            )
            for (one, other), pairs in sorted(borders.items())
        ]
        if shown:
            yield page.section(said(leak).capitalize(), *shown, note="closest pairs across each border")


def _pair(done: "Verified", leak: Leak, pair: Pair) -> Html:
    samples = done.audited.samples
    pictures = [picture for at in (pair.one, pair.other) if (picture := _picture(done, at))]
    unit = "ns" if done.settings.within_ns else "samples"
    bits = f"{pair.distance} of 64 bits apart"
    far = {"near": bits, "alike": bits, "time": f"{pair.distance} {unit} apart"}
    if leak.kind == "group":
        caption = f"{leak.key} '{done.audited.values[leak.key][samples.keys[leak.key][pair.one]]}' in both"
    else:
        caption = far.get(leak.kind, "the same bytes")
    if not pictures:
        names = " and ".join(done.audited.names[at] for at in (pair.one, pair.other))
        return page.paragraph(f"{caption}: {names} (neither can be shown)", quiet=True)
    return page.contact_sheet(pictures, caption=caption)


def _picture(done: "Verified", at: int) -> Picture | None:
    pixels: Any = done.audited.pixels(at)
    if pixels is None:
        return None
    height, width = pixels.shape[:2]
    scale = min(1.0, LONG_SIDE_PX / max(height, width))
    part = done.audited.samples.parts[done.audited.samples.part[at]]
    name = done.audited.names[at]
    jpeg = registry.late("rushes.decoders._render").to_jpeg(
        pixels, "color", long_side_px=LONG_SIDE_PX, quality=QUALITY
    )
    return Picture(
        jpeg=jpeg,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
        alt=f"{name} in {part}",
        caption=f"{part}: {name}",
    )
