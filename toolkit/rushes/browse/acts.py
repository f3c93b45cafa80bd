"""What operators may ask of a dataset: each act changes what it is told to and nothing else, and says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

Frame: TypeAlias = tuple[str, str, int]
"""Recording, stream and index."""
Use = Literal["accept", "reject", "delete", "withdraw"]
TEMPLATES = ("boxes", "hands", "polygons", "masks", "classes")
"""Of annotation, those whose task is a frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What an act did.

    Args:
        said: One sentence or two.
        warnings: What a person should know besides.
        address: To open, where there is one.
    """

    said: str
    warnings: Sequence[str] = ()
    address: str = ""


@runtime_checkable
class Acts(Protocol):
    """A desk that changes the dataset too. An act is noted with the one who opened the App.

    Every act raises a RushesError where it cannot be done; then nothing was changed.
    """

    def tag(self, frames: Sequence[Frame], tag: str, *, given: bool) -> Told:
        """Give a tag to frames, or take it away."""
        ...

    def decide(self, frames: Sequence[Frame], use: Use, *, whole: bool, why: str) -> Told:
        """Decide on the use of frames, or of their whole recordings."""
        ...

    def ask_for_part(self, recordings: Sequence[str], part: str) -> Told:
        """Ask for a part of the split; an empty one takes the request back."""
        ...

    def parts(self) -> Sequence[str]:
        """Name the parts that there are."""
        ...

    def send_to_label_studio(self, frames: Sequence[Frame], template: str) -> Told:
        """Make these frames tasks of the Label Studio that runs."""
        ...

    def pull_from_label_studio(self) -> Told:
        """Bring back what people drew."""
        ...

    def check(self, recordings: Sequence[str], family: str) -> Told:
        """Check recordings anew; all checks where no family is named."""
        ...

    def write_back(self) -> Told:
        """Write back what was changed in the App by its own means."""
        ...
