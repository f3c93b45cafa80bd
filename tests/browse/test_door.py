import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.browse.door import EVERYWHERE_A_MINUTE, FREE_TRIES, LONGEST_WAIT_S, Door, page, read_form

RIGHT = "correct horse battery"


class Clock:
    def __init__(self):
        self.s = 1000.0

    def __call__(self):
        return self.s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def door(clock):
    return Door(RIGHT, now=clock)


@given(st.text().filter(lambda text: text != RIGHT))
def test_only_the_password_opens(given_password):
    assert not Door(RIGHT).opens("10.0.0.9", given_password)
    assert Door(RIGHT).opens("10.0.0.9", RIGHT)


def test_wrong_passwords_make_an_address_wait_twice_as_long_each_time(door, clock):
    waits = []
    for _ in range(FREE_TRIES + 12):
        clock.s += door.wait_s("10.0.0.9")
        assert door.wait_s("10.0.0.9") == 0
        door.opens("10.0.0.9", "wrong")
        waits.append(door.wait_s("10.0.0.9"))
    assert waits[: FREE_TRIES - 1] == [0] * (FREE_TRIES - 1)
    assert waits[FREE_TRIES - 1 : FREE_TRIES + 3] == [2, 4, 8, 16]
    assert waits[-1] == LONGEST_WAIT_S
    assert door.wait_s("10.0.0.8") == 0


def test_the_right_password_ends_the_count(door):
    for _ in range(FREE_TRIES):
        door.opens("10.0.0.9", "wrong")
    assert door.wait_s("10.0.0.9") > 0
    assert door.opens("10.0.0.9", RIGHT)
    assert door.wait_s("10.0.0.9") == 0


def test_guessing_from_everywhere_makes_everybody_wait(door, clock):
    for at in range(EVERYWHERE_A_MINUTE):
        assert door.wait_s(f"10.0.1.{at}") == 0
        door.opens(f"10.0.1.{at}", "wrong")
    assert 0 < door.wait_s("10.9.9.9") <= 60
    clock.s += 61
    assert door.wait_s("10.9.9.9") == 0


def test_a_password_that_can_be_guessed_is_none():
    with pytest.raises(AssertionError):
        Door("short")


@given(st.binary(max_size=200))
def test_a_form_leads_to_a_path_of_this_server_only(body):
    _, onward = read_form(body)
    assert onward.startswith("/")
    assert not onward.startswith(("//", "/\\"))
    assert "\r" not in onward
    assert "\n" not in onward


@pytest.mark.parametrize(
    ("next_page", "onward"),
    [
        ("/datasets/kitchen rig?view=a%20b", "/datasets/kitchen%20rig?view=a%20b"),
        ("//evil.example/x", "/evil.example/x"),
        ("https://evil.example/", "/https%3A//evil.example/"),
        ("/\\evil.example", "/evil.example"),
        ("/a\r\nset-cookie: x=y", "/a%0D%0Aset-cookie%3A%20x%3Dy"),
    ],
)
def test_where_a_form_leads(next_page, onward):
    from urllib.parse import urlencode

    assert read_form(urlencode({"password": "p", "next": next_page}).encode()) == ("p", onward)


def test_the_page_quotes_what_it_is_told():
    assert b"<script>" not in page("<script>", after='"><script>')
