"""The view in a real FiftyOne on a real MongoDB."""

from dataclasses import replace

import numpy as np
import pytest

from browse.labels_of_takes import labelled_rig
from browse.takes import clips, rig

pytestmark = pytest.mark.live


@pytest.fixture
def fo(database):
    yield database.fo
    database.fo.delete_datasets("*")


def documents(fo, name):
    """What is stored of each sample, without what differs from one load to the next."""
    stored = list(fo.load_dataset(name)._sample_collection.find())
    for document in stored:
        for key in ("_rand", "created_at", "last_modified_at", "_dataset_id", "_id"):
            assert document.pop(key) is not None
    return [comparable(document) for document in stored]


def comparable(value):
    """Let what is not a number equal itself."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    return "not a number" if value != value else value


def schema(dataset):
    """The declared fields as they are stored, without when."""

    def plain(field):
        kept = {k: v for k, v in field.items() if k not in ("_id", "created_at")}
        return {**kept, "fields": [plain(inner) for inner in field["fields"]]}

    return [plain(field) for field in dataset._doc.to_dict()["sample_fields"]]


@pytest.mark.parametrize("make", [rig, clips, labelled_rig])
def test_written_documents_equal_those_of_the_public_way(database, fo, monkeypatch, make):
    assert fo.__version__ == database.declare.RAW_RELEASE, (
        "hold both ways equal for the new release, then raise RAW_RELEASE"
    )
    assert database.load(make(name="raw")).written == len(make().samples)
    monkeypatch.setattr(database.declare, "RAW_RELEASE", "0.0.0")
    assert database.load(make(name="public")).written == len(make().samples)
    assert documents(fo, "raw") == documents(fo, "public")
    raw, public = (fo.load_dataset(name) for name in ("raw", "public"))
    assert schema(raw) == schema(public)
    indexes = raw._sample_collection.index_information()
    assert indexes == public._sample_collection.index_information()
    assert raw._doc.to_dict()["app_config"] == public._doc.to_dict()["app_config"]
    one, other = raw.first(), public.first()
    one["place"] = other["place"] = "kitchen"
    one.save()
    other.save()
    assert documents(fo, "raw") == documents(fo, "public")


def test_every_picture_is_a_sample_and_every_moment_a_group(database, fo):
    view = rig()
    loaded = database.load(view)
    assert (loaded.samples, loaded.groups, loaded.slices) == (70, 24, ("cam_left", "cam_right", "depth"))
    dataset = fo.load_dataset(view.name)
    assert dataset.media_type == "group"
    assert dataset.default_group_slice == "cam_left"
    group = dataset.get_group(dataset.first()["group"]["id"])
    assert set(group) == {"cam_left", "cam_right", "depth"}
    assert {s["moment"] for s in group.values()} == {0}
    right = group["cam_right"]
    assert (right["t_ns"], right["skew_ms"]) == (1_700_000_000_002_500_000, 2.5)
    assert (right["metadata"]["width"], right["metadata"]["height"]) == (320, 240)


def test_moments_without_a_picture_of_the_default_stream_are_groups_too(database):
    view = rig()
    keep = ~((view.samples.stream == 0) & (view.samples.moment == 3))
    columns = ("recording", "stream", "index", "moment", "t_ns", "skew_ns", "width", "height", "flags")
    samples = replace(
        view.samples,
        **{name: getattr(view.samples, name)[keep] for name in columns},
        finding_row=np.zeros(0, np.int64),
        finding_check=(),
    )
    loaded = database.load(replace(view, samples=samples))
    assert (loaded.samples, loaded.groups) == (68, 24)


def test_frames_without_moments_make_a_flat_dataset(database, fo):
    loaded = database.load(clips())
    assert (loaded.samples, loaded.groups, loaded.slices) == (5, 5, ())
    assert fo.load_dataset("clips").media_type == "image"


def test_an_unchanged_view_is_not_loaded_again(database, fo):
    database.load(rig())
    before = [s["last_modified_at"] for s in fo.load_dataset("kitchen rig").select_group_slices()]
    again = database.load(rig())
    assert (again.written, again.recordings, again.removed) == (0, (), ())
    assert again.samples == 70
    assert [s["last_modified_at"] for s in fo.load_dataset("kitchen rig").select_group_slices()] == before


def test_only_the_recording_that_changed_is_written_anew(database, fo):
    view = rig(recordings=3)
    database.load(view)
    recordings = [view.recordings[0], replace(view.recordings[1], part="val"), view.recordings[2]]
    again = database.load(replace(view, recordings=recordings))
    assert again.recordings == ("rec1",)
    assert (again.written, again.samples) == (35, 105)
    dataset = fo.load_dataset(view.name)
    assert set(dataset.distinct("split")) == {"train", "val"}
    assert "split: val" in dataset.list_saved_views()
    assert "split: test" not in dataset.list_saved_views()


def test_a_recording_that_left_the_view_leaves_the_app(database, fo):
    view = rig()
    database.load(view)
    keep = view.samples.recording == 0
    columns = ("recording", "stream", "index", "moment", "t_ns", "skew_ns", "width", "height", "flags")
    samples = replace(
        view.samples,
        **{name: getattr(view.samples, name)[keep] for name in columns},
        finding_row=np.zeros(0, np.int64),
        finding_check=(),
    )
    again = database.load(replace(view, recordings=view.recordings[:1], samples=samples))
    assert again.removed == ("rec1",)
    assert (again.samples, again.groups) == (35, 12)


def test_tags_that_a_person_gave_outlive_a_reload(database, fo):
    view = rig()
    database.load(view)
    sample = fo.load_dataset(view.name).match({"recording_id": "rec1"}).first()
    sample.tags.append("look at this")
    sample.save()
    recordings = [view.recordings[0], replace(view.recordings[1], part="val")]
    database.load(replace(view, recordings=recordings))
    again = fo.load_dataset(view.name)[sample.id]
    assert "look at this" in again.tags
    assert "val" in again.tags
    assert "test" not in again.tags


def test_a_load_that_was_interrupted_is_completed_by_the_next(database, fo, monkeypatch):
    view = rig(recordings=4)
    real, calls = database._raw_document, []

    def breaks(*args, **more):
        calls.append(1)
        if len(calls) > 50:
            raise KeyboardInterrupt
        return real(*args, **more)

    monkeypatch.setattr(database, "BATCH", 10)
    monkeypatch.setattr(database, "_raw_document", breaks)
    with pytest.raises(KeyboardInterrupt):
        database.load(view)
    monkeypatch.undo()
    assert fo.load_dataset(view.name)._sample_collection.count_documents({}) == 50
    assert database.load(view).samples == 140


def test_saved_views_show_the_parts_the_findings_and_the_flags(database, fo):
    database.load(rig())
    dataset = fo.load_dataset("kitchen rig")
    counts = {name: len(dataset.load_saved_view(name)) for name in dataset.list_saved_views()}
    assert counts == {
        "split: train": 12,
        "split: test": 12,
        "finding: image.blur": 6,
        "frames: repeated": 2,
        "every picture": 70,
    }


def test_a_view_that_a_person_saved_is_left_alone(database, fo):
    view = rig()
    database.load(view)
    dataset = fo.load_dataset(view.name)
    dataset.save_view("mine", dataset.limit(3))
    database.load(replace(view, recordings=[replace(r, task="stir") for r in view.recordings]))
    assert "mine" in fo.load_dataset(view.name).list_saved_views()


def test_a_cache_of_another_layout_is_filled_anew(database, fo, monkeypatch):
    database.load(rig())
    monkeypatch.setattr(database, "LAYOUT", 99)
    assert database.load(rig()).written == 70


def test_a_set_that_gains_a_second_stream_becomes_grouped(database, fo):
    database.load(clips(name="same"))
    assert database.load(rig(name="same")).slices
    assert fo.load_dataset("same").media_type == "group"


def test_the_sidebar_shows_every_field_once(database, fo):
    database.load(rig())
    dataset = fo.load_dataset("kitchen rig")
    shown = [path for group in dataset.app_config.sidebar_groups for path in group.paths]
    assert len(shown) == len(set(shown))
    defaults = [p for g in fo.DatasetAppConfig.default_sidebar_groups(dataset) for p in g.paths]
    assert set(defaults) == set(shown)


def test_the_main_stream_of_each_recording_plays_in_a_flat_set_that_nobody_edits(database, fo):
    view = labelled_rig()
    assert database.load(view).plays == "kitchen rig playback"
    flat = fo.load_dataset("kitchen rig playback")
    assert (flat.media_type, len(flat), flat.distinct("stream")) == ("image", 24, ["/cam_left"])
    groups = flat.load_saved_view("playback")
    assert len(groups) == 2
    (first, *_), *_ = [list(group) for group in groups.iter_dynamic_groups()]
    assert first["index"] == 0
    with pytest.raises(ValueError, match="read-only"):
        first["segments"] = []
    assert flat.app_config.dynamic_groups_target_frame_rate == 30
    assert flat.count("boxes.detections") == fo.load_dataset(view.name).count("boxes.detections")
    again = database.load(replace(view, recordings=view.recordings[:1], **only_the_first(view)))
    assert again.removed == ("rec1",)
    assert len(fo.load_dataset("kitchen rig playback")) == 12


def only_the_first(view):
    """The samples, labels and words of the first recording."""
    keep = view.samples.recording == 0
    columns = ("recording", "stream", "index", "moment", "t_ns", "skew_ns", "width", "height", "flags")
    samples = replace(
        view.samples,
        **{name: getattr(view.samples, name)[keep] for name in columns},
        finding_row=np.zeros(0, np.int64),
        finding_check=(),
    )
    return {"samples": samples}


def test_what_was_asked_for_is_the_view_that_opens(database, fo):
    view = rig()
    rows = np.flatnonzero(view.samples.flags == 4)
    assert database.load(replace(view, chosen=("repeated", rows))).opens_with == "asked-for"
    found = fo.load_dataset(view.name).load_saved_view("asked for")
    assert {s["stream"] for s in found} == {"/cam_right"}
    assert len(found) >= len(rows)
