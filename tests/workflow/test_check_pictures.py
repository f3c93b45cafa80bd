"""Pictures are looked at once; whatever the bytes are, the run goes on and says what is wrong with them."""

import io
import shutil
import struct
import subprocess
import sys
from itertools import pairwise

import cv2
import numpy as np
import pytest
from PIL import Image

from rushes.workflow.check import Settings, check
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

PICTURES = Settings(only=["image", "depth"], fail_on="never")


def scene(seed, size=(360, 640)):
    """A picture with edges, colours and grain, unlike that of another seed."""
    generator = np.random.default_rng(seed)
    patches = generator.integers(20, 230, (6, 10, 3), dtype=np.uint8)
    coarse = cv2.resize(patches, size[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(coarse + generator.normal(0, 6, coarse.shape), 0, 255).astype(np.uint8)


def encoded(pixels, kind="jpeg", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def cmyk():
    file = io.BytesIO()
    Image.fromarray(scene(51)).convert("CMYK").save(file, "jpeg")
    return file.getvalue()


def folder(place, files):
    place.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (place / name).write_bytes(content)
    return place


def checked(tmp_path, source, settings=PICTURES):
    dataset = tmp_path / "dataset"
    ingest(dataset, Request(paths=[source]))
    return dataset, check(dataset, settings)


def told(done):
    return {(item.finding.check, item.finding.index) for item in done.found}


GOOD = {f"{at:02}.jpg": encoded(scene(at)) for at in range(6)}
EXIF = Image.Exif()
EXIF[0x0112] = 6
WHOLE = encoded(scene(50))
GIGAPIXEL = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">IIBBBBB", 40000, 40000, 8, 2, 0, 0, 0) + b"IEND"


@pytest.mark.parametrize(
    ("content", "check_id", "words"),
    [
        (b"", "image.unreadable", "is empty"),
        (WHOLE[: len(WHOLE) // 2], "image.unreadable", "the bytes were cut"),
        (WHOLE[:-2], "image.unreadable", "the bytes were cut"),
        (b"this is no picture" * 99, "image.unreadable", "the bytes are no picture"),
        (GIGAPIXEL, "image.unreadable", "more pixels than are decoded"),
        (cmyk(), "image.format", "CMYK"),
        (encoded(scene(52), exif=EXIF), "image.format", "EXIF orientation 6"),
        (encoded(scene(53)[:, :, 0]), "image.grey", "grey, though"),
        (encoded(scene(54) // 40 + 120), "image.low_information", "nothing to see"),
        (encoded(scene(55)[:100]), "image.aspect", "a strip"),
    ],
)  # fmt: skip
def test_a_bad_file_is_a_finding_and_the_others_are_measured(tmp_path, content, check_id, words):
    source = folder(tmp_path / "set", GOOD | {"03x.jpg": content})
    dataset, done = checked(tmp_path, source)
    found = [item.finding for item in done.found]
    assert [(finding.check, finding.index) for finding in found] == [(check_id, 4)]
    assert words in found[0].message
    with Dataset.open(dataset) as opened:
        rows = opened.arrow("pictures").sort_by("index").to_pylist()
    assert len(rows) == 7
    good = [row for row in rows if row["index"] != 4]
    assert all(row["unreadable"] == 0 and row["mean"] and row["phash"] is not None for row in good)


def test_depth_of_16_bits_is_measured_in_counts(tmp_path):
    files = {f"{at}.png": encoded(scene(at)[:, :, 0].astype(np.uint16) * 200, "png") for at in range(3)}
    dataset, done = checked(tmp_path, folder(tmp_path / "set", files))
    with Dataset.open(dataset) as opened:
        rows = opened.arrow("pictures").to_pylist()
    assert {(row["bits"], row["unreadable"]) for row in rows} == {(16, 0)}
    assert done.pictures == 3


def test_a_second_run_decodes_nothing_and_says_the_same(tmp_path):
    dataset, first = checked(tmp_path, folder(tmp_path / "set", GOOD | {"x.jpg": WHOLE[:999]}))
    second = check(dataset, PICTURES)
    assert (first.pictures, second.pictures) == (7, 0)
    assert [item.finding for item in first.found] == [item.finding for item in second.found]
    looser = check(dataset, Settings(only=["image"], options={"image.dark": {"dark_p99": 256}}, fail_on="never"))
    assert looser.pictures == 0
    assert "image.dark" in {item.finding.check for item in looser.found}


def test_every_picture_is_held_against_the_one_before_it_whichever_thread_had_that(tmp_path):
    lifted = [np.full((96, 128, 3), 100 + 3 * (at % 2) + at // 20, np.uint8) for at in range(40)]
    threads = cv2.getNumThreads()
    dataset, _ = checked(
        tmp_path, folder(tmp_path / "set", {f"{at:02}.png": encoded(p, "png") for at, p in enumerate(lifted)})
    )
    with Dataset.open(dataset) as opened:
        told = opened.arrow("pictures").sort_by("index")["difference"].to_pylist()
    wanted = [abs(int(b[0, 0, 0]) - int(a[0, 0, 0])) for a, b in pairwise(lifted)]
    assert told == [None, *wanted]
    assert cv2.getNumThreads() == threads


def test_looking_at_still_pictures_loads_no_decoder_of_video():
    code = (
        "import sys; from rushes.workflow.pictures import decoder_for; decoder_for('jpeg');"
        "print('av' in sys.modules, decoder_for('h264').name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "video"]


def test_one_picture_more_in_a_folder_costs_one_look_or_two(tmp_path):
    source = folder(tmp_path / "set", {f"{at:02}.jpg": encoded(scene(at)) for at in range(40)})
    dataset, first = checked(tmp_path, source)
    assert first.pictures == 40
    with Dataset.open(dataset) as opened:
        before = opened.arrow("pictures").sort_by("index").to_pylist()
    shutil.copytree(source, tmp_path / "more")
    folder(tmp_path / "more", {"20x.jpg": encoded(scene(99))})
    ingest(dataset, Request(paths=[tmp_path / "more"]))
    second = check(dataset, PICTURES)
    # The new one, the one behind it, and the one before each, to hold them against.
    assert 2 <= second.pictures <= 4
    with Dataset.open(dataset) as opened:
        rows = opened.arrow("pictures").to_pylist()
        more = sorted(
            (r for r in rows if r["recording_id"] != before[0]["recording_id"]), key=lambda r: r["index"]
        )
    assert len(more) == 41
    same = [row for row in more if row["index"] not in (21, 22)]
    for old, new in zip([row for row in before if row["index"] != 21], same, strict=True):
        assert {k: v for k, v in old.items() if k not in ("recording_id", "index")} == {
            k: v for k, v in new.items() if k not in ("recording_id", "index")
        }
    fresh = next(row for row in more if row["index"] == 21)
    assert fresh["difference"] > 1


def test_duplicates_are_a_table_and_the_same_file_twice_a_warning(tmp_path):
    copy = GOOD["02.jpg"]
    half = cv2.resize(scene(4), (320, 180), interpolation=cv2.INTER_AREA)
    mirrored = np.ascontiguousarray(scene(1)[:, ::-1])
    copies = {"10.jpg": copy, "11.jpg": encoded(half), "12.jpg": encoded(mirrored)}
    source = folder(tmp_path / "set", GOOD | copies)
    dataset, done = checked(tmp_path, source)
    assert {item.finding.check: item.finding.severity for item in done.found} == {
        "image.duplicate": "warning",
        "image.near_duplicate": "info",
    }
    with Dataset.open(dataset) as opened:
        rows = opened.arrow("duplicates").sort_by("index").to_pylist()
    assert [(r["index"], r["near_index"], r["exact"], r["mirrored"]) for r in rows] == [
        (1, 8, False, True),
        (2, 6, True, False),
        (4, 7, False, False),
        (6, 2, True, False),
        (7, 4, False, False),
        (8, 1, False, True),
    ]
    assert len({row["cluster"] for row in rows}) == 3
