"""A small view whose pictures lie inside one big file, made of real JPEG bytes with known colours."""

from pathlib import Path

import cv2
import numpy as np

from rushes.browse.view import ALONE, BrowseRecording, BrowseSamples, BrowseStream, BrowseView
from rushes.errors import ReadError

WIDTH, HEIGHT = 320, 240
HUES = {"cam_left": (200, 60, 40), "cam_right": (40, 160, 60), "depth": (60, 60, 200)}  # RGB of each stream
MOMENTS = 12


class Pack:
    """One file that holds every picture; a picture is a ``pread`` away."""

    def __init__(self, path: Path, recordings: int = 2, moments: int = MOMENTS) -> None:
        self.places: dict[tuple[str, str, int], tuple[int, int]] = {}
        self.path, self.reads = path, 0
        offset = 0
        with path.open("wb") as out:
            for recording in range(recordings):
                for name, color in HUES.items():
                    for index in range(moments):
                        payload = jpeg(color, f"r{recording} {name} {index}", step=index)
                        self.places[f"rec{recording}", f"/{name}", index] = offset, len(payload)
                        out.write(payload)
                        offset += len(payload)

    def __call__(self, recording_id: str, stream: str, index: int) -> tuple[bytes, str]:
        self.reads += 1
        try:
            offset, length = self.places[recording_id, stream, index]
        except KeyError:
            raise ReadError(f"{recording_id}: {stream} has no sample {index}", code="read.absent-file") from None
        with self.path.open("rb") as packed:
            packed.seek(offset)
            return packed.read(length), "image/jpeg"


def jpeg(color: tuple[int, int, int], words: str, *, step: int) -> bytes:
    """Draw a plain picture with a moving white square."""
    picture = np.full((HEIGHT, WIDTH, 3), color[::-1], np.uint8)
    cv2.rectangle(picture, (10 + 20 * step % 260, 150), (50 + 20 * step % 260, 190), (255, 255, 255), -1)
    cv2.putText(picture, words, (10, 40), 0, 0.8, (255, 255, 255), 2)
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 90])[1])


def rig(recordings: int = 2, moments: int = MOMENTS, name: str = "kitchen rig") -> BrowseView:
    """Three streams in moments; the right camera misses the last moment of each, and repeats one picture."""
    rows = []
    for recording in range(recordings):
        for moment in range(moments):
            for stream in range(3):
                if stream == 1 and moment == moments - 1:
                    continue
                index = moment - 1 if (stream == 1 and moment == 5) else moment
                skew = (0, 2_500_000, -1_250_000)[stream]
                rows.append((recording, stream, index, moment, moment * 33_000_000 + skew, skew))
    table = np.array(rows, np.int64).reshape(-1, 6)
    n = len(table)
    flags = np.zeros(n, np.int32)
    flags[(table[:, 1] == 1) & (table[:, 3] == 5)] = 4
    blurred = np.flatnonzero((table[:, 1] == 0) & (table[:, 3] % 4 == 0))
    return BrowseView(
        name=name,
        key="kitchen",
        recordings=[
            BrowseRecording(recording_id=f"rec{i}", name=f"take {i}", part=("train", "test")[i % 2], subject="ada")
            for i in range(recordings)
        ],
        streams=[
            BrowseStream(name="/cam_left", modality="color"),
            BrowseStream(name="/cam_right", modality="color"),
            BrowseStream(name="/depth", modality="depth"),
        ],
        samples=BrowseSamples(
            recording=table[:, 0].astype(np.int32),
            stream=table[:, 1].astype(np.int32),
            index=table[:, 2],
            moment=table[:, 3],
            t_ns=table[:, 4] + 1_700_000_000_000_000_000,
            skew_ns=np.ma.masked_array(table[:, 5], mask=np.zeros(n, bool)),
            width=np.full(n, WIDTH, np.int32),
            height=np.full(n, HEIGHT, np.int32),
            flags=flags,
            finding_row=blurred,
            finding_check=["image.blur"] * len(blurred),
        ),
    )


def clips(count: int = 5, name: str = "clips") -> BrowseView:
    """Frames without moments: a flat set."""
    return BrowseView(
        name=name,
        key="clips",
        recordings=[BrowseRecording(recording_id=f"rec{i}", name=f"clip {i}") for i in range(count)],
        streams=[BrowseStream(name="/cam_left", modality="color")],
        samples=BrowseSamples(
            recording=np.arange(count, dtype=np.int32),
            stream=np.zeros(count, np.int32),
            index=np.zeros(count, np.int64),
            moment=np.full(count, ALONE, np.int64),
            t_ns=np.arange(count, dtype=np.int64),
            skew_ns=np.ma.masked_all(count, np.int64),
            width=np.zeros(count, np.int32),
            height=np.zeros(count, np.int32),
            flags=np.zeros(count, np.int32),
        ),
    )
