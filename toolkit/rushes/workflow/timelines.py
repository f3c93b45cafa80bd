"""The recordings of a dataset, each on one clock; what is asked of all of them is read once."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from rushes.annotate import rows
from rushes.labels import Label
from rushes.timelines import Happening, Timeline
from rushes.vocabulary import Ontology
from rushes.workflow._labels import vocabulary
from rushes.workflow._labels.truth import truth_of
from rushes.workflow._timeline.layout import Layout
from rushes.workflow.dataset import Dataset
from rushes.workflow.excluded import excluded
from rushes.workflow.takes import Discarded

_Rows = Mapping[str, list[Mapping[str, Any]]]
_LABELS = """
SELECT l.recording_id, CAST(bit_xor(hash(l)) AS VARCHAR), count(*)
FROM labels l JOIN standing s USING (label_id) WHERE s.stands GROUP BY ALL
"""
"""A number of all that is said by the labels that stand, by recording; without reading them one by one."""


class Timelines:
    """The recordings of a dataset; it must stay open as long as timelines are read.

    Args:
        dataset: Opened at the revision that is meant.
        discarded: Whether samples of discarded takes are in them too.
    """

    def __init__(self, dataset: Dataset, *, discarded: bool = False) -> None:
        self._dataset = dataset
        self._with_discarded = discarded

    @cached_property
    def _discarded(self) -> Discarded | None:
        return None if self._with_discarded else excluded(self._dataset.store).discarded

    def of(self, recording_id: str) -> Timeline:
        """Lay out a recording. Its pictures and sound are read when the timeline is."""
        return self._layout(recording_id).timeline()

    def span_ns(self, recording_id: str) -> tuple[int, int] | None:
        """Give first and last time of a recording, as its timeline has them; None where nothing has a time."""
        return self._layout(recording_id).span_ns

    def happenings(self, recording_id: str) -> list[Happening]:
        """Give the segments and findings of a recording, without laying it out."""
        layout = self._layout(recording_id)
        return layout.kept([*layout.segments(self._segments.get(recording_id, [])), *layout.findings()])

    def digest(self, recording_id: str) -> str:
        """Make a name of all that its timeline depends on; what is read again from equal digests is equal."""
        layout = self._layout(recording_id)
        row = layout.recording
        ontology = self._ontology.digest if self._ontology else ""
        said = (row["name"], row["fingerprint"], row["reader"], row["reader_version"], ontology)
        streams = [(stream["stream"], stream["count"]) for stream in layout.rows]
        labels = self._label_digests.get(recording_id)
        out = tuple(self._discarded.of(recording_id)) if self._discarded else ()
        whole = repr((said, layout.newest_maps, labels, layout.found, streams) + ((out,) if out else ()))
        return hashlib.sha256(whole.encode()).hexdigest()[:16]

    def _layout(self, recording_id: str) -> Layout:
        return Layout(
            dataset=self._dataset,
            recording=self._recordings[recording_id][0],
            rows=self._streams.get(recording_id, []),
            maps=self._maps.get(recording_id, []),
            found=self._findings.get(recording_id, []),
            ontology=self._ontology,
            read_labels=lambda: self._standing({"recording_id": recording_id}),
            discarded=self._discarded,
        )

    def _standing(self, where: Mapping[str, Any]) -> list[Label]:
        found = rows.labels_of(self._dataset.arrow("labels", where=where).to_pylist())
        return [label for label in found if label.label_id in self._stands] if found else []

    @cached_property
    def _stands(self) -> frozenset[str]:
        return truth_of(self._dataset.store).stands

    @cached_property
    def _ontology(self) -> Ontology | None:
        return vocabulary.of_dataset(self._dataset.store)

    @cached_property
    def _segments(self) -> Mapping[str, list[Label]]:
        grouped: defaultdict[str, list[Label]] = defaultdict(list)
        for label in self._standing({"kind": "segment"}):
            grouped[label.recording_id].append(label)
        return grouped

    @cached_property
    def _label_digests(self) -> Mapping[str, tuple[Any, ...]]:
        _, found = self._dataset.store.rows(_LABELS)
        return {recording_id: tuple(rest) for recording_id, *rest in found}

    @cached_property
    def _recordings(self) -> _Rows:
        return self._grouped("recordings")

    @cached_property
    def _streams(self) -> _Rows:
        return self._grouped("streams")

    @cached_property
    def _maps(self) -> _Rows:
        return self._grouped("clock_maps")

    @cached_property
    def _findings(self) -> _Rows:
        return self._grouped("findings")

    def _grouped(self, table: str) -> _Rows:
        grouped: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for row in self._dataset.arrow(table).to_pylist():
            grouped[row["recording_id"]].append(row)
        return grouped
