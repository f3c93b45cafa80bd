"""Export: labels and their pictures in the format of another tool, with a report of what it cannot carry."""

import json
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from io import BytesIO
from pathlib import Path
from typing import Any

from rushes import __version__, registry
from rushes.annotate import rows
from rushes.annotate.tracks import boxes_of
from rushes.contracts import Exported, Exporter, LeftOut
from rushes.errors import ReadError, UsageError
from rushes.labels import Label, LabelledPicture, Picture, Track, digest_of, kind_of
from rushes.quantities import say_count
from rushes.vocabulary import Ontology
from rushes.workflow._labels import exported, vocabulary
from rushes.workflow._labels.choosing import chosen
from rushes.workflow._labels.truth import truth_of
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import Excluded, excluded
from rushes.workflow.parts import COLUMNS, Parts
from rushes.workflow.pictures import Frames
from rushes.workflow.plugin_options import settled
from rushes.workflow.takes import DISCARD

_PLAIN = {"jpeg": ".jpg", "png": ".png", "webp": ".webp", "bmp": ".bmp"}
"""Codecs whose bytes are a picture file as they stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What to export, and how.

    Args:
        format: Plugin of the kind ``export``.
        out: Folder to make; it may exist if it is empty.
        options: Of the format.
        split: Name of a split, whose parts become those of the export.
        source: Only labels of this source, as :func:`choosing.chosen` reads it. By default the truth: of several
            people's versions of a frame one, and no model's proposals.
        tool: Only labels of this tool.
        unlabelled: Take along the frames without labels of every stream that has labelled ones.
        pictures: Whether the pictures themselves are written.
        rejected: Take along what people rejected or deleted, and what is of discarded takes.
    """

    format: str
    out: Path
    options: Mapping[str, str] = field(default_factory=dict)
    split: str | None = None
    source: str = "truth"
    tool: str | None = None
    unlabelled: bool = False
    pictures: bool = True
    rejected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The outcome."""

    settings: Settings
    exported: Exported
    revision: int


def export(
    dataset: Path,
    settings: Settings,
    *,
    at: int | str | None = None,
    argv: Sequence[str] = (),
    dry_run: bool = False,
) -> Done:
    """Write labelled frames as another tool wants them.

    Pictures are written as they are stored: a JPEG or PNG byte for byte, but that its EXIF turn is set to none, so
    that every program sees the pixels that the labels count; anything else is decoded and written as PNG.

    Raises:
        UsageError: If the folder is not empty, an option is unknown, or there is nothing to export.
        RecipeError: ``ontology.absent`` if the dataset has none.
        StoreError: If the dataset cannot be opened.
    """
    exporter: Exporter = registry.load("export", settings.format)
    options = settled(f"the format '{exporter.name}'", exporter.defaults, settings.options)
    _must_be_free(settings.out)
    with Dataset.open(dataset, at=at) as opened:
        ontology = vocabulary.needed(opened.store)
        gathered = _Gathered(opened, settings)
        if not gathered.pictures:
            raise UsageError(
                f"{dataset} has no labelled frames to export"
                + (f" in split '{settings.split}'" if settings.split else ""),
                code="labels.none",
                hint="all of them are rejected; --include-rejected takes them along"
                if gathered.rejected
                else "all of them are of discarded takes; --include-rejected takes them along"
                if gathered.discarded
                else "what models propose is no truth by itself; --source model exports it"
                if gathered.truth.proposed and settings.source == "truth"
                else f"rushes query {dataset} 'select source, tool, kind, count(*) from labels group by all'",
            )
        place = settings.out.with_name(settings.out.name + ".part")
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            if settings.pictures and not dry_run:
                gathered.write_pictures(place / "images")
            written = exporter.write(place, gathered.pictures, ontology, options)
            whole = _with_the_rest(written, gathered, place, settings.out)
            _note(place / "export.json", settings, options, ontology, whole, opened.revision)
            if not dry_run:
                if settings.out.exists():
                    settings.out.rmdir()
                place.replace(settings.out)
        finally:
            shutil.rmtree(place, ignore_errors=True)
        if not dry_run:
            made = exported.Export(
                path=settings.out,
                format=settings.format,
                options=options,
                split=settings.split,
                source=settings.source,
                tool=settings.tool,
                revision=opened.revision,
                pictures=whole.pictures,
                label_ids=gathered.label_ids,
                digest=exported.digest_of_files(whole.files, settings.out),
            )
            exported.record(dataset, made, argv=argv)
        return Done(settings=settings, exported=whole, revision=opened.revision)


class _Gathered:
    """The labels of a dataset, frame by frame.

    Attributes:
        pictures: In the order of recording, stream and index.
        elsewhere: Labels that lie on no single frame.
        from_tracks: Tracks that became a box a frame.
        unreadable: Labels whose frame cannot be written.
        one_of_several: Labels that stand though others say otherwise of their item and nobody has settled it.
        rejected: Labels on frames that people rejected or deleted.
        rejected_frames: How many such frames would else be in it.
        discarded: Labels on frames of takes that were discarded while they were recorded.
        discarded_frames: How many such frames would else be in it.
        discarded_takes: Recording and number of those takes.
    """

    def __init__(self, opened: Dataset, settings: Settings) -> None:
        wanted = chosen(settings.source)
        wanted = replace(wanted, tool=settings.tool or wanted.tool)
        self.truth = truth_of(opened.store)
        every = rows.labels_of(opened.arrow("labels").to_pylist())
        labels = [label for label in every if wanted.takes(label, self.truth.stands)]
        self.one_of_several: list[Label] = []
        if wanted.source in ("truth", "human") and wanted.author is None:
            unsettled = self.truth.of_unsettled
            self.one_of_several = [label for label in labels if label.label_id in unsettled]
        self._parts = _parts(opened, settings.split) if settings.split else Parts(())
        self._opened = opened
        self.elsewhere: list[Label] = []
        self.outside_split: list[Label] = []
        self.rejected: list[Label] = []
        self.rejected_frames = 0
        self.discarded: list[Label] = []
        self.discarded_frames = 0
        self.discarded_takes: set[tuple[str, int | None]] = set()
        self._excluded = Excluded() if settings.rejected else excluded(opened.store)
        self.from_tracks = 0
        self._of_track: dict[str, str] = {}
        by_frame: dict[tuple[str, str], dict[int, list[Label]]] = defaultdict(lambda: defaultdict(list))
        for label in labels:
            if settings.split and not self._in_split(label):
                self.outside_split.append(label)
            elif isinstance(label.geometry, Track) and label.stream is not None:
                self.from_tracks += 1
                for one in _boxes_of(label, label.geometry):
                    self._of_track[one.label_id] = label.label_id
                    by_frame[label.recording_id, label.stream][one.index or 0].append(one)
            elif label.stream is None or label.index is None or label.index_end is not None:
                self.elsewhere.append(label)
            else:
                by_frame[label.recording_id, label.stream][label.index].append(label)
        self.pictures: list[LabelledPicture] = []
        self._frames: list[tuple[Frames, int]] = []
        names = {
            row["recording_id"]: row["name"]
            for row in opened.arrow("recordings", columns=["recording_id", "name"]).to_pylist()
        }
        doubled = {name for name in names.values() if list(names.values()).count(name) > 1}
        for (recording_id, stream), labelled in sorted(by_frame.items()):
            name = names.get(recording_id, recording_id)
            folder = f"{name}-{recording_id[:8]}" if name in doubled else name
            self._take(recording_id, stream, labelled, f"{_plain(folder)}/{_plain(stream)}", settings.unlabelled)

    def _in_split(self, label: Label) -> bool:
        """Tell whether the recording of a label is in the split; its frame may yet lie between two parts."""
        return label.recording_id in self._parts.recordings

    def _take(
        self, recording_id: str, stream: str, labelled: Mapping[int, list[Label]], folder: str, unlabelled: bool
    ) -> None:
        frames = self._opened.frames(recording_id, stream)
        suffix = _PLAIN.get(frames.stream["codec"] or "", ".png")
        for index in range(len(frames)) if unlabelled else sorted(labelled):
            mine = labelled.get(index, [])
            if self._parts and self._parts.of(recording_id, stream, index) is None:
                self.outside_split.extend(mine)
                continue
            why = self._excluded.takes(recording_id, stream, index)
            if why == DISCARD:
                self.discarded.extend(mine)
                self.discarded_frames += 1
                self.discarded_takes.add((recording_id, self._excluded.take(recording_id, stream, index)))
                continue
            if why:
                self.rejected.extend(mine)
                self.rejected_frames += 1
                continue
            if frames.missing(index) and not mine:
                continue
            width, height = _size(frames, index, mine)
            picture = Picture(
                name=f"{folder}/{index:06d}{suffix}",
                width_px=width,
                height_px=height,
                recording_id=recording_id,
                stream=stream,
                index=index,
                t_ns=int(frames.t_ns[index]),
                part=self._parts.of(recording_id, stream, index),
            )
            self.pictures.append(LabelledPicture(picture=picture, labels=tuple(mine)))
            self._frames.append((frames, index))

    @property
    def label_ids(self) -> list[str]:
        """The names of the dataset's labels in it; a track is one, on however many frames it is shown."""
        every = (label for each in self.pictures for label in each.labels)
        return sorted({self._of_track.get(label.label_id, label.label_id) for label in every})

    def write_pictures(self, place: Path) -> None:
        """Write every picture; one that cannot be read goes, with its labels, to ``unreadable``."""
        headers = registry.late("rushes.export._pictures")
        kept: list[LabelledPicture] = []
        self.unreadable = []
        for each, (frames, index) in zip(self.pictures, self._frames, strict=True):
            file = place / (each.picture.part or "") / each.picture.name
            file.parent.mkdir(parents=True, exist_ok=True)
            try:
                _write_picture(file, frames, index, headers)
            except ReadError:
                self.unreadable += each.labels
                continue
            kept.append(each)
        self.pictures = kept

    unreadable: Sequence[Label] = ()


def _write_picture(file: Path, frames: Frames, index: int, headers: Any) -> None:
    codec = frames.stream["codec"] or ""
    if codec in _PLAIN:
        data = frames.bytes(index)
        file.write_bytes(headers.without_turn(data) if codec == "jpeg" else data)
        facts = headers.header(file)
        if facts is not None and not facts.turn_deg and not facts.mirrored:
            return
        file.unlink()
    file.write_bytes(headers.as_png(frames.image(index)))


def _boxes_of(label: Label, track: Track) -> Iterator[Label]:
    """Give a track's box on each frame as a label of its own; all show one instance."""
    for index, box in boxes_of(track, end=label.index_end):
        yield replace(
            label,
            label_id=digest_of(label.label_id, index),
            kind=kind_of(box),
            geometry=box,
            index=index,
            index_end=None,
            t_start_ns=None,
            t_end_ns=None,
            instance=label.instance or label.label_id,
            received=None,
        )


def _size(frames: Frames, index: int, labels: Iterable[Label]) -> tuple[int, int]:
    for label in labels:
        if label.image_width_px and label.image_height_px:
            return label.image_width_px, label.image_height_px
    # The stream's size does not serve: the pictures of a folder may differ.
    if (frames.stream["codec"] or "") in _PLAIN:
        facts = registry.late("rushes.export._pictures").header(BytesIO(frames.bytes(index)))
        if facts is not None:
            return facts.width_px, facts.height_px
    request = frames.request(index)
    if request.width and request.height:
        return request.width, request.height
    height, width = frames.image(index).shape[:2]
    return width, height


def _parts(opened: Dataset, split: str) -> Parts:
    found = opened.arrow("splits", columns=COLUMNS).to_pylist()
    parts = Parts(row for row in found if row["split"] == split)
    if not parts:
        offered = sorted({row["split"] for row in found})
        near = registry.close_to(split, offered)
        raise UsageError(
            f"there is no split '{split}'",
            code="labels.split",
            hint=f"did you mean '{near}'?"
            if near
            else f"there are {', '.join(offered) or 'none'}; rushes split makes one",
        )
    return parts


def _must_be_free(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"'{out}' is there and not empty",
            code="labels.occupied",
            hint="name another folder, or remove this one",
        )


def _with_the_rest(written: Exported, gathered: _Gathered, place: Path, out: Path) -> Exported:
    rest = (
        ("labels on no single frame", gathered.elsewhere, "it is about a span, a moment or a whole recording"),
        ("labels outside the split", gathered.outside_split, "their recording is in no part of the split"),
        (
            "labels on rejected frames",
            gathered.rejected,
            "people rejected them; --include-rejected takes them along",
        ),
        (
            "labels on discarded takes",
            gathered.discarded,
            "their takes were discarded; --include-rejected takes them along",
        ),
        ("unreadable frames", gathered.unreadable, "the picture is absent or does not decode"),
    )
    lost = [
        LeftOut(effect="lost", what=what, count=len(labels), reason=reason)
        for what, labels, reason in rest
        if labels
    ]
    if gathered.rejected_frames:
        reason = "people rejected or deleted them; --include-rejected takes them along"
        lost.append(LeftOut(effect="noted", what="rejected frames", count=gathered.rejected_frames, reason=reason))
    if gathered.discarded_frames:
        takes = say_count(len(gathered.discarded_takes), "discarded take")
        reason = f"they are of {takes}; --include-rejected takes them along"
        count = gathered.discarded_frames
        lost.append(LeftOut(effect="noted", what="frames of discarded takes", count=count, reason=reason))
    if gathered.from_tracks:
        reason = "each was written as a box on every frame that it is shown on, by straight lines between its keys"
        lost.append(LeftOut(effect="noted", what="tracks", count=gathered.from_tracks, reason=reason))
    if gathered.one_of_several:
        reason = (
            "several people labelled their items; rushes annotate adjudicate or consensus settles which is right"
        )
        count = len(gathered.one_of_several)
        lost.append(LeftOut(effect="noted", what="one of several versions", count=count, reason=reason))
    whole = replace(
        written,
        files=tuple(out / file.relative_to(place) for file in written.files),
        labels_in=written.labels_in + sum(x.count for x in lost if x.effect == "lost"),
        left_out=(*written.left_out, *lost),
    )
    assert whole.balanced, whole
    return whole


def _note(
    file: Path, settings: Settings, options: Mapping[str, str], ontology: Ontology, whole: Exported, revision: int
) -> None:
    """Write down beside the export what it is of."""
    body = {
        "rushes": __version__,
        "revision": revision,
        "format": settings.format,
        "options": dict(options),
        "split": settings.split,
        "ontology": ontology.digest,
        "classes": list(ontology.class_names),
        "pictures": whole.pictures,
        "labels_in": whole.labels_in,
        "labels_out": whole.labels_out,
        "left_out": [asdict(x) for x in whole.left_out],
    }
    file.write_text(json.dumps(body, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _plain(name: str) -> str:
    """Make a name that any file system and any trainer takes."""
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in name).strip("_.")
    return kept or "stream"
