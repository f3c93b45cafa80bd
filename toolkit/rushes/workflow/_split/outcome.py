"""How to split, and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rushes.model import Assignment, Finding
from rushes.splits import Component, Spread
from rushes.workflow._split import counts
from rushes.workflow._split.links import NO_LINKS, Links


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How to split.

    Args:
        name: Of the split; a dataset may have several.
        by: What must stay together: recording, subject, session, place, task or take; several by comma or listed.
            ``picture`` takes sets of stills apart, so that only like pictures of theirs stay together.
        group_by: SQL expressions over ``recordings``; recordings that share a value stay together too.
        links: Whether recordings that hold like pictures stay together: near, exact or none; auto is near, but
            exact where near-duplicates would tie more into one group than any part should hold.
        balance: What is spread alike beside the samples: class, kind, attribute, task, subject, session, place,
            sensor; empty for nothing.
        parts: Share of the samples that each part should get.
        seed: Of the only randomness.
        splitter: Plugin.
        fresh: Forget what was assigned before, instead of pinning it; locked parts stay.
        blocks: Cut each recording into so many blocks of time; 0 does so only where all is one group.
        buffer_ns: Time between blocks of different parts that is left out.
        rejected: Assign recordings that people rejected or deleted, and discarded takes, too.
    """

    parts: Mapping[str, float]
    name: str = "default"
    by: str | Sequence[str] = "recording"
    group_by: Sequence[str] = ()
    links: str = "auto"
    balance: Sequence[str] = counts.DEFAULT
    seed: int = 7
    splitter: str = "grouped"
    fresh: bool = False
    blocks: int = 0
    buffer_ns: int = 1_000_000_000
    rejected: bool = False

    @property
    def facts(self) -> list[str]:
        """What must stay together, one by one."""
        listed = self.by.split(",") if isinstance(self.by, str) else self.by
        return [fact.strip() for fact in listed]

    @property
    def grouping(self) -> str:
        """The same in one phrase."""
        return ", ".join([*self.facts, *self.group_by])


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """The outcome.

    Args:
        assignments: One for each recording, or for each block.
        names: Of the recordings, by id.
        samples: By part.
        components: What had to stay together.
        links: Like pictures that tied recordings.
        spreads: How each class, and whatever else was balanced, lies over the parts.
        digests: sha256 of what each part holds.
        left_out: Recordings that got no part, since theirs is locked.
        rejected: Names of recordings that got no part, since people rejected or deleted them.
        discarded: Frames of each discarded take that are left out of the parts, by recording's name and number.
        asked: Recordings that are where somebody asked for them, and who did.
        nodes: What components count: recordings, and the pictures of sets of stills.
        cut: Recordings that are parted into blocks of time.
        stills: Sets of stills that are parted picture by picture.
        locked: Parts that are.
        findings: Of the audit.
        evidence: Sentences that a reviewer can quote.
    """

    settings: Settings
    assignments: Sequence[Assignment]
    names: Mapping[str, str]
    samples: Mapping[str, int]
    components: Sequence[Component] = ()
    links: Links = NO_LINKS
    spreads: Sequence[Spread] = ()
    digests: Mapping[str, str] = field(default_factory=dict)
    left_out: Sequence[str] = ()
    rejected: Sequence[str] = ()
    discarded: Mapping[tuple[str, int], int] = field(default_factory=dict)
    asked: Mapping[str, str] = field(default_factory=dict)
    nodes: Sequence[str] = ()
    cut: Sequence[str] = ()
    stills: Sequence[str] = ()
    locked: Sequence[str] = ()
    findings: Sequence[Finding] = ()
    evidence: Sequence[str] = ()
    revision: int = 0
