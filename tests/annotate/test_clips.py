"""Segments and tracks: a frame of the clip is a sample of the stream, both ways, for any rate."""

from dataclasses import replace

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from label_studio_sdk._extensions.label_studio_tools.postprocessing.video import extract_key_frames

from rushes import ontology, registry
from rushes.annotate.label_studio import clips, results, template, writing
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.results import Origin
from rushes.annotate.tracks import box_at, boxes_of
from rushes.labels import Label, RotatedBox, Track, TrackKey
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


def held_clip(holds=((12, 3), (20, 1), (21, 5)), index=10, index_end=40):
    return replace(clip(index, index_end), holds=holds)


@given(st.integers(1, 39), st.integers(0, 38))
def test_a_range_that_starts_or_ends_in_a_held_picture_covers_its_sample(start, more) -> None:
    passport = held_clip()
    end = min(start + more, 39)
    (drawn,) = read([segment(start, end)], passport).labels
    samples = passport.frame_map.samples
    assert list(range(drawn.index, drawn.index_end)) == sorted(set(samples[start - 1 : end].tolist()))


@given(st.integers(10, 39), st.integers(1, 30))
def test_a_segment_comes_back_through_held_pictures(first, count) -> None:
    end = min(first + count, 40)
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
    written = writing.write([label], MADE_OF, {"video": held_clip()}, HANDS)
    (back,) = read(written.results, held_clip()).labels
    assert (back.index, back.index_end) == (first, end)


def as_label_studio_draws(sequence, frame):
    """Where Label Studio's player puts the box on a frame, and whether it is seen; after its own source."""
    before = [key for key in sequence if key["frame"] <= frame]
    after = [key for key in sequence if key["frame"] > frame]
    if not before or (not before[-1].get("enabled", True) and before[-1]["frame"] != frame):
        return None
    one = before[-1]
    if one["frame"] == frame or not after:
        return one
    two, share = after[0], (frame - one["frame"]) / (after[0]["frame"] - one["frame"])
    turned = two["rotation"] - one["rotation"]
    while turned > 180:
        turned -= 360
    while turned <= -180:
        turned += 360
    found = {name: one[name] + (two[name] - one[name]) * share for name in ("x", "y", "width", "height")}
    return {**found, "rotation": one["rotation"] + turned * share}


@given(
    st.lists(
        st.tuples(
            st.integers(1, 39), st.booleans(), st.floats(0, 90), st.sampled_from([0, 0, 30, 170, -170, 350])
        ),
        min_size=1,
        max_size=7,
        unique_by=lambda key: key[0],
    ),
    st.sampled_from([(), ((12, 3),), ((12, 3), (20, 1), (21, 5)), ((10, 9),), ((39, 9),)]),
)
def test_a_track_is_on_every_sample_where_the_player_showed_it(keys, holds) -> None:
    passport = held_clip(holds=holds)
    shown = passport.frame_map
    sequence = [
        {"frame": frame, "enabled": on, "x": x, "y": 1.0, "width": 5.0, "height": x / 9, "rotation": turn}
        for frame, on, x, turn in sorted(keys)
        if frame <= shown.frames
    ]
    if not sequence:
        return
    track = clips.track_of({"sequence": sequence}, passport)
    drawn_on = {shown.sample_at(key["frame"] - 1): key for key in sequence}
    end = 40 if track.keys[-1].shown else track.keys[-1].index
    for sample in range(10, 40):
        wanted = drawn_on.get(sample) or as_label_studio_draws(sequence, shown.first_frame(sample) + 1)
        box = box_at(track, sample, end=end)
        assert (box is None) == (wanted is None), sample
        if box is None or wanted is None:
            continue
        assert (box.x_px, box.height_px) == pytest.approx(
            (wanted["x"] * 642 / 100, wanted["height"] * 480 / 100), abs=1e-9
        )
        turn = box.rotation_deg if isinstance(box, RotatedBox) else 0.0
        assert (turn - wanted["rotation"] + 180) % 360 - 180 == pytest.approx(0, abs=1e-9)
    drawn = [key.index for key in track.keys if key.drawn and key.shown]
    assert set(drawn) == set(drawn_on)


def exported(sequence, frames):
    """The box on every frame as Label Studio's export with ``interpolate_key_frames`` has it, by its own code."""
    value = {"sequence": [{"time": key["frame"] / 30, **key} for key in sequence], "framesCount": frames}
    (result,) = extract_key_frames([{"type": "videorectangle", "value": value}])
    return {key["frame"]: key for key in result["value"]["sequence"]}


@given(
    st.lists(
        st.tuples(st.integers(1, 100), st.booleans(), st.floats(0, 90)),
        min_size=1,
        max_size=6,
        unique_by=lambda key: key[0],
    ),
)
def test_boxes_between_keys_are_those_of_label_studios_export(keys) -> None:
    sequence = [
        {"frame": frame, "enabled": on, "x": x, "y": 1.0, "width": 5.0, "height": x / 9, "rotation": 0}
        for frame, on, x in sorted(keys)
    ]
    theirs = exported(sequence, 100)
    track = clips.track_of({"sequence": sequence}, clip())
    end = 110 if track.keys[-1].shown else track.keys[-1].index
    ours = {index - 9: box for index, box in boxes_of(track, end=end)}
    assert set(ours) == set(theirs)
    for frame, box in ours.items():
        wanted = (theirs[frame]["x"] * 642 / 100, theirs[frame]["height"] * 480 / 100)
        assert (box.x_px, box.height_px) == pytest.approx(wanted, abs=1e-9)


def test_label_studios_export_turns_a_box_the_long_way_round_and_its_player_and_we_do_not() -> None:
    common = {"enabled": True, "x": 1.0, "y": 1.0, "width": 5.0, "height": 5.0}
    sequence = [{"frame": 1, "rotation": 350.0, **common}, {"frame": 3, "rotation": 10.0, **common}]
    assert exported(sequence, 3)[2]["rotation"] == 180
    assert as_label_studio_draws(sequence, 2)["rotation"] == 360
    assert box_at(clips.track_of({"sequence": sequence}, clip()), 11).rotation_deg == 360


@given(st.integers(0, 25), st.integers(26, 60), st.lists(st.integers(1, 59), max_size=4))
def test_a_track_over_several_clips_is_the_same_in_each(first, last, middle) -> None:
    places = sorted({first, last, *(at for at in middle if first < at < last)})
    keys = tuple(
        TrackKey(index=at, x_px=7.0 * at % 100, y_px=at, width_px=10, height_px=20, shown=n % 3 != 2 or n == 0)
        for n, at in enumerate(places)
    )
    track = Track(keys=keys)
    for start, end in ((0, 20), (20, 45), (45, 70)):
        passport = replace(clip(start, end, width=640), holds=((start + 3, 4),))
        sequence = clips.sequence_of(track, passport, end=last + 5)
        there = {sample: box_at(track, sample, end=last + 5) for sample in range(start, end)}
        assert bool(sequence) == any(there.values())
        if sequence:
            back = clips.track_of({"sequence": sequence}, passport)
            until = end if back.keys[-1].shown else back.keys[-1].index
            for sample, box in there.items():
                again = box_at(back, sample, end=until)
                assert (again is None) == (box is None), sample
                if box is not None:
                    assert (again.x_px, again.y_px) == pytest.approx((box.x_px, box.y_px), abs=2)


def test_a_span_has_the_times_of_its_samples_and_ends_where_the_next_begins() -> None:
    times = np.array([0, 10, 20, 55, 60], np.int64)
    label = Label(
        label_id="l", recording_id="r", kind="segment", source="human", stream="/c", index=1, index_end=3
    )
    facts = StreamFacts(times_of=lambda *_: times, axis_of=lambda _: None, difference=lambda _: "")
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
