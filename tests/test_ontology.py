"""An ontology says what may be labelled, in one order, or says plainly what is wrong with it."""

import pytest
import yaml

from rushes import ontology
from rushes.errors import RecipeError

HANDS = yaml.safe_load(ontology.named()["hands"].read_text("utf-8"))


def refused(**changes: object) -> RecipeError:
    text = yaml.safe_dump({**HANDS, **changes})
    with pytest.raises(RecipeError) as caught:
        ontology.parse(text, where="mine.yaml")
    assert caught.value.code == "ontology.invalid"
    return caught.value


@pytest.mark.parametrize("name", sorted(ontology.named()))
def test_what_is_written_is_read_back_the_same(name: str) -> None:
    loaded = ontology.load(name)
    assert ontology.parse(ontology.as_yaml(loaded), where="again") == loaded
    assert len(loaded.digest) == 16


def test_classes_keep_their_order_and_ids() -> None:
    coco = ontology.load("coco")
    assert (len(coco.classes), coco.position("person"), coco.position("toothbrush")) == (80, 0, 79)
    assert (coco.classes[11].name, coco.classes[11].id) == ("stop sign", 13)


def test_the_hand_has_mediapipes_twentyone_points() -> None:
    hand = ontology.load("hands").skeleton_of("hand")
    assert hand is not None
    tips = ("thumb_tip", "index_finger_tip", "middle_finger_tip", "ring_finger_tip", "pinky_tip")
    assert len(hand.points) == len(hand.sigmas) == 21
    assert [hand.points.index(p) for p in ("wrist", *tips)] == [0, 4, 8, 12, 16, 20]
    assert hand.flip_positions() == tuple(range(21))


def test_mirroring_a_person_changes_left_for_right() -> None:
    person = ontology.load("coco").skeleton_of("person")
    assert person is not None
    flipped = [person.points[at] for at in person.flip_positions()]
    assert flipped[0] == "nose"
    assert flipped[1:3] == ["right_eye", "left_eye"]


def test_comments_and_order_of_keys_do_not_change_the_digest() -> None:
    text = yaml.safe_dump(dict(reversed(HANDS.items())), sort_keys=False)
    assert ontology.parse("# mine\n" + text, where="mine").digest == ontology.load("hands").digest


def test_a_former_name_finds_the_class() -> None:
    read = ontology.parse(
        yaml.safe_dump({**HANDS, "classes": [{"name": "palm", "formerly": ["hand"]}], "relations": []}),
        where="mine",
    )
    found = read.class_of("hand")
    assert found is not None
    assert found.name == "palm"


def test_an_unknown_key_gets_the_one_that_was_meant() -> None:
    assert refused(clases=[]).hint == "did you mean 'classes'?"
    assert refused(classes=[{"name": "hand", "skelton": "hand21"}]).hint == "did you mean 'skeleton'?"


def test_an_unknown_name_gets_the_one_that_was_meant() -> None:
    error = refused(classes=[{"name": "hand", "skeleton": "hand22"}], relations=[])
    assert (error.facts["place"], error.hint) == ("classes.0.skeleton", "did you mean 'hand21'?")
    assert refused(relations=[{"name": "holds", "subjects": ["hands"]}]).hint == "did you mean 'hand'?"


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": [{"name": "hand"}, {"name": "hand"}], "relations": []},
        {"classes": [{"name": "hand", "id": 1}, {"name": "cup", "id": 1}], "relations": []},
        {"classes": [{"name": "hand", "id": 1}, {"name": "cup"}], "relations": []},
        {"classes": [{"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}], "relations": []},
        {"attributes": [{"name": "side", "kind": "choice"}]},
        {"attributes": [{"name": "side", "kind": "flag", "values": ["left"]}]},
        {"skeletons": [{"name": "hand21", "points": ["a", "b"], "sigmas": [0.1]}]},
        {"skeletons": [{"name": "hand21", "points": ["a", "b"], "edges": [["a", "c"]]}]},
        {"skeletons": [{"name": "hand21", "points": ["a", "b", "c"], "flips": [["a", "b"], ["b", "c"]]}]},
        {"ontology": 2},
    ],
)
def test_what_contradicts_itself_is_refused(changes: dict[str, object]) -> None:
    assert "mine.yaml" in refused(**changes).message


def test_text_that_is_no_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(RecipeError) as caught:
        ontology.parse("a: [1\nb", where="mine.yaml")
    assert caught.value.code == "ontology.yaml"


def test_an_unknown_ontology_gets_the_one_that_was_meant() -> None:
    with pytest.raises(RecipeError) as caught:
        ontology.load("hand")
    assert (caught.value.code, caught.value.hint) == ("ontology.absent", "did you mean 'hands'?")
