"""How figures are taken: CPU seconds of fresh processes, in turn, medians and minima, and ratios to the first."""

import json
import resource
import statistics
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One thing measured: the median of several runs.

    Args:
        cpu_s: User and system seconds of the process and its children.
        least_cpu_s: The smallest of the runs: what others on the machine disturbed least.
        wall_s: Seconds by the clock, which drift on a shared machine.
        least_wall_s: The smallest of the runs.
        facts: What the last run printed as JSON on its last line, such as counts to prove the work was done.
    """

    name: str
    cpu_s: float
    least_cpu_s: float
    wall_s: float
    least_wall_s: float
    runs: int
    facts: Mapping[str, float] = field(default_factory=dict)


PRELUDE = """
import json, time, resource
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
class measured:
    def __enter__(self):
        self.c, self.w = cpu(), time.perf_counter(); return self
    def __exit__(self, *e):
        self.cpu, self.wall = cpu() - self.c, time.perf_counter() - self.w
def report(span, **facts):
    facts["rss_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu": span.cpu, "wall": span.wall, **facts}))
"""


def in_process(name: str, code: str, *, arguments: Sequence[str] = ()) -> tuple[str, list[str], bool]:
    """Describe Python code that measures a part of itself: ``with measured() as s: …`` then ``report(s)``."""
    return name, [sys.executable, "-c", PRELUDE + textwrap.dedent(code), *arguments], True


def whole(name: str, command: Sequence[str]) -> tuple[str, list[str], bool]:
    """Describe a command that is measured from start to end."""
    return name, list(command), False


def measure(jobs: Sequence[tuple[str, list[str], bool]], *, runs: int = 5) -> list[Figure]:
    """Run every job ``runs`` times in turn, so that what drifts drifts for all, and give the medians."""
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name, _, _ in jobs}
    facts: dict[str, dict[str, float]] = {}
    for _ in range(runs):
        for name, command, inside in jobs:
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            done = subprocess.run(command, capture_output=True, text=True)
            wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
            if done.returncode:
                print(f"{name}: could not run: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
                continue
            cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            if inside:
                facts[name] = json.loads(done.stdout.strip().splitlines()[-1])
                cpu, wall = facts[name].pop("cpu"), facts[name].pop("wall")
            taken[name].append((cpu, wall))
    return [
        Figure(
            name=name,
            cpu_s=statistics.median(c for c, _ in spans),
            least_cpu_s=min(c for c, _ in spans),
            wall_s=statistics.median(w for _, w in spans),
            least_wall_s=min(w for _, w in spans),
            runs=len(spans),
            facts=facts.get(name, {}),
        )
        for name, spans in taken.items()
        if spans
    ]


def table(title: str, figures: Sequence[Figure]) -> None:
    """Print figures with their ratio to the first, which is ours."""
    print(f"\n{title}")
    width = max(len(f.name) for f in figures)
    print(f"  {'':{width}}    median     least  CPU s      wall s   ratio")
    for figure in figures:
        ratio = figure.cpu_s / figures[0].cpu_s
        cpu = f"{figure.cpu_s:8.3f}  {figure.least_cpu_s:8.3f}"
        facts = "  ".join(f"{k} {v:,.0f}" if v >= 100 else f"{k} {v:.3g}" for k, v in figure.facts.items())
        print(f"  {figure.name:{width}}  {cpu}         {figure.wall_s:8.3f}  {ratio:6.2f}   {facts}", flush=True)
