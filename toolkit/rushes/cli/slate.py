"""Flash and click at one instant, so that cameras and microphones share an event."""

import json
import sys
import threading
import time
import webbrowser
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.cli import _output
from rushes.cli._options import Duration, verb
from rushes.cli._output import Answer
from rushes.errors import UsageError
from rushes.quantities import say_count, say_ns


@verb(
    "slate",
    examples="""
rushes slate --every 5s --open
rushes slate --every 10s --log slate.json
rushes slate --for 10min --json
""",
)
@click.option(
    "--every", "every_ns", type=Duration(), help="Flash so often, at least 1s; else at a click or key only."
)
@click.option("--open", "opens", is_flag=True, help="Open it in the browser of this machine.")
@click.option(
    "--log", "log", type=click.Path(path_type=Path, dir_okay=False), help="Write the flashes here, as JSON."
)
@click.option("--for", "for_ns", type=Duration(), help="End after so long; else at Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Any free one if left out.")
def command(every_ns: int | None, opens: bool, log: Path | None, for_ns: int | None, port: int) -> Answer:
    """Serve a page on 127.0.0.1 that fills the screen, flashes and clicks, with frame counter and Unix time.

    Hold the screen into the cameras, loudspeaker on, at the beginning and at the end of a take: `rushes sync`
    finds flash and click by itself and holds the clocks of cameras and microphones against one another.
    """
    slates, pages = registry.late("rushes.loopback.slate"), registry.late("rushes.workflow.pages")
    if every_ns is not None and every_ns < slates.LEAST_EVERY_NS:
        raise UsageError(
            f"--every {say_ns(every_ns)} is too often",
            code="slate.too-often",
            hint="at least 1s: faster flashes can harm people, and cannot be told apart",
        )
    if log is not None:
        pages.demand_place(log)
    slate = slates.Slate(lambda flash: _output.talk(said(flash)))
    began = time.time_ns()
    with slates.site(slate, every_ns=every_ns or 0, port=port) as site:
        _output.talk(f"Open  {site.address}")
        _output.talk("A click or a key fills the screen and flashes. Ctrl-C ends it.")
        if opens and not webbrowser.open(site.address):
            _output.talk("no browser could be opened; open the address yourself")
        wait(for_ns)
    flashes = [entry(flash) for flash in slate.flashes]
    if log is not None:
        body = {"slate": 1, "began_ns": began, "ended_ns": time.time_ns(), "flashes": flashes}
        pages.write_whole(log, json.dumps(body, indent=1) + "\n")
    text = say_count(len(flashes), "flash") if len(flashes) == 1 else f"{len(flashes):,} flashes"
    return Answer(
        result={"flashes": flashes, "log": None if log is None else str(log)},
        text=text + (f" in {log}" if log is not None else ""),
        warnings=["a flash had no click: the browser played no sound"]
        if any(flash["click_ns"] is None for flash in flashes)
        else [],
    )


def wait(for_ns: int | None) -> None:
    """Wait until the time is over, or for Ctrl-C, which is how a slate is put away."""
    try:
        threading.Event().wait(None if for_ns is None else for_ns / 1e9)
    except KeyboardInterrupt:
        sys.stderr.write("\n" if sys.stderr.isatty() else "")


def said(flash: Any) -> str:
    """Say a flash in one line."""
    click_said = (
        "no click" if flash.click_ns is None else f"click {say_ns(flash.click_ns - flash.flash_ns)} after it"
    )
    return f"flash {flash.number}  {flash.flash_ns / 1e9:.3f}  {click_said}"


def entry(flash: Any) -> dict[str, int | None]:
    """Give a flash as plain values."""
    return {
        "number": flash.number,
        "frame": flash.frame,
        "flash_ns": flash.flash_ns,
        "click_ns": flash.click_ns,
        "frame_ns": flash.frame_ns,
    }
