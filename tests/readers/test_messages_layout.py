"""Reading fields by layout must give what decoding message by message gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcap.records import Schema
from mcap_ros2.decoder import DecoderFactory

from readers import mcap_recordings as make
from readers.message_blocks import block_of
from rushes.readers._messages import layout
from rushes.readers._messages.definition import Many, Number, Record, Text, parse
from rushes.readers._messages.layout import LayoutError, check, read, read_items

NUMBERS = {
    "int8": st.integers(-128, 127),
    "uint8": st.integers(0, 255),
    "int16": st.integers(-(1 << 15), (1 << 15) - 1),
    "uint16": st.integers(0, (1 << 16) - 1),
    "int32": st.integers(-(1 << 31), (1 << 31) - 1),
    "uint32": st.integers(0, (1 << 32) - 1),
    "int64": st.integers(-(1 << 63), (1 << 63) - 1),
    "uint64": st.integers(0, (1 << 64) - 1),
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
}
WORDS = st.text(st.characters(codec="ascii", min_codepoint=32), max_size=9)
IMU = parse("sensor_msgs/msg/Imu", make.IMU.schema, "ros2msg")
PATHS = [f"{group}.{axis}" for group in ("angular_velocity", "linear_acceleration") for axis in "xyz"]
STAMP = ["header.stamp.sec", "header.stamp.nanosec"]


def oracle(name, text, payload):
    """Decode one message with mcap-ros2-support."""
    schema = Schema(id=1, name=name, encoding="ros2msg", data=text.encode())
    return DecoderFactory().decoder_for("cdr", schema)(payload)


@given(st.data())
def test_any_mix_of_fields_is_read_as_the_plain_decoder_reads_it(data):
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    kinds = data.draw(
        st.lists(st.sampled_from([*NUMBERS, "string", *(f"{k}[]" for k in NUMBERS)]), min_size=1, max_size=8)
    )
    text = "\n".join(f"{kind} f{i}" for i, kind in enumerate(kinds))
    store = get_typestore(Stores.EMPTY)
    store.register(get_types_from_msg(text, "a/msg/T"))
    payloads = []
    for _ in range(data.draw(st.integers(1, 5))):
        values = {}
        for i, kind in enumerate(kinds):
            if kind == "string":
                values[f"f{i}"] = data.draw(WORDS)
            elif kind.endswith("[]"):
                drawn = data.draw(st.lists(NUMBERS[kind[:-2]], max_size=3))
                values[f"f{i}"] = np.array(drawn, kind[:-2])
            else:
                values[f"f{i}"] = data.draw(NUMBERS[kind])
        little = data.draw(st.booleans())
        message = store.types["a/msg/T"](**values)
        payloads.append(bytes(store.serialize_cdr(message, "a/msg/T", little_endian=little)))
    record = parse("a/msg/T", text.encode(), "ros2msg")
    block = block_of(payloads, gap=data.draw(st.integers(0, 9)))

    found = read(record, block, [f"f{i}" for i in range(len(kinds))], wire="cdr")

    assert found.refused == {}
    assert found.rows.tolist() == list(range(len(payloads)))
    for row, payload in enumerate(payloads):
        expected = oracle("a/msg/T", text, payload)
        for i, kind in enumerate(kinds):
            value = getattr(expected, f"f{i}")
            if kind in NUMBERS:
                assert found.numbers[f"f{i}"][row] == value
                continue
            first, length = (int(part[row]) for part in found.spans[f"f{i}"])
            held = block.buffer[first : first + length].tobytes()
            if kind == "string":
                assert held.decode() == value
            else:
                order = ">" if found.swapped[row] else "<"
                assert np.frombuffer(held, np.dtype(kind[:-2]).newbyteorder(order)).tolist() == list(value)


@given(
    st.lists(
        st.tuples(
            st.lists(NUMBERS["float64"], min_size=10, max_size=10), WORDS, st.integers(0, 1 << 60), st.booleans()
        ),
        min_size=1,
        max_size=12,
    )
)
def test_imu_is_read_whatever_the_frame_ids_and_byte_orders(samples):
    payloads = [make.imu(ns, values, frame, little=little) for values, frame, ns, little in samples]

    found = read(IMU, block_of(payloads), [*STAMP, *PATHS, "header.frame_id"], wire="cdr")

    for row, payload in enumerate(payloads):
        expected = oracle("sensor_msgs/msg/Imu", make.IMU.schema.decode(), payload)
        assert found.numbers["header.stamp.sec"][row] == expected.header.stamp.sec
        assert found.numbers["header.stamp.nanosec"][row] == expected.header.stamp.nanosec
        for path in PATHS:
            group, axis = path.split(".")
            assert found.numbers[path][row] == getattr(getattr(expected, group), axis)


@given(st.lists(st.tuples(st.lists(NUMBERS["float64"], min_size=10, max_size=10), WORDS), min_size=1, max_size=9))
def test_imu_of_ros1_is_read_without_padding(samples):
    schema = make.ros1_topic("/imu", "sensor_msgs/msg/Imu").schema
    record = parse("sensor_msgs/msg/Imu", schema, "ros1msg")
    payloads = [make.imu(i, values, frame, store=make.ROS1) for i, (values, frame) in enumerate(samples)]

    found = read(record, block_of(payloads), [*STAMP, *PATHS], wire="ros1")

    assert found.numbers["header.stamp.nanosec"].tolist() == list(range(len(samples)))
    for row, (values, _) in enumerate(samples):
        assert [found.numbers[path][row] for path in PATHS] == values[4:]


@given(st.data())
def test_a_damaged_message_never_shifts_or_hides_another(data):
    frames = data.draw(st.lists(WORDS, min_size=2, max_size=6))
    payloads = [bytearray(make.imu(i, [i] * 10, frame)) for i, frame in enumerate(frames)]
    victim = data.draw(st.integers(0, len(frames) - 1))
    if data.draw(st.booleans()):
        payloads[victim] = payloads[victim][: data.draw(st.integers(0, len(payloads[victim]) - 4))]
    else:
        payloads[victim][data.draw(st.integers(0, 15))] = data.draw(st.integers(0, 255))

    found = read(IMU, block_of([bytes(p) for p in payloads]), PATHS, wire="cdr")

    assert len(found.rows) + sum(found.refused.values()) == len(frames)
    assert set(range(len(frames))) - {victim} <= set(found.rows.tolist())
    for row, which in enumerate(found.rows.tolist()):
        if which != victim:
            assert [found.numbers[path][row] for path in PATHS] == [which] * 6


@given(
    st.lists(st.lists(st.tuples(WORDS, WORDS, NUMBERS["float64"]), max_size=4), min_size=1, max_size=6),
    st.booleans(),
)
def test_every_item_of_a_sequence_of_records_is_read_in_order(messages, little):
    types = make.ROS2.types
    payloads = []
    for i, edges in enumerate(messages):
        held = [
            types["geometry_msgs/msg/TransformStamped"](
                header=make.header(make.ROS2, i, parent),
                child_frame_id=child,
                transform=types["geometry_msgs/msg/Transform"](
                    translation=types["geometry_msgs/msg/Vector3"](x=x, y=0.0, z=1.0),
                    rotation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
                ),
            )
            for parent, child, x in edges
        ]
        payloads.append(
            make.serialised(make.ROS2, types["tf2_msgs/msg/TFMessage"](transforms=held), little=little)
        )
    record = parse("tf2_msgs/msg/TFMessage", make.ros2_topic("/tf", "tf2_msgs/msg/TFMessage").schema, "ros2msg")
    block = block_of(payloads)

    found = read_items(record, block, "transforms", ["child_frame_id", "transform.translation.x"], wire="cdr")

    expected = [(i, child, x) for i, edges in enumerate(messages) for _, child, x in edges]
    first, length = found.spans["child_frame_id"]
    names = [
        block.buffer[a : a + n].tobytes().decode() for a, n in zip(first.tolist(), length.tolist(), strict=True)
    ]
    assert (
        list(zip(found.rows.tolist(), names, found.numbers["transform.translation.x"].tolist(), strict=True))
        == expected
    )


def test_definitions_of_idl_and_text_give_one_layout():
    idl = """
    // a comment
    module geometry_msgs { module msg {
      @verbatim (language="comment", text="x; y")
      struct Thing {
        @unit (value="m")
        double x;
        geometry_msgs::msg::Part part[2];
        sequence<float, 4> many;
        string<8> name;
        unsigned long count;
      };
    }; };
    ================================================================================
    IDL: geometry_msgs/msg/Part
    module geometry_msgs { module msg { struct Part { int32 a; boolean b; }; }; };
    """
    text = """float64 x  # metres
    Part[2] part
    float32[<=4] many
    string<=8 name
    uint32 count
    uint8 CONSTANT=3
    ===
    MSG: geometry_msgs/Part
    int32 a
    bool b
    """.replace("\n    ", "\n")

    by_idl = parse("geometry_msgs/msg/Thing", idl.replace("\n    ", "\n").encode(), "ros2idl")
    by_text = parse("geometry_msgs/msg/Thing", text.encode(), "ros2msg")

    assert by_idl == by_text
    assert isinstance(by_text, Record)
    assert dict(by_text.fields)["many"] == Many(Number("f4", 4), None)
    assert dict(by_text.fields)["name"] == Text()


def test_a_field_that_is_not_there_is_told_before_any_message():
    with pytest.raises(LayoutError):
        check(IMU, ["header.colour"], wire="cdr")


@given(
    st.lists(st.tuples(st.integers(1, 900), st.integers(0, 400), st.integers(0, 9000)), min_size=1, max_size=6),
)
def test_places_are_split_into_stretches_that_give_them_back(stretches):
    places = []
    at = 0
    for count, step, jump in stretches:
        places += [at + i * step for i in range(count)]
        at = places[-1] + jump
    runs = layout.even_runs(np.array(places, np.int64))
    told = [run.at + i * run.step for run in runs for i in range(run.end - run.begin)]
    assert told == (places if runs else [])
    assert [run.begin for run in runs[1:]] == [run.end for run in runs[:-1]]
    if len(places) >= layout.EVEN and len(stretches) == 1:
        assert len(runs) == 1


@pytest.mark.parametrize("frames", [["imu"], ["imu"] * 700 + ["another"] * 800 + ["imu"]], ids=["even", "breaks"])
def test_evenly_spaced_messages_are_read_through_views_as_one_by_one(frames, monkeypatch):
    values = np.random.default_rng(5).normal(size=(2500, 10))
    payloads = [make.imu(make.START_NS + i, row, frames[min(i, len(frames) - 1)]) for i, row in enumerate(values)]
    block = block_of(payloads)
    assert layout.even_runs(block.start)
    wanted = [*PATHS, *STAMP, "orientation.w", "orientation_covariance", "linear_acceleration_covariance.0"]
    fast = read(IMU, block, wanted, wire="cdr")
    monkeypatch.setattr(layout, "EVEN", 1 << 40)
    slow = read(IMU, block, wanted, wire="cdr")
    assert np.array_equal(fast.numbers["angular_velocity.y"], values[:, 5])
    assert fast.numbers.keys() == slow.numbers.keys()
    for path, numbers in fast.numbers.items():
        assert numbers.dtype == slow.numbers[path].dtype
        assert numbers.flags["C_CONTIGUOUS"]
        assert np.array_equal(numbers, slow.numbers[path]), path
