"""Which reader takes which path: files and folders → recordings found, and what was refused and why.

Every file ends as taken, as part of a folder that was taken, or as refused with each reader's reason. Names that
start with a dot are left aside and counted. A folder is listed once here, and of a file only the head is read.
"""

import logging
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from rushes import registry
from rushes.contracts import Reader
from rushes.errors import AmbiguousFormatError, ReadError, RushesError, UsageError
from rushes.model import Claim

log = logging.getLogger(__name__)

HEAD_BYTES = 4096
FOLDER_TAKEN = 0.5
"""A folder claimed at least this surely is one recording, unless something inside is claimed more surely."""
FOLDER_CERTAIN = 0.6
"""A folder claimed at least this surely is not looked into; below it, what lies inside may be surer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A recording and the reader that takes it."""

    path: Path
    reader: str
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A path that no reader takes.

    Args:
        reasons: What each reader said, by its name; what kept us from asking, under the name ``rushes``.
        kind: ``unknown``, ``ambiguous``, ``unreadable`` or ``repeated`` (seen before by another name).
    """

    path: Path
    reasons: Mapping[str, str]
    kind: str = "unknown"

    @property
    def reason(self) -> str:
        """Say in one line why it was refused."""
        if tuple(self.reasons) == ("rushes",):
            return self.reasons["rushes"]
        named = {reader: reason for reader, reason in self.reasons.items() if "it is named" in reason}
        told = "; ".join(f"{reader}: {reason}" for reader, reason in (named or self.reasons).items())
        return f"{'several readers' if self.kind == 'ambiguous' else 'no reader'}: {told}"

    @property
    def summary(self) -> str:
        """Say in one line what was refused and why."""
        return f"{self.path.name}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Discovery:
    """What was found below the given paths, in natural order.

    Args:
        hidden: How many names were left aside because they start with a dot.
    """

    found: tuple[Found, ...]
    refused: tuple[Refused, ...]
    hidden: int = 0


def discover(paths: Sequence[Path], *, reader: str | None = None) -> Discovery:
    """Find the recordings at and below some paths.

    The surest claim wins. A folder claimed with at least 0.6 is one recording. One that is claimed less surely,
    such as a folder of images, stands for those files in it that the same reader would else take one by one;
    recordings of other readers and in its folders are found beside it. Other folders are searched, children in
    natural order.

    Args:
        paths: Files and folders, in the order that they shall come out.
        reader: Ask this reader alone. A path that it does not claim, and finds nothing in, is given to it all
            the same: who names a reader is believed.

    Raises:
        UsageError: ``path.absent`` for a path that does not exist, with a close match; ``path.unreachable``.
        PluginError: ``plugin.unknown`` for a reader that does not exist.
        AmbiguousFormatError: If several readers claim one of ``paths`` equally. Below them it is a refusal.
    """
    readers = registry.load_all("readers") if reader is None else {reader: registry.load("readers", reader)}
    given = [_existing(Path(path)) for path in paths]
    search = _Search(readers=readers)
    answers = [search.explicit(path, forced=reader) for path in given]
    return Discovery(
        found=tuple(found for answer in answers for found in answer.found),
        refused=tuple(refused for answer in answers for refused in answer.refused),
        hidden=sum(answer.hidden for answer in answers),
    )


def nothing_found(paths: Sequence[Path], found: Discovery) -> ReadError:
    """Say that no reader takes anything at some paths, and why."""
    reasons = "; ".join(refused.summary for refused in found.refused[:3])
    more = f"; and {len(found.refused) - 3} more" if len(found.refused) > 3 else ""
    return ReadError(
        f"no recording was found at {', '.join(map(str, paths))}" + (f" ({reasons}{more})" if reasons else ""),
        code="read.unknown-format",
        hint=f"rushes look '{paths[0]}' shows what each reader makes of each file; --reader NAME overrides",
        facts={"path": str(paths[0]), "refused": len(found.refused)},
    )


@dataclass(slots=True)
class _Answer:
    """What lies at or below one path."""

    found: list[Found] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    hidden: int = 0

    def take(self, other: "_Answer") -> None:
        self.found += other.found
        self.refused += other.refused
        self.hidden += other.hidden

    @property
    def surest(self) -> float:
        return max((found.claim.confidence for found in self.found), default=0.0)


class _Search:
    """One walk; it remembers the places that it has been to, so that links cannot lead it round."""

    def __init__(self, *, readers: Mapping[str, Reader]) -> None:
        self._readers = readers
        self._seen: dict[tuple[int, int], Path] = {}

    def explicit(self, path: Path, *, forced: str | None) -> _Answer:
        answer = self._visit(path)
        for refused in answer.refused:
            if refused.path == path and refused.kind == "ambiguous":
                raise _ambiguous(refused)
        if forced is not None and not answer.found and not any(r.kind != "unknown" for r in answer.refused):
            claim = Claim(confidence=0.0, reason="you asked for it")
            return _Answer(found=[Found(path=path, reader=forced, claim=claim)], hidden=answer.hidden)
        return answer

    def _visit(self, path: Path) -> _Answer:
        try:
            status = path.stat()
        except OSError as error:  # a dangling link, a circle of links, or a place that we may not enter
            return _unreadable(path, f"cannot be reached: {error.strerror}")
        place = (status.st_dev, status.st_ino)
        # Two hard links to one file are two names for it, and a user may mean both; a folder has one place only.
        if place in self._seen and (status.st_nlink == 1 or stat.S_ISDIR(status.st_mode)):
            reason = f"the same as {self._seen[place]}, which was looked at before"
            return _Answer(refused=[Refused(path=path, reasons={"rushes": reason}, kind="repeated")])
        self._seen[place] = path
        if stat.S_ISDIR(status.st_mode):
            return self._folder(path)
        if stat.S_ISREG(status.st_mode):
            return self._file(path)
        return _unreadable(path, "is neither a file nor a folder")

    def _file(self, path: Path) -> _Answer:
        try:
            with path.open("rb", buffering=0) as stream:
                head = stream.read(HEAD_BYTES)
        except OSError as error:
            return _unreadable(path, f"cannot be read: {error.strerror}")
        claims = self._ask(path, head)
        best = _best(claims)
        if not best and not head:
            return _Answer(refused=[Refused(path=path, reasons={"rushes": "the file is empty"})])
        return _settle(path, best) if best else _refuse(path, claims, empty="no reader is installed")

    def _folder(self, path: Path) -> _Answer:
        claims = self._ask(path, b"")
        best = _best(claims)
        confidence = best[0][1].confidence if best else 0.0
        if confidence >= FOLDER_CERTAIN:
            return _settle(path, best)
        inside = self._children(path)
        if best:
            inside = _weigh(path, best, inside)
        if not inside.found and not inside.refused:
            hidden = f", but for {inside.hidden} whose names start with a dot" if inside.hidden else ""
            reasons = {"rushes": f"the folder is empty{hidden}"}
            inside.take(_Answer(refused=[Refused(path=path, reasons=reasons)]))
        return inside

    def _children(self, path: Path) -> _Answer:
        try:
            children = sorted(path.iterdir(), key=_natural)
        except OSError as error:
            return _unreadable(path, f"cannot be listed: {error.strerror}")
        answer = _Answer()
        for child in children:
            if child.name.startswith("."):
                answer.hidden += 1
            else:
                answer.take(self._visit(child))
        return answer

    def _ask(self, path: Path, head: bytes) -> dict[str, Claim]:
        return {name: _claim(reader, path, head) for name, reader in self._readers.items()}


def _weigh(path: Path, best: Sequence[tuple[str, Claim]], inside: _Answer) -> _Answer:
    """Weigh a weak claim on a folder against what was found inside."""
    reader, claim = best[0]
    own = [f for f in inside.found if f.reader == reader and f.path.parent == path and f.path.is_file()]
    others = [f for f in inside.found if f not in own]
    if not others or (not own and claim.confidence >= max(FOLDER_TAKEN, inside.surest)):
        return _settle(path, best)
    if own and len(best) == 1:
        settled = _settle(path, best)
        return _Answer(found=[*settled.found, *others], refused=inside.refused, hidden=inside.hidden)
    return inside


def _claim(reader: Reader, path: Path, head: bytes) -> Claim:
    try:
        return reader.probe(path, head)
    except RushesError as error:
        return Claim(confidence=0.0, reason=error.message)
    except OSError as error:
        return Claim(confidence=0.0, reason=f"cannot be read: {error.strerror}")
    except Exception as error:  # one reader's mistake must not keep the path from the others
        log.debug("reader '%s' failed to probe '%s'", reader.name, path, exc_info=True)
        return Claim(
            confidence=0.0, reason=f"the reader failed, please report it: {type(error).__name__}: {error}"
        )


def _best(claims: Mapping[str, Claim]) -> list[tuple[str, Claim]]:
    """Give the surest claims: none, one, or several that are equal."""
    top = max((claim.confidence for claim in claims.values()), default=0.0)
    return [(name, claim) for name, claim in claims.items() if top > 0 and claim.confidence == top]


def _settle(path: Path, best: Sequence[tuple[str, Claim]]) -> _Answer:
    if len(best) > 1:
        reasons = {name: claim.reason for name, claim in best}
        return _Answer(refused=[Refused(path=path, reasons=reasons, kind="ambiguous")])
    name, claim = best[0]
    return _Answer(found=[Found(path=path, reader=name, claim=claim)])


def _refuse(path: Path, claims: Mapping[str, Claim], *, empty: str) -> _Answer:
    reasons = {name: claim.reason for name, claim in claims.items()}
    return _Answer(refused=[Refused(path=path, reasons=reasons or {"rushes": empty})])


def _unreadable(path: Path, reason: str) -> _Answer:
    return _Answer(refused=[Refused(path=path, reasons={"rushes": reason}, kind="unreadable")])


def _natural(path: Path) -> tuple[tuple[tuple[int, int, str], ...], str]:
    """Order names as people do: clip2 before clip10."""
    parts = (part for part in re.split(r"(\d+)", path.name.casefold()) if part)
    return tuple((0, int(p), "") if p.isascii() and p.isdigit() else (1, 0, p) for p in parts), path.name


def _existing(path: Path) -> Path:
    try:
        if path.exists() or path.is_symlink():
            return path
        missing = next(place for place in (path, *path.parents) if place.parent.exists() or place == place.parent)
    except OSError as error:  # a folder that we may not enter, a name that is too long
        raise UsageError(
            f"{path}: cannot be reached: {error.strerror}",
            code="path.unreachable",
            hint=f"ls -ld '{path.parent}' shows who may enter",
            facts={"path": str(path), "errno": error.errno},
        ) from error
    near = registry.close_to(missing.name, _names(missing.parent))
    meant = missing.parent / near if near else None
    raise UsageError(
        f"{path}: there is no such file or folder",
        code="path.absent",
        hint=f"did you mean '{meant}'?" if meant else f"ls '{missing.parent}' shows what is there",
        facts={"path": str(path), "near": str(meant) if meant else None},
    )


def _names(folder: Path) -> Iterator[str]:
    try:
        yield from (child.name for child in folder.iterdir())
    except OSError:
        return


def _ambiguous(refused: Refused) -> ReadError:
    told = "; ".join(f"{name}: {reason}" for name, reason in refused.reasons.items())
    first = next(iter(refused.reasons))
    return AmbiguousFormatError(
        f"{refused.path}: {len(refused.reasons)} readers are equally sure that it is theirs ({told})",
        code="read.ambiguous",
        hint=f"choose one, for example --reader {first}",
        facts={"path": str(refused.path), "readers": ", ".join(refused.reasons)},
    )
