"""Labels and datasets are checked, reported and described from what is stored; real sets stay clean."""

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from rushes import ontology, resources
from rushes.annotate import rows
from rushes.labels import Box, Label, LabelEvent, Mask, Polygon, RotatedBox, Track, TrackKey
from rushes.store import Store
from rushes.workflow import import_labels
from rushes.workflow._check.label_views import labels_view
from rushes.workflow._labels import vocabulary
from rushes.workflow._report.shots import MODEL_INK, Drawn, Shots, outlined
from rushes.workflow._report.timeline import _lane
from rushes.workflow.card import card
from rushes.workflow.check import Settings, check
from rushes.workflow.check_report import write_report
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split

LABELS = Settings(only=["label", "dataset"], fail_on="error")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """Six clips of gestures with an ontology, in which nobody has labelled anything."""
    ingest(tmp_path / "set", Request(paths=[resources.folder("data_samples") / "gestures"]))
    vocabulary.keep(Store.open(tmp_path / "set"), ontology.load("hands"))
    return tmp_path / "set"


def put(dataset: Path, *labels: Label) -> None:
    store = Store.open(dataset)
    with store.begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()


def drawn(dataset: Path, name: str, index: int, **changes) -> Label:
    row = Store.open(dataset).table("streams").sort_by("recording_id").to_pylist()[0]
    facts = {
        "label_id": name,
        "recording_id": row["recording_id"],
        "stream": row["stream"],
        "index": index,
        "kind": "box",
        "source": "human",
        "tool": "label-studio",
        "author": "ada",
        "class_name": "cup",
        "image_width_px": row["width"],
        "image_height_px": row["height"],
        "geometry": Box(x_px=10, y_px=10, width_px=20, height_px=30),
    }
    return Label(**(facts | changes))


def test_a_view_holds_what_the_labels_say_whatever_their_kind(clips):
    key = {"width_px": 9, "height_px": 8}
    put(
        clips,
        drawn(clips, "a", 1),
        drawn(clips, "b", 2, kind="polygon", geometry=Polygon(rings=((1, 2, 30, 4, 5, 60),))),
        drawn(clips, "c", 2, kind="track", geometry=Track(keys=(TrackKey(index=2, x_px=5, y_px=6, **key),))),
        drawn(clips, "d", 3, kind="mask", geometry=Mask(width_px=240, height_px=180, counts="0")),
        drawn(
            clips, "e", 3, kind="rotated_box",
            geometry=RotatedBox(x_px=50, y_px=50, width_px=20, height_px=10, rotation_deg=90),
        ),
    )  # fmt: skip
    with Dataset.open(clips) as opened:
        recording = opened.arrow("recordings").sort_by("recording_id").to_pylist()[0]
        view = labels_view(opened, recording, {}, None)
    assert view.columns["label_id"].tolist() == ["a", "b", "c", "d", "e"]
    assert view.bounds[:3].tolist() == [[10, 10, 30, 40], [1, 2, 30, 60], [5, 6, 14, 14]]
    assert np.isnan(view.bounds[3]).all()
    assert view.bounds[4] == pytest.approx([40, 50, 50, 70])


def test_planted_faults_are_found_once_and_judged_again_after_they_are_mended(clips):
    put(
        clips,
        drawn(clips, "ok", 0),
        drawn(clips, "out", 1, geometry=Box(x_px=900, y_px=1, width_px=5, height_px=5)),
    )
    done = check(clips, LABELS)
    (error,) = [item for item in done.found if item.finding.severity == "error"]
    assert error.finding.check == "label.outside"
    assert "cup out: lies outside its picture of 240×180 px" in error.finding.message
    assert done.forbidden
    assert error.finding.label_id == "out"
    stored = Store.open(clips).table("findings", where={"check": ["label.outside"]}).to_pylist()
    assert [row["label_id"] for row in stored] == ["out"]
    store = Store.open(clips)
    with store.begin("test") as transaction:
        transaction.replace("labels", {"label_id": ["out"]}, 0, {})
        transaction.commit()
    again = check(clips, LABELS)
    assert [item for item in again.found if item.finding.severity == "error"] == []
    stored = Store.open(clips).table("findings").to_pylist()
    assert [row for row in stored if row["check"] == "label.outside"] == []


def test_findings_of_the_whole_dataset_are_stored_once(clips):
    put(clips, *(drawn(clips, f"l{at}", at) for at in range(4)))
    for _ in range(2):
        check(clips, LABELS)
        stored = Store.open(clips).table("findings", where={"recording_id": ""}).to_pylist()
        said = [row["message"] for row in stored]
        assert said == ["class 'cup' occurs 4 times (limit 10)", *said[1:]]
        assert len(said) == len(set(said))


def test_what_changed_since_a_revision_is_told(clips):
    put(clips, *(drawn(clips, f"l{at}", at) for at in range(12)))
    before = Store.open(clips).revision
    put(clips, *(drawn(clips, f"h{at}", at, class_name="hand", attributes={"side": "left"}) for at in range(12)))
    done = check(clips, Settings(only=["dataset.drift"], since=before))
    (found,) = done.found
    assert found.finding.message.startswith("class: PSI ")
    assert "(12 then, 24 now)" in found.finding.message


def test_real_labels_have_no_fault_that_is_none(shared_data, tmp_path):
    pictures = tmp_path / "people"
    shutil.copytree(shared_data / "labels" / "coco128_people" / "images" / "train2017", pictures)
    ingest(tmp_path / "set", Request(paths=[pictures]))
    place = shared_data / "labels" / "coco128_people"
    options = {"images": str(place / "images")}
    import_labels.import_labels(
        tmp_path / "set", import_labels.Settings(path=place / "object_detection", options=options)
    )
    assert check(tmp_path / "set", Settings(only=["label"])).found == []
    # 47 classes in 329 boxes: most are rare, and that is what is said.
    rare = check(tmp_path / "set", Settings(only=["dataset"])).found
    assert {item.finding.check for item in rare} == {"dataset.balance"}
    assert any("class 'person' (140) occurs 140 times as often as" in item.finding.message for item in rare)


def test_two_real_clips_have_sound_tracks_without_any_sound(shared_data, tmp_path):
    """Both were decoded by hand: every sample is 0. The others are heard."""
    video = shared_data / "video"
    paths = [
        video / "imageio" / "cockatoo.mp4",
        video / "mp_hand_video",
        video / "torchcodec_nasa",
        video / "audio",
    ]
    ingest(tmp_path / "set", Request(paths=paths))
    found = check(tmp_path / "set", Settings(only=["audio"])).found
    assert [(item.recording, item.finding.message) for item in found] == [
        ("cockatoo", "audio: nothing but zeros"),
        ("test_video", "audio: nothing but zeros"),
    ]


def test_gaze_of_a_real_pair_of_glasses_is_clean(shared_data, tmp_path):
    ingest(tmp_path / "set", Request(paths=[shared_data / "devices" / "neon_demo"]))
    assert check(tmp_path / "set", Settings(only=["gaze"])).found == []


def test_the_report_says_on_the_page_and_beside_it_what_was_found(clips, tmp_path):
    put(clips, drawn(clips, "out", 1, geometry=Box(x_px=230, y_px=1, width_px=50, height_px=5)))
    split(clips, SplitSettings(parts={"train": 0.5, "test": 0.5}))
    done = check(clips, LABELS)
    written = write_report(clips, done, LABELS, tmp_path / "out.html")
    text = written.page.read_text("utf-8")
    assert "reaches 40 px beyond the edge" in text
    assert "data:image/jpeg;base64," in text
    assert "Split default" in text
    facts = json.loads(written.facts.read_text("utf-8"))
    assert len(facts["findings"]) == len(done.found)
    assert facts["amounts"]["class"] == {"cup": 1}
    assert {each["check"] for each in facts["checks"]} == set(done.checks)
    assert sum(facts["splits"]["default"].values()) == 6


def test_where_a_model_and_people_disagree_is_one_list_with_the_worst_first(clips, tmp_path):
    ids = Store.open(clips).table("streams").sort_by("recording_id")["recording_id"].to_pylist()
    model = {"source": "model", "tool": "yolox", "author": None}
    far = {"geometry": Box(x_px=150, y_px=100, width_px=40, height_px=30), **model}
    put(
        clips,
        drawn(clips, "mine", 3),
        drawn(clips, "less", 3, score=0.8, **far),
        drawn(clips, "theirs", 4, recording_id=ids[1]),
        drawn(clips, "more", 4, score=0.95, recording_id=ids[1], **far),
    )
    settings = Settings(only=["label.model"])
    done = check(clips, settings)
    text = write_report(clips, done, settings, tmp_path / "out.html").page.read_text("utf-8")
    at = [text.index(words) for words in ("Where a model and people disagree", "(0.95)", "(0.80)")]
    assert at == sorted(at)
    assert text.count("data:image/jpeg;base64,") == 2
    for name in ("more", "less"):
        anchor = re.search(rf'<a href="#(l\d+)">label {name}</a>', text)
        assert anchor
        assert f'id="{anchor[1]}"' in text


def test_a_gap_is_drawn_where_no_sample_is_and_shown_by_the_pictures_at_its_ends(tmp_path):
    take = resources.folder("data_samples") / "tabletop" / "tabletop_s02_take1.mcap"
    ingest(tmp_path / "set", Request(paths=[take]))
    done = check(tmp_path / "set", Settings(only=["stream.gap"], fail_on="never"))
    with Dataset.open(tmp_path / "set") as opened:
        streams = {row["stream"]: row for row in opened.arrow("streams").to_pylist()}
        shots = Shots(opened)
        assert len(done.found) == 2
        for item in done.found:
            times = opened.times(item.recording_id, item.finding.stream)
            (drawn,) = _lane(streams[item.finding.stream], times, [item.finding]).marked
            assert drawn.end_ns - drawn.start_ns == item.finding.value
            assert {drawn.start_ns, drawn.end_ns} <= set(times.tolist())
            assert not ((times > drawn.start_ns) & (times < drawn.end_ns)).any()
            after = item.finding.index
            captions = [picture.caption for picture in shots.of(item.recording_id, item.finding)]
            assert captions == [f"frame {after - 1}", f"frame {after}"]


def test_a_copy_is_shown_beside_what_it_is_a_copy_of(clips):
    done = check(clips, Settings(only=["image.near_duplicate"], fail_on="never"))
    with Dataset.open(clips) as opened:
        shots = Shots(opened)
        for item in done.found:
            mine, other = shots.of(item.recording_id, item.finding)
            assert mine.caption == f"frame {item.finding.index}"
            frame, _, name = other.caption.partition(" of ")
            assert f"nearly the same as {frame} of video in '{name}'" in item.finding.message


def test_boxes_are_drawn_where_they_are_and_along_the_edge_where_they_leave():
    grey = np.zeros((100, 200), np.uint8)
    inside, beyond = (
        Drawn(bounds=(20.0, 10.0, 60.0, 40.0)),
        Drawn(bounds=(150.0, 50.0, 400.0, 90.0), ink=MODEL_INK),
    )
    shown = outlined(grey, [inside, beyond])
    assert shown.shape == (100, 200, 3)
    assert shown[10, 30].any()
    assert shown[25, 20].any()
    assert not shown[25, 40].any()
    assert tuple(shown[60, 199]) == MODEL_INK
    assert not grey.any()


def test_the_card_says_what_is_known_and_that_the_rest_is_not_stated(clips):
    bare = card(clips).text
    assert "| consent | not stated |" in bare
    assert "Not known: `rushes check` has not been run." in bare
    assert "No clock was compared" in bare
    facts = [drawn(clips, f"a{at}", at) for at in range(12)]
    theirs = [drawn(clips, f"b{at}", at, author="bob") for at in range(12)]
    put(clips, *facts, *theirs)
    split(clips, SplitSettings(parts={"train": 0.5, "test": 0.5}))
    check(clips, Settings(fail_on="never"))
    said = card(clips)
    assert said.revision == Store.open(clips).revision
    for line in (
        "| human | label-studio | box | 24 |",
        "| cup | 24 | 1 |",
        "| ada and bob | box | f1 | 1.000 | – | 24 |",
        "- ontology `hands`, digest",
        "| train |",
        "| error | ",
    ):
        assert (line in said.text) == (line != "| error | "), line


def test_what_stands_in_a_card_cannot_break_its_tables(tmp_path):
    clip = next((resources.folder("data_samples") / "gestures").glob("*.mp4"))
    ingest(tmp_path / "set", Request(paths=[clip], facts={"subject": "a|b\nc", "consent": "form 7"}))
    text = card(tmp_path / "set").text
    assert "| subject | 1: a\\|b c (1 recording of 1 say so) |" in text
    assert "| consent | form 7 (1) |" in text


def test_haste_is_read_from_the_versions_that_people_made_of_all_recordings_together(clips):
    put(clips, *(drawn(clips, f"l{at}", at % 20) for at in range(3)))
    store = Store.open(clips)
    ids = store.table("recordings", columns=["recording_id"])["recording_id"].to_pylist()
    made = [
        LabelEvent(
            event_id=f"e{at}", action="created", tool="label-studio", payload="{}", received_ns=1, author="ada",
            recording_id=ids[at % 6], task_key=f"{ids[at % 6]}/video/{at}", lead_time_s=0.3,
        )
        for at in range(25)
    ]  # fmt: skip
    with store.begin("test") as transaction:
        transaction.append("label_events", len(made), rows.event_columns(made))
        transaction.commit()
    (found,) = check(clips, Settings(only=["label.author"])).found
    assert found.recording == ""
    assert found.finding.message == "ada: 100% of 25 versions took less than 1 s (limit 20%)"
