"""Whatever lies in a folder of pictures, the commands go on, name what is wrong, and take no more memory."""

import io
import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SIDE = 100_000
MOST_MEMORY_KB = 500_000
"""An eighth of what the smallest of the huge pictures would take as grey."""


WITH_PEAK = """
import os, runpy, sys
peak = int(sys.argv.pop(1))
try:
    runpy.run_module("rushes", run_name="__main__", alter_sys=True)
finally:  # what the system counts for a process begins with the peak of its parent
    with open("/proc/self/status") as status:
        os.write(peak, next(line for line in status if line.startswith("VmHWM")).split()[1].encode())
"""
"""Runs rushes and tells its own peak memory, in kB, through a pipe."""


def scene(seed, bits=8):
    """A picture with blocks, colours and grain, unlike that of another seed."""
    generator = np.random.default_rng(seed)
    blocks = np.kron(generator.integers(20, 230, (6, 10, 3)), np.ones((40, 40, 1), np.int64))
    grainy = np.clip(blocks + generator.normal(0, 6, blocks.shape), 0, 255)
    return grainy.astype(np.uint8) if bits == 8 else (grainy * 257).astype(np.uint16)


def encoded(pixels, kind="jpeg", **options):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **options)
    return file.getvalue()


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of_16_bits():
    """Pillow writes no colour of 16 bits, so by hand."""
    pixels = scene(1, bits=16).astype(">u2")
    rows = b"".join(b"\0" + row.tobytes() for row in pixels)
    head = struct.pack(">IIBBBBB", pixels.shape[1], pixels.shape[0], 16, 2, 0, 0, 0)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def huge_png():
    """A whole file with the right checksums, whose header says 100,000 × 100,000."""
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 3_000_000, 9)
    body = png_chunk(b"IHDR", head) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def huge_jpeg():
    """A photograph whose frame header says 65,500 × 65,500, the most that the format holds."""
    data = bytearray(encoded(scene(2)))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", 65_500, 65_500)
    return bytes(data)


def huge_bmp():
    """Its header says 100,000 × 100,000; a hundred bytes follow."""
    return (
        b"BM"
        + struct.pack("<IHHIIiiHHIIiiII", 154, 0, 0, 54, 40, SIDE, SIDE, 1, 24, 0, 0, 0, 0, 0, 0)
        + b"\0" * 100
    )


def cmyk():
    file = io.BytesIO()
    Image.fromarray(scene(3)).convert("CMYK").save(file, "jpeg")
    return file.getvalue()


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(scene(4), exif=exif)


BAD = {
    "02_empty.jpg": (b"", "image.unreadable", "is empty"),
    "03_cut.jpg": (encoded(scene(5))[:5000], "image.unreadable", "the bytes were cut"),
    "04_16bit.png": (png_of_16_bits(), "image.format", "16 bit"),
    "05_cmyk.jpg": (cmyk(), "image.format", "CMYK"),
    "06_turned.jpg": (turned(), "image.format", "EXIF orientation 6"),
    "07_huge.png": (huge_png(), "image.unreadable", "more pixels than are decoded"),
    "08_huge.jpg": (huge_jpeg(), "image.unreadable", "more pixels than are decoded"),
    "09_huge.bmp": (huge_bmp(), "image.unreadable", ""),
    "10_text.jpg": (b"This is a letter.\n" * 500, "image.unreadable", "the bytes are no picture"),
    "11_page.png": (b"<!doctype html><title>404</title>" * 40, "image.unreadable", "the bytes are no picture"),
    "12_archive.jpg": (b"PK\x03\x04" + bytes(range(256)) * 20, "image.unreadable", "the bytes are no picture"),
}


def run(*words, cwd):
    """Type a command in a process of its own; give its exit code, its answer and its peak memory in kB."""
    reading, writing = os.pipe()
    command = [sys.executable, "-c", WITH_PEAK, str(writing), *map(str, words)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, pass_fds=[writing], check=False)
    os.close(writing)
    with os.fdopen(reading) as peak:
        assert b"Traceback" not in done.stderr, done.stderr.decode()
        return done.returncode, json.loads(done.stdout), int(peak.read())


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """What ``rushes ingest`` and ``rushes check --report`` said of good and bad pictures in one folder."""
    place = tmp_path_factory.mktemp("bad")
    folder = place / "pictures"
    folder.mkdir()
    for at in (0, 1, 20, 21):
        (folder / f"{at:02}_good.jpg").write_bytes(encoded(scene(100 + at)))
    for name, (content, *_) in BAD.items():
        (folder / name).write_bytes(content)
    (folder / "notes.txt").write_text("not a picture, and not called one")
    (folder / "13_gone.jpg").symlink_to(place / "nowhere.jpg")
    ingested = run("ingest", folder, "--into", "set", "--json", cwd=place)
    checked = run("check", "set", "--report", "page.html", "--fail-on", "error", "--json", cwd=place)
    return place, ingested, checked


def index_of(name):
    """Where a file stands among the pictures of the folder, which are read in the order of their names."""
    return 2 + sorted(BAD).index(name)


@pytest.mark.parametrize("name", BAD)
def test_each_bad_file_is_a_finding_by_name_of_its_fault(answered, name):
    _, _, (_, answer, _) = answered
    _, check_id, words = BAD[name]
    at = index_of(name)
    mine = [
        each
        for each in answer["result"]["findings"]
        if each["index"] is not None and each["index"] <= at < each["index"] + each["count"]
    ]
    mine = [each for each in mine if each["check"] in ("image.unreadable", "image.format")]
    assert [each["check"] for each in mine] == [check_id]
    assert all(words in each["message"] for each in mine)


def test_the_run_goes_on_and_says_with_its_exit_code_that_errors_were_found(answered):
    place, (first, ingested, _), (second, answer, _) = answered
    assert first == 0
    assert ingested["result"]["recordings"][0]["samples"] >= 4 + len(BAD)
    assert second == 3
    assert answer["result"]["forbidden"] is True
    assert (place / "page.html").stat().st_size > 10_000


def test_no_label_anywhere_is_no_finding_of_labels(answered):
    _, _, (_, answer, _) = answered
    assert not [each for each in answer["result"]["findings"] if each["check"].startswith("label.")]


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is in bytes elsewhere")
def test_a_header_that_says_ten_thousand_million_pixels_takes_no_memory(answered):
    _, (*_, reading), (*_, checking) = answered
    assert max(reading, checking) < MOST_MEMORY_KB


def test_a_folder_that_holds_no_picture_at_all_is_refused_with_a_hint(tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").write_text("dear")
    code, answer, _ = run("ingest", tmp_path / "letters", "--into", "set", "--json", cwd=tmp_path)
    assert code == 1
    assert (
        answer["error"]["code"] == "read.unknown-format" if "code" in answer["error"] else answer["error"]["hint"]
    )
    assert not Path(tmp_path / "set" / "rushes.json").exists()
