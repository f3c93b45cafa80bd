"""Writes XDF files, whole and damaged, for tests; by the specification, with nothing of the reader."""

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

BOUNDARY = bytes.fromhex("43a546dccbf5410fb30ed5467383cbe4")
CODES = {"float32": "f4", "double64": "f8", "int8": "i1", "int16": "i2", "int32": "i4", "int64": "i8"}


def number(value: int) -> bytes:
    """Write an integer of variable length."""
    for width, least in ((1, 1 << 8), (4, 1 << 32)):
        if value < least:
            return bytes([width]) + value.to_bytes(width, "little")
    return b"\x08" + value.to_bytes(8, "little")


def chunk(tag: int, content: bytes, stream: int | None = None) -> bytes:
    """Write a chunk."""
    body = struct.pack("<H", tag) + (b"" if stream is None else struct.pack("<I", stream)) + content
    return number(len(body)) + body


def start() -> bytes:
    """Write the magic bytes and the file header."""
    return b"XDF:" + chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')


def header(
    stream: int,
    name: str = "s",
    *,
    kind: str = "EEG",
    channels: int = 1,
    rate: float = 100.0,
    layout: str = "float32",
    labels: Sequence[str] = (),
    units: Sequence[str] = (),
    desc: str = "",
) -> bytes:
    """Write a stream header."""
    described = "".join(
        f"<channel><label>{label}</label><unit>{unit}</unit></channel>"
        for label, unit in zip(labels, units or [""] * len(labels), strict=True)
    )
    xml = (
        f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
        f"<channel_count>{channels}</channel_count>"
        f"<nominal_srate>{rate!r}</nominal_srate><channel_format>{layout}</channel_format>"
        f"<created_at>0</created_at><desc><channels>{described}</channels>{desc}</desc></info>"
    )
    return chunk(2, xml.encode(), stream)


def footer(stream: int, count: int, first: float = 0.0, last: float = 0.0) -> bytes:
    """Write a stream footer."""
    xml = (
        f"<info><first_timestamp>{first!r}</first_timestamp><last_timestamp>{last!r}</last_timestamp>"
        f"<sample_count>{count}</sample_count></info>"
    )
    return chunk(6, xml.encode(), stream)


def samples(stream: int, stamps: Iterable[float | None], values: Any, layout: str = "float32") -> bytes:
    """Write a chunk of samples; None is a sample without a stamp. Texts are lists of lists."""
    listed = list(stamps)
    body = [number(len(listed))]
    for stamp, value in zip(listed, values, strict=True):
        body.append(b"\0" if stamp is None else b"\x08" + struct.pack("<d", stamp))
        if layout == "string":
            body += [number(len(text.encode())) + text.encode() for text in value]
        else:
            body.append(np.asarray(value, CODES[layout]).astype("<" + CODES[layout]).tobytes())
    return chunk(3, b"".join(body), stream)


def offset(stream: int, collected: float, value: float) -> bytes:
    """Write a clock offset."""
    return chunk(4, struct.pack("<dd", collected, value), stream)


def boundary() -> bytes:
    """Write a boundary chunk."""
    return chunk(5, BOUNDARY)


def fast_samples(stream: int, stamps: npt.NDArray[np.float64], values: npt.NDArray[Any], each: int) -> list[bytes]:
    """Write many samples that all have stamps, ``each`` to a chunk."""
    row = np.dtype([("mark", "u1"), ("stamp", "<f8"), ("values", values.dtype, values.shape[1:])])
    table = np.empty(len(stamps), row)
    table["mark"], table["stamp"], table["values"] = 8, stamps, values
    return [
        chunk(3, number(len(part)) + part.tobytes(), stream)
        for part in (table[at : at + each] for at in range(0, len(table), each))
    ]


def write(path: Path, *pieces: bytes) -> Path:
    """Write a file of pieces behind the file header."""
    path.write_bytes(start() + b"".join(pieces))
    return path


def session(path: Path) -> Path:
    """Write a small recording of every kind: regular numbers, markers, sparse stamps, boundaries, offsets."""
    eeg = [[i, -i] for i in range(60)]
    pieces = [
        header(1, "eeg", channels=2, labels=["C3", "C4"], units=["microvolts", "microvolts"]),
        header(7, "marks", kind="Markers", rate=0.0, layout="string"),
        header(9, "sparse", rate=10.0, layout="int16"),
    ]
    for k in range(6):
        times = [50 + (10 * k + i) / 100 for i in range(10)]
        pieces += [
            samples(1, times, eeg[10 * k : 10 * k + 10]),
            samples(
                9, [70.0 + k if k % 2 == 0 else None, None, None], [[3 * k], [3 * k + 1], [3 * k + 2]], "int16"
            ),
            samples(7, [60.0 + k], [[f"mark {k}"]], "string"),
            offset(1, 50.05 + k / 10, -3.5),
        ]
        if k % 2:
            pieces.append(boundary())
    pieces += [footer(1, 60, 50.0, 50.59), footer(7, 6, 60.0, 65.0), footer(9, 18, 70.0, 74.5)]
    return write(path, *pieces)
