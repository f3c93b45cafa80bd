"""Cameras for tests: pictures whose bytes are known, an HTTP server of JPEGs, and streams of H.264 over TCP."""

import base64
import io
import re
import socket
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread

import av
import cv2
import numpy as np

WIDTH, HEIGHT, RATE = 64, 48, 25


def drawn(number: int) -> np.ndarray:
    """Draw a picture that moves with its number, BGR."""
    pixels = np.full((HEIGHT, WIDTH, 3), 40, np.uint8)
    cv2.circle(pixels, (8 + number * 3 % 48, 24), 7, (40, 200, 240), -1)
    return pixels


def jpeg(number: int) -> bytes:
    """Give a drawn picture as JPEG."""
    return cv2.imencode(".jpg", drawn(number))[1].tobytes()


class HttpCamera:
    """A server of ``multipart/x-mixed-replace``.

    Args:
        form: Gives the bytes of one part, with its boundary and headers.
        content_type: Header of the answer.
        fall_after: Parts after which a connection is dropped; None: never.
    """

    def __init__(
        self,
        form: Callable[[int, bytes], bytes],
        content_type: str = "multipart/x-mixed-replace; boundary=frame",
        *,
        pictures: Sequence[bytes] | None = None,
        fall_after: int | None = None,
        pause_s: float = 0.02,
    ) -> None:
        camera = self
        self.sent: list[bytes] = []
        self.asked: list[str] = []
        self.connections = 0
        self.gone = Event()
        shown = list(pictures) if pictures is not None else [jpeg(i) for i in range(12)]

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                camera.asked.append(self.headers.get("Authorization", ""))
                if camera.gone.is_set():
                    self.send_error(503)
                    return
                self.send_response(200)
                self.send_header("Content-Type", content_type)
                self.end_headers()
                number = 0
                while not camera._stop.wait(pause_s) and not camera.gone.is_set() and number != fall_after:
                    picture = shown[number % len(shown)]
                    try:
                        self.wfile.write(form(number, picture))
                        self.wfile.flush()
                    except OSError:
                        return
                    camera.sent.append(picture)
                    number += 1

            def log_message(self, *said: object) -> None:
                pass

        self._stop = Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/video"
        self._thread = Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def with_length(number: int, picture: bytes) -> bytes:
    """Write a part as most cameras do."""
    head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"


def without_length(number: int, picture: bytes) -> bytes:
    """Write a part of a camera that does not say how long it is."""
    return b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + picture + b"\r\n"


def with_stamp(number: int, picture: bytes) -> bytes:
    """Write a part with a time of the camera's own: a hundred seconds, and 40 ms each."""
    head = f"--frame\r\nX-Timestamp: {100 + number * 0.04:.6f}\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n"


def video(container: str, codec: str = "libx264", *, frames: int = 50, place: Path | None = None) -> bytes:
    """Encode drawn pictures without B frames, a key frame every ten; the bytes of the file."""
    into = io.BytesIO()
    with av.open(into if place is None else str(place), "w", format=container) as output:
        options = (
            {"bf": "0", "tune": "zerolatency"} if codec == "libx264" else {"x265-params": "bframes=0:log-level=0"}
        )
        track = output.add_stream(codec, rate=RATE, options=options)
        track.width, track.height, track.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        track.gop_size = 10
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(drawn(number), format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            output.mux(track.encode(frame))
        output.mux(track.encode(None))
    return into.getvalue() if place is None else place.read_bytes()


def packets_of(data: bytes) -> list[tuple[int, bytes]]:
    """Give stamp in nanoseconds and bytes of every packet, as FFmpeg takes them from a file."""
    with av.open(io.BytesIO(data)) as container:
        return [
            (int(packet.pts * packet.time_base * 1_000_000_000), bytes(packet))
            for packet in container.demux(video=0)
            if packet.size
        ]


@contextmanager
def tcp_camera(data: bytes, *, lasts_s: float = 2.0, stays: bool = True) -> Iterator[str]:
    """Serve bytes over TCP at an even pace to whoever connects; the URL.

    Args:
        stays: Whether the connection stays open at the end.
    """
    stop = Event()
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.05)

    def serve(connection: socket.socket) -> None:
        piece = max(188, len(data) // 40)
        with connection:
            for begin in range(0, len(data), piece):
                try:
                    connection.sendall(data[begin : begin + piece])
                except OSError:
                    return
                if stop.wait(lasts_s / 40):
                    return
            if stays:
                stop.wait()

    def accept() -> None:
        while not stop.is_set():
            try:
                connection, _ = listening.accept()
            except TimeoutError:
                continue
            Thread(target=serve, args=(connection,), daemon=True).start()

    thread = Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        stop.set()
        thread.join()
        listening.close()


class RtspCamera:
    """A camera that speaks RTSP (RFC 2326) and sends H.264 as RTP (RFC 6184) in the same connection.

    Args:
        data: An Annex B stream in a container, as :func:`video` gives it; sent at its pace, over and over.
        sets_apart: Whether the parameter sets are in the description alone and not in the stream.
    """

    def __init__(self, data: bytes, *, sets_apart: bool = True) -> None:
        self.units = [
            [unit for unit in re.split(rb"\x00*\x00\x00\x01", packet) if unit] for _, packet in packets_of(data)
        ]
        self._sets = [unit for unit in self.units[0] if unit[0] & 0x1F in (7, 8)]
        self._apart = sets_apart
        self._stop = Event()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(0.05)
        self.url = f"rtsp://127.0.0.1:{self._listening.getsockname()[1]}/live"
        self._thread = Thread(target=self._accept, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop serving."""
        self._stop.set()
        self._thread.join()
        self._listening.close()

    def _accept(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listening.accept()
            except TimeoutError:
                continue
            Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as asked, suppress(OSError):
            while not self._stop.is_set() and (line := asked.readline()):
                verb = line.split(b" ")[0]
                headers = {}
                while more := asked.readline().strip():
                    name, _, value = more.decode().partition(":")
                    headers[name.lower()] = value.strip()
                body = self._description() if verb == b"DESCRIBE" else ""
                answer = {"CSeq": headers["cseq"], "Session": "1", "Content-Length": str(len(body))}
                answer |= {"Public": "DESCRIBE, SETUP, PLAY", "Content-Type": "application/sdp"}
                answer["Transport"] = "RTP/AVP/TCP;unicast;interleaved=0-1"
                told = "".join(f"{name}: {value}\r\n" for name, value in answer.items())
                connection.sendall(f"RTSP/1.0 200 OK\r\n{told}\r\n{body}".encode())
                if verb == b"PLAY":
                    self._play(connection)
                    return

    def _description(self) -> str:
        sets = ",".join(base64.b64encode(unit).decode() for unit in self._sets)
        return (
            "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=live\r\nt=0 0\r\nm=video 0 RTP/AVP 96\r\n"
            "a=rtpmap:96 H264/90000\r\na=control:track0\r\n"
            f"a=fmtp:96 packetization-mode=1; sprop-parameter-sets={sets}\r\n"
        )

    def _play(self, connection: socket.socket) -> None:
        number = seq = 0
        while not self._stop.wait(1 / RATE / 2):
            units = self.units[number % len(self.units)]
            units = [unit for unit in units if not (self._apart and unit in self._sets)]
            for unit in units:
                last = unit is units[-1]
                head = struct.pack(
                    ">BBHII", 0x80, 96 | (0x80 if last else 0), seq & 0xFFFF, 90_000 + number * 90_000 // RATE, 7
                )
                packet = head + unit
                connection.sendall(b"$\0" + struct.pack(">H", len(packet)) + packet)
                seq += 1
            number += 1
