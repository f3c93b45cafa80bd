"""A proxy that loses requests and replies as it is told, between a client and a real server."""

import http.server
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

Fault = Callable[[str, str], "str | Instead"]
"""Given method and path, says: pass, lose-request, lose-reply, late-reply or fail-after; or an answer instead."""


@dataclass(frozen=True)
class Instead:
    """An answer in place of the server's, which never sees the request."""

    status: int
    content: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Proxy:
    """A server on the loopback address that hands everything on to another."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.fault: Fault = lambda method, path: "pass"
        self.seen: list[tuple[str, str, str]] = []
        self.late_s = 3.0
        self.url = ""

    def count(self, word: str, method: str = "POST") -> int:
        """How many requests of a method named the word."""
        return sum(1 for m, path, _ in self.seen if m == method and word in path)


@contextmanager
def between(target: str) -> Iterator[Proxy]:
    proxy = Proxy(target)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler_of(proxy))
    server.daemon_threads = True
    proxy.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def handler_of(proxy: Proxy) -> type[http.server.BaseHTTPRequestHandler]:
    """Give a handler that hands requests on through this proxy."""
    return type("Handler", (_Handler,), {"proxy": proxy})


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: Proxy

    def log_message(self, *args: object) -> None:
        pass

    def handle_any(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        fault = self.proxy.fault(self.command, self.path)
        self.proxy.seen.append((self.command, self.path, str(fault)))
        if isinstance(fault, Instead):
            return self.answer(fault.status, fault.content, fault.headers)
        if fault == "lose-request":
            return self.hang_up()
        kept = ("authorization", "content-type", "accept")
        headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
        url = self.proxy.target + self.path
        reply = httpx.request(self.command, url, content=body, headers=headers, timeout=300, trust_env=False)
        if fault == "lose-reply":
            return self.hang_up()
        if fault == "late-reply":
            time.sleep(self.proxy.late_s)
        status, content = (502, b"bad gateway") if fault == "fail-after" else (reply.status_code, reply.content)
        kind = {"Content-Type": reply.headers.get("content-type", "application/json")}
        return self.answer(status, content, kind)

    def answer(self, status: int, content: bytes, headers: Mapping[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except OSError:  # the client has gone
            self.close_connection = True

    def hang_up(self) -> None:
        self.close_connection = True
        self.connection.shutdown(2)

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any  # noqa: N815
