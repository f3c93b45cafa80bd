"""FiftyOne's App as an ASGI application. Import it late, within ``environment.applied``."""

from pathlib import Path

from fiftyone import constants
from fiftyone.server.app import app
from fiftyone.server.events import set_port

from rushes.browse.guard import App


def application(port: int, *, home: Path) -> App:
    """Give the App, told on which port it is served and which folder it shall take for ``~/.fiftyone``.

    That place is fixed in FiftyOne. Every page asks for a user id of its usage analytics, which are off, and the
    id would be written there.
    """
    set_port(port)
    constants.FIFTYONE_CONFIG_DIR = str(home)
    asgi: App = app
    return asgi
