"""Predict: what a model sees in the frames, as labels that name the model by its content."""

import hashlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rushes import ontology as ontologies
from rushes import registry
from rushes.annotate import rows
from rushes.contracts import LeftOut, OpenModel, Prediction, Predictor
from rushes.errors import ReadError, UsageError
from rushes.labels import Label, LabelEvent, digest_of, kind_of
from rushes.store import Store
from rushes.store.transaction import Transaction
from rushes.vocabulary import Ontology
from rushes.workflow._labels import vocabulary
from rushes.workflow.dataset import Dataset
from rushes.workflow.picture_streams import streams_named
from rushes.workflow.pictures import Frames
from rushes.workflow.plugin_options import settled

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to predict, and with what.

    Args:
        model: File of weights.
        predictor: Plugin of the kind ``models``; told by the file when None.
        streams: Names; every colour stream when None.
        every: Take each n-th frame.
        options: Of the plugin.
    """

    model: Path
    predictor: str | None = None
    streams: Sequence[str] | None = None
    every: int = 1
    options: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """The outcome: labels by class, and what was not predicted or not kept."""

    predictor: str
    digest: str
    frames: int
    labels: int
    classes: Mapping[str, int]
    left_out: Sequence[LeftOut]
    revision: int


def predict(
    dataset: Path,
    settings: Settings,
    *,
    argv: Sequence[str] = (),
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Predicted:
    """Run a model over frames; its labels take the place of what the same model said of the same streams.

    Every recording is committed by itself. The same model over the same frames changes nothing. A class that the
    ontology of the dataset lacks is left out and counted; a dataset without one gets one of the model's classes.

    Raises:
        ReadError: If the model cannot be run.
        UsageError: If there is no such stream, or an option cannot be meant so.
        StoreError: If the dataset cannot be opened or written.
    """
    name, plugin = _plugin(settings)
    options = settled(f"'{plugin.name}'", plugin.defaults, settings.options)
    model = plugin.open(settings.model, options)
    digest = hashlib.sha256(settings.model.read_bytes()).hexdigest()
    with Dataset.open(dataset) as opened:
        own = vocabulary.of_dataset(opened.store)
        runs = list(streams_named(opened, settings.streams))
        run = _Run(name, digest, options, _names(model, own), sum(_count(len(f), settings.every) for f in runs))
        revision = opened.revision
        # A recording at a time: a run that is stopped keeps what it has, and the next one changes nothing there.
        for _, streams in groupby(runs, key=lambda frames: frames.stream["recording_id"]):
            with opened.store.begin("predict", argv=argv) as transaction:
                before, changed = run.labels, False
                for frames in streams:
                    labels, events = run.over(model, frames, settings.every, progress)
                    if not dry_run:
                        changed |= _keep(opened.store, transaction, frames, labels, events, digest)
                if not changed:
                    continue
                if own is None:
                    own = ontologies.from_classes("model", model.classes)
                    vocabulary.keep(opened.store, own)
                figures = {"labels": run.labels - before, "model": digest[:16]}
                revision = transaction.commit(figures).revision
        if progress:
            progress("", run.total, run.total)
    return Predicted(
        predictor=name,
        digest=digest,
        frames=run.frames,
        labels=run.labels,
        classes=dict(sorted(run.classes.items(), key=lambda item: (-item[1], item[0]))),
        left_out=run.lost(),
        revision=revision,
    )


class _Run:
    """One model over many streams, one at a time, so that memory holds the labels of one stream.

    Attributes:
        total: Frames to look at.
        frames, labels: How many were looked at, and seen and kept.
        classes: Labels by class.
    """

    def __init__(
        self, name: str, digest: str, options: Mapping[str, str], names: Mapping[str, str | None], total: int
    ) -> None:
        self.total = total
        self.frames = self.labels = 0
        self.classes: Counter[str] = Counter()
        self._name, self._digest, self._options, self._names = name, digest, options, names
        self._unreadable = 0
        self._unknown: Counter[str] = Counter()

    def over(
        self, model: OpenModel, frames: Frames, every: int, progress: Progress | None
    ) -> tuple[list[Label], list[LabelEvent]]:
        """Look at each n-th frame of a stream; an event a frame, whether anything was seen or not."""
        labels: list[Label] = []
        events: list[LabelEvent] = []
        for index in range(0, len(frames), every):
            if progress:
                progress(str(frames.stream["stream"]), self.frames + self._unreadable, self.total)
            self._look(model, frames, index, labels, events)
        self.labels += len(labels)
        self.classes.update(label.class_name or "" for label in labels)
        return labels, events

    def lost(self) -> list[LeftOut]:
        """Name what was not predicted or not kept."""
        reasons = [("unreadable frames", self._unreadable, "the picture is absent or does not decode")]
        reasons += [
            ("unknown classes", count, f"'{name}' is not in the ontology")
            for name, count in sorted(self._unknown.items())
        ]
        return [
            LeftOut(effect="lost", what=what, count=count, reason=reason)
            for what, count, reason in reasons
            if count
        ]

    def _look(
        self, model: OpenModel, frames: Frames, index: int, labels: list[Label], events: list[LabelEvent]
    ) -> None:
        try:
            pixels = _rgb(frames.image(index))
        except ReadError:
            self._unreadable += 1
            return
        seen = model.predict(pixels)
        self._unknown.update(p.class_name for p in seen if self._names[p.class_name] is None)
        event = _event(frames, index, seen, name=self._name, digest=self._digest, options=self._options)
        made = _labels(seen, frames, index, pixels, name=self._name, digest=self._digest, names=self._names)
        self.frames += 1
        events.append(event)
        labels += [replace(label, event_id=event.event_id) for label in made]


def _count(length: int, every: int) -> int:
    return len(range(0, length, every))


def _plugin(settings: Settings) -> tuple[str, Predictor]:
    if settings.every < 1:
        raise UsageError("every 0th frame is none", code="labels.option", hint="--every 10 takes each tenth")
    if settings.predictor:
        return settings.predictor, registry.load("models", settings.predictor)
    plugins: dict[str, Predictor] = registry.load_all("models")
    claims = {name: plugin.probe(settings.model) for name, plugin in plugins.items()}
    best = max(claims, key=lambda name: claims[name].confidence)
    if not claims[best].confidence:
        refusals = "; ".join(f"{name}: {claim.reason}" for name, claim in claims.items())
        raise ReadError(
            f"{settings.model}: no plugin can run it ({refusals})",
            code="model.file",
            hint="rushes plugins models lists them",
        )
    return best, plugins[best]


def _names(model: OpenModel, own: Ontology | None) -> dict[str, str | None]:
    """Give each class of the model the name that the dataset has for it; None where it has none."""
    if own is None:
        return {name: name for name in model.classes}
    found = {name: own.class_of(name) for name in model.classes}
    return {name: spec.name if spec else None for name, spec in found.items()}


def _rgb(pixels: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Give what a detector of colour pictures takes; grey is put into all three colours."""
    if pixels.dtype != np.uint8:
        # Deeper than 8 bits: the brightest becomes 255.
        top = float(pixels.max()) or 1.0
        pixels = (pixels.astype(np.float64) * (255 / top)).astype(np.uint8)
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else np.asarray(pixels[:, :, :3])


def _labels(
    seen: Sequence[Prediction],
    frames: Frames,
    index: int,
    pixels: npt.NDArray[np.uint8],
    *,
    name: str,
    digest: str,
    names: Mapping[str, str | None],
) -> Iterator[Label]:
    recording_id, stream = frames.stream["recording_id"], frames.stream["stream"]

    def named(number: int) -> str:
        return digest_of("predict", digest, recording_id, stream, index, number)

    for number, prediction in enumerate(seen):
        class_name = names[prediction.class_name]
        if class_name is None:
            continue
        yield Label(
            label_id=named(number),
            recording_id=recording_id,
            stream=stream,
            index=index,
            t_start_ns=int(frames.t_ns[index]),
            kind=kind_of(prediction.geometry) if prediction.geometry else "class",
            source="model",
            class_name=class_name,
            geometry=prediction.geometry,
            parent_id=None if prediction.part_of is None else named(prediction.part_of),
            image_width_px=pixels.shape[1],
            image_height_px=pixels.shape[0],
            score=prediction.score,
            tool=name,
            model=digest,
        )


def _event(
    frames: Frames, index: int, seen: Sequence[Prediction], *, name: str, digest: str, options: Mapping[str, str]
) -> LabelEvent:
    key = f"{frames.stream['recording_id']}/{frames.stream['stream']}/{index}"
    said = [
        {"class": p.class_name, "score": p.score, "part_of": p.part_of, "geometry": _plain(p.geometry)}
        for p in seen
    ]
    payload = json.dumps({"model": digest, "options": dict(options), "predictions": said}, ensure_ascii=False)
    return LabelEvent(
        event_id=rows.event_id(
            tool=name,
            project=None,
            task=key,
            annotation=None,
            action="predicted",
            updated_ns=None,
            payload=payload,
        ),
        action="predicted",
        tool=name,
        payload=payload,
        received_ns=time.time_ns(),
        task_key=key,
        recording_id=frames.stream["recording_id"],
    )


def _plain(geometry: Any) -> Any:
    return None if geometry is None else {name: getattr(geometry, name) for name in geometry.__dataclass_fields__}


def _keep(
    store: Store,
    transaction: Transaction,
    frames: Frames,
    labels: Sequence[Label],
    events: Sequence[LabelEvent],
    digest: str,
) -> bool:
    """Put labels in the place of those that the same model gave the stream; say whether that changes any."""
    if not events:
        return False
    where = {"recording_id": frames.stream["recording_id"], "stream": frames.stream["stream"]}
    before = rows.labels_of(store.table("labels", where={**where, "source": "model", "model": digest}).to_pylist())
    stored = store.table("label_events", columns=["event_id"], where={"event_id": [e.event_id for e in events]})
    known = set(stored["event_id"].to_pylist())
    new_events = [event for event in events if event.event_id not in known]
    if not new_events and {_content(x) for x in before} == {_content(x) for x in labels}:
        return False
    now = time.time_ns()
    made = {label.label_id: label.created_ns for label in before}
    written = [replace(x, created_ns=made.get(x.label_id, now), updated_ns=now) for x in labels]
    transaction.append("label_events", len(new_events), rows.event_columns(new_events))
    if before:
        old = [label.label_id for label in before]
        transaction.replace("labels", {"label_id": old}, len(written), rows.label_columns(written))
    else:
        transaction.append("labels", len(written), rows.label_columns(written))
    return True


def _content(label: Label) -> tuple[Any, ...]:
    return (label.label_id, label.class_name, label.geometry, label.score, label.index, label.parent_id)
