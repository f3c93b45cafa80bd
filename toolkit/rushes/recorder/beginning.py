"""What stands at the head of a recording: facts of the session, the rig, and the files that belong to it."""

import json
from collections.abc import Mapping

from rushes import __version__
from rushes.chunked_mcap import ChunkedFile, Out
from rushes.sensors import Rig

CHUNK_BYTES = 4 << 20
DECLARE_EVERY = 20
"""Chunks of a topic, which are ten seconds; a damaged file is read again from there."""


def begun(out: Out, rig: Rig, facts: Mapping[str, str], *, start_ns: int) -> ChunkedFile:
    """Begin the file of a recording.

    Raises:
        OSError: If it cannot be written, or a calibration cannot be read.
    """
    file = ChunkedFile(
        out,
        library=f"rushes {__version__}",
        profile="ros2",
        chunk_bytes=CHUNK_BYTES,
        declare_every=DECLARE_EVERY,
    )
    file.add_metadata("session", facts)
    file.add_metadata("rushes.rig", {"name": rig.name, "digest": rig.digest, "rushes": __version__})
    session = json.dumps({"rig": rig.name, "start_ns": start_ns, "facts": dict(facts)}, indent=1).encode()
    file.add_attachment("rig.yaml", rig.text.encode(), media_type="application/yaml", log_ns=start_ns)
    file.add_attachment("session.json", session, media_type="application/json", log_ns=start_ns)
    for sensor in rig.sensors:
        if sensor.calibration is not None:
            name = f"calibration/{sensor.name}/{sensor.calibration.name}"
            data = sensor.calibration.read_bytes()
            file.add_attachment(name, data, media_type="application/octet-stream", log_ns=start_ns)
    return file
