"""What lanes of a timeline are made of: columns, pictures that everybody can look at, labels by picture."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from rushes import registry
from rushes.annotate.tracks import boxes_of
from rushes.contracts import Decoder
from rushes.errors import ReadError
from rushes.labels import Label, Track, kind_of
from rushes.model import Stream
from rushes.timelines import Numbers
from rushes.workflow.pictures import Frames, decoder_for, spread

_LOOKED_AT = 7
"""Pictures of a depth stream that its colours are fitted to."""
_FIELDS = tuple(Stream.__dataclass_fields__)


def stream_of(row: Mapping[str, Any]) -> Stream:
    """Give the noun that a row of ``streams`` is of."""
    known = {name: row[name] for name in _FIELDS if name in row}
    lists = {name: tuple(row[name]) for name in ("channel_names", "channel_units") if row[name] is not None}
    return Stream(name=row["stream"], **{key: value for key, value in known.items() if key != "name"} | lists)


def decoder_or_none(codec: str | None) -> Decoder | None:
    """Give the decoder of a codec; None where none knows it."""
    try:
        return decoder_for(codec or "")
    except ReadError:
        return None


def renderer(frames: Frames, there: npt.NDArray[np.bool_]) -> Callable[[int, npt.NDArray[Any] | None], bytes]:
    """Give what shows a picture as JPEG, in the same colours for the same depth all over the stream."""
    modality = frames.stream["modality"]
    render = registry.late("rushes.decoders._render")
    spans: list[tuple[float, float] | None] = [] if modality == "depth" else [None]

    def rendered(index: int, pixels: npt.NDArray[Any] | None) -> bytes:
        if not spans:
            spans.append(_depth_span(frames, there, render))
        shown = frames.image(index) if pixels is None else pixels
        made: bytes = render.to_jpeg(shown, modality, span=spans[0])
        return made

    return rendered


def _depth_span(frames: Frames, there: npt.NDArray[np.bool_], render: Any) -> tuple[float, float]:
    usable = np.flatnonzero(there)
    found = []
    for place in spread(len(usable), _LOOKED_AT):
        try:
            limits = render.limits_of(frames.image(int(usable[place])), "depth")
        except ReadError:
            continue
        if limits is not None:
            found.append(limits)
    return (min(low for low, _ in found), max(high for _, high in found)) if found else (0.0, 1.0)


def by_index(labels: Sequence[Label], stream: str) -> dict[int, list[Label]]:
    """Give the labels that lie on single pictures of a stream, a track as a box on each."""
    found: defaultdict[int, list[Label]] = defaultdict(list)
    for label in labels:
        if label.stream != stream or label.index is None:
            continue
        if isinstance(label.geometry, Track):
            for index, box in boxes_of(label.geometry, end=label.index_end):
                found[index].append(replace(label, kind=kind_of(box), geometry=box, received=None))
        elif label.kind not in ("segment", "relation") and label.index_end is None:
            found[label.index].append(label)
    return dict(found)


def floats(column: pa.ChunkedArray) -> Numbers:
    """Give a column as numbers, NaN for null."""
    values: Numbers = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy()
    return values


def channels(column: pa.ChunkedArray) -> list[Numbers]:
    """Give the channels of a signal; where a sample has fewer than others, NaN."""
    array = column.combine_chunks()
    array = array.chunk(0) if isinstance(array, pa.ChunkedArray) else array
    lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    values = pc.fill_null(array.flatten(), float("nan")).to_numpy(zero_copy_only=False)
    width = int(lengths.max(initial=0))
    table = np.full((len(lengths), width), np.nan)
    table[np.arange(width) < lengths[:, None]] = values
    return [np.ascontiguousarray(table[:, i]) for i in range(width)]
