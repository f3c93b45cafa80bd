"""To which table the samples of an XDF stream belong, and what columns its values become.

Texts, and numbers that come irregularly one at a time or are called markers, are events. Inertial and gaze samples
go to their own tables only where the names and units of all channels leave no doubt; other numbers are signals.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes.model import Modality, SampleTable
from rushes.readers._xdf.headers import TEXT, StreamHeader
from rushes.texts import as_json

STANDARD_GRAVITY_M_S2 = 9.80665
_MARKERS = re.compile(r"(\w*markers?|events?|triggers?|stim\w*)", re.IGNORECASE)
_INERTIAL = re.compile(
    r"(?P<what>acc(?:el(?:erometer)?)?|gyr(?:o(?:scope)?)?)[ _.-]?(?P<axis>[xyz])", re.IGNORECASE
)
_ACCELERATION = {"m/s^2": 1.0, "m/s2": 1.0, "m/s²": 1.0, "m/s/s": 1.0, "g": STANDARD_GRAVITY_M_S2}
_TURNING = {"rad/s": 1.0, "deg/s": np.pi / 180, "°/s": np.pi / 180, "dps": np.pi / 180}
_GAZE = {"xp": "x_px", "yp": "y_px", "confidence": "confidence"}
_PIXELS = {"px", "pixel", "pixels"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Where samples go.

    Args:
        table: Their table.
        modality: Of the stream.
        columns: Turns values, of shape (n, channels) or a list of texts for each sample, into columns.
        note: What is remarkable about it.
    """

    table: SampleTable
    modality: Modality
    columns: Callable[[Any], Mapping[str, Any]]
    note: str | None = None


def kind_of(header: StreamHeader) -> Kind:
    """Decide by format, rate, type, and the names and units of the channels."""
    irregular = header.rate_hz is None
    marked = _MARKERS.fullmatch(header.kind) is not None
    if header.format == TEXT or (irregular and (header.channels == 1 or marked)):
        return Kind(table="events", modality="event", columns=lambda values: _events(values, header))
    named = _inertial(header) or _gaze(header)
    if named is not None:
        return named
    note = None
    if header.kind.lower() == "audio":
        note = "sound, kept as plain numbers"
    elif header.format == "int64":
        note = "64-bit integers, exact up to 2^53"
    return Kind(table="signals", modality="signal", columns=_signals, note=note)


def _signals(values: npt.NDArray[Any]) -> dict[str, Any]:
    return {"values": _as_float64(values)}


def _as_float64(values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    with np.errstate(invalid="ignore"):  # said of a NaN that is not the usual one
        return values.astype(np.float64)


def _events(values: Any, header: StreamHeader) -> dict[str, Any]:
    samples = values.tolist() if isinstance(values, np.ndarray) else values
    if header.channels == 1:
        return {"kind": "marker", "label": [str(sample[0]) for sample in samples]}
    return {
        "kind": "marker",
        "label": [next((str(value) for value in sample if value != ""), "") for sample in samples],
        "value": [as_json(_named(sample, header.labels)) for sample in samples],
    }


def _named(sample: Sequence[Any], labels: tuple[str, ...] | None) -> Any:
    if labels is None or len(set(labels)) < len(labels):
        return list(sample)
    return dict(zip(labels, sample, strict=True))


def _inertial(header: StreamHeader) -> Kind | None:
    found = [_INERTIAL.fullmatch(label) for label in header.labels or ()]
    places: dict[str, tuple[int, float]] = {}
    for place, (match, unit) in enumerate(zip(found, header.units or (), strict=False)):
        if match is None:
            return None
        turning = match["what"].lower().startswith("g")
        scale = (_TURNING if turning else _ACCELERATION).get(unit.lower())
        name = f"gyro_{match['axis'].lower()}_rad_s" if turning else f"accel_{match['axis'].lower()}_m_s2"
        if scale is None or name in places:
            return None
        places[name] = (place, scale)
    whole = [{name for name in places if name.startswith(what)} for what in ("gyro", "accel")]
    if not places or any(len(axes) not in (0, 3) for axes in whole):
        return None

    def columns(values: npt.NDArray[Any]) -> dict[str, Any]:
        return {name: _as_float64(values[:, place]) * scale for name, (place, scale) in places.items()}

    return Kind(table="imu", modality="imu", columns=columns)


def _gaze(header: StreamHeader) -> Kind | None:
    labels = [label.lower() for label in header.labels or ()]
    if header.kind.lower() != "gaze" or len(set(labels)) < len(labels):
        return None
    if not {"xp", "yp"} <= set(labels) or not set(labels) <= set(_GAZE):
        return None
    units = dict(zip(labels, header.units or [""] * len(labels), strict=True))
    if not {units["xp"].lower(), units["yp"].lower()} <= _PIXELS:
        return None

    def columns(values: npt.NDArray[Any]) -> dict[str, Any]:
        return {_GAZE[label]: _as_float64(values[:, place]) for place, label in enumerate(labels)}

    return Kind(table="gaze", modality="gaze", columns=columns)
