"""The messages of one SQLite file of a ROS 2 bag as blocks: rows read in id order, their blobs joined.

The database is opened as immutable: any other way SQLite writes ``-wal`` and ``-shm`` files beside the recording.
A damaged page loses the rows on it; the reading goes on behind them.
"""

import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from rushes.errors import ReadError
from rushes.media import unpack_message
from rushes.model import Loss, MediaFile
from rushes.plain_copies import logs_beside, missing_bytes, plain_copy
from rushes.readers._messages.block import Channel, MessageBlock
from rushes.readers._messages.peek import FirstMessages
from rushes.readers._messages.recording import Unread, unpacked_to_nothing

BLOCK_ROWS = 8192
BLOCK_BYTES = 8 << 20
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
"""No serialised message begins so: the first two bytes of CDR say its kind, which is below 16."""

DAMAGE = (sqlite3.Error, UnicodeDecodeError)
"""What reading a damaged database raises; the second where SQLite quotes damaged text in its message."""

_Row: TypeAlias = tuple[int, int, int, bytes]
Definition: TypeAlias = Callable[[str, str], tuple[bytes, str]]
"""Message type and distribution → its definition and how that is written, both empty where it is not known."""


class SqliteFile:
    """One ``.db3`` file, held open.

    Args:
        path: The file as recorded.
        media_id: Its name within the recording.
        packed_file: Whether the file is compressed as a whole.
        packed_messages: Whether each message is; None to look at the first.
        definition: Asked for types whose definition the file does not hold.

    Raises:
        ReadError: If it is no database with messages, or nothing of it can be read.
    """

    def __init__(
        self,
        path: Path,
        *,
        media_id: str,
        packed_file: bool,
        packed_messages: bool | None,
        definition: Definition,
    ) -> None:
        self._file = path.name
        self._media_id = media_id
        self._open_losses: list[Loss] = []
        self._run_losses: list[Loss] = []
        self._last_ns: int | None = None
        self._held = ExitStack()
        logs = [] if packed_file else logs_beside(path)
        missing = 0 if packed_file else missing_bytes(path)
        packing = ".zstd" if packed_file else ".mend" if logs or missing else ""
        if missing:
            self._open_losses.append(_cut(self._file, path.stat().st_size, missing))
        try:
            self._database = _connected(self._readable(path, packing), self._held)
            tables = self._tables(path)
            self._topics = self._read_topics(tables, definition)
            self.channels: Sequence[Channel] = tuple(channel for _, channel in self._topics)
            self._channel_of = {topic: place for place, (topic, _) in enumerate(self._topics)}
            self._packed = self._looks_packed() if packed_messages is None else packed_messages
            self.metadata: Mapping[str, Any] = self._read_metadata(tables)
        except (*DAMAGE, TypeError, ValueError, OverflowError) as error:
            self._held.close()
            raise _unreadable(path, str(error)) from error
        except BaseException:
            self._held.close()
            raise
        container = f"sqlite3{packing}" + ("+zstd" if self._packed else "")
        self.media: Sequence[MediaFile] = (
            MediaFile(media_id=media_id, path=path, container=container),
            *(_beside(media_id, path, log) for log in logs),
        )

    @property
    def span_ns(self) -> tuple[int, int] | None:
        """First and last log time; None for a file without messages, or where that cannot be read."""
        try:
            first = self._database.execute("SELECT min(timestamp) FROM messages").fetchone()[0]
            last = self._database.execute("SELECT max(timestamp) FROM messages").fetchone()[0]
        except DAMAGE:
            return None
        return (first, last) if isinstance(first, int) and isinstance(last, int) else None

    def peek(self) -> Mapping[int, MessageBlock]:
        """Give the first few messages of each channel."""
        gathered = FirstMessages(self.channels)
        query = "SELECT id, topic_id, timestamp, data FROM messages WHERE topic_id = ? ORDER BY id"
        for place, (topic, _) in enumerate(self._topics):
            try:
                for row in self._database.execute(query, (topic,)):
                    if place not in gathered.pending:
                        break
                    for channel, block in self._by_channel(_sound([row])):
                        gathered.add(channel, block)
            except DAMAGE:
                continue  # named when the rows are read
        return gathered.blocks()

    def blocks(self, channels: Collection[int]) -> Iterator[tuple[int, MessageBlock]]:
        """Give the messages of the channels in the order of their ids, some thousand rows at a time."""
        self._run_losses = []
        wanted = sorted(topic for topic, place in self._channel_of.items() if place in set(channels))
        every = len(wanted) == len(self._channel_of)
        chosen = "" if every else f"AND topic_id IN ({','.join(map(str, wanted))})"  # row ids of ours, no text
        dropped = broken = 0
        dropped_ns: list[int] = []
        for rows in self._rows(chosen):
            sound = _sound(rows)
            known = [row for row in sound if row[1] in self._channel_of]
            dropped += len(rows) - len(known)
            if len(rows) > len(known):
                dropped_ns += [row[2] for row in rows if isinstance(row[2], int)]
            for channel, block in self._by_channel(known):
                broken += int((block.length == 0).sum()) if self._packed else 0
                yield channel, block
        if broken:
            self._run_losses.append(unpacked_to_nothing(self._file, broken))
        if dropped:
            self._run_losses.append(
                Loss(
                    code="read.damaged",
                    message=f"{self._file}: {dropped} rows are not messages of a topic that the file lists",
                    count=dropped,
                    file=self._file,
                    start_ns=min(dropped_ns, default=None),
                    end_ns=max(dropped_ns, default=None),
                )
            )

    def losses(self) -> Sequence[Loss]:
        """Name what the opening and the latest run of :meth:`blocks` could not read."""
        return (*self._open_losses, *self._run_losses)

    def unread(self) -> Unread:
        """Say whether there are losses; how many messages they cost, what is declared tells."""
        return Unread(uncounted=bool(self.losses()))

    def close(self) -> None:
        """Let go of the database."""
        self._held.close()

    def _readable(self, path: Path, packing: str) -> Path:
        """Give the file itself, or a plain copy where it cannot be read as it lies."""
        if not packing:
            return path
        copy = self._held.enter_context(plain_copy(path, "zstd" if packing == ".zstd" else "mend"))
        if copy.broken:
            self._open_losses.append(
                Loss(
                    code="read.truncated",
                    message=f"{self._file}: {copy.broken}",
                    file=self._file,
                    byte_from=copy.broken_at,
                    byte_to=path.stat().st_size,
                )
            )
        return copy.path

    def _tables(self, path: Path) -> set[str]:
        tables = {str(row[0]) for row in self._database.execute("SELECT name FROM sqlite_master")}
        if not {"topics", "messages"} <= tables:
            raise _unreadable(path, "it has no tables 'topics' and 'messages'")
        return tables

    def _read_topics(self, tables: set[str], definition: Definition) -> list[tuple[int, Channel]]:
        self._distro = ""
        if "schema" in tables:
            found = self._database.execute("SELECT ros_distro FROM schema").fetchone()
            self._distro = str(found[0]) if found else ""
        written: dict[str, tuple[bytes, str]] = {}
        if "message_definitions" in tables:
            query = "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions"
            for name, encoding, text in self._database.execute(query):
                written[str(name)] = (str(text).encode(), str(encoding))
        topics = []
        query = "SELECT id, name, type, serialization_format FROM topics ORDER BY id"
        for topic, name, message_type, encoding in self._database.execute(query):
            schema, schema_encoding = written.get(str(message_type), (b"", ""))
            if not schema:
                schema, schema_encoding = definition(str(message_type), self._distro)
            channel = Channel(
                topic=str(name),
                message_type=str(message_type),
                encoding=str(encoding),
                schema=schema,
                schema_encoding=schema_encoding,
            )
            topics.append((int(topic), channel))
        return topics

    def _read_metadata(self, tables: set[str]) -> Mapping[str, Any]:
        found = None
        if "metadata" in tables:
            found = self._database.execute("SELECT metadata FROM metadata ORDER BY id DESC LIMIT 1").fetchone()
        stated = {"ros_distro": self._distro} if self._distro else {}
        return stated | ({"metadata": str(found[0])} if found else {})

    def _looks_packed(self) -> bool:
        try:
            found = self._database.execute("SELECT data FROM messages ORDER BY id LIMIT 1").fetchone()
        except DAMAGE:
            return False
        return found is not None and isinstance(found[0], bytes) and found[0].startswith(ZSTD_MAGIC)

    def _rows(self, chosen: str) -> Iterator[list[tuple[Any, ...]]]:
        """Read the rows in id order; over a damaged page on to the next row that can be read."""
        query = f"SELECT id, topic_id, timestamp, data FROM messages WHERE id > ? {chosen} ORDER BY id"
        last: int | None = -(1 << 63)
        self._last_ns = None
        while last is not None:
            rows: list[tuple[Any, ...]] = []
            size = 0
            try:
                for row in self._database.execute(query, (last,)):
                    rows.append(row)
                    self._last_ns = row[2] if isinstance(row[2], int) else self._last_ns
                    size += len(row[3]) if isinstance(row[3], bytes) else 0
                    if len(rows) >= BLOCK_ROWS or size >= BLOCK_BYTES:
                        last = int(row[0])
                        yield rows
                        rows, size = [], 0
                last, error = None, None
            except DAMAGE as met:
                last, error = (int(rows[-1][0]) if rows else last), met
            if rows:
                yield rows
            if error is not None and last is not None:
                last = self._over_damage(last, error)

    def _over_damage(self, last: int, error: Exception) -> int | None:
        """Name the rows behind ``last`` that cannot be read; the id before the next that can, None at the end."""
        last = max(last, 0)
        step, good = 2, None  # the row at last + 1 is the one that failed
        while step < 1 << 40 and (good := self._next_id(last + step)) is None:
            step *= 2
        if good is not None:
            below, above = last + step // 2, last + step
            while above - below > 1:
                middle = (below + above) // 2
                below, above = (middle, above) if self._next_id(middle) is None else (below, middle)
            good = self._next_id(above)
        until = "the end" if good is None else f"row {good}"
        self._run_losses.append(
            Loss(
                code="read.damaged",
                message=f"{self._file}: rows behind {last} and before {until} cannot be read: {error}",
                count=None if good is None else good - last - 1,
                file=self._file,
                start_ns=self._last_ns,
                end_ns=None if good is None else self._time_of(good),
            )
        )
        return None if good is None else good - 1

    def _next_id(self, start: int) -> int | None:
        """Give the first id from ``start`` on; None if reading its row meets damage, or the end."""
        try:
            found = self._database.execute(
                "SELECT id, data FROM messages WHERE id >= ? ORDER BY id LIMIT 1", (start,)
            ).fetchone()
        except DAMAGE:
            return None
        return int(found[0]) if found else None

    def _time_of(self, row: int) -> int | None:
        with suppress(*DAMAGE):
            found = self._database.execute("SELECT timestamp FROM messages WHERE id = ?", (row,)).fetchone()
            return int(found[0]) if found and isinstance(found[0], int) else None
        return None

    def _by_channel(self, rows: list[_Row]) -> Iterator[tuple[int, MessageBlock]]:
        if not rows:
            return
        ids, topics, times, blobs = zip(*rows, strict=True)
        data = [unpack_message(blob) for blob in blobs] if self._packed else blobs
        buffer = np.frombuffer(b"".join(data), np.uint8)
        length = np.fromiter(map(len, data), np.int64, len(data))
        start = np.cumsum(length) - length
        row_ids, log_ns = np.array(ids, np.int64), np.array(times, np.int64)
        of_row = np.array([self._channel_of[topic] for topic in topics], np.int64)
        for channel in np.unique(of_row).tolist():
            chosen = np.flatnonzero(of_row == channel)
            yield (
                channel,
                MessageBlock(
                    log_ns=log_ns[chosen],
                    publish_ns=None,
                    seq=None,
                    buffer=buffer,
                    start=start[chosen],
                    length=length[chosen],
                    media_id=self._media_id,
                    block=row_ids[chosen],
                    place=np.zeros(len(chosen), np.int64),
                ),
            )


def _connected(path: Path, held: ExitStack) -> sqlite3.Connection:
    database = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True, check_same_thread=False)
    held.callback(database.close)
    database.text_factory = _text
    return database


def _text(raw: bytes) -> str:
    return raw.decode(errors="replace")


def _sound(rows: list[tuple[Any, ...]]) -> list[_Row]:
    """Leave out rows whose columns are not what the table says; damage can turn a blob into a number."""
    return [
        row for row in rows if isinstance(row[3], bytes) and isinstance(row[1], int) and isinstance(row[2], int)
    ]


def _beside(media_id: str, path: Path, log: Path) -> MediaFile:
    return MediaFile(media_id=media_id + log.name.removeprefix(path.name), path=log, container="file")


def _cut(file: str, size: int, missing: int) -> Loss:
    return Loss(
        code="read.truncated",
        message=f"{file}: the last {missing} bytes of the database are missing",
        file=file,
        byte_from=size,
        byte_to=size + missing,
    )


def _unreadable(path: Path, why: str) -> ReadError:
    return ReadError(
        f"{path}: cannot be read as a ROS 2 bag: {why}",
        code="read.damaged",
        hint="sqlite3 FILE .recover may save more of it; work on a copy",
        facts={"file": str(path)},
    )
