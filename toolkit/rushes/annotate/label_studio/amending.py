"""Results of an annotation with some of its labels changed: what was edited elsewhere, written where it belongs.

Entries that nobody edited stay as they are, in their order. Of an edited one, whatever the edit does not touch
stays: keys that only Label Studio knows, and the numbers of a geometry that did not move.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rushes.annotate.label_studio import regions, writing
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.regions import Result
from rushes.annotate.label_studio.template import Template
from rushes.annotate.label_studio.writing import Refused
from rushes.labels import Keypoints, Label, Relation
from rushes.vocabulary import Ontology

_SHAPE = frozenset(
    {"x", "y", "width", "height", "rotation", "points", "closed", "format", "rle"}
    | {"ranges", "sequence", "framesCount", "start", "end", "instant", "duration", "channel"}
)
"""Keys of a value that say where something is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """One label that shall be another.

    Args:
        was: As it was read from the results; None where it is new.
        now: None where it shall go.
        region: Name that it gets in the annotation, where it is new.
    """

    was: Label | None
    now: Label | None
    region: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amended:
    """The results, and the labels that could not be written into them."""

    results: Sequence[dict[str, Any]]
    refused: Sequence[Refused]


def amend(
    results: Sequence[Result],
    amendments: Sequence[Amendment],
    *,
    others: Sequence[Label],
    template: Template,
    passports: Mapping[str, Passport],
    ontology: Ontology,
) -> Amended:
    """Write changed labels into the results of an annotation.

    Args:
        results: As the server holds them.
        amendments: What shall be another.
        others: Labels that were read from the results and stay.
        template: Of the task.
        passports: By object name.
        ontology: Of the template.
    """
    held: list[dict[str, Any]] = [dict(entry) for entry in results]
    refused: list[Refused] = []
    stay = [*others, *(each.now for each in amendments if each.was and each.now)]
    region_of = {label.label_id: _region(label) for label in stay}
    region_of |= {each.now.label_id: each.region for each in amendments if each.now and each.region}
    for each in amendments:
        label = each.now or each.was
        assert label is not None, "an amendment of nothing"
        old = _entries(each.was)
        why = _misfit(each, old, held, others)
        new: list[dict[str, Any]] = []
        if not why and each.now is not None:
            name = region_of[each.now.label_id] or each.now.label_id
            around = [one for one in stay if one.label_id in _ends(each.now)]
            named = [_named(one, region_of) for one in (*around, each.now)]
            written = writing.write(named, template, passports, ontology)
            new = [entry for entry in written.results if _is_of(entry, each.now, name)]
            why = next((one.why for one in written.refused if one.label_id == name), "")
        if why:
            refused.append(Refused(label_id=label.label_id, why=why))
            continue
        at = held.index(old[0]) if old else len(held)
        for entry in old:
            held.remove(entry)
        held[at:at] = list(_overlaid(new, old, each))
    return Amended(results=held, refused=refused)


def _entries(label: Label | None) -> list[dict[str, Any]]:
    return [dict(entry) for entry in ((label.received or {}).get("results") or ())] if label else []


def _misfit(each: Amendment, old: Sequence[Result], held: Sequence[Result], others: Sequence[Label]) -> str:
    """Say why an amendment cannot be written; empty where it can."""
    label = each.now or each.was
    if each.now is not None and (label is None or label.kind in ("class", "text") or _is_relation(each)):
        return "a choice for the whole picture, a text or a relation is changed in the tool"
    if each.was is not None and (not old or any(entry not in held for entry in old)):
        return "its results are not there as they were read"
    if any(entry in _entries(other) for entry in old for other in others):
        return "it shares a result with another label"
    return ""


def _is_relation(each: Amendment) -> bool:
    return isinstance(each.now.geometry if each.now else None, Relation) and each.was is not None


def _ends(label: Label) -> set[str]:
    ends = {label.parent_id} if label.parent_id else set()
    if isinstance(label.geometry, Relation):
        ends |= {label.geometry.subject_id, label.geometry.object_id}
    return ends


def _region(label: Label) -> str | None:
    """Give the region that a label was read from."""
    return next((str(entry["id"]) for entry in _entries(label) if "id" in entry), None)


def _named(label: Label, region_of: Mapping[str, str | None]) -> Label:
    """Give a label, and what it names, the names of regions."""

    def name(label_id: str) -> str:
        return region_of.get(label_id) or label_id

    geometry = label.geometry
    if isinstance(geometry, Relation):
        geometry = Relation(subject_id=name(geometry.subject_id), object_id=name(geometry.object_id))
    parent = name(label.parent_id) if label.parent_id else None
    return replace(label, label_id=name(label.label_id), parent_id=parent, geometry=geometry, received=None)


def _is_of(entry: Result, label: Label, region: str) -> bool:
    if isinstance(label.geometry, Relation):
        return entry.get("type") == "relation"
    own = str(entry.get("id", ""))
    return own.startswith(f"{region}_") if isinstance(label.geometry, Keypoints) else own == region


def _overlaid(
    new: Sequence[dict[str, Any]], old: Sequence[dict[str, Any]], each: Amendment
) -> Iterator[dict[str, Any]]:
    """Lay new entries over those that they replace."""
    left = list(old)
    moved = each.was is None or each.now is None or _where(each.was) != _where(each.now)
    region_now: dict[str, str] = {}
    for entry in new:
        under = next((one for one in left if _same_place(one, entry, region_now)), None)
        if under is None:
            yield entry | {"id": region_now.get(str(entry.get("id")), entry.get("id"))}
            continue
        left.remove(under)
        region_now[str(entry.get("id"))] = str(under.get("id"))
        value = dict(entry["value"])
        if not moved:
            value |= {key: said for key, said in under.get("value", {}).items() if key in _SHAPE}
        yield {**under, **entry, "id": under.get("id"), "value": value}


def _where(label: Label) -> tuple[Any, ...]:
    return (label.geometry, label.index, label.index_end)


def _same_place(old: Result, new: Result, region_now: Mapping[str, str]) -> bool:
    """Say whether an entry takes the place of another: the same control, and for points the same point."""
    if (old.get("from_name"), old.get("type")) != (new.get("from_name"), new.get("type")):
        return False
    if new.get("type") == "keypointlabels":
        return regions.name_of(old) == regions.name_of(new)
    known = region_now.get(str(new.get("id")))
    return known is None or known == old.get("id")
