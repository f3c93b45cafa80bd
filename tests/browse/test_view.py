from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from browse.takes import clips, rig
from rushes.browse.documents import rows_of
from rushes.browse.elements import Elements
from rushes.browse.view import ALONE, BrowseStream


def all_rows(view):
    words, elements = view.words_of(), Elements(view.labels, view.ontology)
    return [
        row for place, rows in enumerate(view.rows_of()) for row in rows_of(view, place, rows, words, elements)
    ]


@example(["a", "a/", "a-2"])
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=12, unique=True))
def test_every_stream_name_becomes_its_own_slice_that_can_stand_in_a_path(names):
    view = clips(0)
    view = replace(view, streams=[BrowseStream(name=name, modality="color") for name in names])
    assert len({s.lower() for s in view.slices}) == len(names)
    assert all(
        s and set(s) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
        for s in view.slices
    )


def test_a_view_where_no_moment_holds_two_pictures_is_flat():
    assert rig().grouped
    assert not clips().grouped
    view = rig()
    assert not replace(view, samples=replace(view.samples, moment=np.full(len(view.samples), ALONE))).grouped


def test_the_grid_shows_the_colour_stream_with_the_most_pictures_first():
    assert rig().default_slice == "cam_left"  # the right camera misses moments


def test_a_digest_changes_for_the_recording_that_changed_and_no_other():
    view = rig(recordings=3)
    before = view.digests()
    assert rig(recordings=3).digests() == before
    row = int(view.rows_of()[1][4])
    for name in ("index", "moment", "t_ns", "skew_ns", "width", "height", "flags"):
        column = getattr(view.samples, name).copy()
        column[row] += 1
        after = replace(view, samples=replace(view.samples, **{name: column})).digests()
        assert {r for r in before if before[r] != after[r]} == {"rec1"}, name
    samples = replace(view.samples, finding_row=np.array([row]), finding_check=["image.dark"])
    assert replace(view, samples=samples).digests()["rec1"] != before["rec1"]
    recordings = [view.recordings[0], replace(view.recordings[1], part="val"), view.recordings[2]]
    after = replace(view, recordings=recordings).digests()
    assert {r for r in before if before[r] != after[r]} == {"rec1"}


def test_a_masked_skew_is_not_the_skew_under_the_mask():
    view = rig()
    skew = view.samples.skew_ns.copy()
    skew[0] = np.ma.masked
    assert replace(view, samples=replace(view.samples, skew_ns=skew)).digests() != view.digests()


def test_ids_are_the_same_at_every_load_and_unlike_each_other():
    first, second = all_rows(rig()), all_rows(rig())
    assert [row.id for row in first] == [row.id for row in second]
    assert len({row.id for row in first}) == len(first)  # one picture stands in two moments


def test_the_pictures_of_a_moment_share_its_group_and_no_slice_comes_twice():
    rows = all_rows(rig())
    groups = {}
    for row in rows:
        groups.setdefault(row.group, []).append(row)
    assert len(groups) == 24
    for members in groups.values():
        assert len({m.slice for m in members}) == len(members)
        assert len({(m.values["recording"], m.values["moment"]) for m in members}) == 1


def test_frames_alone_are_groups_of_one():
    rows = all_rows(clips())
    assert len({row.group for row in rows}) == len(rows) == 5
    assert {row.values["moment"] for row in rows} == {None}
    assert {row.values["skew_ms"] for row in rows} == {None}
    assert {row.size for row in rows} == {None}


def test_values_carry_their_units_and_times_stay_exact():
    row = all_rows(rig())[1]
    assert row.values["stream"] == "/cam_right"
    assert row.values["skew_ms"] == 2.5
    assert row.values["t_ns"] == 1_700_000_000_002_500_000
    assert row.values["time_s"] == pytest.approx(0.00375)
    assert row.path == "/rushes-virtual/kitchen/rec0/cam_right/0.jpg"
    assert row.tags == ["train"]


def test_flags_and_findings_become_fields_and_tags():
    rows = all_rows(rig())
    assert sum(row.values["repeated"] for row in rows) == 2
    assert not any(row.values["missing"] or row.values["corrupt"] for row in rows)
    found = [row for row in rows if row.values["findings"]]
    assert {row.values["index"] for row in found} == {0, 4, 8}
    assert all("image.blur" in row.tags for row in found)


def test_columns_of_unlike_length_are_our_own_mistake():
    samples = rig().samples
    with pytest.raises(AssertionError, match="width"):
        replace(samples, width=samples.width[1:])
