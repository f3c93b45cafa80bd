"""YOLOX detectors as ONNX, run by OpenCV on the processor.

The graph's output is raw: one row for each cell of the grids of stride 8, 16 and 32, with centre and size in
strides, how likely there is anything, and how likely each class. The picture goes in as BGR, 0 to 255, scaled to
fit the upper left corner, grey elsewhere.
"""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rushes import ontology
from rushes.contracts import OpenModel, Prediction, Predictor
from rushes.errors import ReadError, UsageError
from rushes.labels import Box
from rushes.model import Claim
from rushes.models import _onnx

_STRIDES = ((8, 16, 32), (8, 16, 32, 64))
_GREY = 114
_HEAD_BYTES = 5  # centre, size, objectness


class YoloxModel:
    """A loaded detector.

    Args:
        net: The graph.
        size: Height and width of its input.
        classes: In the order of its outputs.
        score: Least score of a prediction.
        overlap: Two boxes of one class that overlap more are one thing.
    """

    def __init__(
        self, net: Any, size: tuple[int, int], classes: tuple[str, ...], *, score: float, overlap: float
    ) -> None:
        self.classes = classes
        self._net, self._size = net, size
        self._score, self._overlap = score, overlap

    def predict(self, pixels: npt.NDArray[np.uint8]) -> Sequence[Prediction]:
        """Detect things, the surest first."""
        height, width = pixels.shape[:2]
        scale = min(self._size[0] / height, self._size[1] / width)
        self._net.setInput(self._blob(pixels, scale))
        boxes, scores = _decoded(self._net.forward()[0], self._size)
        best = scores.argmax(axis=1)
        sure = scores[np.arange(len(scores)), best]
        kept = sure >= self._score
        boxes, best, sure = boxes[kept] / scale, best[kept], sure[kept]
        chosen = cv2.dnn.NMSBoxesBatched(boxes.tolist(), sure.tolist(), best.tolist(), self._score, self._overlap)
        order = sorted((int(at) for at in chosen), key=lambda at: (-sure[at], at))
        return [_prediction(boxes[at], sure[at], self.classes[best[at]], width, height) for at in order]

    def _blob(self, pixels: npt.NDArray[np.uint8], scale: float) -> npt.NDArray[np.float32]:
        height, width = pixels.shape[:2]
        fitted = cv2.resize(pixels, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_LINEAR)
        canvas = np.full((*self._size, 3), _GREY, np.uint8)
        canvas[: fitted.shape[0], : fitted.shape[1]] = fitted
        return np.ascontiguousarray(canvas[:, :, ::-1].transpose(2, 0, 1)[None], np.float32)


class YoloxPredictor:
    """Runs YOLOX of any size, with COCO's classes or those of an ontology."""

    name = "yolox"
    version = "1"
    defaults: Mapping[str, str] = {"score": "0.3", "overlap": "0.45", "classes": "coco"}

    def probe(self, model: Path) -> Claim:
        """Look at the name and the input."""
        if model.suffix != ".onnx":
            return Claim(confidence=0.0, reason="it does not end in .onnx")
        try:
            shapes = _onnx.input_shapes(model.read_bytes())
        except (OSError, ValueError) as error:
            return Claim(confidence=0.0, reason=f"it is no ONNX file: {error}")
        pictures = [shape for shape in shapes.values() if len(shape) == 4 and shape[1] == 3]
        if len(shapes) != 1 or not pictures:
            return Claim(confidence=0.0, reason="it does not take one picture of three colours")
        sure = 0.9 if "yolox" in model.name.lower() else 0.3
        return Claim(confidence=sure, reason="it takes one picture of three colours")

    def open(self, model: Path, options: Mapping[str, str]) -> OpenModel:
        """Load the graph and hold it against the classes.

        Args:
            model: The ONNX file.
            options: ``score``, ``overlap`` (numbers of 0 to 1), ``classes`` (an ontology by name or path).
        """
        data = _bytes_of(model)
        try:
            shapes = _onnx.input_shapes(data)
            net = cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
        except (ValueError, cv2.error) as error:
            raise _no_model(model, " ".join(str(error).split())) from error
        classes = ontology.load(options["classes"]).class_names
        shape = next(iter(shapes.values()), [])
        if len(shape) != 4 or min(shape[2:]) < 1:
            raise _no_model(model, f"its input has shape {shape}, where a picture of fixed size belongs")
        size = (shape[2], shape[3])
        net.setInput(np.zeros((1, 3, *size), np.float32))
        answer = net.forward()
        rows = {sum((size[0] // s) * (size[1] // s) for s in strides) for strides in _STRIDES}
        if answer.ndim != 3 or answer.shape[1] not in rows or answer.shape[2] != _HEAD_BYTES + len(classes):
            raise _no_model(
                model,
                f"its output has shape {answer.shape}; YOLOX of {len(classes)} classes gives (1, {min(rows)}, "
                f"{_HEAD_BYTES + len(classes)})",
            )
        score, overlap = (_share(options, name) for name in ("score", "overlap"))
        return YoloxModel(net, size, classes, score=score, overlap=overlap)


def sha256(model: Path) -> str:
    """Name the weights by their content."""
    return hashlib.sha256(_bytes_of(model)).hexdigest()


def _bytes_of(model: Path) -> bytes:
    try:
        return model.read_bytes()
    except OSError as error:
        raise _no_model(model, error.strerror or str(error)) from error


def _no_model(model: Path, why: str) -> ReadError:
    return ReadError(
        f"{model}: cannot be run as YOLOX: {why}",
        code="model.file",
        hint="export it without the decoding step, and name its classes: --option classes=my.yaml",
    )


def _share(options: Mapping[str, str], name: str) -> float:
    try:
        value = float(options[name])
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise UsageError(f"'{options[name]}' is no {name}", code="labels.option", hint="a number of 0 to 1")
    return value


def _decoded(
    rows: npt.NDArray[np.float32], size: tuple[int, int]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Give boxes (left, top, width, height, in pixels of the input) and scores (rows × classes)."""
    strides = next(s for s in _STRIDES if sum((size[0] // n) * (size[1] // n) for n in s) == len(rows))
    grids, sizes = [], []
    for stride in strides:
        y, x = np.mgrid[: size[0] // stride, : size[1] // stride]
        grids.append(np.stack((x, y), axis=-1).reshape(-1, 2))
        sizes.append(np.full((grids[-1].shape[0], 1), stride))
    grid, step = np.concatenate(grids), np.concatenate(sizes)
    centre = (rows[:, :2].astype(np.float64) + grid) * step
    extent = np.exp(rows[:, 2:4].astype(np.float64)) * step
    scores = rows[:, 4:5].astype(np.float64) * rows[:, _HEAD_BYTES:]
    return np.concatenate((centre - extent / 2, extent), axis=1), scores


def _prediction(
    box: npt.NDArray[np.float64], score: float, class_name: str, width: int, height: int
) -> Prediction:
    left, top = max(float(box[0]), 0.0), max(float(box[1]), 0.0)
    right, bottom = min(float(box[0] + box[2]), float(width)), min(float(box[1] + box[3]), float(height))
    return Prediction(
        class_name=class_name,
        score=float(score),
        geometry=Box(x_px=left, y_px=top, width_px=max(right - left, 0.0), height_px=max(bottom - top, 0.0)),
    )


PLUGIN: Predictor = YoloxPredictor()
