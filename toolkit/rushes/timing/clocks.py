"""Which time of a recording's streams may be compared: header stamps, log times or container times.

No clock is estimated yet. Header stamps come closest to when a sample happened, but each device may stamp by its
own clock. They are taken where every stream's stamps run, and the distance from stamp to log time is alike in all
of them. Otherwise the recorder's log times are taken: one clock, though late by each sensor's own latency. What is
chosen is a judgement from the numbers, not a proof, and so the verdict stays ``unproven``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.errors import TimingError
from rushes.model import Times, absent

SIMILAR_NS = 200_000_000
"""How far apart the streams' distances from stamp to log time may be. Latencies in one machine stay below it;
clocks that nobody set agree so well by luck only."""

TimeKind = Literal["header", "log", "pts"]
COLUMNS: dict[TimeKind, str] = {"header": "t_header_ns", "log": "t_log_ns", "pts": "t_ns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTimes:
    """The times that one stream carries, each of shape (n,) in recorded order.

    Args:
        raw: ``t_ns``.
        clock: Which time ``raw`` is: header, log, pts or none, as :class:`rushes.model.Stream` says.
        header: ``t_header_ns``, masked where absent; None where the stream has none.
        log: ``t_log_ns``, as ``header``.
    """

    raw: Times
    clock: str
    header: npt.NDArray[np.int64] | None = None
    log: npt.NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTime:
    """The time in which streams are aligned.

    Args:
        time: header, log or pts; for ``moments.time``.
        column: Column that holds it.
        reason: Why it was chosen, in a sentence.
        times: By stream, what to align by; only the streams that can take part.
        left_out: The other streams, each with the reason.
        verdict: ``unproven`` as long as no clock is estimated.
    """

    time: TimeKind
    column: str
    reason: str
    times: Mapping[str, Times]
    left_out: Mapping[str, str]
    verdict: str = "unproven"


def choose_common_time(streams: Mapping[str, StreamTimes], *, similar_ns: int = SIMILAR_NS) -> CommonTime:
    """Choose the time in which the streams of one recording can be aligned.

    In this order: header stamps where all streams have usable ones that are comparable; log times where any
    stream has usable ones; header stamps of those that have them; container times.

    Raises:
        TimingError: ``timing.no-common-time`` if no stream has a usable time.
    """
    filled = {name: stream for name, stream in streams.items() if len(stream.raw)}
    empty = {name: "it has no samples" for name in streams if name not in filled}
    faults = {name: _header_fault(stream) for name, stream in filled.items()}
    headers = {name: np.asarray(filled[name].header) for name, fault in faults.items() if not fault}
    logs = {name: np.asarray(s.log) for name, s in filled.items() if _whole(s.log)}
    unlike = _unlike(filled, headers, similar_ns)
    if headers and len(headers) == len(filled) and not unlike:
        return _common("header", headers, _why_header(filled), empty)
    if logs:
        why = unlike or _first_fault(faults)
        left = {name: "it has no log times" for name in filled if name not in logs}
        return _common("log", logs, f"log times, since {why}", {**empty, **left})
    if headers:
        left = {name: fault for name, fault in faults.items() if fault}
        return _common("header", headers, f"header stamps of {len(headers)} streams", {**empty, **left})
    pts = {name: stream.raw for name, stream in filled.items() if stream.clock == "pts"}
    if pts:
        left = {name: "it has no container times" for name in filled if name not in pts}
        return _common("pts", pts, "container times are all that is there", {**empty, **left})
    raise TimingError(
        f"none of {len(streams)} streams has a time that the others could share: "
        + "; ".join(f"{name}: {why}" for name, why in [*empty.items(), *faults.items()][:5]),
        code="timing.no-common-time",
        hint="rushes check tells what is wrong with the times",
    )


def _common(time: TimeKind, times: Mapping[str, Times], reason: str, left_out: Mapping[str, str]) -> CommonTime:
    return CommonTime(time=time, column=COLUMNS[time], reason=reason, times=dict(times), left_out=dict(left_out))


def _whole(column: npt.NDArray[np.int64] | None) -> bool:
    return column is not None and len(column) > 0 and not absent(column).any()


def _header_fault(stream: StreamTimes) -> str:
    """Say why the header stamps cannot be used; empty where they can."""
    if stream.header is None or absent(stream.header).all():
        return "it has no header stamps"
    if lacking := int(absent(stream.header).sum()):
        return f"{lacking} of its samples have no header stamp"
    header = np.asarray(stream.header)
    if not header.any():
        return "its header stamps are all zero"
    if len(header) > 2 and (header == header[0]).all():
        return "its header stamps never change"
    if _whole(stream.log) and len(header) > 2:
        ran, logged = int(np.ptp(header)), int(np.ptp(np.asarray(stream.log)))
        if logged and not 0.5 <= ran / logged <= 2:
            return f"its header stamps run {ran / 1e9:.4g} s while the recorder ran {logged / 1e9:.4g} s"
    return ""


def _unlike(streams: Mapping[str, StreamTimes], headers: Mapping[str, Times], similar_ns: int) -> str:
    """Say which two streams' stamps are not comparable; empty where all are."""
    distances = {
        name: int(np.median(header - np.asarray(streams[name].log)))
        for name, header in headers.items()
        if _whole(streams[name].log)
    }
    if len(distances) < 2:
        return ""
    low, high = min(distances, key=distances.__getitem__), max(distances, key=distances.__getitem__)
    if distances[high] - distances[low] <= similar_ns:
        return ""
    return (
        f"the header stamps of {high} and {low} lie {(distances[high] - distances[low]) / 1e9:.6g} s apart "
        "when held against the log"
    )


def _why_header(streams: Mapping[str, StreamTimes]) -> str:
    if all(_whole(stream.log) for stream in streams.values()):
        return "header stamps: every stream has them, and they keep about the same distance from the log times"
    return "header stamps: every stream has them, and there are no log times to hold them against"


def _first_fault(faults: Mapping[str, str]) -> str:
    name, fault = next((name, fault) for name, fault in faults.items() if fault)
    more = sum(bool(fault) for fault in faults.values()) - 1
    return f"{name}: {fault}" + (f" ({more} more streams likewise unusable)" if more else "")
