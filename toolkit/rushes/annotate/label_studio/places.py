"""Where a Label Studio of ours lives on this machine: its program, its data, its pictures, its secrets.

The program is a cache: it can be installed again. The home is not: drafts and accounts are only there. Everything
below the home may be entered by this user alone.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HOME_VARIABLE = "RUSHES_LABEL_STUDIO_HOME"
PROGRAM_VARIABLE = "RUSHES_LABEL_STUDIO_PROGRAMS"


@dataclass(frozen=True, slots=True)
class Home:
    """The paths of one server.

    Args:
        root: Its folder.
    """

    root: Path

    @property
    def data(self) -> Path:
        """What Label Studio itself writes: database, secret key, uploads."""
        return self.root / "data"

    @property
    def media(self) -> Path:
        """The document root: all that the server may show of this machine, and nothing else."""
        return self.root / "media"

    @property
    def token(self) -> Path:
        """The token of the API, for programs."""
        return self.root / "token"

    @property
    def password(self) -> Path:
        """The password of the first account, for people."""
        return self.root / "password"

    @property
    def postgres(self) -> Path:
        """The URL of the PostgreSQL database that holds its data, if one does; there is a password in it."""
        return self.root / "postgres"

    @property
    def note(self) -> Path:
        """Which process serves this home, on which port."""
        return self.root / "server.json"

    @property
    def lock(self) -> Path:
        """Held while a server is started or stopped."""
        return self.root / "server.lock"

    @property
    def log(self) -> Path:
        """What the server said since it was started last."""
        return self.root / "server.log"

    def make(self) -> None:
        """Make the folders, for this user alone."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o700)
        for folder in (self.data, self.media):
            folder.mkdir(exist_ok=True)
            folder.chmod(0o700)


def home(environment: Mapping[str, str] = os.environ) -> Home:
    """Give the home of this user's server: as the variable says, else among the user's data."""
    if named := environment.get(HOME_VARIABLE):
        return Home(Path(named).expanduser().absolute())
    return Home(_user_folder(environment, "XDG_DATA_HOME", ".local/share") / "rushes" / "label-studio")


def programs(environment: Mapping[str, str] = os.environ) -> Path:
    """Give the folder that holds the installed releases: as the variable says, else in the user's cache."""
    if named := environment.get(PROGRAM_VARIABLE):
        return Path(named).expanduser().absolute()
    return _user_folder(environment, "XDG_CACHE_HOME", ".cache") / "rushes" / "label-studio"


def write_secret(path: Path, text: str) -> None:
    """Write a file that only this user can read; it is never readable by others, not even for a moment."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        path.chmod(0o600)  # an older file keeps its mode
        stream.write(text)


def _user_folder(environment: Mapping[str, str], variable: str, otherwise: str) -> Path:
    named = Path(environment.get(variable, ""))
    return named if named.is_absolute() else Path.home() / otherwise
