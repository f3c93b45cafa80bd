"""Moments: synchronised instants, and which sample of every stream belongs to each, with its skew.

What sets the moments:

- the samples of a reference stream, all of them, also where no other stream takes part; or
- a grid of fixed rate over the time that all streams cover (``rate_hz``); or
- the sets that ROS's ApproximateTime would make (method ``ros-approx``), at the time of the reference's sample.

How a stream's samples are chosen is its *method*, one for all or one a stream: ``nearest``
(:mod:`rushes.timing.associate`), ``interpolate``, ``latest``, ``tum`` or ``ros-approx``, each in the module of its
name, which says exactly what it does. Skew is sample time minus moment time.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.errors import TimingError
from rushes.intervals import median_interval
from rushes.model import Column, Times
from rushes.registry import close_to
from rushes.timing.associate import nearest
from rushes.timing.grid import Rate, exact_rate, grid, overlap_of
from rushes.timing.interpolate import GAP_LIMIT, interpolate, longest_bridged
from rushes.timing.latest import latest
from rushes.timing.matches import Indices, Matches, demand_times, demand_tolerance, in_order, nobody
from rushes.timing.pairing import ONE_TO_ONE, Fit, Pairing, judge
from rushes.timing.ros_approx import approximate_time
from rushes.timing.tum import WITHIN_NS, tum

METHODS = ("nearest", "interpolate", "latest", "tum", "ros-approx")

Uncertainty = int | float | npt.NDArray[Any]
"""Half widths of a stream's times in nanoseconds: one for all samples, or shape (n,), masked where not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alignment:
    """The moments of one recording.

    Args:
        reference: Stream that sets the moments; empty for a grid.
        reason: Why it is the reference; what the grid is.
        moments: Columns of the table ``moments`` but ``recording_id``, ``time`` and ``map_version``, a row a
            moment in time order.
        members: By stream, columns of ``moment_members`` but ``recording_id``, in order of their moment. The
            reference is among them. A scalar holds for every row.
        pairings: One for each stream but the reference, in the order given.
        unused: Samples of the reference that set no moment, which happens with ``ros-approx`` alone.
    """

    reference: str
    reason: str
    moments: Mapping[str, Column]
    members: Mapping[str, Mapping[str, Column]]
    pairings: tuple[Pairing, ...]
    unused: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stream:
    """One stream in order of time; ``place`` is the recorded place of each sample, None where it is the same."""

    name: str
    times: Times
    place: Indices | None
    interval_ns: int | None

    def recorded(self, index: Indices) -> Indices:
        return index if self.place is None else self.place[index]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Instants:
    """What sets the moments, and the samples that come with it."""

    times: Times
    interval_ns: int | None
    reference: str
    reason: str
    method: str
    given: Mapping[str, Matches] = field(default_factory=dict)


def align(
    times: Mapping[str, Times],
    *,
    reference: str | None = None,
    pictures: Collection[str] = (),
    within: int | None = None,
    method: str = "nearest",
    methods: Mapping[str, str] | None = None,
    rate_hz: Rate | None = None,
    max_age: int | None = None,
    gap_limit: float = GAP_LIMIT,
    uncertainty_ns: Mapping[str, Uncertainty] | None = None,
) -> Alignment:
    """Make the moments of one recording.

    Args:
        times: Each stream's times, shape (n,), int64 nanoseconds of one common time, in recorded order.
        reference: Stream that sets the moments; None for the slowest of ``pictures``. Not with ``rate_hz``.
        pictures: Which of the streams are pictures.
        within: Tolerance in nanoseconds, itself included (excluded by ``tum``). None for half of the slower
            interval of each pair; for 20 ms with ``tum``; for any width of a set with ``ros-approx``.
        method: How members are chosen.
        methods: By stream, another method than ``method``. A stream that does not go by ``ros-approx`` joins the
            sets of the others, at the time of the reference's sample.
        rate_hz: Rate of a grid, such as 30 or "30000/1001"; None for moments at the samples of a stream.
        max_age: For ``latest``: greatest age in nanoseconds, itself included; None for any.
        gap_limit: For ``interpolate``: longest interval to bridge, in median intervals of the stream.
        uncertainty_ns: By stream, half widths of the times in recorded order. A member's is the root of the
            summed squares of its own and the reference's; of two samples the wider counts. Not known where either
            is not, which is for every stream that is left out.

    Raises:
        TimingError: ``timing.no-reference`` if the reference is not there, has no samples or cannot be chosen;
            ``timing.tolerance`` if a limit is negative; ``timing.method`` if a method is unknown or cannot be
            joined with a grid; ``timing.rate`` if the rate is not above zero; ``timing.no-overlap`` if streams
            have no time in common for a grid; ``timing.not-integer`` and ``timing.absent-times`` if times are not
            whole or not there.
    """
    chosen = {name: (methods or {}).get(name, method) for name in times}
    _demand_methods({**chosen, "": method}, grid=rate_hz is not None)
    for limit in (within, max_age):
        demand_tolerance(limit or 0)
    streams = {name: _stream(name, column) for name, column in times.items()}
    if rate_hz is not None:
        instants = _on_grid(streams, rate_hz, reference)
    else:
        reference, reason = _reference(times, reference, pictures)
        instants = _at_samples(streams[reference], reason, method)
        if "ros-approx" in chosen.values():
            instants = _at_sets(streams, chosen, instants, within)
    known = {name: _half_widths(name, given, times) for name, given in (uncertainty_ns or {}).items()}
    members: dict[str, Mapping[str, Column]] = {}
    pairings = []
    for name, stream in streams.items():
        limit = _limit(chosen[name], stream, instants, within, max_age, gap_limit)
        matches = _matches(chosen[name], stream, instants, limit)
        how = "reference" if name == instants.reference else chosen[name]
        members[name] = _member_columns(stream, matches, instants, how, known, streams)
        if name != instants.reference:
            pairings.append(
                judge(
                    Fit(
                        stream=name,
                        times=stream.times,
                        interval_ns=stream.interval_ns,
                        moments=instants.times,
                        moments_interval_ns=instants.interval_ns,
                        matches=matches,
                        method=chosen[name],
                        limit_ns=limit,
                    )
                )
            )
    first = instants.reference
    return Alignment(
        reference=first,
        reason=instants.reason,
        moments=_moment_columns(instants, members),
        members={first: members[first], **members} if first else members,
        pairings=tuple(pairings),
        unused=len(streams[first].times) - len(instants.times) if first else 0,
    )


def choose_reference(times: Mapping[str, Times], pictures: Collection[str]) -> tuple[str, str]:
    """Give the slowest picture stream and why: a slower reference needs no sample twice.

    A stream that covers less than half the time of the longest picture stream is passed over, since the moments
    would end with it. Among equals the one with more samples, then the first by name.

    Raises:
        TimingError: ``timing.no-reference`` without a picture stream that has samples.
    """
    usable = {name: times[name] for name in sorted(pictures) if name in times and len(times[name])}
    if not usable:
        raise TimingError(
            "there is no picture stream with samples that could set the moments",
            code="timing.no-reference",
            hint="name another stream with --to",
        )
    spans = {name: int(column.max()) - int(column.min()) for name, column in usable.items()}
    long = {name: column for name, column in usable.items() if 2 * spans[name] >= max(spans.values())}
    intervals = {name: median_interval(column) or 0 for name, column in long.items()}
    chosen = min(long, key=lambda name: (-intervals[name], -len(long[name]), name))
    if len(usable) == 1:
        return chosen, "it is the only picture stream"
    if not intervals[chosen]:
        return chosen, "no picture stream has more than one time"
    return chosen, f"it is the slowest picture stream ({1e9 / intervals[chosen]:.4g} Hz)"


def _reference(times: Mapping[str, Times], reference: str | None, pictures: Collection[str]) -> tuple[str, str]:
    if reference is None:
        return choose_reference(times, pictures)
    if reference not in times:
        near = close_to(reference, times)
        raise TimingError(
            f"there is no stream '{reference}' with times that could set the moments",
            code="timing.no-reference",
            hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(sorted(times)) or 'none'}",
            facts={"reference": reference},
        )
    if len(times[reference]) == 0:
        raise TimingError(
            f"{reference}: has no samples and so cannot set the moments",
            code="timing.no-reference",
            hint="name another stream with --reference",
            facts={"reference": reference},
        )
    return reference, "it was named"


def _demand_methods(chosen: Mapping[str, str], *, grid: bool) -> None:
    for name, method in chosen.items():
        of = f" for {name}" if name else ""
        if method not in METHODS:
            near = close_to(method, METHODS)
            raise TimingError(
                f"there is no method '{method}'{of}",
                code="timing.method",
                hint=f"did you mean '{near}'?" if near else f"there are: {', '.join(METHODS)}",
                facts={"method": method},
            )
        if grid and method == "ros-approx":
            raise TimingError(
                f"ros-approx{of} makes its own moments, so it cannot choose members for a grid",
                code="timing.method",
                hint="leave out the rate, or use nearest, interpolate or latest",
                facts={"method": method},
            )


def _stream(name: str, recorded: Times) -> _Stream:
    times, place = in_order(demand_times(recorded, name))
    return _Stream(name=name, times=times, place=place, interval_ns=median_interval(times))


def _at_samples(reference: _Stream, reason: str, method: str) -> _Instants:
    every = np.arange(len(reference.times))
    itself = Matches(index=every, skew_ns=np.zeros(len(every), np.int64))
    return _Instants(
        times=reference.times,
        interval_ns=reference.interval_ns,
        reference=reference.name,
        reason=reason,
        method=method,
        given={reference.name: itself},
    )


def _at_sets(
    streams: Mapping[str, _Stream], chosen: Mapping[str, str], plain: _Instants, within: int | None
) -> _Instants:
    """Keep of a reference's samples those that are in a set, and tell which samples come with them."""
    taking = [name for name in streams if chosen[name] == "ros-approx"]
    if plain.reference not in taking or len(taking) < 2:
        raise TimingError(
            f"ros-approx needs the reference {plain.reference} and at least one more stream; it is asked for "
            + ", ".join(taking),
            code="timing.method",
            hint="let the reference go by ros-approx too, or use nearest",
            facts={"reference": plain.reference},
        )
    sets = approximate_time({name: streams[name].times for name in taking}, max_interval=within)
    times = plain.times[sets[:, taking.index(plain.reference)]]
    given = {
        name: Matches(index=sets[:, at], skew_ns=streams[name].times[sets[:, at]] - times)
        for at, name in enumerate(taking)
    }
    return _Instants(
        times=times,
        interval_ns=median_interval(times),
        reference=plain.reference,
        reason=plain.reason,
        method="ros-approx",
        given=given,
    )


def _on_grid(streams: Mapping[str, _Stream], rate_hz: Rate, reference: str | None) -> _Instants:
    if reference is not None:
        raise TimingError(
            f"moments cannot be set by '{reference}' and by a rate of {rate_hz} Hz at once",
            code="timing.method",
            hint="leave out one of the two",
            facts={"reference": reference, "rate_hz": str(rate_hz)},
        )
    rate = exact_rate(rate_hz)
    start, stop = overlap_of({name: stream.times for name, stream in streams.items()})
    return _Instants(
        times=grid(start, stop, rate_hz=rate),
        interval_ns=max(1, round(1_000_000_000 / rate)),
        reference="",
        reason=f"a grid of {rate} Hz over {(stop - start) / 1e9:.6g} s that all streams cover",
        method="grid",
    )


def _limit(
    method: str,
    stream: _Stream,
    instants: _Instants,
    within: int | None,
    max_age: int | None,
    gap_limit: float,
) -> int | None:
    if method == "interpolate":
        return longest_bridged(stream.interval_ns, gap_limit)
    if method == "latest":
        return max_age
    if within is not None or method == "ros-approx":
        return within
    if method == "tum":
        return WITHIN_NS
    return max(instants.interval_ns or 0, stream.interval_ns or 0) // 2


def _matches(method: str, stream: _Stream, instants: _Instants, limit: int | None) -> Matches:
    if stream.name in instants.given:
        return instants.given[stream.name]
    if len(stream.times) == 0 or method == "ros-approx":
        return nobody(len(instants.times))
    if method == "interpolate":
        return interpolate(stream.times, instants.times, gap_ns=limit)
    if method == "latest":
        return latest(stream.times, instants.times, max_age=limit)
    assert limit is not None
    pair = tum if method == "tum" else nearest
    return pair(stream.times, instants.times, within=limit)


def _moment_columns(instants: _Instants, members: Mapping[str, Mapping[str, Column]]) -> Mapping[str, Column]:
    size = len(instants.times)
    taking_part, most = np.zeros(size, np.int32), np.zeros(size, np.int64)
    for columns in members.values():
        moment, skew = np.asarray(columns["moment"]), np.asarray(columns["skew_ns"])
        place: Any = slice(None) if len(moment) == size else moment
        taking_part[place] += 1
        most[place] = np.maximum(most[place], np.abs(skew))
    return {
        "moment": np.arange(size),
        "t_ns": instants.times,
        "reference": instants.reference,
        "members": taking_part,
        "complete": taking_part == len(members),
        "max_skew_ns": most,
        "method": instants.method,
    }


def _member_columns(
    stream: _Stream,
    matches: Matches,
    instants: _Instants,
    method: str,
    known: Mapping[str, npt.NDArray[np.float64]],
    streams: Mapping[str, _Stream],
) -> Mapping[str, Column]:
    moment = np.flatnonzero(matches.matched)
    every = len(moment) == len(matches.index)
    index, skew = (c if every else c[moment] for c in (matches.index, matches.skew_ns))
    once = method == "reference" or method in ONE_TO_ONE
    place = stream.recorded(index)
    columns: dict[str, Column] = {
        "moment": moment,
        "stream": stream.name,
        "index": place,
        "t_ns": stream.times[index],
        "skew_ns": skew,
        "method": method,
        "is_repeat": False if once else matches.is_repeat[moment],
        "uncertainty_ns": None,
        "index_after": None,
        "weight_after": None,
    }
    second = place
    if matches.index_after is not None and matches.weight_after is not None:
        after = matches.index_after[moment]
        second = stream.recorded(np.where(after < 0, index, after))
        columns["index_after"] = np.ma.masked_array(second, after < 0)
        columns["weight_after"] = np.ma.masked_array(matches.weight_after[moment], after < 0)
    if stream.name in known:
        own = np.maximum(known[stream.name][place], known[stream.name][second])
        columns["uncertainty_ns"] = _joint(own, moment, stream.name, instants, known, streams)
    return columns


def _joint(
    own: npt.NDArray[np.float64],
    moment: Indices,
    name: str,
    instants: _Instants,
    known: Mapping[str, npt.NDArray[np.float64]],
    streams: Mapping[str, _Stream],
) -> Column:
    """Give half widths of members against the reference, rounded up; None where nothing is known."""
    both = own
    if instants.reference not in ("", name):
        if instants.reference not in known:
            return None
        of_reference = instants.given[instants.reference].index[moment]
        both = np.hypot(own, known[instants.reference][streams[instants.reference].recorded(of_reference)])
    unknown = ~np.isfinite(both)
    return np.ma.masked_array(np.ceil(np.where(unknown, 0, both)).astype(np.int64), unknown)


def _half_widths(name: str, given: Uncertainty, times: Mapping[str, Times]) -> npt.NDArray[np.float64]:
    """Give one half width a sample in recorded order, NaN where not known."""
    size = len(times.get(name, ()))
    widths = np.broadcast_to(np.asarray(np.ma.getdata(given), np.float64), size)
    lacking = np.broadcast_to(np.ma.getmaskarray(given) if np.ma.isMaskedArray(given) else False, size)
    return np.where(lacking, np.nan, widths)
