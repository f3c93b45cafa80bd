"""image.unreadable: pictures whose bytes are there and do not decode."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, FrameFlag, Metric, Stream


class ImageUnreadable:
    """By the look at each picture, and by the flag that a reader gave; recording.loss tells what is absent."""

    name = "image.unreadable"
    version = "1"
    reason = "One damaged picture stops a training run hours after it started, or is read half grey."
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("flags",)
    pictures: tuple[str, ...] = ("unreadable",)
    defaults: Mapping[str, Option] = {}

    def applies(self, stream: Stream) -> bool:
        """Every picture stream."""
        return stream.table == "frames"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002 - no options
        """One finding a run of unreadable pictures, always an error."""
        count = len(view.columns["t_ns"])
        unreadable = np.asarray(view.pictures.get("unreadable", np.full(count, np.nan)))
        flags = np.asarray(view.columns.get("flags", np.zeros(count, np.int32)))
        faulty = (unreadable > 0) | ((flags & FrameFlag.CORRUPT) > 0)
        judged = ~np.isnan(unreadable) | faulty
        if not judged.any():
            return
        yield Metric(metric="unreadable", value=float(faulty.sum()), unit="1", stream=view.stream.name)
        yield from span_findings(
            view,
            np.flatnonzero(judged),
            faulty[judged],
            check=self.name,
            severity="error",
            values=faulty[judged].astype(np.float64),
            limit=0.0,
            unit="1",
            say=lambda _: f"the bytes do not decode as {view.stream.codec or 'a picture'}",
            worst=np.max,
        )


PLUGIN: StreamCheck = ImageUnreadable()
