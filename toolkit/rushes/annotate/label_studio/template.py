"""Labelling configs out of an ontology: what people see, and what each control of it means.

A control is a tag of the config that makes results; an object is a tag that shows data. Names of both are fixed by
the template, so that results can be read without the config.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from xml.sax.saxutils import quoteattr

from rushes.errors import UsageError
from rushes.registry import close_to
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, Skeleton

Unit = Literal["frame", "moment", "clip"]
Meaning = Literal[
    "box",
    "polygon",
    "mask",
    "points",
    "hidden",
    "class",
    "taxonomy",
    "attribute",
    "segment",
    "track",
    "track class",
]

MOMENT = "moment"
GESTURE = "gesture"
HIDDEN = "hidden"
"""What people choose for a keypoint that they know but cannot see."""
MOST_CAMERAS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """A tag that makes results.

    Args:
        name: ``from_name`` of its results.
        to_name: Object that it draws on.
        meaning: What a result of it is.
        of: Name of the skeleton or of the attribute; empty otherwise.
    """

    name: str
    to_name: str
    meaning: Meaning
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A labelling config and what it means.

    Args:
        name: As typed.
        unit: What one task shows.
        config: The XML.
        controls: By name.
        objects: Names of the tags that show data, which are also keys of a task's ``data``.
    """

    name: str
    unit: Unit
    config: str
    controls: Mapping[str, Control]
    objects: tuple[str, ...]


def build(name: str, ontology: Ontology, *, cameras: Sequence[str] = (), former: bool = False) -> Template:
    """Make a template.

    Args:
        name: One of :func:`names`.
        ontology: What may be labelled, in this order.
        cameras: Titles of the views of a moment, such as stream names.
        former: Offer the names that classes had before too; a server keeps a config that still holds every name in
            use.

    Raises:
        UsageError: ``labelstudio.template`` if there is none of that name, or the ontology has nothing for it.
    """
    if name not in names():
        near = close_to(name, names())
        raise UsageError(
            f"there is no template '{name}'",
            code="labelstudio.template",
            hint=f"did you mean '{near}'?" if near else f"there are {', '.join(names())}",
        )
    writer = _Writer(ontology, former=former)
    unit: Unit = "moment" if name == MOMENT else "clip" if name == GESTURE else "frame"
    if unit == "moment" and not 1 <= len(cameras) <= MOST_CAMERAS:
        raise _nothing(name, f"a moment shows 1 to {MOST_CAMERAS} cameras, not {len(cameras)}")
    objects = (
        tuple(f"cam{at}" for at in range(len(cameras)))
        if unit == "moment"
        else ("video",)
        if unit == "clip"
        else ("image",)
    )
    if unit == "moment":
        body = _moment(writer, objects, cameras)
    else:
        body = _gesture(writer) if unit == "clip" else _FRAMES[name](writer)
    if not writer.controls:
        raise _nothing(name, f"the ontology '{ontology.name}' has nothing that it could show")
    return Template(
        name=name, unit=unit, config=f"<View>\n{body}</View>\n", controls=writer.controls, objects=objects
    )


def names() -> tuple[str, ...]:
    """List the templates."""
    return (*_FRAMES, MOMENT, GESTURE)


class _Writer:
    """Writes tags and remembers the controls among them."""

    def __init__(self, ontology: Ontology, *, former: bool) -> None:
        self.ontology = ontology
        self.controls: dict[str, Control] = {}
        self._former = former

    def image(self, name: str) -> str:
        return f'  <Image name="{name}" value="${name}" zoom="true" zoomControl="true" rotateControl="false"/>\n'

    def shapes(self, tag: str, meaning: Meaning, to_name: str, suffix: str, kinds: Sequence[str]) -> str:
        """Write a labels tag for the classes that are drawn so, and the attributes of each region below it."""
        drawn = [spec for spec in self.ontology.classes if not spec.kinds or set(kinds) & set(spec.kinds)]
        if not drawn:
            return ""
        name = self._add(f"{meaning}{suffix}", to_name, meaning)
        extra = ' canRotate="true"' if tag == "RectangleLabels" else ""
        text = f'  <{tag} name="{name}" toName="{to_name}"{extra}>\n'
        text += "".join(self._labels(drawn)) + f"  </{tag}>\n"
        return text + "".join(self._attributes(drawn, to_name, suffix, when=name))

    def keypoints(self, to_name: str, suffix: str) -> str:
        """Write a points tag for every skeleton in use, and the choice that tells a hidden point."""
        text = ""
        for skeleton in self._skeletons():
            name = self._add(f"points_{skeleton.name}{suffix}", to_name, "points", skeleton.name)
            text += f'  <KeyPointLabels name="{name}" toName="{to_name}" strokeWidth="2">\n'
            text += "".join(
                f"    <Label value={quoteattr(p)} model_index={quoteattr(str(at))}/>\n"
                for at, p in enumerate(skeleton.points)
            )
            text += "  </KeyPointLabels>\n"
            hidden = self._add(f"hidden_{skeleton.name}{suffix}", to_name, "hidden", skeleton.name)
            text += f'  <Choices name="{hidden}" toName="{to_name}" perRegion="true" whenTagName="{name}">\n'
            text += f'    <Choice value="{HIDDEN}"/>\n  </Choices>\n'
        return text

    def whole(self, to_name: str) -> str:
        """Write a choice of classes for the whole picture; a tree where classes have parents."""
        if any(spec.parent for spec in self.ontology.classes):
            name = self._add("taxonomy", to_name, "taxonomy")
            return f'  <Taxonomy name="{name}" toName="{to_name}">\n{self._tree(None, 2)}  </Taxonomy>\n'
        if not self.ontology.classes:
            return ""
        name = self._add("class", to_name, "class")
        text = f'  <Choices name="{name}" toName="{to_name}" choice="multiple" showInline="true">\n'
        return text + "".join(f"    <Choice value={quoteattr(v)}/>\n" for v in self._names()) + "  </Choices>\n"

    def timeline(self, to_name: str) -> str:
        """Write the gestures, as ranges of frames."""
        if not self.ontology.gestures:
            return ""
        name = self._add("segment", to_name, "segment")
        text = f'  <TimelineLabels name="{name}" toName="{to_name}">\n'
        return text + "".join(self._labels(self.ontology.gestures)) + "  </TimelineLabels>\n"

    def tracks(self, to_name: str) -> str:
        """Write the classes, as boxes that move."""
        if not self.ontology.classes:
            return ""
        names = (self._add("track", to_name, "track"), self._add("track_class", to_name, "track class"))
        text = f'  <VideoRectangle name="{names[0]}" toName="{to_name}"/>\n'
        text += f'  <Labels name="{names[1]}" toName="{to_name}" allowEmpty="false">\n'
        return text + "".join(self._labels(self.ontology.classes)) + "  </Labels>\n"

    def relations(self) -> str:
        """Write the verbs and the same-thing relations."""
        if not self.ontology.relations:
            return ""
        verbs = "".join(f"    <Relation value={quoteattr(spec.name)}/>\n" for spec in self.ontology.relations)
        return f"  <Relations>\n{verbs}  </Relations>\n"

    def _add(self, name: str, to_name: str, meaning: Meaning, of: str = "") -> str:
        self.controls[name] = Control(name=name, to_name=to_name, meaning=meaning, of=of)
        return name

    def _labels(self, specs: Sequence[ClassSpec]) -> Iterator[str]:
        for spec in specs:
            color = f" background={quoteattr(spec.color)}" if spec.color else ""
            yield f"    <Label value={quoteattr(spec.name)}{color}/>\n"
            for name in spec.formerly if self._former else ():
                yield f"    <Label value={quoteattr(name)}{color}/>\n"

    def _names(self) -> Iterator[str]:
        for spec in self.ontology.classes:
            yield spec.name
            if self._former:
                yield from spec.formerly

    def _skeletons(self) -> Iterator[Skeleton]:
        used = {spec.skeleton for spec in self.ontology.classes}
        return (skeleton for skeleton in self.ontology.skeletons if skeleton.name in used)

    def _tree(self, parent: str | None, depth: int) -> str:
        text, pad = "", "  " * depth
        for spec in self.ontology.classes:
            if spec.parent == parent:
                below = self._tree(spec.name, depth + 1)
                value = quoteattr(spec.name)
                text += f"{pad}<Choice value={value}>\n{below}{pad}</Choice>\n" if below else ""
                text += "" if below else f"{pad}<Choice value={value}/>\n"
        return text

    def _attributes(self, specs: Sequence[ClassSpec], to_name: str, suffix: str, *, when: str) -> Iterator[str]:
        for attribute in self.ontology.attributes:
            having = [spec.name for spec in specs if attribute.name in spec.attributes]
            if having:
                meaning_of_when = self.controls[when].meaning
                # A region control belongs to one labels tag: two tags that share a class need two of them.
                name = f"attribute_{attribute.name}_{meaning_of_when}{suffix}"
                self._add(name, to_name, "attribute", attribute.name)
                yield _attribute(attribute, name, to_name, when=when, having=having)


def _attribute(spec: AttributeSpec, name: str, to_name: str, *, when: str, having: Sequence[str]) -> str:
    head = f'name={quoteattr(name)} toName="{to_name}" perRegion="true" whenTagName={quoteattr(when)}'
    head += f" whenLabelValue={quoteattr(','.join(having))}"
    if spec.kind == "number":
        return f"  <Number {head}/>\n"
    if spec.kind == "text":
        return f'  <TextArea {head} maxSubmissions="1" editable="true"/>\n'
    values = (spec.name,) if spec.kind == "flag" else spec.values
    several = "multiple" if spec.kind == "choices" else "single"
    text = f'  <Choices {head} choice="{several}" showInline="true">\n'
    return text + "".join(f"    <Choice value={quoteattr(value)}/>\n" for value in values) + "  </Choices>\n"


def _boxes(writer: _Writer) -> str:
    return (
        writer.image("image") + writer.shapes("RectangleLabels", "box", "image", "", _BOXES) + writer.relations()
    )


def _polygons(writer: _Writer) -> str:
    shapes = writer.shapes("PolygonLabels", "polygon", "image", "", ("polygon",))
    return writer.image("image") + shapes + writer.relations()


def _masks(writer: _Writer) -> str:
    return (
        writer.image("image") + writer.shapes("BrushLabels", "mask", "image", "", ("mask",)) + writer.relations()
    )


def _classes(writer: _Writer) -> str:
    return writer.image("image") + writer.whole("image")


def _hands(writer: _Writer) -> str:
    boxes = writer.shapes("RectangleLabels", "box", "image", "", (*_BOXES, "keypoints"))
    points = writer.keypoints("image", "")
    hint = f'  <Header value={quoteattr(_HINT)} size="6"/>\n' if points else ""
    return writer.image("image") + boxes + hint + points + writer.relations()


def _moment(writer: _Writer, objects: Sequence[str], cameras: Sequence[str]) -> str:
    views = "".join(
        f'    <View style="flex: 1 1 45%; min-width: 320px">\n    <Header value={quoteattr(title)} size="5"/>\n'
        f"  {writer.image(name)}    </View>\n"
        for name, title in zip(objects, cameras, strict=True)
    )
    text = f'  <View style="display: flex; flex-wrap: wrap; gap: 8px">\n{views}  </View>\n'
    for name, title in zip(objects, cameras, strict=True):
        text += f'  <Header value={quoteattr(title)} size="6"/>\n'
        text += writer.shapes("RectangleLabels", "box", name, f"_{name}", (*_BOXES, "keypoints"))
        text += writer.keypoints(name, f"_{name}")
    return text + writer.relations()


def _gesture(writer: _Writer) -> str:
    video = '  <Video name="video" value="$video" frameRate="$fps" timelineHeight="120"/>\n'
    return writer.timeline("video") + video + writer.tracks("video")


_BOXES = ("box", "rotated_box")
_HINT = "Hold Ctrl (or ⌘) to set points inside a box"
_FRAMES: Mapping[str, Callable[[_Writer], str]] = {
    "boxes": _boxes,
    "polygons": _polygons,
    "masks": _masks,
    "classes": _classes,
    "hands": _hands,
}


def _nothing(name: str, why: str) -> UsageError:
    return UsageError(
        f"the template '{name}' cannot be made: {why}",
        code="labelstudio.template",
        hint="rushes annotate push --help lists the templates; --ontology takes another ontology",
    )
