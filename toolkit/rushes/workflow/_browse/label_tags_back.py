"""Tags that people put on labels in the App → rows of the dataset; the labels themselves are left alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rushes.store import Store
from rushes.workflow import label_tags
from rushes.workflow._browse.labels_back import Change
from rushes.workflow.label_tags import JudgedTags, LabelTagWish


@dataclass(slots=True)
class PreparedTags:
    """Tags of labels that are ready to be stored.

    Args:
        taken: What is in the dataset with ``judged``, or was before.
        refused: What cannot be taken, each with the reason.
        noted: What a person should know, each a sentence.
    """

    judged: JudgedTags = field(default_factory=JudgedTags)
    taken: list[Change] = field(default_factory=list)
    refused: list[tuple[Change, str]] = field(default_factory=list)
    noted: list[str] = field(default_factory=list)


def prepare(store: Store, changes: Sequence[Change], drawn: Mapping[str, Change]) -> PreparedTags:
    """Hold tags against the labels of the dataset; who calls holds the dataset's turn.

    A tag is taken also where the label was changed meanwhile: it contradicts nothing, but whoever gave it has not
    seen that, which is noted. A label that is gone takes none.

    Args:
        store: The dataset, at its newest revision.
        changes: Tags given or taken away.
        drawn: Labels that are made of what was drawn in the App, by their names; they bring their tags along.
    """
    done = PreparedTags()
    if not changes and not drawn:
        return done
    found = store.table("labels", columns=["label_id", "event_id"]).to_pylist()
    versions = {row["label_id"]: row["event_id"] for row in found}
    wishes = [wish for name, change in drawn.items() for wish in _all_of(name, change)]
    overtaken: set[str] = set()
    for change in changes:
        name, seen = change.piece.of.get("label_id"), change.piece.of.get("event_id")
        if name not in versions:
            done.refused.append((change, "the label is not in the dataset any more"))
            continue
        if versions[name] != seen:
            overtaken.add(name)
        wishes.append(_wish(name, change, change.piece.tag, given=bool(change.piece.after), seen=seen))
        done.taken.append(change)
    done.noted += [f"label {name} was changed since it was tagged; the tag stays" for name in sorted(overtaken)]
    done.judged = label_tags.judge(store, wishes)
    return done


def _all_of(name: str, change: Change) -> list[LabelTagWish]:
    return [_wish(name, change, tag, given=True, seen=None) for tag in change.piece.after.get("tags") or ()]


def _wish(name: str, change: Change, tag: str, *, given: bool, seen: str | None) -> LabelTagWish:
    edited = change.edited
    return LabelTagWish(
        place=(name, edited.recording_id, edited.stream, edited.index),
        tag=tag,
        action="added" if given else "removed",
        author=change.author,
        given_ns=edited.at_ns,
        event_id=seen,
    )
