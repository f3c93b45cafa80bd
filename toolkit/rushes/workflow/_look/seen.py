"""What a look saw, as one value."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from rushes.model import Finding
from rushes.workflow._look.survey import RecordingSurvey, StreamSurvey
from rushes.workflow.discover import Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class LookResult:
    """What was seen below some paths.

    Args:
        root: Folder that all paths share, absolute; names in the page are below it.
        recordings: In natural order; those that could not be read are among them, with their error.
        refused: What no reader takes, and why.
        hidden: Names left aside because they start with a dot.
        equal: Groups of two or more recordings with the same samples.
        looked_at: When, UTC.
    """

    root: Path
    recordings: tuple[RecordingSurvey, ...]
    refused: tuple[Refused, ...]
    hidden: int
    equal: tuple[tuple[RecordingSurvey, ...], ...]
    looked_at: datetime

    def name(self, path: Path) -> str:
        """Name a path as the page does: below the shared root, or whole where it lies elsewhere."""
        whole = path.absolute()
        return str(whole.relative_to(self.root)) if whole.is_relative_to(self.root) else str(whole)

    def summary(self) -> dict[str, Any]:
        """Give what was seen as JSON values, without pictures."""
        return {
            "recordings": [self._recording(recording) for recording in self.recordings],
            "refused": [
                {"path": str(item.path), "kind": item.kind, "reasons": dict(item.reasons)} for item in self.refused
            ],
            "hidden": self.hidden,
            "equal": [[str(recording.path) for recording in group] for group in self.equal],
        }

    def _recording(self, recording: RecordingSurvey) -> dict[str, Any]:
        error = recording.error
        return {
            "path": str(recording.path),
            "reader": recording.reader,
            "reason": recording.claim.reason,
            "bytes": recording.size,
            "start_ns": recording.start_ns,
            "end_ns": recording.end_ns,
            "samples": recording.samples,
            "streams": [_stream(stream) for stream in recording.streams],
            "findings": [_finding(finding) for finding in recording.findings],
            "error": {"code": error.code, "message": error.message, "hint": error.hint} if error else None,
        }


def by_severity(findings: Iterable[Finding]) -> Counter[str]:
    """Count findings by severity."""
    return Counter(finding.severity for finding in findings)


def _stream(item: StreamSurvey) -> dict[str, Any]:
    return {
        "stream": item.stream.name,
        "modality": item.stream.modality,
        "codec": item.stream.codec,
        "clock": item.stream.clock,
        "count": item.count,
        "declared": item.declared,
        "merged": item.merged,
        "rejected": item.rejected,
        "unread": item.unread,
        "rate_hz": item.rate_hz,
        "ticking_hz": item.ticking_hz,
        "first_ns": item.first_ns,
        "last_ns": item.last_ns,
        "gaps": len(item.gaps),
        "longest_interval_ns": item.longest[0].end_ns - item.longest[0].start_ns if item.longest else None,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "check": finding.check,
        "severity": finding.severity,
        "stream": finding.stream,
        "value": finding.value,
        "limit": finding.limit,
        "unit": finding.unit,
        "start_ns": finding.start_ns,
        "message": finding.message,
    }
