"""YOLO: a text file a picture, for detection, oriented boxes, segmentation or pose."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from rushes import ontology as ontologies
from rushes import shapes
from rushes.contracts import Exported, LabelFile, LabelFormat
from rushes.errors import ReadError, UsageError
from rushes.export._objects import Object, dropped_facts, objects_of, shown
from rushes.export._pictures import header
from rushes.export._tally import Tally
from rushes.export._yolo import lines, listing
from rushes.export._yolo.lines import TASKS, Task
from rushes.labels import Geometry, Keypoints, Label, LabelledPicture, Picture, digest_of, kind_of
from rushes.model import Claim
from rushes.registry import close_to
from rushes.vocabulary import ClassSpec, Ontology, Skeleton


class YoloFormat:
    """``data.yaml``, and ``labels/PART/NAME.txt`` beside ``images/PART/NAME.jpg``."""

    name = "yolo"
    version = "1"
    defaults: Mapping[str, str] = {"task": "detect"}

    def write(
        self, place: Path, pictures: Sequence[LabelledPicture], ontology: Ontology, options: Mapping[str, str]
    ) -> Exported:
        """Write the lines of one task; class 0 is the first of the ontology."""
        task = _task(options["task"])
        tally = Tally()
        skeleton = _skeleton(ontology) if task == "pose" else None
        labels_out = 0
        files: list[Path] = []
        for each in pictures:
            file = place / "labels" / (each.picture.part or "") / Path(each.picture.name).with_suffix(".txt")
            written = list(self._lines(each, task, ontology, skeleton, tally))
            labels_out += sum(count for _, count in written)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{line}\n" for line, _ in written), encoding="ascii")
            files.append(file)
        parts = list(dict.fromkeys(each.picture.part for each in pictures))
        files.append(place / "data.yaml")
        files[-1].write_text(_data_yaml(task, parts, ontology, skeleton), encoding="utf-8")
        return Exported(
            files=tuple(files),
            pictures=len(pictures),
            labels_in=sum(len(each.labels) for each in pictures),
            labels_out=labels_out,
            left_out=tally.entries(),
        )

    def probe(self, path: Path) -> Claim:
        """Look for the list of names, and for files of labels."""
        if not path.is_dir() or listing.facts_of(path) is None:
            return Claim(confidence=0.0, reason="it is no folder with a list of class names")
        if next(listing.entries_of(path), None) is None:
            return Claim(confidence=0.0, reason="it has class names but no files of labels")
        return Claim(confidence=0.8, reason="it has class names and files of labels")

    def read(self, path: Path, options: Mapping[str, str]) -> LabelFile:
        """Read all files of labels; each needs its picture, for the size.

        Args:
            path: The folder of ``data.yaml``, ``obj.names`` or ``classes.txt``.
            options: ``task``, where the lines leave it open (four corners are a box or a polygon), and ``frame``:
                ``shown`` (the default: pixels count on the picture as EXIF shows it) or ``stored``, and
                ``images``: the folder that the pictures are in, where it is not beside ``labels``.
        """
        facts = listing.facts_of(path) if path.is_dir() else None
        if facts is None:
            raise ReadError(
                f"{path}: has no list of class names",
                code="labels.file",
                hint="give the folder that holds data.yaml, obj.names or classes.txt",
            )
        images = Path(options["images"]) if "images" in options else None
        entries = [(entry, _rows(entry.file)) for entry in listing.entries_of(path, facts.parts, images)]
        task = _task(options["task"]) if "task" in options else _task_of(path, facts, [r for _, r in entries])
        tally = Tally()
        pictures = [
            _read(entry, rows, facts, task, options.get("frame", "shown"), tally) for entry, rows in entries
        ]
        skeletons: tuple[Skeleton, ...] = ()
        if facts.points and task == "pose":
            skeletons = (Skeleton(name="points", points=tuple(f"point_{at}" for at in range(facts.points[0]))),)
        specs = [
            ClassSpec(name=name, id=at, skeleton="points" if skeletons else None)
            for at, name in facts.names.items()
        ]
        return LabelFile(
            pictures=tuple(each for each in pictures if each),
            ontology=ontologies.from_classes("yolo-folder", specs, skeletons=skeletons),
            items=sum(len(rows) for _, rows in entries),
            left_out=tally.entries(),
        )

    def _lines(
        self, each: LabelledPicture, task: Task, ontology: Ontology, skeleton: Skeleton | None, tally: Tally
    ) -> Iterator[tuple[str, int]]:
        """Give the lines of a picture, each with the number of labels in it."""
        picture = each.picture
        width, height = shapes.turned_size(picture.width_px, picture.height_px, picture.turn_deg)
        points = len(skeleton.points) if skeleton else 0
        if each.labels and not (width and height):
            tally.lost("labels that cannot be written", "the size of their picture is not known", len(each.labels))
            return
        for found in objects_of(each, ontology, tally):
            thing = _with_fitting_points(found, points, task, tally)
            if thing is None:
                continue
            seen = shown(thing, picture)
            before = tally.lost_so_far
            numbers = lines.numbers_of(seen, task, width_px=width, height_px=height, points=points, tally=tally)
            if numbers is None:
                continue
            count = len(thing.labels) - (tally.lost_so_far - before)
            dropped_facts(thing.labels[:1], tally, carried=frozenset(), hint="")
            yield " ".join([str(ontology.position(thing.class_name)), *map(_said, numbers)]), count


def _said(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _task(text: str) -> Task:
    if text not in TASKS:
        near = close_to(text, TASKS)
        raise UsageError(
            f"YOLO has no task '{text}'",
            code="labels.option",
            hint=f"did you mean '{near}'?" if near else f"it has {', '.join(TASKS)}",
        )
    return text


def _skeleton(ontology: Ontology) -> Skeleton:
    """Give the one skeleton that a pose file has: that of the first class with one."""
    found = next((s for name in ontology.class_names if (s := ontology.skeleton_of(name))), None)
    if found is None:
        raise UsageError(
            f"no class of the ontology '{ontology.name}' has keypoints",
            code="labels.option",
            hint="give one a skeleton, or use the task detect",
        )
    return found


def _data_yaml(task: Task, parts: Sequence[str | None], ontology: Ontology, skeleton: Skeleton | None) -> str:
    body: dict[str, Any] = {"path": "."}
    folders = {part: f"images/{part}" if part else "images" for part in parts}
    body |= {part: folder for part, folder in folders.items() if part}
    first = next(iter(folders.values()), "images")
    # Ultralytics wants both; a set that is not split is trained and validated on the same pictures.
    body = {**body, "train": body.get("train", first), "val": body.get("val", body.get("test", first))}
    body["names"] = dict(enumerate(ontology.class_names))
    if skeleton:
        body |= {"kpt_shape": [len(skeleton.points), 3], "flip_idx": list(skeleton.flip_positions())}
    body["rushes"] = {"task": task, "ontology": ontology.digest}
    return yaml.safe_dump(body, sort_keys=False, allow_unicode=True, default_flow_style=None)


def _with_fitting_points(thing: Object, points: int, task: Task, tally: Tally) -> Object | None:
    if task != "pose" or thing.points is None:
        return thing
    assert isinstance(thing.points.geometry, Keypoints)
    count = len(thing.points.geometry.triples) // 3
    if count == points:
        return thing
    tally.lost("keypoints", f"{count} keypoints, where every line of the file has {points}")
    rest = replace(thing, points=None)
    return rest if rest.labels else None


def _rows(file: Path) -> list[tuple[int, list[float]]]:
    rows: list[tuple[int, list[float]]] = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        words = line.split()
        if not words:
            continue
        try:
            rows.append((int(words[0]), [float(word) for word in words[1:]]))
        except ValueError as error:
            raise ReadError(
                f"{file}, line {number}: '{line[:60]}' is not a class and numbers",
                code="labels.file",
                hint="a line is a class number and shares of the picture's size",
            ) from error
    return rows


def _task_of(path: Path, facts: listing.Facts, rows: Sequence[Sequence[tuple[int, list[float]]]]) -> Task:
    if facts.task:
        return _task(facts.task)
    if facts.points:
        return "pose"
    lengths = {len(numbers) for file in rows for _, numbers in file}
    if lengths <= {4, 5}:
        return "detect"
    if lengths != {8}:
        return "segment"
    raise ReadError(
        f"{path}: every line has four corners, which may be turned boxes or polygons",
        code="labels.file",
        hint="say --option task=obb or --option task=segment",
    )


def _read(
    entry: listing.Entry,
    rows: Sequence[tuple[int, list[float]]],
    facts: listing.Facts,
    task: Task,
    frame: str,
    tally: Tally,
) -> LabelledPicture | None:
    found = header(entry.picture) if entry.picture else None
    if found is None:
        tally.lost("lines", "the picture is absent or unreadable, so that its size is not known", len(rows))
        return None
    turned = frame == "shown" and (found.turn_deg or found.mirrored)
    if turned and rows:
        tally.noted("EXIF turns", "labels were turned from the picture as shown to the stored one", len(rows))
    picture = Picture(
        name=entry.name,
        width_px=found.width_px,
        height_px=found.height_px,
        turn_deg=found.turn_deg,
        mirrored=found.mirrored,
        part=entry.part,
    )
    labels: list[Label] = []
    for number, (position, numbers) in enumerate(rows):
        if position not in facts.names:
            tally.lost("lines", f"there is no class {position} among the {len(facts.names)} names")
            continue
        try:
            drawn = _drawn(
                numbers, task, picture if turned else replace(picture, turn_deg=0, mirrored=False), facts
            )
        except ValueError as error:
            tally.lost("lines", str(error))
            continue
        score = numbers[-1] if (task, len(numbers)) in (("detect", 5), ("obb", 9)) else None
        labels += _labels(drawn, facts.names[position], score, picture, number)
    return LabelledPicture(picture=picture, labels=tuple(labels))


def _drawn(numbers: Sequence[float], task: Task, picture: Picture, facts: listing.Facts) -> list[Geometry]:
    width, height = shapes.turned_size(picture.width_px, picture.height_px, picture.turn_deg)
    dims = facts.points[1] if facts.points else 3
    drawn = lines.shapes_in(numbers, task, width_px=width, height_px=height, dims=dims)
    return [shapes.as_stored(shape, picture) for shape in drawn]


def _labels(
    drawn: Sequence[Geometry], class_name: str, score: float | None, picture: Picture, number: int
) -> Iterator[Label]:
    parent: str | None = None
    for shape in drawn:
        own = digest_of("yolo", picture.part, picture.name, number, kind_of(shape))
        yield Label(
            label_id=own,
            recording_id="",
            kind=kind_of(shape),
            source="import",
            tool="yolo",
            class_name=class_name,
            geometry=shape,
            parent_id=parent,
            image_width_px=picture.width_px,
            image_height_px=picture.height_px,
            score=score,
        )
        parent = parent or own


PLUGIN: LabelFormat = YoloFormat()
