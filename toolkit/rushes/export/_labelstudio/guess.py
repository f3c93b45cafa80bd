"""What controls and classes a foreign export speaks of, told from its results and its config, if it has one."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from rushes import ontology as ontologies
from rushes.annotate.label_studio.template import HIDDEN, Control, Meaning, Template
from rushes.errors import ReadError
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, RelationSpec, Skeleton

Result = Mapping[str, Any]

DRAWN: Mapping[str, Meaning] = {
    "rectanglelabels": "box",
    "rectangle": "box",
    "polygonlabels": "polygon",
    "polygon": "polygon",
    "brushlabels": "mask",
    "brush": "mask",
    "keypointlabels": "points",
    "keypoint": "points",
}
SAID = frozenset({"choices", "taxonomy", "textarea", "number", "rating"})
_TAGS = frozenset({"RectangleLabels", "PolygonLabels", "BrushLabels"})


def drawn_in(results: Sequence[Result]) -> frozenset[str]:
    """Name the regions that have a shape."""
    return frozenset(str(entry["id"]) for entry in results if entry.get("type") in DRAWN and "id" in entry)


def readable(entry: Result, drawn: frozenset[str]) -> bool:
    """Say whether a result can be read; ``drawn`` as :func:`drawn_in` gives it."""
    kind = entry.get("type")
    if kind in ("textarea", "number", "rating"):
        return entry.get("id") in drawn
    return kind in DRAWN or kind in SAID or kind == "relation"


def plainer(entry: Result, drawn: frozenset[str]) -> Result:
    """Give what is said of a region in the words of a plain choice or number: a path in a tree, a rating."""
    value = entry.get("value") or {}
    if entry.get("id") not in drawn:
        return entry
    if entry.get("type") == "taxonomy":
        paths = [
            "/".join(map(str, path)) if isinstance(path, list) else str(path)
            for path in value.get("taxonomy") or ()
        ]
        return {**entry, "type": "choices", "value": {**value, "choices": paths}}
    if entry.get("type") == "rating":
        return {**entry, "type": "number", "value": {**value, "number": value.get("rating")}}
    return entry


def guessed(results: Sequence[Result], config: Path | None) -> tuple[Template, Ontology]:
    """Make a template and an ontology of what the results use; classes in the order of the config, then as met."""
    drawn = drawn_in(results)
    points_of, names = _labels_of_config(config)
    controls: dict[str, Control] = {}
    attributes: dict[str, AttributeSpec] = {}
    tied = any(entry.get("parentID") for entry in results if DRAWN.get(str(entry.get("type"))) == "points")
    for entry in results:
        name, kind = str(entry.get("from_name")), str(entry.get("type"))
        to_name = str(entry.get("to_name"))
        if kind == "relation":
            continue
        if kind in DRAWN:
            of = f"{name} points" if DRAWN[kind] == "points" else ""
            controls[name] = Control(name=name, to_name=to_name, meaning=DRAWN[kind], of=of)
            seen = points_of[name] if DRAWN[kind] == "points" else names
            seen += [each for each in _named(entry) if each not in seen]
        elif str(entry.get("id")) in drawn:
            _add_said(entry, controls, attributes)
        elif kind in ("choices", "taxonomy"):
            meaning: Meaning = "taxonomy" if kind == "taxonomy" else "class"
            controls[name] = Control(name=name, to_name=to_name, meaning=meaning)
            names += [each for each in _chosen(entry) if each not in names]
    skeletons = tuple(
        Skeleton(name=f"{name} points", points=tuple(points))
        for name, points in points_of.items()
        if points and name in controls
    )
    ontology = _ontology(names, skeletons, attributes, results, tied=tied)
    template = Template(name="foreign", unit="frame", config="", controls=controls, objects=())
    return template, ontology


def _ontology(
    names: Sequence[str],
    skeletons: Sequence[Skeleton],
    attributes: Mapping[str, AttributeSpec],
    results: Iterable[Result],
    *,
    tied: bool,
) -> Ontology:
    """Make the ontology; points that are tied to boxes belong to every class, loose ones to one of their own."""
    skeleton = skeletons[0].name if skeletons else None
    specs = [
        ClassSpec(name=name, id=at, skeleton=skeleton if tied else None, attributes=tuple(attributes))
        for at, name in enumerate(names)
    ]
    if skeleton and not tied:
        specs.append(ClassSpec(name=skeleton, id=len(specs), skeleton=skeleton))
    verbs = dict.fromkeys(
        str(verb) for entry in results if entry.get("type") == "relation" for verb in entry.get("labels") or ()
    )
    made = Ontology(
        name="label-studio-file",
        classes=tuple(specs),
        skeletons=tuple(skeletons),
        attributes=tuple(attributes.values()),
        relations=tuple(RelationSpec(name=verb) for verb in verbs),
    )
    return ontologies.parse(ontologies.as_yaml(made), where="labels")


def _add_said(entry: Result, controls: dict[str, Control], attributes: dict[str, AttributeSpec]) -> None:
    """Note a control that says something of a region: that a point is hidden, or an attribute."""
    name, to_name = str(entry.get("from_name")), str(entry.get("to_name"))
    value = entry.get("value") or {}
    if value.get("choices") == [HIDDEN]:
        controls[name] = Control(name=name, to_name=to_name, meaning="hidden")
        return
    controls[name] = Control(name=name, to_name=to_name, meaning="attribute", of=name)
    chosen = value.get("choices")
    if isinstance(chosen, list):
        before = attributes.get(name)
        values = dict.fromkeys([*(before.values if before else ()), *map(str, chosen)])
        several = len(chosen) > 1 or (before is not None and before.kind == "choices")
        attributes[name] = AttributeSpec(name=name, kind="choices" if several else "choice", values=tuple(values))
    else:
        number = entry.get("type") in ("number", "rating")
        attributes[name] = AttributeSpec(name=name, kind="number" if number else "text")


def _labels_of_config(config: Path | None) -> tuple[defaultdict[str, list[str]], list[str]]:
    """Read, from a labelling config, the points of each control and the classes, in their order."""
    points: defaultdict[str, list[str]] = defaultdict(list)
    names: list[str] = []
    if config is None:
        return points, names
    try:
        root = ElementTree.fromstring(config.read_bytes())  # noqa: S314 - expat refuses entities that grow
    except (OSError, ElementTree.ParseError) as error:
        raise ReadError(
            f"{config}: is no labelling config: {error}", code="labels.file", hint="leave it out"
        ) from error
    for tag in root.iter():
        values = [str(label.get("value")) for label in tag.findall("Label")]
        if tag.tag == "KeyPointLabels":
            points[str(tag.get("name"))] += values
        elif tag.tag in _TAGS:
            names += [value for value in values if value not in names]
    return points, names


def _named(entry: Result) -> list[str]:
    value = entry.get("value") or {}
    return [str(name) for key, named in value.items() if key.endswith("labels") for name in named or ()]


def _chosen(entry: Result) -> list[str]:
    value = entry.get("value") or {}
    chosen = value.get("taxonomy") or value.get("choices") or ()
    return [str(choice[-1] if isinstance(choice, list) else choice) for choice in chosen]
