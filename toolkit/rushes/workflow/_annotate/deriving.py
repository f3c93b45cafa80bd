"""Labels out of raw versions: the newest version of every annotation says what its labels are now.

Only the versions, with the data of their tasks, and the ontology are needed, so ``labels`` can be made again at
any time.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from rushes import intervals
from rushes.annotate.label_studio import changes, passport, results, template
from rushes.annotate.label_studio.results import Origin, Problem
from rushes.errors import UsageError
from rushes.labels import Label, LabelEvent
from rushes.model import Times
from rushes.vocabulary import Ontology


@dataclass(slots=True)
class Derived:
    """Labels, and what a person should look at: each problem with the key of its task."""

    labels: list[Label] = field(default_factory=list)
    problems: list[tuple[str, Problem]] = field(default_factory=list)


TimesOf = Callable[[str, str], Times]
"""Raw times of all samples of a stream, by recording and stream."""


def derive(events: Iterable[LabelEvent], ontology: Ontology, times_of: TimesOf) -> Derived:
    """Read the labels of versions; deleted and skipped ones have none.

    Args:
        events: The newest version of each annotation.
        ontology: The dataset's.
        times_of: For the times of spans.
    """
    found = Derived()
    for event in events:
        entries = changes.results_of(event)
        if not entries:
            continue
        data = json.loads(event.task_data or "{}")
        passports = passport.of_task(data)
        key = event.task_key or f"task {event.task}"
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
        whose = {"event_id": event.event_id, "annotator": event.annotator, "role": event.role}
        found.labels += [timed(replace(label, **whose), times_of) for label in read.labels]  # type: ignore[arg-type]
        found.problems += [(key, problem) for problem in read.problems]
    return found


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
