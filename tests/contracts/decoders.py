"""What every decoder must do. Subclass it, and give samples."""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import pytest

from rushes import registry
from rushes.contracts import Decoder
from rushes.errors import ReadError
from rushes.model import FrameRequest

Sample = tuple[FrameRequest, bytes | None]


class DecoderContract:
    """Inherit, set ``name``, and override ``samples`` and ``broken``."""

    name: ClassVar[str]

    @pytest.fixture
    def decoder(self) -> Decoder:
        return registry.load("decoders", self.name)

    @pytest.fixture
    def samples(self) -> Sequence[Sample]:
        """Give some frames that decode."""
        raise NotImplementedError

    @pytest.fixture
    def broken(self) -> Sequence[Sample]:
        """Give some frames that do not."""
        raise NotImplementedError

    def test_it_goes_by_its_module_and_names_its_codecs(self, decoder: Decoder) -> None:
        assert decoder.name == self.name
        assert decoder.codecs

    def test_no_other_decoder_has_one_of_its_codecs(self, decoder: Decoder) -> None:
        others = [d for name, d in registry.load_all("decoders").items() if name != self.name]
        assert [codec for other in others for codec in other.codecs & decoder.codecs] == []

    def test_colour_is_three_channels_of_8_bits_and_all_else_is_one(
        self, decoder: Decoder, samples: Sequence[Sample]
    ) -> None:
        for request, payload in samples:
            picture = decoder.decode(request, payload)
            assert _is_picture(picture), (request, picture.shape, picture.dtype)
            if request.width and request.height:
                assert picture.shape[:2] == (request.height, request.width)

    def test_the_same_bytes_give_the_same_picture_whether_bytes_or_a_view(
        self, decoder: Decoder, samples: Sequence[Sample]
    ) -> None:
        for request, payload in samples:
            view = None if payload is None else memoryview(payload)
            assert np.array_equal(decoder.decode(request, payload), decoder.decode(request, view), equal_nan=True)

    def test_a_decoded_picture_can_be_written_to(self, decoder: Decoder, samples: Sequence[Sample]) -> None:
        for request, payload in samples:
            assert decoder.decode(request, payload).flags.writeable

    @pytest.mark.parametrize("long_side_px", [16, 50, 4096])
    def test_a_grey_picture_is_8_bits_deep_and_as_long_as_wished_or_as_it_was(
        self, decoder: Decoder, samples: Sequence[Sample], long_side_px: int
    ) -> None:
        for request, payload in samples:
            whole = decoder.decode(request, payload)
            grey = decoder.decode_grey(request, payload, long_side_px)
            assert grey.dtype == np.uint8
            assert grey.ndim == 2
            long_side = max(whole.shape[:2])
            if long_side <= long_side_px:
                assert grey.shape == whole.shape[:2]
            else:
                assert 0.9 * long_side_px - 1 <= max(grey.shape) <= long_side_px

    def test_a_small_picture_looks_like_the_whole_one_and_says_its_size(
        self, decoder: Decoder, samples: Sequence[Sample]
    ) -> None:
        for request, payload in samples:
            whole = decoder.decode(request, payload)
            small = decoder.decode_small(request, payload, 64)
            assert small.pixels.dtype == np.uint8
            assert (small.width, small.height) == (whole.shape[1], whole.shape[0])
            assert max(small.pixels.shape[:2]) <= 64 or max(small.pixels.shape[:2]) == max(whole.shape[:2])
            if whole.dtype == np.uint8:
                assert small.counts is None
                means = [picture.mean((0, 1)) for picture in (small.pixels, whole)]
                assert np.abs(means[0] - means[1]).max() < 8, (request, means)
            else:
                assert small.counts is not None
                assert np.array_equal(small.counts, whole, equal_nan=True)

    def test_what_cannot_be_decoded_is_a_read_error_with_its_file(
        self, decoder: Decoder, broken: Sequence[Sample]
    ) -> None:
        for request, payload in broken:
            for decode in (
                decoder.decode,
                lambda r, p: decoder.decode_grey(r, p, 32),
                lambda r, p: decoder.decode_small(r, p, 32),
            ):
                with pytest.raises(ReadError) as error:
                    decode(request, payload)
                assert error.value.code in {"read.undecodable", "read.absent-file"}
                assert str(request.location.path) in error.value.message
                assert error.value.hint


def _is_picture(picture: npt.NDArray[Any]) -> bool:
    if picture.ndim == 3:
        return picture.shape[2] == 3 and picture.dtype == np.uint8
    return picture.ndim == 2 and picture.dtype in (np.uint8, np.uint16, np.float32)
