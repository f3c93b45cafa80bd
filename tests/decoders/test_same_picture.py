"""A frame is the same picture to all: our rows and decoder, PyAV, OpenCV, FFmpeg's program. Error: no frame.

The number that is drawn into each picture is read back; which it must be follows from the time stamps that the
video was made with.
"""

import random
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

import coded
from coded import KINDS, Kind
from readers.reading import tables
from rushes.decoders.video import VideoDecoder
from rushes.errors import ReadError
from rushes.model import FrameFlag, FrameRequest, Location
from rushes.readers.video import PLUGIN
from rushes.workflow.browse import pictures
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

CUT = [name for name, kind in KINDS.items() if kind.made_by == "cut"]
WHOLE = [name for name in KINDS if name not in CUT]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: coded.make(kind, tmp_path_factory.mktemp("kind")) for name, kind in KINDS.items()}


def numbers_by_time(kind: Kind) -> dict[int, int]:
    """The number of each picture by its time in nanoseconds, as the video was made."""
    return {round(stamp * kind.base * 10**9): number for number, stamp in enumerate(kind.stamps)}


def expected(kind: Kind, t_ns: list[int]) -> list[int]:
    """The numbers that rows of these times must show; a container may move all times alike and round them."""
    truth = numbers_by_time(kind)
    times = np.array(sorted(truth))
    start = 0
    if kind.made_by == "trimmed":
        start = int(times[40]) - t_ns[0]
    elif kind.ending == "ts" or kind.muxing:  # without an edit list the delay of B-frames stays in the times
        start = int(times[0]) - t_ns[0]
    found = []
    for t in t_ns:
        nearest = int(times[np.abs(times - (t + start)).argmin()])
        assert abs(nearest - t - start) <= 1_000_000, "a time that no picture has"
        found.append(truth[nearest])
    return found


def rows_of(path: Path) -> tuple[list[int], list[int], list[int]]:
    with PLUGIN.open(path, {}) as recording:
        (rows,) = (found for found in tables(recording).values() if "pts" in found)
    return list(rows["t_ns"]), list(rows["pts"]), list(rows["flags"])


def ours(path: Path, stamps: list[int]) -> list[int | None]:
    """The number that our decoder gives for each row, asked for in any order."""
    decoder = VideoDecoder()
    shown: dict[int, int | None] = {}
    for at in random.Random(5).sample(range(len(stamps)), len(stamps)):
        location = Location(path=path, container="video")
        request = FrameRequest(location=location, codec="h264", container_index=0, pts=stamps[at])
        try:
            shown[at] = coded.read(decoder.decode(request, None))
        except (ReadError, AssertionError):
            shown[at] = None
    decoder.close()
    return [shown[at] for at in range(len(stamps))]


def by_pyav(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        return [coded.read(frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]


def by_opencv(path: Path) -> list[int]:
    capture, found = cv2.VideoCapture(str(path)), []
    while True:
        there, picture = capture.read()
        if not there:
            return found
        found.append(coded.read(picture))


def by_ffmpeg(path: Path) -> list[int]:
    raw = coded.ffmpeg("-i", str(path), "-fps_mode", "passthrough", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    return [coded.read(one) for one in np.frombuffer(raw, np.uint8).reshape(-1, coded.HEIGHT, coded.WIDTH)]


@pytest.mark.parametrize("name", WHOLE)
def test_row_k_is_the_kth_picture_of_pyav_opencv_and_ffmpeg(made: dict[str, Path], name: str) -> None:
    path = made[name]
    t_ns, pts, flags = rows_of(path)
    truth = expected(KINDS[name], t_ns)
    assert len(truth) == len(KINDS[name].stamps) - (40 if KINDS[name].made_by else 0)
    assert truth == sorted(set(truth))
    assert not any(flags)
    assert ours(path, pts) == truth
    assert by_pyav(path) == truth
    assert by_opencv(path) == truth
    assert by_ffmpeg(path) == truth


@pytest.mark.parametrize("name", CUT)
def test_what_is_left_of_a_cut_off_file_keeps_its_numbers(made: dict[str, Path], name: str) -> None:
    path = made[name]
    t_ns, pts, flags = rows_of(path)
    truth = expected(KINDS[name], t_ns)
    assert 30 < len(truth) < len(KINDS[name].stamps)
    shown = ours(path, pts)
    # A picture whose own packet is cut, or that leans on one that is gone, may be damaged; none is another one.
    assert all(number in (None, wanted) for number, wanted in zip(shown, truth, strict=True))
    damaged = [at for at, number in enumerate(shown) if number is None]
    assert len(damaged) <= 2
    assert all(flags[at] & FrameFlag.CORRUPT or at >= len(truth) - 4 for at in damaged)


@pytest.mark.parametrize("name", ["variable", "dropped frames", "B-pyramid", "start above zero", "edit list"])
def test_the_app_is_given_the_kth_picture_for_index_k(made: dict[str, Path], tmp_path: Path, name: str) -> None:
    ingest(tmp_path / "dataset", Request(paths=[made[name]]))
    with Dataset.open(tmp_path / "dataset") as dataset:
        (stream,) = dataset.arrow("streams").to_pylist()
        picture = pictures(dataset)
        t_ns = dataset.frames(stream["recording_id"], stream["stream"]).t_ns.tolist()
        truth = expected(KINDS[name], t_ns)
        for index in random.Random(2).sample(range(len(truth)), 25):
            encoded, _ = picture(stream["recording_id"], stream["stream"], index)
            shown = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_GRAYSCALE)
            assert coded.read(shown) == truth[index]


def test_opencv_asked_for_a_frame_number_gives_another_where_the_rate_varies(made: dict[str, Path]) -> None:
    # Why nothing of ours seeks by number: OpenCV multiplies it by the mean interval.
    capture = cv2.VideoCapture(str(made["dropped frames"]))
    wrong = 0
    for number in range(0, 89, 4):
        capture.set(cv2.CAP_PROP_POS_FRAMES, number)
        there, picture = capture.read()
        wrong += not there or coded.read(picture) != number
    assert wrong > 5


def test_intervals_between_rows_are_those_of_the_encoder(made: dict[str, Path]) -> None:
    for name in ("23.976", "29.97", "variable", "dropped frames", "start above zero, variable"):
        kind = KINDS[name]
        t_ns, _, _ = rows_of(made[name])
        wanted = [round(Fraction(stamp) * kind.base * 10**9) for stamp in kind.stamps]
        late = np.array(t_ns) - np.array(wanted)
        assert np.ptp(late) <= 1, name
        assert abs(late[0]) <= 500_000, name  # MP4 says when a track starts in whole milliseconds
