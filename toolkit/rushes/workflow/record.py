"""Record: a rig's live sensors → one recording, until somebody or the clock ends it, and what became of it."""

import re
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from rushes import registry
from rushes.live import LiveRecording, Status
from rushes.recorder.recording import Recording
from rushes.recorder.verdict import RecordingVerdict
from rushes.sensors import Rig

EVERY_S = 0.25
MOST_OPENING_NS = 120_000_000_000
"""So long sensors that are being opened are waited for, before the time of a recording begins to count."""
Ending = Literal["time", "asked", "interrupted", "sources", "itself"]
"""``sources``: every one came to its end; ``itself``: the recording could not go on, such as for a full disk."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to record.

    Args:
        path: Of the file, where there is none yet.
        facts: Of the session, settled by ``rigs.facts_of``.
        for_ns: How long, pauses included, from when no sensor is still being opened; None until it is stopped.
        preview_port: Of the preview, 0 for any that is free; None for no preview.
    """

    rig: Rig
    path: Path
    facts: Mapping[str, str]
    for_ns: int | None = None
    preview_port: int | None = None


class Stop:
    """Asks a recording to end; the first to ask says why. Safe from any thread and from signal handlers."""

    def __init__(self) -> None:
        self._why: Literal["asked", "interrupted"] | None = None

    def ask(self, why: Literal["asked", "interrupted"]) -> None:
        """Ask."""
        self._why = self._why or why

    @property
    def why(self) -> Literal["asked", "interrupted"] | None:
        """Why it shall end; None while nobody has asked."""
        return self._why


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What became of it.

    Args:
        lacking: Sensors of which the file holds no sample, though they should give some.
        dropped: Samples that arrived and are not in the file; pauses apart.
    """

    verdict: RecordingVerdict
    ending: Ending
    lacking: tuple[str, ...]
    dropped: int

    @property
    def is_sound(self) -> bool:
        """Whether every sensor is in the file, and all that arrived of it."""
        return not self.lacking and not self.dropped and self.ending != "itself" and self.verdict.whole


Begun = Callable[[LiveRecording, str | None], None]
"""Called once with the recording and the address of its preview."""
Shown = Callable[[Status], None]
"""Called four times a second."""


def record(plan: Plan, *, stop: Stop, begun: Begun, shown: Shown) -> Recorded:
    """Record until ``stop`` is asked, the time is over, all sources ended, or the recording cannot go on.

    Raises:
        CaptureError: If the file cannot be made.
        RecipeError: If the rig asks a source for what it does not know.
        PluginError: If there is no such source.
        ToolError: ``loopback.port-taken``.
    """
    recording = Recording(plan.path, plan.rig, plan.facts)
    with ExitStack() as held:
        held.enter_context(recording)
        site = None
        if plan.preview_port is not None:
            open_preview = registry.late("rushes.workflow.preview").open_preview
            site = held.enter_context(
                open_preview(recording, title=f"{plan.rig.name} → {plan.path.name}", port=plan.preview_port)
            )
        begun(recording, site.address if site else None)
        ending = _watch(recording, plan, stop, shown)
    verdict = recording.verdict()
    return Recorded(
        verdict=verdict,
        ending="itself" if verdict.ended_by else ending,
        lacking=lacking_of(plan.rig, verdict),
        dropped=sum(stream.dropped for stream in verdict.streams),
    )


def path_for(rig: Rig, out: Path | None, now: datetime) -> Path:
    """Settle the name of the file: as given, or ``RIG_DATE_TIME.mcap`` in the folder that is given, or here."""
    name = f"{re.sub(r'[^A-Za-z0-9_-]+', '-', rig.name)}_{now:%Y-%m-%d_%H%M%S}.mcap"
    if out is None:
        return Path(name)
    return out / name if out.is_dir() else out


def lacking_of(rig: Rig, verdict: RecordingVerdict) -> tuple[str, ...]:
    """Name the sensors of which there is no sample; one that gives texts alone may have had nothing to say."""
    there = {stream.sensor for stream in verdict.streams if stream.samples}
    quiet = {stream.sensor for stream in verdict.streams if stream.form == "texts"}
    loud = {stream.sensor for stream in verdict.streams if stream.form != "texts"}
    return tuple(s.name for s in rig.sensors if s.name not in there | (quiet - loud))


def _watch(recording: Recording, plan: Plan, stop: Stop, shown: Shown) -> Ending:
    opened_ns: int | None = None
    while True:
        status = recording.status()
        shown(status)
        if opened_ns is None and not _is_opening(status):
            opened_ns = status.elapsed_ns
        if stop.why is not None:
            return stop.why
        left_ns = None
        if plan.for_ns is not None and opened_ns is not None:
            left_ns = plan.for_ns + opened_ns - status.elapsed_ns
        if left_ns is not None and left_ns <= 0:
            return "time"
        if status.streams and all(stream.state == "ended" for stream in status.streams):
            return "sources"
        if recording.wait(EVERY_S if left_ns is None else min(EVERY_S, left_ns / 1e9)):
            return "itself"


def _is_opening(status: Status) -> bool:
    return status.elapsed_ns < MOST_OPENING_NS and any(stream.state == "opening" for stream in status.streams)
