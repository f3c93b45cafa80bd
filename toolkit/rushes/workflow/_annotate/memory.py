"""What a pull has seen of a project, so that the next need not look at every task; a cache, it may be deleted."""

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rushes.annotate.label_studio.client import Client
from rushes.store import Store
from rushes.workflow._annotate.project import Line

OVERLAP = timedelta(seconds=5)
"""How far behind the newest stamp changes are looked for: what is stamped first can be committed last."""
WHOLE_LOOK_S = 3600.0
"""How long the quick look is trusted; then every stamp is compared again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The stamps of a project as they were seen.

    Args:
        path: Where it is kept.
        stamps: Of every task, by its id, as the server wrote it.
        looked_ns: When all of them were looked at, UTC since 1970.
    """

    path: Path
    stamps: Mapping[int, str]
    looked_ns: int

    @classmethod
    def of(cls, store: Store, line: Line, project: str) -> "Memory":
        """Read what is remembered; nothing where the cache was cleared."""
        server = hashlib.sha256(line.name.encode()).hexdigest()[:16]
        path = store.path / "cache" / "annotate" / f"{server}-{project}.json"
        try:
            told: Any = json.loads(path.read_text(encoding="utf-8"))
            if (
                int(told["revision"]) > store.revision
            ):  # the dataset was set back, what was seen since is not in it
                return cls(path=path, stamps={}, looked_ns=0)
            stamps = {int(task): str(stamp) for task, stamp in told["stamps"].items()}
            return cls(path=path, stamps=stamps, looked_ns=int(told["looked_ns"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return cls(path=path, stamps={}, looked_ns=0)

    def still_holds(self, client: Client, project: int) -> bool:
        """Tell by a quick look whether nothing has changed: as many tasks, and no new stamp.

        Anything else, a task that went while another came included, calls for a look at every task.
        """
        if not self.stamps or not 0 <= time.time_ns() - self.looked_ns < WHOLE_LOOK_S * 1e9:
            return False
        newest = max(datetime.fromisoformat(stamp) for stamp in self.stamps.values())
        recent = client.stamps(project, since=newest.astimezone(UTC) - OVERLAP)
        if any(self.stamps.get(row.id) != row.updated_at for row in recent):
            return False
        return client.count(project) == len(self.stamps)

    def keep(self, revision: int) -> None:
        """Write it down, as looked at now and held by a revision of the dataset."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self.path.with_suffix(".tmp")
        told = {"looked_ns": time.time_ns(), "revision": revision, "stamps": self.stamps}
        scratch.write_text(json.dumps(told) + "\n", encoding="utf-8")
        scratch.replace(self.path)
