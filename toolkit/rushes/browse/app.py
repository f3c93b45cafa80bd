"""FiftyOne's App as an ASGI application. Import it late, after ``environment.applied``."""

from fiftyone.server.app import app
from fiftyone.server.events import set_port

from rushes.browse.guard import App


def application(port: int) -> App:
    """Give the App, told on which port it is served."""
    set_port(port)
    asgi: App = app
    return asgi
