"""What lies in the folder of a recording and is read by nothing: named, never passed over in silence."""

import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

from rushes.readers._files.images import is_image, natural

NAMED = 20
"""So many are named in the metadata; all are counted."""


def left_unread(
    root: Path, *, read: Collection[str] = (), folders: Collection[str] | None = None
) -> dict[str, Any]:
    """Name what lies directly in a folder and is not read; empty for a file, and where all is read.

    Args:
        root: The recording's folder.
        read: Names of files that were read; images need not be among them.
        folders: Names of folders that were read. None: folders are recordings of their own, or none of ours.
    """
    if not root.is_dir():
        return {}
    with os.scandir(root) as entries:
        found = [(entry.name, _is_folder(entry)) for entry in entries if not entry.name.startswith(".")]
    names = [
        f"{name}/" if is_folder else name
        for name, is_folder in found
        if (folders is not None and name not in folders if is_folder else name not in read and not is_image(name))
    ]
    if not names:
        return {}
    return {"files_left_unread": sorted(names, key=natural)[:NAMED], "count_files_left_unread": len(names)}


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False
