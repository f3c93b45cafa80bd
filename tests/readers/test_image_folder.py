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
