"""Labelling configs out of an ontology: what people see, and what each control of it means.

A control is a tag of the config that makes results; an object is a tag that shows data. Names of both are fixed by
the template, so that results can be read without the config.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from xml.sax.saxutils import quoteattr

from rushes.annotate.label_studio.joints import points_tags
from rushes.annotate.label_studio.plots import Channel, about_tag, series_tag, sound_tag
from rushes.errors import UsageError
from rushes.labels import digest_of
from rushes.registry import close_to
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, Skeleton

Unit = Literal["frame", "moment", "clip", "series", "sound"]
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
    "stretch",
    "track",
    "track class",
]

MOMENT = "moment"
GESTURE = "gesture"
SIGNAL = "signal"
AUDIO = "audio"
HIDDEN = "hidden"
"""What people choose for a keypoint that they know but cannot see."""
MOST_CAMERAS = 16
MOST_CHANNELS = 64


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
        variant: Tells configs of one name that cannot share a project: those that show other channels.
        former: Controls under the names that attributes had before: old results bear them, the config does not.
    """

    name: str
    unit: Unit
    config: str
    controls: Mapping[str, Control]
    objects: tuple[str, ...]
    variant: str = ""
    former: Mapping[str, Control] = field(default_factory=dict)

    def control(self, name: str) -> Control | None:
        """Find the control that made a result, by a name of today or of before."""
        return self.controls.get(name) or self.former.get(name)

    @property
    def place(self) -> str:
        """Name of the project that tasks of it belong into."""
        return f"{self.name}-{self.variant}" if self.variant else self.name


def build(
    name: str,
    ontology: Ontology,
    *,
    cameras: Sequence[str] = (),
    channels: Sequence[Channel] = (),
    former: bool = False,
) -> Template:
    """Make a template.

    Args:
        name: One of :func:`names`.
        ontology: What may be labelled, in this order.
        cameras: Titles of the views of a moment, such as stream names.
        channels: Of a series; results are read the same whatever they are.
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
    unit = _UNITS.get(name, "frame")
    if unit == "moment" and not 1 <= len(cameras) <= MOST_CAMERAS:
        raise _nothing(name, f"a moment shows 1 to {MOST_CAMERAS} cameras, not {len(cameras)}")
    if len(channels) > MOST_CHANNELS:
        raise _nothing(name, f"a series shows up to {MOST_CHANNELS} channels, not {len(channels)}")
    objects = tuple(f"cam{at}" for at in range(len(cameras))) if unit == "moment" else (_OBJECTS[unit],)
    if unit == "moment":
        body = _moment(writer, objects, cameras)
    elif unit == "series":
        body = _signal(writer, channels)
    else:
        body = _BODIES[name](writer)
    if not writer.controls:
        raise _nothing(name, f"the ontology '{ontology.name}' has nothing that it could show")
    return Template(
        name=name,
        unit=unit,
        config=f"<View>\n{body}</View>\n",
        controls=writer.controls,
        objects=objects,
        variant=digest_of(*(part for one in channels for part in (one.name, one.unit)))[:8] if channels else "",
        former=writer.former,
    )


def names() -> tuple[str, ...]:
    """List the templates."""
    return (*(name for name in _BODIES if name not in _UNITS), *_UNITS)


class _Writer:
    """Writes tags and remembers the controls among them."""

    def __init__(self, ontology: Ontology, *, former: bool) -> None:
        self.ontology = ontology
        self.controls: dict[str, Control] = {}
        self.former: dict[str, Control] = {}
        self._former = former

    def image(self, name: str) -> str:
        return f'  <Image name="{name}" value="${name}" zoom="true" zoomControl="true" rotateControl="false"/>\n'

    def shapes(
        self, tag: str, meaning: Meaning, to_name: str, suffix: str, kinds: Sequence[str]
    ) -> tuple[str, str]:
        """Write a labels tag for the classes that are drawn so, and the attributes of each region."""
        drawn = [spec for spec in self.ontology.classes if not spec.kinds or set(kinds) & set(spec.kinds)]
        if not drawn:
            return "", ""
        name = self._add(f"{meaning}{suffix}", to_name, meaning)
        extra = ' canRotate="true" fillOpacity="0.08" strokeWidth="2"' if tag == "RectangleLabels" else ""
        text = f'  <{tag} name="{name}" toName="{to_name}"{extra}>\n'
        text += "".join(self._labels(drawn)) + f"  </{tag}>\n"
        return text, "".join(self._attributes(drawn, to_name, suffix, when=name))

    def keypoints(self, to_name: str, suffix: str) -> tuple[str, str]:
        """Write a points tag for every skeleton in use, and the choices that tell a hidden point."""
        text, hidden_text = "", ""
        for skeleton in self._skeletons():
            name = self._add(f"points_{skeleton.name}{suffix}", to_name, "points", skeleton.name)
            text += f'  <KeyPointLabels name="{name}" toName="{to_name}" strokeWidth="2" opacity="1">\n'
            text += points_tags(skeleton.points, keys=not suffix) + "  </KeyPointLabels>\n"
            hidden = self._add(f"hidden_{skeleton.name}{suffix}", to_name, "hidden", skeleton.name)
            when = f'perRegion="true" whenTagName="{name}" showInline="true" choice="multiple"'
            hidden_text += f'  <Choices name="{hidden}" toName="{to_name}" {when}>\n'
            hidden_text += f'    <Choice value="{HIDDEN}"/>\n  </Choices>\n'
        return text, hidden_text

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

    def stretches(self, to_name: str, tag: str) -> str:
        """Write the gestures, as stretches of a time axis."""
        if not self.ontology.gestures:
            return ""
        name = self._add("stretch", to_name, "stretch")
        gestures = "".join(self._labels(self.ontology.gestures))
        return f'  <{tag} name="{name}" toName="{to_name}">\n{gestures}  </{tag}>\n'

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
                for old in attribute.formerly:
                    once = f"attribute_{old}_{meaning_of_when}{suffix}"
                    self.former[once] = Control(name=once, to_name=to_name, meaning="attribute", of=attribute.name)
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
    return _drawn(writer, *writer.shapes("RectangleLabels", "box", "image", "", _BOXES))


def _polygons(writer: _Writer) -> str:
    return _drawn(writer, *writer.shapes("PolygonLabels", "polygon", "image", "", ("polygon",)))


def _masks(writer: _Writer) -> str:
    return _drawn(writer, *writer.shapes("BrushLabels", "mask", "image", "", ("mask",)))


def _drawn(writer: _Writer, shapes: str, attributes: str) -> str:
    return writer.image("image") + shapes + attributes + writer.relations()


def _classes(writer: _Writer) -> str:
    return writer.image("image") + writer.whole("image")


def _hands(writer: _Writer) -> str:
    boxes, attributes = writer.shapes("RectangleLabels", "box", "image", "", (*_BOXES, "keypoints"))
    points, hidden = writer.keypoints("image", "")
    if not points:
        return _drawn(writer, boxes, attributes)
    # Above the picture and always in sight: a tall picture would push the points out of the window.
    tools = f"{boxes}{points}{_row(attributes + hidden)}  {_note('hint', _HINT)}"
    return f"  <View style={quoteattr(_STICKY)}>\n{tools}  </View>\n{writer.image('image')}{writer.relations()}"


def _moment(writer: _Writer, objects: Sequence[str], cameras: Sequence[str]) -> str:
    views = ""
    for name, title in zip(objects, cameras, strict=True):
        # Every view has its own labels right above it: a label draws on one picture only.
        boxes, attributes = writer.shapes("RectangleLabels", "box", name, f"_{name}", (*_BOXES, "keypoints"))
        points, hidden = writer.keypoints(name, f"_{name}")
        folded = f'  <Collapse><Panel value="Points">\n{points}  </Panel></Collapse>\n' if points else ""
        shown = f"  {_note(name, title)}{boxes}{_row(attributes + hidden)}{folded}{writer.image(name)}"
        views += f'    <View style="min-width: 0">\n{shown}    </View>\n'
    sides = 1 if len(objects) == 1 else 2
    style = f"display: grid; grid-template-columns: repeat({sides}, minmax(0, 1fr)); gap: 8px; align-items: end"
    return f"  <View style={quoteattr(style)}>\n{views}  </View>\n{writer.relations()}"


def _row(choices: str) -> str:
    """Give choices a row that is there before they are: else the picture below jumps while one draws."""
    return f"  <View style={quoteattr(_ROW)}>\n{choices}  </View>\n" if choices else ""


def _gesture(writer: _Writer) -> str:
    video = '  <Video name="video" value="$video" frameRate="$fps" timelineHeight="120"/>\n'
    return writer.timeline("video") + video + writer.tracks("video")


def _signal(writer: _Writer, channels: Sequence[Channel]) -> str:
    return about_tag() + writer.stretches("series", "TimeSeriesLabels") + series_tag(channels)


def _audio(writer: _Writer) -> str:
    return about_tag() + writer.stretches("audio", "Labels") + sound_tag()


_BOXES = ("box", "rotated_box")
_HINT = (
    "Draw the box, then each point: its key, and a click with Ctrl (or ⌘) held. Or all points first, then the box."
)
_ROW = "display: flex; gap: 24px; align-items: center; height: 36px; overflow: hidden"
_STICKY = (
    "position: sticky; top: 0; z-index: 10; background: var(--color-neutral-background, #fff); padding: 4px 0"
)
_UNITS: Mapping[str, Unit] = {MOMENT: "moment", GESTURE: "clip", SIGNAL: "series", AUDIO: "sound"}
_OBJECTS: Mapping[Unit, str] = {"frame": "image", "clip": "video", "series": "series", "sound": "audio"}
_BODIES: Mapping[str, Callable[[_Writer], str]] = {
    "boxes": _boxes,
    "polygons": _polygons,
    "masks": _masks,
    "classes": _classes,
    "hands": _hands,
    GESTURE: _gesture,
    AUDIO: _audio,
}


def _note(name: str, text: str) -> str:
    """Write a line of small print; a Header would shout."""
    return f'<Text name="note_{name}" value={quoteattr(text)} selectionEnabled="false"/>\n'


def _nothing(name: str, why: str) -> UsageError:
    return UsageError(
        f"the template '{name}' cannot be made: {why}",
        code="labelstudio.template",
        hint="rushes annotate push --help lists the templates; --ontology takes another ontology",
    )
