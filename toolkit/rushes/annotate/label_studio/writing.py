"""Labels → results of Label Studio: pre-annotations, as the server will hold them.

A label that came from Label Studio and was not changed since goes back with the numbers it came with, to the last
bit. Any other geometry becomes percent of the picture as shown.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.annotate.label_studio import clips
from rushes.annotate.label_studio.axes import Axis, SoundAxis
from rushes.annotate.label_studio.geometry import point_value, value_of
from rushes.annotate.label_studio.orientation import Turn
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import TOOL, Origin, read
from rushes.annotate.label_studio.template import HIDDEN, Control, Template
from rushes.labels import Box, Geometry, Keypoints, Label, Mask, Polygon, Relation, RotatedBox, Track
from rushes.vocabulary import ClassSpec, Ontology

_NO_AXES: Mapping[str, Axis] = {}
POINT_WIDTH = 0.5
"""Size of a drawn keypoint, percent of the picture's width."""
_MEANING: Mapping[type, str] = {
    Box: "box",
    RotatedBox: "box",
    Polygon: "polygon",
    Mask: "mask",
    Keypoints: "points",
}
_TYPES: Mapping[str, str] = {"box": "rectanglelabels", "polygon": "polygonlabels", "mask": "brushlabels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A label that cannot be shown as a pre-annotation, and why."""

    label_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of some labels."""

    results: Sequence[dict[str, Any]]
    refused: Sequence[Refused]


def write(
    labels: Sequence[Label],
    template: Template,
    passports: Mapping[str, Passport],
    ontology: Ontology,
    axes: Mapping[str, Axis] = _NO_AXES,
) -> Written:
    """Write the labels of one task.

    Every label is held against the ontology, the template and the picture; one that does not fit is refused with
    its reason, never bent.

    Args:
        labels: All on pictures of ``passports``.
        template: Of the task.
        passports: By object name.
        ontology: Of the template.
        axes: Of what is shown over time, by object name.
    """
    return _Writer(template, passports, ontology, axes).write(labels)


class _Writer:
    """The writing of one task; the steps share what was refused."""

    def __init__(
        self,
        template: Template,
        passports: Mapping[str, Passport],
        ontology: Ontology,
        axes: Mapping[str, Axis],
    ) -> None:
        self._template = template
        self._axes = axes
        self._ontology = ontology
        self._clips = {name: p for name, p in passports.items() if p.index_end is not None}
        self._object_of = {(p.recording_id, p.stream, p.index): name for name, p in passports.items()}
        self._passports = passports
        self._refused: list[Refused] = []

    def write(self, labels: Sequence[Label]) -> Written:
        results: list[dict[str, Any]] = []
        region_of: dict[str, str] = {}
        ordered = sorted(labels, key=lambda label: (label.kind == "relation", label.kind == "keypoints"))
        for label in ordered:
            why = self._misfit(label, region_of)
            written = [] if why else self._label(label, region_of)
            if written:
                region_of[label.label_id] = str(written[0].get("id", ""))
                results += written
            else:
                self._refused.append(
                    Refused(label_id=label.label_id, why=why or f"no control shows a {label.kind}")
                )
        return Written(results=results, refused=self._refused)

    def _misfit(self, label: Label, region_of: Mapping[str, str]) -> str:
        """Say why a label cannot be shown; empty where it can."""
        if isinstance(label.geometry, Relation):
            sides = (label.geometry.subject_id, label.geometry.object_id)
            return "" if all(side in region_of for side in sides) else "what it joins is not shown"
        name = self._object(label)
        if name is None:
            return "its picture is not part of the task"
        if self._spec(label) is None:
            what = "gesture" if label.kind == "segment" else "class"
            return f"'{label.class_name}' is no {what} of the ontology"
        passport = self._passports[name]
        if label.image_width_px is not None and (label.image_width_px, label.image_height_px) != (
            passport.width_px,
            passport.height_px,
        ):
            return (
                f"it belongs to a picture of {label.image_width_px}x{label.image_height_px}, "
                f"not {passport.width_px}x{passport.height_px}"
            )
        if not all(math.isfinite(number) for number in _numbers(label.geometry)):
            return "its geometry is not finite"
        return _outside(label.geometry, passport)

    def _label(self, label: Label, region_of: Mapping[str, str]) -> list[dict[str, Any]]:
        if (held := self._as_received(label)) is not None:
            return held
        if isinstance(label.geometry, Relation):
            return [
                {
                    "type": "relation",
                    "from_id": region_of[label.geometry.subject_id],
                    "to_id": region_of[label.geometry.object_id],
                    "direction": "right",
                    "labels": [label.class_name] if label.class_name else [],
                }
            ]
        name = self._object(label)
        assert name is not None, "misfits were refused"
        if name in self._axes:
            return self._on_axis(label, name, self._axes[name])
        if name in self._clips:
            return self._on_clip(label, name, self._clips[name])
        turn = self._passports[name].turn
        if isinstance(label.geometry, Keypoints):
            return list(self._points(label, name, turn, region_of))
        if label.kind == "class":
            return self._choice(label, name)
        control = self._control(_MEANING[type(label.geometry)], name)
        if control is None:
            return []
        kind = _TYPES[control.meaning]
        value = {**value_of(label.geometry, turn), kind: [self._class(label)]}
        main = self._result(label.label_id, control, kind, value, turn, label)
        return [main, *self._attributes(label, main, value, name, turn)]

    def _points(
        self, label: Label, name: str, turn: Turn, region_of: Mapping[str, str]
    ) -> Iterator[dict[str, Any]]:
        skeleton = self._ontology.skeleton_of(label.class_name)
        control = self._control("points", name, of=skeleton.name if skeleton else "")
        hidden = self._control("hidden", name, of=skeleton.name if skeleton else "")
        assert isinstance(label.geometry, Keypoints)
        triples = label.geometry.triples
        if skeleton is None or control is None or hidden is None or len(triples) != 3 * len(skeleton.points):
            return
        for at, point in enumerate(skeleton.points):
            x, y, seen = triples[3 * at : 3 * at + 3]
            if not seen:
                continue
            value = {**point_value(x, y, turn), "width": POINT_WIDTH, "keypointlabels": [point]}
            region = f"{label.label_id}_{at}"
            main = self._result(region, control, "keypointlabels", value, turn, label)
            if label.parent_id in region_of:
                main["parentID"] = region_of[str(label.parent_id)]
            yield main
            if seen == 1:
                chosen = {**point_value(x, y, turn), "width": POINT_WIDTH, "choices": [HIDDEN]}
                yield self._result(region, hidden, "choices", chosen, turn, label)

    def _choice(self, label: Label, name: str) -> list[dict[str, Any]]:
        if control := self._control("class", name):
            value: dict[str, Any] = {"choices": [self._class(label)]}
            return [self._bare(label, control, "choices", value)]
        if control := self._control("taxonomy", name):
            return [self._bare(label, control, "taxonomy", {"taxonomy": [self._path(self._class(label))]})]
        return []

    def _attributes(
        self, label: Label, main: Mapping[str, Any], value: Mapping[str, Any], name: str, turn: Turn
    ) -> Iterator[dict[str, Any]]:
        """Write what is said of a region; Label Studio repeats the geometry in each such result."""
        meaning = self._template.controls[main["from_name"]].meaning
        shape = {key: held for key, held in value.items() if not key.endswith("labels")}
        for control in self._template.controls.values():
            held = label.attributes.get(control.of) if control.meaning == "attribute" else None
            fits = control.to_name == name and f"_{meaning}" in control.name
            spec = self._ontology.attribute(control.of)
            if held is None or not fits or spec is None:
                continue
            if spec.kind == "number":
                said, kind = {"number": held}, "number"
            elif spec.kind == "text":
                said, kind = {"text": [held]}, "textarea"
            elif spec.kind == "flag":
                said, kind = {"choices": [spec.name] if held else []}, "choices"
            else:
                said, kind = {"choices": list(held) if isinstance(held, list | tuple) else [held]}, "choices"
            if any(said.values()) or spec.kind == "number":
                yield self._result(str(main["id"]), control, kind, {**shape, **said}, turn, label)

    def _as_received(self, label: Label) -> list[dict[str, Any]] | None:
        """Give the results that a label came from, if it still says what they say."""
        held = (label.received or {}).get("results")
        if label.tool != TOOL or not held or isinstance(label.geometry, Relation | Keypoints):
            return None
        if any(str(entry.get("from_name")) not in self._template.controls for entry in held):
            return None
        again = read(held, self._template, self._passports, self._ontology, Origin(scope=""), self._axes).labels
        same = [
            now
            for now in again
            if (now.geometry, now.class_name, dict(now.attributes), now.index, now.index_end)
            == (label.geometry, label.class_name, dict(label.attributes), label.index, label.index_end)
        ]
        return [dict(entry) for entry in held] if len(again) == 1 and same else None

    def _result(
        self, region: str, control: Control, kind: str, value: Mapping[str, Any], turn: Turn, label: Label
    ) -> dict[str, Any]:
        written = {
            "id": region,
            "from_name": control.name,
            "to_name": control.to_name,
            "type": kind,
            "original_width": turn.shown_width_px,
            "original_height": turn.shown_height_px,
            "image_rotation": 0,
            "value": dict(value),
        }
        return written | ({"score": label.score} if label.score is not None else {})

    def _bare(self, label: Label, control: Control, kind: str, value: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": label.label_id,
            "from_name": control.name,
            "to_name": control.to_name,
            "type": kind,
            "value": dict(value),
        }

    def _object(self, label: Label) -> str | None:
        if label.stream is None or label.index is None:
            return None
        for name, clip in self._clips.items():
            same = (label.recording_id, label.stream) == (clip.recording_id, clip.stream)
            if same and label.index < (clip.index_end or 0) and clip.index < (label.index_end or label.index + 1):
                return name
        return self._object_of.get((label.recording_id, label.stream, label.index))

    def _control(self, meaning: str, to_name: str, *, of: str = "") -> Control | None:
        for control in self._template.controls.values():
            if control.meaning == meaning and control.to_name == to_name and (not of or control.of == of):
                return control
        return None

    def _on_axis(self, label: Label, name: str, axis: Axis) -> list[dict[str, Any]]:
        """Write a stretch of a time axis, from its first to its last sample, or of sound to the next."""
        control = self._control("stretch", name)
        if control is None or label.kind != "segment" or label.index is None or label.index_end is None:
            return []
        value: dict[str, Any]
        if isinstance(axis, SoundAxis):
            told = (label.attributes.get("sample"), label.attributes.get("sample_end"))
            if None in told:
                told = (int(axis.first[label.index]), int(axis.first[label.index_end]))
            start, end = axis.places_of(int(told[0]), int(told[1]))  # type: ignore[arg-type] # none is None now
            kind, value = "labels", {"channel": label.attributes.get("channel", 0)}
        else:
            start, end = axis.places_of(label.index, label.index_end)
            kind, value = "timeserieslabels", {"instant": start == end}
        value |= {"start": start, "end": end, kind: [self._class(label)]}
        shown = {"id": label.label_id, "to_name": name} | ({} if label.score is None else {"score": label.score})
        return [{**shown, "from_name": control.name, "type": kind, "value": value}]

    def _on_clip(self, label: Label, name: str, clip: Passport) -> list[dict[str, Any]]:
        """Write a segment or a track; each lies on the frames of its samples."""
        shown = {"id": label.label_id, "to_name": name} | ({} if label.score is None else {"score": label.score})
        if label.kind == "segment" and label.index is not None and label.index_end is not None:
            control = self._control("segment", name)
            start, end = clips.frames_of(label.index, label.index_end, clip)
            value: dict[str, Any] = {
                "ranges": [{"start": start, "end": end}],
                "timelinelabels": [self._class(label)],
            }
            return (
                [{**shown, "from_name": control.name, "type": "timelinelabels", "value": value}] if control else []
            )
        drawn, chosen = self._control("track", name), self._control("track class", name)
        if isinstance(label.geometry, Track) and drawn and chosen:
            value = {"sequence": clips.sequence_of(label.geometry, clip, end=label.index_end)}
            if not value["sequence"]:
                return []
            value["framesCount"] = clip.frame_map.frames
            return [
                {**shown, "from_name": drawn.name, "type": "videorectangle", "value": value},
                {
                    **shown,
                    "from_name": chosen.name,
                    "type": "labels",
                    "value": {**value, "labels": [self._class(label)]},
                },
            ]
        return []

    def _spec(self, label: Label) -> ClassSpec | None:
        if label.class_name is None:
            return None
        if label.kind == "segment":
            return self._ontology.gesture_of(label.class_name)
        return self._ontology.class_of(label.class_name)

    def _class(self, label: Label) -> str:
        spec = self._spec(label)
        assert spec is not None, "misfits were refused"
        return spec.name

    def _path(self, name: str) -> list[str]:
        path, spec = [name], self._ontology.class_of(name)
        while spec and spec.parent:
            path.insert(0, spec.parent)
            spec = self._ontology.class_of(spec.parent)
        return path


def _numbers(geometry: Geometry | None) -> Iterator[float]:
    match geometry:
        case Box() | RotatedBox():
            yield from (geometry.x_px, geometry.y_px, geometry.width_px, geometry.height_px)
        case Polygon(rings=rings):
            yield from (number for ring in rings for number in ring)
        case Keypoints(triples=triples):
            yield from triples


def _outside(geometry: Geometry | None, passport: Passport) -> str:
    """Say why a geometry cannot lie on the picture; empty where it can, if only in part."""
    match geometry:
        case Polygon(rings=rings) if len(rings) != 1:
            return "Label Studio knows no polygon of several rings"
        case Mask(width_px=width, height_px=height) if (width, height) != (passport.width_px, passport.height_px):
            return f"its mask is {width}x{height}, the picture {passport.width_px}x{passport.height_px}"
        case Box(x_px=x, y_px=y, width_px=width, height_px=height):
            if width <= 0 or height <= 0:
                return "its box is empty"
            if x >= passport.width_px or y >= passport.height_px or x + width <= 0 or y + height <= 0:
                return "it lies outside the picture"
    return ""
