"""What samples say of two clocks lands in clock_pairs, unchanged."""

import json
from pathlib import Path

import numpy as np

from rushes.store import Store
from rushes.workflow.ingest import Request, ingest

SAMPLES = Path(__file__).parents[2] / "data_samples"


def test_every_stamp_with_its_arrival_is_a_pair_of_readings(tmp_path: Path) -> None:
    ingest(tmp_path / "d", Request(paths=[SAMPLES / "tabletop" / "tabletop_s01_take1.mcap"]))
    store = Store.open(tmp_path / "d")
    truth = json.loads((SAMPLES / "truth.json").read_text())["recordings"]["tabletop_s01_take1.mcap"]
    for stream, facts in truth["streams"].items():
        pairs = store.table("clock_pairs", where={"from_clock": stream}).sort_by("index")
        if facts["kind"] == "pose":
            continue
        assert len(pairs) == facts["count"]
        assert pairs["index"].to_pylist() == list(range(facts["count"]))
        assert set(pairs["source"].to_pylist()) == {"log-header"}
        assert set(pairs["relation"].to_pylist()) == {"one-way"}
        table = {"imu": "imu", "audio": "audio"}.get(facts["kind"], "frames")
        rows = store.table(table, where={"stream": stream}).sort_by("index")
        assert np.array_equal(pairs["from_ns"].to_numpy(), rows["t_header_ns"].to_numpy())
        assert np.array_equal(pairs["to_ns"].to_numpy(), rows["t_log_ns"].to_numpy())
