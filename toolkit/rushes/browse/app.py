"""FiftyOne's App as an ASGI application. Import it late, within ``environment.applied``."""

import logging

from fiftyone.server.app import app
from fiftyone.server.events import set_port

from rushes.browse.guard import App

# It warns that the service is off which ``environment`` turns off.
logging.getLogger("fiftyone.factory.repos.execution_store").setLevel(logging.ERROR)


def application(port: int) -> App:
    """Give the App, told on which port it is served."""
    set_port(port)
    asgi: App = app
    return asgi
