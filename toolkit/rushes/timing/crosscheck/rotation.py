"""How a camera turned, frame by frame, from its pictures; cv2 is imported here, so load this module late.

Points are picked all over a picture and followed by Lucas–Kanade, always against the picture in which they were
picked, so that nothing adds up; forward and back must agree. Points on edges count too, but only across the edge.
A window ends when too few points are left; :mod:`.bundle` solves it, and the next begins with its last picture.
Only one window's tracks and two pictures are held.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from rushes.timing.crosscheck.bundle import Array, Flags, adjust, turned
from rushes.timing.crosscheck.signals import Signal, from_intervals

Grey = npt.NDArray[np.uint8]

ROWS, COLUMNS, IN_EACH = 9, 12, 2
WINDOW_FRAMES = 60
PATCH_PX = 13
BACK_PX = 0.3
GREY_NOISE = 3.0
TRACK_NOISE_PX = 0.1
LEAST_TRUST = 0.4
LEAST_POINTS = 20
LEAST_SHARE = 0.4
FLOW = {
    "winSize": (PATCH_PX, PATCH_PX),
    "maxLevel": 3,
    "criteria": (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.01),
    "minEigThreshold": 1e-5,
    "flags": cv2.OPTFLOW_USE_INITIAL_FLOW,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lens:
    """A camera's intrinsics for the pictures that are given, in pixels.

    Args:
        model: plumb_bob (also rational_polynomial) or equidistant; others are taken without distortion.
        distortion: Coefficients in the model's order.
        guessed: Whether the focal length is a guess, because the recording does not state it.
    """

    fx: float
    fy: float
    cx: float
    cy: float
    model: str = "plumb_bob"
    distortion: tuple[float, ...] = ()
    guessed: bool = False

    def scaled(self, width: float, height: float) -> "Lens":
        """Give the intrinsics of the same pictures, scaled by these factors; pixel (0, 0) is a pixel's centre."""
        return Lens(
            fx=self.fx * width,
            fy=self.fy * height,
            cx=(self.cx + 0.5) * width - 0.5,
            cy=(self.cy + 0.5) * height - 0.5,
            model=self.model,
            distortion=self.distortion,
            guessed=self.guessed,
        )

    def normalised(self, points: npt.NDArray[np.float32]) -> Array:
        """Give pixels (n, 2) as directions (n, 2) with a forward component of 1, free of distortion."""
        if not any(self.distortion):
            return (points.astype(np.float64) - (self.cx, self.cy)) / (self.fx, self.fy)
        matrix = np.array([[self.fx, 0.0, self.cx], [0.0, self.fy, self.cy], [0.0, 0.0, 1.0]])
        given = points.astype(np.float64).reshape(-1, 1, 2)
        if self.model in ("equidistant", "fisheye", "kannala_brandt"):
            straight = cv2.fisheye.undistortPoints(given, matrix, np.array(self.distortion[:4], np.float64))
        else:
            straight = cv2.undistortPoints(given, matrix, np.array(self.distortion, np.float64))
        return np.asarray(straight, np.float64).reshape(-1, 2)


def guessed_lens(width_px: int, height_px: int) -> Lens:
    """Guess the intrinsics of a camera that states none: a horizontal view of about 60 degrees."""
    focal = 0.87 * max(width_px, height_px)
    return Lens(fx=focal, fy=focal, cx=(width_px - 1) / 2, cy=(height_px - 1) / 2, guessed=True)


def turning(pictures: Iterable[tuple[int, Grey | None]], lens: Lens | None) -> Signal:
    """Measure how fast a camera turns between consecutive pictures.

    Args:
        pictures: Time in nanoseconds and grey picture, in time order, all of one size; None where the picture is
            broken, which is skipped.
        lens: Intrinsics for pictures of that size; guessed if None.

    Returns:
        rad/s about the camera's axes (x right, y down, z forward); intervals over a gap, and those that could not
        be followed, are left out or NaN.
    """
    times: list[int] = []
    rates: list[Array] = []
    for window in _windows(pictures, lens):
        angles = turned(adjust(window.observed, window.seen, noise=window.noise, trust=window.trust).rotation)
        angles[~(window.seen[1:].sum(axis=1) >= LEAST_POINTS)] = np.nan
        seconds = np.diff(window.times) / 1e9
        rates.append(angles / np.where(seconds > 0, seconds, np.nan)[:, None])
        times.extend(window.times[:-1] if not times else window.times[1:-1])
        last = window.times[-1]
        times.append(last)
    values = np.concatenate(rates) if rates else np.zeros((0, 3))
    return from_intervals(np.array(times, np.int64), values)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Window:
    times: list[int]
    observed: Array
    seen: Flags
    trust: Array
    noise: float


def _windows(pictures: Iterable[tuple[int, Grey | None]], lens: Lens | None) -> Iterator[_Window]:
    open_window: _Following | None = None
    for t_ns, picture in pictures:
        if picture is None:
            continue
        if lens is None:
            lens = guessed_lens(picture.shape[1], picture.shape[0])
        if open_window is None:
            open_window = _Following(t_ns, picture, lens)
            continue
        if open_window.add(t_ns, picture):
            continue
        if len(open_window.times) > 1:
            yield open_window.closed()
        last_t, last = open_window.last
        open_window = _Following(last_t, last, lens)
        if not open_window.add(t_ns, picture):
            open_window.lose(t_ns, picture)
            yield open_window.closed()
            open_window = _Following(t_ns, picture, lens)
    if open_window is not None and len(open_window.times) > 1:
        yield open_window.closed()


class _Following:
    """Follows the points of one picture through those after it."""

    def __init__(self, t_ns: int, picture: Grey, lens: Lens) -> None:
        self.picture, self.lens = picture, lens
        points = _picked(picture)
        trust = _trust(picture, points)
        good = np.trace(trust, axis1=1, axis2=2) >= LEAST_TRUST if len(points) else np.zeros(0, np.bool_)
        self.points, self.trust = points[good], trust[good]
        self.times = [t_ns]
        self.last = (t_ns, picture)
        self._observed = [lens.normalised(self.points)]
        self._seen: list[Flags] = [np.ones(len(self.points), np.bool_)]
        self._at = self.points.copy()

    def add(self, t_ns: int, picture: Grey) -> bool:
        """Follow the points into one more picture; say whether that could be done."""
        if len(self.times) > WINDOW_FRAMES or len(self.points) < LEAST_POINTS:
            return False
        at, found = self._followed(picture)
        if int(found.sum()) < max(LEAST_POINTS, LEAST_SHARE * len(self.points)):
            return False
        self._at = np.where(found[:, None], at, self._at)
        self._note(t_ns, picture, at, found)
        return True

    def lose(self, t_ns: int, picture: Grey) -> None:
        """Note a picture in which nothing could be followed."""
        self._note(t_ns, picture, self.points, np.zeros(len(self.points), np.bool_))

    def closed(self) -> _Window:
        """Give what was followed."""
        return _Window(
            times=self.times,
            observed=np.stack(self._observed),
            seen=np.stack(self._seen),
            trust=self.trust,
            noise=2 * TRACK_NOISE_PX / self.lens.fx,
        )

    def _note(self, t_ns: int, picture: Grey, at: npt.NDArray[np.float32], found: Flags) -> None:
        self.times.append(t_ns)
        self.last = (t_ns, picture)
        self._observed.append(self.lens.normalised(at))
        self._seen.append(found)

    def _followed(self, picture: Grey) -> tuple[npt.NDArray[np.float32], Flags]:
        start = self.points.reshape(-1, 1, 2)
        there, ok, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
            self.picture, picture, start, self._at.reshape(-1, 1, 2).copy(), **FLOW
        )
        back, back_ok, _ = cv2.calcOpticalFlowPyrLK(  # type: ignore[call-overload]
            picture, self.picture, there, start.copy(), **FLOW
        )
        off = np.einsum("nij,nj->ni", self.trust, (back - start).reshape(-1, 2))
        found = (ok.ravel() > 0) & (back_ok.ravel() > 0) & (np.linalg.norm(off, axis=1) < BACK_PX)
        return there.reshape(-1, 2), found


def _picked(picture: Grey) -> npt.NDArray[np.float32]:
    """Pick the best points of every field of a grid, so that all of the picture is covered: (n, 2), x and y."""
    height, width = picture.shape
    margin = max(8, width // 40)
    if height <= 2 * margin + ROWS or width <= 2 * margin + COLUMNS:
        return np.zeros((0, 2), np.float32)
    quality = cv2.cornerMinEigenVal(picture, 7)
    found = []
    for row in range(ROWS):
        for column in range(COLUMNS):
            top, bottom = (margin + (height - 2 * margin) * r // ROWS for r in (row, row + 1))
            left, right = (margin + (width - 2 * margin) * c // COLUMNS for c in (column, column + 1))
            field = quality[top:bottom, left:right].copy()
            for _ in range(IN_EACH):
                y, x = divmod(int(field.argmax()), field.shape[1])
                if field[y, x] <= 0:
                    break
                found.append((left + x, top + y))
                field[max(0, y - 5) : y + 6, max(0, x - 5) : x + 6] = 0
    return np.array(found, np.float32).reshape(-1, 2)


def _trust(picture: Grey, points: npt.NDArray[np.float32]) -> Array:
    """Give each point's matrix that makes its residual alike in all directions, from its structure tensor."""
    if not len(points):
        return np.zeros((0, 2, 2))
    grey = picture.astype(np.float32)
    dx, dy = (cv2.Sobel(grey, cv2.CV_32F, *axes, ksize=3) / 8 for axes in ((1, 0), (0, 1)))
    summed = [cv2.boxFilter(a, -1, (PATCH_PX, PATCH_PX), normalize=False) for a in (dx * dx, dx * dy, dy * dy)]
    x, y = points.astype(np.intp).T
    xx, xy, yy = (np.asarray(a, np.float64)[y, x] for a in summed)
    tensor = np.stack([np.stack([xx, xy], -1), np.stack([xy, yy], -1)], -2)
    power, axes = np.linalg.eigh(tensor)
    weight = 1.0 / np.sqrt(1.0 + GREY_NOISE**2 / (TRACK_NOISE_PX**2 * np.maximum(power, 1e-3)))
    return np.asarray(np.einsum("nij,nj,nkj->nik", axes, weight, axes))
