"""When two recordings are the same, whatever the file is called and however it is packed."""

import hashlib
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np

from rushes import media
from rushes.errors import ReadError
from rushes.model import MediaFile
from rushes.workflow._look.gather import Gathered

SOME_FILES = 16


def same_content_key(gathered: Collection[Gathered], files: Sequence[MediaFile]) -> str:
    """Tell a recording by its samples: names, counts, and absolute times of all streams, and picture sizes.

    Where times say little, such as those of a video that all start at 0, the bytes of the files speak.
    """
    digest = hashlib.sha256()
    telling = True
    for kept in sorted(gathered, key=lambda kept: kept.stream.name):
        if not kept.rows:
            continue
        digest.update(f"{kept.stream.name}\0{kept.stream.table}\0{kept.rows}\0".encode())
        telling = telling and kept.stream.clock in ("header", "log")
        for name in ("t_ns", "t_log_ns", "length"):
            digest.update(np.asarray(kept.present(name), np.int64).tobytes())
    if not any(kept.rows for kept in gathered):
        return ""
    if not telling:
        digest.update(_bytes_of(files).encode())
    return digest.hexdigest()[:32]


def _bytes_of(files: Sequence[MediaFile]) -> str:
    """Fingerprint a recording's files whatever their names; of many, the sizes of all and the bytes of some."""
    paths = [file.path for file in files]
    some = [paths[i] for i in np.unique(np.linspace(0, len(paths) - 1, SOME_FILES).astype(int))] if paths else []
    sizes = ",".join(str(size_of(path)) for path in paths)
    try:
        return sizes + media.fingerprint((str(i), path) for i, path in enumerate(some))
    except ReadError:
        return sizes + "".join(str(path) for path in paths)


def size_of(path: Path) -> int:
    """Give the size of a file in bytes; 0 for one that is not there."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
