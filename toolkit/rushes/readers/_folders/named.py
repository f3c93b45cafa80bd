"""Folders of images whose names are their times: ARKitScenes, nuScenes, many recorders at home."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rushes.model import Modality, Stream, Times
from rushes.readers._files.images import ImageList, images_in
from rushes.readers._files.parts import Part
from rushes.readers._files.streams_of_names import streams_of_names
from rushes.readers._files.times_of_names import may_hold_times, times_of_names
from rushes.readers._folders.stamped import SENSOR_NAME, modality_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """Images of one camera, in the order of the times that their names hold."""

    stream: str
    modality: Modality
    files: tuple[str, ...]  # below the root
    t_ns: Times
    notes: str


def cameras_in(root: Path) -> list[Camera]:
    """Find the cameras: in the folder itself, or in folders of it that are named as cameras, or in their ``data``.

    Folders of other names may each be a recording of its own.
    """
    own = _cameras(root, root)
    if own:
        return own
    inside = sorted(path for path in root.iterdir() if path.is_dir() and SENSOR_NAME.fullmatch(path.name))
    return [camera for place in inside for camera in _cameras(root, place) or _cameras(root, place / "data")]


def parts(root: Path) -> list[Part]:
    """Give a stream for each camera."""
    return [ImageList(root, _stream(camera), camera.files, camera.t_ns) for camera in cameras_in(root)]


def _stream(camera: Camera) -> Stream:
    return Stream(name=camera.stream, modality=camera.modality, table="frames", clock="header", notes=camera.notes)


def _cameras(root: Path, folder: Path) -> list[Camera]:
    files = images_in(folder)
    place = folder.relative_to(root)
    name = (folder.parent.name if folder.name == "data" else folder.name) if place.parts else "images"
    whole = times_of_names(files)
    if whole is not None:
        return [_camera(place, name, modality_of(name), files, whole)]
    found = []
    for kind in streams_of_names(folder, files) if may_hold_times(files) else ():
        times = times_of_names(kind.files)
        if times is None:
            return []
        stream = f"{name}/{kind.stream}" if place.parts else kind.stream
        found.append(_camera(place, stream, kind.modality, list(kind.files), times))
    return found


def _camera(place: Path, name: str, modality: Modality, files: list[str], times: tuple[Times, str]) -> Camera:
    t_ns, why = times
    order = np.argsort(t_ns, kind="stable")
    below = tuple((place / files[at]).as_posix() for at in order.tolist())
    return Camera(stream=name, modality=modality, files=below, t_ns=t_ns[order], notes=why)
