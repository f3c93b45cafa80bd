"""Browse: the newest snapshot of a dataset → what the FiftyOne App is handed, and the pictures it asks for."""

import hashlib
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from rushes import __version__, registry
from rushes.browse.edits import Database, Edits
from rushes.browse.labelled import BrowseWords
from rushes.browse.showing import Showing, showing
from rushes.browse.view import (
    ALONE,
    BrowseRecording,
    BrowseSamples,
    BrowseStream,
    BrowseView,
    Picture,
)
from rushes.errors import UsageError
from rushes.model import FrameFlag
from rushes.workflow import decisions
from rushes.workflow._browse import said
from rushes.workflow._browse.acting import ActingDesk
from rushes.workflow._browse.choosing import rows_where
from rushes.workflow._browse.differing import differing
from rushes.workflow._browse.labelling import labels_on
from rushes.workflow._browse.places import Places, as_arrow, codes, integers
from rushes.workflow._browse.renderings import Renderings
from rushes.workflow._labels import vocabulary
from rushes.workflow.annotate_edit import author_of
from rushes.workflow.browse_back import WrittenBack, write_back_from
from rushes.workflow.dataset import Dataset
from rushes.workflow.parts import COLUMNS, Parts
from rushes.workflow.players import playlist_of

FACTS = ("subject", "session", "task", "place")


def browse_view(
    dataset: Dataset, *, split: str | None = None, name: str | None = None, where: str | None = None
) -> BrowseView:
    """Lay out every picture that has bytes: those of moments together, the rest alone.

    Args:
        dataset: Opened at the revision to show.
        split: Name of the split whose parts are shown; the newest one if left out.
        name: What the App calls it; the dataset's name if left out.
        where: SQL of what the App opens with, as of :func:`choosing.rows_where`; everything if left out.

    Raises:
        UsageError: ``browse.no-pictures`` if no recording holds a picture, ``browse.none-chosen`` if ``where``
            leaves none, ``store.query`` if it does not hold.
    """
    recordings = dataset.arrow("recordings").sort_by("name").to_pylist()
    streams = _streams(dataset)
    frames = dataset.arrow(
        "frames",
        columns=["recording_id", "stream", "index", "t_ns", "media_id", "pts", "width", "height", "flags"],
    )
    members = dataset.arrow(
        "moment_members", columns=["recording_id", "stream", "index", "moment", "t_ns", "skew_ns"]
    )
    split = split or _newest_split(dataset)
    parts = _parts(dataset, split)
    ids, names = [row["recording_id"] for row in recordings], [s["stream"] for s in streams]
    rows = said.without_deleted(_rows(ids, names, frames, members), dataset.store, ids, names)
    del frames, members  # before the labels are read: their columns are in the rows now
    if not len(rows):
        raise _no_pictures(dataset)
    places = Places(rows, ids, names)
    samples = _with_findings(rows, dataset.arrow("findings"), places)
    labels, words = labels_on(dataset, places)
    ontology = vocabulary.of_dataset(dataset.store)
    words = {
        **words,
        **said.words_of(dataset.store, places),
        "differs": differing(dataset, places, labels, ontology),
        "split": _part_words(parts, samples, ids, names),
    }
    pa.default_memory_pool().release_unused()  # what was read on the way is several times what is kept
    requested = decisions.requested_parts(dataset.store).items()
    asked = {name: {"asked": one.value, "asked_id": one.decision_id} for name, one in requested}
    return BrowseView(
        name=name or dataset.store.name,
        key=said.key_of(dataset.store),
        recordings=[
            BrowseRecording(
                recording_id=row["recording_id"],
                name=row["name"],
                start_ns=row["start_ns"],
                part=parts.of(row["recording_id"]),
                **asked.get(row["recording_id"], {}),
                **{fact: row[fact] for fact in FACTS},
            )
            for row in recordings
        ],
        streams=[BrowseStream(name=s["stream"], modality=s["modality"]) for s in streams],
        samples=samples,
        labels=labels,
        words=words,
        ontology=ontology,
        revision=dataset.revision,
        chosen=(where, rows_where(dataset, places, where, split=split)) if where else None,
    )


def _no_pictures(dataset: Dataset) -> UsageError:
    return UsageError(
        f"{dataset.path} holds no pictures to browse",
        code="browse.no-pictures",
        hint=f"rushes ingest PATH --into {dataset.path} brings some in; rushes query reads the rest",
    )


def pictures(dataset: Dataset) -> Picture:
    """Give the function that the App's frames are asked from; it is safe in threads."""
    return Renderings(dataset)


def serve(
    path: Path,
    *,
    ready: Callable[[Any], None],
    at: int | str | None = None,
    port: int | None = None,
    where: str | None = None,
    split: str | None = None,
    share: tuple[Sequence[str], str] | None = None,
    author: str | None = None,
    write: bool = False,
    argv: Sequence[str] = (),
) -> WrittenBack:
    """Serve the App until Ctrl-C, on the loopback address or, for who knows a password, on a network.

    What people changed in it waits, or is written back when it is closed.

    Args:
        path: The dataset.
        ready: Called once with ``rushes.browse.serve.Opened``, when the App answers.
        at: Revision or tag to show.
        port: None takes 5151 or any free one.
        where: What the App opens with; see :func:`browse_view`.
        split: Whose parts are shown; the newest if left out.
        share: Names of this machine that browsers of the network use, and the password; None shares nothing.
        author: Whose edits are made meanwhile; as of an edit, when None.
        write: Write back what was changed, once the App is closed.
        argv: The command line, for the log.

    Returns:
        What was written back, or would be.

    Raises:
        UsageError: As :func:`browse_view`.
        ToolError: ``browse.*``, where the database cannot be had or the port is taken; ``annotate.busy``.
    """
    who = author_of(author)
    done: list[WrittenBack] = []

    def at_the_end(database: Database) -> None:
        done.append(write_back_from(database, path, author=who, argv=argv, dry_run=not write))
        Edits(database, name).end()

    def reload() -> None:
        with Dataset.open(path) as newest:
            registry.late("rushes.browse.load").load(browse_view(newest, where=where, split=split))
            registry.late("rushes.browse.similar").show(name, desk.points())

    with Dataset.open(path, at=at) as dataset:
        # What an older revision shows is kept apart, so that it does not take the place of the newest.
        name = dataset.store.name if at is None else _name_at(dataset, at)
        shown = split or _newest_split(dataset)
        if not any(dataset.arrow("streams", columns=["count"], where={"table": "frames"})["count"].to_pylist()):
            raise _no_pictures(dataset)
        # What was asked for may be wrong, and that is said before anything is started.
        asked = browse_view(dataset, where=where, split=split, name=name) if where else None
        server = registry.late("rushes.browse.serve")
        desk = ActingDesk(
            dataset,
            name=name,
            author=who,
            database=lambda: registry.late("rushes.browse.load").database(),
            reload=reload,
            pinned=at is not None,
        )
        with closing(desk):
            sharing = server.Sharing(names=tuple(share[0]), password=share[1]) if share else None
            server.serve(
                Showing(
                    name=name,
                    view=lambda: asked or browse_view(dataset, split=split, name=name),
                    mark=None if asked else _mark(dataset, shown),
                    playlist=lambda known: playlist_of(dataset, name=name, split=shown, known=known),
                ),
                pictures(dataset),
                cache=dataset.path / "cache",
                ready=ready,
                port=port,
                desk=desk,
                author=who,
                closing=at_the_end,
                share=sharing,
            )
    return done[0] if done else WrittenBack()


def _mark(dataset: Dataset, split: str | None) -> str:
    """Tell apart all that decides what the App shows; a moved dataset has its players' files elsewhere."""
    ontology = vocabulary.path_in(dataset.store)
    facts = (__version__, str(dataset.path.resolve()), dataset.revision, split)
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=16)
    digest.update(ontology.read_bytes() if ontology.is_file() else b"")
    return digest.hexdigest()


def _name_at(dataset: Dataset, at: int | str) -> str:
    return f"{dataset.store.name} at {at}"


def prove(path: Path, *, at: int | str | None = None, port: int = 0, where: str | None = None) -> Any:
    """Open the App, ask it for its page, its counts and a picture, stop it; give ``rushes.browse.prove.Proof``.

    Raises:
        ToolError: ``browse.no-answer``, and as :func:`serve`.
    """
    with Dataset.open(path, at=at) as dataset:
        view = browse_view(dataset, where=where, name=None if at is None else _name_at(dataset, at))
        prover = registry.late("rushes.browse.prove")
        return prover.prove(showing(view), pictures(dataset), cache=dataset.path / "cache", port=port)


def _streams(dataset: Dataset) -> list[dict[str, Any]]:
    """Give the picture streams by name, one row each; recordings with a stream of one name share it."""
    rows = dataset.arrow("streams", columns=["stream", "modality", "table"], where={"table": "frames"}).to_pylist()
    named: dict[str, dict[str, Any]] = {}
    for row in rows:
        named.setdefault(row["stream"], row)
    return [named[name] for name in sorted(named)]


def _newest_split(dataset: Dataset) -> str | None:
    names = dataset.arrow("splits", columns=["split"])["split"]
    return str(names[-1].as_py()) if len(names) else None


def _parts(dataset: Dataset, split: str | None) -> Parts:
    return Parts(dataset.arrow("splits", columns=COLUMNS, where={"split": split}).to_pylist() if split else ())


def _part_words(
    parts: Parts, samples: BrowseSamples, recordings: Sequence[str], streams: Sequence[str]
) -> BrowseWords:
    """Give the part of every picture whose recording lies in several: blocks of time, and stills."""
    several = [at for at, name in enumerate(recordings) if name in parts.recordings and parts.of(name) is None]
    rows = np.flatnonzero(np.isin(samples.recording, several))
    where = (samples.recording[rows].tolist(), samples.stream[rows].tolist(), samples.index[rows].tolist())
    words = [parts.of(recordings[r], streams[s], index) for r, s, index in zip(*where, strict=True)]
    known = [at for at, word in enumerate(words) if word is not None]
    return BrowseWords(row=rows[known], word=[word for word in words if word is not None])


def _rows(
    recordings: Sequence[str],
    streams: Sequence[str],
    frames: pa.Table,
    members: pa.Table,
) -> BrowseSamples:
    """Join frames to their moments: a row for each use of a frame, and one for each that no moment uses."""
    here = ((integers(frames, "flags") & FrameFlag.MISSING) == 0) & frames["media_id"].is_valid().to_numpy()
    frames = frames.take(as_arrow(np.flatnonzero(here)))
    f_rec, f_str, f_idx = (
        codes(frames["recording_id"], recordings),
        codes(frames["stream"], streams),
        integers(frames, "index"),
    )
    m_rec, m_str, m_idx = (
        codes(members["recording_id"], recordings),
        codes(members["stream"], streams),
        integers(members, "index"),
    )
    width = max(int(f_idx.max(initial=0)), int(m_idx.max(initial=0))) + 1
    f_key = (f_rec * max(len(streams), 1) + f_str) * width + f_idx
    m_key = (m_rec * max(len(streams), 1) + m_str) * width + m_idx
    order = np.argsort(f_key, kind="stable")
    if len(order):
        at = np.clip(np.searchsorted(f_key[order], m_key), 0, len(order) - 1)
        used = (f_key[order][at] == m_key) & (m_str >= 0)
        source = order[at[used]]
    else:
        used, source = np.zeros(len(m_key), bool), np.zeros(0, np.int64)
    alone = np.setdiff1d(np.arange(len(f_key)), source)
    take = np.concatenate([source, alone]).astype(np.int64)
    skew = np.ma.zeros(len(take), np.int64)
    skew[: len(source)] = integers(members, "skew_ns")[used]
    skew[len(source) :] = np.ma.masked
    moment = np.full(len(take), ALONE, np.int64)
    moment[: len(source)] = integers(members, "moment")[used]
    t_ns = integers(frames, "t_ns")[take]
    t_ns[: len(source)] = integers(members, "t_ns")[used]
    samples = BrowseSamples(
        recording=f_rec[take].astype(np.int32),
        stream=f_str[take].astype(np.int32),
        index=f_idx[take],
        moment=moment,
        t_ns=t_ns,
        skew_ns=skew,
        width=integers(frames, "width")[take].astype(np.int32),
        height=integers(frames, "height")[take].astype(np.int32),
        flags=integers(frames, "flags")[take].astype(np.int32),
    )
    shown = np.lexsort((samples.stream, samples.index, samples.moment, samples.recording))
    return _reordered(samples, shown)


def _reordered(samples: BrowseSamples, order: npt.NDArray[np.int64]) -> BrowseSamples:
    names = ("recording", "stream", "index", "moment", "t_ns", "skew_ns", "width", "height", "flags")
    return replace(samples, **{name: getattr(samples, name)[order] for name in names})


def _with_findings(samples: BrowseSamples, findings: pa.Table, places: Places) -> BrowseSamples:
    """Hang every finding that concerns single frames on the rows of those frames."""
    rows: list[npt.NDArray[np.int64]] = [np.zeros(0, np.int64)]
    checks: list[str] = []
    for finding in findings.filter(findings["index"].is_valid()).to_pylist():
        first = finding["index"]
        hit = places.frames_between(
            finding["recording_id"], finding["stream"], first, first + max(finding["count"], 1)
        )
        rows.append(hit)
        checks += [finding["check"]] * len(hit)
    return replace(samples, finding_row=np.concatenate(rows), finding_check=checks)
