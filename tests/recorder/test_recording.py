"""Recordings of made-up sensors: what was put is what is read, and what went wrong is told and written."""

import json
import threading

import numpy as np
import pytest
from mcap.reader import make_reader

from contracts.readers import rows_of
from made_up_sensors import STREAMS, MadeUp, picture, samples_of, sensor, sound, wait_for
from recorder.conftest import messages
from rushes.capturing import LiveStream, MessageForm, Numbers, Samples, Trouble
from rushes.errors import CaptureError, RecipeError, UsageError
from rushes.model import ClockPairs
from rushes.readers.mcap import PLUGIN

COUNT = 60


def give_some(into, of):
    """Give sixty samples, a few at a time."""
    for first in range(0, COUNT, 10):
        into.put(samples_of(of.device, first, 10, into.clock.now_ns(), step_ns=1_000))


def notes(path, topic: str) -> list[dict]:
    return [json.loads(content) for _, _, content in messages(path)[topic]]


def done(recording, count=COUNT) -> bool:
    return all(s.samples >= count for s in recording.status().streams)


@pytest.fixture
def everything(record, tmp_path):
    """A recording of one sensor of each form."""
    with record(give_some, *(sensor(form) for form in STREAMS), flush_ns=20_000_000) as recording:
        wait_for(lambda: all(s.state == "ended" for s in recording.status().streams))
    return tmp_path / "take.mcap", recording.verdict()


def test_what_was_put_is_what_other_libraries_read(everything):
    found = messages(everything[0])
    for form, stream in STREAMS.items():
        got = found[stream.name]
        numbers = list(range(0, COUNT, 10)) if form == "sound" else list(range(COUNT))
        assert [seq for _, seq, _ in got] == numbers, form
        assert [log for log, _, _ in got] == sorted(log for log, _, _ in got), form
        if form in ("pictures", "inertial", "numbers"):
            stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, _, m in got]
            assert stamps == [5_000_000_000 + k * 1_000_000 for k in numbers]
    images = [m for _, _, m in found["/cam/image/compressed"]]
    assert [bytes(m.data) for m in images] == [picture(k) for k in range(COUNT)]
    assert {(m.format, m.header.frame_id) for m in images} == {("jpeg", "cam")}
    assert [m.angular_velocity.y for _, _, m in found["/imu"]] == [k + 0.25 for k in range(COUNT)]
    assert [m.linear_acceleration.z for _, _, m in found["/imu"]] == [k - 0.5 for k in range(COUNT)]
    assert [(m.fp_1, m.fp_1_2, m.value) for _, _, m in found["/eeg/raw"]] == [
        (k, k + 0.125, k + 0.25) for k in range(COUNT)
    ]
    assert b"".join(bytes(m.data) for _, _, m in found["/mic"]) == b"".join(
        sound(k, 10).tobytes() for k in range(0, COUNT, 10)
    )
    assert {(m.sample_rate, m.number_of_channels, m.format) for _, _, m in found["/mic"]} == {
        (48_000, 2, "pcm-s16")
    }
    moved = [m.transforms[0] for _, _, m in found["/tracker/tf"]]
    assert [t.transform.translation.z for t in moved] == [k + 2 for k in range(COUNT)]
    assert {(t.header.frame_id, t.child_frame_id, t.transform.rotation.w) for t in moved} == {
        ("world", "hand", 1.0)
    }
    assert [content for _, _, content in found["/odd"]] == [b'{"k":%d}' % k for k in range(COUNT)]
    texts = [json.loads(content) for _, _, content in found["/marks"]]
    assert texts[3] == {"text": "mark 3 ü", "key": None, "source": "marks", "device_ns": 5_003_000_000}


def test_what_was_put_is_what_our_reader_reads_without_a_loss(everything):
    with PLUGIN.open(everything[0], {}) as opened:
        rows = rows_of(list(opened.batches()))
        assert list(opened.losses()) == []
        assert all(entry.balanced for entry in opened.ledger())
        pairs = list(opened.clock_pairs())
    assert rows["/imu"]["gyro_y_rad_s"] == [k + 0.25 for k in range(COUNT)]
    assert rows["/imu"]["t_header_ns"] == [5_000_000_000 + k * 1_000_000 for k in range(COUNT)]
    assert rows["/imu"]["seq"] == list(range(COUNT))
    assert len(rows["/cam/image/compressed"]["t_ns"]) == COUNT
    assert {(p.from_clock, p.to_clock, p.relation, p.source) for p in pairs} == {
        ("utc", "log", "two-way", "system-clock")
    }


def test_the_verdict_of_a_good_recording_has_nothing_to_say(everything):
    path, verdict = everything
    assert verdict.whole
    assert verdict.ended_by == ""
    assert verdict.written_bytes == path.stat().st_size
    assert {s.stream: s.samples for s in verdict.streams} == {
        stream.name: 6 if form == "sound" else COUNT for form, stream in STREAMS.items()
    }
    assert sum(s.dropped + s.left_out for s in verdict.streams) == 0


def test_channels_say_what_is_known_of_their_streams(everything):
    with everything[0].open("rb") as file:
        summary = make_reader(file).get_summary()
    by_topic = {channel.topic: channel.metadata for channel in summary.channels.values()}
    assert by_topic["/eeg/raw"] == {
        "rushes.sensor": "numbers",
        "rushes.source": "made-up",
        "rushes.device_clock": "eeg",
        "rushes.time_meaning": "arrival",
        "rushes.channel_names": '["Fp 1", "Fp-1", "µ"]',
        "rushes.channel_units": '["µV", "µV", ""]',
    }
    assert by_topic["/cam/image/compressed"]["rushes.nominal_rate_hz"] == "30"
    assert by_topic["/cam/image/compressed"]["rushes.frame_of_reference"] == "cam"


def test_facts_rig_and_calibration_travel_with_the_recording(record, tmp_path):
    (tmp_path / "cam.yaml").write_text("fx: 600\n")
    with record(give_some, sensor("pictures", calibration=tmp_path / "cam.yaml")):
        pass
    with (tmp_path / "take.mcap").open("rb") as file:
        reader = make_reader(file)
        facts = {record.name: record.metadata for record in reader.iter_metadata()}
        attached = {attachment.name: attachment.data for attachment in reader.iter_attachments()}
        assert reader.get_header().profile == "ros2"
    assert facts["session"] == {"subject": "s07", "task": "pour tea"}
    assert facts["rushes.rig"]["digest"] == "0123"
    assert attached["rig.yaml"] == b"name: bench\n"
    assert attached["calibration/pictures/cam.yaml"] == b"fx: 600\n"
    assert json.loads(attached["session.json"])["facts"]["subject"] == "s07"


def test_another_recording_is_never_written_over(record, tmp_path):
    (tmp_path / "take.mcap").write_bytes(b"precious")
    with pytest.raises(CaptureError) as caught:
        record(give_some, sensor("inertial")).start()
    assert caught.value.code == "recorder.exists"
    assert (tmp_path / "take.mcap").read_bytes() == b"precious"


def test_a_folder_that_is_not_there_is_said(record, tmp_path):
    with pytest.raises(CaptureError) as caught:
        record(give_some, sensor("inertial"), path=tmp_path / "no" / "take.mcap").start()
    assert caught.value.code == "recorder.disk"


def test_a_slip_in_the_rig_leaves_no_file_behind(record, tmp_path):
    def refuse(_):
        raise RecipeError("no such option", code="rig.invalid")

    closed = MadeUp(give_some, before_open=refuse)
    with pytest.raises(RecipeError):
        record(closed, sensor("inertial")).start()
    assert not (tmp_path / "take.mcap").exists()


def test_markers_are_written_at_their_instant(record, tmp_path):
    with record(give_some, sensor("inertial")) as recording:
        before = recording.clock.now_ns()
        recording.mark("tea poured", "m")
        recording.mark("ü")
        after = recording.clock.now_ns()
    found = messages(tmp_path / "take.mcap")["/rushes/markers"]
    assert [json.loads(content) for _, _, content in found] == [
        {"text": "tea poured", "key": "m", "source": "keyboard", "device_ns": None},
        {"text": "ü", "key": None, "source": "keyboard", "device_ns": None},
    ]
    assert all(before <= log <= after for log, _, _ in found)


def test_the_newest_word_on_a_take_stands_in_the_file(record, tmp_path):
    with record(give_some, sensor("inertial")) as recording:
        assert recording.next_take().number == 1
        assert recording.retake().verdict == "discard"
        recording.judge("discard", number=1, why="the cup fell")
        recording.judge("keep")
        with pytest.raises(UsageError):
            recording.judge("keep", number=9)
    stands = {each["number"]: each for each in notes(tmp_path / "take.mcap", "/rushes/takes")}
    assert [(n, t["verdict"], t["retake_of"], t["why"]) for n, t in stands.items()] == [
        (1, "discard", None, "the cup fell"),
        (2, "discard", None, "retaken"),
        (3, "keep", 2, ""),
    ]
    assert stands[1]["end_ns"] == stands[2]["start_ns"]
    assert stands[3]["end_ns"] == recording.verdict().end_ns
    assert [t.number for t in recording.verdict().takes] == [1, 2, 3]


def test_what_a_pause_leaves_out_is_counted_and_written(record, tmp_path):
    paused, resumed, more = threading.Event(), threading.Event(), threading.Event()

    def run(into, of):
        into.put(samples_of(of.device, 0, 10, into.clock.now_ns()))
        paused.wait(5)
        into.put(samples_of(of.device, 10, 25, into.clock.now_ns()))
        more.set()
        resumed.wait(5)
        into.put(samples_of(of.device, 35, 5, into.clock.now_ns()))

    with record(run, sensor("inertial")) as recording:
        recording.pause()
        paused.set()
        more.wait(5)
        wait_for(lambda: recording.tracks[0].left_out >= 25)
        recording.resume()
        resumed.set()
        wait_for(lambda: recording.status().streams[0].state == "ended")
    verdict = recording.verdict()
    told = [t for t in notes(tmp_path / "take.mcap", "/rushes/troubles") if t["what"] == "paused"]
    assert [t["count"] for t in told] == [verdict.streams[0].left_out]
    assert verdict.streams[0].samples + verdict.streams[0].left_out == 40
    assert (verdict.streams[0].dropped, verdict.streams[0].holes) == (0, 0)
    assert told[0]["from_ns"] <= told[0]["at_ns"]
    assert "pause" in told[0]["message"]
    with PLUGIN.open(tmp_path / "take.mcap", {}) as opened:
        list(opened.batches())
        assert list(opened.losses()) == [], "what somebody left out is no loss"


def test_a_sensor_that_is_absent_is_tried_again_and_told(record, tmp_path, monkeypatch):
    monkeypatch.setattr("rushes.recorder.sensing.AGAIN_S", 0.02)
    tries = []

    def not_yet(of):
        tries.append(of.name)
        if len(tries) < 4:
            raise CaptureError("no such device", code="capture.absent")

    with record(MadeUp(give_some, before_open=not_yet), sensor("inertial")) as recording:
        wait_for(lambda: done(recording))
    kinds = [(t["what"], t["sensor"]) for t in notes(tmp_path / "take.mcap", "/rushes/troubles")]
    assert kinds == [("absent", "inertial"), ("returned", "inertial")]
    assert recording.verdict().streams[0].samples == COUNT


def test_a_sensor_that_never_opens_is_in_the_verdict_and_the_others_record(record, tmp_path):
    def refuse(of):
        if of.name == "mic":
            raise CaptureError("it has no 96 kHz", code="capture.refused")

    with record(
        MadeUp(give_some, before_open=refuse), sensor("inertial"), sensor("sound", name="mic")
    ) as recording:
        wait_for(lambda: recording.status().streams[0].samples == COUNT)
        status = recording.status().streams
        assert [(s.sensor, s.stream, s.state, s.said) for s in status[1:]] == [
            ("mic", "", "ended", "it has no 96 kHz")
        ]
    assert "mic was not recorded: it has no 96 kHz" in recording.verdict().problems


@pytest.mark.parametrize("error", [CaptureError("the cable is out", code="capture.absent"), ValueError("oops")])
def test_a_source_that_fails_is_told_and_what_it_gave_stays(record, tmp_path, error):
    def run(into, of):
        give_some(into, of)
        if of.name == "bad":
            raise error
        into.stopping.wait(5)

    source = MadeUp(run)
    with record(source, sensor("inertial", name="bad"), sensor("numbers")) as recording:
        wait_for(lambda: done(recording) and recording.status().streams[0].state == "ended")
        assert recording.status().streams[1].state == "live"
    told = notes(tmp_path / "take.mcap", "/rushes/troubles")
    assert [(t["what"], t["sensor"]) for t in told] == [("stopped", "bad")]
    assert [s.samples for s in recording.verdict().streams] == [COUNT, COUNT]
    assert source.closed.count("bad") == 1


def test_silence_is_told_and_its_end_too(record, tmp_path, monkeypatch):
    monkeypatch.setattr("rushes.recorder.gauges.SILENT_NS", 150_000_000)
    monkeypatch.setattr("rushes.recorder.watching.LOOK_S", 0.02)
    back = threading.Event()

    def run(into, of):
        for k in range(20):
            into.put(samples_of(of.device, k, 1, into.clock.now_ns()))
            into.stopping.wait(0.005)
        back.wait(5)
        while not into.stopping.wait(0.005):
            k += 1
            into.put(samples_of(of.device, k, 1, into.clock.now_ns()))

    with record(run, sensor("numbers")) as recording:
        wait_for(lambda: recording.status().streams[0].state == "silent")
        back.set()
        wait_for(lambda: recording.status().streams[0].state == "live")
        wait_for(lambda: any(t.what == "returned" for t in recording.status().troubles))
    told = [(t["what"], t["stream"]) for t in notes(tmp_path / "take.mcap", "/rushes/troubles")]
    assert told == [("stopped", "/eeg/raw"), ("returned", "/eeg/raw")]


def test_what_a_source_says_of_its_absence_is_not_said_again(record, tmp_path, monkeypatch):
    monkeypatch.setattr("rushes.recorder.gauges.SILENT_NS", 100_000_000)
    monkeypatch.setattr("rushes.recorder.watching.LOOK_S", 0.02)
    back = threading.Event()

    def run(into, of):
        give_some(into, of)
        into.trouble(Trouble(what="stopped", message="the cable is out", at_ns=into.clock.now_ns()))
        back.wait(5)
        into.trouble(Trouble(what="returned", message="it is back", at_ns=into.clock.now_ns()))
        for k in range(COUNT, 10_000):
            if into.stopping.wait(0.005):
                return
            into.put(samples_of(of.device, k, 1, into.clock.now_ns()))

    with record(run, sensor("numbers")) as recording:
        wait_for(lambda: recording.status().streams[0].state == "absent")
        assert recording.status().streams[0].said == "the cable is out"
        assert not back.wait(0.3)
        back.set()
        wait_for(lambda: recording.status().streams[0].samples > COUNT)
        assert recording.status().streams[0].state == "live"
        assert recording.status().streams[0].said == ""
    told = [(t["what"], t["sensor"]) for t in notes(tmp_path / "take.mcap", "/rushes/troubles")]
    assert told == [("stopped", "numbers"), ("returned", "numbers")]


def test_garbage_that_goes_on_is_told_at_once_and_then_summed_up(record, tmp_path):
    def run(into, of):
        for _ in range(500):
            into.trouble(Trouble(what="garbage", message="half a line", at_ns=into.clock.now_ns(), count=2))
        give_some(into, of)

    with record(run, sensor("numbers")) as recording:
        wait_for(lambda: done(recording))
    told = notes(tmp_path / "take.mcap", "/rushes/troubles")
    assert sum(t["count"] for t in told) == 1000
    assert told[0]["count"] == 2
    assert len(told) <= 4
    assert recording.verdict().problems[0] == "numbers: 1,000 samples could not be understood"


def test_two_sensors_with_a_stream_of_one_name_are_not_mixed(record, tmp_path):
    with record(give_some, sensor("inertial", name="a"), sensor("inertial", name="b")) as recording:
        wait_for(lambda: all(s.state == "ended" for s in recording.status().streams))
    assert [s.samples for s in recording.verdict().streams] == [COUNT]
    assert any("stream of" in problem for problem in recording.verdict().problems)


def test_garbage_is_counted_and_the_stream_goes_on(record, tmp_path):
    def run(into, of):
        good = samples_of(of.device, 0, 10, into.clock.now_ns())
        into.put(good)
        short = Samples(
            stream=good.stream,
            arrival_ns=good.arrival_ns,
            device_ns=good.device_ns,
            seq=good.seq[:3],
            content=good.content,
        )
        into.put(short)
        wrong = Samples(
            stream=good.stream,
            arrival_ns=good.arrival_ns,
            device_ns=good.device_ns,
            seq=good.seq,
            content=Numbers(values=np.zeros((10, 7))),
        )
        into.put(wrong)
        into.put(
            Samples(stream="/else", arrival_ns=good.arrival_ns, device_ns=None, seq=good.seq, content=good.content)
        )
        into.put(samples_of(of.device, 10, 10, into.clock.now_ns()))

    with record(run, sensor("numbers")) as recording:
        wait_for(lambda: done(recording, 20))
    told = notes(tmp_path / "take.mcap", "/rushes/troubles")
    assert [(t["what"], t["count"], t["sensor"]) for t in told] == [("garbage", 10, "numbers")] * 3
    assert recording.verdict().streams[0].samples == 20


def test_stamps_that_cannot_be_written_are_those_of_arrival(record, tmp_path):
    def run(into, of):
        good = samples_of(of.device, 0, 3, into.clock.now_ns())
        device = np.array([5_000_000_000, 2**62, -(2**62)], np.int64)
        into.put(
            Samples(
                stream=good.stream,
                arrival_ns=good.arrival_ns,
                device_ns=device,
                seq=good.seq,
                content=good.content,
            )
        )

    with record(run, sensor("inertial")) as recording:
        wait_for(lambda: done(recording, 3))
    found = messages(tmp_path / "take.mcap")["/imu"]
    stamps = [m.header.stamp.sec * 10**9 + m.header.stamp.nanosec for _, _, m in found]
    assert stamps == [5_000_000_000, found[1][0], found[2][0]]


def test_a_clock_that_begins_again_is_told(record, tmp_path):
    def run(into, of):
        for k in (100, 101, 50, 51):
            into.put(samples_of(of.device, k, 1, into.clock.now_ns()))

    with record(run, sensor("inertial")) as recording:
        wait_for(lambda: any(t.what == "clock" for t in recording.status().troubles))
    told = [t for t in notes(tmp_path / "take.mcap", "/rushes/troubles") if t["what"] == "clock"]
    assert [(t["stream"], t["count"]) for t in told] == [("/imu", 1)]
    assert any("leapt by -51 ms" in problem for problem in recording.verdict().problems)


def test_the_systems_clock_being_set_is_told_with_pairs_before_and_after(record, tmp_path, monkeypatch):
    monkeypatch.setattr("rushes.recorder.watching.LOOK_S", 0.02)
    set_by = [0]
    import time

    with record(give_some, sensor("inertial"), utc_ns=lambda: time.time_ns() + set_by[0]) as recording:
        wait_for(lambda: done(recording))
        set_by[0] = -3_600_000_000_000
        wait_for(lambda: any(t.what == "clock" for t in recording.status().troubles))
    pairs = notes(tmp_path / "take.mcap", "/rushes/clock_pairs")
    ahead = [p["from_ns"] - p["to_ns"] for p in pairs]
    assert abs(ahead[0] - ahead[1]) < 50_000_000
    assert abs(ahead[-1] - ahead[0] + 3_600_000_000_000) < 50_000_000
    assert all(p["from_clock"] == "utc" and p["round_trip_ns"] >= 0 for p in pairs)
    logs = [log for log, _, _ in messages(tmp_path / "take.mcap")["/imu"]]
    assert logs == sorted(logs)


def test_pairs_and_first_messages_of_a_source_are_written(record, tmp_path):
    form = MessageForm(encoding="json", schema_name="Tf", schema_encoding="jsonschema", schema=b"{}")
    stream = LiveStream(
        name="/imu",
        form="inertial",
        modality="imu",
        device_clock="imu",
        first_messages=(("/tf_static", form, b'{"a":1}'),),
    )

    def run(into, of):
        give_some(into, of)
        into.pair(
            ClockPairs(
                from_clock="imu",
                to_clock="log",
                from_ns=np.array([1, 2]),
                to_ns=np.array([10, 20]),
                relation="two-way",
                source="lsl",
                round_trip_ns=np.array([3, 4]),
                stream="/imu",
            )
        )
        into.trouble(Trouble(what="garbage", message="half a line", at_ns=into.clock.now_ns(), count=2))

    with record(MadeUp(run, streams=(stream,)), sensor("inertial")) as recording:
        wait_for(lambda: done(recording))
    found = messages(tmp_path / "take.mcap")
    assert [content for _, _, content in found["/tf_static"]] == [b'{"a":1}']
    pairs = [p for p in notes(tmp_path / "take.mcap", "/rushes/clock_pairs") if p["from_clock"] == "imu"]
    assert [(p["from_ns"], p["to_ns"], p["round_trip_ns"], p["stream"]) for p in pairs] == [
        (1, 10, 3, "/imu"),
        (2, 20, 4, "/imu"),
    ]
    assert [(t["sensor"], t["count"]) for t in notes(tmp_path / "take.mcap", "/rushes/troubles")] == [
        ("inertial", 2)
    ]


def test_the_latest_samples_can_be_looked_at_while_it_goes_on(record):
    with record(give_some, sensor("inertial")) as recording:
        wait_for(lambda: done(recording))
        latest = recording.latest("/imu", 25)
        assert [int(s.seq[0]) for s in latest] == [30, 40, 50]
        assert recording.latest("/else", 5) == ()
        status = recording.status()
        assert status.written_bytes > 0
        assert status.free_bytes >= 0
        assert status.take.number == 1


def test_stopping_twice_is_stopping_once(record):
    recording = record(give_some, sensor("inertial"))
    recording.start()
    recording.stop()
    recording.stop()
    assert recording.verdict().whole
    assert recording.wait(0)
