"""What is to be spread alike beside the samples: labels by class, recordings' facts, sensors."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow._split.units import Cut, Unit
from rushes.workflow.excluded import Excluded

OF_LABELS = ("class", "kind", "attribute")
OF_RECORDINGS = ("task", "subject", "session", "place")
WHAT = (*OF_LABELS, *OF_RECORDINGS, "sensor")
DEFAULT = ("class", "task")
_NOT_OUT = """ and not exists (
    select 1 from decided as d where d.about = 'use' and d.what in ('reject', 'delete')
    and d.recording_id = labels.recording_id and d.stream = labels.stream and d.index = labels.index
) and not exists (
    select 1 from takes_discarded as t
    where t.recording_id = labels.recording_id and t.stream = labels.stream and t.index = labels.index
)"""


def counts_of(
    store: Store,
    units: Sequence[Unit],
    rows: Sequence[Mapping[str, Any]],
    cuts: Mapping[str, Cut],
    balance: Sequence[str],
    *,
    out: Excluded,
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """Count for every unit what is to be balanced.

    Labels that stand count, so that no object counts twice; those of models only where there are no others.

    Args:
        store: The dataset.
        units: Recordings, or blocks of them.
        rows: Of the recordings.
        cuts: Of the recordings that are cut.
        balance: Of ``WHAT``.
        out: What is left out; labels on frames that people rejected or deleted count only where nothing is.

    Returns:
        Names of the counts, and the counts, shape (units, counts).

    Raises:
        UsageError: ``split.balance`` for what cannot be balanced.
    """
    for name in balance:
        if name not in WHAT:
            near = registry.close_to(name, WHAT)
            raise UsageError(
                f"a split cannot be balanced over '{name}'",
                code="split.balance",
                hint=f"did you mean '{near}'?" if near else f"there are {', '.join(WHAT)}, and none",
            )
    tallies: dict[tuple[str, int], float] = {}
    for word, unit, amount in [
        *_labels(store, units, cuts, balance, rejected=not out),
        *_facts(units, rows, balance),
        *_sensors(store, units, balance, out),
    ]:
        tallies[word, unit] = tallies.get((word, unit), 0.0) + amount
    names = sorted({word for word, _ in tallies})
    place = {word: at for at, word in enumerate(names)}
    made = np.zeros((len(units), len(names)))
    for (word, unit), amount in tallies.items():
        made[unit, place[word]] = amount
    return names, made


def _labels(
    store: Store, units: Sequence[Unit], cuts: Mapping[str, Cut], balance: Sequence[str], *, rejected: bool
) -> Iterator[tuple[str, int, float]]:
    wanted = [name for name in balance if name in OF_LABELS]
    if not wanted:
        return
    columns = ["recording_id", "stream", "index", "class_name", "kind", "attributes", "source"]
    cut_ones = ", ".join(f"'{recording}'" for recording in cuts)  # ids are hexadecimal digits
    place = f"case when recording_id in ({cut_ones}) then index end" if cuts else "null"
    what = ", ".join(["class_name", "kind", "attributes" if "attribute" in wanted else "null"])
    _, found = store.rows(
        "with mine as (select "
        + ", ".join(f'"{c}"' for c in columns)
        + " from labels left join standing using (label_id) where (stands or source = 'model')"
        + ("" if rejected else _NOT_OUT)
        + ") "
        f"select recording_id, stream, {place} as at, {what}, count(*) from mine "
        "where source <> 'model' or not exists (select 1 from mine where source <> 'model') "
        "group by all order by all"
    )
    whole = {unit.recording_id: at for at, unit in enumerate(units) if unit.block is None}
    block: dict[tuple[str, int | None], int] = {
        (unit.recording_id, unit.block): at for at, unit in enumerate(units) if unit.block is not None
    }
    for recording, stream, index, class_name, kind, attributes, amount in found:
        unit = whole.get(recording)
        if recording in cuts and index is not None:
            unit = block.get((recording, _block_of(cuts[recording], stream, index)))
        if unit is None:
            continue
        if "class" in wanted and class_name is not None:
            yield f"class {class_name}", unit, amount
        if "kind" in wanted:
            yield f"kind {kind}", unit, amount
        if attributes is not None:
            for name, value in json.loads(attributes).items():
                yield f"attribute {name} = {value}", unit, amount


def _block_of(made: Cut, stream: str, index: int) -> int | None:
    if stream in made.times:
        times = made.times[stream]
        if not 0 <= index < len(times):
            return None
        return int(np.searchsorted(made.edges_ns, times[index], side="right")) - 1
    count = made.counts.get(stream, 0)
    if made.stills:
        return index if index < count else None
    return next((b for b in range(made.blocks) if index < (b + 1) * count // made.blocks), None)


def _facts(
    units: Sequence[Unit], rows: Sequence[Mapping[str, Any]], balance: Sequence[str]
) -> Iterator[tuple[str, int, float]]:
    row_of = {row["recording_id"]: row for row in rows}
    for fact in (name for name in balance if name in OF_RECORDINGS):
        # What all have alike is balanced by the sizes.
        several = len({row[fact] for row in rows}) > 1
        for at, unit in enumerate(units):
            value = row_of[unit.recording_id][fact]
            if value is not None and several:
                yield f"{fact} {value}", at, unit.samples


def _sensors(
    store: Store, units: Sequence[Unit], balance: Sequence[str], out: Excluded
) -> Iterator[tuple[str, int, float]]:
    if "sensor" not in balance:
        return
    whole = {unit.recording_id: at for at, unit in enumerate(units) if unit.block is None}
    for row in store.table("streams", columns=["recording_id", "stream", "modality", "count"]).to_pylist():
        if row["recording_id"] in whole:
            yield f"sensor {row['modality']}", whole[row["recording_id"]], out.count(row)
