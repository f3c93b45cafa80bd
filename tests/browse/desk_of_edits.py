"""A dataset of three pictures with labels, opened in a real FiftyOne, for tests of what comes back."""

from pathlib import Path

import numpy as np
from PIL import Image

from rushes import ontology
from rushes.annotate import rows
from rushes.labels import Box, Keypoints, Label
from rushes.store import Store
from rushes.workflow import annotate_edit, browse_back
from rushes.workflow._labels import vocabulary
from rushes.workflow.browse import browse_view
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

WIDTH, HEIGHT = 64, 48


def made(place: Path, pictures: int = 3) -> Path:
    """Make the dataset: on the first picture two hands, of which one has its points."""
    folder = place / "pictures"
    folder.mkdir(parents=True)
    for at in range(pictures):
        Image.fromarray(np.full((HEIGHT, WIDTH, 3), 40 * at, np.uint8)).save(folder / f"{at}.png")
    dataset = place / "set"
    ingest(dataset, Request(paths=[folder]))
    vocabulary.keep(Store.open(dataset), ontology.load("hands"))
    return dataset


class Bench:
    """The dataset, the App's copy of it, and people at both."""

    def __init__(self, path: Path, load) -> None:
        self.path, self.load, self.fo = path, load, load.fo
        stream = Store.open(path).table("streams", columns=["recording_id", "stream"]).to_pylist()[0]
        self.recording, self.stream = stream["recording_id"], stream["stream"]

    def reload(self):
        """Open the App anew."""
        with Dataset.open(self.path) as dataset:
            return self.load.load(browse_view(dataset))

    def write_back(self, author="ada", **more):
        return browse_back.write_back_from(self.load.database(), self.path, author=author, **more)

    @property
    def dataset(self):
        return self.fo.load_dataset(Store.open(self.path).name)

    def sample(self, index):
        self.fo.core.odm.document  # noqa: B018 - the module that keeps datasets
        dataset = self.dataset
        dataset.reload()
        return dataset.match({"index": index}).first()

    def item(self, index):
        return self.recording, self.stream, index

    def box(self, index, x=10.0, class_name="hand", **more) -> str:
        """Add a box in the dataset itself."""
        label = Label(
            label_id="",
            recording_id=self.recording,
            kind="box",
            source="human",
            class_name=class_name,
            geometry=Box(x_px=x, y_px=8.0, width_px=16.0, height_px=12.0),
            **more,
        )
        key = f"{self.recording}/{self.stream}/{index}"
        return annotate_edit.add(self.path, key, label, author="ben").created[0]

    def points(self, index, parent) -> str:
        skeleton = vocabulary.needed(Store.open(self.path)).skeleton_of("hand")
        triples = tuple(v for at in range(len(skeleton.points)) for v in (at + 1.0, at + 2.0, 2.0))
        label = Label(
            label_id="",
            recording_id=self.recording,
            kind="keypoints",
            source="human",
            class_name="hand",
            geometry=Keypoints(triples=triples),
            parent_id=parent,
        )
        return annotate_edit.add(self.path, f"{self.recording}/{self.stream}/{index}", label).created[0]

    def edit(self, name, label, author="ben"):
        """Edit a label in the dataset itself."""
        return annotate_edit.edit(self.path, {name: label}, author=author)

    @property
    def labels(self) -> dict[str, Label]:
        return {one.label_id: one for one in rows.labels_of(self.table("labels"))}

    def table(self, name):
        return Store.open(self.path).table(name).to_pylist()

    def change(self, index, field, change):
        """Change the labels of a sample in the App; ``change`` is given the list."""
        sample = self.sample(index)
        container = sample[field]
        change(container[{"Detections": "detections", "Keypoints": "keypoints"}[type(container).__name__]])
        sample.save()
