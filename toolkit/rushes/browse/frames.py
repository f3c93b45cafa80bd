"""Answers for virtual file paths with pictures straight out of the recordings; no file per frame on disk."""

import asyncio
import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b

from rushes.browse.guard import Receive, Scope, Send
from rushes.browse.view import Addresses, Picture
from rushes.errors import RushesError

MAX_AGE_S = 3600
_NAME = re.compile(r"([\w.-]+)/([\w-]+)/(\d{1,12})\.jpg", re.ASCII)


class Frames:
    """Serves the pictures of a view; close it to end its threads.

    Args:
        addresses: Of the view; its virtual paths are the only ones that are answered.
        picture: Called in a thread, so that reading and decoding hold up nobody.
        threads: How many pictures are read or decoded at once.
    """

    def __init__(self, addresses: Addresses, picture: Picture, *, threads: int | None = None) -> None:
        self._prefix, self._picture = addresses.prefix, picture
        self._recordings, self._streams = frozenset(addresses.recordings), addresses.streams
        self._pool = ThreadPoolExecutor(threads or min(8, 2 * (os.cpu_count() or 1)), "rushes-picture")

    def close(self) -> None:
        """End the threads, without waiting for pictures that nobody will see."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def owns(self, path: str) -> bool:
        """Say whether the path is one of this view, whether or not there is such a picture."""
        return path.startswith(self._prefix)

    async def __call__(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - no body is read
        """Answer GET and HEAD with the picture, 304 where the browser has it, 404 with the reason otherwise."""
        if scope["method"] not in ("GET", "HEAD"):
            await _answer(scope, send, 405, b"", {"allow": "GET, HEAD"})
            return
        try:
            body, kind = await asyncio.get_running_loop().run_in_executor(self._pool, self._read, path)
        except RushesError as error:
            await _explain(scope, send, error.message, code=error.code, hint=error.hint)
            return
        except KeyError as error:
            await _explain(scope, send, str(error.args[0]))
            return
        except IndexError:
            await _explain(scope, send, "the stream holds no such sample")
            return
        tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
        headers = {"etag": tag, "cache-control": f"private, max-age={MAX_AGE_S}"}
        if tag in _header(scope, b"if-none-match"):
            await _answer(scope, send, 304, b"", headers)
            return
        await _answer(scope, send, 200, body, {**headers, "content-type": kind})

    def _read(self, path: str) -> tuple[bytes, str]:
        found = _NAME.fullmatch(path.removeprefix(self._prefix))
        if found is None:
            raise KeyError("this is not the path of a picture")
        recording, slice_name, index = found.groups()
        if recording not in self._recordings or slice_name not in self._streams:
            raise KeyError("the view holds no such recording or stream")
        return self._picture(recording, self._streams[slice_name], int(index))


async def _explain(scope: Scope, send: Send, reason: str, **more: str) -> None:
    body = json.dumps({"error": reason, **more}).encode()
    await _answer(scope, send, 404, body, {"content-type": "application/json", "cache-control": "no-store"})


async def _answer(scope: Scope, send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    raw += [(b"x-content-type-options", b"nosniff"), (b"cross-origin-resource-policy", b"same-origin")]
    if status != 304:
        raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def _header(scope: Scope, wanted: bytes) -> str:
    return ",".join(value.decode("latin-1") for name, value in scope["headers"] if name.lower() == wanted)
