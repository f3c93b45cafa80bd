"""What goes into a page comes out as text, and a page asks for nothing from outside."""

import re
from html.parser import HTMLParser

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rushes.model import Finding
from rushes.report import plots
from rushes.report.page import (
    Column,
    Html,
    Picture,
    PlacedFinding,
    chip,
    contact_sheet,
    disclosure,
    element,
    facts,
    figure,
    findings,
    link,
    page,
    section,
    table,
    tally,
    together,
)

HOSTILE = "<script src=\"https://evil.example/x.js\">alert('&amp;')</script>"
TEXTS = st.text(alphabet=st.characters(exclude_categories=("Cs", "Cc")), max_size=40)


class Reading(HTMLParser):
    """What a browser would see: every element with its attributes, and the text."""

    def __init__(self, document: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def everything(text: str) -> str:
    return page(
        text,
        tally([(text, text, "error")]),
        section(text, text, note=text, anchor="a"),
        facts([(text, text)]),
        table([Column(title=text), Column(title=text, number=True)], [[text, text]], caption=text),
        figure(text, text),
        contact_sheet([Picture(jpeg=b"\xff\xd8", width=2, height=1, alt=text, caption=text)], caption=text),
        findings(
            [PlacedFinding(finding=Finding(check="c", severity="info", message=text), place=text, anchor="a")]
        ),
        disclosure(text, text),
        link("a", text),
        chip(text),
        plots.lanes(
            [
                plots.Lane(
                    label=text,
                    note=text,
                    kind="imu",
                    count=2,
                    times=np.array([0, 5]),
                    marked=(plots.Stretch(start_ns=1, end_ns=2, title=text),),
                )
            ],
            start_ns=0,
            end_ns=5,
            label=text,
        ),
        subtitle=text,
    )


@given(TEXTS)
def test_text_comes_out_as_it_went_in(text: str) -> None:
    assert Reading(element("p", text, title=text)).text == text
    assert Reading(element("p", title=text)).elements == [("p", {"title": text})]


@given(TEXTS)
def test_no_text_can_make_an_element(text: str) -> None:
    plain = [tag for tag, _ in Reading(everything("x" if text else "")).elements]
    assert [tag for tag, _ in Reading(everything(text)).elements] == plain


def test_hostile_text_stays_text_in_every_piece() -> None:
    reading = Reading(everything(HOSTILE))
    assert "script" not in [tag for tag, _ in reading.elements]
    assert reading.text.count(HOSTILE) >= 15


def test_markup_joined_with_text_is_text_again() -> None:
    assert not isinstance(chip("a") + "<b>", Html)
    assert together(chip("a") + "<b>").startswith("&lt;span")


def test_a_page_asks_for_nothing_from_outside() -> None:
    document = everything("x")
    for _, attributes in Reading(document).elements:
        for name in ("src", "href", "srcset", "data", "action"):
            value = attributes.get(name) or ""
            assert value == "" or value.startswith(("data:image/", "#")), (name, value[:60])
    style = document.partition("<style>")[2].partition("</style>")[0]
    assert "url(" not in style
    assert "@import" not in style
    (policy,) = [a["content"] for t, a in Reading(document).elements if a.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; img-src data:;")


def test_a_page_can_be_read_by_those_who_do_not_see_it() -> None:
    elements = Reading(everything("a name")).elements
    assert ("html", {"lang": "en"}) in elements
    assert all(attributes.get("alt") for tag, attributes in elements if tag == "img")
    assert [tag for tag, _ in elements].count("h1") == 1
    assert all(attributes.get("scope") for tag, attributes in elements if tag == "th")


def test_errors_come_before_warnings_before_remarks() -> None:
    made = findings(
        PlacedFinding(finding=Finding(check="c", severity=severity, message=f"m{severity}"))
        for severity in ("info", "error", "warning")
    )
    assert re.findall(r"<p>m(\w+)", made) == ["error", "warning", "info"]


def test_the_evidence_of_a_finding_is_shown_with_its_unit() -> None:
    finding = Finding(check="stream.gap", severity="warning", message="m", value=0.0667, limit=0.05, unit="s")
    text = Reading(findings([PlacedFinding(finding=finding)])).text
    assert "measured 0.0667 s, limit 0.05 s" in text
    assert "stream.gap" in text
