"""image.near_duplicate: pictures that are nearly the same, or mirrored."""

from collections.abc import Iterator, Mapping
from typing import Literal

from rushes.checks._told import told
from rushes.contracts import DuplicatesCheck, Option
from rushes.duplicates import FLAT_GREY, MANY, NEAR_BITS, NEAR_BITS_OF_FILMS, NEAR_BITS_OF_MANY, DuplicatesView
from rushes.model import Finding, Metric


class ImageNearDuplicate:
    """Bits in which the perceptual hashes of two pictures differ, of 64; that of the mirror image as well."""

    name = "image.near_duplicate"
    version = "1"
    reason = (
        "A copy that was scaled, cropped, brightened, mirrored or compressed again is the same picture to a "
        "network. All pairs are searched, exactly; those that hang together are a cluster in the table duplicates."
    )
    known_limits = (
        "Pictures of one stream with times are not held against each other: a film is like itself. A camera that "
        "stands still gives the same picture in two recordings, which is why this is no warning. Turned by more "
        "than three degrees or cropped by more than a tenth, a copy is missed. Flat pictures have no hash."
    )
    subject: Literal["duplicates"] = "duplicates"
    defaults: Mapping[str, Option] = {
        "radius": Option(
            default=NEAR_BITS, unit="bit", reason="finds copies cropped by 5 %; no false pair in the corpus"
        ),
        "radius_films": Option(
            default=NEAR_BITS_OF_FILMS,
            unit="bit",
            reason="two films of one place are alike; copies of a film differ in less",
        ),
        "radius_many": Option(
            default=NEAR_BITS_OF_MANY,
            unit="bit",
            reason="among many pictures, chance makes pairs at larger distances",
        ),
        "many": Option(default=MANY, unit="pictures", reason="from here on radius_many counts"),
        "run_radius": Option(default=4, unit="bit", reason="consecutive pictures so near are taken as one"),
        "flat_std": Option(default=FLAT_GREY, unit="grey", reason="what has no features has no hash either"),
    }

    def judge(
        self,
        view: DuplicatesView,
        options: Mapping[str, float],  # noqa: ARG002 - the search has used them
    ) -> Iterator[tuple[str, Metric | Finding]]:
        """One finding for each stream and stream that it shares pictures with."""
        yield from told(
            view,
            [found for found in view.duplicates if not found.exact],
            check=self.name,
            severity="info",
            words="nearly the same as",
        )


PLUGIN: DuplicatesCheck = ImageNearDuplicate()
