"""Ten thousand tasks to a real Label Studio and back, beside the bare import of the same tasks.

python bench/annotate.py [TASKS]: starts a server in a scratch home, prints seconds, CPU seconds and memory.
"""

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
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


def timed(what: str, work: Callable[[], Any]) -> float:
    """Run some work and print what it took."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{what:<48}{wall:8.2f} s {cpu:8.2f} CPU s here   peak {peak:5.0f} MB", flush=True)
    return wall


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


def measure(count: int, home: Home, scratch: Path) -> None:
    """Run every step once."""
    running = server.up(home)
    line = Line(access=running.access, name="local")
    spoken = ontology.load("hands")
    made_of = template.build("boxes", spoken)
    tasks = [task(at) for at in range(count)]
    Store.create(scratch / "dataset")
    with Client(line.access) as client, Dataset.open(scratch / "dataset") as dataset:
        projects.keep_ontology(dataset.store, "hands")
        bare = client.create_project(title="bare", config=made_of.config, description="")
        whole = [one.as_json() for one in tasks]
        project, _ = projects.ensure(client, dataset.store, made_of, spoken)
        _record(dataset, projects.row(line, project, made_of, spoken, ()), ())
        plain = timed("bare import, one request", lambda: client.import_tasks(bare.id, whole))
        ours = timed("push", lambda: send(client, project.id, tasks))
        again = client.create_project(title="bare 2", config=made_of.config, description="")
        second = timed("bare import, one request, once more", lambda: client.import_tasks(again.id, whole))
        print(f"push / bare import: {ours / plain:.2f} (once more: {ours / second:.2f})")
        timed("push again, nothing new", lambda: send(client, project.id, tasks))
        timed("pull, nothing drawn", lambda: pull(scratch / "dataset", line))
        client.delete_tasks(project.id, [row.id for row in client.index(project.id)])
        drawn = [one.as_json() | {"annotations": [{"result": [box(at)]}]} for at, one in enumerate(tasks)]
        timed("(tasks with an annotation each, imported)", lambda: client.import_tasks(project.id, drawn))
        timed("pull, every task annotated", lambda: pull(scratch / "dataset", line))
        timed("pull, nothing new, all stamped within seconds", lambda: pull(scratch / "dataset", line))
        time.sleep(6)  # as when people draw: the newest change stands apart from the mass
        first = next(iter(client.index(project.id))).id
        client._write("POST", f"/api/tasks/{first}/annotations/", {"result": [box(0)]})
        timed("pull, one annotation new", lambda: pull(scratch / "dataset", line))
        timed("pull, nothing new", lambda: pull(scratch / "dataset", line))


def main() -> None:
    """Measure in scratch folders, and stop the server."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory(prefix="rushes-bench-") as scratch:
        home = Home(Path(scratch) / "home")
        try:
            measure(count, home, Path(scratch))
        finally:
            server.down(home)


if __name__ == "__main__":
    main()
