"""How a browser gets at the files of a task: through the server that has them, or by signed addresses of ours."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from rushes.annotate.label_studio import signing
from rushes.errors import UsageError

AddressOf = Callable[[Path], str]
VALID_S = 30 * 86_400
"""How long a signed address holds at least."""


def local_files(root: Path) -> AddressOf:
    """Address files below the document root of Label Studio, which serves them itself."""
    return lambda path: f"/data/local-files/?d={quote(path.relative_to(root).as_posix())}"


def signed(dataset: Path, base: str, *, root: Path, valid_s: float = VALID_S) -> AddressOf:
    """Address files below a folder by what ``rushes annotate media`` makes of them."""
    signer = signing.signer_in(key_of(dataset))
    ends_s = signing.end_of(time.time(), valid_s=valid_s)
    return lambda path: signer.address(base, path.relative_to(root).as_posix(), ends_s=ends_s)


def media_of(dataset: Path) -> Path:
    """Name the folder whose files are served by signed addresses; a cache."""
    return dataset / "cache" / "annotate" / "media"


def key_of(dataset: Path) -> Path:
    """Name the file of the key that addresses are signed with."""
    return dataset / "cache" / "annotate" / "media.key"


def base_of(dataset: Path, given: str | None) -> str:
    """Give the address of the server of signed files: as given, else where it was started last.

    Raises:
        UsageError: ``annotate.no-media-url``.
    """
    if given is not None:
        return given.rstrip("/")
    try:
        return str(json.loads(_note(dataset).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            "nothing says where the pictures are served",
            code="annotate.no-media-url",
            hint=f"rushes annotate media {dataset} serves them; or name the address with --media-url",
        ) from None


def remember(dataset: Path, address: str) -> None:
    """Write down where the files are served."""
    _note(dataset).parent.mkdir(parents=True, exist_ok=True)
    _note(dataset).write_text(json.dumps({"address": address}) + "\n", encoding="utf-8")


def _note(dataset: Path) -> Path:
    return dataset / "cache" / "annotate" / "media.json"
