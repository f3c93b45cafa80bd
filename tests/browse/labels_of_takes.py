"""Labels of every kind on the pictures of :mod:`browse.takes`, with places that are known."""

import json
from dataclasses import replace

import numpy as np

from browse.takes import HEIGHT, WIDTH, rig
from rushes import masks
from rushes.browse.labelled import BrowseLabels, BrowseWords
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
NONE = {
    "event_id": "v1",
    "class_name": "cup",
    "origin": "human",
    "author": "ada",
    "thing": None,
    "text": None,
    "score": np.nan,
    "box_px": (np.nan,) * 5,
    "size_px": (WIDTH, HEIGHT),
    "points": None,
    "ring_ends": None,
    "mask": None,
    "attributes": None,
    "predicted": False,
}
ALL_ATTRIBUTES = {
    "side": "left", "full": True, "level": 3, "holds": ["cup", "pen"], "label": "mug", "hue (approx.)": "red",
    "iscrowd": 0, "note": None,
}  # fmt: skip
BOX = (32.0, 48.0, 64.0, 24.0, 0.0)
EVERY_KIND = (
    {"kind": "box", "box_px": BOX, "attributes": json.dumps(ALL_ATTRIBUTES), "thing": "cup 1"},
    {
        "kind": "box",
        "box_px": BOX,
        "attributes": json.dumps({"level": "high"}),
        "class_name": None,
        "author": None,
    },
    {"kind": "box", "box_px": BOX, "predicted": True, "score": 0.75, "origin": "yolox", "author": None},
    {"kind": "track", "box_px": BOX, "thing": "cup 1"},
    {"kind": "rotated_box", "box_px": (100.0, 100.0, 40.0, 20.0, 90.0)},
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
    table = [{**NONE, "label_id": f"label {at}", **what, "row": row} for at, (row, what) in enumerate(rows)]
    columns = {name: [one[name] for one in table] for name in ("row", "kind", "label_id", *NONE)}
    for name, dtype, shape in (
        ("row", np.int64, (-1,)),
        ("predicted", np.bool_, (-1,)),
        ("score", np.float64, (-1,)),
        ("box_px", np.float64, (-1, 5)),
        ("size_px", np.int32, (-1, 2)),
    ):
        columns[name] = np.array(columns[name], dtype).reshape(shape)
    return BrowseLabels(**columns)


def labelled_rig(**more) -> BrowseView:
    """The rig with every kind of label on the third picture of the first take, and a box on each of its first."""
    view = rig(**more)
    left = np.flatnonzero((view.samples.recording == 0) & (view.samples.stream == 0))
    boxes = [(row, {"kind": "box", "box_px": BOX, "class_name": "hand"}) for row in left[:2].tolist()]
    words = {
        "segments": BrowseWords(row=left[:3], word=["wave", "wave", "grasp"]),
        "relations": BrowseWords(row=left[2:3], word=["hand holds cup"]),
        "differs": BrowseWords(row=left[:1], word=["people"]),
    }
    found = labels([*boxes, *((int(left[2]), what) for what in EVERY_KIND)])
    return replace(view, labels=found, words=words, ontology=ONTOLOGY)
