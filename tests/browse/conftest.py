"""What the browser's tests share: tools that must be there, and a client for ASGI applications."""

import asyncio
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from rushes.browse import environment, mongod
from rushes.errors import ToolError
from rushes.registry import late


def absent(message: str) -> None:
    """A missing tool is a failure where everything is installed, and a reason to skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def _mongod() -> None:
    try:
        mongod.find()
    except ToolError as error:
        absent(error.message)


@pytest.fixture(scope="session")
def chromium() -> str:
    path = os.environ.get("RUSHES_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        absent("no Chromium was found; apt-get install chromium")
    return str(path)


@pytest.fixture(scope="module")
def cache(_mongod: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def database(cache: Path) -> Iterator[Any]:
    """The module that loads, connected to a MongoDB of this module's own."""
    with mongod.running(cache) as running, environment.applied(cache, database_uri=running.uri):
        load = late("rushes.browse.load")
        load.connect(running.uri)
        yield load
        load.disconnect()


@pytest.fixture(autouse=True, scope="session")
def _own_database() -> None:
    """A database that the developer's environment names is not for tests."""
    os.environ.pop(mongod.URI_VARIABLE, None)


@pytest.fixture(autouse=True, scope="module")
def _no_mongod_is_left() -> Iterator[None]:
    yield
    assert not children_called("mongod")


def children_called(word: str) -> list[int]:
    """Processes below this one whose command line holds the word."""
    import psutil

    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if word in " ".join(child.cmdline()):
                found.append(child.pid)
        except psutil.NoSuchProcess:
            continue
    return found


@dataclass
class Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


def ask(
    app, path="/", *, query=None, raw_query=None, method="GET", kind="http", headers=(), body=b"", client=None
) -> Answer:
    """Put one request to an ASGI application; headers are pairs, so that one can come twice."""
    scope = {
        "type": kind,
        "method": method,
        "path": path,
        "query_string": raw_query if raw_query is not None else urlencode(query or []).encode(),
        "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers],
        "client": client,
    }
    answer = Answer()

    async def send(message):
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = {k.decode(): v.decode("latin-1") for k, v in message["headers"]}
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")
        elif message["type"] == "websocket.close":
            answer.status = message["code"]

    async def receive():
        return {"type": "http.request", "body": body, "more_body": False}

    asyncio.run(app(scope, receive, send))
    return answer
