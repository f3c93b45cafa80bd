"""Discarded takes are in the recording and the tables, and in nothing that others are given, unless accepted."""

import io
from collections.abc import Iterable
from pathlib import Path

import pytest
from mcap.reader import make_reader
from PIL import Image

from readers import captured
from readers.captured import at, take
from readers.mcap_recordings import CAM, IMU, jpeg
from rushes import ontology
from rushes.annotate import rows
from rushes.errors import UsageError
from rushes.labels import Box, Label
from rushes.store import Store
from rushes.workflow import check as checking
from rushes.workflow import export
from rushes.workflow._check.dataset_view import dataset_view
from rushes.workflow._check.label_views import labels_view
from rushes.workflow._check.views import moments_view
from rushes.workflow._labels import vocabulary
from rushes.workflow._split.counts import counts_of
from rushes.workflow._split.links import duplicates
from rushes.workflow._split.units import Unit
from rushes.workflow.browse import browse_view
from rushes.workflow.dataset import Dataset
from rushes.workflow.decisions import Wish, decide
from rushes.workflow.excluded import NOTHING_EXCLUDED, excluded
from rushes.workflow.export_recordings import export_recordings
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.parts import COLUMNS, Parts
from rushes.workflow.players import playlist_of
from rushes.workflow.split import Settings, split
from rushes.workflow.split_verify import Settings as VerifySettings
from rushes.workflow.split_verify import verify
from rushes.workflow.sync import Settings as Settled
from rushes.workflow.sync import sync

TAKES = [
    ("rushes.Take", at(8), take(1, 0, 8, "discard", why="the cup fell")),
    ("rushes.Take", at(8), take(2, 8, None, retake_of=1)),
]
"""Frames 0 to 7 are discarded, 8 to 19 are kept."""
GONE, KEPT = set(range(8)), set(range(8, 20))


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """A recording of two takes, the first discarded, with a box on every frame."""
    place = tmp_path / "set"
    path = captured.write(
        tmp_path / "a.mcap", TAKES, session={"subject": "s07", "task": "pour tea", "weather": "fair"}
    )
    ingest(place, Request(paths=[path]))
    draw(place, range(20))
    return place


def draw(place: Path, frames: Iterable[int]) -> None:
    """Put a box on some frames of the camera."""
    vocabulary.keep(Store.open(place), ontology.load("hands"))
    box = Box(x_px=4.0, y_px=4.0, width_px=8.0, height_px=8.0)
    labels = [
        Label(
            label_id=f"label-{index}",
            recording_id=recording_of(place),
            stream=CAM.topic,
            index=index,
            kind="box",
            source="human",
            class_name="hand",
            geometry=box,
        )
        for index in frames
    ]
    with Store.open(place).begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()


def recording_of(place: Path) -> str:
    return str(Store.open(place).table("recordings")["recording_id"].to_pylist()[0])


def exported(place: Path, out: Path, form: str = "coco", **more: object) -> tuple[set[int], export.Done]:
    """Export, and give the frames that are in it by the names of their pictures."""
    done = export.export(place, export.Settings(format=form, out=out, **more))  # type: ignore[arg-type]
    return {int(file.stem) for file in out.rglob("*.jpg")}, done


def test_the_ledger_is_in_the_dataset_and_says_the_same_in_sql(dataset: Path) -> None:
    with Dataset.open(dataset) as opened:
        first, second = opened.takes("a")
    assert (first.number, first.start_ns, first.end_ns, first.verdict, first.why) == (
        1, at(0), at(8), "discard", "the cup fell",
    )  # fmt: skip
    assert (second.number, second.end_ns, second.verdict, second.retake_of) == (2, None, "keep", 1)
    store = Store.open(dataset)
    assert store.rows("select number, start_ns, verdict, retake_of, why, open from takes order by number")[1] == [
        (1, at(0), "discard", None, "the cup fell", False),
        (2, at(8), "keep", 1, "", True),
    ]
    frames = store.rows("select stream, index, number from takes_discarded order by index")[1]
    assert frames == [(CAM.topic, index, 1) for index in range(8)]


def test_what_the_session_states_are_facts_of_the_recording(dataset: Path) -> None:
    (row,) = Store.open(dataset).table("recordings").to_pylist()
    assert (row["subject"], row["task"], row["place"]) == ("s07", "pour tea", None)


def test_what_a_person_says_at_ingest_wins_over_the_session(tmp_path: Path) -> None:
    path = captured.write(tmp_path / "a.mcap", session={"subject": "s07", "task": "pour tea"})
    ingest(tmp_path / "set", Request(paths=[path], facts={"subject": "s08"}))
    (row,) = Store.open(tmp_path / "set").table("recordings").to_pylist()
    assert (row["subject"], row["task"]) == ("s08", "pour tea")


@pytest.mark.parametrize("form", ["coco", "yolo", "labelstudio_json"])
def test_an_export_holds_no_frame_of_a_discarded_take_and_counts_them(
    dataset: Path, tmp_path: Path, form: str
) -> None:
    frames, done = exported(dataset, tmp_path / "out", form)

    assert frames == KEPT
    assert (done.exported.labels_in, done.exported.labels_out) == (20, 12)
    told = {(one.effect, one.what): one for one in done.exported.left_out}
    assert told["lost", "labels on discarded takes"].count == 8
    assert told["noted", "frames of discarded takes"].count == 8
    assert "1 discarded take" in told["noted", "frames of discarded takes"].reason


def test_include_rejected_takes_discarded_takes_along(dataset: Path, tmp_path: Path) -> None:
    frames, done = exported(dataset, tmp_path / "out", rejected=True)
    assert frames == GONE | KEPT
    assert not [one for one in done.exported.left_out if "discarded" in one.what]


def test_frames_of_discarded_takes_do_not_come_as_frames_without_labels(dataset: Path, tmp_path: Path) -> None:
    frames, _ = exported(dataset, tmp_path / "out", unlabelled=True)
    assert frames == KEPT


def test_who_accepts_a_frame_or_the_recording_takes_it_in_again(dataset: Path, tmp_path: Path) -> None:
    recording = recording_of(dataset)
    decide(dataset, [Wish(item=(recording, CAM.topic, 3), what="accept")])
    assert exported(dataset, tmp_path / "frame")[0] == {3} | KEPT
    assert Store.open(dataset).rows("select count(*) from takes_discarded")[1] == [(7,)]
    decide(dataset, [Wish(item=(recording, None, None), what="accept")])
    assert exported(dataset, tmp_path / "whole")[0] == GONE | KEPT
    assert Store.open(dataset).rows("select count(*) from takes_discarded")[1] == [(0,)]


def test_the_python_and_the_sql_side_leave_out_the_same_frames(dataset: Path) -> None:
    recording, store = recording_of(dataset), Store.open(dataset)
    out = excluded(store)
    found = {index for index in range(20) if out.takes(recording, CAM.topic, index)}
    assert found == {row[0] for row in store.rows("select index from takes_discarded")[1]} == GONE
    assert out.discarded is not None
    assert out.discarded.frames() == {recording: {1: 8}}


def test_recordings_are_written_without_their_discarded_takes(dataset: Path, tmp_path: Path) -> None:
    done = export_recordings(dataset, format="mcap", out=tmp_path / "out")

    (file,) = done.files
    assert file.path is not None
    times = {topic: set[int]() for topic in (CAM.topic, IMU.topic)}
    with file.path.open("rb") as stream:
        for _, channel, message in make_reader(stream).iter_messages():
            if channel.topic in times:
                times[channel.topic].add(message.log_time)
    first = at(8) - captured.DELAY_NS - captured.OFFSET_NS
    assert all(len(found) == 12 for found in times.values())
    assert min(times[IMU.topic]) == at(8)
    assert min(times[CAM.topic]) >= first
    lost = {each.stream: each.count for each in file.left_out if "discarded" in each.reason}
    assert lost == {CAM.topic: 8, IMU.topic: 8}
    whole = export_recordings(dataset, format="mcap", out=tmp_path / "whole", discarded=True)
    assert whole.files[0].messages[IMU.topic] == 20


def test_the_player_is_given_a_file_of_another_name_without_the_discarded_take(dataset: Path) -> None:
    with Dataset.open(dataset) as opened:
        (before,) = playlist_of(opened, name="set").recordings
    decide(dataset, [Wish(item=(recording_of(dataset), None, None), what="accept")])
    with Dataset.open(dataset) as opened:
        (after,) = playlist_of(opened, name="set").recordings
    assert before.path.name != after.path.name
    assert before.seconds < after.seconds


def test_the_app_does_not_show_frames_of_discarded_takes(dataset: Path) -> None:
    with Dataset.open(dataset) as opened:
        assert set(browse_view(opened).samples.index.tolist()) == KEPT


def test_checks_leave_out_findings_on_discarded_takes_and_say_how_many_frames(tmp_path: Path) -> None:
    noted = [("rushes.Take", at(8), take(1, 0, 8, "discard")), ("rushes.Take", at(8), take(2, 8, None))]
    path = captured.write(tmp_path / "a.mcap", noted)
    ingest(tmp_path / "set", Request(paths=[path]))
    only = checking.Settings(fail_on="never")
    done = checking.check(tmp_path / "set", only)
    assert done.discarded == {("a", 1): 8}
    on_frames = [f.finding for f in done.found if f.finding.stream == CAM.topic and f.finding.index is not None]
    assert not [f for f in on_frames if f.index is not None and f.index + f.count <= 8]
    assert checking.check(tmp_path / "set", checking.Settings(fail_on="never", rejected=True)).discarded == {}


def test_a_recording_of_nothing_but_discarded_takes_is_in_no_part(tmp_path: Path) -> None:
    place = tmp_path / "set"
    for name, verdict in (("a", "keep"), ("b", "discard"), ("c", "keep")):
        noted = [("rushes.Take", at(1), take(1, 0, None, verdict))]
        ingest(place, Request(paths=[captured.write(tmp_path / f"{name}.mcap", noted, frames=20 + ord(name))]))
    done = split(place, Settings(parts={"train": 0.5, "test": 0.5}))
    assert {done.names[each.unit] for each in done.assignments} == {"a", "c"}
    assert done.rejected == ["b"]


def test_blocks_of_a_recording_hold_no_frame_of_a_discarded_take(dataset: Path) -> None:
    done = split(dataset, Settings(parts={"train": 0.5, "test": 0.5}, blocks=4, buffer_ns=1))
    parts = Parts(Store.open(dataset).table("splits", columns=COLUMNS).to_pylist())
    recording = recording_of(dataset)
    assert all(parts.of(recording, CAM.topic, index) is None for index in GONE)
    assert any(parts.of(recording, CAM.topic, index) for index in KEPT)
    assert "8 frames of 1 discarded take left out." in done.evidence


def test_an_export_of_nothing_but_discarded_takes_says_why_it_is_empty(tmp_path: Path) -> None:
    place = tmp_path / "set"
    ingest(
        place,
        Request(
            paths=[captured.write(tmp_path / "a.mcap", [("rushes.Take", at(1), take(1, 0, None, "discard"))])]
        ),
    )
    draw(place, [0])
    with pytest.raises(UsageError) as caught:
        exported(place, tmp_path / "out")
    assert "discarded" in (caught.value.hint or "")


def test_what_a_recorder_notes_has_no_say_in_how_clocks_run(dataset):
    synced, _ = sync(dataset, Settled(crosscheck=False))
    told = synced[0].common
    assert told is None or "/rushes" not in f"{told}"
    assert "/rushes" not in synced[0].reason


MIDDLE = [
    ("rushes.Take", at(8), take(1, 0, 8)),
    ("rushes.Take", at(14), take(2, 8, 14, "discard")),
    ("rushes.Take", at(14), take(3, 14, None)),
]
"""Frames 8 to 13 of 40 are discarded."""


def dark(_frame: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (32, 24)).save(out, "JPEG")
    return out.getvalue()


def found_in(place: Path, **more: object) -> list[str]:
    """Give the findings of all checks, as they are worded, but for those of clocks and pairing."""
    done = checking.check(place, checking.Settings(fail_on="warning", **more))  # type: ignore[arg-type]
    return [each.finding.message for each in done.found]


def test_a_discarded_take_is_no_gap_no_drop_and_no_fault(tmp_path: Path) -> None:
    good = captured.write(tmp_path / "a.mcap", MIDDLE, frames=40)
    spoilt = captured.write(
        tmp_path / "b.mcap", MIDDLE, frames=40, picture=lambda i: dark(i) if 8 <= i < 14 else jpeg(i)
    )
    ingest(tmp_path / "good", Request(paths=[good]))
    ingest(tmp_path / "spoilt", Request(paths=[spoilt]))

    said, other = found_in(tmp_path / "good"), found_in(tmp_path / "spoilt")

    assert other == said
    assert not [message for message in other if "missing" in message or "lost by" in message]
    assert any("frames 8 to 13" in message for message in found_in(tmp_path / "spoilt", rejected=True))


def test_a_take_that_is_taken_in_again_is_checked(tmp_path: Path) -> None:
    place = tmp_path / "set"
    ingest(
        place,
        Request(
            paths=[
                captured.write(
                    tmp_path / "a.mcap", MIDDLE, frames=40, picture=lambda i: dark(i) if 8 <= i < 14 else jpeg(i)
                )
            ]
        ),
    )
    assert not [message for message in found_in(place) if "frames 8 to 13" in message]
    decide(place, [Wish(item=(recording_of(place), None, None), what="accept")])
    assert [message for message in found_in(place) if "frames 8 to 13" in message]


def test_a_real_gap_beside_a_discarded_take_is_told_where_it_is(tmp_path: Path) -> None:
    noted = [("rushes.Take", at(8), take(1, 0, 8, "discard")), ("rushes.Take", at(8), take(2, 8, None))]
    place = tmp_path / "set"
    ingest(place, Request(paths=[captured.write(tmp_path / "a.mcap", noted, frames=40, lost=range(20, 30))]))

    done = checking.check(place, checking.Settings(fail_on="never", only=["stream.gap"]))

    (gap,) = [each.finding for each in done.found if each.finding.stream == CAM.topic]
    assert (gap.count, gap.start_ns) == (10, at(19) - captured.DELAY_NS - captured.OFFSET_NS)


def test_labels_on_discarded_takes_are_not_judged_nor_counted(dataset: Path) -> None:
    def labelled() -> tuple[int, int]:
        with Dataset.open(dataset) as opened:
            out = excluded(opened.store)
            (row,) = opened.arrow("recordings").to_pylist()
            view = dataset_view(opened, out)
            counts = view.counts["class"].counts.sum()
            return len(labels_view(opened, row, {}, None, out)), int(counts)

    assert labelled() == (12, 12)
    decide(dataset, [Wish(item=(recording_of(dataset), CAM.topic, 3), what="accept")])
    assert labelled() == (13, 13)


def test_moments_of_discarded_takes_are_not_judged(dataset: Path) -> None:
    sync(dataset, Settled(crosscheck=False, streams=(CAM.topic, IMU.topic)))
    with Dataset.open(dataset) as opened:
        (row,) = opened.arrow("recordings").to_pylist()
        streams = opened.arrow("streams").to_pylist()
        kept, every = (
            moments_view(opened, row, streams, out) for out in (excluded(opened.store), NOTHING_EXCLUDED)
        )
    assert kept is not None
    assert every is not None
    assert (every.pairs[0].moments, kept.pairs[0].moments) == (20, 12)


def test_pictures_of_discarded_takes_neither_tie_recordings_nor_leak(tmp_path: Path) -> None:
    place = tmp_path / "set"
    takes = [("rushes.Take", at(8), take(1, 0, 8, "discard")), ("rushes.Take", at(8), take(2, 8, None))]
    for number, name in enumerate("abc", start=1):  # the first eight pictures of all are the same
        path = captured.write(
            tmp_path / f"{name}.mcap", takes, picture=lambda i, n=number: jpeg(i if i < 8 else 100 * n + i)
        )
        ingest(place, Request(paths=[path]))
    checking.check(place, checking.Settings(fail_on="never"))
    parts = {"train": 0.5, "test": 0.5}

    done = split(place, Settings(parts=parts))

    assert len(done.components) == 3
    assert not done.links.pairs
    assert duplicates(Store.open(place), done.names, kind="near", out=NOTHING_EXCLUDED).pairs
    verified = verify(VerifySettings(sources=(str(place),)))
    assert not [each for each in verified.leaks if each.kind in ("exact", "near") and each.leaking.any()]
    assert "24 frames of discarded takes were left aside" in verified.audited.notes


def test_sensors_of_discarded_takes_are_not_balanced(tmp_path: Path) -> None:
    place = tmp_path / "set"
    ingest(place, Request(paths=[captured.write(tmp_path / "a.mcap", TAKES)]))
    store, recording = Store.open(place), recording_of(place)
    unit = Unit(name=recording, recording_id=recording, samples=1)
    names, counts = counts_of(store, [unit], [], {}, ["sensor"], out=excluded(store))
    found = dict(zip(names, counts[0].tolist(), strict=True))
    assert (found["sensor color"], found["sensor imu"]) == (12, 12)
