"""Numbers as Rushes records them, written here by hand as the form is agreed."""

import json
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from contracts.readers import rows_of
from readers.message_blocks import block_of
from rushes.readers._messages.block import Channel
from rushes.readers._messages.interpret import interpreter_for

S = 1_000_000_000
HEADER = f"{'=' * 80}\nMSG: std_msgs/Header\nbuiltin_interfaces/Time stamp\nstring frame_id\n"
doubles = st.floats(allow_nan=False, width=64)


def channel_of(fields, **metadata):
    return Channel(
        topic="/eeg/raw",
        message_type="rushes_signals/msg/EegRaw",
        encoding="cdr",
        schema=("std_msgs/Header header\n" + "".join(f"float64 {f}\n" for f in fields) + HEADER).encode(),
        schema_encoding="ros2msg",
        metadata={name.replace("_", ".", 1): value for name, value in metadata.items()},
    )


def message(stamp_ns, frame, values, order="<"):
    """Write one message: the CDR head, the stamp, the frame's name, a double for each channel."""
    name = frame.encode() + b"\0"
    body = struct.pack(f"{order}iII", *divmod(stamp_ns, S), len(name)) + name
    body += bytes(-len(body) % 8) + struct.pack(f"{order}{len(values)}d", *values)
    return (b"\x00\x01\x00\x00" if order == "<" else b"\x00\x00\x00\x00") + body


def interpreted(channel, payloads):
    interpreter = interpreter_for(channel, block_of(payloads[:16]) if payloads else None)
    batches = [*interpreter.take(block_of(payloads)), *interpreter.finish()]
    assert interpreter.ledger().balanced
    return interpreter.stream, rows_of(batches).get(channel.topic, {}), interpreter.ledger()


@given(st.data(), st.integers(1, 9), st.text("abc/", max_size=9), st.sampled_from("<>"))
def test_every_number_comes_back_as_it_was_written(data, channels, frame, order):
    samples = data.draw(st.lists(st.lists(doubles, min_size=channels, max_size=channels), min_size=1, max_size=40))
    payloads = [message((i + 1) * S + i, frame, values, order) for i, values in enumerate(samples)]

    stream, rows, ledger = interpreted(channel_of([f"c{i}" for i in range(channels)]), payloads)

    assert (stream.table, stream.modality, stream.clock) == ("signals", "signal", "header")
    assert (stream.channels, stream.frame_of_reference) == (channels, frame or None)
    assert [list(values) for values in rows["values"]] == samples
    assert rows["t_ns"] == rows["t_header_ns"] == [(i + 1) * S + i for i in range(len(samples))]
    assert ledger.out == len(samples)


def test_channels_are_called_as_the_recorder_said_and_not_as_the_fields_must_be():
    names, units = ["Fp1 (left)", "µ-band"], ["µV", ""]
    said = {"rushes_channel_names": json.dumps(names), "rushes_channel_units": json.dumps(units)}

    stream, _, _ = interpreted(channel_of(["fp1_left", "band"], **said), [message(S, "", [1.0, 2.0])])

    assert (stream.channel_names, stream.channel_units) == (tuple(names), tuple(units))


def test_names_that_do_not_fit_the_channels_are_not_taken():
    for said in ("[", '["one"]', "{}", '["one", 2]'):
        channel = channel_of(["a", "b"], rushes_channel_names=said, rushes_channel_units=said)
        stream, _, _ = interpreted(channel, [message(S, "", [1.0, 2.0])])

        assert (stream.channel_names, stream.channel_units) == (("a", "b"), None)


def test_a_message_that_is_cut_is_refused_and_counted():
    whole = [message((i + 1) * S, "eeg", [float(i), np.pi]) for i in range(4)]

    _, rows, ledger = interpreted(channel_of(["a", "b"]), [*whole[:3], whole[3][:-9]])

    assert len(rows["values"]) == 3
    assert (ledger.came_in, ledger.out, ledger.rejected) == (4, 3, 1)


def test_a_message_with_other_fields_is_left_to_the_table_of_messages():
    channel = channel_of(["a"])
    other = Channel(
        topic="/eeg/raw",
        message_type=channel.message_type,
        encoding="cdr",
        schema=b"std_msgs/Header header\nfloat64[] a\n" + HEADER.encode(),
        schema_encoding="ros2msg",
    )

    stream, _, _ = interpreted(other, [])

    assert stream.table == "messages"
