"""The one thread that writes: takes what waits, makes messages of it, and hands chunks to the disk in time."""

import logging
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from rushes.capturing import Samples
from rushes.chunked_mcap import ChunkedFile
from rushes.recorder.disk import Disk
from rushes.recorder.encoding import FirstMessage, Note, Topics, joined
from rushes.recorder.tracks import Track

log = logging.getLogger(__name__)
TURN_S = 0.05


class Writer:
    """Writes one recording. All but :meth:`close` may be called from any thread.

    Args:
        file: Begun.
        disk: That it is on.
        flush_ns: What arrived earlier than this is in the file, as far as the disk keeps up.
        failed: Told of the error when the disk takes no more; nothing is written from then on.
        settle: Asked, after a failure, to tell what became of it; what it notes is written if there is room.
        garbled: Told of samples that cannot be written, and why.
    """

    def __init__(
        self,
        file: ChunkedFile,
        disk: Disk,
        *,
        flush_ns: int,
        failed: Callable[[OSError], None],
        settle: Callable[[], None],
        garbled: Callable[[Track, Samples, str], None],
    ) -> None:
        self._file, self._disk, self._flush_ns = file, disk, flush_ns
        self._failed, self._settle, self._garbled = failed, settle, garbled
        self._topics = Topics(file)
        self._tracks: list[Track] = []
        self._declared = 0
        self._notes: deque[Note | FirstMessage] = deque()
        self._wake, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="rushes-writer", daemon=True)
        self.error: OSError | None = None
        self.whole = False

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def follow(self, track: Track) -> None:
        """Write what comes on a track from now on."""
        self._tracks.append(track)

    def note(self, note: Note | FirstMessage) -> None:
        """Write something that the recorder itself has to say."""
        self._notes.append(note)

    def hurry(self) -> None:
        """Write what waits at once."""
        self._wake.set()

    @property
    def written_bytes(self) -> int:
        """Bytes that the disk was given."""
        return self._file.size

    @property
    def written(self) -> dict[str, int]:
        """How many messages of each topic the disk was given."""
        return self._file.written

    def close(self) -> None:
        """Write what waits, make the file whole and close it. No more may be put into the tracks."""
        self._ending.set()
        self._wake.set()
        self._thread.join()
        self._disk.close()

    def _run(self) -> None:
        try:
            self._write_on()
            if self.error is None:
                self._finish()
        except Exception as error:  # a slip of ours must not cost what was recorded
            log.exception("the writer failed")
            self._fail(OSError(f"{type(error).__name__}: {error}"))
        if self.error is not None:
            self._salvage()

    def _write_on(self) -> None:
        flushed_ns = time.monotonic_ns()
        while True:
            ending = self._ending.is_set()
            self._turn()
            now = time.monotonic_ns()
            if ending:
                break
            if now - flushed_ns >= self._flush_ns:
                flushed_ns = now
                self._write(self._flush)
            self._wake.wait(TURN_S)
            self._wake.clear()

    def _turn(self) -> None:
        """Write everything that waits."""
        for track in self._tracks[self._declared :]:
            self._topics.declare(track.sensor, track.stream)
            self._declared += 1
        while self._notes and self.error is None:
            note = self._notes.popleft()
            if isinstance(note, Note):
                self._write(lambda note=note: self._topics.note(note))  # type: ignore[misc]
            else:
                self._write(lambda note=note: self._topics.first(note))  # type: ignore[misc]
        for track in self._tracks[: self._declared]:
            waiting = track.take_all()
            for samples in self._joined(track, waiting) if waiting else ():
                self._write_samples(track, samples)

    def _joined(self, track: Track, waiting: Sequence[Samples]) -> Sequence[Samples]:
        try:
            return joined(waiting)
        except (ValueError, TypeError) as error:
            log.warning("'%s': %s", track.stream.name, error)
            return waiting

    def _write_samples(self, track: Track, samples: Samples) -> None:
        if self.error is not None:
            return  # counted when all is settled
        try:
            self._topics.write(track.stream, samples)
        except OSError as error:
            self._fail(error)
        except (struct.error, ValueError, TypeError, OverflowError, IndexError) as error:
            self._garbled(track, samples, str(error))

    def _write(self, step: Callable[[], None]) -> None:
        if self.error is None:
            try:
                step()
            except OSError as error:
                self._fail(error)

    def _flush(self) -> None:
        self._file.flush()
        self._disk.sync_soon()

    def _fail(self, error: OSError) -> None:
        """Give up: what is in closed chunks stands, and what of the open ones still fits."""
        self.error = error
        self._file.rescue()
        self._failed(error)

    def _finish(self) -> None:
        """Make the file whole."""
        try:
            self._file.finish()
            self.whole = True
        except OSError as error:
            if self.error is None:
                self._fail(error)

    def _salvage(self) -> None:
        """Make the file whole after a failure: what could not be written left some room, if only a little."""
        self._settle()
        try:
            for note in list(self._notes):
                if isinstance(note, Note):
                    self._topics.note(note)
            self._file.finish()
            self.whole = True
        except OSError as error:
            log.warning("the file has no end mark: %s", error)
