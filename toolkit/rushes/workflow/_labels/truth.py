"""Which labels stand: one truth an item, though several people may have labelled it.

The rule is the view ``standing`` of ``schemas/views/v1``; here it is only asked.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from rushes.annotate import rows
from rushes.labels import Label
from rushes.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the view says.

    Args:
        stands: Ids of the labels that stand.
        unsettled: Keys of the items of which several people's versions are there and nobody has settled which is
            right: the labels of the first that was begun stand.
        of_unsettled: Ids of these labels.
        superseded: Ids of people's labels that do not stand, as another version of their item does.
        replaced: Ids of labels out of files on pictures that people have labelled since.
        proposed: Ids of the labels of models.
    """

    stands: frozenset[str]
    unsettled: Sequence[str]
    of_unsettled: frozenset[str]
    superseded: frozenset[str]
    replaced: frozenset[str]
    proposed: frozenset[str]


def truth_of(store: Store) -> Truth:
    """Ask which labels of a dataset stand.

    Raises:
        StoreError: ``store.vacuumed`` or ``store.damaged``.
    """
    _, found = store.rows("SELECT label_id, stands, standing, item FROM standing")

    def named(standing: str) -> frozenset[str]:
        return frozenset(name for name, _, what, _ in found if what == standing)

    return Truth(
        stands=frozenset(name for name, stands, _, _ in found if stands),
        unsettled=sorted({item for _, _, what, item in found if what == "first" and item}),
        of_unsettled=named("first"),
        superseded=named("superseded"),
        replaced=named("replaced"),
        proposed=named("proposed"),
    )


def standing_labels(store: Store) -> list[Label]:
    """Give the labels that stand."""
    truth = truth_of(store)
    return [label for label in rows.labels_of(store.table("labels").to_pylist()) if label.label_id in truth.stands]
