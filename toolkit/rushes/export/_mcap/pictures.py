"""Pictures → messages: as recorded where a player takes it so, decoded or transcoded where it does not.

JPEG, PNG and WebP go into ``foxglove.CompressedImage`` byte for byte; raw pictures into ``foxglove.RawImage``,
byte for byte where the pixel format is one of its own; H.264 into ``foxglove.CompressedVideo`` where it plays
without looking ahead, else each picture becomes a JPEG. Depth becomes a RawImage: 16UC1 where a count is a
millimetre, as REP 118 has it, else 32FC1 in metres; and a second topic shows it in colours.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import numpy as np
import numpy.typing as npt
from foxglove_schemas_protobuf.CompressedImage_pb2 import CompressedImage
from foxglove_schemas_protobuf.CompressedVideo_pb2 import CompressedVideo
from foxglove_schemas_protobuf.RawImage_pb2 import RawImage

from rushes.errors import ReadError
from rushes.export._mcap import h264
from rushes.export._mcap.schemas import of_type, stamp, with_data
from rushes.export._mcap.sources import Message, Source, Topics
from rushes.packets import CODECS
from rushes.timelines import FrameLane

PREVIEW = "/preview"
"""What the topic is called after its stream that shows it in 8 bits, where it is deeper."""
_FORMATS = {"jpeg": "jpeg", "png": "png", "webp": "webp"}
_RAW = {
    "rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1, "8uc1": 1, "8uc3": 3, "mono16": 2, "16uc1": 2,
    "32fc1": 4, "bayer_rggb8": 1, "bayer_bggr8": 1, "bayer_gbrg8": 1, "bayer_grbg8": 1,
}  # fmt: skip
"""Pixel formats that a RawImage may hold, with the bytes of a pixel."""
_SPELLED = {"8uc1": "8UC1", "8uc3": "8UC3", "16uc1": "16UC1", "32fc1": "32FC1"}
_DEEP = ("mono16", "16uc1", "gray16be", "gray16le")
_MADE = "8 bits, to look at; made, not recorded"
_MILLIMETRE_M = 0.001


def sources(lane: FrameLane, topics: Topics) -> list[Source]:
    """Declare the topics of a lane of pictures and give what writes them; nothing where no picture is there."""
    rows = [int(i) for i in np.argsort(lane.t_ns, kind="stable") if lane.there[i]]
    absent = len(lane.t_ns) - len(rows)
    if absent:
        topics.lost(lane.stream.name, absent, "their bytes are absent")
    if not rows:
        return []
    made = [_source(lane, rows, topics)]
    if lane.stream.modality != "depth" and (lane.stream.pixel_format or "").lower() in _DEEP:
        made.append(
            _compressed(
                lane,
                rows,
                topics,
                lambda index: lane.rendered(index, None),
                "jpeg",
                _MADE,
                name=lane.stream.name + PREVIEW,
            )
        )
    return made


def _source(lane: FrameLane, rows: list[int], topics: Topics) -> Source:
    codec = lane.stream.codec or ""
    if lane.stream.modality == "depth":
        return _depth(lane, rows, topics)
    if codec in _FORMATS and lane.track is None:
        return _compressed(lane, rows, topics, lane.encoded, _FORMATS[codec], "as recorded")
    if codec == "h264":
        return _video(lane, rows, topics)
    if codec == "raw" and _is_plain(lane):
        return _raw_as_recorded(lane, rows, topics)
    if lane.track is not None or codec in (*CODECS, "mjpeg"):
        return _transcoded(lane, rows, topics, f"players do not take its {codec or 'codec'}")
    topics.changed(lane.stream.name, len(rows), f"decoded from {codec or 'an unknown codec'} to plain pixels")
    return _decoded(lane, rows, topics)


def _is_plain(lane: FrameLane) -> bool:
    return (lane.stream.pixel_format or "").lower() in _RAW and bool(lane.stream.width and lane.stream.height)


def _guarded(
    lane: FrameLane,
    rows: list[int],
    topics: Topics,
    make: Callable[[int, int], Sequence[Message]],
    *,
    at_once: int = 1,
) -> Iterator[Message]:
    """Give the messages of each picture; one that cannot be read is counted and left out.

    Args:
        at_once: How many pictures are worked on at a time; pays where they are decoded.
    """
    failed: Counter[str] = Counter()
    for made in _made(lane, rows, make, at_once):
        if isinstance(made, ReadError):
            failed[made.code] += 1
        else:
            yield from made
    for code, count in failed.items():
        topics.lost(lane.stream.name, count, f"they cannot be read ({code})")


def _made(
    lane: FrameLane, rows: list[int], make: Callable[[int, int], Sequence[Message]], at_once: int
) -> Iterator[Sequence[Message] | ReadError]:
    def one(index: int) -> Sequence[Message] | ReadError:
        try:
            return make(index, int(lane.t_ns[index]))
        except ReadError as error:
            return error

    if at_once == 1:
        yield from map(one, rows)
        return
    with ThreadPoolExecutor(at_once, "rushes-export") as pool:
        coming: deque[Future[Sequence[Message] | ReadError]] = deque()
        try:
            for index in rows:
                coming.append(pool.submit(one, index))
                if len(coming) > 2 * at_once:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            for each in coming:
                each.cancel()


def _frame(lane: FrameLane) -> str:
    return lane.stream.frame_of_reference or lane.stream.name.strip("/").replace("/", "_")


def _compressed(
    lane: FrameLane,
    rows: list[int],
    topics: Topics,
    data: Callable[[int], bytes],
    spelled: str,
    how: str,
    *,
    name: str | None = None,
) -> Source:
    wanted = name or lane.stream.name
    topic = topics.declare(wanted, of_type(CompressedImage), packed=False, stream=lane.stream, how=how)
    frame = _frame(lane)

    def make(index: int, t_ns: int) -> Sequence[Message]:
        message = CompressedImage(timestamp=stamp(t_ns), frame_id=frame, format=spelled)
        return [(topic, t_ns, with_data(message, data(index)))]

    at_once = 1 if data is lane.encoded else _at_once(lane)
    return Source(topics.file, _guarded(lane, rows, topics, make, at_once=at_once))


def _transcoded(lane: FrameLane, rows: list[int], topics: Topics, reason: str) -> Source:
    topics.changed(lane.stream.name, len(rows), f"every picture made a JPEG: {reason}")
    return _compressed(lane, rows, topics, lambda index: lane.rendered(index, None), "jpeg", "transcoded to JPEG")


def _video(lane: FrameLane, rows: list[int], topics: Topics) -> Source:
    """Hand the access units over as they are, if a look through all of them says that this can be played."""
    units = partial(_units, lane, rows)
    try:
        found = sum(1 for _ in units())
        if found != len(rows):
            raise h264.VideoError(f"its track has {found} pictures and the recording {len(rows)}")
    except (h264.VideoError, ReadError) as error:
        return _transcoded(lane, rows, topics, str(error))
    topic = topics.declare(
        lane.stream.name, of_type(CompressedVideo), packed=False, stream=lane.stream, how="as recorded, in Annex B"
    )
    frame = _frame(lane)

    def messages() -> Iterator[Message]:
        for index, data in units():
            t_ns = int(lane.t_ns[index])
            yield (
                topic,
                t_ns,
                with_data(CompressedVideo(timestamp=stamp(t_ns), frame_id=frame, format="h264"), data),
            )

    return Source(topics.file, messages())


def _units(lane: FrameLane, rows: list[int]) -> Iterator[tuple[int, bytes]]:
    if rows != sorted(rows):
        raise h264.VideoError("its times go back")
    if lane.track is None:
        yield from zip(rows, h264.playable(map(lane.encoded, rows)), strict=True)
        return
    by_pts = {pts: index for index, pts in enumerate(lane.pts.tolist()) if pts >= 0}
    for pts, data in h264.packets(lane.track, lane.stream.container_index or 0):
        if pts not in by_pts:
            raise h264.VideoError(f"the recording knows no picture of pts {pts}")
        yield by_pts[pts], data


def _raw_as_recorded(lane: FrameLane, rows: list[int], topics: Topics) -> Source:
    form = (lane.stream.pixel_format or "").lower()
    topic = topics.declare(lane.stream.name, of_type(RawImage), packed=True, stream=lane.stream, how="as recorded")
    frame, height = _frame(lane), lane.stream.height or 0

    def make(index: int, t_ns: int) -> Sequence[Message]:
        data = lane.encoded(index)
        step = len(data) // height
        message = RawImage(
            timestamp=stamp(t_ns),
            frame_id=frame,
            width=lane.stream.width or 0,
            height=height,
            encoding=_SPELLED.get(form, form),
            step=step,
        )
        return [(topic, t_ns, with_data(message, data))]

    return Source(topics.file, _guarded(lane, rows, topics, make))


def _decoded(lane: FrameLane, rows: list[int], topics: Topics) -> Source:
    topic = topics.declare(lane.stream.name, of_type(RawImage), packed=True, stream=lane.stream, how="decoded")

    def make(index: int, t_ns: int) -> Sequence[Message]:
        return [(topic, t_ns, _raw_image(lane, t_ns, lane.pixels(index)))]

    return Source(topics.file, _guarded(lane, rows, topics, make, at_once=_at_once(lane)))


def _at_once(lane: FrameLane) -> int:
    """Say how many pictures to decode at a time; those that lean on others are decoded in order."""
    in_order = lane.track is not None or lane.stream.codec in CODECS
    return 1 if in_order else min(4, os.cpu_count() or 1)


def _depth(lane: FrameLane, rows: list[int], topics: Topics) -> Source:
    unit = lane.stream.depth_unit_m
    metric = unit is not None and abs(unit - _MILLIMETRE_M) > 1e-12
    how = f"decoded; metres, a count is {unit:g} m" if metric else "decoded; counts as recorded"
    topic = topics.declare(lane.stream.name, of_type(RawImage), packed=True, stream=lane.stream, how=how)
    shown = topics.declare(
        lane.stream.name + PREVIEW,
        of_type(CompressedImage),
        packed=False,
        stream=lane.stream,
        how=_MADE,
    )
    frame = _frame(lane)

    def make(index: int, t_ns: int) -> Sequence[Message]:
        counts = lane.pixels(index)
        depth = (counts * np.float64(unit or 1.0)).astype(np.float32) if metric else counts
        message = CompressedImage(timestamp=stamp(t_ns), frame_id=frame, format="jpeg")
        preview = with_data(message, lane.rendered(index, counts))
        return [(topic, t_ns, _raw_image(lane, t_ns, depth)), (shown, t_ns, preview)]

    return Source(topics.file, _guarded(lane, rows, topics, make, at_once=_at_once(lane)))


def _raw_image(lane: FrameLane, t_ns: int, pixels: npt.NDArray[np.generic]) -> tuple[bytes, bytes]:
    depth = lane.stream.modality == "depth"
    names = {
        (3, "u1"): "rgb8",
        (2, "u1"): "mono8",
        (2, "u2"): "16UC1" if depth else "mono16",
        (2, "f4"): "32FC1",
    }
    kind = pixels.dtype.newbyteorder("<")
    name = names.get((pixels.ndim, kind.str[1:]))
    if name is None:
        raise ReadError(
            f"{lane.stream.name}: pixels of {pixels.dtype} in {pixels.ndim} dimensions suit no player",
            code="read.undecodable",
        )
    data = np.ascontiguousarray(pixels, kind).tobytes()
    message = RawImage(
        timestamp=stamp(t_ns),
        frame_id=_frame(lane),
        width=pixels.shape[1],
        height=pixels.shape[0],
        encoding=name,
        step=len(data) // pixels.shape[0],
    )
    return with_data(message, data)
