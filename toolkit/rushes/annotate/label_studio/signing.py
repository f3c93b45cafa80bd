"""Addresses of pictures that hold for a time: a path, when it ends, and a signature that only our key makes."""

import hashlib
import hmac
import math
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote

from rushes.annotate.label_studio.places import write_secret

Verdict = Literal["good", "expired", "bad"]
KEY_BYTES = 32


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs paths and checks them.

    Args:
        key: The secret.
    """

    key: bytes = field(repr=False)

    def address(self, base: str, path: str, *, ends_s: int) -> str:
        """Give the address of a file.

        Args:
            base: Of the server, without a slash at the end.
            path: Below its folder, with forward slashes.
            ends_s: Seconds since 1970 from which on it is refused.
        """
        return f"{base}/{quote(path)}?exp={ends_s}&sig={self._signature(path, ends_s)}"

    def check(self, path: str, query: str, *, now_s: float) -> Verdict:
        """Judge a request for a path with this query; a wrong signature is bad, whatever else it says."""
        asked = parse_qs(query, max_num_fields=8)
        told, signature = asked.get("exp", [""])[0], asked.get("sig", [""])[0]
        if not (told.isascii() and told.isdecimal() and len(told) <= 12):
            return "bad"
        wanted = self._signature(path, int(told))
        if not hmac.compare_digest(signature.encode(), wanted.encode()):
            return "bad"
        return "good" if now_s < int(told) else "expired"

    def _signature(self, path: str, ends_s: int) -> str:
        return hmac.new(self.key, f"{ends_s}\n{path}".encode(), hashlib.sha256).hexdigest()


def end_of(now_s: float, *, valid_s: float) -> int:
    """Say when addresses made now end: after ``valid_s`` at the earliest, half as much later at the latest.

    Whoever signs within the same half gets the same end, so that sending again changes nothing until it is time.
    """
    half = valid_s / 2
    return math.ceil(math.ceil((now_s + valid_s) / half) * half)


def signer_in(path: Path) -> Signer:
    """Read the key in a file, making one at first; only this user can read it."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (FileNotFoundError, ValueError):
        key = b""
    if len(key) < KEY_BYTES or stat.S_IMODE(path.stat().st_mode) & 0o077:
        # One that others could read is no secret any more: addresses made with it end here.
        key = secrets.token_bytes(KEY_BYTES)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_secret(path, key.hex() + "\n")
    return Signer(key)
