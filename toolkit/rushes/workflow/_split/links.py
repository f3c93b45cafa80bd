"""Recordings that hold the same or nearly the same picture, as the check of duplicates has found them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rushes.store import Store

LINKS = ("auto", "near", "exact", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """What ties recordings together.

    Args:
        pairs: Recordings that must stay together, each pair once.
        why: For each of them one example, in words.
        looked: Whether duplicates were looked for at all.
        loosened: Share of the samples that near-duplicates would have tied into one group, so that only equal
            pictures tie; None where nothing was loosened.
    """

    pairs: Sequence[tuple[str, str]]
    why: Sequence[str]
    looked: bool
    loosened: float | None = None


NO_LINKS = Links(pairs=(), why=(), looked=False)


def duplicates(store: Store, names: Mapping[str, str], *, kind: str) -> Links:
    """Read the links between recordings from the table ``duplicates``.

    Args:
        store: The dataset.
        names: Of its recordings, by id; links to others are left out.
        kind: ``near``: all; ``exact``: of equal bytes only; ``none``.
    """
    if kind == "none":
        return Links(pairs=(), why=(), looked=True)
    looked = store.table("pictures", columns=["recording_id"]).num_rows > 0
    rows = store.table("duplicates").to_pylist()
    pairs: dict[tuple[str, str], str] = {}
    first_of: dict[int, str] = {}
    members: defaultdict[int, set[str]] = defaultdict(set)
    for row in rows:
        if kind == "exact" and not row["exact"]:
            continue
        here, there = row["recording_id"], row["near_recording_id"]
        if here not in names or there not in names:
            continue
        if here != there and (there, here) not in pairs:
            said = "the same bytes" if row["exact"] else f"{row['distance']} of 64 bits apart"
            pairs.setdefault(
                (here, there),
                f"'{names[here]}' {row['stream']} frame {row['index']} and '{names[there]}' {row['near_stream']} "
                f"frame {row['near_index']}: {said}",
            )
        # The nearest of a picture may lie in its own recording; the cluster ties the others.
        if kind == "near":
            first = first_of.setdefault(row["cluster"], here)
            if here not in members[row["cluster"]] and first != here:
                pairs.setdefault(
                    (first, here), f"'{names[first]}' and '{names[here]}' hold pictures of one cluster"
                )
            members[row["cluster"]].add(here)
    return Links(pairs=tuple(pairs), why=tuple(pairs.values()), looked=looked)
