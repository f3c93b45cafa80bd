"""Ten thousand tasks to a real Label Studio and back, beside the bare import of the same tasks.

python bench/annotate.py [TASKS [ROUNDS]]: starts a server in a scratch home; prints for every step seconds, CPU
seconds and the most memory so far, and in the end the median of each over the rounds.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from rushes import ontology
from rushes.annotate.label_studio import server, template
from rushes.annotate.label_studio.client import Client
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.places import Home
from rushes.annotate.label_studio.plan import Task
from rushes.annotate.label_studio.sending import send
from rushes.store import Store
from rushes.workflow._annotate import project as projects
from rushes.workflow._annotate.project import Line
from rushes.workflow.annotate_pull import pull
from rushes.workflow.annotate_push import _record
from rushes.workflow.dataset import Dataset


class Times:
    """What every step took, round by round."""

    def __init__(self) -> None:
        self.walls: dict[str, list[float]] = {}

    def of(self, what: str, work: Callable[[], Any]) -> None:
        """Run some work and print what it took."""
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{what:<48}{wall:8.2f} s {cpu:8.2f} CPU s here   peak {peak:5.0f} MB", flush=True)
        self.walls.setdefault(what, []).append(wall)

    def report(self) -> None:
        """Print medians, and push against the bare imports before and after it."""
        print("\nmedians")
        for what, walls in self.walls.items():
            print(f"{what:<48}{median(walls):8.2f} s")
        before, after = self.walls["bare import, one request"], self.walls["bare import, once more"]
        shares = [2 * ours / (b + a) for ours, b, a in zip(self.walls["push"], before, after, strict=True)]
        print(f"push / mean of the bare imports before and after: {median(shares):.2f}")


def box(at: int) -> dict[str, Any]:
    """Give one predicted box."""
    value = {"x": 10 + at % 40, "y": 12.345678901, "width": 20.1, "height": 30.7, "rotation": 0}
    shown = {"original_width": 640, "original_height": 480, "image_rotation": 0}
    names = {"id": f"p{at}", "from_name": "box", "to_name": "image", "type": "rectanglelabels", "score": 0.7}
    return {**names, **shown, "value": {**value, "rectanglelabels": ["hand"]}}


def task(at: int) -> Task:
    """Give one task with a passport and a prediction."""
    passport = Passport(
        recording_id="r1", stream="/cam", index=at, t_ns=at * 33_333_333, width_px=640, height_px=480
    )
    data = {"image": f"/data/local-files/?d=x/{at:07d}.jpg", "template": "boxes", "recording": "bench"}
    data["shown"] = {"image": passport.as_json()}
    return Task(key=f"r1//cam/{at}", data=data, predictions=[{"model_version": "m", "result": [box(at)]}])


def measure(count: int, running: server.Server, scratch: Path, times: Times) -> None:
    """Run every step once."""
    line = Line(access=running.access, name="local")
    spoken = ontology.load("hands")
    made_of = template.build("boxes", spoken)
    tasks = [task(at) for at in range(count)]
    whole = [one.as_json() for one in tasks]
    Store.create(scratch / "dataset")
    with Client(line.access) as client, Dataset.open(scratch / "dataset") as dataset:
        projects.keep_ontology(dataset.store, "hands")
        project, _ = projects.ensure(client, dataset.store, made_of, spoken)
        _record(dataset, projects.row(line, project, made_of, spoken, ()), ())

        def bare() -> None:
            empty = client.create_project(title="bare", config=made_of.config, description="")
            client.import_tasks(empty.id, whole)

        times.of("bare import, one request", bare)
        times.of("push", lambda: send(client, project.id, tasks))
        times.of("bare import, once more", bare)
        times.of("push again, nothing new", lambda: send(client, project.id, tasks))
        times.of("pull, nothing drawn", lambda: pull(scratch / "dataset", line))
        client.delete_tasks(project.id, [row.id for row in client.index(project.id)])
        drawn = [{**one, "annotations": [{"result": [box(at)]}]} for at, one in enumerate(whole)]
        times.of("(tasks with an annotation each, imported)", lambda: client.import_tasks(project.id, drawn))
        times.of("pull, every task annotated", lambda: pull(scratch / "dataset", line))
        times.of("pull, nothing new, after the mass import", lambda: pull(scratch / "dataset", line))
        first = next(iter(client.newest(project.id, 1).rows)).id
        client._write("POST", f"/api/tasks/{first}/annotations/", {"result": [box(0)]})
        times.of("pull, one annotation new", lambda: pull(scratch / "dataset", line))
        times.of("pull, nothing new", lambda: pull(scratch / "dataset", line))


def main() -> None:
    """Measure in scratch folders, and stop the server."""
    count, rounds = (int(sys.argv[at]) if len(sys.argv) > at else given for at, given in ((1, 10_000), (2, 3)))
    times = Times()
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as scratch:
        home = Home(Path(scratch) / "home")
        try:
            running = server.up(home)
            for number in range(rounds):
                place = Path(scratch) / str(number)
                place.mkdir()
                measure(count, running, place, times)
        finally:
            server.down(home)
    times.report()


if __name__ == "__main__":
    main()
