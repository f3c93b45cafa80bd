"""Frames of one stream: their times, their encoded bytes where they lie, and their pixels.

``Frames`` is what a training loop holds: random access by index, bytes by one ``pread``, pixels by the decoder
of the stream's codec.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes import registry
from rushes.contracts import Decoder
from rushes.errors import ReadError
from rushes.media import MediaReader
from rushes.model import FrameFlag, FrameRequest, Location, SmallPicture, Times
from rushes.packets import CODECS
from rushes.workflow.packet_runs import Runs, lost_by_number, lost_by_span

FRAME_COLUMNS = (
    "index", "t_ns", "t_log_ns", "pts", "seq", "media_id", "block", "offset", "length", "width", "height",
    "stride", "keyframe", "flags",
)  # fmt: skip


Encoded = bytes
"""The name ``bytes`` is a method of Frames."""


class Frames:
    """The pictures of one stream of one recording, by index.

    Args:
        stream: The row of ``streams``.
        rows: The stream's rows of ``frames``, in index order, with ``FRAME_COLUMNS``.
        media: Path and container of each ``media_id``.
        reader: Reads the bytes; shared, closed by its owner.
        losses: Gives what the recording lost, as ``recordings.losses`` has it; asked where some lean on others.
    """

    def __init__(
        self,
        stream: Mapping[str, Any],
        rows: pa.Table,
        media: Mapping[str, tuple[Path, str]],
        reader: MediaReader,
        losses: Callable[[], Sequence[Mapping[str, Any]]] = tuple,
    ) -> None:
        self.stream = dict(stream)
        self.t_ns: Times = rows["t_ns"].to_numpy()
        self.flags: npt.NDArray[np.int32] = rows["flags"].to_numpy()
        self._media = media
        self._reader = reader
        self._losses = losses
        self._columns = {name: rows[name].to_pylist() for name in FRAME_COLUMNS if name not in ("t_ns", "flags")}
        self._packing = self.stream.get("packing")

    @cached_property
    def pts(self) -> Times:
        """Presentation time stamps of a media container, shape (n,); -1 where there is none."""
        return np.array([-1 if pts is None else pts for pts in self._columns["pts"]], np.int64)

    def __len__(self) -> int:
        """Give the number of frames, missing ones included."""
        return len(self.t_ns)

    def missing(self, index: int) -> bool:
        """Tell whether the recording lists the frame but its bytes are absent."""
        return bool(self.flags[index] & FrameFlag.MISSING)

    def location(self, index: int) -> Location:
        """Say where the encoded bytes of a frame are.

        Raises:
            ReadError: ``read.absent-file`` if the frame is missing.
            IndexError: If there is no such frame.
        """
        columns = self._columns
        media_id = columns["media_id"][index]
        if media_id is None:
            raise ReadError(
                f"{self.stream['stream']}: frame {index} is listed by the recording, but its bytes are absent",
                code="read.absent-file",
                facts={"stream": self.stream["stream"], "index": index},
            )
        path, container = self._media[media_id]
        return Location(
            path=path,
            container=container,
            offset=columns["offset"][index],
            length=columns["length"][index],
            block=columns["block"][index],
            packing=self._packing,
        )

    def bytes(self, index: int) -> Encoded:
        """Give the encoded bytes of a frame as they were recorded; for video, see :meth:`image`.

        Raises:
            ReadError: If they are absent, short, or no longer what was indexed.
        """
        return self._reader.read(self.location(index))

    def request(self, index: int) -> FrameRequest:
        """Describe a frame for its decoder.

        Raises:
            ReadError: ``read.absent-file`` if the frame is missing; ``read.undecodable`` if it leans on packets
                that the recording says are lost, or holds no picture.
        """
        columns, stream = self._columns, self.stream
        location = self.location(index)
        run = self._runs.of(index) if self._runs is not None and location.container != "video" else None
        return FrameRequest(
            location=location,
            codec=stream["codec"] or "",
            pixel_format=stream["pixel_format"],
            width=columns["width"][index] or stream["width"],
            height=columns["height"][index] or stream["height"],
            stride=columns["stride"][index],
            container_index=stream["container_index"],
            pts=columns["pts"][index],
            rotation_deg=stream["rotation_deg"],
            run=run,
            at=0 if run is None else index - run.first,
        )

    @cached_property
    def _runs(self) -> Runs | None:
        """Which packets decode together; None where each picture stands for itself."""
        codec = self.stream["codec"]
        if codec not in CODECS:
            return None
        name = f"{self.stream.get('recording_id')} {self.stream['stream']}"
        lost = lost_by_number(self._columns["seq"], len(self)) | lost_by_span(
            [loss for loss in self._losses() if loss["stream"] in (None, self.stream["stream"])],
            self._columns["t_log_ns"],
        )
        return Runs.of_stream(
            name, codec, self.bytes, keyframes=self._columns["keyframe"], flags=self.flags, lost=lost
        )

    def image(self, index: int) -> npt.NDArray[Any]:
        """Decode a frame: (h, w, 3) uint8 RGB, or (h, w) for grey, infrared and depth, in recorded counts.

        Raises:
            ReadError: As :meth:`bytes`, and ``read.undecodable``.
        """
        request = self.request(index)
        decoder = decoder_for(request.codec)
        payload = None if decoder.reads_container else self._reader.read(request.location)
        return decoder.decode(request, payload)

    def grey(self, index: int, *, long_side_px: int = 512) -> npt.NDArray[np.uint8]:
        """Decode a frame to 8-bit grey at a reduced size, as checks and thumbnails use it.

        Raises:
            ReadError: As :meth:`image`.
        """
        request = self.request(index)
        decoder = decoder_for(request.codec)
        payload = None if decoder.reads_container else self._reader.read(request.location)
        return decoder.decode_grey(request, payload, long_side_px)

    def small(self, index: int, payload: Encoded | None, *, long_side_px: int = 512) -> SmallPicture:
        """Decode a frame as small as is cheap, for checks.

        Args:
            index: Of the frame.
            payload: Its bytes, as :meth:`bytes` gives them; None where the decoder reads the container itself.
            long_side_px: Wished length of the longer side.

        Raises:
            ReadError: As :meth:`image`.
        """
        request = self.request(index)
        return decoder_for(request.codec).decode_small(request, payload, long_side_px)

    def rendering(self, index: int) -> tuple[Encoded, str]:
        """Give a picture that any browser shows, and its media type: the recorded JPEG itself where it is one.

        Raises:
            ReadError: As :meth:`image`.
        """
        if self.stream["codec"] == "jpeg":
            return self.bytes(index), "image/jpeg"
        render = registry.late("rushes.decoders._render")
        return render.to_jpeg(self.image(index), self.stream["modality"]), "image/jpeg"


@cache
def decoder_for(codec: str) -> Decoder:
    """Find the decoder of a codec, the first by name; those behind it, which may be heavy, are not imported.

    Raises:
        ReadError: ``read.codec`` if none decodes it.
    """
    for name in registry.names("decoders"):
        decoder: Decoder = registry.load("decoders", name)
        if codec in decoder.codecs:
            return decoder
    raise ReadError(
        f"no decoder knows the codec '{codec}'",
        code="read.codec",
        hint="the bytes can still be read as recorded; rushes plugins decoders lists what can be decoded",
        facts={"codec": codec},
    )


def spread(count: int, wanted: int) -> Sequence[int]:
    """Choose up to ``wanted`` indices evenly over ``count``, the first and the last included."""
    if count <= wanted:
        return range(count)
    return [round(i * (count - 1) / (wanted - 1)) for i in range(wanted)] if wanted > 1 else [0]
