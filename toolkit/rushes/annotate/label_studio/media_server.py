"""Serves the pictures of one dataset to browsers that a Label Studio elsewhere has sent here.

Every address is signed and ends. Only files below one folder are served, only to be read, and only pages of one
origin may read them by script. Nothing is listed.
"""

import http.server
import logging
import mimetypes
import re
import socketserver
import threading
import time
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rushes.annotate.label_studio.signing import Signer
from rushes.errors import ToolError

log = logging.getLogger(__name__)

BLOCK_BYTES = 1 << 18
IDLE_S = 60
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_KINDS = {".csv": "text/csv; charset=utf-8", ".wav": "audio/wav", ".mp4": "video/mp4"}


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True
    folder: Path
    signer: Signer
    origin: str


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "rushes"
    sys_version = ""
    timeout = IDLE_S
    server: _Server

    def do_GET(self) -> None:
        """Give a file, or the part of it that is asked for."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Say what a file is."""
        self._answer(with_body=False)

    def do_OPTIONS(self) -> None:
        """Tell a page whether it may ask."""
        self.send_response(HTTPStatus.NO_CONTENT)
        self._allow()
        self.send_header("Access-Control-Allow-Methods", "GET, HEAD")
        self.send_header("Access-Control-Allow-Headers", "Range")
        self.send_header("Access-Control-Max-Age", "600")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Tell who asks; never the signature."""
        log.debug("%s %s", self.address_string(), (format % args).partition("?")[0])

    def _answer(self, *, with_body: bool) -> None:
        asked = urlsplit(self.path)
        path = unquote(asked.path).removeprefix("/")
        verdict = self.server.signer.check(path, asked.query, now_s=time.time())
        if verdict != "good":
            gone = verdict == "expired"
            self._refuse(
                HTTPStatus.GONE if gone else HTTPStatus.FORBIDDEN,
                "this address has ended; rushes annotate push renews it" if gone else "this address is not signed",
            )
            return
        file = file_below(self.server.folder, path)
        if file is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such file")
            return
        size = file.stat().st_size
        part = _part(self.headers.get("Range"), size)
        if part is None:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self._allow()
            self.send_header("Content-Range", f"bytes */{size}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, end, whole = part
        self.send_response(HTTPStatus.OK if whole else HTTPStatus.PARTIAL_CONTENT)
        self._allow()
        kind = _KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        self.send_header("Content-Type", kind)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cache-Control", "private, max-age=3600")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Length", str(end - start))
        if not whole:
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{size}")
        self.end_headers()
        if with_body:
            self._send(file, start, end)

    def _send(self, file: Path, start: int, end: int) -> None:
        with file.open("rb") as stream:
            stream.seek(start)
            left = end - start
            while left:
                block = stream.read(min(BLOCK_BYTES, left))
                if not block:
                    self.close_connection = True
                    return
                self.wfile.write(block)
                left -= len(block)

    def _allow(self) -> None:
        self.send_header("Vary", "Origin")
        if self.headers.get("Origin") == self.server.origin:
            self.send_header("Access-Control-Allow-Origin", self.server.origin)
            self.send_header("Access-Control-Expose-Headers", "Content-Range, Accept-Ranges")

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        body = f"{why}\n".encode()
        self.send_response(status)
        self._allow()
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Cache-Control", "no-store")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def serve(
    folder: Path,
    signer: Signer,
    *,
    host: str,
    port: int,
    origin: str,
    ready: Callable[[int], None],
    stop: threading.Event,
) -> None:
    """Serve until told to stop.

    Args:
        folder: What is served.
        signer: That the addresses were signed with.
        host: Address to listen on.
        port: Port; any free one when 0.
        origin: Scheme, host and port of the Label Studio whose pages may read, as browsers write it.
        ready: Told the port.
        stop: Set to end it.

    Raises:
        ToolError: ``labelstudio.port-taken``.
    """
    socketserver.TCPServer.request_queue_size = 64
    try:
        server = _Server((host, port), _Handler)
    except OSError as error:
        raise ToolError(
            f"{host}:{port} cannot be listened on: {error.strerror}",
            code="labelstudio.port-taken",
            hint="choose another --port, or an address of this machine as --host",
            facts={"host": host, "port": port},
        ) from error
    server.folder, server.signer, server.origin = folder.resolve(), signer, origin
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
    thread.start()
    try:
        ready(int(server.server_address[1]))
        stop.wait()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def file_below(folder: Path, path: str) -> Path | None:
    """Find a file below a folder; None for anything else, hidden files and what a link leads out to included."""
    parts = path.split("/")
    if "\0" in path or any(part in ("", ".", "..") or part.startswith(".") for part in parts):
        return None
    file = folder.joinpath(*parts)
    try:
        inside = file.resolve().is_relative_to(folder) and file.is_file()
    except OSError:
        return None
    return file if inside else None


def origin_of(url: str) -> str:
    """Give the origin of an address as browsers write it: a usual port is left out."""
    parts = urlsplit(url)
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    host = f"[{parts.hostname}]" if parts.hostname and ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port and parts.port != usual else "")


def _part(asked: str | None, size: int) -> tuple[int, int, bool] | None:
    """Read a Range header: first byte, one past the last, and whether it is the whole; None beyond the file.

    Several ranges, or what is none, give the whole file, as HTTP allows.
    """
    found = _RANGE.fullmatch(asked.strip()) if asked else None
    if found is None or found.groups() == ("", ""):
        return 0, size, True
    first, last = found.groups()
    if not first:
        count = min(int(last), size)
        return (size - count, size, False) if count else None
    start = int(first)
    end = min(int(last) + 1, size) if last else size
    if start >= size or end <= start:
        return None
    return start, end, False
