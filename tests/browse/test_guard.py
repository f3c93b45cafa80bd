import asyncio
import json
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from browse.conftest import ask
from rushes.browse.door import Door
from rushes.browse.guard import Guard

PORT = 5999
TOKEN = "a-token-that-nobody-guesses"
HOST = ("host", f"127.0.0.1:{PORT}")
COOKIE = ("cookie", f"rushes_token_{PORT}={TOKEN}")


class Inner:
    """The App's place: notes what reached it."""

    def __init__(self):
        self.seen = []

    async def __call__(self, scope, receive, send):
        self.seen.append(scope)
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"inside"})


class Pictures:
    def owns(self, path):
        return path.startswith("/rushes-virtual/")

    async def __call__(self, path, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": path.encode()})


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "sub" / "a b.png").write_bytes(b"inside")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / "root2").mkdir()
    (tmp_path / "root2" / "x.png").write_bytes(b"beside")
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "in").symlink_to(root / "sub" / "a b.png")
    return root


@pytest.fixture
def inner():
    return Inner()


@pytest.fixture
def guard(inner, tree):
    return Guard(inner, token=TOKEN, port=PORT, roots=[tree], virtual=Pictures())


def test_the_token_in_the_address_becomes_a_cookie_that_no_script_can_read(guard, inner):
    answer = ask(guard, "/datasets/x", query=[("token", TOKEN), ("view", "a b")], headers=[HOST])
    assert answer.status == 303
    assert answer.headers["location"] == "/datasets/x?view=a+b"
    assert answer.headers["set-cookie"] == f"rushes_token_{PORT}={TOKEN}; Path=/; HttpOnly; SameSite=Strict"
    assert answer.headers["cache-control"] == "no-store"
    assert not inner.seen


def test_the_cookie_lets_pages_queries_and_event_streams_through(guard, inner):
    own = [HOST, COOKIE, ("origin", f"http://127.0.0.1:{PORT}"), ("sec-fetch-site", "same-origin")]
    for method, path in [("GET", "/"), ("POST", "/graphql"), ("POST", "/events"), ("GET", "/plugins")]:
        assert ask(guard, path, method=method, headers=own).body == b"inside"
    assert len(inner.seen) == 4


def test_localhost_is_a_lawful_host_too(guard):
    assert ask(guard, headers=[("host", f"localhost:{PORT}"), COOKIE]).status == 200


@pytest.mark.parametrize("path", ["/", "/graphql", "/events", "/media", "/datasets/x", "/operators/execute"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS", "DELETE"])
def test_nothing_is_answered_without_the_token(guard, inner, path, method):
    answer = ask(guard, path, method=method, headers=[HOST])
    assert answer.status == 403
    assert "token" in json.loads(answer.body)["error"]
    assert not inner.seen


@pytest.mark.parametrize(
    "headers",
    [
        [("cookie", f"rushes_token_{PORT}=wrong")],
        [("cookie", f"rushes_token_{PORT}=")],
        [("cookie", f"rushes_token_{PORT + 1}={TOKEN}")],
        [("cookie", "; = \x00 ;;")],
        [("cookie", f"rushes_token_{PORT}=\xff\xfe")],
        [("authorization", f"Bearer {TOKEN}")],
    ],
)
def test_a_wrong_cookie_is_refused(guard, inner, headers):
    assert ask(guard, headers=[HOST, *headers]).status == 403
    assert not inner.seen


@pytest.mark.parametrize("given_tokens", [["wrong"], [""], ["wrong", TOKEN], [TOKEN, "wrong"], [TOKEN[:-1]]])
def test_a_wrong_token_in_the_address_is_refused(guard, inner, given_tokens):
    assert ask(guard, query=[("token", t) for t in given_tokens], headers=[HOST]).status == 403
    assert not inner.seen


def test_a_token_is_not_taken_from_a_posted_form_of_another_page(guard):
    assert ask(guard, method="POST", query=[("token", TOKEN)], headers=[HOST]).status == 403


@pytest.mark.parametrize(
    "hosts",
    [
        *([], ["127.0.0.1"], ["evil.example"], [f"evil.example:{PORT}"], [f"127.0.0.1:{PORT + 1}"]),
        *([f"127.0.0.1:{PORT}"] * 2, [f"127.0.0.1:{PORT}.evil.example"], [f"0.0.0.0:{PORT}"]),
    ],
)
def test_a_wrong_host_is_misdirected_even_with_the_token(guard, inner, hosts):
    answer = ask(guard, query=[("token", TOKEN)], headers=[COOKIE, *(("host", h) for h in hosts)])
    assert answer.status == 421
    assert not inner.seen


@pytest.mark.parametrize(
    "origins",
    [
        *(["http://evil.example"], ["null"], [""], [f"https://127.0.0.1:{PORT}"]),
        *([f"http://127.0.0.1:{PORT + 1}"], [f"http://localhost:{PORT}"]),
        [f"http://127.0.0.1:{PORT}", "http://evil.example"],
    ],
)
def test_a_foreign_origin_is_refused(guard, inner, origins):
    headers = [HOST, COOKIE, *(("origin", o) for o in origins)]
    assert ask(guard, "/graphql", method="POST", headers=headers).status == 403
    assert not inner.seen


@pytest.mark.parametrize("sites", [["cross-site"], ["same-site"], ["none", "cross-site"], ["anything"]])
def test_a_request_from_another_site_is_refused_token_or_not(guard, inner, sites):
    headers = [HOST, COOKIE, *(("sec-fetch-site", s) for s in sites)]
    assert ask(guard, query=[("token", TOKEN)], headers=headers).status == 403
    assert not inner.seen


def test_websockets_are_closed_because_the_app_opens_none(guard, inner):
    assert ask(guard, kind="websocket", headers=[HOST, COOKIE]).status == 1008
    assert not inner.seen


def test_the_lifespan_of_the_app_is_passed_on(guard, inner):
    ask(guard, kind="lifespan")
    assert [scope["type"] for scope in inner.seen] == ["lifespan"]


@given(path=st.text(st.characters(codec="latin-1"), max_size=20))
def test_no_path_makes_the_redirect_leave_this_server_or_split_its_header(path):
    guard = Guard(Inner(), token=TOKEN, port=PORT)
    answer = ask(guard, "/" + path, query=[("token", TOKEN)], headers=[HOST])
    where = answer.headers["location"]
    assert where.startswith("/")
    assert not where.startswith("//")
    assert "\\" not in where
    assert not set(where) & set("\r\n")


def test_a_file_below_a_root_is_served_by_its_real_path(guard, inner, tree):
    for name in (tree / "sub" / "a b.png", tree / "in", tree / "sub" / ".." / "sub" / "a b.png"):
        answer = ask(guard, "/media", query=[("filepath", str(name))], headers=[HOST, COOKIE])
        assert answer.body == b"inside"
        handed_on = dict(parse_qsl(inner.seen[-1]["query_string"].decode()))
        assert handed_on == {"filepath": str((tree / "sub" / "a b.png").resolve())}


def outside(tree):
    return [
        "/etc/passwd",
        f"{tree}/../secret",
        f"{tree}/sub/../../secret",
        f"{tree}/out",  # a link that leads out
        f"{tree}2/x.png",  # shares the beginning of its name
        f"{tree}/sub",  # a folder
        f"{tree}/absent.png",
        "sub/a b.png",  # relative
        "",
        ".",
        "~/x",
        f"{tree}/sub/a b.png\0.jpg",
        "/" + "x" * 5000,
        "file:///etc/passwd",
        "http://127.0.0.1/x",
    ]


@pytest.mark.parametrize("which", range(15))
def test_no_file_outside_the_roots_is_served(guard, inner, tree, which):
    name = outside(tree)[which]
    for path in ("/media", "/media/"):
        answer = ask(guard, path, query=[("filepath", name)], headers=[HOST, COOKIE])
        assert answer.status == 403, name
    assert not inner.seen


def test_a_path_that_is_quoted_twice_stays_a_name_that_does_not_exist(guard, inner, tree):
    raw = f"filepath={tree}/%252e%252e/secret".encode()
    assert ask(guard, "/media", raw_query=raw, headers=[HOST, COOKIE]).status == 403
    raw = f"filepath={tree}/%2e%2e/secret".encode()
    assert ask(guard, "/media", raw_query=raw, headers=[HOST, COOKIE]).status == 403
    assert not inner.seen


@pytest.mark.parametrize("files", [[], ["/rushes-virtual/a.jpg", "/etc/passwd"], ["/etc/passwd"] * 2])
def test_media_wants_exactly_one_file(guard, inner, files):
    query = [("filepath", f) for f in files]
    assert ask(guard, "/media", query=query, headers=[HOST, COOKIE]).status == 400
    assert not inner.seen


def test_without_roots_no_file_at_all_is_served(inner, tree):
    guard = Guard(inner, token=TOKEN, port=PORT, virtual=Pictures())
    name = str(tree / "sub" / "a b.png")
    assert ask(guard, "/media", query=[("filepath", name)], headers=[HOST, COOKIE]).status == 403


def test_virtual_paths_go_to_the_recordings_and_not_to_the_disk(guard, inner):
    query = [("filepath", "/rushes-virtual/k/r/s/1.jpg")]
    answer = ask(guard, "/media", query=query, headers=[HOST, COOKIE])
    assert answer.body == b"/rushes-virtual/k/r/s/1.jpg"
    assert ask(guard, "/media", query=query, headers=[HOST]).status == 403
    assert not inner.seen


def test_a_short_token_is_our_own_mistake(inner):
    with pytest.raises(AssertionError, match="guessed"):
        Guard(inner, token="1234", port=PORT)


def test_a_streamed_answer_is_passed_on_piece_by_piece():
    pieces = []

    async def streaming(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for i in range(3):
            await send({"type": "http.response.body", "body": b"%d" % i, "more_body": True})
            assert len(pieces) == i + 2  # what was sent has arrived, nothing waits in a buffer
        await send({"type": "http.response.body", "body": b""})

    async def send(message):
        pieces.append(message)

    scope = {"type": "http", "method": "GET", "path": "/events", "query_string": b""}
    scope["headers"] = [(k.encode(), v.encode()) for k, v in (HOST, COOKIE)]
    asyncio.run(Guard(streaming, token=TOKEN, port=PORT)(scope, None, send))
    assert len(pieces) == 5


PASSWORD = "correct horse battery"
LAB = ("host", f"lab-pc:{PORT}")
PAGE = ("accept", "text/html,application/xhtml+xml")


@pytest.fixture
def shared(inner, tree):
    door = Door(PASSWORD)
    return Guard(inner, token=TOKEN, port=PORT, roots=[tree], virtual=Pictures(), door=door, names=["Lab-PC"])


def enter(guard, password, headers=(LAB,), client=("10.0.0.9", 4711)):
    body = urlencode({"password": password, "next": "/datasets/x"}).encode()
    return ask(guard, "/rushes-enter", method="POST", headers=headers, body=body, client=client)


def test_a_shared_app_asks_a_person_for_the_password_and_lets_them_in(shared, inner):
    asked = ask(shared, "/datasets/x", headers=(LAB, PAGE))
    assert (asked.status, inner.seen) == (401, [])
    assert b'type="password"' in asked.body
    assert enter(shared, "wrong").status == 401
    entered = enter(shared, PASSWORD)
    assert (entered.status, entered.headers["location"]) == (303, "/datasets/x")
    cookie = entered.headers["set-cookie"]
    assert TOKEN not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    inside = ask(shared, "/datasets/x", headers=(LAB, ("cookie", cookie.partition(";")[0])))
    assert (inside.status, inside.body) == (200, b"inside")
    assert ask(shared, "/datasets/x", headers=(HOST, COOKIE)).status == 200  # who sits at the machine


def test_a_shared_app_refuses_whoever_is_not_inside(shared, inner):
    for path in ("/graphql", "/media", "/events", "/operators/execute"):
        assert ask(shared, path, method="POST", headers=(LAB,)).status == 403
        assert ask(shared, path, headers=(LAB,)).status == 403
    assert ask(shared, "/", headers=(("host", f"evil.example:{PORT}"), PAGE)).status == 421
    assert ask(shared, "/", headers=(("host", "lab-pc"), PAGE)).status == 421
    assert enter(shared, PASSWORD, headers=(LAB, ("origin", "http://evil.example"))).status == 403
    assert enter(shared, PASSWORD, headers=(LAB, ("sec-fetch-site", "cross-site"))).status == 403
    assert inner.seen == []


def test_who_guesses_has_to_wait_and_others_need_not(shared):
    statuses = [enter(shared, f"guess {at}").status for at in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    waiting = enter(shared, PASSWORD)
    assert waiting.status == 429
    assert int(waiting.headers["retry-after"]) >= 1
    assert enter(shared, PASSWORD, client=("10.0.0.8", 4711)).status == 303


def test_an_app_that_is_not_shared_knows_no_password(guard):
    assert enter(guard, PASSWORD, headers=(HOST,)).status == 403
    assert ask(guard, "/", headers=(LAB, PAGE)).status == 421


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("@rushes/rushes/signals", 200),
        ("@voxel51/operators/save_view", 200),
        ("@voxel51/operators/list_files", 403),
        ("@voxel51/operators/download_file", 403),
        ("@someone/else/read", 403),
    ],
)
def test_operators_that_read_the_machine_are_not_for_a_shared_app(shared, inner, name, status):
    body = json.dumps({"operator_uri": name}).encode()
    answer = ask(shared, "/operators/execute", method="POST", headers=(HOST, COOKIE), body=body)
    assert answer.status == status
    assert len(inner.seen) == (status == 200)


def test_a_call_that_cannot_be_read_is_refused_and_one_that_is_passed_on_is_whole(tree):
    heard = []

    async def echo(scope, receive, send):
        heard.append((await receive())["body"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    shared = Guard(echo, token=TOKEN, port=PORT, roots=[tree], door=Door(PASSWORD), names=["lab-pc"])
    headers = (HOST, COOKIE)
    assert ask(shared, "/operators/execute", method="POST", headers=headers, body=b"{").status == 403
    assert ask(shared, "/operators/execute", method="POST", headers=headers, body=b"[1]").status == 403
    body = json.dumps({"operator_uri": "@rushes/rushes/signals", "params": {"a": 1}}).encode()
    assert ask(shared, "/operators/execute", method="POST", headers=headers, body=body).status == 200
    assert heard == [body]
