"""The App on 100,000 labelled pictures: loading beside FiftyOne's public way, reopening, pictures, filters.

python bench/browse.py [MOMENTS [PEER]]: makes the dataset once into ``bench/output/browse``; three pictures a
moment. Of the public way PEER samples are added (3,000). Seconds are by the clock and by the processors, of this
process and of MongoDB; they are told apart, as the two work at the same time. Pictures are asked for by another
process.
"""

import asyncio
import json
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import psutil

from browse_fixture import STREAMS, make
from rushes.browse import environment, mongod
from rushes.browse.serve import NOTE, Opened, serve
from rushes.browse.showing import showing
from rushes.browse.view import BrowseView
from rushes.registry import late
from rushes.workflow.browse import browse_view, pictures
from rushes.workflow.dataset import Dataset

OUT = Path(__file__).resolve().parent / "output" / "browse"
TAKES = 12
CONNECTIONS = 6
REQUESTS = 3000


class Times:
    """Prints what each step took."""

    def __init__(self) -> None:
        self.database: psutil.Process | None = None

    def of(self, what: str, work: Callable[[], Any], *, samples: int = 0) -> Any:
        """Run some work and say what it took."""
        before, wall = self._cpu(), time.perf_counter()
        answer = work()
        wall = time.perf_counter() - wall
        ours, theirs = (b - a for a, b in zip(before, self._cpu(), strict=True))
        rate = f"{samples / wall:9,.0f}/s by the clock {samples / ours:9,.0f}/s of our CPU" if samples else ""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"{what:<34}{wall:7.2f} s {ours:7.2f} CPU {theirs:7.2f} mongod  peak {peak:4.0f} MB {rate}", flush=True
        )
        return answer

    def _cpu(self) -> tuple[float, float]:
        theirs = sum(self.database.cpu_times()[:2]) if self.database else 0.0
        return time.process_time(), theirs


def main(moments: int, peer: int) -> None:
    """Measure everything once."""
    place = make(OUT / f"d{moments}", recordings=TAKES, moments=moments // TAKES)
    cache, times = place / "cache", Times()
    shutil.rmtree(cache, ignore_errors=True)
    cache.mkdir()
    with Dataset.open(place) as dataset:
        view = times.of("read the tables", lambda: browse_view(dataset))
        print(f"{len(view.samples):,} pictures, {len(view.labels):,} labels")
        times.of("digest what is shown", view.digests)
        with mongod.running(cache) as database, environment.applied(cache, database_uri=database.uri):
            times.database = psutil.Process(database.pid)
            load = times.of("import FiftyOne", lambda: late("rushes.browse.load"))
            load.connect(database.uri)
            times.of("load, empty cache", lambda: load.load(view), samples=len(view.samples))
            times.of("load, nothing changed", lambda: load.load(view))
            changed = replace(view, recordings=[replace(view.recordings[0], task="new"), *view.recordings[1:]])
            times.of(
                f"load, 1 of {TAKES} takes changed", lambda: load.load(changed), samples=len(view.samples) // TAKES
            )
            filters(load, view, times)
            few = times.of("the same for the peer", lambda: first(dataset, peer))
            release, load.declare.RAW_RELEASE = load.declare.RAW_RELEASE, "none"
            times.of("FiftyOne's add_samples", lambda: load.load(few), samples=len(few.samples))
            load.declare.RAW_RELEASE = release
            load.load(view)
            load.disconnect()
        times.database = None
        served(dataset, view, cache)
    reopened(place)


def first(dataset: Dataset, count: int) -> BrowseView:
    """Give a view of the first pictures only."""
    view = browse_view(dataset, name="peer")
    keep = slice(0, count)
    samples = view.samples
    names = ("recording", "stream", "index", "moment", "t_ns", "skew_ns", "width", "height", "flags")
    mine = samples.finding_row < count
    cut = replace(
        samples,
        **{name: getattr(samples, name)[keep] for name in names},
        finding_row=samples.finding_row[mine],
        finding_check=[c for c, m in zip(samples.finding_check, mine, strict=True) if m],
    )
    end = int((view.labels.row < count).sum())
    labels = replace(view.labels, row=view.labels.row[:end], table=view.labels.table.slice(0, end))
    return replace(view, samples=cut, labels=labels, words={})


def filters(load: Any, view: BrowseView, times: Times) -> None:
    """Count what the App's sidebar filters would leave, as its server does."""
    dataset, field = load.fo.load_dataset(view.name), load.fo.ViewField
    every = dataset.select_group_slices(media_type="image")
    times.of("filter: recording", lambda: len(every.match(field("recording") == "take 3")))
    times.of("filter: findings", lambda: len(every.match(field("findings").contains("image.blur"))))
    times.of("filter: skew_ms > 0.04", lambda: len(every.match(field("skew_ms") > 0.04)))
    boxes = every.filter_labels("boxes", field("side") == "left")
    times.of("filter: boxes whose side is left", lambda: len(boxes))
    times.of("sidebar: count of each class", lambda: dataset.count_values("boxes.detections.label"))


def served(dataset: Dataset, view: BrowseView, cache: Path) -> None:
    """Ask the App for pictures."""
    stop, found = threading.Event(), list[str]()
    count = int(view.samples.index.max()) + 1
    paths = [
        view.path(view.recordings[at % TAKES].recording_id, view.slices[at % len(STREAMS)], at // 7 % count)
        for at in range(REQUESTS)
    ]

    def ask(opened: Opened) -> None:
        try:
            told = json.dumps({"port": opened.port, "token": opened.token, "paths": paths})
            command = [sys.executable, __file__, "ask"]
            found.append(subprocess.run(command, input=told, capture_output=True, text=True, check=True).stdout)
        finally:
            stop.set()

    def ready(opened: Opened) -> None:
        threading.Thread(target=ask, args=(opened,), daemon=True).start()

    serve(showing(view), pictures(dataset), cache=cache, ready=ready, stop=stop, port=0)
    print(*found, end="")


def reopened(place: Path) -> None:
    """Say how long ``rushes browse`` takes from the shell to its first picture, where nothing has changed."""
    with Dataset.open(place) as dataset:
        view = browse_view(dataset)
        path = view.path(view.recordings[0].recording_id, view.slices[0], 0)
    spans = []
    for _ in range(4):  # the first one brings the players into line
        (place / "cache" / NOTE).unlink(missing_ok=True)
        began = time.perf_counter()
        command = [sys.executable, "-m", "rushes", "browse", str(place), "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            spans.append(_first_picture(place, path, process) - began)
            process.send_signal(signal.SIGINT)
    print(f"{'rushes browse, to the first picture':<36}{statistics.median(spans[1:]):5.2f} s, unchanged dataset")


def _first_picture(place: Path, path: str, process: subprocess.Popen[bytes]) -> float:
    note = place / "cache" / NOTE
    while not note.exists():
        assert process.poll() is None, "it ended"
        time.sleep(0.01)
    address = json.loads(note.read_text())["address"]
    with httpx.Client(base_url=address.partition("/datasets")[0], timeout=60) as client:
        while True:
            try:
                client.get(address)
                client.get("/media", params={"filepath": path}).raise_for_status()
                return time.perf_counter()
            except httpx.TransportError:
                time.sleep(0.01)


def ask() -> None:
    """Ask for pictures, as told on standard input, and print how many came a second."""
    told = json.load(sys.stdin)
    with httpx.Client(base_url=f"http://127.0.0.1:{told['port']}", timeout=60) as client:
        client.get("/", params={"token": told["token"]})
        cookies = dict(client.cookies)
    for connections in (1, CONNECTIONS):
        rate = asyncio.run(_rate(told["port"], cookies, told["paths"], connections))
        print(f"pictures, {connections} connections{'':<11}{rate:9.0f} requests/s")


async def _rate(port: int, cookies: dict[str, str], paths: list[str], connections: int) -> float:
    spans = []
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", cookies=cookies, timeout=60) as client:

        async def some(mine: list[str]) -> None:
            for path in mine:
                (await client.get("/media?" + urlencode({"filepath": path}))).raise_for_status()

        for _ in range(3):
            began = time.perf_counter()
            await asyncio.gather(*(some(paths[at::connections]) for at in range(connections)))
            spans.append(time.perf_counter() - began)
    return len(paths) / statistics.median(spans)


if __name__ == "__main__":
    if sys.argv[1:] == ["ask"]:
        ask()
        sys.exit()
    main(*(int(word) for word in (*sys.argv[1:], *("33336", "3000")[len(sys.argv) - 1 :])))
