"""A recording that goes on: a thread for every sensor, one that writes, one that watches; a file that survives."""

import logging
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rushes import registry
from rushes.capturing import HostClock, Mishap, Samples, Source, Trouble
from rushes.errors import CaptureError
from rushes.live import Status, Take, Verdict
from rushes.model import ClockPairs
from rushes.quantities import say_ns
from rushes.recorder import notes, verdict
from rushes.recorder.beginning import begun
from rushes.recorder.crew import Crew
from rushes.recorder.disk import Disk
from rushes.recorder.encoding import FirstMessage, Note
from rushes.recorder.takes import Ledger
from rushes.recorder.telling import Telling
from rushes.recorder.tracks import Gate, Missing, Track
from rushes.recorder.verdict import RecordingVerdict
from rushes.recorder.wall_clock import WallClock
from rushes.recorder.watching import Watching
from rushes.recorder.writer import Writer
from rushes.sensors import Rig

log = logging.getLogger(__name__)
FLUSH_NS = 500_000_000
QUEUE_BYTES = 64 << 20
MIN_FREE_BYTES = 512 << 20
OPENING_S = 5.0
ENDING_S = 3.0


def source_of(name: str) -> Source:
    """Give the capture plugin of a name."""
    source: Source = registry.load("capture", name)
    return source


class Recording:
    """A rig being recorded; a :class:`~rushes.live.LiveRecording`, and a context manager that starts and stops it.

    Args:
        path: Of the file, where there is none yet. It has its final name from the first byte on.
        rig: Its sensors.
        facts: Of the session.
        clock: The recorder's; started now when None.
        flush_ns: How old a sample may get before it is in the file.
        queue_bytes: How much of a stream may wait to be written, beside the rig's ``queue``.
        min_free_bytes: The recording ends when the disk has less.
        opening_s: How long the first samples wait for sensors that are slow to open.
        sources: Gives the source of a name.
        disk: Makes the file.
        utc_ns: Reads the system's clock.
    """

    def __init__(
        self,
        path: Path,
        rig: Rig,
        facts: Mapping[str, str],
        *,
        clock: HostClock | None = None,
        flush_ns: int = FLUSH_NS,
        queue_bytes: int = QUEUE_BYTES,
        min_free_bytes: int = MIN_FREE_BYTES,
        opening_s: float = OPENING_S,
        sources: Callable[[str], Source] = source_of,
        disk: Callable[[Path], Disk] = Disk,
        utc_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._path, self._rig, self._facts = path, rig, dict(facts)
        self._clock = HostClock.started() if clock is None else clock
        self._flush_ns, self._opening_s = flush_ns, opening_s
        self._make_disk = disk
        self._start_ns = self._end_ns = self._clock.now_ns()
        self._gate = Gate()
        self._over = threading.Event()
        self._ending, self._pausing = threading.Lock(), threading.Lock()
        self._telling = Telling(lambda trouble: self._note(notes.of_trouble(trouble, self._clock.now_ns())))
        self._paused_ns = self._start_ns
        self._ended_by = ""
        self._ledger = Ledger(self._start_ns)
        self._crew = Crew(
            rig,
            clock=self._clock,
            gate=self._gate,
            telling=self._telling,
            queue_bytes=queue_bytes,
            sources=sources,
            follow=self._follow,
            hurry=self._hurry,
            pair=self.pair,
        )
        self._watching = Watching(self, WallClock(self._clock, utc_ns), min_free_bytes=min_free_bytes)
        self._disk: Disk | None = None
        self._writer: Writer | None = None
        self._verdict: RecordingVerdict | None = None
        self._finishing: threading.Thread | None = None
        self._slip: Exception | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Make the file, open the sensors, and begin.

        Sensors that are not there do not keep the others from recording; they are tried again all the while.

        Raises:
            CaptureError: ``recorder.exists`` or ``recorder.disk``, if the file cannot be made or has no room.
            RecipeError: If the rig asks a source for what it does not know; nothing is left behind.
            PluginError: If there is no such source; nothing is left behind.
        """
        self._disk = self._make_disk(self._path)
        try:
            self._begin_file(self._disk)
        except OSError as error:
            self._disk.close()
            self._path.unlink(missing_ok=True)
            raise CaptureError(
                f"{self._path.name} cannot be written: {error.strerror}",
                code="recorder.disk",
                hint="look at the room on the disk",
            ) from error
        try:
            mistakes = self._crew.open(self._opening_s)
            if mistakes:
                raise mistakes[0]
        except BaseException:  # Ctrl-C too
            self.stop()
            self._path.unlink(missing_ok=True)
            raise
        self._start_ns = self._clock.now_ns()
        self._ledger = Ledger(self._start_ns)
        self._note_take(self._ledger.current)
        self._crew.go()
        self._watching.start()

    def stop(self) -> None:
        """End the sources, write what waits, and make the file whole; can be called twice, from any thread.

        Whoever loses patience, by Ctrl-C, does not keep the file from being made whole: a thread of its own does
        it, and the process ends after it.
        """
        if self._writer is None:
            return
        self._begin_to_stop()
        while not self._over.wait(0.2):  # in pieces, so that Ctrl-C is heard
            pass
        if self._slip is not None:
            raise self._slip

    def wait(self, seconds: float) -> bool:
        """Wait until the recording has ended by itself, at most for so long; tells whether it has."""
        return self._over.wait(seconds)

    def end(self, why: str) -> None:
        """Have the recording stopped, for a reason that the verdict tells; does not wait for it."""
        self._ended_by = self._ended_by or why
        self._begin_to_stop()

    def verdict(self) -> RecordingVerdict:
        """Say what was captured; to be asked when it has ended."""
        assert self._verdict is not None, "it is still going on"
        return self._verdict

    # ── LiveRecording ─────────────────────────────────────────────────────────────────────────────────────

    def status(self) -> Status:
        """Say how it is going."""
        now = self._clock.now_ns()
        written = {} if self._writer is None else self._writer.written
        return Status(
            now_ns=now,
            elapsed_ns=(self._end_ns if self._over.is_set() else now) - self._start_ns,
            paused=self._gate.paused,
            take=self._ledger.current,
            written_bytes=0 if self._writer is None else self._writer.written_bytes,
            free_bytes=self._watching.free_bytes,
            streams=self._crew.statuses(now, written=written, is_silent=self._watching.is_silent),
            troubles=self._telling.latest,
        )

    def latest(self, stream: str, most: int) -> Sequence[Samples]:
        """Give the latest samples of a stream, about ``most``, oldest first; none of an unknown stream."""
        track = self._crew.track(stream)
        return () if track is None else track.latest(most)

    def mark(self, text: str, key: str | None = None, *, at_ns: int | None = None) -> None:
        """Write a marker at an instant of the recorder's clock that was lately; at this instant when None."""
        self._note(notes.of_marker(text, key, self._clock.now_ns() if at_ns is None else at_ns))

    def pause(self) -> None:
        """Leave out what arrives until :meth:`resume`; what is left out is counted and said."""
        with self._pausing:
            if not self._gate.paused:
                self._paused_ns, self._gate.paused = self._clock.now_ns(), True

    def resume(self) -> None:
        """Go on after a pause."""
        with self._pausing:
            if not self._gate.paused:
                return
            self._gate.paused = False
            lasted = say_ns(self._clock.now_ns() - self._paused_ns)
            for track in self._crew.tracks:
                missing = track.tell_left_out()
                if missing is not None:
                    self._say_lost("paused", track, missing, f"left out by a pause of {lasted}")

    def next_take(self) -> Take:
        """End the take and begin the next; gives the one that ended."""
        ended, begun = self._ledger.next(self._clock.now_ns())
        self._note_take(ended)
        self._note_take(begun)
        return ended

    def judge(self, verdict: Verdict, *, number: int | None = None, why: str = "") -> Take:
        """Keep or discard a take: the one that lasts, when ``number`` is None. The newest verdict stands.

        Raises:
            UsageError: ``recorder.take``, if there is none of that number.
        """
        take = self._ledger.judge(verdict, number=number, why=why)
        self._note_take(take)
        return take

    def retake(self) -> Take:
        """Discard the take that lasts, and begin it anew; gives the discarded one."""
        ended, begun = self._ledger.retake(self._clock.now_ns())
        self._note_take(ended)
        self._note_take(begun)
        return ended

    # ── What the threads tell ─────────────────────────────────────────────────────────────────────────────

    @property
    def clock(self) -> HostClock:
        """The recorder's clock."""
        return self._clock

    @property
    def tracks(self) -> Sequence[Track]:
        """The streams of all sensors that were opened."""
        return self._crew.tracks

    def opened_ns(self, track: Track) -> int | None:
        """Since when a stream's sensor is open and samples are wanted; None while it is not."""
        return self._crew.opened_ns(track)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return 0 if self._disk is None else self._disk.free_bytes()

    def tell(self, trouble: Trouble) -> None:
        """Take note of something that went wrong, for the terminal and for the file."""
        self._telling.tell(trouble)

    def tell_summed(self, now_ns: int) -> None:
        """Tell of what is summed up for a second before it is told."""
        self._telling.tell_summed(now_ns)

    def stalled_ns(self) -> int:
        """For how long the disk has been at one write."""
        return 0 if self._disk is None else self._disk.stalled_ns()

    def pair(self, pairs: ClockPairs) -> None:
        """Take readings of two clocks."""
        for note in notes.of_pairs(pairs, self._clock.now_ns()):
            self._note(note)

    def say_lost(self, track: Track, missing: Missing) -> None:
        """Tell of samples that were dropped."""
        failed = self._writer is not None and self._writer.error is not None
        how = "lost: the disk took no more" if failed else "dropped: they came faster than the disk took them"
        self._say_lost("lost", track, missing, how)

    def _begin_to_stop(self) -> None:
        with self._ending:
            if self._finishing is None:
                self._finishing = threading.Thread(target=self._finish, name="rushes-end", daemon=False)
                self._finishing.start()

    def _finish(self) -> None:
        assert self._writer is not None
        try:
            for sensor in self._crew.stop(ENDING_S):
                self._say("stopped", "its source did not end in time", sensor=sensor.name)
            self._gate.closed = True
            self.resume()
            self._watching.stop()
            self._watching.last_words()
            self._telling.tell_summed()
            self._end_ns = self._clock.now_ns()
            self._note_take(self._ledger.end(self._end_ns))
            self._writer.close()
            self._verdict = self._judge(self._writer)
        except Exception as error:  # raised where it is waited for
            log.exception("the recording could not be ended")
            self._slip = error
        finally:
            self._over.set()

    def _begin_file(self, disk: Disk) -> None:
        file = begun(disk, self._rig, self._facts, start_ns=self._start_ns)
        self._writer = Writer(
            file,
            disk,
            flush_ns=self._flush_ns,
            failed=self._disk_failed,
            settle=self._settle,
            garbled=self._garbled,
        )
        self._writer.start()

    def _follow(self, track: Track) -> None:
        assert self._writer is not None
        now = self._clock.now_ns()
        for topic, form, data in track.stream.first_messages:
            self._note(FirstMessage(topic=topic, form=form, data=data, log_ns=now))
        self._writer.follow(track)

    def _judge(self, writer: Writer) -> RecordingVerdict:
        written = writer.written
        streams = [verdict.of_track(track, written.get(track.stream.name, 0)) for track in self.tracks]
        return RecordingVerdict(
            path=self._path,
            start_ns=self._start_ns,
            end_ns=self._end_ns,
            written_bytes=writer.written_bytes,
            whole=writer.whole,
            ended_by=self._ended_by,
            streams=streams,
            takes=self._ledger.takes,
            troubles=self._telling.counts,
            problems=verdict.problems_of(
                streams,
                whole=writer.whole,
                ended_by=self._ended_by,
                absent=self._crew.never_opened,
                troubles=self._telling.kept,
            ),
        )

    def _disk_failed(self, error: OSError) -> None:
        """Stop when the disk takes no more; the file stays as it was after the last flush."""
        self._gate.closed = True
        why = f"the disk takes no more: {error.strerror or error}"
        self._say("disk", why)
        self.end(why)

    def _settle(self) -> None:
        assert self._writer is not None
        written, now = self._writer.written, self._clock.now_ns()
        for track in self.tracks:
            track.settle(written.get(track.stream.name, 0), now)
            missing = track.tell_dropped()
            if missing is not None:
                self.say_lost(track, missing)

    def _garbled(self, track: Track, samples: Samples, why: str) -> None:
        track.count_lost(samples)
        message = f"{len(samples)} samples cannot be written: {why}"
        self._say("garbage", message, sensor=track.sensor.name, stream=track.stream.name, count=len(samples))

    def _say_lost(self, what: Mishap, track: Track, missing: Missing, how: str) -> None:
        self.tell(
            Trouble(
                what=what,
                message=f"{missing.count:,} samples {how}",
                at_ns=missing.until_ns,
                sensor=track.sensor.name,
                stream=track.stream.name,
                count=missing.count,
                from_ns=missing.from_ns,
            )
        )

    def _say(
        self, what: Mishap, message: str, *, sensor: str | None = None, stream: str | None = None, count: int = 0
    ) -> None:
        now = self._clock.now_ns()
        self.tell(Trouble(what=what, message=message, at_ns=now, sensor=sensor, stream=stream, count=count))

    def _note_take(self, take: Take) -> None:
        self._note(notes.of_take(take, self._clock.now_ns()))

    def _hurry(self) -> None:
        if self._writer is not None:
            self._writer.hurry()

    def _note(self, note: Note | FirstMessage) -> None:
        if self._writer is not None:
            self._writer.note(note)
