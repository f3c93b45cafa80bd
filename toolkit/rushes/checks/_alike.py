"""Which pictures of a dataset are there more than once: byte for byte, nearly, or mirrored.

Consecutive like pictures of a stream with times are taken as one run, and within such a stream nothing is
compared: a film is like itself. What hangs together by pairs of different sources is a cluster; a source is a
stream with times, or a single picture of a set.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from rushes.duplicates import Duplicate, PictureSet
from rushes.similar import Pairs, components, pairs_between, pairs_within

FILM = -1
"""In a source, in place of a picture: all of a stream with times."""


class _Run(NamedTuple):
    """Consecutive like pictures of one set, and what they count as.

    Args:
        place: Which set, and which of its pictures is the first.
        stop: The last picture, itself included.
        source: What it comes from; runs of one source are not compared.
    """

    place: tuple[int, int]
    stop: int
    source: tuple[int, int]


class _Link(NamedTuple):
    """That two nodes are alike."""

    node: int
    distance: int
    mirrored: bool


def duplicates_of(
    sets: Sequence[PictureSet], *, radius: int, film_radius: int, run_radius: int
) -> list[Duplicate]:
    """Find all pictures that are there more than once.

    Args:
        sets: The streams of the dataset.
        radius: Bits in which the perceptual hashes of two single pictures may differ.
        film_radius: The same where one of the two is of a stream with times: two films of one place are alike.
        run_radius: Bits in which the pictures of a run may differ from its first.

    Returns:
        A row a picture or run, by cluster; each names the nearest of another source.
    """
    return sorted(
        _named([*_near(sets, radius, film_radius, run_radius), *_exact(sets)]),
        key=lambda found: (found.cluster, found.place),
    )


class _Group(NamedTuple):
    """Runs that are alike to the last bit, by hash or by content, and what they are linked with."""

    runs: list[_Run]
    links: list[_Link]
    exact: bool


def _near(sets: Sequence[PictureSet], radius: int, film_radius: int, run_radius: int) -> list[list[_Group]]:
    """Give the clusters of near pictures, each a list of groups whose links count within the list."""
    by_hash: dict[int, list[_Run]] = defaultdict(list)
    mirrored: dict[int, int] = {}
    for number, each in enumerate(sets):
        for run in _runs(number, each, run_radius):
            phash = int(each.phash[run.place[1]])
            by_hash[phash].append(run)
            mirrored.setdefault(phash, int(each.phash_mirrored[run.place[1]]))
    hashes = np.fromiter(by_hash, np.uint64, len(by_hash))
    turned = np.fromiter((mirrored[phash] for phash in by_hash), np.uint64, len(by_hash))
    runs = list(by_hash.values())
    plain, across = pairs_within(hashes, radius), pairs_between(hashes, turned, radius)
    across = _chosen(across, across.first != across.second)
    sources = [{run.source for run in members} for members in runs]
    single = [any(source[1] != FILM for source in its_sources) for its_sources in sources]
    links: list[list[_Link]] = [[] for _ in runs]
    kept: list[tuple[int, int]] = []
    for pairs, is_mirrored in ((plain, False), (across, True)):
        for a, b, distance in zip(*(column.tolist() for column in pairs), strict=True):
            if len(sources[a]) == 1 and sources[a] == sources[b]:
                continue
            if distance > film_radius and not (single[a] and single[b]):
                continue
            kept.append((a, b))
            links[a].append(_Link(b, distance, is_mirrored))
            links[b].append(_Link(a, distance, is_mirrored))
    joined = np.array(kept, np.int64).reshape(-1, 2)
    root = components(len(runs), joined[:, 0], joined[:, 1]).tolist()
    clusters: dict[int, list[int]] = defaultdict(list)
    for node, its_root in enumerate(root):
        if links[node] or len(sources[node]) > 1:
            clusters[its_root].append(node)
    return [_cluster(nodes, runs, links) for nodes in clusters.values()]


def _cluster(nodes: list[int], runs: list[list[_Run]], links: list[list[_Link]]) -> list[_Group]:
    number = {node: at for at, node in enumerate(nodes)}
    return [
        _Group(
            runs[node],
            sorted(
                (link._replace(node=number[link.node]) for link in links[node]), key=lambda link: link.distance
            ),
            exact=False,
        )
        for node in nodes
    ]


def _exact(sets: Sequence[PictureSet]) -> list[list[_Group]]:
    """Give the groups of pictures with the same bytes."""
    by_content: dict[str, list[_Run]] = defaultdict(list)
    for number, each in enumerate(sets):
        timed = each.stream.clock != "none"
        for at, content in enumerate(each.content):
            if content:
                by_content[content].append(_Run((number, at), at, (number, FILM if timed else at)))
    return [
        [_Group(runs, [], exact=True)]
        for runs in by_content.values()
        if len(runs) > 1 and len({run.source for run in runs}) > 1
    ]


def _named(clusters: Sequence[list[_Group]]) -> Iterator[Duplicate]:
    """Number the clusters, those that share a picture as one, and name each run's nearest of another source."""
    owner: dict[tuple[int, int], int] = {}
    first, second = [], []
    for number, groups in enumerate(clusters):
        for group in groups:
            for run in group.runs:
                if (before := owner.setdefault(run.place, number)) != number:
                    first.append(before)
                    second.append(number)
    root = components(len(clusters), np.array(first, np.int64), np.array(second, np.int64))
    numbered = {old: new for new, old in enumerate(np.unique(root).tolist())}
    best: dict[tuple[int, int], Duplicate] = {}
    for number, groups in enumerate(clusters):
        for group in groups:
            for run in group.runs:
                found = _nearest(run, group, groups)
                if found is None:
                    continue
                near, distance, mirrored = found
                row = Duplicate(
                    cluster=numbered[int(root[number])],
                    place=run.place,
                    place_end=run.stop,
                    near_place=near.place,
                    distance=distance,
                    exact=group.exact,
                    mirrored=mirrored,
                )
                if run.place not in best or row.exact:
                    best[run.place] = row
    yield from best.values()


def _nearest(run: _Run, group: _Group, groups: list[_Group]) -> tuple[_Run, int, bool] | None:
    """Give the nearest run of another source; None where a group has none, as a part of its cluster may."""
    if (other := _other(run, group.runs)) is not None:
        return other, 0, False
    for link in group.links:
        if (other := _other(run, groups[link.node].runs)) is not None:
            return other, link.distance, link.mirrored
    return None


def _other(run: _Run, runs: Sequence[_Run]) -> _Run | None:
    return next((each for each in runs if each.source != run.source), None)


def _runs(number: int, pictures: PictureSet, radius: int) -> Iterator[_Run]:
    """Split the comparable pictures of a set into runs; each picture of a set without times is one."""
    places = np.flatnonzero(pictures.comparable).tolist()
    if pictures.stream.clock == "none":
        yield from (_Run((number, at), at, (number, at)) for at in places)
        return
    hashes = pictures.phash.tolist()
    start = last = -2
    for at in places:
        if last != at - 1 or (hashes[at] ^ hashes[start]).bit_count() > radius:
            if start >= 0:
                yield _Run((number, start), last, (number, FILM))
            start = at
        last = at
    if start >= 0:
        yield _Run((number, start), last, (number, FILM))


def _chosen(pairs: Pairs, which: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> Pairs:
    return Pairs(pairs.first[which], pairs.second[which], pairs.distance[which])
