"""COCO's JSON → labels: boxes, polygons, RLE, keypoints, captions, and classes of whole pictures."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes import masks, shapes
from rushes.errors import ReadError
from rushes.export._pictures import Header, header
from rushes.export._tally import Tally
from rushes.labels import (
    Box,
    Geometry,
    Keypoints,
    Label,
    LabelledPicture,
    Mask,
    Picture,
    Polygon,
    RotatedBox,
    digest_of,
    kind_of,
)
from rushes.vocabulary import ClassSpec, Skeleton


def classes_of(body: Mapping[str, Any], where: str) -> tuple[list[ClassSpec], list[Skeleton]]:
    """Read the categories in their order, and a skeleton for each that has keypoints.

    Raises:
        ReadError: If an id or a name is given twice.
    """
    specs: list[ClassSpec] = []
    skeletons: list[Skeleton] = []
    for category in body.get("categories") or []:
        name, number = str(category["name"]), int(category["id"])
        if any(number == spec.id or name == spec.name for spec in specs):
            raise ReadError(
                f"{where}: category '{name}' with id {number} is there twice",
                code="labels.file",
                hint="give every category a name and an id of its own",
            )
        points = tuple(str(point) for point in category.get("keypoints") or ())
        if points:
            edges = tuple((points[a - 1], points[b - 1]) for a, b in category.get("skeleton") or ())
            skeletons.append(Skeleton(name=f"{name} points", points=points, edges=edges))
        specs.append(ClassSpec(name=name, id=number, skeleton=f"{name} points" if points else None))
    return specs, skeletons


def pictures_of(
    body: Mapping[str, Any],
    names: Mapping[int, str],
    *,
    where: str,
    part: str | None,
    images: Path | None,
    tally: Tally,
) -> tuple[list[LabelledPicture], int]:
    """Read pictures and their labels, in the file's order, and count the annotations.

    Args:
        body: The parsed file.
        names: Class by category id.
        where: Name of the file, part of the names of labels.
        part: Of a split, where the file is one.
        images: Folder of the picture files, where there is one: their EXIF turn is heeded.
        tally: Takes what cannot be read.
    """
    found = {each["id"]: _Image(each, part, images, tally) for each in body.get("images") or []}
    items = 0
    for annotation in body.get("annotations") or []:
        items += 1
        if "segments_info" in annotation:
            tally.lost(
                "panoptic segments", "they are in a picture beside the file", len(annotation["segments_info"])
            )
            continue
        image = found.get(annotation.get("image_id"))
        if image is None:
            tally.lost("annotations", "their image_id is that of no picture in the file")
            continue
        class_name = names.get(annotation.get("category_id", -1))
        if class_name is None and "caption" not in annotation:
            tally.lost("annotations", "their category_id is that of no category in the file")
            continue
        image.take(annotation, class_name, where, tally)
    return [image.labelled() for image in found.values()], items


class _Image:
    """One picture while its labels are gathered."""

    def __init__(self, entry: Mapping[str, Any], part: str | None, images: Path | None, tally: Tally) -> None:
        origin = dict(entry.get("rushes") or {})
        stated = origin.pop("turn_deg", None)
        mirrored = bool(origin.pop("mirrored", False))
        name = str(entry["file_name"])
        self._shown = (int(entry.get("width") or 0), int(entry.get("height") or 0))
        facts = header(images / name) if images else None
        if stated is None and not mirrored:
            turn, mirrored = _turn(facts, self._shown, tally)
        else:
            turn = int(stated or 0)
        stored = shapes.turned_size(*self._shown, turn) if facts is None else (facts.width_px, facts.height_px)
        self.picture = Picture(
            name=name,
            width_px=stored[0],
            height_px=stored[1],
            turn_deg=turn,
            mirrored=mirrored,
            part=part,
            **origin,
        )
        self._labels: list[Label] = []

    def labelled(self) -> LabelledPicture:
        return LabelledPicture(picture=self.picture, labels=tuple(self._labels))

    def take(self, annotation: Mapping[str, Any], class_name: str | None, where: str, tally: Tally) -> None:
        """Add the labels of one annotation; the box is the parent of the others."""
        stated = [
            part if isinstance(part, Mapping) else {}
            for part in (annotation.get("rushes") or {}).get("labels") or ()
        ]
        shapes_here = list(self._shapes(annotation, stated, tally))
        attributes = dict(annotation.get("attributes") or {})
        if any(isinstance(shape, RotatedBox) for shape in shapes_here):
            attributes.pop("rotation", None)
        if annotation.get("iscrowd"):
            attributes["iscrowd"] = True
        parent: str | None = None
        for at, shape in enumerate(shapes_here):
            part = stated[at] if at < len(stated) else {}
            kind = kind_of(shape) if shape else ("text" if "caption" in annotation else "class")
            own = part.get("label_id") or digest_of("coco", where, self.picture.name, annotation.get("id"), kind)
            label = Label(
                label_id=own,
                recording_id=self.picture.recording_id,
                stream=self.picture.stream,
                index=self.picture.index,
                moment=self.picture.moment,
                t_start_ns=self.picture.t_ns,
                kind=kind,
                source="import",
                tool="coco",
                class_name=class_name,
                geometry=self._stored(shape) if shape else None,
                instance=part.get("instance"),
                parent_id=part.get("parent_id", None if stated else parent),
                image_width_px=self.picture.width_px or None,
                image_height_px=self.picture.height_px or None,
                attributes=attributes if at == 0 else part.get("attributes") or {},
                score=annotation.get("score") if at == 0 else part.get("score"),
                text=str(annotation["caption"]) if "caption" in annotation else None,
            )
            self._labels.append(label)
            parent = parent or own

    def _stored(self, shape: Geometry) -> Geometry:
        return shapes.as_stored(shape, self.picture)

    def _shapes(
        self, annotation: Mapping[str, Any], stated: Sequence[Mapping[str, Any]], tally: Tally
    ) -> Sequence[Geometry | None]:
        """Give what is drawn: box, outline, keypoints; only those that were drawn, where the file says which."""
        kinds = {part.get("kind"): part for part in stated}
        made: list[Geometry] = []
        if "rotated_box" in kinds:
            x, y, width, height, turn = kinds["rotated_box"]["rotated_box"]
            made.append(RotatedBox(x_px=x, y_px=y, width_px=width, height_px=height, rotation_deg=turn))
        elif annotation.get("bbox") and (not kinds or "box" in kinds):
            x, y, width, height = annotation["bbox"]
            made.append(Box(x_px=x, y_px=y, width_px=width, height_px=height))
        if annotation.get("segmentation") and (not kinds or kinds.keys() & {"polygon", "mask"}):
            outline = self._outline(annotation["segmentation"], tally)
            made += [outline] if outline else []
        if annotation.get("keypoints") and (not kinds or "keypoints" in kinds):
            made.append(Keypoints(triples=tuple(float(x) for x in annotation["keypoints"])))
        return made or [None]

    def _outline(self, segmentation: Any, tally: Tally) -> Polygon | Mask | None:
        if isinstance(segmentation, Mapping):
            return self._mask(segmentation, tally)
        rings = tuple(
            tuple(float(x) for x in ring) for ring in segmentation if len(ring) >= 6 and len(ring) % 2 == 0
        )
        if len(rings) < len(segmentation):
            tally.changed("polygons", "a ring of fewer than three corners was left out")
        return Polygon(rings=rings) if rings else None

    def _mask(self, segmentation: Mapping[str, Any], tally: Tally) -> Mask | None:
        height, width = segmentation["size"]
        counts = segmentation["counts"]
        if (width, height) != self._shown and any(self._shown):
            tally.noted("masks", "their size is not that of the picture")
        mask = (
            Mask(width_px=width, height_px=height, counts=counts)
            if isinstance(counts, str)
            else masks.from_runs(counts, width_px=width, height_px=height)
        )
        try:
            masks.decode(mask)
        except ValueError as error:
            tally.lost("masks", str(error))
            return None
        return mask


def _turn(facts: Header | None, shown: tuple[int, int], tally: Tally) -> tuple[int, bool]:
    """Give turn and mirroring of a file that counts pixels on the picture as shown, as most do; else neither."""
    if facts is None or not (facts.turn_deg or facts.mirrored):
        return 0, False
    stored = (facts.width_px, facts.height_px)
    if shown == stored and facts.upright != stored:
        tally.noted("EXIF turns", "the file counts pixels on the picture as stored, by its width and height")
        return 0, False
    tally.noted(
        "EXIF turns", "the file counts pixels on the picture as shown; labels were turned to the stored one"
    )
    return facts.turn_deg, facts.mirrored
