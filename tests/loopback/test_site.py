"""A page on loopback is for those who know its token, from their own browser, and for nobody else."""

import http.client
import re
import socket

import pytest

from rushes.errors import ToolError
from rushes.loopback.site import NONCE, Reply, Site

PAGE = f'<script nonce="{NONCE}">1</script>'


def answer(asked) -> Reply | None:
    return Reply(body=asked.path.encode()) if asked.path.startswith("/yes") else None


@pytest.fixture
def site():
    with Site(PAGE, answer) as served:
        yield served


class Visitor:
    """Somebody who sends requests, with the headers that are given."""

    def __init__(self, site: Site) -> None:
        self.port = int(site.address.split(":")[2].partition("/")[0])
        self.token = site.address.partition("token=")[2]

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body=body, headers=named)
        got = connection.getresponse()
        content = got.read()
        connection.close()
        return got.status, content, got.headers

    def enter(self) -> str:
        """Come in by the address, and keep the cookie."""
        status, _, headers = self.ask(f"/?token={self.token}")
        assert (status, headers["Location"]) == (303, "/")
        assert "HttpOnly" in headers["Set-Cookie"]
        assert "SameSite=Strict" in headers["Set-Cookie"]
        return headers["Set-Cookie"].partition(";")[0]


def test_who_has_the_token_gets_the_page_with_a_policy_of_its_own_and_its_answers(site: Site) -> None:
    visitor = Visitor(site)
    cookie = visitor.enter()
    status, page, headers = visitor.ask("/", Cookie=cookie)
    nonce = re.search(rb'nonce="([\w-]+)"', page)
    assert status == 200
    assert nonce
    assert f"script-src 'nonce-{nonce[1].decode()}'" in headers["Content-Security-Policy"]
    assert headers["Cache-Control"] == "no-store"
    again = visitor.ask("/", Cookie=cookie)[1]
    assert again != page
    assert visitor.ask("/yes", Cookie=cookie)[:2] == (200, b"/yes")
    assert visitor.ask("/yes", "POST", b"x", Cookie=cookie)[0] == 200
    assert visitor.ask("/no", Cookie=cookie)[0] == 404


@pytest.mark.parametrize("path", ["/", "/yes", "/?token=", "/?token=wrong", "/yes?token=wrong", "/favicon.ico"])
@pytest.mark.parametrize("cookie", ["", "rushes_page_1=wrong", "\xff=;;", "rushes_page=é"])
def test_who_has_no_token_gets_nothing(site: Site, path: str, cookie: str) -> None:
    assert Visitor(site).ask(path, Cookie=cookie)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost:1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=str,
)
def test_pages_of_others_and_rebound_names_are_refused_even_with_the_cookie(site: Site, headers: dict) -> None:
    visitor = Visitor(site)
    cookie = visitor.enter()
    assert visitor.ask("/yes", Cookie=cookie, **headers)[0] == 403


def test_what_is_too_long_is_refused_unread(site: Site) -> None:
    visitor = Visitor(site)
    cookie = visitor.enter()
    assert visitor.ask("/yes", "POST", b"x" * 65_537, Cookie=cookie)[0] == 413


def test_it_listens_on_loopback_alone_and_a_taken_port_is_told(site: Site) -> None:
    port = Visitor(site).port
    assert site.address.startswith("http://127.0.0.1:")
    with pytest.raises(ToolError) as told, Site(PAGE, answer, port=port):
        pass
    assert told.value.code == "loopback.port-taken"
    with socket.socket() as other:  # another address of this machine
        assert other.connect_ex(("127.0.0.2", port)) != 0
