"""Which picture streams a person means: those of the names given, else all of colour."""

from collections.abc import Iterator, Sequence

from rushes import registry
from rushes.errors import UsageError
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames


def streams_named(opened: Dataset, wanted: Sequence[str] | None) -> Iterator[Frames]:
    """Give the streams of pictures of all recordings that bear these names, by recording and name.

    Raises:
        UsageError: ``dataset.no-stream`` if no recording has a stream of that name.
    """
    table = opened.arrow("streams", columns=["recording_id", "stream", "modality", "table"]).to_pylist()
    pictures = [row for row in table if row["table"] == "frames"]
    for name in wanted or ():
        if all(row["stream"] != name for row in pictures):
            offered = sorted({row["stream"] for row in pictures})
            near = registry.close_to(name, offered)
            raise UsageError(
                f"no recording has a picture stream '{name}'",
                code="dataset.no-stream",
                hint=f"did you mean '{near}'?" if near else f"there are {', '.join(offered) or 'none'}",
            )
    for row in sorted(pictures, key=lambda r: (r["recording_id"], r["stream"])):
        if row["stream"] in wanted if wanted else row["modality"] == "color":
            yield opened.frames(row["recording_id"], row["stream"])
