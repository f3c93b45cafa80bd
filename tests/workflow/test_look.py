"""One page from any mix of recordings, held against what is known of the real ones."""

import io
import os
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from rushes import registry
from rushes.errors import UsageError
from rushes.workflow._look.page import look_page
from rushes.workflow._look.seen import LookResult
from rushes.workflow._look.survey import RecordingSurvey, StreamSurvey
from rushes.workflow.look import look, write_page

HOSTILE = "<img src=x onerror=alert(1)>.bag"


@pytest.fixture(scope="module")
def seen(shared_data: Path) -> LookResult:
    """A look at an RGB-D folder, clips, bags in three compressions, MCAP files and a text."""
    return look(
        [
            shared_data / "rgbd" / "tum_fr1_rpy",
            shared_data / "video" / "asl_gestures",
            shared_data / "video" / "decord_rotated",
            shared_data / "rosbag" / "foxglove_example",
            shared_data / "mcap" / "lichtblick_logs",
            shared_data / "README.md",
        ]
    )


def recording(seen: LookResult, name: str) -> RecordingSurvey:
    return next(item for item in seen.recordings if item.path.name == name)


def stream(seen: LookResult, name: str, of: str) -> StreamSurvey:
    return next(item for item in recording(seen, of).streams if item.stream.name == name)


def test_the_four_kinds_of_input_stand_on_one_page(seen: LookResult) -> None:
    page = look_page(seen)
    for name in ("tum_fr1_rpy", "brother.mkv", "example-lz4.bag", "example_logs.mcap"):
        assert recording(seen, name).error is None
        assert name in page
    assert [refused.path.name for refused in seen.refused] == ["README.md"]


@pytest.mark.parametrize(
    ("name", "count", "rate_hz"),
    [("rgb", 723, 29.997), ("depth", 722, None), ("accelerometer", 14_070, 504.5), ("groundtruth", 2_742, 99.06)],
)
def test_an_rgbd_folder_is_counted_as_its_lists_say(
    seen: LookResult, name: str, count: int, rate_hz: float | None
) -> None:
    found = stream(seen, name, of="tum_fr1_rpy")
    assert found.count == count
    if rate_hz:
        assert found.rate_hz == pytest.approx(rate_hz, rel=2e-4)


def test_absent_images_are_told_and_those_that_are_there_shown(seen: LookResult) -> None:
    for name in ("rgb", "depth"):
        assert stream(seen, name, of="tum_fr1_rpy").unread == stream(seen, name, of="tum_fr1_rpy").count - 20
        assert len(stream(seen, name, of="tum_fr1_rpy").pictures) == 7
    told = [finding.message for finding in recording(seen, "tum_fr1_rpy").findings if finding.stream == "rgb"]
    assert any("703 of 723" in message for message in told)


def test_the_dropped_frame_of_a_clip_is_a_gap(seen: LookResult) -> None:
    (gap,) = stream(seen, "video", of="brother.mkv").gaps
    assert gap.end_ns - gap.start_ns == pytest.approx(67_000_000, abs=1_000_000)
    assert not stream(seen, "video", of="bird.mkv").gaps


@pytest.mark.parametrize("name", ["example.bag", "example-bz2.bag", "example-lz4.bag"])
def test_a_bag_is_counted_whatever_its_compression(seen: LookResult, name: str) -> None:
    assert recording(seen, name).samples == 8_647
    assert stream(seen, "/turtle1/color_sensor", of=name).count == 1_351
    bag = recording(seen, name)
    assert bag.start_ns is not None
    assert bag.end_ns is not None
    assert bag.end_ns - bag.start_ns == 21_700_086_257 - 1  # the stated length counts an end that is excluded


def test_recordings_of_equal_content_are_found(seen: LookResult) -> None:
    groups = [sorted(item.path.name for item in group) for group in seen.equal]
    assert ["example-bz2.bag", "example-lz4.bag", "example.bag"] in groups
    assert ["example-2.mcap", "example-converter.mcap", "example.mcap"] in groups
    assert len(groups) == 2, "clips of equal length with the same time stamps are not equal"


def test_an_empty_file_is_an_entry_with_its_error(seen: LookResult) -> None:
    empty = recording(seen, "empty-file.bag")
    assert empty.error is not None
    assert empty.error.code == "read.empty"
    assert "read.empty" in look_page(seen)


@pytest.mark.parametrize(
    ("name", "portrait"),
    [("video_0.mov", False), ("video_90.mov", True), ("video_180.mov", False), ("video_270.mov", True)],
)
def test_turned_videos_are_shown_turned(seen: LookResult, name: str, portrait: bool) -> None:
    for picture in stream(seen, "video", of=name).pictures:
        assert (picture.height > picture.width) == portrait


def test_thumbnails_are_small_and_say_their_true_size(seen: LookResult) -> None:
    pictures = [p for item in seen.recordings for s in item.streams for p in s.pictures]
    assert len(pictures) > 100
    for picture in pictures:
        assert Image.open(io.BytesIO(picture.jpeg)).size == (picture.width, picture.height)
        assert max(picture.width, picture.height) <= 200
        assert picture.alt


def test_the_first_and_the_last_picture_are_shown(seen: LookResult) -> None:
    captions = [picture.caption for picture in stream(seen, "video", of="bird.mkv").pictures]
    assert captions[0].startswith("0 ·")
    assert captions[-1].startswith("62 ·")


class Outside(HTMLParser):
    """What a page would ask for, and the scripts it holds."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.tags: set[str] = set()
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in ("src", "href", "srcset", "action", "data", "poster"):
                self.asked += [value] if value and not value.startswith(("data:image/", "#")) else []
            self.handlers += [name] if name.startswith("on") else []


def test_the_page_asks_for_nothing_and_runs_nothing(seen: LookResult) -> None:
    outside = Outside(look_page(seen))
    assert outside.asked == []
    assert outside.handlers == []
    assert not outside.tags & {"script", "iframe", "object", "link", "base", "form"}


def test_every_link_of_the_page_has_its_place(seen: LookResult) -> None:
    page = look_page(seen)
    anchors = {part.partition('"')[0] for part in page.split('id="')[1:]}
    wanted = {part.partition('"')[0] for part in page.split('href="#')[1:]}
    assert wanted
    assert wanted <= anchors


def test_a_hostile_file_name_stays_a_name(tmp_path: Path) -> None:
    (tmp_path / HOSTILE).write_bytes(b"")
    outside = Outside(look_page(look([tmp_path])))
    assert "img" not in outside.tags
    assert outside.handlers == []


def test_a_file_name_that_is_no_text_is_no_crash(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\xfe.bag")
    (tmp_path / name).write_bytes(b"")
    page = tmp_path / "page.html"
    write_page(look([tmp_path]), page)
    assert page.stat().st_size > 0


def test_a_cut_recording_is_read_as_far_as_it_goes_and_said_to_be_cut(shared_data: Path, tmp_path: Path) -> None:
    whole = (shared_data / "rosbag" / "foxglove_example" / "example.bag").read_bytes()
    (tmp_path / "cut.bag").write_bytes(whole[: len(whole) * 6 // 10])
    (cut,) = look([tmp_path]).recordings
    assert 0 < cut.samples < 8_647
    assert any(finding.check == "recording.loss" for finding in cut.findings)


def test_the_mistake_of_one_reader_does_not_hide_the_other_recordings(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("example.mcap", "example_logs.mcap"):
        shutil.copy(shared_data / "mcap" / "lichtblick_logs" / name, tmp_path / name)
    reader = registry.load("readers", "mcap")
    honest = reader.open

    def fail(path: Path, options: object) -> object:
        if path.name == "example.mcap":
            raise ZeroDivisionError("by nought")
        return honest(path, options)

    monkeypatch.setattr(type(reader), "open", lambda self, path, options: fail(path, options))
    failed, read = look([tmp_path]).recordings
    assert failed.error is not None
    assert failed.error.code == "read.reader-failed"
    assert "ZeroDivisionError: by nought" in failed.error.message
    assert read.samples == 1_111


def test_paths_may_be_mixed_relative_and_absolute(
    shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        shutil.copy(shared_data / "mcap" / "lichtblick_logs" / "example.mcap", tmp_path / folder / "x.mcap")
    monkeypatch.chdir(tmp_path / "a")
    result = look([Path("x.mcap"), tmp_path / "b"])
    assert [result.name(item.path) for item in result.recordings] == ["a/x.mcap", "b/x.mcap"]
    assert len(result.equal) == 1
    assert look_page(result).count("b/x.mcap") >= 2


def test_a_missing_path_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        look([tmp_path / "nowhere.mcap"])


def test_nothing_found_is_a_page_that_says_so(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("a note")
    result = look([tmp_path])
    page = look_page(result)
    assert "No recording was found" in page
    assert "notes.txt" in page


def test_an_interrupted_write_leaves_the_old_page_whole(
    seen: LookResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "look.html"
    page.write_text("old")

    def interrupt(self: Path, target: Path) -> Path:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_page(seen, page)
    assert [item.name for item in tmp_path.iterdir()] == ["look.html"]
    assert page.read_text() == "old"
    assert write_page(seen, page) == page.stat().st_size


def test_the_summary_counts_what_the_page_counts(seen: LookResult) -> None:
    summary = seen.summary()
    assert sum(item["samples"] for item in summary["recordings"]) == sum(item.samples for item in seen.recordings)
    assert f"{sum(item.samples for item in seen.recordings):,}" in look_page(seen)


def test_no_page_gives_grades(seen: LookResult) -> None:
    page = look_page(replace(seen, refused=())).lower()
    assert "/100" not in page
    assert "grade" not in page
    assert "score" not in page
