"""Stands between the network and FiftyOne's App: who may ask, and for which files.

FiftyOne asks for no password and its ``/media`` serves any file that its process can read. Behind this guard a
browser needs a token (given once in the address, then kept in a cookie that no script can read), must come from
the App's own page, and gets only files below the given roots and the pictures of the view. Who holds the token is
trusted: FiftyOne's operators can list folders and read paths on their behalf.

On a network a :class:`Door` asks for a password as well, and operators that read the machine's files are refused.

It is plain ASGI and buffers nothing, so that event streams and range requests pass through; but of a shared App it
reads which operator is called.
"""

import hmac
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from http.cookies import CookieError, SimpleCookie
from pathlib import Path
from typing import Any, Protocol, TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from rushes.browse import door as doors

Scope: TypeAlias = dict[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[dict[str, Any]]]
Send: TypeAlias = Callable[[dict[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]
Headers: TypeAlias = dict[str, list[str]]

NAMES = ("127.0.0.1", "localhost")
_OWN_SITE = {"none", "same-origin"}
_OPERATORS = ("@rushes/", "@voxel51/operators/", "@voxel51/panels/")
_FILE_OPERATORS = {"@voxel51/operators/list_files", "@voxel51/operators/download_file"}
_MOST_OF_A_CALL = 8 << 20
_PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


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
        door: Lets people of the network in by a password; None where nobody comes from there.
        names: Of this machine, that browsers of the network use.
    """

    def __init__(
        self,
        app: App,
        *,
        token: str,
        port: int,
        roots: Iterable[Path] = (),
        virtual: Virtual | None = None,
        door: doors.Door | None = None,
        names: Iterable[str] = (),
    ) -> None:
        assert len(token) >= 16, "a token that can be guessed is none"
        self._app, self._token, self._virtual, self._door = app, token, virtual, door
        self._hosts = {f"{name.lower()}:{port}" for name in (*NAMES, *names)}
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
        elif self._door is not None and scope["path"] == doors.PATH and scope["method"] == "POST":
            await self._knock(self._door, scope, receive, send)
        elif not self._inside(self._from_cookie(headers)):
            await self._turn_away(scope, headers, send)
        elif self._door is not None and scope["path"].startswith("/operators"):
            await self._operate(scope, receive, send)
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

    def _inside(self, cookie: str) -> bool:
        session = self._door.session if self._door is not None else self._token
        return self._same(cookie) or hmac.compare_digest(
            cookie.encode("utf-8", "surrogateescape"), session.encode()
        )

    async def _turn_away(self, scope: Scope, headers: Headers, send: Send) -> None:
        """Ask a person for the password, where there is one; refuse everything else."""
        if (
            self._door is None
            or scope["method"] != "GET"
            or "text/html" not in ",".join(headers.get("accept", []))
        ):
            await _refuse(send, 403, "token needed: open the address that rushes browse printed")
            return
        query = scope["query_string"].decode("latin-1")
        after = scope["path"] + (f"?{query}" if query else "")  # the form gives it back, and it is quoted then
        await _reply(send, 401, doors.page("What is the password?", after=after), _PAGE_HEADERS)

    async def _knock(self, door: doors.Door, scope: Scope, receive: Receive, send: Send) -> None:
        """Hold a password against the right one."""
        address = str((scope.get("client") or ("",))[0])
        wait_s = door.wait_s(address)
        if wait_s:
            words = f"Too many wrong passwords. Wait {wait_s:.0f} s."
            headers = {**_PAGE_HEADERS, "retry-after": f"{wait_s + 1:.0f}"}
            await _reply(send, 429, doors.page(words, after="/"), headers)
            return
        body = await _body(receive, most=doors.MOST_BYTES)
        given, onward = doors.read_form(body or b"")
        if not door.opens(address, given):
            await _reply(send, 401, doors.page("That was not the password.", after=onward), _PAGE_HEADERS)
            return
        await _reply(send, 303, b"", self._entering(onward, door.session))

    def _entering(self, onward: str, secret: str) -> dict[str, str]:
        return {
            "location": onward,
            "set-cookie": f"{self.cookie}={secret}; Path=/; HttpOnly; SameSite=Strict",
            "cache-control": "no-store",
            "referrer-policy": "no-referrer",
        }

    async def _operate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on a call of an operator, unless it would read or write files of this machine."""
        body = await _body(receive, most=_MOST_OF_A_CALL)
        if body is None:
            await _refuse(send, 413, "the call of an operator is too long")
            return
        try:
            call = json.loads(body) if body else {}
            name = str(call.get("operator_uri", "")) if isinstance(call, dict) else "?"
        except ValueError:
            name = "?"
        if name and not (name.startswith(_OPERATORS) and name not in _FILE_OPERATORS):
            await _refuse(send, 403, f"the operator {name} is not for a shared App")
            return
        await self._app(scope, _again(body, receive), send)

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
        onward = quote(path) + (f"?{rest}" if rest else "")  # quoted: no line end in a header
        await _reply(send, 303, b"", self._entering(onward, self._token))

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


async def _body(receive: Receive, *, most: int) -> bytes | None:
    """Read a whole body; None where it is longer than ``most`` bytes, or the browser is gone."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += bytes(message.get("body", b""))
        if len(body) > most:
            return None
        if not message.get("more_body"):
            return body


def _again(body: bytes, receive: Receive) -> Receive:
    """Give a body that was read to whoever reads it next."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _refuse(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"error": reason}).encode()
    await _reply(send, status, body, {"content-type": "application/json", "cache-control": "no-store"})


async def _reply(send: Send, status: int, body: bytes, headers: Mapping[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body})
