"""Serve the pictures of a dataset to browsers that label them."""

import threading
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli._options import dataset_argument, verb
from rushes.cli._output import Answer
from rushes.workflow import annotate


@verb(
    "media",
    group="annotate",
    examples="""
rushes annotate media my-dataset
rushes annotate media my-dataset --host 192.168.1.20 --port 8790 --url http://labels.lan:8080
""",
)
@dataset_argument
@click.option("--url", help="Label Studio as people open it; ours if left out.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address of this machine to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True, help="0: any free one.")
@click.option("--public", metavar="URL", help="Address under which browsers reach it, behind a proxy.")
def media(dataset: Path, url: str | None, host: str, port: int, public: str | None) -> Answer:
    """Serve pictures by signed addresses, until Ctrl-C.

    For a Label Studio on another machine that cannot see this one's disk: push --media-by urls writes addresses
    that hold for a month and can be read by nobody without them. Push renews them.
    """
    wanted = url or annotate.line().access.url
    stop = threading.Event()
    served: list[Any] = []

    def ready(serving: Any) -> None:
        served.append(serving)
        click.echo(f"{serving.folder} is served at {serving.address} to pages of {serving.origin}", err=True)
        click.echo(f"Next  rushes annotate push {dataset} --media-by urls …   (Ctrl-C ends the serving)", err=True)

    try:
        registry.late("rushes.workflow.annotate_media").serve(
            dataset, url=wanted, ready=ready, host=host, port=port, public=public, stop=stop
        )
    except KeyboardInterrupt:
        stop.set()
    address = served[0].address if served else None
    return Answer(result={"address": address}, text="the pictures are not served any more")
