"""Print what the picture checks find of planted faults in photographs and films, beside CleanVision.

``python bench/pictures.py [stills|films|untouched]``. Limits were chosen on the even source photographs and films,
and both halves were looked at since; ``untouched`` plants the same faults in pictures of films and recordings, and
blur in films, that no limit was chosen on. CleanVision runs on the same files where it is installed
(``pip install -e .[bench]``). ``RUSHES_TEST_DATA`` says where the photographs are.
"""

import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import cv2
import numpy as np

from planted import Planted, defocused, make, moved, photographs, stills_of_films
from rushes import registry, resources
from rushes.checks import PICTURE_MEASURES, settle
from rushes.checks._pixels import Look, compared, look
from rushes.contracts import StreamView
from rushes.model import Finding, SmallPicture, Stream
from rushes.similar import pairs_between, pairs_within
from rushes.workflow.check import Settings, check
from rushes.workflow.dataset import Dataset
from rushes.workflow.ingest import Request, ingest

HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("RUSHES_TEST_DATA", HERE.parents[1] / "shared" / "data"))
TRUTH = {
    "under": ("image.dark",),
    "over": ("image.bright", "image.clipped"),
    "low-information": ("image.low_information",),
    "covered": ("image.covered",),
    "grey": ("image.grey",),
    "truncated": ("image.unreadable",),
    "half": ("image.half",),
    "cast": ("image.cast",),
    "strip": ("image.aspect",),
}
PEERS = {
    "under": "is_dark_issue",
    "over": "is_light_issue",
    "low-information": "is_low_information_issue",
    "covered": "is_low_information_issue",
    "grey": "is_grayscale_issue",
    "strip": "is_odd_aspect_ratio_issue",
    "blur": "is_blurry_issue",
}
FILMS = (
    "asl_gestures/book.mkv", "asl_gestures/school.mkv", "intel_bottle/bottle-detection.mp4",
    "mp_hand_video/test_video.mp4", "tfjs_asl_hand/asl_hand.25fps.mp4", "tfjs_pose/pose_1.mp4",
    "imageio/cockatoo.mp4", "torchcodec_nasa/nasa_13013.mp4",
)  # fmt: skip
RIG_FILMS = ("wave_s01.mp4", "pinch_s02.mp4")
FRESH_FILMS = (
    *(f"asl_gestures/{name}.mkv" for name in ("again", "bird", "eat", "help", "hungry", "learn", "milk", "night")),
    *(f"asl_gestures/{name}.mkv" for name in ("no", "please")),
    "tfjs_pose/pose_squats.mp4", "imageio/realshort.mp4",
)  # fmt: skip
"""No limit was chosen on them, though some show the places and people of those above."""
SOFT = 10
"""Variance of the Laplacian, in grey2, below which a film has no edges to lose."""
GOOD_COPIES = ("bytes", "png", "jpeg30", "half-size", "crop5", "flip", "shift2", "noise8")


def stills(sources: Callable[[Path], Sequence[np.ndarray]] = photographs) -> None:
    """Print recall and false alarms of the checks on single photographs, and of the search for copies."""
    with tempfile.TemporaryDirectory() as place:
        corpus, dataset = Path(place) / "corpus", Path(place) / "dataset"
        made = make(sources(DATA), corpus)
        ingest(dataset, Request(paths=[corpus]))
        check(dataset, Settings(only=["image"], fail_on="never"))
        rows = _rows(dataset, corpus)
        clean = {each.source: rows[each.path] for each in made if each.fault == "clean"}
        told = {each.path: _told(clean[each.source], rows[each.path]) for each in made}
        good = [
            each for each in made if each.fault == "clean" or (each.fault == "copy" and each.how in GOOD_COPIES)
        ]
        peer = _cleanvision(corpus)
        count = len({each.source for each in made})
        print(f"{len(made)} pictures of {count} photographs, {len(good)} of them good")
        head = f"{'even: recall / false':>22} {'odd: recall / false':>22} {'CleanVision':>16}"
        print(f"\n{'fault':16} {'check':28} {head}")
        for fault, checks in TRUTH.items():
            halves = [_score(made, good, told, fault, checks, half) for half in (0, 1)]
            beside = _peer_score(made, good, peer, fault)
            both = "".join(f" {recall:13.3f} / {false:.3f} " for recall, false in halves)
            print(f"{fault:16} {', '.join(checks):28}{both} {beside:>16}")
        _copies(made, rows)


def _rows(dataset: Path, corpus: Path) -> dict[Path, dict]:
    """Give the measures of every picture of the corpus, with its perceptual hashes."""
    with Dataset.open(dataset) as opened:
        streams = opened.arrow("streams").to_pylist()
        rows = {}
        for stream in streams:
            frames = opened.frames(stream["recording_id"], stream["stream"])
            where = {"recording_id": stream["recording_id"], "stream": stream["stream"]}
            for row in opened.arrow("pictures", where=where).to_pylist():
                rows[frames.location(row["index"]).path.resolve()] = row
    return {corpus / path.relative_to(corpus.resolve()): row for path, row in rows.items()}


def _told(clean: dict, row: dict) -> set[str]:
    """Judge one picture, in a set with its clean original, whose own findings do not count."""
    stream = Stream(name="photo", modality="color", table="frames", codec="jpeg", clock="none")
    columns = {"index": np.arange(2), "t_ns": np.zeros(2, np.int64), "flags": np.zeros(2, np.int32)}
    pictures = {
        name: np.array([np.nan if each[name] is None else each[name] for each in (clean, row)])
        for name in PICTURE_MEASURES
    }
    view = StreamView(recording="photo", stream=stream, columns=columns, pictures=pictures)
    return {found.check for found in _verdicts(view) if (found.index or 0) + found.count > 1}


def _verdicts(view: StreamView) -> list[Finding]:
    return [
        item
        for plugin in registry.load_all("checks").values()
        if plugin.subject == "stream" and plugin.pictures and plugin.applies(view.stream)
        for item in plugin.judge(view, settle(plugin, {}))
        if isinstance(item, Finding)
    ]


def _score(
    made: list[Planted], good: list[Planted], told: dict, fault: str, checks: tuple[str, ...], half: int
) -> tuple[float, float]:
    hit = [bool(told[each.path] & set(checks)) for each in made if each.fault == fault and each.source % 2 == half]
    false = [bool(told[each.path] & set(checks)) for each in good if each.source % 2 == half]
    return float(np.mean(hit)), float(np.mean(false))


def _peer_score(made: list[Planted], good: list[Planted], peer: dict, fault: str) -> str:
    column = PEERS.get(fault)
    if not peer or column is None:
        return "-"
    hit = np.mean([bool(peer.get(str(each.path), {}).get(column)) for each in made if each.fault == fault])
    false = np.mean([bool(peer.get(str(each.path), {}).get(column)) for each in good])
    return f"{hit:.3f} / {false:.3f}"


def _copies(made: list[Planted], rows: dict) -> None:
    """Print how many copies are found, and how many pairs are none."""
    options = settle(registry.load("checks", "image_near_duplicate"), {})
    pictures = [each for each in made if each.fault in ("clean", "copy")]
    pictures = [each for each in pictures if rows[each.path]["std"] >= options["flat_std"]]
    phash, mirrored = (
        np.array([rows[each.path][name] % 2**64 for each in pictures], np.uint64)
        for name in ("phash", "phash_mirrored")
    )
    source = np.array([each.source for each in pictures])
    clean = {each.source: at for at, each in enumerate(pictures) if each.fault == "clean"}
    print(f"\n{'radius':>6} {'precision':>9} " + " ".join(f"{how:>9}" for how in _ways(pictures)))
    for radius in (3, 4, 6, int(options["radius"]), 10):
        plain, turned = pairs_within(phash, radius), pairs_between(phash, mirrored, radius)
        apart = turned.first != turned.second
        pairs = {*zip(plain.first.tolist(), plain.second.tolist(), strict=True)} | {
            (min(a, b), max(a, b))
            for a, b in zip(turned.first[apart].tolist(), turned.second[apart].tolist(), strict=True)
        }
        true = sum(source[a] == source[b] for a, b in pairs)
        mixed = {
            (source[a], source[b]) if source[a] < source[b] else (source[b], source[a])
            for a, b in pairs
            if source[a] != source[b]
        }
        found = defaultdict(list)
        for at, each in enumerate(pictures):
            if each.fault == "copy":
                first = clean[each.source]
                found[each.how].append((min(at, first), max(at, first)) in pairs)
        recalls = " ".join(f"{np.mean(found[how]):9.3f}" for how in _ways(pictures))
        print(
            f"{radius:6} {true / max(1, len(pairs)):9.4f} {recalls}   "
            f"({len(pairs) - true} false of {len(pairs)}, between {len(mixed)} pairs of sources)"
        )


def _ways(pictures: list[Planted]) -> list[str]:
    return sorted({each.how for each in pictures if each.fault == "copy"})


def _cleanvision(corpus: Path) -> dict:
    """Run CleanVision on the corpus without the cut files, which end its run."""
    try:
        from cleanvision import Imagelab
    except ImportError:
        print("CleanVision is not installed: its columns stay empty")
        return {}
    paths = [str(path) for path in sorted(corpus.rglob("*.*")) if path.parent.name != "truncated"]
    lab = Imagelab(filepaths=paths)
    lab.find_issues(n_jobs=1, verbose=False)
    return lab.issues.to_dict("index")


def untouched() -> None:
    """Print the same of pictures and films that no limit was chosen on."""
    stills(stills_of_films)
    films(FRESH_FILMS, rig=())


def films(names: Sequence[str] = FILMS, rig: Sequence[str] = RIG_FILMS) -> None:
    """Print how blur is found in moving pictures: runs of a film's own frames are smeared or put out of focus."""
    print(f"\n{'film':28} {'frames':>6} {'blurred':>7} {'recall':>7} {'false':>7}")
    totals: dict[int, list[np.ndarray]] = defaultdict(list)
    for number, (name, pictures) in enumerate(_films(names, rig)):
        blurred = np.zeros(len(pictures), bool)
        generator = np.random.default_rng(number)
        shown = list(pictures)
        for start in range(15, len(pictures) - 6, 40):
            run = int(generator.integers(1, 7))
            kind = int(generator.integers(0, 4))
            angle = float(generator.uniform(0, 180))
            for at in range(start, start + run):
                scale = max(pictures[at].shape[:2]) / 1280
                length, radius = (15, 31)[kind % 2], (4, 8)[kind % 2]
                shown[at] = (
                    moved(pictures[at], max(5, int(length * scale)) | 1, angle)
                    if kind < 2
                    else defocused(pictures[at], max(2, round(radius * scale)))
                )
                blurred[at] = True
        told = _blur_told(shown)
        before = _blur_told(pictures)  # what is blurred in the film itself is no false alarm of ours
        told &= ~(before & ~blurred)
        recall, false = told[blurred].mean(), told[~blurred].mean()
        soft = _is_soft(pictures)
        if not soft:
            totals[number % 2].append(np.stack([told, blurred]))
        words = f"  {before.mean():.3f} of its own" + ("; soft throughout, not totalled" if soft else "")
        print(f"{name:28} {len(pictures):6} {int(blurred.sum()):7} {recall:7.3f} {false:7.3f}{words}")
    for half, parts in sorted(totals.items()):
        told, blurred = np.concatenate(parts, axis=1)
        recall, false = told[blurred].mean(), told[~blurred].mean()
        name = ("even films", "odd films")[half]
        print(f"{name:28} {len(told):6} {int(blurred.sum()):7} {recall:7.3f} {false:7.3f}")


def _is_soft(pictures: list[np.ndarray]) -> bool:
    """Tell a film that is out of focus throughout: blur does not stand out from blur."""
    return float(np.median([_look(pixels).measures["sharpness"] for pixels in pictures[::10]])) < SOFT


def _look(pixels: np.ndarray) -> Look:
    scale = 512 / max(pixels.shape[:2])
    if scale < 1:
        pixels = cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = pixels.shape[:2]
    return look(SmallPicture(pixels=pixels, counts=None, width=width, height=height, channels=3, bits=8))


def _films(names: Sequence[str], rig: Sequence[str]) -> list[tuple[str, list[np.ndarray]]]:
    """Give real films and some of the virtual rig, as RGB pictures."""
    samples = resources.folder("data_samples") / "gestures"
    films = []
    for path in [*(DATA / "video" / name for name in names), *(samples / name for name in rig)]:
        pictures = []
        with av.open(str(path)) as container:
            for frame in container.decode(container.streams.video[0]):
                pictures.append(frame.to_ndarray(format="rgb24"))
                if len(pictures) == 160:
                    break
        films.append((path.name, pictures))
    return films


def _blur_told(pictures: list[np.ndarray]) -> np.ndarray:
    count = len(pictures)
    measures = {name: np.full(count, np.nan) for name in PICTURE_MEASURES}
    before = None
    for at, pixels in enumerate(pictures):
        this = _look(pixels)
        row = dict(this.measures) | (compared(this, before) if before else {})
        for name, value in row.items():
            measures[name][at] = value
        before = this
    stream = Stream(name="film", modality="color", table="frames", codec="h264", clock="pts")
    columns = {
        "index": np.arange(count),
        "t_ns": np.arange(count) * 33_333_333,
        "flags": np.zeros(count, np.int32),
    }
    view = StreamView(recording="film", stream=stream, columns=columns, pictures=measures)
    blur = registry.load("checks", "image_blur")
    told = np.zeros(count, bool)
    for item in blur.judge(view, settle(blur, {})):
        if isinstance(item, Finding):
            inside = (columns["t_ns"] >= item.start_ns) & (columns["t_ns"] <= item.end_ns)
            told |= inside
    return told


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["stills", "films"]
    for name in wanted:
        {"stills": stills, "films": films, "untouched": untouched}[name]()
