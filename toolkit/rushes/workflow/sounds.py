"""Sound of one stream: its blocks where they lie, and their samples."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from rushes import registry
from rushes.decoders import Samples, is_plain, plain
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import Location

SOUND_COLUMNS = ("index", "pts", "media_id", "block", "offset", "length")


class Sound:
    """The blocks of one stream of sound of one recording, by index.

    Args:
        stream: The row of ``streams``.
        rows: The stream's rows of ``audio``, in index order, with ``SOUND_COLUMNS``.
        media: Path and container of each ``media_id``.
        reader: Reads the bytes; shared, closed by its owner.
    """

    def __init__(
        self,
        stream: Mapping[str, Any],
        rows: pa.Table,
        media: Mapping[str, tuple[Path, str]],
        reader: MediaReader,
    ) -> None:
        self.stream = dict(stream)
        self._columns = {name: rows[name].to_pylist() for name in SOUND_COLUMNS}
        self._media = media
        self._reader = reader

    def __len__(self) -> int:
        """Give the number of blocks, absent ones included."""
        return len(self._columns["index"])

    @property
    def pts(self) -> list[int | None]:
        """Presentation time stamp of each block; None where there is none."""
        pts: list[int | None] = self._columns["pts"]
        return pts

    def missing(self, index: int) -> bool:
        """Tell whether the bytes of a block are absent."""
        return self._columns["media_id"][index] not in self._media

    @property
    def by_block(self) -> bool:
        """Whether each block can be read by itself; else only the whole track can be decoded."""
        lengths = zip(self._columns["media_id"], self._columns["length"], strict=True)
        return is_plain(self.stream["codec"]) and all(length for name, length in lengths if name)

    def samples(self, index: int) -> Samples:
        """Read the samples of a block of plain sound.

        Raises:
            ReadError: If they are absent, short, or no longer what was indexed.
        """
        columns, stream = self._columns, self.stream
        if self.missing(index):
            raise ReadError(
                f"{stream['stream']}: the bytes of block {index} are absent",
                code="read.absent-file",
                facts={"stream": stream["stream"], "index": index},
            )
        path, container = self._media[columns["media_id"][index]]
        location = Location(
            path=path,
            container=container,
            offset=columns["offset"][index],
            length=columns["length"][index],
            block=columns["block"][index],
            packing=stream.get("packing"),
        )
        return plain(self._reader.read(location), stream["codec"], stream["channels"] or 1)

    def track(self, *, past_damage: bool = False, from_pts: int | None = None) -> Iterator[tuple[int, Samples]]:
        """Decode the track: the pts of each run of samples, and the samples.

        Args:
            past_damage: Go on where a packet does not decode.
            from_pts: Begin with the run that holds it, or a little before; with the first when None.

        Raises:
            ReadError: ``read.codec`` where nothing here decodes it, and ``read.undecodable``.
        """
        stream = self.stream
        name = next((name for name in self._columns["media_id"] if name in self._media), None)
        if name is None or stream["container_index"] is None:
            raise ReadError(
                f"{stream['stream']}: nothing here decodes its {stream['codec'] or 'unknown codec'}",
                code="read.codec",
                facts={"stream": stream["stream"], "codec": stream["codec"]},
            )
        decoding = registry.late("rushes.decoders._sound")
        path, track = self._media[name][0], stream["container_index"]
        yield from decoding.track(path, track, past_damage=past_damage, from_pts=from_pts)
