"""Verify: an assignment, made here or elsewhere, is searched for leaks between its parts."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from rushes import registry
from rushes.duplicates import MANY, NEAR_BITS, NEAR_BITS_OF_FILMS, NEAR_BITS_OF_MANY
from rushes.errors import UsageError
from rushes.model import Finding
from rushes.quantities import say_count
from rushes.splits import Cost, Leak, Samples, class_matrix, cost_of, leaks
from rushes.workflow._split import of_files
from rushes.workflow._split.audited import Audited, Progress, said
from rushes.workflow._split.of_dataset import BY, of_dataset
from rushes.workflow.dataset import Dataset
from rushes.workflow.pages import write_whole

NAMED = 5
CHECKS = {
    "group": "split.leak-group",
    "exact": "split.leak-exact",
    "near": "split.leak-near",
    "alike": "split.alike",
    "time": "split.leak-time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to hold against what.

    Args:
        sources: A dataset; or one CSV with paths and parts; or COCO files, ``PART=FILE`` or named by their stem.
        name: Of the dataset's split.
        assignment: CSV with the parts of a dataset's recordings or frames, instead of its own split.
        by: What may not be in two parts; None: recording, subject and session, or every column of a list that is
            a key.
        pattern: Regular expression with named groups over paths: more keys, and stream and index.
        images: Folder of the pictures of COCO files.
        radius: Bits that near-duplicates may differ in; None: 8, but 4 where one is of a film, and 3 in more than
            100,000 pictures.
        within: Samples up to which two of one stream are neighbours.
        within_ns: The same in time; wins where it is above 0.
        every: Look at one of so many frames of a dataset's streams.
        cost: Also measure what each leak adds to a score.
        seed: Of the only randomness.
    """

    sources: Sequence[str]
    name: str = "default"
    assignment: Path | None = None
    by: Sequence[str] | None = None
    pattern: str | None = None
    images: Path | None = None
    radius: int | None = None
    within: int = 1
    within_ns: int = 0
    every: int = 1
    cost: bool = False
    seed: int = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The outcome.

    Args:
        radius: Bits that were used.
        film_radius: The same where one of two pictures is of a stream with times.
        sizes: Samples of each part.
        digest: sha256 over every sample's name and part.
        costs: What each leak is worth, where asked for.
        cost_between: The training and the test part of it.
    """

    settings: Settings
    audited: Audited
    leaks: Sequence[Leak]
    radius: int
    film_radius: int
    sizes: Mapping[str, int]
    digest: str
    findings: Sequence[Finding]
    costs: Sequence[Cost] = field(default_factory=tuple)
    cost_between: tuple[str, str] | None = None

    @property
    def forbidden(self) -> bool:
        """Whether anything leaks that must not."""
        return any(finding.severity == "error" for finding in self.findings)


def verify(settings: Settings, *, progress: Progress | None = None) -> Verified:
    """Search an assignment for leaks: by group, exact, near-duplicate and in time.

    Raises:
        UsageError: If a source is absent or cannot be understood, or there are no two parts.
        StoreError: If the dataset cannot be opened.
    """
    audited = _audited(settings, progress)
    samples = audited.samples
    known = int((samples.part >= 0).sum())
    if len(set(samples.part[samples.part >= 0].tolist())) < 2:
        raise UsageError(
            f"{audited.title}: {say_count(known, 'picture')} in {say_count(len(samples.parts), 'part')}; "
            "a leak needs two parts",
            code="split.one-part",
            hint="give all parts at once: rushes split verify train.json val.json test.json",
        )
    radius = settings.radius if settings.radius is not None else NEAR_BITS if known <= MANY else NEAR_BITS_OF_MANY
    film_radius = radius if settings.radius is not None else min(radius, NEAR_BITS_OF_FILMS)
    within = settings.within_ns or settings.within
    found = leaks(samples, radius=radius, film_radius=film_radius, within=within)
    done = Verified(
        settings=settings,
        audited=audited,
        leaks=found,
        radius=radius,
        film_radius=film_radius,
        sizes={part: int((samples.part == at).sum()) for at, part in enumerate(samples.parts)},
        digest=_digest(audited),
        findings=[*_findings(audited, found, radius, settings), *_unchecked(audited, found)],
    )
    return _with_costs(done) if settings.cost else done


def write_report(done: Verified, path: Path) -> int:
    """Write the page of an audit so that it is there whole or not at all; give its size in bytes."""
    text: str = registry.late("rushes.workflow._split.audit_page").audit_page(done)
    return write_whole(path, text)


def _audited(settings: Settings, progress: Progress | None) -> Audited:
    timed = settings.within_ns > 0
    first = Path(settings.sources[0])
    if len(settings.sources) == 1 and first.is_dir():
        listed = None
        if settings.assignment is not None:
            listed = {row["path"]: row["part"] for row in of_files.read_list(settings.assignment) if row["part"]}
        with Dataset.open(first) as opened:
            return of_dataset(
                opened,
                split=settings.name,
                listed=listed,
                by=settings.by or BY,
                every=settings.every,
                timed=timed,
                features=settings.cost,
                progress=progress,
            )
    files = {_part(source): _file(source) for source in settings.sources}
    if len(files) < len(settings.sources):
        raise UsageError(
            "two files are of one part", code="split.list", hint="name the parts: train=a/instances.json test=b/…"
        )
    if len(files) == 1 and first.suffix.lower() in (".csv", ".tsv", ".txt"):
        rows, root, title = of_files.read_list(first), first.parent, f"the list {first.name}"
    else:
        rows, root, title = (
            of_files.read_coco(files, settings.images),
            Path.cwd(),
            f"COCO files {', '.join(files)}",
        )
    return of_files.of_rows(
        rows, root=root, title=title, by=settings.by, pattern=settings.pattern, timed=timed, progress=progress
    )


def _part(source: str) -> str:
    part, equals, _ = source.partition("=")
    stem = Path(source).stem
    named = next((word for word in ("train", "val", "test") if word in stem.lower()), stem)
    return part if equals else named


def _file(source: str) -> Path:
    before, equals, after = source.partition("=")
    path = Path(after if equals else before)
    if not path.is_file():
        raise UsageError(
            f"{path}: there is no such file, nor a dataset",
            code="path.absent",
            hint="give a dataset, a CSV with paths and parts, or COCO files: train.json test.json",
        )
    return path


def _digest(audited: Audited) -> str:
    parts = audited.samples.parts
    place = audited.samples.part.tolist()
    lines = sorted(f"{name}\t{parts[at]}" for name, at in zip(audited.names, place, strict=True) if at >= 0)
    return hashlib.sha256("\n".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _findings(audited: Audited, found: Sequence[Leak], radius: int, settings: Settings) -> list[Finding]:
    made = []
    for leak in found:
        count = int(leak.leaking.sum())
        if not count:
            continue
        # Blocks of time share their recording, and whoever is in it, by intent; that is told as weaker.
        by_intent = audited.blocks and leak.kind == "group"
        limit = {
            "near": float(radius),
            "alike": float(radius),
            "time": float(settings.within_ns or settings.within),
        }.get(leak.kind)
        made.append(
            Finding(
                check=CHECKS[leak.kind],
                severity="warning" if by_intent or leak.kind == "alike" else "error",
                message=f"{count:,} of {leak.known:,} pictures ({count / leak.known:.1%}) have {said(leak)} in "
                f"another part: {_examples(audited, leak)}"
                + ("; the parts are blocks of time" if by_intent else ""),
                value=float(min((pair.distance for pair in leak.pairs), default=0)) if limit is not None else None,
                limit=limit,
                unit={"near": "bit", "alike": "bit", "time": "ns" if settings.within_ns else "samples"}.get(
                    leak.kind
                ),
                count=count,
            )
        )
    return made


def _examples(audited: Audited, leak: Leak) -> str:
    samples = audited.samples
    if leak.kind == "group":
        codes = samples.keys[leak.key]
        crossing = np.unique(codes[leak.leaking])
        words = [audited.values[leak.key][code] for code in crossing[:NAMED]]
        more = f" and {len(crossing) - NAMED} more" if len(crossing) > NAMED else ""
        return ", ".join(f"'{word}'" for word in words) + more
    pair = min(leak.pairs, key=lambda pair: pair.distance)
    one, other = (f"'{audited.names[at]}' ({samples.parts[samples.part[at]]})" for at in (pair.one, pair.other))
    return f"such as {one} and {other}"


def _unchecked(audited: Audited, found: Sequence[Leak]) -> list[Finding]:
    made = []
    known = {leak.kind for leak in found if leak.known}
    for kind, why in (
        ("group", "nothing tells which pictures belong to one person or recording; give columns or --from-path"),
        ("near", "no picture could be read"),
        (
            "time",
            "nothing tells which pictures follow each other; give stream, index",
        ),
    ):
        if kind not in known:
            made.append(
                Finding(check="split.unchecked", severity="info", message=f"{kind} was not checked: {why}")
            )
    if audited.unread:
        count = say_count(audited.unread, "picture")
        made.append(
            Finding(
                check="split.unread",
                severity="warning",
                message=f"{count} could not be read, and so were not compared",
                count=audited.unread,
            )
        )
    return made


def _with_costs(done: Verified) -> Verified:
    samples = done.audited.samples
    parts = list(samples.parts)
    train = "train" if "train" in parts else max(parts, key=lambda part: done.sizes[part])
    rest = [part for part in parts if part != train and done.sizes[part]]
    test = "test" if "test" in rest else min(rest, key=lambda part: done.sizes[part])
    between = _only(samples, {parts.index(train), parts.index(test)})
    groups = next((codes for name, codes in samples.keys.items() if name == "recording"), None)
    classes = class_matrix(done.audited.classes)
    costs = []
    settings = done.settings
    within = settings.within_ns or settings.within
    for leak in leaks(between, radius=done.radius, film_radius=done.film_radius, within=within):
        made = cost_of(
            said(leak),
            features=done.audited.small,
            classes=classes,
            train=np.flatnonzero(between.part == parts.index(train)),
            test=np.flatnonzero(between.part == parts.index(test)),
            leaking=leak.leaking,
            groups=groups if groups is not None else np.full(len(samples.part), -1),
            seed=settings.seed,
        )
        costs += [made] if made else []
    return replace(done, costs=costs, cost_between=(train, test))


def _only(samples: Samples, kept: set[int]) -> Samples:
    return replace(samples, part=np.where(np.isin(samples.part, list(kept)), samples.part, -1))
