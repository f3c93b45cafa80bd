"""Images without times."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np
import pytest
from PIL import Image

from contracts.readers import ReaderContract, head_of
from readers.reading import tables
from rushes.errors import ReadError
from rushes.readers.image_folder import PLUGIN


def image(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((8, 12, 3), 99, np.uint8))
    return path


class TestImageContract(ReaderContract):
    reader = PLUGIN
    expected: ClassVar[Mapping[str, int]] = {"images": 1}

    @pytest.fixture
    def recording(self, tmp_path: Path) -> Path:
        return image(tmp_path / "one" / "photo.jpg")


def test_images_come_in_natural_order_of_their_names(tmp_path: Path) -> None:
    for name in ("img10.png", "img2.png", "img1.jpg"):
        image(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no image")
    (tmp_path / ".hidden.png").touch()
    with PLUGIN.open(tmp_path, {}) as recording:
        found = tables(recording)["images"]
        stream = recording.description.streams[0]
    assert found["media_id"] == ["img1.jpg", "img2.png", "img10.png"]
    assert found["t_ns"] == [0, 1, 2]
    assert (stream.clock, stream.time_meaning, stream.codec) == ("none", "order", "png")
    assert "jpeg, png" in stream.notes
    assert (recording.description.start_ns, recording.description.end_ns) == (None, None)


def test_a_folder_is_claimed_weakly_so_that_readers_of_times_come_first(tmp_path: Path) -> None:
    image(tmp_path / "a.png")
    assert 0.3 <= PLUGIN.probe(tmp_path, b"").confidence < 0.5


def test_kitti_images_without_times_are_still_images(shared_data: Path) -> None:
    folder = shared_data / "rgbd" / "kitti_raw_datumaro" / "kitti_raw" / "IMAGE_00" / "data"
    with PLUGIN.open(folder, {}) as recording:
        assert len(tables(recording)["images"]["t_ns"]) == 3


@pytest.mark.parametrize(("name", "content"), [("text.png", b"hello"), ("empty.jpg", b"")])
def test_a_name_alone_makes_no_image(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    assert PLUGIN.probe(path, head_of(path)).confidence == 0
    with pytest.raises(ReadError):
        PLUGIN.open(path, {})


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    assert PLUGIN.probe(tmp_path, b"").confidence == 0
    with pytest.raises(ReadError, match="no image"):
        PLUGIN.open(tmp_path, {})


def test_every_picture_has_its_own_size_as_stored_whatever_exif_turns(tmp_path: Path) -> None:
    Image.new("RGB", (640, 480)).save(tmp_path / "1.jpg")
    turned = Image.new("RGB", (300, 200))
    turned.getexif()[274] = 6  # shown as 200x300
    turned.save(tmp_path / "2.jpg", exif=turned.getexif())
    (tmp_path / "3.jpg").write_bytes(b"no picture")
    Image.new("L", (7, 5)).save(tmp_path / "4.png")
    with PLUGIN.open(tmp_path, {}) as recording:
        found = tables(recording)["images"]
        stream = recording.description.streams[0]
    assert found["width"] == [640, 300, None, 7]
    assert found["height"] == [480, 200, None, 5]
    assert (stream.width, stream.height) == (None, None)
    assert "pictures of 3 sizes, 7x5 to 640x480" in stream.notes


def test_pictures_of_one_size_give_it_to_their_stream(tmp_path: Path) -> None:
    for name in ("1.png", "2.png"):
        image(tmp_path / name)
    with PLUGIN.open(tmp_path, {}) as recording:
        stream = recording.description.streams[0]
        assert tables(recording)["images"]["width"] == [12, 12]
    assert (stream.width, stream.height, stream.notes) == (12, 8, None)


def deep(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((8, 12), 900, np.uint16))
    return path


@pytest.mark.parametrize(
    ("colour", "depth", "names"),
    [
        ("color_{:06d}.jpg", "aligned_depth_to_color_{:06d}.png", ("color", "aligned_depth_to_color")),
        ("frame-{:06d}.color.png", "frame-{:06d}.depth.png", ("color", "depth")),
        ("{}.jpg", "{}.png", ("color", "depth")),
    ],
)
def test_colour_and_depth_in_one_folder_are_two_streams_whose_partners_share_a_place(
    tmp_path: Path, colour: str, depth: str, names: tuple[str, str]
) -> None:
    for number in (1, 2, 10):
        image(tmp_path / colour.format(number))
    for number in (1, 10):
        deep(tmp_path / depth.format(number))
    (tmp_path / "labels_000001.npz").write_bytes(b"PK")
    with PLUGIN.open(tmp_path, {}) as recording:
        found = tables(recording)
        streams = {s.name: s.modality for s in recording.description.streams}
        assert recording.description.metadata["files_left_unread"] == ["labels_000001.npz"]
    assert streams == {names[0]: "color", names[1]: "depth"}
    assert (found[names[0]]["t_ns"], found[names[1]]["t_ns"]) == ([0, 1, 2], [0, 2])
    assert found[names[1]]["media_id"] == [depth.format(1), depth.format(10)]


def test_left_and_right_of_a_stereo_camera_are_two_streams(tmp_path: Path) -> None:
    for number in range(3):
        image(tmp_path / f"left_{number}.png")
        image(tmp_path / f"right_{number}.png")
    with PLUGIN.open(tmp_path, {}) as recording:
        assert sorted(s.name for s in recording.description.streams) == ["left", "right"]


@pytest.mark.parametrize(
    "names",
    [
        ["cat1.png", "cat2.png", "dog1.png", "dog2.png"],
        ["left_1.png", "left_2.png", "right_8.png", "right_9.png"],
        ["depth_1.png", "a_1.png"],
    ],
)
def test_photographs_of_several_names_stay_one_stream(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        image(tmp_path / name)
    with PLUGIN.open(tmp_path, {}) as recording:
        assert [s.name for s in recording.description.streams] == ["images"]
