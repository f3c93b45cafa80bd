"""One recording as it was read → its card on the page of a look."""

from collections.abc import Sequence
from dataclasses import replace

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
    link,
    paragraph,
    section,
    table,
    together,
)
from rushes.report.plots import Lane, Stretch, histogram, lanes
from rushes.workflow._look.axes import Axis, axes
from rushes.workflow._look.seen import LookResult, by_severity
from rushes.workflow._look.survey import RecordingSurvey, StreamSurvey

FEW_PICTURES = 4
"""A card with fewer pictures than this, and no fault, can be folded."""
FEW_REMARKS = 3
NOTABLE = 0.005
"""Two rates of a stream are told apart where they differ by more than this share."""
OPEN_STREAMS = 16
"""A recording with more streams than this has its lanes and its table folded."""

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


def recording_card(
    result: LookResult,
    recording: RecordingSurvey,
    anchor: str,
    twins: Sequence[tuple[str, str]],
    *,
    folded: bool = False,
) -> Html:
    """Make the card.

    Args:
        result: The look that it is part of; gives names.
        recording: What the card is about.
        anchor: Where links find it.
        twins: Anchor and name of the recordings with the same content.
        folded: Fold it away under its name.
    """
    name = result.name(recording.path)
    body = _body(recording, twins)
    if folded:
        brief = ", ".join(
            (span(recording), say_count(len(recording.streams), "stream"), say_count(recording.samples, "sample"))
        )
        head = together(
            element("h3", name), element("span", brief, class_="quiet"), severity_chips(recording.findings)
        )
        # The anchor is inside, so that a link to it opens the fold.
        return disclosure(head, element("section", *body, id=anchor), class_="card")
    return element("div", section(name, *body, anchor=anchor, level=3), class_="card")


def little_to_see(recording: RecordingSurvey) -> bool:
    """Say whether a card can be folded: no fault, and few pictures."""
    severities = by_severity(recording.findings)
    pictures = sum(len(stream.pictures) for stream in recording.streams)
    return pictures < FEW_PICTURES and not severities["error"] and not severities["warning"]


def _body(recording: RecordingSurvey, twins: Sequence[tuple[str, str]]) -> list[Piece]:
    held = [stream for stream in recording.streams if stream.count or stream.declared]
    without = [stream.stream.name for stream in recording.streams if not (stream.count or stream.declared)]
    hint = recording.error.hint if recording.error else ""
    same = [link(where, name) for where, name in twins]
    return [
        facts(_facts(recording)),
        paragraph("The same content as ", *joined(same), ".") if same else None,
        *_findings(recording),
        paragraph(f"What to do: {hint}", quiet=True) if hint else None,
        *(_sheet(stream) for stream in held if stream.pictures),
        *_timelines(held),
        _streams(held, origin_ns=recording.origin_ns),
        disclosure(
            f"{say_count(len(without), 'stream')} without a sample",
            element("ul", *(element("li", code(name)) for name in without), class_="columns"),
        )
        if without
        else None,
        _stated(recording),
    ]


def _findings(recording: RecordingSurvey) -> list[Html]:
    """List findings; more than a few remarks are folded."""
    placed = [
        PlacedFinding(
            finding=without_path(finding, recording),
            place="" if names_its_stream(finding) else finding.stream or "",
        )
        for finding in recording.findings
    ]
    remarks = [item for item in placed if item.finding.severity == "info"]
    grave = [item for item in placed if item.finding.severity != "info"]
    if len(remarks) <= FEW_REMARKS:
        return [findings(placed)] if placed else []
    shown = [findings(grave)] if grave else []
    return [*shown, disclosure(say_count(len(remarks), "remark"), findings(remarks))]


def severity_chips(found: Sequence[Finding]) -> Html:
    """Say how many findings of each severity there are."""
    severities = by_severity(found)
    words = {s: f"{severities[s]} info" if s == "info" else say_count(severities[s], s) for s in SEVERITIES}
    return together(*(chip(words[s], kind=s) for s in SEVERITIES if severities[s]))


def without_path(finding: Finding, recording: RecordingSurvey) -> Finding:
    """Take the recording's path from the head of a message that stands beside its name anyway."""
    return replace(finding, message=finding.message.removeprefix(f"{recording.path}: "))


def names_its_stream(finding: Finding) -> bool:
    """Say whether the message of a finding begins with its stream, so that it need not be named once more."""
    return bool(finding.stream) and finding.message.startswith(f"{finding.stream}:")


def _facts(recording: RecordingSurvey) -> list[tuple[str, Piece]]:
    reason = f"{recording.reader}: {recording.claim.reason}"
    pairs: list[tuple[str, Piece]] = [
        ("read by", reason),
        ("size", f"{say_bytes(recording.size)} in {say_count(recording.files, 'file')}"),
    ]
    if recording.error is None:
        pairs.append(("samples", f"{recording.samples:,}"))
    if recording.start_ns is not None:
        pairs += [("from", amounts.instant(recording.start_ns)), ("span", span(recording))]
    return pairs


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
        together(amounts.rate(item.rate_hz), *(element("small", words) for words in _other_rates(item))),
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
    each = say_count(stream.channels, "channel") if stream.table == "signals" and stream.channels else None
    turned = f"turned {stream.rotation_deg}°" if stream.rotation_deg else None
    unit = f"{stream.depth_unit_m:.4g} m per count" if stream.depth_unit_m else None
    parts = (stream.codec or stream.encoding, size, stream.pixel_format, sound, each, turned, unit)
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


def _other_rates(item: StreamSurvey) -> list[str]:
    words = []
    if item.stream.nominal_rate_hz:
        words.append(f"declared {amounts.rate(item.stream.nominal_rate_hz)}")
    if item.ticking_hz and item.rate_hz and abs(item.ticking_hz / item.rate_hz - 1) > NOTABLE:
        words.append(f"ticks at {amounts.rate(item.ticking_hz)}")
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


def span(recording: RecordingSurvey) -> str:
    """Say how long a recording runs; a dash where it has no times."""
    if recording.start_ns is None or recording.end_ns is None:
        return "–"
    return amounts.span(recording.end_ns - recording.start_ns)


def joined(links: Sequence[Html]) -> list[Piece]:
    """Put links into a sentence: a, b and c."""
    pieces: list[Piece] = []
    for at, item in enumerate(links):
        pieces += [item] if not at else [" and " if at == len(links) - 1 else ", ", item]
    return pieces
