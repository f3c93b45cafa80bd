"""The preview of a recording that goes on: its state, pictures and traces, for a page that asks for them."""

import html
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from rushes.capturing import Pictures, Samples, Texts
from rushes.live import LiveRecording, Status, StreamStatus, Take
from rushes.loopback.site import Asked, Reply, Site
from rushes.loopback.traces import WINDOW_NS, Trace
from rushes.packets import self_contained

MOST_SAMPLES = 20_000
USUAL_HZ = 100.0
"""Assumed of a stream whose rate is not known yet."""
TEXTS_SHOWN = 8
MOST_PACKETS = 600
"""So far back the newest key frame of a video is looked for, which stands for those that lean on it."""
_START_CODES = (b"\0\0\1", b"\0\0\0\1")

Thumbnail = Callable[[bytes], bytes | None]
"""Makes a JPEG of an encoded picture that no browser shows as it is; None where it cannot."""


def preview(recording: LiveRecording, thumbnail: Thumbnail, *, title: str, port: int = 0) -> Site:
    """Give the page of a recording; it is served while it is held open with ``with``."""
    return Site(page(title), Preview(recording, thumbnail).answer, port=port)


class Preview:
    """Answers what the page asks. Safe from many threads.

    Args:
        recording: That goes on.
        thumbnail: For depth and what else a browser does not show.
    """

    def __init__(self, recording: LiveRecording, thumbnail: Thumbnail) -> None:
        self._recording, self._thumbnail = recording, thumbnail
        self._lock = threading.Lock()
        self._traces: dict[str, Trace] = {}
        self._texts: dict[str, list[tuple[int, str]]] = {}
        self._takes: dict[int, Take] = {}
        self._made: dict[str, tuple[int, Reply]] = {}

    def answer(self, asked: Asked) -> Reply | None:
        """Answer ``/state`` and ``/picture?stream=NAME&seen=ID``."""
        if asked.path == "/state":
            return Reply(body=json.dumps(self.state(), allow_nan=False).encode())
        if asked.path == "/picture":
            return self.picture(asked.query.get("stream", ""), asked.query.get("seen", ""))
        return None

    def state(self) -> dict[str, Any]:
        """Give all but the pictures, as JSON values."""
        status = self._recording.status()
        with self._lock:
            self._note_take(status.take)
            return {
                "elapsed_s": round(status.elapsed_ns / 1e9, 1),
                "paused": status.paused,
                "written_bytes": status.written_bytes,
                "free_bytes": status.free_bytes,
                "takes": [_take(take, status.now_ns) for take in self._takes.values()],
                "streams": [self._stream(stream, status) for stream in status.streams],
                "troubles": [
                    {
                        "what": trouble.what,
                        "where": trouble.stream or trouble.sensor or "",
                        "message": trouble.message,
                        "ago_s": round((status.now_ns - trouble.at_ns) / 1e9, 1),
                    }
                    for trouble in reversed(status.troubles)
                ],
            }

    def picture(self, stream: str, seen: str) -> Reply:
        """Give the newest picture of a stream; nothing where the page has it already, or there is none.

        Of H.264 and H.265 it is the newest key frame.
        """
        found = next(self._pictures(stream, 1), None)
        if found is not None and found[1].startswith(_START_CODES) and self_contained(found[1]) is None:
            within = self._pictures(stream, MOST_PACKETS)
            found = next((each for each in within if self_contained(each[1]) is not None), None)
        if found is None:
            return Reply()
        newest, data = found
        if seen == str(newest):
            return Reply()
        made = self._made.get(stream)
        if made is None or made[0] != newest:
            made = newest, self._shown(data, newest)
            self._made[stream] = made
        return made[1]

    def _pictures(self, stream: str, most: int) -> Iterator[tuple[int, bytes]]:
        """Give arrival and bytes of the latest pictures, the newest first."""
        for batch in reversed(self._recording.latest(stream, most)):
            if isinstance(batch.content, Pictures):
                yield from zip(reversed(batch.arrival_ns.tolist()), reversed(batch.content.data), strict=True)

    def _shown(self, data: bytes, newest: int) -> Reply:
        kind = _kind_for_browsers(data)
        shown = data if kind else self._thumbnail(data)
        if shown is None:
            return Reply()
        return Reply(body=shown, kind=kind or "image/jpeg", headers={"X-Picture": str(newest)})

    def _stream(self, stream: StreamStatus, status: Status) -> dict[str, Any]:
        told: dict[str, Any] = {
            "name": stream.stream or stream.sensor,
            "sensor": stream.sensor,
            "form": stream.form,
            "state": stream.state,
            "samples": stream.samples,
            "rate_hz": stream.rate_hz,
            "nominal_rate_hz": stream.nominal_rate_hz,
            "dropped": stream.dropped,
            "queue": stream.queue,
            "said": stream.said,
            "silent_s": None if stream.last_ns is None else round((status.now_ns - stream.last_ns) / 1e9, 1),
        }
        if stream.form in ("inertial", "sound", "numbers", "places"):
            trace = self._traces.setdefault(stream.stream, Trace())
            trace.take(self._since(stream, status, trace.seen_ns), stream.channel_names)
            told["groups"] = trace.drawn(status.now_ns)
        elif stream.form == "texts":
            told["texts"] = [
                {"text": text, "ago_s": round((status.now_ns - at_ns) / 1e9, 1)}
                for at_ns, text in self._latest_texts(stream.stream)
            ]
        return told

    def _since(self, stream: StreamStatus, status: Status, seen_ns: int) -> list[Samples]:
        missing_s = min(WINDOW_NS, max(0, status.now_ns - seen_ns)) / 1e9 + 1.0
        rate = max(stream.rate_hz or USUAL_HZ, stream.nominal_rate_hz or 0.0)
        return list(self._recording.latest(stream.stream, min(MOST_SAMPLES, round(rate * missing_s) + 1)))

    def _latest_texts(self, stream: str) -> list[tuple[int, str]]:
        found = [
            (int(at_ns), text)
            for batch in self._recording.latest(stream, TEXTS_SHOWN)
            if isinstance(batch.content, Texts)
            for at_ns, text in zip(batch.arrival_ns.tolist(), batch.content.values, strict=True)
        ]
        return found[: -TEXTS_SHOWN - 1 : -1]

    def _note_take(self, take: Take) -> None:
        """Keep what is known of the takes; one that is repeated was discarded."""
        before = self._takes.get(take.number - 1)
        if before is not None and before.end_ns is None:
            verdict = "discard" if take.retake_of == before.number else before.verdict
            self._takes[before.number] = replace(before, end_ns=take.start_ns, verdict=verdict)
        self._takes[take.number] = take


def page(title: str) -> str:
    """Give the page, with a title of its own."""
    return _document("preview").replace("{{title}}", html.escape(title))


@cache
def _document(name: str) -> str:
    return Path(__file__).with_name(f"{name}.html").read_text(encoding="utf-8")


def _kind_for_browsers(data: bytes) -> str | None:
    """Tell the media type of a picture that any browser shows; None for depth, raw pixels and video."""
    if data[:3] == b"\xff\xd8\xff":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[:8] == b"\x89PNG\r\n\x1a\n" and data[24:25] == b"\x08":  # 16 bits a pixel would come out black
        return "image/png"
    return None


def _take(take: Take, now_ns: int) -> Mapping[str, Any]:
    return {
        "number": take.number,
        "verdict": take.verdict,
        "retake_of": take.retake_of,
        "lasts": take.end_ns is None,
        "long_s": round(((now_ns if take.end_ns is None else take.end_ns) - take.start_ns) / 1e9, 1),
    }
