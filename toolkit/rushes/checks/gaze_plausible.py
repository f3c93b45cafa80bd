"""gaze.plausible: gaze that is missing, stands still, is doubted by its device, or jumps and comes back."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Severity, Stream

Values = npt.NDArray[np.float64]
POINT = ("x_px", "y_px")
DIRECTION = ("direction_x", "direction_y", "direction_z")


class GazePlausible:
    """Missing and doubted shares, standing values, spikes of one sample, directions that are none."""

    name = "gaze.plausible"
    version = "1"
    reason = (
        "Eye trackers lose the pupil, are taken off, or need calibration again, and go on writing rows. Who "
        "studies where people look must know for which of them the eye was seen."
    )
    known_limits = (
        "Saccades jump by nature, so only a sample that leaves and comes straight back is a spike; a blink may "
        "make one. Whether gaze falls on what a person looked at (accuracy) needs a target. Devices without a "
        "confidence are judged by the rest."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = (*POINT, *DIRECTION, "confidence", "worn")
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "missing_share": Option(
            default=0.2, unit="", reason="people blink for 5 to 10 % of the time; twice that is loss"
        ),
        "confidence": Option(
            default=0.5, unit="", reason="the device itself thinks it more likely wrong than right"
        ),
        "doubted_share": Option(default=0.2, unit="", reason="as for what is missing"),
        "still_s": Option(
            default=0.5, unit="s", reason="even a fixating eye trembles; equal digits for so long are stuck"
        ),
        "spike_share": Option(
            default=0.01, unit="", reason="one sample in a hundred; healthy trackers stay ten times below"
        ),
        "least_samples": Option(default=50, unit="samples", reason="fewer say nothing of a share"),
    }

    def applies(self, stream: Stream) -> bool:
        """Every gaze stream."""
        return stream.table == "gaze"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge points of regard where there are any, else directions."""
        count = len(view.columns["t_ns"])
        names = next((n for n in (POINT, DIRECTION) if _there(view, n)), None)
        if names is None or count < 3:
            return
        values = np.stack([_column(view, name) for name in names], axis=1)
        there: npt.NDArray[np.bool_] = np.asarray(np.isfinite(values).all(axis=1), np.bool_)
        missing: npt.NDArray[np.bool_] = ~there
        if "worn" in view.columns:
            worn = np.ma.filled(np.ma.asarray(view.columns["worn"]).astype(bool), True)
            missing |= ~worn
            if (~worn).any():
                share = float((~worn).mean())
                yield self._finding(
                    view, "info", f"not worn for {share:.0%} of the samples", share, 0.0, int((~worn).sum())
                )
        yield Metric(metric="gaze_missing", value=float(missing.mean()), unit="1", stream=view.stream.name)
        enough = count >= options["least_samples"]
        if enough and missing.mean() > options["missing_share"]:
            share = float(missing.mean())
            words = f"no gaze in {share:.0%} of the samples (limit {options['missing_share']:.0%})"
            yield self._finding(view, "warning", words, share, options["missing_share"], int(missing.sum()))
        yield from self._doubted(view, options, enough=enough)
        yield from self._still(view, values, ~missing, options["still_s"])
        if names == DIRECTION:
            yield from self._lengths(view, values[there])
        spikes = spikes_of(values, ~missing)
        share = float(spikes.mean())
        yield Metric(metric="gaze_spikes", value=share, unit="1", stream=view.stream.name)
        if enough and share > options["spike_share"]:
            words = f"{share:.1%} of the samples jump away and straight back (limit {options['spike_share']:.1%})"
            yield self._finding(view, "warning", words, share, options["spike_share"], int(spikes.sum()))

    def _doubted(self, view: StreamView, options: Mapping[str, float], *, enough: bool) -> Iterator[Finding]:
        if not _there(view, ("confidence",)):
            return
        confidence = _column(view, "confidence")
        known = np.isfinite(confidence)
        share = float((confidence[known] < options["confidence"]).mean())
        if enough and share > options["doubted_share"]:
            words = (
                f"the device gives {share:.0%} of its samples a confidence below {options['confidence']:g} "
                f"(limit {options['doubted_share']:.0%})"
            )
            doubted = int((confidence[known] < options["confidence"]).sum())
            yield self._finding(view, "warning", words, share, options["doubted_share"], doubted)

    def _still(
        self, view: StreamView, values: Values, usable: npt.NDArray[np.bool_], least_s: float
    ) -> Iterator[Finding]:
        same = np.zeros(len(values), np.bool_)
        same[1:] = (values[1:] == values[:-1]).all(axis=1) & usable[1:] & usable[:-1]
        starts = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)) == 1)
        stops = np.flatnonzero(np.diff(np.concatenate(([False], same, [False])).astype(np.int8)) == -1)
        length = (view.spans[stops - 1] - view.spans[starts - 1]) / 1e9 if len(starts) else np.zeros(0)
        long = np.zeros(len(values), np.bool_)
        lasted = np.zeros(len(values))
        for start, stop, seconds in zip(starts.tolist(), stops.tolist(), length.tolist(), strict=True):
            if seconds > least_s:
                long[start:stop], lasted[start:stop] = True, seconds
        yield from span_findings(
            view, np.arange(len(values)), long, check=self.name, severity="warning", values=lasted, limit=least_s,
            unit="s", worst=lambda spans: float(np.max(spans)),
            say=lambda seconds: f"the same to the last digit for {seconds:.2f} s (limit {least_s:g} s)",
        )  # fmt: skip

    def _lengths(self, view: StreamView, directions: Values) -> Iterator[Finding]:
        length = np.linalg.norm(directions, axis=1)
        off = np.abs(length - 1) > 0.01
        if off.any():
            worst = float(length[np.argmax(np.abs(length - 1))])
            words = f"{int(off.sum()):,} directions are no unit vectors; the worst is {worst:.3g} long"
            yield self._finding(view, "warning", words, worst, 1.0, int(off.sum()))

    def _finding(
        self, view: StreamView, severity: Severity, words: str, value: float, limit: float, count: int
    ) -> Finding:
        name = view.stream.name
        return Finding(
            check=self.name, severity=severity, message=f"{name}: {words}", value=value, limit=limit, unit="1",
            stream=name, count=count,
        )  # fmt: skip


def spikes_of(values: Values, usable: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Tell which samples leave and come straight back; shape (n,).

    Both steps are longer than a tenth of what the gaze covers (its 5th to 95th percentile), and the samples before
    and after lie within a quarter of the shorter step of each other.
    """
    found = np.zeros(len(values), np.bool_)
    if len(values) < 3 or usable.sum() < 3:
        return found
    low, high = np.percentile(values[usable], [5, 95], axis=0)
    reach = 0.1 * float(np.linalg.norm(high - low))
    clean = np.where(usable[:, None], values, np.nan)
    with np.errstate(invalid="ignore", over="ignore"):
        there = np.linalg.norm(clean[1:-1] - clean[:-2], axis=1)
        back = np.linalg.norm(clean[2:] - clean[1:-1], axis=1)
        across = np.linalg.norm(clean[2:] - clean[:-2], axis=1)
        shorter = np.minimum(there, back)
        found[1:-1] = (shorter > reach) & (across < 0.25 * shorter) & (reach > 0)
    return found


def _there(view: StreamView, names: tuple[str, ...]) -> bool:
    return all(name in view.columns and bool(np.isfinite(_column(view, name)).any()) for name in names)


def _column(view: StreamView, name: str) -> Values:
    return np.asarray(np.ma.filled(np.ma.asarray(view.columns[name]).astype(np.float64), np.nan))


PLUGIN: StreamCheck = GazePlausible()
