"""Pictures are served to whom an address was given, for a time, and nothing else is."""

import stat
import threading
import time
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.label_studio import media_server, signing
from rushes.annotate.label_studio.signing import Signer

SIGNER = Signer(b"k" * 32)
ORIGIN = "http://labels.lan:8080"


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    place = tmp_path_factory.mktemp("served")
    folder = place / "media"
    (folder / "rec one").mkdir(parents=True)
    (folder / "rec one" / "é 1.jpg").write_bytes(bytes(range(256)) * 4)
    (folder / ".key").write_text("secret")
    (place / "outside.jpg").write_bytes(b"outside")
    (folder / "link.jpg").symlink_to(place / "outside.jpg")
    stop, up = threading.Event(), threading.Event()
    ports = []

    def ready(port):
        ports.append(port)
        up.set()

    thread = threading.Thread(
        target=media_server.serve,
        args=(folder, SIGNER),
        kwargs={"host": "127.0.0.1", "port": 0, "origin": ORIGIN, "ready": ready, "stop": stop},
    )
    thread.start()
    assert up.wait(20)
    yield f"http://127.0.0.1:{ports[0]}"
    stop.set()
    thread.join(20)
    assert not thread.is_alive()


def signed(base, path, ends_s=None):
    return SIGNER.address(base, path, ends_s=ends_s or int(time.time()) + 100)


def get(url, **headers):
    return httpx.get(url, headers=headers, trust_env=False)


def test_a_signed_address_gives_the_file_whole_and_in_part(served) -> None:
    url = signed(served, "rec one/é 1.jpg")
    whole = get(url)
    assert (whole.status_code, whole.headers["content-type"]) == (200, "image/jpeg")
    assert whole.content == bytes(range(256)) * 4
    for asked, first, end in (("bytes=10-19", 10, 20), ("bytes=1000-", 1000, 1024), ("bytes=-5", 1019, 1024)):
        part = get(url, Range=asked)
        assert (part.status_code, part.content) == (206, whole.content[first:end])
        assert part.headers["content-range"] == f"bytes {first}-{end - 1}/1024"
    assert get(url, Range="bytes=2000-").status_code == 416
    assert get(url, Range="lines=1-2").content == whole.content
    head = httpx.head(url, trust_env=False)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "1024", b"")


def test_what_is_not_signed_or_has_ended_or_lies_elsewhere_is_refused(served) -> None:
    good = signed(served, "rec one/é 1.jpg")
    assert get(good.replace("sig=", "sig=0")).status_code == 403
    assert get(good.partition("?")[0]).status_code == 403
    assert get(good.replace("exp=", "exp=9")).status_code == 403
    assert get(good.replace("1.jpg", "2.jpg")).status_code == 403
    ended = get(signed(served, "rec one/é 1.jpg", int(time.time()) - 1))
    assert ended.status_code == 410
    assert "push renews it" in ended.text
    for path in ("none.jpg", ".key", "link.jpg", "../outside.jpg", "rec one", "", "rec one/../rec one/é 1.jpg"):
        assert get(signed(served, path)).status_code in (403, 404)
    assert httpx.post(good, trust_env=False).status_code == 501


def test_no_path_leads_out_of_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "media"
    (folder / "in").mkdir(parents=True)
    for place in (folder / "in" / "a.jpg", folder / ".b.jpg", tmp_path / "c.jpg"):
        place.write_bytes(b"x")
    (folder / "link").symlink_to(tmp_path)
    assert media_server.file_below(folder, "in/a.jpg") == folder / "in" / "a.jpg"
    for path in (
        "../c.jpg",
        "in/../../c.jpg",
        "link/c.jpg",
        ".b.jpg",
        "in",
        "/in/a.jpg",
        "in//a.jpg",
        "in/a.jpg\0",
        "",
    ):
        assert media_server.file_below(folder, path) is None


def test_only_pages_of_the_one_origin_may_read(served) -> None:
    url = signed(served, "rec one/é 1.jpg")
    ours = get(url, Origin=ORIGIN)
    assert (ours.headers["access-control-allow-origin"], ours.headers["vary"]) == (ORIGIN, "Origin")
    for other in ("http://labels.lan", "http://labels.lan:8081", "http://evil.example", "null"):
        assert "access-control-allow-origin" not in get(url, Origin=other).headers
    asked = httpx.options(url, headers={"Origin": ORIGIN}, trust_env=False)
    assert (asked.status_code, asked.headers["access-control-allow-headers"]) == (204, "Range")


@given(st.text(max_size=30), st.integers(0, 10**11), st.text(max_size=30), st.integers(0, 10**11))
def test_a_signature_is_good_for_its_own_path_and_end_only(path, ends_s, other, other_end) -> None:
    query = SIGNER.address("", path, ends_s=ends_s).rpartition("?")[2]
    assert SIGNER.check(path, query, now_s=ends_s - 1) == "good"
    assert SIGNER.check(path, query, now_s=ends_s) == "expired"
    assert Signer(b"x" * 32).check(path, query, now_s=0) == "bad"
    if other != path:
        assert SIGNER.check(other, query, now_s=0) == "bad"
    if other_end != ends_s:
        swapped = query.replace(f"exp={ends_s}", f"exp={other_end}")
        assert SIGNER.check(path, swapped, now_s=0) == "bad"


@given(st.text(max_size=60))
def test_a_query_that_nobody_made_is_bad(query) -> None:
    assert SIGNER.check("a.jpg", query.replace("%", ""), now_s=0) == "bad"


@given(st.floats(1e9, 4e9), st.sampled_from([60.0, 3600.0, 30 * 86_400.0]))
def test_addresses_hold_long_enough_and_stay_the_same_for_a_while(now_s, valid_s) -> None:
    end = signing.end_of(now_s, valid_s=valid_s)
    assert now_s + valid_s <= end <= now_s + 1.5 * valid_s + 1
    assert signing.end_of(end - 1.5 * valid_s + 1, valid_s=valid_s) == end


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "media.key"
    first = signing.signer_in(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert signing.signer_in(path) == first
    assert first.key.hex() not in repr(first)
    path.chmod(0o644)  # a key that others could read ends
    assert signing.signer_in(path) != first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_origin_is_written_as_browsers_do() -> None:
    assert media_server.origin_of("http://labels.lan:80/path?x") == "http://labels.lan"
    assert media_server.origin_of("https://labels.lan:8443/") == "https://labels.lan:8443"
    assert media_server.origin_of("http://[::1]:8080") == "http://[::1]:8080"
