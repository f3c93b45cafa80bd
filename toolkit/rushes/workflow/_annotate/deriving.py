"""Labels out of raw versions: the newest version of every annotation says what its labels are now.

Only the versions, with the data of their tasks, and the ontology are needed, so ``labels`` can be made again at
any time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rushes import intervals
from rushes.annotate.label_studio import passport, regions, results, template
from rushes.annotate.label_studio.axes import Axis
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import TOOL, Origin, Problem
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent, Relation, digest_of
from rushes.model import Times
from rushes.vocabulary import Ontology
from rushes.workflow._annotate.axes import AxisOf
from rushes.workflow._annotate.proving import UncheckedError


@dataclass(slots=True)
class Derived:
    """Labels, and what a person should look at.

    Args:
        problems: Each with the key of its task.
        unread: Versions that could not be read at all.
    """

    labels: list[Label] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamFacts:
    """What a dataset says of the streams that labels lie on.

    Args:
        times_of: Raw times of all samples of a picture stream, by recording and stream.
        axis_of: The time axis of a stretch of numbers or sound, by its passport.
        difference: How what the dataset has now differs from what was shown; empty where it does not. Raises an
            UncheckedError where that cannot be told.
    """

    times_of: Callable[[str, str], Times]
    axis_of: AxisOf
    difference: Callable[[Passport], str]


def derive(events: Iterable[LabelEvent], ontology: Ontology, facts: StreamFacts) -> Derived:
    """Read the labels of versions; deleted and skipped ones have none.

    Of a version whose picture is not in the dataset any more as it was shown no labels are made, and a problem
    says so; where pictures cannot be read, labels are made and a problem says that they were not checked.

    Args:
        events: The newest version of each annotation.
        ontology: The dataset's.
        facts: For the times of spans, and of stretches of numbers and sound, and for what was shown.
    """
    found = Derived()
    unchecked: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        entries = regions.results_of(event)
        if not entries:
            continue
        data = json.loads(event.task_data or "{}")
        passports = passport.of_task(data)
        key = event.task_key or f"task {event.task}"
        said = list(_differences(key, passports.values(), facts.difference, unchecked))
        if said:
            found.problems += [
                (key, Problem(kind="picture-differs", said=f"{one}; no labels were made")) for one in said
            ]
            found.unread.add(event.event_id)
            continue
        try:
            made_of = template.build(data.get("template", ""), ontology, cameras=data.get("cameras", ()))
        except UsageError as error:
            found.problems.append((key, Problem(kind="unreadable", said=error.message)))
            found.unread.add(event.event_id)
            continue
        annotation = json.loads(event.payload)
        origin = Origin(
            scope=_scope(event, annotation),
            author=event.author,
            created_ns=event.created_ns,
            updated_ns=event.updated_ns,
            event_id=event.event_id,
            model=_model(annotation),
        )
        axes, changed = _axes(passports, facts.axis_of)
        read = results.read(entries, made_of, passports, ontology, origin, axes)
        found.problems += [(key, problem) for problem in changed]
        whose = {"event_id": event.event_id, "annotator": event.annotator, "role": event.role}
        found.labels += [timed(replace(label, **whose), facts) for label in read.labels]  # type: ignore[arg-type]
        found.problems += [(key, problem) for problem in read.problems]
    for key, why in unchecked.values():
        said_once = f"what was shown of its stream could not be held against the dataset: {why}"
        found.problems.append((key, Problem(kind="unchecked", said=said_once)))
    return found


def _axes(passports: Mapping[str, Passport], axis_of: AxisOf) -> tuple[dict[str, Axis], list[Problem]]:
    """Give the axes of what is shown over time; one that differs from what was sent is left out, and told."""
    axes: dict[str, Axis] = {}
    changed: list[Problem] = []
    for name, shown in passports.items():
        axis = axis_of(shown)
        if axis is None:
            continue
        if axis.digest == shown.axis:
            axes[name] = axis
            continue
        said = f"the times of {shown.stream} are not those that the task was made with"
        changed.append(Problem(kind="axis-differs", said=said))
    return axes, changed


def _differences(
    key: str,
    passports: Iterable[Passport],
    difference: Callable[[Passport], str],
    unchecked: dict[tuple[str, str], tuple[str, str]],
) -> Iterator[str]:
    """Give how the pictures of a task differ; note, once a stream, where and why they cannot be looked at."""
    for shown in passports:
        try:
            said = difference(shown)
        except UncheckedError as error:
            unchecked.setdefault((shown.recording_id, shown.stream), (key, str(error)))
            continue
        if said:
            yield said


def timed(label: Label, facts: StreamFacts) -> Label:
    """Give a label of a span the times of its samples; the end is the next sample's time, not itself included.

    Past the last sample of the stream the end is one median interval later.
    """
    if label.index is None or label.index_end is None or label.stream is None or label.t_end_ns is not None:
        return label
    times = facts.times_of(label.recording_id, label.stream)
    if label.index_end < len(times):
        end = int(times[label.index_end])
    else:
        end = int(times[-1]) + (intervals.median_interval(times) or 1)
    return replace(label, t_start_ns=int(times[label.index]), t_end_ns=end)


def newest(events: Iterable[LabelEvent]) -> list[LabelEvent]:
    """Keep the newest version of every annotation, in the order in which the annotations came; deleted ones go.

    What models and files gave is not looked at: their labels are made where they come in.
    """
    last: dict[tuple[str | None, ...], LabelEvent] = {}
    for event in events:
        key = (event.tool, event.server, event.project, event.task, event.annotation)
        if event.action in ("predicted", "imported"):
            continue
        if event.action == "deleted":
            last.pop(key, None)
        else:
            last[key] = event
    return list(last.values())


def name_of(label: Label, home: LabelEvent | None, region: str) -> str:
    """Name a label that is added in the dataset as it will be named when it is read from its annotation.

    Args:
        label: What is added.
        home: Newest version of the annotation that it is added to; None where there is none.
        region: Name that it gets in the annotation.
    """
    if home is None:
        return digest_of("rushes", region)
    scope = _scope(home, json.loads(home.payload))
    if isinstance(label.geometry, Relation):
        ends = (label.geometry.subject_id, label.geometry.object_id)
        return digest_of(TOOL, scope, "relation", *ends, label.class_name)
    if label.kind == "keypoints" and label.parent_id:
        return digest_of(TOOL, scope, f"points of {label.parent_id}")
    return digest_of(TOOL, scope, f"{region}/{label.class_name}" if label.kind == "class" else region)


def _scope(event: LabelEvent, annotation: Mapping[str, Any]) -> str:
    return f"{event.server}/{event.project}/{annotation.get('unique_id') or event.annotation}"


def _model(annotation: dict[str, object]) -> str | None:
    shown = annotation.get("prediction")
    said = shown.get("model_version") if isinstance(shown, dict) else None
    return str(said) if said else None
