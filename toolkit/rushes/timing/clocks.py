"""The times that a stream carries, and whether its stamps can be used at all."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rushes.model import Times, absent

LOG = "log"
"""Name of the recorder's own clock, in clock_pairs and clock_maps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTimes:
    """The times that one stream carries, each of shape (n,) in recorded order.

    Args:
        raw: ``t_ns``.
        clock: Which time ``raw`` is: header, log, pts or none, as :class:`rushes.model.Stream` says.
        header: ``t_header_ns``, masked where absent; None where the stream has none.
        log: ``t_log_ns``, as ``header``.
        clock_id: Name of the clock of its stamps, where the recording tells.
        told_apart: Whether the recording gives different names to different clocks, as a recorder does that knows
            its sensors; else two names may be of one clock.
        latency_ns: The smallest time from an instant to its log time, as calibrated; None where nobody did.
    """

    raw: Times
    clock: str
    header: npt.NDArray[np.int64] | None = None
    log: npt.NDArray[np.int64] | None = None
    clock_id: str | None = None
    told_apart: bool = False
    latency_ns: int | None = None


def is_whole(column: npt.NDArray[np.int64] | None) -> bool:
    """Say whether a column is there and lacks nothing."""
    return column is not None and len(column) > 0 and not absent(column).any()


def header_fault(stream: StreamTimes) -> str:
    """Say why the header stamps cannot be used; empty where they can."""
    if stream.header is None or absent(stream.header).all():
        return "it has no header stamps"
    if lacking := int(absent(stream.header).sum()):
        return f"{lacking} of its samples have no header stamp"
    header = np.asarray(stream.header)
    if not header.any():
        return "its header stamps are all zero"
    if len(header) > 2 and (header == header[0]).all():
        return "its header stamps never change"
    if is_whole(stream.log) and len(header) > 2:
        ran, logged = int(np.ptp(header)), int(np.ptp(np.asarray(stream.log)))
        if logged and not 0.5 <= ran / logged <= 2:
            return f"its header stamps run {ran / 1e9:.4g} s while the recorder ran {logged / 1e9:.4g} s"
    return ""
