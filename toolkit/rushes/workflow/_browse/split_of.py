"""A named split of the dataset: how much is in each part, how its classes are spread, and what leaks."""

from collections import Counter, defaultdict
from typing import Any

from rushes.browse.desk import Leak, Split
from rushes.workflow import split_verify
from rushes.workflow.dataset import Dataset
from rushes.workflow.parts import COLUMNS, Parts

_LABELS = """
SELECT recording_id, stream, index, class_name, count(*) FROM labels JOIN standing USING (label_id)
WHERE stands AND class_name IS NOT NULL GROUP BY ALL
"""
_MODELS = _LABELS.replace("stands", "standing = 'proposed'")
_NO_PART = "in no part"


def split_of(dataset: Dataset, name: str | None = None) -> Split | None:
    """Read a split, the newest when None; None where there is none."""
    rows = dataset.arrow("splits", columns=[*COLUMNS, "group_by"]).to_pylist()
    names: list[str] = list(dict.fromkeys(row["split"] for row in rows))
    if not names:
        return None
    chosen = name if name is not None and name in names else names[-1]
    mine = [row for row in rows if row["split"] == chosen]
    parts = Parts(mine)
    order = sorted({row["part"] for row in mine}, key=_in_order)
    classes, of_models = _classes(dataset, parts)
    return Split(
        name=chosen,
        names=names,
        units={part: sum(row["part"] == part for row in mine) for part in order},
        frames=_frames(dataset, mine, order),
        classes=classes,
        of_models=of_models,
        group_by=", ".join(sorted({row["group_by"] for row in mine})),
    )


def leaks_of(dataset: Dataset, name: str) -> list[Leak]:
    """Search a split for leaks as ``rushes split verify`` does; it looks at pictures and takes its time."""
    done = split_verify.verify(split_verify.Settings(sources=[str(dataset.path)], name=name))
    return [Leak(check=f.check, severity=f.severity, count=f.count, message=f.message) for f in done.findings]


def _in_order(part: str) -> tuple[int, str]:
    usual = ("train", "val", "test")
    return (usual.index(part) if part in usual else len(usual), part)


def _frames(dataset: Dataset, rows: list[dict[str, Any]], order: list[str]) -> dict[str, int]:
    """Count the frames of each part, and those of none."""
    streams = dataset.arrow("streams", columns=["recording_id", "count"], where={"table": "frames"}).to_pylist()
    held: Counter[str] = Counter()
    for stream in streams:
        held[stream["recording_id"]] += stream["count"]
    found = Counter(dict.fromkeys(order, 0))
    for row in rows:
        found[row["part"]] += (
            held[row["recording_id"]] if row["stream"] is None else row["index_end"] - row["index"]
        )
    rest = sum(held.values()) - sum(found.values())
    return {**found, **({_NO_PART: rest} if rest > 0 else {})}


def _classes(dataset: Dataset, parts: Parts) -> tuple[dict[str, dict[str, int]], bool]:
    """Count the labels that stand by class and part; those of models where nothing stands."""
    _, rows = dataset.store.rows(_LABELS)
    of_models = not rows
    if of_models:
        _, rows = dataset.store.rows(_MODELS)
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for recording_id, stream, index, class_name, count in rows:
        found[class_name][parts.of(recording_id, stream, index) or _NO_PART] += count
    most_first = sorted(found, key=lambda name: (-found[name].total(), name))
    return {name: dict(found[name]) for name in most_first}, of_models and bool(rows)
