"""Cameras for tests: pictures whose bytes are known, an HTTP server of JPEGs, and streams of H.264 over TCP."""

import io
import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
