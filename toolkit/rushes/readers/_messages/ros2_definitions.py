"""Message definitions for ROS 2 bags that hold none: those of the distribution that most such bags are from.

Bags carry their definitions since ROS 2 Iron (2023). Imported late: the type stores of rosbags are large.
"""

from functools import cache

from rosbags.typesys import Stores, get_typestore
from rosbags.typesys.base import TypesysError
from rosbags.typesys.store import Typestore

DEFAULT = Stores.ROS2_HUMBLE


def definition(message_type: str, distro: str = "") -> str | None:
    """Give a message definition with all that it uses, as ros2msg; None for a type that is not standard.

    Args:
        message_type: Such as ``sensor_msgs/msg/Imu``.
        distro: Of the recording, where it says so: ``foxy``, ``humble`` …
    """
    store = _store(f"ros2_{distro}")
    if message_type not in store.fielddefs:
        return None
    try:
        text, _ = store.generate_msgdef(message_type, ros_version=2)
    except TypesysError:
        return None
    return text


@cache
def _store(name: str) -> Typestore:
    known = {store.value: store for store in Stores}
    return get_typestore(known.get(name, DEFAULT))
