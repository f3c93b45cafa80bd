"""Stands between the network and FiftyOne's App: who may ask, and for which files.

FiftyOne asks for no password and its ``/media`` serves any file that its process can read. Behind this guard a
browser needs a token (given once in the address, then kept in a cookie that no script can read), must come from
the App's own page, and gets only files below the given roots and the pictures of the view. Who holds the token is
trusted: FiftyOne's operators can list folders and read paths on their behalf.

It is plain ASGI and buffers nothing, so that event streams and range requests pass through.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = dict[str, list[str]]

NAMES = ("127.0.0.1", "localhost")
_OWN_SITE = {"none", "same-origin"}


class Virtual(Protocol):
    """Answers for file paths that do not exist: pictures out of recordings."""

    def owns(self, path: str) -> bool:
        """Say whether the path is a virtual one, whether or not there is such a picture."""
        ...

    async def __call__(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for it, completely."""
        ...


class Guard:
    """An ASGI application around another one.

    Args:
        app: FiftyOne's App.
        token: Whoever knows it may enter.
        port: That the App is served on; part of every lawful Host header.
        roots: Folders whose files ``/media`` may serve; links are followed before it is decided.
        virtual: Serves the pictures; None where there are none.
    """

    def __init__(
        self, app: App, *, token: str, port: int, roots: Iterable[Path] = (), virtual: Virtual | None = None
    ) -> None:
        assert len(token) >= 16, "a token that can be guessed is none"
        self._app, self._token, self._virtual = app, token, virtual
        self._hosts = {f"{name}:{port}" for name in NAMES}
        self.cookie = f"rushes_token_{port}"  # browsers share cookies between the ports of a host
        self._roots = [root.resolve(strict=True) for root in roots]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, refuse, or hand on to the App."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":  # the App opens no WebSocket
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = _headers(scope)
        refused = self._stranger(headers)
        if refused:
            await _refuse(send, *refused)
            return
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for name, value in query if name == "token"]
        if scope["method"] == "GET" and len(given) == 1 and self._same(given[0]):
            await self._let_in(scope, query, send)
        elif not self._same(self._from_cookie(headers)):
            await _refuse(send, 403, "token needed: open the address that rushes browse printed")
        elif scope["path"].rstrip("/") == "/media":
            await self._media(scope, query, receive, send)
        else:
            await self._app(scope, receive, send)

    def _stranger(self, headers: Headers) -> tuple[int, str] | None:
        """Say why the request cannot come from the App's own page, if so."""
        host = [value.lower() for value in headers.get("host", [])]
        if len(host) != 1 or host[0] not in self._hosts:
            return 421, "wrong Host header"  # what a rebound DNS name would send
        origin = headers.get("origin", [])
        if origin and origin != [f"http://{host[0]}"]:  # "null" is refused too
            return 403, "wrong Origin"
        if not _OWN_SITE.issuperset(headers.get("sec-fetch-site", [])):
            return 403, "request from another site"
        return None

    def _same(self, value: str) -> bool:
        return hmac.compare_digest(value.encode("utf-8", "surrogateescape"), self._token.encode())

    def _from_cookie(self, headers: Headers) -> str:
        try:
            jar = SimpleCookie("; ".join(headers.get("cookie", [])))
        except CookieError:
            return ""
        return jar[self.cookie].value if self.cookie in jar else ""

    async def _let_in(self, scope: Scope, query: list[tuple[str, str]], send: Send) -> None:
        """Swap the token in the address for a cookie, so that it stays out of histories and logs."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/")  # never //elsewhere
        headers = {
            "location": quote(path) + (f"?{rest}" if rest else ""),  # quoted: no line end in a header
            "set-cookie": f"{self.cookie}={self._token}; Path=/; HttpOnly; SameSite=Strict",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }
        await _reply(send, 303, b"", headers)

    async def _media(self, scope: Scope, query: list[tuple[str, str]], receive: Receive, send: Send) -> None:
        files = [value for name, value in query if name == "filepath"]
        if len(files) != 1:
            await _refuse(send, 400, "exactly one filepath is needed")
            return
        if self._virtual is not None and self._virtual.owns(files[0]):
            await self._virtual(files[0], scope, receive, send)
            return
        real = self._allowed(files[0])
        if real is None:
            await _refuse(send, 403, "outside of what this dataset shows")
            return
        # The resolved path is handed on, so that what was judged is what is opened.
        plain = {**scope, "path": "/media", "query_string": urlencode({"filepath": str(real)}).encode()}
        await self._app(plain, receive, send)

    def _allowed(self, name: str) -> Path | None:
        """Give the real path of a regular file below a root, links followed; None for anything else."""
        path = Path(name)
        try:
            real = path.resolve(strict=True)
        except (OSError, RuntimeError, ValueError):
            return None
        lawful = path.is_absolute() and real.is_file() and any(real.is_relative_to(root) for root in self._roots)
        return real if lawful else None


def _headers(scope: Scope) -> Headers:
    headers: Headers = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    await _reply(send, status, body, {"content-type": "application/json", "cache-control": "no-store"})


async def _reply(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
