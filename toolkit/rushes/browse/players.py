"""Recordings for the App's own player: files that are written when somebody first asks for them.

The room knows no dataset: whoever opens the App says which recordings there are and how a file is written. A file
stays in the cache under a name that changes with its content; what has another name is thrown away.
"""

import asyncio
import json
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from rushes.browse.guard import App, Receive, Scope, Send, Virtual
from rushes.errors import RushesError

log = logging.getLogger(__name__)

_DAY_S = 86_400
AUTHOR = "rushes"
"""Who made the temporal tags that come from the dataset; those of others are left alone."""


class Stopped(Exception):  # noqa: N818 - no error: the App is being closed
    """The file is no longer wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A stretch of a recording that bears a tag.

    Args:
        start_ns: From the first moment of the file.
        end_ns: Not itself included; later than ``start_ns``.
        tag: What it bears.
    """

    start_ns: int
    end_ns: int
    tag: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """One recording.

    Args:
        path: Of its file, in the folder of the playlist; its name changes with the content.
        seconds: How long it lasts.
        intervals: Segments and findings.
    """

    recording_id: str
    name: str
    path: Path
    seconds: float
    streams: Sequence[str] = ()
    intervals: Sequence[Interval] = ()
    part: str | None = None
    subject: str | None = None
    session: str | None = None
    task: str | None = None
    place: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Playlist:
    """The recordings of a dataset, as the player is given them.

    Args:
        name: Of their dataset in the App.
        folder: Where their files lie; nothing else is in it.
        write: Writes the file of a recording in one piece. It calls what it is given now and then, which raises
            :class:`Stopped` when the App is closed; it may raise RushesError.
        ahead: Whether the files are written one after the other as soon as the App is open, asked for or not.
    """

    name: str
    folder: Path
    recordings: Sequence[Played]
    write: Callable[[Played, Callable[[], None]], None]
    ahead: bool = False


class PlayerFiles:
    """The files of a playlist; answers for their paths as a guard's ``Virtual``. Close it to end its thread.

    Args:
        playlist: What there is.
        app: FiftyOne's application, which sends files by pieces.
        others: Answers for all other virtual paths.
    """

    def __init__(self, playlist: Playlist, *, app: App, others: Virtual) -> None:
        self._playlist, self._app, self._others = playlist, app, others
        self._by_path = {str(each.path): each for each in playlist.recordings}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._coming: dict[str, Future[None]] = {}
        self._pool = ThreadPoolExecutor(1, "rushes-player")  # one: a disk writes two files no faster
        self._ahead = ThreadPoolExecutor(1, "rushes-player-ahead")
        playlist.folder.mkdir(parents=True, exist_ok=True)
        for left in playlist.folder.iterdir():
            # What another process is just writing ends in .part; it has its own id in its name.
            if str(left) not in self._by_path and not (left.suffix == ".part" and _is_young(left)):
                left.unlink(missing_ok=True)
        if playlist.ahead:
            self._ahead.submit(self._write_all)

    def close(self) -> None:
        """Stop writing, and wait for it; half a file goes."""
        self._stop.set()
        for pool in (self._ahead, self._pool):
            pool.shutdown(wait=True, cancel_futures=True)

    def owns(self, path: str) -> bool:
        """Say whether the path is that of a recording or of another virtual file."""
        return path in self._by_path or self._others.owns(path)

    async def __call__(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the file, or the piece of it that is asked for; where it must be written first, wait."""
        played = self._by_path.get(path)
        if played is None:
            await self._others(path, scope, receive, send)
            return
        try:
            await asyncio.wrap_future(self.coming(played))
        except (RushesError, OSError, Stopped) as error:
            log.warning("%s cannot be played: %s", played.name, error)
            await _sorry(send, str(error))
            return
        plain = {**scope, "path": "/media", "query_string": urlencode({"filepath": path}).encode()}
        await self._app(plain, receive, send)

    def coming(self, played: Played) -> "Future[None]":
        """Give what is done when the file is there; begin to write it if nobody has."""
        with self._lock:
            key = str(played.path)
            known = self._coming.get(key)
            if known is None or (known.done() and (known.exception() is not None or not played.path.exists())):
                known = self._coming[key] = self._begun(played)
            return known

    def _begun(self, played: Played) -> "Future[None]":
        if played.path.exists():
            done: Future[None] = Future()
            done.set_result(None)
            return done
        if self._stop.is_set():
            failed: Future[None] = Future()
            failed.set_exception(Stopped())
            return failed
        return self._pool.submit(self._playlist.write, played, self._go_on)

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise Stopped

    def _write_all(self) -> None:
        for played in self._playlist.recordings:
            if self._stop.is_set():
                return
            error = self.coming(played).exception()
            if error is not None and not isinstance(error, Stopped):
                log.warning("%s cannot be played: %s", played.name, error)


def _is_young(path: Path) -> bool:
    try:
        return time.time() - path.stat().st_mtime < _DAY_S
    except OSError:
        return False


async def _sorry(send: Send, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": 404, "headers": headers})
    await send({"type": "http.response.body", "body": body})
