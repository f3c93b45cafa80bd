"""What is said of a split beside its numbers: remarks, and evidence in sentences that a reviewer can quote."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from rushes.model import Finding
from rushes.quantities import say_count
from rushes.workflow._split.outcome import Split


def remarks(done: Split) -> Iterator[Finding]:
    """Say what weakens the split or was left aside.

    Yields:
        ``split.blocks`` (warning), ``split.left-out`` (warning) and ``split.duplicates-unknown`` (info).
    """
    if done.cut:
        one = ", all there is being one group" if len(done.components) == 1 else ""
        yield Finding(
            check="split.blocks",
            severity="warning",
            message=f"{say_count(len(done.cut), 'recording')} cut into blocks of time{one}: the parts share "
            f"people, place and day, {done.settings.buffer_ns / 1e9:g} s apart; results look better than they are",
            value=float(len(done.cut)),
            unit="1",
            count=len(done.cut),
        )
    if done.rejected:
        yield Finding(
            check="split.rejected",
            severity="info",
            message=f"{say_count(len(done.rejected), 'recording')} in no part, since people rejected or deleted "
            f"them: {', '.join(done.rejected[:5])}{' …' if len(done.rejected) > 5 else ''}; "
            "--include-rejected assigns them",
            value=float(len(done.rejected)),
            unit="1",
            count=len(done.rejected),
        )
    if done.discarded:
        frames, takes = sum(done.discarded.values()), say_count(len(done.discarded), "discarded take")
        yield Finding(
            check="split.discarded-takes",
            severity="info",
            message=f"left out: {say_count(frames, 'frame')} of {takes}; exports of this split do not hold them",
            value=float(frames),
            unit="1",
            count=len(done.discarded),
        )
    pictures = Counter(node.partition("#")[0] for node in done.left_out if "#" in node)
    whole = [f"'{done.names[recording]}' belongs" for recording in done.left_out if "#" not in recording]
    some = [f"{say_count(count, 'picture')} of '{done.names[name]}' belong" for name, count in pictures.items()]
    for who in [*whole, *some]:
        yield Finding(
            check="split.left-out",
            severity="warning",
            message=f"{who} to a group of a locked part ({', '.join(done.locked)}): in no part, since "
            "none may have it",
        )
    if done.links.loosened is not None:
        yield Finding(
            check="split.links-loosened",
            severity="warning",
            message=f"near-duplicates would tie {done.links.loosened:.0%} of the samples into one group, as a "
            "still scene does: only those with equal pictures were kept together; rushes split verify shows them",
            value=done.links.loosened,
            limit=max(done.settings.parts.values()),
            unit="1",
        )
    if not done.links.looked:
        yield Finding(
            check="split.duplicates-unknown",
            severity="info",
            message="near-duplicates were not looked for, so that equal pictures may lie in two parts; "
            "rushes split verify looks for them",
        )


def _left_out(done: Split) -> Iterator[str]:
    if done.rejected:
        yield f"{say_count(len(done.rejected), 'recording')} left out, rejected by people."
    if done.discarded:
        takes = say_count(len(done.discarded), "discarded take")
        yield f"{say_count(sum(done.discarded.values()), 'frame')} of {takes} left out."


def evidence(done: Split) -> list[str]:
    """Say what holds of the split, each sentence by itself."""
    settings = done.settings
    groups = len(done.components)
    grown = sum(a.pinned and a.unit not in done.asked for a in done.assignments)
    assigned = len(done.names) - sum("#" not in node for node in done.left_out)
    said = [
        f"Split '{settings.name}' assigns {say_count(assigned, 'recording')} in "
        f"{say_count(groups, 'group')} by {settings.grouping}, seed {settings.seed}, {grown} as before."
    ]
    leaks = sum(f.check == "split.leak" for f in done.findings)
    if done.stills:
        said.append(
            f"{say_count(len(done.stills), 'set')} of stills parted picture by picture: no clock orders them."
        )
    if done.cut:
        said.append(
            f"{say_count(len(done.cut), 'recording')} cut into blocks of time: weaker than parts by group."
        )
    elif leaks:
        said.append(f"{say_count(leaks, 'group')} of {groups} in several parts: this split leaks.")
    else:
        said.append(f"No group lies in two parts: 0 of {groups} leak.")
    if done.links.looked and settings.links != "none":
        tied = say_count(len(done.links.pairs), "pair")
        equal = settings.links == "exact" or done.links.loosened is not None
        what = "pictures" if len(done.stills) == len(done.names) else "recordings"
        said.append(f"{tied} of {what} tied by {'equal' if equal else 'like'} pictures.")
    wanted = list(settings.parts.values())
    free = [each for each in done.spreads if each.groups >= len(wanted)]
    if free:
        worst = max(free, key=lambda each: each.worst)
        mean = float(np.mean([abs(s - w) / w for e in free for s, w in zip(e.shares, wanted, strict=True)]))
        said.append(
            f"Of {say_count(len(free), 'thing')} to balance, shares are {mean:.1%} off on average; the worst is "
            f"{worst.name}, {worst.worst:.1%} off"
            + (f" ({worst.bound:.1%} at least in any split)." if worst.bound > 0 else ".")
        )
    if len(done.spreads) > len(free):
        said.append(
            f"{say_count(len(done.spreads) - len(free), 'thing')} cannot be in all parts: in too few groups."
        )
    total = sum(done.samples.values())
    if total:
        off = max(abs(done.samples[part] / total - share) for part, share in settings.parts.items())
        said.append(f"Sizes are within {100 * off:.2f} points of the shares.")
    if done.asked:
        said.append(f"{say_count(len(done.asked), 'recording')} where somebody asked for it to be.")
    said.extend(_left_out(done))
    said.extend(f"Part '{part}' is locked, sha256 {done.digests[part]}." for part in done.locked)
    return said
