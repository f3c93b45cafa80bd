"""Labels of every kind on the pictures of :mod:`browse.takes`, with places that are known."""

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa

from browse.takes import HEIGHT, WIDTH, rig
from rushes import masks
from rushes.browse.labelled import SCHEMA, BrowseLabels, BrowseWords
from rushes.browse.view import BrowseView
from rushes.vocabulary import AttributeSpec, ClassSpec, Ontology, Skeleton

ONTOLOGY = Ontology(
    name="takes",
    classes=(
        ClassSpec(name="cup", id=1),
        ClassSpec(name="hand", id=2, skeleton="finger"),
        ClassSpec(name="person", id=3, skeleton="body"),
    ),
    attributes=(
        AttributeSpec(name="side", kind="choice", values=("left", "right")),
        AttributeSpec(name="full", kind="flag"),
        AttributeSpec(name="level", kind="number"),
        AttributeSpec(name="holds", kind="choices", values=("cup", "pen")),
        AttributeSpec(name="label", kind="text"),
        AttributeSpec(name="hue (approx.)", kind="text"),
    ),
    skeletons=(
        Skeleton(name="finger", points=("base", "joint", "tip"), edges=(("base", "joint"), ("joint", "tip"))),
        Skeleton(name="body", points=("head", "hip"), edges=(("head", "hip"),)),
    ),
)
BITS = np.zeros((HEIGHT, WIDTH), bool)
BITS[60:120, 80:160] = True
BITS[60, 80] = False
USUAL = {
    "event_id": "v1",
    "class_name": "cup",
    "origin": "human",
    "author": "ada",
    "predicted": False,
    "image_width_px": WIDTH,
    "image_height_px": HEIGHT,
}
ALL_ATTRIBUTES = {
    "side": "left", "full": True, "level": 3, "holds": ["cup", "pen"], "label": "mug", "hue (approx.)": "red",
    "iscrowd": 0, "note": None,
}  # fmt: skip
BOX = {"x_px": 32.0, "y_px": 48.0, "width_px": 64.0, "height_px": 24.0}
EVERY_KIND = (
    {"kind": "box", **BOX, "attributes": json.dumps(ALL_ATTRIBUTES), "instance": "cup 1"},
    {
        "kind": "box",
        **BOX,
        "attributes": json.dumps({"level": "high"}),
        "class_name": None,
        "author": None,
    },
    {"kind": "box", **BOX, "predicted": True, "score": 0.75, "origin": "yolox", "author": None},
    {"kind": "track", **BOX, "instance": "cup 1"},
    {
        "kind": "rotated_box",
        "x_px": 100.0,
        "y_px": 100.0,
        "width_px": 40.0,
        "height_px": 20.0,
        "rotation_deg": 90.0,
    },
    {
        "kind": "polygon",
        "points": (0, 0, 160, 0, 160, 120, 32, 24, 64, 24, 64, 48),
        "ring_ends": (3, 6),
        "score": 1.0,
    },
    {"kind": "mask", "mask": masks.encode(BITS).counts},
    {"kind": "keypoints", "points": (32, 24, 2, 64, 48, 1, 0, 0, 0), "class_name": "hand", "score": 0.5},
    {"kind": "keypoints", "points": (160, 120, 2, 0, 0, 0), "class_name": "person"},
    {"kind": "class", "class_name": "person", "score": 0.9},
    {"kind": "text", "text": "two cups"},
)


def labels(rows) -> BrowseLabels:
    """Give labels as columns, of pairs of a sample's row and what is said of a label."""
    rows = list(rows)
    table = [{**USUAL, "label_id": f"label {at:02d}", **what} for at, (_, what) in enumerate(rows)]
    columns = [pa.array([one.get(f.name) for one in table], f.type) for f in SCHEMA]
    return BrowseLabels(row=np.array([row for row, _ in rows], np.int64), table=pa.table(columns, schema=SCHEMA))


def labelled_rig(**more) -> BrowseView:
    """The rig with every kind of label on the third picture of the first take, and a box on each of its first."""
    view = rig(**more)
    left = np.flatnonzero((view.samples.recording == 0) & (view.samples.stream == 0))
    boxes = [(row, {"kind": "box", **BOX, "class_name": "hand"}) for row in left[:2].tolist()]
    words = {
        "segments": BrowseWords(row=left[:3], word=["wave", "wave", "grasp"]),
        "relations": BrowseWords(row=left[2:3], word=["hand holds cup"]),
        "differs": BrowseWords(row=left[:1], word=["people"]),
    }
    found = labels([*boxes, *((int(left[2]), what) for what in EVERY_KIND)])
    return replace(view, labels=found, words=words, ontology=ONTOLOGY)
