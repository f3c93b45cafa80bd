"""Finds the frame that a picture of a foreign file is: by what the file says, else by its name."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import PurePosixPath

from rushes import registry
from rushes.labels import Label, LabelledPicture, Picture
from rushes.store import Store

Place = tuple[str, str, int, int]
"""Recording, stream, index and time of a frame."""


class FrameFinder:
    """Looks frames up by recording, stream and index, or by the end of their file's path."""

    def __init__(self, store: Store) -> None:
        columns = ["recording_id", "stream", "index", "t_ns", "width", "height", "media_id", "offset", "block"]
        media = store.table("media", columns=["recording_id", "media_id", "uri"]).to_pylist()
        self._store = store
        self._uris = {(row["recording_id"], row["media_id"]): row["uri"] for row in media}
        self._sizes: dict[Place, tuple[int | None, int | None]] = {}
        self._files: dict[Place, tuple[str, str]] = {}
        rows = store.table("frames", columns=columns).to_pylist()
        self._by_key: dict[tuple[str, str, int], Place] = {}
        self._by_name: dict[str, list[tuple[PurePosixPath, Place]]] = defaultdict(list)
        for row in rows:
            place: Place = (row["recording_id"], row["stream"], row["index"], row["t_ns"])
            self._by_key[place[:3]] = place
            self._sizes[place] = (row["width"], row["height"])
            if row["media_id"] is not None and row["offset"] is None and row["block"] is None:
                path = PurePosixPath(row["media_id"])
                self._by_name[path.name].append((path, place))
                self._files[place] = (row["recording_id"], row["media_id"])

    def find(self, picture: Picture) -> tuple[Place | None, str]:
        """Give the frame that a picture is; else None, and why."""
        if picture.recording_id and picture.stream is not None and picture.index is not None:
            found = self._by_key.get((picture.recording_id, picture.stream, picture.index))
            if found:
                return found, ""
        wanted = PurePosixPath(picture.name)
        candidates = self._by_name.get(wanted.name, [])
        if not candidates:
            return None, "no frame of the dataset is a file of that name"
        if len(candidates) > 1:
            same = [max(_shared_end(path, wanted), 1) for path, _ in candidates]
            candidates = [one for one, count in zip(candidates, same, strict=True) if count == max(same)]
        if len(candidates) > 1:
            return None, "several frames of the dataset are files of that name"
        return candidates[0][1], ""

    def size_differs(self, picture: Picture, place: Place) -> bool:
        """Tell whether a file takes a picture to be of another size than the frame is."""
        stated, size = (picture.width_px, picture.height_px), self._sizes[place]
        if 0 in stated or None in size or stated == size:
            return False
        if place not in self._files:
            return True
        # The rows of a folder of pictures hold the size of its first one; the file knows better.
        path = self._store.place_of(self._uris[self._files[place]])
        facts = registry.late("rushes.export._pictures").header(path)
        return facts is not None and stated != (facts.width_px, facts.height_px)


def placed(labelled: LabelledPicture, place: Place) -> Sequence[Label]:
    """Give the labels of a picture as labels of a frame."""
    recording_id, stream, index, t_ns = place
    return [
        replace(label, recording_id=recording_id, stream=stream, index=index, t_start_ns=t_ns)
        for label in labelled.labels
    ]


def _shared_end(path: PurePosixPath, wanted: PurePosixPath) -> int:
    count = 0
    for a, b in zip(reversed(path.parts), reversed(wanted.parts), strict=False):
        if a != b:
            break
        count += 1
    return count
