"""A ROS 2 bag as one source: its metadata, its storage files in order, what of them is missing."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from rushes.errors import ReadError
from rushes.model import Loss
from rushes.readers._messages import bag2_metadata as metadata
from rushes.readers._messages.bag2_metadata import Declared
from rushes.readers._messages.block import Channel
from rushes.readers._messages.joined import Joined
from rushes.readers._messages.recording import Source, count_mismatch

FORMAT = "ROS 2 bag"


class PartOpener(Protocol):
    """Opens one storage file; :class:`rushes.errors.ReadError` if it cannot."""

    def __call__(self, path: Path, *, media_id: str, packed_messages: bool | None) -> Source:
        """Open it; ``packed_messages`` is None where nobody says whether they are compressed."""
        ...


def open_folder(folder: Path, open_part: PartOpener) -> Source:
    """Open a bag's folder, with or without ``metadata.yaml``.

    Raises:
        ReadError: If there is no storage file, or none that can be opened.
    """
    losses: list[Loss] = []
    declared = _declared(folder, losses)
    files = _files(folder, declared, losses)
    parts: list[Source] = []
    refused: list[ReadError] = []
    for path in files:
        packed = True if declared is not None and declared.packed_messages else None
        name = path.relative_to(folder).as_posix()
        try:
            parts.append(open_part(path, media_id=name, packed_messages=packed))
        except ReadError as error:
            refused.append(error)
            losses.append(_refused(name, error, declared))
    if not parts:
        raise refused[0] if refused else _nothing(folder, declared)
    return _joined(parts, declared, losses)


def open_file(path: Path, open_part: PartOpener) -> Source:
    """Open one storage file by itself; what its database says of the whole bag counts if it is all of it."""
    part = open_part(path, media_id=path.name, packed_messages=None)
    losses: list[Loss] = []
    declared = None
    text = part.metadata.get("metadata")
    if isinstance(text, str):
        try:
            declared = metadata.parse(text)
        except metadata.NoMetadataError as error:
            losses.append(_unusable(path.name, error))
    if declared is not None and len(declared.files) > 1:
        declared = None
    return _joined([part], declared, losses)


def _declared(folder: Path, losses: list[Loss]) -> Declared | None:
    path = folder / metadata.METADATA
    if not path.is_file():
        return None
    try:
        return metadata.parse(path.read_text(encoding="utf-8", errors="replace"))
    except metadata.NoMetadataError as error:
        losses.append(_unusable(path.name, error))
    except OSError as error:
        losses.append(_unusable(path.name, error))
    return None


def _files(folder: Path, declared: Declared | None, losses: list[Loss]) -> list[Path]:
    """Give the files to read: those listed, in that order, then others of the same name that are not listed."""
    found = metadata.storage_files(folder)
    if declared is None or not declared.files:
        return found
    listed: list[Path] = []
    for relative in declared.files:
        path = metadata.place_of(folder, relative)
        if path is not None:
            listed.append(path)
            continue
        losses.append(
            Loss(
                code="read.absent-file",
                message=f"{metadata.METADATA} lists '{relative}', which is not there",
                count=declared.file_counts.get(relative),
                file=relative,
            )
        )
    stems = {_stem(Path(relative).name) for relative in declared.files}
    covered = {_stem(path.name, with_number=True) for path in listed}
    return listed + [
        path for path in found if _stem(path.name) in stems and _stem(path.name, with_number=True) not in covered
    ]


def _stem(name: str, *, with_number: bool = False) -> str:
    match = metadata.STORAGE.match(name)
    if match is None:
        return name
    return match["stem"] + ((match["number"] or "") if with_number else "")


def _joined(parts: Sequence[Source], declared: Declared | None, losses: list[Loss]) -> Source:
    stated: dict[str, Any] = {"format": FORMAT, "files": [file.media_id for part in parts for file in part.media]}
    for part in parts:
        stated |= {key: value for key, value in part.metadata.items() if key != "metadata"}
    if declared is None:
        return Joined(parts, metadata=stated, losses=losses)
    total = sum(topic.count for topic in declared.topics)
    if declared.message_count is not None and declared.message_count != total:
        losses.append(count_mismatch(None, declared.message_count, total, file=metadata.METADATA))
    span = None
    if declared.start_ns is not None and declared.duration_ns is not None:
        span = (declared.start_ns, declared.start_ns + declared.duration_ns)
    return Joined(
        parts,
        declared=[_channel(topic) for topic in declared.topics],
        span_ns=span,
        metadata=stated | dict(declared.stated),
        losses=losses,
    )


def _channel(topic: metadata.DeclaredTopic) -> Channel:
    return Channel(
        topic=topic.name,
        message_type=topic.message_type,
        encoding=topic.encoding,
        schema=b"",
        schema_encoding="",
        declared_count=topic.count,
    )


def _refused(name: str, error: ReadError, declared: Declared | None) -> Loss:
    counts: Mapping[str, int] = declared.file_counts if declared is not None else {}
    return Loss(code=error.code, message=error.message, count=counts.get(name), file=name)


def _unusable(name: str, why: Exception) -> Loss:
    return Loss(code="read.damaged", message=f"{name}: is not used: {why}", file=name)


def _nothing(folder: Path, declared: Declared | None) -> ReadError:
    if declared is not None and declared.files:
        return ReadError(
            f"{folder}: {metadata.METADATA} lists {len(declared.files)} files, none of which is there",
            code="read.absent-file",
            hint="bring the .db3 or .mcap files back beside it",
            facts={"file": str(folder / declared.files[0])},
        )
    return ReadError(
        f"{folder}: holds no .db3 or .mcap file",
        code="read.empty",
        hint="look whether the recording or the copy finished",
        facts={"file": str(folder)},
    )
