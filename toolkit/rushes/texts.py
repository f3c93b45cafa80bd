r"""Text that is not UTF-8, stored so that it can be seen and undone.

Linux lets a file name hold any bytes; Python shows those that are not UTF-8 as lone surrogates, which neither
Arrow nor Parquet can store. In a table such a byte is written ``\xNN``, two small hexadecimal digits, as Python
itself would print it. ``unescaped`` undoes it, for opening the file.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

_ESCAPE = re.compile(r"\\x([89a-f][0-9a-f])")
_SURROGATE = re.compile("[\ud800-\udfff]")


def escaped(text: str) -> str:
    r"""Write every byte that is not UTF-8 as ``\xNN``, and any other lone surrogate as ``\uNNNN``.

    Text that is valid is returned as it is, backslashes included.
    """
    try:
        return text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # a surrogate that stands for no byte
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def unescaped(text: str) -> str:
    r"""Undo :func:`escaped` for a file name.

    A name that held ``\xNN`` as four plain characters is not told apart: look for the name as stored first.
    """
    return _ESCAPE.sub(lambda found: chr(0xDC00 + int(found[1], 16)), text)


def as_json(value: Any) -> str:
    """Write JSON whose texts are escaped as in the tables, so that every reader of JSON takes it."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return _SURROGATE.sub(lambda found: json.dumps(escaped(found[0]))[1:-1], text)


def field_names(names: Sequence[str], *, taken: Sequence[str] = ()) -> list[str]:
    """Give each name as a field of a protobuf or ROS 2 message may be called; unique, in the same order.

    Args:
        names: As people wrote them.
        taken: Fields that are there already.
    """
    made: list[str] = []
    used = set(taken)
    for name in names:
        word = re.sub(r"[\W_]+", "_", name, flags=re.ASCII).strip("_").lower() or "value"
        word = word if word[0].isalpha() else f"c_{word}"
        number, wanted = 1, word
        while wanted in used:
            number += 1
            wanted = f"{word}_{number}"
        made.append(wanted)
        used.add(wanted)
    return made
