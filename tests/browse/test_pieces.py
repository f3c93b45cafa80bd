"""An edit is told piece by piece: the pieces, put in place, make of what was seen what is there now, and back."""

from copy import deepcopy

from hypothesis import given
from hypothesis import strategies as st

from rushes.browse.pieces import pieces, put

WORDS = st.lists(st.sampled_from(["a", "b", "c"]), unique=True)
LABELS = st.dictionaries(
    st.sampled_from(["1", "2", "3"]), st.tuples(st.sampled_from(["hand", "cup"]), WORDS), max_size=3
)
DOCUMENTS = st.tuples(WORDS, LABELS, st.sampled_from([None, "accept", "reject"]))


def document(tags, labels, decision):
    """A sample as FiftyOne stores it."""
    boxes = [{"_id": name, "label": word, "tags": given} for name, (word, given) in labels.items()]
    held = {"_cls": "Detections", "detections": boxes}
    return {"_id": 1, "tags": tags, "boxes": held, **({"decision": decision} if decision else {})}


def said(found):
    """What a document says, whatever the order of its lists."""
    boxes = {each["_id"]: (each["label"], set(each["tags"])) for each in found["boxes"]["detections"]}
    return set(found["tags"]), boxes, found.get("decision")


@given(DOCUMENTS, DOCUMENTS)
def test_pieces_lead_from_what_was_seen_to_what_is_there_and_back(before, after):
    seen, now = document(*before), document(*after)
    found = pieces(seen, now)
    there, back = deepcopy(seen), deepcopy(now)
    for piece in found:
        put(there, piece, piece.after)
        put(back, piece, piece.before)
    assert said(there) == said(now)
    assert said(back) == said(seen)
    assert (found == []) == (said(seen) == said(now))
    assert len({piece.key for piece in found}) == len(found)


@given(DOCUMENTS, DOCUMENTS, DOCUMENTS)
def test_edits_are_laid_over_a_document_that_was_loaded_anew_and_nothing_else_is_touched(before, after, loaded):
    seen, now, fresh = document(*before), document(*after), document(*loaded)
    found = pieces(seen, now)
    base, shown = deepcopy(fresh), deepcopy(fresh)
    for piece in found:
        put(shown, piece, piece.after)
        put(base, piece, piece.before)
    assert {piece.key for piece in pieces(base, shown)} == {piece.key for piece in found}
    touched = {piece.element for piece in found}
    boxes, old = said(shown)[1], said(fresh)[1]
    assert {name: box for name, box in boxes.items() if name not in touched} == {
        name: box for name, box in old.items() if name not in touched
    }


def test_who_moved_a_label_is_told_apart_from_who_tagged_it():
    seen = document([], {"1": ("hand", [])}, None)
    moved = document([], {"1": ("cup", [])}, None)
    both = document([], {"1": ("cup", ["a"])}, None)
    (first,) = pieces(seen, moved)
    label, tag = pieces(seen, both)
    assert (label.key, label.digest) == (first.key, first.digest)
    assert tag.key != label.key
