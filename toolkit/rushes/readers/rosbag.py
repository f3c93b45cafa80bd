"""Reads ROS bags: ROS 1 ``.bag`` files, ROS 2 bag folders of SQLite or MCAP files, and a bare ``.db3`` file.

``t_log_ns`` is when the recorder got the message; header stamps are kept beside it. Nothing is written beside a
recording. Compression is undone at every level at which ROS has it: chunk, message, file.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rushes.contracts import OpenRecording, Reader
from rushes.model import Claim
from rushes.registry import late

STEPS = "rushes.readers._messages.bags"
BAG_MAGIC = b"#ROSBAG V2.0\n"
SQLITE_MAGIC = b"SQLite format 3\0"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
OLD_BAGS = (b"#ROSBAG V", b"#ROSRECORD V")


class RosbagReader:
    """Reads ROS 1 and ROS 2 bags."""

    name = "rosbag"
    version = "1"

    def probe(self, path: Path, head: bytes) -> Claim:
        """Tell a bag by its first bytes, its tables or its ``metadata.yaml``."""
        claim: Claim | None = None
        if path.is_dir():
            claim = late(STEPS).claim_folder(path)
        elif head.startswith(BAG_MAGIC):
            claim = Claim(confidence=1.0, reason="it begins with '#ROSBAG V2.0'")
        elif head.startswith(OLD_BAGS):
            version = head.split(b"\n")[0][:24].decode(errors="replace")
            claim = Claim(confidence=0.0, reason=f"'{version}' is an older format; rosbag fix brings it to 2.0")
        elif head.startswith(SQLITE_MAGIC):
            claim = late(STEPS).claim_database(path)
        elif head.startswith(ZSTD_MAGIC):
            claim = late(STEPS).claim_packed(path)
        elif path.suffix in (".bag", ".db3"):
            but = "its first bytes are those of no bag" if head else "it is empty"
            claim = Claim(confidence=0.3, reason=f"its name ends in {path.suffix}, though {but}")
        return claim or Claim(confidence=0.0, reason="neither its first bytes nor its name are those of a ROS bag")

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        """Open a bag.

        Args:
            path: A ``.bag`` file, a bag's folder, or one storage file.
            options: ``distro``: the ROS 2 distribution whose message definitions stand in where a bag has none.
        """
        steps = late(STEPS)
        recording: OpenRecording = steps.open_bag(path, str(options.get("distro", "")), reader=self.name)
        return recording


PLUGIN: Reader = RosbagReader()
