"""Raw pixels in the formats of cameras and ROS."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.decoders import DecoderContract, Sample
from rushes.decoders import raw
from rushes.errors import ReadError
from rushes.model import FrameRequest, Location

DECODER = raw.PLUGIN
WIDTH, HEIGHT = 24, 16
RGB = np.random.default_rng(5).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def request(
    pixel_format: str | None, *, width: int = WIDTH, height: int = HEIGHT, stride: int | None = None
) -> FrameRequest:
    location = Location(path=Path("some.bag"), container="bag")
    return FrameRequest(
        location=location, codec="raw", pixel_format=pixel_format, width=width, height=height, stride=stride
    )


class TestContract(DecoderContract):
    name = "raw"

    @pytest.fixture
    def samples(self) -> list[Sample]:
        size = WIDTH * HEIGHT
        names = [*raw._PACKED, *(f"{name}{bits}" for name in raw._BAYER for bits in (8, 16)), *raw._YUV422]
        width = {"u1": 1, "u2": 2, "i2": 2, "f4": 4, "f8": 8}
        each = {n: width[kind] * channels for n, (kind, channels, _) in raw._PACKED.items()}
        each |= {f"{n}{bits}": bits // 8 for n in raw._BAYER for bits in (8, 16)} | dict.fromkeys(raw._YUV422, 2)
        return [
            *((request(name), bytes(range(1, 97)) * (size * each[name] // 96)) for name in names),
            *((request(name), RGB.tobytes()[: size * 3 // 2]) for name in raw._YUV420),
        ]

    @pytest.fixture
    def broken(self) -> list[Sample]:
        return [
            (request("rgb8"), None),
            (request("rgb8"), RGB.tobytes()[:-1]),
            (request("rgb8", stride=WIDTH), RGB.tobytes()),
            (request("rgb9"), RGB.tobytes()),
            (request(None), RGB.tobytes()),
            (request("rgb8", width=0), RGB.tobytes()),
            (request("nv12", width=3, height=3), RGB.tobytes()),
            (request("bayer_rggb9"), RGB.tobytes()),
            (request("bayer_abcd10"), RGB.tobytes()),
            (request("rgb10p"), RGB.tobytes()),
            (request("y12p"), RGB.tobytes()),
            (request("y10p"), RGB.tobytes()[: WIDTH * HEIGHT * 5 // 4 - 1]),
        ]


@given(padding=st.integers(0, 9), last_row_padded=st.booleans())
def test_padding_of_rows_is_left_out(padding: int, last_row_padded: bool) -> None:
    stride = WIDTH * 3 + padding
    padded = np.full((HEIGHT, stride), 77, np.uint8)
    padded[:, : WIDTH * 3] = RGB.reshape(HEIGHT, -1)
    payload = padded.tobytes() if last_row_padded else padded.tobytes()[: stride * HEIGHT - padding]
    assert np.array_equal(DECODER.decode(request("rgb8", stride=stride), payload), RGB)


def test_the_stride_is_reckoned_from_the_bytes_where_it_is_not_given() -> None:
    padded = np.zeros((HEIGHT, WIDTH * 3 + 8), np.uint8)
    padded[:, : WIDTH * 3] = RGB.reshape(HEIGHT, -1)
    assert np.array_equal(DECODER.decode(request("rgb8"), padded.tobytes()), RGB)


def test_the_orders_of_colour_all_come_as_rgb() -> None:
    opaque = np.full((HEIGHT, WIDTH, 1), 200, np.uint8)
    bgr = RGB[:, :, ::-1]
    layouts = {
        "rgb8": RGB,
        "bgr8": bgr,
        "8UC3": bgr,
        "rgba8": np.dstack([RGB, opaque]),
        "bgra8": np.dstack([bgr, opaque]),
        "rgb16": RGB.astype(np.uint16) * 256 + 99,
    }
    for name, pixels in layouts.items():
        decoded = DECODER.decode(request(name), np.ascontiguousarray(pixels).tobytes())
        assert np.array_equal(decoded, RGB), name


@pytest.mark.parametrize(
    ("pattern", "red"), [("rggb", (0, 0)), ("grbg", (0, 1)), ("gbrg", (1, 0)), ("bggr", (1, 1))]
)
@pytest.mark.parametrize("bits", [8, 16])
def test_a_mosaic_that_only_red_light_met_becomes_red(pattern: str, red: tuple[int, int], bits: int) -> None:
    mosaic = np.zeros((HEIGHT, WIDTH), np.uint8 if bits == 8 else np.uint16)
    mosaic[red[0] :: 2, red[1] :: 2] = 200 if bits == 8 else 200 * 256
    decoded = DECODER.decode(request(f"bayer_{pattern}{bits}"), mosaic.tobytes())
    assert decoded[8, 8].tolist() == [200, 0, 0]


def test_counts_keep_their_values_in_either_byte_order() -> None:
    counts = np.arange(WIDTH * HEIGHT, dtype=np.uint16).reshape(HEIGHT, WIDTH) * 101
    metres = np.linspace(0, 9, WIDTH * HEIGHT, dtype=np.float32).reshape(HEIGHT, WIDTH)
    for name, values in (("16UC1", counts), ("mono16", counts), ("32FC1", metres)):
        for suffix, order in (("", "<"), ("_be", ">")):
            payload = values.astype(values.dtype.newbyteorder(order)).tobytes()
            decoded = DECODER.decode(request(name + suffix), payload)
            assert np.array_equal(decoded, values)
            assert decoded.dtype == values.dtype


def test_yuv_comes_back_as_the_grey_it_was_made_from() -> None:
    # Neutral chroma; luma 16 is black and 235 white (BT.601).
    luma = np.where(np.arange(WIDTH) < WIDTH // 2, 16, 235).astype(np.uint8)
    rows = np.tile(luma, (HEIGHT, 1))
    neutral = np.full_like(rows, 128)
    layouts = {
        "yuyv": np.dstack([rows, neutral]),
        "yuv422_yuy2": np.dstack([rows, neutral]),
        "uyvy": np.dstack([neutral, rows]),
        "yuv422": np.dstack([neutral, rows]),
        "nv12": np.vstack([rows, neutral[: HEIGHT // 2]]),
        "i420": np.vstack([rows, neutral[: HEIGHT // 2]]),
    }
    for name, pixels in layouts.items():
        decoded = DECODER.decode(request(name), np.ascontiguousarray(pixels).tobytes())
        assert decoded[:, 0].max() <= 1, name
        assert decoded[:, -1].min() >= 254, name


def test_grey_depth_is_brightest_at_the_99th_percentile_and_keeps_nothing_black() -> None:
    depth = np.zeros((10, 100), np.uint16)
    depth[1:] = np.arange(1, 901).reshape(9, 100)
    grey = DECODER.decode_grey(request("16UC1", width=100, height=10), depth.tobytes(), 100)
    assert grey[0].max() == 0
    assert grey.max() == 255
    assert grey[1, 0] <= 1
    assert np.array_equal(np.sort(grey.ravel()), grey.ravel())


def test_an_unknown_format_is_named_in_the_error() -> None:
    with pytest.raises(ReadError, match="'rgb9' is not known"):
        DECODER.decode(request("rgb9"), RGB.tobytes())


def test_a_decoded_picture_does_not_hang_on_its_payload() -> None:
    payload = bytearray(RGB.tobytes())
    decoded = DECODER.decode(request("rgb8"), memoryview(payload))
    payload[:] = bytes(len(payload))
    assert np.array_equal(decoded, RGB)


def test_opencv_names_mosaics_otherwise_than_ros_and_the_table_is_right() -> None:
    assert raw._BAYER["bayer_rggb"] == cv2.COLOR_BayerBG2RGB


@given(st.integers(1, 13), st.integers(1, 5), st.integers(0, 6), st.booleans(), st.randoms(use_true_random=False))
def test_four_samples_of_ten_bits_in_five_bytes_come_back(
    width: int, height: int, padding: int, mipi: bool, random
) -> None:
    counts = np.array([[random.randrange(1024) for _ in range(width)] for _ in range(height)], np.uint16)
    used = -(-width * 10 // 8)
    data = bytearray()
    for row in counts.tolist():
        packed = bytearray()
        for four in (row[i : i + 4] + [0] * (4 - len(row[i : i + 4])) for i in range(0, width, 4)):
            if mipi:
                packed += bytes(count >> 2 for count in four)
                packed.append(sum((count & 3) << 2 * place for place, count in enumerate(four)))
            else:
                packed += sum(count << 10 * place for place, count in enumerate(four)).to_bytes(5, "little")
        if mipi:  # the fifth byte must be there
            used = len(packed)
        data += packed[:used] + bytes(padding)

    name = "y10p" if mipi else "y10l"
    found = DECODER.decode(request(name, width=width, height=height, stride=used + padding), bytes(data))

    assert found.dtype == np.uint16
    np.testing.assert_array_equal(found, counts)
