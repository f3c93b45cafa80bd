"""What every label format must do; a format's test subclasses this and says what it carries."""

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from PIL import Image

from rushes import masks, ontology, registry, shapes
from rushes.contracts import Exported, LabelFile, LabelFormat
from rushes.labels import (
    Box,
    Geometry,
    Keypoints,
    Label,
    LabelledPicture,
    Picture,
    Polygon,
    Relation,
    RotatedBox,
    kind_of,
)
from rushes.vocabulary import Ontology

HANDS = ontology.load("hands")
ORIENTATIONS = {
    (0, False): 1, (180, False): 3, (90, False): 6, (270, False): 8,
    (0, True): 2, (180, True): 4, (270, True): 5, (90, True): 7,
}  # fmt: skip
WIDE, TALL = (640, 480), (96, 128)


def label(name: str, geometry: Geometry, class_name: str = "hand", **facts: Any) -> Label:
    return Label(
        label_id=name,
        recording_id="",
        kind=kind_of(geometry),
        source="human",
        class_name=class_name,
        geometry=geometry,
        **facts,
    )


def picture(name: str, size: tuple[int, int], *labels: Label, **facts: Any) -> LabelledPicture:
    made = Picture(name=name, width_px=size[0], height_px=size[1], **facts)
    sized = (replace(each, image_width_px=size[0], image_height_px=size[1]) for each in labels)
    return LabelledPicture(picture=made, labels=tuple(sized))


def box(x: float, y: float, w: float, h: float) -> Box:
    return Box(x_px=x, y_px=y, width_px=w, height_px=h)


def blob() -> Geometry:
    bits = np.zeros((480, 640), np.bool_)
    bits[100:150, 200:260] = True
    bits[120:130, 255:300] = True
    return masks.encode(bits)


BOXES = (
    picture(
        "a/0.jpg", WIDE, label("b1", box(10.25, 20.5, 100.125, 50.0)), label("b2", box(1 / 3, 0, 2, 480), "cup")
    ),
    picture("a/1.jpg", WIDE),
    picture("b/tall.jpg", TALL, label("b3", box(0, 0, 96, 128), "object")),
)
ROTATED = (
    picture(
        "a/0.jpg", WIDE, label("r1", RotatedBox(x_px=320, y_px=96, width_px=128, height_px=96, rotation_deg=30))
    ),
    picture(
        "b/tall.jpg",
        TALL,
        label("r2", RotatedBox(x_px=40, y_px=50, width_px=20, height_px=9, rotation_deg=-75), "cup"),
    ),
)
POLYGONS = (
    picture(
        "a/0.jpg",
        WIDE,
        label("p1", Polygon(rings=((10.5, 10, 20, 10.25, 20, 300, 1 / 3, 30),))),
        label("p2", Polygon(rings=((600, 400, 640, 400, 640, 480),)), "cup"),
    ),
)
POINTS = Keypoints(
    triples=tuple(
        x for at in range(21) for x in ((20.5 + at, 30 + at / 3, 1.0 + at % 2) if at % 5 else (0.0, 0.0, 0.0))
    )
)
HAND = (
    picture("a/0.jpg", WIDE, label("h1", box(10, 20, 100, 50)), label("h1k", POINTS, parent_id="h1")),
    picture("a/1.jpg", WIDE, label("h2", box(200, 20, 100, 50)), label("h2k", POINTS, parent_id="h2")),
)
MASKS = (picture("a/0.jpg", WIDE, label("m1", blob())),)


class LabelFormatContract:
    """Subclass it, set ``name``; ``carried`` says, for each sort of labels, the options that carry it exactly."""

    name: str
    carried: ClassVar[dict[str, dict[str, str]]]
    exact = False  # to the last bit, where no turn comes between

    @pytest.fixture
    def form(self) -> LabelFormat:
        return registry.load("export", self.name)

    def write(self, place: Path, pictures: Any, sort: str, vocabulary: Ontology = HANDS) -> Exported:
        place.mkdir(parents=True, exist_ok=True)
        for each in pictures:
            file = place / "images" / (each.picture.part or "") / each.picture.name
            file.parent.mkdir(parents=True, exist_ok=True)
            exif = Image.Exif()
            exif[0x0112] = ORIENTATIONS[each.picture.turn_deg, each.picture.mirrored]
            Image.new("L", (each.picture.width_px, each.picture.height_px)).save(file, exif=exif)
        form: LabelFormat = registry.load("export", self.name)
        options = {**form.defaults, **self.carried[sort]}
        written = form.write(place, pictures, vocabulary, options)
        assert written.balanced
        assert all(file.is_file() for file in written.files)
        return written

    def read(self, place: Path, **options: str) -> LabelFile:
        form: LabelFormat = registry.load("export", self.name)
        assert form.probe(place).confidence >= 0.5
        return form.read(place, options)

    def geometries(self, pictures: Any) -> list[tuple[str, str, str | None, Geometry | None]]:
        return [
            (each.picture.name, one.kind, one.class_name, one.geometry) for each in pictures for one in each.labels
        ]

    def same(self, read: Any, wrote: Any, *, exact: bool = False) -> None:
        assert [x[:3] for x in self.geometries(read)] == [x[:3] for x in self.geometries(wrote)]
        for (*_, a), (*_, b) in zip(self.geometries(read), self.geometries(wrote), strict=True):
            if exact:
                assert a == b
            else:
                self.close(a, b)

    def close(self, a: Geometry | None, b: Geometry | None) -> None:
        match a, b:
            case (Box(), Box()):
                assert np.allclose(shapes.boxes_of([a]), shapes.boxes_of([b]), atol=1e-9, rtol=0)
            case (RotatedBox(), RotatedBox()):
                assert np.allclose(shapes.corners(a), shapes.corners(b), atol=1e-9, rtol=0)
            case (Polygon(), Polygon()):
                assert len(a.rings) == len(b.rings)
                for one, two in zip(a.rings, b.rings, strict=True):
                    assert np.allclose(one, two, atol=1e-9, rtol=0)
            case (Keypoints(), Keypoints()):
                assert np.allclose(a.triples, b.triples, atol=1e-9, rtol=0)
            case _:
                assert a == b

    @pytest.mark.parametrize("sort", ["boxes", "rotated", "polygons", "hand", "masks"])
    @pytest.mark.parametrize("turn", [0, 90, 180, 270])
    @pytest.mark.parametrize("mirrored", [False, True])
    def test_what_it_carries_comes_back_as_it_was_drawn(
        self, sort: str, turn: int, mirrored: bool, tmp_path: Path
    ) -> None:
        if sort not in self.carried:
            return
        sets = {"boxes": BOXES, "rotated": ROTATED, "polygons": POLYGONS, "hand": HAND, "masks": MASKS}
        facts = {"turn_deg": turn, "mirrored": mirrored}
        pictures = [replace(each, picture=replace(each.picture, **facts)) for each in sets[sort]]
        written = self.write(tmp_path / "out", pictures, sort)
        assert written.labels_out == written.labels_in
        assert [x for x in written.left_out if x.effect != "noted"] == []
        self.same(self.read(tmp_path / "out").pictures, pictures, exact=self.exact and not turn and not mirrored)

    def test_keypoints_stay_with_their_hand(self, tmp_path: Path) -> None:
        if "hand" not in self.carried:
            return
        self.write(tmp_path, HAND, "hand")
        for each in self.read(tmp_path).pictures:
            box_label, points = each.labels
            assert points.parent_id == box_label.label_id

    def test_classes_keep_the_order_of_the_ontology(self, tmp_path: Path) -> None:
        turned_round = ontology.from_classes("round", ["object", "cup", "hand"])
        for at, vocabulary in enumerate((HANDS, turned_round)):
            self.write(tmp_path / str(at), BOXES, "boxes", vocabulary)
            read = self.read(tmp_path / str(at))
            assert read.ontology.class_names == vocabulary.class_names
            self.same(read.pictures, BOXES)

    def test_the_same_labels_give_the_same_bytes(self, tmp_path: Path) -> None:
        first, second = (self.write(tmp_path / each, BOXES, "boxes").files for each in "ab")
        assert [file.read_bytes() for file in first] == [file.read_bytes() for file in second]

    def test_what_it_cannot_carry_is_reported_not_dropped_in_silence(self, tmp_path: Path) -> None:
        strange = label("s", box(1, 1, 2, 2), "spoon")
        relation = label("r", Relation(subject_id="b1", object_id="b2"), "holds")
        pictures = (replace(BOXES[0], labels=(*BOXES[0].labels, strange, relation)),)
        written = self.write(tmp_path, pictures, "boxes", self.narrow())
        lost = sum(x.count for x in written.left_out if x.effect == "lost")
        assert (written.labels_in, written.labels_out + lost) == (4, 4)
        assert any("spoon" in x.reason for x in written.left_out)

    def test_a_geometry_that_is_no_number_is_reported(self, tmp_path: Path) -> None:
        for at, number in enumerate((float("nan"), float("inf"))):
            good, bad = label("g", box(1, 1, 2, 2)), label("n", box(number, 1, 2, 2))
            written = self.write(tmp_path / str(at), [picture("a.jpg", WIDE, good, bad)], "boxes")
            assert (written.labels_in, written.labels_out) == (2, 1)

    def narrow(self) -> Ontology:
        return HANDS

    def test_parts_of_a_split_come_back(self, tmp_path: Path) -> None:
        pictures = [
            replace(each, picture=replace(each.picture, part=part))
            for each, part in zip(BOXES, ("train", "train", "val"), strict=True)
        ]
        self.write(tmp_path, pictures, "boxes")
        read = self.read(tmp_path)
        assert {each.picture.name: each.picture.part for each in read.pictures} == {
            each.picture.name: each.picture.part for each in pictures
        }
