"""The desk that operators act through: decisions, tags, labelling and checks of exactly what was selected."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rushes import registry
from rushes.browse.acts import Frame, Told, Use
from rushes.browse.edits import Database, Edits
from rushes.browse.pieces import Piece
from rushes.errors import UsageError
from rushes.quantities import say_count
from rushes.store import Store
from rushes.workflow import annotate, decisions
from rushes.workflow._browse.desk import DatasetDesk
from rushes.workflow.browse_back import WrittenBack, write_back_from
from rushes.workflow.dataset import Dataset
from rushes.workflow.decisions import Decided, TagWish, Wish


class ActingDesk(DatasetDesk):
    """A :class:`rushes.browse.acts.Acts` over a dataset, besides what panels ask.

    Args:
        dataset: Opened; stays open as long as this is used. What is done here makes later revisions, out of which
            panels are answered from then on; they are held until :meth:`close`.
        name: Of its dataset in the App.
        author: With whom everything is noted that is done here.
        database: Gives the App's database, once that runs.
        reload: Brings the App up to date with the dataset.
        pinned: Whether the App shows a revision of the past, which nobody can change.
    """

    def __init__(
        self,
        dataset: Dataset,
        *,
        name: str,
        author: str,
        database: Callable[[], Database],
        reload: Callable[[], None],
        pinned: bool = False,
    ) -> None:
        super().__init__(dataset)
        self._path: Path = dataset.path
        self._revision = dataset.revision
        self._name, self._author, self._pinned = name, author, pinned
        self._database, self._reload = database, reload
        self._turn = threading.Lock()
        self._later = ExitStack()

    def close(self) -> None:
        """Let go of the revisions that were made here."""
        self._later.close()

    def tag(self, frames: Sequence[Frame], tag: str, *, given: bool) -> Told:
        """Give a tag to frames, or take it away."""
        tag = tag.strip()
        wishes = [TagWish(item=frame, tag=tag, action="added" if given else "removed") for frame in frames]
        with self._acting():
            done = self._decide([], wishes)
            self._show(frames, [Piece(what="tag", name=tag, before=not given, after=given)])
        verb = "given to" if given else "taken from"
        same = f"; {len(frames) - done.tags:,} were so already" if done.tags < len(frames) else ""
        return Told(said=f"'{tag}' {verb} {say_count(done.tags, 'picture')}{same}")

    def decide(self, frames: Sequence[Frame], use: Use, *, whole: bool, why: str) -> Told:
        """Decide on the use of frames, or of their whole recordings."""
        items: Sequence[decisions.Item] = frames
        if whole:
            items = [(recording, None, None) for recording in dict.fromkeys(frame[0] for frame in frames)]
        wishes = [Wish(item=item, what=use, about="use", why=why or None) for item in items]
        with self._acting():
            done = self._decide(wishes, [])
            if whole or use in ("delete", "withdraw"):
                self._reload()
            for one in done.taken if not whole and use in ("accept", "reject") else ():
                shown = {"decision": one.what, "decision_id": one.decision_id}
                pieces = [Piece(what="field", name=name, after=value) for name, value in shown.items()]
                self._show([(one.recording_id, one.stream or "", one.index or 0)], pieces)
        words = {"accept": "accepted", "reject": "rejected", "delete": "deleted", "withdraw": "undecided again"}
        said = f"{say_count(len(done.taken), 'recording' if whole else 'picture')} {words[use]}"
        return Told(said=said + (f"; {done.same:,} were so already" if done.same else ""))

    def ask_for_part(self, recordings: Sequence[str], part: str) -> Told:
        """Ask for a part of the split; an empty one takes the request back."""
        what = "request_split" if part else "withdraw"
        wishes = [
            Wish(item=(recording, None, None), what=what, about="split", value=part or None)
            for recording in recordings
        ]
        with self._acting():
            done = self._decide(wishes, [])
            self._reload()
        asked = f"asked for as '{part}'" if part else "asked for no more"
        return Told(said=f"{say_count(len(done.taken), 'recording')} {asked}; rushes split honours it")

    def parts(self) -> Sequence[str]:
        """Name the parts that there are."""
        found = Store.open(self._path).table("splits", columns=["part"]).column(0).to_pylist()
        return list(dict.fromkeys(found)) or ["train", "val", "test"]

    def send_to_label_studio(self, frames: Sequence[Frame], template: str) -> Told:
        """Make these frames tasks of the Label Studio that runs."""
        pushing = registry.late("rushes.workflow.annotate_push")
        with self._acting():
            request = pushing.Request(template=template, where=sql_of(frames))
            done = pushing.push(self._path, request, annotate.line(), argv=self._argv("send_to_label_studio"))
        sent = done.sent
        said = f"{say_count(done.tasks, 'task')}: {sent.created:,} new, {sent.updated:,} brought up to date"
        missing = len(frames) - done.tasks - len(done.unreadable)
        warnings = [*done.notes, *done.unreadable]
        if missing > 0:
            warnings.append(f"{say_count(missing, 'picture')} not sent: nothing is there to be shown")
        return Told(said=said, warnings=warnings, address=done.address)

    def pull_from_label_studio(self) -> Told:
        """Bring back what people drew."""
        pulling = registry.late("rushes.workflow.annotate_pull")
        with self._acting():
            done = pulling.pull(self._path, annotate.line(), argv=self._argv("pull_from_label_studio"))
            self._reload()
        said = ", ".join(f"{count:,} {action}" for action, count in done.events.items() if count)
        warnings = [*done.gone, *done.notes, *(f"{key}: {one.said}" for key, one in done.problems)]
        if done.conflicts:
            warnings.append(f"{say_count(done.conflicts, 'conflict')}: rushes annotate conflicts lists them")
        return Told(said=f"versions of annotations: {said}" if said else "nothing new", warnings=warnings)

    def check(self, recordings: Sequence[str], family: str) -> Told:
        """Check recordings anew; all checks where no family is named."""
        checking = registry.late("rushes.workflow.check")
        settings = checking.Settings(only=[family] if family else None, recordings=list(recordings), rejected=True)
        with self._acting():
            done = checking.check(self._path, settings, argv=self._argv("recheck"))
            self._reload()
        counts = {
            severity: sum(i.finding.severity == severity for i in done.found) for severity in checking.SEVERITIES
        }
        said = ", ".join(f"{count:,} {severity}" for severity, count in reversed(counts.items()) if count)
        return Told(said=f"{say_count(done.recordings, 'recording')} checked: {said or 'nothing found'}")

    def write_back(self) -> Told:
        """Write back what was changed in the App by its own means."""
        with self._acting():
            done = write_back_from(
                self._database(), self._path, author=self._author, argv=self._argv("write_back")
            )
            self._reload()
        return told(done)

    @contextmanager
    def _acting(self) -> Iterator[None]:
        if self._pinned:
            raise UsageError(
                f"the App shows revision {self._revision}, which nobody can change",
                code="browse.pinned",
                hint="open the dataset without --at to change it",
            )
        with self._turn:
            try:
                yield
            finally:
                if Store.open(self._path).revision != self._dataset.revision:
                    self._look_at(self._later.enter_context(Dataset.open(self._path)))

    def _decide(self, wishes: Sequence[Wish], tags: Sequence[TagWish]) -> Decided:
        argv = self._argv("tag" if tags else "decide")
        return decisions.decide(self._path, wishes, tags=tags, author=self._author, source="app", argv=argv)

    def _show(self, frames: Sequence[Frame], pieces: Sequence[Piece]) -> None:
        Edits(self._database(), self._name).show(frames, pieces)

    def _argv(self, act: str) -> list[str]:
        return ["browse", str(self._path), act]


def sql_of(frames: Sequence[Frame]) -> str:
    """Give the condition that chooses these frames and no other."""
    by_stream: dict[tuple[str, str], list[int]] = {}
    for recording, stream, index in frames:
        by_stream.setdefault((recording, stream), []).append(index)
    found = [
        f"(frames.recording_id = {_quoted(recording)} AND frames.stream = {_quoted(stream)} "
        f'AND frames."index" IN ({", ".join(map(str, sorted(indexes)))}))'
        for (recording, stream), indexes in by_stream.items()
    ]
    return " OR ".join(found)


def told(done: WrittenBack) -> Told:
    """Say what was written back."""
    labels = len(done.created) + len(done.changed) + len(done.deleted)
    counts = {"tag": done.tags, "label tag": done.label_tags, "decision": len(done.decided), "label": labels}
    parts = [say_count(count, what) for what, count in counts.items() if count]
    warnings = [f"{one.what} on {one.frame} stays in the App: {one.why}" for one in done.refused]
    if done.contested:
        warnings.append(
            f"{say_count(len(done.contested), 'decision')} contested: somebody decided otherwise meanwhile"
        )
    if done.conflicts:
        warnings.append(f"{say_count(done.conflicts, 'conflict')}: rushes annotate conflicts lists them")
    warnings += [f"'{name}' of {say_count(n, 'picture')} stays in the App" for name, n in done.elsewhere.items()]
    said = f"{', '.join(parts)} written back" if parts else "nothing new to write back"
    return Told(said=said, warnings=[*warnings, *done.noted])


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
