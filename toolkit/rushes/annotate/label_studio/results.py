"""Results of Label Studio → labels: what was drawn, on the stored picture, with nothing left out in silence.

What cannot be read becomes a problem, and stays in the raw version.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from rushes.annotate.label_studio import clips, geometry, regions, skeletons
from rushes.annotate.label_studio.axes import Axis, Span
from rushes.annotate.label_studio.orientation import Turn
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.regions import Result
from rushes.annotate.label_studio.skeletons import Gathered, Point
from rushes.annotate.label_studio.template import Control, Template
from rushes.labels import (
    Box,
    Geometry,
    Label,
    LabelOrigin,
    LabelSource,
    Polygon,
    Relation,
    RotatedBox,
    digest_of,
)
from rushes.vocabulary import Ontology

_NO_AXES: Mapping[str, Axis] = {}
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
        kind: unknown-label, unknown-control, size-differs, unreadable, no-axis, axis-differs, loose-point,
            dangling-relation, picture-differs or unchecked.
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
    axes: Mapping[str, Axis] = _NO_AXES,
) -> Read:
    """Read the results of one annotation.

    Args:
        results: As the server holds them.
        template: That the task was made with.
        passports: By object name.
        ontology: Names that classes had before are read as the class.
        origin: Of the annotation.
        axes: Of what is shown over time, by object name.

    Returns:
        The labels in the order of their regions, relations last, and the problems.
    """
    return _Reader(template, passports, ontology, origin, axes).read(results)


class _Reader:
    """The reading of one annotation; the steps share what they have found."""

    def __init__(
        self,
        template: Template,
        passports: Mapping[str, Passport],
        ontology: Ontology,
        origin: Origin,
        axes: Mapping[str, Axis],
    ) -> None:
        self._template = template
        self._axes = axes
        self._passports = passports
        self._ontology = ontology
        self._origin = origin
        self._out = Read()
        self._of_region: dict[str, str] = {}  # label id by region id

    def read(self, results: Sequence[Result]) -> Read:
        points: list[Point] = []
        for region, entries in regions.regions(results).items():
            main, control = self._main(entries)
            if main is None or control is None:
                continue
            passport = self._passports.get(control.to_name)
            if passport is None:
                self._problem("unknown-control", f"'{control.to_name}' shows nothing that we have sent")
                continue
            self._check_size(main, passport)
            if control.meaning == "points":
                points.append(Point(region=region, entries=entries, control=control, passport=passport))
            else:
                self._region(region, entries, main, control, passport)
        for gathered in skeletons.gather(points, self._of_region, self._out.labels, self._ontology):
            self._skeleton(gathered)
        for entry in results:
            if entry.get("type") == "relation":
                self._relation(entry)
        return self._out

    def _region(
        self, region: str, entries: Sequence[Result], main: Result, control: Control, passport: Passport
    ) -> None:
        """Read a region that is a label, or several, by itself."""
        match control.meaning:
            case "segment":
                self._segments(region, main, passport)
            case "stretch":
                self._stretch(region, main, control, passport)
            case "track":
                self._track(region, entries, main, passport)
            case "class" | "taxonomy":
                self._classes(region, main, control, passport)
            case _:
                self._shape(region, entries, main, control, passport)

    def _main(self, entries: Sequence[Result]) -> tuple[Result | None, Control | None]:
        """Find the entry of a region that is drawn or chosen by itself."""
        for entry in entries:
            control = self._template.control(str(entry.get("from_name")))
            if control is None:
                self._problem("unknown-control", f"'{entry.get('from_name')}' is no control of ours")
            elif control.meaning not in ("attribute", "hidden", "track class"):
                return entry, control
        return None, None

    def _shape(
        self, region: str, entries: Sequence[Result], main: Result, control: Control, passport: Passport
    ) -> None:
        shape = self._geometry(main, control, passport.turn)
        if shape is None:
            return
        label = self._label(region, main, passport, class_name=self._class_name(main))
        label = replace(
            label,
            kind=_kind(shape),
            geometry=shape,
            attributes=self._attributes(entries),
            received={"results": [dict(entry) for entry in entries]},
        )
        self._keep(label, region)

    def _geometry(self, main: Result, control: Control, turn: Turn) -> Geometry | None:
        value = main.get("value", {})
        try:
            match control.meaning:
                case "box":
                    return geometry.box_of(value, turn)
                case "polygon":
                    return geometry.polygon_of(value, turn)
                case "mask":
                    return geometry.mask_of(value, turn)
        except (KeyError, TypeError, ValueError) as error:
            self._problem("unreadable", f"a {main.get('type')} cannot be read: {error}")
            return None
        self._problem("unknown-control", f"'{control.name}' gives results of a kind that is not read")
        return None

    def _skeleton(self, gathered: Gathered) -> None:
        """Make a label of the points of one hand."""
        first = gathered.points[0]
        skeleton = self._ontology.skeleton(first.control.of)
        assert skeleton is not None, "controls of points are made of skeletons"
        points = skeletons.keypoints_of(
            gathered.points,
            skeleton,
            lambda name: self._problem("unknown-label", f"'{name}' is no point of the skeleton '{skeleton.name}'"),
        )
        parent_id = gathered.parent_id
        if parent_id is None:
            said = f"{len(gathered.points)} points of '{skeleton.name}' belong to no box"
            self._problem("loose-point", said)
        parent = next((label for label in self._out.labels if label.label_id == parent_id), None)
        having = [spec.name for spec in self._ontology.classes if spec.skeleton == skeleton.name]
        class_name = parent.class_name if parent else having[0] if len(having) == 1 else None
        name = f"points of {parent_id}" if parent_id else first.region
        label = replace(
            self._label(name, first.entries[0], first.passport, class_name=class_name),
            kind="keypoints",
            geometry=points,
            parent_id=parent_id,
            attributes=dict(parent.attributes) if parent else {},
            received={"results": [dict(entry) for entry in gathered.results]},
        )
        self._keep(label, first.region)
        for point in gathered.points:
            self._of_region[point.region] = label.label_id

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
            label = self._label(f"{region}/{at}" if at else region, main, passport, class_name=self._gesture(main))
            label = replace(label, kind="segment", index=first, index_end=end)
            self._keep(replace(label, received={"results": [dict(main)]}), region)

    def _stretch(self, region: str, main: Result, control: Control, passport: Passport) -> None:
        """Read a stretch of a time axis: the samples that it covers, and when."""
        axis, value = self._axes.get(control.to_name), main.get("value", {})
        if axis is None:
            self._problem(
                "no-axis", f"the times of {passport.stream} are not known, so a stretch of it is no label"
            )
            return
        try:
            span = axis.span_of(value["start"], value["end"])
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            self._problem("unreadable", f"a stretch of {passport.stream} cannot be read: {error}")
            return
        label = self._label(region, main, passport, class_name=self._gesture(main))
        label = replace(
            label,
            kind="segment",
            index=span.index,
            index_end=span.index_end,
            t_start_ns=span.t_start_ns,
            t_end_ns=span.t_end_ns,
            attributes=_sound_attributes(span, value),
            received={"results": [dict(main)]},
        )
        self._keep(label, region)

    def _gesture(self, main: Result) -> str:
        """Give the gesture's present name; one that the ontology never had is kept as drawn, and told."""
        name = regions.name_of(main)
        spec = self._ontology.gesture_of(name)
        if spec is None:
            self._problem("unknown-label", f"'{name}' is no gesture of the ontology")
        return spec.name if spec else name

    def _track(self, region: str, entries: Sequence[Result], main: Result, passport: Passport) -> None:
        try:
            track = clips.track_of(main.get("value", {}), passport)
        except (KeyError, TypeError, ValueError) as error:
            self._problem("unreadable", f"a track cannot be read: {error}")
            return
        name = next((found for entry in entries for found in regions.names_of(entry)), "")
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
            image_width_px=passport.width_px or None,
            image_height_px=passport.height_px or None,
            score=regions.number_of(main.get("score")),
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
        name = regions.name_of(main)
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
            control = self._template.control(str(entry.get("from_name")))
            if control and control.meaning == "attribute":
                value = entry.get("value", {})
                spec = self._ontology.attribute(control.of)
                found[control.of] = regions.attribute_of(value, spec.kind if spec else "text")
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


def _kind(geometry: Geometry) -> Any:
    return {Box: "box", RotatedBox: "rotated_box", Polygon: "polygon"}.get(type(geometry), "mask")


def _sound_attributes(span: Span, value: Mapping[str, Any]) -> dict[str, Any]:
    """Say which samples of a sound a stretch covers: the rows of its table are blocks of them."""
    if span.sample is None:
        return {}
    return {"sample": span.sample, "sample_end": span.sample_end, "channel": value.get("channel", 0)}
