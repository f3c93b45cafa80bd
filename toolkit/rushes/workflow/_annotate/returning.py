"""Sends edits of the dataset back to the annotations that they are of, where the server still holds their base.

An annotation is read right before it is written. Where its stamp is not that of the version that was pulled last,
it is left alone: the next pull brings the new version and merges it, and the push after that sends what is left.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rushes.annotate import edits, merging
from rushes.annotate.folding import Line as LabelLine
from rushes.annotate.label_studio import amending, changes, passport, regions, template
from rushes.annotate.label_studio.amending import Amendment
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.results import TOOL
from rushes.annotate.label_studio.writing import Refused
from rushes.errors import UsageError
from rushes.labels import LabelEvent
from rushes.store import Store
from rushes.texts import as_json
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import deriving, standing
from rushes.workflow._annotate.deriving import StreamFacts
from rushes.workflow._annotate.project import Line


@dataclass(slots=True)
class Returned:
    """What became of edits.

    Args:
        labels: How many labels were sent back.
        annotations: In how many annotations.
        contested: Labels that wait for a conflict to be settled.
        stale: Tasks whose annotation was changed or deleted on the server meanwhile: pull first.
        refused: Labels that cannot be written there, and why.
    """

    labels: int = 0
    annotations: int = 0
    contested: int = 0
    stale: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)

    def __add__(self, other: "Returned") -> "Returned":
        """Count what became of edits in two projects together."""
        return Returned(
            labels=self.labels + other.labels,
            annotations=self.annotations + other.annotations,
            contested=self.contested + other.contested,
            stale=[*self.stale, *other.stale],
            refused=[*self.refused, *other.refused],
        )


def send_back(
    client: Client,
    store: Store,
    line: Line,
    project: int,
    spoken: Ontology,
    *,
    dry_run: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Returned:
    """Bring the edits of a project's labels to the server.

    Args:
        client: Of the server.
        store: The dataset, at its newest revision.
        line: What the dataset calls the server.
        project: Its id.
        spoken: The dataset's ontology.
        dry_run: Only count.
        progress: Told after each annotation: done, and all.

    Raises:
        ReplyLostError: If it is not known whether an annotation was changed; pull, and push again.
        ToolError: As the client.
    """
    done = Returned()
    where = {"tool": edits.TOOL, "server": line.name, "project": str(project)}
    homes = [edits.home_of(event) for event in standing.stored(store, **where)]
    if not homes:
        return done
    now = standing.around(store, homes, spoken)
    names = sorted({home.annotation for home in homes if home.annotation})
    story = standing.by_place(standing.stored(store, annotation=names))
    with standing.facts_in(store) as facts:
        for number, (place, lines) in enumerate(now.lines.items(), 1):
            last = deriving.newest(event for event in story[place] if event.tool == TOOL)
            done.contested += sum(1 for one in lines.values() if one.open)
            waiting = {
                name: one
                for name, one in lines.items()
                if not one.open and not merging.same_label(one.now, one.theirs)
            }
            if waiting and last and not last[0].cancelled:
                _one(client, last[0], lines, waiting, _regions(story[place]), spoken, facts, done, dry_run)
            elif waiting:
                why = "its annotation is not on the server any more"
                done.refused += [Refused(label_id=name, why=why) for name in waiting]
            if progress:
                progress(number, len(now.lines))
    return done


def _one(
    client: Client,
    last: LabelEvent,
    lines: Mapping[str, LabelLine],
    waiting: Mapping[str, LabelLine],
    named: Mapping[str, str],
    spoken: Ontology,
    facts: StreamFacts,
    done: Returned,
    dry_run: bool,
) -> None:
    """Write the labels of one annotation that wait."""
    held = regions.results_of(last)
    data = json.loads(last.task_data or "{}")
    try:
        made_of = template.build(data.get("template", ""), spoken, cameras=data.get("cameras", ()))
    except UsageError as error:
        done.refused += [Refused(label_id=name, why=error.message) for name in waiting]
        return
    amended = amending.amend(
        held,
        [Amendment(was=one.theirs, now=one.now, region=named.get(name)) for name, one in waiting.items()],
        others=[one.theirs for name, one in lines.items() if one.theirs is not None and name not in waiting],
        template=made_of,
        passports=passport.of_task(data),
        ontology=spoken,
    )
    kept_out = {one.label_id for one in amended.refused}
    done.refused += amended.refused
    sent = [name for name in waiting if name not in kept_out]
    if not sent:
        return
    if strange := _reads_otherwise(last, amended.results, lines, sent, spoken, facts):
        done.refused += [Refused(label_id=name, why=f"{strange} would be read as another label") for name in sent]
        return
    if not dry_run:
        there = client.annotation(int(last.annotation or 0))
        if there is None or changes.nanoseconds(there["updated_at"]) != last.updated_ns:
            done.stale.append(last.task_key or str(last.task))
            return
        client.set_results(int(last.annotation or 0), amended.results)
    done.labels += len(sent)
    done.annotations += 1


def _reads_otherwise(
    last: LabelEvent,
    results: Sequence[Mapping[str, object]],
    lines: Mapping[str, LabelLine],
    sent: Sequence[str],
    spoken: Ontology,
    facts: StreamFacts,
) -> str:
    """Read the results as the next pull will; name a label that would not be as it is wanted, empty if none."""
    annotation = {**json.loads(last.payload), "result": results}
    read = deriving.derive([replace(last, payload=as_json(annotation))], spoken, facts)
    found = {label.label_id: label for label in read.labels}
    wanted = {name: one.now if name in sent else one.theirs for name, one in lines.items()}
    strange = (name for name in {**wanted, **found} if not merging.same_label(found.get(name), wanted.get(name)))
    return next(strange, "")


def _regions(story: Sequence[LabelEvent]) -> dict[str, str]:
    """Give the regions that labels were given which were added in the dataset."""
    made = (edits.edit_of(event, None) for event in story if event.tool == edits.TOOL)
    return {one.label_id: one.region for one in made if one.region}
