"""Lets people of a network in by a password: a page that asks for it, and patience that runs out.

Whoever gives the right one gets a cookie that holds for this run of the server. Wrong ones make an address wait,
twice as long each time; many wrong ones from everywhere make everybody wait who is not inside yet.
"""

import hmac
import html
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import parse_qsl, quote

PATH = "/rushes-enter"
LEAST_CHARACTERS = 10
FREE_TRIES = 3
LONGEST_WAIT_S = 300.0
EVERYWHERE_A_MINUTE = 60
_REMEMBERED = 10_000
MOST_BYTES = 4096
"""A form that is longer is none of ours."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rushes</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:20vh auto;padding:0 1rem}}
input,button{{font:inherit;padding:.4rem;width:100%;box-sizing:border-box;margin:.3rem 0}}</style>
<h1>Rushes</h1><p>{words}</p><form method="post" action="{action}">
<input type="password" name="password" aria-label="Password" autofocus required autocomplete="current-password">
<input type="hidden" name="next" value="{after}"><button>Enter</button></form></html>"""


class Door:
    """Decides who enters from the network.

    Args:
        password: That is asked for; at least ``LEAST_CHARACTERS`` long.
        now: Gives seconds that do not go back.
    """

    def __init__(self, password: str, *, now: Callable[[], float] = time.monotonic) -> None:
        assert len(password) >= LEAST_CHARACTERS, "a password that can be guessed is none"
        self._password, self._now = password.encode(), now
        self._wrong: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lately: list[float] = []
        self.session = secrets.token_urlsafe(32)

    def wait_s(self, address: str) -> float:
        """Say how long an address has to wait before it may try again; 0 if it may now."""
        now = self._now()
        self._lately = [at for at in self._lately if now - at < 60]
        crowd = 60 - (now - self._lately[0]) if len(self._lately) >= EVERYWHERE_A_MINUTE else 0.0
        count, last = self._wrong.get(address, (0, 0.0))
        alone = min(LONGEST_WAIT_S, 2.0 ** (count - FREE_TRIES + 1)) - (now - last) if count >= FREE_TRIES else 0.0
        return max(crowd, alone, 0.0)

    def opens(self, address: str, given: str) -> bool:
        """Say whether a password is right; wrong ones are remembered. Ask :meth:`wait_s` first."""
        if hmac.compare_digest(given.encode("utf-8", "surrogateescape"), self._password):
            self._wrong.pop(address, None)
            return True
        now = self._now()
        count, _ = self._wrong.pop(address, (0, 0.0))
        self._wrong[address] = (count + 1, now)
        self._lately.append(now)
        while len(self._wrong) > _REMEMBERED:
            self._wrong.popitem(last=False)
        return False


def read_form(body: bytes) -> tuple[str, str]:
    """Give the password of a form, and the address to go on to: a path of this server and nothing else."""
    fields = dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=4))
    path, _, query = fields.get("next", "/").partition("?")
    onward = "/" + quote(path.replace("\\", "/").lstrip("/"))
    return fields.get("password", ""), onward + (f"?{quote(query, safe='=&%+-._~')}" if query else "")


def page(words: str, *, after: str) -> bytes:
    """Give the page that asks for the password."""
    return _PAGE.format(words=html.escape(words), action=PATH, after=html.escape(after, quote=True)).encode()
