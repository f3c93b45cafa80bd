"""How well groups are split, beside scikit-learn and iterative-stratification; how well planted leaks are found.

python bench/splits.py [balance] [growth] [leaks]: same input, same run, CPU seconds of this process. Peers come
with the extra ``bench``. Balance: 500 groups of very different size, each with its own mix of 50 classes, 1.76
labels a sample; 70/15/15. Growth: a part of them comes later. Leaks: five kinds planted into lists of pictures,
real photographs for what is judged by looks.
"""

import csv
import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # so that CPU seconds are those of one core

import cv2
import numpy as np

from rushes.splits._balance import Problem, spread_out
from rushes.workflow.split_verify import Settings, verify

SHARES = np.array([0.7, 0.15, 0.15])
GROUPS, CLASSES = 500, 50
DATA = Path(os.environ.get("RUSHES_TEST_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))


def made(samples, seed=0):
    """Give the group of each sample, shape (n,), and its labels, shape (n, classes)."""
    chance = np.random.default_rng(seed)
    sizes = chance.lognormal(0, 0.8, GROUPS)
    sizes = np.maximum(1, (sizes / sizes.sum() * samples)).astype(int)
    sizes[0] += samples - sizes.sum()
    group = np.repeat(np.arange(GROUPS), sizes)
    often = 1 / np.arange(1, CLASSES + 1) ** 1.2
    mix = chance.gamma(0.5, 1, (GROUPS, CLASSES)) * often
    mix /= mix.sum(axis=1, keepdims=True)
    ladder = np.cumsum(mix, axis=1)
    number = 1 + chance.poisson(1.0, samples)
    labels = np.zeros((samples, CLASSES), np.int8)
    for turn in range(number.max()):
        rows = np.flatnonzero(number > turn)
        drawn = (chance.random(len(rows))[:, None] > ladder[group[rows]]).sum(axis=1)
        labels[rows, drawn.clip(0, CLASSES - 1)] = 1
    return group, labels


def counted(group, labels):
    """Count the labels of every group from single labels, as rows of a table give them."""
    sample, class_ = np.nonzero(labels)
    tally = np.bincount(group[sample] * CLASSES + class_, minlength=GROUPS * CLASSES)
    return np.bincount(group, minlength=GROUPS).astype(float), tally.reshape(GROUPS, CLASSES).astype(float)


def ours(group, labels, fixed=None, seed=7):
    sizes, counts = counted(group, labels)
    held = np.full(GROUPS, -1) if fixed is None else fixed
    return spread_out(Problem(sizes=sizes, counts=counts, shares=SHARES, fixed=held), seed=seed, restarts=8)[group]


def stratified_group_k_fold(group, labels):
    from sklearn.model_selection import StratifiedGroupKFold

    rarest = np.where(labels > 0, labels.sum(axis=0)[None], 1 << 60).argmin(axis=1)
    part = np.zeros(len(group), int)
    for fold, (_, held) in enumerate(
        StratifiedGroupKFold(20, shuffle=True, random_state=0).split(group, rarest, group)
    ):
        part[held] = 0 if fold < 14 else 1 if fold < 17 else 2
    return part


def group_shuffle_split(group, labels):  # noqa: ARG001 - as its peers
    from sklearn.model_selection import GroupShuffleSplit

    part = np.zeros(len(group), int)
    rest, test = next(GroupShuffleSplit(1, test_size=0.15, random_state=0).split(group, groups=group))
    _, val = next(GroupShuffleSplit(1, test_size=0.15 / 0.85, random_state=0).split(rest, groups=group[rest]))
    part[test], part[rest[val]] = 2, 1
    return part


def iterative_stratification(group, labels):
    from iterstrat.ml_stratifiers import MultilabelStratifiedShuffleSplit as Splitter

    part = np.zeros(len(group), int)
    rest, test = next(Splitter(1, test_size=0.15, random_state=0).split(labels, labels))
    _, val = next(Splitter(1, test_size=0.15 / 0.85, random_state=0).split(labels[rest], labels[rest]))
    part[test], part[rest[val]] = 2, 1
    return part


def scored(part, group, labels):
    """Give mean and largest relative class error, size error in points, and groups in several parts."""
    held = np.stack([labels[part == at].sum(axis=0, dtype=np.int64) for at in range(3)])
    total = held.sum(axis=0)
    there = total > 0
    off = np.abs(held[:, there] / total[there] - SHARES[:, None]) / SHARES[:, None]
    sizes = np.bincount(part, minlength=3) / len(part)
    leaking = int((np.bincount(np.unique(group * 3 + part) // 3) > 1).sum())
    return off.mean(), off.max(), 100 * np.abs(sizes - SHARES).max(), leaking


def row(name, part, group, labels, cpu):
    mean, worst, size, leaking = scored(part, group, labels)
    print(f"| {name} | {mean:.4f} | {worst:.3f} | {size:.2f} | {leaking} | {cpu:.2f} |", flush=True)


def timed(work: Callable):
    start = time.process_time()
    return work(), time.process_time() - start


def balance():
    peers = (group_shuffle_split, stratified_group_k_fold, iterative_stratification, ours)
    for peer in peers:  # imports are not counted
        peer(*made(2000))
    head = "mean error | largest | size, points | leaking groups | CPU s |\n|-|-:|-:|-:|-:|-:|"
    for samples in (10_000, 100_000, 1_000_000):
        group, labels = made(samples)
        print(f"\n| {samples:,} samples | {head}")
        for peer in peers:
            if peer is iterative_stratification and samples > 100_000:
                continue
            part, cpu = timed(partial(peer, group, labels))
            row(peer.__name__, part, group, labels, cpu)
    print(
        "\n| other draws of 100,000 samples, ours | mean error | largest | size, points | leaking groups | CPU s |"
    )
    print("|-|-:|-:|-:|-:|-:|")
    for seed in (1, 2, 3):
        group, labels = made(100_000, seed)
        part, cpu = timed(partial(ours, group, labels))
        row(f"draw {seed}", part, group, labels, cpu)


def growth():
    """5 % of the groups come later, and nothing that was assigned may move: what that costs, and must cost."""
    print("\n10,000 samples, 5 % of the groups come later; mean errors\n")
    print(
        "| draw | old moved | ours | least possible | made afresh | ours / least | least / afresh | CPU s |",
        end="",
    )
    print(" StratifiedGroupKFold: old moved | its error |\n|-|-:|-:|-:|-:|-:|-:|-:|-:|-:|")
    for seed in range(6):
        group, labels = made(10_000, seed)
        late = np.random.default_rng(1).permutation(GROUPS)[: GROUPS // 20]
        old = ~np.isin(group, late)
        sizes, counts = counted(group, labels)
        fixed, kept = np.full(GROUPS, -1), np.setdiff1d(np.arange(GROUPS), late)
        before = Problem(sizes=sizes[kept], counts=counts[kept], shares=SHARES, fixed=np.full(len(kept), -1))
        fixed[kept] = spread_out(before, seed=7, restarts=8)
        grown, cpu = timed(partial(ours, group, labels, fixed))
        afresh = ours(group, labels)
        moved = (grown[old] != fixed[group[old]]).mean()
        error, fresh = scored(grown, group, labels)[0], scored(afresh, group, labels)[0]
        least = least_error(sizes, counts, fixed)
        peer = stratified_group_k_fold(group, labels)
        _, place = np.unique(group[old], return_inverse=True)
        by_peer = (peer[old] != stratified_group_k_fold(place, labels[old])).mean()
        print(f"| {seed} | {moved:.1%} | {error:.4f} | {least:.4f} | {fresh:.4f} | {error / least:.2f} ", end="")
        print(f"| {least / fresh:.2f} | {cpu:.2f} ", end="")
        print(f"| {by_peer:.0%} | {scored(peer, group, labels)[0]:.4f} |", flush=True)


def least_error(sizes, counts, fixed, off=0.005):
    """Give the least mean relative class error of all assignments that keep ``fixed`` and sizes within ``off``.

    A mixed integer program: a binary number for each free group and part, one for the size of each deviation.
    HiGHS proves its answer; its lower bound is given.
    """
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import block_array, csr_array, eye_array, kron

    rows = counts[:, counts.sum(axis=0) > 0]
    rows, share = rows / rows.sum(axis=0), sizes / sizes.sum()
    free, parts, classes = np.flatnonzero(fixed < 0), len(SHARES), rows.shape[1]
    held = np.stack([rows[fixed == part].sum(axis=0) for part in range(parts)]) - SHARES[:, None]
    too_much = np.array([share[fixed == part].sum() for part in range(parts)]) - SHARES
    # Unknowns: part by part whether a free group is in it, then the deviations.
    into = kron(eye_array(parts), csr_array(rows[free].T))
    deviation = eye_array(parts * classes)
    once, size = kron(np.ones((1, parts)), eye_array(len(free))), kron(eye_array(parts), share[free][None])
    limits = [
        LinearConstraint(
            block_array([[into, -deviation], [-into, -deviation]]).tocsr(), ub=np.r_[-held, held].ravel()
        ),
        LinearConstraint(block_array([[once, csr_array((len(free), parts * classes))]]).tocsr(), 1, 1),
        LinearConstraint(
            block_array([[size, csr_array((parts, parts * classes))]]).tocsr(), -off - too_much, off - too_much
        ),
    ]
    weight = np.r_[np.zeros(parts * len(free)), np.repeat(1 / SHARES, classes) / (parts * classes)]
    whole = np.r_[np.ones(parts * len(free)), np.zeros(parts * classes)]
    top = np.where(whole > 0, 1, np.inf)
    found = milp(weight, constraints=limits, integrality=whole, bounds=Bounds(0, top), options={"time_limit": 120})
    return found.mip_dual_bound


def photographs():
    """Give real photographs, no two of one scene, as file names."""
    places = ("labels/coco128_people/images", "labels/gestures_hagrid", "labels/coco_wholebody_mmpose")
    found = [path for place in places for path in sorted((DATA / place).rglob("*.jp*g"))]
    return [path for path in found if cv2.imread(str(path)) is not None]


def edits(picture):
    """Give near-duplicates of a picture, by name."""
    height, width = picture.shape[:2]
    y, x = height // 40, width // 40
    return {
        "JPEG 30": cv2.imdecode(
            cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR
        ),
        "half size": cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
        "brighter": np.clip(picture * 1.2, 0, 255).astype(np.uint8),
        "noise": np.clip(picture + np.random.default_rng(0).normal(0, 8, picture.shape), 0, 255).astype(np.uint8),
        "mirrored": picture[:, ::-1],
        "crop 5 %": picture[y : height - y, x : width - x],
    }


def leaks():  # noqa: C901 - a straight list of what is planted
    photos = photographs()
    chance = np.random.default_rng(0)
    names = ("path", "part", "person", "recording", "take", "stream", "index")
    planted = {kind: set() for kind in ("person", "recording", "take", "near", "time")}
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def add(picture, **facts):
            name = f"{len(rows):05d}.jpg"
            cv2.imwrite(str(place / name), picture, [cv2.IMWRITE_JPEG_QUALITY, 95])
            rows.append({"path": name, **facts})
            return name

        of_edit = {}
        for at, path in enumerate(photos):
            picture = cv2.imread(str(path))
            first = add(picture, part="train", person=f"a{at}", recording=f"a{at}", take=f"a{at}")
            if at % 2:
                continue
            planted["near"].add(first)
            for kind, edited in edits(picture).items():
                name = add(
                    edited, part="test", person=f"b{at}{kind}", recording=f"b{at}{kind}", take=f"b{at}{kind}"
                )
                planted["near"].add(name)
                of_edit.setdefault(kind, set()).add(name)
        for at in range(4000):  # pictures that show nothing alike: what tells is the list
            look = np.clip(
                cv2.resize(chance.random((9, 9, 3)), (64, 64), interpolation=cv2.INTER_CUBIC) * 255, 0, 255
            )
            facts = dict.fromkeys(("person", "recording", "take"), f"c{at}")
            part = ("train", "test")[at % 2]
            kind = ("person", "recording", "take", "time", "")[at // 2 % 5] if at < 1000 else ""
            if kind in ("person", "recording", "take"):
                facts[kind] = f"{kind}{at // 2}"
            if kind == "time":
                facts |= {"stream": f"s{at // 2}", "index": 7 + at % 2}
            elif at >= 3000:  # one part a stream, or far apart
                facts |= {"stream": f"s{at // 2}", "index": 50 * (at % 2)}
            name = add(look.astype(np.uint8), part=part, **facts)
            if kind:
                planted[kind].add(name)
        with (place / "list.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        done, cpu = timed(lambda: verify(Settings(sources=[str(place / "list.csv")], within=1)))
        said = done.audited.names
        found = {leak.key or leak.kind: {said[at] for at in np.flatnonzero(leak.leaking)} for leak in done.leaks}
    print(f"\n{len(rows):,} pictures, {len(photos)} photographs; {cpu:.1f} CPU s\n")
    print("| planted | how many | recall | false alarms among the others |\n|-|-:|-:|-:|")
    for kind, wanted in planted.items():
        wrong = found[kind] - wanted
        recall = len(found[kind] & wanted) / len(wanted)
        print(f"| {kind} | {len(wanted):,} | {recall:.3f} | {len(wrong) / (len(rows) - len(wanted)):.4f} |")
    for kind, wanted in of_edit.items():
        print(f"| near: {kind} | {len(wanted):,} | {len(found['near'] & wanted) / len(wanted):.3f} | |")


if __name__ == "__main__":
    for name in sys.argv[1:] or ("balance", "growth", "leaks"):
        {"balance": balance, "growth": growth, "leaks": leaks}[name]()
