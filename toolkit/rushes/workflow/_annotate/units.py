"""What is to be labelled: frames or moments of a dataset, chosen by SQL, as tasks of the annotation tool."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushes.annotate.label_studio import clips as clips_of_tool
from rushes.annotate.label_studio import writing
from rushes.annotate.label_studio.axes import Axis
from rushes.annotate.label_studio.passport import Passport
from rushes.annotate.label_studio.plan import Task
from rushes.annotate.label_studio.template import Template
from rushes.annotate.label_studio.writing import Refused
from rushes.annotate.rows import labels_of
from rushes.errors import ReadError, UsageError
from rushes.labels import Label
from rushes.quantities import say_count
from rushes.vocabulary import Ontology
from rushes.workflow._annotate import shown_clip, stretches
from rushes.workflow._annotate.addresses import AddressOf
from rushes.workflow._annotate.shown import Gallery, Shown, folder_name
from rushes.workflow._annotate.shown_clip import ShownClip
from rushes.workflow._labels.truth import truth_of
from rushes.workflow.dataset import Dataset
from rushes.workflow.pictures import Frames

ABSENT = "absent.png"
"""Shown where a moment has no picture of a camera."""
_NOTHING = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b55"
    "0000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)
Sample = tuple[str, str, int]
"""Recording, stream, index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One thing to label.

    Args:
        key: Of its task.
        samples: What each object of the template shows; an absent camera is left out.
        moment: Its number, where it is one.
        clip: How many samples it shows, from the one in ``samples`` on, where it is a clip.
        stretch: Numbers or sound that it shows instead of pictures.
    """

    key: str
    recording_id: str
    samples: Mapping[str, Sample]
    moment: int | None = None
    clip: int | None = None
    stretch: stretches.Stretch | None = None


@dataclass(slots=True)
class Made:
    """The tasks, and what could not become one."""

    tasks: list[Task] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    predicted: int = 0


def frames(dataset: Dataset, where: str | None) -> list[Unit]:
    """Choose frames that have bytes, in the order of recording, stream and index.

    Args:
        dataset: Where from.
        where: SQL over the columns of frames, streams and recordings; all frames when None.

    Raises:
        UsageError: ``store.query`` for SQL that does not hold.
    """
    _, rows = dataset.store.rows(
        'SELECT frames.recording_id, frames.stream, frames."index" FROM frames '
        "JOIN streams USING (recording_id, stream) JOIN recordings USING (recording_id) "
        f"WHERE frames.media_id IS NOT NULL AND frames.flags & 1 = 0 AND ({where or 'true'}) ORDER BY ALL"
    )
    return [
        Unit(key=f"{rec}/{stream}/{index}", recording_id=rec, samples={"image": (rec, stream, index)})
        for rec, stream, index in rows
    ]


def moments(dataset: Dataset, where: str | None) -> tuple[list[Unit], list[str]]:
    """Choose moments, and name the picture streams that they have members of.

    Args:
        dataset: Where from.
        where: SQL over the columns of moments and recordings; all moments when None.

    Raises:
        UsageError: As :func:`frames`.
    """
    _, rows = dataset.store.rows(
        'SELECT recording_id, moment, member.stream, member."index" FROM moments '
        "JOIN recordings USING (recording_id) "
        'JOIN (SELECT recording_id, moment, stream, "index" FROM moment_members '
        'JOIN frames USING (recording_id, stream, "index") WHERE media_id IS NOT NULL AND flags & 1 = 0) member '
        f"USING (recording_id, moment) WHERE ({where or 'true'}) ORDER BY ALL"
    )
    cameras = sorted({stream for _, _, stream, _ in rows})
    place = {stream: f"cam{at}" for at, stream in enumerate(cameras)}
    found: dict[tuple[str, int], dict[str, Sample]] = {}
    for rec, moment, stream, index in rows:
        found.setdefault((rec, moment), {})[place[stream]] = (rec, stream, index)
    units = [
        Unit(key=f"{rec}/@moment/{moment}", recording_id=rec, samples=samples, moment=moment)
        for (rec, moment), samples in found.items()
    ]
    return units, cameras


def of_stretches(chosen: Sequence[stretches.Stretch], name: str) -> list[Unit]:
    """Give the units of stretches, shown by the object of this name."""
    return [
        Unit(
            key=one.key,
            recording_id=one.row["recording_id"],
            samples={name: (one.row["recording_id"], one.row["stream"], one.index)},
            stretch=one,
        )
        for one in chosen
    ]


class Maker:
    """Makes tasks of units: lays out their pictures, gathers what was predicted for them.

    Args:
        dataset: Where from.
        media: Folder that the pictures go below.
        address: Gives the address of a file below it.
        template: Of the tasks.
        ontology: Of the template.
        cameras: Titles of a moment's views.
        predictions: Sources of labels that are shown as pre-annotations.
        versions: In their place: what is shown of each task, by key and by the name of each version.
    """

    def __init__(
        self,
        dataset: Dataset,
        media: Path,
        address: AddressOf,
        template: Template,
        ontology: Ontology,
        *,
        cameras: Sequence[str] = (),
        predictions: Sequence[str] = ("model", "import"),
        versions: Mapping[str, Mapping[str, Sequence[Label]]] | None = None,
    ) -> None:
        self._dataset = dataset
        self._media = media
        self._address = address
        self._template = template
        self._ontology = ontology
        self._cameras = cameras
        self._labels = _by_sample(dataset, predictions if versions is None else ())
        self._versions = versions
        self._spans = _spans(self._labels)
        self._names = {
            row["recording_id"]: row["name"]
            for row in dataset.arrow("recordings", columns=["recording_id", "name"]).to_pylist()
        }
        self._laid: dict[str, stretches.Laid] = {}
        self._open: tuple[tuple[str, str], Frames, Gallery] | None = None
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ABSENT).write_bytes(_NOTHING)

    @property
    def folder(self) -> Path:
        """The part of the folder that this dataset's projects may show."""
        return self._media / self._dataset.store.identity

    def make(self, units: Sequence[Unit], progress: Callable[[int, int], None] | None = None) -> Made:
        """Make the tasks, in the order of the units; ``progress`` is told pictures done, and all."""
        made = Made()
        shown: dict[str, dict[str, tuple[Passport, Path]]] = {}
        # Stream by stream, so that one gallery is open at a time and a video is read forwards.
        pictures = sorted((sample, unit.key, name) for unit in units for name, sample in unit.samples.items())
        unit_of = {unit.key: unit for unit in units}
        for done, (sample, key, name) in enumerate(pictures, 1):
            try:
                found = shown.setdefault(key, {})[name] = self._show(sample, unit_of[key])
                if found[0].absent:
                    absent = say_count(len(found[0].absent), "picture")
                    made.unreadable.append(f"{key}: {absent} cannot be decoded; the one before is shown instead")
            except ReadError as error:
                made.unreadable.append(f"{key}: {error.message}")
            if progress:
                progress(done, len(pictures))
        made.tasks = [self._task(unit, shown[unit.key], made) for unit in units if unit.key in shown]
        return made

    def _show(self, sample: Sample, unit: Unit) -> tuple[Passport, Path]:
        if unit.stretch is not None:
            folder = self.folder / unit.recording_id / folder_name(sample[1])
            laid = self._laid[unit.key] = stretches.lay(self._dataset, unit.stretch, folder)
            return laid.passport, laid.path
        passport, shown = self._show_picture(sample, unit)
        return passport, shown.path

    def _show_picture(self, sample: Sample, unit: Unit) -> tuple[Passport, Shown | ShownClip]:
        recording_id, stream, index = sample
        if self._open is None or self._open[0] != (recording_id, stream):
            frames = self._dataset.frames(recording_id, stream)
            folder = self.folder / recording_id / folder_name(stream)
            self._open = ((recording_id, stream), frames, Gallery(folder, frames))
        _, frames, gallery = self._open
        if unit.clip is not None:
            return self._show_clip(sample, unit.clip, frames)
        shown = gallery.show(index)
        request = frames.request(index)
        width, height = request.width, request.height
        if not width or not height:
            height, width = frames.image(index).shape[:2]
        passport = Passport(
            recording_id=recording_id,
            stream=stream,
            index=index,
            t_ns=int(frames.t_ns[index]),
            width_px=width,
            height_px=height,
            orientation=shown.orientation,
            pts=request.pts,
            sha256=shown.sha256,
            pixels=shown.pixels,
            moment=unit.moment,
        )
        return passport, shown

    def _show_clip(self, sample: Sample, count: int, frames: Frames) -> tuple[Passport, ShownClip]:
        recording_id, stream, index = sample
        folder = self.folder / recording_id / folder_name(stream)
        shown = shown_clip.show(frames, index, index + count, folder)
        pts = int(frames.pts[index])
        passport = Passport(
            recording_id=recording_id,
            stream=stream,
            index=index,
            t_ns=int(frames.t_ns[index]),
            width_px=shown.width_px,
            height_px=shown.height_px,
            pts=None if pts < 0 else pts,
            sha256=shown.sha256,
            index_end=index + count,
            rate_hz=float(shown.rate),
            holds=shown.holds,
            times=shown.times,
            probes=shown.probes,
            absent=shown.absent,
        )
        return passport, shown

    def _task(self, unit: Unit, shown: Mapping[str, tuple[Passport, Path]], made: Made) -> Task:
        data: dict[str, Any] = {
            name: self._address(shown[name][1] if name in shown else self.folder / ABSENT)
            for name in self._template.objects
        }
        passports = {name: passport for name, (passport, _) in shown.items()}
        data["recording"] = self._names[unit.recording_id]
        data["template"] = self._template.name
        data["shown"] = {name: passport.as_json() for name, passport in passports.items()}
        if unit.clip is not None:
            rate_hz = passports["video"].rate_hz
            assert rate_hz is not None, "a clip knows its rate"
            data["fps"] = clips_of_tool.named_rate(rate_hz)
        if self._cameras:
            data["cameras"] = list(self._cameras)
        laid = self._laid.get(unit.key)
        if laid is not None:
            data["about"] = laid.about
        axes = dict.fromkeys(passports, laid.axis) if laid is not None else {}
        by_maker = self._by_maker(passports) if self._versions is None else self._versions[unit.key]
        return Task(key=unit.key, data=data, predictions=self._predictions(by_maker, passports, axes, made))

    def _by_maker(self, passports: Mapping[str, Passport]) -> dict[str, list[Label]]:
        by_maker: dict[str, list[Label]] = {}
        for passport in passports.values():
            for label in self._labels_on(passport):
                by_maker.setdefault(label.model or label.tool or label.source, []).append(label)
        return by_maker

    def _predictions(
        self,
        by_maker: Mapping[str, Sequence[Label]],
        passports: Mapping[str, Passport],
        axes: Mapping[str, Axis],
        made: Made,
    ) -> list[dict[str, Any]]:
        predictions = []
        for maker, labels in sorted(by_maker.items()):
            written = writing.write(labels, self._template, passports, self._ontology, axes)
            made.refused += written.refused
            made.predicted += len(labels) - len(written.refused)
            if written.results or self._versions is not None:  # to have found nothing is a version too
                predictions.append({"model_version": maker, "result": list(written.results)})
        return predictions

    def _labels_on(self, passport: Passport) -> Iterator[Label]:
        """Give the labels of a picture; of a clip those that run over several samples and reach into it."""
        if passport.index_end is None:
            for label in self._labels.get((passport.recording_id, passport.stream, passport.index), ()):
                if label.index_end is None:
                    yield label
            return
        for label in self._spans.get((passport.recording_id, passport.stream), ()):
            first, end = label.index or 0, label.index_end or 0
            if first < passport.index_end and passport.index < end:
                yield label


def _by_sample(dataset: Dataset, sources: Sequence[str]) -> dict[Sample, list[Label]]:
    found: dict[Sample, list[Label]] = {}
    if not sources:
        return found
    # Of several people's versions of a frame one is shown.
    stands = truth_of(dataset.store).stands if {"human", "consensus"} & set(sources) else frozenset()
    for label in labels_of(dataset.arrow("labels", where={"source": list(sources)}).to_pylist()):
        if label.source in ("human", "consensus") and label.label_id not in stands:
            continue
        if label.stream is not None and label.index is not None:
            found.setdefault((label.recording_id, label.stream, label.index), []).append(label)
    return found


def _spans(labels: Mapping[Sample, Sequence[Label]]) -> dict[tuple[str, str], list[Label]]:
    """Gather those that run over several samples, by recording and stream."""
    found: dict[tuple[str, str], list[Label]] = {}
    for (recording_id, stream, _), there in labels.items():
        spans = [label for label in there if label.index_end is not None]
        if spans:
            found.setdefault((recording_id, stream), []).extend(spans)
    return found


def refuse_nothing(units: Sequence[Unit], where: str | None) -> None:
    """Raise a UsageError where nothing was chosen."""
    if not units:
        raise UsageError(
            f"nothing to label{f' where {where}' if where else ''}",
            code="annotate.nothing",
            hint="rushes query DATASET 'SELECT … FROM frames JOIN streams USING (recording_id, stream)' tries a "
            "condition; moments come from rushes sync",
        )
