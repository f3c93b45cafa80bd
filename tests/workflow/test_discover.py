"""Every file is taken, part of something taken, or refused with reasons."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes import registry
from rushes.contracts import OpenRecording
from rushes.errors import AmbiguousFormatError, PluginError, UsageError
from rushes.model import Claim
from rushes.workflow.discover import discover


class Suffix:
    """Claims files by their ending, and folders that hold a file named ``take.NAME`` with a given sureness."""

    version = "1"

    def __init__(self, name: str, *, file: float = 1.0, folder: float = 0.8) -> None:
        self.name = name
        self._file = file
        self._folder = folder
        self.asked: list[Path] = []

    def probe(self, path: Path, head: bytes) -> Claim:
        self.asked.append(path)
        if path.is_dir():
            there = (path / f"take.{self.name}").exists()
            return Claim(confidence=self._folder if there else 0.0, reason=f"take.{self.name}")
        if path.suffix == f".{self.name}":
            return Claim(confidence=self._file, reason="its ending")
        return Claim(confidence=0.0, reason=f"does not end in .{self.name}")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        raise NotImplementedError


@pytest.fixture
def readers(monkeypatch: pytest.MonkeyPatch):
    def install(*plugins: Suffix) -> None:
        by_name = {plugin.name: plugin for plugin in plugins}

        def load(kind: str, name: str) -> Suffix:
            if name not in by_name:
                raise PluginError(f"no '{name}'", code="plugin.unknown", hint="did you mean 'aa'?")
            return by_name[name]

        monkeypatch.setattr(registry, "load_all", lambda kind: by_name)
        monkeypatch.setattr(registry, "load", load)

    return install


def make(root: Path, *names: str) -> Path:
    for name in names:
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"x")
    return root


def test_a_folder_is_searched_in_natural_order(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, "clip10.aa", "clip2.aa", "b/clip1.aa", "B2/x.aa")
    names = [str(found.path.relative_to(tmp_path)) for found in discover([tmp_path]).found]
    assert names == ["b/clip1.aa", "B2/x.aa", "clip2.aa", "clip10.aa"]


def test_a_claimed_folder_is_one_recording_and_its_content_is_not_asked_about(tmp_path: Path, readers) -> None:
    reader = Suffix("aa", folder=0.8)
    readers(reader)
    make(tmp_path, "walk/take.aa", "walk/more.aa", "walk/README.md")
    answer = discover([tmp_path])
    assert [found.path for found in answer.found] == [tmp_path / "walk"]
    assert not answer.refused
    assert tmp_path / "walk" / "more.aa" not in reader.asked


def test_children_that_are_claimed_more_surely_win_over_a_weak_folder(tmp_path: Path, readers) -> None:
    readers(Suffix("aa", folder=0.5, file=0.0), Suffix("bb"))
    make(tmp_path, "walk/take.aa", "walk/clip.bb")
    assert [found.path.name for found in discover([tmp_path]).found] == ["clip.bb"]


def test_a_weak_folder_stands_when_nothing_inside_is_surer(tmp_path: Path, readers) -> None:
    readers(Suffix("aa", folder=0.55, file=0.3))
    make(tmp_path, "walk/take.aa", "walk/notes.txt")
    answer = discover([tmp_path])
    assert [found.path.name for found in answer.found] == ["walk"]
    assert not answer.refused, "the notes are part of the folder that was taken"


def test_a_folder_of_images_is_one_recording_though_each_image_could_be_one(tmp_path: Path, readers) -> None:
    readers(Suffix("aa", folder=0.4, file=0.5))
    make(tmp_path, "set/take.aa", "set/b.aa", "set/c.aa")
    assert [found.path.name for found in discover([tmp_path]).found] == ["set"]


def test_recordings_beside_and_below_a_folder_of_images_are_found_too(tmp_path: Path, readers) -> None:
    readers(Suffix("aa", folder=0.4, file=0.5), Suffix("bb"))
    make(tmp_path, "set/take.aa", "set/b.aa", "set/clip.bb", "set/more/take.aa", "set/more/z.aa")
    names = [str(found.path.relative_to(tmp_path)) for found in discover([tmp_path]).found]
    assert names == ["set", "set/clip.bb", "set/more"]


def test_the_surest_reader_takes_a_file(tmp_path: Path, readers) -> None:
    unsure, sure = Suffix("bb"), Suffix("aa", file=1.0)
    unsure.probe = lambda path, head: Claim(confidence=0.3, reason="a guess")  # type: ignore[method-assign]
    readers(unsure, sure)
    (found,) = discover([make(tmp_path, "x.aa")]).found
    assert (found.reader, found.claim.reason) == ("aa", "its ending")


def test_a_refused_file_names_every_readers_reason(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"), Suffix("bb"))
    make(tmp_path, "README.md")
    (refused,) = discover([tmp_path]).refused
    assert refused.summary == "README.md: no reader: aa: does not end in .aa; bb: does not end in .bb"


def test_two_equal_readers_are_an_error_for_a_named_path_and_a_refusal_below_one(tmp_path: Path, readers) -> None:
    first, second = Suffix("aa"), Suffix("zz")
    second.probe = first.probe  # type: ignore[method-assign]
    readers(first, second)
    make(tmp_path, "x.aa")
    with pytest.raises(AmbiguousFormatError) as caught:
        discover([tmp_path / "x.aa"])
    assert "--reader aa" in caught.value.hint
    (refused,) = discover([tmp_path]).refused
    assert refused.kind == "ambiguous"
    assert discover([tmp_path / "x.aa"], reader="zz").found[0].reader == "zz"


def test_a_named_reader_is_believed_even_where_it_does_not_claim(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, "x.bin")
    (found,) = discover([tmp_path / "x.bin"], reader="aa").found
    assert (found.reader, found.claim.confidence) == ("aa", 0.0)


def test_an_unknown_reader_is_an_error(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    with pytest.raises(PluginError):
        discover([tmp_path], reader="ab")


def test_the_real_registry_suggests_a_close_reader(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match="among the readers"):
        discover([tmp_path], reader="no-such-reader")


def test_a_missing_path_suggests_its_nearest_neighbour(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, "takes/walk_01.aa")
    with pytest.raises(UsageError) as caught:
        discover([tmp_path / "takes" / "walk_1.aa"])
    assert "walk_01.aa" in caught.value.hint
    with pytest.raises(UsageError) as caught:
        discover([tmp_path / "take" / "walk_01.aa"])
    assert str(tmp_path / "takes") in caught.value.hint


def test_an_empty_folder_is_refused_not_passed_over(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    (refused,) = discover([tmp_path]).refused
    assert refused.path == tmp_path
    assert refused.reason == "the folder is empty"


def test_hidden_names_are_left_aside_and_counted(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, ".git/x.aa", ".hidden.aa", "seen.aa")
    answer = discover([tmp_path])
    assert [found.path.name for found in answer.found] == ["seen.aa"]
    assert answer.hidden == 2


def test_links_that_go_round_or_nowhere_end(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, "a/x.aa")
    (tmp_path / "a" / "round").symlink_to(tmp_path)
    (tmp_path / "b").symlink_to(tmp_path / "a")
    (tmp_path / "c").symlink_to(tmp_path / "nowhere")
    (tmp_path / "d").symlink_to(tmp_path / "d")
    answer = discover([tmp_path])
    assert [found.path.name for found in answer.found] == ["x.aa"]
    assert {refused.path.name: refused.kind for refused in answer.refused} == {
        "round": "repeated",
        "b": "repeated",
        "c": "unreadable",
        "d": "unreadable",
    }


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    os.mkfifo(tmp_path / "pipe.aa")
    (refused,) = discover([tmp_path]).refused
    assert refused.reasons == {"rushes": "is neither a file nor a folder"}


def test_the_same_path_given_twice_is_one_recording(tmp_path: Path, readers) -> None:
    readers(Suffix("aa"))
    make(tmp_path, "x.aa")
    answer = discover([tmp_path / "x.aa", tmp_path])
    assert len(answer.found) == 1
    assert [refused.kind for refused in answer.refused] == ["repeated"]


NAMES = st.lists(
    st.tuples(
        st.sampled_from(["", "p/", "q/", "p/r/"]),
        st.sampled_from(["take", "f1", "f2", "f10"]),
        st.sampled_from([".aa", ".bb", ".txt"]),
    ).map("".join),
    unique=True,
    max_size=12,
)


@given(names=NAMES, sure=st.sampled_from([0.3, 0.5, 0.55, 0.8]))
def test_every_file_has_a_fate(tmp_path_factory, names: list[str], sure: float) -> None:
    names = [f"below/{name}" for name in names]  # an ambiguous folder is an error where it is the one given
    root = make(tmp_path_factory.mktemp("any"), *names)
    plugins = {"aa": Suffix("aa", folder=sure), "bb": Suffix("bb", file=0.4)}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load_all", lambda kind: plugins)
        answer = discover([root])
    fates = [found.path for found in answer.found] + [refused.path for refused in answer.refused]
    assert len(fates) == len(set(fates))
    for name in names:
        assert any((root / name) == fate or fate in (root / name).parents for fate in fates), name
