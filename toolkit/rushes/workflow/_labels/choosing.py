"""Which labels are meant, and which frames their authors have looked at."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rushes import registry
from rushes.errors import UsageError
from rushes.labels import Label
from rushes.store import Store

SOURCES = ("truth", "human", "consensus", "model", "import")

_LOOKED = ["tool", "author", "annotator", "task_key", "action", "cancelled"]
Frame = tuple[str, str, int]
"""Recording, stream and index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One source of labels, as a person names it.

    Args:
        source: truth, human, consensus, model or import. Truth is what stands, whatever it comes from; human
            without an author is what people say of each item in one voice: the adjudicated, the consensus, or one
            version. With an author it is all that this person drew.
        tool: Of that tool, model or format alone.
        author: Of that person alone; the name in the plan, or that of the account.
    """

    source: str
    tool: str | None = None
    author: str | None = None

    def takes(self, label: Label, stands: frozenset[str]) -> bool:
        """Say whether a label is meant; ``stands`` are the ids of the labels that stand."""
        if self.tool not in (None, label.tool) or self.author not in (None, label.author, label.annotator):
            return False
        if self.source == "truth":
            return label.label_id in stands
        if self.source == "human" and self.author is None:
            return label.source in ("human", "consensus") and label.label_id in stands
        return label.source == self.source


def chosen(text: str) -> Chosen:
    """Read ``truth``, ``human``, ``model:yolox``, ``import:coco`` or ``human@ada``.

    Raises:
        UsageError: ``labels.source`` with a close match.
    """
    rest, _, author = text.partition("@")
    source, _, tool = rest.partition(":")
    if source not in SOURCES:
        near = registry.close_to(source, SOURCES)
        raise UsageError(
            f"there is no source of labels '{source}'",
            code="labels.source",
            hint=f"did you mean '{near}'?"
            if near
            else "write truth, human, model:yolox, import:coco or human@ada",
        )
    return Chosen(source=source, tool=tool or None, author=author or None)


def looked_at(store: Store) -> Mapping[str, Mapping[str | None, frozenset[Frame]]]:
    """Give the frames that raw versions are about, by tool and author; whether anything was labelled or not."""
    rows = store.table("label_events", columns=_LOOKED).to_pylist()
    found: dict[str, dict[str | None, set[Frame]]] = defaultdict(lambda: defaultdict(set))
    for row in rows:
        frame = frame_of(row["task_key"])
        if frame and row["action"] != "deleted" and not row["cancelled"]:
            for who in {row["author"], row["annotator"]} - {None} or {None}:
                found[row["tool"]][who].add(frame)
    return {tool: {author: frozenset(frames) for author, frames in each.items()} for tool, each in found.items()}


def frame_of(task_key: str | None) -> Frame | None:
    """Read recording/stream/index; the stream may hold slashes. None for the key of something else."""
    recording, _, rest = (task_key or "").partition("/")
    stream, _, index = rest.rpartition("/")
    return (recording, stream, int(index)) if recording and stream and index.isdecimal() else None


def frames_of(labels: Iterable[Label]) -> frozenset[Frame]:
    """Give the frames that labels lie on."""
    return frozenset(
        (label.recording_id, label.stream, label.index)
        for label in labels
        if label.stream is not None and label.index is not None
    )
