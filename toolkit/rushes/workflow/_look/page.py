"""What a look saw → its page: what needs a glance first, then every recording, then what was refused."""

import os
from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from rushes.model import Finding
from rushes.quantities import say_bytes, say_count
from rushes.report.page import (
    SEVERITIES,
    Column,
    Html,
    Piece,
    PlacedFinding,
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
from rushes.workflow._look.card import (
    joined,
    little_to_see,
    names_its_stream,
    recording_card,
    severity_chips,
    span,
    without_path,
)
from rushes.workflow._look.seen import LookResult, by_severity
from rushes.workflow._look.survey import RecordingSurvey
from rushes.workflow.discover import Refused

OPEN_CARDS = 30
"""With more recordings than this, those with little to see are folded."""
EACH_CHECK = 3
"""Findings of one check that are shown at the top at once; the others are folded."""
OPEN_GROUP = 12
"""Lists of more recordings than this are folded."""

_OVERVIEW = (
    Column(title="Recording"),
    Column(title="Picture"),
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
    title = result.root.resolve().name or "A look"
    return page(
        f"A look at {title}",
        _summary(result),
        _first(result, anchors),
        _equal(result, anchors),
        _overview(result, anchors) if len(result.recordings) > 1 else None,
        section("Recordings", *_cards(result, anchors)),
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
                    finding=without_path(finding, recording),
                    place=_place(result, recording, finding),
                    anchor=anchors[id(recording)],
                )
                groups[SEVERITIES.index(finding.severity), finding.check].append(placed)
    if not groups:
        return section("First faults", paragraph("None seen: counts agree, times run forward, nothing is absent."))
    shown: list[Piece] = []
    for (_, check), group in sorted(groups.items(), key=lambda item: item[0]):
        places = len({item.anchor for item in group})
        where = f"{len(group):,} in {say_count(places, 'recording')}"
        shown += [element("h3", check, element("small", where)), findings(group[:EACH_CHECK])]
        if len(group) > EACH_CHECK:
            shown.append(disclosure(f"{len(group) - EACH_CHECK:,} more", findings(group[EACH_CHECK:])))
    return section("First faults", *shown)


def _place(result: LookResult, recording: RecordingSurvey, finding: Finding) -> str:
    name = result.name(recording.path)
    return f"{name} · {finding.stream}" if finding.stream and not names_its_stream(finding) else name


def _equal(result: LookResult, anchors: dict[int, str]) -> Html | None:
    if not result.equal:
        return None
    words = (
        "These hold the same samples with the same times, whatever they are called and however they are packed."
    )
    return section(
        "Equal content", paragraph(words), *(_equal_group(result, group, anchors) for group in result.equal)
    )


def _equal_group(result: LookResult, group: Sequence[RecordingSurvey], anchors: dict[int, str]) -> Html:
    folder = os.path.commonpath([recording.path.parent.absolute() for recording in group])
    links = [link(anchors[id(r)], os.path.relpath(r.path, folder)) for r in group]
    shared = result.name(Path(folder))
    head = together(f"{len(group)}", *(() if shared == "." else (" in ", code(shared))))
    if len(group) <= OPEN_GROUP:
        return paragraph(head, ": ", *joined(links))
    return disclosure(head, element("ul", *(element("li", item) for item in links), class_="columns"))


def _overview(result: LookResult, anchors: dict[int, str]) -> Html:
    """List all recordings; a long run of them in one folder is folded, where nothing is wrong with any."""
    parts: list[Piece] = []
    rows: list[list[Piece]] = []
    for folder, run in groupby(result.recordings, key=lambda recording: recording.path.parent):
        group = list(run)
        made = [_row(recording, result.name(folder), anchors) for recording in group]
        faults = any(finding.severity != "info" for recording in group for finding in recording.findings)
        if len(result.recordings) <= OPEN_CARDS or len(group) <= OPEN_GROUP or faults:
            rows += made
            continue
        if rows:
            parts.append(table(_OVERVIEW, rows, caption="Recordings"))
            rows = []
        head = together(say_count(len(group), "recording"), " in ", code(result.name(folder)))
        parts.append(disclosure(head, table(_OVERVIEW, made, caption=f"Recordings in {result.name(folder)}")))
    if rows:
        parts.append(table(_OVERVIEW, rows, caption="Recordings"))
    return section("Overview", *parts)


def _row(recording: RecordingSurvey, folder: str, anchors: dict[int, str]) -> list[Piece]:
    return [
        together(
            link(anchors[id(recording)], recording.path.name),
            element("small", folder) if folder != "." else None,
        ),
        _face(recording),
        recording.reader,
        span(recording),
        f"{len(recording.streams):,}",
        f"{recording.samples:,}",
        say_bytes(recording.size),
        severity_chips(recording.findings),
    ]


def _face(recording: RecordingSurvey) -> Html | None:
    """Give one picture that stands for a recording: from the middle of its first stream that has any."""
    pictures = next((stream.pictures for stream in recording.streams if stream.pictures), ())
    return image(pictures[len(pictures) // 2]) if pictures else None


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


def _cards(result: LookResult, anchors: dict[int, str]) -> list[Html]:
    if not result.recordings:
        return [paragraph("No recording was found.")]
    twins = {
        id(recording): [(anchors[id(other)], result.name(other.path)) for other in group if other is not recording]
        for group in result.equal
        for recording in group
    }
    folding = len(result.recordings) > OPEN_CARDS
    cards: list[Html] = []
    for little, run in groupby(result.recordings, key=lambda recording: folding and little_to_see(recording)):
        group = list(run)
        made = [
            recording_card(result, recording, anchors[id(recording)], twins.get(id(recording), ()), folded=little)
            for recording in group
        ]
        if little and len(group) > OPEN_GROUP:
            between = f"{result.name(group[0].path)} … {result.name(group[-1].path)}"
            head = together(say_count(len(group), "recording"), " with little to see: ", code(between))
            made = [disclosure(head, *made)]
        cards += made
    return cards
