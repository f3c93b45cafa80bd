"""A connection to a Label Studio server: requests with fitting time-outs, and clear errors.

The SDK repeats every request that failed, a POST too, which makes tasks twice. Here nothing that writes is ever
repeated unless the server turned it away before doing anything; a lost reply becomes :class:`ReplyLostError`, and
who called looks what the server holds. Reading is repeated.
"""

import json
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import httpx
from label_studio_sdk import LabelStudio
from label_studio_sdk.core.api_error import ApiError

from rushes.annotate.label_studio.access import Access
from rushes.errors import ToolError

READ_S = 120.0
WRITE_S = 600.0
CONNECT_S = 10.0
LONGEST_WAIT_S = 60.0
TOO_MANY = 429
_TRIES = 4


class ReplyLostError(ToolError):
    """The request went out and no reply came back: it may have been carried out or not."""


class Connection:
    """A connection to one server; a context manager."""

    def __init__(self, access: Access, *, read_s: float = READ_S, write_s: float = WRITE_S) -> None:
        self.url = access.url
        self._read_s = read_s
        self._write_s = write_s
        self._http = httpx.Client(timeout=httpx.Timeout(write_s, connect=CONNECT_S), follow_redirects=True)
        try:
            self._sdk = LabelStudio(  # type: ignore[no-untyped-call]
                base_url=access.url, api_key=access.token, max_retries=0, httpx_client=self._http, timeout=write_s
            )
        except ApiError as error:  # a personal access token that is over
            self._http.close()
            raise _refused(access.url, 401, _detail(error.body)) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _get(self, path: str, params: Mapping[str, Any] | None = None, *, absent_is_none: bool = False) -> Any:
        """Read, and read again when the connection fails or the server is busy."""
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            pause_s = 0.25 * 2**attempt
            try:
                reply = self._http.get(
                    self.url + path, params=params, headers=self._headers(), timeout=self._read_s
                )
            except httpx.TransportError as error:
                if last:
                    raise _unreachable(self.url, error) from error
            else:
                if reply.status_code == 404 and absent_is_none:
                    return None
                if reply.status_code < 500 and reply.status_code != TOO_MANY:
                    return self._read(reply)
                if last:
                    raise self._failing(reply)
                pause_s = _asked_to_wait_s(reply, otherwise=pause_s)
            time.sleep(pause_s)
        raise AssertionError("the last attempt returns or raises")

    def _write(self, method: str, path: str, body: Any = None) -> Any:
        """Write once; what was turned away before anything was done, for there were too many, is written again."""
        for _ in range(_TRIES - 1):
            reply = self._write_once(method, path, body)
            if reply.status_code != TOO_MANY:
                return self._read(reply)
            time.sleep(_asked_to_wait_s(reply, otherwise=1.0))
        return self._read(self._write_once(method, path, body))

    def _write_once(self, method: str, path: str, body: Any) -> httpx.Response:
        facts = {"url": self.url, "request": f"{method} {path.partition('?')[0]}"}
        try:
            reply = self._http.request(
                method,
                self.url + path,
                json=body,
                headers=self._headers(),
                timeout=self._write_s,
                follow_redirects=False,  # a redirected POST would become a GET
            )
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise _unreachable(self.url, error) from error
        except httpx.TransportError as error:
            raise ReplyLostError(
                f"{self.url} took a request and its reply was lost: {str(error) or type(error).__name__}",
                code="labelstudio.reply-lost",
                hint="run the same command again: it looks first what the server holds",
                facts=facts,
            ) from error
        if reply.status_code >= 500:
            raise ReplyLostError(
                f"{self.url} failed while it carried out a request ({reply.status_code}){_said(reply)}",
                code="labelstudio.reply-lost",
                hint="run the same command again: it looks first what the server holds. If it fails again, see "
                "whether the server's disk is full, and what its log says",
                facts=facts,
            )
        return reply

    def _headers(self) -> dict[str, str]:
        try:
            # Private, but it is what exchanges a personal access token for one of five minutes.
            return dict(self._sdk._client_wrapper.get_headers())
        except ApiError as error:
            raise _refused(self.url, error.status_code or 401, _detail(error.body)) from error
        except httpx.HTTPError as error:
            raise _unreachable(self.url, error) from error

    def _read(self, reply: httpx.Response) -> Any:
        if reply.status_code == TOO_MANY:
            raise self._failing(reply)
        if reply.is_redirect:
            raise ToolError(
                f"{self.url} sends us on to {reply.headers.get('location', 'nowhere')}",
                code="labelstudio.foreign",
                hint="give --url the address in full, as the browser shows it, https:// included",
                facts={"url": self.url, "status": reply.status_code},
            )
        if reply.status_code >= 400:
            raise _refused(self.url, reply.status_code, _detail(_json(reply)))
        if not reply.content:
            return None
        try:
            return reply.json()
        except ValueError as error:
            raise self._foreign(_json(reply)["detail"]) from error

    def _part(self, answer: Any, name: str, *, otherwise: Any = None) -> Any:
        """Give a part of an answer, which another kind of server would not have."""
        if not isinstance(answer, Mapping) or (name not in answer and otherwise is None):
            raise self._foreign(f"an answer without '{name}'")
        return answer.get(name, otherwise)

    def _foreign(self, why: str) -> ToolError:
        return ToolError(
            f"what answers at {self.url} is no Label Studio that we know: it gave {why}",
            code="labelstudio.foreign",
            hint="open the address in a browser; a proxy or a login page in front of it answers in its place",
            facts={"url": self.url},
        )

    def _failing(self, reply: httpx.Response) -> ToolError:
        busy = reply.status_code == TOO_MANY
        return ToolError(
            f"{self.url} {'has too much to do' if busy else 'fails'} ({reply.status_code}), {_TRIES} times on end"
            f"{_said(reply)}",
            code="labelstudio.failing",
            hint="wait a little and run the same command again; see whether the server, or a proxy, is down",
            facts={"url": self.url, "status": reply.status_code},
        )


def _asked_to_wait_s(reply: httpx.Response, *, otherwise: float) -> float:
    asked = reply.headers.get("retry-after", "")
    return min(float(asked), LONGEST_WAIT_S) if asked.isascii() and asked.isdigit() else otherwise


def _said(reply: httpx.Response) -> str:
    """Give the words of a failure, where it has any but a page of HTML."""
    try:
        return f": {_detail(reply.json())[:300]}"
    except ValueError:
        return ""


def _json(reply: httpx.Response) -> Any:
    try:
        return reply.json()
    except ValueError:
        kind = reply.headers.get("content-type", "").partition(";")[0]
        return {"detail": f"{kind or 'something'} in place of JSON"}


def _detail(body: Any) -> str:
    """Give the server's own words, whatever they are wrapped in."""
    if isinstance(body, dict):
        said = body.get("validation_errors") or body.get("detail") or body
        return said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)[:600]
    return str(body)[:600]


def _unreachable(url: str, error: Exception) -> ToolError:
    return ToolError(
        f"{url} does not answer: {str(error) or type(error).__name__}",
        code="labelstudio.unreachable",
        hint="rushes annotate status says whether ours runs, rushes annotate up starts it",
        facts={"url": url},
    )


def _refused(url: str, status: int, detail: str) -> ToolError:
    if status in (401, 403):
        return ToolError(
            f"{url} does not take the token ({status}): {detail}",
            code="labelstudio.token",
            hint="copy a new one from Account & Settings; personal access tokens end at a date",
            facts={"url": url, "status": status},
        )
    return ToolError(
        f"{url} refused a request ({status}): {detail}",
        code="labelstudio.refused",
        hint="nothing was changed by that request",
        facts={"url": url, "status": status},
    )
