"""image.format: pictures encoded in another way than the rest of their stream, or turned by EXIF."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._spans import span_findings
from rushes.contracts import Option, StreamCheck, StreamView
from rushes.model import Finding, Metric, Stream


class ImageFormat:
    """Channels, bits and EXIF orientation that the bytes state."""

    name = "image.format"
    version = "1"
    reason = (
        "One CMYK or 16-bit file among the others, or a turn that some programs apply and others do not, "
        "and pixels no longer mean the same: labels drawn on the turned picture do not fit the stored "
        "one."
    )
    known_limits = (
        "A grey file among colour ones is told by image.grey. Labels in a dataset are in pixels as "
        "stored, whatever EXIF says."
    )
    subject: Literal["stream"] = "stream"
    columns: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ("channels", "bits", "orientation")
    defaults: Mapping[str, Option] = {}

    def applies(self, stream: Stream) -> bool:
        """Every picture stream."""
        return stream.table == "frames"

    def judge(self, view: StreamView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:  # noqa: ARG002 - no options
        """One finding a run."""
        if not set(self.pictures) <= set(view.pictures):
            return
        channels, bits, turn = (view.pictures[name] for name in self.pictures)
        at = np.flatnonzero(~np.isnan(channels))
        if len(at) == 0:
            return
        mixed = bits[at] != np.median(bits[at])
        for faulty, values, unit, words in (
            (turn[at] > 1, turn[at], "1", "turned by EXIF orientation {:.0f}; pixels and labels are as stored"),
            (mixed, bits[at], "bit", "{:.0f} bits a channel, unlike the rest of the stream"),
            (
                channels[at] == 4,
                channels[at],
                "1",
                "{:.0f} channels: CMYK, whose colours are a guess",
            ),
        ):
            yield from span_findings(
                view,
                at,
                faulty,
                check=self.name,
                severity="info",
                values=values,
                limit=None,
                unit=unit,
                say=words.format,
                worst=np.max,
            )


PLUGIN: StreamCheck = ImageFormat()
