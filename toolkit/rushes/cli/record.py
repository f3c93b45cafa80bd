"""Record a rig of live sensors into one synchronised recording."""

import logging
import os
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from rushes import registry, rigs
from rushes.cli import _output
from rushes.cli._options import Duration, dry_run_option, fact_of, verb
from rushes.cli._output import Answer
from rushes.cli._record_keys import Keys
from rushes.cli._record_lines import Lines
from rushes.cli._recorded import entry, say
from rushes.live import LiveRecording, Status
from rushes.sensors import Rig, SessionField

NOT_SOUND = 3


@verb(
    "record",
    examples="""
rushes record virtual-tabletop --for 3s --subject s07 --task 'pour tea'
rushes record virtual-tabletop --for 3s --subject s07 --task 'pour tea' --into my-dataset
rushes record webcam-and-microphone --subject s07 --task 'pour tea' --dry-run
""",
)
@click.argument("rig")
@click.option(
    "--for",
    "for_ns",
    type=Duration(),
    help="Stop so long after the sensors are open, such as 30s; else at q or Ctrl-C.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="File or folder; RIG_DATE_TIME.mcap in the current folder if left out. Nothing is overwritten.",
)
@click.option("--subject", help="Pseudonym of the person recorded.")
@click.option("--session", help="Session of capture.")
@click.option("--place", help="Place of capture.")
@click.option("--task", help="What is done or shown.")
@click.option("--fact", "facts", multiple=True, metavar="NAME=VALUE", help="Any other fact; can be repeated.")
@click.option("--into", "dataset", type=click.Path(path_type=Path), help="Ingest it into this dataset at the end.")
@click.option("--preview", is_flag=True, help="Serve a page on 127.0.0.1 with live pictures and signals.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Of the preview; any free one if left out.")
@click.option("--no-keys", is_flag=True, help="Leave the keyboard alone.")
@dry_run_option
def command(
    rig: str,
    for_ns: int | None,
    out: Path | None,
    facts: Sequence[str],
    dataset: Path | None,
    preview: bool,
    port: int,
    no_keys: bool,
    dry_run: bool,
    **named: str | None,
) -> Answer:
    """Record the sensors of RIG, a YAML file or a rig that comes along, until --for, q or Ctrl-C.

    The file can be read up to the last half second at any moment, whatever happens. Keys: m and a text writes a
    marker, 0 to 9 mark at once, space pauses, n begins the next take, k keeps it, d discards it, r repeats it,
    q stops.

    Exit code 0: every sensor is in the file, with all that arrived; 3: the file is there, and a sensor gave
    nothing or samples were dropped; 130: Ctrl-C before --for was over, what came till then is in the file;
    1: nothing was recorded. A second Ctrl-C leaves at once.
    """
    loaded = rigs.load(rig)
    given = {name: value for name, value in named.items() if value} | dict(map(fact_of, facts))
    settled = rigs.facts_of(loaded, asked_for(loaded, given) if sys.stdin.isatty() and not dry_run else given)
    workflow = registry.late("rushes.workflow.record")
    path = workflow.path_for(loaded, out, datetime.now().astimezone())
    if dry_run:
        return planned(loaded, path, settled, for_ns)
    plan = workflow.Plan(
        rig=loaded, path=path, facts=settled, for_ns=for_ns, preview_port=port if preview else None
    )
    stop = workflow.Stop()
    with watched(loaded, path, stop, with_keys=not no_keys) as (begun, shown):
        done = workflow.record(plan, stop=stop, begun=begun, shown=shown)
    return answer(loaded, done, settled, dataset, for_ns)


def asked_for(rig: Rig, given: Mapping[str, str]) -> dict[str, str]:
    """Ask at the terminal for the facts that the rig requires and nobody gave."""
    facts = dict(given)
    for field in rig.session:
        if field.required and field.default is None and field.name not in facts:
            facts[field.name] = str(
                click.prompt(
                    f"{field.name}{f' ({field.about})' if field.about else ''}",
                    value_proc=partial(fitting, field),
                    err=True,
                )
            )
    return facts


def fitting(field: SessionField, text: str) -> str:
    """Give the value if it is one that the rig takes.

    Raises:
        BadParameter: If it is not; the question is put again.
    """
    text = text.strip()
    if field.choices and text not in field.choices:
        raise click.BadParameter(f"it is one of {', '.join(field.choices)}")
    if field.pattern is not None and not re.fullmatch(field.pattern, text):
        raise click.BadParameter(f"it has to match {field.pattern}")
    return text


@contextmanager
def watched(
    rig: Rig, path: Path, stop: Any, *, with_keys: bool
) -> Iterator[tuple[Callable[[LiveRecording, str | None], None], Callable[[Status], None]]]:
    """Show a recording and take keys and Ctrl-C meanwhile; gives what to call at its start and in turn."""
    with ExitStack() as held:
        restored = held.enter_context(answering(path, stop))
        lines = Lines(_output.talk)
        showing: list[Callable[[Status], None]] = [lines.shown]

        def begun(recording: LiveRecording, address: str | None) -> None:
            _output.talk(f"recording '{rig.name}' to {path}")
            if address:
                _output.talk(f"Preview  {address}")
            keys = Keys(recording, lambda: stop.ask("asked"), lambda: recording.status().now_ns)
            typing = with_keys and sys.platform != "win32" and _terminal().can_ask(sys.stdin)
            redraw: Callable[[], None] = lambda: None  # noqa: E731 - replaced below
            if _output.on_terminal():
                title = f"{rig.name} → {path}"
                screen = registry.late("rushes.cli._record_screen").Screen(
                    title, lambda: keys.line if typing else "Ctrl-C stops"
                )
                held.enter_context(quiet_log())
                held.enter_context(screen)
                showing[0], redraw = screen.shown, screen.drawn_again
            if typing:

                def press(typed: str) -> None:
                    keys.press(typed)
                    redraw()

                by_key = held.enter_context(_terminal().KeyByKey(sys.stdin, press))
                restored.append(by_key.restore)

        yield begun, lambda status: showing[0](status)


@contextmanager
def answering(path: Path, stop: Any) -> Iterator[list[Callable[[], None]]]:
    """Let Ctrl-C, a hang-up and a plea to end stop the recording; a second Ctrl-C leaves at once.

    Gives a list for what has to be undone before the process is left.
    """
    undo: list[Callable[[], None]] = []

    def asked(number: int, frame: object) -> None:  # noqa: ARG001 - the signal's signature
        if stop.why == "interrupted" and number == signal.SIGINT:
            for each in undo:
                each()
            os.write(2, f"\nleft at once; {path} can be read as far as it was written\n".encode(errors="replace"))
            os._exit(130)
        stop.ask("interrupted")

    numbers = [number for name in ("SIGINT", "SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
    before = {number: signal.signal(number, asked) for number in numbers}
    try:
        yield undo
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def quiet_log() -> Iterator[None]:
    """Keep what the library logs off the screen while it lives; the recording tells of every trouble itself."""
    log, nothing = logging.getLogger("rushes"), logging.NullHandler()
    log.addHandler(nothing)
    log.propagate, before = False, log.propagate
    try:
        yield
    finally:
        log.propagate = before
        log.removeHandler(nothing)


def planned(rig: Rig, path: Path, facts: Mapping[str, str], for_ns: int | None) -> Answer:
    """Say what would be recorded."""
    sensors = [{"name": s.name, "source": s.source, "device": s.device} for s in rig.sensors]
    said = "\n".join(f"{s.name}  {s.source}  {s.device}".rstrip() for s in rig.sensors)
    stated = "  ".join(f"{name}: {value}" for name, value in facts.items())
    return Answer(
        result={
            "planned": True,
            "path": str(path),
            "rig": rig.name,
            "facts": dict(facts),
            "for_ns": for_ns,
            "sensors": sensors,
        },
        text=f"would record '{rig.name}' to {path}\n{said}" + (f"\n{stated}" if stated else ""),
    )


def answer(rig: Rig, done: Any, facts: Mapping[str, str], dataset: Path | None, for_ns: int | None) -> Answer:
    """Say what was captured, and take it into a dataset where that is wanted."""
    result: dict[str, Any] = entry(rig, done, facts, for_ns) | {"ingested": None}
    text, warnings, code = say(done), list(done.verdict.problems), 0 if done.is_sound else NOT_SOUND
    revision = None
    if dataset is not None:
        taken = ingested(done.verdict.path, facts, dataset)
        result["ingested"], revision = taken.result, taken.revision
        text += f"\n\n{taken.text}"
        warnings += taken.warnings
        code = taken.exit_code or code
    else:
        text += f"\nNext: rushes ingest {done.verdict.path} --into my-dataset    rushes look {done.verdict.path}"
    if done.ending == "interrupted" and result["short"]:
        code = 130
    return Answer(
        result=result,
        text=text,
        dataset=None if dataset is None else str(dataset),
        revision=revision,
        warnings=warnings,
        exit_code=code,
    )


def ingested(path: Path, facts: Mapping[str, str], dataset: Path) -> Answer:
    """Take the recording into a dataset, with those of its facts that a dataset knows."""
    module = registry.late("rushes.workflow.ingest")
    known = {name: value for name, value in facts.items() if name in module.FACTS}
    done = module.ingest(dataset, module.Request(paths=[path], facts=known), argv=sys.argv[1:])
    taken: Answer = registry.late("rushes.cli.ingest").answer(dataset, done)
    return taken


def _terminal() -> Any:
    return registry.late("rushes.cli._record_terminal")
