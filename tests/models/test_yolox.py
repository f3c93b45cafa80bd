"""A detector finds what it is known to find."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes import registry
from rushes.annotate.evaluation import Pair, evaluate
from rushes.errors import ReadError, RecipeError, UsageError
from rushes.labels import Label
from rushes.models import _onnx
from rushes.models.yolox import PLUGIN


@pytest.fixture
def weights(shared_data: Path) -> Path:
    return shared_data / "models" / "yolox_nano" / "yolox_nano.onnx"


def test_people_are_found_as_often_as_is_known(weights, shared_data):
    """On 30 pictures, at overlap 0.5 and score 0.3: recall 0.52, precision 0.78, each within 0.03."""
    model = PLUGIN.open(weights, PLUGIN.defaults)
    place = shared_data / "labels" / "coco128_people"
    read = registry.load("export", "yolo").read(place / "object_detection", {"images": str(place / "images")})
    pictures = []
    for each in read.pictures:
        pixels = np.asarray(Image.open(place / "images" / "train2017" / each.picture.name).convert("RGB"))
        seen = model.predict(pixels)
        assert [p.score for p in seen] == sorted((p.score for p in seen), reverse=True)
        predicted = [
            Label(
                label_id=str(at),
                recording_id="",
                kind="box",
                source="model",
                class_name=p.class_name,
                geometry=p.geometry,
                score=p.score,
            )
            for at, p in enumerate(seen)
        ]
        pictures.append(Pair(truth=each.labels, predicted=predicted))
    _, each_class = evaluate(pictures, "box", read.ontology, at_score=0.3)
    person = next(m for m in each_class if m.class_name == "person")
    assert person.truths == 140
    assert person.recall == pytest.approx(0.52, abs=0.03)
    assert person.precision == pytest.approx(0.78, abs=0.03)


def test_the_same_picture_gives_the_same_answer(weights, shared_data):
    model = PLUGIN.open(weights, PLUGIN.defaults)
    picture = next((shared_data / "labels" / "coco128_people" / "images").rglob("*.jpg"))
    pixels = np.asarray(Image.open(picture).convert("RGB"))
    assert model.predict(pixels) == model.predict(pixels)
    assert model.predict(np.zeros((50, 400, 3), np.uint8)) == []


def test_the_input_is_read_from_the_file_itself(weights):
    assert list(_onnx.input_shapes(weights.read_bytes()).values()) == [[1, 3, 416, 416]]
    assert PLUGIN.probe(weights).confidence > 0.8


def test_what_is_no_detector_is_refused_in_words(weights, shared_data, tmp_path):
    cut = tmp_path / "yolox.onnx"
    cut.write_bytes(weights.read_bytes()[:5000])
    other = next((shared_data / "models" / "ultraface").glob("*.onnx"))
    for file in (cut, other, tmp_path / "absent.onnx"):
        with pytest.raises(ReadError) as caught:
            PLUGIN.open(file, PLUGIN.defaults)
        assert caught.value.code == "model.file"
    assert PLUGIN.probe(cut).confidence == 0
    with pytest.raises(ReadError, match="3 classes"):
        PLUGIN.open(weights, {**PLUGIN.defaults, "classes": "hands"})
    with pytest.raises(RecipeError):
        PLUGIN.open(weights, {**PLUGIN.defaults, "classes": "cocos"})
    with pytest.raises(UsageError, match="score"):
        PLUGIN.open(weights, {**PLUGIN.defaults, "score": "30%"})
