import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from browse.takes import rig
from rushes.browse.chosen import condition
from rushes.browse.documents import rows_of
from rushes.browse.elements import Elements

VIEW = rig(recordings=3)


def holds(document, wanted):
    """Say whether a document fulfils a condition, as MongoDB reads it."""
    for name, value in wanted.items():
        if name == "$or":
            if not any(holds(document, one) for one in value):
                return False
        elif isinstance(value, dict):
            least, most = value.get("$gte"), value.get("$lte")
            among = value.get("$in", [document[name]])
            if document[name] not in among or (least is not None and not least <= document[name] <= most):
                return False
        elif document[name] != value:
            return False
    return True


DOCUMENTS = {}
for place, rows in enumerate(VIEW.rows_of()):
    made = rows_of(VIEW, place, rows, VIEW.words_of(), Elements(VIEW.labels, None))
    DOCUMENTS |= {int(at): row.values for at, row in zip(rows, made, strict=True)}


@given(st.sets(st.integers(0, len(VIEW.samples) - 1)))
def test_the_condition_holds_for_what_was_asked_for_and_for_nothing_else(rows):
    wanted = condition(VIEW, np.array(sorted(rows), np.int64))
    # The right camera's fifth picture stands in two moments: both show the same.
    found = {at for at, document in DOCUMENTS.items() if holds(document, wanted)}
    asked = {(d["recording_id"], d["stream"], d["index"]) for at, d in DOCUMENTS.items() if at in rows}
    assert {
        (DOCUMENTS[at]["recording_id"], DOCUMENTS[at]["stream"], DOCUMENTS[at]["index"]) for at in found
    } == asked
    assert found >= rows


def test_whole_recordings_are_named_as_such():
    rows = np.flatnonzero(VIEW.samples.recording != 1)
    assert condition(VIEW, rows) == {"$or": [{"recording_id": {"$in": ["rec0", "rec2"]}}]}


def test_a_run_of_a_stream_is_one_span():
    rows = np.flatnonzero((VIEW.samples.recording == 1) & (VIEW.samples.stream == 2) & (VIEW.samples.index < 7))
    spans = [{"recording_id": "rec1", "stream": "/depth", "$or": [{"index": {"$gte": 0, "$lte": 6}}]}]
    assert condition(VIEW, rows) == {"$or": [{"recording_id": {"$in": []}}, *spans]}
