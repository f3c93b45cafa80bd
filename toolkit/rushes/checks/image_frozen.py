"""image.frozen: the same picture again, once or for long, while time goes on."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import MOST, runs
from rushes.checks._streams import where
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, FrameFlag, Metric, Stream
from rushes.quantities import say_ns

AROUND = 5
"""How many pictures on each side tell whether the scene moves."""


class ImageFrozen:
    """Runs of equal pictures, single repeats amid motion, and streams in which pictures repeat all the time."""

    name = "image.frozen"
    version = "2"
    reason = (
        "A sensor never gives the same picture twice: there is noise. Equal neighbours mean a driver that "
        "repeats, a recorder that stuck, or a rate that was made up. Limits are proposals. An encoder may make "
        "a still scene equal, so that only a second of it is an error, and a single repeat is told only "
        "where the pictures around it move."
    )
    known_limits = (
        "A made or filtered picture without noise can repeat in earnest; so can a still scene after an encoder."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("flags",)
    pictures: tuple[str, ...] = ("difference",)
    defaults: Mapping[str, Option] = {
        "difference": Option(
            default=0.0, unit="grey", reason="equal means equal; a mean above 0 allows for an encoder's noise"
        ),
        "least_frames": Option(
            default=3, unit="frames", reason="fewer are single repeats, told where the scene moves"
        ),
        "info_s": Option(default=0.1, unit="s", reason="shorter is not seen by a person"),
        "error_s": Option(default=1.0, unit="s", reason="no live picture stands still for a second"),
        "repeat_share": Option(
            default=0.1, unit="", reason="a repeat in ten: the true rate is lower than it looks"
        ),
        "share_frames": Option(default=20, unit="frames", reason="a share of fewer says nothing about a rate"),
        "moving": Option(
            default=0.5,
            unit="grey",
            reason="noise through an encoder stays below; a hand that moves is above",
        ),
    }

    def applies(self, stream: Stream) -> bool:
        """Every picture stream."""
        return stream.table == "frames"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Measure repeats, judge runs of them, then their share."""
        equal, judged = self._equal(view, options["difference"])
        if judged == 0:
            return
        name, times = view.stream.name, view.columns["t_ns"]
        yield Metric(metric="repeated_pictures", value=float(equal.sum()), unit="1", stream=name)
        # A run of k equal neighbours is k + 1 equal frames.
        timed = view.stream.clock != "none"
        frozen = [
            (start - 1, stop)
            for start, stop in runs(equal)
            if stop - start + 1 >= options["least_frames"]
            and (not timed or int(times[stop - 1]) - int(times[start - 1]) >= options["info_s"] * 1e9)
        ]
        in_runs = sum(stop - start - 1 for start, stop in frozen)
        longest = sorted(frozen, key=lambda run: (run[0] - run[1], run[0]))
        for start, stop in sorted(longest[:MOST]):
            yield self._run(view, start, stop, options["error_s"], timed)
        if rest := longest[MOST:]:
            yield self._rest(view, rest)
        share = (int(equal.sum()) - in_runs) / judged
        if not timed:
            return
        if share <= options["repeat_share"]:
            yield from self._single(view, equal, frozen, options["moving"])
        elif judged >= options["share_frames"]:
            yield Finding(
                check=self.name,
                severity="info",
                message=f"{name}: {share:.0%} of the frames repeat the one before "
                f"(limit {options['repeat_share']:.0%}): the sensor is slower than the stream",
                value=share,
                limit=options["repeat_share"],
                unit="1",
                stream=name,
                count=int(equal.sum()) - in_runs,
            )

    def _single(
        self, view: StreamView, equal: npt.NDArray[np.bool_], frozen: list[tuple[int, int]], moving: float
    ) -> Iterator[Finding]:
        """Tell of pictures that came twice while those around them differ, all in one finding."""
        alone = equal.copy()
        for start, stop in frozen:
            alone[start:stop] = False
        difference = np.asarray(view.pictures.get("difference", np.full(len(equal), np.nan)))
        found = []
        for at in np.flatnonzero(alone).tolist():
            around = difference[max(0, at - AROUND) : at + AROUND + 1]
            known = around[~np.isnan(around)]
            if len(known) > AROUND // 2 and float(np.median(known)) > moving:
                found.append(at)
        if not found:
            return
        index, times = view.columns["index"], view.columns["t_ns"]
        named = ", ".join(str(int(index[at])) for at in found[:MOST])
        more = f" and {len(found) - MOST} more" if len(found) > MOST else ""
        many = len(found) > 1
        yield Finding(
            check=self.name,
            severity="info",
            message=f"{view.stream.name}: frame{'s' * many} {named}{more} "
            f"{'each repeat' if many else 'repeats'} the picture before, while the scene moves",
            value=float(len(found)),
            unit="1",
            stream=view.stream.name,
            index=int(index[found[0]]),
            start_ns=int(times[found[0]]),
            end_ns=int(times[found[-1]]),
            count=len(found),
        )

    def _equal(self, view: StreamView, limit: float) -> tuple[npt.NDArray[np.bool_], int]:
        """Tell which frames equal the one before, and how many could be compared."""
        count = len(view.columns["t_ns"])
        difference = np.asarray(view.pictures.get("difference", np.full(count, np.nan)))
        flags = np.asarray(view.columns.get("flags", np.zeros(count, np.int32)))
        flagged = (flags & FrameFlag.REPEATED) > 0
        equal = (difference <= limit) | flagged
        equal[:1] = False
        return equal, int((~np.isnan(difference) | flagged).sum())

    def _run(self, view: StreamView, start: int, stop: int, error_s: float, timed: bool) -> Finding:
        times, index = view.columns["t_ns"], view.columns["index"]
        length = int(times[stop - 1]) - int(times[start]) if timed else 0
        lasting = f" for {say_ns(length)} (limit {error_s:g} s)" if timed else ""
        return Finding(
            check=self.name,
            severity="error" if timed and length >= error_s * 1e9 else "info",
            message=f"{view.stream.name}: {where(view, start, stop - 1)} are the same picture{lasting}",
            value=float(length) if timed else float(stop - start),
            limit=error_s * 1e9 if timed else None,
            unit="ns" if timed else "1",
            stream=view.stream.name,
            index=int(index[start]),
            start_ns=int(times[start]),
            end_ns=int(times[stop - 1]),
            count=stop - start,
        )

    def _rest(self, view: StreamView, rest: list[tuple[int, int]]) -> Finding:
        count = sum(stop - start for start, stop in rest)
        return Finding(
            check=self.name,
            severity="info",
            message=f"{view.stream.name}: {count:,} frames stand still in {len(rest)} more places",
            value=float(count),
            unit="1",
            stream=view.stream.name,
            index=int(view.columns["index"][min(rest)[0]]),
            count=count,
        )


PLUGIN: StreamCheck = ImageFrozen()
