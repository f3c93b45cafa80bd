"""Plain copies: whole, made once, private to the process, and gone when nobody needs them."""

import errno
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
import zstandard

from rushes import plain_copies
from rushes.errors import ReadError
from rushes.plain_copies import IDLE_COPIES, plain_copy

CONTENT = bytes(range(256)) * 2000


def packed(path, content=CONTENT, frames=1):
    step = -(-len(content) // frames)
    path.write_bytes(b"".join(zstandard.compress(content[at : at + step]) for at in range(0, len(content), step)))
    return path


@pytest.mark.parametrize("frames", [1, 7])
def test_a_copy_is_the_unpacked_file(tmp_path, frames):
    with plain_copy(packed(tmp_path / "a.zstd", frames=frames), "zstd") as copy:
        assert copy.path.read_bytes() == CONTENT
        assert not copy.broken
        assert tmp_path not in copy.path.parents


def test_a_file_is_unpacked_once_while_it_is_the_same(tmp_path):
    path = packed(tmp_path / "a.zstd")
    with plain_copy(path, "zstd") as first, plain_copy(path, "zstd") as second:
        assert first is second
    packed(path, b"something else")
    with plain_copy(path, "zstd") as third:
        assert third.path.read_bytes() == b"something else"


def test_only_the_last_idle_copies_are_kept(tmp_path):
    places = []
    for number in range(IDLE_COPIES + 3):
        with plain_copy(packed(tmp_path / f"{number}.zstd", b"x%d" % number), "zstd") as copy:
            places.append(copy.path)
    assert [place.exists() for place in places] == [False] * 3 + [True] * IDLE_COPIES


def test_a_copy_in_use_stays(tmp_path):
    with plain_copy(packed(tmp_path / "used.zstd"), "zstd") as used:
        for number in range(IDLE_COPIES + 2):
            with plain_copy(packed(tmp_path / f"{number}.zstd", b"x"), "zstd"):
                pass
        assert used.path.read_bytes() == CONTENT


def test_a_stream_that_breaks_off_gives_its_beginning_and_says_so(tmp_path):
    path = packed(tmp_path / "a.zstd", frames=8)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2 + 3])  # not between two frames, where nothing would show
    with plain_copy(path, "zstd") as copy:
        beginning = copy.path.read_bytes()
        assert "ends in the middle" in copy.broken
    assert 0 < len(beginning) < len(CONTENT)
    assert CONTENT.startswith(beginning)


def test_what_does_not_unpack_at_all_is_a_read_error(tmp_path):
    path = tmp_path / "a.zstd"
    path.write_bytes(b"no zstd at all")
    with pytest.raises(ReadError) as raised, plain_copy(path, "zstd"):
        pass
    assert raised.value.code == "read.damaged"


def test_a_full_folder_for_temporary_files_is_named(tmp_path, monkeypatch):
    def full(packed, plain):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(plain_copies, "_unpack", full)
    with pytest.raises(ReadError) as raised, plain_copy(packed(tmp_path / "a.zstd"), "zstd"):
        pass
    assert raised.value.code == "read.no-space"
    assert "TMPDIR" in raised.value.hint


def test_another_process_has_a_folder_of_its_own_and_leaves_ours(tmp_path):
    path = packed(tmp_path / "a.zstd")
    code = (
        "import hashlib, pathlib, sys; from rushes.plain_copies import plain_copy\n"
        "with plain_copy(pathlib.Path(sys.argv[1]), 'zstd') as copy:\n"
        "    print(copy.path, hashlib.sha256(copy.path.read_bytes()).hexdigest())"
    )
    with plain_copy(path, "zstd") as ours:
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
        theirs, digest = done.stdout.split()
        assert digest == hashlib.sha256(CONTENT).hexdigest()
        assert theirs != str(ours.path)
        assert not Path(theirs).exists()
        assert ours.path.read_bytes() == CONTENT
