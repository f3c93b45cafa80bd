"""Message definitions as recorded (ros1msg, ros2msg, simple ros2idl) → a tree of kinds.

Field names are lower-cased, so that ``K`` of ROS 1 and ``k`` of ROS 2 are one path. Times of ROS 1 are records of
``sec`` and ``nanosec`` like those of ROS 2.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Number:
    """A number or bool; ``dtype`` as numpy spells it, without byte order."""

    dtype: str
    size: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string: its length, then its bytes."""


@dataclass(frozen=True, slots=True)
class Many:
    """An array: of ``count`` items, or of a length that the message states where it is None."""

    item: "Kind"
    count: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """Named fields one after the other."""

    fields: "tuple[tuple[str, Kind], ...]"


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that no layout can be told of, such as a wide string; ``reason`` names it."""

    reason: str


Kind: TypeAlias = Number | Text | Many | Record | Unknown

_SHARED = {
    "bool": ("u1", 1), "int8": ("i1", 1), "uint8": ("u1", 1), "int16": ("i2", 2), "uint16": ("u2", 2),
    "int32": ("i4", 4), "uint32": ("u4", 4), "int64": ("i8", 8), "uint64": ("u8", 8), "float32": ("f4", 4),
    "float64": ("f8", 8), "char": ("u1", 1),
}  # fmt: skip
_NUMBERS = {name: Number(*what) for name, what in _SHARED.items()}
_ROS1 = _NUMBERS | {"byte": Number("i1", 1)}
_ROS2 = _NUMBERS | {"byte": Number("u1", 1)}
_IDL = _NUMBERS | {
    "octet": Number("u1", 1), "boolean": Number("u1", 1), "float": Number("f4", 4), "double": Number("f8", 8),
    "short": Number("i2", 2), "unsigned short": Number("u2", 2), "long": Number("i4", 4),
    "unsigned long": Number("u4", 4), "long long": Number("i8", 8), "unsigned long long": Number("u8", 8),
}  # fmt: skip

_TIME = Record((("sec", Number("i4", 4)), ("nanosec", Number("u4", 4))))
_ROS1_TIME = Record((("sec", Number("u4", 4)), ("nanosec", Number("u4", 4))))
_ROS1_DURATION = Record((("sec", Number("i4", 4)), ("nanosec", Number("i4", 4))))
_HEADER = Record((("stamp", _TIME), ("frame_id", Text())))
_ROS1_HEADER = Record((("seq", Number("u4", 4)), ("stamp", _ROS1_TIME), ("frame_id", Text())))
_STANDARD = {  # some recorders leave these out of their definitions
    "builtin_interfaces/Time": _TIME,
    "builtin_interfaces/Duration": _TIME,
    "std_msgs/Header": _HEADER,
}
_ROS1_STANDARD = {"time": _ROS1_TIME, "duration": _ROS1_DURATION, "std_msgs/Header": _ROS1_HEADER}

_SPLIT = re.compile(r"^={3,}[ \t]*$", re.MULTILINE)
_CONSTANT = re.compile(r"^\s*[\w/]+(?:<=\d+)?\s+\w+\s*=")
_FIELD = re.compile(r"^\s*([\w/]+)(?:<=\d+)?(?:\[(<=)?(\d*)\])?\s+(\w+)")
_IDL_NOISE = re.compile(r"//[^\n]*|/\*.*?\*/|^\s*#[^\n]*", re.DOTALL | re.MULTILINE)
_IDL_STRUCT = re.compile(r"struct\s+(\w+)\s*\{(.*?)\}\s*;", re.DOTALL)
_IDL_ANNOTATION = re.compile(r"@\w+\s*(?:\((?:[^()\"]|\"(?:\\.|[^\"\\])*\")*\))?")
_IDL_MEMBER = re.compile(r"^\s*(.+?)\s+(\w+)\s*(?:\[\s*(\d+)\s*\])?\s*$", re.DOTALL)
_IDL_SEQUENCE = re.compile(r"^sequence\s*<\s*(.+?)\s*(?:,\s*\d+\s*)?>$", re.DOTALL)

Fields: TypeAlias = list[tuple[str, str, int | None, bool]]  # name, type, count, is an array


@lru_cache(maxsize=1024)
def parse(message_type: str, schema: bytes, schema_encoding: str) -> Record | None:
    """Give the layout of a type; None where the definition is absent or not of a known encoding."""
    text = schema.decode("utf-8", "replace")
    if not text.strip() and message_type not in {"std_msgs/msg/Empty", "std_srvs/srv/Empty"}:
        return None
    if schema_encoding == "ros1msg":
        return _Linker(_from_text(message_type, text), _ROS1, _ROS1_STANDARD).record(short(message_type))
    if schema_encoding == "ros2msg":
        return _Linker(_from_text(message_type, text), _ROS2, _STANDARD).record(short(message_type))
    if schema_encoding == "ros2idl":
        return _Linker(_from_idl(text), _IDL, _STANDARD).record(short(message_type))
    return None


def short(message_type: str) -> str:
    """Spell a type without its middle part: sensor_msgs/msg/Imu → sensor_msgs/Imu."""
    parts = message_type.split("/")
    return f"{parts[0]}/{parts[-1]}" if len(parts) > 1 else message_type


def _from_text(message_type: str, text: str) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    name = short(message_type)
    for part in _SPLIT.split(text):
        body = part.strip("\n")
        first, _, rest = body.lstrip().partition("\n")
        if first.startswith("MSG:"):
            name, body = short(first[4:].strip()), rest
        fields: Fields = []
        for line in body.splitlines():
            match = None if _CONSTANT.match(line) else _FIELD.match(line)
            if match:
                kind, bounded, count, field = match.groups()
                array = count is not None
                fields.append((field, kind, int(count) if count and not bounded else None, array))
        found.setdefault(name, fields)
    return found


def _from_idl(text: str) -> dict[str, Fields]:
    found: dict[str, Fields] = {}
    for part in _SPLIT.split(text):
        module = re.search(r"module\s+(\w+)", part)
        body = _IDL_ANNOTATION.sub("", _IDL_NOISE.sub("", part))
        for struct in _IDL_STRUCT.finditer(body):
            fields: Fields = []
            for member in struct.group(2).split(";"):
                match = _IDL_MEMBER.match(member)
                if match:
                    kind, field, count = match.groups()
                    fields.append(_idl_field(" ".join(kind.split()), field, count))
            found[f"{module.group(1)}/{struct.group(1)}" if module else struct.group(1)] = fields
    return found


def _idl_field(kind: str, field: str, count: str | None) -> tuple[str, str, int | None, bool]:
    sequence = _IDL_SEQUENCE.match(kind)
    plain = re.sub(r"<\s*\d+\s*>", "", sequence.group(1) if sequence else kind)
    name = plain if plain in _IDL else short(plain.replace("::", "/"))
    return field, name, int(count) if count else None, bool(sequence or count)


class _Linker:
    """Puts nested definitions in their places."""

    def __init__(self, found: dict[str, Fields], numbers: dict[str, Number], standard: dict[str, Record]) -> None:
        self.found, self.numbers, self.standard = found, numbers, standard
        self.open: list[str] = []

    def record(self, name: str) -> Record | None:
        if name not in self.found or name in self.open:
            return self.standard.get(name)
        self.open.append(name)
        package = name.partition("/")[0]
        fields = []
        for field, kind_name, count, array in self.found[name]:
            kind = self.kind(kind_name, package)
            fields.append((field.lower(), Many(kind, count) if array else kind))
        self.open.pop()
        return Record(tuple(fields))

    def kind(self, name: str, package: str) -> Kind:
        if name in self.numbers:
            return self.numbers[name]
        if name == "string":
            return Text()
        if name == "Header" and f"{package}/Header" not in self.found:
            name = "std_msgs/Header"
        wanted = short(name) if "/" in name else name
        for candidate in (wanted, f"{package}/{wanted}"):
            record = self.record(candidate)
            if record is not None:
                return record
        return Unknown(f"type '{name}' is not defined")
