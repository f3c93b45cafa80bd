"""Label Studio's JSON: tasks with annotations and predictions, and the labelling config beside them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from rushes import ontology as ontologies
from rushes.annotate.label_studio import results as reading
from rushes.annotate.label_studio import writing
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.template import Template
from rushes.contracts import Exported, LabelFile, LabelFormat
from rushes.errors import ReadError
from rushes.export._labelstudio import guess, tasks
from rushes.export._labelstudio.whole import whole
from rushes.export._pictures import TURNS
from rushes.export._tally import Tally
from rushes.labels import Label, LabelledPicture, Picture
from rushes.model import Claim
from rushes.vocabulary import Ontology

TASKS, CONFIG, ONTOLOGY = "tasks.json", "config.xml", "ontology.yaml"
_WRITTEN = frozenset({"box", "rotated_box", "polygon", "mask", "keypoints", "class", "relation"})
_CONFIGS = (CONFIG, "label_config.xml")
_HEAD = 4096
_LOST = frozenset({"unreadable", "unknown-control", "dangling-relation"})


class LabelStudioFormat:
    """``tasks.json`` to be imported into Label Studio, ``config.xml`` for its project, and ``ontology.yaml``."""

    name = "labelstudio_json"
    version = "1"
    defaults: Mapping[str, str] = {"prefix": "images/"}

    def write(
        self, place: Path, pictures: Sequence[LabelledPicture], ontology: Ontology, options: Mapping[str, str]
    ) -> Exported:
        """Write a task a picture: labels of people and files as an annotation, those of models as a prediction.

        Args:
            place: An existing folder.
            pictures: In the order of the tasks.
            ontology: What may be labelled.
            options: ``prefix``: what stands before a picture's name in the task, such as
                ``/data/local-files/?d=set/images/``.
        """
        template = whole(ontology)
        tally = Tally()
        body = [
            _task(each, number, template, ontology, options["prefix"], tally)
            for number, each in enumerate(pictures, start=1)
        ]
        texts = {
            TASKS: json.dumps(body, ensure_ascii=False, allow_nan=False),
            CONFIG: template.config,
            ONTOLOGY: ontologies.as_yaml(ontology),
        }
        for name, text in texts.items():
            (place / name).write_text(text, encoding="utf-8")
        labels_in = sum(len(each.labels) for each in pictures)
        return Exported(
            files=tuple(place / name for name in texts),
            pictures=len(pictures),
            labels_in=labels_in,
            labels_out=labels_in - tally.lost_so_far,
            left_out=tally.entries(),
        )

    def probe(self, path: Path) -> Claim:
        """Look for a list of tasks."""
        file = _file(path)
        if file is None:
            return Claim(confidence=0.0, reason="it is no JSON file, and holds no tasks.json")
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
        if head.lstrip()[:1] == b"[" and any(
            word in head for word in (b'"annotations"', b'"data"', b'"predictions"')
        ):
            return Claim(confidence=0.9, reason="it is a list of tasks")
        return Claim(confidence=0.0, reason="it is no list of tasks")

    def read(self, path: Path, options: Mapping[str, str]) -> LabelFile:
        """Read every annotation that was not skipped.

        Args:
            path: The JSON file, or a folder with ``tasks.json``.
            options: ``images``: folder of the pictures, whose EXIF turns are heeded; ``config``: the project's
                labelling config, for the order of the classes, where it is not beside the file; ``predictions``:
                ``yes`` reads them beside the annotations, which mostly say the same once more.
        """
        file = _file(path)
        if file is None:
            raise ReadError(f"{path}: is no JSON file", code="labels.file", hint="export the project as JSON")
        listed = _parsed(file)
        tally = Tally()
        wanted = options.get("predictions", "no") == "yes"
        versions = [
            list(_wanted(tasks.versions_of(task, number), wanted, tally)) for number, task in enumerate(listed)
        ]
        every = [
            guess.plainer(entry, guess.drawn_in(version.results))
            for each in versions
            for version in each
            for entry in version.results
        ]
        template, ontology = _vocabulary(file, every, options)
        images = Path(options["images"]) if "images" in options else None
        pictures: list[LabelledPicture] = []
        for number, (task, said) in enumerate(zip(listed, versions, strict=True)):
            try:
                pictures += _pictures(task, number, said, template, ontology, images, tally)
            except (KeyError, TypeError, ValueError) as error:
                raise ReadError(
                    f"{file}: task {task.get('id', number)} cannot be read: {type(error).__name__} {error}",
                    code="labels.file",
                    hint="export the project once more, as JSON",
                ) from error
        return LabelFile(pictures=tuple(pictures), ontology=ontology, items=len(every), left_out=tally.entries())


def _task(
    each: LabelledPicture, number: int, template: Template, ontology: Ontology, prefix: str, tally: Tally
) -> dict[str, Any]:
    picture = each.picture
    passport = Passport(
        recording_id=picture.recording_id,
        stream=picture.stream or "image",
        index=picture.index or 0,
        t_ns=picture.t_ns,
        width_px=picture.width_px,
        height_px=picture.height_px,
        orientation=tasks.ORIENTATIONS[picture.turn_deg, picture.mirrored],
        moment=picture.moment,
    )
    part = f"{picture.part}/" if picture.part else ""
    data = {"image": f"{prefix}{part}{picture.name}", "name": picture.name, "shown": {"image": passport.as_json()}}
    if picture.part:
        data["part"] = picture.part
    groups = {key: [x for x in each.labels if (x.source == "model") == (key == "predictions")] for key in _GROUPS}
    task: dict[str, Any] = {"id": number, "data": data}
    for key, labels in groups.items():
        if not labels:
            continue
        written = writing.write(_fitting(labels, passport, tally), template, {"image": passport}, ontology)
        for refused in written.refused:
            tally.lost("labels that do not fit", refused.why)
        task[key] = [{"result": list(written.results)}]
    return task


_GROUPS = ("annotations", "predictions")


def _fitting(labels: Sequence[Label], passport: Passport, tally: Tally) -> list[Label]:
    """Put labels on the picture of the task; what Label Studio has no tag for on a picture is lost."""
    kept: list[Label] = []
    for label in labels:
        if label.kind not in _WRITTEN:
            tally.lost(f"labels of kind {label.kind}", "a task of one picture has no place for it")
            continue
        place = {"recording_id": passport.recording_id, "stream": passport.stream, "index": passport.index}
        tool = reading.TOOL if (label.received or {}).get("results") else label.tool
        kept.append(replace(label, **place, tool=tool))  # type: ignore[arg-type]  # each of its own kind
    return kept


def _file(path: Path) -> Path | None:
    if path.is_dir():
        return path / TASKS if (path / TASKS).is_file() else None
    return path if path.suffix == ".json" and path.is_file() else None


def _parsed(file: Path) -> list[Mapping[str, Any]]:
    try:
        body = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ReadError(
            f"{file}: is not JSON: {error}", code="labels.file", hint="was it written to its end?"
        ) from error
    if not isinstance(body, list) or not all(isinstance(task, dict) for task in body):
        raise ReadError(
            f"{file}: is no list of tasks",
            code="labels.file",
            hint="export the project as JSON; JSON-MIN, CSV and COCO of Label Studio have lost things already",
        )
    return body


def _vocabulary(
    file: Path, every: Sequence[tasks.Result], options: Mapping[str, str]
) -> tuple[Template, Ontology]:
    """Take the ontology that we wrote beside the file; else tell controls and classes from the results."""
    own = file.with_name(ONTOLOGY)
    if own.is_file():
        ontology = ontologies.load(own)
        return whole(ontology), ontology
    beside = next((file.with_name(name) for name in _CONFIGS if file.with_name(name).is_file()), None)
    return guess.guessed(every, Path(options["config"]) if "config" in options else beside)


def _pictures(
    task: tasks.Task,
    number: int,
    said: Sequence[tasks.Version],
    template: Template,
    ontology: Ontology,
    images: Path | None,
    tally: Tally,
) -> Iterator[LabelledPicture]:
    """Give the pictures of one task, each with the labels that lie on it; relations go with their subject."""
    passports = tasks.passports_of(task, [entry for version in said for entry in version.results], number, images)
    labels: list[Label] = []
    for version in said:
        kept = list(_readable(version.results, tally))
        origin = reading.Origin(scope=version.scope, source="import", author=version.author)
        read = reading.read(kept, template, passports, ontology, origin)
        labels += read.labels
        for problem in read.problems:
            tell = tally.lost if problem.kind in _LOST else tally.noted
            tell(problem.kind.replace("-", " "), problem.said)
    data = task.get("data") or {}
    for name, passport in passports.items():
        mine = [x for x in labels if (x.stream, x.index) == (passport.stream, passport.index)]
        picture = Picture(
            name=str(data["name"]) if "shown" in data else tasks.picture_name(task, name, number),
            width_px=passport.width_px,
            height_px=passport.height_px,
            turn_deg=TURNS.get(passport.orientation, TURNS[1])[0],
            mirrored=TURNS.get(passport.orientation, TURNS[1])[1],
            part=data.get("part") if "shown" in data else None,
            **_origin(passport),
        )
        yield LabelledPicture(picture=picture, labels=tuple(_placed(x, picture) for x in mine))


def _origin(passport: Passport) -> dict[str, Any]:
    if not passport.recording_id:
        return {}
    return {name: getattr(passport, name) for name in ("recording_id", "stream", "index", "moment", "t_ns")}


def _placed(label: Label, picture: Picture) -> Label:
    return replace(
        label,
        tool=LabelStudioFormat.name,
        recording_id=picture.recording_id,
        stream=picture.stream,
        index=picture.index,
        image_width_px=picture.width_px or None,
        image_height_px=picture.height_px or None,
    )


def _wanted(versions: Iterator[tasks.Version], predictions: bool, tally: Tally) -> Iterator[tasks.Version]:
    for version in versions:
        if predictions or not version.predicted:
            yield version
        else:
            tally.noted(
                "predictions", "they are not read; --option predictions=yes reads them", len(version.results)
            )


def _readable(results: Sequence[tasks.Result], tally: Tally) -> Iterator[tasks.Result]:
    drawn = guess.drawn_in(results)
    for entry in results:
        if guess.readable(entry, drawn):
            yield guess.plainer(entry, drawn)
        else:
            tally.lost(
                f"results of type {entry.get('type')}", "they are about no picture, or of a kind not read yet"
            )


PLUGIN: LabelFormat = LabelStudioFormat()
