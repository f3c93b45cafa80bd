"""Media: serve the laid-out pictures of a dataset to browsers, by signed addresses that end."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rushes.annotate.label_studio import media_server, signing
from rushes.store import Store
from rushes.workflow._annotate import addresses


@dataclass(frozen=True, slots=True, kw_only=True)
class Serving:
    """Files as they are being served.

    Args:
        address: What the signed addresses begin with.
        origin: Whose pages may read them.
        folder: What is served.
    """

    address: str
    origin: str
    folder: Path


def serve(
    path: Path,
    *,
    url: str,
    ready: Callable[[Serving], None],
    host: str = "127.0.0.1",
    port: int = 0,
    public: str | None = None,
    stop: threading.Event | None = None,
) -> None:
    """Serve the files that ``push --media-by urls`` lays out, until told to stop.

    Args:
        path: The dataset.
        url: Address of the Label Studio, as people open it.
        ready: Told when it is up.
        host: Address to listen on.
        port: Port; any free one when 0.
        public: Address under which browsers reach it, where that is another.
        stop: Set to end it; Ctrl-C ends it otherwise.

    Raises:
        ToolError: ``labelstudio.port-taken``.
        StoreError: If there is no dataset.
    """
    dataset = Store.open(path).path
    folder = addresses.media_of(dataset)
    folder.mkdir(parents=True, exist_ok=True)
    origin = media_server.origin_of(url)

    def up(bound: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        address = (public or f"http://{shown}:{bound}").rstrip("/")
        addresses.remember(dataset, address)
        ready(Serving(address=address, origin=origin, folder=folder))

    media_server.serve(
        folder,
        signing.signer_in(addresses.key_of(dataset)),
        host=host,
        port=port,
        origin=origin,
        ready=up,
        stop=stop or threading.Event(),
    )
