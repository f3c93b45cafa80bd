"""Labels go into the tables and come back the same, to the last bit."""

from dataclasses import fields
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from rushes.annotate import rows
from rushes.labels import (
    Box,
    Geometry,
    Keypoints,
    Label,
    LabelEvent,
    Mask,
    Polygon,
    Relation,
    RotatedBox,
    Track,
    TrackKey,
    kind_of,
)
from rushes.store import Store
from rushes.store.schemas import table_schema

NUMBER = st.floats(-1e6, 1e6, allow_nan=False)
RING = st.lists(NUMBER, min_size=3, max_size=5).map(lambda xs: tuple(x for y in xs for x in (y, y + 1)))
GEOMETRY: st.SearchStrategy[Geometry | None] = st.one_of(
    st.none(),
    st.builds(Box, x_px=NUMBER, y_px=NUMBER, width_px=NUMBER, height_px=NUMBER),
    st.builds(RotatedBox, x_px=NUMBER, y_px=NUMBER, width_px=NUMBER, height_px=NUMBER, rotation_deg=NUMBER),
    st.builds(Polygon, rings=st.lists(RING, min_size=1, max_size=3).map(tuple)),
    st.just(Mask(width_px=640, height_px=480, counts="0`b8")),
    st.builds(
        Keypoints,
        triples=st.lists(st.tuples(NUMBER, NUMBER, st.sampled_from([0.0, 1.0, 2.0])), max_size=4).map(
            lambda ps: tuple(x for p in ps for x in p)
        ),
    ),
    st.builds(
        Track,
        keys=st.lists(
            st.builds(
                TrackKey,
                index=st.integers(0, 1 << 40),
                x_px=NUMBER,
                y_px=NUMBER,
                width_px=NUMBER,
                height_px=NUMBER,
                rotation_deg=NUMBER,
                shown=st.booleans(),
            ),
            min_size=1,
            max_size=3,
        ).map(tuple),
    ),
    st.builds(Relation, subject_id=st.text(max_size=3), object_id=st.text(max_size=3)),
)


def label(geometry: Geometry | None, number: int) -> Label:
    return Label(
        label_id=f"label-{number}",
        recording_id="rec",
        kind=kind_of(geometry) if geometry else "class",
        source="human",
        class_name="hand",
        geometry=geometry,
        index=number,
        image_width_px=640,
        image_height_px=480,
        attributes={"side": "left"} if number % 2 else {},
        received={"x": 0.1 + number} if number % 3 else None,
    )


def test_the_tables_have_a_column_for_every_field() -> None:
    wanted = {f.name for f in fields(Label)} - {"geometry"}
    assert wanted <= set(table_schema("labels").kinds)
    assert set(rows.label_columns([])) == set(table_schema("labels").kinds)
    assert {f.name for f in fields(LabelEvent)} == set(table_schema("label_events").kinds)


@given(st.lists(GEOMETRY, max_size=6))
def test_labels_come_back_from_columns_as_they_were(geometries: list[Geometry | None]) -> None:
    labels = [label(geometry, number) for number, geometry in enumerate(geometries)]
    columns = rows.label_columns(labels)
    by_row = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
    assert rows.labels_of(by_row) == labels


def test_labels_come_back_from_the_dataset_as_they_were(tmp_path: Path) -> None:
    geometries: list[Geometry | None] = [
        None,
        Box(x_px=0.1 + 0.2, y_px=-1.0, width_px=1 / 3, height_px=2.0),
        RotatedBox(x_px=1.0, y_px=2.0, width_px=3.0, height_px=4.0, rotation_deg=33.3),
        Polygon(rings=((0.0, 0.0, 1.0, 0.0, 1.0, 1.0), (5.0, 5.0, 6.0, 5.0, 6.0, 6.0, 5.0, 6.0))),
        Mask(width_px=640, height_px=480, counts="0`b8"),
        Keypoints(triples=(1.5, 2.5, 2.0, 0.0, 0.0, 0.0)),
        Track(keys=(TrackKey(index=3, x_px=1.0, y_px=2.0, width_px=3.0, height_px=4.0, shown=False),)),
        Relation(subject_id="a", object_id="b"),
    ]
    labels = [label(geometry, number) for number, geometry in enumerate(geometries)]
    store = Store.create(tmp_path / "set")
    with store.begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        transaction.commit()
    assert rows.labels_of(store.refresh().table("labels").to_pylist()) == labels


def test_the_same_version_met_again_has_the_same_name() -> None:
    facts = {"tool": "label-studio", "project": "1", "task": "2", "annotation": "3", "action": "updated"}
    first = rows.event_id(**facts, updated_ns=5, payload="{}")
    assert first == rows.event_id(**facts, updated_ns=5, payload="{}")
    assert first != rows.event_id(**facts, updated_ns=6, payload="{}")
    assert first != rows.event_id(**{**facts, "task": None}, updated_ns=5, payload="{}")
