"""Still pictures from their bytes."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from contracts.decoders import DecoderContract, Sample
from rushes import registry
from rushes.decoders import image
from rushes.decoders._headers import PNG, Head, head_of, jpeg_is_whole
from rushes.errors import ReadError
from rushes.model import FrameRequest, Location

DECODER = image.PLUGIN
NOISE = np.random.default_rng(3).integers(0, 256, (60, 80, 3), dtype=np.uint8)
PHOTO = cv2.GaussianBlur(NOISE, (9, 9), 3)  # RGB
DEEP = np.arange(60 * 80, dtype=np.uint16).reshape(60, 80) * 13


def request(codec: str = "jpeg", pixel_format: str | None = None) -> FrameRequest:
    return FrameRequest(location=Location(path=Path("some.mcap")), codec=codec, pixel_format=pixel_format)


def encoded(ending: str, picture: np.ndarray) -> bytes:
    """Encode an RGB or one-channel picture."""
    turned = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR) if picture.ndim == 3 else picture
    return cv2.imencode(ending, turned)[1].tobytes()


def with_preview(jpeg: bytes) -> bytes:
    """Put a whole small JPEG into an APP1 segment, as cameras do."""
    preview = encoded(".jpg", PHOTO[:16, :16])
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(preview) + 2) + preview + jpeg[2:]


class TestContract(DecoderContract):
    name = "image"

    @pytest.fixture
    def samples(self) -> list[Sample]:
        quantised = struct.pack("<iff", 0, 100.0, -50.0) + encoded(".png", DEEP)
        return [
            (request("jpeg"), encoded(".jpg", PHOTO)),
            (request("jpeg"), encoded(".jpg", PHOTO[:, :, 0])),
            (request("png"), encoded(".png", PHOTO)),
            (request("png"), encoded(".png", DEEP)),
            (request("png"), encoded(".png", (PHOTO.astype(np.uint16) * 257))),
            (request("pgm"), encoded(".pgm", DEEP)),
            (request("ppm"), encoded(".ppm", PHOTO)),
            (request("bmp"), encoded(".bmp", PHOTO)),
            (request("tiff"), encoded(".tiff", DEEP)),
            (request("tiff"), encoded(".tiff", DEEP.astype(np.float32))),
            (request("webp"), encoded(".webp", PHOTO)),
            (request("compressed-depth"), quantised),
            (request("compressed-depth", "32FC1"), quantised),
        ]

    @pytest.fixture
    def broken(self) -> list[Sample]:
        jpeg, png = encoded(".jpg", PHOTO), encoded(".png", DEEP)
        return [
            (request("jpeg"), None),
            (request("jpeg"), b""),
            (request("jpeg"), b"not a picture at all"),
            (request("jpeg"), jpeg[:-2]),
            (request("jpeg"), jpeg[:100]),
            (request("jpeg"), with_preview(jpeg)[:-2]),
            (request("png"), png[:-12]),
            (request("png"), png[: len(png) // 2]),
            (request("png"), png[:200] + bytes([png[200] ^ 1]) + png[201:]),
            (request("pgm"), encoded(".pgm", DEEP)[:100]),
            (request("compressed-depth"), b"\0" * 12 + b"RVL instead of a PNG"),
        ]


@given(share=st.floats(0, 0.999))
def test_a_jpeg_that_was_cut_anywhere_is_never_a_half_grey_picture(share: float) -> None:
    jpeg = with_preview(encoded(".jpg", PHOTO))
    with pytest.raises(ReadError):
        DECODER.decode(request(), jpeg[: int(len(jpeg) * share)])


def test_colour_comes_as_rgb() -> None:
    red = np.zeros((8, 8, 3), np.uint8)
    red[:, :, 0] = 250
    for codec, ending in (("png", ".png"), ("bmp", ".bmp"), ("ppm", ".ppm")):
        assert DECODER.decode(request(codec), encoded(ending, red))[4, 4].tolist() == [250, 0, 0]


def test_counts_of_16_bits_come_as_recorded() -> None:
    for codec, ending in (("png", ".png"), ("pgm", ".pgm"), ("tiff", ".tiff")):
        assert np.array_equal(DECODER.decode(request(codec), encoded(ending, DEEP)), DEEP)


def test_a_picture_lies_as_it_was_stored_whatever_its_exif_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned by 90 degrees
    Image.fromarray(PHOTO).save(tmp_path / "turned.jpg", exif=exif)
    payload = (tmp_path / "turned.jpg").read_bytes()
    assert DECODER.decode(request(), payload).shape == PHOTO.shape
    assert DECODER.decode_grey(request(), payload, 40).shape == (30, 40)


def test_opacity_is_left_out() -> None:
    with_opacity = np.dstack([PHOTO[:, :, ::-1], np.full(PHOTO.shape[:2], 9, np.uint8)])
    payload = cv2.imencode(".png", with_opacity)[1].tobytes()
    assert np.array_equal(DECODER.decode(request("png"), payload), PHOTO)


def test_compressed_depth_in_metres_follows_its_quantiser() -> None:
    # depth = a / (stored - b), and 0 stands for nothing: compressed_depth_image_transport
    stored = np.array([[0, 100, 400]], np.uint16)
    payload = struct.pack("<iff", 0, 500.0, -100.0) + encoded(".png", stored)
    metres = DECODER.decode(request("compressed-depth", "32FC1; compressedDepth"), payload)
    assert np.isnan(metres[0, 0])
    assert metres[0, 1:].tolist() == [2.5, 1.0]


@pytest.mark.parametrize(("width", "height"), [(640, 480), (1280, 720), (752, 480), (33, 3000), (5, 7)])
def test_the_size_of_a_jpeg_is_read_from_its_head(width: int, height: int) -> None:
    jpeg = encoded(".jpg", np.zeros((height, width, 3), np.uint8))
    for whole in (jpeg, with_preview(jpeg)):
        head = head_of(whole)
        assert head is not None
        assert (head.width, head.height, head.channels, head.bits) == (width, height, 3, 8)
    assert head_of(jpeg[:20]) is None
    assert jpeg_is_whole(jpeg)


@pytest.mark.parametrize(
    ("kind", "mode", "channels", "bits"),
    [
        *(("png", mode, channels, 8) for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 3), ("LA", 1))),
        *(("jpeg", mode, channels, 8) for mode, channels in (("L", 1), ("RGB", 3), ("CMYK", 4))),
        *(("tiff", mode, channels, 8) for mode, channels in (("L", 1), ("RGB", 3), ("RGBA", 3), ("CMYK", 4))),
        *((kind, "I;16", 1, 16) for kind in ("png", "tiff", "ppm")),
        *(("ppm", mode, channels, 8) for mode, channels in (("L", 1), ("RGB", 3))),
        *((kind, "RGB", 3, 8) for kind in ("bmp", "webp")),
    ],
)
def test_the_head_says_what_pillow_wrote(kind: str, mode: str, channels: int, bits: int) -> None:
    file = io.BytesIO()
    Image.new(mode, (123, 45)).save(file, kind)
    assert head_of(file.getvalue()) == Head(width=123, height=45, channels=channels, bits=bits)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["jpeg", "tiff"])
def test_a_turn_by_exif_is_told_and_not_applied(kind: str, orientation: int) -> None:
    file = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(PHOTO).save(file, kind, exif=exif)
    small = DECODER.decode_small(request(kind), file.getvalue(), 512)
    assert (small.orientation, small.width, small.height) == (orientation, 80, 60)
    assert np.abs(small.pixels.astype(int) - PHOTO).mean() < 9


@pytest.mark.parametrize(
    ("payload", "fault"),
    [
        (b"", "empty"),
        (b"no picture at all", "no-picture"),
        (encoded(".jpg", np.zeros((90, 90, 3), np.uint8))[:-30], "cut"),
        (encoded(".png", np.zeros((90, 90, 3), np.uint8))[:-12], "cut"),
        (b"P5 70000 70000 255\n" + bytes(99), "too-large"),
        (PNG + b"\0\0\0\rIHDR" + struct.pack(">IIBBB", 60000, 60000, 8, 2, 0) + b"\0\0IEND", "too-large"),
        (b"BM" + bytes(16) + struct.pack("<iiHH", 50000, -50000, 1, 24) + bytes(99), "too-large"),
    ],
)  # fmt: skip
def test_a_fault_is_named_before_anything_is_decoded(payload: bytes, fault: str) -> None:
    for decode in (
        lambda: DECODER.decode(request(), payload),
        lambda: DECODER.decode_small(request(), payload, 512),
    ):
        with pytest.raises(ReadError) as caught:
            decode()
        assert caught.value.facts["fault"] == fault


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_small_picture_has_the_colours_of_the_whole(mode: str) -> None:
    file = io.BytesIO()
    Image.new("RGB", (1920, 1080), (200, 90, 30)).convert(mode).save(file, "jpeg")
    small = DECODER.decode_small(request(), file.getvalue(), 512)
    assert small.channels == {"L": 1, "RGB": 3, "CMYK": 4}[mode]
    assert (small.width, small.height, small.counts) == (1920, 1080, None)
    assert small.pixels.shape[:2] == (270, 480)
    whole = DECODER.decode(request(), file.getvalue())
    assert np.abs(small.pixels[9, 9].astype(int) - whole[9, 9]).max() <= 3


@pytest.mark.parametrize(("long_side", "wished", "given"), [(1280, 512, 512), (960, 512, 480), (4000, 480, 480)])
def test_a_reduced_picture_looks_like_the_whole_one_shrunk(long_side: int, wished: int, given: int) -> None:
    rows = np.linspace(0, 255, long_side, dtype=np.uint8)
    whole = np.repeat(rows[None, :, None], 64, 0).repeat(3, 2)
    small = DECODER.decode_grey(request(), encoded(".jpg", whole), wished)
    assert max(small.shape) == given
    expected = cv2.resize(whole[:, :, 0], small.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - expected).max() <= 3


def test_real_depth_is_in_counts_of_a_fifth_of_a_millimetre(shared_data: Path) -> None:
    paths = sorted((shared_data / "rgbd" / "tum_fr1_rpy" / "depth").glob("*.png"))
    depth = [DECODER.decode(request("png"), path.read_bytes()) for path in paths]
    assert {(picture.shape, picture.dtype) for picture in depth} == {((480, 640), np.dtype(np.uint16))}
    assert len(depth) == 20
    first = depth[0]
    assert np.median(first[first > 0]) / 5000 == pytest.approx(1.397, abs=0.0005)
    assert (first == 0).mean() == pytest.approx(0.209, abs=0.0005)


def test_pgm_and_png_depth_of_the_slambook_are_16_bits_deep(shared_data: Path) -> None:
    for name in ("slambook_pgm/depth/1.pgm", "slambook2_rgbd/depth/1.png"):
        picture = DECODER.decode(request("pgm"), (shared_data / "rgbd" / name).read_bytes())
        assert picture.dtype == np.uint16
        assert picture.shape == (480, 640)
        assert picture.max() > 1000


def test_the_registry_gives_this_decoder() -> None:
    assert registry.load("decoders", "image") is DECODER
