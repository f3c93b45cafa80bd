"""A view that the App's database shows whole already is shown again without being laid out."""

from dataclasses import replace
from pathlib import Path

import pytest

from browse.takes import clips, rig
from rushes.browse import serve, standing
from rushes.browse.edits import Edits
from rushes.browse.players import Interval, Played, Playlist
from rushes.browse.showing import Showing

pytestmark = pytest.mark.live


class Laid:
    """A view that counts how often it is laid out, with its recordings to be played."""

    def __init__(self, view, folder):
        self.view, self.folder, self.times, self.listed = view, folder, 0, 0

    def showing(self, mark):
        return Showing(name=self.view.name, view=self._lay_out, mark=mark, playlist=self._list)

    def _lay_out(self):
        self.times += 1
        return self.view

    def _list(self, known):
        if known is None:
            self.listed += 1
            known = [
                Played(
                    recording_id=each.recording_id,
                    name=each.name,
                    path=self.folder / f"{each.name}.mcap",
                    seconds=1.5,
                    streams=["cam/left"],
                    intervals=[Interval(start_ns=0, end_ns=5, tag="wave")],
                )
                for each in self.view.recordings
            ]
        return Playlist(name=f"{self.view.name} recordings", folder=self.folder, recordings=known, write=print)


@pytest.fixture
def load(database):
    yield database
    database.fo.delete_datasets("*")


@pytest.fixture
def laid(tmp_path):
    return Laid(rig(), tmp_path)


def brought(load, showing):
    return serve._brought(showing, None, load)


def test_what_stands_under_the_same_mark_is_not_laid_out_again(load, laid):
    first, _ = brought(load, laid.showing("one"))
    again, playlist = brought(load, laid.showing("one"))
    assert (laid.times, laid.listed) == (1, 1)
    assert again.loaded == replace(first.loaded, written=0, recordings=())
    assert again.addresses == laid.view.addresses == first.addresses
    assert [(each.recording_id, each.path) for each in playlist.recordings] == [
        (each.recording_id, laid.folder / f"{each.name}.mcap") for each in laid.view.recordings
    ]
    assert all(isinstance(each.path, Path) for each in again.played)


def test_a_flat_view_stands_too(load, tmp_path):
    laid = Laid(clips(), tmp_path)
    first, _ = brought(load, laid.showing("one"))
    again, _ = brought(load, laid.showing("one"))
    assert laid.times == 1
    assert (again.loaded.samples, again.loaded.groups) == (len(laid.view.samples),) * 2
    assert again.loaded.slices == first.loaded.slices == ()


@pytest.mark.parametrize("mark", ["another", None])
def test_under_another_mark_it_is_laid_out(load, laid, mark):
    brought(load, laid.showing("one"))
    brought(load, laid.showing(mark))
    assert laid.times == 2


def test_only_the_newest_mark_stands(load, laid):
    for mark in ("one", "two", "one"):
        brought(load, laid.showing(mark))
    assert laid.times == 3


@pytest.mark.parametrize("what", ["kitchen rig", "kitchen rig playback", "kitchen rig recordings"])
def test_what_somebody_took_out_of_the_app_is_laid_out_again(load, laid, what):
    brought(load, laid.showing("one"))
    load.fo.delete_dataset(what)
    brought(load, laid.showing("one"))
    assert laid.times == 2
    assert load.fo.dataset_exists(what)


def test_edits_of_people_stay_where_they_are(load, laid):
    brought(load, laid.showing("one"))
    samples = load.fo.load_dataset(laid.view.name).select_group_slices(media_type="image")
    tagged, gone = samples.first(), samples.last()
    tagged.tags.append("mine")
    tagged.save()
    load.fo.load_dataset(laid.view.name).delete_samples([gone.id])
    again, _ = brought(load, laid.showing("one"))
    assert laid.times == 1
    assert again.loaded.samples == len(laid.view.samples) - 1
    found = Edits(load.database(), laid.view.name).edited()
    assert {str(each.sample): [piece.what for piece in each.pieces] for each in found} == {
        tagged.id: ["tag"],
        gone.id: ["deleted"],
    }


def test_what_was_written_back_is_brought_up_to_date(load, laid):
    brought(load, laid.showing("one"))
    sample = load.fo.load_dataset(laid.view.name).first()
    sample.tags.append("mine")
    sample.save()
    edits = Edits(load.database(), laid.view.name)
    edits.settle([(each, each.pieces) for each in edits.edited()])
    brought(load, laid.showing("one"))
    assert laid.times == 2


def test_a_load_that_was_cut_off_leaves_nothing_standing(load, laid, monkeypatch):
    brought(load, laid.showing("one"))
    laid.view = replace(laid.view, recordings=[replace(r, place="garden") for r in laid.view.recordings])

    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(load.playback, "fill", cut)
        with pytest.raises(KeyboardInterrupt):
            brought(load, laid.showing("two"))
    for mark in ("one", "two"):
        assert standing.find(load.database(), laid.view.name, load.mark_of(mark)) is None
    brought(load, laid.showing("two"))
    assert laid.times == 3
    assert load.fo.load_dataset(laid.view.name).distinct("place") == ["garden"]


def test_what_an_operator_loaded_meanwhile_stands_no_more(load, laid):
    brought(load, laid.showing("one"))
    load.load(replace(laid.view, recordings=[replace(r, place="garden") for r in laid.view.recordings]))
    brought(load, laid.showing("one"))
    assert laid.times == 2
