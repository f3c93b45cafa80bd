"""Print how fast pictures come out of packets in a recording, beside the same stream in an MP4 and plain FFmpeg.

``python bench/packets.py``. A photograph of the real data that moves, 300 pictures of 1280 x 720 px at 30 Hz,
with a key frame a second. The packets are the same in both; every seventh picture is held against that of the MP4.
"""

import os
import random
import sys
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from statistics import median

import av
import cv2
import numpy as np

import rushes
from rushes.workflow.ingest import Request, ingest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))
from packet_recordings import recording  # noqa: E402
from planted import photographs  # noqa: E402

DATA = Path(os.environ.get("RUSHES_TEST_DATA", HERE.parents[1] / "shared" / "data"))
RUNS = int(os.environ.get("RUSHES_BENCH_RUNS", "3"))
COUNT, GOP, WIDTH, HEIGHT, AT_RANDOM = 300, 30, 1280, 720, 60
ENCODERS = {"h264": ("libx264", "h264"), "h265": ("libx265", "hevc")}
OPTIONS = {
    "h264": {"preset": "veryfast", "crf": "23", "bf": "0", "x264-params": "scenecut=0:log-level=none"},
    "h265": {"preset": "ultrafast", "x265-params": "bframes=0:scenecut=0:log-level=none:repeat-headers=1"},
}


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as made:
        print(f"{COUNT} pictures of {WIDTH}x{HEIGHT}, a key frame every {GOP}; a second, median of {RUNS}")
        print("| codec | | in order | in order, small | at random | CPU ms a picture in order |")
        print("|---|---|--:|--:|--:|--:|")
        for codec in ENCODERS:
            one_codec(codec, Path(made))


def one_codec(codec: str, place: Path) -> None:
    """Print the rows of one codec."""
    sent = packets(codec)
    clip = mp4(place / f"{codec}.mp4", codec, sent)
    held = recording(place / f"{codec}_packets.mcap", codec, sent)
    ingest(place / codec, Request(paths=[clip, held]))
    with rushes.open_dataset(place / codec) as opened:
        (in_file,) = opened.picture_streams(clip.stem)
        (in_messages,) = opened.picture_streams(held.stem)
        for index in range(0, COUNT, 7):
            assert np.array_equal(in_file.image(index), in_messages.image(index)), index
        rows = {"packets in an MCAP": [], "the same in an MP4": [], "FFmpeg alone, packets in memory": []}
        for _ in range(RUNS):  # in turn, so that what else the machine does falls on all alike
            rows["packets in an MCAP"].append(speeds(in_messages))
            rows["the same in an MP4"].append(speeds(in_file))
            rows["FFmpeg alone, packets in memory"].append(alone(codec, sent))
    for name, found in rows.items():
        values = [median(each) for each in zip(*found, strict=True)]
        told = " | ".join("" if np.isnan(value) else f"{value:.0f}" for value in values[:3])
        print(f"| {codec} | {name} | {told} | {values[3]:.2f} |")


def speeds(frames) -> tuple[float, float, float, float]:
    """Give pictures a second in order, small and in order, at random; CPU milliseconds a picture in order."""
    frames.image(COUNT - 1)
    begun, cpu = time.perf_counter(), time.process_time()
    for index in range(COUNT):
        frames.image(index)
    whole, cpu = COUNT / (time.perf_counter() - begun), (time.process_time() - cpu) / COUNT * 1e3
    begun = time.perf_counter()
    for index in range(COUNT):
        frames.small(index, None, long_side_px=512)
    small = COUNT / (time.perf_counter() - begun)
    chosen = random.Random(5).sample(range(COUNT), AT_RANDOM)
    begun = time.perf_counter()
    for index in chosen:
        frames.image(index)
    return whole, small, AT_RANDOM / (time.perf_counter() - begun), cpu


def alone(codec: str, sent: list[bytes]) -> tuple[float, float, float, float]:
    """Decode to RGB with nothing around it."""
    decoder = av.CodecContext.create(ENCODERS[codec][1], "r")
    begun, cpu = time.perf_counter(), time.process_time()
    for data in [*sent, None]:
        for frame in decoder.decode(av.Packet(data) if data else None):
            frame.to_ndarray(format="rgb24")
    taken = time.perf_counter() - begun
    return COUNT / taken, np.nan, np.nan, (time.process_time() - cpu) / COUNT * 1e3


def packets(codec: str) -> list[bytes]:
    """Encode a photograph that moves."""
    source = cv2.resize(photographs(DATA)[0][:, :, ::-1], (WIDTH + COUNT, HEIGHT + COUNT))
    encoder = av.CodecContext.create(ENCODERS[codec][0], "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.gop_size = WIDTH, HEIGHT, "yuv420p", GOP
    encoder.time_base, encoder.framerate, encoder.options = Fraction(1, 30), 30, OPTIONS[codec]
    made = []
    for at in range(COUNT):
        seen = np.ascontiguousarray(source[at : at + HEIGHT, at : at + WIDTH])
        frame = av.VideoFrame.from_ndarray(seen, "bgr24")
        frame.pts = at
        made += encoder.encode(frame)
    return [bytes(packet) for packet in made + encoder.encode(None)]


def mp4(path: Path, codec: str, sent: list[bytes]) -> Path:
    """Put packets into an MP4 as they are."""
    joined = path.with_suffix("." + ENCODERS[codec][1])
    joined.write_bytes(b"".join(sent))
    with av.open(str(joined), options={"framerate": "30"}) as source, av.open(str(path), "w") as into:
        track = into.add_stream_from_template(source.streams.video[0])
        for at, packet in enumerate(p for p in source.demux(video=0) if p.size):
            packet.stream, packet.time_base = track, Fraction(1, 30)
            packet.pts = packet.dts = at
            into.mux(packet)
    joined.unlink()
    return path


if __name__ == "__main__":
    main()
