"""The pictures of a dataset with the parts of one of its splits, or of a list made elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import registry
from rushes.duplicates import FLAT_GREY
from rushes.errors import ReadError, UsageError
from rushes.quantities import say_count
from rushes.splits import Samples
from rushes.workflow._split.audited import Audited, Prints, Progress, coded
from rushes.workflow._split.stills import PICTURE
from rushes.workflow._split.units import key_values
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded, excluded
from rushes.workflow.parts import Parts
from rushes.workflow.pictures import Frames

BY = ("recording", "subject", "session")
SMALL_PX = 128
MODALITIES = ("color", "infrared", "depth")


def of_dataset(
    opened: Dataset,
    *,
    split: str,
    listed: Mapping[str, str] | None,
    by: Sequence[str] = BY,
    every: int = 1,
    timed: bool = False,
    features: bool = False,
    progress: Progress | None = None,
) -> Audited:
    """Look at every picture that is in a part.

    Args:
        opened: The dataset.
        split: Name of the split; does not count where a list is given.
        listed: Key → part; a key is the name or id of a recording, or recording/stream/index.
        by: Facts of recordings that may not be in two parts.
        every: Look at one of so many frames of each stream only.
        timed: Whether the order is raw time in nanoseconds, not the index.
        features: Whether pictures are decoded for the baseline even where a check has measured them all.
        progress: Called with each stream.

    Raises:
        UsageError: ``split.absent`` for a split that there is not, ``split.list`` for a name that is not here.
    """
    rows = opened.arrow("recordings").sort_by("recording_id").to_pylist()
    names = {row["recording_id"]: row["name"] for row in rows}
    found = opened.arrow("splits", where={"split": split}).to_pylist() if listed is None else []
    if listed is None and not found:
        offered = sorted({r["split"] for r in opened.arrow("splits", columns=["split"]).to_pylist()})
        raise UsageError(
            f"{opened.path}: no split '{split}'",
            code="split.absent",
            hint=f"there are {', '.join(offered)}" if offered else f"rushes split {opened.path} makes one",
        )
    parts = Parts(found)
    frames, there = _frames(opened, rows)
    at = _of_kept_takes(frames, there, excluded(opened.store))
    every_kept = len(at)
    place = {(f.stream["recording_id"], f.stream["stream"]): n for n, f in enumerate(frames)}
    if listed is None:
        part_names = [parts.of(f.stream["recording_id"], f.stream["stream"], i) for f, i in _each(frames, at)]
    else:
        part_names = _by_list(listed, frames, at, names, place)
    wanted = [k for k, part in enumerate(part_names) if part is not None and at[k][1] % every == 0]
    at = [at[k] for k in wanted]
    part_of = [part_names[k] for k in wanted]
    recording_of = [frames[n].stream["recording_id"] for n, _ in at]
    stills = {row["recording_id"] for row in found if row["group_by"] == PICTURE}
    loose = np.array([recording in stills for recording in recording_of], np.bool_)
    keys: dict[str, npt.NDArray[np.int64]] = {}
    values: dict[str, Sequence[str]] = {}
    if "recording" in by:
        keys["recording"], ids = coded([None if r in stills else r for r in recording_of])
        values["recording"] = [names[i] for i in ids]
    for fact in (fact for fact in by if fact != "recording"):
        value = dict(zip(names, key_values(opened.store, rows, [fact], ())[0], strict=True))
        if any(value.values()):
            keys[fact], values[fact] = coded([value[recording] for recording in recording_of])
    measured = None if features else _measured(opened, frames, at)
    prints = measured or _prints(frames, at, progress)
    part, part_list = coded(part_of)
    blocks = any(row["group_by"] == "block" for row in found)
    return Audited(
        title=f"split '{split}' of {opened.path.name}"
        if listed is None
        else f"a list of parts for {opened.path.name}",
        samples=Samples(
            parts=part_list,
            part=part,
            keys=keys,
            content=coded(prints.content)[0],
            hashes=prints.hashes,
            mirrored=prints.mirrored,
            hashed=prints.hashed,
            film=np.array([frames[n].stream["clock"] != "none" for n, _ in at], np.bool_),
            stream=np.where(loose, -1, np.array([n for n, _ in at], np.int64)),
            order=np.array([frames[n].t_ns[i] if timed else i // every for n, i in at], np.int64),
        ),
        names=[f"{names[r]}/{frames[n].stream['stream']}/{i}" for r, (n, i) in zip(recording_of, at, strict=True)],
        values=values,
        classes=_classes(opened, frames, at, rows),
        small=prints.small,
        pixels=lambda k: _pixels(frames[at[k][0]], at[k][1]),
        unread=prints.unread,
        notes=[
            *[f"every {every}th frame was looked at"] * (every > 1),
            *[f"{say_count(len(there) - every_kept, 'frame')} of discarded takes were left aside"]
            * (every_kept < len(there)),
            *["sets of stills are parted picture by picture by intent"] * bool(stills),
        ],
        blocks=blocks,
    )


def _frames(opened: Dataset, rows: Sequence[Mapping[str, Any]]) -> tuple[list[Frames], list[tuple[int, int]]]:
    frames = [
        found
        for row in rows
        for found in opened.picture_streams(row["recording_id"])
        if found.stream["modality"] in MODALITIES
    ]
    return frames, [(n, i) for n, found in enumerate(frames) for i in range(len(found)) if not found.missing(i)]


def _of_kept_takes(
    frames: Sequence[Frames], at: Sequence[tuple[int, int]], out: Excluded
) -> list[tuple[int, int]]:
    """Leave out frames of discarded takes; ``at`` names frames by their stream and index."""
    left = [
        out.left(found.stream["recording_id"], found.stream["stream"], np.arange(len(found))) for found in frames
    ]
    return [(n, i) for n, i in at if left[n][i]]


def _each(frames: Sequence[Frames], at: Sequence[tuple[int, int]]) -> list[tuple[Frames, int]]:
    return [(frames[n], i) for n, i in at]


def _by_list(
    listed: Mapping[str, str],
    frames: Sequence[Frames],
    at: Sequence[tuple[int, int]],
    names: Mapping[str, str],
    place: Mapping[tuple[str, str], int],
) -> list[str | None]:
    """Give the part of each frame by the list; a frame's own key wins over its recording's."""
    ids: dict[str, str] = {}
    for recording, name in names.items():
        ids[recording] = recording
        ids[name] = "" if name in ids and ids[name] != recording else recording
    whole: dict[str, str] = {}
    single: dict[tuple[int, int], str] = {}
    for key, part in listed.items():
        if ids.get(key):
            whole[ids[key]] = part
            continue
        recording, _, rest = key.partition("/")
        stream, _, index = rest.rpartition("/")
        known = place.get((ids.get(recording, ""), stream), place.get((ids.get(recording, ""), f"/{stream}")))
        if known is None or not index.isdecimal() or int(index) >= len(frames[known]):
            near = registry.close_to(key, [*names.values(), *(f"{names[r]}/{s}/0" for r, s in place)])
            raise UsageError(
                f"the list names '{key}', which is no recording or frame here",
                code="split.list",
                hint=f"did you mean '{near}'?" if near else "write RECORDING or RECORDING/STREAM/INDEX",
            )
        single[known, int(index)] = part
    return [single.get((n, i), whole.get(frames[n].stream["recording_id"])) for n, i in at]


def _measured(opened: Dataset, frames: Sequence[Frames], at: Sequence[tuple[int, int]]) -> Prints | None:
    """Take the hashes that the last check has stored; None unless it has looked at every picture."""
    wanted = {(frames[n].stream["recording_id"], frames[n].stream["stream"], i): k for k, (n, i) in enumerate(at)}
    rows = opened.arrow(
        "pictures",
        columns=["recording_id", "stream", "index", "content", "phash", "phash_mirrored", "std", "unreadable"],
    )
    columns = [rows[name].to_pylist() for name in rows.column_names]
    made, seen = Prints(len(at), 0), 0
    for recording, stream, index, content, phash, mirrored, std, unreadable in zip(*columns, strict=True):
        k = wanted.get((recording, stream, index))
        if k is None:
            continue
        seen += 1
        made.content[k] = content
        made.unread += bool(unreadable)
        if phash is not None and mirrored is not None and (std is None or std >= FLAT_GREY):
            made.hashes[k], made.mirrored[k] = phash % 2**64, mirrored % 2**64
            made.hashed[k] = True
    return made if seen == len(at) else None


def _prints(frames: Sequence[Frames], at: Sequence[tuple[int, int]], progress: Progress | None) -> Prints:
    """Read every picture once, stream by stream in recorded order, as decoders of video want it."""
    room = registry.late("rushes.workflow._split.prints")
    made = Prints(len(at), room.SIDE**2 + 3 * room.BINS)
    for k, (n, i) in enumerate(at):
        if progress and k % 50 == 0:
            progress(frames[n].stream["stream"], k, len(at))
        pixels = _pixels(frames[n], i)
        video = frames[n].stream["container_index"] is not None
        made.put(
            k, None if pixels is None else room.print_of(pixels), None if video else _content(room, frames[n], i)
        )
    if progress:
        progress("", len(at), len(at))
    return made


def _content(room: Any, frames: Frames, index: int) -> str | None:
    try:
        return str(room.content_of(frames.bytes(index)))
    except ReadError:
        return None


def _pixels(frames: Frames, index: int) -> npt.NDArray[Any] | None:
    try:
        return frames.grey(index, long_side_px=SMALL_PX)
    except ReadError:
        return None


def _classes(
    opened: Dataset, frames: Sequence[Frames], at: Sequence[tuple[int, int]], rows: Sequence[Mapping[str, Any]]
) -> list[frozenset[str]]:
    """Give the classes of each frame's labels; the recording's task where nothing is labelled."""
    of_frame: dict[tuple[str, str, int], set[str]] = {}
    columns = ["recording_id", "stream", "index", "index_end", "class_name", "source"]
    for row in opened.arrow("labels", columns=columns).to_pylist():
        if row["stream"] is None or row["index"] is None or row["class_name"] is None or row["source"] == "model":
            continue
        for index in range(row["index"], row["index_end"] or row["index"] + 1):
            of_frame.setdefault((row["recording_id"], row["stream"], index), set()).add(row["class_name"])
    task = {row["recording_id"]: frozenset([row["task"]] if row["task"] else []) for row in rows}
    if not of_frame:
        return [task[frames[n].stream["recording_id"]] for n, _ in at]
    streams = [(f.stream["recording_id"], f.stream["stream"]) for f in frames]
    return [frozenset(of_frame.get((*streams[n], i), ())) for n, i in at]
