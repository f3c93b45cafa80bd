"""The file of a recording on its disk: a write is whole or undone, and is synced behind the writer's back.

A process that is killed loses nothing that was written; a machine that loses its power loses what was not synced.
"""

import errno
import logging
import os
import shutil
import threading
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from rushes.chunked_mcap import Part
from rushes.errors import CaptureError

log = logging.getLogger(__name__)
MOST_PARTS = 1000
"""At once; Linux takes 1024."""


class Disk:
    """A new file.

    Args:
        path: Where there is none yet.

    Raises:
        CaptureError: ``recorder.exists`` if there is one, ``recorder.disk`` if it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._file = os.open(path, flags, 0o644)
        except FileExistsError as error:
            raise CaptureError(
                f"{path.name} is there already", code="recorder.exists", hint="give another name, or move it away"
            ) from error
        except OSError as error:
            raise CaptureError(
                f"{path.name} cannot be made: {error.strerror}",
                code="recorder.disk",
                hint=f"look at the folder {path.parent}",
            ) from error
        self._path, self._at = path, 0
        self._due, self._closing = threading.Event(), False
        self._failure: OSError | None = None
        self._began_ns: int | None = None
        self._syncing = threading.Thread(target=self._sync, name="rushes-sync", daemon=True)
        self._syncing.start()

    def writelines(self, parts: Iterable[Part], /) -> None:
        """Write all of it at the end of the file.

        Raises:
            OSError: The file is as it was before. Also when a sync has failed meanwhile.
        """
        if self._failure is not None:
            raise self._failure
        waiting = [memoryview(part) for part in parts if len(part)]
        size, first = sum(map(len, waiting)), 0
        self._began_ns = time.monotonic_ns()
        try:
            while first < len(waiting):
                done = self.put(waiting[first : first + MOST_PARTS])
                while first < len(waiting) and done >= len(waiting[first]):
                    done -= len(waiting[first])
                    first += 1
                if done:
                    waiting[first] = waiting[first][done:]
        except OSError:
            os.ftruncate(self._file, self._at)
            os.lseek(self._file, self._at, os.SEEK_SET)
            raise
        finally:
            self._began_ns = None
        self._at += size

    def put(self, parts: Sequence[memoryview]) -> int:
        """Write some of it; gives how many bytes, at least one."""
        done = os.writev(self._file, parts) if hasattr(os, "writev") else os.write(self._file, parts[0])
        if not done:
            raise OSError(errno.EIO, "nothing was written")
        return done

    def sync_soon(self) -> None:
        """Have what was written brought to the platters, without waiting for it."""
        self._due.set()

    def stalled_ns(self) -> int:
        """For how long the write that goes on has been going on; 0 when there is none."""
        began = self._began_ns
        return 0 if began is None else time.monotonic_ns() - began

    def free_bytes(self) -> int:
        """How much more the disk takes."""
        return shutil.disk_usage(self._path.parent).free

    def close(self) -> None:
        """Sync and close; can be called twice."""
        if self._closing:
            return
        self._closing = True
        self._due.set()
        self._syncing.join()
        os.close(self._file)

    def _sync(self) -> None:
        self._sync_folder()
        while not self._closing:
            self._due.wait()
            self._due.clear()
            try:
                os.fdatasync(self._file) if hasattr(os, "fdatasync") else os.fsync(self._file)
            except OSError as error:
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # what cannot be synced, such as a pipe
                    self._failure = error

    def _sync_folder(self) -> None:
        """Bring the file's name to the platters, where folders can be synced."""
        try:
            folder = os.open(self._path.parent, os.O_RDONLY)
        except OSError:  # Windows opens no folders
            return
        try:
            os.fsync(folder)
        except OSError as error:
            log.debug("the folder cannot be synced: %s", error)
        finally:
            os.close(folder)
