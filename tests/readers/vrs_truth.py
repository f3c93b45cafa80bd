"""What Meta's own reader says of the VRS recordings: run to write ``vrs_truth.json`` anew.

    pip install --no-deps vrs==1.2.2 && python tests/readers/vrs_truth.py ../shared/data/devices

The wheel is no dependency, not even of the tests: it asks for backports of Python's own typing and dataclasses.
"""

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FILES = (
    "aria_aea/recording.vrs",
    "aria_adt/video.vrs",
    "aria_adt_depth/depth_images.vrs",
    "vrs_samples/sample_file.vrs",
    "vrs_samples/sample_raw_pixel_formats.vrs",
    "vrs_samples/chunks.vrs",
)
NUMBERS = ("capture_timestamp_ns", "accelerometer", "gyroscope", "pressure", "magnetometer")


def truth_of(path: Path) -> dict[str, Any]:
    """Tell counts, stamps and contents of a recording, stream by stream."""
    import pyvrs

    reader = pyvrs.SyncVRSReader(str(path))
    streams = {}
    for stream in sorted(reader.stream_ids):
        info = reader.get_stream_info(stream)
        stamps, numbers = [], {}
        content, size = hashlib.sha256(), 0
        for record in reader.filtered_by_fields(stream_ids={stream}, record_types={"data"}):
            stamps.append(round(record.timestamp * 1e9))
            for blocks in (record.image_blocks, record.audio_blocks):
                for block in blocks:
                    content.update(block.tobytes())
                    size += block.nbytes
            for block in record.metadata_blocks:
                for name in NUMBERS:
                    if name in block:
                        value = block[name]
                        value = value.tolist() if hasattr(value, "tolist") else value
                        numbers.setdefault(name, []).append(list(value) if isinstance(value, tuple) else value)
        streams[stream] = {
            "data_records": info["data_records_count"],
            "stamps": [stamps[0], stamps[-1], sum(stamps)],
            "content": content.hexdigest(),
            "content_bytes": size,
            "numbers": {name: [values[0], values[-1]] for name, values in numbers.items()},
        }
    return {"records": reader.n_records, "streams": streams}


if __name__ == "__main__":
    root = Path(sys.argv[1])
    found = {name: truth_of(root / name) for name in FILES}
    (HERE / "vrs_truth.json").write_text(json.dumps(found, indent=1) + "\n")
