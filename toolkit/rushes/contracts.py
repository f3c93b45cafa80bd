"""What a plugin of each kind must do. A plugin sees ``model`` and this file, never Parquet.

For every contract there is a test class in ``tests/contracts``; a plugin's test subclasses it and gives samples.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from rushes.model import (
    Assignment,
    Batch,
    Claim,
    Column,
    Description,
    Finding,
    FrameRequest,
    LedgerEntry,
    Loss,
    Metric,
    Stream,
)


class OpenRecording(Protocol):
    """A recording that a reader holds open; a context manager. The files are never altered."""

    @property
    def description(self) -> Description:
        """What the recording says of itself; ready at once, no sample has been read for it."""
        ...

    def batches(self, streams: Collection[str] | None = None) -> Iterator[Batch]:
        """Read the samples of the named streams (all when None), in bounded memory.

        Batches of one stream come in recorded order; streams may be interleaved in any way. Can be called again.
        A damaged stretch is skipped and becomes a :class:`Loss`, it does not end the reading.

        Raises:
            ReadError: If nothing more can be read at all.
        """
        ...

    def ledger(self) -> Sequence[LedgerEntry]:
        """Account for the latest complete run of :meth:`batches`, an entry per stream and step, each balanced."""
        ...

    def losses(self) -> Sequence[Loss]:
        """Name what the latest run of :meth:`batches`, or the opening, could not read."""
        ...

    def close(self) -> None:
        """Let go of the files."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class Reader(Protocol):
    """A recording format. ``readers/NAME.py``."""

    name: str
    version: str
    """Raised whenever the rows that it makes of the same bytes change."""

    def probe(self, path: Path, head: bytes) -> Claim:
        """Say how surely this reader can read ``path``, reading no more than a listing and small index files.

        Args:
            path: An existing file or folder.
            head: The first 4,096 bytes of a file; empty for a folder.
        """
        ...

    def open(self, path: Path, options: Mapping[str, Any]) -> OpenRecording:
        """Open a recording and read its index, no more.

        Raises:
            ReadError: If the path cannot be opened as this format. What can be read in part is opened, and the
                missing part is among its ``losses``.
        """
        ...


class Decoder(Protocol):
    """Encoded payloads → pixels. ``decoders/NAME.py``."""

    name: str
    codecs: frozenset[str]

    def decode(self, request: FrameRequest, payload: bytes | memoryview | None) -> npt.NDArray[Any]:
        """Decode one frame.

        Args:
            request: Where and what it is.
            payload: The encoded bytes; None where the decoder reads the container itself (``reads_container``).

        Returns:
            Shape (h, w, 3) uint8 RGB for colour, (h, w) uint8 for grey and infrared (uint16 when recorded so),
            (h, w) uint16 or float32 for depth, in the counts that were recorded. The picture is as stored:
            ``rotation_deg`` is not applied.

        Raises:
            ReadError: ``read.undecodable``, if the bytes are not a picture of this codec.
        """
        ...

    def decode_grey(
        self, request: FrameRequest, payload: bytes | memoryview | None, long_side_px: int
    ) -> npt.NDArray[np.uint8]:
        """Decode one frame small and grey, for checks and thumbnails; cheaper than :meth:`decode` where it can be.

        Args:
            request: As for :meth:`decode`.
            payload: As for :meth:`decode`.
            long_side_px: Wished length of the longer side. A larger picture comes out with at least 0.9 of it
                and at most all of it; a smaller one stays as it is.

        Returns:
            Shape (h, w) uint8. More than 8 bits: 0 and what is not finite stay 0, the 99th percentile of the
            others becomes 255, linear between, clipped above; so brightness cannot be compared between frames.

        Raises:
            ReadError: As :meth:`decode`.
        """
        ...

    reads_container: bool


class Check(Protocol):
    """Columns, and pixels where needed → metrics and findings. ``checks/NAME.py``."""

    name: str
    version: str
    reason: str
    """Why the check exists and why its limits are what they are, for ``rushes check --explain``."""

    needs: str
    """``times`` (columns of one stream), ``pixels`` (decoded frames of one stream) or ``moments``."""

    defaults: Mapping[str, Any]
    """Options and their defaults; the keys name units."""

    def run(self, view: "CheckView", options: Mapping[str, Any]) -> Iterator[Metric | Finding]:
        """Measure, then judge. Never raises for bad data: that is a finding."""
        ...


class CheckView(Protocol):
    """What a check is shown: one stream of one recording."""

    recording_id: str
    recording_name: str
    stream: Stream

    def columns(self, *names: str) -> Mapping[str, npt.NDArray[Any]]:
        """Columns of the stream's table by name, in index order; masked arrays where values can be absent."""
        ...

    def pictures(self) -> Iterator[tuple[int, npt.NDArray[np.uint8] | None]]:
        """Each frame's index and its grey picture with a long side of about 512 px; None where undecodable.

        Frames flagged as missing are left out.
        """
        ...


class Splitter(Protocol):
    """Groups × labels → parts. ``splits/NAME.py``."""

    name: str

    def assign(
        self,
        units: Mapping[str, Column],
        parts: Mapping[str, float],
        *,
        seed: int,
        pinned: Mapping[str, str],
        options: Mapping[str, Any],
    ) -> Sequence[Assignment]:
        """Assign every unit to a part, whole groups together; the same inputs give the same answer.

        Args:
            units: Columns ``unit`` (str), ``group`` (str) and ``weight`` (number of samples), one row a unit.
            parts: Share of each part; they sum to 1.
            seed: Of the only randomness.
            pinned: Units that were assigned before and must not move.
            options: Of the splitter.

        Raises:
            UsageError: If the shares cannot be met at all, such as more parts than groups.
        """
        ...
