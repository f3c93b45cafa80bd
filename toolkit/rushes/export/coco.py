"""COCO: boxes, polygons, masks and keypoints as one JSON file a part."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes import ontology as ontologies
from rushes.contracts import Exported, LabelFile, LabelFormat
from rushes.errors import ReadError
from rushes.export._coco import into, out
from rushes.export._tally import Tally
from rushes.labels import LabelledPicture
from rushes.model import Claim
from rushes.vocabulary import ClassSpec, Ontology, Skeleton

_HEAD = 1 << 16


class CocoFormat:
    """``annotations/labels.json``, or one file for each part of a split."""

    name = "coco"
    version = "1"
    defaults: Mapping[str, str] = {}

    def write(
        self,
        place: Path,
        pictures: Sequence[LabelledPicture],
        ontology: Ontology,
        options: Mapping[str, str],  # noqa: ARG002 - COCO has none
    ) -> Exported:
        """Write one file a part; ids count through all of them."""
        folder = place / "annotations"
        folder.mkdir(parents=True, exist_ok=True)
        tally = Tally()
        files: list[Path] = []
        labels_out = next_id = 0
        for part in dict.fromkeys(each.picture.part for each in pictures):
            body: dict[str, Any] = {"images": [], "annotations": [], "categories": out.categories(ontology)}
            for number, each in enumerate(pictures, start=1):
                if each.picture.part == part:
                    made = out.annotations(each, number, next_id + 1, ontology, tally)
                    next_id += len(made)
                    labels_out += sum(len(annotation["rushes"]["labels"]) for annotation in made)
                    body["images"].append(out.image(each, number))
                    body["annotations"] += made
            files.append(folder / f"{part or 'labels'}.json")
            files[-1].write_text(json.dumps(body, ensure_ascii=False, allow_nan=False), encoding="utf-8")
        return Exported(
            files=tuple(files),
            pictures=len(pictures),
            labels_in=sum(len(each.labels) for each in pictures),
            labels_out=labels_out,
            left_out=tally.entries(),
        )

    def probe(self, path: Path) -> Claim:
        """Look for the two lists that every COCO file has, near its head or its end."""
        files = _files(path)
        if not files:
            return Claim(confidence=0.0, reason="it holds no JSON file")
        with files[0].open("rb") as stream:
            head = stream.read(_HEAD)
            stream.seek(max(files[0].stat().st_size - _HEAD, 0))
            ends = head + stream.read()
        if (
            head.lstrip()[:1] == b"{"
            and (b'"annotations"' in ends or b'"categories"' in ends)
            and b'"images"' in ends
        ):
            return Claim(confidence=0.9, reason="it lists images and annotations or categories")
        return Claim(confidence=0.0, reason="it lists no images with annotations")

    def read(self, path: Path, options: Mapping[str, str]) -> LabelFile:
        """Read one file, or all of a folder if no picture is in two of them.

        A folder ``images`` beside the file, or beside its folder, or the option ``images``, is looked into for
        EXIF turns.
        """
        tally = Tally()
        specs: list[ClassSpec] = []
        skeletons: list[Skeleton] = []
        pictures: list[LabelledPicture] = []
        items = 0
        files = _files(path)
        if not files:
            raise ReadError(f"{path}: holds no JSON file", code="labels.file", hint="give the file itself")
        for file in files:
            body = _parsed(file)
            try:
                new, points = into.classes_of(body, file.name)
                names = {spec.id: spec.name for spec in new}
                part = file.stem if len(files) > 1 else None
                images = Path(options["images"]) if "images" in options else _images(file, part)
                read, count = into.pictures_of(body, names, where=file.name, part=part, images=images, tally=tally)
            except (KeyError, TypeError, ValueError, IndexError) as error:
                raise ReadError(
                    f"{file}: does not say what a COCO file must: {type(error).__name__} {error}",
                    code="labels.file",
                    hint="see the format at cocodataset.org, under Data format",
                ) from error
            _held_once(pictures, read, files)
            pictures += read
            items += count
            specs += [spec for spec in new if spec not in specs]
            skeletons += [skeleton for skeleton in points if skeleton not in skeletons]
        return LabelFile(
            pictures=tuple(pictures),
            ontology=ontologies.from_classes("coco-file", specs, skeletons=skeletons),
            items=items,
            left_out=tally.entries(),
        )


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path] if path.suffix == ".json" else []
    return sorted(path.glob("annotations/*.json")) or sorted(path.glob("*.json"))


def _images(file: Path, part: str | None) -> Path | None:
    places = (file.parent.parent / "images", file.parent / "images")
    return next((at for place in places for at in (place / (part or ""), place) if at.is_dir()), None)


def _parsed(file: Path) -> dict[str, Any]:
    try:
        body = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ReadError(
            f"{file}: is not JSON: {error}", code="labels.file", hint="was it written to its end?"
        ) from error
    if not isinstance(body, dict) or not isinstance(body.get("images"), list):
        raise ReadError(f"{file}: lists no images", code="labels.file", hint="a COCO file has a list 'images'")
    return body


def _held_once(before: list[LabelledPicture], new: list[LabelledPicture], files: list[Path]) -> None:
    twice = {each.picture.name for each in before} & {each.picture.name for each in new}
    if twice:
        raise ReadError(
            f"{files[0].parent}: picture '{min(twice)}' is in several files, whose annotations may be the same",
            code="labels.file",
            hint=f"give one of them: {files[0]}",
        )


PLUGIN: LabelFormat = CocoFormat()
