"""Ontologies: YAML → a checked, frozen Ontology; unknown keys and names are refused with a suggestion."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rushes import documents, registry, resources
from rushes.errors import RecipeError
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, RelationSpec, Skeleton


def named() -> dict[str, Path]:
    """Give the ontologies that come with the package, by name."""
    return documents.named(resources.folder("pipelines") / "ontologies")


def find(ontology: str) -> Path:
    """Find an ontology by its path, or by the name of one that comes with the package.

    Raises:
        RecipeError: ``ontology.absent`` with a close match.
    """
    path = documents.find(ontology, named())
    if path is None:
        raise RecipeError(
            f"there is no ontology '{ontology}'",
            code="ontology.absent",
            hint=documents.hint_for(ontology, named()),
        )
    return path


def load(ontology: str | Path) -> Ontology:
    """Read and check an ontology.

    Args:
        ontology: Path of a YAML file, or the name of one that comes with the package.

    Raises:
        RecipeError: ``ontology.absent``, ``ontology.yaml`` or ``ontology.invalid``, with place and close match.
    """
    path = find(str(ontology))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _not_yaml(path.name, error) from error
    return parse(text, where=path.name)


def parse(text: str, *, where: str) -> Ontology:
    """Check an ontology that is given as YAML text; raises as :func:`load`.

    Args:
        text: The YAML.
        where: What to call it in messages.
    """
    try:
        body = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise _not_yaml(where, error) from error
    _validate(where, body)
    for place, message, hint in _slips(body):
        raise _invalid(where, place, message, hint)
    read = Ontology(
        name=body["name"],
        about=body.get("about", ""),
        classes=_classes(body.get("classes", ())),
        gestures=_classes(body.get("gestures", ())),
        attributes=tuple(AttributeSpec(**_frozen(spec)) for spec in body.get("attributes", ())),
        skeletons=tuple(Skeleton(**_frozen(spec)) for spec in body.get("skeletons", ())),
        relations=tuple(RelationSpec(**_frozen(spec)) for spec in body.get("relations", ())),
    )
    said = json.dumps(_body(read), sort_keys=True)
    return replace(read, digest=hashlib.sha256(said.encode()).hexdigest()[:16])


def as_yaml(ontology: Ontology) -> str:
    """Write an ontology so that :func:`parse` gives it back, defaults left out."""
    return yaml.safe_dump(_body(ontology), sort_keys=False, allow_unicode=True, width=110)


def _body(ontology: Ontology) -> dict[str, Any]:
    body: dict[str, Any] = {"ontology": 1, "name": ontology.name}
    if ontology.about:
        body["about"] = ontology.about
    for part in ("classes", "attributes", "skeletons", "relations", "gestures"):
        specs = getattr(ontology, part)
        if specs:
            body[part] = [_plain(spec) for spec in specs]
    return body


def from_classes(name: str, classes: Iterable[str | ClassSpec], *, skeletons: Iterable[Skeleton] = ()) -> Ontology:
    """Make an ontology of classes in their order, as label files of others give them; raises as :func:`load`."""
    specs = [ClassSpec(name=given, id=at) if isinstance(given, str) else given for at, given in enumerate(classes)]
    return parse(as_yaml(Ontology(name=name, classes=tuple(specs), skeletons=tuple(skeletons))), where=name)


def _plain(spec: Any) -> dict[str, Any]:
    held = {key: getattr(spec, key) for key in spec.__dataclass_fields__}
    return {
        key: json.loads(json.dumps(value))
        for key, value in held.items()
        if value is not None and value is not False and value not in ((), "")
    }


def _classes(specs: Iterable[Mapping[str, Any]]) -> tuple[ClassSpec, ...]:
    return tuple(ClassSpec(**{"id": at, **_frozen(spec)}) for at, spec in enumerate(specs))


def _frozen(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _tuples(value) for key, value in spec.items()}


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _not_yaml(where: str, error: Exception) -> RecipeError:
    told, hint = documents.unreadable(error)
    return RecipeError(f"{where}: is not YAML: {told}", code="ontology.yaml", hint=hint)


def _invalid(where: str, place: str, message: str, hint: str) -> RecipeError:
    return RecipeError(
        f"{where}, at {place}: {message}",
        code="ontology.invalid",
        hint=hint or "rushes schema ontology shows what an ontology may say",
        facts={"file": where, "place": place},
    )


def _validate(where: str, body: Any) -> None:
    slip = documents.first_slip(body, "ontology")
    if slip is not None:
        raise _invalid(where, slip.place, slip.message, f"did you mean '{slip.near}'?" if slip.near else "")


def _slips(body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Find what the schema cannot say: place, message and hint of each."""
    for part in ("classes", "gestures", "attributes", "skeletons", "relations"):
        yield from _doubled(part, body.get(part, ()))
    for part in ("classes", "gestures"):
        yield from _class_slips(part, body)
    for at, spec in enumerate(body.get("attributes", ())):
        if ("values" in spec) != (spec["kind"] in ("choice", "choices")):
            yield (
                f"attributes.{at}",
                f"'{spec['name']}' is a {spec['kind']}",
                "values belong to choices, and only there",
            )
    for at, spec in enumerate(body.get("skeletons", ())):
        yield from _skeleton_slips(f"skeletons.{at}", spec)
    classes = [spec["name"] for spec in body.get("classes", ())]
    for at, spec in enumerate(body.get("relations", ())):
        for side in ("subjects", "objects"):
            yield from _strangers(f"relations.{at}.{side}", "class", spec.get(side, ()), classes)


def _doubled(part: str, specs: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, str, str]]:
    seen: dict[str, int] = {}
    numbers: dict[int, str] = {}
    for at, spec in enumerate(specs):
        for name in (spec["name"], *spec.get("formerly", ())):
            if name in seen:
                yield f"{part}.{at}", f"'{name}' is the name of {part}.{seen[name]} too", "names are given once"
            seen[name] = at
        if "id" in spec:
            if spec["id"] in numbers:
                yield (
                    f"{part}.{at}",
                    f"id {spec['id']} is that of '{numbers[spec['id']]}' too",
                    "ids are given once",
                )
            numbers[spec["id"]] = spec["name"]
    if numbers and len(numbers) < sum(1 for _ in specs):
        yield part, "some have an id and some have none", "give every one an id, or none"


def _class_slips(part: str, body: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    specs = body.get(part, ())
    names = {spec["name"]: spec for spec in specs}
    skeletons = [spec["name"] for spec in body.get("skeletons", ())]
    attributes = [spec["name"] for spec in body.get("attributes", ())]
    for at, spec in enumerate(specs):
        place = f"{part}.{at}"
        yield from _strangers(
            f"{place}.skeleton", "skeleton", [spec["skeleton"]] if "skeleton" in spec else (), skeletons
        )
        yield from _strangers(f"{place}.attributes", "attribute", spec.get("attributes", ()), attributes)
        yield from _strangers(f"{place}.parent", "class", [spec["parent"]] if "parent" in spec else (), names)
        line, above = [spec["name"]], spec.get("parent")
        while above in names and above not in line:
            line.append(above)
            above = names[above].get("parent")
        if above in line:
            yield f"{place}.parent", f"'{spec['name']}' is a kind of itself", "take out one of the parents"


def _skeleton_slips(place: str, spec: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    points = spec["points"]
    for key in ("edges", "flips"):
        for at, pair in enumerate(spec.get(key, ())):
            yield from _strangers(f"{place}.{key}.{at}", "point", pair, points)
            if pair[0] == pair[1]:
                yield f"{place}.{key}.{at}", f"'{pair[0]}' stands on both sides", ""
    flipped = [point for pair in spec.get("flips", ()) for point in pair]
    for point in flipped:
        if flipped.count(point) > 1:
            yield f"{place}.flips", f"'{point}' is in two pairs", "a point changes places with one other"
    if spec.get("sigmas") and len(spec["sigmas"]) != len(points):
        yield f"{place}.sigmas", f"{len(spec['sigmas'])} sigmas for {len(points)} points", "give one a point"


def _strangers(
    place: str, what: str, names: Iterable[str], known: Iterable[str]
) -> Iterator[tuple[str, str, str]]:
    known = list(known)
    for name in names:
        if name not in known:
            near = registry.close_to(name, known)
            yield place, f"there is no {what} '{name}'", f"did you mean '{near}'?" if near else ""
