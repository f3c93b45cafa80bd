"""Which of a message's times is its time, and the time columns of a batch."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from rushes.model import Clock, Column, Times
from rushes.readers._messages.block import MessageBlock
from rushes.readers._messages.channel_facts import DEVICE_CLOCK
from rushes.readers._messages.layout import Indices

NOTHING: Mapping[str, str] = MappingProxyType({})
STAMP = ("header.stamp.sec", "header.stamp.nanosec")


def joined(seconds: Any, nanoseconds: Any) -> Times:
    """Give int64 nanoseconds from the two halves of a stamp, each of shape (n,)."""
    total: Times = seconds.astype(np.int64) * 1_000_000_000 + nanoseconds.astype(np.int64)
    return total


def chosen(stamps: Times | None, stated: Mapping[str, str] = NOTHING) -> Clock:
    """Choose the stamps inside the messages where they are there, positive, and move; else the log's time.

    A single stamp cannot show that it moves; it is trusted. Where the recorder names the clock of the device, in
    the metadata of the channel, the stamps are trusted whatever they are: a device may count from 0.
    """
    if stamps is not None and stated.get(DEVICE_CLOCK):
        return "header"
    if stamps is None or not len(stamps) or (stamps <= 0).any():
        return "log"
    return "log" if len(stamps) > 1 and (stamps == stamps[0]).all() else "header"


def time_columns(block: MessageBlock, rows: Indices, stamps: Times | None, clock: Clock) -> dict[str, Column]:
    """Give the time columns of the chosen messages; all raw times are kept.

    Args:
        block: The messages.
        rows: Which of them made a sample, once for each sample.
        stamps: Shape of ``rows``. The stamps inside the messages, None where they have none.
        clock: What :func:`chosen` said of the stream.
    """
    every = len(rows) == len(block) and (not len(rows) or bool(rows[-1] == len(rows) - 1))

    def at(values: Times) -> Times:
        return values if every else values[rows]

    log = at(block.log_ns)
    return {
        "t_ns": stamps if clock == "header" and stamps is not None else log,
        "t_log_ns": log,
        "t_publish_ns": None if block.publish_ns is None else at(block.publish_ns),
        "t_header_ns": stamps,
        "seq": None if block.seq is None else at(block.seq),
    }
