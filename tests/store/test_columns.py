"""Columns go into Arrow and come back as they were."""

import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rushes.store.columns import to_arrow, to_numpy
from rushes.store.schemas import ARROW_TYPES
from rushes.texts import escaped, unescaped

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
RANGES = {"int32": 2**31, "int64": 2**63}
VALUES = {
    "string": texts,
    "binary": st.binary(max_size=20),
    "bool": st.booleans(),
    "int32": st.integers(-(2**31), 2**31 - 1),
    "int64": st.integers(-(2**63), 2**63 - 1),
    "float32": st.floats(width=32),
    "float64": st.floats(),
    "list<string>": st.lists(st.none() | texts, max_size=4),
    "list<float64>": st.lists(st.none() | st.floats(), max_size=4),
}


def same(one, other):
    if isinstance(one, float) and isinstance(other, float):
        return one == other or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other and type(one) is type(other)


@pytest.mark.parametrize("kind", VALUES)
@given(data=st.data())
def test_values_and_absent_values_come_back(kind, data):
    values = data.draw(st.lists(st.none() | VALUES[kind], max_size=40))
    array = to_arrow(values, len(values), kind, label="t.c")
    array.validate(full=True)
    assert array.type == ARROW_TYPES[kind]
    assert same(array.to_pylist(), values)


@pytest.mark.parametrize("kind", ["int32", "int64", "float32", "float64", "bool"])
@given(data=st.data())
def test_a_numpy_column_comes_back_as_the_same_array(kind, data):
    dtype = {"bool": "bool"}.get(kind, kind)
    values = np.array(data.draw(st.lists(VALUES[kind], max_size=40)), dtype)
    mask = np.array(data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values))), bool)
    column = np.ma.MaskedArray(values, mask=mask)
    start = data.draw(st.integers(0, len(values)))
    back = to_numpy(to_arrow(column, len(values), kind, label="t.c").slice(start))
    assert back.dtype == values.dtype
    assert np.array_equal(np.ma.getmaskarray(back), mask[start:])
    assert np.array_equal(
        np.ma.getdata(back)[~mask[start:]], values[start:][~mask[start:]], equal_nan=kind[0] == "f"
    )


def test_a_scalar_holds_for_every_row():
    for kind, value in {"string": "a", "int64": 7, "float64": 0.5, "bool": True, "binary": b"x"}.items():
        assert to_arrow(value, 3, kind, label="t.c").to_pylist() == [value] * 3
    assert to_arrow(None, 3, "list<float64>", label="t.c").to_pylist() == [None] * 3
    assert to_arrow(np.int32(4), 2, "int64", label="t.c").to_pylist() == [4, 4]
    assert to_arrow("a", 0, "string", label="t.c").to_pylist() == []


def test_a_matrix_is_a_list_a_row_and_a_row_wholly_masked_is_absent():
    matrix = np.ma.MaskedArray([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], mask=[[0, 0], [1, 1], [0, 1]])
    assert to_arrow(matrix, 3, "list<float64>", label="t.c").to_pylist() == [[1.0, 2.0], None, [5.0, None]]
    assert to_arrow(np.zeros((2, 0)), 2, "list<float64>", label="t.c").to_pylist() == [[], []]


def test_foreign_byte_order_strides_and_widths_are_taken():
    assert to_arrow(np.array([1, 2], ">i4"), 2, "int64", label="t.c").to_pylist() == [1, 2]
    assert to_arrow(np.arange(6)[::3], 2, "int32", label="t.c").to_pylist() == [0, 3]
    assert to_arrow(np.array([5], np.uint64), 1, "int64", label="t.c").to_pylist() == [5]
    assert to_arrow(np.array(["ab", "c"]), 2, "string", label="t.c").to_pylist() == ["ab", "c"]


def test_the_callers_array_may_be_used_again():
    values = np.arange(3)
    array = to_arrow(values, 3, "int64", label="t.c")
    values[:] = 9
    assert array.to_pylist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("column", "rows", "kind", "error"),
    [
        (np.arange(3), 4, "int64", ValueError),  # too few
        (np.array([2**63], np.uint64), 1, "int64", ValueError),  # would turn over
        (np.array([2**31]), 1, "int32", ValueError),
        (np.array([0.5]), 1, "int64", TypeError),  # would lose its fraction
        (np.array([True]), 1, "int64", TypeError),
        (np.array([1]), 1, "bool", TypeError),
        (np.zeros((2, 2)), 2, "float64", ValueError),
        (np.zeros(2), 2, "list<float64>", ValueError),
        ([1], 1, "string", TypeError),
        (["a"], 1, "binary", TypeError),
        (["a"], 1, "float64", TypeError),
        (np.array(["2020-01-01"], "M8[ns]"), 1, "int64", TypeError),
    ],
)
def test_what_does_not_fit_is_refused_by_name(column, rows, kind, error):
    with pytest.raises(error, match=r"t\.c"):
        to_arrow(column, rows, kind, label="t.c")


def test_a_file_name_that_is_not_utf8_is_stored_visibly_and_undone():
    name = b"take_\xff\xe9.mcap".decode("utf-8", "surrogateescape")
    stored = to_arrow([name, "größe", None], 3, "string", label="t.c").to_pylist()
    assert stored == ["take_\\xff\\xe9.mcap", "größe", None]
    assert unescaped(stored[0]) == name
    assert escaped("\ud83d") == "\\ud83d"  # half of a pair, which stands for no byte


@given(st.binary(max_size=30))
def test_any_file_name_survives_unless_it_looks_escaped_itself(raw):
    name = raw.decode("utf-8", "surrogateescape")
    escaped(name).encode()
    if "\\x" not in name:
        assert unescaped(escaped(name)) == name


def test_writing_and_reading_leave_pandas_and_other_heavy_guests_out(tmp_path):
    program = """
import sys
from pathlib import Path
from rushes.store import Store
from rushes.store.columns import to_numpy
from store import takes
path = Path(sys.argv[1])
Store.create(path)
takes.ingest(path, "a")
takes.ingest(path, "b")
store = Store.open(path)
takes.content(store)
assert to_numpy(store.table("imu", where={"recording_id": "b"})["t_ns"]).size == takes.SAMPLES
heavy = {"pandas", "duckdb", "deltalake", "pyarrow.compute", "pyarrow.dataset"}
print(sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-c", program, tmp_path / "d"],
        capture_output=True,
        text=True,
        check=True,
        env=environment(),
    )
    assert done.stdout.strip() == "[]"


def environment():
    import os
    from pathlib import Path

    paths = [str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
