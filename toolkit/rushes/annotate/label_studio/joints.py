"""Keys, colours and rows for the points of a skeleton, so that a hand is labelled without looking for a button.

Points that follow one another and share the beginning of their names are a chain, such as a finger: one colour,
one row of the keyboard. Keys that Label Studio gives to its tools (h, k, r, v) and to moving on (u) are left free.
"""

from collections.abc import Sequence
from itertools import groupby
from xml.sax.saxutils import quoteattr

_ROWS = ("6789", "qwet", "asdf", "zxcb", "yiop")
_LONE_KEYS = "0-="
_COLORS = ("#e6194b", "#f58231", "#2e9e3f", "#1f6fd6", "#8a2be2", "#00979d", "#9a6324", "#d63384")
_LONE_COLOR = "#333333"


def points_tags(points: Sequence[str], *, keys: bool = True) -> str:
    """Write the labels of a skeleton's points in their order, a chain side by side.

    Args:
        points: Their names.
        keys: Give each a key; not where several pictures share the keyboard.
    """
    chains = [list(members) for _, members in groupby(enumerate(points), key=lambda pair: _stem(pair[1]))]
    fingers = [chain for chain in chains if len(chain) > 1]
    lone = [chain for chain in chains if len(chain) == 1]
    fits = bool(fingers) and len(fingers) <= len(_ROWS) and len(lone) <= len(_LONE_KEYS)
    fits = fits and all(len(chain) <= len(row) for chain, row in zip(fingers, _ROWS, strict=False))
    if not fits:
        return "".join(_tag(point, at) for at, point in enumerate(points))
    text = ""
    for chain in chains:
        if len(chain) == 1:
            row, color = _LONE_KEYS[lone.index(chain)], _LONE_COLOR
        else:
            row, color = _ROWS[fingers.index(chain)], _COLORS[fingers.index(chain)]
        labels = "".join(
            "  "
            + _tag(
                point,
                at,
                key=key if keys else "",
                color=color,
                short=_short(point, first=turn == 0 and len(chain) > 1),
            )
            for turn, ((at, point), key) in enumerate(zip(chain, row, strict=False))
        )
        text += f'    <View style="display: inline-flex; margin-right: 12px">\n{labels}    </View>\n'
    return text


def _tag(point: str, position: int, *, key: str = "", color: str = "", short: str = "") -> str:
    extra = f' hotkey="{key}"' if key else ""
    extra += f' background="{color}"' if color else ""
    extra += f" html={quoteattr(short)} hint={quoteattr(point)}" if short else ""
    return f'    <Label value={quoteattr(point)} model_index="{position}"{extra}/>\n'


def _stem(point: str) -> str:
    return point.rpartition("_")[0] or point


def _short(point: str, *, first: bool) -> str:
    """Give what stands on the button: the whole name of the first of a chain, of the others what differs."""
    stem, _, last = point.rpartition("_")
    return f"{stem.removesuffix('_finger')} {last}" if first else last or stem
