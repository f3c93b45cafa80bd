"""What packets of video say of themselves, held against what their encoders were told."""

from fractions import Fraction
from functools import cache

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import packet_recordings as make
from rushes.packets import CODECS, annex_b, facts_of, parameters_of, self_contained
from rushes.readers._messages.packet_rows import PacketRows

CODEC = st.sampled_from(["h264", "h265", "vp9", "av1"])


@cache
def encoded(codec: str, width: int, height: int, form: str, options: str = "") -> bytes:
    """Encode one picture."""
    encoder = av.CodecContext.create(make.ENCODERS[codec], "w")
    encoder.width, encoder.height, encoder.pix_fmt = width, height, form
    encoder.time_base, encoder.framerate = Fraction(1, 30), 30
    name = {"h264": "x264-params", "h265": "x265-params"}.get(codec)
    encoder.options = {name: f"log-level=none{options}"} if name else {}
    frame = av.VideoFrame.from_ndarray(make.scene(1, width=width, height=height), format="rgb24")
    frame.pts = 0
    return bytes((encoder.encode(frame) + encoder.encode(None))[0])


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
@pytest.mark.parametrize("size", [(160, 90), (162, 94), (1280, 720), (1920, 1080)])
def test_the_size_is_that_of_the_picture(codec, size):
    known = parameters_of(encoded(codec, *size, "yuv420p"), codec)
    assert known is not None
    assert (known.width, known.height) == size


@pytest.mark.parametrize(
    ("codec", "form", "options"),
    [
        ("h264", "yuv444p", ""),
        ("h264", "yuv422p", ""),
        ("h264", "yuv420p", ":cqm=jvt"),
        ("h264", "yuv420p10le", ""),
        ("h265", "yuv444p", ""),
        ("h265", "yuv422p", ""),
        ("h265", "yuv420p10le", ""),
        ("vp9", "yuv444p", ""),
        ("av1", "yuv420p10le", ""),
    ],
)
def test_the_size_is_read_in_every_form(codec, form, options):
    known = parameters_of(encoded(codec, 162, 94, form, options), codec)
    assert known is not None
    assert (known.width, known.height) == (162, 94)


@pytest.mark.parametrize("codec", ["h264", "h265", "vp9", "av1"])
def test_key_frames_are_where_the_encoder_was_told_to_put_them(codec):
    sent, _ = make.packets(codec)
    found = [facts_of(data, codec) for data in sent]
    assert all(facts is not None and facts.picture for facts in found)
    assert [place for place, facts in enumerate(found) if facts.fresh] == list(range(0, 40, make.GOP))
    assert [place for place, facts in enumerate(found) if facts.parameters] == list(range(0, 40, make.GOP))


def test_a_key_frame_of_h265_that_others_may_be_shown_before_is_no_fresh_start():
    sent, _ = make.packets("h265", b_frames=3)
    assert [place for place, data in enumerate(sent) if facts_of(data, "h265").fresh] == [0]


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_the_codec_of_a_packet_that_decodes_by_itself_is_told(codec):
    sent, _ = make.packets(codec)
    assert [self_contained(data) for data in sent[:13]] == [codec, *[None] * 11, codec]


@given(st.sampled_from(CODECS), st.binary(max_size=200))
def test_any_bytes_are_answered(codec, data):
    facts_of(data, codec)
    parameters_of(data, codec)
    annex_b(data)


@given(
    CODEC,
    st.lists(st.tuples(st.sampled_from(["as it is", "cut", "empty", "noise"]), st.integers(0, 39)), max_size=30),
)
def test_rows_say_the_same_whether_many_packets_are_looked_at_at_once_or_each_by_itself(codec, chosen):
    sent, _ = make.packets(codec)
    change = {"as it is": lambda d: d, "cut": lambda d: d[:30], "empty": lambda d: b"", "noise": lambda d: d[7:]}
    held = [change[how](sent[place]) for how, place in chosen]
    length = np.array([len(data) for data in held], np.int64)
    first = np.cumsum(length) - length
    buffer = np.frombuffer(b"".join(held), np.uint8)

    together, apart = PacketRows(codec).columns(buffer, first, length), PacketRows(codec).columns_of(held)

    for name in ("keyframe", "flags", "width", "height"):
        assert np.ma.filled(together[name], -1).tolist() == np.ma.filled(apart[name], -1).tolist()
