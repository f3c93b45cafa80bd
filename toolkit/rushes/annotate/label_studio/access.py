"""Which server to speak to, and the token for it: ours, or one that the team has.

A token comes from the environment or from a file that only its owner can read; never from the command line, where
every user of the machine could see it.
"""

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from rushes.errors import UsageError

TOKEN_VARIABLE = "RUSHES_LABEL_STUDIO_TOKEN"  # noqa: S105 - the name of a variable


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A server and the right to use it.

    Args:
        url: Its address, without a slash at the end.
        token: Legacy token or personal access token.
        media: Its document root where that is on this machine, so that pictures can be laid there.
    """

    url: str
    token: str = field(repr=False)
    media: Path | None = None


def remote(
    url: str,
    *,
    token_file: Path | None = None,
    media: Path | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Access:
    """Give access to a server that somebody else runs.

    Args:
        url: Its address.
        token_file: File that holds the token; else the variable ``RUSHES_LABEL_STUDIO_TOKEN`` does.
        media: Its document root, where it is mounted here.
        environment: Ours.

    Raises:
        UsageError: ``labelstudio.url``, ``labelstudio.no-token`` or ``labelstudio.open-token``.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query:
        raise UsageError(
            f"'{parts.hostname or url}' is no address of a Label Studio",
            code="labelstudio.url",
            hint="write http://host:8080 or https://host/path, without name, password or token in it",
        )
    token = _from_file(token_file) if token_file else environment.get(TOKEN_VARIABLE, "").strip()
    if not token:
        raise UsageError(
            f"there is no token for {url}",
            code="labelstudio.no-token",
            hint=f"copy it from Account & Settings and set {TOKEN_VARIABLE}, or name a file: --token-file FILE",
        )
    return Access(url=url.rstrip("/"), token=token, media=media)


def _from_file(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(
            f"the token file {path} cannot be read: {error.strerror}",
            code="labelstudio.no-token",
            hint=f"set {TOKEN_VARIABLE}, or name a file that holds the token alone",
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise UsageError(
            f"others can read the token file {path}",
            code="labelstudio.open-token",
            hint=f"chmod 600 {path}",
        )
    return text
