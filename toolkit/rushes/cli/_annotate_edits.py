"""The commands that change labels in the dataset itself: edit them, list what is contested, settle it."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rushes import registry
from rushes.annotate.edits import Take
from rushes.cli._options import OneOf, at_option, dataset_argument, dry_run_option, revision_of, verb
from rushes.cli._output import Answer, table
from rushes.labels import Box, Label, RotatedBox
from rushes.quantities import say_count


class Numbers(click.ParamType[tuple[float, ...]]):
    """Four or five numbers, such as ``10,20,64,48``."""

    name = "x,y,w,h"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Read the numbers."""
        try:
            numbers = tuple(float(part) for part in str(value).split(","))
        except ValueError:
            numbers = ()
        if len(numbers) not in (4, 5):
            self.fail(f"'{value}' is no box; write x,y,width,height in pixels, and a turn in degrees", param, ctx)
        return numbers


author_option = click.option("--author", help="Who does it; else RUSHES_AUTHOR, else the user of this machine.")


@verb(
    "edit",
    group="annotate",
    examples="""
rushes annotate edit my-dataset 1f0c9a7be2d3a456 --class cup
rushes annotate edit my-dataset 1f0c9a7be2d3a456 --box 64,40,128,80 --attribute side=left
rushes annotate edit my-dataset 1f0c9a7be2d3a456 --delete --with-parts
rushes annotate edit my-dataset --add walk/cam_left/12 --class hand --box 64,40,128,80
""",
)
@dataset_argument
@click.argument("label_ids", nargs=-1, metavar="[LABEL_ID]...")
@click.option("--class", "class_name", help="Its class, gesture or relation from now on.")
@click.option("--attribute", "attributes", metavar="NAME=VALUE", multiple=True, help="NAME= takes it away.")
@click.option("--box", type=Numbers(), help="Pixels of the stored picture, x,y,width,height[,turn in degrees].")
@click.option("--text", help="What is written.")
@click.option("--delete", is_flag=True, help="Delete it.")
@click.option("--with-parts", is_flag=True, help="Delete what depends on it too.")
@click.option(
    "--add", "key", metavar="FRAME", help="Add a label to RECORDING/STREAM/INDEX, the recording by id or name."
)
@author_option
@dry_run_option
def edit_command(
    dataset: Path,
    label_ids: Sequence[str],
    class_name: str | None,
    attributes: Sequence[str],
    box: tuple[float, ...] | None,
    text: str | None,
    delete: bool,
    with_parts: bool,
    key: str | None,
    author: str | None,
    dry_run: bool,
) -> Answer:
    """Change, add or delete labels of DATASET here, as versions beside those of Label Studio.

    The next push brings them to the server, where it holds what they were based on.
    """
    step = registry.late("rushes.workflow.annotate_edit")
    said = [class_name is not None, bool(attributes), box is not None, text is not None]
    if bool(key) == bool(label_ids):
        raise click.UsageError("name labels, or a frame with --add, one of the two")
    if delete == any(said) or (delete and key):
        raise click.UsageError("say what to change (--class, --attribute, --box, --text), or --delete")
    if key:
        label = _changed(Label(label_id="", recording_id="", kind="class", source="human"), class_name, box, text)
        label = replace(label, attributes=_attributes({}, attributes))
        done = step.add(dataset, key, label, author=author, argv=sys.argv[1:], dry_run=dry_run)
    else:
        there = step.labels_named(dataset, label_ids)
        wanted: dict[str, Label | None] = dict.fromkeys(label_ids)
        if not delete:
            for name, old in there.items():
                changed = _changed(old, class_name, box, text)
                wanted[name] = replace(changed, attributes=_attributes(old.attributes, attributes))
        done = step.edit(dataset, wanted, author=author, with_parts=with_parts, argv=sys.argv[1:], dry_run=dry_run)
    counts = {"created": done.created, "changed": done.changed, "deleted": done.deleted}
    would = "would be " if dry_run else ""
    lines = [f"{would}{what} {name}" for what, names in counts.items() for name in names]
    lines += [f"{say_count(done.same, 'label')} as wished already"] if done.same else []
    return Answer(
        result={**{what: list(names) for what, names in counts.items()}, "same": done.same, "author": done.author},
        text="\n".join(lines),
        dataset=str(dataset),
        revision=done.revision,
    )


@verb("conflicts", group="annotate", examples="rushes annotate conflicts my-dataset")
@dataset_argument
@click.option("--closed", is_flag=True, help="List those that are settled too.")
@at_option
def conflicts_command(dataset: Path, closed: bool, at: str | None) -> Answer:
    """List what the dataset and Label Studio say differently, because both were changed."""
    found = registry.late("rushes.workflow.annotate_conflicts").conflicts(
        dataset, closed=closed, at=revision_of(at)
    )
    text = "\n\n".join(_readable(row) for row in found)
    rows_ = [{k: v for k, v in asdict(row).items() if k != "label"} for row in found]
    left = sum(row.state == "open" for row in found)
    next_ = (
        f"{say_count(left, 'conflict')} open; settle: rushes annotate resolve {dataset} ID --take ours|theirs|base"
    )
    return Answer(
        result={"conflicts": rows_, "open": left},
        text=f"{text}\n\n{next_}" if found and left else text or "nothing is contested",
        dataset=str(dataset),
    )


@verb(
    "resolve",
    group="annotate",
    examples="""
rushes annotate resolve my-dataset 5d0c2f1a9b3e4c77 --take theirs
rushes annotate resolve my-dataset --all --take ours
""",
)
@dataset_argument
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--all", "every", is_flag=True, help="Settle all that is contested.")
@click.option(
    "--take", required=True, type=OneOf(["ours", "theirs", "base"]), help="Whose value holds from now on."
)
@author_option
@dry_run_option
def resolve_command(
    dataset: Path, ids: Sequence[str], every: bool, take: Take, author: str | None, dry_run: bool
) -> Answer:
    """Settle conflicts: ours is the dataset's, theirs Label Studio's, base what both had started from.

    ID names a conflict, or a label with all that is contested of it.
    """
    if every == bool(ids):
        raise click.UsageError("name conflicts, or --all")
    step = registry.late("rushes.workflow.annotate_conflicts")
    done = step.resolve(dataset, None if every else ids, take, author=author, argv=sys.argv[1:], dry_run=dry_run)
    would = "would be " if dry_run else ""
    return Answer(
        result={"settled": list(done.settled), "left": done.left},
        text=f"{say_count(len(done.settled), 'conflict')} {would}settled, {done.left:,} open",
        dataset=str(dataset),
        revision=done.revision,
    )


def _changed(old: Label, class_name: str | None, box: tuple[float, ...] | None, text: str | None) -> Label:
    new = old
    if class_name is not None:
        new = replace(new, class_name=class_name)
    if text is not None:
        new = replace(new, text=text, kind="text" if new.geometry is None and new.class_name is None else new.kind)
    if box is None:
        return new
    sides = {"x_px": box[0], "y_px": box[1], "width_px": box[2], "height_px": box[3]}
    if len(box) == 5 and box[4]:
        return replace(new, kind="rotated_box", geometry=RotatedBox(**sides, rotation_deg=box[4]))
    return replace(new, kind="box", geometry=Box(**sides))


def _attributes(old: Any, given: Sequence[str]) -> dict[str, Any]:
    """Put NAME=VALUE pairs into attributes; a value is JSON where it reads as such, else text."""
    new = dict(old)
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or not name:
            raise click.UsageError(f"'{pair}' is no NAME=VALUE, such as side=left")
        new.pop(name, None)
        if text:
            try:
                new[name] = json.loads(text)
            except ValueError:
                new[name] = text
    return new


def _readable(row: Any) -> str:
    label = row.label
    what = f"{label.kind} {label.class_name or ''}".strip() if label else "a label that is gone since"
    when = datetime.fromtimestamp(row.since_ns / 1e9, UTC).strftime("%Y-%m-%d %H:%M UTC")
    state = "" if row.state == "open" else f", {row.state}{f': {row.take}' if row.take else ''}"
    place = "/".join(str(part) for part in (row.recording_id, row.stream, row.index) if part is not None)
    head = f"{row.conflict_id}  {row.group} of {what} {row.label_id}, {place}, since {when}{state}"
    sides = [(side, _said(getattr(row, side))) for side in ("base", "ours", "theirs")]
    return f"{head}\n{table(sides, head=('', 'says'))}"


def _said(value: Any) -> str:
    """Lay out what a side says, short: geometry rounded to a hundredth of a pixel, a label by what it is."""
    if value is None:
        return "(nothing)"
    if isinstance(value, list):
        return ", ".join(_said(part) for part in value if part is not None)
    if isinstance(value, dict):
        if "label_id" in value:
            return f"there: {value['kind']} {value.get('class_name', '')}".rstrip()
        return ", ".join(f"{name} {_said(part)}" for name, part in value.items())[:200]
    return f"{value:.6g}" if isinstance(value, float) else str(value)
