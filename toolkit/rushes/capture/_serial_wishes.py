"""What a rig may ask of a serial line, read once and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from rushes.capture._lines import CLOCK_UNITS_NS, LineForm
from rushes.capture._wishes import Wishes
from rushes.errors import RecipeError
from rushes.registry import close_to
from rushes.sensors import SensorOfRig

GRAVITY_M_S2 = 9.80665
"""Standard acceleration of gravity, by which ``g`` is counted (BIPM, 1901)."""
_GYRO = {"rad/s": 1.0, "deg/s": 3.141592653589793 / 180}
_ACCEL = {"m/s2": 1.0, "g": GRAVITY_M_S2}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImuWishes:
    """Which fields are an inertial sensor, three or none each, and what makes SI units of them."""

    gyro: tuple[str, ...]
    accel: tuple[str, ...]
    gyro_scale: float
    accel_scale: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialWishes:
    """What is asked of a serial line; the docstring of the plugin says what each means.

    Args:
        others: Fields that are plain numbers, with their units.
    """

    name: str
    device: str
    baud: int
    form: LineForm
    imu: ImuWishes | None
    others: Mapping[str, str]


def serial_wishes(sensor: SensorOfRig) -> SerialWishes:
    """Read what a rig asks of a serial line.

    Raises:
        RecipeError: ``rig.invalid``, for what is not known or cannot be meant.
    """
    form, options = Wishes(sensor, "format"), Wishes(sensor, "options")
    kind = cast("Literal['json', 'csv']", form.text("lines", "csv", among=("json", "csv")))
    columns = form.texts("columns")
    if not columns or len(set(columns)) != len(columns):
        raise form.refused("columns", f"is {list(columns)}; it must name every field once, such as 't,ax,ay,az'")
    clock, seq, text = (_column(options, key, options.text(key), columns) for key in ("clock", "seq", "text"))
    unit = options.text("clock_unit", among=tuple(CLOCK_UNITS_NS))
    if (clock is None) != (unit is None):
        raise options.refused("clock_unit", "and clock belong together: a field, and s, ms, us or ns")
    imu = _imu(options, options.mapping("imu"), columns)
    taken = {clock, seq, text, *(imu.gyro + imu.accel if imu else ())}
    numbers = tuple(name for name in columns if name not in (clock, seq, text))
    units = options.mapping("units")
    for name in units:
        _column(options, "units", name, columns)
    baud = options.whole("baud", 115_200, most=20_000_000)
    form.finish()
    options.finish()
    return SerialWishes(
        name=sensor.name,
        device=sensor.device,
        baud=baud or 115_200,
        form=LineForm(
            kind=kind,
            columns=columns,
            numbers=numbers,
            clock=clock,
            clock_unit_ns=CLOCK_UNITS_NS[unit or "ns"],
            seq=seq,
            text=text,
        ),
        imu=imu,
        others={name: str(units.get(name, "")) for name in columns if name not in taken},
    )


def _imu(options: Wishes, said: Mapping[str, Any], columns: tuple[str, ...]) -> ImuWishes | None:
    if not said:
        return None
    known = ("gyro", "accel", "gyro_unit", "accel_unit")
    for key in said:
        if key not in known:
            near = close_to(key, known)
            raise options.refused("imu", f"has no '{key}'", hint=f"did you mean '{near}'?" if near else "")
    gyro, accel = (_three(options, key, said.get(key), columns) for key in ("gyro", "accel"))
    if not gyro and not accel:
        raise options.refused("imu", "names neither gyro nor accel")
    return ImuWishes(
        gyro=gyro,
        accel=accel,
        gyro_scale=_scale(options, "gyro_unit", said.get("gyro_unit"), _GYRO, needed=bool(gyro)),
        accel_scale=_scale(options, "accel_unit", said.get("accel_unit"), _ACCEL, needed=bool(accel)),
    )


def _three(options: Wishes, key: str, said: Any, columns: tuple[str, ...]) -> tuple[str, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or len(said) != 3 or len(set(map(str, said))) != 3:
        raise options.refused("imu", f"says {key}: {said!r}; it must name the fields of x, y and z")
    for name in said:
        _column(options, "imu", str(name), columns)
    return tuple(map(str, said))


def _scale(options: Wishes, key: str, said: Any, units: Mapping[str, float], *, needed: bool) -> float:
    """Give the factor to SI; a unit that is not said is not guessed."""
    if not needed and said is None:
        return 1.0
    if said not in units:
        raise options.refused("imu", f"says {key}: {said!r}; it can be {' or '.join(units)}")
    return units[said]


def _column(options: Wishes, key: str, name: str | None, columns: tuple[str, ...]) -> str | None:
    if name is None or name in columns:
        return name
    near = close_to(name, columns)
    error: RecipeError = options.refused(
        key, f"names '{name}', which is no column", hint=f"did you mean '{near}'?" if near else ""
    )
    raise error
