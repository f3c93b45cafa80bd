"""In which time the streams of one recording can be compared, how each gets there, and how well that is known.

From the evidence to a verdict, for each stream:

- ``declared``: the recording states that its streams share one clock. Nothing is estimated, nothing can be better.
- ``estimated``: its clock was held against the recorder's by many readings, and its times go through that map.
  The constant part, the smallest latency, shows in two-way readings only. Where it was calibrated it is taken
  off; where it is not known, that is said.
- ``unproven``: there is no evidence, too little, or only such as cannot tell one clock from another. The stamps
  are taken as they are, because nothing better is there. Two clocks that run at one rate and are set nearly alike
  look like one clock; so a constant difference between them is never ruled out by stamps alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from rushes.errors import TimingError
from rushes.model import ClockPairs, Times
from rushes.quantities import say_ns
from rushes.timing._likeness import RESOLVED_PPM, SIMILAR_NS, clusters, differ, distance
from rushes.timing.clockfit import estimate
from rushes.timing.clockmap import ClockMap, arrivals, earlier
from rushes.timing.clocks import LOG, StreamTimes, header_fault, is_whole

TimeKind = Literal["header", "log", "pts", "mapped"]
Verdict = Literal["declared", "estimated", "unproven"]
ORDER: tuple[Verdict, ...] = ("unproven", "estimated", "declared")


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamClock:
    """How one stream gets into the common time.

    Args:
        clock: Name of its clock.
        times: Shape (n,), its samples in the common time, in recorded order.
        verdict: See the head of this module.
        reason: Why, with numbers, in a sentence.
        estimate: What its readings against the recorder's clock say; None without readings.
        applied: The map that its times went through; None where they are taken as recorded.
        uncertainty_ns: Shape (n,), half width of the 95 % interval apart from the latency, masked where not known;
            None where nothing is.
        shift_ns: What was added on request after all that.
    """

    stream: str
    clock: str
    times: Times
    verdict: Verdict
    reason: str
    estimate: ClockMap | None = None
    applied: ClockMap | None = None
    uncertainty_ns: np.ma.MaskedArray[Any, Any] | None = None
    shift_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CommonTime:
    """The time in which the streams of one recording are aligned.

    Args:
        time: header, log or pts where recorded times are taken; mapped where stamps went through clock maps.
        reference_clock: The clock that the times are of.
        reason: Why it was chosen, in a sentence.
        streams: Those that take part.
        left_out: The others, each with the reason.
    """

    time: TimeKind
    reference_clock: str
    reason: str
    streams: Mapping[str, StreamClock]
    left_out: Mapping[str, str]

    @property
    def times(self) -> Mapping[str, Times]:
        """By stream, what to align by."""
        return {name: stream.times for name, stream in self.streams.items()}

    @property
    def verdict(self) -> Verdict:
        """The weakest of its streams' verdicts."""
        return min((stream.verdict for stream in self.streams.values()), key=ORDER.index, default="unproven")


def choose_common_time(
    streams: Mapping[str, StreamTimes],
    pairs: Sequence[ClockPairs] = (),
    *,
    wanted: str = "auto",
    similar_ns: int = SIMILAR_NS,
) -> CommonTime:
    """Choose the time in which the streams of one recording can be aligned.

    In this order: the one clock that the recording declares for all of them; stamps through clock maps, where
    the recording or readings tell that the stamps are of several clocks; header stamps where all streams have
    usable ones and nothing speaks against one clock; log times; header stamps of those that have them; container
    times.

    Args:
        streams: By name.
        pairs: Readings of their clocks against the recorder's (``to_clock`` is ``log``).
        wanted: auto, or the only kind of time to consider: header, log, pts, mapped.
        similar_ns: See ``SIMILAR_NS``.

    Raises:
        TimingError: ``timing.no-common-time`` if no stream has a usable time.
    """
    room = _Room(streams, pairs, similar_ns)
    choices = {
        "auto": (room.declared, room.mapped_if_needed, room.all_headers, room.logs, room.some_headers, room.pts),
        "header": (room.all_headers, room.some_headers),
        "log": (room.logs,),
        "pts": (room.pts,),
        "mapped": (room.mapped,),
    }
    for choice in choices[wanted]:
        chosen = choice()
        if chosen is not None:
            return chosen
    whys = [*room.empty.items(), *room.faults_of(wanted).items()]
    raise TimingError(
        f"none of {len(streams)} streams has a time that the others could share: "
        + "; ".join(f"{name}: {why}" for name, why in whys[:5]),
        code="timing.no-common-time",
        hint="rushes check tells what is wrong with the times",
    )


class _Room:
    """What is known of one recording's streams, and the ways to a common time."""

    def __init__(self, streams: Mapping[str, StreamTimes], pairs: Sequence[ClockPairs], similar_ns: int) -> None:
        self.similar_ns = similar_ns
        self.filled = {name: stream for name, stream in streams.items() if len(stream.raw)}
        self.empty = {name: "it has no samples" for name in streams if name not in self.filled}
        self.faults = {
            name: "it is stamped as it arrives" if _is_calibrated_arrival(stream) else header_fault(stream)
            for name, stream in self.filled.items()
        }
        self.headers = {name: np.asarray(self.filled[name].header) for name, f in self.faults.items() if not f}
        self.clock = {name: stream.clock_id or name for name, stream in self.filled.items()}
        latencies = {
            self.clock[name]: stream.latency_ns
            for name, stream in self.filled.items()
            if stream.latency_ns is not None
        }
        self.estimates = _estimates(pairs, set(self.clock.values()), latencies)
        self.usable = {
            name: found
            for name in self.headers
            if (found := self.estimates.get(self.clock[name])) is not None and found.verdict == "estimated"
        }
        self.told_apart = {self.clock[name] for name in self.headers if self.filled[name].told_apart}
        known = {self.clock[name]: found for name, found in self.usable.items()}
        # Readings both ways say how far apart two clocks are set; others do not, and what was told stands.
        alone = {clock for clock in self.told_apart & known.keys() if not known[clock].latency_known}
        others = {clock: found for clock, found in known.items() if clock not in alone}
        self.clusters = [*clusters(others, similar_ns), *([clock] for clock in sorted(alone))]

    def faults_of(self, wanted: str) -> Mapping[str, str]:
        """Say for every filled stream what it lacks."""
        if wanted == "log":
            return dict.fromkeys(self.filled, "it has no log times")
        if wanted == "pts":
            return dict.fromkeys(self.filled, "it has no container times")
        if wanted == "mapped":
            return {name: fault or self._why_unmapped(name) for name, fault in self.faults.items()}
        return self.faults

    def declared(self) -> CommonTime | None:
        ids = {stream.clock_id for stream in self.filled.values()}
        clocks = {stream.clock for stream in self.filled.values()}
        if len(self.filled) < 2 or None in ids or len(ids) != 1 or not clocks <= {"header", "pts"}:
            return None
        name = str(ids.pop())
        why = f"the recording states that its streams share one clock, {name}"
        found = {s: self._as_recorded(s, times.raw, "declared", why) for s, times in self.filled.items()}
        time: TimeKind = "header" if "header" in clocks else "pts"
        return self._common(time, name, why, found, {})

    def mapped_if_needed(self) -> CommonTime | None:
        """Map the stamps where there is more than one clock, or readings tell how late an only one is."""
        two_way = any(found.latency_known for found in self.usable.values())
        known = [self.estimates[clock] for clock in sorted({self.clock[name] for name in self.usable})]
        several = any(differ(a, b, similar_ns=self.similar_ns) for at, a in enumerate(known) for b in known[:at])
        return self.mapped() if several or two_way or len(self.told_apart) > 1 else None

    def mapped(self) -> CommonTime | None:
        if not self.usable:
            return None
        found: dict[str, StreamClock] = {}
        left: dict[str, str] = {}
        for name, stream in self.filled.items():
            if name in self.usable:
                found[name] = self._through_map(name)
            elif is_whole(stream.log):
                found[name] = self._as_arrived(name, f"{self._why_unmapped(name)}; its arrival times are taken")
            else:
                left[name] = f"{self._why_unmapped(name)}, and it has no log times"
        return self._common("mapped", LOG, self._why_mapped(), found, left)

    def all_headers(self) -> CommonTime | None:
        if not self.headers or len(self.headers) < len(self.filled) or self._set_apart():
            return None
        return self._of_headers(self._why_header(), {})

    def logs(self) -> CommonTime | None:
        logs = [name for name, stream in self.filled.items() if is_whole(stream.log)]
        if not logs:
            return None
        found = {name: self._as_arrived(name, "arrival times are taken") for name in logs}
        left = {name: "it has no log times" for name in self.filled if name not in logs}
        since = self._set_apart() or _first(self.faults)
        return self._common("log", LOG, f"log times{f', since {since}' if since else ''}", found, left)

    def some_headers(self) -> CommonTime | None:
        if not self.headers:
            return None
        left = {name: fault for name, fault in self.faults.items() if fault}
        return self._of_headers(f"header stamps of {len(self.headers)} streams", left)

    def pts(self) -> CommonTime | None:
        tracks = {name: stream.raw for name, stream in self.filled.items() if stream.clock == "pts"}
        if not tracks:
            return None
        why = "container times, taken as they are: the file does not say how they were made"
        found = {name: self._as_recorded(name, times, "unproven", why) for name, times in tracks.items()}
        left = {name: "it has no container times" for name in self.filled if name not in tracks}
        return self._common("pts", "pts", "container times are all that is there", found, left)

    def _common(
        self,
        time: TimeKind,
        clock: str,
        reason: str,
        found: Mapping[str, StreamClock],
        left: Mapping[str, str],
    ) -> CommonTime:
        return CommonTime(
            time=time, reference_clock=clock, reason=reason, streams=found, left_out={**self.empty, **left}
        )

    def _as_recorded(self, name: str, times: Times, verdict: Verdict, reason: str) -> StreamClock:
        clock = self.clock[name]
        found = self.estimates.get(clock)
        return StreamClock(stream=name, clock=clock, times=times, verdict=verdict, reason=reason, estimate=found)

    def _as_arrived(self, name: str, why: str) -> StreamClock:
        """Take log times, less the latency where it was calibrated."""
        stream, clock = self.filled[name], self.clock[name]
        logged = np.asarray(stream.log)
        if stream.latency_ns is None:
            return self._as_recorded(name, logged, "unproven", f"{why}, late by its own latency")
        found = arrivals(clock, stream.latency_ns, to_clock=LOG)
        taken = self._as_recorded(name, found.apply(logged), "declared", f"{why}; {found.reason}")
        # The map of a clock is of its stamps; where a stream has none, it is of its arrivals.
        return replace(taken, estimate=found, applied=found) if _is_calibrated_arrival(stream) else taken

    def _through_map(self, name: str) -> StreamClock:
        clock, header, log = self.clock[name], self.headers[name], self.filled[name].log
        own, used = self.estimates[clock], self._map_of_cluster(clock)
        about = np.asarray(log) if is_whole(log) else None
        lent = used.from_clock != clock
        if lent:
            why = (
                f"taken for the clock of {used.from_clock}: their rates are alike, and they are set within "
                f"{say_ns(abs(distance(own) - distance(used)))}; a constant difference would not show"
            )
            stretches = tuple(replace(segment, verdict="unproven", reason=why) for segment in used.segments)
            used = replace(used, from_clock=clock, segments=stretches)
        return StreamClock(
            stream=name,
            clock=clock,
            times=used.apply(header, about=about),
            verdict="unproven" if lent else "estimated",
            reason=used.reason,
            estimate=own,
            applied=used,
            uncertainty_ns=used.uncertainty_ns(header, about=about),
        )

    def _of_headers(self, reason: str, left: Mapping[str, str]) -> CommonTime:
        why = self._why_one_clock()
        found = {name: self._as_recorded(name, times, "unproven", why) for name, times in self.headers.items()}
        return self._common("header", "header", reason, found, left)

    def _map_of_cluster(self, clock: str) -> ClockMap:
        """Give the map of the clock in the cluster whose readings arrived soonest: one clock, one map."""
        home = next((cluster for cluster in self.clusters if clock in cluster), [clock])
        return min((self.estimates[other] for other in home), key=distance)

    def _set_apart(self) -> str:
        """Say which two streams' stamps are not comparable as they are; empty where all are."""
        if len(self.told_apart) > 1:
            one, other = sorted(self.told_apart)[:2]
            return (
                f"the recording tells the clocks {one} and {other} apart, and nothing relates them to one another"
            )
        distances = {
            name: int(np.median(header - np.asarray(self.filled[name].log)))
            for name, header in self.headers.items()
            if is_whole(self.filled[name].log)
        }
        if len(distances) < 2:
            return ""
        low, high = min(distances, key=distances.__getitem__), max(distances, key=distances.__getitem__)
        if distances[high] - distances[low] <= self.similar_ns:
            return ""
        return (
            f"the header stamps of {high} and {low} lie {(distances[high] - distances[low]) / 1e9:.6g} s apart "
            "when held against the log"
        )

    def _why_header(self) -> str:
        if all(is_whole(stream.log) for stream in self.filled.values()):
            return "header stamps: every stream has them, and they keep about the same distance from the log times"
        return "header stamps: every stream has them, and there are no log times to hold them against"

    def _why_one_clock(self) -> str:
        """Say what the readings leave open where stamps are compared as they are."""
        known = [self.estimates[self.clock[name]] for name in self.usable]
        if not known:
            return "nothing shows by which clock the stamps were made"
        apart = max(map(distance, known)) - min(map(distance, known))
        wide = max((found.segments[0].drift_ci95_ppm or np.inf for found in known), default=np.inf)
        rates = f"rates alike within {wide:.2g} ppm" if wide <= RESOLVED_PPM else "too short to tell their rates"
        return (
            f"the stamps look like one clock ({rates}); a constant difference, such as the {say_ns(apart)} by "
            "which their soonest arrivals differ, would not show"
        )

    def _why_mapped(self) -> str:
        if len(self.clusters) < 2:
            return "stamps through a clock map, to the recorder's clock"
        return f"the stamps are of {len(self.clusters)} clocks; each goes through its map to the recorder's clock"

    def _why_unmapped(self, name: str) -> str:
        found = self.estimates.get(self.clock[name])
        if self.faults[name]:
            return self.faults[name]
        return found.reason if found is not None else "nothing was read of its clock beside the recorder's"


def _estimates(
    pairs: Sequence[ClockPairs], clocks: set[str], latencies: Mapping[str, int]
) -> Mapping[str, ClockMap]:
    """Estimate every clock; of several pieces of evidence take the best: both ways, then the soonest arrivals.

    Args:
        latencies: As calibrated, by clock; the maps of one-way readings are late by them.
    """
    found: dict[str, list[ClockMap]] = {}
    for each in pairs:
        if each.to_clock == LOG and each.from_clock in clocks:
            found.setdefault(each.from_clock, []).append(estimate(each))
    best = {
        clock: min(maps, key=lambda m: (m.verdict != "estimated", not m.latency_known, distance(m)))
        for clock, maps in found.items()
    }
    return {
        clock: each if each.latency_known or clock not in latencies else earlier(each, latencies[clock])
        for clock, each in best.items()
    }


def _is_calibrated_arrival(stream: StreamTimes) -> bool:
    """Say whether a stream has no clock of its own, and how late it arrives was calibrated."""
    return stream.clock == "log" and stream.latency_ns is not None


def _first(faults: Mapping[str, str]) -> str:
    name, fault = next(((name, fault) for name, fault in faults.items() if fault), ("", ""))
    more = sum(bool(fault) for fault in faults.values()) - 1
    return f"{name}: {fault}" + (f" ({more} more streams likewise unusable)" if more > 0 else "") if name else ""
