"""A dataset is split by what belongs together; labels are spread; what was assigned, locked or cut stays."""

import cv2
import numpy as np
import pytest

from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow.browse import browse_view
from rushes.workflow.check import Settings as CheckSettings
from rushes.workflow.check import check
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.parts import Parts
from rushes.workflow.split import Settings, split
from rushes.workflow.split_lock import lock
from rushes.workflow.split_verify import Settings as VerifySettings
from rushes.workflow.split_verify import verify

HALVES = {"train": 0.5, "test": 0.5}


def take(transaction, recording, *, subject=None, place=None, state=None, samples=100, classes=(), task=None):
    """Add a recording with one camera, and labels on its first frames."""
    transaction.append(
        "recordings",
        1,
        {
            "recording_id": recording,
            "name": f"take-{recording}",
            "source": "-",
            "mode": "reference",
            "fingerprint": recording,
            "bytes": 1,
            "reader": "none",
            "reader_version": "1",
            "status": "ok",
            "count_read": samples,
            "subject": subject,
            "place": place,
            "task": task,
            "take_state": state,
            "ingested_ns": 0,
        },
    )
    stream = {"recording_id": recording, "stream": "cam"}
    columns = {"modality": "color", "table": "frames", "count": samples, "clock": "log", "time_meaning": "arrival"}
    transaction.append("streams", 1, {**stream, **columns})
    index = np.arange(samples)
    times = index * 100_000_000
    transaction.append("frames", samples, {**stream, "index": index, "t_ns": times, "flags": 0})
    if classes:
        labels = {"label_id": [f"{recording}-{at}" for at in range(len(classes))], "class_name": list(classes)}
        at = np.arange(len(classes))
        transaction.append(
            "labels", len(classes), {**stream, **labels, "index": at, "kind": "box", "source": "human"}
        )


@pytest.fixture
def dataset(tmp_path):
    """Give a function that makes or extends a dataset."""

    def made(*takes):
        place = tmp_path / "set"
        store = Store.open(place) if place.exists() else Store.create(place)
        with store.begin("ingest") as transaction:
            for recording, facts in takes:
                take(transaction, recording, **facts)
            transaction.commit()
        return place

    return made


def parts_of(place, name="default"):
    return {
        r["recording_id"]: r["part"] for r in Store.open(place).table("splits", where={"split": name}).to_pylist()
    }


def test_recordings_that_share_any_of_several_facts_stay_together(dataset):
    place = dataset(
        ("a", {"subject": "p1", "place": "x"}),
        ("b", {"subject": "p1", "place": "y"}),
        ("c", {"subject": "p2", "place": "y"}),
        ("d", {"subject": "p3", "place": "z"}),
    )
    done = split(place, Settings(parts=HALVES, by="subject,place"))
    assert [each.units for each in done.components] == [(0, 1, 2), (3,)]
    parts = parts_of(place)
    assert parts["a"] == parts["b"] == parts["c"] != parts["d"]
    assert "No group lies in two parts: 0 of 2 leak." in done.evidence


def test_an_sql_expression_groups_and_a_wrong_one_is_told(dataset):
    place = dataset(*((name, {}) for name in ("a1", "a2", "b1", "b2")))
    done = split(place, Settings(parts=HALVES, group_by=("name[1:6]",)))
    assert sorted(each.name for each in done.components) == ["take-a", "take-b"]
    with pytest.raises(UsageError, match="nme"):
        split(place, Settings(parts=HALVES, group_by=("nme",)))


def test_labels_are_spread_alike_and_a_class_of_one_group_is_told_with_its_bound(dataset):
    many = [(f"r{at}", {"classes": ["cup"] * 4 if at % 2 else ["pen"] * 4}) for at in range(12)]
    place = dataset(*many, ("rare", {"classes": ["wand"]}))
    done = split(place, Settings(parts=HALVES))
    spread = {each.name: each for each in done.spreads}
    assert spread["class cup"].shares == spread["class pen"].shares == (0.5, 0.5)
    assert spread["class wand"].groups == 1
    assert spread["class wand"].bound == 1.0
    (told,) = [f for f in done.findings if f.check == "split.class-confined"]
    assert told.message.startswith("class wand occurs in 1 group only: at most 1 of 2 parts can hold it; ")


def test_a_dataset_without_labels_is_split_by_size(dataset):
    done = split(dataset(*((f"r{at}", {}) for at in range(6))), Settings(parts=HALVES))
    assert done.spreads == []
    assert set(done.samples.values()) == {300}


def test_discarded_takes_are_in_no_part(dataset):
    place = dataset(("a", {}), ("b", {}), ("c", {"state": "discarded"}))
    split(place, Settings(parts=HALVES))
    assert set(parts_of(place)) == {"a", "b"}


def test_one_group_is_cut_into_blocks_with_a_buffer_and_told_to_be_weaker(dataset):
    place = dataset(("a", {"subject": "p", "samples": 1000}), ("b", {"subject": "p", "samples": 600}))
    done = split(place, Settings(parts=HALVES, by="subject", buffer_ns=2_000_000_000))
    assert "split.blocks" in {f.check for f in done.findings if f.severity == "warning"}
    assert any("weaker" in sentence for sentence in done.evidence)
    rows = Store.open(place).table("splits").to_pylist()
    parts = Parts(rows)
    assert {row["group_by"] for row in rows} == {"block"}
    for recording, samples in (("a", 1000), ("b", 600)):
        of = [parts.of(recording, "cam", index) for index in range(samples)]
        assert set(of) == {"train", "test", None}
        borders = [at for at in range(1, samples) if of[at] != of[at - 1]]
        last = None
        for at in range(samples):
            if of[at] is None:
                continue
            if last is not None and of[at] != of[last]:
                assert at - last >= 20, "2 s of 10 Hz lie between parts"
            last = at
        assert borders
    again = split(place, Settings(parts=HALVES, by="subject", buffer_ns=2_000_000_000))
    assert again.digests == done.digests
    assert parts.of("a") is None


@pytest.mark.parametrize("takes", [["a"], ["a", "b"]], ids=["cut into blocks", "whole"])
def test_other_parts_than_were_assigned_are_refused(dataset, takes):
    place = dataset(*((name, {"samples": 1000}) for name in takes))
    split(place, Settings(parts=HALVES))
    with pytest.raises(UsageError, match=r"has the parts t.*, and not a, b: 'take-\w' was assigned") as caught:
        split(place, Settings(parts={"a": 0.5, "b": 0.5}))
    assert caught.value.code == "split.unknown-part"
    assert split(place, Settings(parts={"a": 0.5, "b": 0.5}, fresh=True)).samples.keys() == {"a", "b"}


def test_groups_without_a_fact_are_told_by_the_names_of_their_recordings(dataset):
    done = split(dataset(("a", {"samples": 900}), ("b", {})), Settings(parts=HALVES))
    assert any("the largest, 'take-a', holds 90" in finding.message for finding in done.findings)


def test_a_recording_too_short_for_blocks_is_refused(dataset):
    with pytest.raises(UsageError, match="cannot be cut into 20 blocks") as caught:
        split(dataset(("a", {"samples": 100})), Settings(parts=HALVES))
    assert caught.value.code == "split.blocks"


def test_a_locked_part_neither_grows_nor_shrinks(dataset):
    place = dataset(*((f"r{at}", {"subject": f"p{at}"}) for at in range(6)))
    settings = Settings(parts=HALVES, by="subject")
    first = split(place, settings)
    locked = lock(place, "test")
    assert locked.digest == first.digests["test"]
    test = {name for name, part in parts_of(place).items() if part == "test"}
    dataset(("new-of-test", {"subject": f"p{min(test)[1:]}"}), ("new", {"subject": "p9"}))
    grown = split(place, Settings(parts=HALVES, by="subject", fresh=True))
    assert grown.digests["test"] == first.digests["test"]
    assert parts_of(place)["new"] == "train"
    assert grown.left_out == ["new-of-test"]
    assert "new-of-test" not in parts_of(place)
    assert "split.left-out" in {f.check for f in grown.findings}
    assert f"Part 'test' is locked, sha256 {locked.digest}." in grown.evidence
    assert not lock(place, "test").changed
    assert lock(place, "test", undo=True).changed
    assert split(place, settings).left_out == []


def test_pinned_recordings_that_turn_out_to_be_linked_stay_and_are_told(dataset):
    place = dataset(*((name, {"subject": name}) for name in ("p1", "p2", "p3", "p4")))
    split(place, Settings(parts=HALVES, by="subject"))
    before = parts_of(place)
    dataset(("both", {"subject": "p1", "place": "x"}))
    done = split(place, Settings(parts=HALVES, group_by=("'all of them'",)))
    after = parts_of(place)
    assert {name: after[name] for name in before} == before
    (leak,) = [f for f in done.findings if f.check == "split.leak"]
    assert "pinned apart" in leak.message
    assert any("this split leaks" in sentence for sentence in done.evidence)


def test_folds_share_the_classes(dataset):
    place = dataset(*((f"r{at}", {"classes": ["a", "b"], "task": "t"}) for at in range(10)))
    done = split(place, Settings(parts={f"fold-{at}": 0.2 for at in range(5)}))
    assert all(each.worst == pytest.approx(0) for each in done.spreads)


def test_what_cannot_be_balanced_or_locked_is_told(dataset):
    place = dataset(("a", {}), ("b", {}))
    with pytest.raises(UsageError, match="over 'clas'"):
        split(place, Settings(parts=HALVES, balance=("clas",)))
    with pytest.raises(UsageError, match="no split 'default'"):
        lock(place, "test")
    split(place, Settings(parts=HALVES))
    with pytest.raises(UsageError, match="no part 'tset'") as caught:
        lock(place, "tset")
    assert "'test'" in caught.value.hint


@pytest.fixture
def stills(tmp_path):
    """Give a function that makes a checked dataset of folders of pictures; two of each are nearly equal."""

    def made(*folders, each=12):
        for number, name in enumerate(folders):
            chance = np.random.default_rng(number)
            for at in range(each):
                if at != 1:
                    picture = cv2.resize((chance.random((6, 8)) * 255).astype(np.uint8), (160, 120))
                place = tmp_path / "pictures" / name
                place.mkdir(parents=True, exist_ok=True)
                cv2.imwrite(str(place / f"{at:03d}.png"), picture if at != 1 else cv2.add(picture, 3))
        ingest(tmp_path / "set", Request(paths=sorted((tmp_path / "pictures").iterdir())))
        check(tmp_path / "set", CheckSettings(fail_on="never"))
        return tmp_path / "set"

    return made


def rows_by_picture(place, name="default"):
    rows = Store.open(place).table("splits", where={"split": name}).to_pylist()
    assert {row["group_by"] for row in rows} == {"picture"}
    assert all(row["index_end"] == row["index"] + 1 for row in rows)
    return {(row["recording_id"], row["index"]): row["part"] for row in rows}


def test_one_folder_of_stills_is_parted_by_picture_and_copies_stay_together(stills):
    place = stills("a", each=20)
    done = split(place, Settings(parts=HALVES))
    parts = rows_by_picture(place)
    assert len(parts) == 20
    assert sum(part == "train" for part in parts.values()) == 10
    (recording,) = done.stills
    assert parts[recording, 0] == parts[recording, 1]
    assert len(done.components) == 19
    assert not any(f.check == "split.blocks" for f in done.findings)
    audited = verify(VerifySettings(sources=[str(place)]))
    assert not audited.forbidden
    assert {leak.kind: int(leak.leaking.sum()) for leak in audited.leaks} == {"group": 0, "exact": 0, "near": 0}


def test_folders_of_stills_are_taken_apart_when_asked_and_stay_where_they_were(stills):
    place = stills("a", "b")
    whole = split(place, Settings(parts=HALVES, name="whole"))
    assert not whole.stills
    split(place, Settings(parts=HALVES, by="picture"))
    before = rows_by_picture(place)
    assert {recording: {part for (r, _), part in before.items() if r == recording} for recording, _ in before} == {
        recording: {"train", "test"} for recording in whole.names
    }
    stills("a", "b", "c")
    again = split(place, Settings(parts=HALVES, by="picture"))
    after = rows_by_picture(place)
    assert before.items() <= after.items()
    assert len(after) == 36
    assert sum(a.pinned for a in again.assignments) == 24


def test_a_locked_part_of_stills_takes_no_more_and_leaves_out_what_is_like_it(stills):
    place = stills("a", each=20)
    split(place, Settings(parts=HALVES))
    locked = lock(place, "test")
    done = split(place, Settings(parts=HALVES, fresh=True, seed=9))
    assert done.digests["test"] == locked.digest
    assert sorted(done.samples.values()) == [10, 10]
    assert not [f for f in done.findings if f.severity == "error"]


def test_the_app_is_told_the_part_of_each_picture_where_a_set_lies_in_several(stills):
    place = stills("a")
    split(place, Settings(parts=HALVES))
    parts = rows_by_picture(place)
    with Dataset.open(place) as opened:
        view = browse_view(opened)
    shown = view.words_of()["split"]
    assert {int(view.samples.index[row]): word for row, (word,) in shown.items()} == {
        index: part for (_, index), part in parts.items()
    }
    assert view.recordings[0].part is None
