"""Message definitions for ROS 2 bags that hold none: those of the distribution that most such bags are from.

Bags carry their definitions since ROS 2 Iron (2023). Imported late: the type stores of rosbags are large.
"""

from collections.abc import Iterator
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
    return _written(_store(f"ros2_{distro}"), message_type)


def definitions(message_type: str) -> Iterator[str]:
    """Give the definitions of a type in all distributions, each once; the usual first, then newest to oldest."""
    stores = [DEFAULT, *reversed([store for store in Stores if store.value.startswith("ros2_")])]
    seen: set[str] = set()
    for store in stores:
        text = _written(get_typestore(store), message_type)
        if text is not None and text not in seen:
            seen.add(text)
            yield text


def _written(store: Typestore, message_type: str) -> str | None:
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
