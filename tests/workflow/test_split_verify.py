"""An audit finds every leak that was planted, tells what it could not look for, and leaves sound splits alone."""

import csv
import json
import random
import shutil

import cv2
import numpy as np
import pytest

from rushes import ontology
from rushes.errors import UsageError
from rushes.store import Store
from rushes.workflow._labels import vocabulary
from rushes.workflow.check import Settings as CheckSettings
from rushes.workflow.check import check
from rushes.workflow.dataset import Dataset
from rushes.workflow.export import Settings as ExportSettings
from rushes.workflow.export import export
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.split import Settings as SplitSettings
from rushes.workflow.split import split
from rushes.workflow.split_verify import Settings, verify, write_report

KINDS = ("person", "recording", "take", "near", "time")


def scene(chance, shift=0):
    """Give a picture of random soft shapes, 96 × 128; the same generator state gives the same scene."""
    coarse = chance.random((6, 8, 3)).astype(np.float32)
    fine = cv2.resize(coarse, (160, 120), interpolation=cv2.INTER_CUBIC)
    return np.clip(fine[12:108, 16 + shift : 144 + shift] * 255, 0, 255).astype(np.uint8)


class Planted:
    """A list of pictures of many people without leaks, in which some are planted; knows which."""

    def __init__(self, place, *, clean=200, planted=8):
        self.place, self.rows = place, []
        self.leaking = {kind: set() for kind in KINDS}
        chance = np.random.default_rng(0)
        for at in range(clean):
            self.add(
                scene(chance), person=f"p{at // 4}", take=f"t{at // 4}", part=("train", "test")[at // 4 % 4 == 0]
            )
        for at in range(planted):
            for kind in KINDS:
                self.plant(kind, at, chance)

    def plant(self, kind, at, chance):
        first = scene(chance)
        one = {"person": f"{kind}a{at}", "take": f"{kind}a{at}", "recording": f"{kind}ra{at}", "stream": ""}
        other = {"person": f"{kind}b{at}", "take": f"{kind}b{at}", "recording": f"{kind}rb{at}", "stream": ""}
        second = scene(chance)
        if kind in ("person", "recording", "take"):
            other[kind] = one[kind]
        if kind == "near":
            second = cv2.GaussianBlur(np.clip(first * 1.15, 0, 255).astype(np.uint8), (3, 3), 0)
        if kind == "time":
            one |= {"stream": f"s{at}", "index": 5}
            other |= {"stream": f"s{at}", "index": 6}
        for picture, facts, part in ((first, one, "train"), (second, other, "test")):
            self.leaking[kind].add(self.add(picture, part=part, **facts))

    def add(self, picture, **facts):
        name = f"{len(self.rows):05d}.jpg"
        cv2.imwrite(str(self.place / name), picture)
        self.rows.append({"path": name, **facts})
        return name

    def write(self):
        names = ["path", "part", "person", "recording", "take", "stream", "index"]
        with (self.place / "list.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)
        return str(self.place / "list.csv")


def found(done):
    """Give the names that leak, by kind or key."""
    names = done.audited.names
    return {leak.key or leak.kind: {names[at] for at in np.flatnonzero(leak.leaking)} for leak in done.leaks}


def test_leaks_of_five_kinds_are_found_and_nothing_else(tmp_path):
    planted = Planted(tmp_path)
    done = verify(Settings(sources=[planted.write()]))
    assert {kind: found(done)[kind] for kind in KINDS} == planted.leaking
    assert found(done)["exact"] == set()
    assert done.forbidden
    assert {f.check for f in done.findings} == {"split.leak-group", "split.leak-near", "split.leak-time"}


def test_a_page_shows_the_closest_pairs_and_asks_for_nothing(tmp_path):
    done = verify(Settings(sources=[Planted(tmp_path, clean=20, planted=2).write()]))
    size = write_report(done, tmp_path / "out.html")
    text = (tmp_path / "out.html").read_text()
    assert size == len(text.encode())
    assert text.count("data:image/jpeg;base64,") == 2 * 2 * 5
    assert "It leaks." in text
    assert "http" not in text.replace("http-equiv", "")
    assert done.digest in text


def test_a_sound_list_passes_and_says_what_it_could_not_look_for(tmp_path):
    chance = np.random.default_rng(3)
    rows = []
    for at in range(40):
        cv2.imwrite(str(tmp_path / f"{at}.png"), scene(chance))
        rows.append(f"{at}.png,{'train' if at % 4 else 'test'}")
    (tmp_path / "list.csv").write_text("path,part\n" + "\n".join([*rows, "gone.png,test"]))
    done = verify(Settings(sources=[str(tmp_path / "list.csv")]))
    assert not done.forbidden
    assert sorted(f.check for f in done.findings) == ["split.unchecked", "split.unchecked", "split.unread"]


def test_names_of_files_tell_people_and_order_by_an_expression(tmp_path):
    chance = np.random.default_rng(3)
    for part, name in (("train", "s1_003"), ("test", "s1_004"), ("test", "s2_001")):
        (tmp_path / part).mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / part / f"{name}.png"), scene(chance))
    rows = "train/s1_003.png,train\ntest/s1_004.png,test\ntest/s2_001.png,test"
    (tmp_path / "list.csv").write_text(f"path,part\n{rows}\n")
    pattern = r"(?P<subject>(?P<stream>s\d+))_(?P<index>\d+)"
    done = verify(Settings(sources=[str(tmp_path / "list.csv")], pattern=pattern))
    leaking = {"train/s1_003.png", "test/s1_004.png"}
    assert found(done) == {"subject": leaking, "exact": set(), "near": set(), "time": leaking}


def test_coco_files_with_a_picture_in_both_are_caught(shared_data, tmp_path):
    pictures = sorted((shared_data / "labels/coco128_people/images/train2017").glob("*.jpg"))
    assert len(pictures) == 30
    for part, mine in (("train", pictures[:20]), ("val", pictures[19:])):
        images = [{"id": at, "file_name": path.name} for at, path in enumerate(mine)]
        (tmp_path / f"instances_{part}2017.json").write_text(json.dumps({"images": images, "annotations": []}))
    files = [str(tmp_path / f"instances_{part}2017.json") for part in ("train", "val")]
    done = verify(Settings(sources=files, images=pictures[0].parent))
    assert done.sizes == {"train": 20, "val": 11}
    twice = {str(pictures[19])}
    assert found(done) == {"exact": twice, "near": twice}


@pytest.fixture(scope="module")
def clips(shared_data, tmp_path_factory):
    """A dataset of three real clips."""
    place = tmp_path_factory.mktemp("clips")
    for name in ("brother", "bird", "no"):
        shutil.copy(shared_data / "video" / "asl_gestures" / f"{name}.mkv", place)
    ingest(place / "set", Request(paths=sorted(place.glob("*.mkv")), facts_from=r"(?P<task>brother|bird|no)$"))
    return place / "set"


def test_a_random_split_by_frame_of_real_clips_leaks_nearly_everywhere(clips, tmp_path):
    chance = random.Random(1)
    with Dataset.open(clips) as opened, (tmp_path / "random.csv").open("w") as file:
        file.write("key,part\n")
        for row in opened.arrow("recordings").to_pylist():
            for frames in opened.picture_streams(row["recording_id"]):
                for index in range(len(frames)):
                    part = "test" if chance.random() < 0.2 else "train"
                    file.write(f"{row['name']}/{frames.stream['stream']}/{index},{part}\n")
    done = verify(Settings(sources=[str(clips)], assignment=tmp_path / "random.csv", cost=True))
    assert done.forbidden
    share = {leak.key or leak.kind: leak.leaking.sum() / leak.known for leak in done.leaks}
    assert share["recording"] == 1.0
    assert share["near"] > 0.85
    assert share["near"] + share["alike"] > 0.9
    assert share["time"] > 0.3
    # Each clip is a sign of its own: what knows the frame knows the sign, what knows only others' cannot.
    (of_recording,) = [cost for cost in done.costs if cost.kind == "the same recording"]
    assert of_recording.kept > 0.95
    assert of_recording.removed < 0.7
    assert 0 < of_recording.low <= of_recording.inflation <= of_recording.high


def test_a_split_by_recording_of_the_same_clips_does_not(clips):
    split(clips, SplitSettings(parts={"train": 0.7, "test": 0.3}))
    done = verify(Settings(sources=[str(clips)]))
    assert {leak.key or leak.kind: int(leak.leaking.sum()) for leak in done.leaks} == {
        "recording": 0,
        "near": 0,
        "alike": 0,
        "time": 0,
    }


def test_what_a_split_ties_is_all_that_its_own_audit_would_call_a_leak(shared_data, tmp_path):
    """Thirteen clips of one place: most are alike, some hold the very same pose."""
    ingest(tmp_path / "set", Request(paths=[shared_data / "video" / "asl_gestures"]))
    check(tmp_path / "set", CheckSettings(fail_on="never"))
    done = split(tmp_path / "set", SplitSettings(parts={"train": 0.6, "test": 0.4}, links="near"))
    assert 2 <= len(done.components) < 13
    audited = verify(Settings(sources=[str(tmp_path / "set")]))
    assert not audited.forbidden
    counts = {leak.key or leak.kind: int(leak.leaking.sum()) for leak in audited.leaks}
    assert counts["near"] == 0
    assert counts["alike"] > 0
    assert "split.alike" in {f.check for f in audited.findings if f.severity == "warning"}


@pytest.fixture
def folders(tmp_path):
    """A checked dataset of four folders of pictures; the second holds a picture of the first, brighter."""
    chance = np.random.default_rng(5)
    scenes = [scene(chance) for _ in range(12)]
    scenes[3] = np.clip(scenes[0] * 1.1, 0, 255).astype(np.uint8)
    for at, picture in enumerate(scenes):
        place = tmp_path / "pictures" / f"set{at // 3}"
        place.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(place / f"{at}.png"), picture)
    ingest(tmp_path / "set", Request(paths=sorted((tmp_path / "pictures").iterdir())))
    return tmp_path / "set"


def test_recordings_with_like_pictures_stay_together_once_checked(folders):
    before = split(folders, SplitSettings(parts={"train": 0.5, "test": 0.5}, name="before"))
    assert len(before.components) == 4
    assert "split.duplicates-unknown" in {f.check for f in before.findings}
    check(folders, CheckSettings(fail_on="never"))
    after = split(folders, SplitSettings(parts={"train": 0.5, "test": 0.5}))
    assert sorted(len(each.units) for each in after.components) == [1, 1, 2]
    assert len(after.links.why) == 1
    assert "of 64 bits apart" in after.links.why[0]
    assert "split.duplicates-unknown" not in {f.check for f in after.findings}
    assert len(split(folders, SplitSettings(parts={"a": 1.0}, links="exact", name="x")).components) == 4
    thirds = {"a": 0.4, "b": 0.3, "c": 0.3}  # a tied pair is more than any of these should hold
    loose = split(folders, SplitSettings(parts=thirds, name="loose"))
    assert len(loose.components) == 4
    assert "split.links-loosened" in {f.check for f in loose.findings}
    assert len(split(folders, SplitSettings(parts=thirds, name="tied", links="near")).components) == 3
    assert not verify(Settings(sources=[str(folders)])).forbidden


def test_what_a_check_has_measured_is_not_decoded_again(folders, monkeypatch):
    names = [r["name"] for r in Store.open(folders).table("recordings").to_pylist()]
    listed = folders.parent / "list.csv"
    listed.write_text("recording,part\n" + "\n".join(f"{n},{'train' if n == 'set0' else 'test'}" for n in names))
    settings = Settings(sources=[str(folders)], assignment=listed)
    decoded = found(verify(settings))
    assert len(decoded["near"]) == 2
    check(folders, CheckSettings(fail_on="never"))
    monkeypatch.setattr("rushes.workflow._split.of_dataset._pixels", None)
    assert found(verify(settings)) == decoded


def test_what_cannot_be_audited_is_told(tmp_path, clips):
    (tmp_path / "one.csv").write_text("path,part\na.jpg,train\n")
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n")
    (tmp_path / "not.json").write_text("[]")
    (tmp_path / "other.csv").write_text("key,part\nbird,train\nnobody,test\n")
    for settings, code in (
        (Settings(sources=[str(tmp_path / "one.csv")]), "split.one-part"),
        (Settings(sources=[str(tmp_path / "bad.csv")]), "split.list"),
        (Settings(sources=[str(tmp_path / "not.json")]), "split.list"),
        (Settings(sources=[str(tmp_path / "absent.csv")]), "path.absent"),
        (Settings(sources=[str(clips)], name="nosuch"), "split.absent"),
        (Settings(sources=[str(clips)], assignment=tmp_path / "other.csv"), "split.list"),
    ):
        with pytest.raises(UsageError) as caught:
            verify(settings)
        assert caught.value.code == code
        assert caught.value.hint


def test_blocks_of_one_film_reach_an_export_as_parts_apart_by_the_buffer(shared_data, tmp_path):
    place = tmp_path / "set"
    ingest(place, Request(paths=[shared_data / "video" / "asl_gestures" / "brother.mkv"]))
    (recording,) = Store.open(place).table("recordings").to_pylist()
    (stream,) = Store.open(place).table("streams", where={"table": "frames"}).to_pylist()
    times = Store.open(place).table("frames").sort_by("index")["t_ns"].to_numpy()
    with Store.open(place).begin("labels") as transaction:
        count = len(times)
        where = {"recording_id": recording["recording_id"], "stream": stream["stream"], "index": np.arange(count)}
        what = {"label_id": [f"l{at}" for at in range(count)], "class_name": "hand", "kind": "box"}
        size = {"image_width_px": 640, "image_height_px": 480}
        box = {**size, "x_px": 10.0, "y_px": 10.0, "width_px": 50.0, "height_px": 40.0}
        transaction.append("labels", count, {**where, **what, **box, "source": "human"})
        transaction.commit()
    buffer_ns = 100_000_000
    split(place, SplitSettings(parts={"train": 0.6, "test": 0.4}, blocks=5, buffer_ns=buffer_ns))
    words = "ontology: 1\nname: mine\nclasses: [{name: hand}]"
    vocabulary.keep(Store.open(place), ontology.parse(words, where="mine"))
    export(place, ExportSettings(format="coco", out=tmp_path / "out", split="default"))
    index = {}
    for part in ("train", "test"):
        (file,) = [p for p in (tmp_path / "out").rglob("*.json") if part in p.stem]
        names = [image["file_name"] for image in json.loads(file.read_text())["images"]]
        assert len(names) >= 10
        assert all((tmp_path / "out").rglob(name.rpartition("/")[2]) for name in names)
        index[part] = np.array([int(name.rpartition(".")[0][-6:]) for name in names])
    assert not {*index["train"]} & {*index["test"]}
    gaps = np.abs(times[index["train"]][:, None] - times[index["test"]][None, :])
    assert gaps.min() >= buffer_ns
    assert not [
        leak for leak in verify(Settings(sources=[str(place)])).leaks if leak.kind == "time" and leak.pairs
    ]
