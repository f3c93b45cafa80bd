"""Labels out of raw versions: the newest version of every annotation says what its labels are now.

Only the versions, with the data of their tasks, and the ontology are needed, so ``labels`` can be made again at
any time.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from rushes import intervals
from rushes.annotate.label_studio import changes, passport, results, template
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import Origin, Problem
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent
from rushes.model import Times
from rushes.vocabulary import Ontology
from rushes.workflow._annotate.proving import UncheckedError


@dataclass(slots=True)
class Derived:
    """Labels, and what a person should look at: each problem with the key of its task."""

    labels: list[Label] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)


Difference = Callable[[Passport], str]
"""Says how what the dataset has now differs from what was shown; empty where it does not."""
TimesOf = Callable[[str, str], Times]
"""Raw times of all samples of a stream, by recording and stream."""


def derive(events: Iterable[LabelEvent], ontology: Ontology, times_of: TimesOf, difference: Difference) -> Derived:
    """Read the labels of versions; deleted and skipped ones have none.

    Of a version whose picture is not in the dataset any more as it was shown no labels are made, and a problem
    says so; where pictures cannot be read, labels are made and a problem says that they were not checked.

    Args:
        events: The newest version of each annotation.
        ontology: The dataset's.
        times_of: For the times of spans.
        difference: For what was shown.
    """
    found = Derived()
    unchecked: dict[tuple[str, str], tuple[str, str]] = {}
    for event in events:
        entries = changes.results_of(event)
        if not entries:
            continue
        data = json.loads(event.task_data or "{}")
        passports = passport.of_task(data)
        key = event.task_key or f"task {event.task}"
        said = list(_differences(key, passports.values(), difference, unchecked))
        if said:
            found.problems += [
                (key, Problem(kind="picture-differs", said=f"{one}; no labels were made")) for one in said
            ]
            continue
        try:
            made_of = template.build(data.get("template", ""), ontology, cameras=data.get("cameras", ()))
        except UsageError as error:
            found.problems.append((key, Problem(kind="unreadable", said=error.message)))
            continue
        annotation = json.loads(event.payload)
        origin = Origin(
            scope=f"{event.server}/{event.project}/{annotation.get('unique_id') or event.annotation}",
            author=event.author,
            created_ns=event.created_ns,
            updated_ns=event.updated_ns,
            event_id=event.event_id,
            model=_model(annotation),
        )
        read = results.read(entries, made_of, passports, ontology, origin)
        found.labels += [timed(replace(label, event_id=event.event_id), times_of) for label in read.labels]
        found.problems += [(key, problem) for problem in read.problems]
    for key, why in unchecked.values():
        said_once = f"what was shown of its stream could not be held against the dataset: {why}"
        found.problems.append((key, Problem(kind="unchecked", said=said_once)))
    return found


def _differences(
    key: str,
    passports: Iterable[Passport],
    difference: Difference,
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


def timed(label: Label, times_of: TimesOf) -> Label:
    """Give a label of a span the times of its samples; the end is the next sample's time, not itself included.

    Past the last sample of the stream the end is one median interval later.
    """
    if label.index is None or label.index_end is None or label.stream is None:
        return label
    times = times_of(label.recording_id, label.stream)
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


def _model(annotation: dict[str, object]) -> str | None:
    shown = annotation.get("prediction")
    said = shown.get("model_version") if isinstance(shown, dict) else None
    return str(said) if said else None
