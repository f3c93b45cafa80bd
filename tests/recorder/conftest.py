"""What the tests of the recorder share: a recording of made-up sensors, and its file read back."""

from collections import defaultdict
from pathlib import Path

import pytest
from mcap.reader import NonSeekingReader
from mcap_ros2.decoder import DecoderFactory

from made_up_sensors import MadeUp, rig_of
from rushes.recorder.recording import Recording


@pytest.fixture
def record(tmp_path):
    """Give a function that makes a recording of sensors whose source does as a function says."""

    def make(run, *sensors, path=None, **more):
        source = run if isinstance(run, MadeUp) else MadeUp(run)
        facts = more.pop("facts", {"subject": "s07", "task": "pour tea"})
        settled = {"sources": lambda _: source, "min_free_bytes": 1, "opening_s": 2.0} | more
        return Recording(path or tmp_path / "take.mcap", rig_of(*sensors), facts, **settled)

    return make


def messages(path: Path) -> dict[str, list]:
    """Give every message by topic, decoded by other people's libraries: (log time, number, bytes or decoded)."""
    found, decoders = defaultdict(list), DecoderFactory()
    with path.open("rb") as file:
        for schema, channel, message in NonSeekingReader(file, validate_crcs=True).iter_messages(
            log_time_order=False
        ):
            decode = decoders.decoder_for(channel.message_encoding, schema)
            content = message.data if decode is None else decode(message.data)
            found[channel.topic].append((message.log_time, message.sequence, content))
    return found
