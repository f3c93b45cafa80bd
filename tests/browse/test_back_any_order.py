"""Whatever is done in the App and in the dataset, in whatever order: no edit is lost, none overrules unseen."""

import json
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from browse.desk_of_edits import HEIGHT, WIDTH, Bench, made
from rushes.labels import Box
from rushes.workflow import annotate_conflicts
from rushes.workflow.decisions import TagWish, Wish, decide

pytestmark = [pytest.mark.live, pytest.mark.slow]


@pytest.fixture(scope="module")
def template(tmp_path_factory, database):
    place = tmp_path_factory.mktemp("template")
    dataset = made(place)
    bench = Bench(dataset, database)
    bench.box(0, x=1.0)
    bench.box(1, x=2.0)
    return place


class Story(Bench):
    """The bench, and what everybody has done at it. Each edit puts a box to another place, which tells it."""

    def __init__(self, path, load):
        super().__init__(path, load)
        self.steps = 3
        self.pending = {}  # what only the App has: piece → what it says
        self.done = []  # what was said of labels: (label or None, x)
        self.tags, self.decided = {}, []
        self.deleted = set()

    def _x(self):
        self.steps += 1
        return self.steps / 4

    def _shown(self, index):
        if index in self.deleted:
            return None
        sample = self.dataset.match({"index": index})
        return sample.first() if len(sample) else None

    def app_moves(self, index):
        sample = self._shown(index)
        if sample is not None and sample["boxes"] and sample["boxes"].detections:
            x = self._x()
            box = sample["boxes"].detections[0]
            box.bounding_box = [x / WIDTH, 8 / HEIGHT, 16 / WIDTH, 12 / HEIGHT]
            sample.save()
            self.pending["box", box.id] = x

    def app_draws(self, index):
        sample = self._shown(index)
        if sample is not None:
            x = self._x()
            box = self.fo.Detection(label="hand", bounding_box=[x / WIDTH, 0.25, 0.25, 0.25])
            detections = [*(sample["boxes"].detections if sample["boxes"] else []), box]
            sample["boxes"] = self.fo.Detections(detections=detections)
            sample.save()
            self.pending["box", box.id] = x

    def app_erases(self, index):
        sample = self._shown(index)
        if sample is not None and sample["boxes"] and sample["boxes"].detections:
            box = sample["boxes"].detections[0]
            sample["boxes"] = self.fo.Detections(detections=sample["boxes"].detections[1:])
            sample.save()
            self.pending.pop(("box", box.id), None)

    def app_tags(self, index):
        sample = self._shown(index)
        if sample is not None:
            tag = f"tag {self._x()}"
            sample.tags.append(tag)
            sample.save()
            self.tags[tag] = index

    def app_decides(self, index, what):
        sample = self._shown(index)
        if sample is not None:
            sample["decision"] = what
            sample.save()
            self.pending["decision", index] = what

    def app_deletes(self, index):
        if self._shown(index) is not None:
            self.dataset.delete_samples([self._shown(index).id])
            self.deleted.add(index)
            self.pending = {key: x for key, x in self.pending.items() if key[0] == "box"}
            self.pending = {k: x for k, x in self.pending.items() if k[0] != "box" or not self._on(k[1], index)}
            self.tags = {tag: at for tag, at in self.tags.items() if at != index or tag in self._tagged()}
            self.pending["decision", index] = "delete"

    def _on(self, element, index):
        document = self.load.database()[f"rushes_seen_{self._key()}"].find_one({"index": index}) or {}
        known = {str(each["_id"]) for each in (document.get("boxes") or {}).get("detections", ())}
        return element in known or element not in self._elements()

    def _elements(self):
        return {
            box.id
            for at in range(3)
            if at not in self.deleted and self._shown(at) is not None and self._shown(at)["boxes"]
            for box in self._shown(at)["boxes"].detections
        }

    def _key(self):
        from hashlib import blake2b

        return blake2b(self.dataset.name.encode(), digest_size=8).hexdigest()

    def _tagged(self):
        return {row["tag"] for row in self.table("tags")}

    def set_moves(self, index):
        for name, label in self.labels.items():
            if label.index == index:
                x = self._x()
                self.edit(name, replace(label, geometry=Box(x_px=x, y_px=8.0, width_px=16.0, height_px=12.0)))
                self.done.append(x)
                return

    def set_draws(self, index):
        x = self._x()
        self.box(index, x=x)
        self.done.append(x)

    def set_erases(self, index):
        for name, label in self.labels.items():
            if label.index == index:
                self.edit(name, None)
                return

    def set_decides(self, index, what):
        decide(self.path, [Wish(item=self.item(index), what=what)], author="ben")

    def set_tags(self, index):
        tag = f"tag {self._x()}"
        decide(self.path, [], tags=[TagWish(item=self.item(index), tag=tag, action="added")], author="ben")
        self.tags[tag] = index

    def writes(self):
        done = self.write_back("ada")
        assert done.refused == []
        self._settle()

    def reloads(self):
        self.reload()
        self.deleted = {at for at in range(3) if not len(self.dataset.match({"index": at}))}

    def _settle(self):
        """Hold the dataset against everything that was said."""
        self.done += [x for (kind, _), x in self.pending.items() if kind == "box"]
        self.decided += [(at, what) for (kind, at), what in self.pending.items() if kind == "decision"]
        self.pending = {}
        self.holds()

    def holds(self):
        standing = {label.geometry.x_px for label in self.labels.values()}
        payloads = [json.loads(row["payload"]) for row in self.table("label_events") if row["tool"] == "rushes"]
        said = {x for one in payloads for x in _xs(one.get("after"))}
        overruled = {x for one in payloads for x in _xs(one.get("before"))}
        rows = annotate_conflicts.conflicts(self.path, closed=True)
        contested = {x for row in rows for side in (row.base, row.ours, row.theirs) for x in _xs(side)}
        for x in self.done:
            assert x in said, f"{x} is in no version"
            assert x in standing | overruled | contested, f"{x} was overruled by somebody who had not seen it"
        assert set(self.tags) <= self._tagged()
        decisions = {(row["index"], row["what"]) for row in self.table("decisions")}
        assert set(self.decided) <= decisions
        again = self.write_back("ada")
        assert again.written == 0


def _xs(value):
    """Give every left edge within JSON values."""
    if isinstance(value, dict):
        found = {value["x_px"]} if isinstance(value.get("x_px"), float) else set()
        return found.union(*(_xs(each) for each in value.values())) if value else found
    if isinstance(value, list):
        return set().union(*(_xs(each) for each in value)) if value else set()
    return set()


INDEX = st.integers(0, 2)
WHAT = st.sampled_from(["accept", "reject"])
STEP = st.one_of(
    st.tuples(st.sampled_from(["app_moves", "app_draws", "app_erases", "app_tags", "app_deletes"]), INDEX),
    st.tuples(st.sampled_from(["set_moves", "set_draws", "set_erases", "set_tags"]), INDEX),
    st.tuples(st.sampled_from(["app_decides", "set_decides"]), INDEX, WHAT),
    st.sampled_from([("reloads",), ("writes",)]),
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@example([("app_moves", 0), ("set_moves", 0), ("reloads",), ("writes",), ("set_moves", 0)])
@example([("app_moves", 0), ("set_erases", 0), ("writes",), ("app_erases", 1), ("set_moves", 1), ("writes",)])
@example([("app_decides", 2, "accept"), ("set_decides", 2, "reject"), ("app_deletes", 1), ("set_draws", 1)])
@given(st.lists(STEP, min_size=3, max_size=9))
def test_no_edit_is_lost_and_none_overrules_unseen(database, template, tmp_path_factory, steps):
    place = tmp_path_factory.mktemp("story")
    shutil.rmtree(place)
    shutil.copytree(template, place)
    story = Story(place / "set", database)
    try:
        story.reloads()
        for name, *arguments in steps:
            getattr(story, name)(*arguments)
        story.writes()
        story.reloads()
        story.holds()
    finally:
        database.fo.delete_datasets("*")
        for collection in database.database().list_collection_names():
            if collection.startswith("rushes_"):
                database.database()[collection].drop()
        shutil.rmtree(place)
