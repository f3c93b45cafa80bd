"""The page of an agreement: what was compared, figure by figure, and whose labels were hardly looked at."""

import math
from collections.abc import Iterable, Sequence

from rushes.annotate.agreement.figures import Agreement
from rushes.quantities import say_count
from rushes.report import page as html
from rushes.report.page import Column, Html
from rushes.workflow.agree import FEW_RECORDINGS, Agreed

_LIKENESS = ("iou", "oks")
_BEYOND = ("alpha", "fleiss", "kappa")


def page_of(done: Agreed, *, name: str, iou: float) -> str:
    """Make a self-contained page.

    Args:
        done: The agreement.
        name: Of the dataset.
        iou: Least likeness of a pair that it was told with.
    """
    return html.page(
        f"How far people agree: {name}",
        html.tally(
            [
                (str(len(done.authors)), "people", ""),
                (str(sum(x.items for x in done.overlaps)), "items that two have looked at, pair by pair", ""),
                (str(done.recordings), "recordings", "warning" if done.recordings < FEW_RECORDINGS else ""),
            ]
        ),
        html.paragraph(_how_to_read(done, iou), quiet=True),
        _drawn(done.figures, "all", "All together"),
        _drawn(done.figures, "author", "Each person against the others"),
        _drawn(done.figures, "pair", "Two by two"),
        _said(done.figures),
        _overlaps(done),
        _haste(done),
        subtitle=f"revision {done.revision}",
    )


def _how_to_read(done: Agreed, iou: float) -> str:
    text = (
        f"Two labels match where their likeness (overlap; of keypoints OKS) is {iou:g} or more. "
        "Found by both is F1: of all that two people drew, the share that matches. "
        "Alpha, Fleiss and kappa are agreement beyond chance: 1 is full, 0 is what chance alone would give. "
        "Intervals are of 95 %, by drawing recordings."
    )
    if done.recordings < 2:
        return f"{text} All of it is one recording, so that none can be given."
    if done.recordings < FEW_RECORDINGS:
        return f"{text} They rest on {done.recordings} recordings only: take them for a hint."
    return text


def _drawn(figures: Iterable[Agreement], scope: str, title: str) -> Html | None:
    rows: dict[tuple[str, str, str], dict[str, Agreement]] = {}
    for x in figures:
        if x.scope == scope and x.measure not in _BEYOND:
            rows.setdefault((", ".join(x.authors), x.kind, x.class_name or "all"), {})[x.measure] = x
    if not rows:
        return None
    columns = [Column(title="people"), Column(title="kind"), Column(title="class")]
    columns += [
        Column(title=name, number=True) for name in ("found by both", "95 %", "likeness", "ends off by", "labels")
    ]
    cells = []
    alone = {place[:2] for place in rows if sum(other[:2] == place[:2] for other in rows) == 2}
    for place, of in sorted(rows.items()):
        if place[2] == "all" and place[:2] in alone:
            continue  # one class only, whose row says the same
        like = next((of[measure] for measure in _LIKENESS if measure in of), None)
        ends = f"{of['boundary_s'].value * 1e3:,.0f} ms" if "boundary_s" in of else ""
        f1 = of["f1"]
        cells.append(
            (*place, _number(f1.value), _between(f1), _number(like.value) if like else "", ends, f"{f1.count:,}")
        )
    return html.section(title, html.table(columns, cells, caption=f"{title}: what was drawn"))


def _said(figures: Iterable[Agreement]) -> Html | None:
    rows = [
        (
            "class of the picture" if x.kind == "class" else x.kind,
            x.measure,
            ", ".join(x.authors),
            _number(x.value),
            _between(x),
            f"{x.count:,}",
        )
        for x in figures
        if x.measure in _BEYOND
    ]
    columns = [Column(title="said of"), Column(title="measure"), Column(title="people")]
    columns += [Column(title=name, number=True) for name in ("value", "95 %", "items")]
    return html.section("What was said", html.table(columns, rows, caption="Beyond chance")) if rows else None


def _overlaps(done: Agreed) -> Html:
    columns = [Column(title="both have looked at"), *_numbers("items", "recordings")]
    rows = [(", ".join(x.authors), f"{x.items:,}", f"{x.recordings:,}") for x in done.overlaps]
    return html.section("What was compared", html.table(columns, rows, caption="Items of every two people"))


def _haste(done: Agreed) -> Html | None:
    if not done.flags:
        return None
    names = ("labels", "taken over unchanged", "annotations", "under 1 s", "under 1 s a label")
    people = [
        (x.author, *(f"{n:,}" for n in (x.labels, x.unchanged, x.annotations, x.hasty, x.hasty_each)))
        for x in done.haste
    ]
    each = [
        (
            flag.author,
            flag.item,
            f"{flag.labels:,}",
            f"{flag.unchanged:,}",
            "" if flag.lead_time_s is None else f"{flag.lead_time_s:.1f} s",
        )
        for flag in done.flags
    ]
    columns = [Column(title="person"), Column(title="item"), *_numbers("labels", "unchanged", "time")]
    return html.section(
        "Hardly looked at",
        html.table([Column(title="person"), *_numbers(*names)], people, caption="Person by person"),
        html.disclosure(say_count(len(each), "annotation"), html.table(columns, each, caption="One by one")),
    )


def _numbers(*titles: str) -> Sequence[Column]:
    return [Column(title=title, number=True) for title in titles]


def _number(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.3f}"


def _between(figure: Agreement) -> str:
    return "–" if math.isnan(figure.low) else f"{figure.low:.3f} to {figure.high:.3f}"
