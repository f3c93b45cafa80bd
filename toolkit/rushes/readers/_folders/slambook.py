"""The slambook layout: color/ and depth/ with numbered pictures and pose.txt, no times; also without poses.

Depth is uint16 millimetres. A line of pose.txt is tx ty tz and a quaternion; both orders of the quaternion are
about, and nothing in the file names its own.
"""

from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import LedgerEntry, Loss, Stream
from rushes.readers._files.images import ImageList, images_in, natural
from rushes.readers._files.parts import FewRows, Part
from rushes.readers._files.tables import TOO_FEW, lines_of, malformed_losses, read_entry

FOLDERS = {"color": "color", "rgb": "color", "depth": "depth"}
METRES_PER_COUNT = 1 / 1000


def claims(root: Path) -> bool:
    """Whether pose.txt lies beside depth/ and a folder of colour pictures."""
    return (root / "pose.txt").is_file() and bool(images_in(root / "depth")) and bool(_colour(root))


def pairs(root: Path) -> bool:
    """Whether depth/ and a folder of colour pictures lie side by side and share at least half of their names.

    So ScanNet, H2O and many others write them; nothing says what a count of depth is.
    """
    colour = _colour(root)
    if not colour or not (deep := _stems(root / "depth")):
        return False
    shown = _stems(root / colour[0])
    return 2 * len(shown & deep) >= max(len(shown), len(deep)) > 1


def parts(root: Path) -> list[Part]:
    """Give the picture streams, and the poses where they are; ``t_ns`` is the picture's place in natural order."""
    posed = (root / "pose.txt").is_file()
    folders = [*_colour(root), "depth"]
    files = {folder: images_in(root / folder) for folder in folders}
    stems = sorted({PurePosixPath(f).stem for listed in files.values() for f in listed}, key=natural)
    order = {stem: place for place, stem in enumerate(stems)}
    found: list[Part] = []
    for folder in folders:
        depth = folder == "depth"
        stream = Stream(
            name=folder,
            modality="depth" if depth else "color",
            table="frames",
            clock="none",
            time_meaning="order",
            depth_unit_m=METRES_PER_COUNT if depth and posed else None,
        )
        names = [f"{folder}/{file}" for file in files[folder]]
        places = np.array([order[PurePosixPath(file).stem] for file in files[folder]], np.int64)
        found.append(ImageList(root, stream, names, places))
    if posed:
        found.append(_Poses(root / "pose.txt"))
    return found


def quaternion_order(values: npt.NDArray[np.float64]) -> tuple[bool, str]:
    """Tell whether w comes last in rows of four, and why it is thought so.

    Cameras turn little between neighbouring pictures and sequences start near the identity, so the real part is
    the largest one in most rows. Where that does not decide, w last as the book's own programs read it.
    """
    size = np.abs(values)
    first, last = int((size[:, 0] >= size.max(axis=1)).sum()), int((size[:, 3] >= size.max(axis=1)).sum())
    if first > last and first > len(values) / 2:
        return False, f"qw qx qy qz: the first component is the largest in {first} of {len(values)} rows"
    if last > len(values) / 2:
        return True, f"qx qy qz qw: the last component is the largest in {last} of {len(values)} rows"
    return True, "qx qy qz qw: undecided by the values, so in the order that the layout's own programs read"


class _Poses(FewRows):
    """The lines of pose.txt."""

    def __init__(self, path: Path) -> None:
        rows, refused = [], 0
        for lines in lines_of(path):
            for line in lines:
                try:
                    rows.append([float(field) for field in line.split()])
                    refused += len(rows[-1]) != 7
                except ValueError:
                    refused += 1
        values = np.array([row for row in rows if len(row) == 7], np.float64).reshape(-1, 7)
        w_last, why = quaternion_order(values[:, 3:])
        norms = np.linalg.norm(values[:, 3:], axis=1)
        if len(norms) and np.abs(norms - 1).max() > 0.01:
            why += f"; not unit quaternions (norm {norms.min():.3f} to {norms.max():.3f})"
        stream = Stream(
            name="pose",
            modality="pose",
            table="poses",
            clock="none",
            time_meaning="order",
            frame_of_reference="world",
            notes=f"quaternions taken as {why}",
        )
        super().__init__(stream, len(values), _columns(values, w_last))
        self._rejected = {TOO_FEW: refused} if refused else {}

    def ledger(self) -> tuple[LedgerEntry, ...]:
        """Account for every line."""
        return tuple(read_entry("pose", entry.out, self._rejected) for entry in self._ledger)

    def losses(self) -> tuple[Loss, ...]:
        """Lines that are no pose."""
        return tuple(malformed_losses("pose", "pose.txt", self._rejected))


def _columns(values: npt.NDArray[np.float64], w_last: bool) -> dict[str, Any]:
    order = np.arange(len(values), dtype=np.int64)
    names = ("tx_m", "ty_m", "tz_m", *(("qx", "qy", "qz", "qw") if w_last else ("qw", "qx", "qy", "qz")))
    turned = {name: values[:, place] for place, name in enumerate(names)}
    return {"index": order, "t_ns": order, "parent": "world", "child": "camera", **turned}


def _colour(root: Path) -> list[str]:
    return [folder for folder, kind in FOLDERS.items() if kind == "color" and images_in(root / folder)][:1]


def _stems(folder: Path) -> set[str]:
    return {PurePosixPath(file).stem for file in images_in(folder)}
