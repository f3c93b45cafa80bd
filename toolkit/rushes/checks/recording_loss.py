"""recording.loss: what could not be read of a recording, and counts that do not agree."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from rushes.contracts import Option, RecordingCheck, RecordingView
from rushes.model import Finding, LedgerEntry, Loss, Metric
from rushes.quantities import say_count

LOCATED = "read.undecodable"
"""The loss that already tells of values that stay encoded."""


class RecordingLoss:
    """Losses of one kind and stream are one finding; so is each ledger entry that does not add up."""

    name = "recording.loss"
    version = "1"
    reason = (
        "Nothing is lost in silence: what a reader could not read is a verdict on the recording, not a log line."
    )
    known_limits = "Tells what the reader counted; what a recorder never wrote leaves no trace here."
    subject: Literal["recording"] = "recording"
    defaults: Mapping[str, Option] = {
        "error_share": Option(
            default=0.05, unit="", reason="as in stream.drops: below it a warning, above it the take is not whole"
        ),
    }

    def judge(self, view: RecordingView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Judge losses, then balances, then declared counts."""
        kinds: dict[tuple[str, str | None], list[Loss]] = defaultdict(list)
        for loss in view.losses:
            kinds[loss.code, loss.stream].append(loss)
        for (code, stream), losses in kinds.items():
            yield self._loss(view, code, stream, losses, options["error_share"])
        undecoded: list[LedgerEntry] = []
        for entry in view.ledger:
            if not entry.balanced:
                yield self._unbalanced(view, entry)
            elif entry.step == "decode" and entry.unread and (LOCATED, entry.stream) not in kinds:
                undecoded.append(entry)
            elif entry.declared is not None and entry.declared != entry.came_in and not _told(entry, view.losses):
                yield self._declared(view, entry)
        if undecoded:
            yield self._undecoded(undecoded)

    def _loss(
        self, view: RecordingView, code: str, stream: str | None, losses: list[Loss], error_share: float
    ) -> Finding:
        count = sum(loss.count or 0 for loss in losses)
        seen = sum(e.came_in for e in view.ledger if e.stream == stream and e.step == "read") if stream else 0
        total = max(seen, count)
        share = count / total if total and count else 1.0
        places = f" (and {len(losses) - 1} more of the kind)" if len(losses) > 1 else ""
        return Finding(
            check=self.name,
            severity="error" if share > error_share else "warning",
            message=f"{_said(view, losses[0])}{places} [{code}]",
            value=float(count) if count else None,
            unit="1" if count else None,
            stream=stream,
            start_ns=min((loss.start_ns for loss in losses if loss.start_ns is not None), default=None),
            end_ns=max((loss.end_ns for loss in losses if loss.end_ns is not None), default=None),
            count=max(count, 1),
        )

    def _undecoded(self, entries: Sequence[LedgerEntry]) -> Finding:
        """Tell of messages that are there and located, but whose values no definition reads; they are no loss."""
        count = sum(entry.unread for entry in entries)
        first, more = entries[0], len(entries) - 1
        others = f", and {count - first.unread:,} in {say_count(more, 'more stream')}" if more else ""
        return Finding(
            check=self.name,
            severity="info",
            message=f"{first.stream}: the values of {say_count(first.unread, 'message')} stay encoded: "
            f"{next(iter(first.reasons))}{others}",
            value=float(count),
            unit="1",
            stream=None if more else first.stream,
            count=count,
        )

    def _unbalanced(self, view: RecordingView, entry: LedgerEntry) -> Finding:
        told = entry.out + entry.merged + entry.rejected + entry.unread
        return Finding(
            check=self.name,
            severity="error",
            message=f"{entry.stream or view.recording}: {say_count(entry.came_in, 'item')} went into step "
            f"'{entry.step}', {told:,} are accounted for",
            value=float(told),
            limit=float(entry.came_in),
            unit="1",
            stream=entry.stream or None,
            count=max(1, abs(entry.came_in - told)),
        )

    def _declared(self, view: RecordingView, entry: LedgerEntry) -> Finding:
        assert entry.declared is not None
        return Finding(
            check=self.name,
            severity="warning",
            message=f"{entry.stream or view.recording}: the recording declares "
            f"{say_count(entry.declared, 'sample')}, {entry.came_in:,} are there",
            value=float(entry.came_in),
            limit=float(entry.declared),
            unit="1",
            stream=entry.stream or None,
            count=abs(entry.declared - entry.came_in),
        )


def _said(view: RecordingView, loss: Loss) -> str:
    """Say a loss with what it concerns in front, once."""
    named = loss.stream or loss.message.startswith(view.recording)
    return loss.said if named else f"{view.recording}: {loss.message}"


def _told(entry: LedgerEntry, losses: Sequence[Loss]) -> bool:
    """Say whether a loss already names the difference, so that one fault is one finding."""
    return any(loss.code == "read.count-mismatch" and loss.stream in (None, entry.stream) for loss in losses)


PLUGIN: RecordingCheck = RecordingLoss()
