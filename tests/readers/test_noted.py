"""What a recorder noted becomes events; what it says of its streams is theirs; what it lost is a loss."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from readers import captured
from readers.captured import CLOCKED, FACTS, TOPICS, at, take
from readers.mcap_recordings import CAM
from readers.reading import assert_books_balance, opened, tables
from rushes.model import Loss

MARKER = {"text": "pour", "key": "m", "source": "keyboard", "device_ns": None}
TROUBLE = {
    "what": "lost", "message": "3 pictures dropped: the queue was full", "at_ns": at(9), "sensor": "cam",
    "stream": CAM.topic, "count": 3, "from_ns": at(7),
}  # fmt: skip


def read(path: Path) -> tuple[Any, dict[str, dict[str, list[Any]]], list[Loss]]:
    with opened(path, "mcap") as recording:
        found = tables(recording)
        assert_books_balance(recording, found)
        return recording, found, list(recording.losses())


def test_a_marker_is_an_event_at_the_time_it_was_made(tmp_path: Path) -> None:
    path = captured.write(tmp_path / "a.mcap", [("rushes.Marker", at(3), MARKER)])

    recording, found, losses = read(path)

    rows = found["/rushes/markers"]
    assert (rows["kind"], rows["label"], rows["t_ns"], rows["t_log_ns"]) == (
        ["marker"],
        ["pour"],
        [at(3)],
        [at(3)],
    )
    assert json.loads(rows["value"][0]) == {"key": "m", "source": "keyboard"}
    assert recording.description.stream("/rushes/markers").clock == "log"
    assert not losses


def test_markers_of_a_sensor_with_a_clock_keep_its_time(tmp_path: Path) -> None:
    said = [{**MARKER, "device_ns": 50 + n, "source": "lsl"} for n in range(3)]
    path = captured.write(tmp_path / "a.mcap", [("rushes.Marker", at(n), one) for n, one in enumerate(said)])

    recording, found, _ = read(path)

    rows = found["/rushes/markers"]
    assert (rows["t_ns"], rows["t_header_ns"]) == ([50, 51, 52], [50, 51, 52])
    assert rows["t_log_ns"] == [at(0), at(1), at(2)]
    assert recording.description.stream("/rushes/markers").clock == "header"


def test_the_newest_word_on_a_take_stands(tmp_path: Path) -> None:
    noted = [
        ("rushes.Take", at(0), take(1, 0, None)),
        ("rushes.Take", at(8), take(1, 0, 8, "discard", why="the cup fell")),
        ("rushes.Take", at(8), take(2, 8, None, retake_of=1)),
        ("rushes.Take", at(12), take(1, 0, 8)),
    ]
    recording, found, losses = read(captured.write(tmp_path / "a.mcap", noted))

    rows = found["/rushes/takes"]
    assert (rows["kind"], rows["label"]) == (["take"] * 2, ["1", "2"])
    assert (rows["t_ns"], rows["t_log_ns"]) == ([at(0), at(8)], [at(12), at(8)])
    assert rows["t_end_ns"] == [at(8), at(19) + 1], "one past the last sample, where no end was noted"
    assert [json.loads(value) for value in rows["value"]] == [
        {"verdict": "keep", "retake_of": None, "why": "", "open": False},
        {"verdict": "keep", "retake_of": 1, "why": "", "open": True},
    ]
    (entry,) = (one for one in recording.ledger() if one.stream == "/rushes/takes")
    assert (entry.came_in, entry.out, entry.merged) == (4, 2, 2)
    assert not losses


def test_samples_that_the_recorder_lost_are_a_loss_with_stream_span_and_count(tmp_path: Path) -> None:
    back = {"what": "returned", "message": "it is back", "at_ns": at(10), "sensor": "cam"}
    noted = [("rushes.Trouble", at(9), TROUBLE), ("rushes.Trouble", at(10), back)]

    _, found, losses = read(captured.write(tmp_path / "a.mcap", noted))

    rows = found["/rushes/troubles"]
    assert (rows["label"], rows["t_ns"]) == (["lost", "returned"], [at(7), at(10)])
    assert rows["t_end_ns"] == [at(9), None]
    (loss,) = losses
    assert (loss.code, loss.stream, loss.count) == ("capture.lost", CAM.topic, 3)
    assert (loss.start_ns, loss.end_ns) == (at(7), at(9))
    assert "queue was full" in loss.said


def test_a_stream_knows_its_sensor_clock_and_latency(tmp_path: Path) -> None:
    recording, found, _ = read(captured.write(tmp_path / "a.mcap"))

    stream = recording.description.stream(CAM.topic)
    assert (stream.clock, stream.clock_id, stream.sensor) == ("header", "cam-clock", "cam")
    assert (stream.time_meaning, stream.latency_ns, stream.nominal_rate_hz) == ("exposure_start", 7_000_000, 10.0)
    assert (
        np.array(found[CAM.topic]["t_log_ns"]) - found[CAM.topic]["t_ns"] == captured.DELAY_NS + captured.OFFSET_NS
    ).all()


def test_a_sensor_that_states_no_time_has_the_log_as_clock(tmp_path: Path) -> None:
    recording, found, _ = read(captured.write(tmp_path / "a.mcap", facts=FACTS))

    stream = recording.description.stream(CAM.topic)
    assert (stream.clock, stream.clock_id) == ("log", None)
    assert found[CAM.topic]["t_ns"] == found[CAM.topic]["t_log_ns"]


@pytest.mark.parametrize("wrong", ["", "nan", "fast", "1e400", "-3"])
def test_facts_that_mean_nothing_are_as_if_not_stated(tmp_path: Path, wrong: str) -> None:
    facts = {**CLOCKED, "rushes.nominal_rate_hz": wrong, "rushes.time_meaning": "soon"}
    recording, _, losses = read(captured.write(tmp_path / "a.mcap", facts=facts))

    stream = recording.description.stream(CAM.topic)
    assert (stream.nominal_rate_hz, stream.time_meaning, stream.sensor) == (None, "unknown", "cam")
    assert not losses


VALUES = st.one_of(
    st.text(max_size=3), st.integers(-2, 2), st.none(), st.booleans(), st.sampled_from(["keep", "discard", "lost"])
)
PLAIN = {"rushes.Marker": MARKER, "rushes.Take": take(1, 0, 1), "rushes.Trouble": TROUBLE}


@given(st.data())
def test_the_reader_and_the_schemas_agree_on_what_was_noted(tmp_path_factory: Any, data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(sorted(TOPICS)))
    said = {key: data.draw(st.one_of(st.just(value), VALUES)) for key, value in PLAIN[kind].items()}
    said = {key: value for key, value in said.items() if data.draw(st.integers(0, 9))}
    path = captured.write(tmp_path_factory.mktemp("noted") / "a.mcap", [(kind, at(1), said)], frames=2)

    recording, found, losses = read(path)

    valid = jsonschema.Draft202012Validator(captured.schema(kind)).is_valid(said)
    assert (TOPICS[kind] in found) is valid
    (entry,) = (one for one in recording.ledger() if one.stream == TOPICS[kind])
    assert (entry.out, entry.rejected) == ((1, 0) if valid else (0, 1))
    assert valid or any("schema.json" in loss.message for loss in losses)


@pytest.mark.parametrize("wrong", [b"", b"no JSON", b"[]", b"\xff", b"[" * 100_000], ids=lambda one: repr(one[:9]))
@pytest.mark.parametrize("kind", sorted(TOPICS))
def test_what_is_no_json_is_refused_and_the_rest_is_read(tmp_path: Path, kind: str, wrong: bytes) -> None:
    path = captured.write(tmp_path / "a.mcap", [(kind, at(1), PLAIN[kind]), (kind, at(2), wrong)])

    recording, found, losses = read(path)

    assert len(found[TOPICS[kind]]["index"]) == 1
    (entry,) = (one for one in recording.ledger() if one.stream == TOPICS[kind])
    assert entry.rejected == 1
    assert any(loss.stream == TOPICS[kind] for loss in losses)
