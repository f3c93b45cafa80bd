"""What every check must do. Subclass one of these, give ``check``; the tests come with it.

``StreamCheckContract`` also wants ``faulty()``, a view in which the check must find something.
"""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rushes import ontology
from rushes.checks import PICTURE_MEASURES, label_bounds, settle
from rushes.contracts import CheckFacts, DatasetCheck, LabelsCheck, StreamCheck, StreamView
from rushes.errors import UsageError
from rushes.model import Finding, Metric, Stream
from rushes.views import ABSENT_NS, CountsView, DatasetView, LabelsView

# Each check's test class runs these by itself; hypothesis takes that for a mistake.
inherited = settings(suppress_health_check=[HealthCheck.differing_executors])

START_NS = 1_700_000_000_000_000_000
KINDS = (("gyro", "rad_s"), ("accel", "m_s2"))
IMU_COLUMNS = tuple(f"{kind}_{axis}_{unit}" for kind, unit in KINDS for axis in "xyz")


def ticks(rate_hz, count, start_ns=START_NS):
    return start_ns + np.round(np.arange(count) * 1e9 / rate_hz).astype(np.int64)


def camera(times=None, *, stream=None, pictures=None, **columns):
    """A clean 30 Hz colour camera over 10 s, changed by what is given."""
    times = ticks(30, 300) if times is None else np.asarray(times, np.int64)
    count = len(times)
    generator = np.random.default_rng(5)
    measures = {
        "unreadable": np.zeros(count),
        "mean": np.full(count, 110.0),
        "std": np.full(count, 50.0),
        "p01": np.full(count, 5.0),
        "p50": np.full(count, 105.0),
        "p95": np.full(count, 200.0),
        "p99": np.full(count, 230.0),
        "dark_share": np.full(count, 0.01),
        "bright_share": np.full(count, 0.01),
        "entropy": np.full(count, 7.0),
        "sharpness": 200 + 20 * generator.random(count),
        "width": np.full(count, 1280.0),
        "height": np.full(count, 720.0),
        "channels": np.full(count, 3.0),
        "bits": np.full(count, 8.0),
        "orientation": np.full(count, 1.0),
        "flat_top": np.zeros(count),
        "flat_bottom": np.zeros(count),
        "flat_grey": np.full(count, np.nan),
        "spread": np.full(count, 40.0),
        "red_shift": np.full(count, 8.0),
        "blue_shift": np.full(count, -6.0),
        "holes": np.full(count, 0.2),
        "levels": np.full(count, 900.0),
        "unchanged": np.where(np.arange(count) == 0, np.nan, 0.4),
        "difference": np.where(np.arange(count) == 0, np.nan, 2.0),
    }
    return StreamView(
        recording="walk.mcap",
        stream=stream or Stream(name="cam0", modality="color", table="frames", codec="jpeg", clock="header"),
        columns={
            "index": np.arange(count),
            "t_ns": times,
            "t_header_ns": times,
            "t_log_ns": times + 3_000_000,
            "seq": np.arange(count),
            "flags": np.zeros(count, np.int32),
        }
        | columns,
        pictures=measures | (pictures or {}),
    )


def imu(count=2000, **columns):
    """A clean 200 Hz IMU at rest with noise, changed by what is given."""
    generator = np.random.default_rng(6)
    times = ticks(200, count)
    values = {name: generator.normal(9.81 if name == "accel_z_m_s2" else 0, 0.02, count) for name in IMU_COLUMNS}
    return StreamView(
        recording="walk.mcap",
        stream=Stream(name="imu0", modality="imu", table="imu", clock="header"),
        columns={"index": np.arange(count), "t_ns": times, "seq": np.arange(count)} | values | columns,
    )


def cut(view, keep):
    """Keep some samples of a view, with their index counted anew."""
    columns = {name: column[keep] for name, column in view.columns.items()}
    columns["index"] = np.arange(len(columns["t_ns"]))
    return replace(view, columns=columns, pictures={name: column[keep] for name, column in view.pictures.items()})


def judged(check, view, **options):
    return list(check.judge(view, settle(check, options)))


def findings(check, view, **options):
    return [item for item in judged(check, view, **options) if isinstance(item, Finding)]


class CheckContract:
    """Base of every check's tests."""

    check: CheckFacts

    def test_it_says_what_it_is_and_why(self):
        assert self.check.name.count(".") == 1
        assert type(self.check).__module__.endswith(self.check.name.replace(".", "_"))
        assert self.check.version
        assert len(self.check.reason) > 40
        assert len(self.check.known_limits) > 40
        assert type(self.check).__doc__
        assert all(option.reason for option in self.check.defaults.values())

    def test_options_are_settled_and_unknown_ones_refused(self):
        assert settle(self.check, {}) == {name: option.default for name, option in self.check.defaults.items()}
        with pytest.raises(UsageError, match="there is no option 'bogus'") as caught:
            settle(self.check, {"bogus": 1})
        assert caught.value.code == "check.option"
        for name in self.check.defaults:
            assert settle(self.check, {name: 3})[name] == 3.0
            with pytest.raises(UsageError, match="must be a number"):
                settle(self.check, {name: "much"})
            with pytest.raises(UsageError, match="must be a number"):
                settle(self.check, {name: -1})
            with pytest.raises(UsageError) as caught:
                settle(self.check, {f"{name}x": 1})
            assert name in caught.value.hint


class StreamCheckContract(CheckContract):
    """Base of the tests of a check of one stream."""

    check: StreamCheck

    def clean(self):
        return camera()

    def faulty(self):
        raise NotImplementedError

    def test_it_asks_for_what_there_is(self):
        assert self.check.subject == "stream"
        assert set(self.check.pictures) <= set(PICTURE_MEASURES)
        assert self.check.applies(self.clean().stream)

    def test_a_clean_stream_has_no_finding(self):
        assert findings(self.check, self.clean()) == []

    def test_a_planted_fault_is_found_and_told_with_its_facts(self):
        found = findings(self.check, self.faulty())
        assert found
        for finding in found:
            assert finding.check == self.check.name
            assert finding.stream == self.faulty().stream.name
            assert finding.message.startswith(f"{finding.stream}: ")
            assert finding.severity in ("info", "warning", "error")
            assert finding.count >= 1
            assert (finding.value is None) == (finding.unit is None)

    def test_judging_twice_gives_the_same(self):
        assert judged(self.check, self.faulty()) == judged(self.check, self.faulty())

    @pytest.mark.parametrize("count", [0, 1, 2, 3])
    def test_few_samples_are_no_crash(self, count):
        judged(self.check, cut(self.clean(), np.arange(count)))

    def test_absent_columns_and_unlooked_pictures_are_no_finding(self):
        clean = self.clean()
        bare = replace(clean, columns={name: clean.columns[name] for name in ("index", "t_ns")}, pictures={})
        assert findings(self.check, bare) == []

    def test_masked_columns_are_no_crash(self):
        clean = self.clean()
        columns = {
            name: column if name in ("index", "t_ns", "flags") else np.ma.masked_all_like(column)
            for name, column in clean.columns.items()
        }
        assert findings(self.check, replace(clean, columns=columns)) == []

    @inherited
    @given(st.data())
    def test_no_data_whatever_makes_it_raise(self, data):
        clean = self.clean()
        count = data.draw(st.integers(0, min(70, len(clean.columns["t_ns"]))))
        view = cut(clean, np.arange(count))
        columns = dict(view.columns)
        for name in set(columns) - {"index"}:
            dtype = columns[name].dtype
            elements = None if dtype.kind in "fb" else st.integers(-(2**31), 2**31 - 1)
            columns[name] = data.draw(hnp.arrays(dtype, count, elements=elements))
        pictures = {
            name: data.draw(hnp.arrays(np.float64, count, elements=st.floats(0, 255) | st.just(np.nan)))
            for name in self.check.pictures
        }
        with np.errstate(all="ignore"):
            for item in judged(self.check, replace(view, columns=columns, pictures=pictures)):
                assert isinstance(item, Finding | Metric)


HANDS = """
ontology: 1
name: test
classes:
  - {name: person, skeleton: body}
  - {name: hand, attributes: [side], skeleton: small}
  - {name: cup, kinds: [box, polygon, mask, track], formerly: [mug]}
attributes: [{name: side, kind: choice, values: [left, right], required: true}]
skeletons:
  - {name: small, points: [wrist, thumb, finger, pinky]}
  - name: body
    points: [left_shoulder, right_shoulder, left_hip, right_hip, left_wrist, right_wrist]
relations: [{name: holds, subjects: [hand], objects: [cup]}]
gestures: [{name: wave}, {name: pinch}]
"""


def box(label_id, index=0, place=(100, 100, 50, 40), **changes):
    x, y, width, height = place
    return {
        "label_id": label_id, "kind": "box", "index": index, "class_name": "cup",
        "x_px": x, "y_px": y, "width_px": width, "height_px": height,
    } | changes  # fmt: skip


CAMERA = Stream(name="cam0", modality="color", table="frames", clock="header", width=640, height=480)


def labels(*rows, ontology_text=HANDS, seen=(), **changes):
    """Labels of cam0, 640 x 480 at 30 Hz, made by ada with a tool, unless a row says otherwise."""
    texts = {
        "label_id": "x", "stream": "cam0", "kind": "box", "class_name": None, "instance": None, "parent_id": None,
        "mask": None, "subject_id": None, "object_id": None, "attributes": None, "text": None, "source": "human",
        "tool": "label-studio", "author": "ada", "model": None, "origin": None,
    }  # fmt: skip
    numbers = {"index": -1, "index_end": -1, "moment": -1, "image_width_px": 640, "image_height_px": 480}
    times = dict.fromkeys(("t_start_ns", "t_end_ns", "created_ns", "updated_ns"), ABSENT_NS)
    amounts = dict.fromkeys(("x_px", "y_px", "width_px", "height_px", "rotation_deg", "score"), np.nan)
    filled = [texts | numbers | times | amounts | row for row in rows]
    for row in filled:
        if row["t_start_ns"] == ABSENT_NS and row["index"] >= 0:
            row["t_start_ns"] = START_NS + round(row["index"] * 1e9 / 30)
        if isinstance(row["attributes"], dict):
            row["attributes"] = json.dumps(row["attributes"])
    columns = {}
    for name in texts:
        columns[name] = np.empty(len(filled), object)
        columns[name][:] = [row[name] for row in filled]
    for names, kind in ((numbers | times, np.int64), (amounts, np.float64)):
        columns |= {name: np.array([row[name] for row in filled], kind) for name in names}
    lists = [list(row.get("points", ())) for row in filled]
    points = np.array([number for each in lists for number in each], np.float64)
    starts = np.cumsum([0, *(len(each) for each in lists)]).astype(np.int64)
    return LabelsView(
        recording="walk.mcap",
        columns=columns,
        bounds=label_bounds(columns, points, starts),
        points=points,
        starts=starts,
        ontology=ontology.parse(ontology_text, where="test") if ontology_text else None,
        streams={"cam0": CAMERA},
        seen={("label-studio", "ada"): frozenset(("cam0", at) for at in seen)} if len(seen) else {},
        **changes,
    )


def tidy():
    """One hand that holds one cup over 30 frames, with keypoints, relations, a track and two gestures."""
    rows = []
    for at in range(30):
        side = {"side": "left"}
        rows += [
            box(f"h{at}", at, (100 + at, 100, 50, 40), class_name="hand", attributes=side, instance="hand1"),
            box(f"c{at}", at, (140 + at, 120, 30, 30), instance="cup1"),
            {
                "label_id": f"k{at}", "kind": "keypoints", "class_name": "hand", "index": at,
                "parent_id": f"h{at}",
                "points": [110 + at, 110, 2, 120 + at, 115, 2, 130 + at, 120, 1, 140 + at, 125, 2],
            },
            {
                "label_id": f"r{at}", "kind": "relation", "class_name": "holds",
                "subject_id": f"h{at}", "object_id": f"c{at}",
            },
        ]  # fmt: skip
    rows.append(
        {
            "label_id": "t", "kind": "track", "class_name": "cup", "index": 0, "index_end": 30,
            "points": [0, 300, 300, 40, 40, 0, 1, 10, 310, 300, 40, 40, 0, 1, 20, 325, 300, 44, 44, 0, 1],
        }
    )  # fmt: skip
    for name, start in (("wave", 0.0), ("pinch", 0.6)):
        span = [START_NS + round(s * 1e9) for s in (start, start + 0.4)]
        rows.append(
            {"label_id": name, "kind": "segment", "class_name": name, "t_start_ns": span[0], "t_end_ns": span[1]}
        )
    return rows


def chosen(view, keep):
    """Keep some labels of a view."""
    parts = [view.points[view.starts[at] : view.starts[at + 1]] for at in keep]
    return replace(
        view,
        columns={name: column[keep] for name, column in view.columns.items()},
        bounds=view.bounds[keep],
        points=np.concatenate([*parts, np.zeros(0)]),
        starts=np.cumsum([0, *(len(part) for part in parts)]).astype(np.int64),
    )


class LabelsCheckContract(CheckContract):
    """Base of the tests of a check of labels."""

    check: LabelsCheck

    def faulty(self):
        raise NotImplementedError

    def test_it_says_what_it_cannot_tell(self):
        assert self.check.subject == "labels"
        assert len(self.check.known_limits) > 40

    def test_clean_labels_have_no_finding(self):
        assert findings(self.check, labels(*tidy(), seen=range(30))) == []

    def test_a_planted_fault_is_found_and_told_with_its_facts(self):
        found = findings(self.check, self.faulty())
        assert found
        for finding in found:
            assert finding.check == self.check.name
            assert finding.stream is None or finding.message.startswith(f"{finding.stream}: ")
            assert finding.severity in ("info", "warning", "error")
            assert finding.count >= 1
            assert (finding.value is None) == (finding.unit is None)

    def test_judging_twice_gives_the_same(self):
        assert judged(self.check, self.faulty()) == judged(self.check, self.faulty())

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_labels_are_no_crash(self, count):
        judged(self.check, chosen(labels(*tidy()), np.arange(count)))

    def test_without_an_ontology_nothing_crashes(self):
        judged(self.check, replace(self.faulty(), ontology=None, streams={}))

    @inherited
    @given(st.data())
    def test_no_labels_whatever_make_it_raise(self, data):
        model = {"source": "model", "author": "m", "score": 0.9}
        whole = labels(*tidy(), *(row | model for row in tidy()[:8]))
        keep = np.array(data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=25)), np.int64)
        view = chosen(whole, keep)
        columns = dict(view.columns)
        strange = st.none() | st.sampled_from(
            ["hand", "cup", "mug", "left hand", "h1", "{", '{"side": 3}', "[1]", "box", "track"]
        )
        for name in data.draw(st.sets(st.sampled_from(sorted(columns)), max_size=4)):
            column = columns[name]
            if column.dtype == object:
                if name not in ("kind", "label_id", "source"):
                    values = data.draw(st.lists(strange, min_size=len(keep), max_size=len(keep)))
                    columns[name] = np.empty(len(keep), object)
                    columns[name][:] = values
            elif column.dtype.kind == "f":
                columns[name] = data.draw(hnp.arrays(np.float64, len(keep)))
            else:
                numbers = st.just(ABSENT_NS) | st.integers(-1, 40)
                columns[name] = data.draw(hnp.arrays(np.int64, len(keep), elements=numbers))
        with np.errstate(all="ignore"):
            bounds = label_bounds(columns, view.points, view.starts)
            for item in judged(self.check, replace(view, columns=columns, bounds=bounds)):
                assert isinstance(item, Finding | Metric)


def dataset(count=12, **changes):
    """Recordings of three people at two places, two classes even in all, two sensors, one even split; no fault."""
    names = tuple(f"take{at}" for at in range(count))
    people = tuple(f"p{at % 3}" for at in range(count))
    filled = {
        "facts": {"subject": people, "place": tuple(f"room{at % 2}" for at in range(count))},
        "counts": {
            "class": CountsView(values=("cup", "hand"), counts=np.full((count, 2), 40)),
            "sensor": CountsView(values=("color", "imu"), counts=np.full((count, 2), 900)),
        },
        "measures": {("cam0", "effective_rate"): 30 + 0.001 * np.arange(count)},
        "parts": {"default": tuple("train" if at % 4 else "test" for at in range(count))},
    }
    return DatasetView(name="set", recordings=names, **(filled | changes))


class DatasetCheckContract(CheckContract):
    """Base of the tests of a check of a whole dataset."""

    check: DatasetCheck

    def faulty(self):
        raise NotImplementedError

    def test_it_says_what_it_cannot_tell(self):
        assert self.check.subject == "dataset"
        assert len(self.check.known_limits) > 40

    def test_a_clean_dataset_has_no_finding(self):
        assert findings(self.check, dataset()) == []

    def test_a_planted_fault_is_found(self):
        found = findings(self.check, self.faulty())
        assert found
        assert all(finding.check == self.check.name and finding.value is not None for finding in found)

    def test_judging_twice_gives_the_same(self):
        assert judged(self.check, self.faulty()) == judged(self.check, self.faulty())

    @pytest.mark.parametrize("count", [0, 1, 2])
    def test_few_recordings_are_no_crash(self, count):
        judged(self.check, dataset(count))

    def test_nothing_known_is_no_crash(self):
        judged(self.check, dataset(facts={}, counts={}, measures={}, parts={}))
