"""Rates, spans and instants as a report shows them; sizes and counts are in ``quantities``."""

from datetime import UTC, datetime

_SECOND = 1_000_000_000
_EARLIEST = 946_684_800 * _SECOND  # 2000-01-01: earlier stamps are a clock that was never set, not a date
_LATEST = 4_102_444_800 * _SECOND  # 2100-01-01


def rate(hertz: float | None) -> str:
    """Give a rate with five digits: ``29.997 Hz``; a dash where there is none."""
    if hertz is None:
        return "–"
    if hertz >= 10_000:
        return f"{hertz:,.0f} Hz"
    return f"{hertz:.5g} Hz"


def span(nanoseconds: int) -> str:
    """Give a duration at the size of its unit: ``33.4 ms``, ``21.700 s``, ``2 min 25.6 s``, ``3 h 04 min``."""
    sign, amount = ("−" if nanoseconds < 0 else ""), abs(nanoseconds)
    if amount < 1000:
        return f"{sign}{amount} ns" if amount else "0 s"
    if amount < 999_500:
        return f"{sign}{amount / 1e3:.3g} µs"
    if amount < 999_500_000:
        return f"{sign}{amount / 1e6:.3g} ms"
    if amount < 100 * _SECOND:
        return f"{sign}{amount / 1e9:.3f} s"
    minutes, seconds = divmod(amount / 1e9, 60)
    if minutes < 100:
        return f"{sign}{minutes:.0f} min {seconds:04.1f} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 100:
        return f"{sign}{hours:.0f} h {minutes:02.0f} min"
    days = amount / (86_400 * _SECOND)
    return f"{sign}{days:,.0f} days" if days < 1000 else f"{sign}{days / 365.25:,.3g} years"


def seconds(nanoseconds: int) -> str:
    """Give seconds to the millisecond, for tables and axes: ``12.345 s``."""
    return f"{nanoseconds / 1e9:,.3f} s".replace("-", "−")


def instant(nanoseconds: int) -> str:
    """Give a date and time in UTC, or the plain seconds of a clock that does not count from 1970."""
    if _EARLIEST <= nanoseconds < _LATEST:
        moment = datetime.fromtimestamp(nanoseconds // _SECOND, tz=UTC)
        return f"{moment:%Y-%m-%d %H:%M:%S}.{nanoseconds % _SECOND // 1_000_000:03d} UTC"
    return seconds(nanoseconds)
