"""Small takes with known content, for the tests of the store and the processes that they start."""

import os
import resource
import signal
import sys
from pathlib import Path

import numpy as np

import rushes.store
from rushes.errors import ConflictError, StoreError
from rushes.model import Batch
from rushes.store import Store, Transaction, deltalog

FRAMES = 30
SAMPLES = 200
PER_TAKE = {
    "recordings": 1,
    "streams": 2,
    "media": 1,
    "frames": FRAMES,
    "imu": SAMPLES,
    "ledger": 2,
    "calibrations": 2,
}
"""Rows of one take in each table."""


def fill(change: Transaction, recording_id: str) -> None:
    """Add a take; its values follow from its id."""
    seed = sum(recording_id.encode())
    frames = {"t_ns": seed + np.arange(FRAMES) * 33_333_333, "index": np.arange(FRAMES), "flags": 0}
    change.append_batch(recording_id, Batch(stream="/cam", table="frames", rows=FRAMES, columns=frames))
    for start in range(0, SAMPLES, 50):
        index = np.arange(start, start + 50)
        imu = {"t_ns": seed + index * 1_000_000, "index": index, "gyro_x_rad_s": np.sin(index + seed)}
        change.append_batch(recording_id, Batch(stream="/imu", table="imu", rows=50, columns=imu))
    both = {"recording_id": recording_id, "stream": ["/cam", "/imu"]}
    streams = {"modality": ["color", "imu"], "table": ["frames", "imu"], "count": np.array([FRAMES, SAMPLES])}
    change.append("streams", 2, {**both, **streams, "clock": "log", "time_meaning": "arrival"})
    counts = dict.fromkeys(["n_in", "n_out"], np.array([FRAMES, SAMPLES]))
    nothing = dict.fromkeys(["n_merged", "n_rejected", "n_unread"], 0)
    change.append("ledger", 2, {**both, "step": "read", **counts, **nothing})
    change.append(
        "calibrations",
        2,
        {
            "recording_id": recording_id,
            "stream": "/info",
            "index": np.arange(2),
            "valid_from_ns": np.arange(2),
            "valid_to_ns": np.arange(2) + 1,
            "messages": 1,
            "distortion": np.full((2, 5), 0.1 * seed),
        },
    )
    media = {"media_id": "take.mcap", "uri": f"/{recording_id}", "container": "mcap", "bytes": 9, "mtime_ns": seed}
    change.append("media", 1, {"recording_id": recording_id, **media})
    change.append(
        "recordings",
        1,
        {
            "recording_id": recording_id,
            "name": recording_id,
            "source": f"/{recording_id}",
            "mode": "reference",
            "fingerprint": recording_id,
            "bytes": 9,
            "reader": "mcap",
            "reader_version": "1",
            "status": "ok",
            "count_read": FRAMES + SAMPLES,
            "ingested_ns": seed,
        },
    )


def ingest(path: Path, recording_id: str) -> bool:
    """Ingest a take, as a command would: nothing to do when it is there. Tell whether it was this call."""
    store = Store.open(path)
    if store.table("recordings", where={"recording_id": recording_id}).num_rows:
        return False
    with store.begin("ingest", argv=["rushes", "ingest", recording_id]) as change:
        fill(change, recording_id)
        change.claim_recording(recording_id)
        try:
            change.commit()
        except ConflictError as error:
            if error.code != "store.recording-exists":
                raise
            return False
    return True


def ingest_all(path: Path, recording_ids: list[str]) -> list[bool]:
    """Ingest several, one after the other."""
    return [ingest(path, recording_id) for recording_id in recording_ids]


def ingest_and_die(path: Path, recording_id: str, line: int) -> None:
    """Ingest, and be killed when the store has run that many lines."""
    count = Lines(kill_at=line)
    sys.settrace(count.enter)
    ingest(path, recording_id)


def told(work, *arguments) -> str:
    """Do something and give its answer, or the code of the error that it told."""
    try:
        return str(work(*arguments))
    except StoreError as error:
        return error.code


def ingest_together(path: Path, barrier, answers) -> None:
    """Have a take ready, wait for the other process, then commit."""
    with Store.open(path).begin("ingest") as change:
        fill(change, "a")
        change.claim_recording("a")
        barrier.wait()
        answers.put(told(lambda: change.commit().revision))


def ingest_under_limit(path: Path, answers) -> None:
    """Ingest where the system lets no file grow beyond 3,000 bytes, as on a disk with no room."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, resource.RLIM_INFINITY))
    answers.put(told(ingest, path, "b"))


def count_lines(path: Path, recording_id: str, answers) -> None:
    """Ingest, and give how many lines ran before the first table changed, and in all."""
    count, plain, changes = Lines(kill_at=None), deltalog.put, []

    def put(*arguments, **options):
        changes.append(count.count)
        plain(*arguments, **options)

    deltalog.put = put
    sys.settrace(count.enter)
    ingest(path, recording_id)
    sys.settrace(None)
    answers.put((changes[0], count.count))


class Lines:
    """Counts the lines of the store that run, and kills the process at one of them."""

    def __init__(self, *, kill_at: int | None) -> None:
        self.count = 0
        self._kill_at = kill_at
        self._place = str(Path(rushes.store.__file__).parent)

    def enter(self, frame, event, argument):
        """Watch a call if it is the store's."""
        return self.line if frame.f_code.co_filename.startswith(self._place) else None

    def line(self, frame, event, argument):
        """Count a line."""
        self.count += 1
        if self.count == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.line


def content(store: Store) -> dict[str, list]:
    """Give all rows of all tables but revisions, in an order of their own."""
    return {
        table: sorted(store.table(table).to_pylist(), key=repr)
        for table in [*PER_TAKE, "moments", "metrics", "findings", "splits"]
    }


def check_whole(store: Store, recording_ids: list[str]) -> None:
    """Assert that the store holds these takes, each whole, and nothing else."""
    for table, rows in PER_TAKE.items():
        found = store.table(table, columns=["recording_id"])["recording_id"].to_pylist()
        assert sorted(found) == sorted(r for r in recording_ids for _ in range(rows)), table
