"""An HTTP server that streams sound, and whatever else servers send."""

import base64
import contextlib
import io
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import soundfile

RATE = 44_100
LOGIN = "kitchen:s3cr:t/ä"


def sine(seconds: float, rate: int = RATE) -> np.ndarray:
    """440 Hz, shape [n, 2]."""
    mono = 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)
    return np.stack((mono, mono), axis=1)


def encoded(container: str, subtype: str, seconds: float = 6.0) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, sine(seconds), RATE, format=container, subtype=subtype)
    return file.getvalue()


def endless_wav(seconds: float = 4.0) -> bytes:
    """The beginning of a WAV stream without an end, as ffmpeg writes it."""
    head = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 2**32 - 1, b"WAVE", b"fmt ", 16, 1, 2, RATE, 4 * RATE, 4, 16)
    return head + struct.pack("<4sI", b"data", 2**32 - 1) + (sine(seconds) * 32_767).astype("<i2").tobytes()


@dataclass
class StreamServer:
    """`answers` by path; `frozen`: a connection is taken, and that is all, until it is cleared."""

    port: int = 0
    answers: dict[str, Callable[["Handler"], None]] = field(default_factory=dict)
    thawed: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    requests: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    state: StreamServer

    def do_GET(self) -> None:
        self.state.requests.append(self.path)
        with contextlib.suppress(OSError):  # the listener has gone
            self.state.answers[self.path.partition("?")[0]](self)

    def log_message(self, *_: Any) -> None:
        """Nothing: stderr is for failures."""

    def send(self, data: bytes, kind: str = "audio/wav", status: int = 200) -> None:
        """All of it at once, then silence on the line until the test is over."""
        self.begin(kind, status)
        self.wfile.write(data)
        self.state.over.wait(30)

    def begin(self, kind: str = "audio/wav", status: int = 200, length: int | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Connection", "close")
        if length is not None:
            self.send_header("Content-Length", str(length))
        if status == 401:
            self.send_header("WWW-Authenticate", 'Basic realm="kitchen"')
        self.end_headers()

    @property
    def let_in(self) -> bool:
        return self.headers.get("Authorization") == "Basic " + base64.b64encode(LOGIN.encode()).decode()


@contextmanager
def stream_server(tls: ssl.SSLContext | None = None) -> Iterator[StreamServer]:
    state = StreamServer()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bound", (Handler,), {"state": state}))
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a refused certificate is expected
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    state.port = server.server_port
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    serving.start()
    try:
        yield state
    finally:
        state.over.set()
        state.thawed.set()
        server.shutdown()
        server.server_close()
        serving.join()
