"""image.unreadable: pictures whose bytes are there and do not decode."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, FrameFlag, Metric, Stream

WORDS = {
    1: "its file or message is empty",
    2: "it ends in the middle: the bytes were cut",
    3: "the bytes are no picture",
    4: "it states more pixels than are decoded",
    5: "the bytes do not decode as {codec}",
}
"""By ``unreadable``, as in ``rushes.checks._measures.UNREADABLE``."""


class ImageUnreadable:
    """By the look at each picture, and by the flag that a reader gave; recording.loss tells what is absent."""

    name = "image.unreadable"
    version = "2"
    reason = "One damaged picture stops a training run hours after it started, or is read half grey."
    known_limits = (
        "A JPEG that lost bytes in its middle may still decode, with shifted colours; image.half tells "
        "some of these. What is absent altogether is told by recording.loss. A pixel format for which "
        "there is no decoder, such as VRS's scalar64F, is told like a damaged one."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ("flags",)
    pictures: tuple[str, ...] = ("unreadable",)
    defaults: Mapping[str, Option] = {}

    def applies(self, stream: Stream) -> bool:
        """Every picture stream."""
        return stream.table == "frames"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002 - no options
        """One finding a run of pictures with one fault, always an error; measured is how many they are."""
        count = len(view.columns["t_ns"])
        unreadable = np.asarray(view.pictures.get("unreadable", np.full(count, np.nan)))
        flags = np.asarray(view.columns.get("flags", np.zeros(count, np.int32)))
        flagged = (flags & FrameFlag.CORRUPT) > 0
        judged = ~np.isnan(unreadable) | flagged
        if not judged.any():
            return
        faulty = (unreadable > 0) | flagged
        yield Metric(metric="unreadable", value=float(faulty.sum()), unit="1", stream=view.stream.name)
        code = np.where(faulty, np.where(unreadable > 0, np.nan_to_num(unreadable), 5), 0)
        for fault in np.unique(code[judged & faulty]).tolist():
            words = WORDS.get(int(fault), WORDS[5]).format(codec=view.stream.codec or "a picture")
            yield from span_findings(
                view,
                np.flatnonzero(judged),
                code[judged] == fault,
                check=self.name,
                severity="error",
                values=np.ones(int(judged.sum())),
                limit=0.0,
                unit="1",
                say=lambda _, words=words: words,  # type: ignore[misc]
                worst=np.sum,
            )


PLUGIN: StreamCheck = ImageUnreadable()
