"""Verify: whether the recordings are still, byte for byte, what was ingested."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rushes import media
from rushes.errors import ReadError, StoreError
from rushes.store import Store

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """One media file held against what the dataset knows of it.

    Args:
        state: same (by sha256, or by size and time where no sha256 is known yet), changed, absent, or
            hashed (unchanged by size and time, and its sha256 is known from now on).
    """

    recording_id: str
    media_id: str
    path: Path
    state: Literal["same", "changed", "absent", "hashed"]
    message: str


def verify(
    dataset: Path,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> list[Verified]:
    """Read every media file and compare; files that were never hashed are hashed and the sha256 stored.

    With ``dry_run`` all is read and compared, and nothing stored.

    Raises:
        StoreError: If the dataset cannot be opened.
    """
    store = Store.open(dataset)
    rows = store.table("media").to_pylist()
    seen: list[Verified] = []
    digests: dict[tuple[str, str], str] = {}
    for done, row in enumerate(rows):
        path = store.place_of(row["uri"])
        if progress:
            progress(path.name, done, len(rows))
        state, message, digest = _compare(path, row["bytes"], row["mtime_ns"], row["sha256"])
        if state == "hashed" and digest:
            digests[row["recording_id"], row["media_id"]] = digest
        seen.append(
            Verified(
                recording_id=row["recording_id"], media_id=row["media_id"], path=path, state=state, message=message
            )
        )
    if digests and not dry_run:
        try:
            _remember(store, rows, digests, argv)
        except StoreError as error:
            if error.code not in ("store.read-only", "store.full"):
                raise
            log.warning("the sha256 of %d files could not be stored: %s", len(digests), error.message)
    return seen


def _compare(
    path: Path, size: int, mtime_ns: int, sha256: str | None
) -> tuple[Literal["same", "changed", "absent", "hashed"], str, str | None]:
    if not path.exists():
        return "absent", f"{path}: is not there", None
    found = path.stat()
    if found.st_size != size:
        return "changed", f"{path}: {found.st_size} bytes, {size} when it was ingested", None
    if sha256 is None and found.st_mtime_ns != mtime_ns:
        return "changed", f"{path}: same size, but written to since it was ingested, and no sha256 to tell", None
    try:
        digest = media.sha256_of(path)
    except OSError as error:
        raise ReadError(f"{path}: cannot be read: {error.strerror}", code="read.absent-file") from error
    if sha256 is None:
        return "hashed", f"{path}: unchanged by size and time; sha256 now known", digest
    if digest != sha256:
        return "changed", f"{path}: same size, other content (sha256 {digest[:12]}…, was {sha256[:12]}…)", None
    return "same", f"{path}: same sha256", None


def _remember(
    store: Store, rows: Sequence[dict[str, object]], digests: dict[tuple[str, str], str], argv: Sequence[str]
) -> None:
    touched = sorted({recording_id for recording_id, _ in digests})
    kept = [row for row in rows if row["recording_id"] in touched]
    columns = {name: [row[name] for row in kept] for name in kept[0]}
    columns["sha256"] = [
        digests.get((str(row["recording_id"]), str(row["media_id"])), row["sha256"]) for row in kept
    ]
    with store.begin("verify", argv=argv) as transaction:
        transaction.replace("media", {"recording_id": touched}, len(kept), columns)
        transaction.commit({"hashed": len(digests)})
