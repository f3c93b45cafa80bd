"""Words and kinds that the stream checks share."""

from rushes.contracts import StreamView
from rushes.model import Stream

SENSORS = ("color", "depth", "infrared", "imu", "audio", "pose", "gaze", "signal")
"""What ticks by nature. Events, calibrations, transforms and messages come when there is something to say."""


def keeps_a_rate(stream: Stream) -> bool:
    """Say whether a stream promises to tick: a sensor's does, and a signal's where a rate is declared."""
    return stream.modality in SENSORS and (stream.modality != "signal" or stream.nominal_rate_hz is not None)


def noun(view: StreamView) -> str:
    """Say what a sample of the stream is called."""
    return {"frames": "frame", "audio": "block", "messages": "message"}.get(view.stream.table, "sample")


def where(view: StreamView, first: int, last: int) -> str:
    """Name the samples from one position to another, both included, by their index."""
    index = view.columns["index"]
    if first == last:
        return f"{noun(view)} {int(index[first])}"
    return f"{noun(view)}s {int(index[first])} to {int(index[last])}"
