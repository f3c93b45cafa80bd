"""A small web server for one page: on 127.0.0.1 only, and only for those who know its token.

The token comes once, in the address, and is then kept in a cookie that no script can read. What a rebound DNS
name or a page of another site would send is refused. The page may ask nothing of any other host.
"""

import hmac
import http.server
import logging
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie
from types import TracebackType
from urllib.parse import parse_qsl, quote, urlsplit

from rushes.errors import ToolError

log = logging.getLogger(__name__)

IDLE_S = 60
MOST_BYTES = 65_536
"""A longer body is none of ours."""
NONCE = "{{nonce}}"
"""Stands in a page where the nonce of its script goes."""
_POLICY = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request of somebody who may ask."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is answered; 204 where the body is empty."""

    body: bytes = b""
    kind: str = "application/json"
    headers: Mapping[str, str] | None = None


class Site:
    """A page and what it asks for, served while the ``with`` block lasts.

    Args:
        page: HTML with :data:`NONCE` where its script and style bear one.
        answer: Gives the reply to every other path; None where there is no such thing. Called from many threads.
        port: 0 for any that is free.

    Raises:
        ToolError: ``loopback.port-taken``, when it is entered.
    """

    def __init__(self, page: str, answer: Callable[[Asked], Reply | None], *, port: int = 0) -> None:
        self._page, self._answer, self._port = page, answer, port
        self._token = secrets.token_urlsafe(24)
        self._server: _Server | None = None

    @property
    def address(self) -> str:
        """To open in a browser; it holds the token."""
        assert self._server
        return f"http://127.0.0.1:{self._server.server_address[1]}/?token={self._token}"

    def __enter__(self) -> "Site":
        try:
            self._server = _Server(("127.0.0.1", self._port), _Handler)
        except OSError as error:
            raise ToolError(
                f"port {self._port} of 127.0.0.1 cannot be had: {error.strerror}",
                code="loopback.port-taken",
                hint="give another port, or none, so that a free one is found",
            ) from error
        self._server.page, self._server.answer, self._server.token = self._page, self._answer, self._token
        threading.Thread(target=self._server.serve_forever, name="page on loopback", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.over = True
        self._server.shutdown()
        self._server.server_close()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a browser keeps its connection open
    page: str
    answer: Callable[[Asked], Reply | None]
    token: str
    over = False
    """Connections that a browser keeps open are answered no more."""


class _Handler(http.server.BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    server_version = "rushes"
    sys_version = ""
    timeout = IDLE_S
    server: _Server

    def do_GET(self) -> None:
        """Give the page, or what it asks for."""
        self._handle(b"")

    def do_POST(self) -> None:
        """Take what the page tells."""
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > MOST_BYTES:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too long")
            return
        self._handle(self.rfile.read(int(length)))

    def log_message(self, format: str, *args: object) -> None:
        """Tell who asks; never the token."""
        log.debug("%s %s", self.address_string(), (format % args).partition("?")[0])

    def _handle(self, body: bytes) -> None:
        asked = urlsplit(self.path)
        query = dict(parse_qsl(asked.query, keep_blank_values=True))
        if self.server.over:
            self.close_connection = True
        elif self._stranger():
            self._refuse(HTTPStatus.FORBIDDEN, "this page is for this machine alone")
        elif self.command == "GET" and asked.path == "/" and self._same(query.get("token", "")):
            cookie = f"{self._cookie}={self.server.token}; Path=/; HttpOnly; SameSite=Strict"
            self._send(HTTPStatus.SEE_OTHER, b"", "text/plain", {"Location": quote("/"), "Set-Cookie": cookie})
        elif not self._same(self._from_cookie()):
            self._refuse(HTTPStatus.FORBIDDEN, "token needed: open the address that rushes printed")
        elif self.command == "GET" and asked.path == "/":
            nonce = secrets.token_urlsafe(16)
            page = self.server.page.replace(NONCE, nonce).encode()
            policy = {"Content-Security-Policy": _POLICY.format(nonce=nonce)}
            self._send(HTTPStatus.OK, page, "text/html; charset=utf-8", policy)
        elif asked.path == "/favicon.ico":  # browsers ask for one by themselves
            self._send(HTTPStatus.NO_CONTENT, b"", "image/x-icon", {})
        else:
            self._reply(Asked(method=self.command, path=asked.path, query=query, body=body))

    def _reply(self, asked: Asked) -> None:
        reply = self.server.answer(asked)
        if reply is None:
            self._refuse(HTTPStatus.NOT_FOUND, "there is no such thing here")
            return
        status = HTTPStatus.OK if reply.body else HTTPStatus.NO_CONTENT
        self._send(status, reply.body, reply.kind, reply.headers or {})

    def _stranger(self) -> bool:
        """Tell whether the request cannot come from the page itself."""
        here = f"127.0.0.1:{self.server.server_address[1]}"
        origin = self.headers.get("Origin")
        site = self.headers.get("Sec-Fetch-Site", "none")
        return (
            self.headers.get("Host") != here
            or origin not in (None, f"http://{here}")
            or site not in ("same-origin", "none")
        )

    @property
    def _cookie(self) -> str:
        return f"rushes_page_{self.server.server_address[1]}"  # browsers share cookies between ports of a host

    def _from_cookie(self) -> str:
        try:
            jar = SimpleCookie(self.headers.get("Cookie", ""))
        except CookieError:
            return ""
        return jar[self._cookie].value if self._cookie in jar else ""

    def _same(self, given: str) -> bool:
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self.server.token.encode())

    def _refuse(self, status: HTTPStatus, why: str) -> None:
        self._send(status, why.encode(), "text/plain; charset=utf-8", {})

    def _send(self, status: HTTPStatus, body: bytes, kind: str, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {
                "Content-Type": kind,
                "Cache-Control": "no-store",
                "Referrer-Policy": "no-referrer",
                "X-Content-Type-Options": "nosniff",
                **headers,
            }.items():
                self.send_header(name, value)
            if status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):  # the browser has gone; nothing is left to say to it
            self.close_connection = True
