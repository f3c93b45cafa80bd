"""What was shown is held against what the dataset has now: bytes first, pixels where these differ."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import coded
from rushes import ontology
from rushes.annotate.label_studio.passport import Passport, of_task
from rushes.annotate.rows import label_columns
from rushes.annotate.tracks import box_at
from rushes.labels import Label, Track, TrackKey
from rushes.store import Store
from rushes.workflow._annotate import shown_clip
from rushes.workflow._annotate.proving import Prover, UncheckedError
from rushes.workflow._annotate.shown import Gallery
from rushes.workflow._labels import vocabulary
from rushes.workflow.dataset import Dataset
from rushes.workflow.export import Settings, export
from rushes.workflow.ingest import Request, ingest

PIXELS = np.random.default_rng(1).integers(0, 256, (40, 60, 3), np.uint8)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    folder = tmp_path / "photographs"
    folder.mkdir()
    for at in range(2):
        Image.fromarray(np.roll(PIXELS, at)).save(folder / f"{at}.png")
    ingest(tmp_path / "dataset", Request(paths=[folder]))
    return tmp_path


def passport_of(dataset: Dataset, place: Path, index: int) -> Passport:
    (stream,) = dataset.arrow("streams").to_pylist()
    frames = dataset.frames(stream["recording_id"], stream["stream"])
    shown = Gallery(place / "shown", frames).show(index)
    again = Gallery(place / "shown", frames).show(index)
    assert shown == again
    return Passport(
        recording_id=stream["recording_id"],
        stream=stream["stream"],
        index=index,
        t_ns=int(frames.t_ns[index]),
        width_px=60,
        height_px=40,
        sha256=shown.sha256,
        pixels=shown.pixels,
    )


def difference(place: Path, passport: Passport) -> str:
    with Dataset.open(place / "dataset") as dataset, Prover(dataset.store) as prover:
        return prover.difference(passport)


def test_the_same_pixels_in_other_bytes_are_the_same_picture_and_other_pixels_are_not(photographs: Path) -> None:
    with Dataset.open(photographs / "dataset") as dataset:
        passport = passport_of(dataset, photographs, 1)
    assert difference(photographs, passport) == ""
    file = photographs / "photographs" / "1.png"
    before = file.read_bytes()
    Image.fromarray(np.roll(PIXELS, 1)).save(file, compress_level=1)
    assert file.read_bytes() != before
    assert difference(photographs, passport) == ""
    Image.fromarray(np.roll(PIXELS, 2)).save(file)
    assert "the pixels of" in difference(photographs, passport)
    file.unlink()
    with pytest.raises(UncheckedError):
        difference(photographs, passport)


def test_another_time_or_a_frame_too_many_is_told_and_a_strange_recording_cannot_be_checked(
    photographs: Path,
) -> None:
    with Dataset.open(photographs / "dataset") as dataset:
        passport = passport_of(dataset, photographs, 0)
    assert "ns now" in difference(photographs, replace(passport, t_ns=12345))
    assert "has 2 frames" in difference(photographs, replace(passport, index=2))
    with pytest.raises(UncheckedError):
        difference(photographs, replace(passport, recording_id="r0"))


def clip_of(dataset: Dataset, place: Path) -> Passport:
    (stream,) = dataset.arrow("streams").to_pylist()
    frames = dataset.frames(stream["recording_id"], stream["stream"])
    clip = shown_clip.show(frames, 10, 50, place)
    assert shown_clip.show(frames, 10, 50, place) == clip  # read from its note, not made again
    return Passport(
        recording_id=stream["recording_id"],
        stream=stream["stream"],
        index=10,
        index_end=50,
        width_px=clip.width_px,
        height_px=clip.height_px,
        rate_hz=float(clip.rate),
        holds=clip.holds,
        times=clip.times,
        probes=clip.probes,
        absent=clip.absent,
    )


def test_a_clip_is_proven_by_its_times_and_sixteen_of_its_pictures(tmp_path: Path) -> None:
    path = coded.make(coded.KINDS["dropped frames"], tmp_path)
    ingest(tmp_path / "dataset", Request(paths=[path]))
    with Dataset.open(tmp_path / "dataset") as dataset:
        passport = clip_of(dataset, tmp_path)
        assert passport.holds
        assert passport.absent == ()
        assert len(passport.probes or ()) == shown_clip.PROBES
        assert {10, 49} <= {index for index, _ in passport.probes or ()}
    assert of_task({"shown": {"video": passport.as_json()}}) == {"video": passport}
    assert difference(tmp_path, passport) == ""
    assert "the times of" in difference(tmp_path, replace(passport, times="0" * 16))
    assert "the pixels of" in difference(tmp_path, replace(passport, probes=((30, "0" * 16),)))
    assert "has 89 frames" in difference(tmp_path, replace(passport, index_end=90))


def test_a_track_is_a_table_of_boxes_with_times_and_goes_to_coco_frame_by_frame(tmp_path: Path) -> None:
    path = coded.make(coded.KINDS["dropped frames"], tmp_path)
    place = tmp_path / "dataset"
    ingest(place, Request(paths=[path]))
    keys = (
        TrackKey(index=5, x_px=1.0, y_px=2.0, width_px=30.0, height_px=20.0),
        TrackKey(index=15, x_px=11.0, y_px=2.0, width_px=30.0, height_px=20.0),
    )
    with Dataset.open(place) as dataset:
        (stream,) = dataset.arrow("streams").to_pylist()
        label = Label(
            label_id="t", recording_id=stream["recording_id"], stream=stream["stream"], kind="track",
            source="human", class_name="hand", geometry=Track(keys=keys), index=5, index_end=20,
            image_width_px=coded.WIDTH, image_height_px=coded.HEIGHT,
        )  # fmt: skip
        with dataset.store.begin("test") as transaction:
            transaction.append("labels", 1, label_columns([label]))
            transaction.commit()
    vocabulary.keep(Store.open(place), ontology.load("hands"))
    with Dataset.open(place) as dataset:
        boxes = dataset.track_boxes(
            stream["recording_id"], stream["stream"], where={"source": "human"}
        ).to_pylist()
        frames = dataset.frames(stream["recording_id"], stream["stream"])
        assert [row["index"] for row in boxes] == list(range(5, 20))
        assert [row["t_ns"] for row in boxes] == frames.t_ns[5:20].tolist()
        assert [row["x_px"] for row in boxes] == [
            getattr(box_at(label.geometry, index, end=20), "x_px", None) for index in range(5, 20)
        ]
        assert (
            dataset.track_boxes(stream["recording_id"], stream["stream"], where={"source": "model"}).num_rows == 0
        )
    done = export(place, Settings(format="coco", out=tmp_path / "coco", options={}))
    assert (done.exported.pictures, done.exported.labels_out) == (15, 15)
    written = sorted((tmp_path / "coco").rglob("*.png"))
    assert [coded.read(np.asarray(Image.open(file))) for file in written] == list(range(5, 20))
