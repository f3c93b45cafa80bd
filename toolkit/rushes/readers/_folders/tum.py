"""The TUM RGB-D layout: rgb.txt and depth.txt list images with their seconds.

Depth is uint16, 5,000 counts a metre; poses are those of the colour camera's optical frame in the room.
"""

from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rushes.model import Stream
from rushes.readers._files.exact_time import exact_ns
from rushes.readers._files.images import ImageList, images_in
from rushes.readers._files.parts import Part
from rushes.readers._files.tables import NOT_NUMBERS, TOO_FEW, NumberTable, lines_of

LISTS = {"rgb": "rgb.txt", "depth": "depth.txt"}
METRES_PER_COUNT = 1 / 5000
MEANING = "unknown"


def claims(root: Path) -> bool:
    """Whether a list of images with seconds lies in the folder."""
    return any(_looks_like_list(root / name) for name in LISTS.values())


def parts(root: Path) -> list[Part]:
    """Give the streams that are there: rgb, depth, accelerometer, groundtruth."""
    found: list[Part] = [_images(root, stream) for stream, name in LISTS.items() if (root / name).is_file()]
    accelerometer, truth = root / "accelerometer.txt", root / "groundtruth.txt"
    if accelerometer.is_file():
        stream = Stream(name="accelerometer", modality="imu", table="imu", clock="header", time_meaning=MEANING)
        found.append(
            NumberTable(
                stream,
                accelerometer,
                take=(1, 2, 3),
                unit="s",
                columns=lambda v: {"accel_x_m_s2": v[:, 0], "accel_y_m_s2": v[:, 1], "accel_z_m_s2": v[:, 2]},
            )
        )
    if truth.is_file():
        stream = Stream(
            name="groundtruth",
            modality="pose",
            table="poses",
            clock="header",
            time_meaning=MEANING,
            frame_of_reference="world",
        )
        found.append(NumberTable(stream, truth, take=range(1, 8), unit="s", columns=poses_w_last))
    return found


def poses_w_last(values: npt.NDArray[np.float64], parent: str = "world", child: str = "rgb") -> dict[str, object]:
    """Turn rows of tx ty tz qx qy qz qw into columns of ``poses``."""
    names = ("tx_m", "ty_m", "tz_m", "qx", "qy", "qz", "qw")
    return {"parent": parent, "child": child, **{name: values[:, place] for place, name in enumerate(names)}}


def _images(root: Path, name: str) -> ImageList:
    texts, files = [], []
    rejected: Counter[str] = Counter()
    for lines in lines_of(root / LISTS[name]):
        for line in lines:
            time, _, file = line.strip().partition(b" ")
            if not file.strip():
                rejected[TOO_FEW] += 1
                continue
            texts.append(time)
            files.append(file.strip().decode("utf-8", "surrogateescape"))
    t_ns, readable = exact_ns(texts, "s")
    if not readable.all():
        rejected[NOT_NUMBERS] += int((~readable).sum())
        files = [file for file, good in zip(files, readable, strict=True) if good]
        t_ns = t_ns[readable]
    stream = Stream(
        name=name,
        modality="depth" if name == "depth" else "color",
        table="frames",
        clock="header",
        time_meaning=MEANING,
        depth_unit_m=METRES_PER_COUNT if name == "depth" else None,
        frame_of_reference="rgb",
        notes="registered to the colour camera" if name == "depth" else None,
    )
    listed = set(files)
    unlisted = [path for file in images_in(root / name) if (path := f"{name}/{file}") not in listed]
    return ImageList(root, stream, files, t_ns, unlisted=unlisted, rejected=rejected)


def _looks_like_list(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(4096)
    except OSError:
        return False
    for line in head.split(b"\n"):
        if line.strip() and not line.startswith(b"#"):
            fields = line.split()
            return len(fields) == 2 and bool(exact_ns(fields[:1], "s")[1][0]) and b"." in fields[1]
    return False
