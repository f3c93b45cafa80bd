"""Opens a view in the App and serves it, in this process, until it is told to stop."""

import asyncio
import json
import logging
import os
import secrets
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import quote

from hypercorn.asyncio import serve as hypercorn_serve
from hypercorn.config import Config

from rushes.browse import deferring, environment, mongod, plugin_files, standing
from rushes.browse import desk as desks
from rushes.browse.door import Door
from rushes.browse.edits import Edits
from rushes.browse.frames import Frames
from rushes.browse.guard import App, Guard, Virtual
from rushes.browse.players import PlayerFiles, Playlist
from rushes.browse.showing import Showing
from rushes.browse.standing import Standing
from rushes.browse.view import Picture
from rushes.errors import ToolError
from rushes.registry import late

log = logging.getLogger(__name__)

VIEW = "playback"  # of playback.VIEW, which needs FiftyOne

PREFERRED_PORT = 5151  # FiftyOne's own, so that a bookmark works


GUESTS = ("scipy.spatial.transform", "scipy.ndimage", "strawberry", "plotly.graph_objects")
"""What takes longest of FiftyOne's import and reads no environment."""

NOTE = "open.json"
"""In the cache while the App is open: its address, for this user alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """How the App is open to a network.

    Args:
        names: Of this machine, or its addresses, that browsers of the network use; any other is refused.
        password: That lets people in.
    """

    names: tuple[str, ...]
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The App as it is being served.

    Args:
        address: To paste into a browser; it holds the token.
        plays: Where the recordings play, with the same token; None where none does.
        shared: Addresses for the people of the network, who are asked for the password.
        token: That the guard asks for.
        loaded: What ``load.load`` says of the dataset: samples, groups, slices, written.
        mongod: Process id of the database; None where it is not ours.
        recordings: Address of the recordings to be played, for who is let in; None where there are none.
    """

    address: str
    plays: str | None
    shared: tuple[str, ...]
    port: int
    token: str
    loaded: Any
    mongod: int | None
    recordings: str | None = None


def serve(
    showing: Showing,
    picture: Picture,
    *,
    cache: Path,
    ready: Callable[[Opened], None],
    stop: threading.Event | None = None,
    port: int | None = None,
    roots: Sequence[Path] = (),
    desk: desks.Desk | None = None,
    author: str = "",
    closing: Callable[[Any], None] | None = None,
    share: Sharing | None = None,
) -> None:
    """Serve a view on the loopback address until Ctrl-C, SIGTERM or ``stop``.

    Everything that was started is stopped when it returns, and also when this process is killed.

    Args:
        showing: What to show.
        picture: Where its pictures come from.
        cache: Folder for the database and FiftyOne's files; it may be deleted whenever the App is closed.
        ready: Called once, when the App answers; from the thread of the server, so it must return soon.
        stop: Set it to stop the server from elsewhere.
        port: None takes 5151, or any free one if that is taken.
        roots: Folders whose files the App may show besides the view's pictures.
        desk: What our panels ask of the dataset; without one they say that they cannot.
        author: Whose edits those are that are made meanwhile; they are signed only where somebody is named.
        closing: Called once when the App is closed, with its database, which still runs.
        share: Serve on every address of this machine, for who knows the password; None: on the loopback address.

    Raises:
        ToolError: ``browse.*``, where the database cannot be had or the port is taken.
    """
    stop = stop or threading.Event()
    with (
        _until_signalled(stop),
        _bound(port, address="0.0.0.0" if share else environment.ADDRESS) as bound,  # noqa: S104 - it was asked for
        mongod.running(cache, meanwhile=_guests) as database,
        environment.applied(cache, database_uri=database.uri),
        desks.opened([showing.name], desk) if desk else nullcontext(),
    ):
        plugin_files.put_into(environment.plugins(cache))
        load = late("rushes.browse.load")
        load.connect(database.uri)
        frames: Frames | None = None
        try:
            if author:
                Edits(load.database(), showing.name).begin(author)
            found, playlist = _brought(showing, desk, load)
            frames = Frames(found.addresses, picture)
            names = share.names if share else ()
            opened = _opened(found.loaded, bound.getsockname()[1], database.pid, names, playlist)
            application: App = late("rushes.browse.app").application(opened.port, home=environment.home(cache))
            note(cache, opened)
            with _virtual(playlist, application, frames) as virtual:
                guard = Guard(
                    application,
                    token=opened.token,
                    port=opened.port,
                    roots=roots,
                    virtual=virtual,
                    door=Door(share.password) if share else None,
                    names=names,
                )
                if not stop.is_set():
                    asyncio.run(_run(guard, bound, stop, lambda: ready(opened)))
            if closing is not None:
                closing(load.database())
        finally:
            if frames is not None:
                frames.close()
            load.disconnect()
            (cache / NOTE).unlink(missing_ok=True)


def _brought(showing: Showing, desk: desks.Desk | None, load: Any) -> tuple[Standing, Playlist | None]:
    """Bring the App's database in line with what is to be shown, where it is not so already."""
    mark = load.mark_of(showing.mark) if showing.mark else None
    found = standing.find(load.database(), showing.name, mark) if mark else None
    if found is not None:
        return found, showing.playlist(found.played) if showing.playlist else None
    standing.forget(load.database(), showing.name)
    view = showing.view()
    loaded = load.load(view)
    if desk:
        late("rushes.browse.similar").show(view.name, desk.points())
    playlist = showing.playlist(None) if showing.playlist else None
    if playlist is not None:
        late("rushes.browse.playing").load(playlist)
    played = playlist.recordings if playlist else None
    if mark:
        standing.keep(
            load.database(),
            mark,
            loaded,
            view.addresses,
            (playlist.name, playlist.recordings) if playlist else None,
        )
    return Standing(loaded=loaded, addresses=view.addresses, played=played), playlist


def _guests() -> None:
    """Import what FiftyOne will import anyway; where it does not, it is no loss."""
    deferring.defer()
    for name in GUESTS:
        with suppress(ImportError):
            import_module(name)


@contextmanager
def _virtual(playlist: Playlist | None, application: App, frames: Frames) -> Iterator[Virtual]:
    """Give what answers for files that are no files yet: pictures, and recordings where there is a playlist."""
    if playlist is None:
        yield frames
        return
    with closing(PlayerFiles(playlist, app=application, others=frames)) as files:
        yield files


def _opened(loaded: Any, port: int, pid: int | None, names: Sequence[str], playlist: Playlist | None) -> Opened:
    token = secrets.token_urlsafe(32)
    here = f"http://{environment.ADDRESS}:{port}"

    def page(dataset: str, view: str | None = None) -> str:
        return f"/datasets/{quote(dataset, safe='')}" + (f"?view={view}" if view else "")

    def address(path: str) -> str:
        return f"{here}{path}{'&' if '?' in path else '?'}token={token}"

    first = page(loaded.dataset, loaded.opens_with)
    return Opened(
        address=address(first),
        plays=address(page(loaded.plays, VIEW)) if loaded.plays else None,
        shared=tuple(f"http://{name}:{port}{first}" for name in names),
        port=port,
        token=token,
        loaded=loaded,
        mongod=pid,
        recordings=address(page(playlist.name)) if playlist else None,
    )


def note(cache: Path, opened: Opened) -> None:
    """Note in the cache where the App is open, readable for this user alone, as the address holds the token."""
    (cache / NOTE).unlink(missing_ok=True)
    with os.fdopen(os.open(cache / NOTE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"pid": os.getpid(), "address": opened.address}, file)


async def _run(guard: Guard, bound: socket.socket, stop: threading.Event, ready: Callable[[], None]) -> None:
    config = Config()
    config.bind = [f"fd://{os.dup(bound.fileno())}"]  # hypercorn closes the one it is given
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 1.0  # the App keeps an event stream open for as long as its page is
    config.include_server_header = False
    # A page that is closed while it is being answered is no event for the person at the terminal.
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_complain)
    ended = asyncio.Event()
    threading.Thread(target=_tell, args=(stop, loop, ended), name="rushes-browse-stop", daemon=True).start()
    announced = asyncio.create_task(_announce(bound, ready))
    try:
        await hypercorn_serve(guard, config, shutdown_trigger=ended.wait, mode="asgi")
        await announced
    finally:
        stop.set()
        announced.cancel()


def _complain(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Say what went wrong in the loop, but not that the event stream of an open page was cut off at the end."""
    if not isinstance(context.get("exception"), asyncio.CancelledError):  # Python 3.11 reports it
        loop.default_exception_handler(context)


def _tell(stop: threading.Event, loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    stop.wait()
    if not loop.is_closed():
        loop.call_soon_threadsafe(ended.set)


async def _announce(bound: socket.socket, ready: Callable[[], None]) -> None:
    """Call back once the server accepts connections."""
    port = bound.getsockname()[1]
    while True:
        try:
            _, writer = await asyncio.open_connection(environment.ADDRESS, port)
        except OSError:
            await asyncio.sleep(0.02)
        else:
            writer.close()
            await writer.wait_closed()
            break
    ready()


@contextmanager
def _bound(port: int | None, *, address: str) -> Iterator[socket.socket]:
    """Hold a port of an address; bound before anything slow starts, so that nobody else gets it."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((address, PREFERRED_PORT if port is None else port))
        except OSError as error:
            if port is not None:
                raise ToolError(
                    f"port {port} is taken: {error.strerror}",
                    code="browse.port-taken",
                    hint="leave the port out, and a free one is found",
                    facts={"port": port},
                ) from error
            bound.bind((address, 0))
        yield bound


@contextmanager
def _until_signalled(stop: threading.Event) -> Iterator[None]:
    """Let SIGINT and SIGTERM set ``stop``; a second one interrupts at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ask(number: int, _: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        log.debug("stopping on signal %d", number)
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
