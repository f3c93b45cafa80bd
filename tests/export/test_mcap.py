"""Recordings as MCAP: what was recorded, at the corrected times, as players and our own reader read it."""

import shutil
from collections import defaultdict
from pathlib import Path

import foxglove_schemas_protobuf
import numpy as np
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from hypothesis import given
from hypothesis import strategies as st
from mcap.reader import NonSeekingReader, make_reader
from mcap_protobuf.decoder import DecoderFactory as Protobuf
from mcap_ros2.decoder import DecoderFactory as Ros2

from clips import scene, write_clip
from rushes import chunked_mcap, registry, resources
from rushes.annotate import rows
from rushes.chunked_mcap import ChunkedFile
from rushes.errors import UsageError
from rushes.export._mcap import annotations, h264, numbers
from rushes.labels import Box, Keypoints, Label
from rushes.model import Finding, Stream
from rushes.store import Store
from rushes.texts import field_names
from rushes.timelines import NumberLane
from rushes.workflow import annotate_erratum
from rushes.workflow.dataset import Dataset
from rushes.workflow.export_recordings import export_recordings
from rushes.workflow.ingest import Request, ingest
from rushes.workflow.sync import Settings, sync

TAKE = "tabletop_s01_take1"
CAMERA, DEPTH = "/cam0/image/compressed", "/depth/image/compressedDepth"
GESTURE = ("wave", 1767261600_500_000_000, 1767261601_250_000_000)


def label(**facts) -> Label:
    whole = {"kind": "box", "source": "human", "class_name": "cup", "stream": CAMERA} | facts
    return Label(recording_id=whole.pop("recording_id"), label_id=whole.pop("label_id"), **whole)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory) -> Path:
    """One take of the rig, synchronised, with two labels on one frame, a gesture and a finding."""
    place = tmp_path_factory.mktemp("rig") / "set"
    ingest(place, Request(paths=[resources.folder("data_samples") / "tabletop" / f"{TAKE}.mcap"]))
    sync(place, Settings())
    store = Store.open(place)
    recording_id = store.table("recordings")["recording_id"][0].as_py()
    name, start, end = GESTURE
    labels = [
        label(
            label_id="a",
            recording_id=recording_id,
            index=5,
            geometry=Box(x_px=10, y_px=20, width_px=30, height_px=40),
        ),
        label(
            label_id="b",
            recording_id=recording_id,
            index=5,
            kind="keypoints",
            class_name="hand",
            geometry=Keypoints(triples=(1.5, 2.5, 2, 0, 0, 0, 7.0, 8.0, 1)),
        ),
        label(
            label_id="c",
            recording_id=recording_id,
            kind="segment",
            class_name=name,
            t_start_ns=start,
            t_end_ns=end,
        ),
    ]
    finding = Finding(
        check="image.blur", severity="warning", message="it is blurred", stream=CAMERA, index=7, count=2
    )
    with store.begin("test") as transaction:
        transaction.append("labels", len(labels), rows.label_columns(labels))
        columns = {
            name: [getattr(finding, name)] for name in ("check", "severity", "message", "stream", "index", "count")
        }
        transaction.append("findings", 1, {"recording_id": [recording_id], **columns})
        transaction.commit()
    return place


@pytest.fixture(scope="module")
def exported(dataset, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("out") / "players"
    export_recordings(dataset, format="mcap", out=out)
    return out / f"{TAKE}.mcap"


def decoded(path: Path) -> dict[str, list]:
    """Every message by topic: schema, record, decoded message."""
    found = defaultdict(list)
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[Protobuf(), Ros2()], validate_crcs=True)
        for schema, channel, message, content in reader.iter_decoded_messages():
            found[channel.topic].append((schema, message, content))
    return found


def test_what_is_read_again_has_the_corrected_times_and_the_same_bytes(dataset, exported, tmp_path):
    shutil.copy(exported, tmp_path / "again.mcap")
    ingest(tmp_path / "set", Request(paths=[tmp_path / "again.mcap"]))
    with Dataset.open(dataset) as before, Dataset.open(tmp_path / "set") as after:
        for stream in (CAMERA, "/cam1/image/compressed", DEPTH, "/imu", "/audio", "/tf"):
            assert after.times("again", stream).tolist() == sorted(before.times(TAKE, stream).tolist()), stream
        for stream in (CAMERA, "/cam1/image/compressed"):
            old, new = before.frames(TAKE, stream), after.frames("again", stream)
            assert [new.bytes(i) for i in range(len(new))] == [old.bytes(i) for i in range(len(old))]
        old, new = before.frames(TAKE, DEPTH), after.frames("again", DEPTH)
        assert all((new.image(i) == old.image(i)).all() for i in range(len(old)))
        assert new.stream["depth_unit_m"] == old.stream["depth_unit_m"]
        for table, names in {
            "imu": ("gyro_x_rad_s", "accel_z_m_s2", "qw"),
            "transforms": ("tx_m", "qw", "child"),
        }.items():
            for name in names:
                mine = after.arrow(table, columns=[name, "stream", "index"]).sort_by(
                    [("stream", "ascending"), ("index", "ascending")]
                )
                theirs = before.arrow(table, columns=[name, "stream", "index"]).sort_by(
                    [("stream", "ascending"), ("index", "ascending")]
                )
                assert mine[name].to_pylist() == theirs[name].to_pylist()
        old, new = before.sound(TAKE, "/audio"), after.sound("again", "/audio")
        assert all((old.samples(i) == new.samples(i)).all() for i in range(len(old)))
        for name in ("fx", "cy", "distortion", "projection", "frame_of_reference", "camera_stream"):
            mine, theirs = (d.arrow("calibrations").sort_by("stream")[name].to_pylist() for d in (after, before))
            assert mine == theirs


def test_every_stamp_agrees_with_the_log_time(exported):
    for topic, messages in decoded(exported).items():
        for _, message, content in messages:
            assert message.log_time == message.publish_time
            stamp = content.header.stamp if topic == "/imu" else getattr(content, "timestamp", None)
            if stamp is not None:
                seconds, rest = (stamp.sec, stamp.nanosec) if topic == "/imu" else (stamp.seconds, stamp.nanos)
                assert seconds * 10**9 + rest == message.log_time, topic


def test_the_file_is_whole_with_indexes_and_checksums(exported):
    with exported.open("rb") as file:
        straight = list(NonSeekingReader(file, validate_crcs=True).iter_messages(log_time_order=False))
    with exported.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        by_index = list(reader.iter_messages())
    statistics = summary.statistics
    assert len(straight) == len(by_index) == statistics.message_count
    counts = defaultdict(int)
    for _, channel, _ in straight:
        counts[channel.id] += 1
    assert counts == statistics.channel_message_counts
    times = [message.log_time for _, _, message in straight]
    assert (statistics.message_start_time, statistics.message_end_time) == (min(times), max(times))
    assert [m.log_time for _, _, m in by_index] == sorted(times)
    assert statistics.chunk_count == len(summary.chunk_indexes)


def test_a_chunk_holds_one_topic_and_only_what_shrinks_is_packed(exported):
    with exported.open("rb") as file:
        summary = make_reader(file).get_summary()
    packing = defaultdict(set)
    for chunk in summary.chunk_indexes:
        (channel,) = chunk.message_index_offsets
        packing[summary.channels[channel].topic].add(chunk.compression)
    assert packing[CAMERA] == packing[DEPTH + "/preview"] == {""}
    assert packing[DEPTH] == packing["/imu"] == packing["/audio"] == {"zstd"}


def test_schemas_are_those_that_foxglove_publishes(exported):
    with exported.open("rb") as file:
        schemas = make_reader(file).get_summary().schemas.values()
    seen = set()
    for schema in schemas:
        if not schema.name.startswith("foxglove."):
            continue
        name = schema.name.removeprefix("foxglove.")
        module = __import__(f"foxglove_schemas_protobuf.{name}_pb2", fromlist=[name])
        published = FileDescriptorSet().file.add()
        module.DESCRIPTOR.CopyToProto(published)
        files = {file.name: file for file in FileDescriptorSet.FromString(schema.data).file}
        assert files[f"foxglove/{name}.proto"] == published
        needed = [d for file in files.values() for d in file.dependency]
        assert set(needed) <= set(files), "a reader finds all that a type needs"
        seen.add(name)
    assert foxglove_schemas_protobuf.__name__
    wanted = {"CompressedImage", "RawImage", "RawAudio", "FrameTransforms", "CameraCalibration"}
    assert seen == wanted | {"ImageAnnotations", "Event", "Log", "SceneUpdate"}


def test_labels_lie_on_their_frame_and_are_gone_on_the_next(dataset, exported):
    with Dataset.open(dataset) as opened:
        times = opened.times(TAKE, CAMERA)
    (_, first, drawn), (_, second, empty) = decoded(exported)[CAMERA + annotations.LABELS]
    assert (first.log_time, second.log_time) == (times[5], times[6])
    box, points = drawn.points
    assert [(p.x, p.y) for p in box.points] == [(10, 20), (40, 20), (40, 60), (10, 60)]
    assert box.type == box.LINE_LOOP
    assert [(p.x, p.y) for p in points.points] == [(1.5, 2.5), (7, 8)]
    assert points.type == points.POINTS
    assert [text.text for text in drawn.texts] == ["cup", "hand"]
    assert not empty.points
    assert not empty.texts


def test_segments_and_findings_are_events_with_their_corrected_times(dataset, exported):
    with Dataset.open(dataset) as opened:
        times = opened.times(TAKE, CAMERA)
    found = {}
    for _, message, event in decoded(exported)["/rushes/events"]:
        facts = {pair.key: pair.value for pair in event.metadata}
        start, end = (t.seconds * 10**9 + t.nanos for t in (event.start_time, event.end_time))
        assert start == message.log_time
        found[facts["name"]] = facts, start, end
    facts, start, end = found["image.blur"]
    assert (facts["kind"], facts["severity"], start, end) == ("finding", "warning", times[7], times[8])
    facts, start, end = found["wave"]
    _, raw_start, raw_end = GESTURE
    with Dataset.open(dataset) as opened:
        (row,) = opened.arrow("clock_maps", where={"from_clock": CAMERA}).to_pylist()
    shift = row["offset_ns"] + row["drift_ppm"] * 1e-6 * (raw_start - row["origin_ns"])
    assert start - raw_start == pytest.approx(shift, abs=2)
    assert end - start == pytest.approx(raw_end - raw_start, abs=200_000)
    assert [log.message.split()[0] for _, _, log in decoded(exported)["/rushes/log"]] == [
        name for name, _ in sorted(found.items(), key=lambda item: item[1][1])
    ]


def test_what_is_known_of_the_clocks_and_the_revision_is_in_the_file(dataset, tmp_path):
    with Dataset.open(dataset) as opened:
        revision = opened.revision
        (written,) = export_recordings(dataset, format="mcap", out=tmp_path / "out").files
    with written.path.open("rb") as file:
        facts = {record.name: record.metadata for record in make_reader(file).iter_metadata()}
    assert facts["rushes"]["revision"] == str(revision)
    assert facts[f"rushes.clock.{CAMERA}"]["verdict"] == "estimated"


def test_the_preview_of_depth_shows_a_depth_in_one_colour_all_over(exported):
    found = decoded(exported)
    assert len(found[DEPTH]) == len(found[DEPTH + "/preview"])
    assert {content.format for _, _, content in found[DEPTH + "/preview"]} == {"jpeg"}


@pytest.mark.parametrize(("b_frames", "plays"), [(0, True), (2, False)])
def test_video_goes_over_as_it_is_unless_it_looks_ahead(tmp_path, b_frames, plays):
    clip = write_clip(tmp_path / "clip.mp4", b_frames=b_frames, options={"crf": "18"})
    ingest(tmp_path / "set", Request(paths=[clip]))
    done = export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out").files[0]
    ((topic, messages),) = decoded(done.path).items()
    assert len(messages) == 40
    with Dataset.open(tmp_path / "set") as opened:
        frames = opened.frames("clip", topic)
        assert [m.log_time for _, m, _ in messages] == frames.t_ns.tolist()
        schema, _, first = messages[0]
        if plays:
            assert schema.name == "foxglove.CompressedVideo"
            assert done.left_out == ()
            keys = [[kind for kind, _, _ in h264.units(c.data)] for _, _, c in messages]
            assert all({h264.SPS, h264.PPS} <= set(key) for key in keys if h264.IDR in key)
            assert sum(h264.IDR in key for key in keys) == 4, "40 pictures, a key frame every 12"
            for index, pixels in enumerate(played([c.data for _, _, c in messages])):
                assert (pixels == frames.image(index)).all()
        else:
            assert (schema.name, first.format) == ("foxglove.CompressedImage", "jpeg")
            ((effect, count, reason),) = [(x.effect, x.count, x.reason) for x in done.left_out]
            assert (effect, count) == ("changed", 40)
            assert "shown" in reason or "B frames" in reason
            from io import BytesIO

            from PIL import Image

            shown = np.asarray(Image.open(BytesIO(messages[20][2].data))).astype(int)
            assert np.abs(shown - scene(20)).mean() < 12


def played(units: list[bytes]):
    """Decode access units one after the other, as a player does."""
    import av

    from rushes.decoders.video import _pixels

    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_type = "NONE"
    for data in [*units, None]:
        for frame in decoder.decode(av.Packet(data) if data else None):
            yield _pixels(frame)


def test_depth_of_another_unit_is_written_in_metres(shared_data, tmp_path):
    ingest(tmp_path / "set", Request(paths=[shared_data / "rgbd" / "tum_fr1_rpy"]))
    done = export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out").files[0]
    with Dataset.open(tmp_path / "set") as opened:
        depth = next(f for f in opened.picture_streams(done.recording_id) if f.stream["modality"] == "depth")
        there = [i for i in range(len(depth)) if not depth.missing(i)]
        _, _, first = decoded(done.path)[depth.stream["stream"]][0]
        metres = np.frombuffer(first.data, "<f4").reshape(first.height, first.width)
        assert first.encoding == "32FC1"
        assert (np.rint(metres * 5000).astype(np.uint16) == depth.image(there[0])).all()
        assert np.median(metres[metres > 0]) == pytest.approx(1.397, abs=0.05)
        lost = {x.stream: x.count for x in done.left_out if x.reason == "their bytes are absent"}
        assert lost[depth.stream["stream"]] == len(depth) - len(there) == 722 - 20


def test_an_export_of_recordings_is_noted_as_those_of_labels_are(dataset, tmp_path):
    place = tmp_path / "set"
    shutil.copytree(dataset, place)
    before = Store.open(place)
    noted = before.table("exports").num_rows
    export_recordings(place, format="mcap", out=tmp_path / "trial", dry_run=True)
    assert Store.open(place).table("exports").num_rows == noted
    done = export_recordings(place, format="mcap", out=tmp_path / "out", argv=["export"])
    again = export_recordings(place, format="mcap", out=tmp_path / "again")
    rows = Store.open(place).table("exports").sort_by("created_ns").to_pylist()[noted:]
    assert [row["path"] for row in rows] == [str(tmp_path / "out"), str(tmp_path / "again")]
    assert {row["format"] for row in rows} == {"mcap"}
    assert [row["revision"] for row in rows] == [before.revision, before.revision + 1]
    assert {tuple(row["label_ids"]) for row in rows} == {("a", "b", "c")}
    streams = before.table("streams").to_pylist()
    assert {row["pictures"] for row in rows} == {sum(s["count"] for s in streams if s["table"] == "frames")}
    assert all(len(row["digest"]) == 16 for row in rows)
    assert (done.revision, again.revision) == (before.revision, before.revision + 1)


def test_an_export_without_a_file_is_not_noted(tmp_path, shared_data):
    folder = tmp_path / "pictures"
    folder.mkdir()
    pictures = shared_data / "labels" / "coco128_people" / "images" / "train2017"
    shutil.copy(min(pictures.iterdir()), folder)
    ingest(tmp_path / "set", Request(paths=[folder]))
    export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out")
    assert Store.open(tmp_path / "set").table("exports").num_rows == 0


def test_a_mistake_in_a_label_is_told_of_the_recordings_that_it_went_out_with(dataset, tmp_path):
    place = tmp_path / "set"
    shutil.copytree(dataset, place)
    export_recordings(place, format="mcap", out=tmp_path / "out")
    reached = annotate_erratum.of_labels(place, labels=["a"]).exports
    out = str(tmp_path / "out")
    assert [(one.format, one.labels) for one in reached if one.path == out] == [("mcap", 1)]


def test_pictures_without_times_make_no_file_and_it_is_said(tmp_path, shared_data):
    folder = tmp_path / "pictures"
    folder.mkdir()
    for each in sorted((shared_data / "labels" / "coco128_people" / "images" / "train2017").iterdir())[:3]:
        shutil.copy(each, folder)
    ingest(tmp_path / "set", Request(paths=[folder]))
    (file,) = export_recordings(tmp_path / "set", format="mcap", out=tmp_path / "out").files
    assert file.path is None
    assert [(x.count, x.reason) for x in file.left_out] == [(3, "its samples have no times")]


def test_a_trial_writes_nothing_and_a_full_folder_is_left_alone(dataset, tmp_path):
    out = tmp_path / "out"
    done = export_recordings(dataset, format="mcap", out=out, dry_run=True)
    assert [file.path for file in done.files] == [out / f"{TAKE}.mcap"]
    assert not out.exists()
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        export_recordings(dataset, format="mcap", out=out)
    assert [each.name for each in out.iterdir()] == ["mine.txt"]


def test_half_a_file_is_never_left_under_its_name(dataset, tmp_path, monkeypatch):
    def fail(*_args):
        raise OSError("no space left")

    monkeypatch.setattr(chunked_mcap.ChunkedFile, "finish", fail)
    with pytest.raises(OSError, match="no space"):
        export_recordings(dataset, format="mcap", out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_plugin_says_what_it_is():
    plugin = registry.load("export", "mcap")
    assert (plugin.name, plugin.suffix) == ("mcap", ".mcap")


messages = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 2**62), st.binary(max_size=200)), min_size=1, max_size=40
)


@given(messages)
def test_any_messages_come_back_with_topic_time_and_bytes(tmp_path_factory, sent):
    path = tmp_path_factory.mktemp("any") / "any.mcap"
    with path.open("wb") as out:
        file = ChunkedFile(out, library="test")
        topics = [
            file.channel(f"/{i}", encoding="json", schema=("Any", "jsonschema", b"{}"), packed=i == 1)
            for i in range(3)
        ]
        for topic, t_ns, data in sent:
            file.add(topics[topic], t_ns, (data[:3], data[3:]))
        file.finish()
    with path.open("rb") as read:
        found = [
            (c.topic, m.log_time, m.data) for _, c, m in make_reader(read, validate_crcs=True).iter_messages()
        ]
    assert sorted(found) == sorted((f"/{topic}", t_ns, data) for topic, t_ns, data in sent)


def test_chunks_end_by_size_and_by_time(tmp_path):
    path = tmp_path / "any.mcap"
    times = np.arange(100_000, dtype=np.int64) * 1_000_000
    with path.open("wb") as out:
        file = ChunkedFile(out, library="test")
        slow = file.channel("/slow", encoding="json", schema=("A", "jsonschema", b"{}"), packed=True)
        fast = file.channel("/fast", encoding="json", schema=("A", "jsonschema", b"{}"), packed=False)
        file.add_rows(slow, times[::1000], np.zeros((100, 10), np.uint8))
        for start in range(0, len(times), 7_000):
            rows_ = times[start : start + 7_000]
            file.add_rows(fast, rows_, rows_[:, None].view(np.uint8))
        file.finish()
    with path.open("rb") as read:
        reader = make_reader(read, validate_crcs=True)
        indexes = reader.get_summary().chunk_indexes
        back = [int.from_bytes(m.data, "little") for _, _, m in reader.iter_messages(topics=["/fast"])]
    assert back == times.tolist()
    for chunk in indexes:
        assert chunk.message_end_time - chunk.message_start_time < chunked_mcap.CHUNK_SPAN_NS
        assert chunk.uncompressed_size <= chunked_mcap.CHUNK_BYTES + 100
    assert sum(list(c.message_index_offsets) == [slow] for c in indexes) == 5, "100 s in pieces of 20 s"


values = st.floats(allow_nan=True, allow_infinity=True)


@given(st.lists(st.tuples(st.integers(0, 2**60), values, values), min_size=1, max_size=20))
def test_numbers_come_back_to_the_last_bit(samples):
    from mcap.records import Schema

    from rushes.export._mcap.schemas import of_numbers

    times = np.array([t for t, _, _ in samples], np.int64)
    columns = [np.array([s[i] for s in samples]) for i in (1, 2)]
    name, encoding, text = of_numbers("Both", ["one", "two"])
    decode = Protobuf().decoder_for("protobuf", Schema(id=1, name=name, encoding=encoding, data=text))
    for row, (t_ns, one, two) in zip(numbers.flat(times, columns), samples, strict=True):
        message = decode(row.tobytes())
        assert message.timestamp.seconds * 10**9 + message.timestamp.nanos == t_ns
        assert np.array([message.one, message.two]).tobytes() == np.array([one, two]).tobytes()


@given(st.text("abc_/é", max_size=12), st.booleans())
def test_an_imu_is_what_ros_2_reads(frame, turned):
    from mcap.records import Schema

    from rushes.export._mcap.schemas import IMU

    n = 3
    named = [name for group in numbers._GROUPS[0 if turned else 1 :] for name in group]
    columns = {name: np.arange(n) + 10.0 * at for at, name in enumerate(named)}
    stream = Stream(name="/imu", modality="imu", table="imu", frame_of_reference=frame)
    times = np.array([0, 1_500_000_001, 2**31 * 10**9 - 1], np.int64)
    lane = NumberLane(stream=stream, t_ns=times, columns=columns)
    name, encoding, text = IMU
    decode = Ros2().decoder_for("cdr", Schema(id=1, name=name, encoding=encoding, data=text))
    for i, row in enumerate(numbers.imu(lane, slice(0, n))):
        message = decode(row.tobytes())
        assert message.header.stamp.sec * 10**9 + message.header.stamp.nanosec == times[i]
        assert message.header.frame_id == frame
        assert message.angular_velocity.y == columns["gyro_y_rad_s"][i]
        assert message.linear_acceleration.z == columns["accel_z_m_s2"][i]
        assert message.orientation_covariance[0] == (0 if turned else -1)
        assert message.orientation.w == (columns["qw"][i] if turned else 1)


@given(st.lists(st.text(max_size=8), max_size=12))
def test_channels_get_names_that_protobuf_takes(names):
    made = field_names(names, taken=("timestamp",))
    assert len(set(made)) == len(names)
    assert all(word.isidentifier() and word.isascii() and word != "timestamp" for word in made)
