"""A page on disk: whether it can be written there, and writing it whole or not at all."""

import os
import tempfile
from pathlib import Path

from rushes.errors import UsageError


def demand_place(path: Path) -> None:
    """Demand that a page can be written at a path, before anything is read for it.

    Raises:
        UsageError: ``look.out``.
    """
    folder = path.parent
    why = (
        f"there is no folder '{folder}'"
        if not folder.is_dir()
        else "it is a folder"
        if path.is_dir()
        else f"'{folder}' may not be written to"
        if not os.access(folder, os.W_OK, effective_ids=True)
        else ""
    )
    if why:
        raise UsageError(
            f"{path}: no page can be written there: {why}",
            code="look.out",
            hint=f"name a file that can be written, such as {path / 'page.html' if path.is_dir() else path.name}",
            facts={"path": str(path)},
        )


def write_whole(path: Path, text: str) -> int:
    """Write a page so that it is there whole or not at all; give its size in bytes."""
    data = text.encode("utf-8", "surrogateescape")
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem[:20]}.", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)  # mkstemp makes it private, a page is made to be shared
        Path(name).replace(path)
    except BaseException:  # Ctrl-C too
        Path(name).unlink(missing_ok=True)
        raise
    return len(data)
