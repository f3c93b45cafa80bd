"""Which tasks are sent, and which of several stays: the same for everybody who looks."""

from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate.label_studio.client import TaskRow
from rushes.annotate.label_studio.plan import Task, plan, settle

rows = st.lists(
    st.builds(
        lambda number, key, answers: (number, key, answers),
        st.integers(1, 10_000),
        st.sampled_from(["a", "b", "c", None]),
        st.integers(0, 2),
    ),
    unique_by=lambda row: row[0],
    max_size=12,
)


def row(number, key, answers=0, revision="r"):
    return TaskRow(id=number, key=key, revision=revision, data={}, updated_at="", answers=answers)


@given(rows, st.randoms())
def test_one_task_of_a_key_stays_and_none_with_answers_goes(given_rows, random) -> None:
    there = [row(*one) for one in given_rows]
    kept, spare, doubled = settle(there)
    assert set(kept) == {one.key for one in there if one.key is not None}
    gone = [one for one in there if one.id in spare]
    assert all(one.answers == 0 and one.key is not None for one in gone)
    left = [one for one in there if one.id not in spare and one.key is not None]
    for key in kept:
        answered = [one for one in left if one.key == key and one.answers]
        assert len(answered) == sum(1 for one in there if one.key == key and one.answers)
        assert (len(answered) > 1) == (key in doubled)
        assert len([one for one in left if one.key == key]) == max(1, len(answered))
    shuffled = list(there)
    random.shuffle(shuffled)
    assert settle(shuffled)[0] == kept
    assert sorted(settle(shuffled)[1]) == sorted(spare)


def test_what_is_there_with_the_same_content_is_left_alone() -> None:
    same, other, new = (Task(key=key, data={"image": key}) for key in "abc")
    there = [row(1, "a", revision=same.revision), row(2, "b", revision="old"), row(3, "x"), row(4, None)]
    todo = plan([same, other, new], there)
    assert ([task.key for task in todo.create], list(todo.update), todo.same, todo.others) == (["c"], [2], 1, 1)


def test_a_revision_heeds_data_and_predictions_and_not_the_order_of_keys() -> None:
    one = Task(key="k", data={"a": 1, "b": 2})
    assert one.revision == Task(key="k", data={"b": 2, "a": 1}).revision
    assert one.revision != Task(key="k", data={"a": 1, "b": 3}).revision
    assert one.revision != Task(key="k", data={"a": 1, "b": 2}, predictions=[{"result": []}]).revision
