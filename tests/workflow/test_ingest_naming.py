"""Names of recordings tell them apart."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rushes.workflow._ingest.naming import names_of, tails

PARTS = st.lists(st.sampled_from(["a", "b", "c", "take"]), min_size=1, max_size=4)


def test_a_name_that_is_the_only_one_stays_as_it_is() -> None:
    paths = [Path("/x/s01/walk.mp4"), Path("/x/s01/run.mp4")]
    assert list(names_of(paths, ()).values()) == ["walk", "run"]


def test_names_that_are_alike_get_the_folders_in_which_they_differ() -> None:
    paths = [Path("/x/s01/a/take.mp4"), Path("/x/s02/a/take.mp4"), Path("/x/s02/b/take.mp4"), Path("/x/other.mp4")]
    assert list(names_of(paths, ()).values()) == ["s01_a_take", "s02_a_take", "b_take", "other"]


def test_files_of_one_folder_that_differ_in_their_ending_keep_it() -> None:
    assert list(names_of([Path("/x/walk.bag"), Path("/x/walk.mcap")], ()).values()) == ["walk.bag", "walk.mcap"]


def test_a_name_that_the_dataset_has_already_gets_its_folder() -> None:
    assert names_of([Path("/x/s02/take.mp4")], {"take"})[Path("/x/s02/take.mp4")] == "s02_take"


@given(st.lists(PARTS, min_size=1, max_size=12))
def test_tails_tell_all_paths_apart_and_end_as_they_do(parts: list[list[str]]) -> None:
    paths = list(dict.fromkeys(Path("/", *own) for own in parts))
    found = tails(paths)
    assert set(found) == set(paths)
    assert len(set(found.values())) == len(paths)
    assert all(path.parts[-len(found[path]) :] == found[path] for path in paths)
