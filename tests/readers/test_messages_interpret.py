"""Which table a message goes to, and what its rows say."""

import base64
import json
import struct
import sys

import numpy as np
import pytest

from contracts.readers import rows_of
from readers import mcap_recordings as make
from readers.message_blocks import block_of
from rushes.media import MediaReader
from rushes.model import FrameFlag, Location
from rushes.readers._messages.block import Channel
from rushes.readers._messages.interpret import interpreter_for, with_unread
from rushes.readers.mcap import PLUGIN

S = 1_000_000_000
T0 = make.START_NS


def channel_of(made, **changed):
    fields = {
        "topic": made.topic,
        "message_type": made.message_type,
        "encoding": made.encoding,
        "schema": made.schema,
        "schema_encoding": made.schema_encoding,
    }
    return Channel(**(fields | changed))


def interpreted(channel, payloads, split=None):
    """Give stream, rows and ledger of messages, given in two blocks where ``split`` says so."""
    first = block_of(payloads[:16]) if payloads else None
    interpreter = interpreter_for(channel, first)
    parts = [payloads] if split is None else [payloads[:split], payloads[split:]]
    batches = [batch for part in parts for batch in interpreter.take(block_of(part))] + list(interpreter.finish())
    assert interpreter.ledger().balanced
    return interpreter.stream, rows_of(batches).get(channel.topic, {}), interpreter.ledger()


def test_imu_has_its_axes_and_the_header_clock():
    values = [[0.1, 0.2, 0.3, 0.9, i, 2, 3, 4, 5, 9.81] for i in range(5)]

    stream, rows, ledger = interpreted(
        channel_of(make.IMU), [make.imu(T0 + i, v) for i, v in enumerate(values)], 2
    )

    assert (stream.table, stream.clock, stream.frame_of_reference) == ("imu", "header", "imu")
    assert rows["t_ns"] == [T0 + i for i in range(5)]
    assert rows["index"] == list(range(5))
    names = ["qx", "qy", "qz", "qw", "gyro_x_rad_s", "gyro_y_rad_s", "gyro_z_rad_s"]
    names += ["accel_x_m_s2", "accel_y_m_s2", "accel_z_m_s2"]
    assert [[rows[name][i] for name in names] for i in range(5)] == values
    assert (ledger.came_in, ledger.out) == (5, 5)


def test_an_orientation_that_the_sensor_does_not_give_is_null():
    payloads = [make.imu(T0 + i, [1] * 10, known=-1 if i else 0) for i in range(3)]

    _, rows, _ = interpreted(channel_of(make.IMU), payloads)

    assert rows["qw"] == [1.0, None, None]
    assert rows["gyro_x_rad_s"] == [1.0] * 3


@pytest.mark.parametrize(
    ("stamps", "clock"),
    [
        ([T0, T0 + 1], "header"),
        ([T0, T0], "log"),
        ([0, 0], "log"),
        ([T0], "header"),
        ([0], "log"),
        ([0, T0], "log"),
    ],
)
def test_the_clock_is_the_header_where_it_is_there_and_moves(stamps, clock):
    stream, rows, _ = interpreted(channel_of(make.IMU), [make.imu(ns, [0] * 10) for ns in stamps])

    assert stream.clock == clock
    assert rows["t_header_ns"] == stamps
    assert rows["t_ns"] == (stamps if clock == "header" else rows["t_log_ns"])


def test_messages_that_do_not_fit_are_rejected_with_a_reason_and_leave_no_hole():
    payloads = [make.imu(T0 + i, [i] * 10) for i in range(4)]
    payloads[2] = payloads[2][:50]

    _, rows, ledger = interpreted(channel_of(make.IMU), payloads)

    assert rows["index"] == [0, 1, 2]
    assert rows["gyro_x_rad_s"] == [0, 1, 3]
    assert (ledger.came_in, ledger.out, ledger.rejected) == (4, 3, 1)
    assert ledger.reasons == {"ends before its type does": 1}


@pytest.mark.parametrize(
    ("topic", "form", "modality", "codec", "pixel_format", "unit"),
    [
        ("/cam/compressed", "jpeg", "color", "jpeg", None, None),
        ("/cam/compressed", "bgr8; jpeg compressed bgr8", "color", "jpeg", "bgr8", None),
        ("/left_infra/compressed", "mono8; jpeg compressed ", "infrared", "jpeg", "mono8", None),
        ("/cam/ir/compressed", "jpeg", "infrared", "jpeg", None, None),
        ("/depth/compressed", "16UC1; png", "depth", "png", "16UC1", 0.001),
        ("/depth/compressed", "png", "depth", "png", "16UC1", 0.001),
        ("/depth/compressedDepth", "16UC1; compressedDepth png", "depth", "png", "16UC1", 0.001),
        ("/depth/compressedDepth", "32FC1; compressedDepth png", "depth", "compressed-depth", "32FC1", 1.0),
        ("/firmware/compressed", "png", "color", "png", "mono16", None),
    ],
)
def test_pictures_are_told_by_format_and_topic(topic, form, modality, codec, pixel_format, unit):
    data = make.jpeg(1) if "jpeg" in form else make.depth_png(1)
    if "compressedDepth" in form:
        data = struct.pack("<iff", 0, 0.0, 0.0) + data
    payloads = [make.compressed(T0 + i, form, data) for i in range(2)]

    stream, rows, _ = interpreted(channel_of(make.CAM, topic=topic), payloads)

    assert (stream.modality, stream.codec, stream.pixel_format, stream.depth_unit_m) == (
        modality,
        codec,
        pixel_format,
        unit,
    )
    buffer = block_of(payloads).buffer
    held = [buffer[a : a + n].tobytes() for a, n in zip(rows["offset"], rows["length"], strict=True)]
    assert held == [data[12:] if codec == "png" and "compressedDepth" in form else data] * 2
    assert rows["flags"] == [0, 0]
    if codec != "compressed-depth":
        assert (stream.width, stream.height) == ((32, 24) if codec == "jpeg" else (20, 10))
        assert rows["width"] == [stream.width] * 2


def test_a_picture_that_does_not_start_like_one_is_flagged_and_kept():
    payloads = [
        make.compressed(T0, "jpeg", make.jpeg(0)),
        make.compressed(T0 + 1, "jpeg", b"garbage of some length"),
    ]

    _, rows, ledger = interpreted(channel_of(make.CAM), payloads)

    assert rows["flags"] == [0, FrameFlag.CORRUPT]
    assert ledger.out == 2


def test_a_picture_of_another_format_is_rejected_by_name():
    payloads = [make.compressed(T0, "jpeg", make.jpeg(0)), make.compressed(T0 + 1, "png", make.depth_png(1))]

    _, _, ledger = interpreted(channel_of(make.CAM), payloads)

    assert ledger.reasons == {"format 'png' in a stream of 'jpeg'": 1}


@pytest.mark.parametrize(
    ("topic", "encoding", "pixels", "modality", "unit"),
    [
        ("/cam/image_raw", "rgb8", np.zeros((4, 6, 3), np.uint8), "color", None),
        ("/Depth_0/image/data", "mono16", np.zeros((4, 6), np.uint16), "depth", 0.001),
        ("/cam/image_raw", "mono16", np.zeros((4, 6), np.uint16), "color", None),
        ("/depth/image", "32FC1", np.zeros((4, 6), np.float32), "depth", 1.0),
        ("/depth/image", "16UC1", np.zeros((4, 6), np.uint16), "depth", 0.001),
        ("/infra1/image", "mono8", np.zeros((4, 6), np.uint8), "infrared", None),
    ],
)
def test_raw_pictures_have_size_stride_and_place(topic, encoding, pixels, modality, unit):
    channel = channel_of(make.ros2_topic(topic, "sensor_msgs/msg/Image"))

    stream, rows, _ = interpreted(channel, [make.raw(T0 + i, encoding, pixels) for i in range(3)])

    assert (stream.modality, stream.codec, stream.pixel_format) == (modality, "raw", encoding)
    assert stream.depth_unit_m == unit
    assert rows["width"] == [6] * 3
    assert rows["height"] == [4] * 3
    assert rows["stride"] == [pixels.strides[0]] * 3
    assert rows["length"] == [pixels.nbytes] * 3


def camera_info(stamp, fx, frame="optical", store=make.ROS2):
    types = store.types
    keys = "DKRP" if store is make.ROS1 else "dkrp"
    values = [np.arange(5.0), np.array([fx, 0, 16, 0, fx, 12, 0, 0, 1.0]), np.eye(3).ravel(), np.eye(3, 4).ravel()]
    roi = types["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    message = types["sensor_msgs/msg/CameraInfo"](
        header=make.header(store, stamp, frame),
        height=24,
        width=32,
        distortion_model="plumb_bob",
        binning_x=0,
        binning_y=0,
        roi=roi,
        **dict(zip(keys, values, strict=True)),
    )
    return make.serialised(store, message)


@pytest.mark.parametrize("store", [make.ROS1, make.ROS2], ids=["ros1", "ros2"])
def test_calibrations_are_merged_while_they_do_not_change(store):
    topic = (make.ros1_topic if store is make.ROS1 else make.ros2_topic)("/info", "sensor_msgs/msg/CameraInfo")
    payloads = [camera_info(T0 + i, fx, store=store) for i, fx in enumerate([400, 400, 410, 410, 410, 400])]

    stream, rows, ledger = interpreted(channel_of(topic), payloads, 3)

    assert stream.modality == "calibration"
    assert rows["fx"] == [400, 410, 400]
    assert rows["messages"] == [2, 3, 1]
    assert rows["valid_from_ns"] == [T0, T0 + 2, T0 + 5]
    assert rows["valid_to_ns"] == [T0 + 1, T0 + 4, T0 + 5]
    assert rows["distortion"] == [[0, 1, 2, 3, 4]] * 3
    assert (ledger.out, ledger.merged) == (3, 3)


def test_poses_and_odometry_become_poses():
    types = make.ROS2.types
    pose = types["geometry_msgs/msg/Pose"](
        position=types["geometry_msgs/msg/Point"](x=1.0, y=2.0, z=3.0),
        orientation=types["geometry_msgs/msg/Quaternion"](x=0.1, y=0.2, z=0.3, w=0.4),
    )
    vector = types["geometry_msgs/msg/Vector3"](x=9.0, y=9.0, z=9.0)
    stamped = types["geometry_msgs/msg/PoseStamped"](header=make.header(make.ROS2, T0, "map"), pose=pose)
    odometry = types["nav_msgs/msg/Odometry"](
        header=make.header(make.ROS2, T0, "odom"),
        child_frame_id="base",
        pose=types["geometry_msgs/msg/PoseWithCovariance"](pose=pose, covariance=np.zeros(36)),
        twist=types["geometry_msgs/msg/TwistWithCovariance"](
            twist=types["geometry_msgs/msg/Twist"](linear=vector, angular=vector), covariance=np.zeros(36)
        ),
    )
    for message, parent, child in ((stamped, "map", None), (odometry, "odom", "base")):
        topic = make.ros2_topic("/pose", message.__msgtype__)
        for schema in (topic.schema, b""):
            stream, rows, _ = interpreted(channel_of(topic, schema=schema), [make.serialised(make.ROS2, message)])
            assert (stream.modality, stream.frame_of_reference) == ("pose", parent)
            assert (rows["parent"], rows["child"]) == ([parent], [child])
            assert [rows[k][0] for k in ("tx_m", "ty_m", "tz_m", "qw", "qx", "qy", "qz")] == [
                1,
                2,
                3,
                0.4,
                0.1,
                0.2,
                0.3,
            ]


def test_a_message_of_transforms_is_a_row_an_edge():
    types = make.ROS2.types

    def edge(i, child):
        return types["geometry_msgs/msg/TransformStamped"](
            header=make.header(make.ROS2, T0 + i, "base"),
            child_frame_id=child,
            transform=types["geometry_msgs/msg/Transform"](
                translation=types["geometry_msgs/msg/Vector3"](x=float(i), y=0.0, z=0.0),
                rotation=types["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
            ),
        )

    held = [[edge(0, "a"), edge(1, "b")], [], [edge(2, "a")]]
    payloads = [make.serialised(make.ROS2, types["tf2_msgs/msg/TFMessage"](transforms=edges)) for edges in held]
    for name, static in (("/tf", False), ("/tf_static", True)):
        _, rows, ledger = interpreted(channel_of(make.ros2_topic(name, "tf2_msgs/msg/TFMessage")), payloads)
        assert rows["child"] == ["a", "b", "a"]
        assert rows["tx_m"] == [0, 1, 2]
        assert rows["t_header_ns"] == [T0, T0 + 1, T0 + 2]
        assert rows["static"] == [static] * 3
        assert (ledger.came_in, ledger.out, ledger.rows) == (3, 3, 3)


def test_sound_is_located():
    schema = b"std_msgs/Header header\nAudioData audio\n===\nMSG: audio_common_msgs/AudioData\nuint8[] data\n"
    front = b"\0\1\0\0" + struct.pack("<iI", 5, 6) + struct.pack("<I", 4) + b"mic\0"
    payload = front + struct.pack("<I", 6) + b"RIFFxy"
    channel = Channel(
        topic="/mic",
        message_type="audio_common_msgs/msg/AudioDataStamped",
        encoding="cdr",
        schema=schema,
        schema_encoding="ros2msg",
    )

    stream, rows, _ = interpreted(channel, [payload])

    assert (stream.table, stream.codec) == ("audio", "wav")
    assert (rows["t_header_ns"], rows["length"]) == ([5 * S + 6], [6])


def json_channel(topic, kind):
    return Channel(topic=topic, message_type=kind, encoding="json", schema=b"{}", schema_encoding="jsonschema")


def protobuf_channel(topic, kind):
    from mcap_protobuf.schema import build_file_descriptor_set

    return Channel(
        topic=topic,
        message_type=kind.DESCRIPTOR.full_name,
        encoding="protobuf",
        schema=build_file_descriptor_set(kind).SerializeToString(),
        schema_encoding="protobuf",
    )


def test_foxglove_pictures_are_located_in_json_and_protobuf(tmp_path):
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

    picture = make.jpeg(3)
    texts = [
        json.dumps(
            {
                "timestamp": {"sec": 7 + i, "nsec": 5},
                "frame_id": 'the "data":"none" cam',
                "data": base64.b64encode(picture).decode(),
                "format": "jpeg",
            }
        ).encode()
        for i in range(2)
    ]
    binaries = []
    for i in range(2):
        message = CompressedImage(frame_id="cam", data=picture, format="jpeg")
        message.timestamp.seconds, message.timestamp.nanos = 7 + i, 5
        binaries.append(message.SerializeToString())
    cases = [
        (json_channel("/cam", "foxglove.CompressedImage"), texts, "base64"),
        (protobuf_channel("/cam", CompressedImage), binaries, None),
    ]
    for channel, payloads, packing in cases:
        stream, rows, _ = interpreted(channel, payloads)
        assert (stream.codec, stream.packing, stream.width, stream.height) == ("jpeg", packing, 32, 24)
        assert rows["t_ns"] == [7 * S + 5, 8 * S + 5]
        path = tmp_path / "buffer"
        path.write_bytes(block_of(payloads).buffer.tobytes())
        with MediaReader() as reader:
            for a, n in zip(rows["offset"], rows["length"], strict=True):
                assert reader.read(Location(path=path, offset=a, length=n, packing=packing)) == picture


def test_foxglove_raw_pictures_video_and_sound_are_located():
    from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
    from foxglove_schemas_protobuf.RawAudio_pb2 import RawAudio
    from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

    image = RawImage(width=6, height=4, encoding="16UC1", step=12, data=bytes(48)).SerializeToString()
    stream, rows, _ = interpreted(protobuf_channel("/depth", RawImage), [image])
    assert (stream.modality, stream.codec, stream.depth_unit_m) == ("depth", "raw", 0.001)
    assert (rows["width"], rows["height"], rows["stride"], rows["length"]) == ([6], [4], [12], [48])

    video = CompressedVideo(format="h264", data=b"\0\0\0\1abc").SerializeToString()
    stream, rows, _ = interpreted(protobuf_channel("/video", CompressedVideo), [video])
    assert (stream.codec, rows["length"]) == ("h264", [7])

    sound = RawAudio(format="pcm-s16", sample_rate=48000, number_of_channels=2, data=bytes(40)).SerializeToString()
    stream, rows, _ = interpreted(protobuf_channel("/mic", RawAudio), [sound] * 3)
    assert (stream.codec, stream.sample_rate_hz, stream.channels) == ("pcm_s16le", 48000.0, 2)
    assert (rows["samples"], rows["first_sample"]) == ([10] * 3, [0, 10, 20])


def test_foxglove_transforms_poses_and_calibrations_in_json_and_protobuf():
    from foxglove_schemas_protobuf.CameraCalibration_pb2 import CameraCalibration
    from foxglove_schemas_protobuf.FrameTransforms_pb2 import FrameTransforms
    from foxglove_schemas_protobuf.PoseInFrame_pb2 import PoseInFrame
    from google.protobuf.json_format import MessageToDict

    tree = FrameTransforms()
    for i in range(2):
        edge = tree.transforms.add(parent_frame_id="base", child_frame_id=f"c{i}")
        edge.timestamp.seconds = 10 + i
        edge.translation.x, edge.rotation.w = 1.5 * i, 1
    pose = PoseInFrame(frame_id="map")
    pose.timestamp.seconds = 10
    pose.pose.position.y, pose.pose.orientation.w = -2, 1
    camera = CameraCalibration(width=32, height=24, K=[400, 0, 16, 0, 400, 12, 0, 0, 1], D=[0.5], frame_id="cam")
    camera.timestamp.seconds = 10
    for message, check in ((tree, tree_holds), (pose, pose_holds), (camera, camera_holds)):
        values = json.loads(json.dumps(MessageToDict(message, preserving_proto_field_name=True)))
        restamp(values)
        kind = type(message)
        for channel, payload in (
            (protobuf_channel("/x", kind), message.SerializeToString()),
            (json_channel("/x", kind.DESCRIPTOR.full_name), json.dumps(values).encode()),
        ):
            check(*interpreted(channel, [payload]))


def restamp(values):
    """Turn the RFC 3339 stamps of the protobuf JSON mapping into those of the Foxglove JSON schemas."""
    for held in [values, *values.get("transforms", [])]:
        if "timestamp" in held:
            held["timestamp"] = {"sec": int(held["timestamp"][17:19]), "nsec": 0}


def tree_holds(stream, rows, ledger):
    assert stream.modality == "transform"
    assert (rows["parent"], rows["child"]) == (["base"] * 2, ["c0", "c1"])
    assert (rows["tx_m"], rows["t_header_ns"]) == ([0, 1.5], [10 * S, 11 * S])
    assert (ledger.came_in, ledger.rows) == (1, 2)


def pose_holds(stream, rows, ledger):
    assert (stream.modality, rows["parent"], rows["ty_m"], rows["qw"]) == ("pose", ["map"], [-2], [1])


def camera_holds(stream, rows, ledger):
    assert (stream.width, rows["fx"], rows["cy"], rows["distortion"]) == (32, [400], [12], [[0.5]])
    assert rows["valid_from_ns"] == [10 * S]


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b'{"data": 5}', b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"]
)
def test_broken_foxglove_messages_are_rejected(payload):
    from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage

    for channel in (json_channel("/cam", "foxglove.CompressedImage"), protobuf_channel("/cam", CompressedImage)):
        _, _, ledger = interpreted(channel, [payload])
        assert ledger.came_in == 1
        if channel.encoding == "json":
            assert ledger.rejected == 1


def test_other_messages_are_decoded_to_json_with_stamp_and_place():
    topic = make.ros2_topic("/temperature", "sensor_msgs/msg/Temperature")
    kind = make.ROS2.types["sensor_msgs/msg/Temperature"]
    payloads = [
        make.serialised(make.ROS2, kind(header=make.header(make.ROS2, T0 + i, "t"), temperature=t, variance=0.0))
        for i, t in enumerate([20.5, float("nan")])
    ]

    stream, rows, _ = interpreted(channel_of(topic), payloads)

    assert (stream.table, stream.clock) == ("messages", "header")
    assert rows["t_header_ns"] == [T0, T0 + 1]
    assert [json.loads(v)["temperature"] for v in rows["value"]] == [20.5, "NaN"]
    assert rows["length"] == [len(p) for p in payloads]


def test_what_cannot_be_decoded_keeps_its_row_and_is_a_loss():
    interpreter = interpreter_for(channel_of(make.WORDS), None)
    (batch,) = interpreter.take(block_of([b"\0\1\0\0\xff\xff\xff\xff", b"\0\1\0\0\2\0\0\0x\0"]))

    assert batch.columns["value"] == [None, '{"data":"x"}']
    (loss,) = interpreter.losses()
    assert (loss.code, loss.stream, loss.count) == ("read.undecodable", "/words", 1)
    assert interpreter.ledger().out == 2


def test_messages_without_a_definition_are_located_and_are_no_loss():
    channel = Channel(
        topic="/own", message_type="own_msgs/msg/Own", encoding="cdr", schema=b"", schema_encoding=""
    )
    interpreter = interpreter_for(channel, block_of([b"\0\1\0\0" + bytes(40)]))
    (batch,) = interpreter.take(block_of([b"\0\1\0\0" + bytes(40)] * 3))

    assert batch.columns["value"] == [None] * 3
    assert not interpreter.losses()
    assert (interpreter.ledger().out, interpreter.ledger().rejected) == (3, 0)
    values = interpreter.decoding()
    assert values.balanced
    assert (values.step, values.came_in, values.unread) == ("decode", 3, 3)
    assert next(iter(values.reasons)) == "the recording holds no definition of 'own_msgs/msg/Own'"


def test_a_recorded_definition_that_does_not_fit_gives_way_to_that_of_ros2():
    payload = make.serialised(make.ROS2, make.ROS2.types["std_msgs/msg/String"](data="heard"))
    channel = channel_of(make.WORDS, schema=b"uint8 level")

    stream, rows, _ = interpreted(channel, [payload] * 2)

    assert [json.loads(value) for value in rows["value"]] == [{"data": "heard"}] * 2
    assert stream.notes == "the recorded definition does not fit; read by that of ROS 2"


RAW_AUDIO = """builtin_interfaces/Time timestamp
uint8[] data
string format
uint32 sample_rate
uint32 number_of_channels"""


def raw_audio(stamp_ns, data, form=b"pcm-s16", rate=48_000, channels=2):
    def padded(raw):
        return raw + bytes(-len(raw) % 4)

    body = struct.pack("<iII", stamp_ns // S, stamp_ns % S, len(data)) + padded(data)
    body += padded(struct.pack("<I", len(form) + 1) + form + b"\0") + struct.pack("<II", rate, channels)
    return b"\0\1\0\0" + body


def test_raw_audio_of_ros2_is_sound_with_its_rate_and_counts():
    channel = Channel(
        topic="/audio",
        message_type="foxglove_msgs/msg/RawAudio",
        encoding="cdr",
        schema=RAW_AUDIO.encode(),
        schema_encoding="ros2msg",
    )

    stream, rows, ledger = interpreted(
        channel, [raw_audio(T0, bytes(40)), raw_audio(T0 + S, bytes(20)), raw_audio(T0, b"", rate=8_000)], 2
    )

    assert (stream.table, stream.codec, stream.sample_rate_hz, stream.channels) == (
        "audio",
        "pcm_s16le",
        48_000.0,
        2,
    )
    assert stream.clock == "header"
    assert rows["t_header_ns"] == [T0, T0 + S]
    assert (rows["samples"], rows["first_sample"], rows["length"]) == ([10, 5], [0, 10], [40, 20])
    assert (ledger.out, ledger.rejected) == (2, 1)


def test_a_camera_calibration_of_foxglove_in_ros2_is_a_calibration():
    schema = """builtin_interfaces/Time timestamp
string frame_id
uint32 width
uint32 height
string distortion_model
float64[] D
float64[9] K
float64[9] R
float64[12] P"""
    channel = Channel(
        topic="/calibration",
        message_type="foxglove_msgs/msg/CameraCalibration",
        encoding="cdr",
        schema=schema.encode(),
        schema_encoding="ros2msg",
    )
    body = struct.pack("<iII4sII", T0 // S, T0 % S, 4, b"cam\0", 640, 480)
    body += struct.pack("<I12sI", 12, b"plumb_bob", 0)
    body += bytes(-len(body) % 8) + struct.pack("<30d", *range(30))

    stream, rows, _ = interpreted(channel, [b"\0\1\0\0" + body])

    assert (stream.table, stream.clock, stream.frame_of_reference, stream.width) == (
        "calibrations",
        "header",
        "cam",
        640,
    )
    assert rows["valid_from_ns"] == [T0]
    assert (rows["fx"], rows["cy"]) == ([0.0], [5.0])


def test_large_messages_are_located_and_not_decoded():
    text = make.ROS2.types["std_msgs/msg/String"](data="x" * 20_000)
    stream, rows, _ = interpreted(channel_of(make.WORDS), [make.serialised(make.ROS2, text)])

    assert (stream.table, rows["value"]) == ("messages", [None])
    assert rows["length"][0] > 20_000


def test_protobuf_of_any_type_is_decoded():
    from foxglove_schemas_protobuf.Log_pb2 import Log

    _, rows, _ = interpreted(protobuf_channel("/log", Log), [Log(message="hi", line=3).SerializeToString()])

    assert json.loads(rows["value"][0]) == {"message": "hi", "line": 3}


def test_unread_messages_keep_the_ledger_balanced():
    interpreter = interpreter_for(channel_of(make.IMU), None)
    list(interpreter.take(block_of([make.imu(T0, [0] * 10)])))

    entry = with_unread(interpreter.ledger(), {"read.damaged": 4})

    assert entry.balanced
    assert (entry.came_in, entry.out, entry.unread) == (5, 1, 4)


def test_pictures_and_imu_are_read_without_the_heavy_decoders(tmp_path):
    import subprocess

    topics, messages = make.rig()
    path = make.write(tmp_path / "a.mcap", topics, [m for m in messages if m[0] < 3])
    code = (
        "import sys; from pathlib import Path; from rushes import registry\n"
        f"with registry.load('readers', 'mcap').open(Path({str(path)!r}), {{}}) as opened:\n"
        "    rows = sum(batch.rows for batch in opened.batches())\n"
        "heavy = ('rosbags', 'google.protobuf', 'pandas', 'mcap', 'cv2', 'pyarrow')\n"
        "print(rows, [name for name in heavy if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "60 []"
    assert PLUGIN.name == "mcap"
