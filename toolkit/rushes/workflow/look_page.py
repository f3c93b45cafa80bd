"""What a look saw → its page: what needs a glance first, then every recording, then what was refused."""

from collections import defaultdict
from collections.abc import Sequence

from rushes.model import Finding, Stream
from rushes.quantities import say_bytes, say_count
from rushes.report import amounts
from rushes.report.page import (
    SEVERITIES,
    Column,
    Html,
    Piece,
    PlacedFinding,
    chip,
    code,
    contact_sheet,
    disclosure,
    element,
    facts,
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
from rushes.report.plots import Lane, Stretch, histogram, lanes
from rushes.workflow._axes import Axis, axes
from rushes.workflow._first_faults import by_severity
from rushes.workflow._survey import RecordingSurvey, StreamSurvey
from rushes.workflow.discover import Refused
from rushes.workflow.look import LookResult

EACH_CHECK = 3
"""Findings of one check that are shown at the top; the others stand with their recordings."""
OPEN_STREAMS = 16
"""A recording with more streams than this has its lanes and its table folded."""

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
_STREAMS = (
    Column(title="Stream"),
    Column(title="Sensor"),
    Column(title="Format"),
    Column(title="Samples", number=True),
    Column(title="Rate", number=True),
    Column(title="Intervals"),
    Column(title="Longest interval", number=True),
    Column(title="Time"),
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
                _recording(result, recording, anchors[id(recording)], twins.get(id(recording), ()))
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
        items.append(element("li", *_joined(links)))
    words = "These hold the same samples at the same times, whatever the file is called and however it is packed."
    return section("Equal content", paragraph(words), element("ul", *items))


def _overview(result: LookResult, anchors: dict[int, str]) -> Html:
    rows = [
        (
            _face(recording),
            link(anchors[id(recording)], result.name(recording.path)),
            recording.reader,
            _span(recording),
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


def _recording(
    result: LookResult, recording: RecordingSurvey, anchor: str, twins: Sequence[tuple[str, str]]
) -> Html:
    held = [stream for stream in recording.streams if stream.count or stream.declared]
    without = [stream.stream.name for stream in recording.streams if not (stream.count or stream.declared)]
    placed = [PlacedFinding(finding=finding, place=finding.stream or "") for finding in recording.findings]
    hint = recording.error.hint if recording.error else ""
    card = section(
        result.name(recording.path),
        facts(_facts(recording)),
        paragraph("The same content as ", *_joined([link(where, name) for where, name in twins]), ".")
        if twins
        else None,
        findings(placed) if placed else None,
        paragraph(f"What to do: {hint}", quiet=True) if hint else None,
        *(_sheet(stream) for stream in held if stream.pictures),
        *_timelines(held),
        _streams(held, origin_ns=recording.start_ns),
        disclosure(
            f"{say_count(len(without), 'stream')} without a sample",
            element("ul", *(element("li", code(name)) for name in without), class_="columns"),
        )
        if without
        else None,
        _stated(recording),
        anchor=anchor,
        level=3,
    )
    return element("div", card, class_="card")


def _facts(recording: RecordingSurvey) -> list[tuple[str, Piece]]:
    reason = f"{recording.reader}: {recording.claim.reason}"
    pairs: list[tuple[str, Piece]] = [
        ("read by", reason),
        ("size", f"{say_bytes(recording.size)} in {say_count(recording.files, 'file')}"),
    ]
    if recording.error is None:
        pairs.append(("samples", f"{recording.samples:,}"))
    if recording.start_ns is not None:
        pairs += [("from", amounts.instant(recording.start_ns)), ("span", _span(recording))]
    return pairs


def _span(recording: RecordingSurvey) -> str:
    if recording.start_ns is None or recording.end_ns is None:
        return "–"
    return amounts.span(recording.end_ns - recording.start_ns)


def _sheet(stream: StreamSurvey) -> Html:
    about = f" · {len(stream.pictures)} of {say_count(stream.count, 'frame')}"
    return contact_sheet(stream.pictures, caption=together(element("b", stream.stream.name), about))


def _timelines(streams: Sequence[StreamSurvey]) -> list[Html]:
    drawn = [_lanes(axis) for axis in axes(streams)]
    if len(streams) <= OPEN_STREAMS or not drawn:
        return drawn
    return [disclosure(f"{say_count(len(streams), 'stream')} on the time axis", *drawn)]


def _lanes(axis: Axis) -> Html:
    content = [
        Lane(
            label=item.stream.name,
            note=amounts.rate(item.rate_hz) if item.rate_hz else say_count(item.count, "sample"),
            kind=item.stream.modality,
            count=len(times) if times is not None else item.count,
            times=times,
            marked=tuple(_marked(gap) for gap in (item.gaps if axis.raw else ())),
        )
        for item, times in axis.lanes
    ]
    title = element("h4", axis.title, element("small", axis.note) if axis.note else None)
    return together(title, lanes(content, start_ns=axis.start_ns, end_ns=axis.end_ns, label=axis.title))


def _marked(gap: Stretch) -> Stretch:
    words = f"no sample for {amounts.span(gap.end_ns - gap.start_ns)}"
    return Stretch(start_ns=gap.start_ns, end_ns=gap.end_ns, title=words)


def _streams(streams: Sequence[StreamSurvey], *, origin_ns: int | None) -> Html | None:
    if not streams:
        return None
    rows = [_stream_row(stream, origin_ns) for stream in streams]
    made = table(_STREAMS, rows, caption="Streams as they were read")
    if len(streams) <= OPEN_STREAMS:
        return made
    return disclosure(f"{say_count(len(streams), 'stream')} in a table", made)


def _stream_row(item: StreamSurvey, origin_ns: int | None) -> list[Piece]:
    stream = item.stream
    return [
        together(stream.name, element("small", stream.message_type) if stream.message_type else None),
        chip(stream.modality, kind=stream.modality),
        together(_format(stream), element("small", stream.notes) if stream.notes else None),
        together(f"{item.count:,}", *(element("small", words) for words in _account(item))),
        together(
            amounts.rate(item.rate_hz),
            element("small", f"declared {amounts.rate(stream.nominal_rate_hz)}")
            if stream.nominal_rate_hz
            else None,
        ),
        _intervals(item),
        _longest(item, origin_ns),
        together(
            "order only" if stream.clock == "none" else stream.clock,
            element("small", stream.time_meaning.replace("_", " "))
            if stream.time_meaning not in ("unknown", "order")
            else None,
        ),
    ]


def _format(stream: Stream) -> str:
    size = f"{stream.width}×{stream.height}" if stream.width and stream.height else None
    sound = f"{stream.sample_rate_hz:,.0f} Hz × {stream.channels}" if stream.sample_rate_hz else None
    turned = f"turned {stream.rotation_deg}°" if stream.rotation_deg else None
    unit = f"{stream.depth_unit_m:.4g} m per count" if stream.depth_unit_m else None
    parts = (stream.codec or stream.encoding, size, stream.pixel_format, sound, turned, unit)
    return ", ".join(part for part in parts if part) or "–"


def _account(item: StreamSurvey) -> list[str]:
    words = []
    if item.declared is not None:
        words.append(f"declared {item.declared:,}")
    words += [
        f"{number:,} {what}"
        for number, what in ((item.merged, "merged"), (item.rejected, "rejected"), (item.unread, "unread"))
        if number
    ]
    return words


def _intervals(item: StreamSurvey) -> Html | None:
    if len(item.intervals_ns) < 2:
        return None
    median = float(item.intervals_ns[len(item.intervals_ns) // 2])
    words = f"median {amounts.span(round(median))}"
    drawn = histogram(item.intervals_ns, title=f"how the intervals between samples spread, {words}")
    return together(drawn, element("small", words))


def _longest(item: StreamSurvey, origin_ns: int | None) -> Html | None:
    if not item.longest:
        return None
    longest = item.longest[0]
    at = f"at {amounts.seconds(longest.start_ns - (origin_ns or 0))}"
    gaps = f"{say_count(len(item.gaps), 'gap')}" if item.gaps else None
    return together(
        amounts.span(longest.end_ns - longest.start_ns),
        element("small", at),
        element("small", gaps) if gaps else None,
    )


def _stated(recording: RecordingSurvey) -> Html | None:
    if not recording.metadata:
        return None
    return disclosure(
        "What the recording states of itself", facts((k, str(v)) for k, v in recording.metadata.items())
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


def _joined(links: Sequence[Html]) -> list[Piece]:
    pieces: list[Piece] = []
    for at, item in enumerate(links):
        pieces += [item] if not at else [" and " if at == len(links) - 1 else ", ", item]
    return pieces
