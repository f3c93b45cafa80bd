"""Minutes of sensors that come and go, under a person who cannot leave the keys alone: the books balance."""

import json
import os
import random
from collections import Counter
from pathlib import Path

import pytest

from made_up_sensors import STREAMS, samples_of, sensor
from recorder.conftest import messages
from rushes.readers.mcap import PLUGIN

SECONDS = float(os.environ.get("RUSHES_SOAK_SECONDS", "180"))
SEED = int(os.environ.get("RUSHES_SOAK_SEED", "4"))
FORMS = {"pictures": (1, 1 / 30), "inertial": (10, 0.01), "sound": (480, 0.01), "numbers": (50, 0.05)}
"""Samples at a time, and seconds between."""


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.mark.soak
@pytest.mark.timeout(SECONDS * 2 + 120)
def test_for_minutes_what_arrived_is_in_the_file_or_counted(record, tmp_path):
    put: Counter[str] = Counter()

    def run(into, of):
        number, every_s = FORMS[of.device]
        while not into.stopping.wait(every_s):
            samples = samples_of(of.device, put[of.device], number, into.clock.now_ns())
            into.put(samples)
            put[of.device] += len(samples)

    draw, held = random.Random(SEED), []
    with record(run, *(sensor(form) for form in FORMS)) as recording:
        acts = {
            "pause": recording.pause,
            "resume": recording.resume,
            "next": recording.next_take,
            "retake": recording.retake,
            "discard": lambda: recording.judge("discard"),
            "keep": lambda: recording.judge("keep"),
            "mark": lambda: recording.mark("ü"),
        }
        for at in range(int(SECONDS / 0.5)):
            recording.wait(0.5)
            acts[draw.choice(list(acts))]()
            recording.status()
            if at % 20 == 0:
                held.append(resident_mb())
        recording.resume()
    verdict = recording.verdict()

    assert verdict.whole
    assert held[-1] - held[len(held) // 4] < 40, f"memory grows: {held}"
    found = messages(tmp_path / "take.mcap")
    for stream in verdict.streams:
        form = next(form for form in FORMS if STREAMS[form].name == stream.stream)
        assert stream.samples + stream.dropped + stream.left_out == put[form], stream
        assert len(found[stream.stream]) == stream.samples
    told = [json.loads(content) for _, _, content in found["/rushes/troubles"]]
    left_out = sum(one["count"] for one in told if one["what"] == "paused")
    assert left_out == sum(stream.left_out for stream in verdict.streams)
    newest = {(take := json.loads(content))["number"]: take for _, _, content in found["/rushes/takes"]}
    assert [(t.number, t.verdict, t.retake_of) for t in verdict.takes] == [
        (n, newest[n]["verdict"], newest[n]["retake_of"]) for n in sorted(newest)
    ]
    with PLUGIN.open(tmp_path / "take.mcap", {}) as opened:
        rows = Counter()
        for batch in opened.batches():
            rows[batch.stream] += batch.rows
        assert {s.stream: rows[s.stream] for s in verdict.streams} == {
            s.stream: s.samples for s in verdict.streams
        }
        assert not [loss for loss in opened.losses() if loss.code != "capture.lost"]
