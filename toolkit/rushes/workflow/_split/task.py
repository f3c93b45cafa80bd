"""One split of one dataset: what is gathered once, then assigned, and put into words."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from rushes.contracts import Splitter
from rushes.errors import UsageError
from rushes.model import Assignment, Column
from rushes.splits import Component, Spread, audit, components, judge, spreads
from rushes.workflow import decisions, takes
from rushes.workflow._split import counts, locks, requests, words
from rushes.workflow._split.links import Links, duplicates
from rushes.workflow._split.outcome import Settings, Split
from rushes.workflow._split.stills import PICTURE, parts_before, stills_of, unit_name, units_of
from rushes.workflow._split.units import BLOCKS, Cut, Unit, blocks_of, cut, key_values
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded, excluded


class Task:
    """One split of one dataset: what is gathered once and looked at from several sides."""

    def __init__(self, opened: Dataset, settings: Settings) -> None:
        self.opened, self.store, self.settings = opened, opened.store, settings
        found = self.store.table("recordings").sort_by("recording_id").to_pylist()
        out = Excluded() if settings.rejected else excluded(self.store)
        self.out, self.discarded = out, out.discarded or takes.NOTHING
        kept = [row for row in found if row["take_state"] != "discarded"]
        before = self.store.table("splits", where={"split": settings.name}).to_pylist()
        self.locks = locks.locked_parts(self.store, settings.name)
        # A locked part stays as it was locked; exports leave out what was rejected since.
        held = {row["recording_id"] for row in before if row["part"] in self.locks}
        gone = {row["recording_id"] for row in kept if out.whole(row["recording_id"])} - held
        self.rejected = [row["name"] for row in kept if row["recording_id"] in gone]
        self.recordings = [row for row in kept if row["recording_id"] not in gone]
        if not self.recordings:
            raise UsageError(
                f"{opened.path} holds no recordings to split",
                code="split.empty",
                hint="all of them are rejected; --include-rejected takes them along"
                if self.rejected
                else f"rushes ingest PATH --into {opened.path}",
            )
        self.names = {row["recording_id"]: row["name"] for row in self.recordings}
        self.keys = key_values(self.store, self.recordings, settings.facts, settings.group_by)
        self.before = [
            row
            for row in before
            if row["recording_id"] in self.names and (not settings.fresh or row["part"] in self.locks)
        ]
        self._demand_known_parts()
        self.was = parts_before(self.before)
        stills = {name: made for name, made in stills_of(opened, self.names).items() if name not in self.was}
        apart = {row["recording_id"] for row in self.before if row["group_by"] == PICTURE}
        self.stills = {n: made for n, made in stills.items() if n in apart or PICTURE in settings.facts}
        self._tie()
        one_group = len(self.components) == 1 and len(settings.parts) > 1
        if one_group and len(stills) == len(self.names) and not settings.blocks:
            self.stills = stills  # no clock orders them: blocks of time would mean nothing
            self._tie()
        self.cuts = self.stills | self._cuts()
        self.units = self._units()

    def _tie(self) -> None:
        """Find the components of all recordings, or of pictures where a set of stills is taken apart."""
        self.nodes = [
            node
            for recording in self.names
            for node in (
                [unit_name(recording, at) for at in range(self.stills[recording].blocks)]
                if recording in self.stills
                else [recording]
            )
        ]
        times = [self.stills[name].blocks if name in self.stills else 1 for name in self.names]
        spread = [
            [value for value, count in zip(values, times, strict=True) for _ in range(count)]
            for values in self.keys
        ]
        self.links, self.components = self._tied(self.nodes, spread)
        self.group_of = {self.nodes[at]: each.name for each in self.components for at in each.units}

    def _demand_known_parts(self) -> None:
        wanted = self.settings.parts
        for row in self.before:
            if row["part"] not in wanted and row["part"] not in self.locks:
                held = list(dict.fromkeys(each["part"] for each in self.before))
                raise UsageError(
                    f"split '{self.settings.name}' has the parts {', '.join(held)}, and not {', '.join(wanted)}: "
                    f"'{self.names[row['recording_id']]}' was assigned to '{row['part']}'",
                    code="split.unknown-part",
                    hint="--fresh forgets what was assigned; --name makes another split beside it",
                )

    def _tied(self, ids: Sequence[str], keys: Sequence[Sequence[str | None]]) -> tuple[Links, list[Component]]:
        """Join what belongs together; where near-duplicates of a still scene would tie too much, equal ones do."""
        wanted = self.settings.links
        place = {recording: at for at, recording in enumerate(ids)}
        size = {row["recording_id"]: max(row["count_read"], 1) for row in self.recordings}
        weight = [size.get(node) or len(self.stills[node.partition("#")[0]].counts) for node in ids]

        def joined(links: Links) -> tuple[list[Component], float]:
            made = components(ids, keys, [(place[a], place[b]) for a, b in links.pairs])
            return made, max(sum(weight[at] for at in each.units) for each in made) / sum(weight)

        near = "near" if wanted == "auto" else wanted
        links = duplicates(self.store, self.names, kind=near, stills=self.stills, out=self.out)
        made, heaviest = joined(links)
        if wanted != "auto" or not links.pairs:
            return links, made
        exact = duplicates(self.store, self.names, kind="exact", stills=self.stills, out=self.out)
        others, lightest = joined(exact)
        most = max(self.settings.parts.values())
        if (heaviest > most and heaviest > lightest) or len(made) < len(self.settings.parts) <= len(others):
            return replace(exact, loosened=heaviest), others
        return links, made

    def _cuts(self) -> dict[str, Cut]:
        """Cut what is to be cut: recordings without rows, if blocks are asked for or all there is is one group."""
        one_group = len(self.components) == 1 and len(self.settings.parts) > 1
        kept = {row["recording_id"] for row in self.before} | self.stills.keys()
        anew = [recording for recording in self.names if recording not in kept]
        if not anew or not (
            self.settings.blocks or (one_group and not any(r["stream"] is None for r in self.before))
        ):
            return {}
        blocks = self.settings.blocks or BLOCKS
        return {name: cut(self.opened, name, blocks=blocks, buffer_ns=self.settings.buffer_ns) for name in anew}

    def _blocks_before(self) -> list[dict[str, Any]]:
        return [row for row in self.before if row["stream"] is not None and row["group_by"] != PICTURE]

    def _units(self) -> list[Unit]:
        held = {row["recording_id"] for row in self._blocks_before()}
        units = []
        for row in self.recordings:
            recording = row["recording_id"]
            if recording in self.stills:
                units += units_of(recording, self.stills[recording])
            elif recording in self.cuts:
                units += blocks_of(recording, self.cuts[recording], self.discarded)
            elif recording not in held:  # what was cut before keeps its rows as they are
                samples = row["count_read"] - self.discarded.samples(recording)
                units.append(Unit(name=recording, recording_id=recording, samples=max(samples, 1)))
        return units

    def assign(self, splitter: Splitter) -> list[Assignment]:
        """Assign all units but those whose part is locked."""
        settings = self.settings
        for part in self.locks:
            if part not in settings.parts:
                raise UsageError(
                    f"part '{part}' of '{settings.name}' is locked, and not among {', '.join(settings.parts)}",
                    code="split.locked",
                    hint="keep the part, or make a split of another name",
                )
        parts = {part: share for part, share in settings.parts.items() if part not in self.locks}
        was = self.was
        frozen = {node for node, part in was.items() if part in self.locks}
        closed = {self.group_of[node] for node in frozen}
        self.left_out = [
            _node(unit) for unit in self.units if _node(unit) not in was and self.group_of[_node(unit)] in closed
        ]
        names, amounts = counts.counts_of(
            self.store, self.units, self.recordings, self.cuts, settings.balance, out=self.out
        )
        self._weigh_requests(closed)
        self.count_names, self.amounts = names, amounts
        left_out = {*self.left_out}
        mine = [
            at for at, unit in enumerate(self.units) if _node(unit) not in frozen and _node(unit) not in left_out
        ]
        kept = [
            Assignment(unit=u, part=was[u], group=self.group_of[u], reason="its part is locked", pinned=True)
            for u in sorted(frozen)
        ]
        if not mine:
            return kept
        total = sum(parts.values())
        units = [self.units[at] for at in mine]
        columns: dict[str, Column] = {
            "unit": [unit.name for unit in units],
            "group": [self._group(unit) for unit in units],
            "weight": np.array([unit.samples for unit in units], np.int64),
            "counts": amounts[mine],
        }
        if not self.locks:
            shares: Mapping[str, float] = parts
        elif parts:
            shares = {part: share / total for part, share in parts.items()}
        else:
            raise UsageError(
                f"every part of split '{settings.name}' is locked, and {len(units)} recordings have none",
                code="split.locked",
                hint=f"rushes split lock {self.opened.path} PART --undo, or another --name",
            )
        pins = {unit.name: was[unit.name] for unit in units if unit.name in was}
        pins |= {unit.name: self.requests.pins[unit.name] for unit in units if unit.name in self.requests.pins}
        made = splitter.assign(columns, shares, seed=settings.seed, pinned=pins, options={})
        return kept + [self._with_reason(each) for each in made]

    def _weigh_requests(self, closed: Collection[str]) -> None:
        asked = decisions.requested_parts(self.store)
        self.wanted = {name: (one.value or "", one.author) for name, one in asked.items() if name in self.names}
        cut_before = {row["recording_id"] for row in self._blocks_before()}
        self.requests = requests.weigh(
            self.wanted,
            self.group_of | {recording: recording for recording in self.stills},
            parts=list(self.settings.parts),
            locked=list(self.locks),
            closed=closed,
            cut={*self.cuts, *cut_before},
        )

    def _with_reason(self, made: Assignment) -> Assignment:
        if made.unit in self.requests.asked:
            return replace(made, reason=f"{self.requests.asked[made.unit]} asked for it")
        if made.unit in self.requests.pins:
            return replace(made, reason="one of its group was asked for")
        return made

    def _group(self, unit: Unit) -> str:
        return self.group_of[_node(unit)] if unit.block is None or unit.still else unit.name

    def rows(self, assigned: Sequence[Assignment]) -> list[dict[str, Any]]:
        """Give the rows of the table: a recording, or the stretches of a block without its buffers."""
        unit_of = {unit.name: unit for unit in self.units}
        part_of = {a.unit: a.part for a in assigned}
        rows = [row | {"pinned": True, "reason": "it was assigned before"} for row in self._blocks_before()]
        for each in assigned:
            unit = unit_of[each.unit]
            row = {
                "split": self.settings.name,
                "recording_id": unit.recording_id,
                "part": each.part,
                "group": self.group_of[_node(unit)],
                "group_by": PICTURE if unit.still else self.settings.grouping,
                "pinned": each.pinned,
                "reason": each.reason,
                "seed": self.settings.seed,
                "stream": None,
                "index": None,
                "index_end": None,
            }
            if unit.block is None:
                rows.append(row)
                continue
            made = self.cuts[unit.recording_id]
            if unit.still:
                rows += [
                    row | {"stream": stream, "index": unit.block, "index_end": unit.block + 1}
                    for stream in made.streams
                ]
                continue
            neighbours = [
                part_of.get(f"{unit.recording_id}#{unit.block + step:03d}", each.part) for step in (-1, 1)
            ]
            before, after = (self.settings.buffer_ns // 2 if part != each.part else 0 for part in neighbours)
            for stream in made.streams:
                first, last = made.rows(stream, unit.block, before_ns=before, after_ns=after)
                rows += [
                    row
                    | {"stream": stream, "index": begin, "index_end": end, "group_by": "block"}
                    | {"reason": f"block {unit.block} of {made.blocks}: {each.reason}"}
                    for begin, end in self.discarded.stretches(unit.recording_id, stream, first, last)
                ]
        return rows

    def told(self, assigned: Sequence[Assignment], rows: Sequence[Mapping[str, Any]]) -> Split:
        """Audit the outcome, and put it into words."""
        settings = self.settings
        weight = {unit.name: unit.samples for unit in self.units}
        cut_before = self._blocks_before()
        cut = dict.fromkeys([*self.cuts, *(row["recording_id"] for row in cut_before)])
        samples = {part: sum(weight[a.unit] for a in assigned if a.part == part) for part in settings.parts}
        for row in cut_before:
            samples[row["part"]] = samples.get(row["part"], 0) + row["index_end"] - row["index"]
        found = self._spreads({a.unit: a.part for a in assigned})
        findings = [
            *audit(assigned, weights=weight, parts=settings.parts if assigned else None, called=self._called()),
            *locks.broken(self.locks, rows),
            *judge(found, list(settings.parts)),
            *requests.findings(self.requests, self.names, self.wanted),
        ]
        done = Split(
            settings=settings,
            assignments=assigned,
            names=self.names,
            samples=samples,
            components=self.components,
            links=self.links,
            spreads=found,
            digests={part: locks.digest_of_rows(r for r in rows if r["part"] == part) for part in settings.parts},
            left_out=sorted(set(self.left_out)),
            rejected=sorted(self.rejected),
            discarded={
                (self.names[recording], number): count
                for recording, counts in self.discarded.frames(self.names).items()
                for number, count in counts.items()
            },
            asked=dict(self.requests.asked),
            findings=findings,
            nodes=self.nodes,
            cut=tuple(recording for recording in cut if recording not in self.stills),
            stills=tuple(self.stills),
            locked=tuple(self.locks),
        )
        return replace(done, findings=[*findings, *words.remarks(done)])

    def _called(self) -> Mapping[str, str]:
        """Say the groups that are named by the id of a recording, for want of a fact, by its name."""
        called = {}
        for each in self.components:
            recording, _, picture = each.name.partition("#")
            if recording in self.names:
                others = f" with {len(each.units) - 1} others" if len(each.units) > 1 else ""
                name = f"{self.names[recording]}/{int(picture)}" if picture else self.names[recording]
                called[each.name] = f"'{name}'{others}"
        return called

    def _spreads(self, part_of: Mapping[str, str]) -> list[Spread]:
        place_of = {part: at for at, part in enumerate(self.settings.parts)}
        there = [at for at, unit in enumerate(self.units) if part_of.get(unit.name) in place_of]
        group = [self._group(self.units[at]) for at in there]
        groups = {name: at for at, name in enumerate(dict.fromkeys(group))}
        return spreads(
            self.count_names,
            self.amounts[there],
            np.array([place_of[part_of[self.units[at].name]] for at in there], np.int64),
            np.array([groups[name] for name in group], np.int64),
            self.settings.parts,
        )


def _node(unit: Unit) -> str:
    """Give what a unit is tied by: a picture of a set of stills, or its recording."""
    return unit.name if unit.still else unit.recording_id
