"""What the ``metadata.yaml`` of a ROS 2 bag says, and which files a bag has without one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

METADATA = "metadata.yaml"
ROOT_KEY = "rosbag2_bagfile_information"
STORAGE = re.compile(r"^(?P<stem>.+?)(?P<number>_\d+)?\.(?P<kind>db3|mcap)(?P<packed>\.zst|\.zstd)?$")
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NoMetadataError(ValueError):
    """The text is not the metadata of a ROS 2 bag; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredTopic:
    """A topic as the metadata lists it."""

    name: str
    message_type: str
    encoding: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What the metadata declares.

    Args:
        files: Paths below the bag's folder, in the order of recording.
        file_counts: Messages of each file, where it says so.
        message_count: Of all topics together.
        start_ns: Of the first message; ``duration_ns`` is from there to the last. None without messages.
        packed_files: Whether each file is compressed as a whole; ``packed_messages``: whether each message is.
        stated: All of it but the topics, for the ``recordings`` row.
    """

    files: Sequence[str]
    file_counts: Mapping[str, int] = field(default_factory=dict)
    topics: Sequence[DeclaredTopic]
    message_count: int | None
    start_ns: int | None
    duration_ns: int | None
    packed_files: bool
    packed_messages: bool
    stated: Mapping[str, Any]


def parse(text: str) -> Declared:
    """Read the metadata, with or without its outermost key (in a database it has none).

    Raises:
        NoMetadataError: If it is something else.
    """
    try:
        loaded = yaml.load(text, Loader=LOADER)  # noqa: S506 - both are safe loaders
        whole = loaded.get(ROOT_KEY, loaded)
        topics = [_topic(entry) for entry in whole.get("topics_with_message_count") or []]
        files = [str(path) for path in whole.get("relative_file_paths") or []]
        counts = {str(one["path"]): int(one["message_count"]) for one in whole.get("files") or []}
        total = whole.get("message_count")
        start, duration = (_nanoseconds(whole.get(key)) for key in ("starting_time", "duration"))
        mode, form = (str(whole.get(key) or "") for key in ("compression_mode", "compression_format"))
    except (yaml.YAMLError, AttributeError, TypeError, KeyError, ValueError, RecursionError) as error:
        raise NoMetadataError(" ".join(str(error).split())) from error
    if not topics and not files and "version" not in whole:
        raise NoMetadataError(f"it has no '{ROOT_KEY}'")
    return Declared(
        files=files,
        file_counts=counts,
        topics=topics,
        message_count=int(total) if total is not None else None,
        start_ns=start if total else None,
        duration_ns=duration if total else None,
        packed_files=mode.upper() == "FILE" and bool(form),
        packed_messages=mode.upper() == "MESSAGE" and bool(form),
        stated={key: value for key, value in whole.items() if key in STATED},
    )


STATED = (
    "version", "storage_identifier", "ros_distro", "compression_format", "compression_mode", "message_count",
    "relative_file_paths", "starting_time", "duration", "custom_data",
)  # fmt: skip


def _topic(entry: Mapping[str, Any]) -> DeclaredTopic:
    about = entry["topic_metadata"]
    return DeclaredTopic(
        name=str(about["name"]),
        message_type=str(about["type"]),
        encoding=str(about["serialization_format"]),
        count=int(entry["message_count"]),
    )


def _nanoseconds(value: Mapping[str, int] | None) -> int | None:
    if not value:
        return None
    return int(value["nanoseconds_since_epoch"] if "nanoseconds_since_epoch" in value else value["nanoseconds"])


def storage_files(folder: Path) -> list[Path]:
    """List what looks like storage files of a bag, by name and number: ``walk_2.db3`` before ``walk_10.db3``."""
    found = [(match, path) for path in folder.iterdir() if (match := STORAGE.match(path.name)) and path.is_file()]
    return [path for _, path in sorted(found, key=lambda item: _order(item[0]))]


def _order(match: re.Match[str]) -> tuple[str, int, str]:
    number = match["number"]
    return match["stem"], int(number[1:]) if number else -1, match.string


def place_of(folder: Path, relative: str) -> Path | None:
    """Find a file that the metadata lists; None if it is not there.

    Old bags list it with the bag's folder in front, and a file that was compressed later has one more suffix.
    """
    for name in (relative, Path(relative).name):
        for suffix in ("", ".zstd", ".zst"):
            path = folder / f"{name}{suffix}"
            if path.is_file():
                return path
    return None
