"""Segments and tracks: a frame of the clip is a sample of the stream, both ways, for any rate."""

from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import ontology, registry
from rushes.annotate.label_studio import results, template, writing
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import Origin
from rushes.labels import Label, Track, TrackKey
from rushes.workflow._annotate.deriving import StreamFacts, timed

HANDS = ontology.load("hands")
MADE_OF = template.build("gesture", HANDS)


def clip(index=10, index_end=110, width=641, height=480):
    return Passport(
        recording_id="r1",
        stream="/cam",
        index=index,
        t_ns=5,
        width_px=width,
        height_px=height,
        index_end=index_end,
        rate_hz=30,
    )


def read(entries, passport):
    return results.read(entries, MADE_OF, {"video": passport}, HANDS, Origin(scope="1/2"))


def segment(start, end, name="wave"):
    value = {"ranges": [{"start": start, "end": end}], "timelinelabels": [name]}
    return {"id": "s", "from_name": "segment", "to_name": "video", "type": "timelinelabels", "value": value}


def test_frames_count_from_one_and_both_ends_belong() -> None:
    (whole,) = read([segment(1, 100)], clip()).labels
    assert (whole.kind, whole.class_name, whole.index, whole.index_end) == ("segment", "wave", 10, 110)
    (one,) = read([segment(7, 7)], clip()).labels
    assert (one.index, one.index_end) == (16, 17)


@given(st.integers(0, 10_000), st.integers(1, 5000), st.data())
def test_a_segment_goes_out_and_comes_back_as_the_same_samples(index, count, data) -> None:
    passport = clip(index, index + count)
    first = data.draw(st.integers(index, index + count - 1))
    end = data.draw(st.integers(first + 1, index + count))
    label = Label(
        label_id="l",
        recording_id="r1",
        kind="segment",
        source="model",
        class_name="point",
        stream="/cam",
        index=first,
        index_end=end,
    )
    written = writing.write([label], MADE_OF, {"video": passport}, HANDS)
    assert written.refused == []
    (back,) = read(written.results, passport).labels
    assert (back.class_name, back.index, back.index_end) == ("point", first, end)


def test_a_range_outside_the_clip_is_told_and_one_over_its_end_is_cut() -> None:
    found = read([segment(101, 120)], clip())
    assert (found.labels, [problem.kind for problem in found.problems]) == ([], ["unreadable"])
    (cut,) = read([segment(95, 120)], clip()).labels
    assert (cut.index, cut.index_end) == (104, 110)


def drawn(*keys):
    sequence = [
        {"frame": f, "enabled": on, "rotation": 0, "x": 10.0, "y": 20.0, "width": 5.0, "height": 5.0, "time": 0}
        for f, on in keys
    ]
    shared = {"id": "t", "to_name": "video"}
    return [
        {**shared, "from_name": "track", "type": "videorectangle", "value": {"sequence": sequence}},
        {**shared, "from_name": "track_class", "type": "labels", "value": {"labels": ["cup"]}},
    ]


def test_a_track_that_is_switched_off_is_seen_on_that_frame_and_not_after() -> None:
    (track,) = read(drawn((1, True), (20, False), (50, True)), clip()).labels
    shown = [(key.index, key.shown) for key in track.geometry.keys]
    assert shown == [(10, True), (29, True), (30, False), (59, True)]
    assert (track.class_name, track.index, track.index_end) == ("cup", 10, 110)
    # The clip is shown one pixel wider than the stored picture, because its width is odd.
    assert track.geometry.keys[0].x_px == 10.0 * 642 / 100


@given(
    st.lists(st.integers(10, 109), min_size=1, max_size=8, unique=True),
    st.lists(st.floats(0, 600), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=8, max_size=8),
)
def test_a_track_goes_out_and_comes_back(places, numbers, offs) -> None:
    x, y, w, h = numbers
    keys = []
    for place, off in zip(sorted(places), offs, strict=False):
        if keys and keys[-1].index >= place:
            continue
        keys.append(TrackKey(index=place, x_px=x, y_px=y, width_px=w, height_px=h))
        if off and place < 109:
            keys.append(replace(keys[-1], index=place + 1, shown=False))
    label = Label(
        label_id="l",
        recording_id="r1",
        kind="track",
        source="model",
        class_name="cup",
        stream="/cam",
        index=keys[0].index,
        index_end=110,
        geometry=Track(keys=tuple(keys)),
    )
    written = writing.write([label], MADE_OF, {"video": clip()}, HANDS)
    (back,) = read(written.results, clip()).labels
    assert [(key.index, key.shown) for key in back.geometry.keys] == [(key.index, key.shown) for key in keys]
    for name in ("x_px", "y_px", "width_px", "height_px"):
        wanted = [getattr(key, name) for key in keys]
        assert [getattr(key, name) for key in back.geometry.keys] == pytest.approx(wanted, abs=1e-9)


def test_a_span_has_the_times_of_its_samples_and_ends_where_the_next_begins() -> None:
    times = np.array([0, 10, 20, 55, 60], np.int64)
    label = Label(
        label_id="l", recording_id="r", kind="segment", source="human", stream="/c", index=1, index_end=3
    )
    facts = StreamFacts(times_of=lambda *_: times, axis_of=lambda _: None)
    assert (timed(label, facts).t_start_ns, timed(label, facts).t_end_ns) == (10, 55)
    assert timed(replace(label, index_end=5), facts).t_end_ns == 70


@pytest.mark.parametrize("size", [(48, 64), (47, 63)])
def test_frame_k_of_the_proxy_shows_picture_k(tmp_path, size) -> None:
    proxy = registry.late("rushes.decoders._proxy")
    pictures = [np.full((*size, 3), 10 + 6 * at, np.uint8) for at in range(40)]
    path = tmp_path / "proxy.mp4"
    assert proxy.write_proxy(path, pictures, rate_hz=25, modality="color") == 40
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert [s.shape[0] % 2 + s.shape[1] % 2 for s in shown] == [0] * 40
    assert [round((float(s.mean()) - 10) / 6) for s in shown] == list(range(40))
