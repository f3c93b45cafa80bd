"""Layout of a channel's type: as recorded, or as ROS defines it where the recording leaves the definition out."""

from rushes.readers._messages.block import Channel
from rushes.readers._messages.definition import Record, parse, short
from rushes.readers._messages.layout import Wire

_PARTS = """
===
MSG: geometry_msgs/Vector3
float64 x
float64 y
float64 z
===
MSG: geometry_msgs/Point
float64 x
float64 y
float64 z
===
MSG: geometry_msgs/Quaternion
float64 x
float64 y
float64 z
float64 w
===
MSG: geometry_msgs/Pose
geometry_msgs/Point position
geometry_msgs/Quaternion orientation
===
MSG: geometry_msgs/PoseWithCovariance
geometry_msgs/Pose pose
float64[36] covariance
===
MSG: geometry_msgs/TwistWithCovariance
geometry_msgs/Vector3 linear
geometry_msgs/Vector3 angular
float64[36] covariance
===
MSG: geometry_msgs/Transform
geometry_msgs/Vector3 translation
geometry_msgs/Quaternion rotation
===
MSG: geometry_msgs/TransformStamped
std_msgs/Header header
string child_frame_id
geometry_msgs/Transform transform
===
MSG: sensor_msgs/RegionOfInterest
uint32 x_offset
uint32 y_offset
uint32 height
uint32 width
bool do_rectify
===
MSG: audio_common_msgs/AudioData
uint8[] data
"""
_TYPES = {
    "sensor_msgs/Imu": """std_msgs/Header header
geometry_msgs/Quaternion orientation
float64[9] orientation_covariance
geometry_msgs/Vector3 angular_velocity
float64[9] angular_velocity_covariance
geometry_msgs/Vector3 linear_acceleration
float64[9] linear_acceleration_covariance""",
    "sensor_msgs/CompressedImage": "std_msgs/Header header\nstring format\nuint8[] data",
    "sensor_msgs/Image": """std_msgs/Header header
uint32 height
uint32 width
string encoding
uint8 is_bigendian
uint32 step
uint8[] data""",
    "sensor_msgs/CameraInfo": """std_msgs/Header header
uint32 height
uint32 width
string distortion_model
float64[] d
float64[9] k
float64[9] r
float64[12] p
uint32 binning_x
uint32 binning_y
sensor_msgs/RegionOfInterest roi""",
    "tf2_msgs/TFMessage": "geometry_msgs/TransformStamped[] transforms",
    "geometry_msgs/PoseStamped": "std_msgs/Header header\ngeometry_msgs/Pose pose",
    "nav_msgs/Odometry": """std_msgs/Header header
string child_frame_id
geometry_msgs/PoseWithCovariance pose
geometry_msgs/TwistWithCovariance twist""",
    "audio_common_msgs/AudioData": "uint8[] data",
    "audio_common_msgs/AudioDataStamped": "std_msgs/Header header\naudio_common_msgs/AudioData audio",
}


def layout_of(channel: Channel) -> Record | None:
    """Give the layout of a cdr or ros1 channel's messages, None where neither the recording nor ROS tells it."""
    recorded = parse(channel.message_type, channel.schema, channel.schema_encoding)
    if recorded is not None or channel.schema.strip():
        return recorded
    known = _TYPES.get(short(channel.message_type))
    if known is None:
        return None
    spelling = "ros1msg" if channel.encoding == "ros1" else "ros2msg"
    return parse(channel.message_type, (known + _PARTS).encode(), spelling)


def wire_of(channel: Channel) -> Wire | None:
    """Give how the channel's messages are packed, None for encodings that are no ROS."""
    if channel.encoding == "cdr":
        return "cdr"
    return "ros1" if channel.encoding == "ros1" else None
