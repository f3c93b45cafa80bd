"""An ONNX model that takes one picture → the picture as a point, through OpenCV; no network, no torch.

The picture is brought to the size of the input, its values to 0 to 1 and then to the mean and spread of ImageNet,
which is what such models are made for. Of the last output the mean over all places is taken; length 1.
"""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rushes.errors import ReadError
from rushes.models import _onnx

USUAL_PX = 224
"""Taken where the model leaves its size free."""
MEAN = np.array([0.485, 0.456, 0.406], np.float32)
SPREAD = np.array([0.229, 0.224, 0.225], np.float32)

Vector = npt.NDArray[np.float32]


class Embedding:
    """A model that is open; one thread at a time may ask it.

    Raises:
        ReadError: ``model.file`` if it cannot be read or run, or does not take one picture of three colours.
    """

    def __init__(self, path: Path) -> None:
        try:
            data = path.read_bytes()
            shapes = _onnx.input_shapes(data)
            self._net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        except (OSError, ValueError, cv2.error) as error:
            raise _refused(path, f"it cannot be run: {str(error).strip().splitlines()[-1]}") from error
        pictures = [shape for shape in shapes.values() if len(shape) == 4 and shape[1] == 3]
        if len(shapes) != 1 or not pictures:
            raise _refused(path, "it does not take one picture of three colours")
        _, _, height, width = pictures[0]
        self._path = path
        self._size = (width if width > 0 else USUAL_PX, height if height > 0 else USUAL_PX)
        self.long_side_px = max(self._size)

    def point_of(self, pixels: npt.NDArray[np.uint8]) -> Vector:
        """Give the point of a picture, of length 1.

        Args:
            pixels: Shape (h, w, 3) RGB or (h, w), of any size.

        Raises:
            ReadError: ``model.file`` if the model does not run.
        """
        picture = cv2.resize(pixels, self._size, interpolation=cv2.INTER_AREA)
        if picture.ndim == 2:
            picture = cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB)
        blob = ((picture.astype(np.float32) / 255 - MEAN) / SPREAD).transpose(2, 0, 1)[None]
        try:
            self._net.setInput(np.ascontiguousarray(blob, np.float32))
            out = np.asarray(self._net.forward(), np.float32)
        except cv2.error as error:
            raise _refused(self._path, f"it does not run: {error.err}") from error
        # Channels come second where there are places in two directions, last where there is a list of them.
        point = (
            out[0].mean(axis=(1, 2)) if out.ndim == 4 else out[0].mean(axis=0) if out.ndim == 3 else out.ravel()
        )
        length = float(np.linalg.norm(point))
        return np.asarray(point / (length or 1.0), np.float32)


def _refused(path: Path, why: str) -> ReadError:
    return ReadError(f"{path}: {why}", code="model.file", facts={"file": str(path)})
