"""Words and kinds that the stream checks share."""

from rushes.contracts import StreamView

SENSORS = ("color", "depth", "infrared", "imu", "audio", "pose")
"""What ticks by nature. Calibrations, transforms and other messages come when there is something to say."""


def noun(view: StreamView) -> str:
    """Say what a sample of the stream is called."""
    return {"frames": "frame", "audio": "block", "messages": "message"}.get(view.stream.table, "sample")


def where(view: StreamView, first: int, last: int) -> str:
    """Name the samples from one position to another, both included, by their index."""
    index = view.columns["index"]
    if first == last:
        return f"{noun(view)} {int(index[first])}"
    return f"{noun(view)}s {int(index[first])} to {int(index[last])}"
