"""What a look saw → its page: what needs a glance first, then every recording, then what was refused."""

from collections import defaultdict
from collections.abc import Sequence

from rushes.model import Finding
from rushes.quantities import say_bytes, say_count
from rushes.report.page import (
    SEVERITIES,
    Column,
    Html,
    Piece,
    PlacedFinding,
    chip,
    code,
    disclosure,
    element,
    findings,
    image,
    link,
    page,
    paragraph,
    section,
    table,
    tally,
    together,
)
from rushes.workflow._look_card import joined, recording_card, span
from rushes.workflow._seen import LookResult, by_severity
from rushes.workflow._survey import RecordingSurvey
from rushes.workflow.discover import Refused

EACH_CHECK = 3
"""Findings of one check that are shown at the top; the others stand with their recordings."""

_OVERVIEW = (
    Column(title=""),
    Column(title="Recording"),
    Column(title="Reader"),
    Column(title="Span", number=True),
    Column(title="Streams", number=True),
    Column(title="Samples", number=True),
    Column(title="Size", number=True),
    Column(title="Found"),
)


def look_page(result: LookResult) -> str:
    """Make the page."""
    anchors = {id(recording): f"r{at}" for at, recording in enumerate(result.recordings, start=1)}
    twins = _twins(result)
    title = result.root.resolve().name or "A look"
    return page(
        f"A look at {title}",
        _summary(result),
        _first(result, anchors),
        _equal(result, anchors),
        _overview(result, anchors) if len(result.recordings) > 1 else None,
        section(
            "Recordings",
            *(
                recording_card(result, recording, anchors[id(recording)], twins.get(id(recording), ()))
                for recording in result.recordings
            ),
        )
        if result.recordings
        else section("Recordings", paragraph("No recording was found.")),
        _refused(result),
        subtitle=f"{result.root.resolve()} · {result.looked_at:%d %B %Y, %H:%M} UTC · rushes look",
    )


def _summary(result: LookResult) -> Html:
    severities = by_severity([f for recording in result.recordings for f in recording.findings])
    unread = sum(recording.error is not None for recording in result.recordings)
    amounts_ = [
        (f"{len(result.recordings):,}", "recording" if len(result.recordings) == 1 else "recordings", ""),
        (f"{sum(len(r.streams) for r in result.recordings):,}", "streams", ""),
        (f"{sum(r.samples for r in result.recordings):,}", "samples", ""),
        (say_bytes(sum(r.size for r in result.recordings)), "of recordings", ""),
        (f"{severities['error']:,}", "error" if severities["error"] == 1 else "errors", "error"),
        (f"{severities['warning']:,}", "warning" if severities["warning"] == 1 else "warnings", "warning"),
        (f"{unread:,}", "could not be read", "error"),
        (f"{len(result.refused):,}", "not taken", ""),
    ]
    return tally(item for item in amounts_ if not (item[0] == "0" and (item[2] or item[1] == "not taken")))


def _first(result: LookResult, anchors: dict[int, str]) -> Html:
    groups: defaultdict[tuple[int, str], list[PlacedFinding]] = defaultdict(list)
    for recording in result.recordings:
        for finding in recording.findings:
            if finding.severity != "info":
                placed = PlacedFinding(
                    finding=finding, place=_place(result, recording, finding), anchor=anchors[id(recording)]
                )
                groups[SEVERITIES.index(finding.severity), finding.check].append(placed)
    if not groups:
        return section("First faults", paragraph("None seen: counts agree, times run forward, nothing is absent."))
    shown: list[Piece] = []
    for _, group in sorted(groups.items(), key=lambda item: item[0]):
        shown.append(findings(group[:EACH_CHECK]))
        if len(group) > EACH_CHECK:
            rest = f"{len(group) - EACH_CHECK:,} more of {group[0].finding.check}"
            shown.append(disclosure(rest, findings(group[EACH_CHECK:])))
    return section("First faults", *shown)


def _place(result: LookResult, recording: RecordingSurvey, finding: Finding) -> str:
    name = result.name(recording.path)
    return f"{name} · {finding.stream}" if finding.stream else name


def _equal(result: LookResult, anchors: dict[int, str]) -> Html | None:
    if not result.equal:
        return None
    items = []
    for group in result.equal:
        links = [link(anchors[id(recording)], result.name(recording.path)) for recording in group]
        items.append(element("li", *joined(links)))
    words = "These hold the same samples at the same times, whatever the file is called and however it is packed."
    return section("Equal content", paragraph(words), element("ul", *items))


def _overview(result: LookResult, anchors: dict[int, str]) -> Html:
    rows = [
        (
            _face(recording),
            link(anchors[id(recording)], result.name(recording.path)),
            recording.reader,
            span(recording),
            f"{len(recording.streams):,}",
            f"{recording.samples:,}",
            say_bytes(recording.size),
            _chips(recording),
        )
        for recording in result.recordings
    ]
    # The picture comes second in the row, so that the name is its heading.
    columns = (_OVERVIEW[1], _OVERVIEW[0], *_OVERVIEW[2:])
    ordered = [(name, face, *rest) for face, name, *rest in rows]
    return section("Overview", table(columns, ordered, caption="All recordings"))


def _face(recording: RecordingSurvey) -> Html | None:
    """Give one picture that stands for a recording: from the middle of its first stream that has any."""
    pictures = next((stream.pictures for stream in recording.streams if stream.pictures), ())
    return image(pictures[len(pictures) // 2]) if pictures else None


def _chips(recording: RecordingSurvey) -> Html:
    severities = by_severity(recording.findings)
    return together(
        *(
            chip(say_count(severities[s], s) if s != "info" else f"{severities[s]} info", kind=s)
            for s in SEVERITIES
            if severities[s]
        )
    )


def _refused(result: LookResult) -> Html | None:
    if not result.refused:
        return None
    groups: defaultdict[tuple[str, str], list[Refused]] = defaultdict(list)
    for refused in result.refused:
        groups[refused.kind, refused.path.suffix.lower()].append(refused)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    hidden = f"Beside these, {say_count(result.hidden, 'name')} that start with a dot were left aside."
    return section(
        "Not taken",
        paragraph("What no reader takes, and what each one said of it."),
        *(_refused_group(result, suffix, group) for (_, suffix), group in ordered),
        paragraph(hidden, quiet=True) if result.hidden else None,
    )


def _refused_group(result: LookResult, suffix: str, group: Sequence[Refused]) -> Html:
    if len(group) == 1:
        head = code(result.name(group[0].path))
    else:
        head = together(say_count(len(group), "file"), " ", code(suffix) if suffix else "without an ending")
    told: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for refused in group:
        for reader, reason in refused.reasons.items():
            told[reader][reason] = told[reader].get(reason, 0) + 1
    reasons = [
        element("li", element("b", reader) if reader != "rushes" else None, " ", _said(said))
        for reader, said in told.items()
    ]
    names = element("ul", *(element("li", code(result.name(r.path))) for r in group), class_="columns")
    return disclosure(
        together(head, f" · {group[0].kind}" if group[0].kind != "unknown" else None),
        element("ul", *reasons),
        names if len(group) > 1 else None,
    )


def _said(said: dict[str, int]) -> str:
    """Give the commonest reason, and how many others there were."""
    commonest = max(said, key=lambda reason: said[reason])
    return commonest if len(said) == 1 else f"{commonest} (and {say_count(len(said) - 1, 'other reason')})"


def _twins(result: LookResult) -> dict[int, list[tuple[str, str]]]:
    anchors = {id(recording): f"r{at}" for at, recording in enumerate(result.recordings, start=1)}
    return {
        id(recording): [(anchors[id(other)], result.name(other.path)) for other in group if other is not recording]
        for group in result.equal
        for recording in group
    }
