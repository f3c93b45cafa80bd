"""label.side: left and right that contradict each other."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rushes.checks._label_shapes import items_of
from rushes.checks._labels import MAKER, Flags, Places, Values, given, groups, name_of, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import LabelsView

LEFT, RIGHT = 1, 2
_WORD = re.compile(r"(?:^|[^a-z])(left|right)(?:$|[^a-z])")
DRAWN = ("box", "rotated_box", "polygon", "mask")
PARTS = ("shoulder", "hip")


class LabelSide:
    """Sides from an attribute or the class's name, against one another and against the skeleton of the person."""

    name = "label.side"
    version = "1"
    reason = (
        "Left and right are the slip that people make most, and no loss curve shows it. A person has one left "
        "hand, a hand stays the hand that it is, and a left hand ends at the left wrist."
    )
    known_limits = (
        "Two left hands are found where both are parts of one person's label, or bear its instance; hands that no "
        "label ties to a person may belong to two. A side that is wrong on all labels of a hand is found by the "
        "wrists only. Shoulders and hips that cross are found from the front and the back, not from the side; "
        "dancers do it."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "nearer": Option(
            default=2.0, unit="times", reason="half as far from the other wrist is no matter of a few pixels"
        ),
        "apart_share": Option(
            default=0.15,
            unit="",
            reason="of the person's size: seen from the side, left and right are too close to tell",
        ),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find persons with two left hands, hands that change sides, hands at the wrong wrist, crossed bodies."""
        if not len(view):
            return
        side = sides_of(view)
        yield from self._twice(view, side)
        yield from self._changing(view, side)
        yield from self._skeletons(view, side, options)

    def _twice(self, view: LabelsView, side: Places) -> Iterator[Finding]:
        columns = view.columns
        drawn: Flags = np.isin(columns["kind"], DRAWN) & (side > 0) & (columns["index"] >= 0)
        tied = given(columns["parent_id"]) & drawn
        rows = np.flatnonzero(tied)
        plain = np.array(
            [_WORD.sub(" ", str(name).lower()) for name in columns["class_name"][rows].tolist()], object
        )
        what = groups(view, *MAKER, "stream", "index", "kind", "parent_id")[rows]
        key = what * 4 + side[rows]
        names: dict[str, int] = {}
        key = key * (len(set(plain.tolist())) + 1) + np.array(
            [names.setdefault(n, len(names)) for n in plain], np.int64
        )
        order = np.argsort(key, kind="stable")
        again = order[1:][np.diff(key[order]) == 0] if len(order) > 1 else order[:0]
        yield from told(
            view, rows[again], check=self.name, severity="warning",
            say=lambda at: f"a second {_said(int(side[at]))} one of {columns['parent_id'][at]}",
        )  # fmt: skip

    def _changing(self, view: LabelsView, side: Places) -> Iterator[Finding]:
        columns = view.columns
        known = np.flatnonzero((side > 0) & given(columns["instance"]) & (columns["index"] >= 0))
        thing = groups(view, *MAKER, "stream", "kind", "instance")[known]
        order = np.lexsort((columns["index"][known], thing))
        known, thing = known[order], thing[order]
        turned = np.flatnonzero(
            (np.diff(thing) == 0) & (np.diff(side[known]) != 0) & (np.diff(columns["index"][known]) > 0)
        )
        before = dict(zip(known[turned + 1].tolist(), known[turned].tolist(), strict=True))
        yield from told(
            view, list(before), check=self.name, severity="warning",
            say=lambda at: f"it is {_said(int(side[at]))} here and was {_said(int(side[before[at]]))} in frame "
            f"{columns['index'][before[at]]}, the same instance",
        )  # fmt: skip

    def _skeletons(self, view: LabelsView, side: Places, options: Mapping[str, float]) -> Iterator[Finding]:
        if view.ontology is None:
            return
        rows, triples = items_of(view.columns["kind"], view.points, view.starts, "keypoints")
        first = np.flatnonzero(np.diff(rows, prepend=-1))
        owners: list[int] = rows[first].tolist()
        bodies = dict(zip(owners, np.split(triples, first[1:]), strict=True)) if owners else {}
        crossed: dict[int, str] = {}
        wrists: dict[int, tuple[Values, Values]] = {}
        for row, points in bodies.items():
            skeleton = view.ontology.skeleton_of(view.columns["class_name"][row])
            if skeleton is None or len(points) != len(skeleton.points):
                continue
            place = {name: points[at] for at, name in enumerate(skeleton.points) if points[at][2] > 0}
            if words := _crossed(place, options["apart_share"]):
                crossed[row] = words
            if "left_wrist" in place and "right_wrist" in place:
                wrists[row] = (place["left_wrist"][:2], place["right_wrist"][:2])
        yield from told(view, list(crossed), check=self.name, severity="info", say=lambda at: crossed[at])
        wrong = dict(_at_wrong_wrist(view, side, wrists, options["nearer"]))
        yield from told(view, list(wrong), check=self.name, severity="warning", say=lambda at: wrong[at])


def sides_of(view: LabelsView) -> Places:
    """Give LEFT, RIGHT or 0 for each label: as an attribute says, else as the name of its class does."""
    known: dict[tuple[Any, Any], int] = {}
    names = _side_names(view)
    pairs = list(zip(view.columns["class_name"].tolist(), view.columns["attributes"].tolist(), strict=True))
    for pair in set(pairs):
        known[pair] = _side(pair[0], pair[1], names)
    return np.fromiter((known[pair] for pair in pairs), np.int64, len(pairs))


def _side_names(view: LabelsView) -> tuple[str, ...]:
    specs = view.ontology.attributes if view.ontology else ()
    return tuple(spec.name for spec in specs if {"left", "right"} <= {value.lower() for value in spec.values})


def _side(name: str | None, attributes: str | None, names: tuple[str, ...]) -> int:
    try:
        said = json.loads(attributes) if attributes and names else {}
    except ValueError:
        said = {}
    for attribute in names if isinstance(said, dict) else ():
        value = said.get(attribute)
        value = value[0] if isinstance(value, list) and len(value) == 1 else value
        if isinstance(value, str) and value.lower() in ("left", "right"):
            return LEFT if value.lower() == "left" else RIGHT
    found = set(_WORD.findall((name or "").lower()))
    return 0 if len(found) != 1 else LEFT if "left" in found else RIGHT


def _said(side: int) -> str:
    return "left" if side == LEFT else "right"


def _crossed(place: Mapping[str, Values], apart: float) -> str:
    """Say that a person's shoulders and hips face opposite ways; empty where they do not, or it cannot be told."""
    ends = [place.get(f"{side}_{part}") for part in PARTS for side in ("left", "right")]
    if any(end is None for end in ends):
        return ""
    corners: npt.NDArray[np.float64] = np.array([end[:2] for end in ends if end is not None])
    size = float(np.hypot(*np.ptp(corners, axis=0)))
    across = corners[::2, 0] - corners[1::2, 0]
    if size <= 0 or (np.abs(across) < apart * size).any() or across[0] * across[1] > 0:
        return ""
    return "its shoulders face one way and its hips the other: left and right mixed up?"


def _at_wrong_wrist(
    view: LabelsView, side: Places, wrists: Mapping[int, tuple[Values, Values]], nearer: float
) -> Iterator[tuple[int, str]]:
    """Find hands that end at the other wrist of the person that they are a part of."""
    if not wrists:
        return
    columns = view.columns
    person: dict[str, int] = {}
    for row in wrists:
        for name in (columns["label_id"][row], columns["parent_id"][row]):
            if name is not None:
                person[name] = row
    for row in np.flatnonzero((side > 0) & ~np.isnan(view.bounds).any(axis=1)).tolist():
        body = person.get(columns["parent_id"][row])
        if body is None or body == row:
            continue
        left, top, right, bottom = view.bounds[row]
        # From the nearest edge, not the centre: a hand hangs at its wrist.
        far = [
            float(np.hypot(max(left - x, 0.0, x - right), max(top - y, 0.0, y - bottom))) for x, y in wrists[body]
        ]
        own, other = far if side[row] == LEFT else far[::-1]
        if own > nearer * max(other, 0.25 * float(np.hypot(right - left, bottom - top))):
            yield (
                row,
                f"it is called {_said(int(side[row]))} and lies {own:.0f} px from that wrist of "
                f"{name_of(view, body)}, {other:.0f} px from the other",
            )


PLUGIN: LabelsCheck = LabelSide()
