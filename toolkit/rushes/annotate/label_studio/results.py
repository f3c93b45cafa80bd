"""Results of Label Studio → labels: what was drawn, on the stored picture, with nothing left out in silence.

A *result* is one entry of an annotation; results of one id are one *region* (a box and what was chosen for it).
Geometry is percent of the picture as shown. What cannot be read becomes a problem, and stays in the raw version.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rushes import masks
from rushes.annotate.label_studio import brush, clips
from rushes.annotate.label_studio.orientation import Turn
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.template import HIDDEN, Control, Template
from rushes.labels import (
    Box,
    Geometry,
    Keypoints,
    Label,
    LabelOrigin,
    LabelSource,
    Polygon,
    Relation,
    RotatedBox,
    digest_of,
)
from rushes.vocabulary import Ontology

Result = Mapping[str, Any]
TOOL = "label-studio"
_ORIGINS: Mapping[str, LabelOrigin] = {
    "manual": "manual",
    "prediction": "prediction",
    "prediction-changed": "prediction-changed",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something about a result that a person should look at.

    Args:
        kind: unknown-label, unknown-control, size-differs, unreadable, loose-point, dangling-relation,
            picture-differs or unchecked.
        said: A clause with the facts.
    """

    kind: str
    said: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where results come from: what all labels of one annotation share.

    Args:
        scope: Text that names the annotation among all: server's project and annotation.
        model: Hash of the model whose prediction was shown, if one was.
    """

    scope: str
    source: LabelSource = "human"
    author: str | None = None
    created_ns: int | None = None
    updated_ns: int | None = None
    event_id: str | None = None
    model: str | None = None


@dataclass(slots=True)
class Read:
    """What the results of one annotation say."""

    labels: list[Label] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read(
    results: Sequence[Result],
    template: Template,
    passports: Mapping[str, Passport],
    ontology: Ontology,
    origin: Origin,
) -> Read:
    """Read the results of one annotation.

    Args:
        results: As the server holds them.
        template: That the task was made with.
        passports: By object name.
        ontology: Names that classes had before are read as the class.
        origin: Of the annotation.

    Returns:
        The labels in the order of their regions, relations last, and the problems.
    """
    return _Reader(template, passports, ontology, origin).read(results)


def to_pixels(percent: float, size_px: int) -> float:
    """Give a length or place in pixels: percent of a picture's size."""
    return percent * size_px / 100


class _Reader:
    """The reading of one annotation; the steps share what they have found."""

    def __init__(
        self, template: Template, passports: Mapping[str, Passport], ontology: Ontology, origin: Origin
    ) -> None:
        self._template = template
        self._passports = passports
        self._ontology = ontology
        self._origin = origin
        self._out = Read()
        self._of_region: dict[str, str] = {}  # label id by region id

    def read(self, results: Sequence[Result]) -> Read:
        regions = _regions(results)
        points: list[tuple[str, list[Result], Control, Passport]] = []
        for region, entries in regions.items():
            main, control = self._main(entries)
            if main is None or control is None:
                continue
            passport = self._passports.get(control.to_name)
            if passport is None:
                self._problem("unknown-control", f"'{control.to_name}' shows nothing that we have sent")
                continue
            self._check_size(main, passport)
            if control.meaning == "points":
                points.append((region, entries, control, passport))
            elif control.meaning == "segment":
                self._segments(region, main, passport)
            elif control.meaning == "track":
                self._track(region, entries, main, passport)
            elif control.meaning in ("class", "taxonomy"):
                self._classes(region, main, control, passport)
            else:
                self._shape(region, entries, main, control, passport)
        self._keypoints(points)
        for entry in results:
            if entry.get("type") == "relation":
                self._relation(entry)
        return self._out

    def _main(self, entries: Sequence[Result]) -> tuple[Result | None, Control | None]:
        """Find the entry of a region that is drawn or chosen by itself."""
        for entry in entries:
            control = self._template.controls.get(str(entry.get("from_name")))
            if control is None:
                self._problem("unknown-control", f"'{entry.get('from_name')}' is no control of ours")
            elif control.meaning not in ("attribute", "hidden", "track class"):
                return entry, control
        return None, None

    def _shape(
        self, region: str, entries: Sequence[Result], main: Result, control: Control, passport: Passport
    ) -> None:
        geometry = self._geometry(main, control, passport.turn)
        if geometry is None:
            return
        label = self._label(region, main, passport, class_name=self._class_name(main))
        label = replace(
            label,
            kind=_kind(geometry),
            geometry=geometry,
            attributes=self._attributes(entries),
            received={"results": [dict(entry) for entry in entries]},
        )
        self._keep(label, region)

    def _geometry(self, main: Result, control: Control, turn: Turn) -> Geometry | None:
        value = main.get("value", {})
        try:
            match control.meaning:
                case "box":
                    return box_of(value, turn)
                case "polygon":
                    return polygon_of(value, turn)
                case "mask":
                    return mask_of(value, turn)
        except (KeyError, TypeError, ValueError) as error:
            self._problem("unreadable", f"a {main.get('type')} cannot be read: {error}")
            return None
        self._problem("unknown-control", f"'{control.name}' gives results of a kind that is not read")
        return None

    def _keypoints(self, points: Iterable[tuple[str, list[Result], Control, Passport]]) -> None:
        """Gather points into hands: by the box they belong to; points without one by the box they lie in."""
        gathered: dict[tuple[str, str | None, int], list[tuple[str, list[Result]]]] = {}
        control_of: dict[tuple[str, str | None, int], tuple[Control, Passport]] = {}
        for region, entries, control, passport in points:
            main = entries[0]
            parent = main.get("parentID")
            parent_id = self._of_region.get(str(parent)) if parent else self._around(main, control, passport)
            name, turn = _name_of(main), 0
            while any(
                _name_of(other[0]) == name for _, other in gathered.get((control.name, parent_id, turn), ())
            ):
                turn += 1  # the same point once more: another hand
            key = (control.name, parent_id, turn)
            gathered.setdefault(key, []).append((region, entries))
            control_of[key] = (control, passport)
        for key, members in gathered.items():
            self._one_skeleton(key[1], members, *control_of[key])

    def _one_skeleton(
        self,
        parent_id: str | None,
        members: Sequence[tuple[str, list[Result]]],
        control: Control,
        passport: Passport,
    ) -> None:
        skeleton = self._ontology.skeleton(control.of)
        assert skeleton is not None, "controls of points are made of skeletons"
        triples = [0.0] * (3 * len(skeleton.points))
        strange = []
        for _, entries in members:
            main, name = entries[0], _name_of(entries[0])
            if name not in skeleton.points:
                strange.append(name)
                continue
            at = 3 * skeleton.points.index(name)
            x, y = point_of(main["value"], passport.turn)
            hidden = any(HIDDEN in (entry.get("value", {}).get("choices") or ()) for entry in entries[1:])
            triples[at : at + 3] = [x, y, 1.0 if hidden else 2.0]
        for name in strange:
            self._problem("unknown-label", f"'{name}' is no point of the skeleton '{skeleton.name}'")
        if parent_id is None:
            self._problem("loose-point", f"{len(members)} points of '{skeleton.name}' belong to no box")
        parent = next((label for label in self._out.labels if label.label_id == parent_id), None)
        having = [spec.name for spec in self._ontology.classes if spec.skeleton == skeleton.name]
        class_name = parent.class_name if parent else having[0] if len(having) == 1 else None
        first_region, first_entries = members[0]
        name = f"points of {parent_id}" if parent_id else first_region
        label = self._label(name, first_entries[0], passport, class_name=class_name)
        label = replace(
            label,
            kind="keypoints",
            geometry=Keypoints(triples=tuple(triples)),
            parent_id=parent_id,
            attributes=dict(parent.attributes) if parent else {},
            received={"results": [dict(entry) for _, entries in members for entry in entries]},
        )
        self._keep(label, first_region)
        for region, _ in members:
            self._of_region[region] = label.label_id

    def _around(self, main: Result, control: Control, passport: Passport) -> str | None:
        """Find the smallest box of the skeleton's classes that a loose point lies in."""
        having = {spec.name for spec in self._ontology.classes if spec.skeleton == control.of}
        try:
            x, y = point_of(main["value"], passport.turn)
        except (KeyError, TypeError):
            return None
        around = [
            label
            for label in self._out.labels
            if label.kind == "box"
            and label.stream == passport.stream
            and label.class_name in having
            and isinstance(label.geometry, Box)
            and 0 <= x - label.geometry.x_px <= label.geometry.width_px
            and 0 <= y - label.geometry.y_px <= label.geometry.height_px
        ]
        smallest = min(around, key=_area, default=None)
        return smallest.label_id if smallest else None

    def _classes(self, region: str, main: Result, control: Control, passport: Passport) -> None:
        chosen = main.get("value", {}).get("taxonomy" if control.meaning == "taxonomy" else "choices") or ()
        for choice in chosen:
            path = [str(step) for step in choice] if isinstance(choice, list) else [str(choice)]
            known = self._known(path[-1])
            label = self._label(f"{region}/{'/'.join(path)}", main, passport, class_name=known)
            attributes = {"path": path} if len(path) > 1 else {}
            self._keep(replace(label, attributes=attributes, received={"results": [dict(main)]}), region)

    def _segments(self, region: str, main: Result, passport: Passport) -> None:
        """Read ranges of frames: a label for each."""
        for at, drawn in enumerate(main.get("value", {}).get("ranges") or ()):
            try:
                first, end = clips.span_of(drawn["start"], drawn["end"], passport)
            except (KeyError, TypeError, ValueError) as error:
                self._problem("unreadable", f"a segment cannot be read: {error}")
                continue
            name = _name_of(main)
            spec = self._ontology.gesture_of(name)
            if spec is None:
                self._problem("unknown-label", f"'{name}' is no gesture of the ontology")
            label = self._label(f"{region}/{at}" if at else region, main, passport, class_name=None)
            label = replace(
                label, kind="segment", class_name=spec.name if spec else name, index=first, index_end=end
            )
            self._keep(replace(label, received={"results": [dict(main)]}), region)

    def _track(self, region: str, entries: Sequence[Result], main: Result, passport: Passport) -> None:
        try:
            track = clips.track_of(main.get("value", {}), passport)
        except (KeyError, TypeError, ValueError) as error:
            self._problem("unreadable", f"a track cannot be read: {error}")
            return
        name = next((found for entry in entries for found in _names_of(entry)), "")
        label = self._label(region, main, passport, class_name=self._known(name) if name else None)
        received = {"results": [dict(entry) for entry in entries]}
        first = track.keys[0].index
        # As people see it: to the end of the clip, unless its last key says that it is not seen from there on.
        end = passport.index_end if track.keys[-1].shown else track.keys[-1].index
        self._keep(
            replace(label, kind="track", geometry=track, index=first, index_end=end, received=received), region
        )

    def _relation(self, entry: Result) -> None:
        sides = [self._of_region.get(str(entry.get(side))) for side in ("from_id", "to_id")]
        if entry.get("direction") == "left":
            sides.reverse()
        subject, object_ = sides
        if subject is None or object_ is None:
            self._problem("dangling-relation", "a relation joins a region that is not there")
            return
        names: Sequence[str | None] = entry.get("labels") or [None]
        first = next(label for label in self._out.labels if label.label_id == subject)
        for name in names:
            spec = self._ontology.relation_of(name) if name else None
            if name and spec is None:
                self._problem("unknown-label", f"'{name}' is no relation of the ontology")
            label_id = digest_of(TOOL, self._origin.scope, "relation", subject, object_, name)
            self._out.labels.append(
                replace(
                    first,
                    label_id=label_id,
                    kind="relation",
                    class_name=spec.name if spec else name,
                    geometry=Relation(subject_id=subject, object_id=object_),
                    parent_id=None,
                    attributes={},
                    score=None,
                    origin=None,
                    received={"results": [dict(entry)]},
                )
            )

    def _label(self, region: str, main: Result, passport: Passport, *, class_name: str | None) -> Label:
        origin = self._origin
        return Label(
            label_id=digest_of(TOOL, origin.scope, region),
            recording_id=passport.recording_id,
            kind="class",
            source=origin.source,
            class_name=class_name,
            stream=passport.stream,
            index=passport.index,
            moment=passport.moment,
            t_start_ns=passport.t_ns,
            image_width_px=passport.width_px,
            image_height_px=passport.height_px,
            score=_number(main.get("score")),
            tool=TOOL,
            author=origin.author,
            model=origin.model,
            origin=_ORIGINS.get(str(main.get("origin"))),
            created_ns=origin.created_ns,
            updated_ns=origin.updated_ns,
            event_id=origin.event_id,
        )

    def _keep(self, label: Label, region: str) -> None:
        self._of_region[region] = label.label_id
        self._out.labels.append(label)

    def _class_name(self, main: Result) -> str | None:
        name = _name_of(main)
        return self._known(name) if name else None

    def _known(self, name: str) -> str:
        """Give the class's present name; one that the ontology never had is kept as drawn, and told."""
        spec = self._ontology.class_of(name)
        if spec is None:
            self._problem("unknown-label", f"'{name}' is no class of the ontology")
        return spec.name if spec else name

    def _attributes(self, entries: Iterable[Result]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for entry in entries:
            control = self._template.controls.get(str(entry.get("from_name")))
            if control and control.meaning == "attribute":
                value = entry.get("value", {})
                spec = self._ontology.attribute(control.of)
                found[control.of] = _attribute(value, spec.kind if spec else "text")
        return found

    def _check_size(self, main: Result, passport: Passport) -> None:
        turn = passport.turn
        told = (main.get("original_width"), main.get("original_height"))
        wanted = (turn.shown_width_px, turn.shown_height_px)
        if None not in told and told != wanted:
            self._problem(
                "size-differs",
                f"drawn on a picture of {told[0]}x{told[1]}, and {passport.stream} {passport.index} "
                f"is shown as {wanted[0]}x{wanted[1]}",
            )

    def _problem(self, kind: str, said: str) -> None:
        self._out.problems.append(Problem(kind=kind, said=said))


def box_of(value: Mapping[str, Any], turn: Turn) -> Box | RotatedBox:
    """Read a rectangle; a KeyError, TypeError or ValueError if it is none."""
    width, height = turn.shown_width_px, turn.shown_height_px
    x, y = to_pixels(value["x"], width), to_pixels(value["y"], height)
    wide, tall = to_pixels(value["width"], width), to_pixels(value["height"], height)
    rotation = value.get("rotation") or 0
    if rotation:
        return turn.rotated_box_stored(
            RotatedBox(x_px=x, y_px=y, width_px=wide, height_px=tall, rotation_deg=float(rotation))
        )
    return turn.box_stored(Box(x_px=x, y_px=y, width_px=wide, height_px=tall))


def polygon_of(value: Mapping[str, Any], turn: Turn) -> Polygon:
    """Read a polygon; an error as :func:`box_of`."""
    ring: list[float] = []
    for x, y in value["points"]:
        ring += turn.point_stored(to_pixels(x, turn.shown_width_px), to_pixels(y, turn.shown_height_px))
    return Polygon(rings=(tuple(ring),))


def mask_of(value: Mapping[str, Any], turn: Turn) -> Geometry:
    """Read a brush mask; an error as :func:`box_of`."""
    shown = brush.decode(value["rle"], width_px=turn.shown_width_px, height_px=turn.shown_height_px)
    return masks.encode(turn.pixels_stored(shown))


def point_of(value: Mapping[str, Any], turn: Turn) -> tuple[float, float]:
    """Read a point; an error as :func:`box_of`."""
    return turn.point_stored(
        to_pixels(value["x"], turn.shown_width_px), to_pixels(value["y"], turn.shown_height_px)
    )


def _regions(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Gather results by their region, in order, the drawn one first as the tool writes it."""
    regions: dict[str, list[Result]] = {}
    for at, entry in enumerate(results):
        if entry.get("type") != "relation":
            regions.setdefault(str(entry.get("id", f"nameless {at}")), []).append(entry)
    return regions


def _kind(geometry: Geometry) -> Any:
    return {Box: "box", RotatedBox: "rotated_box", Polygon: "polygon"}.get(type(geometry), "mask")


def _names_of(entry: Result) -> Iterator[str]:
    value = entry.get("value", {})
    for key in ("rectanglelabels", "polygonlabels", "brushlabels", "keypointlabels", "timelinelabels", "labels"):
        yield from (str(name) for name in value.get(key) or ())


def _name_of(entry: Result) -> str:
    return next(_names_of(entry), "")


def _attribute(value: Mapping[str, Any], kind: str) -> Any:
    if kind == "number":
        return value.get("number")
    if kind == "text":
        said = value.get("text")
        return "\n".join(said) if isinstance(said, list) else said
    choices = [str(choice) for choice in value.get("choices") or ()]
    if kind == "flag":
        return bool(choices)
    return choices if kind == "choices" else (choices[0] if choices else None)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _area(label: Label) -> float:
    assert isinstance(label.geometry, Box)
    return label.geometry.width_px * label.geometry.height_px
