"""Masks are COCO's, bit for bit and letter for letter; pycocotools is the judge."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from pycocotools import mask as judge

from rushes import masks
from rushes.labels import Mask, Polygon

BITS = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=40))


@given(BITS)
def test_pixels_come_back_and_the_text_is_that_of_coco(bits):
    mask = masks.encode(bits)
    truth = judge.encode(np.asfortranarray(bits.astype(np.uint8)))
    assert mask.counts == truth["counts"].decode()
    assert [mask.height_px, mask.width_px] == list(truth["size"])
    assert np.array_equal(masks.decode(mask), bits)
    assert masks.area_px(mask) == bits.sum()


def test_long_runs_are_written_as_coco_does():
    bits = np.zeros((2000, 3000), np.bool_)
    bits[100:1900, 5:2990] = True
    bits[700:900, 400:410] = False
    mask = masks.encode(bits)
    assert mask.counts == judge.encode(np.asfortranarray(bits.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(masks.decode(mask), bits)


COORDINATE = st.floats(-8, 45, allow_nan=False).map(lambda x: round(x, 3))


@given(st.lists(st.lists(st.tuples(COORDINATE, COORDINATE), min_size=3, max_size=9), min_size=1, max_size=3))
def test_polygons_are_filled_as_coco_does(rings):
    polygon = Polygon(rings=tuple(tuple(x for point in ring for x in point) for ring in rings))
    truth = judge.merge(judge.frPyObjects([list(ring) for ring in polygon.rings], 29, 37))
    filled = masks.filled(polygon, width_px=37, height_px=29)
    assert np.array_equal(
        masks.decode(filled), masks.decode(Mask(width_px=37, height_px=29, counts=truth["counts"].decode()))
    )


def test_a_box_on_whole_pixels_fills_exactly_its_pixels():
    filled = masks.decode(masks.filled(Polygon(rings=((2, 1, 6, 1, 6, 4, 2, 4),)), width_px=9, height_px=7))
    wanted = np.zeros((7, 9), np.bool_)
    wanted[1:4, 2:6] = True
    assert np.array_equal(filled, wanted)
    assert masks.bounds(masks.encode(wanted)) == (2.0, 1.0, 6.0, 4.0)


@given(arrays(np.bool_, (4, 11, 13)))
def test_shared_pixels_are_counted(bits):
    coded = [masks.encode(one) for one in bits]
    shared = masks.intersections(coded[:2], coded[2:])
    assert shared.tolist() == [[float((a & b).sum()) for b in bits[2:]] for a in bits[:2]]


@pytest.mark.parametrize("counts", ["P", "\x7f", "ab", "§"])
def test_text_that_is_no_mask_is_refused(counts):
    with pytest.raises(ValueError, match=r"runs"):
        masks.decode(Mask(width_px=4, height_px=4, counts=counts))


@given(BITS)
def test_the_outlines_of_a_mask_fill_to_it_again_where_it_has_no_hole(bits):
    rings, holes = masks.outlines(masks.encode(bits))
    height, width = bits.shape
    filled = masks.decode(masks.filled(Polygon(rings=tuple(rings)), width_px=width, height_px=height))
    if holes == 0:
        assert np.array_equal(filled, bits)
    else:
        assert (filled >= bits).all()
        assert (filled > bits).any()


def test_a_ring_has_one_hole_and_a_chessboard_as_many_parts_as_pixels():
    ring = np.ones((5, 5), np.bool_)
    ring[2, 2] = False
    assert masks.outlines(masks.encode(ring)) == ([(0.0, 0.0, 5.0, 0.0, 5.0, 5.0, 0.0, 5.0)], 1)
    board = (np.indices((4, 4)).sum(axis=0) % 2).astype(np.bool_)
    rings, holes = masks.outlines(masks.encode(board))
    assert (len(rings), holes) == (8, 0)
