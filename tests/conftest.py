"""Fixtures that several packages share."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from listener.bench.ports import free_port as free_port

START_SECONDS = 10.0


class Mosquitto:
    """A real broker on a port of its own. `start` and `stop` as often as a test likes; it forgets all in between."""

    def __init__(self, folder: Path, port: int) -> None:
        self.host = "127.0.0.1"
        self.port = port
        self._folder = folder
        self._settings = ["allow_anonymous true"]
        self._process: subprocess.Popen[bytes] | None = None

    def configure(self, *lines: str) -> None:
        """Instead of "anybody may": settings as in mosquitto.conf(5), from the next start on."""
        self._settings = list(lines)

    def demand_password(self, file: Path, username: str, password: str) -> None:
        subprocess.run(["mosquitto_passwd", "-b", "-c", file, username, password], check=True, capture_output=True)
        self.configure("allow_anonymous false", f"password_file {file}")

    def start(self) -> None:
        config = self._folder / "mosquitto.conf"
        lines = [f"listener {self.port} {self.host}", "persistence false", "user root", *self._settings]
        config.write_text("\n".join(lines) + "\n", encoding="utf-8")
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(["mosquitto", "-c", config], stdout=log, stderr=log)
        self._wait()

    def stop(self, kill: bool = False) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._process.wait(10)
        self._process = None

    def pause(self) -> None:
        """Accepts connections and answers nothing, as a machine in trouble does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            assert self._process is not None
            if self._process.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection((self.host, self.port), 1):
                return
            time.sleep(0.02)
        pytest.fail(f"mosquitto did not start: {(self._folder / 'mosquitto.log').read_text(errors='replace')}")


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Mosquitto]:
    """A mosquitto that is not started yet. Absence skips, but not in continuous integration."""
    if shutil.which("mosquitto") is None:
        reason = "mosquitto is not installed: apt-get install mosquitto"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    folder = tmp_path / "mosquitto"
    folder.mkdir()
    broker = Mosquitto(folder, free_port())
    yield broker
    broker.resume()
    broker.stop()
