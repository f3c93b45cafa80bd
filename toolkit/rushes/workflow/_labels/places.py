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
_Row = tuple[int, int | None, int | None]
"""Time, width and height of a frame."""


class FrameFinder:
    """Looks frames up by recording, stream and index, or by the end of their file's path.

    Only frames that are a file of their own have a name to be found by; of those alone a table is held.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        media = store.table("media", columns=["recording_id", "media_id", "uri"]).to_pylist()
        self._uris = {(row["recording_id"], row["media_id"]): row["uri"] for row in media}
        self._by_name: dict[str, list[tuple[PurePosixPath, Place]]] = defaultdict(list)
        self._files: dict[Place, tuple[str, str]] = {}
        self._streams: dict[tuple[str, str], dict[int, _Row]] = {}
        columns = ["recording_id", "stream", "index", "t_ns", "media_id"]
        for row in store.table("frames", columns=columns, where={"offset": None, "block": None}).to_pylist():
            if row["media_id"] is not None:
                place: Place = (row["recording_id"], row["stream"], row["index"], row["t_ns"])
                path = PurePosixPath(row["media_id"])
                self._by_name[path.name].append((path, place))
                self._files[place] = (row["recording_id"], row["media_id"])

    def find(self, picture: Picture) -> tuple[Place | None, str]:
        """Give the frame that a picture is; else None, and why."""
        if picture.recording_id and picture.stream is not None and picture.index is not None:
            row = self._rows(picture.recording_id, picture.stream).get(picture.index)
            if row:
                return (picture.recording_id, picture.stream, picture.index, row[0]), ""
        wanted = PurePosixPath(picture.name)
        candidates = self._by_name.get(wanted.name, [])
        if not candidates:
            return None, "no frame of the dataset is a file of that name"
        if len(candidates) > 1:
            same = [_shared_end(path, wanted) for path, _ in candidates]
            candidates = [one for one, count in zip(candidates, same, strict=True) if count == max(same)]
        if len(candidates) > 1:
            return None, "several frames of the dataset are files of that name"
        return candidates[0][1], ""

    def _rows(self, recording_id: str, stream: str) -> dict[int, _Row]:
        """Give time and size of every frame of a stream, by index; kept for the next picture of it."""
        key = (recording_id, stream)
        if key not in self._streams:
            where = {"recording_id": recording_id, "stream": stream}
            table = self._store.table("frames", columns=["index", "t_ns", "width", "height"], where=where)
            columns = (table[name].to_pylist() for name in table.column_names)
            self._streams[key] = {
                index: (t_ns, width, height) for index, t_ns, width, height in zip(*columns, strict=True)
            }
        return self._streams[key]

    def size_differs(self, picture: Picture, place: Place) -> bool:
        """Tell whether a file takes a picture to be of another size than the frame is."""
        stated, size = (picture.width_px, picture.height_px), self._rows(*place[:2])[place[2]][1:]
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
