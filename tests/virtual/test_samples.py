"""The committed samples: made again they are the same, and they are what their README says."""

import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from rushes.resources import folder
from rushes.virtual.truth import read_truth

SAMPLES = folder("data_samples")
LIMIT_BYTES = 5_000_000


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    return json.loads((SAMPLES / "truth.json").read_text())


def files(place: Path) -> dict[str, str]:
    return {
        path.relative_to(place).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in place.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc")
    }


def script() -> Any:
    spec = importlib.util.spec_from_file_location("make_samples", SAMPLES / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


TAKES = {rig.name: rig for rig in script().takes()}


@pytest.mark.slow
@pytest.mark.parametrize("name", TAKES)
def test_a_take_made_again_has_the_same_bytes(name: str, tmp_path: Path, summary: dict[str, Any]) -> None:
    assert script().make_take(TAKES[name], tmp_path / "tabletop") == summary["recordings"][f"{name}.mcap"]
    assert len(files(tmp_path)) == 2
    assert files(tmp_path).items() <= files(SAMPLES).items()


@pytest.mark.slow
def test_the_clips_made_again_have_the_same_bytes(tmp_path: Path, summary: dict[str, Any]) -> None:
    assert script().make_gestures(tmp_path) == summary["gestures"]
    assert files(tmp_path) == files(SAMPLES / "gestures")


def test_the_desk_made_again_has_the_same_bytes(tmp_path: Path, summary: dict[str, Any]) -> None:
    assert script().make_desk(tmp_path / "desk") == summary["rgbd_desk"]
    assert files(tmp_path / "desk") == files(SAMPLES / "rgbd_desk")


def test_the_readme_is_written_from_the_summary(summary: dict[str, Any]) -> None:
    assert script().readme(summary) == (SAMPLES / "README.md").read_text(encoding="utf-8")


def test_nothing_lies_among_the_samples_that_no_one_made(summary: dict[str, Any]) -> None:
    made = {"README.md", "truth.json"} | {f"gestures/{name}" for name in summary["gestures"]}
    made |= {f"rgbd_desk/{name}" for name in summary["rgbd_desk"]["files"]}
    made |= {f"tabletop/{name}{ending}" for name in TAKES for ending in (".mcap", ".truth.json")}
    assert set(files(SAMPLES)) == made


def test_the_samples_stay_small(summary: dict[str, Any]) -> None:
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < LIMIT_BYTES


def test_the_digests_in_the_summary_and_the_readme_are_those_of_the_files(summary: dict[str, Any]) -> None:
    readme, real = (SAMPLES / "README.md").read_text(), files(SAMPLES)
    told = {name: facts["sha256"] for name, facts in summary["recordings"].items()}
    told |= {f"gestures/{name}": facts["sha256"] for name, facts in summary["gestures"].items()}
    for name, digest in told.items():
        assert f"| {name} |" in readme
        assert f"`{digest}`" in readme
    told |= {f"rgbd_desk/{name}": digest for name, digest in summary["rgbd_desk"]["files"].items()}
    places = {name: f"tabletop/{name}" if name in summary["recordings"] else name for name in told}
    assert {name: real[places[name]] for name in told} == told


def test_the_recordings_hold_what_the_summary_says(summary: dict[str, Any]) -> None:
    for name, facts in summary["recordings"].items():
        with (SAMPLES / "tabletop" / name).open("rb") as stream:
            reader = make_reader(stream, validate_crcs=True)
            statistics = reader.get_summary()
            counts: dict[str, int] = {}
            span: dict[str, tuple[int, int]] = {}
            for _, channel, message in reader.iter_messages():
                counts[channel.topic] = counts.get(channel.topic, 0) + 1
                first, _ = span.get(channel.topic, (message.log_time, 0))
                span[channel.topic] = first, message.log_time
        assert counts == {t: s["count"] for t, s in facts["streams"].items()} | facts["other_topics"]
        assert sum(counts.values()) == facts["messages"]
        assert statistics is not None
        assert statistics.statistics is not None
        assert statistics.statistics.message_count == facts["messages"]
        for topic, stream in facts["streams"].items():
            assert span[topic] == (stream["first_log_ns"], stream["last_log_ns"])
            assert stream["count"] == stream["taken"] - len(stream["dropped_seq"])
        truth = read_truth((SAMPLES / "tabletop" / name).with_suffix(".truth.json"))
        assert {t: len(s.true_ns) for t, s in truth.streams.items()} == {
            t: s["count"] for t, s in facts["streams"].items()
        }


def test_the_planted_faults_are_there_and_nowhere_else(summary: dict[str, Any]) -> None:
    for name, facts in summary["recordings"].items():
        pictures: dict[str, list[bytes]] = {}
        with (SAMPLES / "tabletop" / name).open("rb") as stream:
            reader = make_reader(stream, decoder_factories=[DecoderFactory()])
            for _, channel, _, decoded in reader.iter_decoded_messages():
                if channel.topic.endswith("image/compressed"):
                    pictures.setdefault(channel.topic, []).append(bytes(decoded.data))
        for topic, payloads in pictures.items():
            said = facts["streams"][topic]
            cut = [i for i, data in enumerate(payloads) if data[-2:] != b"\xff\xd9"]
            same = [i for i in range(1, len(payloads)) if payloads[i] == payloads[i - 1]]
            bright = [i for i, data in enumerate(payloads) if i not in cut and _mean(data) > 225]
            assert (cut, same, bright) == (
                said["truncated_index"],
                said["repeated_index"],
                said["overexposed_index"],
            ), f"{name} {topic}"
    faulty = summary["recordings"]["tabletop_s02_take1.mcap"]["streams"]
    cam0 = faulty["/cam0/image/compressed"]
    assert (cam0["dropped_seq"], cam0["truncated_index"], cam0["repeated_index"]) == ([11, 12], [20], [29])
    assert len(cam0["overexposed_index"]) == 6
    assert len(faulty["/depth/image/compressedDepth"]["dropped_seq"]) == 7
    assert faulty["/depth/image/compressedDepth"]["longest_gap_ns"] == pytest.approx(8e8, abs=1e6)


def test_the_clips_have_their_frames(summary: dict[str, Any]) -> None:
    for name, facts in summary["gestures"].items():
        assert name.startswith(f"{facts['label']}_{facts['subject']}.")
        with av.open(str(SAMPLES / "gestures" / name)) as container:
            stream = container.streams.video[0]
            frames = list(container.decode(stream))
        assert len(frames) == facts["frames"]
        assert (frames[0].width, frames[0].height) == (facts["width_px"], facts["height_px"])
        assert stream.average_rate == facts["rate_hz"]


def test_the_desk_is_a_tum_folder(summary: dict[str, Any]) -> None:
    desk, facts = SAMPLES / "rgbd_desk", summary["rgbd_desk"]
    lists = {part: _rows(desk / f"{part}.txt") for part in ("rgb", "depth", "accelerometer", "groundtruth")}
    assert {part: len(rows) for part, rows in lists.items()} == {
        "rgb": facts["color"],
        "depth": facts["depth"],
        "accelerometer": facts["accelerometer"],
        "groundtruth": facts["groundtruth"],
    }
    lag = [float(d[0]) - float(c[0]) for c, d in zip(lists["rgb"], lists["depth"], strict=True)]
    assert lag == pytest.approx([0.007] * facts["color"], abs=2e-6)
    depth = cv2.imread(str(desk / lists["depth"][0][1]), cv2.IMREAD_UNCHANGED)
    assert depth.dtype == np.uint16
    assert 0.4 < np.median(depth) / facts["depth_counts_per_m"] < 1.2
    quaternions = np.array([[float(x) for x in row[4:]] for row in lists["groundtruth"]])
    assert np.linalg.norm(quaternions, axis=1) == pytest.approx(1.0, abs=1e-5)
    # Optical axes: y points down, and the specific force at rest points up.
    assert all(float(row[2]) < -5 for row in lists["accelerometer"])


def _rows(path: Path) -> list[list[str]]:
    return [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]


def _mean(data: bytes) -> float:
    return float(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE).mean())
