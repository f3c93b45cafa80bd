"""Pictures that EXIF turns or mirrors: where a point of the picture as shown lies in the picture as stored.

Orientation is EXIF's number 1 to 8; 1 shows the picture as stored. Coordinates count from the outer corner, in
pixels. Every move is a swap of axes and a subtraction from the size, so a whole number stays one.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.labels import Box, RotatedBox

_MIRRORED = frozenset({2, 4, 5, 7})
_SWAPPED = frozenset({5, 6, 7, 8})
_FLIPS = {1: (0, 0), 2: (1, 0), 3: (1, 1), 4: (0, 1), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}
"""Whether stored x, stored y count from the far side, once the axes are swapped back."""


@dataclass(frozen=True, slots=True)
class Turn:
    """How a stored picture is shown.

    Args:
        width_px, height_px: As stored.
        orientation: EXIF's, 1 to 8.
    """

    width_px: int
    height_px: int
    orientation: int = 1

    @property
    def shown_width_px(self) -> int:
        """Width as a person sees it."""
        return self.height_px if self.orientation in _SWAPPED else self.width_px

    @property
    def shown_height_px(self) -> int:
        """Height as a person sees it."""
        return self.width_px if self.orientation in _SWAPPED else self.height_px

    def point_stored(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Find the place in the stored picture of a point of the shown one."""
        if self.orientation in _SWAPPED:
            x_px, y_px = y_px, x_px
        far_x, far_y = _FLIPS[self.orientation]
        return (self.width_px - x_px if far_x else x_px), (self.height_px - y_px if far_y else y_px)

    def point_shown(self, x_px: float, y_px: float) -> tuple[float, float]:
        """Find the place in the shown picture of a point of the stored one."""
        far_x, far_y = _FLIPS[self.orientation]
        x_px, y_px = (self.width_px - x_px if far_x else x_px), (self.height_px - y_px if far_y else y_px)
        return (y_px, x_px) if self.orientation in _SWAPPED else (x_px, y_px)

    def pixels_stored(self, shown: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
        """Turn pixels of the shown picture, shape (height, width), into those of the stored one."""
        stored = shown.T if self.orientation in _SWAPPED else shown
        far_x, far_y = _FLIPS[self.orientation]
        return stored[:: -1 if far_y else 1, :: -1 if far_x else 1]

    def inverse(self) -> "Turn":
        """Give the turn that takes the shown picture for the stored one."""
        back = {6: 8, 8: 6}.get(self.orientation, self.orientation)
        return Turn(self.shown_width_px, self.shown_height_px, back)

    def box_stored(self, box: Box) -> Box:
        """Turn an upright box of the shown picture into the stored one."""
        if self.orientation == 1:
            return box
        x, y, width, height = box.x_px, box.y_px, box.width_px, box.height_px
        if self.orientation in _SWAPPED:
            x, y, width, height = y, x, height, width
        far_x, far_y = _FLIPS[self.orientation]
        return Box(
            x_px=self.width_px - x - width if far_x else x,
            y_px=self.height_px - y - height if far_y else y,
            width_px=width,
            height_px=height,
        )

    def rotated_box_stored(self, box: RotatedBox) -> RotatedBox:
        """Turn a rotated box of the shown picture into the stored one; its corners stay its corners."""
        if self.orientation == 1:
            return box
        across = (math.cos(math.radians(box.rotation_deg)), math.sin(math.radians(box.rotation_deg)))
        down = (-across[1], across[0])
        swapped = self.orientation in _SWAPPED
        far_x, far_y = _FLIPS[self.orientation]
        # Which way along the box, as shown, the stored picture's left and top side lie.
        along_across, along_down = (far_y, far_x) if swapped else (far_x, far_y)
        corner_x = box.x_px + along_across * box.width_px * across[0] + along_down * box.height_px * down[0]
        corner_y = box.y_px + along_across * box.width_px * across[1] + along_down * box.height_px * down[1]
        x, y = self.point_stored(corner_x, corner_y)
        return RotatedBox(
            x_px=x,
            y_px=y,
            width_px=box.height_px if swapped else box.width_px,
            height_px=box.width_px if swapped else box.height_px,
            rotation_deg=(360 - box.rotation_deg) % 360 if self.orientation in _MIRRORED else box.rotation_deg,
        )
