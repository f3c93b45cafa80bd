"""image.duplicate: pictures that are there more than once, byte for byte."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.checks._told import told
from rushes.contracts import DuplicatesCheck, Option
from rushes.duplicates import DuplicatesView
from rushes.model import Finding, Metric


class ImageDuplicate:
    """The sha256 of the encoded bytes."""

    name = "image.duplicate"
    version = "1"
    reason = (
        "The same file twice weighs double in training, and in two parts of a split it makes the score a lie. The "
        "table duplicates names every one with its cluster; splits keep a cluster together."
    )
    known_limits = (
        "Frames inside a video track have no bytes of their own; image.near_duplicate finds them. Equal "
        "neighbours in one stream are told by image.frozen."
    )
    subject: Literal["duplicates"] = "duplicates"
    defaults: Mapping[str, Option] = {}

    def judge(
        self,
        view: DuplicatesView,
        options: Mapping[str, float],  # noqa: ARG002 - the search has used them
    ) -> Iterator[tuple[str, Metric | Finding]]:
        """One finding for each stream and stream that it shares pictures with."""
        yield from told(
            view,
            [found for found in view.duplicates if found.exact],
            check=self.name,
            severity="warning",
            words="the same bytes as",
        )


PLUGIN: DuplicatesCheck = ImageDuplicate()
