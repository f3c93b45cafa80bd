"""Who labels which task: one project for all, or by a plan one for each annotator, who sees nobody else's."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rushes.annotate.overlap import Given, Item, give_out
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow._annotate.project import SHARED, Desk
from rushes.workflow._annotate.units import Unit

OVERLAP = 0.2
PER_ITEM = 2
SEED = 7
TABLE = "annotation_plans"


@dataclass(frozen=True, slots=True, kw_only=True)
class Blind:
    """Who is to label without seeing one another's work.

    Args:
        annotators: Their names; whoever is new is given a share of what is new.
        overlap: Share of the items that go to several.
        per_item: How many label such an item.
        seed: Of the draw.
    """

    annotators: Sequence[str]
    overlap: float = OVERLAP
    per_item: int = PER_ITEM
    seed: int = SEED

    def check(self) -> None:
        """Raise a UsageError ``annotate.annotators`` for names or numbers that cannot be."""
        names = self.annotators
        odd = next((name for name in names if not name or len(name.split()) != 1 or "," in name), None)
        if odd is not None:
            raise _unfit(f"'{odd}' cannot be an annotator's name", "a name or an e-mail address without spaces")
        if len(set(names)) < len(names):
            raise _unfit("an annotator is named twice", "name each once")
        if self.overlap > 0 and len(names) < self.per_item:
            raise _unfit(
                f"{self.per_item} are to label an item, and there are {len(names)} annotators",
                "name more of them, or --overlap 0 for no overlap",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """Who gets what.

    Args:
        of: For each desk the keys of its tasks, in order; of one desk alone where nothing is planned.
        new: Rows that the plan gains, column by column.
        shared: How many items several people label.
    """

    of: Sequence[tuple[Desk, frozenset[str]]]
    new: Mapping[str, Sequence[Any]]
    shared: int = 0

    @property
    def planned(self) -> bool:
        """Whether there is a plan."""
        return any(desk != SHARED for desk, _ in self.of)


def shares(store: Store, template: str, units: Sequence[Unit], blind: Blind | None) -> Shares:
    """Give the units out; what was given out before stays with whom it was given to.

    Raises:
        UsageError: ``annotate.planned`` if the template has a plan and no annotators are named.
    """
    stored = store.table(TABLE, where={"template": template}).to_pylist()
    if blind is None:
        if stored:
            names = sorted({row["annotator"] for row in stored})
            raise UsageError(
                f"'{template}' is labelled by a plan: {', '.join(names)} have a project each",
                code="annotate.planned",
                hint=f"--annotators {','.join(names)} goes on by it; a common project would ask for all again",
            )
        return Shares(of=[(SHARED, frozenset(unit.key for unit in units))], new={})
    before = [
        Given(
            item=Item(key=row["task_key"], recording_id=row["recording_id"]),
            annotator=row["annotator"],
            shared=row["shared"],
        )
        for row in stored
    ]
    new = give_out(
        [Item(key=unit.key, recording_id=unit.recording_id) for unit in units],
        blind.annotators,
        overlap=blind.overlap,
        per_item=blind.per_item,
        seed=blind.seed,
        before=before,
    )
    wanted = {unit.key for unit in units}
    keys: dict[str, set[str]] = {name: set() for name in blind.annotators}
    for given in (*before, *new):
        if given.item.key in wanted:
            keys.setdefault(given.annotator, set()).add(given.item.key)
    names = [name for name in keys if keys[name] or name in blind.annotators]
    counts: dict[str, int] = {}
    for mine in keys.values():
        for key in mine:
            counts[key] = counts.get(key, 0) + 1
    return Shares(
        of=[(Desk(annotator=name), frozenset(keys[name])) for name in names],
        new=_columns(template, new, blind.seed),
        shared=sum(count > 1 for count in counts.values()),
    )


def account_of(annotator: str, users: Sequence[str]) -> str | None:
    """Find the one account of an annotator among e-mail addresses: by the address, or by what stands before @."""
    named = annotator.casefold()
    same = [email for email in users if named in (email.casefold(), email.casefold().partition("@")[0])]
    return same[0] if len(same) == 1 else None


def _columns(template: str, new: Sequence[Given], seed: int) -> dict[str, list[Any]]:
    if not new:
        return {}
    now = time.time_ns()
    return {
        "template": [template] * len(new),
        "task_key": [given.item.key for given in new],
        "recording_id": [given.item.recording_id for given in new],
        "annotator": [given.annotator for given in new],
        "shared": [given.shared for given in new],
        "seed": [seed] * len(new),
        "planned_ns": [now] * len(new),
    }


def _unfit(what: str, hint: str) -> UsageError:
    return UsageError(what, code="annotate.annotators", hint=hint)
