"""Values → one HTML page that needs nothing beside itself: no script, no request, no font.

Text is escaped wherever it enters; only :class:`Html` passes as it is, and joining it with plain text gives plain
text again, which is escaped once more. The page forbids itself every request by its content security policy.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from typing import Literal

from rushes.model import Finding, Severity
from rushes.report import amounts

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
VOID = frozenset({"img", "br", "hr", "meta", "col"})
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
YEAR_2000_NS = 946_684_800_000_000_000
"""From here on a measured time is a date, not a length."""
_MARKS = {"error": "✕", "warning": "!", "info": "i"}


class Html(str):
    """Markup that is ready to stand in a page; only this module and ``plots`` make it."""

    __slots__ = ()


Piece = Html | str | None
"""What can be put inside an element: markup, text that will be escaped, or nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table; numbers stand to the right."""

    title: str
    number: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small JPEG with the words that stand for it.

    Args:
        alt: What it shows, for those who cannot see it.
        caption: A few words below it, such as its time.
    """

    jpeg: bytes
    width: int
    height: int
    alt: str
    caption: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacedFinding:
    """A finding and the place that it is about.

    Args:
        place: Recording and stream, as a reader would look for them.
        anchor: Where in the page that place is described; empty for nowhere.
        label_anchor: Where in the page the label that it names is shown; empty for nowhere.
    """

    finding: Finding
    place: str = ""
    anchor: str = ""
    label_anchor: str = ""


def element(tag: str, *children: Piece, **attributes: str | int | float | bool | None) -> Html:
    """Make an element.

    Args:
        tag: Its name.
        children: What it holds.
        attributes: ``class_`` becomes ``class``, ``aria_label`` ``aria-label``; None and False are left out.
    """
    shown = "".join(
        f" {name.rstrip('_').replace('_', '-')}"
        + ("" if value is True else f'="{escape(str(value), quote=True)}"')
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in VOID:
        return Html(f"<{tag}{shown}>")
    return Html(f"<{tag}{shown}>{together(*children)}</{tag}>")


def together(*pieces: Piece) -> Html:
    """Put pieces one after another."""
    return Html("".join(p if isinstance(p, Html) else escape(p, quote=False) for p in pieces if p is not None))


def page(title: str, *body: Piece, subtitle: str = "", language: str = "en") -> str:
    """Make the whole document, with its one stylesheet inside."""
    head = together(
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=POLICY),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("meta", name="generator", content="rushes"),
        element("title", title),
        Html(f"<style>{_style()}</style>"),
    )
    header = element(
        "header", element("h1", title), element("p", subtitle, class_="subtitle") if subtitle else None
    )
    document = element(
        "html",
        element("head", head),
        element("body", header, element("main", *body)),
        lang=language,
    )
    return f"<!doctype html>\n{document}\n"


def section(title: str, *children: Piece, anchor: str | None = None, level: int = 2, note: str = "") -> Html:
    """Make a section under a heading; ``note`` stands beside the heading, smaller."""
    heading = element(f"h{level}", title, element("small", note) if note else None)
    return element("section", heading, *children, id=anchor)


def paragraph(*children: Piece, quiet: bool = False) -> Html:
    """Make a paragraph; a quiet one is a remark."""
    return element("p", *children, class_="quiet" if quiet else None)


def link(anchor: str, *children: Piece) -> Html:
    """Point to a place in the same page."""
    return element("a", *children, href=f"#{anchor}")


def code(text: str) -> Html:
    """Show a path, a command or a name as it is typed; long ones may break anywhere."""
    return element("code", text)


def chip(text: str, *, kind: str = "") -> Html:
    """Show a short word set apart, such as a modality or a severity."""
    return element("span", text, class_=f"chip {kind}".rstrip())


def tally(amounts: Iterable[tuple[str, str, str]]) -> Html:
    """Make the row of large numbers at the top: amount, what it counts, and a severity or nothing."""
    items = [
        element("div", element("dd", amount), element("dt", noun), class_=f"amount {kind}".rstrip())
        for amount, noun, kind in amounts
    ]
    return element("dl", *items, class_="tally")


def facts(pairs: Iterable[tuple[str, Piece]]) -> Html:
    """Make a list of names and their values."""
    items = [element("div", element("dt", name), element("dd", value)) for name, value in pairs]
    return element("dl", *items, class_="facts")


def table(columns: Sequence[Column], rows: Iterable[Sequence[Piece]], *, caption: str) -> Html:
    """Make a table; the first cell of a row is its heading. The caption is read out, and shown small."""
    head = [element("th", c.title, scope="col", class_="number" if c.number else None) for c in columns]
    body = [
        element(
            "tr",
            *(
                element("td" if at else "th", cell, scope=None if at else "row", class_=_cell(column))
                for at, (column, cell) in enumerate(zip(columns, row, strict=True))
            ),
        )
        for row in rows
    ]
    made = element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *head)),
        element("tbody", *body),
    )
    # A wide table scrolls inside its own frame, and by keyboard too.
    return element("div", made, class_="scroll", tabindex=0, role="region", aria_label=caption)


def figure(content: Piece, caption: Piece) -> Html:
    """Make a figure with its caption."""
    return element("figure", content, element("figcaption", caption))


def contact_sheet(pictures: Iterable[Picture], *, caption: Piece) -> Html:
    """Lay small pictures side by side."""
    items = [
        element("li", image(picture), element("span", picture.caption) if picture.caption else None)
        for picture in pictures
    ]
    return element("figure", element("figcaption", caption), element("ul", *items, class_="sheet"))


def image(picture: Picture) -> Html:
    """Put a picture into the page itself."""
    return element(
        "img",
        src="data:image/jpeg;base64," + base64.b64encode(picture.jpeg).decode("ascii"),
        width=picture.width,
        height=picture.height,
        alt=picture.alt,
        decoding="async",
    )


def findings(placed: Iterable[PlacedFinding]) -> Html:
    """List findings with their evidence, errors first; within a severity the given order stays."""
    ordered = sorted(placed, key=lambda item: SEVERITIES.index(item.finding.severity))
    return element("ul", *(_finding(item) for item in ordered), class_="findings")


def disclosure(summary: Piece, *children: Piece, opened: bool = False, class_: str | None = None) -> Html:
    """Fold something away under a line that opens it; a link to a place inside opens it too."""
    return element("details", element("summary", summary), *children, open=opened, class_=class_)


def _finding(item: PlacedFinding) -> Html:
    finding = item.finding
    place: Piece = link(item.anchor, item.place) if item.anchor and item.place else item.place or None
    label: Piece = f"label {finding.label_id}" if finding.label_id is not None else None
    evidence = [_evidence(finding), finding.check, link(item.label_anchor, label) if item.label_anchor else label]
    shown = [piece for piece in evidence if piece]
    return element(
        "li",
        element("span", _MARKS[finding.severity], class_="mark", aria_hidden="true"),
        element(
            "div",
            element(
                "p",
                element("span", finding.severity, class_="severity"),
                element("span", place, class_="place") if place else None,
                class_="head",
            ),
            element("p", finding.message),
            element(
                "p",
                *(part for at, piece in enumerate(shown) for part in (" · " * (at > 0), piece)),
                class_="evidence",
            ),
        ),
        class_=finding.severity,
    )


def _evidence(finding: Finding) -> str:
    if finding.value is None:
        return ""
    limit = f", limit {_measured(finding.limit, finding.unit)}" if finding.limit is not None else ""
    return f"measured {_measured(finding.value, finding.unit)}{limit}"


def _measured(value: float, unit: str | None) -> str:
    if unit == "ns":
        return amounts.instant(round(value)) if value >= YEAR_2000_NS else amounts.span(round(value))
    said = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"  # as much as an eye can use
    return said if unit in (None, "1") else f"{said} {unit}"


def _cell(column: Column) -> Literal["number"] | None:
    return "number" if column.number else None


@cache
def _style() -> str:
    return Path(__file__).with_name("style.css").read_text(encoding="utf-8")
