"""COCO's metrics are those of pycocotools, figure for figure."""

import contextlib
import io

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from rushes import masks, ontology, shapes
from rushes.annotate.evaluation import Pair, evaluate
from rushes.labels import Box, Geometry, Keypoints, Label, Mask, Polygon, kind_of

COCO_CLASSES = ontology.load("coco")
NAMES = ("person", "cup", "dog")
SIZE = (320, 240)
WORDS = {"box": "bbox", "mask": "segm", "keypoints": "keypoints"}


def label(name: str, geometry: Geometry, class_name: str, score: float | None = None, **attributes) -> Label:
    return Label(
        label_id=name,
        recording_id="r",
        kind=kind_of(geometry),
        source="human",
        class_name=class_name,
        geometry=geometry,
        score=score,
        image_width_px=SIZE[0],
        image_height_px=SIZE[1],
        attributes=attributes,
    )


def random_box(rng) -> Box:
    x, y = rng.uniform(0, 250), rng.uniform(0, 180)
    side = rng.choice([8.0, 40.0, 120.0])
    return Box(x_px=x, y_px=y, width_px=side * rng.uniform(0.5, 1), height_px=side * rng.uniform(0.5, 1))


def moved(rng, box: Box) -> Box:
    dx, dy = rng.normal(0, 0.08, 2) * (box.width_px, box.height_px)
    return Box(x_px=box.x_px + dx, y_px=box.y_px + dy, width_px=box.width_px, height_px=box.height_px)


def as_polygon(box: Box) -> Polygon:
    x = [v for p in shapes.corners(box) for v in p]
    return Polygon(rings=(tuple(x),))


def as_points(rng, box: Box) -> Keypoints:
    numbers = []
    for at in range(17):
        seen = float(rng.integers(0, 3))
        x, y = box.x_px + box.width_px * ((at * 7) % 17) / 17, box.y_px + box.height_px * at / 17
        numbers += [x, y, seen] if seen else [0.0, 0.0, 0.0]
    if not any(numbers[2::3]):
        numbers[:3] = [box.x_px, box.y_px, 2.0]
    return Keypoints(triples=tuple(numbers))


def jittered(rng, points: Keypoints, by: float) -> Keypoints:
    array = np.asarray(points.triples).reshape(-1, 3).copy()
    array[:, :2] += rng.normal(0, by, array[:, :2].shape)
    array[:, 2] = 2
    return Keypoints(triples=tuple(array.ravel().tolist()))


def random_pictures(what: str, seed: int) -> list[Pair]:
    rng = np.random.default_rng(seed)
    names = NAMES if what != "keypoints" else NAMES[:1]
    pictures = []
    for number in range(12):
        truth, predicted = [], []
        for at in range(rng.integers(0, 7)):
            box, name = random_box(rng), str(rng.choice(names))
            shape: Geometry = {"box": box, "mask": as_polygon(box)}.get(what) or as_points(rng, box)
            facts = {"area": shapes.area_px(box)} if what == "keypoints" else {}
            crowd = {"iscrowd": True} if what != "keypoints" and rng.random() < 0.1 else {}
            if crowd and what == "mask":
                shape = masks.filled(as_polygon(box), width_px=SIZE[0], height_px=SIZE[1])
            truth.append(label(f"t{number}-{at}", shape, name, **facts, **crowd))
            for again in range(rng.integers(0, 3)):
                near = moved(rng, box)
                guess: Geometry = {"box": near, "mask": as_polygon(near)}.get(what) or jittered(
                    rng,
                    shape,
                    0.05 * box.width_px,  # type: ignore[arg-type]  # points, where it is neither
                )
                other = str(rng.choice(names)) if rng.random() < 0.2 else name
                score = round(float(rng.uniform(0.05, 1)), 2)  # equal scores must come out equal too
                predicted.append(label(f"p{number}-{at}-{again}", guess, other, score))
        pictures.append(Pair(truth=truth, predicted=predicted))
    return pictures


def judged(pictures: list[Pair], what: str) -> list[float]:
    ids = {name: at + 1 for at, name in enumerate(NAMES)}
    truth = COCO()
    truth.dataset = {
        "images": [{"id": at + 1, "width": SIZE[0], "height": SIZE[1]} for at in range(len(pictures))],
        "categories": [{"id": number, "name": name} for name, number in ids.items()],
        "annotations": [],
    }
    found = COCO()
    found.dataset = {**truth.dataset, "annotations": []}
    for at, picture in enumerate(pictures):
        for side, labels in ((truth, picture.truth), (found, picture.predicted)):
            for one in labels:
                side.dataset["annotations"].append(
                    {
                        "id": len(side.dataset["annotations"]) + 1,
                        "image_id": at + 1,
                        "category_id": ids[one.class_name or ""],
                        "iscrowd": int(bool(one.attributes.get("iscrowd"))),
                        **({"score": one.score} if one.score is not None else {}),
                        **_drawn(one),
                    }
                )
    with contextlib.redirect_stdout(io.StringIO()):
        truth.createIndex()
        found.createIndex()
        judge = COCOeval(truth, found, WORDS[what])
        judge.evaluate()
        judge.accumulate()
        judge.summarize()
    return [float(x) for x in judge.stats]


def _drawn(one: Label) -> dict:
    shape = one.geometry
    match shape:
        case Box():
            edges = [shape.x_px, shape.y_px, shape.width_px, shape.height_px]
            return {"bbox": edges, "area": shapes.area_px(shape)}
        case Polygon() | Mask():
            mask = shape if isinstance(shape, Mask) else masks.filled(shape, width_px=SIZE[0], height_px=SIZE[1])
            coded = {"size": [mask.height_px, mask.width_px], "counts": mask.counts.encode()}
            box = shapes.bounds(mask)
            edges = [box.x_px, box.y_px, box.width_px, box.height_px] if box else [0, 0, 0, 0]
            return {"segmentation": coded, "area": masks.area_px(mask), "bbox": edges}
        case Keypoints():
            box = shapes.bounds(shape)
            assert box
            edges = [box.x_px, box.y_px, box.width_px, box.height_px]
            area = one.attributes.get("area", shapes.area_px(box))
            seen = sum(v > 0 for v in shape.triples[2::3])
            return {"keypoints": list(shape.triples), "num_keypoints": seen, "bbox": edges, "area": area}
        case _:
            raise AssertionError


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("what", ["box", "mask"])
def test_boxes_and_masks_have_the_figures_of_pycocotools(what, seed):
    pictures = random_pictures(what, seed)
    stats = judged(pictures, what)
    mean, _ = evaluate(pictures, what, COCO_CLASSES)
    ours = [mean.ap, mean.ap50, mean.ap75, mean.ap_small, mean.ap_medium, mean.ap_large]
    assert [-1.0 if np.isnan(x) else x for x in ours] == pytest.approx(stats[:6], abs=1e-12)
    assert mean.ar == pytest.approx(stats[8], abs=1e-12)
    assert 0.1 < mean.ap < 0.95


@pytest.mark.parametrize("seed", range(4))
def test_keypoints_have_the_figures_of_pycocotools(seed):
    pictures = random_pictures("keypoints", seed)
    stats = judged(pictures, "keypoints")
    mean, _ = evaluate(pictures, "keypoints", COCO_CLASSES)
    ours = [mean.ap, mean.ap50, mean.ap75, mean.ap_medium, mean.ap_large, mean.ar]
    assert [-1.0 if np.isnan(x) else x for x in ours] == pytest.approx(stats[:6], abs=1e-12)


def test_the_truth_against_itself_is_perfect_and_against_nothing_is_zero():
    pictures = [Pair(truth=p.truth, predicted=p.truth) for p in random_pictures("box", 0)]
    mean, each = evaluate(pictures, "box", COCO_CLASSES)
    assert (mean.ap, mean.recall, mean.precision) == (1.0, 1.0, 1.0)
    assert [m.class_name for m in each] == ["person", "dog", "cup"]
    nothing, _ = evaluate([Pair(truth=p.truth, predicted=()) for p in pictures], "box", COCO_CLASSES)
    assert (nothing.ap, nothing.recall, np.isnan(nothing.precision)) == (0.0, 0.0, True)
