"""audio.level: sound that is cut off, absent, or beside its middle."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._sound import SOUND_MEASURES
from rushes.checks._spans import runs, span_findings
from rushes.checks._streams import where
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream
from rushes.quantities import say_ns

Values = npt.NDArray[np.float64]


class AudioLevel:
    """Samples without a number, clipping block by block, silence as it lasts, offset and dead channels overall."""

    name = "audio.level"
    version = "2"
    reason = (
        "A microphone that is off, muted or set too hot is found after the session, when the voice that a gesture "
        "goes with is gone. What is cut off at full scale cannot be brought back."
    )
    known_limits = (
        "A pause of people is silence too, in a quiet room below any limit: it is info unless the whole stream "
        "is. Clipping before the converter, below full scale, is not found. What does not decode is not measured. "
        "Raw microphone arrays, such as those of Project Aria, state an offset of some percent: true, and "
        "harmless once low frequencies are taken out. A test signal that only counts upwards, such as that of "
        "the VRS samples (offset 39 %), is told rightly."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = SOUND_MEASURES
    pictures: tuple[str, ...] = ()
    defaults: Mapping[str, Option] = {
        "clipped_share": Option(
            default=0.001,
            unit="",
            reason="of a block's samples; one in a thousand at full scale, side by side, is heard",
        ),
        "silent_dbfs_below": Option(
            default=60.0,
            unit="dB below full scale",
            reason="the noise of a cheap microphone in a quiet room is louder",
        ),
        "silent_s": Option(
            default=10.0, unit="s", reason="speakers pause for less, and a room is seldom so quiet for so long"
        ),
        "offset_share": Option(
            default=0.01, unit="", reason="of full scale; converters stay below a tenth of that"
        ),
    }

    def applies(self, stream: Stream) -> bool:
        """Every stream of sound."""
        return stream.table == "audio"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge what was measured of the blocks that decode."""
        if not set(self.columns) <= set(view.columns):
            return
        measured = {name: np.ma.filled(view.columns[name].astype(float), np.nan) for name in self.columns}
        broken = np.flatnonzero(np.isinf(measured["level_peak"]))
        if len(broken):
            words = f"{where(view, int(broken[0]), int(broken[0]))}: samples without a number"
            more = f", and so in {len(broken) - 1:,} more blocks" if len(broken) > 1 else ""
            found = self._finding(view, words + more, float(len(broken)), 0.0, len(broken))
            yield replace(found, severity="error", index=int(view.columns["index"][broken[0]]))
        at = np.flatnonzero(np.isfinite(np.column_stack(list(measured.values()))).all(axis=1))
        if not len(at):
            return
        rms, least, peak, mean, clipped = (measured[name][at] for name in self.columns)
        loudness = float(np.sqrt(np.mean(rms**2)))
        yield Metric(metric="rms", value=loudness, unit="1", stream=view.stream.name)
        yield Metric(metric="peak", value=float(peak.max()), unit="1", stream=view.stream.name)
        yield from span_findings(
            view, at, clipped > options["clipped_share"], check=self.name, severity="warning", values=clipped,
            limit=options["clipped_share"], unit="1", worst=lambda shares: float(np.max(shares)),
            say=lambda share: f"clipped, {share:.1%} of the samples stand at full scale "
            f"(limit {options['clipped_share']:.1%})",
        )  # fmt: skip
        limit = 10 ** (-options["silent_dbfs_below"] / 20)
        if rms.max() < limit:
            how = f"silent from beginning to end, at most {_db(rms.max())}" if peak.max() else "nothing but zeros"
            yield self._finding(view, how, float(rms.max()), limit, len(at))
            return
        yield from self._pauses(view, at, rms, limit, options["silent_s"])
        offset = float(np.mean(mean))
        if abs(offset) > options["offset_share"]:
            words = f"its middle lies at {offset:+.1%} of full scale (limit {options['offset_share']:.1%})"
            yield self._finding(view, words, offset, options["offset_share"], len(at))
        if (view.stream.channels or 1) > 1 and least.max() < limit / 10:
            words = f"one of its {view.stream.channels} channels is silent throughout, at most {_db(least.max())}"
            yield self._finding(view, words, float(least.max()), limit / 10, len(at))

    def _pauses(
        self, view: StreamView, at: npt.NDArray[np.int64], rms: Values, limit: float, least_s: float
    ) -> Iterator[Finding]:
        times = view.spans[at]
        block = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        for start, stop in runs(rms < limit):
            length = float(times[stop - 1] - times[start]) + block
            if length <= least_s * 1e9:
                continue
            first, last = int(at[start]), int(at[stop - 1])
            yield Finding(
                check=self.name,
                severity="info",
                message=f"{view.stream.name}: {where(view, first, last)}: silent for {say_ns(length)} "
                f"(limit {least_s:g} s below {_db(limit)})",
                value=length,
                limit=least_s * 1e9,
                unit="ns",
                stream=view.stream.name,
                index=int(view.columns["index"][first]),
                start_ns=int(view.columns["t_ns"][first]),
                end_ns=int(view.columns["t_ns"][last]),
                count=stop - start,
            )

    def _finding(
        self,
        view: StreamView,
        words: str,
        value: float,
        limit: float,
        count: int,
    ) -> Finding:
        name = view.stream.name
        return Finding(
            check=self.name, severity="warning", message=f"{name}: {words}", value=value, limit=limit, unit="1",
            stream=name, count=count,
        )  # fmt: skip


def _db(level: float) -> str:
    return f"{20 * np.log10(max(level, 1e-12)):.0f} dBFS"


PLUGIN: StreamCheck = AudioLevel()
