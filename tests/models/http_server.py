"""A real HTTP server on loopback, whose answers misbehave as those of the world do."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


class Site:
    """`answers` by path; `asked` is what was requested, in order. `released` lets a hanging answer end."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.released = threading.Event()
        self.url = ""

    def file(self, path: str, content: bytes) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            send(request, len(content), content)

        return self.add(path, answer)

    def cut(self, path: str, content: bytes, kept: int) -> str:
        """Promises all of `content` and closes the connection after `kept` bytes."""
        return self.add(path, lambda request: send(request, len(content), content[:kept]))

    def endless(self, path: str, piece: bytes) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.end_headers()
            while not self.released.is_set():
                request.wfile.write(piece)

        return self.add(path, answer)

    def hanging(self, path: str, content: bytes, kept: int = 1_000) -> str:
        """Sends the first bytes and then nothing more."""

        def answer(request: BaseHTTPRequestHandler) -> None:
            send(request, len(content), content[:kept])
            request.wfile.flush()
            self.released.wait(60)

        return self.add(path, answer)

    def redirect(self, path: str, target: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(302)
            request.send_header("Location", target)
            request.send_header("Content-Length", "0")
            request.end_headers()

        return self.add(path, answer)

    def add(self, path: str, answer: Answer) -> str:
        self.answers[path] = answer
        return self.url + path


def send(request: BaseHTTPRequestHandler, length: int, content: bytes) -> None:
    request.send_response(200)
    request.send_header("Content-Length", str(length))
    request.end_headers()
    request.wfile.write(content)


@contextmanager
def serve(tls: ssl.SSLContext | None = None) -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            try:
                if answer := site.answers.get(self.path):
                    answer(self)
                else:
                    self.send_error(404)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the client has seen enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = False  # so that closing waits for them, and no socket is left open

        def handle_error(self, request: object, client_address: object) -> None:
            pass  # a client that does not trust the certificate breaks off in the handshake

    with Server(("127.0.0.1", 0), Handler) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        site.url = f"{'https' if tls else 'http'}://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield site
        finally:
            site.released.set()
            server.shutdown()
            thread.join()
