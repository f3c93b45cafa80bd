"""Makes a corpus of photographs with planted faults and copies, and says of each what was done to it.

Sources are the colour photographs among the real data that the tests read; those that are grey or a near copy of
another are left out. A second set, :func:`stills_of_films`, comes from films and recordings whose single pictures
no limit of the stills was chosen on. Every fault is a pure function of pixels, in the parameters of the field:
exposure in stops of linear light, motion and defocus in pixels.
"""

import io
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from PIL import Image

from rushes.checks._pixels import perceptual_hashes

FOLDERS = (
    "labels/coco128_people/images/train2017",
    "labels/coco_wholebody_mmpose",
    "labels/gestures_hagrid/call",
    "labels/gestures_hagrid/four",
    "labels/gestures_hagrid/none",
    "labels/labelstudio/test_import_yolo_data_unif_dims/images",
    "labels/mp_coco/coco_data/images",
    "labels/mp_truth",
    "models/tflite_truth",
)
LEFT_OUT = {
    "000000000322.jpg": "taken at night, nearly black",
    "hands.jpg": "hands cut out before burnt-out white",
}
"""Photographs that have a fault of their own, by looking at them."""
FILMS = (
    "video/asl_gestures", "video/imageio", "video/intel_bottle", "video/mp_hand_video", "video/tfjs_asl_hand",
    "video/tfjs_pose", "video/torchcodec_nasa",
)  # fmt: skip
PICTURES = ("rgbd/tum_fr1_rpy/rgb",)
"""Beside the films, folders of pictures that were recorded one after another."""
A_FILM = 4
"""Pictures taken of each film, spread over it: at 1/8, 3/8, 5/8 and 7/8."""
LEAST_SIDE_PX = 300
UNLIKE_BITS = 14
"""Two sources differ by more, or the truth would not know that they are copies."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planted:
    """One picture of the corpus: its file, its source photograph, what was done, and by how much."""

    path: Path
    source: int
    fault: str
    how: str


def photographs(data: Path) -> list[np.ndarray]:
    """Give the source photographs, RGB."""
    paths = [path for folder in FOLDERS for path in sorted((data / folder).glob("*.jp*g"))]
    read = (cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in paths if path.name not in LEFT_OUT)
    return _unlike(picture[:, :, ::-1] for picture in read if picture is not None and picture.ndim == 3)


def stills_of_films(data: Path) -> list[np.ndarray]:
    """Give single pictures of films and recordings, RGB."""
    return _unlike(_film_pictures(data))


def _film_pictures(data: Path) -> Iterator[np.ndarray]:
    for folder in FILMS:
        for path in sorted((data / folder).glob("*.m[kp][v4]")):
            with av.open(str(path)) as container:
                frames = [
                    frame.to_ndarray(format="rgb24") for frame in container.decode(container.streams.video[0])
                ]
            yield from (frames[len(frames) * (2 * at + 1) // (2 * A_FILM)] for at in range(A_FILM))
    for folder in PICTURES:
        paths = sorted((data / folder).glob("*.png"))
        yield from (cv2.imread(str(path))[:, :, ::-1] for path in paths[:: max(1, len(paths) // A_FILM)])


def _unlike(pictures: Iterable[np.ndarray]) -> list[np.ndarray]:
    """Keep those in colour that are large enough and no near copy of one before."""
    found: list[np.ndarray] = []
    hashes: list[int] = []
    for picture in pictures:
        if min(picture.shape[:2]) < LEAST_SIDE_PX:
            continue
        spread = picture.max(axis=2).astype(int) - picture.min(axis=2)
        phash, mirrored = perceptual_hashes(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
        near = any(min((phash ^ h).bit_count(), (mirrored ^ h).bit_count()) <= UNLIKE_BITS for h in hashes)
        if spread.mean() < 4 or near:
            continue
        hashes.append(phash)
        found.append(np.ascontiguousarray(picture))
    return found


def make(photos: Iterable[np.ndarray], target: Path) -> list[Planted]:
    """Write the corpus, one folder a kind of fault."""
    made: list[Planted] = []
    for number, photo in enumerate(photos):
        generator = np.random.default_rng(number)
        for fault, how, content, ending in _variants(photo, generator):
            path = target / fault / f"{number:03d}_{how}{ending}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            made.append(Planted(path=path, source=number, fault=fault, how=how))
        first = target / "clean" / f"{number:03d}_clean.jpg"
        copy = target / "copy" / f"{number:03d}_bytes.jpg"
        copy.parent.mkdir(exist_ok=True)
        shutil.copy(first, copy)
        made.append(Planted(path=copy, source=number, fault="copy", how="bytes"))
    return made


def exposed(photo: np.ndarray, stops: float) -> np.ndarray:
    """Change the exposure by stops of linear light; what is too much is cut off."""
    light = np.minimum(1, (photo / 255.0) ** 2.2 * 2.0**stops)
    return 255 * light ** (1 / 2.2)


def moved(photo: np.ndarray, length_px: int, angle_deg: float) -> np.ndarray:
    """Smear along a line."""
    kernel = np.zeros((length_px, length_px), np.float32)
    middle, reach = length_px // 2, (length_px - 1) / 2
    x, y = np.cos(np.radians(angle_deg)) * reach, np.sin(np.radians(angle_deg)) * reach
    ends = [(round(middle - x), round(middle - y)), (round(middle + x), round(middle + y))]
    cv2.line(kernel, ends[0], ends[1], 1.0)
    return cv2.filter2D(photo, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT)


def defocused(photo: np.ndarray, radius_px: int) -> np.ndarray:
    """Spread every point over a disk."""
    disk = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius_px + 1,) * 2).astype(np.float32)
    return cv2.filter2D(photo, -1, disk / disk.sum(), borderType=cv2.BORDER_REFLECT)


def jpeg(picture: np.ndarray, quality: int = 92) -> bytes:
    """Encode, RGB or grey, cut to 0 to 255."""
    file = io.BytesIO()
    Image.fromarray(np.clip(picture, 0, 255).astype(np.uint8)).save(file, "jpeg", quality=quality)
    return file.getvalue()


def _variants(photo: np.ndarray, generator: np.random.Generator) -> Iterator[tuple[str, str, bytes, str]]:
    height, width = photo.shape[:2]
    real = photo.astype(np.float32)
    scale = max(height, width) / 1280

    def noisy(picture: np.ndarray, sigma: float) -> np.ndarray:
        return picture + generator.normal(0, sigma, picture.shape)

    yield "clean", "clean", jpeg(photo), ".jpg"
    for stops in (-2.7, -4.1):
        yield "under", f"{stops:+g}EV", jpeg(noisy(exposed(photo, stops), 2)), ".jpg"
    for stops in (2.6, 4.0):
        yield "over", f"{stops:+g}EV", jpeg(exposed(photo, stops)), ".jpg"
    middle = real.mean((0, 1))
    yield "low-information", "contrast3", jpeg(middle + (real - middle) * 0.03), ".jpg"
    yield "covered", "cap", jpeg(noisy(np.full_like(real, 4), 2)), ".jpg"
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    yield "grey", "one-channel", jpeg(grey), ".jpg"
    yield "grey", "three-channels", jpeg(np.repeat(grey[:, :, None], 3, 2)), ".jpg"
    whole = jpeg(photo)
    yield "truncated", "55percent", whole[: int(len(whole) * 0.55)], ".jpg"
    yield "truncated", "99percent", whole[: int(len(whole) * 0.99)], ".jpg"
    half = photo.copy()
    half[int(height * generator.uniform(0.3, 0.7)) :] = 128
    yield "half", "grey", jpeg(half), ".jpg"
    yield "cast", "green", jpeg(real * [0.25, 1, 0.25]), ".jpg"
    strip = max(8, int(min(height, width) * 0.2))
    yield "strip", "strip", jpeg(photo[:strip] if width >= height else photo[:, :strip]), ".jpg"
    for length in (15, 31):
        smear = moved(photo, max(5, int(length * scale)) | 1, float(generator.uniform(0, 180)))
        yield "blur", f"motion{length}", jpeg(smear), ".jpg"
    for radius in (4, 8):
        yield "blur", f"defocus{radius}", jpeg(defocused(photo, max(2, round(radius * scale)))), ".jpg"
    for how, change in _COPIES.items():
        yield "copy", how, jpeg(change(photo)), ".jpg"
    yield "copy", "jpeg30", jpeg(photo, 30), ".jpg"
    yield "copy", "noise8", jpeg(noisy(real, 8)), ".jpg"
    file = io.BytesIO()
    Image.open(io.BytesIO(whole)).save(file, "png")
    yield "copy", "png", file.getvalue(), ".png"


def _cropped(share: float) -> Callable[[np.ndarray], np.ndarray]:
    def crop(photo: np.ndarray) -> np.ndarray:
        rows, columns = (int(side * share / 2) for side in photo.shape[:2])
        return photo[rows : photo.shape[0] - rows, columns : photo.shape[1] - columns]

    return crop


def _warped(photo: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    return cv2.warpAffine(photo, matrix, photo.shape[1::-1], borderMode=cv2.BORDER_REFLECT)


_COPIES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "half-size": lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
    "crop5": _cropped(0.05),
    "crop15": _cropped(0.15),
    "flip": lambda p: p[:, ::-1],
    "bright20": lambda p: p * 1.2,
    "shift2": lambda p: _warped(p, np.float32([[1, 0, p.shape[1] * 0.02], [0, 1, p.shape[0] * 0.01]])),
    "turn3": lambda p: _warped(p, cv2.getRotationMatrix2D((p.shape[1] / 2, p.shape[0] / 2), 3, 1.06)),
}
