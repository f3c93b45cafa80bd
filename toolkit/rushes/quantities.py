"""Numbers with units, as people type and read them."""

import re

UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "min": 60_000_000_000}


def duration_ns(text: str) -> int:
    """Read a length of time that carries its unit, such as ``10ms``; give nanoseconds.

    Raises:
        ValueError: If there is no number or no unit.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(ns|us|µs|ms|s|min)\s*", text)
    if not found:
        raise ValueError(f"'{text}' is no length of time; write the unit, such as 10ms or 0.5s")
    return round(float(found[1]) * UNITS_NS[found[2]])


def say_ns(nanoseconds: int | float | None) -> str:
    """Say a length of time with a fitting unit and three digits: ``16.7 ms``."""
    if nanoseconds is None:
        return ""
    size = abs(nanoseconds)
    for unit, scale in (("s", 1e9), ("ms", 1e6), ("µs", 1e3)):
        if size >= scale:
            return (
                f"{nanoseconds / scale:.4g} {unit}"
                if size < 1000 * scale
                else f"{nanoseconds / scale:,.1f} {unit}"
            )
    return f"{nanoseconds:.0f} ns"


def say_bytes(count: int | None) -> str:
    """Say a size with a fitting unit: ``1.4 GB`` (powers of 1000)."""
    if count is None:
        return ""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= 0.9995 * scale:
            return f"{count / scale:.3g} {unit}" if count < 999.5 * scale else f"{count / scale:,.0f} {unit}"
    return f"{count} B"


def say_count(count: int, noun: str) -> str:
    """Say a number of things: ``1 frame``, ``1,351 frames``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def say_drift(ppm: float, wide_ppm: float | None) -> str:
    """Say a drift in ppm with its half width, each as far as it is known: ``-12.3 ± 2.7``, ``-78 ± 220``."""
    if wide_ppm is None:
        return f"{ppm:+.2f}"
    digits = 0 if wide_ppm >= 10 else 1 if wide_ppm >= 1 else 2 if wide_ppm >= 0.1 else 3
    return f"{ppm:+.{digits}f} ± {wide_ppm:.{digits}f}"
