"""What a pull has seen of a project, so that the next need not look at every task; a cache, it may be deleted."""

import hashlib
import json
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from rushes.annotate.label_studio.client import Newest, TaskRow
from rushes.store import Store
from rushes.workflow._annotate.project import Line

OVERLAP = timedelta(seconds=5)
"""How far behind the newest stamp changes are looked for: what is stamped first can be committed last."""
TOP = 500
"""How many of the newest tasks are looked at; people do not change more within the overlap, imports do."""
WHOLE_LOOK_S = 3600.0
"""How long the quick look is trusted; then every stamp is compared again."""


class _Server(Protocol):
    def newest(self, project: int, count: int) -> Newest: ...

    def stamps(self, project: int) -> Any: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A project as it is now, held against what was seen.

    Args:
        rows: Tasks that may have changed.
        memory: What is to be kept once they were read.
    """

    rows: Sequence[TaskRow]
    memory: "Memory"

    @property
    def there(self) -> Collection[int]:
        """Ids of all tasks."""
        return self.memory.stamps.keys()


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The stamps of a project as they were seen.

    Args:
        path: Where it is kept.
        stamps: Of every task, by its id, as the server wrote it.
        annotations: How many the project had.
        whole_ns: When the stamps of all tasks were compared last, UTC since 1970.
    """

    path: Path
    stamps: Mapping[int, str]
    annotations: int = -1
    whole_ns: int = 0

    @classmethod
    def of(cls, store: Store, line: Line, project: str) -> "Memory":
        """Read what is remembered; nothing where the cache was cleared."""
        server = hashlib.sha256(line.name.encode()).hexdigest()[:16]
        path = store.path / "cache" / "annotate" / f"{server}-{project}.json"
        try:
            told: Any = json.loads(path.read_text(encoding="utf-8"))
            if int(told["revision"]) > store.revision:
                return cls(path=path, stamps={})  # the dataset was set back, what was seen since is not in it
            stamps = {int(task): str(stamp) for task, stamp in told["stamps"].items()}
            numbers = {name: int(told[name]) for name in ("annotations", "whole_ns")}
            return cls(path=path, stamps=stamps, **numbers)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path=path, stamps={})

    def look(self, client: _Server, project: int, *, top: int = TOP) -> Look:
        """Find the tasks that may have changed: by the newest alone where that is proof, else by all.

        It is proof when they reach back beyond all that we have seen, by the overlap, and the count of tasks says
        that none is gone. After an import they do not reach that far. Then, if none of them is new and the count
        of annotations is as it was, nothing has happened; else all are compared.
        """
        newest = client.newest(project, top)
        if not self.stamps or not 0 <= time.time_ns() - self.whole_ns < WHOLE_LOOK_S * 1e9:
            return self._whole(client, project, newest)
        changed = [row for row in newest.rows if self.stamps.get(row.id) != row.updated_at]
        stamps = {**self.stamps, **{row.id: row.updated_at for row in changed}}
        if len(stamps) != newest.tasks:
            return self._whole(client, project, newest)
        if not self._reached(newest) and (changed or newest.annotations != self.annotations):
            return self._whole(client, project, newest)
        memory = Memory(path=self.path, stamps=stamps, annotations=newest.annotations, whole_ns=self.whole_ns)
        return Look(rows=changed, memory=memory)

    def keep(self, revision: int) -> None:
        """Write it down, as held by a revision of the dataset."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".tmp")
        told = {"revision": revision, "stamps": self.stamps}
        told |= {"annotations": self.annotations, "whole_ns": self.whole_ns}
        scratch.write_text(json.dumps(told) + "\n", encoding="utf-8")
        scratch.replace(self.path)

    def _reached(self, newest: Newest) -> bool:
        """Tell whether the newest tasks go back to the newest that we have seen, and beyond by the overlap."""
        if len(newest.rows) == newest.tasks:
            return True
        seen = max(datetime.fromisoformat(stamp) for stamp in self.stamps.values())
        return datetime.fromisoformat(newest.rows[-1].updated_at) < seen - OVERLAP

    def _whole(self, client: _Server, project: int, newest: Newest) -> Look:
        began_ns = time.time_ns()
        rows = list(client.stamps(project))
        stamps = {row.id: row.updated_at for row in rows}
        # The count was taken before: a change in between makes the next look a whole one, never a missed one.
        memory = Memory(path=self.path, stamps=stamps, annotations=newest.annotations, whole_ns=began_ns)
        return Look(rows=rows, memory=memory)
