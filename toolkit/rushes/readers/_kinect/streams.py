"""The tracks of a device as streams: what k4arecord calls COLOR, DEPTH, IR and IMU, and tracks that others add.

All times are the middle of an exposure, as the SDK documents its device stamps. A depth delay (metadata
``depth_delay_ns``) is how much later than colour the depth camera was told to expose; the stamps contain it.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from rushes.model import Modality, Stream
from rushes.readers._matroska.header import Header, Track

DEPTH_UNIT_M = 0.001
_VIDEO_TRACK, _VFW = 1, "V_MS/VFW/FOURCC"
_IMU_CODEC = "S_K4A/IMU"
_NAMES: Mapping[str, tuple[str, Modality]] = {
    "COLOR": ("color", "color"),
    "DEPTH": ("depth", "depth"),
    "IR": ("infrared", "infrared"),
    "IMU": ("imu", "imu"),
}
_BY_FOURCC: Mapping[bytes, tuple[str, str | None]] = {
    b"MJPG": ("jpeg", None),
    b"NV12": ("raw", "nv12"),
    b"YUY2": ("raw", "yuyv"),
    b"b16g": ("raw", "mono16_be"),
    b"Y16 ": ("raw", "mono16"),
    b"\0\0\0\0": ("raw", "bgra8"),  # BI_RGB, which K4A writes for BGRA32
    b"BGRA": ("raw", "bgra8"),
}
_CODECS: Mapping[str, str] = {
    "V_MJPEG": "jpeg", "V_MPEG4/ISO/AVC": "h264", "V_MPEGH/ISO/HEVC": "hevc", "V_AV1": "av1", "V_FFV1": "ffv1",
}  # fmt: skip
KNOWN_CODECS = frozenset({codec for codec, _ in _BY_FOURCC.values()} | set(_CODECS.values()))
GYRO_NOTE = "t_ns is the stamp of the accelerometer; the gyroscope's own, where it differs, is not kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceTrack:
    """A track that becomes a stream: its number in the file, the stream, and what the recorder calls its mode."""

    number: int
    stream: Stream
    mode: str | None

    @property
    def independent(self) -> bool:
        """Whether each of its pictures decodes by itself, from its own bytes."""
        return self.stream.codec in ("jpeg", "raw")


def tracks_of(header: Header, *, clock_id: str) -> tuple[list[DeviceTrack], list[str]]:
    """Give the tracks that are read, and the names of those that are not."""
    found: list[DeviceTrack] = []
    unread: list[str] = []
    taken: set[str] = set()
    base = Fraction(header.scale_ns, 1_000_000_000)
    for index, track in enumerate(header.tracks):
        named, modality = _NAMES.get(track.name, (track.name.lower() or f"track{track.number}", None))
        name = named if named not in taken else f"{named}{track.number}"
        taken.add(name)
        common: dict[str, Any] = {
            "name": name,
            "clock": "header",
            "clock_id": clock_id,
            "container_index": index,
            "time_base_num": base.numerator,
            "time_base_den": base.denominator,
        }
        mode = next((value for tag, value in track.tags.items() if tag.endswith("_MODE")), None)
        if track.kind == _VIDEO_TRACK:
            stream = _video(track, modality, common)
        elif track.codec == _IMU_CODEC:
            stream = Stream(
                **common, modality="imu", table="imu", frame_of_reference="accelerometer", notes=GYRO_NOTE
            )
        else:
            unread.append(f"track {track.number} '{track.name}' of codec {track.codec}")
            continue
        found.append(DeviceTrack(number=track.number, stream=stream, mode=mode))
    return found, unread


def _video(track: Track, modality: Modality | None, common: dict[str, Any]) -> Stream:
    width, height, fourcc = track.width, track.height, b""
    if track.codec == _VFW and len(track.private) >= 20:
        # BITMAPINFOHEADER: size, width, height, planes and bits, compression
        width, height = struct.unpack_from("<ii", track.private, 4)
        fourcc = track.private[16:20]
    codec, form = _BY_FOURCC.get(fourcc, (None, None)) if fourcc else (_CODECS.get(track.codec), None)
    if codec is None:
        codec = fourcc.decode("ascii", "replace").strip("\0 ").lower() or track.codec.lower()
    if form is not None and modality == "depth":
        form = form.replace("mono16", "16UC1")
    return Stream(
        **common,
        modality=modality or "color",
        table="frames",
        codec=codec,
        pixel_format=form,
        width=width or None,
        height=abs(height) or None,
        nominal_rate_hz=1e9 / track.frame_ns if track.frame_ns else None,
        depth_unit_m=DEPTH_UNIT_M if modality == "depth" else None,
        time_meaning="exposure_mid" if modality is not None else "unknown",
        frame_of_reference={"color": "color_camera", "depth": "depth_camera", "infrared": "depth_camera"}.get(
            modality or ""
        ),
    )
