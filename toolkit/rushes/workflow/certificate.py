"""The alignment certificate: how every clock ran, how well that is known, and what the content says; one page."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from rushes.model import ClockPairs
from rushes.quantities import say_count, say_drift, say_ns
from rushes.report.page import (
    Column,
    Html,
    Piece,
    chip,
    code,
    disclosure,
    element,
    facts,
    figure,
    link,
    page,
    paragraph,
    section,
    table,
    tally,
    together,
)
from rushes.report.plots import histogram
from rushes.report.traces import Trace, trace
from rushes.timing.clockmap import CALIBRATION, ClockMap, residuals
from rushes.timing.common import CommonTime, StreamClock
from rushes.timing.moments import Alignment
from rushes.timing.pairing import doubt
from rushes.workflow.pages import write_whole
from rushes.workflow.sync import Synced

OPEN_RECORDINGS = 12
"""With more recordings than this, those whose clocks and content agree are folded."""

_OVERVIEW = (
    Column(title="Recording"),
    Column(title="Clocks"),
    Column(title="Time"),
    Column(title="Moments", number=True),
    Column(title="Widest 95 % interval", number=True),
    Column(title="Largest skew, p95", number=True),
    Column(title="Content"),
)
_CLOCKS = (
    Column(title="Stream"),
    Column(title="Verdict"),
    Column(title="Offset to the recorder", number=True),
    Column(title="Drift, ppm", number=True),
    Column(title="Residual p50 / p95", number=True),
    Column(title="95 % interval", number=True),
    Column(title="Evidence"),
    Column(title="Smallest latency"),
)
_MOMENTS = (
    Column(title="Stream"),
    Column(title="In moments", number=True),
    Column(title="Skew p50", number=True),
    Column(title="p95", number=True),
    Column(title="Largest", number=True),
    Column(title="Spread of |skew|"),
    Column(title="Phase margin", number=True),
)
_CONTENT = (
    Column(title="Check"),
    Column(title="Verdict"),
    Column(title="Offset of the second", number=True),
    Column(title="95 % interval", number=True),
    Column(title="Score", number=True),
    Column(title="Why"),
)


def write_certificate(done: Sequence[Synced], path: Path, *, dataset: Path, revision: int) -> int:
    """Write the page so that it is there whole or not at all; give its size in bytes."""
    return write_whole(path, certificate(done, dataset=dataset, revision=revision))


def certificate(done: Sequence[Synced], *, dataset: Path, revision: int) -> str:
    """Make the page."""
    name = dataset.absolute().name
    now = datetime.now(UTC)
    return page(
        f"Alignment certificate of {name}",
        _summary(done),
        _legend(),
        _overview(done) if len(done) > 1 else None,
        section("Recordings", *(_card(item, at, folded=_folds(item, len(done))) for at, item in enumerate(done))),
        subtitle=f"{dataset.absolute()} · revision {revision} · {now:%d %B %Y, %H:%M} UTC · rushes sync",
    )


def _summary(done: Sequence[Synced]) -> Html:
    verdicts = [item.common.verdict for item in done if item.common]
    checks = [check.verdict for item in done for check in item.crosschecks]
    amounts = [
        (f"{len(done):,}", "recording" if len(done) == 1 else "recordings", ""),
        (f"{sum(item.moments for item in done):,}", "moments", ""),
        (f"{verdicts.count('declared'):,}", "on one declared clock", ""),
        (f"{verdicts.count('estimated'):,}", "with estimated clocks", ""),
        (f"{verdicts.count('unproven'):,}", "unproven", "warning"),
        (f"{checks.count('agrees'):,}", "cross-checks agree", ""),
        (f"{checks.count('differs'):,}", "cross-checks differ", "error"),
    ]
    return tally(item for item in amounts if item[0] != "0" or item[1] in ("recordings", "moments"))


def _legend() -> Html:
    return disclosure(
        "How to read this page",
        element(
            "ul",
            element(
                "li", chip("declared", kind="declared"), " The recording states that its streams share one clock."
            ),
            element(
                "li",
                chip("estimated", kind="estimated"),
                " Many readings of the stream's clock beside the recorder's give offset and drift. The 95 % "
                "interval is that of the mapped time anywhere in the recording, apart from the smallest latency.",
            ),
            element(
                "li",
                chip("unproven", kind="unproven"),
                " There is no evidence, or none that can tell one clock from another. Stamps are taken as they "
                "are; nothing is certified.",
            ),
            element(
                "li",
                "Smallest latency: a stamp arrives at the recorder later than it was made. How much later the "
                "fastest arrival is cannot be seen in stamps alone; mapped times are late by it. Two-way "
                "readings, a trigger, or the content can tell.",
            ),
            element(
                "li",
                "Content: what cameras, inertial sensors and microphones recorded is held against the clocks. It "
                "is a second opinion and changes no time unless asked (--apply-crosscheck).",
            ),
        ),
    )


def _overview(done: Sequence[Synced]) -> Html:
    rows: list[Sequence[Piece]] = []
    for at, item in enumerate(done):
        common = item.common
        skews = [
            p.skew_p95_ns for p in (item.alignment.pairings if item.alignment else ()) if p.skew_p95_ns is not None
        ]
        rows.append(
            (
                link(f"r{at}", item.name),
                chip(common.verdict, kind=common.verdict) if common else item.reason,
                common.time if common else "",
                f"{item.moments:,}" if item.alignment else "–",
                _widest(common) if common else "",
                say_ns(max(skews)) if skews else "–",
                _content_in_short(item),
            )
        )
    return section("Overview", table(_OVERVIEW, rows, caption="Every recording in short"))


def _widest(common: CommonTime) -> str:
    maps = [stream.applied or stream.estimate for stream in common.streams.values()]
    known = [s.offset_ci95_ns for m in maps if m for s in m.segments if s.offset_ci95_ns is not None]
    return f"± {say_ns(max(known))}" if known else "–"


def _content_in_short(item: Synced) -> Html:
    verdicts = [check.verdict for check in item.crosschecks]
    return together(
        *(
            chip(f"{verdicts.count(word)} {word}" if verdicts.count(word) > 1 else word, kind=word)
            for word in ("agrees", "differs", "not observable")
            if word in verdicts
        )
    )


def _folds(item: Synced, count: int) -> bool:
    quiet = item.common is not None and item.common.verdict != "unproven" and item.alignment is not None
    return count > OPEN_RECORDINGS and quiet and all(check.verdict != "differs" for check in item.crosschecks)


def _card(item: Synced, at: int, *, folded: bool) -> Html:
    common = item.common
    body: list[Piece] = []
    if common is None or item.alignment is None:
        body.append(paragraph(f"No moments: {item.reason}."))
    if common is not None:
        body.append(_said(item, common))
        rows = [_clock_row(stream) for stream in common.streams.values()]
        body.append(section("Clocks", table(_CLOCKS, rows, caption=f"Clocks of {item.name}"), level=4))
        body += _delays(item, common)
    if item.alignment is not None:
        body.append(_moments(item.alignment))
    if item.crosschecks:
        body.append(_content(item))
    body.append(_open_questions(item))
    verdict = chip(common.verdict, kind=common.verdict) if common else None
    if folded:
        return disclosure(
            together(element("h3", item.name), verdict), element("div", *body, id=f"r{at}"), class_="card"
        )
    return element(
        "section", element("h3", item.name, element("small", verdict)), *body, id=f"r{at}", class_="card"
    )


def _said(item: Synced, common: CommonTime) -> Html:
    pairs: list[tuple[str, Piece]] = [
        ("Recording", item.recording_id),
        ("Time", common.time),
        ("Why", common.reason),
    ]
    if item.alignment is not None:
        pairs.append(("Moments", f"{item.moments:,}, set by {item.alignment.reference or 'a grid'}"))
    if item.map_version is not None:
        pairs.append(("Clock maps", f"version {item.map_version}"))
    return facts(pairs)


def _clock_row(stream: StreamClock) -> Sequence[Piece]:
    found = stream.applied or stream.estimate
    verdict = together(chip(stream.verdict, kind=stream.verdict), element("small", stream.reason))
    if found is None or found.verdict == "unproven":
        return (code(stream.stream), verdict, "–", "–", "–", "–", _evidence(found), "–")
    segment = max(found.segments, key=lambda s: s.end_ns - s.start_ns)
    middle, most = say_ns(segment.residual_p50_ns), say_ns(segment.residual_p95_ns)
    return (
        code(stream.stream),
        verdict,
        say_ns(segment.offset_ns),
        say_drift(segment.drift_ppm, segment.drift_ci95_ppm),
        f"{middle} / {most}" if middle else "–",
        f"± {say_ns(segment.offset_ci95_ns)}" if segment.offset_ci95_ns is not None else "–",
        _evidence(found),
        _latency(found),
    )


def _latency(found: ClockMap) -> str:
    if CALIBRATION in found.source:
        return "taken off, as calibrated"
    return "none" if found.latency_known else "unknown, included"


def _evidence(found: ClockMap | None) -> Piece:
    if found is None:
        return "none"
    pairs, used = sum(s.pairs for s in found.segments), sum(s.used for s in found.segments)
    resets = len(found.segments) - 1
    more = f", {say_count(resets, 'reset')}" if resets else ""
    return together(
        f"{found.source}, {say_count(pairs, 'pair')}{more}", element("small", f"{found.method}; {used:,} used")
    )


def _delays(item: Synced, common: CommonTime) -> Iterator[Html]:
    """Draw, for each stream with an estimate, the delay of every reading after its map."""
    for stream in common.streams.values():
        found = stream.estimate
        pairs = next((p for p in item.pairs if p.from_clock == stream.clock and p.to_clock == "log"), None)
        if found is None or pairs is None or found.verdict == "unproven" or len(pairs.from_ns) < 3:
            continue
        yield _delay(stream, found, pairs)


def _delay(stream: StreamClock, found: ClockMap, pairs: ClockPairs) -> Html:
    rest = residuals(found, pairs)
    low, high = min(int(np.percentile(rest, 1)), 0), max(int(np.percentile(rest, 98)), 1)
    room = max((high - low) // 10, 1000)
    beyond = int((rest > high + room).sum() + (rest < low - room).sum())
    band = max((s.offset_ci95_ns or 0 for s in found.segments), default=0) or None
    content = Trace(
        times=pairs.to_ns,
        values_ns=rest,
        band_ns=band,
        low_ns=low - room,
        high_ns=high + room,
        start_ns=int(pairs.to_ns.min()),
        end_ns=int(pairs.to_ns.max()),
        title=f"Delay of {say_count(len(rest), 'reading')} of {stream.stream} after its clock map",
    )
    wide = f"; the band is the 95 % interval, ± {say_ns(band)}" if band else ""
    more = f"; {say_count(beyond, 'reading')} beyond the drawing" if beyond else ""
    what = "arrival later than the map says" if not found.latency_known else "distance from the map"
    return figure(trace(content), together(code(stream.stream), f" {what}, over the recording{wide}{more}"))


def _moments(alignment: Alignment) -> Html:
    count = len(np.asarray(alignment.moments["t_ns"]))
    rows: list[Sequence[Piece]] = []
    for pair in alignment.pairings:
        skew = (
            np.abs(np.asarray(alignment.members[pair.stream]["skew_ns"]))
            if pair.matched
            else np.zeros(0, np.int64)
        )
        rows.append(
            (
                code(pair.stream),
                f"{pair.matched:,} of {count:,}",
                say_ns(pair.skew_p50_ns) or "–",
                say_ns(pair.skew_p95_ns) or "–",
                say_ns(pair.skew_max_ns) or "–",
                histogram(skew, title=f"|skew| of {pair.stream}") if pair.matched else pair.reason,
                "" if pair.phase_margin is None else f"{pair.phase_margin:.2f}",
            )
        )
    note = f"skew against {alignment.reference}" if alignment.reference else "skew against the grid"
    return section(
        "Moments", table(_MOMENTS, rows, caption="How far samples lie from their moment"), level=4, note=note
    )


def _content(item: Synced) -> Html:
    rows: list[Sequence[Piece]] = []
    for check in item.crosschecks:
        done = (check.kind, check.first, check.second) in item.applied
        rows.append(
            (
                together(check.kind, element("small", f"{check.second} against {check.first}")),
                together(
                    chip(check.verdict, kind=check.verdict.replace(" ", "-")),
                    element("small", "applied") if done else None,
                ),
                say_ns(check.offset_ns) if check.offset_ns is not None else "–",
                f"± {say_ns(check.ci95_ns)}" if check.ci95_ns is not None else "–",
                f"{check.score:.2f}" if check.score is not None else "–",
                check.reason,
            )
        )
    caption = "What must be added to the second stream's times so that the contents agree"
    return section("Content", table(_CONTENT, rows, caption=caption), level=4)


def _open_questions(item: Synced) -> Html | None:
    """Say what this page does not know."""
    common = item.common
    if common is None:
        return None
    late = [s.stream for s in common.streams.values() if s.applied is not None and not s.applied.latency_known]
    unproven = [s.stream for s in common.streams.values() if s.verdict == "unproven"]
    said = []
    if late:
        said.append(f"The smallest latency of {_listed(late)} is not known; their times are late by it.")
    if len(unproven) > 1:
        said.append(f"Nothing proves how the clocks of {_listed(unproven)} stand to one another.")
    elif unproven:
        said.append(f"Nothing proves how the clock of {unproven[0]} runs.")
    said += [f"{name} takes no part: {why}." for name, why in common.left_out.items()]
    for pair in item.alignment.pairings if item.alignment else ():
        said += [f"{words}." for words in (pair.reason, doubt(pair)) if words]
    if not said:
        return None
    return section("Not known", element("ul", *(element("li", line) for line in said)), level=4)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:-1]) + f" and {names[-1]}" if len(names) > 1 else names[0]
