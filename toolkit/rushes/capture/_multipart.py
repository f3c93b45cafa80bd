"""Splits a stream of ``multipart/x-mixed-replace`` into its parts, to the byte.

RFC 2046 has the form. Cameras take liberties, which are met: the boundary stated with its dashes or without, line
ends without CR, parts without a length. A part that states its length is taken by it.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

MOST_BYTES = 64_000_000
"""A part that grows beyond this is no picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part: its headers by lower-case name, and its bytes as they were sent."""

    headers: Mapping[str, str]
    body: bytes


def boundary_of(content_type: str) -> str | None:
    """Give the boundary that a header ``Content-Type`` states; None where it is no multipart."""
    kind, _, rest = content_type.partition(";")
    if not kind.strip().lower().startswith("multipart/"):
        return None
    found = re.search(r'boundary\s*=\s*("[^"]+"|[^\s;]+)', rest, re.IGNORECASE)
    return found[1].strip('"') if found else None


class PartSplitter:
    """Takes bytes as they come and gives the parts that are whole.

    Args:
        boundary: As the header states it.
    """

    def __init__(self, boundary: str) -> None:
        core = re.escape(boundary.strip("-").encode("latin-1"))
        self._opening = re.compile(rb"-{2,}" + core + rb"-*[ \t]*\r?\n")
        self._closing = re.compile(rb"\r?\n-{2,}" + core)
        self._held = bytearray()
        self._headers: dict[str, str] | None = None
        self._looked = 0
        self._span = len(boundary) + 8

    def feed(self, data: bytes) -> Iterator[Part]:
        """Give the parts that end in ``data``.

        Raises:
            ValueError: If a part has no end within ``MOST_BYTES``.
        """
        self._held += data
        while (part := self._next()) is not None:
            yield part
        if len(self._held) > MOST_BYTES:
            raise ValueError(f"no part ends within {MOST_BYTES:,} bytes")

    def _next(self) -> Part | None:
        if self._headers is None and not self._begin():
            return None
        assert self._headers is not None
        end = self._end(self._headers.get("content-length", ""))
        if end is None:
            return None
        part = Part(headers=self._headers, body=bytes(self._held[:end]))
        del self._held[:end]
        self._headers, self._looked = None, 0
        return part

    def _begin(self) -> bool:
        """Go to the first byte of the next body; False while its headers are not all there."""
        opening = self._opening.search(self._held)
        if opening is None:
            return False
        headers: dict[str, str] = {}
        at = opening.end()
        while (line_end := self._held.find(b"\n", at)) >= 0:
            line = self._held[at:line_end].strip().decode("latin-1")
            at = line_end + 1
            if not line:
                del self._held[:at]
                self._headers, self._looked = headers, 0
                return True
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return False

    def _end(self, stated: str) -> int | None:
        """Give where the body ends; None while that is not there."""
        if stated.isascii() and stated.isdigit():
            return int(stated) if len(self._held) >= int(stated) else None
        closing = self._closing.search(self._held, max(0, self._looked - self._span))
        if closing is None:
            self._looked = len(self._held)
            return None
        return closing.start()
