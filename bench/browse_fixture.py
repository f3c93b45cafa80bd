"""Writes a dataset of many labelled pictures straight into its tables: for figures, not for people.

Three streams in moments; every picture of the first has two boxes and a hand of 21 points. The pictures of a
recording are the same 200 JPEGs of about 22 KB again and again.
"""

import json
from pathlib import Path

import cv2
import numpy as np

from rushes import ontology
from rushes.annotate.rows import label_columns
from rushes.labels import Box, Keypoints, Label
from rushes.store import Store
from rushes.workflow._labels import vocabulary

STREAMS = ("/cam_left", "/cam_right", "/infrared")
WIDTH, HEIGHT = 640, 480
START_NS = 1_700_000_000_000_000_000
PERIOD_NS = 33_333_333
COPIES = 200


def make(path: Path, *, recordings: int, moments: int) -> Path:
    """Write the dataset, unless it is there; gives its path."""
    if (path / "rushes.json").is_file():
        return path
    store = Store.create(path)
    vocabulary.keep(store, ontology.load("hands"))
    payload = _jpeg()
    for number in range(recordings):
        _record(store, path, f"{number:032x}", payload, moments)
        store = Store.open(path)
    return path


def _record(store: Store, path: Path, name: str, payload: bytes, moments: int) -> None:
    file = path / "media" / f"{name}.bin"
    file.write_bytes(payload * COPIES)
    index = np.arange(moments)
    offset = index % COPIES * len(payload)
    t_ns = START_NS + index * PERIOD_NS
    with store.begin("bench") as transaction:
        for at, stream in enumerate(STREAMS):
            keys = {"recording_id": name, "stream": stream}
            transaction.append(
                "streams",
                1,
                {
                    **keys, "modality": "infrared" if at == 2 else "color", "table": "frames", "codec": "jpeg",
                    "width": WIDTH, "height": HEIGHT, "count": moments, "clock": "log", "time_meaning": "arrival",
                    "first_ns": int(t_ns[0]), "last_ns": int(t_ns[-1]),
                },
            )  # fmt: skip
            transaction.append(
                "frames",
                moments,
                {
                    **keys, "index": index, "t_ns": t_ns, "media_id": "pack", "length": len(payload), "flags": 0,
                    "offset": offset, "width": WIDTH, "height": HEIGHT,
                },
            )  # fmt: skip
            transaction.append(
                "moment_members",
                moments,
                {
                    **keys, "moment": index, "index": index, "t_ns": t_ns, "skew_ns": 1000 * (index % 50),
                    "method": "nearest", "is_repeat": False,
                },
            )  # fmt: skip
        _labels(transaction, name, moments)
        spans = np.arange(0, moments, 40)
        transaction.append(
            "findings",
            len(spans),
            {
                "recording_id": name, "stream": STREAMS[0], "index": spans, "check": "image.blur", "count": 3,
                "severity": "warning", "message": "blurred",
            },
        )  # fmt: skip
        transaction.append(
            "media",
            1,
            {
                "recording_id": name, "media_id": "pack", "uri": f"media/{file.name}", "container": "raw",
                "bytes": file.stat().st_size, "mtime_ns": file.stat().st_mtime_ns,
            },
        )  # fmt: skip
        transaction.append(
            "recordings",
            1,
            {
                "recording_id": name, "name": f"take {int(name, 16)}", "source": str(path), "mode": "copy",
                "fingerprint": name, "bytes": file.stat().st_size, "reader": "bench", "reader_version": "1",
                "status": "ok", "start_ns": START_NS, "count_read": moments * len(STREAMS), "ingested_ns": 0,
                "subject": f"s{int(name, 16) % 5:02d}",
            },
        )  # fmt: skip
        transaction.commit()


def _labels(transaction: object, name: str, moments: int) -> None:
    made = []
    for index in range(moments):
        shared = {
            "recording_id": name,
            "stream": STREAMS[0],
            "index": index,
            "source": "import",
            "tool": "coco",
            "event_id": f"{name}-{index}",
            "author": "bench",
            "image_width_px": WIDTH,
            "image_height_px": HEIGHT,
        }
        drift = float(index % 200)
        for at in range(2):
            box = Box(x_px=40.0 + drift, y_px=50.0 + 100 * at, width_px=80.0, height_px=60.0)
            attributes = {"side": ("left", "right")[at]}
            made.append(
                Label(
                    label_id=f"{name}-{index}-{at}",
                    kind="box",
                    geometry=box,
                    class_name="hand",
                    attributes=attributes,
                    **shared,
                )
            )
        points = Keypoints(triples=tuple(v for k in range(21) for v in (40.0 + drift + 3 * k, 60.0 + k, 2.0)))
        made.append(
            Label(label_id=f"{name}-{index}-k", kind="keypoints", geometry=points, class_name="hand", **shared)
        )
    transaction.append("labels", len(made), label_columns(made))
    events = [f"{name}-{index}" for index in range(moments)]
    transaction.append(
        "label_events",
        moments,
        {
            "event_id": events, "action": "imported", "tool": "coco", "recording_id": name, "received_ns": 1,
            "task_key": [f"{name}/{STREAMS[0]}/{i}" for i in range(moments)], "payload": json.dumps({}),
        },
    )  # fmt: skip


def _jpeg() -> bytes:
    generator = np.random.default_rng(1)
    picture = cv2.resize(generator.integers(0, 255, (48, 64, 3), np.uint8), (WIDTH, HEIGHT))
    for quality in range(95, 20, -1):
        encoded = bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
        if len(encoded) <= 22_000:
            return encoded
    return encoded
