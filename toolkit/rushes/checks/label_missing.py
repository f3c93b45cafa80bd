"""label.missing: frames that were looked at and lack what their neighbours have."""

from collections.abc import Iterator, Mapping
from typing import Literal

import numpy as np

from rushes.checks._labels import MAKER, Flags, Places, given, groups, told
from rushes.contracts import LabelsCheck, Option
from rushes.model import Finding, Metric
from rushes.views import ABSENT_NS, LabelsView

OF_FRAMES = ("box", "rotated_box", "polygon", "mask", "keypoints", "class")


class LabelMissing:
    """A maker's frames in order; a class that is there before and after, and not between."""

    name = "label.missing"
    version = "1"
    reason = (
        "What nobody labelled is taken for background and unlearnt. A hand does not vanish for one frame: where "
        "it is labelled just before and just after, it was forgotten, or hidden."
    )
    known_limits = (
        "What is hidden or out of the picture for a moment is found too, so it is info. Frames further apart than "
        "within_s, and pictures without times, have no neighbours. A thing that is never labelled is not found; a "
        "model's second opinion is (label.model)."
    )
    subject: Literal["labels"] = "labels"
    defaults: Mapping[str, Option] = {
        "within_s": Option(default=0.5, unit="s", reason="longer, and a hand may truly have left and come back"),
        "empty_share": Option(
            default=0.1, unit="", reason="where 9 of 10 frames have labels, one without is worth a look"
        ),
        "least_frames": Option(default=20, unit="frames", reason="fewer say nothing of a share"),
    }

    def judge(self, view: LabelsView, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        """Find interruptions, then frames without anything."""
        kind, index = view.columns["kind"], view.columns["index"]
        whole: Flags = np.isin(kind, OF_FRAMES) & (index >= 0) & (view.columns["source"] != "model")
        rows = np.flatnonzero(whole & ~given(view.columns["parent_id"]))
        maker = groups(view, *MAKER, "stream")
        for number in np.unique(maker[rows]).tolist():
            yield from self._interrupted(view, rows[maker[rows] == number], options)
        yield from self._empty(view, rows, options)

    def _interrupted(self, view: LabelsView, rows: Places, options: Mapping[str, float]) -> Iterator[Finding]:
        index, times = view.columns["index"], view.columns["t_start_ns"]
        one = int(rows[0])
        stream = view.columns["stream"][one]
        looked = view.seen.get((view.columns["tool"][one], view.columns["author"][one]), frozenset())
        frames = np.unique(np.concatenate((index[rows], [at for name, at in looked if name == stream]))).astype(
            np.int64
        )
        known = view.streams.get(stream) if stream is not None else None
        if len(frames) < 3 or known is None or known.clock == "none":
            return  # pictures without times are no film
        time_of = np.full(len(frames), ABSENT_NS)
        time_of[np.searchsorted(frames, index[rows])] = times[rows]
        kinds = groups(view, "kind", "class_name", "instance")[rows]
        for number in np.unique(kinds).tolist():
            mine = rows[kinds == number]
            counts = np.bincount(np.searchsorted(frames, index[mine]), minlength=len(frames))
            least = np.minimum(counts[:-2], counts[2:])
            known = (time_of[:-2] != ABSENT_NS) & (time_of[2:] != ABSENT_NS)
            span = np.where(known, time_of[2:] - time_of[:-2], 2**62)
            gone = np.flatnonzero((counts[1:-1] < least) & (span > 0) & (span <= options["within_s"] * 1e9)) + 1
            if not len(gone):
                continue
            before = {int(index[row]): int(row) for row in mine.tolist()}
            at = {before[int(frames[place - 1])]: int(place) for place in gone.tolist()}

            def say(row: int, at: dict[int, int] = at, counts: Places = counts) -> str:
                place = at[row]
                return (
                    f"frame {frames[place]} has {counts[place]} of its kind; {counts[place - 1]} before and "
                    f"{counts[place + 1]} after (frames {frames[place - 1]} and {frames[place + 1]})"
                )

            yield from told(view, list(at), check=self.name, severity="info", say=say)

    def _empty(self, view: LabelsView, rows: Places, options: Mapping[str, float]) -> Iterator[Metric | Finding]:
        columns = view.columns
        for (tool, author), frames in sorted(view.seen.items(), key=str):
            for stream in sorted({name for name, _ in frames}):
                looked = {at for name, at in frames if name == stream}
                mine = (columns["stream"][rows] == stream) & (columns["tool"][rows] == tool)
                mine &= columns["author"][rows] == author
                empty = sorted(looked - set(columns["index"][rows[mine]].tolist()))
                share = len(empty) / len(looked)
                yield Metric(metric="frames_without_labels", value=float(len(empty)), unit="1", stream=stream)
                if not empty or len(looked) < options["least_frames"] or share > options["empty_share"]:
                    continue
                who = author or tool or "someone"
                listed = ", ".join(map(str, empty[:10])) + (" …" if len(empty) > 10 else "")
                yield Finding(
                    check=self.name,
                    severity="info",
                    message=f"{stream}: {who} looked at {len(looked):,} frames and left {len(empty):,} without "
                    f"a label: {listed}",
                    value=share,
                    limit=options["empty_share"],
                    unit="1",
                    stream=stream,
                    index=empty[0],
                    count=len(empty),
                )


PLUGIN: LabelsCheck = LabelMissing()
