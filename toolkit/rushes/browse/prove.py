"""Proves that the App answers with the data: opens it, asks it what a browser would ask, and stops it."""

import http.client
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from rushes.browse import environment
from rushes.browse.serve import Opened, serve
from rushes.browse.showing import Showing
from rushes.browse.view import Picture
from rushes.errors import ToolError

log = logging.getLogger(__name__)

TIMEOUT_S = 60

_ABOUT = """
query ($name: String!) {
  dataset(name: $name) { name mediaType groupField defaultGroupSlice estimatedSampleCount savedViews { name } }
}
"""
_FIRST = """
query ($name: String!, $view: BSONArray!, $filter: SampleFilter) {
  samples(dataset: $name, view: $view, first: 1, filter: $filter) {
    ... on SampleItemStrConnection { edges { node { ... on ImageSample { id sample } } } }
  }
}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What the App said over HTTP, through the guard.

    Args:
        address: Where it was served, without the token.
        release: Of FiftyOne.
        samples: In its database, all slices together.
        groups: Moments and single frames, as they were loaded.
        slices: As they were loaded.
        saved_views: That a person can choose from.
        page_bytes: Length of its page.
        picture_path: File path of the first sample.
        picture_type: Content type of its picture.
        picture_bytes: Length of its picture.
        refused: Status of the same page without the token; the guard's 403.
    """

    address: str
    release: str
    samples: int
    groups: int
    slices: tuple[str, ...]
    saved_views: tuple[str, ...]
    page_bytes: int
    picture_path: str
    picture_type: str
    picture_bytes: int
    refused: int


class Visitor:
    """A client of the App that came in by its token."""

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        status, headers, _ = self.ask("GET", f"/?{urlencode({'token': token})}")
        if status != 303:
            raise _failed(f"the token was answered with {status}")
        self._cookie = headers["set-cookie"].partition(";")[0]

    _cookie = ""

    def ask(self, method: str, path: str, body: Any = None) -> tuple[int, dict[str, str], bytes]:
        """Give status, headers (names in lower case) and body."""
        connection = http.client.HTTPConnection(environment.ADDRESS, self._port, timeout=TIMEOUT_S)
        headers = {"Cookie": self._cookie} if self._cookie else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise _failed(f"{method} {urlsplit(path).path}: {error}") from error
        finally:
            connection.close()

    def get(self, path: str) -> tuple[dict[str, str], bytes]:
        """Give headers and body of a page that must be there."""
        status, headers, body = self.ask("GET", path)
        if status != 200:
            raise _failed(
                f"GET {urlsplit(path).path} was answered with {status}: {body[:200].decode(errors='replace')}"
            )
        return headers, body

    def query(self, text: str, **variables: Any) -> Mapping[str, Any]:
        """Ask the App's GraphQL, as its page does."""
        status, _, body = self.ask("POST", "/graphql", {"query": text, "variables": variables})
        if status != 200:
            raise _failed(f"its GraphQL was answered with {status}: {body[:200].decode(errors='replace')}")
        answer = json.loads(body)
        if answer.get("errors"):
            raise _failed(f"its GraphQL said: {answer['errors']}")
        data: Mapping[str, Any] = answer["data"]
        return data


def prove(showing: Showing, picture: Picture, *, cache: Path, port: int | None = 0) -> Proof:
    """Open the view, ask the App for its page, its counts and its first picture, and stop everything.

    Args:
        showing: What to show; it holds at least one picture.
        picture: Where its pictures come from.
        cache: As of ``serve``.
        port: As of ``serve``; 0 takes any free one.

    Raises:
        ToolError: ``browse.no-answer``, with what the App said; or as ``serve``.
    """
    stop, answers = threading.Event(), list[Proof | BaseException]()

    def ask(opened: Opened) -> None:
        try:
            answers.append(examine(opened))
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            answers.append(error)
        finally:
            stop.set()

    def ready(opened: Opened) -> None:
        threading.Thread(target=ask, args=(opened,), name="rushes-prove", daemon=True).start()

    serve(showing, picture, cache=cache, ready=ready, stop=stop, port=port)
    if not answers:
        raise KeyboardInterrupt  # a signal stopped it first
    if isinstance(answers[0], BaseException):
        raise answers[0]
    return answers[0]


def examine(opened: Opened) -> Proof:
    """Ask an App that is being served; see :func:`prove`."""
    stranger = http.client.HTTPConnection(environment.ADDRESS, opened.port, timeout=TIMEOUT_S)
    stranger.request("GET", "/")
    refused = stranger.getresponse().status
    stranger.close()
    visitor, name = Visitor(opened.port, opened.token), opened.loaded.dataset
    _, page = visitor.get(f"/datasets/{quote(name, safe='')}")
    _, release = visitor.get("/fiftyone")
    about = visitor.query(_ABOUT, name=name)["dataset"]
    chosen = {"group": {"slice": about["defaultGroupSlice"]}} if about["groupField"] else None
    edges = visitor.query(_FIRST, name=name, view=[], filter=chosen)["samples"]["edges"]
    if not edges:
        raise _failed("it shows no sample")
    path = edges[0]["node"]["sample"]["filepath"]
    headers, picture = visitor.get(f"/media?{urlencode({'filepath': path})}")
    return Proof(
        address=f"http://{environment.ADDRESS}:{opened.port}",
        release=json.loads(release)["version"],
        samples=about["estimatedSampleCount"],
        groups=opened.loaded.groups,
        slices=opened.loaded.slices,
        saved_views=tuple(saved["name"] for saved in about["savedViews"]),
        page_bytes=len(page),
        picture_path=path,
        picture_type=headers["content-type"],
        picture_bytes=len(picture),
        refused=refused,
    )


def _failed(reason: str) -> ToolError:
    return ToolError(
        f"the App does not answer as it should: {reason}",
        code="browse.no-answer",
        hint="delete the cache folder of the dataset and try again; nothing but the App's copy is in it",
    )
