"""Labels out of everything that was ever said of them: versions of a tool and edits, merged in their order.

Two sides are kept of every label: *theirs*, as the newest version of the tool says, and *ours*, with the edits of
the dataset. Whenever their side brings something new, it is merged three-way; the base is what they said when the
sides were merged last. A group about which the sides clash stays as ours has it, and a label whose existence is
contested stays, until the clash is settled, or the sides come to mean the same.

An edit that yields was made out of sight of ours. It is merged with ours three-way in the same manner, before all
else; what it says otherwise is a *dispute*, a conflict like the others, whose sides are ours and the edit's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from rushes.annotate import merging
from rushes.annotate.edits import Edit, Take
from rushes.annotate.merging import EXISTENCE, Clash
from rushes.labels import Label, digest_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something new: a version of the tool with all labels of its annotation, or an edit.

    Args:
        event_id: The version that it came as.
        t_ns: When it was stored.
        theirs: Labels by id; None for an edit.
        edit: None for a version of the tool.
    """

    event_id: str
    t_ns: int
    theirs: Mapping[str, Label] | None = None
    edit: Edit | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """A group of one label that two sides changed to different things.

    Args:
        since_ns, since_event: When it came up, and by which version.
        state: open, settled by somebody, or agreed: the sides came to mean the same.
        take: Whose value was taken, where it was settled.
        until_ns, until_event: When it was closed, and by which version.
        sides: Of a dispute, the labels that its sides mean.
    """

    conflict_id: str
    label: Label
    clash: Clash
    since_ns: int
    since_event: str
    state: Literal["open", "settled", "agreed"] = "open"
    take: Take | None = None
    until_ns: int | None = None
    until_event: str | None = None
    sides: Mapping[Take, Label | None] | None = None


@dataclass(slots=True)
class Line:
    """What is known of one label.

    Args:
        base: What both sides have started from.
        now: As it stands.
        open: Conflicts by group.
        disputes: Open conflicts of ours with edits that yield.
        edited: Whether there was an edit of it.
    """

    base: Label | None = None
    ours: Label | None = None
    theirs: Label | None = None
    now: Label | None = None
    open: dict[str, Conflict] = field(default_factory=dict)
    disputes: list[Conflict] = field(default_factory=list)
    edited: bool = False


@dataclass(slots=True)
class Folded:
    """Everything that is known of some labels, by their ids in the order of their coming, and all conflicts."""

    lines: dict[str, Line] = field(default_factory=dict)
    closed: list[Conflict] = field(default_factory=list)

    @property
    def labels(self) -> list[Label]:
        """The labels as they stand."""
        return [line.now for line in self.lines.values() if line.now is not None]

    @property
    def conflicts(self) -> list[Conflict]:
        """The closed ones in the order of their closing, then those that are open."""
        open_ones = (one for line in self.lines.values() for one in (*line.open.values(), *line.disputes))
        return [*self.closed, *open_ones]


def fold(steps: Iterable[Step]) -> Folded:
    """Merge versions and edits of one annotation, or of labels of no tool.

    Args:
        steps: In the order in which they were stored.
    """
    found = Folded()
    for step in steps:
        if step.edit is not None:
            _edit(found, found.lines.setdefault(step.edit.label_id, Line()), step, step.edit)
            continue
        assert step.theirs is not None, "a step is a version or an edit"
        for name in dict.fromkeys([*found.lines, *step.theirs]):
            line = found.lines.setdefault(name, Line())
            line.theirs = step.theirs.get(name)
            _merge(found, line, step)
    return found


def _edit(found: Folded, line: Line, step: Step, edit: Edit) -> None:
    seen = line.now if line.now is not None or line.base is not None else edit.before
    for group in edit.settles:
        line.base = _settled(line.base, line.theirs, group)
    if edit.yields:
        _yield(line, step, edit, line.now if line.edited else seen)
    else:
        # Edits are made one after the other; should two be made upon the same version, the later one holds.
        line.ours = merging.merge(edit.before, edit.after, seen).ours
    line.edited = True
    _merge(found, line, step, take=edit.take, settles=frozenset(edit.settles))


def _yield(line: Line, step: Step, edit: Edit, seen: Label | None) -> None:
    """Take what an edit says that ours does not contradict; the rest is a dispute."""
    merged = merging.merge(edit.before, seen, edit.after)
    line.ours = merged.label
    for clash in merged.clashes:
        assert merged.label is not None, "what clashes is there"
        line.disputes.append(
            Conflict(
                conflict_id=digest_of("dispute", edit.label_id, clash.group, step.event_id),
                label=merged.label,
                clash=clash,
                since_ns=step.t_ns,
                since_event=step.event_id,
                sides={"base": edit.before, "ours": seen, "theirs": edit.after},
            )
        )


def _settled(base: Label | None, theirs: Label | None, group: str) -> Label | None:
    """Move the base to what they say of a group: from here on, whatever ours says of it is a change."""
    if group == EXISTENCE or base is None or theirs is None:
        return theirs
    return merging.with_group(base, group, theirs)


def _merge(
    found: Folded, line: Line, step: Step, *, take: Take | None = None, settles: frozenset[str] = frozenset()
) -> None:
    merged = merging.merge(line.base, line.ours, line.theirs)
    line.ours, line.now = merged.ours, merged.label
    line.base = merging.advanced(line.base, line.theirs, merged.clashes)
    there = {clash.group: clash for clash in merged.clashes}
    _close_disputes(found, line, step, take=take, settles=settles)
    for group in [group for group in line.open if group not in there]:
        settled = group in settles
        closed = replace(
            line.open.pop(group),
            state="settled" if settled else "agreed",
            take=take if settled else None,
            until_ns=step.t_ns,
            until_event=step.event_id,
        )
        found.closed.append(closed)
    for group, clash in there.items():
        assert merged.label is not None, "what clashes is there"
        if group in line.open:
            line.open[group] = replace(line.open[group], clash=clash, label=merged.label)
            continue
        line.open[group] = Conflict(
            conflict_id=digest_of("conflict", merged.label.label_id, group, step.event_id),
            label=merged.label,
            clash=clash,
            since_ns=step.t_ns,
            since_event=step.event_id,
        )


def _close_disputes(found: Folded, line: Line, step: Step, *, take: Take | None, settles: frozenset[str]) -> None:
    """Close what was settled, what has come to mean the same, and what is about a label that is gone."""
    said = merging.groups(line.now)
    left = []
    for one in line.disputes:
        group = one.clash.group
        settled = group in settles
        alike = group != EXISTENCE and merging.same(said.get(group, merging.ABSENT), one.clash.theirs)
        if settled or alike or line.now is None:
            closed = replace(
                one,
                state="settled" if settled else "agreed",
                take=take if settled else None,
                until_ns=step.t_ns,
                until_event=step.event_id,
            )
            found.closed.append(closed)
        else:
            left.append(replace(one, label=line.now))
    line.disputes = left


def settled(line: Line, groups: Iterable[str], take: Take) -> Label | None:
    """Give a label with one side's value of groups that are contested; None where that is its deletion."""
    whole = {"ours": line.ours, "theirs": line.theirs, "base": line.base}[take]
    disputes = {one.clash.group: one.sides for one in line.disputes if one.sides is not None}
    now = line.now
    for group in groups:
        side = disputes[group][take] if group in disputes else whole
        if group == EXISTENCE:
            return side
        if now is not None and side is not None:
            now = merging.with_group(now, group, side)
    return now
