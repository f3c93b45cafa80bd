"""Look at the sensors of this machine, and at those of a rig."""

from collections.abc import Sequence
from typing import Any

import click

from rushes import registry, rigs
from rushes.cli._options import Duration, PluginName, listed, verb
from rushes.cli._output import Answer, table
from rushes.quantities import say_bytes, say_count, say_ns

NOT_AS_WANTED = 3
OF_ANY_FILE = ("replay",)
"""Sources without devices: they take the path of a file."""


@click.group(
    "rig",
    epilog=listed("rushes rig scan --source virtual --json\nrushes rig check virtual-tabletop"),
    add_help_option=False,
)
@click.help_option("-h", "--help", help="Show this message and exit.")
def command() -> None:
    """Look at the sensors of this machine, and at those of a rig."""


@verb("scan", group="rig", examples="rushes rig scan\nrushes rig scan --source virtual --json")
@click.option(
    "--source", "names", type=PluginName("capture"), multiple=True, help="Ask this kind only; can be repeated."
)
def scan(names: Sequence[str]) -> Answer:
    """List the devices that this machine offers, as a rig file names them.

    Every kind of sensor is asked at once; one that cannot be asked is told, and hides no other.
    """
    found = registry.late("rushes.workflow.rig").scan(names or None)
    rows = [
        (device.source, device.device, device.title, "  ".join(f"{k} {v}" for k, v in device.facts.items()))
        for one in found
        for device in one.devices
    ]
    any_file = [one.source for one in found if one.source in OF_ANY_FILE]
    silent = [o.source for o in found if not o.devices and o.error is None and o.source not in OF_ANY_FILE]
    text = table(rows, head=("source", "device", "what it is", "")) if rows else "no device was found"
    text += f"\n\nnothing found: {', '.join(silent)}" if silent else ""
    text += f"\n{', '.join(any_file)}: any recording, by its path" if any_file else ""
    return Answer(
        result={
            "devices": [
                {"source": d.source, "device": d.device, "title": d.title, "facts": dict(d.facts)}
                for one in found
                for d in one.devices
            ],
            "sources": [
                {"source": one.source, "devices": len(one.devices), "error": _error(one.error)} for one in found
            ],
        },
        text=text,
        warnings=[
            f"{one.source}: {one.error.message}{f'; {one.error.hint}' if one.error.hint else ''}"
            for one in found
            if one.error
        ],
    )


@verb(
    "check",
    group="rig",
    examples="rushes rig check virtual-tabletop\nrushes rig check virtual-tabletop --for 2s --json",
)
@click.argument("rig")
@click.option("--for", "for_ns", type=Duration(), default="1s", show_default=True, help="How long to listen.")
def check(rig: str, for_ns: int) -> Answer:
    """Open all sensors of RIG at once, listen for a while, and say what each gives; nothing is written.

    Exit code 3 where a sensor could not be opened or gave nothing.
    """
    loaded = rigs.load(rig)
    found = registry.late("rushes.workflow.rig").check(loaded, for_ns=for_ns)
    rows: list[tuple[object, ...]] = []
    for one in found:
        rows += [_row(one, stream) for stream in one.streams] or [(one.sensor.name, one.state, *[""] * 7)]
    head = ("sensor", "state", "stream", "what", "samples", "Hz", "nominal", "longest", "per s")
    wrong = [one for one in found if one.state != "ok"]
    verdict = (
        f"{len(wrong)} of {say_count(len(found), 'sensor')} not as they should be"
        if wrong
        else f"all is well with {say_count(len(found), 'sensor')}"
    )
    return Answer(
        result={"rig": loaded.name, "for_ns": for_ns, "sensors": [_entry(one) for one in found]},
        text=f"{table(rows, head=head, right=(4, 5, 6, 7, 8))}\n\n{verdict}",
        warnings=[said for one in found for said in _said(one)],
        exit_code=NOT_AS_WANTED if wrong else 0,
    )


def _row(one: Any, checked: Any) -> tuple[object, ...]:
    stream = checked.stream
    size = f"{checked.width_px} × {checked.height_px}" if checked.width_px else ""
    sound = f"{stream.sample_rate_hz} Hz × {stream.channels or 1}" if stream.form == "sound" else ""
    numbers = say_count(len(stream.channel_names), "channel") if stream.form == "numbers" else ""
    what = " ".join(filter(None, [stream.codec or stream.form, size, sound, numbers]))
    return (
        one.sensor.name,
        one.state if checked.samples or stream.form == "texts" else "silent",
        stream.name,
        what,
        f"{checked.samples:,}",
        "" if checked.rate_hz is None else f"{checked.rate_hz:.1f}",
        "" if stream.nominal_rate_hz is None else f"{stream.nominal_rate_hz:g}",
        say_ns(checked.longest_ns),
        say_bytes(round(checked.bytes_per_s)),
    )


def _said(one: Any) -> list[str]:
    said = [f"{one.error.message}{f'; {one.error.hint}' if one.error.hint else ''}"] if one.error else []
    said += [f"{trouble.stream or one.sensor.name}: {trouble.message}" for trouble in one.troubles]
    return said + [
        f"{checked.stream.name}: {say_count(checked.holes, 'sample')} lost on the way here"
        for checked in one.streams
        if checked.holes
    ]


def _entry(one: Any) -> dict[str, Any]:
    return {
        "sensor": one.sensor.name,
        "source": one.sensor.source,
        "state": one.state,
        "error": _error(one.error),
        "troubles": [
            {"what": t.what, "stream": t.stream, "message": t.message, "count": t.count} for t in one.troubles
        ],
        "streams": [
            {
                "stream": checked.stream.name,
                "form": checked.stream.form,
                "codec": checked.stream.codec,
                "samples": checked.samples,
                "rate_hz": checked.rate_hz,
                "nominal_rate_hz": checked.stream.nominal_rate_hz,
                "holes": checked.holes,
                "longest_ns": checked.longest_ns,
                "bytes_per_s": checked.bytes_per_s,
                "width_px": checked.width_px,
                "height_px": checked.height_px,
                "offset_ns": checked.offset_ns,
                "device_clock": checked.stream.device_clock,
            }
            for checked in one.streams
        ],
    }


def _error(error: Any) -> dict[str, str] | None:
    return None if error is None else {"code": error.code, "message": error.message, "hint": error.hint}


for _verb in (scan, check):
    command.add_command(_verb)
